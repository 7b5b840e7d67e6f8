//! How many problems were there, of each kind?

use domain::{IntegrationId, ServiceId, Severity, TeamId, Timestamp};
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use uuid::Uuid;

use super::{
    counts::{COUNTS, beginning, day},
    record::AlertStatus,
};
use crate::{ReadError, ReadModels, db::Row, list::severity_of};

/// Of which problems there are statistics. What is empty wants all of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatisticsFilter {
    /// That came through one of these entrances first.
    pub integration: Vec<IntegrationId>,
    /// Of one of these services.
    pub service: Vec<ServiceId>,
    /// Looked after by one of these teams.
    pub team: Vec<TeamId>,
}

/// How many problems were first told of on some days in UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertStatistics {
    /// When the first day begins.
    pub from: Timestamp,
    /// When the last day ends.
    pub until: Timestamp,
    /// How many there were.
    pub total: u64,
    /// By their worst severity, the worst first.
    pub severities: Vec<(Severity, u64)>,
    /// By how they stand now.
    pub statuses: Vec<(AlertStatus, u64)>,
    /// By the beginning of the day, each day of the time.
    pub days: Vec<(Timestamp, u64)>,
    /// By the entrance that they came through first, those with the most first. Without those that none came through.
    pub integrations: Vec<(IntegrationId, u64)>,
}

impl ReadModels {
    /// Counts the problems that were first told of on the days that a time touches.
    pub async fn alert_statistics(
        &self,
        from: Timestamp,
        until: Timestamp,
        filter: &StatisticsFilter,
    ) -> Result<AlertStatistics, ReadError> {
        // At least one day, also of a time that ends before it begins.
        let last = Timestamp::from_millis(until.millis().saturating_sub(1));
        let days = (day(from), day(std::cmp::max(from, last)));
        let queries = ["severity", "status", "day", "integration"];
        let queries = queries.map(|column| sums(column, days, filter)).to_vec();
        let mut answers = self.db().selects(queries).await?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        let severities = pairs(next(), |row| severity_of(row.take()?))?;
        let statuses = pairs(next(), |row| AlertStatus::of(row.take()?))?;
        let counted = pairs(next(), Row::take::<i64>)?;
        let mut integrations = pairs(next(), |row| Ok(IntegrationId::new(row.take()?)))?;
        integrations.retain(|(_, problems)| *problems > 0);
        integrations.sort_by_key(|(id, problems)| (std::cmp::Reverse(*problems), *id));
        Ok(AlertStatistics {
            from: beginning(days.0),
            until: beginning(days.1 + 1),
            total: statuses.iter().map(|(_, problems)| problems).sum(),
            severities: each(Severity::ALL, &severities),
            statuses: each(AlertStatus::ALL, &statuses),
            days: each(days.0..=days.1, &counted)
                .into_iter()
                .map(|(day, problems)| (beginning(day), problems))
                .collect(),
            integrations,
        })
    }
}

/// The question for how many there are with each value of a column.
fn sums(column: &'static str, days: (i64, i64), filter: &StatisticsFilter) -> SelectStatement {
    let bytes = |id: Uuid| id.as_bytes().to_vec();
    let mut query = Query::select()
        .column(column)
        // Sums are wider than what is summed, to PostgreSQL.
        .expr(Expr::col("problems").sum().cast_as("bigint"))
        .from(COUNTS.name)
        .and_where(Expr::col("day").between(days.0, days.1))
        .group_by_col(column)
        .take();
    if !filter.integration.is_empty() {
        let ids = filter.integration.iter().map(|integration| bytes(integration.uuid()));
        query.and_where(Expr::col("integration").is_in(ids));
    }
    if !filter.service.is_empty() {
        query.and_where(
            Expr::col("service").is_in(filter.service.iter().map(|service| bytes(service.uuid()))),
        );
    }
    if !filter.team.is_empty() {
        query.and_where(Expr::col("team").is_in(filter.team.iter().map(|team| bytes(team.uuid()))));
    }
    query
}

fn pairs<T>(
    rows: Vec<Row>,
    read: impl Fn(&mut Row) -> Result<T, ReadError>,
) -> Result<Vec<(T, u64)>, ReadError> {
    rows.into_iter().map(|mut row| Ok((read(&mut row)?, row.take()?))).collect()
}

/// The number of each value, in this order.
fn each<T: PartialEq>(all: impl IntoIterator<Item = T>, counted: &[(T, u64)]) -> Vec<(T, u64)> {
    let number =
        |value: &T| counted.iter().find(|(known, _)| known == value).map_or(0, |(_, number)| *number);
    all.into_iter()
        .map(|value| {
            let number = number(&value);
            (value, number)
        })
        .collect()
}
