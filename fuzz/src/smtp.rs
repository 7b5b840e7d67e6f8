//! Whole conversations with the mail server: the bytes are all that the client says.

use std::{collections::HashSet, sync::Arc};

use api::{
    App, Settings,
    mail::{Office, Rules},
    webhooks::Understood,
};
use commands::{DirectoryHandle, Engine, EpisodeIndex, Intake, MetadataExt, Pace, VirtualClock, key_hash};
use connectors::{NoDownloads, Sns};
use domain::{
    Actor, DeliveryId, IntegrationId, ServiceId, Timestamp,
    integration::{Integration, IntegrationCommand, IntegrationKind, Reading, Verification},
};
use futures::future::{self, BoxFuture, FutureExt};
use projections::{ReadLocation, ReadModels};
use store::{Filter, Metadata, Store, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use uuid::Uuid;

/// Bytes that a client says at most. The answers to all of them wait in memory.
const MAX_SAID: usize = 16 * 1024;
/// Bytes that may wait for whoever reads them.
const MAX_WAITING: usize = 1 << 20;
/// Bytes in one mail.
const MAX_MAIL: usize = 2000;
/// Bytes in a line of an answer, with its end (RFC 5321, section 4.5.3.1.5).
const MAX_LINE: usize = 512;

const NOW: Timestamp = Timestamp::from_millis(1_764_000_000_000);

/// Panics unless the client in `data` is answered as it should be, and what was accepted is stored.
///
/// # Panics
///
/// If it does not hold.
pub fn check(data: &[u8]) {
    let said = &data[..data.len().min(MAX_SAID)];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    runtime.block_on(async {
        let store = Store::memory();
        let heard = converse(&store, said).await;
        let accepted = accepted(&heard);
        let ends = said.windows(5).filter(|window| window == b"\r\n.\r\n").count();
        assert!(accepted.len() <= ends, "{} mails were accepted, and {ends} ended", accepted.len());
        let kept = kept(&store).await;
        let lost: Vec<_> = accepted.iter().filter(|id| !kept.contains(**id)).collect();
        assert!(lost.is_empty(), "250 means stored: {lost:?} of {kept:?}");
    });
}

/// Everything that a client hears that says all of this and leaves.
async fn converse(store: &Store, said: &[u8]) -> String {
    let office = office(store).await;
    let (mut client, server) = duplex(MAX_WAITING);
    client.write_all(said).await.expect("said");
    client.shutdown().await.expect("done");
    office.converse(server).await;
    let mut heard = vec![];
    client.read_to_end(&mut heard).await.expect("heard");
    String::from_utf8(heard).expect("answers are text")
}

/// The ids of the mails that were accepted. Panics at an answer that is none.
fn accepted(heard: &str) -> Vec<&str> {
    assert!(heard.starts_with("220 ") && heard.ends_with("\r\n"), "{heard:?}");
    let mut accepted = vec![];
    for line in heard.split_inclusive("\r\n") {
        let words = line.strip_suffix("\r\n").expect("a line ends");
        let code = words.get(..3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(
            code && matches!(words.as_bytes().get(3), Some(b' ' | b'-')),
            "an answer has a code: {words:?}"
        );
        assert!(line.len() <= MAX_LINE, "an answer of {} bytes", line.len());
        assert!(words.bytes().all(|byte| matches!(byte, b' '..=b'~')), "an answer is plain: {words:?}");
        let id = words.strip_prefix("250 2.0.0 stored as ").and_then(|rest| rest.split(' ').next());
        accepted.extend(id);
    }
    accepted
}

/// The ids of the messages in the log.
async fn kept(store: &Store) -> HashSet<String> {
    let filter = Filter::Categories(vec![DeliveryId::CATEGORY]);
    let events = store.read(0, usize::MAX, &filter).await.expect("events");
    let id = |stream: &str| {
        let (_, id) = stream.split_once('-')?;
        Some(DeliveryId::new(Uuid::parse_str(id).ok()?).to_string())
    };
    events.iter().filter_map(|event| id(&event.stream)).collect()
}

/// A server with an integration for mail of anybody, and one for mail of `example.org`.
async fn office(store: &Store) -> Office {
    let engine = Engine::new(store.clone(), Arc::new(VirtualClock::at(NOW)));
    let listed = Verification::Mail { senders: vec!["@example.org".to_owned()] };
    for (number, key, verification) in [(10, "a", Verification::Key), (11, "b", listed)] {
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
            at: NOW,
        };
        let id = IntegrationId::new(Uuid::from_u128(number));
        let metadata = Metadata::of(Actor::Administrator, Uuid::from_u128(number));
        engine.execute::<Integration>(id, &command, &metadata).await.expect("created");
    }
    let rules = Rules { domain: "x.org".to_owned(), max_bytes: MAX_MAIL };
    Office::new(app(store, engine).await, rules)
}

async fn app(store: &Store, engine: Engine) -> App {
    let zones = Arc::new(domain::schedule::Tzdb::bundled());
    let directory = DirectoryHandle::start(store.clone(), zones).await.expect("a directory");
    App {
        pace: Pace::default(),
        understood: Understood::default(),
        intake: Arc::new(Intake::new(engine.clone(), directory.clone(), Arc::new(NoEpisodes))),
        engine,
        directory,
        reads: ReadModels::open(store.clone(), &ReadLocation::Memory).await.expect("read models"),
        sns: Sns::new(Arc::new(NoDownloads)),
        settings: Arc::new(Settings::default()),
        shutdown: tokio_util::sync::CancellationToken::new(),
    }
}

/// No problem was ever known.
struct NoEpisodes;

impl EpisodeIndex for NoEpisodes {
    fn latest<'a>(&'a self, _: ServiceId, _: &'a str) -> BoxFuture<'a, Result<Option<u32>, StoreError>> {
        future::ready(Ok(None)).boxed()
    }
}
