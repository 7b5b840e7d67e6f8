//! What is said of a message, or of those of its alerts that led to nothing.
//!
//! Alerts of one message are settled side by side. What comes of them together is recorded together: one append to the
//! message's stream, however many alerts it has. Alerts that were held back may settle later, and lead to another one.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    fmt::Write,
    sync::Arc,
};

use commands::{CommandError, EngineError, MetadataExt, mint};
use domain::{
    DeliveryId, IntegrationId,
    delivery::{Delivery, DeliveryCommand, Finding, Verdict},
};
use futures::{StreamExt, stream};
use store::{Metadata, Recorded, StoreError};
use uuid::Uuid;

use super::{AT_ONCE, replays};
use crate::{Parts, retry::Backoff};

/// One thing that is said of a message.
#[derive(Clone, Debug)]
pub(super) struct Conclusion {
    pub(super) integration: IntegrationId,
    pub(super) finding: Finding,
    /// The event that asks for it: that the message came, or is to be decided again.
    pub(super) cause: Arc<Recorded>,
}

/// Everything that is said of one message at one time.
struct Said {
    integration: IntegrationId,
    findings: Vec<Finding>,
    cause: Arc<Recorded>,
}

/// Records conclusions, those of one message together.
pub(super) async fn conclude(parts: &Parts, conclusions: Vec<Conclusion>) {
    stream::iter(by_message(conclusions)).for_each_concurrent(AT_ONCE, |said| record(parts, said)).await;
}

/// Conclusions by what asks for them, both in order.
fn by_message(conclusions: Vec<Conclusion>) -> Vec<Said> {
    let mut all: Vec<Said> = vec![];
    let mut index: HashMap<Uuid, usize> = HashMap::new();
    for Conclusion { integration, finding, cause } in conclusions {
        match index.entry(cause.id) {
            Entry::Occupied(known) => all[*known.get()].findings.push(finding),
            Entry::Vacant(free) => {
                free.insert(all.len());
                all.push(Said { integration, findings: vec![finding], cause });
            }
        }
    }
    all
}

async fn record(parts: &Parts, said: Said) {
    let Said { integration, findings, cause } = said;
    let Some(delivery) = cause.stream_uuid().map(DeliveryId::new) else { return };
    let concluding = |findings: Vec<Finding>| {
        let command_id = mint::derived_at(cause.recorded_at, replays::origin(&cause), &purpose(&findings));
        let command = DeliveryCommand::ConcludeDelivery { integration, findings, at: parts.engine.now() };
        (command, Metadata::reacting("intake", command_id, &cause))
    };
    let (mut command, mut metadata) = concluding(findings);
    let (mut backoff, mut is_brief) = (Backoff::default(), false);
    loop {
        match parts.engine.execute::<Delivery>(delivery, &command, &metadata).await {
            Ok(_) => return,
            Err(CommandError::Rejected(rejection)) => {
                tracing::error!(%delivery, %rejection, "a delivery could not be concluded");
                return;
            }
            // Waiting makes no event smaller: what cannot be said in full is said in brief.
            Err(CommandError::Fault(EngineError::Store(fault @ StoreError::Refused(_)))) => {
                tracing::error!(%delivery, %fault, "the log refuses what became of a delivery");
                metrics::counter!("midwatch_intake_refused_total").increment(1);
                if std::mem::replace(&mut is_brief, true) {
                    return;
                }
                let brief = Finding::whole(Verdict::Rejected, "what became of it cannot be recorded");
                (command, metadata) = concluding(vec![brief]);
            }
            Err(CommandError::Fault(fault)) => backoff.wait("intake", &fault).await,
        }
    }
}

/// What tells one command about a message from another: the problems that it is about, whatever is said of them. After a
/// crash the same problems may be settled with others than before; then it is another command, of which the message's
/// own state leaves out what it knows.
fn purpose(findings: &[Finding]) -> String {
    let problems: BTreeSet<&String> = findings.iter().flat_map(|finding| &finding.problems).collect();
    let mut purpose = "conclude".to_owned();
    for problem in problems {
        let _ = write!(purpose, " {}:{problem}", problem.len());
    }
    purpose
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(problems: &[&str], reason: &str) -> Finding {
        let problems = problems.iter().map(|key| (*key).to_owned()).collect();
        Finding { problems, ..Finding::whole(Verdict::Ignored, reason) }
    }

    #[test]
    fn a_command_is_known_by_what_it_is_about_in_whatever_order_and_words() {
        let together = purpose(&[about(&["a", "b"], "unknown"), about(&["c"], "dropped")]);
        assert_eq!(together, purpose(&[about(&["c"], "too late"), about(&["b"], "x"), about(&["a"], "x")]));
        assert_ne!(together, purpose(&[about(&["a", "b"], "unknown")]), "the rest is another command");
        assert_ne!(purpose(&[about(&["a", "b"], "x")]), purpose(&[about(&["a 1:b"], "x")]));
        // What was decided by an earlier version is known by this.
        assert_eq!(purpose(&[about(&[], "not understood")]), "conclude");
    }
}
