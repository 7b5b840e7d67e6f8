//! Eight writers on eight connections, in two processes.

use std::{collections::BTreeMap, env, process::Stdio};

use store::{Filter, Options, StoreError, Verified};
use tokio::process::Command;
use uuid::Uuid;

use super::Postgres;
use crate::{
    place::Place,
    told::{append, stream},
};

/// Tells a child process which log to race for, and its number.
const CHILD: &str = "MIDWATCH_TEST_RACE";
const PROCESSES: u128 = 2;
const WRITERS: u128 = 4;
const ROUNDS: u64 = 2000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_writers_in_two_processes_exactly_one_wins_each_round() {
    if let Ok(task) = env::var(CHILD) {
        return race(&task).await;
    }
    let place = Postgres::fresh().await;
    let store = place.open().await;
    let children = (0..PROCESSES).map(|number| {
        // This test again, in a process of its own.
        Command::new(env::current_exe().expect("this program"))
            .args([
                "--exact",
                "postgres::racing::of_eight_writers_in_two_processes_exactly_one_wins_each_round",
            ])
            .arg("--nocapture")
            .env(CHILD, format!("{number} {}", place.url))
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a child")
            .wait_with_output()
    });
    let mut winners: BTreeMap<u64, Vec<u128>> = BTreeMap::new();
    for output in futures::future::join_all(children).await {
        let output = output.expect("the child ran");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        for line in String::from_utf8(output.stdout).expect("text").lines() {
            let mut words = line.split(' ');
            if words.next() == Some("won") {
                let round = words.next().and_then(|word| word.parse().ok()).expect("a round");
                let command = words.next().and_then(|word| word.parse().ok()).expect("a command");
                winners.entry(round).or_default().push(command);
            }
        }
    }
    assert_eq!(winners.len() as u64, ROUNDS);
    for (round, winners) in &winners {
        assert_eq!(winners.len(), 1, "round {round} was won by {winners:?}");
    }
    let events = store.load(&stream("incident", 1), 0).await.expect("readable");
    let stored: Vec<_> = events.iter().map(|event| event.metadata.command_id).collect();
    let told: Vec<_> = winners.values().map(|winners| Uuid::from_u128(winners[0])).collect();
    assert_eq!(stored, told, "what is stored is what was told");
    let all = store.read(0, usize::MAX, &Filter::All).await.expect("readable");
    assert_eq!(all.last().map(|event| event.position), Some(ROUNDS));
    let verified = store.verify(&mut |_| {}).await.expect("readable");
    assert!(matches!(verified, Verified::Intact { events: ROUNDS, .. }), "{verified:?}");
    // Both processes had a share in it, or there was no race.
    let first = told.iter().filter(|command| command.as_u128() / 1_000_000 == 0).count();
    assert!((1..told.len()).contains(&first), "{first} of {} won by the first process", told.len());
}

/// Writers with a connection each; a writer that lost goes on to the next round, as the winner does.
async fn race(task: &str) {
    let (number, url) = task.split_once(' ').expect("a number and a log");
    let number: u128 = number.parse().expect("a number");
    let place = Postgres { url: url.to_owned() };
    let writers = (0..WRITERS).map(|writer| {
        let place = &place;
        async move {
            let store = place.open_with(Options { readers: 1, ..Options::default() }).await.expect("opens");
            for round in 0..ROUNDS {
                let command = number * 1_000_000 + writer * 100_000 + u128::from(round);
                match store.append(append(command, stream("incident", 1), round)).await {
                    Ok(outcome) => {
                        assert_eq!(outcome.version, round + 1);
                        println!("won {round} {command}");
                    }
                    Err(StoreError::Conflict { actual, .. }) => {
                        assert!(actual > round, "nobody can be ahead")
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    futures::future::join_all(writers).await;
}
