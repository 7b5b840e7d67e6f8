//! Given events, which problems are there, and how do they stand?

use std::sync::Arc;

use domain::{
    Alert, Channel, IncidentId, Ladder, Severity, Timestamp, Update,
    incident::{Hold, Incident, IncidentCommand, OpenIncident, Terms},
};
use store::Filter;

use super::{
    place::{Place, each},
    world::{START, World, delivery, integration, service, somebody, team},
};
use crate::{
    AlertFilter, AlertRecord, AlertRecordId, AlertStatus, OpenProblem, ReadModels, StatisticsFilter,
    db::Side, projection::Projection,
};

/// An alert with a key of its own.
fn member(world: &World, key: &str, carried_by: u128, severity: Severity) -> Alert {
    let title = format!("{key} is down");
    Alert { key: Some(key.to_owned()), ..world.alert(delivery(carried_by), &title, severity) }
}

/// Tells of problems of one incident.
async fn tell(world: &mut World, alerts: Vec<Alert>) -> IncidentId {
    let opening = world.opening(service(1), "cluster", "cluster in trouble", alerts);
    world.open(opening).await
}

async fn say_over(world: &mut World, id: IncidentId, alert: Alert) {
    let (by, via, at) = (somebody(), Channel::Alert, world.now());
    let command = IncidentCommand::ResolveIncident { by, via, note: None, alert: Some(alert), at };
    world.execute::<Incident>(id, &command).await;
}

/// Every problem, the one that was first told of first.
async fn all(models: &ReadModels) -> Vec<AlertRecord> {
    let slice = models.alert_records(&AlertFilter::default(), 100, None).await.expect("a page");
    let mut records: Vec<_> = slice.items.into_iter().map(|(_, record)| record).collect();
    records.reverse();
    records
}

fn stands(records: &[AlertRecord]) -> Vec<(&str, AlertStatus)> {
    records.iter().map(|record| (&*record.key, record.status)).collect()
}

#[tokio::test]
async fn one_problem_is_seen_from_first_to_last() {
    let mut world = World::new();
    let (came, details) = (world.now(), "ß".repeat(300));
    let alert = Alert {
        details: Some(details),
        source: Some("db1".to_owned()),
        rule: Some("databases".to_owned()),
        ..world.alert(delivery(1), "disk 90 % full\u{0}", Severity::Critical)
    };
    let id = tell(&mut world, vec![alert]).await;
    let again = world.now();
    let alert = Alert {
        component: Some("/var".to_owned()),
        integration: integration(7),
        ..world.alert(delivery(2), "disk 95 % full", Severity::High)
    };
    tell(&mut world, vec![alert]).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        let [record] = records.as_slice() else { panic!("one problem, not {records:?}") };
        let expected = AlertRecord {
            id: AlertRecordId::parse("alr_00000000000000000000000000000001").expect("an id"),
            incident: id,
            key: "cluster".to_owned(),
            grouped: false,
            title: "disk 95 % full".to_owned(),
            details: None,
            source: None,
            component: Some("/var".to_owned()),
            status: AlertStatus::Open,
            severity: Severity::Critical,
            last_severity: Severity::High,
            rule: None,
            service: service(1),
            team: Some(team(service(1).uuid().as_u128() % 3)),
            integration: integration(0),
            first_delivery: delivery(1),
            last_delivery: delivery(2),
            first_seen_at: came,
            last_seen_at: again,
            occurrences: 2,
            ended_at: None,
        };
        assert_eq!(*record, expected);
        assert_eq!(models.alert_record(record.id).await.expect("an answer").as_ref(), Some(record));
        let other = AlertRecordId::parse("alr_00000000000000000000000000000002").expect("an id");
        assert_eq!(models.alert_record(other).await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn each_own_key_is_a_problem_that_ends_by_itself_or_with_its_incident() {
    use AlertStatus::{Acknowledged, Open, Resolved};
    let mut world = World::new();
    let first = vec![
        member(&world, "a", 1, Severity::Low),
        member(&world, "b", 1, Severity::Low),
        member(&world, "a", 1, Severity::High),
    ];
    let id = tell(&mut world, first).await;
    world.trigger("nobody told of this").await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert_eq!(stands(&records), [("a", Open), ("b", Open)]);
        assert_eq!((records[0].occurrences, records[0].severity), (2, Severity::High));
        assert!(records[0].grouped && records[0].incident == id);
    }

    let ended = world.now();
    let alert = member(&world, "b", 2, Severity::Low);
    say_over(&mut world, id, alert).await;
    world.acknowledge(id).await;
    let alerts = vec![member(&world, "c", 3, Severity::Info)];
    tell(&mut world, alerts).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert_eq!(stands(&records), [("a", Acknowledged), ("b", Resolved), ("c", Acknowledged)]);
        assert_eq!((records[1].ended_at, records[1].last_delivery), (Some(ended), delivery(1)));
        let part = AlertFilter { incident: Some(id), status: vec![Acknowledged], ..AlertFilter::default() };
        assert_eq!(models.alert_records(&part, 10, None).await.expect("a page").items.len(), 2);
    }

    let alerts = vec![member(&world, "b", 4, Severity::Medium)];
    tell(&mut world, alerts).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert_eq!(stands(&records), [("a", Acknowledged), ("b", Acknowledged), ("c", Acknowledged)]);
        assert_eq!((records[1].ended_at, records[1].occurrences), (None, 2), "it began anew");
    }

    let over = world.now();
    world.resolve(id).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert!(
            records.iter().all(|record| record.status == Resolved && record.ended_at == Some(over)),
            "{records:?}"
        );
    }
}

