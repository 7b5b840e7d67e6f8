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
    /// Whatever calls a URL to say that it is alive.
    Heartbeat,
    /// Mail, whatever it says.
    Email,
}

impl IntegrationKind {
    /// Every format.
    pub const ALL: [Self; 12] = [
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
        Self::Heartbeat,
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
            Self::Heartbeat => "heartbeat",
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
            Self::Heartbeat => Some("heartbeat"),
        }
    }

    /// The most bytes that are taken of a message of this format. Whatever they are, an event has room for them.
    pub const fn body_limit(self) -> usize {
        const KIB: usize = 1024;
        match self {
            // Amazon SNS, "Quotas": a message has at most 256 KB. It comes as text inside JSON, where a byte of JSON may
            // take two, and with a signature and addresses around it.
            Self::CloudWatch => 2 * 256 * KIB + 16 * KIB,
            // PagerDuty, "Events API v2 overview": the whole event has at most 512 KB. Opsgenie, "Alert API": every
            // field has its own limit, and all of them together stay below this. GitHub sends up to 25 MB, of which
            // nothing that anybody is woken for has more than a fraction. The others name no limit: a group of alerts is
            // as large as its templates and `max_alerts` make it.
            Self::PagerDuty
            | Self::Opsgenie
            | Self::GitHub
            | Self::Generic
            | Self::Alertmanager
            | Self::Grafana
            | Self::Datadog
            | Self::NewRelic
            | Self::Sentry
            | Self::Heartbeat
            | Self::Email => 512 * KIB,
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
