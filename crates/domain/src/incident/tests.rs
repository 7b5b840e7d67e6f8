//! Rules of incidents: given a history, when a command comes, then these events.

mod counting;
mod merging;
mod order;
mod properties;
mod severity;
mod snooze;
mod terms;
mod updates;

use uuid::Uuid;

use super::*;
use crate::{
    Actor, Aggregate, Alert, Channel, DeliveryId, IntegrationId, Ladder, Level, NoteId, Responder, Roster,
    ServiceId, Severity, Target, Timestamp, UserId,
};

const ADA: UserId = UserId::new(Uuid::from_u128(0xada));
const GRACE: UserId = UserId::new(Uuid::from_u128(0x6aace));
const BOSS: UserId = UserId::new(Uuid::from_u128(0xb055));
const MINUTE: u64 = 60;

fn minute(minutes: u64) -> Timestamp {
    Timestamp::from_millis(1_764_000_000_000).plus_seconds(minutes * MINUTE)
}

fn user(id: UserId) -> Actor {
    Actor::User { id }
}

/// Ada for five minutes, then Grace for ten; once more from the beginning.
fn ladder() -> Ladder {
    let level =
        |id, minutes: u32| Level { targets: vec![Target::User { id }], timeout_seconds: minutes * 60 };
    Ladder { policy: None, levels: vec![level(ADA, 5), level(GRACE, 10)], repeat: 1 }
}

fn roster_of(levels: &[&[UserId]]) -> Roster {
    let people = |users: &&[UserId]| {
        users.iter().map(|user| Responder { user: *user, through: Target::User { id: *user } }).collect()
    };
    Roster { levels: levels.iter().map(people).collect(), administrators: vec![BOSS], decided_at: 7 }
}

fn roster() -> Roster {
    roster_of(&[&[ADA], &[GRACE]])
}

fn alert(number: u128, severity: Severity) -> Alert {
    let (delivery, integration) = (Uuid::from_u128(number), Uuid::from_u128(1));
    Alert::new(DeliveryId::new(delivery), IntegrationId::new(integration), "disk full", severity, minute(0))
}

fn open_with(alerts: Vec<Alert>, roster: Roster, at: Timestamp) -> IncidentCommand {
    IncidentCommand::Open(Box::new(OpenIncident {
        service: ServiceId::new(Uuid::from_u128(2)),
        team: None,
        key: "disk".into(),
        episode: 1,
        title: "disk full".into(),
        details: None,
        severity: Severity::Medium,
        alerts,
        ladder: ladder(),
        roster,
        terms: Terms::default(),
        at,
    }))
}

fn opened() -> IncidentCommand {
    open_with(vec![alert(1, Severity::Medium)], roster(), minute(0))
}

fn acknowledged_by(id: UserId) -> IncidentCommand {
    IncidentCommand::AcknowledgeIncident { by: user(id), via: Channel::Api, alert: None, at: minute(1) }
}

fn resolved() -> IncidentCommand {
    IncidentCommand::ResolveIncident {
        by: user(ADA),
        via: Channel::Api,
        note: None,
        alert: None,
        at: minute(2),
    }
}

fn overdue(cycle: u32, pass: u32, level: u32, at: Timestamp) -> IncidentCommand {
    IncidentCommand::EscalateOverdue { cycle, pass, level, roster: roster(), at }
}

fn escalated_now() -> IncidentCommand {
    IncidentCommand::EscalateIncident { by: user(ADA), roster: roster(), at: minute(3) }
}

/// The incident after these commands, each of which must be accepted.
fn given(commands: &[IncidentCommand]) -> Incident {
    commands.iter().fold(Incident::default(), |mut incident, command| {
        for event in incident.decide(command).expect("the history is accepted") {
            incident.evolve(&event);
        }
        incident
    })
}

/// Where an accepted command leads: cycle, pass, level, and who is paged.
fn reached(events: &[IncidentEvent]) -> Option<(u32, u32, u32, Vec<UserId>)> {
    events.iter().find_map(|event| match event {
        IncidentEvent::Escalated { cycle, pass, level, responders, .. } => {
            Some((*cycle, *pass, *level, responders.iter().map(|one| one.user).collect()))
        }
        IncidentEvent::Exhausted { cycle, administrators, .. } => {
            Some((*cycle, 0, 0, administrators.clone()))
        }
        _ => None,
    })
}

#[test]
fn opening_pages_the_first_level_in_the_same_breath() {
    let events = Incident::default().decide(&opened()).expect("it opens");
    assert!(matches!(events[0], IncidentEvent::Triggered { .. }));
    assert_eq!(reached(&events), Some((1, 1, 1, vec![ADA])));
}

