//! Where what is said of a problem goes: to where the problem is open.
//!
//! A rule looks at one message. What says that a problem is over may look otherwise than what began it: its severity is
//! another, or it says nothing but the key. So where messages about one problem may go to different places, only an alert
//! goes where its rule says. Everything else goes to each incident in which the problem is open, also if a rule drops it, and
//! to where its rule says as well, as it would without any other.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use commands::Directory;
use domain::{AlertAction, IncidentId, IntegrationId, integration::IntegrationKind};
use projections::ReadError;
use store::Position;

use super::{
    Reading, Request,
    answers::{Answer, Answers},
    whereabouts::{OwnKey, Place},
};
use crate::{Parts, retry::Backoff};

/// How long the read models may take to know what went before. Then only what this node remembers counts.
const PATIENCE: Duration = Duration::from_secs(1);

/// Where the requests of some messages go.
pub(super) struct Seeker {
    /// Entrances whose messages may go to different places.
    scattering: HashSet<IntegrationId>,
    /// Where problems are open that these messages say something of, as far as the read models know.
    open: HashMap<OwnKey, Vec<Place>>,
}

/// Where one request goes.
pub(super) enum Sent {
    /// Where its rule says.
    There(Request),
    /// To each of these places.
    ToEach(Vec<Request>),
    /// Nowhere: a rule drops it.
    Dropped(Request),
}

impl Seeker {
    /// Looks where problems are of which these messages say something.
    pub(super) async fn of(parts: &Parts, readings: &[Reading]) -> Self {
        let directory = parts.directory.now();
        let requests = || {
            readings.iter().flat_map(|reading| match reading {
                Reading::Requests(requests, _) => &requests[..],
                Reading::Rehearsal(..) | Reading::Nothing(_) | Reading::NotForUs => &[],
            })
        };
        let entrances: HashSet<_> = requests().map(|request| request.alert.integration).collect();
        let scattering: HashSet<_> = entrances.into_iter().filter(|id| scatters(&directory, *id)).collect();
        let mut seeker = Self { scattering, open: HashMap::new() };
        if seeker.scattering.is_empty() {
            return seeker;
        }
        let mut sought: HashMap<IntegrationId, HashSet<&str>> = HashMap::new();
        // What is named by an id may turn out to be a key.
        for request in requests().filter(|request| seeker.may_seek(request)) {
            sought.entry(request.alert.integration).or_default().insert(request.own_key());
        }
        let head = parts.engine.store().head();
        for integration in &seeker.scattering {
            let from = parts.whereabouts.known_from(*integration, head);
            let Some(keys) = sought.remove(integration) else { continue };
            if !parts.reads.reach(from, PATIENCE).await {
                tracing::warn!(%integration, "the read models lag behind: open problems may not be found");
            }
            let keys: Vec<_> = keys.into_iter().collect();
            let mut backoff = Backoff::default();
            let open = loop {
                match open(parts, *integration, &keys).await {
                    Ok(open) => break open,
                    Err(fault) => backoff.wait("intake", &fault).await,
                }
            };
            for (key, place) in open {
                seeker.open.entry((*integration, key)).or_default().push(place);
            }
        }
        seeker
    }

    /// Says where a request goes, and remembers where alerts went.
    pub(super) fn send(&self, parts: &Parts, request: Request) -> Sent {
        if self.seeks(&request) {
            return self.seek(parts, request);
        }
        if request.dropped && request.incident.is_none() {
            return Sent::Dropped(request);
        }
        if request.action == AlertAction::Trigger && self.scattering.contains(&request.alert.integration) {
            let (problem, place) = (own_key(&request), place(&request));
            parts.whereabouts.note(problem, place, parts.engine.store().head());
        }
        Sent::There(request)
    }

    /// Whether a request goes where its problem is open.
    fn seeks(&self, request: &Request) -> bool {
        self.may_seek(request) && request.incident.is_none()
    }

    fn may_seek(&self, request: &Request) -> bool {
        request.action != AlertAction::Trigger && self.scattering.contains(&request.alert.integration)
    }

    fn seek(&self, parts: &Parts, request: Request) -> Sent {
        let problem = own_key(&request);
        let mut places = parts.whereabouts.of(&problem);
        for place in self.open.get(&problem).into_iter().flatten() {
            if !places.contains(place) {
                places.push(place.clone());
            }
        }
        let usual = place(&request);
        match (&places[..], request.dropped) {
            ([], true) => return Sent::Dropped(request),
            ([], false) => return Sent::There(request),
            ([only], false) if *only == usual => return Sent::There(request),
            _ => {}
        }
        // What is written down of a problem that is over elsewhere is no news there.
        if !request.dropped && request.action != AlertAction::Note && !places.contains(&usual) {
            places.insert(0, usual);
        }
        let (own, answers) = (problem.1, Arc::new(Answers::default()));
        let to = |(number, Place { service, key, grouped })| {
            let answer = Some(Answer { number, of: Arc::clone(&answers) });
            let mut request = Request { service, key, answer, ..request.clone() };
            request.alert.key = grouped.then(|| own.clone());
            request
        };
        Sent::ToEach(places.into_iter().enumerate().map(to).collect())
    }
}

/// Begins to remember where problems go. Everything in the log up to `head` is left to the read models.
pub(super) fn begin(parts: &Parts, head: Position) {
    parts.whereabouts.begin(head);
    let directory = parts.directory.now();
    for integration in directory.integrations.keys().filter(|id| scatters(&directory, **id)) {
        parts.whereabouts.known_from(*integration, head);
    }
}

/// Whether messages of an entrance about one problem may go to different places, or nowhere.
fn scatters(directory: &Directory, integration: IntegrationId) -> bool {
    let known = directory.integrations.get(&integration);
    known.and_then(|known| known.entrance.as_ref()).is_some_and(|entrance| {
        // In this format each message may name a service, or not.
        let names = entrance.kind == IntegrationKind::Generic && directory.has_routing_keys();
        names || entrance.handling.scatters()
    })
}

fn own_key(request: &Request) -> OwnKey {
    (request.alert.integration, request.own_key().to_owned())
}

fn place(request: &Request) -> Place {
    Place { service: request.service, key: request.key.clone(), grouped: request.alert.key.is_some() }
}

/// Where the read models see problems open that have one of these keys.
async fn open(
    parts: &Parts,
    integration: IntegrationId,
    keys: &[&str],
) -> Result<Vec<(String, Place)>, ReadError> {
    let problems = parts.reads.open_problems(integration, keys).await?;
    if problems.is_empty() {
        return Ok(vec![]);
    }
    let incidents: Vec<IncidentId> = problems.iter().map(|problem| problem.incident).collect();
    let views = parts.reads.incidents_by_ids(&incidents).await?;
    let views: HashMap<_, _> = views.into_iter().map(|view| (view.id, view)).collect();
    let found = problems.into_iter().filter_map(|problem| {
        let view = views.get(&problem.incident)?;
        let (key, grouped) = (view.key.clone(), problem.grouped);
        Some((problem.key, Place { service: view.service, key, grouped }))
    });
    Ok(found.collect())
}
