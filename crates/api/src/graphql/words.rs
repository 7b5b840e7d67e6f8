//! Closed lists of words that inputs and answers share.

use async_graphql::Enum;

/// How an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::Status")]
pub(super) enum Status {
    /// Nobody has it.
    Triggered,
    /// Somebody has it.
    Acknowledged,
    /// It is over.
    Resolved,
}

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::AlertStatus")]
pub(super) enum AlertStatus {
    /// Nobody has it.
    Open,
    /// Somebody has its incident.
    Acknowledged,
    /// It is over, by itself or with its incident.
    Resolved,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::Severity")]
pub(super) enum Severity {
    /// Needs somebody now.
    Critical,
    /// Needs somebody soon.
    High,
    /// What an unknown severity counts as.
    Medium,
    /// Worth a look in working hours.
    Low,
    /// For the record.
    Info,
}

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::user::Role")]
pub(super) enum Role {
    /// Read.
    Observer,
    /// Read, and act on incidents.
    Responder,
    /// Everything; paged when an escalation is exhausted.
    Administrator,
}

/// The format that an integration's messages have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::integration::IntegrationKind")]
pub(super) enum IntegrationKind {
    /// Midwatch's own JSON.
    Generic,
    /// Prometheus Alertmanager's webhook, version 4.
    Alertmanager,
    /// PagerDuty's Events API v2.
    #[graphql(name = "PAGERDUTY")]
    PagerDuty,
    /// Grafana's alerting webhook.
    Grafana,
    /// Opsgenie's Alert API v2.
    Opsgenie,
    /// Datadog's webhooks, with the template that our documentation ships.
    Datadog,
    /// New Relic's workflow webhooks, and its legacy ones.
    NewRelic,
    /// CloudWatch's alarms through Amazon's Simple Notification Service.
    #[graphql(name = "CLOUDWATCH")]
    CloudWatch,
    /// Sentry's internal integrations.
    Sentry,
    /// GitHub's webhooks, and whatever signs as GitHub does.
    #[graphql(name = "GITHUB")]
    GitHub,
    /// Whatever calls a URL to say that it is alive; nothing for too long opens an incident.
    Heartbeat,
    /// Mail to `<key>@<domain>`, or `<key>+<grouping key>@<domain>`.
    Email,
}

/// How the sender of a delivery proved itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::delivery::Proof", name = "DeliveryProof")]
pub(super) enum Proof {
    /// By knowing the integration's key.
    Key,
    /// By a signature over the bytes.
    Signature,
    /// By a secret in a header.
    Token,
    /// By a user's name and a password.
    Password,
    /// It needed no proof: an administrator asked for a test, and no tool sent it.
    Test,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "projections::DeliveryVerdict")]
pub(super) enum DeliveryVerdict {
    /// It opened an incident.
    Opened,
    /// It joined an open incident.
    Joined,
    /// It acknowledged an incident.
    Acknowledged,
    /// It resolved an incident.
    Resolved,
    /// It was understood, and there was nothing to do.
    Ignored,
    /// It was not understood.
    Rejected,
    /// It is kept for its own sake, such as a change, and was not meant to lead to anything.
    Recorded,
    /// A rule drops it.
    Suppressed,
    /// It ended a problem of an incident that is not over: others are open, or alerts are counted before anybody is paged.
    Ended,
    /// It snoozed an incident.
    Snoozed,
}

/// The rhythm of handoffs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum Rotation {
    /// Every so many days.
    Daily,
    /// Every so many weeks.
    Weekly,
}

/// The rhythm of a layer's handoffs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum RotationKind {
    /// Every so many days.
    Daily,
    /// Every so many weeks.
    Weekly,
    /// Every so many hours, days or weeks.
    Custom,
    /// By a recurrence rule of RFC 5545.
    Rrule,
}

/// What a custom rotation counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::schedule::Unit", name = "RotationUnit")]
pub(super) enum Unit {
    /// Hours.
    Hours,
    /// Days.
    Days,
    /// Weeks.
    Weeks,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "chrono::Weekday")]
pub(super) enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// What an override does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum OverrideKind {
    /// Exactly the named people are on call; nobody, if there are none.
    Set,
    /// One person for another, while that one is on call.
    Replace,
    /// One more person.
    Add,
    /// One person less.
    Remove,
}

/// What became of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum SwapStatus {
    /// It waits to be accepted.
    Open,
    /// Somebody takes the time over.
    Accepted,
    /// Who was asked does not.
    Declined,
    /// Who asked does not ask any more.
    Withdrawn,
    /// It was accepted, and then ended before its time.
    Undone,
    /// Nobody took it in time.
    Expired,
}

/// What made who is on call change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum OnCallCause {
    /// A turn, a restriction, or the beginning or end of a layer.
    Turn,
    /// An override began, ended or was cancelled.
    Override,
    /// A swap began, ended or was undone.
    Swap,
    /// The schedule was edited.
    Edit,
}

/// What sort of party acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum ActorKind {
    /// A person.
    User,
    /// A program with an API key.
    ApiKey,
    /// A monitoring tool.
    Integration,
    /// The holder of the administrator token.
    Administrator,
    /// Midwatch itself.
    Reactor,
}

/// What sort of contact it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum ContactKind {
    /// By mail.
    Email,
    /// By an HTTP request signed as Standard Webhooks.
    Webhook,
}

/// What became of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(super) enum PageStatus {
    /// It is to be sent when it is due.
    Waiting,
    /// A provider took it.
    Sent,
    /// A provider did not take it, and it is tried again.
    Retrying,
    /// It is given up.
    Failed,
    /// It is not needed any more.
    Withdrawn,
}
