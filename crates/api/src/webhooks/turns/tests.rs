//! Turns: no place is lost, no line is passed over, and whoever goes away leaves no gap.

use std::{cell::RefCell, pin::Pin, time::Duration};

use futures::FutureExt;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn key(number: u8) -> IntegrationId {
    IntegrationId::new(Uuid::from_u128(number.into()))
}

/// A message that keeps its turn until it is dropped, and says when it gets it.
struct Message<'a> {
    key: u8,
    number: usize,
    had_its_turn: bool,
    work: Pin<Box<dyn Future<Output = ()> + 'a>>,
}

/// Messages at a gate, and in which order they got their turns.
struct Gate<'a> {
    turns: &'a Turns,
    order: &'a RefCell<Vec<(u8, usize)>>,
    messages: Vec<Message<'a>>,
    arrived: usize,
}

impl<'a> Gate<'a> {
    fn new(turns: &'a Turns, order: &'a RefCell<Vec<(u8, usize)>>) -> Self {
        Self { turns, order, messages: vec![], arrived: 0 }
    }

    fn arrive(&mut self, number: u8) {
        let (turns, order, mine) = (self.turns, self.order, self.arrived);
        let work = async move {
            let arrival = turns.arrive(key(number));
            let _turn = arrival.turn().await;
            order.borrow_mut().push((number, mine));
            std::future::pending::<()>().await;
        };
        self.arrived += 1;
        self.messages.push(Message { key: number, number: mine, had_its_turn: false, work: Box::pin(work) });
        self.look();
    }

    /// Ends a message, or lets it go away if it waits.
    fn end(&mut self, index: usize) {
        drop(self.messages.remove(index));
        self.look();
    }

    /// Lets everybody go on who can.
    fn look(&mut self) {
        for message in &mut self.messages {
            assert!((&mut message.work).now_or_never().is_none(), "they never end by themselves");
            message.had_its_turn = self.order.borrow().contains(&(message.key, message.number));
        }
    }

    fn under_way(&self) -> usize {
        self.messages.iter().filter(|message| message.had_its_turn).count()
    }

    /// Ends the one that has its turn for the longest time.
    fn finish_one(&mut self) {
        let index = self.messages.iter().position(|message| message.had_its_turn).expect("one is under way");
        self.end(index);
    }
}

#[test]
fn the_first_of_a_quiet_line_waits_for_one_round_however_long_the_others_are() {
    let (turns, order) = (Turns::new(4), RefCell::default());
    let mut gate = Gate::new(&turns, &order);
    for _ in 0..1000 {
        gate.arrive(1);
    }
    for _ in 0..1000 {
        gate.arrive(2);
    }
    gate.arrive(3);
    assert_eq!(gate.under_way(), 4);
    for _ in 0..3 {
        gate.finish_one();
    }
    let served: Vec<_> = order.borrow()[4..].iter().map(|(key, _)| *key).collect();
    assert_eq!(served, [1, 2, 3]);
}

#[test]
fn a_message_is_alone_if_no_other_of_its_integration_is_there() {
    let turns = Turns::new(1);
    let first = turns.arrive(key(1));
    assert!(first.is_alone() && turns.arrive(key(2)).is_alone());
    assert!(!turns.arrive(key(1)).is_alone());
    drop(first);
    assert!(turns.arrive(key(1)).is_alone());
}

#[test]
fn a_turn_that_was_given_and_not_taken_is_passed_on() {
    let turns = Turns::new(1);
    let (first, second, third) = (turns.arrive(key(1)), turns.arrive(key(2)), turns.arrive(key(3)));
    let held = first.turn().now_or_never().expect("a free place");
    let (mut leaver, mut stayer) = (Box::pin(second.turn()), Box::pin(third.turn()));
    assert!((&mut leaver).now_or_never().is_none() && (&mut stayer).now_or_never().is_none());
    drop(held);
    drop(leaver);
    assert!(stayer.now_or_never().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_place_is_lost_among_threads_that_come_and_go() {
    let turns = std::sync::Arc::new(Turns::new(8));
    let tasks: Vec<_> = (0..400_u64)
        .map(|number| {
            let turns = turns.clone();
            tokio::spawn(async move {
                let arrival = turns.arrive(key(u8::try_from(number % 5).expect("small")));
                // Every third is impatient, so that it goes away at any moment.
                let patience = Duration::from_micros(if number % 3 == 0 { number } else { 60_000_000 });
                let turn = tokio::time::timeout(patience, arrival.turn()).await;
                tokio::task::yield_now().await;
                turn.is_ok()
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        let had_its_turn = task.await.expect("no panic");
        assert!(had_its_turn || number % 3 == 0, "{number}");
    }
    let state = turns.lock();
    assert_eq!((state.free, state.lines.len(), state.round.len()), (8, 0, 0));
}

proptest! {
    #[test]
    fn places_are_never_idle_nor_lost_and_no_line_is_passed_over(
        at_once in 1_usize..4,
        steps in prop::collection::vec((0_u8..4, any::<prop::sample::Index>()), 1..200),
    ) {
        let (turns, order) = (Turns::new(at_once), RefCell::default());
        let mut gate = Gate::new(&turns, &order);
        // Turns that others had since a line has waited.
        let mut passed: HashMap<u8, HashMap<u8, usize>> = HashMap::new();
        for (what, which) in steps {
            let before = order.borrow().len();
            if what < 3 {
                gate.arrive(what);
            } else if !gate.messages.is_empty() {
                let index = which.index(gate.messages.len());
                gate.end(index);
            }
            let waiting = |key: u8| gate.messages.iter().any(|one| one.key == key && !one.had_its_turn);
            for (served, _) in &order.borrow()[before..] {
                passed.remove(served);
                for line in (0..3).filter(|line| line != served && waiting(*line)) {
                    let turns = passed.entry(line).or_default().entry(*served).or_default();
                    *turns += 1;
                    prop_assert!(*turns <= 1, "{served} had two turns while {line} waited");
                }
            }
            passed.retain(|line, _| waiting(*line));
            let idle = gate.under_way() < at_once;
            prop_assert!(gate.under_way() <= at_once);
            prop_assert!(!idle || gate.messages.iter().all(|message| message.had_its_turn), "a place is idle");
            // Within a line the first to come is the first to go.
            for message in gate.messages.iter().filter(|message| !message.had_its_turn) {
                let later = |other: &&Message<'_>| other.key == message.key && other.number > message.number;
                prop_assert!(!gate.messages.iter().filter(later).any(|other| other.had_its_turn));
            }
        }
        drop(gate);
        let state = turns.lock();
        prop_assert_eq!((state.free, state.lines.len(), state.round.len()), (at_once, 0, 0));
    }
}
