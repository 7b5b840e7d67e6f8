//! The command handler: written once, for every aggregate.

use std::{
    any::Any,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{Aggregate, AggregateId, Fact, FactError, Timestamp};
use lru::LruCache;
use store::{Append, Metadata, NewEvent, Position, Store, StoreError};
use uuid::Uuid;

use crate::Clock;

/// Lost races after which a command gives up. A loser starts over from fresh history at once, and of
/// any number of contenders one always wins, so only a stream under siege gets this far.
const MAX_ATTEMPTS: u32 = 64;
/// Folded states kept in memory: about 1 KB each for an incident.
const CACHED: NonZeroUsize = NonZeroUsize::new(8192).expect("not zero");

/// Loads, decides, appends. Clones share one cache of folded states.
#[derive(Clone)]
pub struct Engine {
    store: Store,
    clock: Arc<dyn Clock>,
    cache: Arc<Mutex<Cache>>,
}

type Cache = LruCache<(&'static str, Uuid), (Arc<dyn Any + Send + Sync>, u64)>;

/// What a command led to.
#[derive(Debug)]
pub struct Done<A: Aggregate> {
    /// The position of its last event; the log's head when nothing was news.
    pub position: Position,
    /// How many events the stream holds.
    pub version: u64,
    /// What was recorded by this call; nothing when nothing was news or the command was seen before.
    pub events: Vec<A::Event>,
    /// The state after it.
    pub state: Arc<A>,
    /// Whether the command was seen before: its events are recorded, and `position` is that of the last of them.
    pub already: bool,
}

/// Why a command led to nothing.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R: std::error::Error + 'static> {
    /// The rules refuse it.
    #[error(transparent)]
    Rejected(R),
    /// A part failed; the same command may be sent again.
    #[error(transparent)]
    Fault(#[from] EngineError),
}

/// A part that failed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The log.
    #[error("the log failed")]
    Store(#[from] StoreError),
    /// The history of this thing cannot be read by this version of Midwatch.
    #[error("the history cannot be read")]
    Fact(#[from] FactError),
    /// Others kept changing the same thing.
    #[error("`{stream}` changed {MAX_ATTEMPTS} times while this command was judged")]
    Contended {
        /// The stream that would not hold still.
        stream: String,
    },
}

impl EngineError {
    /// Whether the log asked to come back later, rather than being broken.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Store(StoreError::Busy) | Self::Contended { .. })
    }
}

impl Engine {
    /// An engine over a log, with a clock.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, cache: Arc::new(Mutex::new(LruCache::new(CACHED))) }
    }

    /// The log.
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The clock.
    pub const fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Loads, decides, appends. A lost race starts over from fresh history.
    pub async fn execute<A: Aggregate>(
        &self,
        id: A::Id,
        command: &A::Command,
        metadata: &Metadata,
    ) -> Result<Done<A>, CommandError<A::Rejection>> {
        let start = self.start::<A>(id).await?;
        self.judge(id, |state| state.decide(command), metadata, start).await
    }

    /// Like [`Engine::execute`], for a command that says something about the state that it is meant for, such as who is
    /// on its ladder: it is made for the state that it is judged by, and made anew after a lost race.
    pub async fn execute_made<A: Aggregate>(
        &self,
        id: A::Id,
        command: impl Fn(&A) -> A::Command + Send + Sync,
        metadata: &Metadata,
    ) -> Result<Done<A>, CommandError<A::Rejection>> {
        let start = self.start::<A>(id).await?;
        self.judge(id, |state| state.decide(&command(state)), metadata, start).await
    }

    /// Like [`Engine::execute`], for a thing that most likely does not exist yet: saves the look.
    pub async fn create<A: Aggregate>(
        &self,
        id: A::Id,
        command: &A::Command,
        metadata: &Metadata,
    ) -> Result<Done<A>, CommandError<A::Rejection>> {
        self.execute_on(id, (A::default(), 0), command, metadata).await
    }

    /// Like [`Engine::execute`], for a thing of which the caller has seen a state and its version: saves the look where
    /// this node has forgotten it. What was seen may be out of date, as what is remembered may be.
    pub async fn execute_on<A: Aggregate>(
        &self,
        id: A::Id,
        seen: (A, u64),
        command: &A::Command,
        metadata: &Metadata,
    ) -> Result<Done<A>, CommandError<A::Rejection>> {
        let (state, version) = seen;
        let newer = self.cached::<A>(id).filter(|known| known.version >= version);
        let start = newer.unwrap_or_else(|| Known { state: Arc::new(state), version, fresh: false });
        self.judge(id, |state| state.decide(command), metadata, start).await
    }

    /// The state as of now and its version, after asking the log for anything newer.
    pub async fn load<A: Aggregate>(&self, id: A::Id) -> Result<(Arc<A>, u64), EngineError> {
        let known = self.fetch(id, self.cached::<A>(id)).await?;
        Ok((known.state, known.version))
    }

    /// The state as this node last saw it, if it remembers; others may have changed it since.
    pub fn remembered<A: Aggregate>(&self, id: A::Id) -> Option<Arc<A>> {
        self.cached(id).map(|known| known.state)
    }

    /// A cached state may be stale: the expected version finds out, and a refusal is looked at twice.
    async fn start<A: Aggregate>(&self, id: A::Id) -> Result<Known<A>, EngineError> {
        match self.cached::<A>(id) {
            Some(known) => Ok(Known { fresh: false, ..known }),
            None => self.fetch(id, None).await,
        }
    }

    async fn judge<A: Aggregate>(
        &self,
        id: A::Id,
        decide: impl Fn(&A) -> Result<Vec<A::Event>, A::Rejection> + Send + Sync,
        metadata: &Metadata,
        mut known: Known<A>,
    ) -> Result<Done<A>, CommandError<A::Rejection>> {
        for _ in 0..MAX_ATTEMPTS {
            let events = match decide(&known.state) {
                Ok(events) if !events.is_empty() => events,
                // Saying no, or that it is no news, is worth a second look at what others did meanwhile.
                _ if !known.fresh => {
                    known = self.fetch(id, Some(known)).await?;
                    continue;
                }
                Ok(events) => {
                    let (position, version) = (self.store.head(), known.version);
                    return Ok(Done { position, version, events, state: known.state, already: false });
                }
                Err(rejection) => {
                    let outcome = self.first_outcome(id, known.state, metadata.command_id).await?;
                    return outcome.ok_or(CommandError::Rejected(rejection));
                }
            };
            match self.store.append(self.append_of::<A>(id, known.version, &events, metadata)).await {
                Ok(committed) if committed.already => {
                    let known = self.fetch(id, Some(known)).await?;
                    let (position, version) = (committed.position, known.version);
                    return Ok(Done { position, version, events: vec![], state: known.state, already: true });
                }
                Ok(committed) => {
                    let mut state = Arc::unwrap_or_clone(known.state);
                    for event in &events {
                        state.evolve(event);
                    }
                    let (state, version) = (Arc::new(state), committed.version);
                    self.keep::<A>(id, &state, version);
                    return Ok(Done { position: committed.position, version, events, state, already: false });
                }
                Err(StoreError::Conflict { .. }) => {
                    metrics::counter!("midwatch_commands_conflicts_total").increment(1);
                    known = self.fetch(id, Some(known)).await?;
                }
                Err(fault) => return Err(EngineError::Store(fault).into()),
            }
        }
        Err(EngineError::Contended { stream: id.stream() }.into())
    }

    /// What a command led to when it was sent before: the world may have moved on since, but whoever
    /// repeats a command is told what became of it.
    async fn first_outcome<A: Aggregate>(
        &self,
        id: A::Id,
        state: Arc<A>,
        command_id: Uuid,
    ) -> Result<Option<Done<A>>, EngineError> {
        let history = self.store.load(&id.stream(), 0).await?;
        let own = history.iter().rfind(|event| event.metadata.command_id == command_id);
        Ok(own.map(|event| {
            let (position, version) = (event.position, event.version);
            Done { position, version, events: vec![], state, already: true }
        }))
    }

    fn append_of<A: Aggregate>(
        &self,
        id: A::Id,
        expected: u64,
        events: &[A::Event],
        metadata: &Metadata,
    ) -> Append {
        let events = events
            .iter()
            .map(|event| {
                let (kind, payload) = event.encode();
                NewEvent { kind: kind.into(), payload: payload.into(), subjects: event.subjects() }
            })
            .collect();
        Append { stream: id.stream(), expected, events, metadata: metadata.clone(), recorded_at: self.now() }
    }

    /// What the log holds beyond `known`, or everything.
    async fn fetch<A: Aggregate>(&self, id: A::Id, known: Option<Known<A>>) -> Result<Known<A>, EngineError> {
        let (state, mut version) =
            known.map_or_else(|| (Arc::new(A::default()), 0), |known| (known.state, known.version));
        let newer = self.store.load(&id.stream(), version).await?;
        if newer.is_empty() {
            return Ok(Known { state, version, fresh: true });
        }
        let mut state = Arc::unwrap_or_clone(state);
        for recorded in newer {
            state.evolve(&A::Event::decode(&recorded.kind, &recorded.payload)?);
            version = recorded.version;
        }
        let state = Arc::new(state);
        self.keep::<A>(id, &state, version);
        Ok(Known { state, version, fresh: true })
    }

    fn cached<A: Aggregate>(&self, id: A::Id) -> Option<Known<A>> {
        let (state, version) = self.lock().get(&(A::CATEGORY, id.uuid())).cloned()?;
        Some(Known { state: state.downcast().ok()?, version, fresh: false })
    }

    fn keep<A: Aggregate>(&self, id: A::Id, state: &Arc<A>, version: u64) {
        let mut cache = self.lock();
        let key = (A::CATEGORY, id.uuid());
        // Two appends of one stream may return out of order; the later state stays.
        if cache.peek(&key).is_none_or(|(_, kept)| *kept < version) {
            cache.put(key, (Arc::clone(state) as Arc<dyn Any + Send + Sync>, version));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A state, and whether the log was asked for anything newer.
struct Known<A> {
    state: Arc<A>,
    version: u64,
    fresh: bool,
}
