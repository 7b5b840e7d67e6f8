//! What is concluded about a message that led to nothing, or about those of its alerts that did.

use std::collections::{BTreeSet, HashSet};

use uuid::Uuid;

use super::Verdict;
use crate::{IncidentId, id::derived};

/// One thing that is said of a message, or of some of its alerts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What became of it.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
    /// The rule of its integration that decided; none: no rule did.
    pub rule: Option<String>,
    /// The incident that it was about, if one was found.
    pub incident: Option<IncidentId>,
    /// The own keys of the problems that it is about; empty: it is about the whole message.
    pub problems: Vec<String>,
}

impl Finding {
    /// Problems that one event speaks of; more of them take more events.
    pub const MAX_PROBLEMS: usize = 64;

    /// A finding about a whole message.
    pub fn whole(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), rule: None, incident: None, problems: vec![] }
    }

    /// Whether both say the same, perhaps of different problems.
    fn agrees(&self, other: &Self) -> bool {
        self.verdict == other.verdict
            && self.incident == other.incident
            && self.problems.is_empty() == other.problems.is_empty()
            && self.rule == other.rule
            && self.reason == other.reason
    }

    /// The same, said of so many problems at a time as one event has room for.
    fn parts(self) -> Vec<Self> {
        if self.problems.len() <= Self::MAX_PROBLEMS {
            return vec![self];
        }
        let parts = self.problems.chunks(Self::MAX_PROBLEMS);
        parts.map(|problems| Self { problems: problems.to_vec(), ..self.clone() }).collect()
    }
}

/// What is concluded about a message since it came or was last to be decided again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Concluded {
    /// Nothing yet.
    #[default]
    Nothing,
    /// Some of its problems led to nothing: their keys, as digests, because many messages are remembered.
    Problems(BTreeSet<Uuid>),
    /// All of it led to nothing.
    Whole,
}

impl Concluded {
    /// Whether something was concluded about the problem with this own key.
    pub fn covers(&self, problem: &str) -> bool {
        match self {
            Self::Nothing => false,
            Self::Problems(known) => known.contains(&digest(problem)),
            Self::Whole => true,
        }
    }

    /// Remembers what was said of these problems, or of the whole message if there are none.
    pub(super) fn note(&mut self, problems: &[String]) {
        if problems.is_empty() {
            *self = Self::Whole;
            return;
        }
        let digests = problems.iter().map(|problem| digest(problem));
        match self {
            Self::Nothing => *self = Self::Problems(digests.collect()),
            Self::Problems(known) => known.extend(digests),
            Self::Whole => {}
        }
    }

    /// Of these findings those that are news, each once, in parts that fit into an event.
    pub(super) fn news(&self, findings: &[Finding]) -> Vec<Finding> {
        let mut news: Vec<Finding> = vec![];
        for finding in findings {
            let mut finding = finding.clone();
            if finding.problems.is_empty() {
                if *self != Self::Nothing {
                    continue;
                }
            } else {
                finding.problems.retain(|problem| !self.covers(problem));
                if finding.problems.is_empty() {
                    continue;
                }
            }
            match news.iter_mut().find(|other| other.agrees(&finding)) {
                Some(same) => same.problems.append(&mut finding.problems),
                None => news.push(finding),
            }
        }
        for finding in &mut news {
            let mut once = HashSet::new();
            finding.problems.retain(|problem| once.insert(problem.clone()));
        }
        news.into_iter().flat_map(Finding::parts).collect()
    }
}

fn digest(problem: &str) -> Uuid {
    derived(&[b"problem", problem.as_bytes()])
}
