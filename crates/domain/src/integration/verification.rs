//! How senders prove themselves beyond knowing the key of their entrance.

use serde::{Deserialize, Serialize};

use crate::{Invalid, validate};

/// What a message must show so that it is believed. The secret itself lies in the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Verification {
    /// Nothing more than the secret address, or the key inside the message.
    #[default]
    Key,
    /// A signature under the secret.
    Signature(SignatureScheme),
    /// The secret as a bearer token.
    Bearer,
    /// The secret as the password of HTTP's basic authentication.
    Basic {
        /// The user's name.
        user: String,
    },
    /// The secret as the value of a header.
    Header {
        /// The header's name.
        name: String,
    },
    /// A signature of Amazon's Simple Notification Service.
    Sns {
        /// The topics that may send, by their names (ARN).
        topics: Vec<String>,
        /// Whether raw deliveries, which are not signed, are taken for knowing the address.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        raw: bool,
    },
    /// Nothing more than the secret address, in a mail of somebody who may send.
    Mail {
        /// Who may send: addresses such as `nagios@example.org`, or all of a domain as `@example.org`; empty: anybody.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        senders: Vec<String>,
    },
}

impl Verification {
    /// Whether the proof is over the bytes of the message, all of them.
    pub const fn covers_bytes(&self) -> bool {
        match self {
            Self::Signature(_) | Self::Sns { .. } => true,
            Self::Key | Self::Bearer | Self::Basic { .. } | Self::Header { .. } | Self::Mail { .. } => false,
        }
    }
}

/// How a message is signed: covers every scheme of the "HMAC over something, in a header" family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignatureScheme {
    /// The header with the signature, or with several.
    pub header: String,
    /// What stands before the signature in the header.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// How its bytes are written.
    pub encoding: Encoding,
    /// The hash in the HMAC.
    pub algorithm: Algorithm,
    /// What is signed: text with `{body}`, `{timestamp}`, `{id}`, `{url}` and `{form}` in it.
    pub content: String,
    /// The header with the time at which it was signed, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp_header: Option<String>,
    /// The header with the sender's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_header: Option<String>,
    /// How far the time of signing may be off before the delivery is marked as late or early.
    pub tolerance_seconds: u32,
}

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Two digits for each byte.
    Hex,
    /// RFC 4648, section 4.
    Base64,
}

/// The hash in an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// SHA-1, for schemes that know no better.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Schemes that are known by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Our own: `X-Midwatch-Signature: sha256=<hex>`.
    Midwatch,
    /// GitHub's webhooks, and the many that copied them.
    GitHub,
    /// Grafana's alerting webhook.
    Grafana,
    /// The same with a timestamp header.
    GrafanaWithTime,
    /// Sentry's integrations.
    Sentry,
    /// PagerDuty's webhooks, version 3.
    PagerDuty,
    /// Slack's requests.
    Slack,
    /// Standard Webhooks.
    StandardWebhooks,
    /// Twilio's callbacks.
    Twilio,
}

impl SignatureScheme {
    /// How far clocks may differ unless a scheme says otherwise.
    pub const TOLERANCE_SECONDS: u32 = 300;

    /// The scheme that has this name.
    pub fn of(preset: Preset) -> Self {
        let hex = |header: &str, prefix: &str| Self {
            header: header.to_owned(),
            prefix: prefix.to_owned(),
            encoding: Encoding::Hex,
            algorithm: Algorithm::Sha256,
            content: "{body}".to_owned(),
            timestamp_header: None,
            id_header: None,
            tolerance_seconds: Self::TOLERANCE_SECONDS,
        };
        match preset {
            Preset::Midwatch => hex("x-midwatch-signature", "sha256="),
            Preset::GitHub => Self {
                id_header: Some("x-github-delivery".to_owned()),
                ..hex("x-hub-signature-256", "sha256=")
            },
            Preset::Grafana => hex("x-grafana-alerting-signature", ""),
            Preset::GrafanaWithTime => Self {
                content: "{timestamp}:{body}".to_owned(),
                timestamp_header: Some("x-grafana-alerting-timestamp".to_owned()),
                ..hex("x-grafana-alerting-signature", "")
            },
            Preset::Sentry => {
                Self { id_header: Some("request-id".to_owned()), ..hex("sentry-hook-signature", "") }
            }
            Preset::PagerDuty => {
                Self { id_header: Some("x-webhook-id".to_owned()), ..hex("x-pagerduty-signature", "v1=") }
            }
            Preset::Slack => Self {
                content: "v0:{timestamp}:{body}".to_owned(),
                timestamp_header: Some("x-slack-request-timestamp".to_owned()),
                ..hex("x-slack-signature", "v0=")
            },
            Preset::StandardWebhooks => Self {
                encoding: Encoding::Base64,
                content: "{id}.{timestamp}.{body}".to_owned(),
                timestamp_header: Some("webhook-timestamp".to_owned()),
                id_header: Some("webhook-id".to_owned()),
                ..hex("webhook-signature", "v1,")
            },
            Preset::Twilio => Self {
                encoding: Encoding::Base64,
                algorithm: Algorithm::Sha1,
                content: "{url}{form}".to_owned(),
                ..hex("x-twilio-signature", "")
            },
        }
    }

