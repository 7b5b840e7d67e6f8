//! GraphQL over sockets, and subscriptions.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use store::Position;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

use super::stand::{Stand, TOKEN, administrator, soon, text};
use crate::{
    Limits,
    graphql::{
        follower::{Asked, Follower},
        subscription::{Plan, Topic},
    },
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

const CHANGES: &str = "subscription($after: Position, $filter: IncidentFilterInput) {
    incidentChanged(after: $after, filter: $filter) { position heartbeat reset { reason } incident { title status } } }";

async fn open(stand: &Stand, protocol: &'static str) -> Socket {
    let address = stand.serve().await;
    let mut request = format!("ws://{address}/graphql").into_client_request().expect("a request");
    request.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a header"));
    connect_async(request).await.expect("a socket").0
}

async fn say(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.expect("it is sent");
}

async fn hear(socket: &mut Socket) -> Value {
    loop {
        match soon(socket.next()).await.expect("a message").expect("a message") {
            Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
            Message::Close(frame) => return json!({ "closed": frame.map(|frame| u16::from(frame.code)) }),
            _ => {}
        }
    }
}

fn init() -> Value {
    json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {TOKEN}") } })
}

fn subscribe(id: &str, query: &str, variables: &Value) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": query, "variables": variables } })
}

#[tokio::test]
async fn a_mistake_closes_the_socket_with_the_code_of_the_protocol() {
    let greeting = Duration::from_millis(300);
    let stand = Stand::with(Limits { socket_greeting: greeting, ..Limits::default() }).await;
    let follow = subscribe("1", CHANGES, &json!({}));
    let mistakes = [
        (4400, vec![json!("hello")]),
        (4400, vec![json!({ "type": "start" })]),
        (4401, vec![follow.clone()]),
        (4403, vec![json!({ "type": "connection_init" })]),
        (4403, vec![json!({ "type": "connection_init", "payload": { "authorization": "Bearer wrong" } })]),
        (4408, vec![]),
        (4409, vec![init(), follow.clone(), follow]),
        (4429, vec![init(), init()]),
        (4406, vec![]),
    ];
    for (code, words) in mistakes {
        let protocol = if code == 4406 { "graphql-ws" } else { "graphql-transport-ws" };
        let mut socket = open(&stand, protocol).await;
        for word in &words {
            say(&mut socket, word.clone()).await;
        }
        let mut heard = hear(&mut socket).await;
        while heard.get("closed").is_none() {
            heard = hear(&mut socket).await;
        }
        assert_eq!(heard["closed"], code, "{words:?}");
    }
}

#[tokio::test]
async fn queries_and_mutations_work_on_a_socket_and_faults_are_told() {
    let stand = Stand::new().await;
    let mut socket = open(&stand, "graphql-transport-ws").await;
    say(&mut socket, init()).await;
    assert_eq!(hear(&mut socket).await["type"], "connection_ack");
    say(&mut socket, json!({ "type": "ping" })).await;
    assert_eq!(hear(&mut socket).await["type"], "pong");
    let mutation = "mutation { createTeam(input: { name: \"Sea\" }) { team { name } rejection { code } } }";
    say(&mut socket, subscribe("m", mutation, &json!({}))).await;
    assert_eq!(hear(&mut socket).await["payload"]["data"]["createTeam"]["team"]["name"], "Sea");
    assert_eq!(hear(&mut socket).await, json!({ "type": "complete", "id": "m" }));
    for wrong in ["{", "{ noSuchField }", "subscription { events { position } incidentChanged { position } }"]
    {
        // The id is free again.
        say(&mut socket, subscribe("m", wrong, &json!({}))).await;
        let heard = hear(&mut socket).await;
        assert_eq!(
            (&heard["type"], heard["payload"].is_array()),
            (&json!("error"), true),
            "{wrong}: {heard}"
        );
    }
}

