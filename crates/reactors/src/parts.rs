//! What the reactors are made of, and running them together.

use std::sync::Arc;

use commands::{DirectoryHandle, Engine, Intake};
use connectors::Connectors;
use domain::{
    DeliveryId, Meaning,
    delivery::Envelope,
    integration::{Handling, IntegrationKind},
};
use projections::ReadModels;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    clock, dispatcher::Dispatcher, intake, intake::Whereabouts, leaver, notices, notices::Desk, pager,
    places::Places, recorder, watcher, watcher::Lookout,
};

/// Says what a delivery means and what its integration makes of that, or why it makes no sense. Pure.
pub type Translate = Arc<dyn Fn(Message<'_>, &Handling) -> Result<Meaning, String> + Send + Sync>;

/// A delivery that is to be understood.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The format that its entrance understood.
    pub format: IntegrationKind,
    /// What came around its bytes.
    pub envelope: &'a Envelope,
    /// Its bytes.
    pub body: &'a [u8],
    /// Which delivery it is.
    pub delivery: DeliveryId,
    /// Whether it is to be decided again: what was understood when it came is of no use.
    pub again: bool,
}

/// What the reactors work with.
#[derive(Clone)]
pub struct Parts {
    /// Commands go here.
    pub engine: Engine,
    /// Whom the edge waits for.
    pub pace: commands::Pace,
    /// Who is who.
    pub directory: DirectoryHandle,
    /// Opens incidents.
    pub intake: Arc<Intake>,
    /// What is due, and what has no verdict yet.
    pub reads: ReadModels,
    /// Understands deliveries.
    pub translate: Translate,
    /// Where problems went lately.
    pub whereabouts: Whereabouts,
    /// The outside world.
    pub connectors: Connectors,
    /// Where people reach Midwatch, without a slash at the end.
    pub public_url: String,
    /// Where it can be seen how far notices are.
    pub desk: Desk,
    /// Where it can be seen how far the watcher is.
    pub lookout: Lookout,
}

/// All reactors of a node.
pub struct Reactors {
    parts: Parts,
}

impl Reactors {
    /// Reactors over these parts.
    pub const fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// Runs until told to stop. Returns early, with the name, if one of them ends by itself: that is
    /// a fault which the caller must make visible.
    pub async fn run(self, stop: CancellationToken) -> Result<(), &'static str> {
        let parts = self.parts;
        let places = Places::new(parts.reads.clone(), parts.engine.store().head());
        let dispatcher = Dispatcher::new(parts.clone());
        let mut running: JoinSet<&'static str> = JoinSet::new();
        running.spawn(named("intake", intake::run(parts.clone(), places.clone())));
        running.spawn(named("pager", pager::run(parts.clone(), places.clone())));
        running.spawn(named("notices", notices::run(parts.clone(), places.clone())));
        running.spawn(named("clock", clock::run(parts.clone())));
        running.spawn(named("recorder", recorder::run(parts.clone())));
        running.spawn(named("leaver", leaver::run(parts.clone(), places.clone())));
        running.spawn(named("places", places.clone().keep()));
        running.spawn(named("watcher", watcher::run(parts)));
        running.spawn(named("dispatcher", dispatcher.run()));
        let ended = tokio::select! {
            () = stop.cancelled() => None,
            ended = running.join_next() => ended,
        };
        running.shutdown().await;
        places.keep_last().await;
        match ended {
            None => Ok(()),
            Some(Ok(name)) => Err(name),
            Some(Err(panic)) => {
                tracing::error!(%panic, "a reactor panicked");
                Err("a reactor")
            }
        }
    }
}

async fn named(name: &'static str, reactor: impl Future<Output = ()>) -> &'static str {
    reactor.await;
    name
}
