//! GraphQL over HTTP.

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::stand::{Stand, TOKEN};

struct Answer {
    status: StatusCode,
    media: String,
    body: Value,
}

async fn send(stand: &Stand, request: Request<Body>) -> Answer {
    let response = stand.router().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    let media = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    Answer {
        status: parts.status,
        media: media.unwrap_or_default().to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

fn request(method: Method, uri: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(uri).header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
}

async fn post(stand: &Stand, accept: &str, body: impl Into<Body>) -> Answer {
    let request = request(Method::POST, "/graphql")
        .header(header::ACCEPT, accept)
        .header(header::CONTENT_TYPE, "application/json");
    send(stand, request.body(body.into()).expect("a request")).await
}

const GRAPHQL: &str = "application/graphql-response+json";

#[tokio::test]
async fn a_request_that_is_not_executed_is_400_only_under_the_media_type_of_graphql() {
    let stand = Stand::new().await;
    for query in ["{", "{ noSuchField }", "query($id: ID!) { incident(id: $id) { id } }"] {
        let body = json!({ "query": query }).to_string();
        let modern = post(&stand, GRAPHQL, body.clone()).await;
        assert_eq!((modern.status, modern.body.get("data")), (StatusCode::BAD_REQUEST, None), "{query}");
        assert!(modern.media.starts_with(GRAPHQL));
        let legacy = post(&stand, "application/json", body).await;
        assert_eq!((legacy.status, legacy.body.get("data")), (StatusCode::OK, None), "{query}");
        assert!(legacy.media.starts_with("application/json"));
    }
    let good = post(&stand, GRAPHQL, json!({ "query": "{ __typename }" }).to_string()).await;
    assert_eq!((good.status, &good.body["data"]["__typename"]), (StatusCode::OK, &json!("Query")));
}

#[tokio::test]
async fn what_is_not_a_request_is_400_everywhere() {
    let stand = Stand::new().await;
    let bodies = [
        "",
        "[",
        "[]",
        "1",
        "{}",
        r#"{"query":1}"#,
        r#"{"query":"{ __typename }","variables":[]}"#,
        r#"{"query":"{ __typename }","operationName":1}"#,
        r#"{"query":"{ __typename }","extensions":"x"}"#,
        r#"[{"query":"{ __typename }"}]"#,
    ];
    for body in bodies {
        for accept in [GRAPHQL, "application/json"] {
            let answer = post(&stand, accept, body).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
            assert!(answer.body["errors"][0]["message"].is_string(), "{body}");
        }
    }
    let large = format!(r#"{{"query":"{{ __typename }}","extensions":{{"x":"{}"}}}}"#, "x".repeat(600_000));
    assert_eq!(post(&stand, GRAPHQL, large).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn get_queries_and_does_not_change_anything() {
    let stand = Stand::new().await;
    let get = |uri: &str| send(&stand, request(Method::GET, uri).body(Body::empty()).expect("a request"));
    let query =
        get("/graphql?query=query($a:ID!)%7Bteam(id:$a)%7Bid%7D%7D&variables=%7B%22a%22:%22x%22%7D").await;
    assert_eq!((query.status, &query.body), (StatusCode::OK, &json!({ "data": { "team": null } })));
    let mutation = get("/graphql?query=mutation%7B__typename%7D").await;
    assert_eq!(mutation.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(get("/graphql").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get("/graphql?query=%7B__typename%7D&variables=x").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn without_a_good_token_nothing_is_answered() {
    let stand = Stand::new().await;
    for token in [None, Some("Bearer wrong"), Some("Basic dGVzdA=="), Some("Bearer ")] {
        let mut request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, token);
        }
        let answer =
            send(&stand, request.body(r#"{"query":"{ __typename }"}"#.into()).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token:?}");
        assert_eq!(answer.body["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    }
}

#[tokio::test]
async fn operations_that_ask_for_too_much_are_refused() {
    let stand = Stand::new().await;
    let deep = "{ team(id: \"x\") { members { teams { members { teams { members { teams { members { teams { members { teams {
        members { teams { members { teams { members { teams { members { teams { id } } } } } } } } } } } } } } } } } } }";
    let wide = "{ incidents(first: 200) { nodes { timeline(first: 200) { nodes { position payload message kind at actor { name } } } } } }";
    for query in [deep, wide] {
        let answer = post(&stand, GRAPHQL, json!({ "query": query }).to_string()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
    }
    let page =
        post(&stand, GRAPHQL, json!({ "query": "{ teams(first: 201) { nodes { id } } }" }).to_string()).await;
    assert_eq!(page.body["errors"][0]["extensions"]["code"], "BAD_INPUT");
}
