//! Filters and pages against a naive reading of the same views.

use domain::{Severity, Timestamp};
use proptest::{collection::vec, prelude::*, sample::subsequence};
use tokio::runtime::Runtime;

use super::{
    history::{happen, steps},
    place::{Place, try_in_postgres},
    world::{START, World, service, team},
};
use crate::{IncidentFilter, IncidentView, ReadModels, Status};

fn filters() -> impl Strategy<Value = IncidentFilter> {
    let instant =
        || prop::option::weighted(0.2, (0..200_u64).prop_map(|seconds| START.plus_seconds(seconds)));
    let words = prop::sample::select(vec![
        "",
        " ",
        "disk",
        "DISK full",
        "key 1",
        "Äpfel",
        "äPFEL\\_%1",
        "%",
        "_",
        "\\",
        "full disk 7",
        "nothing",
        "y\u{0} 3",
    ]);
    (
        subsequence(Status::ALL.to_vec(), 0..=2),
        subsequence(Severity::ALL.to_vec(), 0..=3),
        vec(0..4_u128, 0..3),
        vec(0..4_u128, 0..3),
        prop::option::of(words),
        (instant(), instant()),
    )
        .prop_map(|(status, severity, services, teams, text, (opened_after, opened_before))| {
            IncidentFilter {
                status,
                severity,
                service: services.into_iter().map(service).collect(),
                team: teams.into_iter().map(team).collect(),
                text: text.map(str::to_owned),
                opened_after,
                opened_before,
            }
        })
}

fn wanted(filter: &IncidentFilter, view: &IncidentView) -> bool {
    fn one_of<T: PartialEq>(wanted: &[T], is: Option<&T>) -> bool {
        wanted.is_empty() || is.is_some_and(|is| wanted.contains(is))
    }
    let text = format!("{}\n{}", view.title, view.key).to_lowercase().replace('\0', " ");
    let searched = filter.text.clone().unwrap_or_default().to_lowercase().replace('\0', " ");
    one_of(&filter.status, Some(&view.status))
        && one_of(&filter.severity, Some(&view.severity))
        && one_of(&filter.service, Some(&view.service))
        && one_of(&filter.team, view.team.as_ref())
        && searched.split_whitespace().all(|word| text.contains(word))
        && filter.opened_after.is_none_or(|after| view.opened_at >= after)
        && filter.opened_before.is_none_or(|before| view.opened_at < before)
}

async fn every(models: &ReadModels, filter: &IncidentFilter, size: usize) -> Vec<IncidentView> {
    let (mut views, mut after) = (Vec::new(), None);
    loop {
        let slice = models.incidents(filter, size, after.as_deref()).await.expect("a page");
        assert!(slice.items.len() == size || !slice.has_next, "only the last page is short");
        after = slice.items.last().map(|(cursor, _)| cursor.clone());
        views.extend(slice.items.into_iter().map(|(_, view)| view));
        if !slice.has_next {
            return views;
        }
    }
}

async fn check(
    place: Place,
    steps: &[(u8, u8, u8)],
    filters: &[(IncidentFilter, usize)],
) -> Result<(), TestCaseError> {
    let mut world = World::new();
    happen(&mut world, steps).await;
    let models = place.open(&world.store).await;
    models.rebuild(&mut |_| {}).await.expect("it rebuilds");
    let all = every(&models, &IncidentFilter::default(), 7).await;
    let numbers: Vec<_> = all.iter().map(|view| view.number).collect();
    prop_assert_eq!(numbers, (1..=all.len() as u64).rev().collect::<Vec<_>>());
    for (filter, size) in filters {
        let expected: Vec<_> = all.iter().filter(|view| wanted(filter, view)).cloned().collect();
        prop_assert_eq!(every(&models, filter, *size).await, expected, "{:?}", filter);
    }
    Ok(())
}

type Case = (Vec<(u8, u8, u8)>, Vec<(IncidentFilter, usize)>);

fn cases() -> impl Strategy<Value = Case> {
    (steps(150), vec((filters(), 1..5_usize), 1..12))
}

#[test]
fn filtered_pages_are_what_a_naive_reading_finds_in_sqlite() {
    let runtime = Runtime::new().expect("a runtime");
    proptest!(ProptestConfig::with_cases(32), |((steps, filters) in cases())| {
        runtime.block_on(check(Place::sqlite(), &steps, &filters))?;
    });
}

#[test]
fn filtered_pages_are_what_a_naive_reading_finds_in_postgres() {
    try_in_postgres(12, &cases(), async |place, (steps, filters)| check(place, &steps, &filters).await);
}

#[tokio::test]
async fn a_cursor_stays_where_it_is_while_incidents_are_added() {
    for place in Place::all().await {
        let mut world = World::new();
        for number in 0..6 {
            world.trigger(&format!("disk {number}")).await;
        }
        let models = place.open(&world.store).await;
        models.rebuild(&mut |_| {}).await.expect("it rebuilds");
        let filter = IncidentFilter { status: vec![Status::Triggered], ..IncidentFilter::default() };
        let first = models.incidents(&filter, 3, None).await.expect("a page");
        for number in 6..9 {
            world.trigger(&format!("disk {number}")).await;
        }
        models.rebuild(&mut |_| {}).await.expect("it rebuilds");
        let after = first.items.last().map(|(cursor, _)| cursor.clone());
        let second = models.incidents(&filter, 3, after.as_deref()).await.expect("a page");
        let numbers: Vec<_> = second.items.iter().map(|(_, view)| view.number).collect();
        assert_eq!((numbers, second.has_next), (vec![3, 2, 1], false));
    }
}

#[tokio::test]
async fn many_services_and_statuses_are_walked_in_one_question() {
    let mut world = World::new();
    for number in 0..40 {
        let opening = world.opening(service(number), "disk", "disk full", vec![]);
        world.open(opening).await;
    }
    let place = Place::sqlite();
    let models = place.open(&world.store).await;
    models.rebuild(&mut |_| {}).await.expect("it rebuilds");
    let filter = IncidentFilter { service: (0..40).map(service).collect(), ..IncidentFilter::default() };
    assert_eq!(every(&models, &filter, 9).await.len(), 40);
    let filter =
        IncidentFilter { opened_before: Some(Timestamp::from_millis(0)), ..IncidentFilter::default() };
    assert_eq!(every(&models, &filter, 9).await, []);
}
