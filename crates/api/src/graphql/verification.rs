//! How the messages of an integration prove themselves, and how they are read.

use async_graphql::{Enum, InputObject, OneofObject, SimpleObject};
use domain::integration::{
    Preset, Reading as DomainReading, SignatureScheme as DomainScheme, Verification as DomainVerification,
};

use super::rejection::Rejection;

/// How the bytes of a signature are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::integration::Encoding", name = "SignatureEncoding")]
pub(super) enum Encoding {
    /// Two digits for each byte.
    Hex,
    /// RFC 4648, section 4.
    #[graphql(name = "BASE64")]
    Base64,
}

/// The hash in an HMAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::integration::Algorithm", name = "SignatureAlgorithm")]
pub(super) enum Algorithm {
    /// SHA-1, for schemes that know no better.
    #[graphql(name = "SHA1")]
    Sha1,
    /// SHA-256.
    #[graphql(name = "SHA256")]
    Sha256,
    /// SHA-512.
    #[graphql(name = "SHA512")]
    Sha512,
}

/// Schemes that are known by a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::integration::Preset", name = "SignaturePreset")]
pub(super) enum SignaturePreset {
    /// Our own: `X-Midwatch-Signature: sha256=<hex>`.
    Midwatch,
    /// GitHub's webhooks, and the many that copied them: `X-Hub-Signature-256: sha256=<hex>`.
    #[graphql(name = "GITHUB")]
    GitHub,
    /// Grafana's alerting webhook: `X-Grafana-Alerting-Signature: <hex>`.
    Grafana,
    /// The same with a timestamp header, `X-Grafana-Alerting-Timestamp`, which is signed too.
    GrafanaWithTime,
    /// Sentry's integrations: `Sentry-Hook-Signature: <hex>`.
    Sentry,
    /// PagerDuty's webhooks, version 3: `X-PagerDuty-Signature: v1=<hex>`.
    #[graphql(name = "PAGERDUTY")]
    PagerDuty,
    /// Slack's requests: `X-Slack-Signature: v0=<hex>`.
    Slack,
    /// Standard Webhooks: `webhook-signature: v1,<base64>`.
    StandardWebhooks,
    /// Twilio's callbacks: `X-Twilio-Signature: <base64>`.
    Twilio,
}

/// What of a group of alerts is one problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::integration::Identity", name = "AlertIdentity")]
pub(super) enum Identity {
    /// The whole group.
    Group,
    /// Each alert by itself, known by its fingerprint.
    Alert,
}

/// What too little data means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::integration::InsufficientData")]
pub(super) enum InsufficientData {
    /// Something is wrong.
    Trigger,
    /// It is recorded, and nothing else.
    Record,
    /// It is over.
    Resolve,
}

/// A signature: an HMAC, in a header.
#[derive(InputObject)]
pub(super) struct SignatureInput {
    /// The header with the signature.
    header: String,
    /// What stands before the signature in the header, such as `sha256=`.
    #[graphql(default)]
    prefix: String,
    /// How its bytes are written.
    #[graphql(default_with = "Encoding::Hex")]
    encoding: Encoding,
    /// The hash in the HMAC.
    #[graphql(default_with = "Algorithm::Sha256")]
    algorithm: Algorithm,
    /// What is signed: a text with `{body}`, `{timestamp}`, `{id}`, `{url}` or `{form}` in it.
    #[graphql(default_with = "\"{body}\".to_owned()")]
    content: String,
    /// The header with the time of signing, in seconds since 1970.
    timestamp_header: Option<String>,
    /// The header with the sender's id of the message, which is the same when it is sent again.
    id_header: Option<String>,
    /// How far the time of signing may be off before the delivery is marked as late.
    #[graphql(default_with = "300")]
    tolerance_seconds: i32,
}

/// A user's name; the password is the secret.
#[derive(InputObject)]
pub(super) struct BasicInput {
    /// The name.
    user: String,
}

/// A header; its value is the secret.
#[derive(InputObject)]
pub(super) struct HeaderInput {
    /// The header's name.
    name: String,
}

