//! How many problems there are of each kind, by the day on which they were first told of. In a storm nearly all of them
//! are of one kind, so that a batch adds to few rows.

use std::collections::BTreeMap;

use domain::{IntegrationId, ServiceId, Severity, TeamId, Timestamp};

use super::record::AlertStatus;
use crate::{
    db::{Cell, Change, Kind, Rows, Table},
    list::severity_number,
};

pub(crate) static COUNTS: Table = Table {
    name: "read_alert_counts",
    columns: &[
        ("day", Kind::Int),
        ("integration", Kind::Bytes),
        ("service", Kind::Bytes),
        ("team", Kind::Bytes),
        ("severity", Kind::Int),
        ("status", Kind::Int),
        ("problems", Kind::Int),
    ],
    key: 6,
    keyed: true,
};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// The day of an instant in UTC, counted from 1970.
pub(super) const fn day(at: Timestamp) -> i64 {
    at.millis().div_euclid(DAY)
}

/// When a day begins.
pub(super) const fn beginning(day: i64) -> Timestamp {
    Timestamp::from_millis(day.saturating_mul(DAY))
}

/// What problems are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counted {
    pub(super) day: i64,
    pub(super) integration: IntegrationId,
    pub(super) service: ServiceId,
    pub(super) team: Option<TeamId>,
    pub(super) severity: Severity,
    pub(super) status: AlertStatus,
}

/// By how much a batch changes the numbers. What rises and falls again is kept as well, so that there are the same rows
/// wherever a batch ends.
#[derive(Debug, Default)]
pub(super) struct Counts(BTreeMap<Counted, i64>);

impl Counts {
    pub(super) fn add(&mut self, counted: Counted) {
        *self.0.entry(counted).or_default() += 1;
    }

    pub(super) fn take(&mut self, counted: Counted) {
        *self.0.entry(counted).or_default() -= 1;
    }

    pub(super) fn rows(&mut self) -> Rows {
        let mut rows = Rows::new(&COUNTS, Change::Add);
        for (counted, change) in std::mem::take(&mut self.0) {
            rows.push([
                Cell::Int(counted.day),
                counted.integration.uuid().into(),
                counted.service.uuid().into(),
                // A part of a key is never null.
                Cell::Bytes(counted.team.map_or_else(Vec::new, |team| team.uuid().as_bytes().to_vec())),
                severity_number(counted.severity).into(),
                counted.status.number().into(),
                Cell::Int(change),
            ]);
        }
        rows
    }
}
