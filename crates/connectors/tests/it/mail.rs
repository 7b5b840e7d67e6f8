use std::time::Duration;

use connectors::{Connectors, Destination, Page, Receipt, SendError, Settings, SmtpSettings};

use crate::smtp_server::Answer::{HangUp, Say, Silence};
use crate::smtp_server::SmtpServer;

/// A time that no answer on loopback takes.
const AMPLE: Duration = Duration::from_mins(1);
/// A time that a relay which never answers uses up.
const BRIEF: Duration = Duration::from_millis(50);

fn page() -> Page {
    crate::page(Destination::Email { address: "ada@example.org".to_owned() })
}

fn through(relay: &SmtpServer, mail_timeout: Duration) -> Connectors {
    let url = format!("smtp://127.0.0.1:{}", relay.port);
    let smtp = SmtpSettings::parse(&url, "Midwatch <alerts@midwatch.example.org>").expect("settings");
    Connectors::new(&Settings { smtp: Some(smtp), mail_timeout, ..Settings::default() }).expect("connectors")
}

#[tokio::test]
async fn a_page_arrives_whole() {
    let relay = SmtpServer::start(&[]).await;
    let receipt = through(&relay, AMPLE).send(&page()).await;
    let reference = Some("250 2.0.0 queued as 4F2A".to_owned());
    assert_eq!(receipt, Ok(Receipt { provider: "smtp", reference }));

    let mails = relay.mails();
    assert_eq!(mails.len(), 1);
    assert!(mails[0].contains("Subject: [CRITICAL] Checkout: disk full\r\n"));
    assert!(mails[0].contains("\r\na line\r\n.\r\n..dots\r\n"), "{}", mails[0]);
    let commands = relay.commands();
    assert!(commands.iter().any(|line| line == "MAIL FROM:<alerts@midwatch.example.org>"), "{commands:?}");
    assert!(commands.iter().any(|line| line == "RCPT TO:<ada@example.org>"), "{commands:?}");
}

#[tokio::test]
async fn a_greylisted_page_is_taken_the_next_time_under_the_same_id() {
    let relay = SmtpServer::start(&[("RCPT", Say("451 4.7.1 greylisted, try later"))]).await;
    let connectors = through(&relay, AMPLE);
    let refused = connectors.send(&page()).await.expect_err("a refusal");
    let answer = "4.7.1 greylisted, try later".to_owned();
    assert_eq!(refused, SendError::Unavailable { status: 451, answer, retry_after: None });
    assert!(!refused.is_permanent());

    connectors.send(&Page { attempt: 2, ..page() }).await.expect("a receipt");
    assert!(relay.mails()[0].contains("Message-ID: <pag_0123456789abcdef@midwatch.example.org>\r\n"));
}

#[tokio::test]
async fn an_unknown_mailbox_is_refused_for_good() {
    let relay = SmtpServer::start(&[("RCPT", Say("550 5.1.1 no such user"))]).await;
    let refused = through(&relay, AMPLE).send(&page()).await.expect_err("a refusal");
    assert_eq!(refused, SendError::Refused { status: 550, answer: "5.1.1 no such user".to_owned() });
    assert!(refused.is_permanent());
    assert!(relay.mails().is_empty());
}

#[tokio::test]
async fn a_login_that_is_at_fault_can_still_be_put_right() {
    let relay = SmtpServer::start(&[("MAIL", Say("530 5.7.0 authentication required"))]).await;
    let refused = through(&relay, AMPLE).send(&page()).await.expect_err("a refusal");
    assert_eq!((refused.code(), refused.is_permanent()), ("unavailable", false), "{refused}");
}

#[tokio::test]
async fn a_relay_that_hangs_after_a_refusal_has_still_refused() {
    let relay = SmtpServer::start(&[("CONTENT", Say("554 5.7.1 spam")), ("QUIT", Silence)]).await;
    let refused = through(&relay, AMPLE).send(&page()).await.expect_err("a refusal");
    assert_eq!((refused.code(), refused.is_permanent()), ("refused", true));
}

