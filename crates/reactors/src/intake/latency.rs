//! How long messages wait for their decision.

use std::{collections::BTreeMap, time::Duration};

use domain::Timestamp;
use store::Position;

use super::{Conclusion, Problem};

/// When each of some messages was recorded, or was asked to be decided again.
pub(super) struct Latency(BTreeMap<Position, Timestamp>);

impl Latency {
    /// Of the messages that these speak for.
    pub(super) fn of(problems: &[Problem], conclusions: &[Conclusion]) -> Self {
        let requested = problems.iter().flatten().map(|request| &request.cause);
        let causes = requested.chain(conclusions.iter().map(|conclusion| &conclusion.cause));
        Self(causes.map(|cause| (cause.position, cause.recorded_at)).collect())
    }

    /// Tells the metrics that they are decided, and that it is durable. A message of which something is held back is
    /// told of once more when that is decided.
    pub(super) fn record(&self, now: Timestamp) {
        let decided = metrics::histogram!("midwatch_delivery_decided_seconds");
        self.waited(now).for_each(|waited| decided.record(waited));
    }

    fn waited(&self, now: Timestamp) -> impl Iterator<Item = Duration> {
        self.0.values().map(move |recorded_at| now.since(*recorded_at))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{AlertAction, delivery::Verdict};

    use super::{super::tests::request, *};

    #[test]
    fn a_message_counts_once_however_many_alerts_it_has() {
        let at = |position, millis| {
            let mut request = request("disk", AlertAction::Trigger);
            let cause = Arc::make_mut(&mut request.cause);
            (cause.position, cause.recorded_at) = (position, Timestamp::from_millis(millis));
            request
        };
        let problems = [vec![at(1, 500), at(2, 700)], vec![at(1, 500)]];
        let dropped = |position, millis| {
            at(position, millis).conclusion(Verdict::Suppressed, "a rule drops it".to_owned(), None)
        };
        let latency = Latency::of(&problems, &[dropped(2, 700), dropped(3, 900)]);
        let waited: Vec<_> = latency.waited(Timestamp::from_millis(1000)).map(|it| it.as_millis()).collect();
        assert_eq!(waited, [500, 300, 100]);
    }
}
