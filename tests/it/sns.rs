//! A real Alertmanager that publishes to Amazon's notification service, which this test plays: it takes what is published, wraps
//! and signs it, and delivers it to us, each message twice.

use std::sync::{Arc, Mutex, OnceLock};

use axum::{Router, extract::State, http::HeaderMap, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::{Clock, SystemClock, VirtualClock};
use connectors::{Fetch, FetchError, Sns};
use futures::{FutureExt, future::BoxFuture};
use serde_json::{Value, json};

use crate::{
    alertmanager::Alertmanager,
    support::{Authority, Outbox, TestApp, Vouched, World, eventually, text},
};

const HOST: &str = "sns.us-east-1.amazonaws.com";
const TOPIC: &str = "arn:aws:sns:us-east-1:123456789012:oncall";
/// A template of Alertmanager's that says in JSON what its usual text leaves to the reader.
const MESSAGE: &str = r#"{"title":"{{ .CommonAnnotations.summary }}","status":"{{ .Status }}","dedup_key":"{{ range .GroupLabels.SortedPairs }}{{ .Name }}={{ .Value }},{{ end }}","severity":"{{ .CommonLabels.severity }}"}"#;

/// Amazon's service, as far as anybody calls it.
struct Amazon {
    /// Who vouches for the signer; its files must outlive it.
    authority: Authority,
    signer: Vouched,
    /// Where the topic delivers, once somebody subscribed.
    endpoint: OnceLock<String>,
    /// The forms that were published.
    published: Mutex<Vec<Vec<(String, String)>>>,
    /// What the endpoint answered.
    answers: Mutex<Vec<(u16, Value)>>,
    /// The links that were called, except those to certificates.
    called: Mutex<Vec<String>>,
}

impl Fetch for Amazon {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        let found = if url == format!("https://{HOST}/SimpleNotificationService-test.pem") {
            self.signer.pem()
        } else {
            self.called.lock().expect("nobody panicked").push(url.to_owned());
            b"<ConfirmSubscriptionResponse/>".to_vec()
        };
        futures::future::ready(Ok(found)).boxed()
    }
}

impl Amazon {
    /// Signs a message, and delivers it as often as that may happen.
    async fn deliver(&self, mut message: Value) {
        let Some(endpoint) = self.endpoint.get() else { return };
        let fields =
            ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
        let signed =
            fields.into_iter().filter_map(|name| Some(format!("{name}\n{}\n", message[name].as_str()?)));
        message["Signature"] = STANDARD.encode(self.signer.sign(&signed.collect::<String>())).into();
        message["SignatureVersion"] = "2".into();
        message["SigningCertURL"] = format!("https://{HOST}/SimpleNotificationService-test.pem").into();
        for _ in 0..2 {
            let request =
                reqwest::Client::new().post(endpoint).header("content-type", "text/plain; charset=UTF-8");
            let answer = request.body(message.to_string()).send().await.expect("the endpoint answers");
            let status = answer.status().as_u16();
            let body = answer.json().await.expect("it is JSON");
            self.answers.lock().expect("nobody panicked").push((status, body));
        }
    }

    fn answers(&self) -> Vec<(u16, Value)> {
        self.answers.lock().expect("nobody panicked").clone()
    }
}

/// Takes a call as Amazon's API for queries does.
async fn call(State(amazon): State<Arc<Amazon>>, headers: HeaderMap, body: String) -> String {
    let authorization = headers["authorization"].to_str().expect("it is text");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=dummy/"), "{authorization}");
    let form = reqwest::Url::parse(&format!("http://form/?{body}")).expect("it is a form");
    let form: Vec<(String, String)> = form.query_pairs().into_owned().collect();
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    assert_eq!((field("Action").as_deref(), field("TopicArn").as_deref()), (Some("Publish"), Some(TOPIC)));
    let id = {
        let mut published = amazon.published.lock().expect("nobody panicked");
        published.push(form.clone());
        format!("00000000-0000-4000-8000-{:012}", published.len())
    };
    amazon
        .deliver(json!({ "Type": "Notification", "MessageId": id, "TopicArn": TOPIC,
            "Subject": field("Subject"), "Message": field("Message"), "Timestamp": SystemClock.now().to_string() }))
        .await;
    format!(
        "<PublishResponse xmlns=\"http://sns.amazonaws.com/doc/2010-03-31/\"><PublishResult><MessageId>{id}</MessageId>\
         </PublishResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></PublishResponse>"
    )
}

