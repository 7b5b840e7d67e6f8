//! What an edition of the time zone database says, kept in the log, so that a later one can be compared with it.
//!
//! Offsets are recorded, not handoffs: schedules are edited between two editions, and only the offsets tell
//! what the old edition would have made of the schedules of today.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::{tzdb::Zones, zone::Zone};
use crate::Timestamp;

/// How far back offsets are recorded, in seconds: a rotation looks at the change before an instant.
const BACK: i64 = 366 * 86_400;
/// How far ahead offsets are recorded, in seconds: five years.
const AHEAD: i64 = 5 * 366 * 86_400;
/// What is recorded again when it tells less than this of the future, in seconds: two years.
const ENOUGH: i64 = 2 * 366 * 86_400;

/// The offset at the beginning of a range, and each change in it, in seconds.
type Offsets = (i32, Vec<(i64, i32)>);

/// What an edition of the time zone database says about a range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneData {
    /// The edition, such as `2026f`.
    pub version: String,
    /// From when on it is recorded.
    pub from: Timestamp,
    /// Until when it is recorded.
    pub until: Timestamp,
    /// The wall clocks, each with the zones that show it.
    clocks: Vec<Clock>,
}

/// A wall clock that some zones share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Clock {
    zones: Vec<String>,
    /// Seconds ahead of UTC at the beginning of the range.
    offset: i32,
    /// Changes of the offset: seconds since 1970, and the offset from then on.
    changes: Vec<(i64, i32)>,
}

impl ZoneData {
    /// What an edition says about some zones, as seen from an instant.
    pub fn of(zones: &dyn Zones, names: impl IntoIterator<Item = Tz>, at: Timestamp) -> Self {
        let from = Timestamp::from_millis(at.millis() - BACK * 1000);
        let until = Timestamp::from_millis(at.millis() + AHEAD * 1000);
        let names: BTreeSet<&str> = names.into_iter().map(Tz::name).collect();
        let mut clocks: BTreeMap<Offsets, Vec<String>> = BTreeMap::new();
        for (name, zone) in names.into_iter().filter_map(|name| Some((name, name.parse::<Tz>().ok()?))) {
            clocks.entry(zones.zone(zone).offsets(from, until)).or_default().push(name.to_owned());
        }
        let clocks = clocks.into_iter().map(|((offset, changes), zones)| Clock { zones, offset, changes });
        Self { version: zones.version().to_owned(), from, until, clocks: clocks.collect() }
    }

    /// Whether a later recording tells nothing new: no other edition, zone or offset, and little more of the future.
    pub fn covers(&self, later: &Self, at: Timestamp) -> bool {
        let enough = self.until.millis() - at.millis() >= ENOUGH * 1000;
        let known: BTreeSet<&String> = self.names().collect();
        let all = later.names().all(|name| known.contains(name));
        enough && all && self.version == later.version && self.differing(later).is_empty()
    }

    /// Zones about which the two say different things, of those and of the time that both tell of.
    pub fn differing(&self, other: &Self) -> Vec<Tz> {
        let (from, until) = (self.from.max(other.from), self.until.min(other.until));
        let (one, other) = (self.table(), other.table());
        let shown = |zone: &Zone| zone.offsets(from, until);
        let differs = |(name, zone): (&Tz, &Arc<Zone>)| {
            other.get(name).is_some_and(|other| shown(zone) != shown(other)).then_some(*name)
        };
        one.iter().filter_map(differs).collect()
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.clocks.iter().flat_map(|clock| &clock.zones)
    }

    /// The zones as this edition has them. A zone that it does not know is taken from another one.
    pub fn zones(&self, otherwise: Arc<dyn Zones>) -> RecordedZones {
        RecordedZones { version: self.version.clone(), table: self.table(), otherwise }
    }

    fn table(&self) -> HashMap<Tz, Arc<Zone>> {
        let of_clock = |clock: &Clock| {
            let zone = Arc::new(Zone::new(clock.offset, clock.changes.iter().copied()));
            let names: Vec<Tz> = clock.zones.iter().filter_map(|name| name.parse().ok()).collect();
            names.into_iter().map(move |name| (name, Arc::clone(&zone)))
        };
        self.clocks.iter().flat_map(of_clock).collect()
    }
}

/// The zones of an edition that was recorded, right in the range that it was recorded for.
#[derive(Debug)]
pub struct RecordedZones {
    version: String,
    table: HashMap<Tz, Arc<Zone>>,
    otherwise: Arc<dyn Zones>,
}

impl Zones for RecordedZones {
    fn zone(&self, name: Tz) -> Arc<Zone> {
        self.table.get(&name).map_or_else(|| self.otherwise.zone(name), Arc::clone)
    }

    fn version(&self) -> &str {
        &self.version
    }
}

#[cfg(test)]
mod tests {
    use chrono_tz::TZ_VARIANTS;

    use super::*;
    use crate::schedule::Tzdb;

    const AT: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    #[test]
    fn what_is_recorded_reads_back_and_says_what_the_edition_says() {
        let tzdb = Tzdb::bundled();
        let data = ZoneData::of(&tzdb, TZ_VARIANTS, AT);
        let text = serde_json::to_string(&data).expect("it can be written");
        assert!(text.len() < 64_000, "{} bytes are small enough for an event", text.len());
        let data: ZoneData = serde_json::from_str(&text).expect("it reads back");
        let recorded = data.zones(Arc::new(Tzdb::bundled()));
        assert_eq!(recorded.version(), tzdb.version());
        for zone in TZ_VARIANTS {
            for days in (0..365 * 4).step_by(3) {
                let at = AT.plus_seconds(days * 86_400 + 5400);
                assert_eq!(recorded.zone(zone).reading(at), tzdb.zone(zone).reading(at), "{zone} at {at}");
            }
        }
    }

    #[test]
    fn only_other_offsets_another_edition_or_little_future_are_recorded_again() {
        let tzdb = Tzdb::bundled();
        let of = |names: &[Tz], at| ZoneData::of(&tzdb, names.iter().copied(), at);
        let few = [Tz::Europe__Berlin, Tz::UTC];
        let data = of(&few, AT);
        let later = |years: u64| AT.plus_seconds(years * 366 * 86_400);
        assert!(data.covers(&of(&few, later(1)), later(1)));
        assert!(data.covers(&of(&[Tz::UTC], AT), AT));
        assert!(!data.covers(&of(&few, later(4)), later(4)), "it tells one more year");
        assert!(!data.covers(&of(&[Tz::UTC, Tz::Asia__Tokyo], AT), AT), "it does not know Tokyo");
        let renamed = ZoneData { version: "another".to_owned(), ..data.clone() };
        assert!(!data.covers(&renamed, AT));
        let mut moved = data.clone();
        moved.clocks[0].offset += 3600;
        assert!(!data.covers(&moved, AT));
        assert_eq!(data.differing(&moved), [Tz::UTC]);
    }
}
