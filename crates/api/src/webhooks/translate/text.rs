//! Details and links, collected from what a message says here and there.

use std::{borrow::Cow, fmt::Write};

use domain::{Alert, Labels, Link};

use super::json::Json;

pub(crate) use domain::text::reason;
pub(super) use domain::text::{details, digest, key, line, title, word};

/// Collects details: what has no words leaves no line.
#[derive(Default)]
pub(super) struct Lines(String);

impl Lines {
    /// Text as it is, anything larger as indented JSON, and an empty line behind it.
    pub(super) fn prose(&mut self, said: &Json<'_>) {
        if let Some(prose) = said.prose() {
            self.0.push_str(&prose);
            self.0.push_str("\n\n");
        }
    }

    /// A name and what is said under it, a list in one line.
    pub(super) fn field(&mut self, name: &str, said: &Json<'_>) {
        let words = match said {
            Json::List(items) => items.iter().filter_map(Json::text).collect::<Vec<_>>().join(", ").into(),
            Json::Object(_) => said.prose().unwrap_or_default(),
            _ => said.text().unwrap_or_default(),
        };
        self.line(name, &words);
    }

    /// A name and words, unless there are none.
    pub(super) fn line(&mut self, name: &str, words: &str) {
        if !words.is_empty() {
            let _ = writeln!(self.0, "{name}: {words}");
        }
    }

    /// What was collected.
    pub(super) fn kept(&self) -> Option<String> {
        details(&self.0)
    }
}

/// Collects links, each once, without those that a browser should not follow.
#[derive(Default)]
pub(super) struct Links(Vec<Link>);

impl Links {
    /// Keeps the link in `href`, if it is one.
    pub(super) fn add(&mut self, href: &Json<'_>, text: &str) {
        let Some(href) = href.text() else { return };
        let known = self.0.iter().any(|link| link.href == *href);
        if domain::text::is_link(&href) && !known && self.0.len() < Alert::MAX_LINKS {
            self.0.push(Link { href: href.into_owned(), text: word(text) });
        }
    }

    /// Keeps the links of a list of texts or of objects.
    pub(super) fn add_list(&mut self, list: &Json<'_>) {
        for item in list.items() {
            let href =
                if let Json::Object(_) = item { item.any(&["href", "url", "link", "src"]) } else { item };
            let text = item.any(&["text", "title", "name", "alt"]).text();
            self.add(href, text.as_deref().unwrap_or("Link"));
        }
    }

    /// What was kept.
    pub(super) fn kept(self) -> Vec<Link> {
        self.0
    }
}

/// The labels of an object: those fields of it that have words.
pub(super) fn labels(said: &Json<'_>) -> Labels {
    let fields = said.fields().iter().filter_map(|(name, value)| Some((name, value.text()?)));
    let kept = fields.take(Alert::MAX_LABELS);
    kept.map(|(name, value)| label(name, &value)).collect()
}

/// The labels of an object whose fields may have several values, or of a list of pairs or of tags.
pub(super) fn any_labels(said: &Json<'_>) -> Labels {
    let named = said.fields().iter().filter_map(|(name, value)| Some(label(name, &values(value)?)));
    let listed = said.items().iter().filter_map(|item| match item.text() {
        Some(written) => Some(tag(&written)),
        None => Some(label(
            &item.any(&["key", "name", "label"]).text()?,
            &values(item.any(&["value", "values"])).unwrap_or_default(),
        )),
    });
    named.chain(listed).take(Alert::MAX_LABELS).collect()
}

/// A value, or several with commas between them.
fn values<'a>(said: &'a Json<'_>) -> Option<Cow<'a, str>> {
    let Json::List(items) = said else { return said.text() };
    let items: Vec<_> = items.iter().filter_map(Json::text).collect();
    (!items.is_empty()).then(|| items.join(", ").into())
}

/// The labels of a list of tags such as `team:database`; a tag without a value stands for itself.
pub(super) fn tags<'a>(tags: impl Iterator<Item = Cow<'a, str>>) -> Labels {
    tags.filter(|written| !written.trim().is_empty())
        .take(Alert::MAX_LABELS)
        .map(|written| tag(&written))
        .collect()
}

fn tag(written: &str) -> (String, String) {
    let (name, value) = written.trim().split_once([':', '=']).unwrap_or((written.trim(), ""));
    label(name, value)
}

fn label(name: &str, value: &str) -> (String, String) {
    (line(name, 2 * Alert::MAX_LABEL), line(value, Alert::MAX_LABEL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_of_the_web_are_kept() {
        let mut links = Links::default();
        for href in ["javascript:alert(1)", "HTTPS://a.example", "https://a b", "https://x", "https://x", ""]
        {
            links.add(&Json::Text(href.into()), "Link");
        }
        let kept: Vec<_> = links.kept().into_iter().map(|link| link.href).collect();
        assert_eq!(kept, ["HTTPS://a.example", "https://x"]);
    }
}
