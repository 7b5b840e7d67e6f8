//! `midwatch replay`: the story of one subject, in words.

use std::{io::Write, sync::Arc};

use anyhow::{Result, bail};
use commands::DirectoryHandle;
use domain::{Subject, schedule::Tzdb};
use store::{Filter, Position};

use super::{PAGE, export::concerns};
use crate::{Config, node::open_log};

/// Tells what happened to a subject up to `until`, oldest first.
pub async fn replay(
    config: &Config,
    subject: &Subject,
    until: Option<Position>,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    let store = open_log(config).await?;
    let directory = DirectoryHandle::start(store.clone(), Arc::new(Tzdb::bundled())).await?.now();
    let (stream, until) = (subject.stream(), until.unwrap_or(Position::MAX));
    let (mut after, mut told) = (0, 0_u64);
    'log: loop {
        let events = store.read(after, PAGE, &Filter::All).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        for event in &events {
            if event.position > until {
                break 'log;
            }
            if concerns(event, subject, Some(&stream)) {
                told += 1;
                let sentence = api::graphql::sentence(&directory, event);
                writeln!(out, "{:>8}  {}  {sentence}", event.position, event.recorded_at)?;
            }
        }
    }
    store.close().await;
    if told == 0 {
        bail!("the log has no event about {subject}");
    }
    Ok(())
}
