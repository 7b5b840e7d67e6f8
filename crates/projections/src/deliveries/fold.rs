//! What came in a batch, what became of it or of earlier deliveries, and which of them are to be decided again.

use std::collections::{BTreeMap, btree_map::Entry};

use domain::{IncidentId, IntegrationId, ServiceId, Timestamp};
use store::{Position, Recorded};
use uuid::Uuid;

use super::{DeliveryVerdict, TABLE};
use crate::{
    db::{Cell, Change, Kind, Merge, Rows},
    news::{News, Snoozed},
};

/// The first verdict stays; later ones are counted.
static DECIDE: Merge = Merge {
    columns: &[
        ("id", Kind::Bytes),
        ("verdict", Kind::Int),
        ("verdict_count", Kind::Int),
        ("incident", Kind::Bytes),
        ("reason", Kind::Text),
        ("decided_at", Kind::Int),
    ],
    set: "verdict = COALESCE(kept.verdict, {verdict}), \
          verdict_count = kept.verdict_count + {verdict_count}, \
          incident = CASE WHEN kept.verdict IS NULL THEN {incident} ELSE kept.incident END, \
          reason = CASE WHEN kept.verdict IS NULL THEN {reason} ELSE kept.reason END, \
          decided_at = CASE WHEN kept.verdict IS NULL THEN {decided_at} ELSE kept.decided_at END",
};

/// A replay clears what became of it before.
static REPLAY: Merge = Merge {
    columns: &[
        ("id", Kind::Bytes),
        ("asked", Kind::Int),
        ("asked_at", Kind::Int),
        ("replays", Kind::Int),
        ("verdict", Kind::Int),
        ("verdict_count", Kind::Int),
        ("incident", Kind::Bytes),
        ("reason", Kind::Text),
        ("decided_at", Kind::Int),
    ],
    set: "asked = {asked}, asked_at = {asked_at}, replays = kept.replays + {replays}, verdict = {verdict}, \
          verdict_count = {verdict_count}, incident = {incident}, reason = {reason}, decided_at = {decided_at}",
};

/// What a batch says of deliveries.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    /// By id, which is the order of the key.
    received: BTreeMap<Uuid, (Received, Decided)>,
    earlier: BTreeMap<Uuid, Decided>,
}

#[derive(Debug)]
struct Received {
    position: Position,
    integration: IntegrationId,
    service: ServiceId,
    format: String,
    proof: String,
    at: Timestamp,
}

/// What became of one delivery, since its last replay if there was one in the batch.
#[derive(Debug, Default)]
struct Decided {
    replayed: Option<Replayed>,
    /// Of how many alerts something became.
    count: u64,
    first: Option<FirstVerdict>,
}

#[derive(Debug)]
struct Replayed {
    position: Position,
    at: Timestamp,
    /// How many replays the batch holds.
    count: u64,
}

#[derive(Debug)]
struct FirstVerdict {
    verdict: DeliveryVerdict,
    incident: Option<IncidentId>,
    reason: Option<String>,
    at: Timestamp,
}

