//! Whole conversations, over a log in memory.

use std::time::Duration;

use commands::{MetadataExt, key_hash};
use domain::{
    Actor, DeliveryId, IntegrationId, ServiceId,
    integration::{
        Integration, IntegrationCommand, IntegrationKind, ProofChange, Reading, Verification, WatchChange,
    },
};
use serde_json::{Value, json};
use store::{Filter, Metadata, Store};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use uuid::Uuid;

use super::*;
use crate::webhooks::tests::app_over;

/// An integration for mail from anybody, one for mail of Nagios, and one for webhooks.
const OPEN: &str = "0000000000000000000000000000000a";
const LISTED: &str = "0000000000000000000000000000000b";
const GENERIC: &str = "generic-key";
const LIMIT: usize = 2000;

struct Stand {
    store: Store,
    app: App,
    office: Office,
    after: u64,
}

impl Stand {
    async fn new() -> Self {
        let store = Store::memory();
        let app = app_over(&store).await;
        let following = app.directory.clone();
        tokio::spawn(async move { following.follow().await });
        let rules = Rules { domain: "alerts.example.org".to_owned(), max_bytes: LIMIT };
        let office = Office::new(app.clone(), rules);
        let mut stand = Self { after: 0, store, app, office };
        stand.open(10, OPEN, Verification::Key).await;
        stand.open(11, LISTED, Verification::Mail { senders: vec!["nagios@example.org".to_owned()] }).await;
        stand
    }

    async fn open(&mut self, number: u128, key: &str, verification: Verification) {
        let command = IntegrationCommand::CreateIntegration {
            name: key.to_owned(),
            kind: IntegrationKind::Email,
            service: ServiceId::new(Uuid::from_u128(7)),
            key_hash: key_hash(key),
            signing_secret: None,
            verification: Some(verification),
            reading: Reading::default(),
            rate_limit: None,
            watch: None,
            unknown: vec![],
            at: self.app.engine.now(),
        };
        self.change(number, &command).await;
    }

    async fn change(&mut self, number: u128, command: &IntegrationCommand) {
        let metadata = Metadata::of(Actor::Administrator, commands::mint::uuid());
        let id = IntegrationId::new(Uuid::from_u128(number));
        let done = self.app.engine.execute::<Integration>(id, command, &metadata).await.expect("changed");
        assert!(self.app.directory.reach(done.position, Duration::from_secs(10)).await);
        self.after = done.position;
    }

    /// The answers to a client that says all of this, and leaves. Greeting and extensions are left out.
    async fn hear(&self, said: impl AsRef<[u8]>) -> Vec<String> {
        let (mut client, server) = duplex(1 << 20);
        client.write_all(b"EHLO client\r\n").await.expect("said");
        client.write_all(said.as_ref()).await.expect("said");
        client.shutdown().await.expect("done");
        self.office.converse(server).await;
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.expect("heard");
        heard.lines().skip(7).map(str::to_owned).collect()
    }

    /// The answers, without words.
    async fn codes(&self, said: impl AsRef<[u8]>) -> Vec<String> {
        let code = |line: String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        self.hear(said).await.into_iter().map(code).collect()
    }

    async fn kept(&self) -> Vec<Value> {
        let filter = Filter::Categories(vec![DeliveryId::CATEGORY]);
        let events = self.store.read(self.after, usize::MAX, &filter).await.expect("events");
        events.iter().map(|event| serde_json::from_slice(&event.payload).expect("json")).collect()
    }
}

fn mail(to: &[&str], body: &str) -> String {
    let to: Vec<_> = to.iter().map(|to| format!("RCPT TO:<{to}@alerts.example.org>\r\n")).collect();
    let to = to.concat();
    format!("MAIL FROM:<nagios@example.org>\r\n{to}DATA\r\n{body}\r\n.\r\n")
}

