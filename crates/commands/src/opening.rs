//! Opening incidents: which episode of a problem an alert belongs to.
//!
//! The id of an incident is derived from its service, its grouping key and the number of the
//! episode. Whoever is first to append creates it; everybody else finds it there and joins. Which
//! episode is current comes from memory or a read model; a stale answer costs one more step here.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use domain::{
    Alert, IncidentId, Ladder, ServiceId, Severity, TeamId,
    incident::{Incident, IncidentCommand, IncidentRejection, OpenIncident, Terms},
};
use futures::future::BoxFuture;
use lru::LruCache;
use store::{Metadata, StoreError};

use crate::{CommandError, DirectoryHandle, Done, Engine, EngineError};

/// Keys whose current episode is remembered: about 150 bytes each.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(16_384).expect("not zero");

/// Episodes of one group that may be open beside each other and are looked through.
const EPISODES_BESIDE: usize = 32;

/// Which episode of a key is the latest; answered by a read model. A stale answer is harmless.
pub trait EpisodeIndex: Send + Sync + 'static {
    /// The number of the latest episode of `key` on `service`; none if it never was a problem.
    fn latest<'a>(
        &'a self,
        service: ServiceId,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Option<u32>, StoreError>>;
}

/// Opens incidents and finds the ones that are open.
pub struct Intake {
    engine: Engine,
    directory: DirectoryHandle,
    index: Arc<dyn EpisodeIndex>,
    episodes: Mutex<LruCache<(ServiceId, Box<str>), u32>>,
}

/// A problem, before it is known whether it is new.
#[derive(Clone, Debug)]
pub struct OpenRequest {
    /// What is broken.
    pub service: ServiceId,
    /// What makes two alerts the same problem.
    pub key: String,
    /// What is wrong, in one line.
    pub title: String,
    /// Longer words.
    pub details: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What monitoring tools said; none: a person opens it.
    pub alerts: Vec<Alert>,
    /// On which terms.
    pub terms: Terms,
    /// The episode in which it is open already, if it is known to be open in another one than the latest.
    pub episode: Option<u32>,
}

/// Where a problem belongs.
#[derive(Debug)]
pub struct Opened {
    /// The incident that holds it.
    pub incident: IncidentId,
    /// What was recorded.
    pub done: Done<Incident>,
}

/// Why a problem could not be opened.
pub type OpenError = CommandError<IncidentRejection>;

