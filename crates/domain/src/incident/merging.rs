//! What an incident shows when its alerts say different things.

use serde::{Deserialize, Serialize};

use crate::{Alert, Invalid, Labels, Link, Severity, Update, text::MAX_WORD};

/// What is kept of two values, the one so far and the one of an alert that joins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// The one so far, unless there is none.
    #[default]
    First,
    /// The one that came last, unless it says nothing.
    Last,
    /// Both, each once.
    Append,
    /// The worse one.
    Max,
    /// The less bad one.
    Min,
}

/// For each attribute, what is kept when the same problem is reported again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Merging {
    /// Of titles: the first, the last, or each once, parted by semicolons.
    pub title: Merge,
    /// Of details: the first, the last, or one below the other.
    pub details: Merge,
    /// Of severities: the first, the last, the worst or the least bad.
    pub severity: Merge,
    /// Of sources: the first, the last, or each once, parted by commas.
    pub source: Merge,
    /// Of components: the first, the last, or each once, parted by commas.
    pub component: Merge,
    /// Of links: those of the first or of the last alert that has any, or all.
    pub links: Merge,
    /// Of images: those of the first or of the last alert that has any, or all.
    pub images: Merge,
    /// Of labels: those of the first or of the last alert that has any, or all, the first value of each.
    pub labels: Merge,
}

impl Default for Merging {
    /// The first of everything, and the worst severity.
    fn default() -> Self {
        Self {
            title: Merge::First,
            details: Merge::First,
            severity: Merge::Max,
            source: Merge::First,
            component: Merge::First,
            links: Merge::First,
            images: Merge::First,
            labels: Merge::First,
        }
    }
}

/// What an incident shows of its alerts, besides the severity.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attributes {
    /// What is wrong, in one line.
    pub title: String,
    /// Longer words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<String>,
    /// The part of the world it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What of that part is broken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Where to read on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// Pictures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Link>,
    /// What tells it from others.
    #[serde(default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

impl Attributes {
    /// What is shown of an incident with this title and these details that one alert opens, if an alert does.
    pub fn opened(title: &str, details: Option<&str>, alert: Option<&Alert>) -> Self {
        let of_alert = alert.map(|alert| Self {
            source: alert.source.clone(),
            component: alert.component.clone(),
            links: alert.links.clone(),
            images: alert.images.clone(),
            labels: alert.labels.clone(),
            ..Self::default()
        });
        Self { title: title.to_owned(), details: details.map(str::to_owned), ..of_alert.unwrap_or_default() }
    }
}

impl Merging {
    /// Refuses what has no meaning for an attribute.
    pub(crate) fn check(self) -> Result<(), Invalid> {
        if self.severity == Merge::Append {
            let rule = "must be `first`, `last`, `max` or `min`, not `append`: an incident has one severity";
            return Err(Invalid::new("merging.severity", rule));
        }
        let others = [
            ("title", self.title),
            ("details", self.details),
            ("source", self.source),
            ("component", self.component),
            ("links", self.links),
            ("images", self.images),
            ("labels", self.labels),
        ];
        match others.iter().find(|(_, chosen)| matches!(chosen, Merge::Max | Merge::Min)) {
            Some((field, chosen)) => {
                let rule = format!(
                    "must be `first`, `last` or `append`, not `{}`: only severities are better or worse",
                    chosen.word()
                );
                Err(Invalid::new(format!("merging.{field}"), rule))
            }
            None => Ok(()),
        }
    }

    /// Whether every choice is the usual one, so that there is nothing to store.
    pub fn is_usual(self) -> bool {
        self == Self::default()
    }

    /// What is shown once these alerts have joined; none if that is what is shown already. `is_late`: the alert came
    /// after one that happened later, and so is not the last although it came last.
    pub(super) fn attributes(
        self,
        shown: &Attributes,
        alerts: &[Alert],
        is_late: impl Fn(&Alert) -> bool,
    ) -> Option<Attributes> {
        let usual = Self { severity: self.severity, ..Self::default() };
        if self == usual {
            // What the first alert left out may still come: but nearly all say the same things each time.
            return None;
        }
        let mut merged = shown.clone();
        for alert in alerts {
            let late = is_late(alert);
            let how = |merge: Merge| if late { merge.of_what_is_late() } else { merge };
            let title = Some(&*alert.title).filter(|_| alert.says(Update::Title));
            let title = how(self.title).of_texts(Some(merged.title), title, titles);
            merged.title = title.unwrap_or_default();
            let details = alert.details.as_deref().filter(|_| alert.says(Update::Details));
            merged.details = how(self.details).of_texts(merged.details.take(), details, below);
            merged.source = how(self.source).of_texts(merged.source.take(), alert.source.as_deref(), words);
            merged.component =
                how(self.component).of_texts(merged.component.take(), alert.component.as_deref(), words);
            how(self.links).of_links(&mut merged.links, &alert.links);
            how(self.images).of_links(&mut merged.images, &alert.images);
            how(self.labels).of_labels(&mut merged.labels, &alert.labels);
        }
        (merged != *shown).then_some(merged)
    }