/// Messages of Amazon's Simple Notification Service.
#[derive(InputObject)]
pub(super) struct SnsInput {
    /// The topics that may send, by their names (ARN).
    topics: Vec<String>,
    /// Whether raw deliveries, which are not signed, are taken for knowing the secret address.
    #[graphql(default)]
    raw_delivery: bool,
}

/// Mails.
#[derive(InputObject)]
pub(super) struct MailInput {
    /// Who may send: addresses such as `nagios@example.org`, or all of a domain as `@example.org`; empty: anybody who
    /// knows the address.
    senders: Vec<String>,
}

/// How messages prove themselves.
#[derive(OneofObject)]
pub(super) enum VerificationInput {
    /// `true`: by the secret address, or the key inside the message, alone.
    Key(bool),
    /// By a signature that is known by a name.
    Preset(SignaturePreset),
    /// By any signature.
    Signature(SignatureInput),
    /// `true`: by the secret as a bearer token.
    Bearer(bool),
    /// By HTTP's basic authentication.
    Basic(BasicInput),
    /// By the secret in a header.
    Header(HeaderInput),
    /// By the signature of Amazon's notification service.
    Sns(SnsInput),
    /// By the secret address, in a mail of somebody who may send.
    Mail(MailInput),
}

impl VerificationInput {
    pub(super) fn into_domain(self) -> Result<DomainVerification, Rejection> {
        Ok(match self {
            Self::Key(true) => DomainVerification::Key,
            Self::Bearer(true) => DomainVerification::Bearer,
            Self::Key(false) | Self::Bearer(false) => {
                return Err(Rejection::invalid("verification", "must choose one way and say `true`"));
            }
            Self::Preset(preset) => DomainVerification::Signature(DomainScheme::of(preset.into())),
            Self::Signature(input) => DomainVerification::Signature(DomainScheme {
                // Names of headers are compared without case.
                header: input.header.to_ascii_lowercase(),
                prefix: input.prefix,
                encoding: input.encoding.into(),
                algorithm: input.algorithm.into(),
                content: input.content,
                timestamp_header: input.timestamp_header.map(|name| name.to_ascii_lowercase()),
                id_header: input.id_header.map(|name| name.to_ascii_lowercase()),
                tolerance_seconds: u32::try_from(input.tolerance_seconds).unwrap_or(0),
            }),
            Self::Basic(BasicInput { user }) => DomainVerification::Basic { user },
            Self::Header(HeaderInput { name }) => {
                DomainVerification::Header { name: name.to_ascii_lowercase() }
            }
            Self::Sns(SnsInput { topics, raw_delivery }) => {
                DomainVerification::Sns { topics, raw: raw_delivery }
            }
            Self::Mail(MailInput { senders }) => DomainVerification::Mail {
                senders: senders.iter().map(|sender| sender.trim().to_lowercase()).collect(),
            },
        })
    }
}

/// How messages are read; what is left out is as usual.
#[derive(InputObject)]
pub(super) struct ReadingInput {
    /// What of the groups of Alertmanager and Grafana is one problem.
    #[graphql(default_with = "Identity::Group")]
    identity: Identity,
    /// What it means that CloudWatch has too little data for an alarm.
    #[graphql(default_with = "InsufficientData::Trigger")]
    insufficient_data: InsufficientData,
    /// Whether a Sentry issue that is ignored or archived is over.
    #[graphql(default)]
    archived_is_over: bool,
}

impl From<ReadingInput> for DomainReading {
    fn from(input: ReadingInput) -> Self {
        Self {
            identity: input.identity.into(),
            insufficient_data: input.insufficient_data.into(),
            archived_is_over: input.archived_is_over,
        }
    }
}

/// By what messages prove themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum VerificationMethod {
    /// By the secret address, or the key inside the message.
    Key,
    /// By a signature.
    Signature,
    /// By a bearer token.
    Bearer,
    /// By HTTP's basic authentication.
    Basic,
    /// By a header.
    Header,
    /// By the signature of Amazon's notification service.
    Sns,
    /// By the secret address, in a mail of somebody who may send.
    Mail,
}