#[tokio::test]
async fn a_mail_is_stored_as_it_came_before_it_is_accepted() {
    let stand = Stand::new().await;
    let body = "Message-ID: <1@example.org>\r\nSubject: disk full\r\n\r\n..two dots\r\n";
    let heard = stand.hear(mail(&[&format!("{}+Web-1/Disk", OPEN.to_uppercase())], body) + "QUIT\r\n").await;
    assert_eq!(heard.len(), 5, "{heard:?}");
    assert!(heard[3].starts_with("250 2.0.0 stored as dlv_"), "{heard:?}");
    assert_eq!(heard[4], "221 2.0.0 alerts.example.org says goodbye");
    let kept = stand.kept().await;
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["format"], &kept[0]["proof"]), (&json!("email"), &json!("key")));
    assert_eq!(kept[0]["body"]["text"], body.replace("\r\n..", "\r\n.") + "\r\n");
    let envelope =
        json!({"topic": "Web-1/Disk", "sender_id": "1@example.org", "mail_from": "nagios@example.org"});
    assert_eq!(kept[0]["envelope"], envelope);
}

#[tokio::test]
async fn the_extensions_are_told_and_the_old_greeting_is_enough() {
    let stand = Stand::new().await;
    let (mut client, server) = duplex(1 << 16);
    client.write_all(b"MAIL FROM:<a@b>\r\nEHLO x\r\nHELO x\r\nMAIL FROM:<a@b>\r\n").await.expect("said");
    client.shutdown().await.expect("done");
    stand.office.converse(server).await;
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.expect("heard");
    let expected = "220 alerts.example.org ESMTP Midwatch takes alerts\r\n503 5.5.1 EHLO or HELO comes first\r\n\
        250-alerts.example.org\r\n250-PIPELINING\r\n250-SIZE 2000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
        250 ENHANCEDSTATUSCODES\r\n250 alerts.example.org\r\n250 2.1.0 go on\r\n";
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn several_mails_may_follow_one_another_without_waiting() {
    let stand = Stand::new().await;
    let said = mail(&[OPEN], "Subject: one\r\n\r\n") + &mail(&[OPEN], "Subject: two\r\n\r\n") + "QUIT\r\n";
    let once = ["250 2.1.0", "250 2.1.5", "354 the", "250 2.0.0"];
    assert_eq!(stand.codes(said).await, [&once[..], &once[..], &["221 2.0.0"][..]].concat());
    assert_eq!(stand.kept().await.len(), 2);
}

#[tokio::test]
async fn one_mail_to_two_addresses_is_two_deliveries() {
    let stand = Stand::new().await;
    let body = "Message-ID: <1@x>\r\nFrom: nagios@example.org\r\nSubject: x\r\n\r\n";
    let to =
        [format!("{OPEN}+a"), format!("{OPEN}+b"), format!("{}+b", OPEN.to_uppercase()), LISTED.to_owned()];
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    for _ in 0..2 {
        let heard = stand.hear(mail(&to, body)).await;
        assert_eq!(heard[3], "250 2.1.5 once is enough");
        assert!(heard.last().is_some_and(|last| last.ends_with(" and 2 more")), "{heard:?}");
        let parts: Vec<_> = stand.kept().await.iter().map(|one| one["envelope"]["topic"].clone()).collect();
        assert_eq!(parts, [json!("a"), json!("b"), Value::Null], "a mail that comes again is kept once");
    }
}

#[tokio::test]
async fn whoever_is_unknown_disabled_or_of_another_kind_looks_the_same() {
    let mut stand = Stand::new().await;
    let disable = IntegrationCommand::UpdateIntegration {
        name: None,
        service: None,
        enabled: Some(false),
        key_hash: None,
        proof: ProofChange::default(),
        reading: None,
        rate_limit: None,
        watch: WatchChange::Keep,
        unknown: vec![],
        at: stand.app.engine.now(),
    };
    stand.change(10, &disable).await;
    for key in ["nobody", GENERIC, OPEN, "postmaster"] {
        let heard = stand.hear(mail(&[key], "Subject: x\r\n\r\n")).await;
        assert_eq!(
            heard[1..3],
            ["550 5.1.1 nobody has this address", "554 5.5.1 no recipient was accepted"],
            "{key}"
        );
    }
    let elsewhere = stand.codes(format!("MAIL FROM:<a@b>\r\nRCPT TO:<{OPEN}@example.org>\r\n")).await;
    assert_eq!(elsewhere, ["250 2.1.0", "550 5.7.1"], "it is no relay");
    assert!(stand.kept().await.is_empty());
}

#[tokio::test]
async fn who_may_not_send_is_told_and_leaves_a_trace() {
    let stand = Stand::new().await;
    let body = |from: &str| format!("From: {from}\r\nSubject: x\r\n\r\n");
    let heard = stand.hear(mail(&[LISTED], &body("mallory@example.net"))).await;
    let why = "550 5.7.1 0000000000000000000000000000000b: not on the list of those who may send: `mallory@example.net` (From)";
    assert_eq!(heard[3], why);
    let forged = mail(&[LISTED], &body("nagios@example.org")).replace("FROM:<nagios@", "FROM:<mallory@");
    assert!(stand.hear(forged).await[3].starts_with("550 5.7.1"));
    assert!(stand.kept().await.is_empty());
    let filter = Filter::Categories(vec![IntegrationId::CATEGORY]);
    let noted = stand.store.read(stand.after, usize::MAX, &filter).await.expect("events");
    assert_eq!(noted.len(), 1, "once a minute");
    let both = stand.hear(mail(&[OPEN, LISTED], &body("mallory@example.net"))).await;
    assert!(both[4].starts_with("550 5.7.1 0000000000000000000000000000000b"), "{both:?}");
    assert_eq!(stand.kept().await.len(), 1, "what is for the other address is stored all the same");
    assert!(
        stand.hear(mail(&[LISTED], &body("Nagios <NAGIOS@example.org>"))).await[3].starts_with("250 2.0.0")
    );
}

#[tokio::test]
async fn of_a_mail_that_is_too_large_the_head_is_kept() {
    let stand = Stand::new().await;
    let body = format!("Subject: disk\r\n\r\n{}\r\n", "a".repeat(LIMIT));
    let heard = stand.hear(mail(&[OPEN], &body) + "NOOP\r\n").await;
    assert_eq!(heard[3..], ["552 5.3.4 a mail has at most 2000 bytes", "250 2.0.0 fine"]);
    let announced = format!("MAIL FROM:<a@b> SIZE=2001\r\nRCPT TO:<{OPEN}@alerts.example.org>\r\nDATA\r\n");
    assert_eq!(stand.codes(announced).await, ["250 2.1.0", "552 5.3.4", "554 5.5.1"]);
    let stranger = "MAIL FROM:<a@b> SIZE=2001\r\nRCPT TO:<x@alerts.example.org>\r\n";
    assert_eq!(stand.codes(stranger).await, ["250 2.1.0", "550 5.1.1"]);
    let kept = stand.kept().await;
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[0]["envelope"]["whole_bytes"], body.len() + 2);
    assert_eq!(kept[0]["body"]["text"].as_str().map(str::len), Some(LIMIT));
    assert_eq!((&kept[1]["envelope"]["whole_bytes"], &kept[1]["body"]["text"]), (&json!(2001), &json!("")));
    let fits = format!("{}\r\n", "a".repeat(LIMIT - 4));
    assert!(stand.hear(mail(&[OPEN], &fits)).await[3].starts_with("250 2.0.0"));
}

