//! Amazon's notification service at the door: who is let in, and which subscriptions are confirmed.

use std::sync::Mutex;

use connectors::{Fetch, FetchError};

use super::*;

const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:alarms";

/// Amazon as far as we call it: certificates and confirmations.
#[derive(Default)]
struct Amazon {
    down: Mutex<bool>,
    asked: Mutex<Vec<String>>,
}

impl Fetch for Amazon {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        self.asked.lock().expect("nobody panics").push(url.to_owned());
        let answer = match url {
            _ if *self.down.lock().expect("nobody panics") => None,
            _ if url.ends_with("SimpleNotificationService-test.pem") => Some(fixture("chain.pem")),
            _ if url.contains("Action=ConfirmSubscription") => Some(b"<ok/>".to_vec()),
            _ => None,
        };
        let missing = || FetchError::Unreachable { url: url.to_owned(), why: "it is down".to_owned() };
        futures::future::ready(answer.ok_or_else(missing)).boxed()
    }
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/../connectors/fixtures/sns/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).expect("a fixture")
}

async fn open(topic: &str, raw: bool) -> (Doors, String, Arc<Amazon>) {
    let amazon = Arc::new(Amazon::default());
    let sns =
        Sns::trusting(Arc::clone(&amazon) as Arc<dyn Fetch>, &fixture("root.der")).expect("an authority");
    let mut doors = Doors::with_sns(Store::memory(), sns).await;
    let verification = Verification::Sns { topics: vec![topic.to_owned()], raw };
    let key = doors.open(IntegrationKind::CloudWatch, verification, Reading::default()).await;
    (doors, format!("/hooks/cloudwatch/{key}"), amazon)
}

#[tokio::test]
async fn a_signed_alarm_is_kept_once() {
    let (doors, path, _) = open(TOPIC, false).await;
    for name in ["alarm_v1.json", "alarm_v2.json"] {
        let (status, first) = doors.post(&path, fixture(name)).await;
        assert_eq!(status, StatusCode::ACCEPTED, "{first}");
        let (_, again) = doors.post(&path, fixture(name)).await;
        assert_eq!((&again["deduplicated"], &again["delivery"]), (&json!(true), &first["delivery"]));
    }
    let kept = doors.kept().await;
    assert_eq!((kept.len(), &kept[0]["proof"]), (2, &json!("signature")));
}

#[tokio::test]
async fn a_signed_alarm_is_the_same_however_its_json_is_written() {
    let (doors, path, _) = open(TOPIC, false).await;
    let (_, first) = doors.post(&path, fixture("alarm_v2.json")).await;
    let mut message: Value = serde_json::from_slice(&fixture("alarm_v2.json")).expect("JSON");
    let spaced = serde_json::to_string_pretty(&message).expect("JSON");
    message["MoreThanIsSigned"] = json!(1);
    for written in [spaced, message.to_string(), format!(" {message}\n")] {
        let (status, again) = doors.post(&path, written).await;
        assert_eq!((status, &again["deduplicated"]), (StatusCode::ACCEPTED, &json!(true)));
        assert_eq!(again["delivery"], first["delivery"]);
    }
    assert_eq!(doors.kept().await.len(), 1);
}

#[tokio::test]
async fn an_alarm_that_comes_late_is_taken_and_marked() {
    let (doors, path, _) = open(TOPIC, false).await;
    let published: Timestamp = "2026-11-24T03:00:01Z".parse().expect("a time");
    let messages = [
        ("alarm_v1.json", 300, Value::Null),
        // Published ten minutes after the others.
        ("ok_v2.json", 300, json!({"early_by_seconds": 300})),
        ("alarm_v2.json", 301, json!({"late_by_seconds": 301})),
        ("text_v2.json", 7200, json!({"late_by_seconds": 7200})),
        ("confirmation_v2.json", 86_400, json!({"late_by_seconds": 86_400})),
    ];
    for (past, (name, seconds, mark)) in messages.into_iter().enumerate() {
        let at = published.plus_seconds(seconds);
        doors.clock.advance(at.since(doors.app.engine.now()));
        assert_eq!(doors.post(&path, fixture(name)).await.0, StatusCode::ACCEPTED, "{name}");
        let kept = doors.kept().await;
        assert_eq!((kept.len(), &kept[past]["mistimed"]), (past + 1, &mark), "{name}");
    }
}

#[tokio::test]
async fn a_subscription_is_confirmed_only_if_it_is_genuine_and_its_topic_may_send() {
    let (doors, path, amazon) = open(TOPIC, false).await;
    let mut forged: Value = serde_json::from_slice(&fixture("confirmation_v2.json")).expect("JSON");
    forged["Token"] = json!("another");
    assert_eq!(doors.post(&path, forged.to_string()).await.0, StatusCode::UNAUTHORIZED);
    let confirmed = |amazon: &Amazon| {
        amazon.asked.lock().expect("nobody panics").iter().filter(|url| url.contains("Confirm")).count()
    };
    assert_eq!((confirmed(&amazon), doors.kept().await.len()), (0, 0));
    assert_eq!(doors.post(&path, fixture("confirmation_v2.json")).await.0, StatusCode::ACCEPTED);
    assert_eq!((confirmed(&amazon), doors.kept().await.len()), (1, 1));
    let noted = doors.noted().await;
    assert_eq!(noted.last().map(|event| &event["topic"]), Some(&json!(TOPIC)), "{noted:?}");

    let (doors, path, amazon) = open("arn:aws:sns:eu-central-1:123456789012:others", false).await;
    for name in ["confirmation_v2.json", "alarm_v2.json"] {
        let (status, answer) = doors.post(&path, fixture(name)).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(answer["detail"].as_str().is_some_and(|why| why.contains("not on the list")), "{answer}");
    }
    assert!(amazon.asked.lock().expect("nobody panics").is_empty(), "nothing is fetched for strangers");
    assert_eq!((doors.kept().await.len(), doors.noted().await.len()), (0, 1));
}

