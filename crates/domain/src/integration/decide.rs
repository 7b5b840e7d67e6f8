//! How an integration judges commands.

use std::sync::Arc;

use super::{
    Entrance, Handling, Integration, IntegrationCommand, IntegrationEvent, IntegrationKind, ProofChange,
    RateLimit, Refusals, Verification, watch,
};
use crate::{ConfigRejection, IntegrationId, Invalid, SecretId, Timestamp, validate};

/// How long a replaced key or secret may still be good.
const LONGEST_ROTATION_SECONDS: u64 = 90 * 86_400;

/// Words for severities that are noted of one integration.
const MOST_UNKNOWN_SEVERITIES: usize = 50;

type Decision = Result<Vec<IntegrationEvent>, ConfigRejection>;

pub(super) fn decide(integration: &Integration, command: &IntegrationCommand) -> Decision {
    match command {
        IntegrationCommand::CreateIntegration { .. } => create(integration, command),
        IntegrationCommand::UpdateIntegration { .. } => update(integration, command),
        IntegrationCommand::HandleDifferently { change, unknown } => {
            let handling = &existing(integration)?.handling;
            validate::known(unknown)?;
            Ok(handle(handling, &handling.changed(change)?))
        }
        IntegrationCommand::NoteUnknownSeverity { word, at } => {
            let severities = &existing(integration)?.handling.severities;
            let noted = &integration.unknown_severities;
            let is_noted = noted.iter().any(|(known, _)| known.eq_ignore_ascii_case(word));
            if is_noted || noted.len() >= MOST_UNKNOWN_SEVERITIES || severities.meaning(word).is_some() {
                return Ok(vec![]);
            }
            Ok(vec![IntegrationEvent::SeverityUnknown { word: word.clone(), at: *at }])
        }
        IntegrationCommand::NoteRefusals { count, reason, at } => {
            existing(integration)?;
            if *count == 0 || is_soon(integration.refusals.last.as_ref().map(|(last, _)| *last), *at) {
                return Ok(vec![]);
            }
            let (count, reason, at) = (*count, reason.clone(), *at);
            Ok(vec![IntegrationEvent::MessagesRefused { count, reason, at }])
        }
        IntegrationCommand::NoteLimited { count, at } => {
            existing(integration)?;
            if *count == 0 || is_soon(integration.limited.last_at, *at) {
                return Ok(vec![]);
            }
            Ok(vec![IntegrationEvent::MessagesLimited { count: *count, at: *at }])
        }
        IntegrationCommand::NoteSubscription { topic, at } => {
            existing(integration)?;
            if integration.subscriptions.contains(topic) {
                return Ok(vec![]);
            }
            Ok(vec![IntegrationEvent::SubscriptionConfirmed { topic: topic.clone(), at: *at }])
        }
        IntegrationCommand::Watch(command) => watch::decide(integration, command),
    }
}

/// What changes of the handling.
fn handle(from: &Handling, to: &Handling) -> Vec<IntegrationEvent> {
    let mut events = vec![];
    if from.mapping != to.mapping {
        events.push(IntegrationEvent::MappingChanged { mapping: Arc::clone(&to.mapping) });
    }
    if from.severities != to.severities {
        events.push(IntegrationEvent::SeveritiesChanged { severities: Arc::clone(&to.severities) });
    }
    if from.routing != to.routing {
        events.push(IntegrationEvent::RoutingChanged { routing: Arc::clone(&to.routing) });
    }
    if from.merging != to.merging {
        events.push(IntegrationEvent::MergingChanged { merging: to.merging });
    }
    events
}

/// Whether what was noted then need not be noted again yet.
fn is_soon(noted: Option<Timestamp>, at: Timestamp) -> bool {
    noted.is_some_and(|last| at < last.plus_seconds(Refusals::NOTED_EVERY_SECONDS))
}

fn existing(integration: &Integration) -> Result<&Entrance, ConfigRejection> {
    integration.entrance.as_ref().ok_or(ConfigRejection::NotFound(IntegrationId::CATEGORY))
}

fn create(integration: &Integration, command: &IntegrationCommand) -> Decision {
    let IntegrationCommand::CreateIntegration {
        name,
        kind,
        service,
        key_hash,
        signing_secret,
        verification,
        reading,
        rate_limit,
        watch,
        unknown,
        at,
    } = command
    else {
        return Ok(vec![]);
    };
    validate::line("name", name, 100)?;
    check_hash(key_hash)?;
    validate::known(unknown)?;
    if let Some(verification) = verification {
        check_verification(*kind, verification, *signing_secret)?;
    } else if *kind == IntegrationKind::CloudWatch {
        return Err(Invalid::new("topics", "must name the topics that may send").into());
    } else if *kind == IntegrationKind::Email && signing_secret.is_some() {
        return Err(Invalid::new("secret", "has no meaning: mails prove themselves without one").into());
    }
    check_rate_limit(*rate_limit)?;
    let watched = watch::begin(*kind, *watch, *at)?;
    if integration.entrance.is_some() {
        return Err(ConfigRejection::AlreadyExists(IntegrationId::CATEGORY));
    }
    let created = IntegrationEvent::Created {
        name: name.clone(),
        kind: *kind,
        service: *service,
        key_hash: key_hash.clone(),
        signing_secret: *signing_secret,
        verification: verification.clone(),
        reading: *reading,
    };
    let limit = rate_limit.map(|per_minute| IntegrationEvent::RateLimitSet { per_minute: Some(per_minute) });
    Ok([Some(created), limit, watched].into_iter().flatten().collect())
}

