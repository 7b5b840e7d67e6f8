//! How problems are kept: a narrow row to search by, and a row with what was said.

use std::collections::BTreeMap;

use domain::{DeliveryId, ServiceId, TeamId};

use super::{
    group::{Anew, Group, Problem, Said, Unwritten},
    record::AlertStatus,
};
use crate::{
    db::{Cell, Change, Kind, Merge, Rows, Table},
    list::{List, severity_number, words},
};

pub(crate) static LIST: Table = Table {
    name: "read_alert_list",
    columns: &[
        ("number", Kind::Int),
        ("incident", Kind::Int),
        ("status", Kind::Int),
        ("severity", Kind::Int),
        ("service", Kind::Bytes),
        ("team", Kind::Bytes),
        ("integration", Kind::Bytes),
        ("first_seen_at", Kind::Int),
        ("ended_at", Kind::Int),
        ("words", Kind::Text),
    ],
    key: 1,
    keyed: true,
};

/// The same as a list that is searched.
pub(crate) static SEARCHED: List = List { table: LIST.name, at: "first_seen_at", statuses: &STATUSES };

const STATUSES: [u32; 3] =
    [AlertStatus::ALL[0].number(), AlertStatus::ALL[1].number(), AlertStatus::ALL[2].number()];

pub(crate) static SAID: Table = Table {
    name: "read_alert_said",
    columns: &[
        ("number", Kind::Int),
        ("key", Kind::Text),
        ("own", Kind::Int),
        ("first_delivery", Kind::Bytes),
        ("last_delivery", Kind::Bytes),
        ("last_seen_at", Kind::Int),
        ("occurrences", Kind::Int),
        ("told_until", Kind::Int),
        ("title", Kind::Text),
        ("details", Kind::Text),
        ("source", Kind::Text),
        ("component", Kind::Text),
        ("severity", Kind::Int),
        ("rule", Kind::Text),
    ],
    key: 1,
    keyed: true,
};

/// What can change of the narrow row.
static STAND: Merge = Merge {
    columns: &[
        ("number", Kind::Int),
        ("status", Kind::Int),
        ("severity", Kind::Int),
        ("ended_at", Kind::Int),
    ],
    set: "status = {status}, severity = {severity}, ended_at = {ended_at}",
};

/// It is told of again.
static AGAIN: Merge = Merge {
    columns: &[
        ("number", Kind::Int),
        ("last_delivery", Kind::Bytes),
        ("last_seen_at", Kind::Int),
        ("occurrences", Kind::Int),
        ("told_until", Kind::Int),
        ("title", Kind::Text),
        ("details", Kind::Text),
        ("source", Kind::Text),
        ("component", Kind::Text),
        ("severity", Kind::Int),
        ("rule", Kind::Text),
    ],
    set: "last_delivery = {last_delivery}, last_seen_at = {last_seen_at}, occurrences = {occurrences}, \
          told_until = {told_until}, title = {title}, details = {details}, source = {source}, \
          component = {component}, severity = {severity}, rule = {rule}",
};

/// It is told of again by alerts that later ones overtook or that say one thing anew, or its end is.
static LATE: Merge = Merge {
    columns: &[
        ("number", Kind::Int),
        ("last_delivery", Kind::Bytes),
        ("last_seen_at", Kind::Int),
        ("occurrences", Kind::Int),
        ("told_until", Kind::Int),
        ("title", Kind::Text),
        ("details", Kind::Text),
        ("severity", Kind::Int),
    ],
    set: "last_delivery = COALESCE({last_delivery}, kept.last_delivery), \
          last_seen_at = COALESCE({last_seen_at}, kept.last_seen_at), \
          occurrences = {occurrences}, told_until = {told_until}, title = COALESCE({title}, kept.title), \
          details = COALESCE({details}, kept.details), severity = COALESCE({severity}, kept.severity)",
};

