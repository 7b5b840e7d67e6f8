//! Messages of Amazon's notification service, signed by a service of our own with its own authority.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use connectors::{Fetch, FetchError, Sns, SnsError, SnsMessage};
use futures::{FutureExt, future::BoxFuture};

/// 2026-11-24T03:00:00Z.
const NOW: u64 = 1_795_489_200;
const CERTIFICATE: &str = "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-test.pem";
const ISSUER: &str = "http://crt.test.amazontrust.com/test.cer";

/// Answers with what it was given, and remembers what it was asked for.
#[derive(Default)]
struct Canned {
    answers: HashMap<&'static str, Vec<u8>>,
    asked: Mutex<Vec<String>>,
    down: AtomicBool,
}

impl Canned {
    fn times_asked(&self) -> usize {
        self.asked.lock().expect("nobody panics").len()
    }
}

impl Fetch for Canned {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        self.asked.lock().expect("nobody panics").push(url.to_owned());
        let answer = match self.answers.get(url).cloned() {
            _ if self.down.load(Ordering::Relaxed) => {
                Err(FetchError::Unreachable { url: url.to_owned(), why: "it is down".to_owned() })
            }
            Some(answer) => Ok(answer),
            None => Err(FetchError::Absent { url: url.to_owned(), status: 404 }),
        };
        // Whoever asks meanwhile gets a turn.
        async move {
            tokio::task::yield_now().await;
            answer
        }
        .boxed()
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/sns").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn message(name: &str) -> SnsMessage {
    SnsMessage::parse(&fixture(&format!("{name}.json"))).expect("a message")
}

/// The service with this file of certificates, trusting the test's authority.
fn service(certificate: &str) -> (Sns, Arc<Canned>) {
    let answers = HashMap::from([(CERTIFICATE, fixture(certificate)), (ISSUER, fixture("issuer.der"))]);
    let canned = Arc::new(Canned { answers, ..Canned::default() });
    (Sns::trusting(Arc::clone(&canned) as Arc<dyn Fetch>, &root()).expect("an authority"), canned)
}

fn root() -> Vec<u8> {
    fixture("root.der")
}

fn why(outcome: Result<(), SnsError>) -> String {
    outcome.expect_err("it is not genuine").to_string()
}

#[tokio::test]
async fn both_versions_of_signatures_are_genuine_and_the_certificate_is_fetched_once() {
    let (sns, canned) = service("signer.pem");
    for name in
        ["alarm_v1", "alarm_v2", "ok_v2", "text_v2", "confirmation_v1", "confirmation_v2", "unsubscribe_v2"]
    {
        assert_eq!(sns.verify(&message(name), NOW).await, Ok(()), "{name}");
    }
    let asked = canned.asked.lock().expect("nobody panics").clone();
    assert_eq!(asked, [CERTIFICATE, ISSUER], "the issuer is where the certificate says");
    let (sns, canned) = service("chain.pem");
    assert_eq!(sns.verify(&message("alarm_v2"), NOW).await, Ok(()));
    assert_eq!(canned.asked.lock().expect("nobody panics").len(), 1, "the chain is in the file");
}

#[tokio::test]
async fn a_message_that_differs_anywhere_is_not_genuine() {
    let (sns, _) = service("chain.pem");
    let changes: [fn(&mut SnsMessage); 9] = [
        |message| message.message.push('!'),
        |message| message.message_id.push('0'),
        |message| message.subject = None,
        |message| message.subject = Some("another".into()),
        |message| message.timestamp = "2026-11-24T03:00:02.000Z".into(),
        |message| message.topic_arn.push('2'),
        |message| message.kind = "UnsubscribeConfirmation".into(),
        |message| message.signature_version = "1".into(),
        |message| message.signature.replace_range(10..11, "A"),
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut message = message("alarm_v2");
        change(&mut message);
        let why = why(sns.verify(&message, NOW).await);
        assert_eq!(why, "the signature is not that of the message", "change {index}");
    }
    for (version, expected) in
        [("3", "`3` is no version of signatures"), ("", "`` is no version of signatures")]
    {
        let mut message = message("alarm_v2");
        message.signature_version = version.into();
        assert_eq!(why(sns.verify(&message, NOW).await), expected);
    }
    let mut message = message("alarm_v2");
    message.kind = "Whatever".into();
    assert_eq!(why(sns.verify(&message, NOW).await), "`Whatever` is no type of message");
    message.signature = "§".into();
    assert_eq!(why(sns.verify(&message, NOW).await), "the signature is not base64");
}

#[tokio::test]
async fn a_certificate_must_be_in_force_trusted_and_for_the_service() {
    for (certificate, expected) in [
        ("expired.pem", "it has expired"),
        ("early.pem", "it is not in force yet"),
        ("other_name.pem", "it is not for Amazon's notification service"),
        ("untrusted.pem", "is not good"),
        ("alarm_v1.json", "the file holds no certificate"),
    ] {
        let (sns, _) = service(certificate);
        let why = why(sns.verify(&message("alarm_v2"), NOW).await);
        assert!(why.contains(expected), "{certificate}: {why}");
    }
    // In force when it was fetched, and not any more.
    let (sns, _) = service("chain.pem");
    assert_eq!(sns.verify(&message("alarm_v2"), NOW).await, Ok(()));
    let why = why(sns.verify(&message("alarm_v2"), 4_800_000_000).await);
    assert!(why.contains("it has expired"), "{why}");
}

#[tokio::test]
async fn an_authority_that_others_trust_is_not_enough() {
    let answers = HashMap::from([(CERTIFICATE, fixture("chain.pem"))]);
    let sns = Sns::new(Arc::new(Canned { answers, ..Canned::default() }));
    let why = why(sns.verify(&message("alarm_v2"), NOW).await);
    assert!(why.contains("its issuer is not trusted"), "{why}");
}

