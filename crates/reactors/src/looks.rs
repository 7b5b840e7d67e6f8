//! How often a reactor looks into the read models.

use std::time::Duration;

use tokio::time::Instant;

/// The least time from one look to the next: under a load the read models move on some hundred times in a second.
const REST: Duration = Duration::from_millis(10);

/// The most that is rested after a look that took long.
const LONG_REST: Duration = Duration::from_millis(250);

/// When to look again at the earliest, after a look that began then and is over now. Looking takes half of the time at
/// most, unless it takes long.
pub(crate) fn next_look(began: Instant) -> Instant {
    let took = began.elapsed();
    began + REST.max(took + took.min(LONG_REST))
}