#[tokio::test]
async fn what_a_later_alert_said_is_not_overtaken() {
    let mut world = World::new();
    let ordered = |alert: Alert, second: u64| Alert {
        ordered: true,
        at: Timestamp::from_millis(START.millis() - 100_000).plus_seconds(second),
        title: format!("said at {second}"),
        ..alert
    };
    let told = |world: &World, key: &str, carried_by: u128, second: u64| {
        ordered(member(world, key, carried_by, Severity::Low), second)
    };
    let first = vec![told(&world, "a", 1, 5), told(&world, "b", 1, 1)];
    let id = tell(&mut world, first).await;
    let late = Alert { severity: Severity::Critical, ..told(&world, "a", 2, 3) };
    tell(&mut world, vec![late]).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        let seen = (&*records[0].title, records[0].occurrences, records[0].last_severity);
        assert_eq!(seen, ("said at 5", 2, Severity::Low));
        assert_eq!((records[0].severity, records[0].last_delivery), (Severity::Critical, delivery(2)));
    }

    let over = told(&world, "a", 3, 9);
    say_over(&mut world, id, over).await;
    let late = told(&world, "a", 4, 7);
    tell(&mut world, vec![late]).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert_eq!(stands(&records), [("a", AlertStatus::Resolved), ("b", AlertStatus::Open)]);
        assert_eq!((records[0].occurrences, &*records[0].title), (3, "said at 5"));
    }

    let anew = told(&world, "a", 5, 11);
    tell(&mut world, vec![anew]).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert_eq!((records[0].status, &*records[0].title), (AlertStatus::Open, "said at 11"));
    }
}

/// Has read models go on with what was stored since, one event at a time; they become what they are when folded anew.
async fn go_on(world: &World, place: &Place, models: &ReadModels) {
    let before = models.live().await.expect("a place").position;
    for event in world.store.read(before, 100, &Filter::All).await.expect("the log answers") {
        let progress = models.live().await.expect("a place");
        let mut projection = Projection::new(models.db().clone(), Side::Live, progress);
        projection.fold(&[Arc::new(event)]).await.expect("it folds");
        assert!(projection.write().await.expect("it is written"));
    }
    let gone_on = models.digest().await.expect("a digest");
    models.rebuild(&mut |_| {}).await.expect("it rebuilds");
    assert_eq!(models.digest().await.expect("a digest"), gone_on, "{:?}", place.location);
}

