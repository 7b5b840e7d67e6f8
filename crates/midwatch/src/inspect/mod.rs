//! Looking at the log from the command line.

mod export;
mod rebuild;
mod replay;
mod verify;

pub use export::export;
pub use rebuild::rebuild;
pub use replay::replay;
pub use verify::verify;

use std::io::{IsTerminal, Write, stderr};

/// Events read at a time.
const PAGE: usize = 1000;

/// Shows how far something is, on a terminal only.
fn progress(doing: &str, done: u64, of: u64) {
    if stderr().is_terminal() {
        let percent = done.saturating_mul(100).checked_div(of).unwrap_or(100);
        // Not being able to show progress is no reason to stop.
        let _ = write!(stderr(), "\r{doing}: {done} of {of} events, {percent} %");
        if done >= of {
            let _ = writeln!(stderr());
        }
    }
}
