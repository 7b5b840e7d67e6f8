//! Who does the work: one node projects and reacts, the others answer. With SQLite there is one node.

use std::{sync::Arc, time::Duration};

use api::Health;
use commands::{Clock, SystemClock, mint};
use projections::ReadModels;
use reactors::{Parts, Reactors};
use store::{Lease, Store};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// The lease that the working node holds.
const LEASE: &str = "work";
/// How long a node that vanished is waited for.
const TTL: Duration = Duration::from_secs(10);
/// How often the lease is extended, or asked for.
const RENEW: Duration = Duration::from_secs(3);

/// Projects and reacts, or keeps up with the node that does.
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) reads: ReadModels,
    pub(crate) parts: Parts,
    pub(crate) health: Arc<Health>,
    pub(crate) stop: CancellationToken,
}

impl Worker {
    /// Works until told to stop; for the only node of its log.
    pub(crate) async fn alone(self) -> Result<(), String> {
        self.health.set_leading(true);
        self.work(self.stop.child_token()).await
    }

    /// Works while it holds the lease, and observes while another node does.
    pub(crate) async fn among_others(self) -> Result<(), String> {
        let owner = mint::uuid();
        while !self.stop.is_cancelled() {
            let Some(lease) = self.observe_until_lease(owner).await else { break };
            tracing::info!(epoch = lease.epoch, "this node projects and reacts from now on");
            self.health.set_leading(true);
            let working = self.stop.child_token();
            let outcome = tokio::select! {
                outcome = self.work(working.clone()) => outcome,
                () = self.renew(owner) => {
                    tracing::warn!("another node may project and react from now on; this one observes");
                    Ok(())
                }
            };
            working.cancel();
            self.health.set_leading(false);
            if outcome.is_err() || self.stop.is_cancelled() {
                // Others need not wait for the lease to expire. If this fails, they wait.
                let _ = self.store.leases().release(&lease).await;
                return outcome;
            }
        }
        Ok(())
    }

    /// Both halves of the work; the end of either is the end of both.
    async fn work(&self, stop: CancellationToken) -> Result<(), String> {
        let reactors = Reactors::new(self.parts.clone());
        let projecting = async {
            self.project(&stop).await;
            Ok(())
        };
        let reacting = async {
            reactors.run(stop.clone()).await.map_err(|name| format!("the reactor `{name}` ended by itself"))
        };
        let outcome = tokio::select! {
            outcome = async { tokio::try_join!(projecting, reacting).map(|_| ()) } => outcome,
            never = self.keep_pace() => never,
        };
        if outcome.is_ok() && !stop.is_cancelled() {
            return Err("the projector and the reactors ended by themselves".to_owned());
        }
        outcome
    }

    /// Lets messages wait for the read models; never ends.
    async fn keep_pace(&self) -> Result<(), String> {
        let follower = self.parts.pace.follow("read models", self.reads.position());
        let mut positions = self.reads.watch_position();
        while positions.changed().await.is_ok() {
            follower.reached(*positions.borrow_and_update());
        }
        std::future::pending().await
    }

    /// Projects until told to stop. Read models are disposable: what cannot be mended is folded anew,
    /// once. If that fails too they stand still and `/readyz` says so, but the node stays: an alert is
    /// still taken and still pages its first level, which a node that ends does not do.
    async fn project(&self, stop: &CancellationToken) {
        let Err(fault) = self.reads.follow(stop.clone()).await else { return };
        tracing::error!(%fault, "the read models cannot go on and are folded anew");
        let again = async {
            self.reads.rebuild(&mut |_| {}).await?;
            self.reads.follow(stop.clone()).await
        };
        let outcome = tokio::select! {
            outcome = again => outcome,
            () = stop.cancelled() => return,
        };
        if let Err(fault) = outcome {
            metrics::counter!("midwatch_projection_given_up_total").increment(1);
            tracing::error!(%fault, "the read models stand still: first levels are paged, escalations wait");
            stop.cancelled().await;
        }
    }

    /// `None` when told to stop.
    async fn observe_until_lease(&self, owner: Uuid) -> Option<Lease> {
        let observing = self.stop.child_token();
        let _end = observing.clone().drop_guard();
        let asking = async {
            loop {
                match self.acquire(owner).await {
                    Some(lease) => return lease,
                    None => tokio::time::sleep(RENEW).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            lease = asking => Some(lease),
            () = self.observe(observing) => None,
        }
    }

    /// Never ends before it is told to.
    async fn observe(&self, stop: CancellationToken) {
        self.reads.observe(stop.clone()).await;
        stop.cancelled().await;
    }

    /// Extends the lease until that fails for so long that another node may have taken it.
    async fn renew(&self, owner: Uuid) {
        let mut held = std::time::Instant::now();
        loop {
            tokio::time::sleep(RENEW).await;
            let asked = std::time::Instant::now();
            let answer =
                tokio::time::timeout(RENEW, self.store.leases().acquire(LEASE, owner, now(), TTL)).await;
            match answer {
                Ok(Ok(Some(_))) => held = asked,
                Ok(Ok(None)) => return,
                Ok(Err(_)) | Err(_) if held.elapsed() + RENEW >= TTL => return,
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }

    async fn acquire(&self, owner: Uuid) -> Option<Lease> {
        match self.store.leases().acquire(LEASE, owner, now(), TTL).await {
            Ok(lease) => lease,
            Err(fault) => {
                tracing::warn!(%fault, "cannot ask for the lease");
                None
            }
        }
    }
}

/// Leases are about machines, so they follow the machine's clock also where a test tells the time.
fn now() -> domain::Timestamp {
    SystemClock.now()
}