#[tokio::test]
async fn no_mail_is_smuggled_in_another() {
    let stand = Stand::new().await;
    let inner = mail(&[OPEN], "Subject: smuggled\r\n\r\n");
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r.\r", "\r\n.\r", "\r\r\n.\r \n"] {
        let said = mail(&[OPEN], &format!("Subject: outer\r\n\r\ntext{end}{inner}"));
        let codes = stand.codes(said).await;
        assert_eq!(codes, ["250 2.1.0", "250 2.1.5", "354 the", "554 5.6.0"], "{end:?}");
    }
    for line in ["NOOP\nNOOP\r\n", "NOOP\rNOOP\r\n", "NOOP\r\r\n"] {
        assert_eq!(stand.codes(line).await, ["521 5.5.2"], "{line:?}");
    }
    assert!(stand.kept().await.is_empty());
}

#[tokio::test]
async fn commands_out_of_order_or_unknown_are_refused_and_too_many_end_it() {
    let stand = Stand::new().await;
    let said = format!(
        "RCPT TO:<a@b>\r\nDATA\r\nMAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\nDATA\r\nRSET\r\nDATA\r\nVRFY root\r\n\
        STARTTLS\r\nGET / HTTP/1.1\r\nMAIL FROM:<a@b> AUTH=<>\r\nNOOP {}\r\n\r\n",
        "x".repeat(5000)
    );
    assert_eq!(
        stand.codes(said).await,
        [
            "503 5.5.1",
            "503 5.5.1",
            "250 2.1.0",
            "503 5.5.1",
            "554 5.5.1",
            "250 2.0.0",
            "503 5.5.1",
            "252 2.1.5",
            "502 5.5.1",
            "500 5.5.1",
            "555 5.5.4",
            "500 5.5.2",
            "500 5.5.1"
        ]
    );
    let codes = stand.codes("WHAT\r\n".repeat(30)).await;
    assert_eq!((codes.len(), codes.last().map(String::as_str)), (21, Some("421 4.7.0")));
}

