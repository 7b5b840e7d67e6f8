//! How entrances change: keys and secrets that overlap, and what is noted of messages that were refused.

use domain::{
    Aggregate, ConfigRejection, Rejection, SecretId, ServiceId, Timestamp,
    integration::{
        Identity, Integration, IntegrationCommand, IntegrationEvent, IntegrationKind, Preset, ProofChange,
        RateLimit, Reading, SignatureScheme, Verification, WatchChange,
    },
};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);
const OLD_KEY: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const NEW_KEY: &str = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";
const TOPIC: &str = "arn:aws:sns:eu-central-1:123456789012:alarms";

fn secret(number: u128) -> SecretId {
    SecretId::new(Uuid::from_u128(number))
}

fn create(kind: IntegrationKind, verification: Option<Verification>) -> IntegrationCommand {
    IntegrationCommand::CreateIntegration {
        name: "tool".into(),
        kind,
        service: ServiceId::new(Uuid::from_u128(5)),
        key_hash: OLD_KEY.into(),
        signing_secret: Some(secret(1)),
        verification,
        reading: Reading::default(),
        rate_limit: None,
        watch: None,
        unknown: vec![],
        at: AT,
    }
}

fn update(key_hash: Option<&str>, proof: ProofChange, reading: Option<Reading>) -> IntegrationCommand {
    let (name, service, enabled, key_hash) = (None, None, None, key_hash.map(Into::into));
    IntegrationCommand::UpdateIntegration {
        name,
        service,
        enabled,
        key_hash,
        proof,
        reading,
        rate_limit: None,
        watch: WatchChange::Keep,
        unknown: vec![],
        at: AT,
    }
}

fn after(commands: &[IntegrationCommand]) -> Integration {
    commands.iter().fold(Integration::default(), |mut state, command| {
        for event in state.decide(command).expect("it is accepted") {
            state.evolve(&event);
        }
        state
    })
}

fn refused(history: &[IntegrationCommand], command: &IntegrationCommand) -> Option<String> {
    let rejection: ConfigRejection = after(history).decide(command).expect_err("it is refused");
    rejection.field()
}

#[test]
fn a_replaced_key_and_secret_are_good_until_their_end() {
    let until = AT.plus_seconds(3600);
    let proof = ProofChange { secret: Some(secret(2)), keep_until: Some(until), verification: None };
    let history = [create(IntegrationKind::Generic, None), update(Some(NEW_KEY), proof, None)];
    let entrance = after(&history).entrance.expect("it exists");
    let secrets = |at| entrance.secrets(at).collect::<Vec<_>>();
    let before = Timestamp::from_millis(until.millis() - 1);
    assert_eq!((secrets(before), secrets(until)), (vec![secret(2), secret(1)], vec![secret(2)]));
    assert!(entrance.opens(OLD_KEY, before) && !entrance.opens(OLD_KEY, until));
    assert!(entrance.opens(NEW_KEY, until));
}

#[test]
fn a_replaced_key_and_secret_stop_at_once_unless_asked_otherwise() {
    let proof = ProofChange { secret: Some(secret(2)), ..ProofChange::default() };
    let history = [create(IntegrationKind::Generic, None), update(Some(NEW_KEY), proof, None)];
    let entrance = after(&history).entrance.expect("it exists");
    assert_eq!(entrance.secrets(AT).collect::<Vec<_>>(), [secret(2)]);
    assert!(!entrance.opens(OLD_KEY, AT));
}

#[test]
fn an_entrance_from_before_there_was_a_choice_proves_itself_as_before() {
    let entrance = after(&[create(IntegrationKind::Generic, None)]).entrance.expect("it exists");
    assert_eq!(entrance.verification, Verification::Signature(SignatureScheme::of(Preset::Midwatch)));
}

