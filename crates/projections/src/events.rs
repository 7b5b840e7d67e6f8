//! What is in the log? Answered from the log itself.

use std::sync::Arc;

use store::{Filter, Position, Recorded};

use crate::{ReadError, ReadModels};

/// How many events one call looks at.
const CONSIDERED: usize = 10_000;
/// How many of them are read at a time.
const PART: usize = 1000;

/// A part of the log, as an auditor asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventPage {
    /// Events of the wanted types, ascending.
    pub events: Vec<Arc<Recorded>>,
    /// Everything up to here was considered: where to go on. One call considers a bounded part of the log, so that a
    /// page may be short or empty although the log goes on.
    pub through: Position,
    /// Whether the log goes on after `through`.
    pub has_next: bool,
}

impl ReadModels {
    /// Events in log order, of the wanted types (such as `incident.resolved.v1`) or, if `types` is empty, of all.
    pub async fn events(
        &self,
        types: &[String],
        after: Position,
        first: usize,
    ) -> Result<EventPage, ReadError> {
        let mut page = EventPage { events: Vec::new(), through: after, has_next: false };
        let mut considered = 0;
        while page.events.len() < first && considered < CONSIDERED {
            // Only as many as can all be wanted, if all are.
            let limit = if types.is_empty() { first - page.events.len() } else { PART };
            let part = self.store().read(page.through, limit.min(PART), &Filter::All).await?;
            if part.is_empty() {
                break;
            }
            considered += part.len();
            for event in part {
                if page.events.len() == first {
                    break;
                }
                page.through = event.position;
                if types.is_empty() || types.iter().any(|wanted| **wanted == *event.kind) {
                    page.events.push(Arc::new(event));
                }
            }
        }
        page.has_next = self.store().head() > page.through;
        Ok(page)
    }
}
