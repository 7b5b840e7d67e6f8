//! How incidents are kept: a narrow row to search by, and a document to show.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    num::NonZeroUsize,
};

use domain::{IncidentId, ServiceId};
use lru::LruCache;
use sea_query::{Expr, Func, Query};
use store::Recorded;
use uuid::Uuid;

use super::{
    document,
    view::{IncidentView, Status},
};
use crate::{
    ReadError,
    db::{Change, Database, Kind, Lookup, Merge, Rows, Side, Table},
    list::{List, severity_number, words},
    news::News,
};

pub(crate) static LIST: Table = Table {
    name: "read_incident_list",
    columns: &[
        ("number", Kind::Int),
        ("id", Kind::Bytes),
        ("thread", Kind::Bytes),
        ("episode", Kind::Int),
        ("status", Kind::Int),
        ("severity", Kind::Int),
        ("service", Kind::Bytes),
        ("team", Kind::Bytes),
        ("opened_at", Kind::Int),
        ("words", Kind::Text),
    ],
    key: 1,
    keyed: true,
};

/// The same as a list that is searched.
pub(crate) static SEARCHED: List = List { table: LIST.name, at: "opened_at", statuses: &STATUSES };

const STATUSES: [u32; 3] = [Status::ALL[0].number(), Status::ALL[1].number(), Status::ALL[2].number()];

pub(crate) static DOCUMENT: Table = Table {
    name: "read_incident_document",
    columns: &[("number", Kind::Int), ("facts", Kind::Text), ("stand", Kind::Text)],
    key: 1,
    keyed: true,
};

/// What can change of the narrow row.
static STAND: Merge = Merge {
    columns: &[("number", Kind::Int), ("status", Kind::Int), ("severity", Kind::Int)],
    set: "status = {status}, severity = {severity}",
};

/// What can change of the document.
static RESTATED: Merge =
    Merge { columns: &[("number", Kind::Int), ("stand", Kind::Text)], set: "stand = {stand}" };

pub(super) static BY_ID: Lookup = Lookup(
    "SELECT document.facts, document.stand FROM read_incident_list{side} AS list \
     JOIN read_incident_document{side} AS document ON document.number = list.number WHERE list.id {ids}",
);

/// How many views are kept in memory between batches.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(8192).expect("it is not zero");

/// All episodes of one problem share this; episodes count from 1, so it names no incident.
pub(super) fn thread(service: ServiceId, key: &str) -> Uuid {
    IncidentId::of_episode(service, key, 0).uuid()
}

/// The incidents that batches are about.
pub(crate) struct Fold {
    side: Side,
    /// The number of the latest incident; `None` until the table was asked.
    latest: Option<u64>,
    /// Views as they are stored.
    remembered: LruCache<IncidentId, IncidentView>,
    /// Views that the present batch is about.
    touched: HashMap<IncidentId, Touched>,
    /// Views of a batch that is being written: they cannot be fetched yet.
    leaving: HashMap<IncidentId, IncidentView>,
}

struct Touched {
    view: IncidentView,
    /// What the narrow row says; `None` if there is none yet.
    stored: Option<(Status, domain::Severity)>,
    changed: bool,
}

impl Fold {
    pub(crate) fn new(side: Side) -> Self {
        Self {
            side,
            latest: None,
            remembered: LruCache::new(REMEMBERED),
            touched: HashMap::new(),
            leaving: HashMap::new(),
        }
    }

    /// Fetches what these events change.
    pub(crate) async fn prepare<'a>(
        &mut self,
        db: &Database,
        events: impl Iterator<Item = (&'a Recorded, &'a News<'a>)>,
    ) -> Result<(), ReadError> {
        if self.latest.is_none() {
            self.latest = Some(latest(db, self.side).await?);
        }
        let (mut opened, mut missing) = (HashSet::new(), Vec::new());
        for (recorded, news) in events {
            let Some(id) = incident(recorded) else { continue };
            if opens(recorded, news) {
                opened.insert(id);
            }
            if opened.contains(&id) || self.touched.contains_key(&id) {
                continue;
            }
            if let Some(view) = self.leaving.remove(&id).or_else(|| self.remembered.pop(&id)) {
                self.touch(view);
            } else {
                // Asked for once, although it may turn out not to exist.
                opened.insert(id);
                missing.push(id.uuid());
            }
        }
        for mut row in db.lookup(self.side, &BY_ID, missing).await? {
            self.touch(document::view(&row.take::<String>()?, &row.take::<String>()?)?);
        }
        Ok(())
    }

