//! One running node: everything wired together.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use api::{
    App, Health, Ops, Settings, TokenDigest,
    mail::{Office, Rules},
    webhooks::{Understood, translate::understand},
};
use axum::Router;
use commands::{Clock, DirectoryHandle, Engine, EpisodeIndex, Intake, Pace, SystemClock};
use connectors::{Connectors, Guard};
use domain::ServiceId;
use futures::{FutureExt, future::BoxFuture};
use projections::ReadModels;
use store::{Store, StoreError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, LogLocation},
    demo::{self, Demo},
    serve,
    tasks::Tasks,
    telemetry, tzdb,
    work::Worker,
};

/// How long a node that was told to stop may take.
const STOP_WITHIN: Duration = Duration::from_secs(15);
/// How often measurements are tidied up.
const UPKEEP: Duration = Duration::from_secs(5);

/// What tests put in the place of the real thing.
pub struct Parts {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The outside world; none: what the configuration says.
    pub connectors: Option<Connectors>,
}

impl Default for Parts {
    /// The real things.
    fn default() -> Self {
        Self { clock: Arc::new(SystemClock), connectors: None }
    }
}

/// A node that runs.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Where it takes mail, if it does.
    pub mail_address: Option<SocketAddr>,
    /// What its requests may use.
    pub app: App,
    /// What it knows about itself.
    pub health: Arc<Health>,
    /// How far its notices are.
    pub notices: reactors::Desk,
    /// How far its watcher is.
    pub watching: reactors::Lookout,
    /// The demo, if there is one.
    pub demo: Option<Demo>,
    tasks: Tasks,
}

/// Starts a node. It answers requests when this returns.
pub async fn start(config: Config, parts: Parts) -> Result<Running> {
    // First, because it fails most often, and before anything else was touched.
    let listener = serve::bind("--listen", &config.addresses()?).await?;
    let address = listener.local_addr().context("cannot tell where it listens")?;
    let public_url = config.checked_public_url()?.unwrap_or_else(|| local_url(address));
    let mail = mail_desk(&config, &public_url).await?;
    let connectors = match parts.connectors {
        Some(connectors) => connectors,
        None => outside_world(&config, address)?,
    };

    let zones = Arc::new(tzdb::open(config.tzdb.as_deref())?);
    let store = open_log(&config).await?;
    let reads =
        ReadModels::open(store.clone(), &config.reads()?).await.context("cannot open the read models")?;
    let directory =
        DirectoryHandle::start(store.clone(), zones).await.context("cannot read the configuration")?;
    let engine = Engine::new(store.clone(), parts.clock);
    let index: Arc<dyn EpisodeIndex> = Arc::new(Episodes(reads.clone()));
    let intake = Arc::new(Intake::new(engine.clone(), directory.clone(), index));
    let stop = CancellationToken::new();
    let health = Arc::new(Health::default());
    health.set_mail(config.smtp_url.is_some());
    let settings = Arc::new(Settings {
        public_url: public_url.clone(),
        admin_token: config.admin_token.as_deref().map(TokenDigest::of),
        mail_domain: mail.as_ref().map(|(_, rules)| rules.domain.clone()),
        ..Settings::default()
    });
    let (pace, understood) = (Pace::default(), Understood::default());
    let app = App {
        pace: pace.clone(),
        understood: understood.clone(),
        engine: engine.clone(),
        directory: directory.clone(),
        intake: Arc::clone(&intake),
        reads: reads.clone(),
        sns: connectors.sns().clone(),
        settings,
        shutdown: stop.clone(),
    };

    let mut tasks = Tasks::new(stop.clone());
    let following = (directory.clone(), stop.clone());
    tasks.spawn("the directory", async move { until(following.1, following.0.follow()).await });
    let (notices, watching) = (reactors::Desk::default(), reactors::Lookout::default());
    let worker = Worker {
        store,
        reads: reads.clone(),
        parts: reactors::Parts {
            engine,
            pace,
            directory,
            intake,
            reads,
            translate: Arc::new(move |message, handling| {
                if let Some(meaning) = understood.take(message.delivery, handling).filter(|_| !message.again)
                {
                    return Ok(meaning);
                }
                let reactors::Message { format, envelope, body, delivery, .. } = message;
                understand(format, envelope, body, delivery, handling).map_err(|why| why.to_string())
            }),
            whereabouts: reactors::Whereabouts::default(),
            connectors,
            public_url,
            desk: notices.clone(),
            lookout: watching.clone(),
        },
        health: Arc::clone(&health),
        stop: stop.clone(),
    };
    if shared(&config)? {
        tasks.spawn("the work", worker.among_others());
    } else {
        tasks.spawn("the work", worker.alone());
    }

    let (open, demo) = if config.demo {
        let (routes, demo) = demo::prepare(&app, address).await.context("cannot make the demo")?;
        (routes, Some(demo))
    } else {
        (Router::new(), None)
    };
    let ops = Ops {
        health: Arc::clone(&health),
        metrics: telemetry::metrics(app.clone()),
        metrics_public: config.metrics_public,
        demo: config.demo,
    };
    let router = api::router(app.clone(), &ops, open);
    tasks.spawn("the HTTP server", serve::serve(listener, router, stop.clone()));
    let mut mail_address = None;
    if let Some((listener, rules)) = mail {
        mail_address = Some(listener.local_addr().context("cannot tell where it takes mail")?);
        let office = Office::new(app.clone(), rules);
        tasks.spawn("the mail server", serve::take_mail(listener, office, stop.clone()));
    }
    tasks.spawn("the measurements", until(stop, upkeep()));
    Ok(Running { address, mail_address, app, health, notices, watching, demo, tasks })
}