#[tokio::test]
async fn what_is_said_anew_of_a_problem_changes_that_and_nothing_else() {
    let mut world = World::new();
    let alert = Alert {
        rule: Some("databases".to_owned()),
        source: Some("db1".to_owned()),
        ..world.alert(delivery(1), "disk full", Severity::Medium)
    };
    tell(&mut world, vec![alert]).await;
    let places = each(&world).await;
    let mut expected = ("disk full", None, Severity::Medium, Severity::Medium);
    for (number, update, severity) in [
        (2, Update::Details, Severity::Info),
        (3, Update::Severity, Severity::Critical),
        (4, Update::Severity, Severity::Low),
        (5, Update::Title, Severity::Info),
    ] {
        match update {
            Update::Title => expected.0 = "said anew",
            Update::Details => expected.1 = Some("the vendor knows"),
            Update::Severity => (expected.2, expected.3) = (severity, expected.3.max(severity)),
        }
        let details = Some("the vendor knows".to_owned());
        let said = world.alert(delivery(number), "said anew", severity);
        tell(&mut world, vec![Alert { details, update: Some(update), ..said }]).await;
        for (place, models) in &places {
            go_on(&world, place, models).await;
            let records = all(models).await;
            let [record] = &*records else { panic!("one problem, not {records:?}") };
            let shown = (&*record.title, record.details.as_deref(), record.last_severity, record.severity);
            assert_eq!(shown, expected, "{update:?}");
            let kept = (record.rule.as_deref(), record.source.as_deref(), record.last_delivery);
            assert_eq!(kept, (Some("databases"), Some("db1"), delivery(number)));
        }
    }
}

#[tokio::test]
async fn a_problem_that_is_counted_comes_and_goes_while_its_incident_waits() {
    use AlertStatus::{Open, Resolved};
    let mut world = World::new();
    let firing = |world: &World, number| {
        let alert = world.alert(delivery(number), "link down", Severity::High);
        let hold = Some(Hold::Threshold { alerts: 9, within_seconds: 600 });
        let opening = world.opening(service(1), "link", "link down", vec![alert]);
        OpenIncident { terms: Terms { hold, ..Terms::default() }, ..opening }
    };
    let opening = firing(&world, 1);
    let id = world.open(opening).await;
    let places = each(&world).await;
    let over = world.alert(delivery(2), "link up", Severity::High);
    let ended = world.now();
    say_over(&mut world, id, over).await;
    for (place, models) in &places {
        go_on(&world, place, models).await;
        let records = all(models).await;
        assert_eq!((stands(&records), records[0].ended_at), (vec![("link", Resolved)], Some(ended)));
    }
    let again = firing(&world, 3);
    world.open(again).await;
    for (place, models) in &places {
        go_on(&world, place, models).await;
        let records = all(models).await;
        assert_eq!((stands(&records), records[0].ended_at), (vec![("link", Open)], None));
        assert_eq!(records[0].occurrences, 2);
    }
}

#[tokio::test]
async fn problems_without_grouping_stand_as_their_incidents() {
    use AlertStatus::{Acknowledged, Open, Resolved};
    let mut world = World::new();
    let mut ids = vec![];
    for number in 0..3 {
        let alert = world.alert(delivery(number), "disk full", Severity::High);
        let opening = world.opening(service(0), &format!("disk {number}"), "disk full", vec![alert]);
        ids.push(world.open(opening).await);
    }
    world.acknowledge(ids[0]).await;
    world.acknowledge(ids[1]).await;
    world.resolve(ids[1]).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert_eq!(stands(&records), [("disk 0", Acknowledged), ("disk 1", Resolved), ("disk 2", Open)]);
    }
    // Whoever asks for the next level gives the incident back.
    let (by, roster, at) = (somebody(), super::world::roster(), world.now());
    world.execute::<Incident>(ids[0], &IncidentCommand::EscalateIncident { by, roster, at }).await;
    for (_, models) in each(&world).await {
        let records = all(&models).await;
        assert_eq!(stands(&records), [("disk 0", Open), ("disk 1", Resolved), ("disk 2", Open)]);
    }
}

#[tokio::test]
async fn a_large_group_is_gone_on_with_after_a_restart() {
    use AlertStatus::{Acknowledged, Open, Resolved};
    let mut world = World::new();
    let nodes = (0..1200).map(|number| member(&world, &format!("node {number}"), number, Severity::Low));
    let nodes = nodes.collect();
    let id = tell(&mut world, nodes).await;
    let places = each(&world).await;
    let over = member(&world, "node 700", 2000, Severity::Low);
    say_over(&mut world, id, over).await;
    world.acknowledge(id).await;
    let alerts = vec![member(&world, "node 3", 2001, Severity::High)];
    tell(&mut world, alerts).await;
    for (place, models) in places {
        let progress = models.live().await.expect("a place");
        let events = world.store.read(progress.position, 100, &Filter::All).await.expect("the log answers");
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        let mut projection = Projection::new(models.db().clone(), Side::Live, progress);
        projection.fold(&events).await.expect("it folds");
        assert!(projection.write().await.expect("it is written"));
        let (until, all) = (START.plus_seconds(3600), StatisticsFilter::default());
        let counted = models.alert_statistics(START, until, &all).await.expect("statistics");
        assert_eq!(counted.statuses, [(Open, 0), (Acknowledged, 1199), (Resolved, 1)]);
        assert_eq!(counted.severities[1], (Severity::High, 1));
        let gone_on = models.digest().await.expect("a digest");
        models.rebuild(&mut |_| {}).await.expect("it rebuilds");
        assert_eq!(models.digest().await.expect("a digest"), gone_on, "{:?}", place.location);
    }
}

