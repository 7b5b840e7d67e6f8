//! Random histories, made by random commands so that they could have happened.

use domain::{
    Alert, Channel, IncidentId, NoteId, ScheduleId, Severity, SwapId, Update,
    delivery::{Delivery, DeliveryCommand, Finding, Verdict},
    incident::{Incident, IncidentCommand},
    on_call::{Cause, OnCallChange, OnCallCommand, OnCallLog, OnCallLogId},
    page::{Page, PageCommand, Withdrawal},
};
use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

use super::world::{START, World, delivery, integration, roster, service, somebody, user};

/// One command: which, and about whom.
pub(super) type Step = (u8, u8, u8);

/// A history of some commands.
pub(super) fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    vec((0..25_u8, 0..12_u8, any::<u8>()), 0..most)
}

/// Lets a history happen.
pub(super) async fn happen(world: &mut World, steps: &[Step]) {
    for (index, step) in (0..).zip(steps) {
        act(world, index, *step).await;
    }
}

/// The incidents that a history may tell of.
pub(super) fn incidents() -> Vec<IncidentId> {
    (0..12).map(|whom| problem(whom).0).collect()
}

/// A few problems on a few services, so that most commands find something to change.
fn problem(whom: u8) -> (IncidentId, domain::ServiceId, String) {
    let (on, key) = (service(u128::from(whom % 3)), format!("Key\u{0} {}", whom % 5));
    (IncidentId::of_episode(on, &key, 1 + u32::from(whom % 2)), on, key)
}

async fn act(world: &mut World, index: u32, (what, whom, how): Step) {
    let (incident, on, key) = problem(whom);
    let (at, by) = (world.now(), somebody());
    let carried_by = delivery(u128::from(how % 32));
    let severity = Severity::ALL[usize::from(how) % 5];
    let title = format!("Disk {how} FULL on ÄPFEL\\_%{}", whom % 4);
    let page = World::step(incident, u32::from(how % 3)).id();
    let told = |alert: Alert| told(alert, whom, how);
    match what {
        0..=3 => {
            world.receive(carried_by, integration(u128::from(whom % 2))).await;
        }
        4..=8 => {
            let count = usize::from(how % 4);
            let carriers = (0..count).map(|more| delivery(u128::from(how % 32) + more as u128));
            let alerts = carriers.map(|carrier| told(world.alert(carrier, &title, severity)));
            let alerts = alerts.collect();
            let mut opening = world.opening(on, &key, &title, alerts);
            opening.episode = 1 + u32::from(whom % 2);
            world.open(opening).await;
        }
        9 => {
            world.acknowledge(incident).await;
        }
        10..=15 | 21 | 22 => {
            let command = asked(world, index, (what, whom, how));
            world.execute::<Incident>(incident, &command).await;
        }
        16 | 17 => {
            world.request(World::step(incident, u32::from(how % 3)), at.plus_seconds(how.into())).await;
        }
        18 if how % 3 == 0 => {
            world.sent(page, 1 + u32::from(how % 4)).await;
        }
        18 if how % 3 == 1 => {
            world.failed(page, 1 + u32::from(how % 8), how % 7 == 0).await;
        }
        18 => {
            let command = PageCommand::WithdrawPage { reason: Withdrawal::Acknowledged, at };
            world.execute::<Page>(page, &command).await;
        }
        19 => change_on_call(world, index, whom, how).await,
        20 => {
            let replay =
                DeliveryCommand::ReplayDelivery { integration: integration(u128::from(whom % 2)), by, at };
            world.execute::<Delivery>(carried_by, &replay).await;
        }
        _ => {
            let verdict = if how % 2 == 0 { Verdict::Ignored } else { Verdict::Rejected };
            let (reason, incident) = ("no\u{0}sense".to_owned(), (how % 3 == 0).then_some(incident));
            let through = integration(u128::from(whom % 2));
            let problems = (0..whom % 3).map(|key| key.to_string()).collect();
            let rule = (how % 5 == 0).then(|| "tests".to_owned());
            let findings = vec![Finding { verdict, reason, rule, incident, problems }];
            let command = DeliveryCommand::ConcludeDelivery { integration: through, findings, at };
            world.execute::<Delivery>(carried_by, &command).await;
        }
    }
}

/// Two entrances tell of problems. Every third problem is a group of a few, and its alerts may overtake each other. Some
/// say one thing anew.
fn told(alert: Alert, whom: u8, how: u8) -> Alert {
    let update = match how % 11 {
        8 => Some(Update::Title),
        9 => Some(Update::Details),
        10 => Some(Update::Severity),
        _ => None,
    };
    let details = how.is_multiple_of(3).then(|| format!("details {how}"));
    let alert = Alert { integration: integration(u128::from(how / 16 % 2)), update, details, ..alert };
    if !whom.is_multiple_of(3) {
        return alert;
    }
    let key = format!("Member\u{0} {}", how % 3);
    let at = START.plus_seconds(u64::from(how % 16));
    Alert { key: Some(key), ordered: how.is_multiple_of(2), at, ..alert }
}

async fn change_on_call(world: &mut World, index: u32, whom: u8, how: u8) {
    let at = world.now();
    let schedule = ScheduleId::new(Uuid::from_u128(u128::from(whom % 3)));
    let cause = match how % 3 {
        0 => Cause::Turn,
        1 => Cause::Edit,
        _ => Cause::Swap { id: SwapId::new(Uuid::from_u128(how.into())) },
    };
    let change = |later: u8| OnCallChange {
        at: at.plus_seconds(later.into()),
        users: (0..(how % 4 + later) % 4).map(|number| user(number.into())).collect(),
        cause,
    };
    let (tzdb, decided_at) = (format!("2026{}", char::from(b'a' + how % 6)), index.into());
    let changes = (0..=whom % 4).map(change).collect();
    let command = OnCallCommand::RecordChanges { schedule, changes, tzdb, decided_at };
    world.execute::<OnCallLog>(OnCallLogId(schedule), &command).await;
}

/// What somebody asks of an incident.
fn asked(world: &World, index: u32, (what, whom, how): Step) -> IncidentCommand {
    let (at, by, via, roster) = (world.now(), somebody(), Channel::Api, roster());
    let severity = Severity::ALL[usize::from(how) % 5];
    let alert = world.alert(delivery(u128::from(how % 32)), &format!("Disk {how} of {whom}"), severity);
    let alert = told(alert, whom, how);
    let said = (how % 4 != 0).then(|| alert.clone());
    match what {
        10 => IncidentCommand::AcknowledgeIncident { by, via: Channel::Alert, alert: Some(alert), at },
        11 => IncidentCommand::UnacknowledgeIncident { by, roster, at },
        12 => IncidentCommand::ResolveIncident { by, via, note: None, alert: said, at },
        13 => IncidentCommand::EscalateIncident { by, roster, at },
        14 => {
            let (note, text) = (NoteId::new(Uuid::from_u128(index.into())), "looking".to_owned());
            IncidentCommand::AddIncidentNote { note, by, text, at }
        }
        15 => {
            let ladder = domain::Ladder::default();
            IncidentCommand::ReassignIncident { by, reason: None, ladder, roster, at }
        }
        21 => {
            let reason = Some("customers call".to_owned());
            IncidentCommand::ChangeIncidentSeverity { by, severity, reason, roster, at }
        }
        _ => {
            let until = at.plus_seconds(how.into());
            IncidentCommand::SnoozeIncident { by, until, reason: None, via, alert: said, at }
        }
    }
}
