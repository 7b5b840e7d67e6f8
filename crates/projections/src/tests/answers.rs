//! Given events, what is answered.

use domain::{
    Channel, Severity, Timestamp,
    delivery::{Delivery, DeliveryCommand, Finding, Verdict},
    incident::{Incident, IncidentCommand},
    integration::Heard,
    page::{Page, PageCommand, Withdrawal},
};

use super::{
    place::{Place, each},
    world::{START, World, delivery, integration, roster, service, somebody, team},
};
use crate::{DeliveryFilter, DeliveryVerdict, IncidentView, PageState, Status};

#[tokio::test]
async fn an_incident_is_seen_through_its_life() {
    let mut world = World::new();
    let carried_by = delivery(1);
    world.receive(carried_by, integration(0)).await;
    let alert = world.alert(carried_by, "disk full", Severity::High);
    let opening = world.opening(service(0), "disk", "disk full", vec![alert.clone()]);
    let id = world.open(opening).await;
    let worse = world.alert(delivery(2), "disk melting", Severity::Critical);
    let opening = world.opening(service(0), "disk", "disk melting", vec![worse.clone()]);
    world.open(opening).await;
    for (_, models) in each(&world).await {
        let view = models.incident(id).await.expect("an answer").expect("it is there");
        assert_eq!((view.number, view.status, view.severity), (1, Status::Triggered, Severity::Critical));
        assert_eq!(
            (view.service, view.team, &*view.key),
            (service(0), Some(team(service(0).uuid().as_u128() % 3)), "disk")
        );
        assert_eq!((view.escalation.cycle, view.escalation.level), (2, 1), "it got worse, so it pages again");
        assert!(view.escalation.next_at.is_some());
        assert_eq!(view.position, world.store.head());
        assert_eq!((view.alert_count, view.alerts.len()), (2, 2));
        let alerts = models.alerts(&[view.clone(), view]).await.expect("an answer");
        assert_eq!(alerts, vec![vec![alert.clone(), worse.clone()]; 2]);
    }

    world.acknowledge(id).await;
    for (_, models) in each(&world).await {
        let view = models.incident(id).await.expect("an answer").expect("it is there");
        assert_eq!((view.status, view.escalation.next_at), (Status::Acknowledged, None));
        assert_eq!(view.acknowledged.map(|by| (by.by, by.via)), Some((somebody(), Channel::Api)));
        assert_eq!(models.next_escalation().await.expect("an answer"), None);
    }

    let (by, at) = (somebody(), world.now());
    let command = IncidentCommand::UnacknowledgeIncident { by, roster: roster(), at };
    world.execute::<Incident>(id, &command).await;
    for (_, models) in each(&world).await {
        let view = models.incident(id).await.expect("an answer").expect("it is there");
        assert_eq!((view.status, view.escalation.cycle), (Status::Triggered, 3));
        assert_eq!(view.acknowledged, None);
        assert_eq!(models.next_escalation().await.expect("an answer"), view.escalation.next_at);
    }

    world.resolve(id).await;
    for (_, models) in each(&world).await {
        let view = models.incident(id).await.expect("an answer").expect("it is there");
        assert_eq!((view.status, view.escalation.next_at), (Status::Resolved, None));
        assert_eq!(view.resolved.and_then(|end| end.note).as_deref(), Some("restarted"));
        assert_eq!(models.latest_episode(service(0), "disk").await.expect("an answer"), Some(1));
        assert_eq!(models.latest_episode(service(1), "disk").await.expect("an answer"), None);
        assert_eq!(models.latest_episode(service(0), "dis").await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn a_snoozed_incident_is_acknowledged_until_a_time_at_which_it_is_due() {
    let mut world = World::new();
    let id = world.trigger("disk").await;
    let (by, at, until) = (somebody(), world.now(), world.now().plus_seconds(3600));
    let alert = Some(world.alert(delivery(1), "disk", Severity::Info));
    world.receive(delivery(1), integration(0)).await;
    let command = IncidentCommand::SnoozeIncident { by, until, reason: None, via: Channel::Alert, alert, at };
    world.execute::<Incident>(id, &command).await;
    for (_, models) in each(&world).await {
        let view = models.incident(id).await.expect("an answer").expect("it is there");
        assert_eq!((view.status, view.escalation.next_at), (Status::Acknowledged, Some(until)));
        let acknowledged = view.acknowledged.expect("somebody has it");
        assert_eq!((acknowledged.by, acknowledged.via), (somebody(), Channel::Alert));
        assert_eq!((acknowledged.at, acknowledged.until), (at, Some(until)));
        assert_eq!(models.next_escalation().await.expect("an answer"), Some(until));
        let said = models.delivery(delivery(1)).await.expect("an answer").expect("it is there");
        assert_eq!((said.verdict, said.incident), (Some(DeliveryVerdict::Snoozed), Some(id)));
    }

    world.acknowledge(id).await;
    for (_, models) in each(&world).await {
        let view = models.incident(id).await.expect("an answer").expect("it is there");
        assert_eq!(view.acknowledged.and_then(|by| by.until), None, "it is for good now");
        assert_eq!(models.next_escalation().await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn an_exhausted_ladder_is_seen_and_arms_nothing() {
    let mut world = World::new();
    let mut opening = world.opening(service(0), "disk", "disk full", vec![]);
    opening.roster.levels.clear();
    let id = world.open(opening).await;
    for (_, models) in each(&world).await {
        let view = models.incident(id).await.expect("an answer").expect("it is there");
        assert_eq!((view.status, view.escalation.level), (Status::Triggered, 0));
        assert!(view.escalation.exhausted_at.is_some());
        assert_eq!(models.next_escalation().await.expect("an answer"), None);
    }
}

#[tokio::test]
async fn a_view_leads_to_the_last_alerts_and_counts_all() {
    let mut world = World::new();
    for number in 0..30 {
        let alert = world.alert(delivery(number), &format!("alert {number}"), Severity::Low);
        let opening = world.opening(service(0), "disk", "disk full", vec![alert]);
        world.open(opening).await;
    }
    for (_, models) in each(&world).await {
        let page = models.incidents(&crate::IncidentFilter::default(), 5, None).await.expect("a page");
        let [(_, view)] = page.items.as_slice() else { panic!("one incident, not {page:?}") };
        assert_eq!((view.alert_count, view.alerts.len()), (30, IncidentView::MAX_ALERTS));
        let alerts = models.alerts(std::slice::from_ref(view)).await.expect("an answer");
        let titles: Vec<_> = alerts[0].iter().map(|alert| &*alert.title).collect();
        assert_eq!((titles[0], titles[19]), ("alert 10", "alert 29"));
    }
}

#[tokio::test]
async fn deliveries_are_listed_with_their_verdicts() {
    let mut world = World::new();
    for number in 0..5 {
        world.receive(delivery(number), integration(0)).await;
    }
    world.receive(delivery(9), integration(1)).await;
    let opening = world.alert(delivery(0), "disk full", Severity::High);
    let id = world.opening(service(0), "disk", "disk full", vec![opening]);
    let id = world.open(id).await;
    let alerts = vec![world.alert(delivery(1), "again", Severity::High)];
    let opening = world.opening(service(0), "disk", "disk full", alerts.clone());
    world.open(opening).await;
    let opening = world.opening(service(0), "other", "disk full", alerts);
    world.open(opening).await;
    let command = rejected("no JSON", world.now());
    world.execute::<Delivery>(delivery(2), &command).await;
    let all = DeliveryFilter::default();
    for (_, models) in each(&world).await {
        let verdict = async |number| {
            let view = models.delivery(delivery(number)).await.expect("an answer").expect("it is there");
            (view.verdict, view.verdict_count, view.incident)
        };
        assert_eq!(verdict(0).await, (Some(DeliveryVerdict::Opened), 1, Some(id)));
        assert_eq!(verdict(1).await, (Some(DeliveryVerdict::Joined), 2, Some(id)));
        assert_eq!(verdict(2).await, (Some(DeliveryVerdict::Rejected), 1, None));
        assert_eq!(verdict(3).await, (None, 0, None));
        let undecided = models.undecided(0, 10).await.expect("an answer");
        assert_eq!(undecided, [(4, delivery(3)), (5, delivery(4)), (6, delivery(9))]);
        assert_eq!(models.undecided(4, 1).await.expect("an answer"), [(5, delivery(4))]);

        let first = models.deliveries(integration(0), &all, 3, None).await.expect("a page");
        let ids: Vec<_> = first.items.iter().map(|(_, view)| view.id).collect();
        assert_eq!((ids, first.has_next), (vec![delivery(4), delivery(3), delivery(2)], true));
        let after = first.items.last().map(|(cursor, _)| cursor.clone());
        let rest = models.deliveries(integration(0), &all, 3, after.as_deref()).await.expect("a page");
        let reasons: Vec<_> = rest.items.iter().map(|(_, view)| view.reason.clone()).collect();
        assert_eq!((reasons, rest.has_next), (vec![None, None], false));
        assert_eq!(first.items[2].1.reason.as_deref(), Some("no JSON"));
    }
}

/// The delivery is found in no incident and says why.
fn rejected(reason: &str, at: Timestamp) -> DeliveryCommand {
    let findings = vec![Finding::whole(Verdict::Rejected, reason)];
    DeliveryCommand::ConcludeDelivery { integration: integration(0), findings, at }
}

#[tokio::test]
async fn each_alert_of_a_message_that_led_to_nothing_counts() {
    let mut world = World::new();
    world.receive(delivery(0), integration(0)).await;
    let about = |verdict, keys: std::ops::Range<u32>| {
        let problems = keys.map(|key| key.to_string()).collect();
        Finding { problems, ..Finding::whole(verdict, "because") }
    };
    let findings = vec![about(Verdict::Suppressed, 0..3), about(Verdict::Ignored, 3..73)];
    let command =
        DeliveryCommand::ConcludeDelivery { integration: integration(0), findings, at: world.now() };
    world.execute::<Delivery>(delivery(0), &command).await;
    let alerts = vec![world.alert(delivery(0), "disk full", Severity::High)];
    let opening = world.opening(service(0), "disk", "disk full", alerts);
    world.open(opening).await;
    for (_, models) in each(&world).await {
        let view = models.delivery(delivery(0)).await.expect("an answer").expect("it is there");
        assert_eq!((view.verdict, view.verdict_count), (Some(DeliveryVerdict::Suppressed), 74));
    }
}

#[tokio::test]
async fn a_replay_clears_the_verdict_and_waits_for_another() {
    let mut world = World::new();
    for number in 0..3 {
        world.receive(delivery(number), integration(0)).await;
    }
    for number in 0..3 {
        let command = rejected("no title", world.now());
        world.execute::<Delivery>(delivery(number), &command).await;
    }
    let replay = |at| DeliveryCommand::ReplayDelivery { integration: integration(0), by: somebody(), at };
    let first = world.execute::<Delivery>(delivery(0), &replay(world.now())).await;
    let second = world.execute::<Delivery>(delivery(1), &replay(world.now())).await;
    for (_, models) in each(&world).await {
        let view = models.delivery(delivery(0)).await.expect("an answer").expect("it is there");
        assert_eq!((view.position, view.asked, view.replays), (1, first, 1));
        assert_eq!((view.verdict, view.verdict_count, view.reason, view.decided_at), (None, 0, None, None));
        assert!(view.asked_at > view.received_at);
        let undecided = models.undecided(0, 10).await.expect("an answer");
        assert_eq!(undecided, [(first, delivery(0)), (second, delivery(1))]);
        assert_eq!(models.undecided(first, 10).await.expect("an answer"), [(second, delivery(1))]);
        let other = models.delivery(delivery(2)).await.expect("an answer").expect("it is there");
        assert_eq!((other.asked, other.asked_at, other.replays), (3, other.received_at, 0));
    }

    let alert = world.alert(delivery(0), "disk full", Severity::High);
    let opening = world.opening(service(0), "disk", "disk full", vec![alert]);
    let id = world.open(opening).await;
    let command = rejected("still no title", world.now());
    world.execute::<Delivery>(delivery(1), &command).await;
    for (_, models) in each(&world).await {
        assert_eq!(models.undecided(0, 10).await.expect("an answer"), []);
        let view = models.delivery(delivery(0)).await.expect("an answer").expect("it is there");
        assert_eq!((view.verdict, view.incident), (Some(DeliveryVerdict::Opened), Some(id)));
        let view = models.delivery(delivery(1)).await.expect("an answer").expect("it is there");
        assert_eq!((view.reason.as_deref(), view.verdict_count), (Some("still no title"), 1));
    }
}

#[tokio::test]
async fn deliveries_are_found_by_verdict_and_by_when_they_came() {
    let mut world = World::new();
    let mut came = vec![];
    for number in 0..9 {
        came.push(world.now());
        world.receive(delivery(number), integration(0)).await;
    }
    world.receive(delivery(20), integration(1)).await;
    for number in [1, 4, 6, 8] {
        let command = rejected("no title", world.now());
        world.execute::<Delivery>(delivery(number), &command).await;
    }
    let alert = world.alert(delivery(2), "disk full", Severity::High);
    let opening = world.opening(service(0), "disk", "disk full", vec![alert]);
    world.open(opening).await;
    let (rejected, opened) = (DeliveryVerdict::Rejected, DeliveryVerdict::Opened);
    let of = |verdicts: &[DeliveryVerdict], undecided| DeliveryFilter {
        verdicts: verdicts.to_vec(),
        undecided,
        ..DeliveryFilter::default()
    };
    let during = |from: usize, until: usize, filter| DeliveryFilter {
        received_after: Some(came[from]),
        received_before: Some(came[until]),
        ..filter
    };
    let cases = [
        (of(&[], false), vec![8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (of(&[rejected], false), vec![8, 6, 4, 1]),
        (of(&[rejected, opened, rejected], false), vec![8, 6, 4, 2, 1]),
        (of(&[opened], true), vec![7, 5, 3, 2, 0]),
        (of(&[DeliveryVerdict::Joined], false), vec![]),
        (during(1, 6, of(&[], false)), vec![5, 4, 3, 2, 1]),
        (during(1, 6, of(&[rejected], false)), vec![4, 1]),
    ];
    for (_, models) in each(&world).await {
        for (filter, expected) in &cases {
            let expected: Vec<_> = expected.iter().map(|number| delivery(*number)).collect();
            for size in [2, 3, 20] {
                let (mut seen, mut after) = (vec![], None);
                loop {
                    let page = models.deliveries(integration(0), filter, size, after.as_deref()).await;
                    let page = page.expect("a page");
                    after = page.items.last().map(|(cursor, _)| cursor.clone());
                    seen.extend(page.items.into_iter().map(|(_, view)| view.id));
                    if !page.has_next {
                        break;
                    }
                }
                assert_eq!(seen, expected, "{filter:?} by {size}");
            }
        }
    }
}

#[tokio::test]
async fn what_was_delivered_tells_how_talkative_an_integration_is() {
    let mut world = World::new();
    for number in 0..20 {
        world.receive(delivery(number), integration(number % 2)).await;
    }
    let at = world.now();
    let position = world.receive(delivery(20), integration(0)).await;
    for number in 21..60 {
        world.receive(delivery(number), integration(1)).await;
    }
    for (_, models) in each(&world).await {
        let heard = models.last_heard(integration(0)).await.expect("an answer");
        assert_eq!(heard, Some(Heard { at, position }));
        assert_eq!(models.last_heard(integration(2)).await.expect("an answer"), None);
        assert_eq!(models.usual_silence(integration(0)).await.expect("an answer"), None, "11 messages");
        assert_eq!(models.usual_silence(integration(1)).await.expect("an answer"), Some(30));
    }
}

#[tokio::test]
async fn pages_are_due_until_they_are_done() {
    let mut world = World::new();
    let id = world.trigger("disk").await;
    let steps = [0, 1, 2, 3].map(|number| World::step(id, number));
    for (step, wait) in steps.iter().zip([40, 10, 20, 20]) {
        world.request(*step, START.plus_seconds(wait)).await;
    }
    let later = START.plus_seconds(1000);
    for (_, models) in each(&world).await {
        let due = models.due_pages(START.plus_seconds(20), None, 10).await.expect("an answer");
        assert_eq!(due.len(), 3);
        assert_eq!(due[0].page, steps[1].id());
        let mut seen = Vec::new();
        let mut after = None;
        while let [one] = models.due_pages(later, after, 1).await.expect("an answer").as_slice() {
            seen.push(*one);
            after = Some((one.due_at, one.page));
        }
        assert_eq!(seen, models.due_pages(later, None, 10).await.expect("an answer"));
        assert_eq!(seen.len(), 4);
        assert_eq!(
            models.next_page(START.plus_seconds(10)).await.expect("an answer"),
            Some(START.plus_seconds(20))
        );
    }

    world.sent(steps[0].id(), 1).await;
    world.failed(steps[1].id(), 1, false).await;
    world.failed(steps[2].id(), 1, true).await;
    let withdraw = PageCommand::WithdrawPage { reason: Withdrawal::Acknowledged, at: world.now() };
    world.execute::<Page>(steps[3].id(), &withdraw).await;
    for (_, models) in each(&world).await {
        let due = models.due_pages(later, None, 10).await.expect("an answer");
        assert_eq!(due.iter().map(|row| row.page).collect::<Vec<_>>(), [steps[1].id()]);
        let pages = models.pages(id).await.expect("an answer");
        assert_eq!(pages.iter().map(|page| page.step).collect::<Vec<_>>(), steps);
        assert!(matches!(&pages[0].state, PageState::Sent { provider, .. } if provider == "smtp"));
        assert!(
            matches!(&pages[1].state, PageState::Retrying { retry_at, .. } if *retry_at == due[0].due_at)
        );
        assert!(matches!(&pages[2].state, PageState::Failed { code, .. } if code == "unreachable"));
        assert!(matches!(&pages[3].state, PageState::Withdrawn { reason: Withdrawal::Acknowledged, .. }));
        assert_eq!(pages.iter().map(|page| page.attempts).collect::<Vec<_>>(), [1, 1, 1, 0]);
    }
}

#[tokio::test]
async fn escalations_are_due_in_order() {
    let mut world = World::new();
    let (first, second) = (world.trigger("one").await, world.trigger("two").await);
    for (_, models) in each(&world).await {
        let due = models.due_escalations(START.plus_seconds(10_000), 10).await.expect("an answer");
        assert_eq!(due.iter().map(|row| row.incident).collect::<Vec<_>>(), [first, second]);
        assert_eq!((due[0].cycle, due[0].pass, due[0].level), (1, 1, 1));
        assert_eq!(models.due_escalations(due[0].due_at, 10).await.expect("an answer"), due[..1]);
        assert_eq!(models.next_escalation().await.expect("an answer"), Some(due[0].due_at));
    }
}

#[tokio::test]
async fn auditors_read_the_log_by_type() {
    let mut world = World::new();
    for number in 0..10 {
        world.trigger(&format!("disk {number}")).await;
    }
    let place = Place::sqlite();
    let models = place.open(&world.store).await;
    let all = models.events(&[], 0, 100).await.expect("a page");
    assert_eq!((all.events.len(), all.through, all.has_next), (20, 20, false));
    let wanted = ["incident.escalated.v1".to_owned()];
    let page = models.events(&wanted, 4, 3).await.expect("a page");
    assert_eq!(page.events.iter().map(|event| event.position).collect::<Vec<_>>(), [6, 8, 10]);
    assert_eq!((page.through, page.has_next), (10, true));
    let none = models.events(&["tea.made.v1".to_owned()], 0, 3).await.expect("a page");
    assert_eq!((none.events.len(), none.through, none.has_next), (0, 20, false));
}
