//! Translation takes microseconds, so that the answer never waits for it.

use std::time::{Duration, Instant};

use super::*;

/// What is looked at in a build without optimisation, which is some twenty times slower than the one that is shipped.
const LIMIT: Duration = Duration::from_millis(2);

fn samples() -> Vec<(IntegrationKind, Envelope, Vec<u8>)> {
    let topic = |topic: &str| Envelope { topic: Some(topic.to_owned()), ..Envelope::default() };
    let plain = Envelope::default;
    vec![
        (IntegrationKind::Alertmanager, plain(), fixture("alertmanager_firing")),
        (IntegrationKind::PagerDuty, plain(), fixture("pagerduty_trigger")),
        (IntegrationKind::Grafana, plain(), fixture("grafana_firing")),
        (IntegrationKind::Datadog, plain(), fixture("datadog_triggered")),
        (
            IntegrationKind::Opsgenie,
            Envelope { call: Some("POST /v2/alerts".to_owned()), ..plain() },
            fixture("opsgenie_create"),
        ),
        (IntegrationKind::NewRelic, plain(), fixture("newrelic_legacy")),
        (
            IntegrationKind::CloudWatch,
            plain(),
            std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../connectors/fixtures/sns/alarm_v2.json"))
                .expect("a fixture"),
        ),
        (IntegrationKind::Sentry, topic("event_alert"), fixture("sentry_event_alert")),
        (IntegrationKind::GitHub, topic("dependabot_alert"), fixture("github_dependabot_alert")),
    ]
}

#[test]
fn no_provider_takes_long_for_a_message_of_the_usual_size() {
    for (kind, envelope, body) in samples() {
        // The best of many: what others do to this machine in between is not what is measured.
        let best = (0..50)
            .map(|_| {
                let started = Instant::now();
                translate(kind, &envelope, &body, DELIVERY).expect("understood");
                started.elapsed()
            })
            .min();
        assert!(best < Some(LIMIT), "{kind:?}: {best:?} for {} bytes", body.len());
    }
}

/// How long messages of about the largest size may take in the same build. Where the steps grow with the square of the
/// size, they take far longer.
const LARGE_LIMIT: Duration = Duration::from_secs(5);

#[test]
fn a_message_that_is_nothing_but_labels_or_alerts_takes_no_longer_than_its_size() {
    let label = |number: usize| format!(r#""l{number}":{number}"#);
    let common: String = (0..18_000).map(label).collect::<Vec<_>>().join(",");
    let alert = |number: usize| format!(r#"{{"labels":{{"a{number}":1}},"annotations":{{"b":{number}}}}}"#);
    let each = (0..1999).map(alert).collect::<Vec<_>>().join(",");
    let bodies = [
        // The labels of the only alert differ from as many common ones.
        format!(
            r#"{{"groupKey":"g","commonLabels":{{{common}}},"groupLabels":{{{common}}},"commonAnnotations":{{{common}}},
            "alerts":[{{"labels":{{{common},"own":1}},"annotations":{{{common},"own":2}}}}]}}"#
        )
        .into_bytes(),
        // Each of many alerts has a few labels beside many common ones.
        format!(
            r#"{{"groupKey":"g","commonLabels":{{{common}}},"groupLabels":{{{common}}},"commonAnnotations":{{{common}}},
            "alerts":[{each}]}}"#
        )
        .into_bytes(),
        format!(r#"{{"groupKey":"g","alerts":[{{"labels":{{{common}}}}}]}}"#).into_bytes(),
        format!(r#"{{"groupKey":"g","alerts":[{each},{each},{each}]}}"#).into_bytes(),
        format!("{{{common}}}").into_bytes(),
    ];
    for identity in [Identity::Group, Identity::Alert] {
        let reading = Reading { identity, ..Reading::default() };
        let envelope = Envelope { reading, ..Envelope::default() };
        for kind in IntegrationKind::ALL {
            for (index, body) in bodies.iter().enumerate() {
                let started = Instant::now();
                let understood = translate(kind, &envelope, body, DELIVERY).is_ok();
                let took = started.elapsed();
                assert!(took < LARGE_LIMIT, "{kind:?}: {took:?} for body {index} of {} bytes", body.len());
                let family = matches!(kind, IntegrationKind::Alertmanager | IntegrationKind::Grafana);
                assert!(understood || !family || index == 4, "{kind:?}: body {index}");
            }
        }
    }
}
