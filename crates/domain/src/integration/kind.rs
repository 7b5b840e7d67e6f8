//! The formats of monitoring tools.

use serde::{Deserialize, Serialize};

/// The format that an integration's messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationKind {
    /// Midwatch's own JSON.
    Generic,
    /// Prometheus Alertmanager's webhook, version 4.
    Alertmanager,
    /// PagerDuty's Events API v2.
    PagerDuty,
    /// Grafana's alerting webhook.
    Grafana,
    /// Opsgenie's Alert API v2.
    Opsgenie,
    /// Datadog's webhooks, with the template that our documentation ships.
    Datadog,
    /// New Relic's workflow webhooks, and its legacy ones.
    NewRelic,
    /// Amazon CloudWatch's alarms through the Simple Notification Service.
    CloudWatch,
    /// Sentry's internal integrations.
    Sentry,
    /// Whatever signs as GitHub does.
    GitHub,
    /// Mail, whatever it says.
    Email,
}

impl IntegrationKind {
    /// Every format.
    pub const ALL: [Self; 11] = [
        Self::Generic,
        Self::Alertmanager,
        Self::PagerDuty,
        Self::Grafana,
        Self::Opsgenie,
        Self::Datadog,
        Self::NewRelic,
        Self::CloudWatch,
        Self::Sentry,
        Self::GitHub,
        Self::Email,
    ];

    /// The word in stored events and metrics.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Alertmanager => "alertmanager",
            Self::PagerDuty => "pager_duty",
            Self::Grafana => "grafana",
            Self::Opsgenie => "opsgenie",
            Self::Datadog => "datadog",
            Self::NewRelic => "new_relic",
            Self::CloudWatch => "cloud_watch",
            Self::Sentry => "sentry",
            Self::GitHub => "git_hub",
            Self::Email => "email",
        }
    }

    /// The word in the path `/hooks/<word>/<key>`; none for formats whose senders choose the path themselves, or that
    /// come another way.
    pub const fn path(self) -> Option<&'static str> {
        match self {
            Self::Generic => Some("generic"),
            Self::Alertmanager => Some("alertmanager"),
            Self::PagerDuty | Self::Opsgenie | Self::Email => None,
            Self::Grafana => Some("grafana"),
            Self::Datadog => Some("datadog"),
            Self::NewRelic => Some("newrelic"),
            Self::CloudWatch => Some("cloudwatch"),
            Self::Sentry => Some("sentry"),
            Self::GitHub => Some("github"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_stored_one() {
        for kind in IntegrationKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("a word"), kind.word());
        }
    }
}
