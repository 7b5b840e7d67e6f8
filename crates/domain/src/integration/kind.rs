//! The formats of monitoring tools.

use serde::{Deserialize, Serialize};

/// The format that an integration's messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationKind {
    /// Midwatch's own JSON.
    Generic,
    /// Prometheus Alertmanager's webhook, version 4.
    Alertmanager,
    /// PagerDuty's Events API v2.
    PagerDuty,
}

impl IntegrationKind {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Generic, Self::Alertmanager, Self::PagerDuty];

    /// The word in stored events and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Alertmanager => "alertmanager",
            Self::PagerDuty => "pager_duty",
        }
    }

    /// The word in the path `/hooks/<word>/<key>`; none for formats whose senders choose the path themselves.
    pub const fn path(self) -> Option<&'static str> {
        match self {
            Self::Generic => Some("generic"),
            Self::Alertmanager => Some("alertmanager"),
            Self::PagerDuty => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_stored_one() {
        for kind in IntegrationKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a word"), kind.word());
        }
    }
}
