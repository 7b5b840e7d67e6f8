//! What a monitoring tool's words for severities mean.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Invalid, Severity, Translated};

/// Words that mean another severity than they usually do, or that usually mean nothing; in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Severities(BTreeMap<String, Severity>);

impl Severities {
    /// Words in one map.
    const MOST: usize = 100;
    /// Characters in a word.
    const LONGEST: usize = 100;

    /// A map from words in any case.
    pub fn new(words: impl IntoIterator<Item = (String, Severity)>) -> Self {
        Self(words.into_iter().map(|(word, severity)| (word.trim().to_lowercase(), severity)).collect())
    }

    /// The words and what they mean, in the order of the alphabet.
    pub fn words(&self) -> impl Iterator<Item = (&str, Severity)> {
        self.0.iter().map(|(word, severity)| (word.as_str(), *severity))
    }

    /// Whether it changes nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a word means here or, if nothing is said here, usually; `None` for an unknown word.
    pub fn meaning(&self, word: &str) -> Option<Severity> {
        if self.0.is_empty() {
            return Severity::from_word(word);
        }
        self.0.get(&word.trim().to_lowercase()).copied().or_else(|| Severity::from_word(word))
    }

    pub(super) fn check(&self) -> Result<(), Invalid> {
        if self.0.len() > Self::MOST {
            return Err(Invalid::new("severities", format!("must have at most {} words", Self::MOST)));
        }
        let unfit = |word: &&String| word.is_empty() || word.chars().count() > Self::LONGEST;
        match self.0.keys().find(unfit) {
            Some(_) => {
                let rule = format!("must have words from 1 to {} characters", Self::LONGEST);
                Err(Invalid::new("severities", rule))
            }
            None => Ok(()),
        }
    }

    /// Gives the word that the monitoring tool used its meaning.
    pub(super) fn apply(&self, alert: &mut Translated) {
        let Some(word) = alert.severity_word.as_deref().filter(|_| !self.0.is_empty()) else { return };
        if let Some(severity) = self.0.get(&word.trim().to_lowercase()) {
            alert.severity = *severity;
            alert.unknown_severity = None;
        }
    }
}
