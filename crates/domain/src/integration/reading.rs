//! Choices that a format leaves open: how an integration reads its messages.

use serde::{Deserialize, Serialize};

/// How an integration reads its messages. Each delivery keeps the choices that it was received under.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// What of Alertmanager's and Grafana's groups is one problem.
    #[serde(skip_serializing_if = "is_default")]
    pub identity: Identity,
    /// What it means that CloudWatch has too little data for an alarm.
    #[serde(skip_serializing_if = "is_default")]
    pub insufficient_data: InsufficientData,
    /// Whether a Sentry issue that is ignored or archived is over.
    #[serde(skip_serializing_if = "is_default")]
    pub archived_is_over: bool,
}

/// What is one problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// A whole group of alerts.
    #[default]
    Group,
    /// Each alert by itself, known by its fingerprint.
    Alert,
}

/// What too little data means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InsufficientData {
    /// Something is wrong: whatever reports has fallen silent.
    #[default]
    Trigger,
    /// It is recorded, and nothing else.
    Record,
    /// It is over.
    Resolve,
}

impl Reading {
    /// Whether every choice is the usual one, so that there is nothing to store.
    pub fn is_usual(&self) -> bool {
        is_default(self)
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
