//! A committer: one connection, one group at a time.
//!
//! There are two lanes, and under a load both are busy: while one lane's group is flushed, the other's is already
//! encoded, sent and parsed; the head's lock orders them. A stream is never in both, so that it does not race itself.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_postgres::{Client, Statement};
use tracing::{info, warn};

use super::{
    batch::{self, APPEND, Answered},
    fault::Fault,
    follow::Follower,
    settings::{self, ANSWER, CONNECT, Settings},
};
use crate::{StoreError, backend::Outcome, prepare::Prepared, queue::Queue};

/// How many lanes there are.
pub(crate) const LANES: usize = 2;

/// After no connection could be made, or no answer came, appends are refused at once for so long.
const REST: Duration = Duration::from_millis(100);

/// One committer.
pub(super) struct Lane {
    settings: Settings,
    follower: Arc<Follower>,
    session: Option<Session>,
    /// Why no connection could be made, and when to try again.
    resting: Option<(String, Instant)>,
    /// Groups that failed since one was last committed. While the database is away every group fails, several
    /// times in a second, and one line tells as much as thousands.
    failed: u64,
}

/// A connection with the statement prepared.
struct Session {
    client: Client,
    append: Statement,
    _driving: AbortOnDrop,
}

impl Lane {
    pub(super) fn new(settings: Settings, follower: Arc<Follower>) -> Self {
        Self { settings, follower, session: None, resting: None, failed: 0 }
    }

    /// Commits what the queue has until it is closed.
    pub(super) async fn run(mut self, queue: Arc<Queue>) {
        while let Some(group) = queue.take().await {
            let under_way = self.follower.committing();
            let result = self.commit(group.appends()).await;
            drop(under_way);
            match result {
                Ok(Answered { outcomes, head_before, durable }) => {
                    self.follower.reach(head_before).await;
                    // Events that a repeated attempt found written are durable too, but not at hand.
                    let written = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Written(_)));
                    if !written {
                        self.follower.growth().advance(durable);
                    }
                    group.settle(Ok(outcomes), self.follower.growth());
                }
                Err(fault) => group.settle(Err(fault), self.follower.growth()),
            }
        }
    }

    async fn commit(&mut self, appends: &[Prepared]) -> Result<Answered, StoreError> {
        let begun = Instant::now();
        let outcome = match self.attempt(appends).await {
            // Whether it was committed is unknown, and the receipts will tell: the same command ids may be sent
            // again. Not after a long wait, though, since somebody waits for an answer.
            Err(Fault::Lost(_)) if begun.elapsed() < CONNECT => self.attempt(appends).await,
            outcome => outcome,
        };
        match outcome {
            Ok(answered) => {
                if self.failed > 0 {
                    info!(failed = self.failed, "groups are committed again");
                    self.failed = 0;
                }
                Ok(answered)
            }
            // One append's values must not cost the others theirs.
            Err(Fault::Values(_)) if appends.len() > 1 => self.singly(appends).await,
            Err(fault) => {
                if self.failed == 0 {
                    warn!(%fault, appends = appends.len(), "groups are not committed");
                }
                self.failed += 1;
                Err(fault.into())
            }
        }
    }

    async fn attempt(&mut self, appends: &[Prepared]) -> Result<Answered, Fault> {
        let session = self.session().await?;
        let asked = batch::append(&session.client, &session.append, appends);
        let answer = if let Ok(answer) = timeout(ANSWER, asked).await {
            answer
        } else {
            let why = format!("no answer in {} seconds", ANSWER.as_secs());
            // Whoever waited behind this group has waited long enough.
            self.resting = Some((why.clone(), Instant::now() + REST));
            Err(Fault::Lost(why))
        };
        if matches!(answer, Err(Fault::Lost(_))) {
            self.session = None;
        }
        answer
    }

    /// One transaction per append, after one of a group was refused for its values.
    async fn singly(&mut self, appends: &[Prepared]) -> Result<Answered, StoreError> {
        let mut answered =
            Answered { outcomes: Vec::with_capacity(appends.len()), head_before: 0, durable: 0 };
        for append in appends {
            match self.attempt(std::slice::from_ref(append)).await {
                Ok(one) => {
                    if answered.durable == 0 {
                        answered.head_before = one.head_before;
                    }
                    answered.durable = one.durable;
                    answered.outcomes.extend(one.outcomes);
                }
                Err(Fault::Values(why)) => answered.outcomes.push(Outcome::Refused(why.into())),
                Err(fault) => return Err(fault.into()),
            }
        }
        Ok(answered)
    }

    async fn session(&mut self) -> Result<&Session, Fault> {
        if self.session.as_ref().is_some_and(|session| session.client.is_closed()) {
            self.session = None;
        }
        if self.session.is_none() {
            if let Some((why, until)) = &self.resting
                && Instant::now() < *until
            {
                return Err(Fault::Passing(why.clone()));
            }
            match Session::open(&self.settings).await {
                Ok(session) => {
                    self.resting = None;
                    self.session = Some(session);
                }
                Err(fault) => {
                    let why = format!("no connection: {fault}");
                    self.resting = Some((why.clone(), Instant::now() + REST));
                    return Err(Fault::Passing(why));
                }
            }
        }
        self.session.as_ref().ok_or_else(|| Fault::Lost("there is no session".to_owned()))
    }
}

impl Session {
    async fn open(settings: &Settings) -> Result<Self, Fault> {
        let opening = async {
            let (client, driver) = settings.connect().await?;
            let driving = tokio::spawn(async move {
                // The error reaches whoever waits for an answer.
                let _ended = driver.await;
            });
            // From here on the connection ends with the session, also when preparing it fails.
            let driving = AbortOnDrop(driving);
            settings::prepare(&client).await?;
            let append = client.prepare(APPEND).await?;
            Ok(Self { client, append, _driving: driving })
        };
        timeout(CONNECT, opening)
            .await
            .unwrap_or_else(|_| Err(Fault::Lost("no answer to the greeting".to_owned())))
    }
}

/// A connection that broke half-way may never end by itself.
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
