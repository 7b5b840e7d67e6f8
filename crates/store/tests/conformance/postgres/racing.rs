//! Eight writers on eight connections, in two processes.

use std::{collections::BTreeMap, env, process::Stdio};

use futures::future::join_all;
use store::{Filter, Options, StoreError, Verified};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};
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
    let mut racers = join_all((0..PROCESSES).map(|number| Racer::at_the_start(number, &place.url))).await;
    // Nobody runs before everybody stands at the start, or there is no race.
    for racer in &mut racers {
        racer.go().await;
    }
    let mut winners: BTreeMap<u64, Vec<u128>> = BTreeMap::new();
    for output in join_all(racers.into_iter().map(Racer::finish)).await {
        for line in output.lines() {
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
}

/// This test again, in a process of its own.
struct Racer {
    child: Child,
    output: BufReader<tokio::process::ChildStdout>,
}

impl Racer {
    async fn at_the_start(number: u128, url: &str) -> Self {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args([
                "--exact",
                "postgres::racing::of_eight_writers_in_two_processes_exactly_one_wins_each_round",
            ])
            .arg("--nocapture")
            .env(CHILD, format!("{number} {url}"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("a child");
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while !line.ends_with("ready\n") {
            line.clear();
            let read = output.read_line(&mut line).await.expect("text");
            assert_ne!(read, 0, "the child ended before the start");
        }
        Self { child, output }
    }

    async fn go(&mut self) {
        let start = self.child.stdin.as_mut().expect("it is piped");
        start.write_all(b"go\n").await.expect("the child listens");
    }

    async fn finish(mut self) -> String {
        let mut output = String::new();
        self.output.read_to_string(&mut output).await.expect("text");
        let status = self.child.wait().await.expect("it ran");
        assert!(status.success(), "{output}");
        output
    }
}

/// Writers with a connection each; a writer that lost goes on to the next round, as the winner does.
async fn race(task: &str) {
    let (number, url) = task.split_once(' ').expect("a number and a log");
    let number: u128 = number.parse().expect("a number");
    let place = Postgres { url: url.to_owned() };
    let options = || Options { readers: 1, ..Options::default() };
    let opening = (0..WRITERS).map(|_| async { place.open_with(options()).await.expect("opens") });
    let stores = join_all(opening).await;
    println!("ready");
    let mut go = String::new();
    BufReader::new(tokio::io::stdin()).read_line(&mut go).await.expect("a word");
    let writers = (0..).zip(&stores).map(|(writer, store): (u128, _)| async move {
        for round in 0..ROUNDS {
            let command = number * 1_000_000 + writer * 100_000 + u128::from(round);
            match store.append(append(command, stream("incident", 1), round)).await {
                Ok(outcome) => {
                    assert_eq!(outcome.version, round + 1);
                    println!("won {round} {command}");
                }
                Err(StoreError::Conflict { actual, .. }) => assert!(actual > round, "nobody can be ahead"),
                Err(error) => panic!("{error}"),
            }
        }
    });
    join_all(writers).await;
}
