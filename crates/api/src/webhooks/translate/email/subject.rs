//! Subjects: how bad it is, whether it is over, and what is left that stays the same for one problem.

use domain::{AlertAction, Severity};

use crate::webhooks::translate::words;

/// Words that say that it is over.
const OVER: [&str; 6] = ["resolved", "ok", "recovery", "recovered", "closed", "up"];
/// Those of them that say nothing else at the beginning of a sentence, unlike `Recovery failed` and `Up to 5 hosts`.
const SURELY_OVER: [&str; 2] = ["resolved", "recovered"];
/// What mail programs put before the subject of an answer or of a mail that is passed on.
const ANSWERS: [&str; 8] = ["re", "fwd", "fw", "aw", "wg", "sv", "vs", "tr"];
/// Characters between brackets that may be a label.
const MAX_LABEL: usize = 40;
/// Words in front of a subject; nobody means more.
const MAX_WORDS: usize = 20;

/// What a subject says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::webhooks::translate) struct Subject {
    /// Whether it is over. A subject that says that too, and that it is not, is in doubt, and in doubt it pages.
    pub(in crate::webhooks::translate) over: bool,
    /// The worst that is said.
    pub(super) severity: Option<Severity>,
    /// The rest: the same when it begins, gets worse, is answered and is over.
    pub(in crate::webhooks::translate) about: String,
}

impl Subject {
    pub(in crate::webhooks::translate) fn read(said: &str) -> Self {
        let mut labels = Labels::default();
        let unlabelled = labels.take_brackets(said);
        let shouting = !unlabelled.chars().any(char::is_lowercase);
        let mut rest = unlabelled.as_str();
        for _ in 0..MAX_WORDS {
            rest = rest.trim_start_matches(|c: char| c.is_whitespace() || "*:|-–—".contains(c));
            match without_answer(rest).or_else(|| labels.take_word(rest, shouting)) {
                Some(shorter) => rest = shorter,
                None => break,
            }
        }
        let (about, state) = without_state(rest);
        labels.severity = labels.severity.max(state.and_then(Severity::from_word));
        let about = about.split_whitespace().collect::<Vec<_>>().join(" ");
        Self { over: labels.over && !labels.firing, severity: labels.severity, about }
    }
}

/// What was said in labels: words in brackets, and words before the subject proper.
#[derive(Default)]
struct Labels {
    over: bool,
    firing: bool,
    severity: Option<Severity>,
}

impl Labels {
    fn note(&mut self, word: &str) {
        let word = word.to_lowercase();
        if OVER.contains(&&*word) {
            self.over = true;
        } else if let Some(severity) = Severity::from_word(&word) {
            self.severity = self.severity.max(Some(severity));
        } else if words::action(&word) == Some(AlertAction::Trigger) {
            self.firing = true;
        }
    }

    /// The text without brackets that hold labels only, as `[FIRING:2]`, `(P1)` and `[✅ Up]` do.
    fn take_brackets(&mut self, said: &str) -> String {
        let (mut kept, mut rest) = (String::with_capacity(said.len()), said);
        while let Some(start) = rest.find(['[', '(']) {
            let inside = &rest[start + 1..];
            let close = if rest[start..].starts_with('[') { ']' } else { ')' };
            let near = inside.char_indices().nth(MAX_LABEL).map_or(inside, |(end, _)| &inside[..end]);
            let label = near.find(close).map(|end| &inside[..end]).filter(|label| is_label(label));
            kept.push_str(&rest[..start]);
            if let Some(label) = label {
                parts(label).for_each(|word| self.note(word));
                kept.push(' ');
                rest = &inside[label.len() + 1..];
            } else {
                kept.push_str(&rest[start..=start]);
                rest = inside;
            }
        }
        kept + rest
    }

    /// The text without its first word, if that is a label rather than the begin of a sentence.
    fn take_word<'a>(&mut self, text: &'a str, shouting: bool) -> Option<&'a str> {
        let word = parts(text).next().filter(|word| text.starts_with(word) && is_known(word))?;
        let rest = &text[word.len()..];
        let lower = word.to_lowercase();
        let surely =
            SURELY_OVER.contains(&&*lower) && (rest.is_empty() || rest.starts_with(char::is_whitespace));
        let capital = !shouting && word.len() > 1 && !word.chars().any(char::is_lowercase);
        let stands_out = surely || is_set_off(rest) || (capital && rest.starts_with(char::is_whitespace));
        if !stands_out {
            return None;
        }
        self.note(word);
        // Zabbix says how long it took: `Resolved in 5m 3s: disk full`.
        let took = rest.strip_prefix(" in ").filter(|_| surely).and_then(|took| took.split_once(':'));
        Some(took.map_or(rest, |(_, rest)| rest))
    }
}

/// Whether a word that this text follows stands for itself: `OK: …`, `OK - …`, `OK`.
fn is_set_off(rest: &str) -> bool {
    let next = rest.trim_start();
    let dash = next.strip_prefix(['-', '–', '—']).is_some_and(|after| after.starts_with(char::is_whitespace));
    next.is_empty() || next.starts_with([':', '|']) || (dash && rest.starts_with(char::is_whitespace))
}