/// A signature: an HMAC, in a header.
#[derive(SimpleObject)]
pub(super) struct SignatureScheme {
    /// The header with the signature.
    header: String,
    /// What stands before the signature in the header.
    prefix: String,
    /// How its bytes are written.
    encoding: Encoding,
    /// The hash in the HMAC.
    algorithm: Algorithm,
    /// What is signed.
    content: String,
    /// The header with the time of signing.
    timestamp_header: Option<String>,
    /// The header with the sender's id of the message.
    id_header: Option<String>,
    /// How far the time of signing may be off before the delivery is marked as late.
    tolerance_seconds: u32,
}

/// How messages prove themselves.
#[derive(SimpleObject)]
pub(super) struct Verification {
    /// By what.
    method: VerificationMethod,
    /// The signature, if by one.
    signature: Option<SignatureScheme>,
    /// The user's name, if by basic authentication.
    user: Option<String>,
    /// The header, if by one.
    header: Option<String>,
    /// The topics of Amazon's notification service that may send.
    topics: Vec<String>,
    /// Whether raw deliveries of it are taken.
    raw_delivery: bool,
    /// Who may send mail; empty: anybody who knows the address.
    senders: Vec<String>,
}

impl From<&DomainVerification> for Verification {
    fn from(verification: &DomainVerification) -> Self {
        let by = |method| Self {
            method,
            signature: None,
            user: None,
            header: None,
            topics: vec![],
            raw_delivery: false,
            senders: vec![],
        };
        match verification {
            DomainVerification::Key => by(VerificationMethod::Key),
            DomainVerification::Signature(scheme) => {
                Self { signature: Some(scheme.into()), ..by(VerificationMethod::Signature) }
            }
            DomainVerification::Bearer => by(VerificationMethod::Bearer),
            DomainVerification::Basic { user } => {
                Self { user: Some(user.clone()), ..by(VerificationMethod::Basic) }
            }
            DomainVerification::Header { name } => {
                Self { header: Some(name.clone()), ..by(VerificationMethod::Header) }
            }
            DomainVerification::Sns { topics, raw } => {
                Self { topics: topics.clone(), raw_delivery: *raw, ..by(VerificationMethod::Sns) }
            }
            DomainVerification::Mail { senders } => {
                Self { senders: senders.clone(), ..by(VerificationMethod::Mail) }
            }
        }
    }
}

impl From<&DomainScheme> for SignatureScheme {
    fn from(scheme: &DomainScheme) -> Self {
        Self {
            header: scheme.header.clone(),
            prefix: scheme.prefix.clone(),
            encoding: scheme.encoding.into(),
            algorithm: scheme.algorithm.into(),
            content: scheme.content.clone(),
            timestamp_header: scheme.timestamp_header.clone(),
            id_header: scheme.id_header.clone(),
            tolerance_seconds: scheme.tolerance_seconds,
        }
    }
}

/// How messages are read.
#[derive(SimpleObject)]
pub(super) struct Reading {
    /// What of the groups of Alertmanager and Grafana is one problem.
    identity: Identity,
    /// What it means that CloudWatch has too little data for an alarm.
    insufficient_data: InsufficientData,
    /// Whether a Sentry issue that is ignored or archived is over.
    archived_is_over: bool,
}

impl From<DomainReading> for Reading {
    fn from(reading: DomainReading) -> Self {
        Self {
            identity: reading.identity.into(),
            insufficient_data: reading.insufficient_data.into(),
            archived_is_over: reading.archived_is_over,
        }
    }
}

/// The way in which senders of this kind sign, where they sign at all.
pub(super) const fn usual_preset(kind: domain::integration::IntegrationKind) -> Preset {
    use domain::integration::IntegrationKind as Kind;
    match kind {
        Kind::Grafana => Preset::Grafana,
        Kind::Sentry => Preset::Sentry,
        Kind::GitHub => Preset::GitHub,
        Kind::Generic
        | Kind::Alertmanager
        | Kind::PagerDuty
        | Kind::Opsgenie
        | Kind::Datadog
        | Kind::NewRelic
        | Kind::CloudWatch
        | Kind::Heartbeat
        | Kind::Email => Preset::Midwatch,
    }
}
