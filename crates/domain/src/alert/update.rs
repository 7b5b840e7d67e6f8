//! What is said anew of a problem that is there: one thing, where a message of a monitoring tool is no alert of its own.

use serde::{Deserialize, Serialize};

use super::{Alert, AlertAction, Translated};

/// What alone a message says anew of a problem that is there. What else it has are words of its format, and not news.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Update {
    /// What is wrong.
    Title,
    /// Longer words.
    Details,
    /// How bad it is.
    Severity,
}

impl Alert {
    /// Whether it says this of its problem.
    pub fn says(&self, part: Update) -> bool {
        self.update.is_none_or(|alone| alone == part)
    }
}

impl Translated {
    /// What alone it says, if it only says more of a problem that is there: one thing, as the monitoring tool's call has
    /// it. Mapping and rules make no news of the rest, so that this is asked before them.
    pub(crate) fn said_anew(&self) -> Option<Update> {
        if self.action != AlertAction::Update {
            return None;
        }
        Some(match (&self.severity_word, &self.details) {
            (Some(_), _) => Update::Severity,
            (None, Some(_)) => Update::Details,
            (None, None) => Update::Title,
        })
    }
}