#[tokio::test]
async fn a_link_elsewhere_is_never_called() {
    let (sns, canned) = service("chain.pem");
    let mut message = message("alarm_v2");
    for link in [
        "https://evil.example/x.pem",
        "http://169.254.169.254/x.pem",
        "https://sns.eu-central-1.amazonaws.com/x",
    ] {
        message.signing_cert_url = link.into();
        assert!(sns.verify(&message, NOW).await.is_err(), "{link}");
    }
    assert!(canned.asked.lock().expect("nobody panics").is_empty());
}

#[tokio::test]
async fn a_bad_certificate_is_not_fetched_again_and_again() {
    let (sns, canned) = service("expired.pem");
    for _ in 0..5 {
        assert!(sns.verify(&message("alarm_v2"), NOW).await.is_err());
    }
    assert_eq!(canned.times_asked(), 1);
    assert!(sns.verify(&message("alarm_v2"), NOW + 30).await.is_err());
    assert_eq!(canned.times_asked(), 2, "after a while it may be a better one");
}

#[tokio::test]
async fn a_certificate_that_amazon_does_not_have_is_not_genuine_and_not_asked_for_again_and_again() {
    let canned = Arc::new(Canned::default());
    let sns = Sns::trusting(Arc::clone(&canned) as Arc<dyn Fetch>, &root()).expect("an authority");
    for _ in 0..5 {
        let why = why(sns.verify(&message("alarm_v2"), NOW).await);
        assert_eq!(why, format!("there is no certificate: `{CERTIFICATE}` answered 404"));
    }
    assert_eq!(canned.times_asked(), 1);
    // The certificate is there, and its issuer is not.
    let answers = HashMap::from([(CERTIFICATE, fixture("signer.pem"))]);
    let sns =
        Sns::trusting(Arc::new(Canned { answers, ..Canned::default() }), &root()).expect("an authority");
    let outcome = sns.verify(&message("alarm_v2"), NOW).await;
    assert!(matches!(outcome, Err(SnsError::NotGenuine(_))), "{outcome:?}");
}

#[tokio::test]
async fn while_amazon_cannot_be_reached_there_is_no_verdict_and_one_call_in_a_few_seconds() {
    let (sns, canned) = service("chain.pem");
    canned.down.store(true, Ordering::Relaxed);
    for _ in 0..5 {
        let outcome = sns.verify(&message("alarm_v2"), NOW).await;
        assert!(matches!(outcome, Err(SnsError::Fetch(FetchError::Unreachable { .. }))), "{outcome:?}");
    }
    assert_eq!(canned.times_asked(), 1);
    canned.down.store(false, Ordering::Relaxed);
    assert!(sns.verify(&message("alarm_v2"), NOW + 4).await.is_err());
    assert_eq!(sns.verify(&message("alarm_v2"), NOW + 5).await, Ok(()));
    assert_eq!(canned.times_asked(), 2);
}

#[tokio::test]
async fn messages_that_come_at_once_ask_once() {
    let (sns, canned) = service("chain.pem");
    let message = message("alarm_v2");
    let outcomes = futures::future::join_all((0..50).map(|_| sns.verify(&message, NOW))).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(canned.times_asked(), 1);
    // One that gave up while it was asking leaves the question to the next.
    let (sns, canned) = service("chain.pem");
    assert!(sns.verify(&message, NOW).now_or_never().is_none());
    assert_eq!(sns.verify(&message, NOW).await, Ok(()));
    assert_eq!(canned.times_asked(), 2);
}

#[tokio::test]
async fn a_failed_confirmation_does_not_tell_its_token() {
    let (sns, _) = service("chain.pem");
    let confirmation = message("confirmation_v2");
    let token = confirmation.token.clone().expect("a token");
    let error = sns.confirm(&confirmation).await.expect_err("nobody answers");
    assert!(matches!(error, SnsError::Fetch(_)) && !error.to_string().contains(&token), "{error}");
    assert!(!error.to_string().contains("Token"), "{error}");
}

#[tokio::test]
async fn a_subscription_is_confirmed_at_its_link() {
    let confirmation = message("confirmation_v2");
    let url = confirmation.subscribe_url.clone().expect("a link");
    let answers = HashMap::from([(&*Box::leak(url.clone().into_boxed_str()), b"<ok/>".to_vec())]);
    let canned = Arc::new(Canned { answers, ..Canned::default() });
    let sns = Sns::trusting(Arc::clone(&canned) as Arc<dyn Fetch>, &root()).expect("an authority");
    assert_eq!(sns.confirm(&confirmation).await, Ok(()));
    assert_eq!(*canned.asked.lock().expect("nobody panics"), [url]);
    let mut elsewhere = confirmation;
    elsewhere.subscribe_url = Some("https://evil.example/?Action=ConfirmSubscription".into());
    assert!(matches!(sns.confirm(&elsewhere).await, Err(SnsError::NotGenuine(_))));
    assert!(sns.confirm(&message("alarm_v2")).await.is_err());
}

#[tokio::test]
async fn downloads_stay_away_from_private_addresses() {
    let guard = connectors::Guard::default();
    let downloads =
        connectors::Downloads::new(guard, std::time::Duration::from_secs(5), None).expect("a client");
    for url in
        ["http://127.0.0.1:9/x", "http://[::1]:9/x", "http://169.254.169.254/latest", "http://localhost:9/x"]
    {
        let outcome = downloads.get(url).await;
        assert!(matches!(outcome, Err(FetchError::Forbidden { .. })), "{url}: {outcome:?}");
    }
    assert!(matches!(downloads.get("no link").await, Err(FetchError::Forbidden { .. })));
}
