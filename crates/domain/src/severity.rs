//! How bad it is.

use serde::{Deserialize, Serialize};

/// The severity of an alert or an incident, worst last so that it can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Worth a look in working hours.
    Low,
    /// What an unknown severity counts as.
    #[default]
    Medium,
    /// Needs somebody soon.
    High,
    /// Needs somebody now.
    Critical,
}

impl Severity {
    /// Every severity, worst first.
    pub const ALL: [Self; 5] = [Self::Critical, Self::High, Self::Medium, Self::Low, Self::Info];

    /// The severity that a monitoring tool's word means, in any case; `None` for an unknown word.
    pub fn from_word(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "critical" | "emergency" | "fatal" | "page" | "p1" | "sev1" => Self::Critical,
            "high" | "error" | "major" | "p2" | "sev2" => Self::High,
            "medium" | "warning" | "warn" | "minor" | "p3" | "sev3" => Self::Medium,
            "low" | "notice" | "p4" | "sev4" => Self::Low,
            "info" | "informational" | "debug" | "none" | "p5" | "sev5" => Self::Info,
            _ => return None,
        })
    }

    /// The stored and shown word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}