#[tokio::test]
async fn what_somebody_else_signed_is_refused() {
    let emulated = include_str!("../fixtures/moto_notification.json");
    let (doors, path, _) = open("arn:aws:sns:us-east-1:123456789012:oncall", false).await;
    assert_eq!(
        doors.post(&path, emulated).await.0,
        StatusCode::SERVICE_UNAVAILABLE,
        "its certificate is nowhere"
    );
    let mut message: Value = serde_json::from_str(emulated).expect("JSON");
    let genuine: Value = serde_json::from_slice(&fixture("alarm_v2.json")).expect("JSON");
    message["SigningCertURL"] = genuine["SigningCertURL"].clone();
    let (status, answer) = doors.post(&path, message.to_string()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(answer["detail"].as_str().is_some_and(|why| why.contains("signature")), "{answer}");
    assert!(doors.kept().await.is_empty());
}

#[tokio::test]
async fn what_proves_nothing_is_repeated_in_a_few_words_at_most() {
    let (doors, path, _) = open(TOPIC, false).await;
    let long = format!("{}\r\n\u{7}", "a stranger's words ".repeat(20_000));
    let with = |field: &str| {
        let mut message: Value = serde_json::from_slice(&fixture("alarm_v2.json")).expect("JSON");
        message[field] = json!(long);
        message.to_string()
    };
    let text = json!(long).to_string();
    for (index, body) in
        [with("TopicArn"), with("Type"), with("SignatureVersion"), with("SigningCertURL"), text]
            .into_iter()
            .enumerate()
    {
        doors.clock.advance(std::time::Duration::from_mins(1));
        let (status, answer) = doors.post(&path, body).await;
        let detail = answer["detail"].as_str().expect("a reason");
        let noted = doors.noted().await;
        assert_eq!((status, noted.len()), (StatusCode::UNAUTHORIZED, index + 1), "{answer}");
        for said in [detail, noted[index]["reason"].as_str().expect("a reason")] {
            let fit = said.chars().count() <= 200 && !said.contains(char::is_control);
            assert!(fit && !said.is_empty(), "{index}: {said}");
        }
    }
}

#[tokio::test]
async fn while_amazon_cannot_be_asked_it_is_told_to_come_back() {
    let (doors, path, amazon) = open(TOPIC, false).await;
    *amazon.down.lock().expect("nobody panics") = true;
    for name in ["alarm_v2.json", "confirmation_v2.json"] {
        assert_eq!(doors.post(&path, fixture(name)).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
    assert!(doors.kept().await.is_empty());
    assert_eq!(amazon.asked.lock().expect("nobody panics").len(), 1, "not once for each message");
    *amazon.down.lock().expect("nobody panics") = false;
    doors.clock.advance(std::time::Duration::from_secs(5));
    assert_eq!(doors.post(&path, fixture("alarm_v2.json")).await.0, StatusCode::ACCEPTED);
    *amazon.down.lock().expect("nobody panics") = true;
    // The certificate is kept, the confirmation fails; it is tried again when the message comes again.
    assert_eq!(doors.post(&path, fixture("confirmation_v2.json")).await.0, StatusCode::SERVICE_UNAVAILABLE);
    *amazon.down.lock().expect("nobody panics") = false;
    assert_eq!(doors.post(&path, fixture("confirmation_v2.json")).await.0, StatusCode::ACCEPTED);
    assert_eq!(doors.kept().await.len(), 2);
}

#[tokio::test]
async fn raw_deliveries_are_refused_unless_the_secret_address_is_to_be_enough() {
    let raw = |path: &str| {
        let message: Value = serde_json::from_slice(&fixture("alarm_v2.json")).expect("JSON");
        let request = Request::post(path).header("x-amz-sns-rawdelivery", "true");
        let request = request.header("x-amz-sns-message-id", "one");
        request.body(Body::from(message["Message"].as_str().expect("a text").to_owned())).expect("a request")
    };
    let (doors, path, _) = open(TOPIC, false).await;
    assert_eq!(doors.send(raw(&path)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(doors.post(&path, "{}").await.0, StatusCode::UNAUTHORIZED);
    let (doors, path, _) = open(TOPIC, true).await;
    for _ in 0..2 {
        assert_eq!(doors.send(raw(&path)).await.0, StatusCode::ACCEPTED);
    }
    let kept = doors.kept().await;
    assert_eq!((kept.len(), &kept[0]["proof"]), (1, &json!("key")));
    let mut forged: Value = serde_json::from_slice(&fixture("confirmation_v2.json")).expect("JSON");
    forged["Token"] = json!("another");
    assert_eq!(
        doors.post(&path, forged.to_string()).await.0,
        StatusCode::UNAUTHORIZED,
        "what is signed is checked"
    );
}