impl Fold {
    pub(crate) fn take(&mut self, recorded: &Recorded, news: &News<'_>) {
        let Some(id) = recorded.stream_uuid() else { return };
        let about = |verdict, at| (verdict, Some(IncidentId::new(id)), at);
        let (alerts, (verdict, incident, at)) = match news {
            News::Received(received) => {
                if let Entry::Vacant(free) = self.received.entry(id) {
                    let received = Received {
                        position: recorded.position,
                        integration: received.integration,
                        service: received.service,
                        format: received.format.clone().into_owned(),
                        proof: received.proof.clone().into_owned(),
                        at: received.at,
                    };
                    free.insert((received, Decided::default()));
                }
                return;
            }
            News::Concluded(concluded) => {
                let verdict = concluded.verdict.into();
                // PostgreSQL's texts cannot hold the character 0.
                let reason = Some(concluded.reason.replace('\0', "\u{fffd}"));
                let (incident, at) = (concluded.incident, concluded.at);
                // A conclusion about the whole message names none of its problems.
                let alerts = concluded.problems.len().max(1) as u64;
                self.decide(id, alerts, FirstVerdict { verdict, incident, reason, at });
                return;
            }
            News::Replayed(replayed) => {
                self.decided(id).replay(recorded.position, replayed.at);
                return;
            }
            News::Triggered(triggered) => {
                (&triggered.alerts[..], about(DeliveryVerdict::Opened, triggered.at))
            }
            News::Joined(joined) => (&joined.alerts[..], about(DeliveryVerdict::Joined, joined.at)),
            News::Acknowledged(said) => {
                (said.alert.as_slice(), about(DeliveryVerdict::Acknowledged, said.at))
            }
            News::Snoozed(Snoozed { said, .. }) => {
                (said.alert.as_slice(), about(DeliveryVerdict::Snoozed, said.at))
            }
            News::Resolved(said) => (said.alert.as_slice(), about(DeliveryVerdict::Resolved, said.at)),
            News::Ended(ended) => {
                (std::slice::from_ref(&ended.alert), about(DeliveryVerdict::Ended, ended.at))
            }
            News::Merged(_)
            | News::Graded(_)
            | News::Held(_)
            | News::Escalated(_)
            | News::Exhausted(_)
            | News::Unacknowledged
            | News::Reassigned(_)
            | News::Noted
            | News::Requested(_)
            | News::Sent(_)
            | News::Failed(_)
            | News::Withdrawn(_)
            | News::OnCallChanged(_)
            | News::Other => return,
        };
        for alert in alerts {
            self.decide(alert.delivery.uuid(), 1, FirstVerdict { verdict, incident, reason: None, at });
        }
    }

    fn decide(&mut self, delivery: Uuid, alerts: u64, verdict: FirstVerdict) {
        let decided = self.decided(delivery);
        decided.count += alerts;
        decided.first.get_or_insert(verdict);
    }

    fn decided(&mut self, delivery: Uuid) -> &mut Decided {
        match self.received.get_mut(&delivery) {
            Some((_, decided)) => decided,
            None => self.earlier.entry(delivery).or_default(),
        }
    }

    pub(crate) fn rows(self) -> [Rows; 3] {
        // A verdict about a delivery that came later in this very batch finds no row, as it would in a batch before.
        let mut decided = Rows::new(&TABLE, Change::Merge(&DECIDE));
        let mut replayed = Rows::new(&TABLE, Change::Merge(&REPLAY));
        for (id, mut since) in self.earlier {
            let replay = since.replayed.take();
            let [verdict, count, incident, reason, at] = since.cells();
            match replay {
                None => decided.push([id.into(), verdict, count, incident, reason, at]),
                Some(Replayed { position, at: asked_at, count: replays }) => replayed.push([
                    id.into(),
                    position.into(),
                    asked_at.into(),
                    replays.into(),
                    verdict,
                    count,
                    incident,
                    reason,
                    at,
                ]),
            }
        }
        let mut received = Rows::new(&TABLE, Change::Insert);
        for (id, (row, mut since)) in self.received {
            let came = Replayed { position: row.position, at: row.at, count: 0 };
            let asked = since.replayed.take().unwrap_or(came);
            let [verdict, count, incident, reason, at] = since.cells();
            received.push([
                id.into(),
                row.position.into(),
                row.integration.uuid().into(),
                row.service.uuid().into(),
                row.format.into(),
                row.proof.into(),
                row.at.into(),
                asked.position.into(),
                asked.at.into(),
                asked.count.into(),
                verdict,
                count,
                incident,
                reason,
                at,
            ]);
        }
        [decided, replayed, received]
    }
}

impl Decided {
    fn replay(&mut self, position: Position, at: Timestamp) {
        let count = 1 + self.replayed.as_ref().map_or(0, |earlier| earlier.count);
        *self = Self { replayed: Some(Replayed { position, at, count }), ..Self::default() };
    }

    fn cells(self) -> [Cell; 5] {
        let count = self.count.into();
        match self.first {
            None => [Cell::Null, count, Cell::Null, Cell::Null, Cell::Null],
            Some(FirstVerdict { verdict, incident, reason, at }) => [
                verdict.number().into(),
                count,
                incident.map(IncidentId::uuid).into(),
                reason.into(),
                at.into(),
            ],
        }
    }
}