    fn touch(&mut self, view: IncidentView) {
        let stored = Some((view.status, view.severity));
        self.touched.insert(view.id, Touched { view, stored, changed: false });
    }

    pub(crate) fn take(&mut self, recorded: &Recorded, news: &News<'_>) {
        let Some(id) = incident(recorded) else { return };
        match (self.touched.get_mut(&id), news) {
            (None, News::Triggered(triggered)) if opens(recorded, news) => {
                let number = self.latest.unwrap_or(0) + 1;
                self.latest = Some(number);
                let view = IncidentView::opened(id, number, triggered, recorded.position);
                self.touched.insert(id, Touched { view, stored: None, changed: true });
            }
            (Some(touched), _) => {
                touched.view.fold(recorded, news);
                touched.changed = true;
            }
            (None, _) => {}
        }
    }

    pub(crate) fn rows(&self) -> Result<[Rows; 4], ReadError> {
        let changed = self.touched.values().filter(|touched| touched.changed);
        let by_number: BTreeMap<_, _> = changed.map(|touched| (touched.view.number, touched)).collect();
        let mut listed = Rows::new(&LIST, Change::Insert);
        let mut stands = Rows::new(&LIST, Change::Merge(&STAND));
        let mut documents = Rows::new(&DOCUMENT, Change::Insert);
        let mut restated = Rows::new(&DOCUMENT, Change::Merge(&RESTATED));
        for (number, Touched { view, stored, .. }) in by_number {
            let (status, severity) = (view.status.number(), severity_number(view.severity));
            let stand = document::stand(view)?;
            if stored.is_none() {
                documents.push([number.into(), document::facts(view)?.into(), stand.into()]);
            } else {
                restated.push([number.into(), stand.into()]);
            }
            match stored {
                None => listed.push([
                    number.into(),
                    view.id.uuid().into(),
                    thread(view.service, &view.key).into(),
                    view.episode.into(),
                    status.into(),
                    severity.into(),
                    view.service.uuid().into(),
                    view.team.map(domain::TeamId::uuid).into(),
                    view.opened_at.into(),
                    words(&format!("{}\n{}", view.title, view.key)).into(),
                ]),
                Some(stored) if *stored == (view.status, view.severity) => {}
                Some(_) => stands.push([number.into(), status.into(), severity.into()]),
            }
        }
        Ok([listed, stands, documents, restated])
    }

    /// What is seen of an incident that the present batch is about, after the events that were taken.
    pub(crate) fn view(&self, id: IncidentId) -> Option<&IncidentView> {
        self.touched.get(&id).map(|touched| &touched.view)
    }

    /// The batch is about to be written, and another one begins.
    pub(crate) fn leave(&mut self) {
        self.leaving.extend(self.touched.drain().map(|(id, touched)| (id, touched.view)));
    }

    /// Everything that left is written: it may be forgotten.
    pub(crate) fn written(&mut self) {
        for (id, view) in self.leaving.drain() {
            self.remembered.put(id, view);
        }
    }
}

/// Whether an incident begins here: nothing can be stored about it.
pub(crate) fn opens(recorded: &Recorded, news: &News<'_>) -> bool {
    recorded.version == 1 && matches!(news, News::Triggered(_))
}

/// The incident that an event is about.
pub(crate) fn incident(recorded: &Recorded) -> Option<IncidentId> {
    let id = (recorded.category() == IncidentId::CATEGORY).then(|| recorded.stream_uuid());
    id.flatten().map(IncidentId::new)
}

async fn latest(db: &Database, side: Side) -> Result<u64, ReadError> {
    let query = Query::select().expr(Func::max(Expr::col("number"))).from(LIST.on(side)).take();
    let latest = db.select(query).await?.pop().map_or(Ok(None), |mut row| row.take::<Option<u64>>())?;
    Ok(latest.unwrap_or(0))
}
