//! How many messages came through an entrance lately, and what became of them?

use domain::{IntegrationId, Timestamp};
use sea_query::{Asterisk, Expr, ExprTrait, Func, Query, SelectStatement};

use super::{DeliveryVerdict, TABLE, VERDICTS};
use crate::{ReadError, ReadModels};

/// How many messages came through an entrance since some instant, by what first became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryCounts {
    /// With each verdict, also those that none has; at most [`DeliveryCounts::MOST`] of each.
    pub verdicts: Vec<(DeliveryVerdict, u64)>,
    /// Without a verdict yet, at most as many.
    pub undecided: u64,
}

impl DeliveryCounts {
    /// So far is counted.
    pub const MOST: u64 = 100_000;

    /// Whether everything was counted to its end.
    pub fn is_exact(&self) -> bool {
        let mut counts = self.verdicts.iter().map(|(_, count)| *count).chain([self.undecided]);
        counts.all(|count| count < Self::MOST)
    }
}

impl ReadModels {
    /// Counts what came through an entrance at an instant or later.
    pub async fn delivery_counts(
        &self,
        integration: IntegrationId,
        since: Timestamp,
    ) -> Result<DeliveryCounts, ReadError> {
        let walks = VERDICTS.map(|verdict| count(integration, Some(verdict), since));
        let walks = walks.into_iter().chain([count(integration, None, since)]).collect();
        let mut counts = vec![];
        for rows in self.db().selects(walks).await? {
            counts.push(rows.into_iter().next().map_or(Ok(0), |mut row| row.take())?);
        }
        let undecided = counts.pop().unwrap_or(0);
        Ok(DeliveryCounts { verdicts: VERDICTS.into_iter().zip(counts).collect(), undecided })
    }
}

/// A walk along the index, to its end or as far as is counted.
fn count(integration: IntegrationId, verdict: Option<DeliveryVerdict>, since: Timestamp) -> SelectStatement {
    let is_such = match verdict.and_then(DeliveryVerdict::number) {
        Some(number) => Expr::col("verdict").eq(i64::from(number)),
        None => Expr::col("verdict").is_null(),
    };
    let such = Query::select()
        .column("received_at")
        .from(TABLE.name)
        .and_where(Expr::col("integration").eq(integration.uuid().as_bytes().to_vec()))
        .and_where(is_such)
        .and_where(Expr::col("received_at").gte(since.millis()))
        .limit(DeliveryCounts::MOST)
        .take();
    Query::select().expr(Func::count(Expr::col(Asterisk))).from_subquery(such, "such").take()
}
