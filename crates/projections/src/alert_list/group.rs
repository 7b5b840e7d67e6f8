//! The problems of one incident, and how events change them. Pure.

use std::collections::BTreeMap;

use domain::{DeliveryId, IntegrationId, ServiceId, Severity, TeamId, Timestamp, Update};

use super::{
    counts::{Counted, Counts},
    record::{AlertRecord, AlertStatus},
};
use crate::{IncidentView, news::AlertNews};

/// Problems of one incident that are listed, those that were told of first: each change of the incident's status is one of
/// each of them. A group of more is one whose keys tell nothing apart.
const LISTED: usize = 10_000;

/// The problems of one incident, as far as the fold must know them.
#[derive(Debug)]
pub(super) struct Group {
    /// The incident's number.
    pub(super) incident: u64,
    /// The incident's key.
    pub(super) key: Box<str>,
    pub(super) service: ServiceId,
    pub(super) team: Option<TeamId>,
    /// How its problems stand that are not over by themselves.
    pub(super) status: AlertStatus,
    /// By their own keys; without one where nothing is grouped.
    pub(super) problems: BTreeMap<Option<Box<str>>, Problem>,
}

/// One problem.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) number: u64,
    pub(super) integration: IntegrationId,
    pub(super) first_seen_at: Timestamp,
    pub(super) status: AlertStatus,
    /// At its worst.
    pub(super) severity: Severity,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) occurrences: u64,
    /// Until when monitoring tools have told what happened, where their messages can be ordered.
    pub(super) told_until: Option<Timestamp>,
    /// What no row says yet.
    pub(super) unwritten: Unwritten,
}

/// What a batch changes of a problem.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    /// Its status, its worst severity or its end.
    pub(super) restated: bool,
    /// Until when monitoring tools have told what happened.
    pub(super) listened: bool,
    /// The message that told of it last, and when.
    pub(super) heard: Option<(DeliveryId, Timestamp)>,
    /// What was said last, by an alert that nothing overtook.
    pub(super) said: Option<Said>,
    /// What was said anew since, or of what is stored if nothing else was said.
    pub(super) anew: Anew,
    /// The message that told of it first, and the title that it gave it.
    pub(super) first: Option<(DeliveryId, String)>,
}

/// Parts of what is shown that were said anew, each by itself.
#[derive(Debug, Default)]
pub(super) struct Anew {
    pub(super) title: Option<String>,
    pub(super) details: Option<String>,
    pub(super) severity: Option<Severity>,
}

/// What is shown of what was said.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) title: String,
    pub(super) details: Option<String>,
    pub(super) source: Option<String>,
    pub(super) component: Option<String>,
    pub(super) severity: Severity,
    pub(super) rule: Option<String>,
}

impl Group {
    /// What belongs to an incident, before any problem is known.
    pub(super) fn of(view: &IncidentView) -> Self {
        Self {
            incident: view.number,
            key: storable(&view.key).into(),
            service: view.service,
            team: view.team,
            status: view.status.into(),
            problems: BTreeMap::new(),
        }
    }

    /// An alert tells of a problem. `latest` is the number of the latest problem of all.
    pub(super) fn hear(&mut self, alert: &AlertNews, at: Timestamp, latest: &mut u64, counts: &mut Counts) {
        let own: Option<Box<str>> = alert.key.as_deref().map(storable).map(Into::into);
        let (group, status) = (self.counted(), self.status);
        if self.problems.len() >= LISTED && !self.problems.contains_key(&own) {
            return;
        }
        let problem = self.problems.entry(own).or_insert_with(|| {
            *latest += 1;
            let problem = Problem::new(*latest, alert, status, at);
            counts.add(problem.counted(group));
            problem
        });
        problem.occurrences += 1;
        problem.unwritten.heard = Some((alert.delivery, at));
        let is_late = alert.ordered && problem.told_until.is_some_and(|until| alert.at < until);
        if let Some(update) = alert.update.filter(|_| problem.occurrences > 1) {
            problem.say_anew(update, alert, group, counts);
            return;
        }
        let severity = problem.severity.max(alert.severity);
        if is_late {
            // It tells of what was: of what is, something later told already.
            problem.stand(problem.status, severity, group, counts);
            return;
        }
        problem.listen(alert);
        (problem.unwritten.said, problem.unwritten.anew) = (Some(Said::by(alert)), Anew::default());
        if problem.status == AlertStatus::Resolved && status != AlertStatus::Resolved {
            problem.ended_at = None;
            problem.stand(status, severity, group, counts);
        } else {
            problem.stand(problem.status, severity, group, counts);
        }
    }

    /// An alert tells that one of several problems is over.
    pub(super) fn end(&mut self, alert: &AlertNews, at: Timestamp, counts: &mut Counts) {
        let (own, group) = (alert.key.as_deref().map(storable), self.counted());
        let Some(problem) = self.problems.get_mut(&own.map(Into::into)) else { return };
        problem.listen(alert);
        problem.end(at, group, counts);
    }

    /// The incident stands in another way. `at`: since when.
    pub(super) fn follow(&mut self, status: AlertStatus, at: Timestamp, counts: &mut Counts) {
        if self.status == status {
            return;
        }
        self.status = status;
        let group = self.counted();
        let lasting = self.problems.values_mut().filter(|problem| problem.status != AlertStatus::Resolved);
        for problem in lasting {
            if status == AlertStatus::Resolved {
                problem.end(at, group, counts);
            } else {
                problem.stand(status, problem.severity, group, counts);
            }
        }
    }