fn update(integration: &Integration, command: &IntegrationCommand) -> Decision {
    let IntegrationCommand::UpdateIntegration {
        name,
        service,
        enabled,
        key_hash,
        proof,
        reading,
        rate_limit,
        watch,
        unknown,
        at,
    } = command
    else {
        return Ok(vec![]);
    };
    let entrance = existing(integration)?;
    validate::known(unknown)?;
    let mut events = vec![];
    if let Some(name) = name.as_ref().filter(|name| **name != entrance.name) {
        validate::line("name", name, 100)?;
        events.push(IntegrationEvent::Renamed { name: name.clone() });
    }
    if let Some(service) = service.filter(|service| *service != entrance.service) {
        events.push(IntegrationEvent::Rerouted { service });
    }
    let previous_until = keep_until(proof, *at)?;
    if let Some(key_hash) = key_hash.as_ref().filter(|hash| **hash != entrance.key_hash) {
        check_hash(key_hash)?;
        events.push(IntegrationEvent::KeyRotated { key_hash: key_hash.clone(), previous_until });
    }
    prove(entrance, proof, previous_until, &mut events)?;
    if let Some(reading) = reading.filter(|reading| *reading != entrance.reading) {
        events.push(IntegrationEvent::ReadingChanged { reading });
    }
    if let Some(per_minute) = rate_limit.filter(|per_minute| *per_minute != entrance.per_minute) {
        check_rate_limit(per_minute)?;
        events.push(IntegrationEvent::RateLimitSet { per_minute });
    }
    events.extend(watch::change(entrance, &integration.vigil, *watch, *at)?);
    match (enabled, integration.disabled_at) {
        (Some(false), None) => events.push(IntegrationEvent::Disabled { at: *at }),
        (Some(true), Some(_)) => events.push(IntegrationEvent::Enabled { at: *at }),
        (None | Some(_), _) => {}
    }
    Ok(events)
}

fn prove(
    entrance: &Entrance,
    proof: &ProofChange,
    previous_until: Option<Timestamp>,
    events: &mut Vec<IntegrationEvent>,
) -> Result<(), Invalid> {
    if let Some(verification) = &proof.verification {
        check_verification(entrance.kind, verification, proof.secret.or(entrance.signing_secret))?;
        if *verification != entrance.verification {
            events.push(IntegrationEvent::VerificationChanged { verification: verification.clone() });
        }
    }
    if let Some(secret) = proof.secret.filter(|secret| Some(*secret) != entrance.signing_secret) {
        let needed = proof.verification.as_ref().unwrap_or(&entrance.verification).needs_secret();
        if !needed {
            return Err(Invalid::new(
                "rotateSecret",
                "has no meaning: messages prove themselves without one",
            ));
        }
        events.push(IntegrationEvent::SecretRotated { secret, previous_until });
    }
    Ok(())
}

fn keep_until(proof: &ProofChange, at: Timestamp) -> Result<Option<Timestamp>, Invalid> {
    match proof.keep_until {
        Some(until) if until > at.plus_seconds(LONGEST_ROTATION_SECONDS) => {
            Err(Invalid::new("keepOldSeconds", "must be at most 90 days"))
        }
        until => Ok(until.filter(|until| *until > at)),
    }
}

fn check_verification(
    kind: IntegrationKind,
    verification: &Verification,
    secret: Option<SecretId>,
) -> Result<(), Invalid> {
    verification.check()?;
    let sns = matches!(verification, Verification::Sns { .. });
    match (kind, sns) {
        (IntegrationKind::CloudWatch, false) => {
            return Err(Invalid::new("topics", "must name the topics that may send"));
        }
        (IntegrationKind::CloudWatch, true) | (_, false) => {}
        (_, true) => return Err(Invalid::new("topics", "have a meaning for CloudWatch only")),
    }
    match (kind, verification) {
        (IntegrationKind::Email, Verification::Key | Verification::Mail { .. }) => {}
        (IntegrationKind::Email, _) => {
            return Err(Invalid::new("verification", "must be `key` or `mail`: mails prove nothing else"));
        }
        (_, Verification::Mail { .. }) => {
            return Err(Invalid::new("senders", "have a meaning for mail only"));
        }
        (IntegrationKind::Opsgenie, proof) if is_in_authorization(proof) => {
            let rule = "must not be in the header `Authorization`: clients of Opsgenie have the integration's key there";
            return Err(Invalid::new("verification", rule));
        }
        (_, _) => {}
    }
    if verification.needs_secret() && secret.is_none() {
        return Err(Invalid::new("verification", "needs a secret"));
    }
    Ok(())
}

/// Whether the proof is what a message has in `Authorization`, so that it can have nothing else there.
fn is_in_authorization(verification: &Verification) -> bool {
    let header = match verification {
        Verification::Bearer | Verification::Basic { .. } => return true,
        Verification::Header { name } => name,
        Verification::Signature(scheme) => &scheme.header,
        Verification::Key | Verification::Sns { .. } | Verification::Mail { .. } => return false,
    };
    header.eq_ignore_ascii_case("authorization")
}

fn check_rate_limit(per_minute: Option<u32>) -> Result<(), Invalid> {
    let within = |chosen| validate::within("rateLimitPerMinute", chosen, 1, RateLimit::MOST_PER_MINUTE);
    per_minute.map_or(Ok(()), within)
}

fn check_hash(key_hash: &str) -> Result<(), Invalid> {
    let good = key_hash.len() == 64 && key_hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    if good { Ok(()) } else { Err(Invalid::new("keyHash", "must be 64 hexadecimal digits")) }
}
