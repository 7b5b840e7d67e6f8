//! Which problems an incident holds, where several are grouped in one: it is over once all of them are.

use std::collections::BTreeSet;

use crate::Alert;

/// Problems that are told apart. An incident with more of them is not over by itself: somebody must say so.
const TOLD_APART: usize = 1000;

/// The problems of an incident that are not over.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Members {
    /// Of those that are grouped.
    keys: BTreeSet<Box<str>>,
    /// There were more of them than are told apart.
    others: bool,
    /// There is one that is grouped with nothing.
    alone: bool,
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

    /// Whether there are none: whatever monitoring tools told of is over.
    pub(super) fn are_over(&self) -> bool {
        self.keys.is_empty() && !self.others && !self.alone
    }

    /// Whether a problem with this key is certainly none of them, while others are.
    pub fn excludes(&self, key: &str) -> bool {
        !self.others && !self.keys.is_empty() && !self.keys.contains(key)
    }

    pub(super) fn join<'a>(&mut self, alerts: impl Iterator<Item = &'a Alert>) {
        for alert in alerts {
            let Some(key) = alert.key.as_deref() else {
                self.alone = true;
                continue;
            };
            if self.keys.len() < TOLD_APART {
                self.keys.insert(key.into());
            } else if !self.keys.contains(key) {
                self.others = true;
            }
        }
    }

    /// The problem of this alert is over, and so many remain.
    pub(super) fn leave(&mut self, alert: &Alert, remaining: u32) {
        match &alert.key {
            _ if remaining == 0 => *self = Self::default(),
            Some(key) => {
                self.keys.remove(&**key);
            }
            None => self.alone = false,
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

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{DeliveryId, IntegrationId, Severity, Timestamp};

    #[test]
    fn a_problem_is_excluded_only_where_all_problems_are_told_apart() {
        let (delivery, integration) = (DeliveryId::new(Uuid::nil()), IntegrationId::new(Uuid::nil()));
        let alert = |number: usize| Alert {
            key: Some(number.to_string()),
            ..Alert::new(delivery, integration, "down", Severity::High, Timestamp::default())
        };
        let mut members = Members::default();
        assert!(!members.excludes("0"), "nothing is grouped");
        members.join([alert(0)].iter());
        assert!(members.excludes("1") && !members.excludes("0"));
        let many: Vec<_> = (0..=TOLD_APART).map(alert).collect();
        members.join(many.iter());
        assert!(!members.excludes("a stranger"), "it may be one of those that are not told apart");
    }
}