#[tokio::test]
async fn a_problem_is_open_again_once_an_alert_ends_the_snooze_wherever_a_batch_ends() {
    let mut world = World::new();
    let calm = vec![member(&world, "node", 1, Severity::Low)];
    let id = tell(&mut world, calm).await;
    let (by, via, at) = (somebody(), Channel::Api, world.now());
    let until = at.plus_seconds(3600);
    let snooze = IncidentCommand::SnoozeIncident { by, until, reason: None, via, alert: None, at };
    world.execute::<Incident>(id, &snooze).await;
    let places = each(&world).await;
    // By a ladder that is not the incident's: whom to page is looked up later, and the incident is held until then.
    let worse = vec![member(&world, "node", 2, Severity::Critical)];
    let worse = world.opening(service(1), "cluster", "cluster in trouble", worse);
    world.open(OpenIncident { ladder: Ladder::default(), ..worse }).await;
    for (place, models) in places {
        let before = models.live().await.expect("a place").position;
        let events = world.store.read(before, 100, &Filter::All).await.expect("the log answers");
        assert_eq!(events.last().map(|event| event.kind.as_ref()), Some("incident.held.v1"));
        go_on(&world, &place, &models).await;
        assert_eq!(stands(&all(&models).await), [("node", AlertStatus::Open)]);
    }
}

#[tokio::test]
async fn a_cursor_stays_where_it_is_while_problems_are_added() {
    let mut world = World::new();
    let open = async |world: &mut World, number: u128| {
        let alert = world.alert(delivery(number), "disk full", Severity::High);
        let opening = world.opening(service(0), &format!("disk {number}"), "disk full", vec![alert]);
        world.open(opening).await;
    };
    for number in 1..=6 {
        open(&mut world, number).await;
    }
    let first = each(&world).await;
    for number in 7..=9 {
        open(&mut world, number).await;
    }
    for ((_, before), (_, after)) in first.into_iter().zip(each(&world).await) {
        let filter = AlertFilter { status: vec![AlertStatus::Open], ..AlertFilter::default() };
        let page = before.alert_records(&filter, 3, None).await.expect("a page");
        let cursor = page.items.last().map(|(cursor, _)| cursor.clone());
        let page = after.alert_records(&filter, 3, cursor.as_deref()).await.expect("a page");
        let numbers: Vec<_> = page.items.iter().map(|(_, record)| record.id.number()).collect();
        assert_eq!((numbers, page.has_next), (vec![3, 2, 1], false));
    }
}

#[tokio::test]
async fn an_open_problem_is_found_by_the_entrance_and_the_key_that_it_has_there() {
    let mut world = World::new();
    let members = vec![member(&world, "a", 1, Severity::Low), member(&world, "b", 1, Severity::Low)];
    let group = tell(&mut world, members).await;
    let over = member(&world, "b", 2, Severity::Low);
    say_over(&mut world, group, over).await;
    let mut alone = vec![];
    for key in ["a", "c"] {
        let alert = world.alert(delivery(3), "disk full", Severity::High);
        let opening = world.opening(service(2), key, "disk full", vec![alert]);
        alone.push(world.open(opening).await);
    }
    world.acknowledge(alone[0]).await;
    world.resolve(alone[1]).await;
    let stranger =
        Alert { integration: integration(7), ..world.alert(delivery(4), "disk full", Severity::High) };
    let opening = world.opening(service(3), "a", "disk full", vec![stranger]);
    world.open(opening).await;
    for (_, models) in each(&world).await {
        let mut found =
            models.open_problems(integration(0), &["a", "b", "c", "d\0"]).await.expect("an answer");
        found.sort_by_key(|problem| !problem.grouped);
        let open = |incident, grouped| OpenProblem { key: "a".to_owned(), grouped, incident };
        assert_eq!(found, [open(group, true), open(alone[0], false)]);
    }
}
