//! A message of each kind of sender that says nothing but that it is a test.

use domain::{Alert, Meaning, delivery::Envelope, integration::IntegrationKind};

/// What the title of every alert of a test begins with.
const MARK: &str = "[Test] ";
/// What stands in the texts for the name of the test, so that each test is a problem of its own.
const NAME: &str = "{test}";

/// A message, and what would come around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) body: String,
    pub(crate) envelope: Envelope,
}

/// A message such as a sender of this kind writes when something is wrong; `name` tells the test from all others.
pub(crate) fn of(kind: IntegrationKind, name: &str) -> Sample {
    let (text, call, topic) = match kind {
        IntegrationKind::Generic => (include_str!("samples/generic.json"), None, None),
        IntegrationKind::Alertmanager => (include_str!("samples/alertmanager.json"), None, None),
        IntegrationKind::PagerDuty => (include_str!("samples/pager_duty.json"), None, None),
        IntegrationKind::Grafana => (include_str!("samples/grafana.json"), None, None),
        IntegrationKind::Opsgenie => (include_str!("samples/opsgenie.json"), Some("POST /v2/alerts"), None),
        IntegrationKind::Datadog => (include_str!("samples/datadog.json"), None, None),
        IntegrationKind::NewRelic => (include_str!("samples/new_relic.json"), None, None),
        IntegrationKind::CloudWatch => (include_str!("samples/cloud_watch.json"), None, None),
        IntegrationKind::Sentry => (include_str!("samples/sentry.json"), None, Some("event_alert")),
        IntegrationKind::GitHub => (include_str!("samples/git_hub.json"), None, Some("workflow_run")),
        IntegrationKind::Email => (include_str!("samples/email.eml"), None, None),
        // A sign of life, whatever it says.
        IntegrationKind::Heartbeat => (NAME, None, None),
    };
    let [call, topic] = [call, topic].map(|word| word.map(str::to_owned));
    Sample { body: text.replace(NAME, name), envelope: Envelope { call, topic, ..Envelope::default() } }
}

/// The same with titles that say that it is a test.
pub(super) fn marked(meaning: Meaning) -> Meaning {
    let Meaning::Alerts(mut alerts) = meaning else { return meaning };
    for alert in &mut alerts {
        alert.title = MARK.chars().chain(alert.title.chars()).take(Alert::MAX_TITLE).collect();
    }
    Meaning::Alerts(alerts)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use domain::{
        AlertAction, DeliveryId, Severity,
        delivery::Test,
        integration::{Identity, Reading},
    };
    use uuid::Uuid;

    use super::{super::translate::translate, *};

    #[test]
    fn every_kind_has_a_test_that_opens_one_incident_of_its_own_and_says_what_it_is() {
        let mut keys = HashSet::new();
        let alerts = IntegrationKind::ALL.into_iter().filter(|kind| *kind != IntegrationKind::Heartbeat);
        for kind in alerts {
            for (name, identity) in [("one", Identity::Group), ("two", Identity::Alert)] {
                let Sample { body, envelope } = of(kind, name);
                let reading = Reading { identity, ..Reading::default() };
                let envelope = Envelope { reading, test: Some(Test::Silent), ..envelope };
                let delivery = DeliveryId::new(Uuid::from_u128(7));
                let meaning = translate(kind, &envelope, body.as_bytes(), delivery).expect("understood");
                let [alert] = meaning.alerts() else { panic!("{kind:?}: one alert, not {meaning:?}") };
                assert_eq!(alert.action, AlertAction::Trigger, "{kind:?}");
                assert!(alert.title.starts_with(MARK), "{kind:?}: {}", alert.title);
                assert!(alert.title.contains("Test alert from Midwatch"), "{kind:?}: {}", alert.title);
                assert_eq!((&alert.unknown_severity, alert.at), (&None, None), "{kind:?}");
                assert!(alert.severity >= Severity::Medium, "{kind:?}");
                assert!(
                    keys.insert((kind, alert.key.clone())),
                    "{kind:?}: each test is a problem of its own"
                );
            }
        }
    }

    #[test]
    fn only_tests_are_marked() {
        let Sample { body, envelope } = of(IntegrationKind::Generic, "one");
        let delivery = DeliveryId::new(Uuid::from_u128(7));
        let meaning = translate(IntegrationKind::Generic, &envelope, body.as_bytes(), delivery);
        assert_eq!(meaning.expect("understood").alerts()[0].title, "Test alert from Midwatch");
    }
}
