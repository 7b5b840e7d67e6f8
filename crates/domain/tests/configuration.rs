//! Rules of configuration: what is refused names its field, and what is repeated is no news.

use domain::{
    Aggregate, ConfigRejection, ContactId, IntegrationId, Level, PolicyId, Rejection, ScheduleId, ServiceId,
    Target, TeamId, Timestamp, Unknown, UserId,
    api_key::{ApiKey, ApiKeyCommand},
    calendar_feed::{CalendarFeed, CalendarFeedCommand, Scope},
    integration::{Integration, IntegrationCommand, IntegrationKind, ProofChange, Reading, WatchChange},
    notice::ShiftNotices,
    organization::{Organization, OrganizationCommand},
    policy::{Policy, PolicyCommand},
    service::{Service, ServiceCommand},
    team::{Team, TeamCommand},
    user::{Contact, ContactMethod, NotificationRule, Profile, Role, User, UserCommand},
};
use uuid::Uuid;

const AT: Timestamp = Timestamp::from_millis(1_764_000_000_000);
const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn uuid(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// Accepts a command, then judges it again after its own events.
fn accepted_once<A: Aggregate>(history: &[A::Command], command: &A::Command) {
    let mut state = history.iter().chain([command]).fold(A::default(), |mut state, command| {
        let events = state.decide(command).expect("it is accepted");
        assert!(!events.is_empty(), "it is news");
        events.iter().for_each(|event| state.evolve(event));
        state
    });
    let again = state.decide(command).expect("a repetition is not refused");
    assert_eq!(again, [], "a repetition is no news");
    again.iter().for_each(|event| state.evolve(event));
}

/// The code and the field of a refusal.
fn refused<A: Aggregate<Rejection = ConfigRejection>>(
    history: &[A::Command],
    command: &A::Command,
) -> (&'static str, Option<String>) {
    let state = history.iter().fold(A::default(), |mut state, command| {
        for event in state.decide(command).expect("the history is accepted") {
            state.evolve(&event);
        }
        state
    });
    let rejection = state.decide(command).expect_err("it is refused");
    (rejection.code(), rejection.field())
}

fn unknown() -> Vec<Unknown> {
    vec![Unknown { field: "teamId".into(), id: "tem_0".into() }]
}

fn team(name: &str) -> TeamCommand {
    let members = vec![UserId::new(uuid(1))];
    TeamCommand::CreateTeam { name: name.into(), description: "pays".into(), members, unknown: vec![] }
}

fn profile(email: &str, time_zone: &str) -> Profile {
    let (name, email, time_zone) = ("Primary".into(), email.into(), time_zone.into());
    Profile { name, email, time_zone, role: Role::Responder }
}

fn user(contacts: Vec<Contact>, rules: Vec<NotificationRule>) -> UserCommand {
    UserCommand::CreateUser { profile: profile("primary@example.org", "Europe/Berlin"), contacts, rules }
}

fn mail(id: u128, address: &str) -> Contact {
    Contact { id: ContactId::new(uuid(id)), method: ContactMethod::Email { address: address.into() } }
}

fn service() -> ServiceCommand {
    ServiceCommand::CreateService {
        name: "checkout".into(),
        description: String::new(),
        team: Some(TeamId::new(uuid(2))),
        policy: Some(PolicyId::new(uuid(3))),
        routing_key: None,
        unknown: vec![],
    }
}

fn policy(levels: Vec<Level>, repeat: u32) -> PolicyCommand {
    PolicyCommand::CreateEscalationPolicy { name: "Pay".into(), team: None, levels, repeat, unknown: vec![] }
}

fn level(timeout_seconds: u32) -> Level {
    Level { targets: vec![Target::Schedule { id: ScheduleId::new(uuid(4)) }], timeout_seconds }
}

fn integration(key_hash: &str) -> IntegrationCommand {
    IntegrationCommand::CreateIntegration {
        name: "prometheus".into(),
        kind: IntegrationKind::Alertmanager,
        service: ServiceId::new(uuid(5)),
        key_hash: key_hash.into(),
        signing_secret: None,
        verification: None,
        reading: Reading::default(),
        rate_limit: None,
        watch: None,
        unknown: vec![],
        at: AT,
    }
}

fn integration_update(enabled: Option<bool>, key_hash: Option<&str>) -> IntegrationCommand {
    IntegrationCommand::UpdateIntegration {
        name: None,
        service: None,
        enabled,
        key_hash: key_hash.map(Into::into),
        proof: ProofChange::default(),
        reading: None,
        rate_limit: None,
        watch: WatchChange::Keep,
        unknown: vec![],
        at: AT,
    }
}

#[test]
fn what_was_accepted_is_no_news_the_second_time() {
    accepted_once::<Team>(&[], &team("Payments"));
    accepted_once::<Team>(&[team("Payments")], &TeamCommand::RetireTeam { at: AT });
    let members = TeamCommand::UpdateTeam {
        name: None,
        description: None,
        members: Some(vec![UserId::new(uuid(7))]),
        unknown: vec![],
    };
    accepted_once::<Team>(&[team("Payments")], &members);
    accepted_once::<User>(&[], &user(vec![mail(1, "a@example.org")], vec![]));
    accepted_once::<User>(&[user(vec![], vec![])], &UserCommand::DeactivateUser { at: AT });
    let notices = ShiftNotices { start_lead_minutes: vec![30, 60], ..ShiftNotices::default() };
    accepted_once::<User>(&[user(vec![], vec![])], &UserCommand::SetShiftNotices { notices });
    accepted_once::<Service>(&[], &service());
    accepted_once::<Service>(&[service()], &ServiceCommand::RetireService { at: AT });
    accepted_once::<Policy>(&[], &policy(vec![level(60)], 1));
    accepted_once::<Policy>(&[policy(vec![level(60)], 1)], &PolicyCommand::RetireEscalationPolicy { at: AT });
    accepted_once::<Integration>(&[integration(HASH)], &integration_update(Some(false), None));
    let catch_all =
        OrganizationCommand::SetCatchAllPolicy { policy: Some(PolicyId::new(uuid(3))), unknown: vec![] };
    accepted_once::<Organization>(&[], &catch_all);
}

#[test]
fn names_are_one_line_of_reasonable_length() {
    for name in ["", "  ", "two\nlines", &"x".repeat(101)] {
        assert_eq!(refused::<Team>(&[], &team(name)), ("INVALID", Some("name".into())), "{name:?}");
    }
}

#[test]
fn a_reference_that_leads_nowhere_names_its_field() {
    let mut command = service();
    let ServiceCommand::CreateService { unknown: missing, .. } = &mut command else { unreachable!() };
    *missing = unknown();
    assert_eq!(refused::<Service>(&[], &command), ("UNKNOWN_REFERENCE", Some("teamId".into())));
}

#[test]
fn levels_are_bounded() {
    let refusal =
        |levels, repeat| refused::<Policy>(&[], &policy(levels, repeat)).1.expect("a field is at fault");
    assert_eq!(refusal(vec![], 0), "levels");
    assert_eq!(refusal(vec![level(60); 21], 0), "levels");
    assert_eq!(refusal(vec![level(60), level(0)], 0), "levels[1].timeoutSeconds");
    assert_eq!(refusal(vec![Level { targets: vec![], timeout_seconds: 60 }], 0), "levels[0].targets");
    assert_eq!(refusal(vec![level(60)], 10), "repeat");
}

#[test]
fn people_can_be_reached_as_their_rules_say() {
    let refusal =
        |contacts, rules| refused::<User>(&[], &user(contacts, rules)).1.expect("a field is at fault");
    let rule =
        |contact, delay_seconds| NotificationRule { delay_seconds, contact: ContactId::new(uuid(contact)) };
    assert_eq!(refusal(vec![mail(1, "nowhere")], vec![]), "contacts[0].address");
    assert_eq!(refusal(vec![mail(1, "a@example.org")], vec![rule(2, 0)]), "rules[0].contact");
    assert_eq!(refusal(vec![mail(1, "a@example.org")], vec![rule(1, 86_401)]), "rules[0].delaySeconds");
    let repeated = vec![mail(1, "a@example.org"), mail(1, "b@example.org")];
    assert_eq!(refusal(repeated, vec![]), "contacts[1].id");
    let zone = UserCommand::CreateUser {
        profile: profile("a@example.org", "Mars/Olympus"),
        contacts: vec![],
        rules: vec![],
    };
    assert_eq!(refused::<User>(&[], &zone), ("INVALID", Some("timeZone".into())));
}

#[test]
fn nobody_is_unreachable_for_want_of_a_rule() {
    let mut person = User::default();
    for event in
        person.decide(&user(vec![mail(1, "a@example.org"), mail(2, "b@example.org")], vec![])).expect("ok")
    {
        person.evolve(&event);
    }
    let steps: Vec<_> = person.steps().into_iter().map(|step| (step.delay_seconds, step.contact)).collect();
    assert_eq!(steps, [(0, ContactId::new(uuid(1))), (0, ContactId::new(uuid(2)))]);
}

#[test]
fn what_is_retired_takes_no_changes() {
    let rename =
        TeamCommand::UpdateTeam { name: Some("x".into()), description: None, members: None, unknown: vec![] };
    let history = [team("Payments"), TeamCommand::RetireTeam { at: AT }];
    assert_eq!(refused::<Team>(&history, &rename), ("RETIRED", None));
    assert_eq!(refused::<Team>(&[], &rename), ("NOT_FOUND", None));
}

#[test]
fn an_id_is_taken_once() {
    assert_eq!(refused::<Team>(&[team("Payments")], &team("Other")), ("ALREADY_EXISTS", None));
    assert_eq!(refused::<Integration>(&[integration(HASH)], &integration(HASH)), ("ALREADY_EXISTS", None));
}

#[test]
fn only_digests_of_keys_are_kept() {
    assert_eq!(refused::<Integration>(&[], &integration("open sesame")), ("INVALID", Some("keyHash".into())));
    let key = ApiKeyCommand::CreateApiKey {
        name: "deploy".into(),
        hash: "open sesame".into(),
        role: Role::Observer,
        user: None,
        unknown: vec![],
    };
    assert_eq!(refused::<ApiKey>(&[], &key), ("INVALID", Some("hash".into())));
    assert_eq!(refused::<ApiKey>(&[], &ApiKeyCommand::RevokeApiKey { at: AT }), ("NOT_FOUND", None));
}

fn feed(scope: Scope, by: Option<u128>, administrator: bool) -> CalendarFeedCommand {
    let (hash, by) = (HASH.to_owned(), by.map(|number| UserId::new(uuid(number))));
    CalendarFeedCommand::CreateCalendarFeed { scope, hash, by, administrator, unknown: vec![], at: AT }
}

fn revoke(by: Option<u128>) -> CalendarFeedCommand {
    CalendarFeedCommand::RevokeCalendarFeed { by: by.map(|number| UserId::new(uuid(number))), at: AT }
}

#[test]
fn people_make_and_revoke_their_own_calendar_feeds_and_administrators_all() {
    let mine = Scope::User { id: UserId::new(uuid(1)) };
    let shared = Scope::Schedule { id: ScheduleId::new(uuid(4)) };
    for (scope, by, administrator, owner) in [
        (mine, Some(1), false, Some(1)),
        (mine, Some(2), true, Some(1)),
        (mine, None, true, Some(1)),
        (shared, Some(1), false, Some(1)),
        (shared, None, true, None),
    ] {
        let create = feed(scope, by, administrator);
        accepted_once::<CalendarFeed>(&[], &create);
        accepted_once::<CalendarFeed>(std::slice::from_ref(&create), &revoke(owner));
        accepted_once::<CalendarFeed>(std::slice::from_ref(&create), &revoke(None));
        assert_eq!(refused::<CalendarFeed>(&[create], &revoke(Some(3))), ("NOT_ALLOWED", None));
    }
    for (scope, by) in [(mine, Some(2)), (mine, None), (shared, None)] {
        assert_eq!(refused::<CalendarFeed>(&[], &feed(scope, by, false)), ("NOT_ALLOWED", None));
    }
    assert_eq!(refused::<CalendarFeed>(&[], &revoke(None)), ("NOT_FOUND", None));
    let other = feed(shared, Some(1), false);
    assert_eq!(refused::<CalendarFeed>(&[feed(mine, Some(1), false)], &other), ("ALREADY_EXISTS", None));
    let mut wrong = feed(mine, Some(1), false);
    let CalendarFeedCommand::CreateCalendarFeed { hash, .. } = &mut wrong else { unreachable!() };
    *hash = "open sesame".to_owned();
    assert_eq!(refused::<CalendarFeed>(&[], &wrong), ("INVALID", Some("hash".into())));
}

#[test]
fn ids_of_different_kinds_do_not_mix() {
    let integration = IntegrationId::new(uuid(1));
    assert!(integration.to_string().parse::<ServiceId>().is_err());
}
