//! Learning what other nodes wrote.
//!
//! A connection of its own listens for the one notification that each batch sends; a poll covers what is lost
//! while it is down. This node's own groups come here too, to be told in the order of their positions.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{Mutex, watch},
    time::{sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use super::{
    fault::Fault,
    reader::Reader,
    rows::events,
    settings::{self, ANSWER, Driver, Settings},
};
use crate::{Position, StoreError, growth::Growth};

/// How long a notification may be missing before the head is looked up.
const POLL: Duration = Duration::from_millis(250);
/// How long a lane waits for the other one to tell of what stands before its own events.
const TURN: Duration = Duration::from_millis(2);
/// Of so many unknown events at most are any read to be remembered; tails read the others themselves.
const CATCH_UP: u64 = 2048;

/// What this node knows of the log's growth, and how it learns more.
#[derive(Debug)]
pub(super) struct Follower {
    growth: Arc<Growth>,
    reader: Arc<Reader>,
    /// How many lanes wait for the database.
    committing: AtomicUsize,
    filling: Mutex<()>,
}

/// A lane waits for the database as long as this lives.
pub(super) struct Committing(Arc<Follower>);

impl Drop for Committing {
    fn drop(&mut self) {
        self.0.committing.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Follower {
    pub(super) fn new(growth: Arc<Growth>, reader: Arc<Reader>) -> Self {
        Self { growth, reader, committing: AtomicUsize::new(0), filling: Mutex::new(()) }
    }

    pub(super) fn growth(&self) -> &Growth {
        &self.growth
    }

    /// Marks a group as under way.
    pub(super) fn committing(self: &Arc<Self>) -> Committing {
        self.committing.fetch_add(1, Ordering::AcqRel);
        Committing(Arc::clone(self))
    }

    /// Makes sure that everything up to `head`, which is durable, has been told: by the lane that wrote it, or
    /// from the database.
    pub(super) async fn reach(&self, head: Position) {
        if self.growth.head() >= head {
            return;
        }
        if self.committing.load(Ordering::Acquire) > 0 {
            let mut known = self.growth.watch();
            if timeout(TURN, known.wait_for(|known| *known >= head)).await.is_ok() {
                return;
            }
        }
        let _turn = self.filling.lock().await;
        let known = self.growth.head();
        if known < head && head - known <= CATCH_UP {
            let sql = events!("WHERE position > $1 AND position <= $2 ORDER BY position");
            // No more than a page's bytes of them; what is missing at the end is not remembered.
            let read = self.reader.some(sql, &[&known.cast_signed(), &head.cast_signed()]).await;
            match read.map_err(StoreError::from).and_then(|rows| {
                rows.into_iter().map(|row| row.decode().map(Arc::new)).collect::<Result<Vec<_>, _>>()
            }) {
                Ok(events) => self.growth.committed(events),
                Err(fault) => debug!(%fault, "recent events of other nodes are not remembered"),
            }
        }
        self.growth.advance(head);
    }

    /// Follows until it is told to stop. A lost connection is made again.
    pub(super) async fn run(self: Arc<Self>, settings: Settings, stop: CancellationToken) {
        let following = async {
            loop {
                if let Err(fault) = self.follow(&settings).await {
                    debug!(%fault, "following the log was interrupted");
                }
                sleep(POLL).await;
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = following => {}
        }
    }

    async fn follow(&self, settings: &Settings) -> Result<(), Fault> {
        let (client, driver) = settings.connect().await?;
        let told = watch::Sender::new(0);
        let mut news = told.subscribe();
        tokio::select! {
            ended = listen(driver, told) => ended,
            fault = async {
                settings::prepare(&client).await?;
                client.batch_execute("LISTEN midwatch_log").await?;
                loop {
                    let head = match timeout(POLL, news.changed()).await {
                        Ok(_) => *news.borrow_and_update(),
                        Err(_) => look_up(&client).await?,
                    };
                    self.reach(head).await;
                }
            } => fault,
        }
    }
}

/// Drives a connection and passes on the heads that it is notified of.
async fn listen(mut driver: Driver, told: watch::Sender<Position>) -> Result<(), Fault> {
    while let Some(message) = poll_fn(|cx| driver.poll_message(cx)).await {
        if let AsyncMessage::Notification(notification) = message?
            && let Ok(head) = notification.payload().parse::<Position>()
        {
            told.send_modify(|known| *known = head.max(*known));
        }
    }
    Err(Fault::Lost("the server ended the connection".to_owned()))
}

async fn look_up(client: &Client) -> Result<Position, Fault> {
    let looked = client.query_one("SELECT position FROM log_head WHERE id = 1", &[]);
    let row = timeout(ANSWER, looked).await.map_err(|_| Fault::Lost("no answer".to_owned()))??;
    Ok(row.try_get::<_, i64>(0)?.cast_unsigned())
}
