//! How many messages came through an integration lately, and what became of them.

use async_graphql::SimpleObject;
use domain::{IntegrationId, Timestamp, integration::Hourly};

use super::{fault::Fault, scalar::DateTime, words::DeliveryVerdict};
use crate::App;

/// How many messages came through an integration in the last hours, and what became of them.
#[derive(SimpleObject)]
pub(super) struct DeliveryCounts {
    /// Since when.
    since: DateTime,
    /// By what first became of them, each verdict once.
    verdicts: Vec<DeliveryVerdictCount>,
    /// Without a verdict yet.
    undecided: u64,
    /// That were not understood.
    rejected: u64,
    /// That did not prove themselves, from the full hour before `since` on, as far as that was noted: once a minute.
    refused: u64,
    /// Beyond the rate limit, from the full hour before `since` on, as far as that was noted: once a minute.
    limited: u64,
    /// Whether the numbers are exact. If not, there were more than the 100,000 that are counted of each verdict.
    exact: bool,
}

/// How many messages first became of this.
#[derive(SimpleObject)]
struct DeliveryVerdictCount {
    /// What became of them.
    verdict: DeliveryVerdict,
    /// How many.
    count: u64,
}

impl DeliveryCounts {
    /// Counts. `noted`: messages that did not prove themselves, and those beyond the rate limit.
    pub(super) async fn of(
        app: &App,
        integration: IntegrationId,
        noted: &[Hourly; 2],
        hours: i32,
    ) -> Result<Self, Fault> {
        let most = Hourly::HOURS;
        let Some(hours) = u32::try_from(hours).ok().filter(|hours| (1..=most).contains(hours)) else {
            return Err(Fault::BadInput(format!("hours must be from 1 to {most}, not {hours}")));
        };
        let since = Timestamp::from_millis(app.engine.now().millis() - i64::from(hours) * 3_600_000);
        let counted = app.reads.delivery_counts(integration, since).await?;
        let rejected = |(verdict, _): &&(_, u64)| *verdict == projections::DeliveryVerdict::Rejected;
        let [refused, limited] = noted.each_ref().map(|hourly| hourly.since(since));
        Ok(Self {
            since: DateTime(since),
            undecided: counted.undecided,
            rejected: counted.verdicts.iter().find(rejected).map_or(0, |(_, count)| *count),
            refused,
            limited,
            exact: counted.is_exact(),
            verdicts: counted
                .verdicts
                .into_iter()
                .map(|(verdict, count)| DeliveryVerdictCount { verdict: verdict.into(), count })
                .collect(),
        })
    }
}
