//! The last events in memory, shared by all tails.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use crate::{Position, Recorded};

/// What an event costs in memory besides its payload, roughly.
const ENVELOPE: usize = 512;

/// An unbroken run of the newest events, bounded by count and by bytes.
#[derive(Debug)]
pub(crate) struct Recent {
    events: VecDeque<Arc<Recorded>>,
    bytes: usize,
    /// Of the streams of these events, the last event's position and version.
    ends: HashMap<Arc<str>, (Position, u64)>,
    max_events: usize,
    max_bytes: usize,
}

impl Recent {
    /// Remembers nothing yet.
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, ends: HashMap::new(), max_events, max_bytes }
    }

    /// Adds events, ascending and unbroken; skips those it had, begins anew after a gap.
    pub(crate) fn extend(&mut self, events: Vec<Arc<Recorded>>) {
        for event in events {
            if let Some(last) = self.events.back() {
                if event.position <= last.position {
                    continue;
                }
                if event.position > last.position + 1 {
                    self.events.clear();
                    self.ends.clear();
                    self.bytes = 0;
                }
            }
            self.bytes += weight(&event);
            self.ends.insert(Arc::clone(&event.stream), (event.position, event.version));
            self.events.push_back(event);
        }
        while self.events.len() > self.max_events || self.bytes > self.max_bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= weight(&oldest);
            if self.ends.get(&oldest.stream).is_some_and(|(position, _)| *position == oldest.position) {
                self.ends.remove(&oldest.stream);
            }
        }
    }

    /// The version of a stream, if its last event is remembered. Whoever else writes to the log is not known of here.
    pub(crate) fn version(&self, stream: &str) -> Option<u64> {
        self.ends.get(stream).map(|(_, version)| *version)
    }

    /// Forgets the versions of streams: there may be events that were never told of.
    pub(crate) fn doubt_versions(&mut self) {
        self.ends.clear();
    }

    /// Up to `limit` events after `after`; `None` if the first of them is not remembered.
    pub(crate) fn after(&self, after: Position, limit: usize) -> Option<Vec<Arc<Recorded>>> {
        let first = self.events.front()?.position;
        let last = self.events.back()?.position;
        if after + 1 < first || after >= last {
            return None;
        }
        let skip = usize::try_from(after + 1 - first).ok()?;
        Some(self.events.iter().skip(skip).take(limit).cloned().collect())
    }
}

fn weight(event: &Recorded) -> usize {
    event.payload.len() + ENVELOPE
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::recorded;

    fn run(positions: std::ops::RangeInclusive<Position>) -> Vec<Arc<Recorded>> {
        positions.map(|position| Arc::new(recorded(position))).collect()
    }

    fn positions(recent: &Recent, after: Position, limit: usize) -> Option<Vec<Position>> {
        recent.after(after, limit).map(|events| events.iter().map(|event| event.position).collect())
    }

    #[test]
    fn only_the_newest_are_remembered() {
        let mut recent = Recent::new(3, usize::MAX);
        recent.extend(run(1..=5));
        assert_eq!(positions(&recent, 1, 10), None);
        assert_eq!(positions(&recent, 2, 10), Some(vec![3, 4, 5]));
        assert_eq!(positions(&recent, 3, 1), Some(vec![4]));
        assert_eq!(positions(&recent, 5, 10), None);
    }

    #[test]
    fn bytes_bound_it_too() {
        let mut recent = Recent::new(100, 2 * weight(&recorded(1)));
        recent.extend(run(1..=5));
        assert_eq!(positions(&recent, 2, 10), None);
        assert_eq!(positions(&recent, 3, 10), Some(vec![4, 5]));
    }

    #[test]
    fn events_told_twice_are_remembered_once() {
        let mut recent = Recent::new(10, usize::MAX);
        recent.extend(run(1..=3));
        recent.extend(run(2..=4));
        assert_eq!(positions(&recent, 0, 10), Some(vec![1, 2, 3, 4]));
    }

    #[test]
    fn a_stream_has_the_version_of_its_last_event_for_as_long_as_that_is_remembered() {
        let of = |stream: &str, position, version| {
            Arc::new(Recorded { stream: stream.into(), version, ..recorded(position) })
        };
        let mut recent = Recent::new(3, usize::MAX);
        recent.extend(vec![of("a", 1, 1), of("b", 2, 1), of("a", 3, 2)]);
        assert_eq!((recent.version("a"), recent.version("b"), recent.version("c")), (Some(2), Some(1), None));
        recent.extend(vec![of("c", 4, 9), of("c", 5, 10)]);
        assert_eq!(
            (recent.version("a"), recent.version("b"), recent.version("c")),
            (Some(2), None, Some(10))
        );
        recent.doubt_versions();
        assert_eq!(recent.version("a"), None);
        recent.extend(vec![of("a", 6, 3)]);
        assert_eq!(recent.version("a"), Some(3));
        recent.extend(vec![of("b", 9, 2)]);
        assert_eq!((recent.version("a"), recent.version("b")), (None, Some(2)), "after a gap");
    }

    #[test]
    fn after_a_gap_it_begins_anew() {
        let mut recent = Recent::new(10, usize::MAX);
        recent.extend(run(1..=3));
        recent.extend(run(6..=7));
        assert_eq!(positions(&recent, 3, 10), None);
        assert_eq!(positions(&recent, 5, 10), Some(vec![6, 7]));
    }
}
