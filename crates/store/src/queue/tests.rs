use std::collections::HashMap;

use futures::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::{fixture, hash::GENESIS};

/// An append to a stream of its own.
fn prepared(command: u128) -> Prepared {
    to_stream(command, command)
}

fn to_stream(stream: u128, command: u128) -> Prepared {
    Prepared::new(fixture::append(command, &format!("team-{stream}"), 0)).expect("valid")
}

fn take(queue: &Arc<Queue>) -> Option<Group> {
    queue.take().now_or_never().map(|group| group.expect("open"))
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
    assert!(queue.take().now_or_never().expect("at once").is_none());
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

#[tokio::test(start_paused = true)]
async fn little_is_taken_by_one_of_several_committers_at_a_time() {
    let queue = Queue::new(2, 100, usize::MAX);
    let _waiting = queue.push(prepared(0)).expect("room");
    let first = take(&queue).expect("nothing is under way");
    let _waiting: Vec<_> = (1..4).map(|n| queue.push(prepared(n)).expect("room")).collect();
    assert!(take(&queue).is_none(), "it would wait for the first one");
    drop(first);
    assert_eq!(commands(&take(&queue).expect("nothing is under way")), [1, 2, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_load_is_taken_while_a_group_is_under_way_but_not_of_its_streams() {
    let queue = Queue::new(2, 1000, usize::MAX);
    let _waiting: Vec<_> = (0..2).map(|n| queue.push(prepared(n)).expect("room")).collect();
    let first = take(&queue).expect("nothing is under way");
    let load = LOAD as u128;
    let _waiting: Vec<_> = (2..load).map(|n| queue.push(prepared(n)).expect("room")).collect();
    let _waiting: Vec<_> = [100, 101].map(|n| queue.push(to_stream(1, n)).expect("room")).into();
    let second = take(&queue).expect("a load waits");
    assert_eq!(commands(&second), (2..load).collect::<Vec<_>>());
    drop(first);
    assert!(take(&queue).is_none(), "little is left");
    drop(second);
    assert_eq!(commands(&take(&queue).expect("nothing is under way")), [100, 101]);
}

#[tokio::test(start_paused = true)]
async fn a_committer_that_waits_is_woken_by_a_settled_group_and_by_the_end() {
    let queue = Queue::new(2, 100, usize::MAX);
    let _waiting = queue.push(prepared(0)).expect("room");
    let first = take(&queue).expect("nothing is under way");
    let mut waits = Box::pin(queue.take());
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(waits.poll_unpin(&mut context).is_pending());
    let _waiting = queue.push(prepared(1)).expect("room");
    assert!(waits.poll_unpin(&mut context).is_pending());
    drop(first);
    let std::task::Poll::Ready(Some(second)) = waits.poll_unpin(&mut context) else {
        panic!("what waits is not taken")
    };
    assert_eq!(commands(&second), [1]);

    let mut others = [Box::pin(queue.take()), Box::pin(queue.take())];
    let _waiting = queue.push(prepared(2)).expect("room");
    for other in &mut others {
        assert!(other.poll_unpin(&mut context).is_pending(), "one is under way");
    }
    queue.close();
    for other in &mut others {
        assert!(other.poll_unpin(&mut context).is_pending(), "one is under way, and one waits");
    }
    drop(second);
    assert_eq!(commands(&take(&queue).expect("nothing is under way")), [2]);
    assert!(queue.take().now_or_never().expect("at once").is_none());
    for other in &mut others {
        assert!(matches!(other.poll_unpin(&mut context), std::task::Poll::Ready(None)));
    }
}

#[tokio::test(start_paused = true)]
async fn little_does_not_wait_for_a_group_that_takes_too_long() {
    let queue = Queue::new(2, 100, usize::MAX);
    let _waiting = queue.push(prepared(0)).expect("room");
    let hangs = take(&queue).expect("nothing is under way");
    let _waiting = queue.push(prepared(1)).expect("room");
    assert!(take(&queue).is_none());
    let begun = Instant::now();
    assert_eq!(commands(&queue.take().await.expect("open")), [1]);
    assert_eq!(begun.elapsed().as_millis(), PATIENCE.as_millis());
    let _waiting = queue.push(prepared(2)).expect("room");
    assert_eq!(commands(&take(&queue).expect("it hangs still")), [2]);
    drop(hangs);
}

proptest! {
    /// Whoever takes when: no stream is under way twice, and its appends are taken in order, none of them twice.
    #[test]
    fn a_stream_is_never_under_way_twice_and_keeps_its_order(
        steps in prop::collection::vec((0..4_usize, 1..90_u128, 1..40_u128, any::<prop::sample::Index>()), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let _inside = runtime.enter();
        let queue = Queue::new(3, 100_000, usize::MAX);
        let (mut pushed, mut asked): (u128, HashMap<_, Vec<u128>>) = (0, HashMap::new());
        let (mut under_way, mut taken): (Vec<Group>, HashMap<_, Vec<u128>>) = (Vec::new(), HashMap::new());
        let mut keep = |group: &Group| {
            for append in group.appends() {
                let command = append.metadata.command_id.as_u128();
                taken.entry(append.stream.to_string()).or_default().push(command);
            }
        };
        for (step, count, streams, pick) in steps {
            match step {
                0 | 1 => for n in 0..count {
                    let append = to_stream(n * 7 % streams, pushed);
                    asked.entry(append.stream.to_string()).or_default().push(pushed);
                    queue.push(append).expect("room");
                    pushed += 1;
                },
                2 if under_way.len() < 3 => if let Some(group) = take(&queue) {
                    let streams = |group: &Group| {
                        group.appends().iter().map(|append| Arc::clone(&append.stream)).collect::<HashSet<_>>()
                    };
                    for other in &under_way {
                        prop_assert!(streams(other).is_disjoint(&streams(&group)));
                    }
                    keep(&group);
                    under_way.push(group);
                },
                _ if !under_way.is_empty() => drop(under_way.swap_remove(pick.index(under_way.len()))),
                _ => {}
            }
        }
        under_way.clear();
        while let Some(group) = take(&queue) {
            keep(&group);
        }
        prop_assert_eq!(taken, asked);
    }
}