    /// Whether the time of signing is part of what is signed, so that no two messages have one signature.
    pub fn signs_time(&self) -> bool {
        self.content.contains("{timestamp}")
    }

    /// Whether the address that was called is part of what is signed.
    pub fn signs_url(&self) -> bool {
        self.content.contains("{url}")
    }

    fn check(&self) -> Result<(), Invalid> {
        header("verification.header", &self.header)?;
        if self.prefix.len() > 32 || !self.prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Invalid::new("verification.prefix", "must be at most 32 visible ASCII characters"));
        }
        for (field, name) in [
            ("verification.timestampHeader", &self.timestamp_header),
            ("verification.idHeader", &self.id_header),
        ] {
            name.as_ref().map_or(Ok(()), |name| header(field, name))?;
        }
        validate::within("verification.toleranceSeconds", self.tolerance_seconds, 1, 86_400)?;
        self.check_content()
    }

    /// A signature that does not cover the message proves nothing about it.
    fn check_content(&self) -> Result<(), Invalid> {
        let wrong = |rule: &str| Err(Invalid::new("verification.content", rule));
        validate::line("verification.content", &self.content, 200)?;
        let mut rest = self.content.as_str();
        while let Some(start) = rest.find('{') {
            let Some(end) = rest[start..].find('}') else { return wrong("has a `{` without a `}`") };
            if !["{body}", "{timestamp}", "{id}", "{url}", "{form}"].contains(&&rest[start..=start + end]) {
                return wrong("may name only {body}, {timestamp}, {id}, {url} and {form}");
            }
            rest = &rest[start + end + 1..];
        }
        if !self.content.contains("{body}") && !self.content.contains("{form}") {
            return wrong("must contain {body} or {form}");
        }
        // The digest that stands in for the form of a message that is none is in the address.
        if self.content.contains("{form}") && !self.signs_url() {
            return wrong("must contain {url} if it contains {form}");
        }
        if self.signs_time() && self.timestamp_header.is_none() {
            return Err(Invalid::new(
                "verification.timestampHeader",
                "must be given if {timestamp} is signed",
            ));
        }
        if self.content.contains("{id}") && self.id_header.is_none() {
            return Err(Invalid::new("verification.idHeader", "must be given if {id} is signed"));
        }
        Ok(())
    }
}

impl Verification {
    /// Whether a secret is needed to check it.
    pub const fn needs_secret(&self) -> bool {
        match self {
            Self::Key | Self::Sns { .. } | Self::Mail { .. } => false,
            Self::Signature(_) | Self::Bearer | Self::Basic { .. } | Self::Header { .. } => true,
        }
    }

    /// Refuses what can never be fulfilled, or proves nothing.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        match self {
            Self::Key | Self::Bearer => Ok(()),
            Self::Signature(scheme) => scheme.check(),
            Self::Basic { user } => {
                validate::line("verification.user", user, 100)?;
                let colon = user.contains(':');
                if colon {
                    Err(Invalid::new("verification.user", "must not contain a colon"))
                } else {
                    Ok(())
                }
            }
            Self::Header { name } => header("verification.header", name),
            Self::Sns { topics, .. } => check_topics(topics),
            Self::Mail { senders } => check_senders(senders),
        }
    }
}

fn check_topics(topics: &[String]) -> Result<(), Invalid> {
    if topics.is_empty() || topics.len() > 100 {
        return Err(Invalid::new("topics", "must name from 1 to 100 topics"));
    }
    for (index, topic) in topics.iter().enumerate() {
        let parts: Vec<_> = topic.split(':').collect();
        let shaped = matches!(parts.as_slice(), ["arn", partition, "sns", region, account, name]
            if [partition, region, account, name].iter().all(|part| !part.is_empty()));
        if !shaped || topic.len() > 400 || !topic.bytes().all(|byte| byte.is_ascii_graphic()) {
            let rule = "must be like arn:aws:sns:eu-central-1:123456789012:alarms";
            return Err(Invalid::new(format!("topics[{index}]"), rule));
        }
    }
    Ok(())
}

