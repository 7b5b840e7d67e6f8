//! How the caller of each format is told that it is too much now, so that it sends the same again.

use axum::http::HeaderMap;
use domain::integration::IntegrationKind as Kind;

use super::{
    super::post::{Letter, Post, Returned},
    limits::told,
    *,
};

const TOO_MANY: StatusCode = StatusCode::TOO_MANY_REQUESTS;
const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Every format that comes by HTTP: the answer to what is beyond its integration's limit, and to what finds the queue full.
/// Alertmanager, Grafana and Datadog give up what is answered 429, and the services of others know 5xx alone.
const ANSWERS: [(Kind, StatusCode, StatusCode); 11] = [
    (Kind::Generic, TOO_MANY, UNAVAILABLE),
    (Kind::Alertmanager, UNAVAILABLE, UNAVAILABLE),
    (Kind::PagerDuty, TOO_MANY, TOO_MANY),
    (Kind::Grafana, UNAVAILABLE, UNAVAILABLE),
    (Kind::Opsgenie, TOO_MANY, TOO_MANY),
    (Kind::Datadog, UNAVAILABLE, UNAVAILABLE),
    (Kind::NewRelic, UNAVAILABLE, UNAVAILABLE),
    (Kind::CloudWatch, UNAVAILABLE, UNAVAILABLE),
    (Kind::Sentry, UNAVAILABLE, UNAVAILABLE),
    (Kind::GitHub, UNAVAILABLE, UNAVAILABLE),
    (Kind::Heartbeat, UNAVAILABLE, UNAVAILABLE),
];

fn verification(kind: Kind) -> Verification {
    match kind {
        Kind::CloudWatch => raw_sns(),
        _ => Verification::Key,
    }
}

/// A message that finds its entrance in any format, with so many bytes more.
fn message(kind: Kind, key: &str, filling: usize) -> Request<Body> {
    let body = json!({ "routing_key": key, "event_action": "trigger", "payload": { "summary": "disk" },
        "title": "disk", "message": "disk", "filling": "x".repeat(filling) });
    let request = Request::post(path_of(kind, key)).header("Authorization", format!("GenieKey {key}"));
    request.body(Body::from(body.to_string())).expect("a request")
}

/// Whether an answer is in the words that clients of this format look for.
fn is_readable(kind: Kind, answer: &Value, slug: &str, words: &str) -> bool {
    match kind {
        Kind::PagerDuty => {
            answer["status"] == words && answer["message"].is_string() && answer["errors"][0].is_string()
        }
        Kind::Opsgenie => {
            let asked = answer["requestId"].is_string() && answer["took"].is_number();
            answer["message"] == "You are making too many requests!" && asked
        }
        _ => {
            answer["type"] == format!("urn:midwatch:problem:{slug}")
                && answer["retryable"] == true
                && answer["detail"].is_string()
        }
    }
}

#[test]
fn no_format_is_left_out() {
    let mut told: Vec<_> = ANSWERS.iter().map(|(kind, ..)| *kind).collect();
    told.push(Kind::Email);
    assert!(Kind::ALL.iter().all(|kind| told.contains(kind)) && told.len() == Kind::ALL.len());
}

