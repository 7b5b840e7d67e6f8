//! `midwatch verify`: is the log what was written?

use std::io::Write;

use anyhow::Result;
use store::Verified;

use crate::{Config, node::open_log};

/// Walks the hash chain, says what it found, and returns whether the log is intact.
pub async fn verify(config: &Config, out: &mut (dyn Write + Send)) -> Result<bool> {
    let store = open_log(config).await?;
    let head = store.head();
    let verified = store.verify(&mut |at| super::progress("verifying", at, head)).await?;
    let intact = match verified {
        Verified::Intact { events, hash } => {
            writeln!(out, "intact: {events} events, hash {}", hex(&hash))?;
            true
        }
        Verified::Tampered { position, why } => {
            writeln!(out, "tampered with at position {position}: {why}")?;
            false
        }
    };
    store.close().await;
    Ok(intact)
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