fn check_senders(senders: &[String]) -> Result<(), Invalid> {
    if senders.len() > 100 {
        return Err(Invalid::new("senders", "must be at most 100"));
    }
    for (index, sender) in senders.iter().enumerate() {
        let shaped = sender.rsplit_once('@').is_some_and(|(_, domain)| !domain.is_empty());
        let fit = sender.len() <= 320 && !sender.contains(|c: char| c.is_control() || c.is_whitespace());
        if !shaped || !fit {
            let rule = "must be like nagios@example.org, or like @example.org";
            return Err(Invalid::new(format!("senders[{index}]"), rule));
        }
    }
    Ok(())
}

/// A header's name as RFC 9110 has it.
fn header(field: &str, name: &str) -> Result<(), Invalid> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || name.len() > 100 || !name.bytes().all(token) {
        return Err(Invalid::new(field, "must be the name of a header, at most 100 characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(change: impl FnOnce(&mut SignatureScheme)) -> Option<String> {
        let mut scheme = SignatureScheme::of(Preset::StandardWebhooks);
        change(&mut scheme);
        Verification::Signature(scheme).check().err().map(|why| why.field)
    }

    #[test]
    fn every_preset_keeps_the_rules_for_schemes() {
        use Preset as P;
        for preset in [P::Midwatch, P::GitHub, P::Grafana, P::GrafanaWithTime, P::Sentry, P::PagerDuty] {
            assert_eq!(Verification::Signature(SignatureScheme::of(preset)).check(), Ok(()), "{preset:?}");
        }
        for preset in [P::Slack, P::StandardWebhooks, P::Twilio] {
            assert_eq!(Verification::Signature(SignatureScheme::of(preset)).check(), Ok(()), "{preset:?}");
        }
    }

    #[test]
    fn a_scheme_that_proves_nothing_is_refused() {
        let content = Some("verification.content".to_owned());
        assert_eq!(fault(|scheme| scheme.content = "{timestamp}".into()), content);
        assert_eq!(fault(|scheme| scheme.content = "{body}{secret}".into()), content);
        assert_eq!(fault(|scheme| scheme.content = "{body".into()), content);
        assert_eq!(fault(|scheme| scheme.content = "{form}".into()), content);
        assert_eq!(fault(|scheme| scheme.content = "{body}{form}".into()), content);
        assert_eq!(fault(|scheme| scheme.content = "{form}{url}".into()), None);
        assert_eq!(
            fault(|scheme| scheme.header = "two words".into()).as_deref(),
            Some("verification.header")
        );
        assert_eq!(fault(|scheme| scheme.prefix = "a b".into()).as_deref(), Some("verification.prefix"));
        let time = Some("verification.timestampHeader");
        assert_eq!(fault(|scheme| scheme.timestamp_header = None).as_deref(), time);
        assert_eq!(fault(|scheme| scheme.id_header = None).as_deref(), Some("verification.idHeader"));
        let tolerance = Some("verification.toleranceSeconds");
        assert_eq!(fault(|scheme| scheme.tolerance_seconds = 0).as_deref(), tolerance);
        assert_eq!(fault(|_| {}), None);
    }

    #[test]
    fn topics_are_named_in_full() {
        let check = |topics: &[&str]| {
            let topics = topics.iter().map(|&topic| topic.to_owned()).collect();
            Verification::Sns { topics, raw: false }.check().err().map(|why| why.field)
        };
        assert_eq!(check(&["arn:aws:sns:us-east-1:123456789012:oncall"]), None);
        assert_eq!(check(&["arn:aws-cn:sns:cn-north-1:1:a", "oncall"]).as_deref(), Some("topics[1]"));
        assert_eq!(check(&[]).as_deref(), Some("topics"));
    }

    #[test]
    fn senders_are_addresses_or_domains() {
        let check = |senders: &[&str]| {
            let senders = senders.iter().map(|&sender| sender.to_owned()).collect();
            Verification::Mail { senders }.check().err().map(|why| why.field)
        };
        assert_eq!(check(&[]), None);
        assert_eq!(check(&["nagios@example.org", "@example.org", "größe@example.org"]), None);
        for wrong in ["", "example.org", "nagios@", "a b@example.org", "a\u{7}@example.org"] {
            assert_eq!(check(&["@example.org", wrong]).as_deref(), Some("senders[1]"), "{wrong}");
        }
        assert_eq!(check(&["@example.org"; 101]).as_deref(), Some("senders"));
    }
}