    fn counted(&self) -> (ServiceId, Option<TeamId>) {
        (self.service, self.team)
    }
}

impl Unwritten {
    /// All that is to be written, once; none if nothing is.
    pub(super) fn take(&mut self) -> Option<Self> {
        let Self { restated, listened, heard, .. } = self;
        (*restated || *listened || heard.is_some()).then(|| std::mem::take(self))
    }
}

impl Problem {
    fn new(number: u64, alert: &AlertNews, status: AlertStatus, at: Timestamp) -> Self {
        Self {
            number,
            integration: alert.integration,
            first_seen_at: at,
            status,
            severity: alert.severity,
            ended_at: None,
            occurrences: 0,
            told_until: None,
            unwritten: Unwritten {
                first: Some((alert.delivery, storable(&alert.title))),
                ..Unwritten::default()
            },
        }
    }

    fn listen(&mut self, alert: &AlertNews) {
        if alert.ordered && self.told_until.is_none_or(|until| alert.at > until) {
            self.told_until = Some(alert.at);
            self.unwritten.listened = true;
        }
    }

    /// An alert says one thing anew, and nothing else.
    fn say_anew(
        &mut self,
        update: Update,
        alert: &AlertNews,
        group: (ServiceId, Option<TeamId>),
        counts: &mut Counts,
    ) {
        let (said, anew) = (Said::by(alert), &mut self.unwritten.anew);
        match update {
            Update::Title => anew.title = Some(said.title),
            Update::Details => anew.details = said.details.or(anew.details.take()),
            Update::Severity => {
                anew.severity = Some(said.severity);
                self.stand(self.status, self.severity.max(said.severity), group, counts);
            }
        }
    }

    fn end(&mut self, at: Timestamp, group: (ServiceId, Option<TeamId>), counts: &mut Counts) {
        if self.status != AlertStatus::Resolved {
            self.ended_at = Some(at);
            self.stand(AlertStatus::Resolved, self.severity, group, counts);
        }
    }

    fn stand(
        &mut self,
        status: AlertStatus,
        severity: Severity,
        group: (ServiceId, Option<TeamId>),
        counts: &mut Counts,
    ) {
        if (self.status, self.severity) != (status, severity) {
            counts.take(self.counted(group));
            (self.status, self.severity) = (status, severity);
            counts.add(self.counted(group));
            self.unwritten.restated = true;
        }
    }

    fn counted(&self, (service, team): (ServiceId, Option<TeamId>)) -> Counted {
        Counted {
            day: super::counts::day(self.first_seen_at),
            integration: self.integration,
            service,
            team,
            severity: self.severity,
            status: self.status,
        }
    }
}

impl Said {
    /// What is shown once parts of it were said anew.
    pub(super) fn amended(self, anew: Anew) -> Self {
        Self {
            title: anew.title.unwrap_or(self.title),
            details: anew.details.or(self.details),
            severity: anew.severity.unwrap_or(self.severity),
            ..self
        }
    }

    fn by(alert: &AlertNews) -> Self {
        let text = |text: &Option<String>| text.as_deref().map(storable);
        Self {
            title: storable(&alert.title),
            details: alert.details.as_deref().map(beginning),
            source: text(&alert.source),
            component: text(&alert.component),
            severity: alert.severity,
            rule: text(&alert.rule),
        }
    }
}

/// PostgreSQL's texts cannot hold the character 0.
fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The beginning of details; the last character is an ellipsis if there are more.
fn beginning(details: &str) -> String {
    let Some((end, _)) = details.char_indices().nth(AlertRecord::MAX_DETAILS) else {
        return storable(details);
    };
    let cut = details[..end].char_indices().next_back().map_or(0, |(last, _)| last);
    storable(&details[..cut]) + "…"
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_problems_of_a_group_that_were_told_of_first_are_listed() {
        let id = Uuid::from_u128(1);
        let alert = |key: usize| AlertNews {
            delivery: DeliveryId::new(id),
            integration: IntegrationId::new(id),
            title: "disk full".to_owned(),
            details: None,
            severity: Severity::High,
            source: None,
            component: None,
            key: Some(key.to_string()),
            rule: None,
            update: None,
            at: Timestamp::default(),
            ordered: false,
        };
        let mut group = Group {
            incident: 1,
            key: "disks".into(),
            service: ServiceId::new(id),
            team: None,
            status: AlertStatus::Open,
            problems: BTreeMap::new(),
        };
        let (mut latest, mut counts) = (0, Counts::default());
        for key in (0..=LISTED).chain([LISTED - 1]) {
            group.hear(&alert(key), Timestamp::default(), &mut latest, &mut counts);
        }
        assert_eq!((latest, group.problems.len()), (LISTED as u64, LISTED));
        let occurrences =
            |key: usize| group.problems.get(&Some(key.to_string().into())).map(|it| it.occurrences);
        assert_eq!([0, LISTED - 1, LISTED].map(occurrences), [Some(1), Some(2), None]);
    }

    #[test]
    fn long_details_are_cut_with_an_ellipsis() {
        assert_eq!(beginning("short\0"), "short\u{fffd}");
        let fitting = "ß".repeat(AlertRecord::MAX_DETAILS);
        assert_eq!(beginning(&fitting), fitting);
        let cut = beginning(&"ß".repeat(AlertRecord::MAX_DETAILS + 1));
        assert_eq!(cut.chars().count(), AlertRecord::MAX_DETAILS);
        assert!(cut.ends_with("ß…"));
    }
}
