//! How long a message takes to be understood, by sender, with twenty rules and a mapping over what it says.

use std::{hint::black_box, sync::Arc, time::Instant};

use api::webhooks::translate::{translate, understand};
use domain::{
    DeliveryId,
    delivery::Envelope,
    expression::Expression,
    integration::{Handling, IntegrationKind, Mapping, Outcome as Fate, Routing, Rule},
};
use uuid::Uuid;

use crate::{
    Outcome, Scale,
    report::{Limit, Report},
    stats::Latencies,
};

/// Bytes of a message: what is smaller is filled up with a text.
const BYTES: usize = 1536;
const RULES: usize = 20;
const MICROS: f64 = 25.0;

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../crates/api/src/webhooks/fixtures/", $name)).as_slice()
    };
}

/// What senders send, and what comes around it: taken down from real ones or written after their documentation, as
/// `crates/api/src/webhooks/fixtures/README.md` says.
fn samples() -> Vec<(IntegrationKind, Envelope, &'static [u8])> {
    let plain = Envelope::default;
    let topic = |topic: &str| Envelope { topic: Some(topic.to_owned()), ..plain() };
    let call = |call: &str| Envelope { call: Some(call.to_owned()), ..plain() };
    let sns = include_bytes!("../../crates/connectors/fixtures/sns/alarm_v2.json").as_slice();
    let generic = include_bytes!("../../crates/api/src/webhooks/samples/generic.json").as_slice();
    vec![
        (IntegrationKind::Generic, plain(), generic),
        (IntegrationKind::Alertmanager, plain(), fixture!("alertmanager_firing.json")),
        (IntegrationKind::PagerDuty, plain(), fixture!("pagerduty_trigger.json")),
        (IntegrationKind::Grafana, plain(), fixture!("grafana_firing.json")),
        (IntegrationKind::Opsgenie, call("POST /v2/alerts"), fixture!("opsgenie_create.json")),
        (IntegrationKind::Datadog, plain(), fixture!("datadog_triggered.json")),
        (IntegrationKind::NewRelic, plain(), fixture!("newrelic_activated.json")),
        (IntegrationKind::CloudWatch, plain(), sns),
        (IntegrationKind::Sentry, topic("event_alert"), fixture!("sentry_event_alert.json")),
        (IntegrationKind::GitHub, topic("dependabot_alert"), fixture!("github_dependabot_alert.json")),
        (IntegrationKind::Email, plain(), fixture!("mail_nagios_problem.eml")),
    ]
}

/// The message with a field, or for a mail with words, that make it as large as most are.
fn filled(kind: IntegrationKind, body: &[u8]) -> Vec<u8> {
    let Some(missing) = BYTES.checked_sub(body.len() + 20) else { return body.to_vec() };
    let words = "the disk fills ".repeat(missing / 15);
    if kind == IntegrationKind::Email {
        return [body, words.as_bytes()].concat();
    }
    let rest = body.trim_ascii_start().strip_prefix(b"{").unwrap_or(body);
    [format!("{{\"filling\": \"{words}\", ").as_bytes(), rest].concat()
}

/// Rules of which only the last one holds, and a mapping of two parts.
fn handling() -> Outcome<Handling> {
    let mut rules = vec![];
    for number in 0..RULES {
        let condition = match number % 4 {
            _ if number + 1 == RULES => "alert.title != \"\"".to_owned(),
            0 => format!("alert.severity == \"critical\" && alert.labels.team == \"team-{number}\""),
            1 => format!("alert.title.startsWith(\"[rule {number}]\") || alert.source == \"host-{number}\""),
            2 => format!("has(payload.cluster) && payload.cluster in [\"eu-{number}\", \"us-{number}\"]"),
            _ => format!("alert.title.matches(\"^disk .* {number}$\") && size(alert.labels) > 2"),
        };
        let (name, condition) = (format!("rule {number}"), Expression::parse(&condition)?);
        rules.push(Rule { name, condition, outcome: Fate::Take(domain::integration::Treatment::default()) });
    }
    let mapping = Mapping {
        title: Some(Expression::parse("alert.title + \" (\" + alert.severity + \")\"")?),
        component: Some(Expression::parse("default(payload.component, alert.component)")?),
        ..Mapping::default()
    };
    Ok(Handling {
        mapping: Arc::new(mapping),
        routing: Arc::new(Routing { rules, ..Routing::default() }),
        ..Handling::default()
    })
}

pub(crate) fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    let (handling, delivery) = (handling()?, DeliveryId::new(Uuid::from_u128(7)));
    for (kind, envelope, body) in samples() {
        let body = filled(kind, body);
        let said = understand(kind, &envelope, &body, delivery, &handling)?;
        let ruled = said.alerts().iter().filter(|alert| alert.ruling.rule.is_some()).count();
        let what = format!("translation: {}, {} bytes", kind.word(), body.len());
        report.exactly(
            &format!("{what}: alerts that a rule decided about"),
            ruled,
            said.alerts().len().max(1),
        );
        let timed = |step: &dyn Fn()| {
            let once = |_| {
                let started = Instant::now();
                step();
                started.elapsed()
            };
            Latencies::of((0..scale.of(50_000)).map(once).collect())
        };
        let plain = timed(&|| {
            black_box(translate(kind, &envelope, black_box(&body), delivery).is_ok());
        });
        let handled = timed(&|| {
            black_box(understand(kind, &envelope, black_box(&body), delivery, &handling).is_ok());
        });
        let micros = |latency: std::time::Duration| latency.as_secs_f64() * 1e6;
        report.line(&format!("{what}: p99"), micros(plain.p99()), "µs", Limit::None);
        let what = format!("{what}: p99 with {RULES} rules and a mapping");
        report.line(&what, micros(handled.p99()), "µs", Limit::AtMost(MICROS));
    }
    Ok(())
}
