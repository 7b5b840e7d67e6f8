//! What is handed over, and to whom.

use crate::Secret;

/// One page to hand to a provider.
#[derive(Clone, Debug)]
pub struct Page {
    /// The idempotency key: the page's id. The same on every attempt, so that a receiver can drop a repeat.
    pub key: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// When the page was asked for, in seconds since 1970. The same on every attempt.
    pub requested_at_unix: i64,
    /// When this attempt is made, in seconds since 1970, by the caller's clock. Receivers of signed webhooks refuse
    /// what is more than minutes away from their own.
    pub at_unix: i64,
    /// Where it goes.
    pub to: Destination,
    /// What it says.
    pub incident: IncidentCard,
}

/// What a responder is told about an incident. Every text may come from a stranger's alert.
#[derive(Clone, Debug, Default)]
pub struct IncidentCard {
    /// The incident's id. Mails about one incident form one thread.
    pub id: String,
    /// What went wrong, in one line.
    pub title: String,
    /// `critical`, `high`, `medium`, `low` or `info`.
    pub severity: String,
    /// `triggered`, `acknowledged` or `resolved`.
    pub status: String,
    /// The name of the service.
    pub service: String,
    /// The name of the team that owns the service.
    pub team: Option<String>,
    /// The escalation level that is being paged, from 1; zero is the last resort after all of them.
    pub level: u32,
    /// Which pass over the levels in the incident's life, from 1.
    pub cycle: u32,
    /// A link to the incident.
    pub url: String,
    /// When it opened, as RFC 3339.
    pub opened_at: String,
    /// What the alert said beyond its title, as plain text of any length.
    pub details: Option<String>,
    /// Why this person: "on call in Primary", "last resort: administrator".
    pub reason: String,
    /// The name of the person paged.
    pub recipient: String,
}

/// Where a page goes.
#[derive(Clone)]
pub enum Destination {
    /// To a mailbox.
    Email {
        /// The address alone, `ada@example.org`.
        address: String,
    },
    /// To an HTTP endpoint, signed as a Standard Webhook.
    Webhook {
        /// An `http` or `https` address.
        url: String,
        /// The secrets to sign with, newest first. More than one while the receiver changes over.
        secrets: Vec<Secret>,
    },
}

/// Addresses of webhooks often carry a token, so only the lane is shown.
impl std::fmt::Debug for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Destination").field(&lane(self)).finish()
    }
}

/// A provider took the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The connector that handed it over: `smtp` or `webhook`.
    pub provider: &'static str,
    /// What the provider said: an SMTP answer or an HTTP status.
    pub reference: Option<String>,
}

/// The lane of a destination: the channel and its provider, so that a slow provider delays no other. Mail has one
/// relay and so one lane; each webhook host with its port is a lane of its own.
pub fn lane(to: &Destination) -> String {
    match to {
        Destination::Email { .. } => "email".to_owned(),
        Destination::Webhook { url, .. } => {
            let host = reqwest::Url::parse(url).ok().and_then(|url| {
                Some(format!("webhook:{}:{}", url.host_str()?, url.port_or_known_default()?))
            });
            host.unwrap_or_else(|| "webhook:invalid".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(url: &str) -> Destination {
        Destination::Webhook { url: url.to_owned(), secrets: vec![] }
    }

    #[test]
    fn a_lane_is_the_channel_and_the_host() {
        assert_eq!(lane(&Destination::Email { address: "ada@example.org".to_owned() }), "email");
        assert_eq!(lane(&webhook("https://Hooks.Example.org/a?token=1")), "webhook:hooks.example.org:443");
        assert_eq!(lane(&webhook("https://hooks.example.org:443/b")), "webhook:hooks.example.org:443");
        assert_eq!(lane(&webhook("http://[::1]:9000/")), "webhook:[::1]:9000");
        assert_eq!(lane(&webhook("nonsense")), "webhook:invalid");
    }

    #[test]
    fn what_is_printed_of_a_destination_holds_no_token() {
        let printed = format!("{:?}", webhook("https://user:word@hooks.example.org/T0/secret?token=1"));
        assert!(!printed.contains("word") && !printed.contains("secret") && !printed.contains("token"));
    }
}