impl Intake {
    /// An intake that asks `index` for keys it does not remember.
    pub fn new(engine: Engine, directory: DirectoryHandle, index: Arc<dyn EpisodeIndex>) -> Self {
        Self { engine, directory, index, episodes: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Opens an incident, or joins the one that is open for the same key.
    pub async fn open(&self, request: OpenRequest, metadata: &Metadata) -> Result<Opened, OpenError> {
        let service = request.service;
        let directory = self.directory.now();
        let (ladder, team) = directory.ladder_for(service, self.engine.now());
        // Most keys that are not remembered are new: trying is cheaper than asking.
        let known = request.episode.or_else(|| self.remembered(service, &request.key));
        let mut command = open_command(request, ladder, team, known.unwrap_or(1));
        let (mut expect_new, mut asked) = (known.is_none(), known.is_some());
        loop {
            let incident = IncidentId::of_episode(service, &command.key, command.episode);
            command.at = self.engine.now();
            command.roster = directory.roster(&command.ladder, command.at);
            let boxed = IncidentCommand::Open(Box::new(command));
            let outcome = if expect_new {
                self.engine.create::<Incident>(incident, &boxed, metadata).await
            } else {
                self.engine.execute::<Incident>(incident, &boxed, metadata).await
            };
            let IncidentCommand::Open(returned) = boxed else { unreachable!("it was made four lines above") };
            command = *returned;
            match outcome {
                Err(CommandError::Rejected(
                    IncidentRejection::AlreadyResolved { .. } | IncidentRejection::WindowClosed { .. },
                )) => {
                    // That episode takes no more: this is the next one, or one long after it.
                    let latest = if asked {
                        None
                    } else {
                        self.index.latest(service, &command.key).await.map_err(EngineError::Store)?
                    };
                    expect_new = latest.is_none_or(|latest| latest <= command.episode);
                    command.episode = latest.unwrap_or(0).max(command.episode);
                    command.episode += u32::from(expect_new);
                    asked = true;
                }
                Err(CommandError::Fault(EngineError::Fact(fault))) if !asked => {
                    // The history of one episode says nothing about the others.
                    asked = true;
                    let latest =
                        self.index.latest(service, &command.key).await.map_err(EngineError::Store)?;
                    let Some(latest) = latest.filter(|latest| *latest > command.episode) else {
                        return Err(EngineError::Fact(fault).into());
                    };
                    (command.episode, expect_new) = (latest, false);
                }
                Ok(done) => {
                    self.remember(service, &command.key, command.episode);
                    return Ok(Opened { incident, done });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The incident that is the current episode of `key`, open or not; none if it never was a problem.
    pub async fn current(&self, service: ServiceId, key: &str) -> Result<Option<IncidentId>, EngineError> {
        let episode = self.current_episode(service, key, false).await?;
        Ok(episode.map(|episode| IncidentId::of_episode(service, key, episode)))
    }

    /// The open incident of a group in which the problem `own_key` is open, or else the current one.
    pub async fn holding(
        &self,
        service: ServiceId,
        key: &str,
        own_key: &str,
    ) -> Result<Option<IncidentId>, EngineError> {
        let episodes = self.episodes(service, key).await?;
        let episode = Self::episode_with(&episodes, own_key).or(episodes.first().map(|(latest, _)| *latest));
        Ok(episode.map(|episode| IncidentId::of_episode(service, key, episode)))
    }

    /// The latest episodes of a key as they are now, the last one first. Where a group takes alerts for a while only,
    /// earlier ones may be open beside the current one.
    pub async fn episodes(
        &self,
        service: ServiceId,
        key: &str,
    ) -> Result<Vec<(u32, Arc<Incident>)>, EngineError> {
        let current = self.current_episode(service, key, true).await?.unwrap_or(0);
        let mut episodes = vec![];
        for episode in (1..=current).rev().take(EPISODES_BESIDE) {
            let (state, _) =
                self.engine.load::<Incident>(IncidentId::of_episode(service, key, episode)).await?;
            episodes.push((episode, state));
        }
        Ok(episodes)
    }

    /// In which of some episodes the problem `own_key` is open.
    pub fn episode_with(episodes: &[(u32, Arc<Incident>)], own_key: &str) -> Option<u32> {
        let holds = |incident: &Incident| incident.open().is_some_and(|open| open.members.contains(own_key));
        episodes.iter().find(|(_, incident)| holds(incident)).map(|(episode, _)| *episode)
    }

    /// `beside`: an open episode may have a successor.
    async fn current_episode(
        &self,
        service: ServiceId,
        key: &str,
        beside: bool,
    ) -> Result<Option<u32>, EngineError> {
        let latest = self.latest(service, key).await?;
        let mut episode = latest.unwrap_or(1);
        if latest.is_none() {
            // The read model may lag, by one episode or by all of them.
            let first = IncidentId::of_episode(service, key, episode);
            if *self.engine.load::<Incident>(first).await?.0 == Incident::Absent {
                return Ok(None);
            }
        }
        loop {
            let next = IncidentId::of_episode(service, key, episode + 1);
            let (state, _) =
                self.engine.load::<Incident>(IncidentId::of_episode(service, key, episode)).await?;
            if state.open().is_some() {
                self.remember(service, key, episode);
                if !beside {
                    return Ok(Some(episode));
                }
            }
            if *self.engine.load::<Incident>(next).await?.0 == Incident::Absent {
                return Ok(Some(episode));
            }
            episode += 1;
        }
    }

    /// Whether the problem has an incident that is open as far as this node remembers; asks nobody.
    pub fn is_open(&self, service: ServiceId, key: &str) -> bool {
        let incident =
            self.remembered(service, key).map(|episode| IncidentId::of_episode(service, key, episode));
        incident.and_then(|id| self.engine.remembered::<Incident>(id)).is_some_and(|it| it.open().is_some())
    }

    async fn latest(&self, service: ServiceId, key: &str) -> Result<Option<u32>, EngineError> {
        match self.remembered(service, key) {
            Some(episode) => Ok(Some(episode)),
            None => Ok(self.index.latest(service, key).await?),
        }
    }

    fn remembered(&self, service: ServiceId, key: &str) -> Option<u32> {
        self.lock().get(&(service, Box::from(key))).copied()
    }

    /// An earlier episode that is open beside the latest does not take its place.
    fn remember(&self, service: ServiceId, key: &str, episode: u32) {
        let mut episodes = self.lock();
        let latest = episodes.get_or_insert_mut((service, Box::from(key)), || episode);
        *latest = episode.max(*latest);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<(ServiceId, Box<str>), u32>> {
        self.episodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_command(request: OpenRequest, ladder: Ladder, team: Option<TeamId>, episode: u32) -> OpenIncident {
    OpenIncident {
        service: request.service,
        team,
        key: request.key,
        episode,
        title: request.title,
        details: request.details,
        severity: request.severity,
        alerts: request.alerts,
        ladder,
        terms: request.terms,
        roster: domain::Roster::default(),
        at: domain::Timestamp::default(),
    }
}
