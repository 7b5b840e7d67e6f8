//! Everything that happened to a schedule, in order: what earlier editions of it said can be said again.

use std::{collections::BTreeSet, sync::Arc};

use super::events::ScheduleEvent;
use crate::{Timestamp, UserId};

/// One event of a schedule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    /// Its place among the events of the schedule, from 1.
    pub(super) number: u64,
    /// When it was recorded; never before the one in front of it.
    pub(super) at: Timestamp,
    /// What happened.
    pub(super) event: ScheduleEvent,
}

/// Everything that happened to a schedule, in order.
#[derive(Clone, Debug, Default)]
pub struct History {
    records: Vec<Arc<Record>>,
    people: BTreeSet<UserId>,
}

impl History {
    /// Adds the event with the next number.
    pub fn record(&mut self, number: u64, at: Timestamp, event: ScheduleEvent) {
        self.people.extend(event.people());
        // The clocks of two nodes may differ; the order of the log is what counts.
        let at = self.records.last().map_or(at, |last| last.at.max(at));
        self.records.push(Arc::new(Record { number, at, event }));
    }

    /// Whether a person was ever named in it, so that they may have been on call.
    pub fn names(&self, user: UserId) -> bool {
        self.people.contains(&user)
    }

    /// How many events it has.
    pub fn events(&self) -> usize {
        self.records.len()
    }

    pub(super) fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// The last event that was recorded up to an instant; the first one, if all are later.
    pub(super) fn last_by(&self, at: Timestamp) -> Option<&Record> {
        let later = self.records.partition_point(|record| record.at <= at);
        self.records.get(later.saturating_sub(1)).map(|record| &**record)
    }
}