#[test]
fn the_ladder_is_climbed_level_by_level_and_pass_by_pass_until_it_is_exhausted() {
    let mut incident = given(&[opened()]);
    let mut story = vec![];
    while let Some(Situation::Escalating { next_at }) = incident.open().map(|open| open.situation.clone()) {
        let climb = incident.open().expect("it is open").climb;
        let events = incident
            .decide(&overdue(climb.cycle, climb.pass, climb.level, next_at))
            .expect("an overdue level is left");
        story.extend(reached(&events).map(|place| (place, next_at)));
        events.iter().for_each(|event| incident.evolve(event));
    }
    let expected = [
        ((1, 1, 2, vec![GRACE]), minute(5)),
        ((2, 2, 1, vec![ADA]), minute(15)),
        ((2, 2, 2, vec![GRACE]), minute(20)),
        ((2, 0, 0, vec![BOSS]), minute(30)),
    ];
    assert_eq!(story, expected);
}

#[test]
fn an_empty_level_is_skipped_at_once_and_says_so() {
    let command = open_with(vec![], roster_of(&[&[], &[GRACE]]), minute(0));
    let events = Incident::default().decide(&command).expect("it opens");
    assert!(matches!(
        &events[1],
        IncidentEvent::Escalated { level: 2, skipped, next_at, .. } if *skipped == [1] && *next_at == minute(10)
    ));
}

#[test]
fn a_ladder_without_anybody_pages_the_administrators_at_once() {
    let command = open_with(vec![], roster_of(&[&[], &[]]), minute(0));
    let events = Incident::default().decide(&command).expect("it opens");
    assert_eq!(reached(&events), Some((1, 0, 0, vec![BOSS])));
}

#[test]
fn a_ladder_without_levels_pages_the_administrators_at_once() {
    let IncidentCommand::Open(mut command) = opened() else { unreachable!() };
    command.ladder = Ladder::default();
    command.roster = roster_of(&[]);
    let events = Incident::default().decide(&IncidentCommand::Open(command)).expect("it opens");
    assert_eq!(reached(&events), Some((1, 0, 0, vec![BOSS])));
}

#[test]
fn a_deadline_decides_nothing_before_its_time_or_for_another_level() {
    let incident = given(&[opened()]);
    assert_eq!(incident.decide(&overdue(1, 1, 1, minute(4))), Ok(vec![]));
    assert_eq!(incident.decide(&overdue(1, 1, 2, minute(60))), Ok(vec![]));
    assert_eq!(incident.decide(&overdue(2, 1, 1, minute(60))), Ok(vec![]));
    assert_eq!(Incident::default().decide(&overdue(1, 1, 1, minute(60))), Ok(vec![]));
}

#[test]
fn acknowledging_stops_the_climb() {
    let incident = given(&[opened(), acknowledged_by(ADA)]);
    assert_eq!(incident.decide(&overdue(1, 1, 1, minute(60))), Ok(vec![]));
}

#[test]
fn acknowledging_twice_changes_nothing() {
    assert_eq!(given(&[opened(), acknowledged_by(ADA)]).decide(&acknowledged_by(ADA)), Ok(vec![]));
}

#[test]
fn the_second_to_acknowledge_is_told_who_was_first() {
    let refused = given(&[opened(), acknowledged_by(ADA)]).decide(&acknowledged_by(GRACE));
    assert_eq!(refused, Err(IncidentRejection::AlreadyAcknowledged { by: user(ADA), at: minute(1) }));
}

#[test]
fn an_acknowledged_incident_takes_in_alerts_without_paging() {
    let more = open_with(vec![alert(2, Severity::Low)], roster(), minute(3));
    let events = given(&[opened(), acknowledged_by(ADA)]).decide(&more).expect("it joins");
    assert!(matches!(&events[..], [IncidentEvent::AlertsJoined { .. }]));
}

#[test]
fn a_worse_alert_raises_the_severity_and_a_milder_one_does_not_lower_it() {
    let join = |severity| {
        let events = given(&[opened()]).decide(&open_with(vec![alert(2, severity)], roster(), minute(1)));
        events.expect("it joins").len()
    };
    assert_eq!(join(Severity::Critical), 3);
    assert_eq!(join(Severity::Info), 1);
}

