//! Messages of monitoring tools, in every format, read as they are and through a mapping and rules.
//!
//! The first byte chooses the format, the second what is around the message; the first line says what was called or what
//! kind of message it is, and the rest is the body.

use std::sync::LazyLock;

use api::webhooks::translate::{Malformed, translate, understand};
use domain::{
    Meaning,
    delivery::Envelope,
    expression::Expression,
    integration::{
        Grouping, Handling, HandlingChange, Identity, InsufficientData, IntegrationKind, Mapping, Outcome,
        Reading, Routing, Rule, Severities, Treatment,
    },
};

use super::fitting::{self, DELIVERY};

/// Alerts of one message.
const MAX_ALERTS: usize = 2000;

/// Nothing is mapped, and there are no rules.
static USUAL: LazyLock<Handling> = LazyLock::new(Handling::default);
/// Every part is mapped, and rules look at the message and the alert.
static WRITTEN: LazyLock<Handling> = LazyLock::new(written);

/// Panics unless the message in `data` is understood as it should be.
///
/// # Panics
///
/// If it does not hold.
pub fn check(data: &[u8]) {
    let [format, around, rest @ ..] = data else { return };
    let format = IntegrationKind::ALL[usize::from(*format) % IntegrationKind::ALL.len()];
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let said = Some(String::from_utf8_lossy(&rest[..end]).into_owned()).filter(|said| !said.is_empty());
    let envelope = Envelope {
        call: said.clone(),
        topic: said,
        form: around & 1 != 0,
        reading: Reading {
            identity: if around & 2 == 0 { Identity::Group } else { Identity::Alert },
            insufficient_data: match around >> 2 & 3 {
                0 | 1 => InsufficientData::Trigger,
                2 => InsufficientData::Record,
                _ => InsufficientData::Resolve,
            },
            archived_is_over: around & 16 != 0,
        },
        ..Envelope::default()
    };
    understood(format, &envelope, rest.get(end + 1..).unwrap_or_default());
}

/// Panics unless a message is understood as it should be: the same each time, and fit to keep.
pub(super) fn understood(format: IntegrationKind, envelope: &Envelope, body: &[u8]) {
    let read = |handling| understand(format, envelope, body, DELIVERY, handling);
    let usual = read(&USUAL);
    assert_eq!(usual, translate(format, envelope, body, DELIVERY), "no rules change nothing");
    let handled = read(&WRITTEN);
    assert_eq!(handled, read(&WRITTEN), "the same message means the same");
    fits(&usual);
    fits(&handled);
    assert!(usual.is_err() || handled.is_ok(), "what is written down about a message takes nothing away");
}

fn fits(read: &Result<Meaning, Malformed>) {
    match read {
        Ok(meaning) => {
            assert!(meaning.alerts().len() <= MAX_ALERTS, "{} alerts", meaning.alerts().len());
            meaning.alerts().iter().for_each(fitting::check);
        }
        Err(why) => {
            assert!(!why.problems().is_empty() && !why.to_string().is_empty(), "a refusal has a reason");
        }
    }
}

fn written() -> Handling {
    let said = |text: &str| Expression::parse(text).expect("it is right");
    let mapped = |name: &str| Some(said(&format!("default(payload.{name}, alert.{name})")));
    let mapping = Mapping {
        action: mapped("action"),
        key: mapped("key"),
        title: mapped("title"),
        details: mapped("details"),
        severity: mapped("severity"),
        source: mapped("source"),
        component: mapped("component"),
        routing_key: mapped("routing_key"),
        labels: mapped("labels"),
        links: mapped("links"),
        images: mapped("images"),
        at: mapped("at"),
    };
    let rule = |name: &str, condition: &str, outcome| Rule {
        name: name.to_owned(),
        condition: said(condition),
        outcome,
    };
    let grouped = Treatment {
        grouping: Some(Grouping { by: said("payload.group"), window_seconds: Some(60) }),
        ..Treatment::default()
    };
    let rules = vec![
        rule(
            "noise",
            r#"alert.labels.all(name, name.startsWith("n")) && size(alert.links) > 1"#,
            Outcome::Drop,
        ),
        rule("grouped", "has(payload.group)", Outcome::Take(grouped)),
        rule(
            "bad",
            r#"alert.title.matches("(?i)dis[ck]|\\bx+$") || payload.size > 3"#,
            Outcome::Take(Treatment::default()),
        ),
    ];
    let change = HandlingChange {
        mapping: Some(mapping),
        severities: Some(Severities::new([("disaster".to_owned(), domain::Severity::Critical)])),
        routing: Some(Routing { rules, ..Routing::default() }),
        merging: None,
    };
    Handling::default().changed(&change).expect("it keeps every rule")
}
