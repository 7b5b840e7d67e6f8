//! Many writers at once.

use std::sync::Arc;

use store::{Filter, StoreError};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{
    place::Place,
    told::{append, stream, version},
};

const WRITERS: u128 = 8;

pub(crate) async fn of_eight_writers_with_one_expected_version_exactly_one_wins<P: Place>(place: &P) {
    let store = place.open().await;
    let stream = stream("incident", 1);
    let gate = Arc::new(Barrier::new(WRITERS as usize));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (store, stream, gate) = (store.clone(), stream.clone(), Arc::clone(&gate));
        writers.spawn(async move {
            let mut wins = Vec::new();
            for round in 0..P::ROUNDS {
                gate.wait().await;
                match store.append(append(round * WRITERS + writer, &stream, version(round))).await {
                    Ok(outcome) => {
                        assert_eq!(u128::from(outcome.version), round + 1);
                        wins.push(round);
                    }
                    Err(StoreError::Conflict { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            wins
        });
    }
    let mut wins: Vec<_> = writers.join_all().await.into_iter().flatten().collect();
    wins.sort_unstable();
    assert_eq!(wins, (0..P::ROUNDS).collect::<Vec<_>>(), "each round has exactly one winner");
    assert_eq!(store.load(&stream, 0).await.expect("readable").len() as u128, P::ROUNDS);
}

pub(crate) async fn a_command_sent_from_everywhere_at_once_is_recorded_once<P: Place>(place: &P) {
    let store = place.open().await;
    let gate = Arc::new(Barrier::new(WRITERS as usize));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (store, gate) = (store.clone(), Arc::clone(&gate));
        writers.spawn(async move {
            let mut answers = Vec::new();
            for round in 0..P::ROUNDS {
                gate.wait().await;
                answers.push(store.append(append(round, stream("incident", round), 0)).await.expect("known"));
            }
            answers
        });
    }
    let answers = writers.join_all().await;
    for round in 0..P::ROUNDS as usize {
        let first = answers.iter().filter(|answers| !answers[round].already).count();
        assert_eq!(first, 1, "in round {round}");
        assert!(answers.iter().all(|answer| answer[round].position == answers[0][round].position));
    }
    let events = store.read(0, usize::MAX, &Filter::All).await.expect("readable");
    assert_eq!(events.len() as u128, P::ROUNDS);
}
