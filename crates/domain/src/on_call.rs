//! The record of who was on call: one fact for each change, written down when it happened.
//!
//! Who was on call follows from what a schedule says, but only under the time zone data of that day. What is written
//! down stays what it was when that data changes. The record has a stream of its own beside the schedule's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Aggregate, AggregateId, ConfigRejection, Fact, OverrideId, ScheduleId, Subject, SwapId, Timestamp,
    UserId, schedule,
};

/// Names the record of one schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OnCallLogId(pub ScheduleId);

impl AggregateId for OnCallLogId {
    fn uuid(self) -> Uuid {
        self.0.uuid()
    }

    fn stream(self) -> String {
        format!("{}-{}", OnCallLog::CATEGORY, self.0.uuid().hyphenated())
    }
}

/// What made who is on call change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// A turn, a restriction, or the beginning or end of a layer.
    Turn,
    /// An override began, ended or was cancelled.
    Override {
        /// Which.
        id: OverrideId,
    },
    /// A swap began, ended or was undone.
    Swap {
        /// Which.
        id: SwapId,
    },
    /// The schedule was edited.
    Edit,
}

impl From<schedule::Cause> for Cause {
    fn from(cause: schedule::Cause) -> Self {
        match cause {
            schedule::Cause::Turn => Self::Turn,
            schedule::Cause::Override(id) => Self::Override { id },
            schedule::Cause::Swap(id) => Self::Swap { id },
            schedule::Cause::Edit => Self::Edit,
        }
    }
}

/// From an instant on other people are on call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnCallChange {
    /// When.
    pub at: Timestamp,
    /// Who, in the order of ids; nobody in a gap.
    pub users: Vec<UserId>,
    /// Why.
    pub cause: Cause,
}

/// What can be asked of the record.
#[derive(Clone, Debug, PartialEq)]
pub enum OnCallCommand {
    /// Write down what changed. What is not news is left out: neither what was written down up to a later instant, nor
    /// the same people again.
    RecordChanges {
        /// Of which schedule.
        schedule: ScheduleId,
        /// In the order of time.
        changes: Vec<OnCallChange>,
        /// The edition of the time zone data that they follow from.
        tzdb: String,
        /// The position of the configuration that they follow from.
        decided_at: u64,
    },
}

/// What can happen to the record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OnCallEvent {
    /// From an instant on other people are on call than before.
    #[serde(rename = "oncall.changed.v1")]
    Changed {
        /// Of which schedule.
        schedule: ScheduleId,
        /// From when on.
        at: Timestamp,
        /// Who, in the order of ids; nobody in a gap.
        users: Vec<UserId>,
        /// Why.
        cause: Cause,
        /// The edition of the time zone data.
        tzdb: String,
        /// The position of the configuration.
        decided_at: u64,
    },
}

impl Fact for OnCallEvent {
    fn subjects(&self) -> Vec<Subject> {
        let Self::Changed { schedule, users, .. } = self;
        [(*schedule).into()].into_iter().chain(users.iter().map(|user| (*user).into())).collect()
    }
}

/// What is remembered of the record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OnCallLog {
    /// Who is on call since when, as it was written down last.
    pub last: Option<(Timestamp, Vec<UserId>)>,
    /// The position of the configuration that this follows from.
    pub decided_at: u64,
}

impl Aggregate for OnCallLog {
    const CATEGORY: &'static str = "oncall";
    type Id = OnCallLogId;
    type Command = OnCallCommand;
    type Event = OnCallEvent;
    type Rejection = ConfigRejection;

    fn evolve(&mut self, event: &OnCallEvent) {
        let OnCallEvent::Changed { at, users, decided_at, .. } = event;
        self.last = Some((*at, users.clone()));
        self.decided_at = *decided_at;
    }

    fn decide(&self, command: &OnCallCommand) -> Result<Vec<OnCallEvent>, ConfigRejection> {
        let OnCallCommand::RecordChanges { schedule, changes, tzdb, decided_at } = command;
        // Somebody who knows more of the configuration has written already.
        if *decided_at < self.decided_at {
            return Ok(vec![]);
        }
        let mut last = self.last.clone();
        let mut events = vec![];
        for OnCallChange { at, users, cause } in changes {
            if last.as_ref().is_some_and(|(since, before)| at <= since || users == before) {
                continue;
            }
            last = Some((*at, users.clone()));
            events.push(OnCallEvent::Changed {
                schedule: *schedule,
                at: *at,
                users: users.clone(),
                cause: *cause,
                tzdb: tzdb.clone(),
                decided_at: *decided_at,
            });
        }
        Ok(events)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADA: UserId = UserId::new(Uuid::from_u128(1));
    const BOB: UserId = UserId::new(Uuid::from_u128(2));

    fn changes(decided_at: u64, changes: &[(i64, &[UserId])]) -> OnCallCommand {
        let changes = changes.iter().map(|(at, users)| OnCallChange {
            at: Timestamp::from_millis(*at),
            users: users.to_vec(),
            cause: Cause::Turn,
        });
        let (schedule, tzdb) = (ScheduleId::new(Uuid::from_u128(7)), "2026f".to_owned());
        OnCallCommand::RecordChanges { schedule, changes: changes.collect(), tzdb, decided_at }
    }

    fn recorded(log: &OnCallLog, command: &OnCallCommand) -> Vec<(i64, Vec<UserId>)> {
        let events = log.decide(command).expect("nothing is refused").into_iter();
        events.map(|OnCallEvent::Changed { at, users, .. }| (at.millis(), users)).collect()
    }

    #[test]
    fn what_was_written_down_is_not_written_again_and_never_earlier() {
        let command = changes(5, &[(10, &[ADA]), (20, &[ADA]), (30, &[BOB]), (40, &[])]);
        let first = OnCallLog::default().decide(&command).expect("nothing is refused");
        let log = OnCallLog::replay(&first);
        assert_eq!(log.last, Some((Timestamp::from_millis(40), vec![])));
        assert_eq!(first.len(), 3, "the same people again are no change");
        assert!(recorded(&log, &command).is_empty());
        assert_eq!(
            recorded(&log, &changes(6, &[(35, &[ADA]), (40, &[BOB]), (41, &[BOB])])),
            [(41, vec![BOB])]
        );
    }

    #[test]
    fn who_knows_less_of_the_configuration_writes_nothing() {
        let first = OnCallLog::default().decide(&changes(5, &[(10, &[ADA])])).expect("nothing is refused");
        let log = OnCallLog::replay(&first);
        assert!(recorded(&log, &changes(4, &[(11, &[BOB])])).is_empty());
        assert_eq!(recorded(&log, &changes(5, &[(11, &[BOB])])).len(), 1);
    }
}
