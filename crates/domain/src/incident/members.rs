//! Which problems an incident holds, where several are grouped in one: it is over once all of them are.

use std::collections::BTreeSet;

use crate::Alert;

/// Problems that are told apart. An incident with more of them is not over by itself: somebody must say so.
const TOLD_APART: usize = 1000;

/// The problems that are grouped in an incident and are not over; none where nothing is grouped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    keys: BTreeSet<Box<str>>,
    /// There were more of them than are told apart.
    others: bool,
}

/// What the end of one problem means for the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is over.
    Whole,
    /// So many problems remain.
    Part(u32),
    /// The problem is none of its own.
    Foreign,
}

impl Members {
    /// Whether a problem with this key is among them.
    pub fn contains(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    pub(super) fn join<'a>(&mut self, alerts: impl Iterator<Item = &'a Alert>) {
        for key in alerts.filter_map(|alert| alert.key.as_deref()) {
            if self.keys.len() < TOLD_APART {
                self.keys.insert(key.into());
            } else if !self.keys.contains(key) {
                self.others = true;
            }
        }
    }

    pub(super) fn leave(&mut self, alert: &Alert) {
        if let Some(key) = &alert.key {
            self.keys.remove(&**key);
        }
    }

    /// What it means that a monitoring tool says that the problem of this alert is over.
    pub(super) fn ending(&self, alert: Option<&Alert>) -> Ending {
        let Some(key) = alert.and_then(|alert| alert.key.as_deref()) else { return Ending::Whole };
        let rest = self.keys.len() - usize::from(self.keys.contains(key)) + usize::from(self.others);
        match rest {
            0 => Ending::Whole,
            _ if !self.keys.contains(key) && !self.others => Ending::Foreign,
            rest => Ending::Part(u32::try_from(rest).unwrap_or(u32::MAX)),
        }
    }
}
