//! Filters, pages and statistics of problems against a naive reading of the same records.

use domain::{IncidentId, Severity, Timestamp};
use proptest::{collection::vec, prelude::*, sample::subsequence};
use tokio::runtime::Runtime;

use super::{
    history::{Step, happen, incidents, steps},
    place::{Place, try_in_postgres},
    world::{START, World, integration, service, team},
};
use crate::{AlertFilter, AlertRecord, AlertStatus, ReadModels, StatisticsFilter};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

fn filters() -> impl Strategy<Value = AlertFilter> {
    let instant =
        || prop::option::weighted(0.2, (0..200_u64).prop_map(|seconds| START.plus_seconds(seconds)));
    let words = prop::sample::select(vec![
        "",
        " ",
        "disk",
        "DISK full",
        "key",
        "member full",
        "äPFEL\\_%1",
        "nothing",
    ]);
    let owners = (vec(0..3_u128, 0..3), vec(0..4_u128, 0..3), vec(0..4_u128, 0..3));
    (
        subsequence(AlertStatus::ALL.to_vec(), 0..=2),
        subsequence(Severity::ALL.to_vec(), 0..=3),
        owners,
        prop::option::weighted(0.3, prop::sample::select(incidents())),
        prop::option::of(words),
        (instant(), instant()),
    )
        .prop_map(
            |(status, severity, (entrances, services, teams), incident, text, (seen_after, seen_before))| {
                AlertFilter {
                    status,
                    severity,
                    integration: entrances.into_iter().map(integration).collect(),
                    service: services.into_iter().map(service).collect(),
                    team: teams.into_iter().map(team).collect(),
                    incident,
                    text: text.map(str::to_owned),
                    seen_after,
                    seen_before,
                }
            },
        )
}

fn one_of<T: PartialEq>(wanted: &[T], is: Option<&T>) -> bool {
    wanted.is_empty() || is.is_some_and(|is| wanted.contains(is))
}

/// It is the first title that is searched: those of one problem differ in a number only, which no text asks for.
fn wanted(filter: &AlertFilter, record: &AlertRecord) -> bool {
    let text = format!("{}\n{}", record.title, record.key).to_lowercase();
    let searched = filter.text.clone().unwrap_or_default().to_lowercase();
    one_of(&filter.status, Some(&record.status))
        && one_of(&filter.severity, Some(&record.severity))
        && one_of(&filter.integration, Some(&record.integration))
        && one_of(&filter.service, Some(&record.service))
        && one_of(&filter.team, record.team.as_ref())
        && filter.incident.is_none_or(|incident| record.incident == incident)
        && searched.split_whitespace().all(|word| text.contains(word))
        && filter.seen_after.is_none_or(|after| record.first_seen_at >= after)
        && filter.seen_before.is_none_or(|before| record.first_seen_at < before)
}

async fn every(models: &ReadModels, filter: &AlertFilter, size: usize) -> Vec<AlertRecord> {
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let slice = models.alert_records(filter, size, after.as_deref()).await.expect("a page");
        assert!(slice.items.len() == size || !slice.has_next, "only the last page is short");
        after = slice.items.last().map(|(cursor, _)| cursor.clone());
        records.extend(slice.items.into_iter().map(|(_, record)| record));
        if !slice.has_next {
            return records;
        }
    }
}

/// A problem is over by itself, or stands as its incident does.
async fn in_step(models: &ReadModels, all: &[AlertRecord]) -> Result<(), TestCaseError> {
    let ids: Vec<IncidentId> = all.iter().map(|record| record.incident).collect();
    let views = models.incidents_by_ids(&ids).await.expect("an answer");
    for record in all {
        let view = views.iter().find(|view| view.id == record.incident).expect("its incident");
        let is_over = record.grouped && record.status == AlertStatus::Resolved;
        prop_assert!(is_over || record.status == view.status.into(), "{:?} in {:?}", record, view);
        prop_assert_eq!(record.status == AlertStatus::Resolved, record.ended_at.is_some());
        prop_assert_eq!((record.service, record.team), (view.service, view.team));
    }
    let told: u64 = all.iter().map(|record| record.occurrences).sum();
    prop_assert_eq!(told, views.iter().map(|view| view.alert_count).sum::<u64>());
    Ok(())
}

async fn counted(
    models: &ReadModels,
    all: &[AlertRecord],
    filter: &AlertFilter,
) -> Result<(), TestCaseError> {
    let filter = StatisticsFilter {
        integration: filter.integration.clone(),
        service: filter.service.clone(),
        team: filter.team.clone(),
    };
    let until = START.plus_seconds(86_400);
    let statistics = models.alert_statistics(START, until, &filter).await.expect("statistics");
    let all: Vec<_> = all
        .iter()
        .filter(|record| {
            one_of(&filter.integration, Some(&record.integration))
                && one_of(&filter.service, Some(&record.service))
                && one_of(&filter.team, record.team.as_ref())
        })
        .collect();
    let count = |is: &dyn Fn(&AlertRecord) -> bool| all.iter().filter(|record| is(record)).count() as u64;
    prop_assert_eq!(statistics.total, all.len() as u64);
    for (severity, number) in statistics.severities {
        prop_assert_eq!(number, count(&|record| record.severity == severity));
    }
    for (status, number) in statistics.statuses {
        prop_assert_eq!(number, count(&|record| record.status == status));
    }
    for (begins, number) in &statistics.days {
        let ends = Timestamp::from_millis(begins.millis() + DAY);
        prop_assert_eq!(
            *number,
            count(&|record| record.first_seen_at >= *begins && record.first_seen_at < ends)
        );
    }
    prop_assert_eq!(statistics.days.len(), 2, "the time begins and ends within a day");
    for (id, number) in &statistics.integrations {
        prop_assert!(*number > 0);
        prop_assert_eq!(*number, count(&|record| record.integration == *id));
    }
    let by_integration: u64 = statistics.integrations.iter().map(|(_, number)| number).sum();
    prop_assert_eq!(by_integration, statistics.total);
    Ok(())
}

async fn check(place: Place, steps: &[Step], filters: &[(AlertFilter, usize)]) -> Result<(), TestCaseError> {
    let mut world = World::new();
    happen(&mut world, steps).await;
    let models = place.open(&world.store).await;
    models.rebuild(&mut |_| {}).await.expect("it rebuilds");
    let all = every(&models, &AlertFilter::default(), 7).await;
    let numbers: Vec<_> = all.iter().map(|record| record.id.number()).collect();
    prop_assert_eq!(numbers, (1..=all.len() as u64).rev().collect::<Vec<_>>());
    in_step(&models, &all).await?;
    for (filter, size) in filters {
        let expected: Vec<_> = all.iter().filter(|record| wanted(filter, record)).cloned().collect();
        prop_assert_eq!(every(&models, filter, *size).await, expected, "{:?}", filter);
        counted(&models, &all, filter).await?;
    }
    Ok(())
}

type Case = (Vec<Step>, Vec<(AlertFilter, usize)>);

fn cases() -> impl Strategy<Value = Case> {
    (steps(200), vec((filters(), 1..5_usize), 1..12))
}

#[test]
fn problems_are_found_as_a_naive_reading_finds_them_in_sqlite() {
    let runtime = Runtime::new().expect("a runtime");
    proptest!(ProptestConfig::with_cases(32), |((steps, filters) in cases())| {
        runtime.block_on(check(Place::sqlite(), &steps, &filters))?;
    });
}

#[test]
fn problems_are_found_as_a_naive_reading_finds_them_in_postgres() {
    try_in_postgres(12, &cases(), async |place, (steps, filters)| check(place, &steps, &filters).await);
}
