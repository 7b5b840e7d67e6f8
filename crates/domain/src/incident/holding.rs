//! How an incident waits before anybody is paged: for some time, or until enough alerts came.

use super::{
    Cause, Hold, IncidentEvent, IncidentRejection, OpenState, Situation, decide::climb, taking::by_itself,
};
use crate::{Alert, Roster, Timestamp};

impl OpenState {
    /// Whether its alerts are counted before anybody is paged. Then the end of its last problem is not its own: problems
    /// that come and go are what is counted.
    pub(super) fn counts_alerts(&self) -> bool {
        matches!(self.situation, Situation::Held { hold: Hold::Threshold { .. }, .. })
    }

    /// Refuses a monitoring tool's word on what is over, while its alerts are counted. `word` is none if people say it.
    pub(super) fn expect_lasting(&self, word: Option<&Alert>) -> Result<(), IncidentRejection> {
        match word {
            Some(_) if self.counts_alerts() && self.members.are_over() => Err(IncidentRejection::NotAMember),
            Some(_) | None => Ok(()),
        }
    }
}

pub(super) fn held(hold: Hold, arrived: Vec<Timestamp>, until: Timestamp, at: Timestamp) -> IncidentEvent {
    let arrived = match hold {
        Hold::Suspend { .. } => vec![],
        Hold::Threshold { .. } => arrived,
    };
    IncidentEvent::Held { hold, arrived, until, at }
}

/// Why the wait is over once these alerts have joined; none if nobody waits, or the wait goes on. `own`: for what the
/// alerts would wait by their own rule.
pub(super) fn ended_by(
    open: &OpenState,
    alerts: &[Alert],
    own: Option<Hold>,
    at: Timestamp,
) -> Option<Cause> {
    let Situation::Held { hold, arrived, until } = &open.situation else { return None };
    let mut told = alerts.iter().filter(|alert| alert.update.is_none()).peekable();
    told.peek()?;
    let more = told.clone().count();
    if open.members.are_over() && told.all(|alert| open.told.past(alert).is_some()) {
        // They count, but what they tell of is over: nobody is woken for that.
        return None;
    }
    match *hold {
        Hold::Suspend { .. } if *until <= at => None,
        Hold::Threshold { .. } if hold.is_reached(recent(arrived, *hold, at).len() + more) => {
            Some(Cause::Threshold)
        }
        Hold::Suspend { .. } | Hold::Threshold { .. } => own.is_none().then_some(Cause::Unheld),
    }
}

/// Adds alerts to those that count: no more of them are kept than are waited for.
pub(super) fn count(arrived: &mut Vec<Timestamp>, hold: Hold, more: usize, at: Timestamp) {
    let Hold::Threshold { alerts: most, .. } = hold else { return };
    arrived.retain(|arrival| is_recent(*arrival, hold, at));
    arrived.extend(std::iter::repeat_n(at, more));
    arrived.drain(..arrived.len().saturating_sub(most as usize));
}

/// The alerts that still count.
fn recent(arrived: &[Timestamp], hold: Hold, at: Timestamp) -> Vec<Timestamp> {
    arrived.iter().copied().filter(|arrival| is_recent(*arrival, hold, at)).collect()
}

fn is_recent(arrival: Timestamp, hold: Hold, at: Timestamp) -> bool {
    arrival.plus_seconds(hold.seconds()) > at
}

/// The wait before the first page is over, one way or the other.
pub(super) fn release(
    open: &OpenState,
    hold: Hold,
    arrived: &[Timestamp],
    roster: &Roster,
    at: Timestamp,
) -> IncidentEvent {
    let arrived = recent(arrived, hold, at);
    match (hold, arrived.first()) {
        (Hold::Suspend { .. }, _) => {
            // What paged before only waited for its own ladder to be looked up.
            let cause = if open.climb.cycle == 0 { Cause::Suspended } else { Cause::Worsened };
            climb(&open.ladder, open.climb.again(), roster, cause, None, at)
        }
        // Some came since: the wait goes on until the oldest of them counts no more.
        (Hold::Threshold { .. }, Some(oldest)) => {
            let until = oldest.plus_seconds(hold.seconds());
            held(hold, arrived, until, at)
        }
        (Hold::Threshold { alerts, within_seconds }, None) => {
            by_itself(format!("there were never {alerts} alerts within {within_seconds} seconds"), at)
        }
    }
}