/// What a batch changes, in the order of the numbers.
pub(super) fn rows<'a>(groups: impl Iterator<Item = &'a mut Group>) -> [Rows; 5] {
    let mut listed = Rows::new(&LIST, Change::Insert);
    let mut stands = Rows::new(&LIST, Change::Merge(&STAND));
    let mut first_said = Rows::new(&SAID, Change::Insert);
    let mut again = Rows::new(&SAID, Change::Merge(&AGAIN));
    let mut late = Rows::new(&SAID, Change::Merge(&LATE));
    for (number, changed) in changes(groups) {
        let Changed { incident, service, team, key, is_own, problem, unwritten } = changed;
        let (status, severity) = (problem.status.number(), severity_number(problem.severity));
        let Unwritten { restated, listened, heard, said, anew, first } = unwritten;
        let first = first.map(|(delivery, title)| {
            listed.push([
                number.into(),
                incident.into(),
                status.into(),
                severity.into(),
                service.uuid().into(),
                team.map(TeamId::uuid).into(),
                problem.integration.uuid().into(),
                problem.first_seen_at.into(),
                problem.ended_at.into(),
                words(&format!("{title}\n{key}")).into(),
            ]);
            delivery
        });
        if restated && first.is_none() {
            stands.push([number.into(), status.into(), severity.into(), problem.ended_at.into()]);
        }
        let is_heard = heard.is_some();
        let (last, last_seen_at) = heard.unzip();
        let heard = [
            last.map(DeliveryId::uuid).into(),
            last_seen_at.into(),
            problem.occurrences.into(),
            problem.told_until.into(),
        ];
        let [last, last_seen_at, occurrences, told_until] = heard;
        match (first, said) {
            (Some(first), Some(said)) => {
                let [title, details, source, component, severity, rule] = said.amended(anew).cells();
                first_said.push([
                    number.into(),
                    key.to_owned().into(),
                    u32::from(is_own).into(),
                    first.uuid().into(),
                    last,
                    last_seen_at,
                    occurrences,
                    told_until,
                    title,
                    details,
                    source,
                    component,
                    severity,
                    rule,
                ]);
            }
            (None, Some(said)) => {
                let [title, details, source, component, severity, rule] = said.amended(anew).cells();
                again.push([
                    number.into(),
                    last,
                    last_seen_at,
                    occurrences,
                    told_until,
                    title,
                    details,
                    source,
                    component,
                    severity,
                    rule,
                ]);
            }
            (_, None) if is_heard || listened => {
                let Anew { title, details, severity } = anew;
                let anew = [title.into(), details.into(), severity.map(severity_number).into()];
                let [title, details, severity] = anew;
                late.push([
                    number.into(),
                    last,
                    last_seen_at,
                    occurrences,
                    told_until,
                    title,
                    details,
                    severity,
                ]);
            }
            (_, None) => {}
        }
    }
    [listed, stands, first_said, again, late]
}

/// One problem that a batch changes.
struct Changed<'a> {
    incident: u64,
    service: ServiceId,
    team: Option<TeamId>,
    key: &'a str,
    is_own: bool,
    problem: &'a Problem,
    unwritten: Unwritten,
}

/// By number, which is the order of the key.
fn changes<'a>(groups: impl Iterator<Item = &'a mut Group>) -> BTreeMap<u64, Changed<'a>> {
    let mut changes = BTreeMap::new();
    for Group { incident, key, service, team, problems, .. } in groups {
        let key = &*key;
        for (own, problem) in problems {
            let Some(unwritten) = problem.unwritten.take() else { continue };
            let changed = Changed {
                incident: *incident,
                service: *service,
                team: *team,
                key: own.as_deref().unwrap_or(key),
                is_own: own.is_some(),
                problem,
                unwritten,
            };
            changes.insert(changed.problem.number, changed);
        }
    }
    changes
}

impl Said {
    fn cells(self) -> [Cell; 6] {
        [
            self.title.into(),
            self.details.into(),
            self.source.into(),
            self.component.into(),
            severity_number(self.severity).into(),
            self.rule.into(),
        ]
    }
}
