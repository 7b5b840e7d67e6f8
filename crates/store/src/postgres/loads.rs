//! Loading streams: whoever asks while a load is under way shares the next statement with all who wait.
//!
//! A page that is about to be sent looks at its incident as the log has it now. In a storm these are thousands of looks in
//! a second, and a statement for a few dozen of them costs hardly more than a statement for one.

use std::sync::Arc;

use tokio::sync::{
    Mutex,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
    oneshot,
};

use super::{
    decoded,
    fault::Fault,
    reader::Reader,
    rows::{columns, decode, events},
    types::split,
};
use crate::{Recorded, StoreError, row::Row};

/// Streams that a statement loads at most.
const TOGETHER: usize = 32;
/// Statements under way at once.
const AT_ONCE: usize = 2;
/// Events of a stream that a shared statement returns at most: a long stream is loaded by itself, so that nobody else
/// waits for it.
const SHORT: usize = 8;
/// A long stream is loaded in parts of so many events.
const PART: i64 = 1000;

/// What a load comes to.
type Loaded = Result<Vec<Recorded>, StoreError>;

/// One who asks for the events of a stream after a version.
struct Asked {
    stream: String,
    after: i64,
    answer: oneshot::Sender<Loaded>,
}

/// Where streams are asked for.
#[derive(Debug)]
pub(super) struct Loads(UnboundedSender<Asked>);

impl Loads {
    /// Starts loading, until what is returned goes away.
    pub(super) fn start(reader: &Arc<Reader>) -> Self {
        let (ask, asked) = mpsc::unbounded_channel();
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..AT_ONCE {
            tokio::spawn(serve(Arc::clone(&asked), Arc::clone(reader)));
        }
        Self(ask)
    }

    /// The events of a stream with a version above `after`, all that were durable when this was called.
    pub(super) async fn load(&self, stream: &str, after: u64) -> Loaded {
        let after = i64::try_from(after).unwrap_or(i64::MAX);
        let (answer, answered) = oneshot::channel();
        self.0.send(Asked { stream: stream.to_owned(), after, answer }).map_err(|_| StoreError::closed())?;
        answered.await.map_err(|_| StoreError::closed())?
    }
}

async fn serve(asked: Arc<Mutex<UnboundedReceiver<Asked>>>, reader: Arc<Reader>) {
    loop {
        let mut group = Vec::with_capacity(TOGETHER);
        if asked.lock().await.recv_many(&mut group, TOGETHER).await == 0 {
            return;
        }
        // Whoever does not wait any longer need not be looked for.
        group.retain(|asked| !asked.answer.is_closed());
        if group.is_empty() {
            continue;
        }
        match together(&reader, &group).await {
            Ok(found) => {
                for (asked, first) in group.into_iter().zip(found) {
                    tell(&reader, asked, first);
                }
            }
            Err(fault) => {
                let fault = StoreError::from(fault);
                // The next statement would wait as long in vain. Who holds the lock waits because nobody has asked.
                if let Ok(mut asked) = asked.try_lock() {
                    group.extend(std::iter::from_fn(|| asked.try_recv().ok()));
                }
                for asked in group {
                    let _gone = asked.answer.send(Err(fault.clone()));
                }
            }
        }
    }
}

/// Answers, or loads the rest of a long stream first.
fn tell(reader: &Arc<Reader>, asked: Asked, first: Result<Vec<Row>, Fault>) {
    let mut rows = match first {
        Ok(rows) if rows.len() == SHORT && !asked.answer.is_closed() => rows,
        Ok(rows) => return drop(asked.answer.send(decoded(rows))),
        Err(fault) => return drop(asked.answer.send(Err(fault.into()))),
    };
    let reader = Arc::clone(reader);
    tokio::spawn(async move {
        let after = rows.last().map_or(asked.after, |row| row.version.cast_signed());
        let loaded = match rest(&reader, &asked.stream, after).await {
            Ok(others) => {
                rows.extend(others);
                decoded(rows)
            }
            Err(fault) => Err(fault.into()),
        };
        let _gone = asked.answer.send(loaded);
    });
}

/// The first events of each, in the order of the group.
async fn together(reader: &Reader, group: &[Asked]) -> Result<Vec<Result<Vec<Row>, Fault>>, Fault> {
    let (categories, ids): (Vec<_>, Vec<_>) = group.iter().map(|asked| split(&asked.stream)).unzip();
    let after: Vec<_> = group.iter().map(|asked| asked.after).collect();
    let sql = concat!(
        "SELECT ",
        columns!(),
        ", place FROM unnest($1::text[], $2::text[], $3::bigint[]) WITH ORDINALITY AS asked (category, id, after, place) \
         CROSS JOIN LATERAL (SELECT * FROM events WHERE aggregate_type = asked.category AND aggregate_id = asked.id \
         AND sequence > asked.after ORDER BY sequence LIMIT $4) AS found ORDER BY place, sequence"
    );
    let most = i64::try_from(SHORT).unwrap_or(i64::MAX);
    let mut found: Vec<_> = group.iter().map(|_| vec![]).collect();
    for columns in reader.query(sql, &[&categories, &ids, &after, &most]).await? {
        let place = usize::try_from(columns.try_get::<_, i64>("place")? - 1).ok();
        let of = place.and_then(|place| found.get_mut(place));
        of.ok_or_else(|| {
            Fault::Damaged("the server answered for a stream that nobody asked for".to_owned())
        })?
        .push(decode(&columns));
    }
    // What is damaged of one stream is no fault of another's.
    Ok(found.into_iter().map(|rows| rows.into_iter().collect()).collect())
}

/// What a stream holds after a version.
async fn rest(reader: &Reader, stream: &str, mut after: i64) -> Result<Vec<Row>, Fault> {
    let (category, id) = split(stream);
    let sql = events!(
        "WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4"
    );
    let mut rows = vec![];
    loop {
        let part = reader.events(sql, &[&category, &id, &after, &PART]).await?;
        let whole = part.len() < usize::try_from(PART).unwrap_or(usize::MAX);
        after = part.last().map_or(after, |row| row.version.cast_signed());
        rows.extend(part);
        if whole {
            return Ok(rows);
        }
    }
}