#[test]
fn what_got_worse_than_ever_pages_the_same_level_again() {
    let join = |id, severity| open_with(vec![alert(id, severity)], roster(), minute(6));
    let climbed = given(&[opened(), overdue(1, 1, 1, minute(5))]);
    let events = climbed.decide(&join(2, Severity::Critical)).expect("it joins");
    let [
        IncidentEvent::AlertsJoined { .. },
        IncidentEvent::SeverityRaised { .. },
        IncidentEvent::Escalated { cycle: 2, pass: 1, level: 2, cause: Cause::Worsened, next_at, .. },
    ] = &events[..]
    else {
        panic!("it pages: {events:?}")
    };
    assert!(*next_at > minute(6), "they have their full time again");
    let taken = given(&[opened(), acknowledged_by(ADA)]).decide(&join(2, Severity::Critical));
    assert_eq!(taken.expect("it joins").len(), 2, "who has it is not paged");
    let again = given(&[opened(), join(2, Severity::Critical)]).decide(&join(3, Severity::Critical));
    assert_eq!(again.expect("it joins").len(), 1, "as bad as before is no news");
}

#[test]
fn the_same_delivery_joins_once() {
    assert_eq!(given(&[opened()]).decide(&opened()), Ok(vec![]));
}

#[test]
fn a_resolved_incident_takes_no_new_alerts_but_knows_its_own() {
    let incident = given(&[opened(), resolved()]);
    assert_eq!(incident.decide(&opened()), Ok(vec![]));
    let late = open_with(vec![alert(2, Severity::Medium)], roster(), minute(3));
    assert_eq!(incident.decide(&late), Err(IncidentRejection::AlreadyResolved { at: minute(2) }));
}

#[test]
fn a_resolved_incident_cannot_be_acknowledged() {
    let refused = given(&[opened(), resolved()]).decide(&acknowledged_by(ADA));
    assert_eq!(refused, Err(IncidentRejection::AlreadyResolved { at: minute(2) }));
}

#[test]
fn resolving_twice_changes_nothing() {
    assert_eq!(given(&[opened(), resolved()]).decide(&resolved()), Ok(vec![]));
}

#[test]
fn taking_back_an_acknowledgement_climbs_anew_from_the_bottom() {
    let command = IncidentCommand::UnacknowledgeIncident { by: user(ADA), roster: roster(), at: minute(3) };
    let history = [opened(), overdue(1, 1, 1, minute(5)), acknowledged_by(GRACE)];
    let events = given(&history).decide(&command).expect("it is acknowledged");
    assert_eq!(reached(&events), Some((2, 1, 1, vec![ADA])));
    assert_eq!(given(&[opened()]).decide(&command), Err(IncidentRejection::NotAcknowledged));
}

#[test]
fn escalating_by_hand_reaches_the_next_level_also_after_an_acknowledgement() {
    for history in [vec![opened()], vec![opened(), acknowledged_by(ADA)]] {
        let events = given(&history).decide(&escalated_now()).expect("it escalates");
        assert_eq!(reached(&events), Some((1, 1, 2, vec![GRACE])));
    }
}

#[test]
fn escalating_an_exhausted_incident_climbs_anew() {
    let exhausted = open_with(vec![], roster_of(&[&[], &[]]), minute(0));
    let events = given(&[exhausted]).decide(&escalated_now()).expect("it escalates");
    assert_eq!(reached(&events), Some((2, 1, 1, vec![ADA])));
}

#[test]
fn reassigning_pages_the_others_in_a_new_climb() {
    let command = IncidentCommand::ReassignIncident {
        by: user(ADA),
        reason: Some("knows the disk".into()),
        ladder: Ladder { levels: ladder().levels.split_off(1), ..ladder() },
        roster: roster_of(&[&[GRACE]]),
        at: minute(2),
    };
    let events = given(&[opened(), acknowledged_by(ADA)]).decide(&command).expect("it is reassigned");
    assert_eq!(reached(&events), Some((2, 1, 1, vec![GRACE])));
}

#[test]
fn the_same_note_is_added_once_and_an_empty_one_names_its_field() {
    let note = |text: &str| IncidentCommand::AddIncidentNote {
        note: NoteId::new(Uuid::from_u128(9)),
        by: user(ADA),
        text: text.into(),
        at: minute(1),
    };
    assert_eq!(given(&[opened(), note("looking")]).decide(&note("looking")), Ok(vec![]));
    let refused = given(&[opened()]).decide(&note("  ")).expect_err("an empty note is refused");
    assert_eq!(crate::Rejection::field(&refused).as_deref(), Some("text"));
}

#[test]
fn nothing_can_be_done_to_an_incident_that_never_was() {
    for command in [acknowledged_by(ADA), resolved(), escalated_now()] {
        assert_eq!(Incident::default().decide(&command), Err(IncidentRejection::NotFound));
    }
}