#[tokio::test]
async fn a_connection_that_drops_in_the_middle_of_a_mail_may_be_tried_again() {
    for point in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "HALF", "CONTENT"] {
        let relay = SmtpServer::start(&[(point, HangUp)]).await;
        let connectors = through(&relay, AMPLE);
        let failed = connectors.send(&page()).await.expect_err(point);
        assert_eq!((failed.code(), failed.is_permanent()), ("unreachable", false), "{point}: {failed}");
        connectors.send(&page()).await.expect("a receipt");
        assert_eq!(relay.connections(), 2, "{point}");
    }
}

#[tokio::test]
async fn a_relay_that_never_answers_is_given_up() {
    for point in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "HALF", "CONTENT"] {
        let relay = SmtpServer::start(&[(point, Silence)]).await;
        let failed = through(&relay, BRIEF).send(&page()).await;
        assert_eq!(failed, Err(SendError::TimedOut { after: BRIEF }), "{point}");
    }
}

#[tokio::test]
async fn a_conversation_given_up_halfway_is_not_used_again() {
    let relay = SmtpServer::start(&[("CONTENT", Silence)]).await;
    let connectors = through(&relay, AMPLE);
    let page = page();
    let mut half = Box::pin(connectors.send(&page));
    // Dropped once the relay has the mail and owes the answer.
    while relay.mails().is_empty() {
        tokio::select! {
            biased;
            _ = &mut half => unreachable!("the relay is silent"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(half);
    connectors.send(&page).await.expect("a receipt");
    assert_eq!((relay.connections(), relay.mails().len()), (2, 2));
}

#[tokio::test]
async fn pages_share_a_conversation_until_the_relay_ends_it() {
    let relay = SmtpServer::start(&[("RSET", Say("250 ok")), ("RSET", Say("421 4.4.2 idle too long"))]).await;
    let connectors = through(&relay, AMPLE);
    for connections in [1, 1, 2, 2] {
        connectors.send(&page()).await.expect("a receipt");
        assert_eq!(relay.connections(), connections);
    }
}

#[tokio::test]
async fn many_pages_at_once_share_a_few_conversations() {
    let relay = SmtpServer::start(&[]).await;
    let connectors = through(&relay, AMPLE);
    let page = page();
    let receipts = futures::future::join_all((0..100).map(|_| connectors.send(&page))).await;
    assert!(receipts.iter().all(Result::is_ok));
    assert_eq!(relay.mails().len(), 100);
    assert!(relay.connections() <= 8, "{}", relay.connections());
}

#[tokio::test]
async fn a_relay_without_encryption_gets_nothing_when_it_is_required() {
    let relay = SmtpServer::start(&[]).await;
    let url = format!("smtp://ada:word@127.0.0.1:{}?tls=required", relay.port);
    let smtp = SmtpSettings::parse(&url, "alerts@example.org").expect("settings");
    let connectors =
        Connectors::new(&Settings { smtp: Some(smtp), ..Settings::default() }).expect("connectors");
    let failed = connectors.send(&page()).await.expect_err("a refusal");
    assert_eq!((failed.code(), failed.is_permanent()), ("unknown", false), "{failed}");
    assert!(relay.commands().iter().all(|line| line.starts_with("EHLO")), "{:?}", relay.commands());
}

#[tokio::test]
async fn without_a_relay_mail_is_not_configured() {
    let connectors = Connectors::new(&Settings::default()).expect("connectors");
    assert_eq!(connectors.send(&page()).await, Err(SendError::NotConfigured { channel: "mail" }));
}

#[tokio::test]
async fn a_relay_that_is_not_there_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let smtp =
        SmtpSettings::parse(&format!("smtp://127.0.0.1:{port}"), "alerts@example.org").expect("settings");
    let connectors =
        Connectors::new(&Settings { smtp: Some(smtp), ..Settings::default() }).expect("connectors");
    let failed = connectors.send(&page()).await.expect_err("a failure");
    assert_eq!(failed.code(), "unreachable", "{failed}");
}
