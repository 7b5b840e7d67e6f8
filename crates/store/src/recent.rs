//! The last events in memory, shared by all tails.

use std::{collections::VecDeque, sync::Arc};

use crate::{Position, Recorded};

/// What an event costs in memory besides its payload, roughly.
const ENVELOPE: usize = 512;

/// An unbroken run of the newest events, bounded by count and by bytes.
#[derive(Debug)]
pub(crate) struct Recent {
    events: VecDeque<Arc<Recorded>>,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
}

impl Recent {
    /// Remembers nothing yet.
    pub(crate) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self { events: VecDeque::new(), bytes: 0, max_events, max_bytes }
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
                    self.bytes = 0;
                }
            }
            self.bytes += weight(&event);
            self.events.push_back(event);
        }
        while self.events.len() > self.max_events || self.bytes > self.max_bytes {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= weight(&oldest);
        }
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
    fn after_a_gap_it_begins_anew() {
        let mut recent = Recent::new(10, usize::MAX);
        recent.extend(run(1..=3));
        recent.extend(run(6..=7));
        assert_eq!(positions(&recent, 3, 10), None);
        assert_eq!(positions(&recent, 5, 10), Some(vec![6, 7]));
    }
}