#[tokio::test]
async fn a_mail_has_a_hundred_recipients_at_most() {
    let stand = Stand::new().await;
    let to: Vec<_> = (0..101).map(|part| format!("{OPEN}+{part}")).collect();
    let to: Vec<_> = to.iter().map(String::as_str).collect();
    let codes = stand.codes(mail(&to, "Subject: x\r\n\r\n")).await;
    assert_eq!((codes[100].as_str(), codes[101].as_str()), ("250 2.1.5", "452 4.5.3"));
    assert_eq!(codes.last().map(String::as_str), Some("250 2.0.0"));
    assert_eq!(stand.kept().await.len(), 100);
}

#[tokio::test]
async fn while_nothing_can_be_stored_the_sender_keeps_the_mail() {
    let stand = Stand::new().await;
    stand.store.clone().close().await;
    let codes = stand.codes(mail(&[OPEN], "Subject: x\r\n\r\n") + "QUIT\r\n").await;
    assert_eq!(codes[2..], ["354 the", "451 4.3.0", "221 2.0.0"]);
}

/// The next line that a client hears; empty if there is none.
async fn next(client: &mut DuplexStream) -> String {
    let mut line = vec![];
    while !line.ends_with(b"\r\n") {
        match client.read_u8().await {
            Ok(byte) => line.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(line).expect("text").trim_end().to_owned()
}

#[tokio::test]
async fn a_client_that_falls_silent_is_sent_away() {
    let mut stand = Stand::new().await;
    stand.office.patience.0 = Duration::from_millis(20);
    for said in ["", "NOOP", "EHLO x\r\nMAIL FROM:<a@b>\r\n"] {
        let (mut client, server) = duplex(1 << 16);
        client.write_all(said.as_bytes()).await.expect("said");
        stand.office.converse(server).await;
        let mut heard = String::new();
        client.read_to_string(&mut heard).await.expect("heard");
        assert!(heard.ends_with("421 4.4.2 alerts.example.org has waited long enough\r\n"), "{heard}");
    }
}

#[tokio::test]
async fn a_client_that_drips_for_ever_is_sent_away_too() {
    let mut stand = Stand::new().await;
    stand.office.patience.1 = Duration::from_millis(20);
    let (mut client, server) = duplex(1 << 16);
    let dripping = async {
        while client.write_all(b"x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    // It hangs for ever if the client is not sent away.
    let outcome = tokio::time::timeout(Duration::from_mins(1), async {
        tokio::join!(stand.office.converse(server), dripping);
    });
    assert!(outcome.await.is_ok());
}

#[tokio::test]
async fn when_the_process_ends_a_client_is_told_to_come_back() {
    let stand = Stand::new().await;
    let (mut client, server) = duplex(1 << 16);
    let leaving = async {
        assert!(next(&mut client).await.starts_with("220 "));
        client.write_all(b"HELO x\r\nMAIL FROM:<a@b>\r\n").await.expect("said");
        assert!(next(&mut client).await.starts_with("250 "));
        assert!(next(&mut client).await.starts_with("250 "));
        stand.app.shutdown.cancel();
        assert!(next(&mut client).await.starts_with("421 4.3.2"));
        assert_eq!(next(&mut client).await, "");
    };
    tokio::join!(stand.office.converse(server), leaving);
}

#[tokio::test]
async fn without_a_free_seat_a_client_is_told_to_come_back() {
    let stand = Stand::new().await;
    let seats = stand.office.seats.try_acquire_many(100).expect("all of them");
    let (mut client, server) = duplex(1 << 16);
    stand.office.converse(server).await;
    assert!(next(&mut client).await.starts_with("421 4.3.2 alerts.example.org has no free seat"));
    drop(seats);
    assert_eq!(stand.codes("NOOP\r\n").await, ["250 2.0.0"]);
}