#[test]
fn verification_must_fit_the_kind() {
    let sns = || Verification::Sns { topics: vec![TOPIC.into()], raw: false };
    let topics = Some("topics".to_owned());
    assert_eq!(refused(&[], &create(IntegrationKind::Generic, Some(sns()))), topics);
    assert_eq!(refused(&[], &create(IntegrationKind::CloudWatch, Some(Verification::Key))), topics);
    assert_eq!(refused(&[], &create(IntegrationKind::CloudWatch, None)), topics);
    let history = [create(IntegrationKind::CloudWatch, Some(sns()))];
    let rotate = ProofChange { secret: Some(secret(2)), ..ProofChange::default() };
    assert_eq!(refused(&history, &update(None, rotate, None)).as_deref(), Some("rotateSecret"));
    let long = ProofChange { keep_until: Some(AT.plus_seconds(91 * 86_400)), ..ProofChange::default() };
    assert_eq!(refused(&history, &update(None, long, None)).as_deref(), Some("keepOldSeconds"));
}

#[test]
fn what_opsgenies_clients_have_in_authorization_is_the_key_and_no_other_proof() {
    let opsgenie = IntegrationKind::Opsgenie;
    let refusal = |verification: &Verification| match Integration::default()
        .decide(&create(opsgenie, Some(verification.clone())))
    {
        Err(ConfigRejection::Invalid(why)) => Some(why.to_string()),
        Err(other) => panic!("{other:?}"),
        Ok(_) => None,
    };
    let signed = |header: &str| {
        let scheme = SignatureScheme::of(Preset::Midwatch);
        Verification::Signature(SignatureScheme { header: header.to_owned(), ..scheme })
    };
    let rule = "verification must not be in the header `Authorization`: clients of Opsgenie have the integration's key there";
    for never in [
        Verification::Bearer,
        Verification::Basic { user: "ada".into() },
        Verification::Header { name: "authorization".into() },
        Verification::Header { name: "Authorization".into() },
        signed("authorization"),
    ] {
        assert_eq!(refusal(&never).as_deref(), Some(rule), "{never:?}");
        let change = ProofChange { verification: Some(never.clone()), ..ProofChange::default() };
        let history = [create(opsgenie, Some(Verification::Key))];
        assert_eq!(
            refused(&history, &update(None, change, None)).as_deref(),
            Some("verification"),
            "{never:?}"
        );
        let elsewhere = after(&[create(IntegrationKind::Generic, Some(never.clone()))]);
        assert_eq!(elsewhere.entrance.map(|it| it.verification), Some(never), "it is good for others");
    }
    for good in [Verification::Key, Verification::Header { name: "x-secret".into() }, signed("x-signature")] {
        assert_eq!(refusal(&good), None, "{good:?}");
    }
}

#[test]
fn who_may_send_has_a_meaning_for_mail_and_nothing_else_has_one_there() {
    let mail = || Verification::Mail { senders: vec!["@example.org".into()] };
    let email = |verification, proven_by| {
        let mut command = create(IntegrationKind::Email, verification);
        if let IntegrationCommand::CreateIntegration { signing_secret, .. } = &mut command {
            *signing_secret = proven_by;
        }
        command
    };
    let told = |command| after(&[command]).entrance.expect("it exists").verification;
    assert_eq!(told(email(Some(mail()), None)), mail());
    assert_eq!(told(email(None, None)), Verification::Key);
    assert_eq!(refused(&[], &email(None, Some(secret(1)))).as_deref(), Some("secret"));
    assert_eq!(refused(&[], &email(Some(Verification::Bearer), None)).as_deref(), Some("verification"));
    assert_eq!(refused(&[], &create(IntegrationKind::Generic, Some(mail()))).as_deref(), Some("senders"));
    let change = ProofChange { verification: Some(mail()), ..ProofChange::default() };
    let history = [create(IntegrationKind::Generic, None)];
    assert_eq!(refused(&history, &update(None, change, None)).as_deref(), Some("senders"));
}

#[test]
fn changing_to_what_is_already_so_is_no_news() {
    let reading = Reading { identity: Identity::Alert, ..Reading::default() };
    let proof = ProofChange { verification: Some(Verification::Bearer), ..ProofChange::default() };
    let change = update(None, proof, Some(reading));
    let state = after(&[create(IntegrationKind::Alertmanager, None), change.clone()]);
    let entrance = state.entrance.clone().expect("it exists");
    assert_eq!((entrance.verification, entrance.reading), (Verification::Bearer, reading));
    assert_eq!(state.decide(&change), Ok(vec![]));
}

