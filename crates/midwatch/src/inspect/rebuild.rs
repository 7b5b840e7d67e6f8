//! `midwatch rebuild`: the read models, from the log.

use std::{io::Write, time::Instant};

use anyhow::{Context, Result};
use projections::ReadModels;

use crate::{Config, node::open_log};

/// Folds the whole log into new tables beside the live ones, swaps, and says how fast that was.
pub async fn rebuild(config: &Config, out: &mut (dyn Write + Send)) -> Result<()> {
    let store = open_log(config).await?;
    let head = store.head();
    let reads =
        ReadModels::open(store.clone(), &config.reads()?).await.context("cannot open the read models")?;
    let started = Instant::now();
    let rebuilt = reads.rebuild(&mut |at| super::progress("rebuilding", at, head)).await?;
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = rebuilt.position as f64 / seconds.max(0.001);
    writeln!(out, "rebuilt: {} events in {seconds:.1} s, {rate:.0} events/s", rebuilt.position)?;
    writeln!(out, "digest: {}", reads.digest().await?)?;
    drop(reads);
    store.close().await;
    Ok(())
}
