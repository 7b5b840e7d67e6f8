//! `midwatch export`: events as lines of JSON, for archives and for other eyes.

use std::io::{ErrorKind, Write};

use anyhow::Result;
use domain::Subject;
use serde::Serialize;
use serde_json::value::RawValue;
use store::{Filter, Metadata, Position, Recorded};

use super::{PAGE, verify::hex};
use crate::{Config, node::open_log};

/// One line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    position: Position,
    stream: &'a str,
    version: u64,
    id: uuid::Uuid,
    r#type: &'a str,
    recorded_at: domain::Timestamp,
    metadata: &'a Metadata,
    subjects: &'a [Subject],
    payload: &'a RawValue,
    hash: String,
}

/// Writes every event after `after` that concerns `subject`, or every one.
pub async fn export(
    config: &Config,
    after: Position,
    subject: Option<&Subject>,
    out: &mut (dyn Write + Send),
) -> Result<()> {
    let store = open_log(config).await?;
    let stream = subject.map(Subject::stream);
    let mut after = after;
    loop {
        let events = store.read(after, PAGE, &Filter::All).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        for event in &events {
            if subject.is_none_or(|subject| concerns(event, subject, stream.as_deref()))
                && let Err(error) = line(event, out)
            {
                // Whoever read us has seen enough.
                let hung_up = error.io_error_kind() == Some(ErrorKind::BrokenPipe);
                return if hung_up { Ok(()) } else { Err(error.into()) };
            }
        }
    }
    out.flush()?;
    store.close().await;
    Ok(())
}

/// Whether an event is a subject's own, or shown on its timeline.
pub(super) fn concerns(event: &Recorded, subject: &Subject, stream: Option<&str>) -> bool {
    stream == Some(&*event.stream) || event.subjects.contains(subject)
}

fn line(event: &Recorded, out: &mut (dyn Write + Send)) -> serde_json::Result<()> {
    let line = Line {
        position: event.position,
        stream: &event.stream,
        version: event.version,
        id: event.id,
        r#type: &event.kind,
        recorded_at: event.recorded_at,
        metadata: &event.metadata,
        subjects: &event.subjects,
        payload: serde_json::from_slice(&event.payload)?,
        hash: hex(&event.hash),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n").map_err(serde_json::Error::io)
}
