//! Until when monitoring tools have told what happened, where their messages can be ordered.

use std::collections::BTreeMap;

use crate::{Alert, Timestamp};

/// Problems of a group whose last word is remembered. Of others, what comes last counts.
const REMEMBERED: usize = 1000;

/// The last word of monitoring tools, of each problem by itself: problems that are grouped happen independently, so
/// that what is told of one says nothing about when another began or ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    /// Where nothing is grouped.
    whole: Option<Timestamp>,
    /// Of the problems that are grouped, ended ones included.
    members: BTreeMap<Box<str>, Timestamp>,
}

impl Told {
    /// Remembers what these alerts tell, as far as they can be ordered.
    pub(super) fn hear(&mut self, alerts: &[Alert]) {
        for alert in alerts.iter().filter(|alert| alert.ordered) {
            match alert.key.as_deref() {
                None => self.whole = self.whole.max(Some(alert.at)),
                Some(key) => {
                    if let Some(until) = self.members.get_mut(key) {
                        *until = alert.at.max(*until);
                    } else if self.members.len() < REMEMBERED {
                        self.members.insert(key.into(), alert.at);
                    }
                }
            }
        }
    }

    /// Until when is told of the problem of this alert, if that is later than what the alert tells.
    pub(super) fn past(&self, alert: &Alert) -> Option<Timestamp> {
        let until = match alert.key.as_deref() {
            None => self.whole,
            Some(key) => self.members.get(key).copied(),
        };
        until.filter(|until| alert.ordered && alert.at < *until)
    }

    /// Whether an alert is not the last word on its problem once these alerts are heard.
    pub(super) fn is_late(&self, alert: &Alert, alerts: &[Alert]) -> bool {
        let before = |other: &Alert| other.ordered && other.key == alert.key && alert.at < other.at;
        self.past(alert).is_some() || alert.ordered && alerts.iter().any(before)
    }
}
