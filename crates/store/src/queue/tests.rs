use futures::FutureExt;

use super::*;
use crate::{fixture, hash::GENESIS};

fn prepared(command: u128) -> Prepared {
    Prepared::new(fixture::append(command, &format!("team-{command}"), 0)).expect("valid")
}

fn commands(group: &Group) -> Vec<u128> {
    group.appends().iter().map(|append| append.metadata.command_id.as_u128()).collect()
}

#[test]
fn a_group_is_all_that_waits_in_order() {
    let queue = Queue::new(1, 100, usize::MAX);
    let _waiting: Vec<_> = (0..5).map(|n| queue.push(prepared(n)).expect("room")).collect();
    assert_eq!(commands(&queue.take_blocking().expect("open")), [0, 1, 2, 3, 4]);
}

#[test]
fn a_group_is_bounded_by_count_and_bytes() {
    let queue = Queue::new(1, 10_000, usize::MAX);
    let _waiting: Vec<_> = (0..1000).map(|n| queue.push(prepared(n)).expect("room")).collect();
    assert_eq!(queue.take_blocking().expect("open").appends().len(), GROUP_APPENDS);
    assert_eq!(queue.take_blocking().expect("open").appends().len(), 1000 - GROUP_APPENDS);

    let heavy = |command| Prepared { bytes: GROUP_BYTES / 2 + 1, ..prepared(command) };
    let _waiting: Vec<_> = (0..2).map(|n| queue.push(heavy(n)).expect("room")).collect();
    assert_eq!(queue.take_blocking().expect("open").appends().len(), 1);
    let _waiting = queue.push(Prepared { bytes: 2 * GROUP_BYTES, ..prepared(9) }).expect("room");
    assert_eq!(queue.take_blocking().expect("open").appends().len(), 1);
    assert_eq!(commands(&queue.take_blocking().expect("open")), [9]);
}

#[test]
fn what_is_under_way_still_takes_room() {
    let queue = Queue::new(1, 2, usize::MAX);
    let _waiting: Vec<_> = (0..2).map(|n| queue.push(prepared(n)).expect("room")).collect();
    assert!(matches!(queue.push(prepared(2)), Err(StoreError::Busy)));
    let group = queue.take_blocking().expect("open");
    assert!(matches!(queue.push(prepared(2)), Err(StoreError::Busy)));
    drop(group);
    queue.push(prepared(2)).expect("room again");
}

#[test]
fn bytes_fill_the_queue_too() {
    let queue = Queue::new(1, 100, 2 * prepared(0).bytes);
    let _waiting: Vec<_> = (0..2).map(|n| queue.push(prepared(n)).expect("room")).collect();
    assert!(matches!(queue.push(prepared(2)), Err(StoreError::Busy)));
    let never = Prepared { bytes: 10 * GROUP_BYTES, ..prepared(3) };
    assert!(matches!(queue.push(never), Err(StoreError::Refused(_))));
}

#[test]
fn a_group_dropped_by_a_dying_committer_tells_its_callers() {
    let queue = Queue::new(1, 100, usize::MAX);
    let outcome = queue.push(prepared(0)).expect("room");
    drop(queue.take_blocking());
    assert!(outcome.now_or_never().expect("told").is_err());
}

#[test]
fn what_waits_when_the_committer_dies_is_answered() {
    let queue = Queue::new(1, 100, usize::MAX);
    let ends = queue.until_committer_ends();
    let outcome = queue.push(prepared(0)).expect("room");
    drop(ends);
    assert!(outcome.now_or_never().expect("told").is_err());
    assert!(matches!(queue.push(prepared(1)), Err(StoreError::Unavailable(_))));
}

#[test]
fn a_closed_queue_gives_out_what_waits_and_then_ends() {
    let queue = Queue::new(1, 100, usize::MAX);
    let _waiting = queue.push(prepared(0)).expect("room");
    queue.close();
    assert!(matches!(queue.push(prepared(1)), Err(StoreError::Unavailable(_))));
    assert_eq!(commands(&queue.take_blocking().expect("something waits")), [0]);
    assert!(queue.take_blocking().is_none());
    assert!(queue.take(0).now_or_never().expect("at once").is_none());
}

#[test]
fn everybody_is_answered_by_themselves_after_the_tails_were_told() {
    let queue = Queue::new(1, 100, usize::MAX);
    let growth = Growth::new(10, usize::MAX);
    let waiting: Vec<_> = (0..3).map(|n| queue.push(prepared(n)).expect("room")).collect();
    let group = queue.take_blocking().expect("open");
    let first = Committed { position: 1, version: 1, already: false };
    let written = group.appends()[1].recorded(7, GENESIS);
    let outcomes = vec![Outcome::Already(first), Outcome::Written(written), Outcome::Conflict { actual: 4 }];
    group.settle(Ok(outcomes), &growth);
    let answers: Vec<_> = waiting.into_iter().map(|answer| answer.now_or_never().expect("told")).collect();
    assert_eq!(
        *answers[0].as_ref().expect("told").as_ref().expect("known"),
        Committed { already: true, ..first }
    );
    let won = Committed { position: 7, version: 1, already: false };
    assert_eq!(*answers[1].as_ref().expect("told").as_ref().expect("won"), won);
    assert!(matches!(answers[2].as_ref().expect("told"), Err(StoreError::Conflict { actual: 4, .. })));
    assert_eq!(growth.head(), 7);
}