fn is_label(text: &str) -> bool {
    let number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
    parts(text).any(is_known) && parts(text).all(|word| number(word) || is_known(word))
}

fn is_known(word: &str) -> bool {
    Severity::from_word(word).is_some() || words::action(word).is_some()
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The text without a first `Re:`, `Fwd:` or `Re[2]:`.
fn without_answer(text: &str) -> Option<&str> {
    let (prefix, rest) = text.split_once(':')?;
    let prefix = prefix.trim_end().trim_end_matches(|c: char| c.is_ascii_digit() || "[]()".contains(c));
    ANSWERS.iter().any(|answer| prefix.eq_ignore_ascii_case(answer)).then_some(rest)
}

/// The text without ` is CRITICAL **` or ` is OK **` at its end, as Nagios says it, and that word.
fn without_state(text: &str) -> (&str, Option<&str>) {
    let trimmed = text.trim_end_matches(|c: char| c.is_whitespace() || c == '*');
    let state = trimmed.rsplit_once(" is ").filter(|(_, state)| {
        let shouted = !state.is_empty() && !state.chars().any(char::is_lowercase);
        shouted && (is_known(state) || matches!(*state, "UNKNOWN" | "UNREACHABLE"))
    });
    state.map_or((trimmed, None), |(about, state)| (about, Some(state)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(said: &str) -> (bool, String) {
        let subject = Subject::read(said);
        (subject.over, subject.about)
    }

    #[test]
    fn what_is_said_of_one_problem_is_about_the_same() {
        for (said, over) in [
            ("disk full on web-1", false),
            ("[CRITICAL] disk full on web-1", false),
            ("Re: Fwd: [P1] disk  full on web-1", false),
            ("AW: Re[2]: disk full on web-1", false),
            ("PROBLEM: disk full on web-1", false),
            ("Problem: disk full on web-1", false),
            ("[FIRING:2] disk full on web-1", false),
            ("** ACKNOWLEDGEMENT disk full on web-1 **", false),
            ("[RESOLVED] disk full on web-1", true),
            ("[resolved] [critical] disk full on web-1", true),
            ("disk full on web-1 (OK)", true),
            ("disk full [✅ Up] on web-1", true),
            ("RESOLVED: disk full on web-1", true),
            ("Resolved disk full on web-1", true),
            ("Resolved in 1h 5m 3s: disk full on web-1", true),
            ("Re: OK - disk full on web-1", true),
            ("RECOVERY disk full on web-1", true),
            ("Recovered: disk full on web-1", true),
            ("closed | disk full on web-1", true),
            ("UP: disk full on web-1", true),
        ] {
            assert_eq!(about(said), (over, "disk full on web-1".to_owned()), "{said}");
        }
        let nagios =
            |state: &str, word: &str| about(&format!("** {state} Service Alert: web-1/HTTP is {word} **"));
        assert_eq!(nagios("PROBLEM", "CRITICAL"), (false, "Service Alert: web-1/HTTP".to_owned()));
        assert_eq!(nagios("RECOVERY", "OK"), (true, "Service Alert: web-1/HTTP".to_owned()));
    }

    #[test]
    fn what_only_sounds_as_if_it_were_over_pages() {
        for said in [
            "Recovery failed on db1",
            "Recovery of db1 does not end",
            "Up to 5 hosts are down",
            "up-to-date packages are missing",
            "Ok so this is really broken",
            "Closed connections on db1",
            "UP AND RUNNING NO MORE",
            "the disk is OK no more",
            "Monitor is UP: web-1",
            "[OK Computer] is not on air",
            "[Backup ok?] nobody knows",
            "[RESOLVED] [FIRING] web-1",
            "[UP -> DOWN] web-1",
            "PROBLEM: web-1 [OK]",
            "unresolved: web-1",
            "[SUCCESS] nightly backup",
            "",
        ] {
            assert!(!Subject::read(said).over, "{said}");
        }
    }

    #[test]
    fn the_worst_word_counts() {
        for (said, severity) in [
            ("[CRITICAL] disk", Some(Severity::Critical)),
            ("[warning] (P2) disk", Some(Severity::High)),
            ("Re: [sev4] disk", Some(Severity::Low)),
            ("WARNING - disk", Some(Severity::Medium)),
            ("CRITICAL: disk", Some(Severity::Critical)),
            ("** PROBLEM Service Alert: web-1/HTTP is CRITICAL **", Some(Severity::Critical)),
            ("** PROBLEM Host Alert: web-1 is DOWN **", None),
            ("a critical disk", None),
            ("[disk is critical] x", None),
            ("Critical disk", None),
        ] {
            assert_eq!(Subject::read(said).severity, severity, "{said}");
        }
    }

    #[test]
    fn a_subject_of_labels_is_about_nothing_and_brackets_need_no_end() {
        assert_eq!(about("[OK]"), (true, String::new()));
        assert_eq!(about("OK"), (true, String::new()));
        assert_eq!(about("[web-1] [ok [ok"), (false, "[web-1] [ok [ok".to_owned()));
        assert_eq!(about("(größe) [[OK]]"), (true, "(größe) ]".to_owned()));
    }
}
