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
