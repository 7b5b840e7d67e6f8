use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use connectors::{Connectors, Destination, Guard, Page, Receipt, Secret, SendError, Settings, signature};

use crate::http_server::HttpServer;

fn to(url: String) -> Page {
    crate::page(Destination::Webhook { url, secrets: vec![secret()] })
}

fn secret() -> Secret {
    Secret::from_random([7; 32])
}

/// Connectors that may call what `guard` says.
fn allowing(guard: &str) -> Connectors {
    let guard: Guard = guard.parse().expect("a guard");
    Connectors::new(&Settings { guard, ..Settings::default() }).expect("connectors")
}

/// What comes of a page to a server with this answer.
async fn answered(answer: &'static str) -> Result<Receipt, SendError> {
    let server = HttpServer::start(Some(answer)).await;
    let result = allowing("127.0.0.0/8").send(&to(format!("http://127.0.0.1:{}/hook", server.port))).await;
    assert_eq!(server.requests().len(), 1);
    result
}

#[tokio::test]
async fn a_page_arrives_signed() {
    let server = HttpServer::start(Some("202 Accepted")).await;
    let page = to(format!("http://127.0.0.1:{}/hook?token=1", server.port));
    let receipt = allowing("127.0.0.1").send(&page).await;
    assert_eq!(receipt, Ok(Receipt { provider: "webhook", reference: Some("202".to_owned()) }));

    let requests = server.requests();
    let request = &requests[0];
    assert_eq!(request.line, "POST /hook?token=1 HTTP/1.1");
    assert_eq!(request.header("content-type"), "application/json");
    assert_eq!(request.header("webhook-id"), "pag_0123456789abcdef");
    assert_eq!(request.header("webhook-timestamp"), "1614265390");
    let expected = signature(&[secret()], "pag_0123456789abcdef", 1_614_265_390, &request.body);
    assert_eq!(request.header("webhook-signature"), expected);
    let body: serde_json::Value = serde_json::from_slice(&request.body).expect("json");
    assert_eq!(body["type"], "page.requested");
    assert_eq!(body["data"]["incident"]["service"], "Checkout");
}

#[tokio::test]
async fn pages_in_a_storm_use_the_connections_of_those_before_them() {
    const AT_ONCE: usize = 64;
    let server = HttpServer::start(Some("200 OK")).await;
    let (connectors, page) = (allowing("127.0.0.1"), to(format!("http://127.0.0.1:{}/hook", server.port)));
    for _ in 0..4 {
        let receipts = futures::future::join_all((0..AT_ONCE).map(|_| connectors.send(&page))).await;
        assert!(receipts.iter().all(Result::is_ok));
    }
    assert_eq!(server.requests().len(), 4 * AT_ONCE);
    // One that is still being given back is not waited for.
    assert!(server.connections() < 2 * AT_ONCE, "{}", server.connections());
}

#[tokio::test]
async fn while_secrets_change_both_sign() {
    let server = HttpServer::start(Some("200 OK")).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let secrets = vec![secret(), Secret::from_random([8; 32])];
    allowing("127.0.0.1").send(&crate::page(Destination::Webhook { url, secrets })).await.expect("a receipt");
    assert_eq!(server.requests()[0].header("webhook-signature").split(' ').count(), 2);
}

#[tokio::test]
async fn an_id_with_a_dot_is_sent_without() {
    let server = HttpServer::start(Some("200 OK")).await;
    let page = Page { key: "a.b".to_owned(), ..to(format!("http://127.0.0.1:{}/", server.port)) };
    allowing("127.0.0.1").send(&page).await.expect("a receipt");
    assert!(!server.requests()[0].header("webhook-id").contains('.'));
}

#[tokio::test]
async fn answers_mean_what_the_standard_says() {
    assert_eq!(answered("410 Gone").await, Err(SendError::Gone));
    assert_eq!(
        answered("429 Too Many Requests\r\nRetry-After: 17").await,
        Err(SendError::RateLimited { retry_after: Some(Duration::from_secs(17)) })
    );
    assert_eq!(
        answered("503 Service Unavailable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:50:37 GMT").await,
        Err(SendError::Unavailable {
            status: 503,
            answer: "service unavailable".to_owned(),
            retry_after: Some(Duration::from_mins(1))
        })
    );
    let refused = answered("404 Not Found").await.expect_err("a refusal");
    assert!(refused.is_permanent());
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_not_followed() {
    let inner = HttpServer::start(Some("200 OK")).await;
    let location = format!("302 Found\r\nLocation: http://127.0.0.1:{}/inner", inner.port);
    let refused = answered(Box::leak(location.into_boxed_str())).await.expect_err("a refusal");
    assert_eq!((refused.code(), refused.is_permanent()), ("refused", true));
    assert!(inner.requests().is_empty());
}

#[tokio::test]
async fn a_receiver_that_never_answers_is_given_up() {
    let server = HttpServer::start(None).await;
    let webhook_timeout = Duration::from_millis(50);
    let settings = Settings { guard: Guard::allow_all(), webhook_timeout, ..Settings::default() };
    let connectors = Connectors::new(&settings).expect("connectors");
    let failed = connectors.send(&to(format!("http://127.0.0.1:{}/", server.port))).await;
    assert_eq!(failed, Err(SendError::TimedOut { after: webhook_timeout }));
}

#[tokio::test]
async fn private_addresses_are_refused_in_every_spelling() {
    let server = HttpServer::start(Some("200 OK")).await;
    let connectors = allowing("");
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
    ] {
        let refused = connectors.send(&to(format!("http://{host}:{}/", server.port))).await;
        assert_eq!(refused, Err(SendError::Forbidden { address: loopback }), "{host}");
    }
    for host in [
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "169.254.169.254",
        "0.0.0.0",
        "[::]",
        "[fe80::1]",
    ] {
        let refused = connectors.send(&to(format!("http://{host}:{}/", server.port))).await.expect_err(host);
        assert_eq!((refused.code(), refused.is_permanent()), ("forbidden_address", true), "{host}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    let server = HttpServer::start(Some("200 OK")).await;
    let url = format!("http://localhost:{}/", server.port);
    let refused = allowing("10.0.0.0/8").send(&to(url.clone())).await.expect_err("a refusal");
    assert_eq!(refused.code(), "forbidden_address", "{refused}");
    assert!(server.requests().is_empty());

    allowing("127.0.0.0/8, ::1").send(&to(url)).await.expect("a receipt");
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_is_no_web_address_is_refused_for_good() {
    let connectors = allowing("all");
    for url in
        ["", "example.org", "ftp://example.org/", "file:///etc/passwd", "http://", "javascript:alert(1)"]
    {
        let refused = connectors.send(&to(url.to_owned())).await.expect_err(url);
        assert_eq!((refused.code(), refused.is_permanent()), ("invalid_destination", true), "{url}");
    }
}

#[tokio::test]
async fn a_webhook_without_a_secret_is_not_sent() {
    let server = HttpServer::start(Some("200 OK")).await;
    let url = format!("http://127.0.0.1:{}/", server.port);
    let refused = allowing("all").send(&crate::page(Destination::Webhook { url, secrets: vec![] })).await;
    assert_eq!(refused.expect_err("a refusal").code(), "invalid_destination");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_failure_shows_no_part_of_the_link() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let failed = allowing("all")
        .send(&to(format!("http://u:word@127.0.0.1:{port}/token")))
        .await
        .expect_err("a failure");
    assert_eq!(failed.code(), "unreachable");
    assert!(!failed.to_string().contains("token") && !failed.to_string().contains("word"), "{failed}");
}
