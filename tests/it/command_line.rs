//! The command line: looking at a log, and what it says when something cannot be done.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use serde_json::{Value, json};

use crate::support::{Peer, Phone, Server, binary, free_port, run};

/// A log with one incident that was opened, paged, acknowledged and resolved; its incident's id.
async fn story(database: &str) -> String {
    let phone = Phone::listen().await;
    let server = Server::start(database, &[]).await;
    let furnished = server.furnish(&phone.url, 3600).await;
    let body = json!({ "title": "disk full of marmalade" }).to_string();
    server.post(&format!("/hooks/generic/{}", furnished.generic), body).await;
    let rung = || async { phone.pages().len() == 1 };
    server.until("the phone rings", rung).await;
    let id = server.incidents().await[0]["id"].as_str().expect("it has an id").to_owned();
    for mutation in ["acknowledgeIncident", "resolveIncident"] {
        server.create(mutation, "incident { status }", json!({ "incidentId": id })).await;
    }
    server.stop();
    id
}

fn text(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("it is text")
}

/// What a command says that succeeds.
fn said(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    calm(&output);
    text(&output.stdout)
}

/// What a command complains about that fails, and its exit code.
fn complaint(arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(arguments);
    assert!(!output.status.success(), "{arguments:?} should fail, and says {}", text(&output.stdout));
    calm(&output);
    (output.status.code(), text(&output.stderr))
}

/// Failing is no reason to panic.
fn calm(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let said = text(stream);
        assert!(!said.contains("panic") && !said.contains("RUST_BACKTRACE"), "it panicked: {said}");
    }
}

#[tokio::test]
async fn a_log_can_be_verified_rebuilt_told_and_exported() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let incident = story(&database).await;

    let exported = said(&["export", "--database", &database]);
    let events: Vec<Value> =
        exported.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    let positions: Vec<_> = events.iter().map(|event| event["position"].as_u64()).collect();
    assert_eq!(positions, (1..=events.len() as u64).map(Some).collect::<Vec<_>>(), "no position is left out");
    assert!(events.iter().all(|event| event["hash"].as_str().is_some_and(|hash| hash.len() == 64)));

    let verified = said(&["verify", "--database", &database]);
    let last = events[events.len() - 1]["hash"].as_str().expect("it has a hash");
    let count = events.len();
    assert!(verified.contains("intact") && verified.contains(&count.to_string()), "{verified}");
    assert!(verified.contains(last), "it names the hash of the last event: {verified}");

    let part = said(&["export", "--database", &database, "--after", "3", "--subject", &incident]);
    assert!(!part.is_empty() && part.lines().count() < count, "{part}");
    let stream = "\"stream\":\"incident-";
    let concerns = |line: &str| line.contains(&incident) || line.contains(stream);
    assert!(part.lines().all(|line| exported.contains(line) && concerns(line)), "{part}");

    let digest = |said: &str| said.lines().find(|line| line.starts_with("digest")).map(str::to_owned);
    let first = said(&["rebuild", "--database", &database]);
    let second = said(&["rebuild", "--database", &database]);
    assert!(first.contains(&format!("{count} events")), "{first}");
    assert!(
        digest(&first).is_some() && digest(&first) == digest(&second),
        "twice the same:\n{first}{second}"
    );

    let told = said(&["replay", &incident, "--database", &database]);
    let at =
        |word: &str| told.to_lowercase().find(word).unwrap_or_else(|| panic!("no word of `{word}`:\n{told}"));
    assert!(at("marmalade") < at("acknowledged") && at("acknowledged") < at("resolved"), "{told}");
    let position: u64 =
        told.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a position");
    let beginning = said(&["replay", &incident, "--database", &database, "--until", &position.to_string()]);
    assert_eq!(beginning.lines().count(), 1, "{beginning}");
    let whole = said(&["replay", "--database", &database]);
    assert_eq!(whole.lines().count(), count, "without a subject every event is told of:\n{whole}");
    assert!(told.lines().all(|line| whole.lines().any(|one| one == line)), "in the same words:\n{whole}");
    let beginning = said(&["replay", "--database", &database, "--until", "3"]);
    assert_eq!(beginning.lines().collect::<Vec<_>>(), whole.lines().take(3).collect::<Vec<_>>());

    let schema = said(&["schema"]);
    assert!(schema.contains("type Mutation") && schema.contains("createIncident("), "{schema}");
}

/// Changes one letter wherever `words` are in a file; SQLite leaves old copies of what it moved.
fn tamper(file: &Path, words: &str) {
    let mut bytes = fs::read(file).expect("the database can be read");
    for place in 0..bytes.len() - words.len() {
        if bytes[place..].starts_with(words.as_bytes()) {
            bytes[place] ^= 1;
        }
    }
    fs::write(file, bytes).expect("the database can be written");
}