/// Amazon, a node that believes it, and what is needed for an alert to page.
async fn stage() -> (Arc<Amazon>, String, TestApp, World) {
    let authority = Authority::new();
    let amazon = Arc::new(Amazon {
        signer: authority.vouch(HOST),
        authority,
        endpoint: OnceLock::new(),
        published: Mutex::default(),
        answers: Mutex::default(),
        called: Mutex::default(),
    });
    let router = Router::new().route("/", post(call)).with_state(Arc::clone(&amazon));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("loopback has ports");
    let url = format!("http://{}/", listener.local_addr().expect("it is bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let sns =
        Sns::trusting(Arc::clone(&amazon) as Arc<dyn Fetch>, &amazon.authority.der()).expect("an authority");
    // The certificate was made just now, in real time.
    let clock = VirtualClock::at(SystemClock.now());
    let app = TestApp::start_fresh(clock, Outbox::beside(sns)).await;
    let world = World::make(&app).await;
    (amazon, url, app, world)
}

/// What Alertmanager is to do: publish to the topic, in these words.
fn receiver(api: &str, more: &Value) -> Value {
    let mut sns = json!({ "api_url": api, "topic_arn": TOPIC, "send_resolved": true,
        "sigv4": { "region": "us-east-1", "access_key": "dummy", "secret_key": "dummy" } });
    sns.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    json!({ "name": "midwatch", "sns_configs": [sns] })
}

/// An entrance for the topic, subscribed; its id.
async fn subscribe(amazon: &Amazon, app: &TestApp, world: &World) -> String {
    let input = json!({ "name": "CloudWatch", "kind": "CLOUDWATCH", "serviceId": world.service,
        "verification": { "sns": { "topics": [TOPIC] } } });
    let made = app.administer("createIntegration", "integration { id } key", input).await;
    let endpoint = format!("http://{}/hooks/cloudwatch/{}", app.address(), text(&made["key"]));
    amazon.endpoint.set(endpoint).expect("nobody subscribed before");
    let link = format!("https://{HOST}/?Action=ConfirmSubscription&TopicArn={TOPIC}&Token=2336");
    amazon
        .deliver(
            json!({ "Type": "SubscriptionConfirmation", "MessageId": "00000000-0000-4000-8000-000000000000",
            "TopicArn": TOPIC, "Message": "You have chosen to subscribe to the topic.", "SubscribeURL": link,
            "Token": "2336", "Timestamp": SystemClock.now().to_string() }),
        )
        .await;
    assert!(amazon.called.lock().expect("nobody panicked").contains(&link), "it is confirmed at its link");
    assert!(amazon.answers().iter().all(|(status, _)| *status == 202), "{:?}", amazon.answers());
    let id = text(&made["integration"]["id"]);
    app.settle().await;
    let query = "query($id: ID!) { integration(id: $id) { subscriptions } }";
    let shown = app.query(query, json!({ "id": id })).await;
    assert_eq!(shown["integration"]["subscriptions"], json!([TOPIC]));
    id
}

/// The titles and the statuses of incidents, newest first.
async fn told(app: &TestApp) -> Vec<(String, String)> {
    app.incidents().await.iter().map(|one| (text(&one["title"]), text(&one["status"]))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_alertmanager_publishes_in_json_opens_and_resolves_once() {
    let (amazon, url, app, world) = stage().await;
    let integration = subscribe(&amazon, &app, &world).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let receiver = receiver(&url, &json!({ "message": MESSAGE }));
    let alertmanager = Alertmanager::start_with(folder.path(), &receiver).await;
    let incident = |status: &str| vec![("DiskFull in Frankfurt".to_owned(), status.to_owned())];

    alertmanager.fire("DiskFull", "web-1", &[]);
    eventually("the group is an incident", || async { told(&app).await == incident("TRIGGERED") }).await;
    alertmanager.resolve("DiskFull", "web-1");
    eventually("it is over", || async { told(&app).await == incident("RESOLVED") }).await;

    app.settle().await;
    assert!(app.outbox.sent().len() <= 1, "what is told twice pages once");
    assert!(alertmanager.failures().await.abs() < f64::EPSILON);
    let answers = amazon.answers();
    let again = answers.iter().filter(|(_, body)| body["deduplicated"] == true).count();
    assert!(answers.iter().all(|(status, _)| *status == 202) && again * 2 == answers.len(), "{answers:?}");
    let query = "query($id: ID!) { deliveries(integrationId: $id, first: 50) { nodes { verdict proof } } }";
    let log = app.query(query, json!({ "id": integration })).await["deliveries"]["nodes"].take();
    let log = log.as_array().expect("it is a list");
    assert!(log.iter().all(|one| one["proof"] == "SIGNATURE"), "{log:?}");
    let count = |verdict: &str| log.iter().filter(|one| one["verdict"] == verdict).count();
    assert_eq!((count("OPENED"), count("RESOLVED"), count("RECORDED")), (1, 1, 1), "{log:?}");
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_alertmanager_publishes_as_text_is_known_by_its_subject() {
    let (amazon, url, app, world) = stage().await;
    subscribe(&amazon, &app, &world).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let alertmanager = Alertmanager::start_with(folder.path(), &receiver(&url, &json!({}))).await;
    alertmanager.fire("DiskFull", "web-1", &[]);
    eventually("the group is an incident", || async { !app.incidents().await.is_empty() }).await;
    app.settle().await;
    let incident = app.incidents().await.remove(0);
    let title = text(&incident["title"]);
    assert!(title.starts_with("[FIRING:1] DiskFull"), "{title}");
    let query = "query($id: ID!) { incident(id: $id) { alerts { details } } }";
    let shown = app.query(query, json!({ "id": incident["id"] })).await;
    let details = text(&shown["incident"]["alerts"][0]["details"]);
    assert!(details.contains("runbook_url = https://runbooks.example.org/disk"), "{details}");
    assert_eq!(app.outbox.sent().len(), 1);
    alertmanager.resolve("DiskFull", "web-1");
    let over = || async { app.incidents().await.iter().all(|one| one["status"] == "RESOLVED") };
    eventually("it is over", over).await;
    assert_eq!(app.incidents().await.len(), 1, "that it is over is no problem of its own");
    app.stop().await;
}
