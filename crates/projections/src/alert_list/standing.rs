//! Where problems are open that a monitoring tool names by their keys.

use domain::{IncidentId, IntegrationId};
use sea_query::{Expr, ExprTrait, SelectStatement};

use super::{ask::joined, record::AlertStatus};
use crate::{ReadError, ReadModels};

/// Up to so many keys are asked for at a time.
const TOGETHER: usize = 500;

/// A problem that is not over, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenProblem {
    /// Its own key, where several problems are grouped into one incident; otherwise the incident's.
    pub key: String,
    /// Whether the key is its own.
    pub grouped: bool,
    /// The incident that it belongs to.
    pub incident: IncidentId,
}

impl ReadModels {
    /// Problems with one of these keys that are not over, of those that came through this entrance first. It takes time in
    /// proportion to all that are open there.
    pub async fn open_problems(
        &self,
        integration: IntegrationId,
        keys: &[&str],
    ) -> Result<Vec<OpenProblem>, ReadError> {
        let mut open = vec![];
        for part in keys.chunks(TOGETHER) {
            for mut row in self.db().select(standing(integration, part)).await? {
                open.push(OpenProblem {
                    key: row.take()?,
                    grouped: row.take::<u32>()? == 1,
                    incident: IncidentId::new(row.take()?),
                });
            }
        }
        Ok(open)
    }
}

fn standing(integration: IntegrationId, keys: &[&str]) -> SelectStatement {
    let open = [AlertStatus::Open, AlertStatus::Acknowledged].map(|status| i64::from(status.number()));
    joined()
        .columns([("said", "key"), ("said", "own"), ("incidents", "id")])
        .and_where(Expr::col(("list", "integration")).eq(integration.uuid().as_bytes().to_vec()))
        .and_where(Expr::col(("list", "status")).is_in(open))
        // PostgreSQL's texts cannot hold the character 0.
        .and_where(Expr::col(("said", "key")).is_in(keys.iter().map(|key| key.replace('\0', "\u{fffd}"))))
        .take()
}
