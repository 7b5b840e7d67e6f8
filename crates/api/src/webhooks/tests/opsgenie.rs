//! Opsgenie's clients, and the answers they look for.

use super::*;

async fn ask(doors: &Doors, method: &str, path: &str, key: &str, body: &str) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("Authorization", format!("GenieKey {key}"));
    doors.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

async fn open() -> (Doors, String) {
    let mut doors = Doors::new().await;
    let key = doors.open(IntegrationKind::Opsgenie, Verification::Key, Reading::default()).await;
    (doors, key)
}

#[tokio::test]
async fn a_call_is_kept_and_will_be_processed() {
    let (doors, key) = open().await;
    let body = r#"{"message":"Disk full","alias":"disk"}"#;
    let (status, answer) = ask(&doors, "POST", "/v2/alerts", &key, body).await;
    assert_eq!((status, &answer["result"]), (StatusCode::ACCEPTED, &json!("Request will be processed")));
    assert!(answer["took"].is_number());
    let request = answer["requestId"].as_str().expect("an id").to_owned();
    assert!(Uuid::parse_str(&request).is_ok());
    let close = "/v2/alerts/disk/close?identifierType=alias";
    assert_eq!(ask(&doors, "POST", close, &key, "").await.0, StatusCode::ACCEPTED);
    let kept = doors.kept().await;
    assert_eq!(kept[0]["envelope"], json!({"call": "POST /v2/alerts"}));
    assert_eq!(kept[1]["envelope"], json!({"call": format!("POST {close}")}));
    let (status, answer) = ask(&doors, "GET", &format!("/v2/alerts/requests/{request}"), &key, "").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "nobody decides here");
    assert_eq!(answer["message"], "Request not found. It might not be processed, yet.");
}

#[tokio::test]
async fn only_of_a_request_that_may_yet_be_processed_their_clients_are_told_to_ask_again() {
    let (doors, key) = open().await;
    let (_, answer) = ask(&doors, "POST", "/v2/alerts", &key, r#"{"message":"Disk full"}"#).await;
    let undecided = answer["requestId"].as_str().expect("an id").to_owned();
    let unknown = Uuid::from_u128(7).to_string();
    let again = Some("RequestNotProcessed");
    for (path, key, status, told) in [
        (format!("/v2/alerts/requests/{undecided}"), &*key, StatusCode::NOT_FOUND, again),
        (format!("/v2/alerts/requests/{unknown}"), &*key, StatusCode::NOT_FOUND, again),
        ("/v2/alerts/requests/x".to_owned(), &*key, StatusCode::NOT_FOUND, None),
        (format!("/v2/alerts/requests/{undecided}"), "wrong", StatusCode::UNAUTHORIZED, None),
        ("/v2/alerts/x".to_owned(), &*key, StatusCode::NOT_FOUND, None),
    ] {
        let request = Request::get(&path).header("Authorization", format!("GenieKey {key}"));
        let request = request.body(Body::empty()).expect("a request");
        let answer = doors.router.clone().oneshot(request).await.expect("an answer");
        let said = answer.headers().get("X-Opsgenie-Errortype").map(|said| said.to_str().expect("text"));
        assert_eq!((answer.status(), said), (status, told), "{path}");
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_in_their_format() {
    let (doors, key) = open().await;
    for (method, path, key, body, expected) in [
        ("POST", "/v2/alerts", "wrong", "{}", StatusCode::UNAUTHORIZED),
        ("POST", "/v2/alerts", "generic-key", "{}", StatusCode::UNAUTHORIZED),
        ("POST", "/v2/alerts", &key, "nonsense", StatusCode::BAD_REQUEST),
        ("POST", "/v2/alerts", &key, "{}", StatusCode::UNPROCESSABLE_ENTITY),
        ("POST", "/v2/alerts/x/dance", &key, "{}", StatusCode::NOT_FOUND),
        ("GET", "/v2/alerts/x", &key, "", StatusCode::NOT_FOUND),
        ("GET", "/v2/alerts/requests/x", &key, "", StatusCode::NOT_FOUND),
        ("GET", "/v2/alerts/requests/x", "wrong", "", StatusCode::UNAUTHORIZED),
    ] {
        let (status, answer) = ask(&doors, method, path, key, body).await;
        assert_eq!(status, expected, "{method} {path} {body}");
        assert!(answer["message"].is_string() && answer["requestId"].is_string(), "{answer}");
    }
    let (_, answer) = ask(&doors, "POST", "/v2/alerts", &key, "{}").await;
    assert_eq!(answer["message"], "Request body is not processable. Please check the errors.");
    assert_eq!(answer["errors"], json!({"message": "can not be empty"}));
    assert_eq!(doors.kept().await.len(), 3, "what has a key that opens is kept");
    let request = Request::post("/v2/alerts").body(Body::from("{}")).expect("a request");
    assert_eq!(doors.send(request).await.0, StatusCode::UNAUTHORIZED);
    let (status, _) = ask(&doors, "POST", "/v2/alerts", &key, &" ".repeat(512 * 1024 + 1)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}