    /// How bad it is once these alerts have joined.
    pub(super) fn severity(
        self,
        so_far: Severity,
        alerts: &[Alert],
        is_late: impl Fn(&Alert) -> bool,
    ) -> Severity {
        alerts.iter().fold(so_far, |so_far, alert| match self.severity {
            _ if !alert.says(Update::Severity) => so_far,
            Merge::First | Merge::Append => so_far,
            Merge::Last if is_late(alert) => so_far,
            Merge::Last => alert.severity,
            Merge::Max => so_far.max(alert.severity),
            Merge::Min => so_far.min(alert.severity),
        })
    }
}

impl Merge {
    /// The stored word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
            Self::Append => "append",
            Self::Max => "max",
            Self::Min => "min",
        }
    }

    /// An alert that is late adds to what is shown, and replaces nothing.
    fn of_what_is_late(self) -> Self {
        if self == Self::Last { Self::First } else { self }
    }

    fn of_texts(
        self,
        so_far: Option<String>,
        told: Option<&str>,
        both: impl Fn(String, &str) -> String,
    ) -> Option<String> {
        match (so_far, told) {
            (so_far, None) => so_far,
            (None, Some(told)) => Some(told.to_owned()),
            (Some(so_far), Some(told)) => Some(match self {
                Self::Last => told.to_owned(),
                Self::Append => both(so_far, told),
                Self::First | Self::Max | Self::Min => so_far,
            }),
        }
    }

    fn of_links(self, so_far: &mut Vec<Link>, told: &[Link]) {
        if told.is_empty() {
            return;
        }
        if so_far.is_empty() || self == Self::Last {
            so_far.clear();
            so_far.extend_from_slice(told);
        } else if self == Self::Append {
            for link in told {
                if so_far.len() < Alert::MAX_LINKS && so_far.iter().all(|known| known.href != link.href) {
                    so_far.push(link.clone());
                }
            }
        }
    }

    fn of_labels(self, so_far: &mut Labels, told: &Labels) {
        if told.is_empty() {
            return;
        }
        if so_far.is_empty() || self == Self::Last {
            so_far.clone_from(told);
        } else if self == Self::Append {
            for (name, value) in told {
                if so_far.len() < Alert::MAX_LABELS || so_far.contains_key(name) {
                    so_far.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
    }
}

/// Both, unless the one is in the other already or there is no room.
fn below(mut so_far: String, told: &str) -> String {
    let room = Alert::MAX_DETAILS.saturating_sub(so_far.chars().count() + 2);
    if !so_far.contains(told) && told.chars().count() <= room {
        so_far.push_str("\n\n");
        so_far.push_str(told);
    }
    so_far
}

/// Titles beside each other.
fn titles(so_far: String, told: &str) -> String {
    beside(so_far, told, "; ", Alert::MAX_TITLE)
}

/// Sources or components beside each other.
fn words(so_far: String, told: &str) -> String {
    beside(so_far, told, ", ", MAX_WORD)
}

/// Both values, unless the one is among the others already. Where there is no room for the next one, an ellipsis stands
/// in its place and for all that follow, so that the list ends at a whole value and says that it is not all.
fn beside(mut so_far: String, told: &str, between: &str, most: usize) -> String {
    const REST: &str = "…";
    let among =
        |value: &str| format!("{between}{so_far}{between}").contains(&format!("{between}{value}{between}"));
    if told.is_empty() || among(told) || so_far.ends_with(&format!("{between}{REST}")) {
        return so_far;
    }
    let length = |text: &str| text.chars().count();
    let rest = length(between) + length(REST);
    let room = most.saturating_sub(length(&so_far) + length(between));
    // After every value but the last that fits there is room for the ellipsis.
    let next = if length(told) + rest <= room { told } else { REST };
    if length(next) <= room {
        so_far.push_str(between);
        so_far.push_str(next);
    }
    so_far
}
