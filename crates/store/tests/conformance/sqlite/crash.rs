//! `kill -9` in the middle of a storm.

use std::{
    collections::HashMap,
    env,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
};

use store::{DatabaseUrl, Filter, Options, Store, StoreError, Verified};

use super::Sqlite;
use crate::{
    place::Place,
    told::{append_all, event, stream},
};

/// Tells a child process which file to write into.
const CHILD: &str = "MIDWATCH_TEST_STORM";

/// How many acknowledgements are heard before each kill.
const HEARD: [usize; 4] = [1, 100, 700, 1500];

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    if let Ok(path) = env::var(CHILD) {
        return storm(path).await;
    }
    let place = Sqlite::fresh().await;
    let mut acknowledged = HashMap::new();
    for (round, heard) in HEARD.into_iter().enumerate() {
        // This test again, in a process of its own.
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args(["--exact", "sqlite::crash::what_was_acknowledged_survives_a_kill", "--nocapture"])
            .env(CHILD, place.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        let mut known = 0;
        let mut line = String::new();
        while known < heard {
            line.clear();
            assert_ne!(output.read_line(&mut line).expect("readable"), 0, "the child ended by itself");
            known += usize::from(note(&line, &mut acknowledged));
        }
        let refused = place.open_with(Options::default()).await.expect_err("the child has it");
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused}");
        child.kill().expect("killed");
        child.wait().expect("gone");
        let mut rest = String::new();
        output.read_to_string(&mut rest).expect("readable");
        for line in rest.split_inclusive('\n') {
            note(line, &mut acknowledged);
        }

        let store = place.open().await;
        let events = store.read(0, usize::MAX, &Filter::All).await.expect("readable");
        let verified = store.verify(&mut |_| {}).await.expect("readable");
        assert!(matches!(verified, Verified::Intact { .. }), "round {round}: {verified:?}");
        // Two events a command, all or none.
        assert_eq!(events.len() % 2, 0);
        let stored: HashMap<u128, u64> =
            events.iter().map(|event| (event.metadata.command_id.as_u128(), event.position)).collect();
        assert_eq!(stored.len() * 2, events.len(), "each command is recorded once");
        for (command, position) in &acknowledged {
            assert_eq!(stored.get(command), Some(position), "command {command} was acknowledged");
        }
        store.close().await;
    }
    assert!(acknowledged.len() >= HEARD.iter().sum());
}

/// Understands a whole line of the child; anything else, such as the test runner's own, is passed over.
fn note(line: &str, acknowledged: &mut HashMap<u128, u64>) -> bool {
    let mut words = line.strip_suffix('\n').unwrap_or_default().split(' ');
    if words.next() != Some("ack") {
        return false;
    }
    let command = words.next().and_then(|word| word.parse().ok()).expect("a command");
    let position = words.next().and_then(|word| word.parse().ok()).expect("a position");
    assert_eq!(acknowledged.insert(command, position), None, "acknowledged twice");
    true
}

/// Appends from many tasks and tells of each answer, until killed.
async fn storm(path: String) {
    let store = Store::open(&DatabaseUrl::Sqlite(path.into()), Options::default()).await.expect("opens");
    let first = u128::from(store.head()) * 1000;
    let writers = (0..64).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for n in 0..1_000_u128 {
                let command = first + writer * 1_000 + n;
                let events = vec![event(format!("{{\"x\":\"{}\"}}", "z".repeat(1500))), event("{}")];
                let append = append_all(command, stream("incident", command), 0, events);
                let outcome = store.append(append).await.expect("wins");
                let line = format!("ack {command} {}\n", outcome.position);
                std::io::stdout().lock().write_all(line.as_bytes()).expect("heard");
            }
        })
    });
    futures::future::join_all(writers.collect::<Vec<_>>()).await;
}