impl Running {
    /// Waits until a part fails that must not, and says which; or until the node was told to stop.
    pub async fn fault(&mut self) -> Option<String> {
        let fault = self.tasks.fault().await;
        if let Some(why) = &fault {
            self.health.set_fault(why);
        }
        fault
    }

    /// Stops: takes no more connections, finishes what is under way, lets the log settle, and closes it.
    pub async fn shutdown(mut self) -> Result<()> {
        self.app.shutdown.cancel();
        let abandoned = self.tasks.join_or_abort(STOP_WITHIN).await;
        self.app.engine.store().clone().close().await;
        if abandoned {
            bail!("some parts did not stop within {STOP_WITHIN:?} and were abandoned");
        }
        Ok(())
    }
}

/// Where mail is taken, and by which rules; none if it is not.
async fn mail_desk(config: &Config, public_url: &str) -> Result<Option<(TcpListener, Rules)>> {
    let Some(addresses) = config.mail_addresses()? else { return Ok(None) };
    let rules = config.mail_rules(public_url)?;
    Ok(Some((serve::bind("--smtp-listen", &addresses).await?, rules)))
}

/// Which episode is the latest, from the incident list.
struct Episodes(ReadModels);

impl EpisodeIndex for Episodes {
    fn latest<'a>(
        &'a self,
        service: ServiceId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<u32>, StoreError>> {
        async move {
            self.0
                .latest_episode(service, key)
                .await
                .map_err(|error| StoreError::Unavailable(error.to_string().into()))
        }
        .boxed()
    }
}

/// Opens the log, and says what a stranger can do about it if that fails.
pub(crate) async fn open_log(config: &Config) -> Result<Store> {
    match config.log()? {
        LogLocation::Memory => Ok(Store::memory()),
        LogLocation::Database(url) => {
            let store = Store::open(&url, config.options()?).await;
            store.map_err(|error| anyhow!("cannot open the log {url}: {error}"))
        }
    }
}

/// Whether other nodes may use the same log.
fn shared(config: &Config) -> Result<bool> {
    Ok(matches!(config.log()?, LogLocation::Database(store::DatabaseUrl::Postgres(_))))
}

/// The connectors that the configuration asks for. A demo may call its own phone.
fn outside_world(config: &Config, addr: SocketAddr) -> Result<Connectors> {
    let guard: Guard = if config.demo {
        let own = demo::own_address(addr).ip();
        format!("{},{own}", config.allow_private_targets).parse().context("--allow-private-targets")?
    } else {
        config.guard()?
    };
    let settings = connectors::Settings { smtp: config.smtp()?, guard, ..connectors::Settings::default() };
    Connectors::new(&settings).context("cannot prepare the connectors")
}

/// An address that works on this machine, for a server that listens on all of them.
fn local_url(addr: SocketAddr) -> String {
    if addr.ip().is_unspecified() {
        format!("http://localhost:{}", addr.port())
    } else {
        format!("http://{addr}")
    }
}

/// Runs something that has no end until told to stop.
async fn until<E: std::fmt::Display>(
    stop: CancellationToken,
    task: impl Future<Output = Result<(), E>>,
) -> Result<(), String> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(()),
        outcome = task => outcome.map_err(|error| error.to_string()),
    }
}

async fn upkeep() -> Result<(), String> {
    loop {
        tokio::time::sleep(UPKEEP).await;
        telemetry::tidy_up();
    }
}
