//! How many alerts there were, of each kind.

use async_graphql::{Context, ID, Object, SimpleObject};
use domain::Timestamp;
use projections::StatisticsFilter;

use super::{
    caller::{Caller, parse_all},
    fault::Fault,
    integration::Integration,
    scalar::{DateTime, Position},
    words::{AlertStatus, Severity},
};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;
/// How many days there are statistics of unless the caller says otherwise, today included.
const DAYS: i64 = 7;
/// Of how many days at most.
const MOST_DAYS: i64 = 90;

/// How many problems monitoring tools told of for the first time on some days. A day is one of UTC.
#[derive(SimpleObject)]
pub(super) struct AlertStatistics {
    /// When the first day begins.
    from: DateTime,
    /// When the last day ends.
    to: DateTime,
    /// How many there were.
    total: u64,
    /// By how bad they were at their worst, the worst first.
    by_severity: Vec<SeverityCount>,
    /// By how they stand now.
    by_status: Vec<AlertStatusCount>,
    /// By the day, each of them, the oldest first.
    by_day: Vec<DayCount>,
    /// By the integration that they came through first, those with the most first.
    by_integration: Vec<IntegrationCount>,
}

/// How many alerts were as bad as this.
#[derive(SimpleObject)]
struct SeverityCount {
    /// How bad.
    severity: Severity,
    /// How many.
    count: u64,
}

/// How many alerts stand like this.
#[derive(SimpleObject)]
struct AlertStatusCount {
    /// How they stand.
    status: AlertStatus,
    /// How many.
    count: u64,
}

/// How many alerts there were on a day.
#[derive(SimpleObject)]
struct DayCount {
    /// When the day begins.
    day: DateTime,
    /// How many.
    count: u64,
}

/// How many alerts came through an integration first.
#[derive(SimpleObject)]
struct IntegrationCount {
    /// Which integration.
    integration: Option<Integration>,
    /// How many.
    count: u64,
}

#[derive(Default)]
pub(super) struct AlertStatisticsQuery;

#[Object]
impl AlertStatisticsQuery {
    /// How many alerts there were, by the days in UTC that a time touches: the last seven days if not given, at most 90
    /// days. What is left out or empty wants all services, teams or integrations.
    #[graphql(complexity = "200 + 20 * child_complexity")]
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the schema")]
    async fn alert_statistics(
        &self,
        ctx: &Context<'_>,
        from: Option<DateTime>,
        to: Option<DateTime>,
        service_ids: Option<Vec<ID>>,
        team_ids: Option<Vec<ID>>,
        integration_ids: Option<Vec<ID>>,
        wait_for: Option<Position>,
    ) -> Result<AlertStatistics, Fault> {
        let caller = Caller::reading(ctx, wait_for).await?;
        let (from, to) = window(caller.now(), from, to)?;
        let filter = StatisticsFilter {
            integration: parse_all(integration_ids.as_ref())?,
            service: parse_all(service_ids.as_ref())?,
            team: parse_all(team_ids.as_ref())?,
        };
        let counted = caller.app.reads.alert_statistics(from, to, &filter).await?;
        let directory = caller.app.directory.now();
        let by_severity = counted.severities.into_iter();
        let by_status = counted.statuses.into_iter();
        let by_day = counted.days.into_iter();
        let by_integration = counted.integrations.into_iter();
        Ok(AlertStatistics {
            from: DateTime(counted.from),
            to: DateTime(counted.until),
            total: counted.total,
            by_severity: by_severity
                .map(|(severity, count)| SeverityCount { severity: severity.into(), count })
                .collect(),
            by_status: by_status
                .map(|(status, count)| AlertStatusCount { status: status.into(), count })
                .collect(),
            by_day: by_day.map(|(day, count)| DayCount { day: DateTime(day), count }).collect(),
            by_integration: by_integration
                .map(|(id, count)| IntegrationCount { integration: Integration::find(&directory, id), count })
                .collect(),
        })
    }
}

/// The time that is asked for.
fn window(
    now: Timestamp,
    from: Option<DateTime>,
    to: Option<DateTime>,
) -> Result<(Timestamp, Timestamp), Fault> {
    // What came a moment ago counts, if nobody says until when.
    let to = to.map_or_else(|| Timestamp::from_millis(now.millis() + 1), |DateTime(to)| to);
    let ago = || Timestamp::from_millis(to.millis().saturating_sub((DAYS - 1) * DAY + 1));
    let from = from.map_or_else(ago, |DateTime(from)| from);
    if to <= from {
        return Err(Fault::BadInput(format!("to must be later than from, {from}")));
    }
    if to.millis().saturating_sub(from.millis()) > MOST_DAYS * DAY {
        return Err(Fault::BadInput(format!("to must be at most {MOST_DAYS} days later than from, {from}")));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn seven_days_are_meant_unless_somebody_says_otherwise() {
        let now = at("2026-11-24T03:00:00Z");
        let (from, to) = window(now, None, None).expect("a window");
        assert_eq!((from, to), (at("2026-11-18T03:00:00Z"), at("2026-11-24T03:00:00.001Z")));
        let midnight = DateTime(at("2026-11-24T00:00:00Z"));
        let (from, _) = window(now, None, Some(midnight)).expect("a window");
        assert_eq!(from, at("2026-11-17T23:59:59.999Z"), "the day that ends then is one of the seven");
    }

    #[test]
    fn a_time_that_is_too_long_or_ends_before_it_begins_is_refused() {
        let now = at("2026-11-24T03:00:00Z");
        let days = |days: i64| DateTime(Timestamp::from_millis(now.millis() - days * DAY));
        let why = |from, to| window(now, Some(from), Some(to)).expect_err("refused").message();
        assert!(window(now, Some(days(90)), Some(days(0))).is_ok());
        assert_eq!(
            why(days(91), days(0)),
            "to must be at most 90 days later than from, 2026-08-25T03:00:00.000Z"
        );
        assert_eq!(why(days(1), days(1)), "to must be later than from, 2026-11-23T03:00:00.000Z");
        let first = DateTime(Timestamp::from_millis(i64::MIN));
        assert!(why(first, days(0)).contains("at most 90 days"));
    }
}