#[tokio::test]
async fn a_change_is_told_and_whoever_comes_back_is_told_what_was_missed() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let mut socket = open(&stand, "graphql-transport-ws").await;
    say(&mut socket, init()).await;
    hear(&mut socket).await;
    say(&mut socket, subscribe("a", CHANGES, &json!({ "after": stand.app.engine.store().head() }))).await;
    stand.incident(&service, "First").await;
    let first = hear(&mut socket).await["payload"]["data"]["incidentChanged"].take();
    assert_eq!(first["incident"], json!({ "title": "First", "status": "TRIGGERED" }));
    stand.incident(&service, "Second").await;
    stand.incident(&service, "Third").await;
    say(&mut socket, subscribe("b", CHANGES, &json!({ "after": first["position"] }))).await;
    let mut missed = vec![];
    while missed.len() < 2 {
        let mut heard = hear(&mut socket).await;
        if heard["id"] == "b" {
            missed.push(heard["payload"]["data"]["incidentChanged"]["incident"]["title"].take());
        }
    }
    assert_eq!(missed, ["Second", "Third"]);
}

/// The next payload of a follower, which is told of incidents.
async fn next(follower: &mut Follower) -> Value {
    let payload = soon(follower.next()).await;
    serde_json::from_slice::<Value>(&payload).expect("JSON")["data"]["incidentChanged"].take()
}

fn follower(stand: &Stand, after: Option<Position>) -> Follower {
    let plan = Plan { topic: Topic::Incidents(Box::default()), after };
    Follower::new(stand.feed(), Asked::new(CHANGES.to_owned(), None, None), administrator(), plan)
}

#[tokio::test]
async fn a_quiet_subscription_says_that_it_is_alive_and_how_far() {
    let heartbeat = Duration::from_millis(20);
    let stand = Stand::with(Limits { heartbeat, ..Limits::default() }).await;
    stand.world().await;
    let head = stand.app.engine.store().head();
    assert!(stand.app.reads.reach(head, Duration::from_secs(20)).await);
    let mut follower = follower(&stand, Some(0));
    let alive = next(&mut follower).await;
    assert_eq!((&alive["heartbeat"], &alive["incident"]), (&json!(true), &Value::Null));
    assert_eq!(text(&alive["position"]), head.to_string());
}

#[tokio::test]
async fn whoever_comes_back_too_late_or_from_elsewhere_starts_afresh() {
    let stand = Stand::with(Limits { resume_horizon: 2, ..Limits::default() }).await;
    let (_, service) = stand.world().await;
    let head = stand.app.engine.store().head();
    assert!(stand.app.reads.reach(head, Duration::from_secs(20)).await);
    for (after, reason) in [(0, "TOO_OLD"), (head + 100, "AHEAD")] {
        let mut follower = follower(&stand, Some(after));
        let reset = next(&mut follower).await;
        assert_eq!(reset["reset"]["reason"], reason);
        assert_eq!(text(&reset["position"]), head.to_string());
    }
    let mut follower = follower(&stand, Some(head - 1));
    stand.incident(&service, "After").await;
    assert_eq!(next(&mut follower).await["incident"]["title"], "After");
}

#[tokio::test]
async fn those_who_fell_far_behind_read_the_log_and_miss_nothing() {
    let stand = Stand::new().await;
    let (_, service) = stand.world().await;
    let id = text(&stand.incident(&service, "Long").await["incident"]["id"]);
    let start = stand.app.engine.store().head();
    for number in 0..600 {
        let note = json!({ "incidentId": id, "text": number.to_string() });
        stand.done("addIncidentNote", "position", note).await;
    }
    // This feed begins now, so what happened before is not in its memory.
    let mut follower = follower(&stand, Some(start));
    let mut positions = vec![];
    while positions.len() < 600 {
        positions.push(text(&next(&mut follower).await["position"]).parse::<Position>().expect("a position"));
    }
    assert_eq!(positions, (start + 1..=start + 600).collect::<Vec<_>>());
}
