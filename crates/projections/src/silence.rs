//! How talkative is an integration: when did it speak last, and how long is it usually silent? Answered from what it
//! delivered.

use domain::{
    IntegrationId, Timestamp,
    integration::{Heard, Watch},
};
use sea_query::{Expr, ExprTrait, Order, Query};

use crate::{ReadError, ReadModels, deliveries::TABLE};

/// The last messages that tell how talkative an integration is.
const LOOKED_AT: u64 = 200;
/// With fewer messages there is nothing to tell.
const FEWEST: usize = 20;
/// How the log writes [`domain::delivery::Proof::Test`].
const TEST: &str = "test";

impl ReadModels {
    /// When the last message of a tool came through an entrance; a test says nothing about the tool.
    pub async fn last_heard(&self, integration: IntegrationId) -> Result<Option<Heard>, ReadError> {
        Ok(self.heard(integration, 1).await?.pop())
    }

    /// After how many seconds without a message an integration is probably in trouble: twice the longest of its usual
    /// pauses, within what can be watched for; none while it is hardly known.
    pub async fn usual_silence(&self, integration: IntegrationId) -> Result<Option<u32>, ReadError> {
        let heard = self.heard(integration, LOOKED_AT).await?;
        Ok(usual(&heard.iter().map(|heard| heard.at).collect::<Vec<_>>()))
    }

    /// When the last messages came through an entrance, newest first.
    async fn heard(&self, integration: IntegrationId, last: u64) -> Result<Vec<Heard>, ReadError> {
        let query = Query::select()
            .columns(["received_at", "position"])
            .from(TABLE.name)
            .and_where(Expr::col("integration").eq(integration.uuid().as_bytes().to_vec()))
            // Of a test, no tool was heard.
            .and_where(Expr::col("proof").ne(TEST))
            .order_by("position", Order::Desc)
            .limit(last)
            .take();
        let rows = self.db().select(query).await?.into_iter();
        rows.map(|mut row| Ok(Heard { at: row.take()?, position: row.take()? })).collect()
    }
}

/// Twice the longest pause that is not among the longest hundredth: one outage long ago says nothing about tomorrow.
fn usual(newest_first: &[Timestamp]) -> Option<u32> {
    if newest_first.len() < FEWEST {
        return None;
    }
    let mut pauses: Vec<_> = newest_first.windows(2).map(|pair| pair[0].since(pair[1])).collect();
    pauses.sort_unstable();
    let longest = pauses.len() - 1 - pauses.len() / 100;
    let seconds = u32::try_from(pauses[longest].saturating_mul(2).as_millis().div_ceil(1000));
    Some(seconds.unwrap_or(u32::MAX).clamp(Watch::SHORTEST_SECONDS, Watch::LONGEST_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages with these pauses between them, in seconds, newest first.
    fn messages(pauses: &[u64]) -> Vec<Timestamp> {
        let start = Timestamp::from_millis(1_764_000_000_000);
        let mut at = vec![start];
        at.extend(pauses.iter().scan(start, |now, pause| {
            *now = now.plus_seconds(*pause);
            Some(*now)
        }));
        at.reverse();
        at
    }

    #[test]
    fn few_messages_tell_nothing() {
        assert_eq!(usual(&messages(&[60; 18])), None);
        assert_eq!(usual(&messages(&[60; 19])), Some(120));
    }

    #[test]
    fn the_longest_pause_counts_unless_there_was_one_in_a_hundred() {
        let mut few = vec![60; 19];
        few[7] = 300;
        assert_eq!(usual(&messages(&few)), Some(600));
        let mut many = vec![60; 199];
        many[7] = 300;
        assert_eq!(usual(&messages(&many)), Some(120));
        many[90] = 240;
        assert_eq!(usual(&messages(&many)), Some(480));
    }

    #[test]
    fn what_is_suggested_can_be_set() {
        assert_eq!(usual(&messages(&[1; 30])), Some(Watch::SHORTEST_SECONDS));
        assert_eq!(usual(&messages(&[80 * 86_400; 30])), Some(Watch::LONGEST_SECONDS));
    }
}
