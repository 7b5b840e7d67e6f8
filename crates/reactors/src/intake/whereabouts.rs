//! Where problems went lately, of entrances that send different messages to different places.
//!
//! The read models know where problems are open, a moment later. What this node has sent somewhere since then is remembered
//! here, so that nothing waits for them: what comes after an alert finds it although nothing is decided yet.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{IntegrationId, ServiceId};
use store::Position;

/// Places of problems that are remembered at least, the latest ones: more than are held back at any time. There are at
/// most twice as many, of about 200 bytes each.
const REMEMBERED: usize = 16_384;
/// Places of one problem.
const OF_ONE: usize = 16;

/// Where an alert of a problem goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) service: ServiceId,
    /// The grouping key.
    pub(super) key: String,
    /// Whether the problem has a key of its own there.
    pub(super) grouped: bool,
}

/// What makes messages of one entrance speak of one problem, wherever they go.
pub(super) type OwnKey = (IntegrationId, String);

/// Where problems went lately. Clones share what is remembered.
#[derive(Clone, Debug, Default)]
pub struct Whereabouts(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    latest: HashMap<OwnKey, Vec<Place>>,
    /// Those before the latest.
    earlier: HashMap<OwnKey, Vec<Place>>,
    /// How many the latest are.
    places: usize,
    /// What went somewhere before is known to the read models only, once they are so far.
    from: Position,
    /// The same for single entrances, which began to scatter later.
    from_of: HashMap<IntegrationId, Position>,
}

impl Whereabouts {
    /// Begins anew, when everything in the log up to `head` is left to the read models.
    pub(super) fn begin(&self, head: Position) {
        *self.lock() = Memory { from: head, ..Memory::default() };
    }

    /// How far the read models must be for them and this memory to know together where problems of an entrance are. From
    /// now on, whatever it is told of is remembered; `head` is where the log ends.
    pub(super) fn known_from(&self, integration: IntegrationId, head: Position) -> Position {
        let mut memory = self.lock();
        let from = *memory.from_of.entry(integration).or_insert(head);
        memory.from.max(from)
    }

    /// An alert of this problem goes there.
    pub(super) fn note(&self, problem: OwnKey, place: Place, head: Position) {
        let mut memory = self.lock();
        if memory.places >= REMEMBERED {
            memory.earlier = std::mem::take(&mut memory.latest);
            (memory.places, memory.from) = (0, head);
        }
        let places = memory.latest.entry(problem).or_default();
        if places.contains(&place) {
            return;
        }
        places.push(place);
        if places.len() > OF_ONE {
            places.remove(0);
            memory.from = head;
        } else {
            memory.places += 1;
        }
    }

    /// Where alerts of this problem went, as far as is remembered.
    pub(super) fn of(&self, problem: &OwnKey) -> Vec<Place> {
        let memory = self.lock();
        let mut places: Vec<Place> = vec![];
        for place in
            [&memory.earlier, &memory.latest].into_iter().filter_map(|known| known.get(problem)).flatten()
        {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
        places
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const INTEGRATION: IntegrationId = IntegrationId::new(Uuid::from_u128(1));

    fn problem(number: usize) -> OwnKey {
        (INTEGRATION, format!("disk {number}"))
    }

    fn place(key: usize) -> Place {
        let service = ServiceId::new(Uuid::from_u128(2));
        Place { service, key: format!("group {key}"), grouped: true }
    }

    #[test]
    fn the_latest_places_are_remembered_and_what_is_forgotten_is_left_to_the_read_models() {
        let whereabouts = Whereabouts::default();
        whereabouts.begin(5);
        assert_eq!(whereabouts.known_from(INTEGRATION, 7), 7, "it scatters since then");
        assert_eq!(whereabouts.known_from(INTEGRATION, 9), 7);
        for key in [1, 2, 1] {
            whereabouts.note(problem(0), place(key), 10);
        }
        assert_eq!(whereabouts.of(&problem(0)), [place(1), place(2)]);
        for number in 1..=REMEMBERED {
            whereabouts.note(problem(number), place(1), 20);
        }
        assert_eq!(whereabouts.known_from(INTEGRATION, 30), 20);
        whereabouts.note(problem(0), place(3), 30);
        assert_eq!(whereabouts.of(&problem(0)), [place(1), place(2), place(3)]);
        for number in 1..=REMEMBERED {
            whereabouts.note(problem(number), place(1), 40);
        }
        assert_eq!(whereabouts.of(&problem(0)), [place(3)]);
        assert_eq!(whereabouts.known_from(INTEGRATION, 50), 40);
        whereabouts.begin(60);
        assert_eq!((whereabouts.of(&problem(0)), whereabouts.known_from(INTEGRATION, 60)), (vec![], 60));
    }

    #[test]
    fn of_one_problem_so_many_places_are_remembered_and_no_more() {
        let whereabouts = Whereabouts::default();
        for key in 0..=OF_ONE {
            whereabouts.note(problem(0), place(key), 10);
        }
        let expected: Vec<_> = (1..=OF_ONE).map(place).collect();
        assert_eq!(whereabouts.of(&problem(0)), expected);
        assert_eq!(whereabouts.known_from(INTEGRATION, 3), 10, "the first is left to the read models");
    }
}