#[test]
fn refusals_are_noted_at_most_once_a_minute() {
    let note = |count, seconds| IntegrationCommand::NoteRefusals {
        count,
        reason: "wrong".into(),
        at: AT.plus_seconds(seconds),
    };
    let history = [create(IntegrationKind::Generic, None), note(1, 0)];
    assert_eq!(after(&history).decide(&note(5, 59)), Ok(vec![]));
    let at = AT.plus_seconds(60);
    let event = IntegrationEvent::MessagesRefused { count: 5, reason: "wrong".into(), at };
    assert_eq!(after(&history).decide(&note(5, 60)), Ok(vec![event]));
    let [created, first] = history;
    let refusals = after(&[created, first, note(5, 60)]).refusals;
    assert_eq!((refusals.count, refusals.last), (6, Some((at, "wrong".to_owned()))));
}

fn limit(per_minute: Option<u32>) -> IntegrationCommand {
    let IntegrationCommand::UpdateIntegration {
        name,
        service,
        enabled,
        key_hash,
        proof,
        reading,
        unknown,
        at,
        ..
    } = update(None, ProofChange::default(), None)
    else {
        panic!("it is an update");
    };
    let rate_limit = Some(per_minute);
    IntegrationCommand::UpdateIntegration {
        name,
        service,
        enabled,
        key_hash,
        proof,
        reading,
        rate_limit,
        watch: WatchChange::Keep,
        unknown,
        at,
    }
}

#[test]
fn an_integration_takes_the_usual_number_until_another_is_chosen_and_again_when_it_is_taken_back() {
    let per_minute = |history: &[IntegrationCommand]| {
        after(history).entrance.expect("it exists").rate_limit().per_minute()
    };
    let created = || create(IntegrationKind::Generic, None);
    assert_eq!(per_minute(&[created()]), RateLimit::USUAL_PER_MINUTE);
    assert_eq!(per_minute(&[created(), limit(Some(7))]), 7);
    assert_eq!(per_minute(&[created(), limit(Some(7)), limit(None)]), RateLimit::USUAL_PER_MINUTE);
    assert_eq!(after(&[created(), limit(Some(7))]).decide(&limit(Some(7))), Ok(vec![]));
    assert_eq!(after(&[created()]).decide(&limit(None)), Ok(vec![]));
}

#[test]
fn a_limit_may_be_given_from_the_beginning() {
    let mut command = create(IntegrationKind::Generic, None);
    let IntegrationCommand::CreateIntegration { rate_limit, .. } = &mut command else {
        panic!("it is a creation");
    };
    *rate_limit = Some(7);
    let entrance = after(&[command]).entrance.expect("it exists");
    assert_eq!(entrance.rate_limit().per_minute(), 7);
}

#[test]
fn a_limit_that_lets_nothing_through_or_is_none_is_refused() {
    for per_minute in [0, RateLimit::MOST_PER_MINUTE + 1] {
        let history = [create(IntegrationKind::Generic, None)];
        assert_eq!(refused(&history, &limit(Some(per_minute))).as_deref(), Some("rateLimitPerMinute"));
    }
}

#[test]
fn messages_beyond_the_limit_are_noted_at_most_once_a_minute() {
    let note = |count, seconds| IntegrationCommand::NoteLimited { count, at: AT.plus_seconds(seconds) };
    let history = [create(IntegrationKind::Generic, None), note(1, 0)];
    assert_eq!(after(&history).decide(&note(5000, 59)), Ok(vec![]));
    let at = AT.plus_seconds(60);
    let event = IntegrationEvent::MessagesLimited { count: 5000, at };
    assert_eq!(after(&history).decide(&note(5000, 60)), Ok(vec![event]));
    let [created, first] = history;
    let limited = after(&[created, first, note(5000, 60)]).limited;
    assert_eq!((limited.count, limited.last_at), (5001, Some(at)));
    assert_eq!([AT, at.plus_seconds(7200)].map(|since| limited.hourly.since(since)), [5001, 0]);
}

#[test]
fn a_subscription_is_noted_once() {
    let note = || IntegrationCommand::NoteSubscription { topic: TOPIC.into(), at: AT };
    let sns = Verification::Sns { topics: vec![TOPIC.into()], raw: false };
    let state = after(&[create(IntegrationKind::CloudWatch, Some(sns)), note()]);
    assert_eq!(state.subscriptions, [TOPIC]);
    assert_eq!(state.decide(&note()), Ok(vec![]));
}
