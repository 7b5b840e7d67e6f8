//! Durations in order, and counts over time.

use std::time::Duration;

/// How long many things took.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    sorted: Vec<Duration>,
}

impl Latencies {
    pub(crate) fn of(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self { sorted: all }
    }

    pub(crate) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The duration that `per_mille` of them do not exceed; zero if there are none.
    pub(crate) fn quantile(&self, per_mille: usize) -> Duration {
        let rank = (self.sorted.len() * per_mille).div_ceil(1000);
        self.sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
    }

    pub(crate) fn p50(&self) -> Duration {
        self.quantile(500)
    }

    pub(crate) fn p99(&self) -> Duration {
        self.quantile(990)
    }

    pub(crate) fn worst(&self) -> Duration {
        self.quantile(1000)
    }
}

/// How many in a second.
pub(crate) fn rate(count: usize, time: Duration) -> f64 {
    number(count) / time.as_secs_f64().max(1e-9)
}

/// A count as a number to calculate with; counts here stay far below 2^32.
pub(crate) fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The middle one; zero if there are none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