#[tokio::test]
async fn a_log_that_was_tampered_with_is_found_out_at_its_position() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let database = format!("sqlite:{}", file.display());
    story(&database).await;
    let before = said(&["export", "--database", &database]);
    tamper(&file, "marmalade");
    let after = said(&["export", "--database", &database]);
    let changed = before.lines().zip(after.lines()).position(|(one, other)| one != other);
    let position = 1 + changed.expect("one event is not what it was");
    let output = run(&["verify", "--database", &database]);
    calm(&output);
    assert_eq!(output.status.code(), Some(1));
    let verdict = text(&output.stdout);
    assert!(verdict.starts_with(&format!("tampered with at position {position}:")), "{position}: {verdict}");
}

#[tokio::test]
async fn a_log_that_a_server_has_open_is_left_alone() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("midwatch.db");
    let database = format!("sqlite:{}", file.display());
    let server = Server::start(&database, &[]).await;
    let listen = format!("127.0.0.1:{}", free_port());
    for command in [&["serve", "--listen", &listen][..], &["verify"], &["rebuild"], &["export"]] {
        let (_, why) = complaint(&[command, &["--database", &database]].concat());
        assert!(
            why.contains("another process") && why.contains(&file.display().to_string()),
            "{command:?}: {why}"
        );
    }
    assert!(server.is_ready().await, "the server is not disturbed");
}

#[test]
fn mistakes_are_named_and_nothing_is_made_of_them() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let fresh = format!("sqlite:{}", path("fresh.db"));
    let nowhere = format!("sqlite:{}", path("no/such/folder/midwatch.db"));
    let garbage = path("garbage.db");
    fs::write(&garbage, "this is no database, whatever it is called, and long enough to tell".repeat(100))
        .expect("the folder can be written");
    let garbage = format!("sqlite:{garbage}");
    let taken = TcpListener::bind("127.0.0.1:0").expect("loopback has ports");
    let taken = taken.local_addr().expect("it is bound").to_string();
    let free = format!("127.0.0.1:{}", free_port());
    let unknown = format!("inc_{}", "0".repeat(32));
    let cases: [(&[&str], &str); 16] = [
        (&["serve", "--listen", &taken, "--database", &fresh], &taken),
        (&["serve", "--listen", "nowhere", "--database", &fresh], "--listen"),
        (&["serve", "--listen", &free, "--database", "mysql://localhost/x"], "--database"),
        (&["serve", "--listen", &free, "--database", ""], "--database"),
        (&["serve", "--listen", &free, "--database", &nowhere], "no/such/folder"),
        (&["serve", "--listen", &free, "--database", &garbage], "garbage.db"),
        (
            &["serve", "--listen", &free, "--database", "postgres://127.0.0.1:1/x?connect_timeout=2"],
            "127.0.0.1",
        ),
        (&["serve", "--listen", &free, "--database", &fresh, "--smtp-url", "mail.example.org"], "--smtp-url"),
        (&["serve", "--listen", &free, "--database", &fresh, "--vault-key", "123"], "--vault-key"),
        (
            &["serve", "--listen", &free, "--database", &fresh, "--allow-private-targets", "x"],
            "--allow-private",
        ),
        (&["serve", "--config", "/no/such/file.toml"], "/no/such/file.toml"),
        (&["serve", "--no-such-flag"], "--no-such-flag"),
        (&["verify", "--database", &fresh], "fresh.db"),
        (&["replay", "nonsense", "--database", &fresh], "nonsense"),
        (&["replay", &unknown, "--database", &fresh], "fresh.db"),
        (&["explode"], "explode"),
    ];
    for (arguments, word) in cases {
        let (code, why) = complaint(arguments);
        assert!(code == Some(1) || code == Some(2), "{arguments:?} ends with {code:?}");
        assert!(why.contains(word), "{arguments:?} says what is wrong with `{word}`: {why}");
        assert!(why.lines().count() <= 12, "{arguments:?} is brief: {why}");
    }
    assert!(!Path::new(&path("fresh.db")).exists(), "nothing was made of a mistake");
}

#[tokio::test]
async fn a_subject_without_events_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let database = format!("sqlite:{}", folder.path().join("midwatch.db").display());
    let server = Server::start(&database, &[]).await;
    server.stop();
    let unknown = format!("inc_{}", "0".repeat(32));
    let (code, why) = complaint(&["replay", &unknown, "--database", &database]);
    assert_eq!(code, Some(1));
    assert!(why.contains(&unknown), "{why}");
    let verified = said(&["verify", "--database", &database]);
    assert!(verified.starts_with("intact"), "{verified}");
}

#[test]
fn a_demo_says_its_token_although_nobody_sits_at_a_terminal() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(binary());
    command
        .args(["serve", "--demo", "--listen", &format!("127.0.0.1:{}", free_port())])
        .args(["--database", &format!("sqlite:{}", folder.path().join("midwatch.db").display())])
        .env("MIDWATCH_ADMIN_TOKEN", "chosen-by-dev-run")
        .env("MIDWATCH_LOG_FILTER", "error");
    let demo = Peer::start(command);
    let said: Vec<String> =
        std::iter::from_fn(|| demo.line()).take_while(|line| !line.contains("curl")).collect();
    let token = said.iter().find_map(|line| line.trim().strip_prefix("Token"));
    assert_eq!(token.map(str::trim), Some("chosen-by-dev-run"), "{said:?}");
    demo.stop();
}
