//! `midwatch replay`: the story of one subject, or of everything, in words.

use std::{
    io::{ErrorKind, Write},
    sync::Arc,
};

use anyhow::{Result, bail};
use commands::DirectoryHandle;
use domain::{Subject, schedule::Tzdb};
use store::{Filter, Position};

use super::{PAGE, export::concerns};
use crate::{Config, node::open_log};

/// Tells what happened up to `until`, to a subject or at all, oldest first.
pub async fn replay(
    config: &Config,
    subject: Option<&Subject>,
    until: Option<Position>,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    let store = open_log(config).await?;
    let directory = DirectoryHandle::start(store.clone(), Arc::new(Tzdb::bundled())).await?.now();
    let (stream, until) = (subject.map(Subject::stream), until.unwrap_or(Position::MAX));
    let (mut after, mut told) = (0, 0_u64);
    while after < until {
        let events = store.read(after, PAGE, &Filter::All).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        for event in events.iter().take_while(|event| event.position <= until) {
            if subject.is_none_or(|subject| concerns(event, subject, stream.as_deref())) {
                told += 1;
                let sentence = api::graphql::sentence(&directory, event);
                if let Err(error) = writeln!(out, "{:>8}  {}  {sentence}", event.position, event.recorded_at)
                {
                    // Whoever read us has seen enough.
                    let hung_up = error.kind() == ErrorKind::BrokenPipe;
                    return if hung_up { Ok(()) } else { Err(error.into()) };
                }
            }
        }
    }
    out.flush()?;
    store.close().await;
    match subject {
        Some(subject) if told == 0 => bail!("the log has no event about {subject}"),
        _ => Ok(()),
    }
}