#[tokio::test]
async fn each_caller_is_told_in_its_own_way_that_its_integration_takes_no_more() {
    let mut doors = Doors::new().await;
    for (kind, expected, _) in ANSWERS {
        let (_, key) = doors.limited(kind, verification(kind), 1).await;
        let (status, headers, _) = doors.hear(message(kind, &key, 0)).await;
        assert!(status != expected, "{kind:?}: the first is taken, and told what is left");
        let stands = |headers: &HeaderMap| {
            ["ratelimit-limit", "ratelimit-remaining", "retry-after"]
                .map(|name| told(headers, name).map(str::to_owned))
        };
        let texts = |texts: [Option<&str>; 3]| texts.map(|text| text.map(str::to_owned));
        assert_eq!(stands(&headers), texts([Some("1"), Some("0"), None]), "{kind:?}");
        let (status, headers, answer) = doors.hear(message(kind, &key, 0)).await;
        assert_eq!(status, expected, "{kind:?}: {answer}");
        assert!(is_readable(kind, &answer, "rate-limited", "throttle exceeded"), "{kind:?}: {answer}");
        assert_eq!(stands(&headers), texts([Some("1"), Some("0"), Some("60")]), "{kind:?}");
        assert_eq!(
            (told(&headers, "ratelimit-reset"), told(&headers, "connection")),
            (Some("60"), None),
            "{kind:?}"
        );
        assert_eq!(doors.kept().await.len(), 1, "{kind:?}: one was kept");
    }
}

/// A log whose queue has room for one message of `LARGE` bytes.
fn narrow() -> Store {
    Store::memory_with(&Options { queue_bytes: LARGE * 3 / 2, ..Options::default() })
}

const LARGE: usize = 16 * 1024;

#[tokio::test]
async fn each_caller_is_told_in_its_own_way_that_the_queue_is_full() {
    let mut doors = Doors::over(narrow()).await;
    for (kind, _, expected) in ANSWERS {
        let key = doors.open(kind, verification(kind), Reading::default()).await;
        // The committer empties the queue beside us, so a single burst may find it empty each time.
        let (mut kept, mut busy) = (0, vec![]);
        while busy.is_empty() {
            let burst = (0..50).map(|_| doors.hear(message(kind, &key, LARGE)));
            let answers = futures::future::join_all(burst).await;
            let is_busy =
                |(status, ..): &(StatusCode, HeaderMap, Value)| [TOO_MANY, UNAVAILABLE].contains(status);
            let (refused, taken): (Vec<_>, Vec<_>) = answers.into_iter().partition(is_busy);
            kept += taken.len();
            busy = refused;
            assert!(kept < 20_000, "{kind:?}: the queue never filled");
        }
        for (status, headers, answer) in busy {
            assert_eq!(status, expected, "{kind:?}: {answer}");
            assert!(is_readable(kind, &answer, "unavailable", "unavailable"), "{kind:?}: {answer}");
            assert_eq!(told(&headers, "retry-after"), Some("1"), "{kind:?}");
        }
        assert_eq!(doors.kept().await.len(), kept, "{kind:?}: what was kept is what was not refused");
    }
}

#[tokio::test]
async fn a_mail_that_is_too_much_is_to_be_sent_again() {
    let mut doors = Doors::over(narrow()).await;
    let open = doors.open(Kind::Email, Verification::Key, Reading::default()).await;
    let post = Post::new(doors.app.clone());
    let deliver = |key: String, words: usize| {
        let (post, message) = (&post, format!("Subject: disk\r\n\r\n{}", "x".repeat(words)).into_bytes());
        async move {
            let (sender, message) = ("tool@example.org", message.as_slice());
            post.deliver(Letter { key: &key, part: None, sender, message, whole_bytes: None }).await
        }
    };
    let mut later = vec![];
    while later.is_empty() {
        let answers = futures::future::join_all((0..50).map(|_| deliver(open.clone(), LARGE))).await;
        later.extend(answers.into_iter().filter_map(Result::err));
        assert!(doors.kept().await.len() < 20_000, "the queue never filled");
    }
    assert!(later.iter().all(|why| *why == Returned::Later), "{later:?}");

    let (_, limited) = doors.limited(Kind::Email, Verification::Key, 1).await;
    assert!(deliver(limited.clone(), 1).await.is_ok());
    assert_eq!(deliver(limited.clone(), 1).await, Err(Returned::Later));
    assert_eq!(doors.kept().await.len(), 1);
    doors.clock.advance(std::time::Duration::from_mins(1));
    assert!(deliver(limited, 1).await.is_ok());
}
