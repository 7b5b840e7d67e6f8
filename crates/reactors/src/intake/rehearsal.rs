//! What would come of a test alert that may do nothing: the rules of incidents are asked, and nothing is recorded.

use std::sync::Arc;

use commands::{Directory, EngineError};
use domain::{
    Aggregate, AlertAction, Translated, UserId,
    delivery::{Finding, Verdict},
    incident::{Hold, Incident, IncidentEvent, IncidentRejection, Terms},
};

use super::{Conclusion, Request, saying};
use crate::{Parts, retry::Backoff};

/// Says of an alert that its rule would drop it.
pub(super) fn dropped(alert: &Translated) -> Finding {
    let (rule, problems) = (alert.ruling.rule.clone(), vec![alert.own_key().to_owned()]);
    let reason = told_of(rule.as_deref(), "would drop it", &alert.ruling.remarks);
    Finding { rule, problems, ..Finding::whole(Verdict::Recorded, reason) }
}

/// Says of each thing that is asked for what would come of it, under the configuration of today and with the incidents
/// that are open now.
pub(super) async fn told(parts: &Parts, requests: Vec<Request>) -> Vec<Conclusion> {
    let mut told = vec![];
    for request in requests {
        let mut backoff = Backoff::default();
        let incident = loop {
            match found(parts, &request).await {
                Ok(incident) => break incident,
                // Of an incident that cannot be read nothing can be told.
                Err(EngineError::Fact(_)) => break Arc::default(),
                Err(fault) => backoff.wait("intake", &fault).await,
            }
        };
        let outcome = match request.action {
            AlertAction::Trigger => triggered(parts, &request, &incident),
            _ => said(parts, &request, &incident),
        };
        let reason = told_of(request.alert.rule.as_deref(), &outcome, &request.alert.remarks);
        told.push(request.conclusion(Verdict::Recorded, reason, None));
    }
    told
}

fn told_of(rule: Option<&str>, outcome: &str, remarks: &[String]) -> String {
    let rule = rule.map(|rule| format!("the rule `{rule}` ")).unwrap_or_default();
    let remarks =
        if remarks.is_empty() { String::new() } else { format!("; remarks: {}", remarks.join("; ")) };
    format!("a test: {rule}{outcome}{remarks}")
}

/// The incident that the request would be decided by.
async fn found(parts: &Parts, request: &Request) -> Result<Arc<Incident>, EngineError> {
    let incident = match &request.alert.key {
        Some(own) => parts.intake.holding(request.service, &request.key, own).await?,
        None => parts.intake.current(request.service, &request.key).await?,
    };
    match incident {
        Some(incident) => Ok(parts.engine.load::<Incident>(incident).await?.0),
        None => Ok(Arc::default()),
    }
}

/// What would come of something that is wrong.
fn triggered(parts: &Parts, request: &Request, incident: &Incident) -> String {
    let directory = parts.directory.now();
    let service = directory.services.get(&request.service);
    let on = service.map_or_else(|| request.service.to_string(), |service| service.name.clone());
    let place = format!("on {on}, key {}, severity {}", request.key, request.alert.severity);
    let opened = || {
        let when = match request.terms.hold {
            None => String::new(),
            Some(Hold::Suspend { seconds }) => format!(" after {seconds} seconds"),
            Some(Hold::Threshold { alerts, within_seconds }) => {
                format!(" once {alerts} alerts came within {within_seconds} seconds")
            }
        };
        match decided(parts, request, &Incident::Absent) {
            Ok(events) => {
                format!("would open an incident {place}, paging {}{when}", paged(&directory, &events))
            }
            Err(rejection) => format!("would lead to nothing: {rejection}"),
        }
    };
    match (decided(parts, request, incident), incident.open()) {
        (Ok(events), Some(open)) => {
            let (title, paged) = (&open.shown.title, paged(&directory, &events));
            format!("would join the open incident “{title}” {place}, paging {paged}")
        }
        (Ok(_), None)
        | (Err(IncidentRejection::AlreadyResolved { .. } | IncidentRejection::WindowClosed { .. }), _) => {
            opened()
        }
        (Err(rejection), _) => format!("would lead to nothing: {rejection}"),
    }
}

/// What an incident makes of the alert. What opens one pages at once here: by how much that waits is told beside it.
fn decided(
    parts: &Parts,
    request: &Request,
    incident: &Incident,
) -> Result<Vec<IncidentEvent>, IncidentRejection> {
    let at = parts.engine.now();
    let Some(_) = incident.open() else {
        let directory = parts.directory.now();
        let (ladder, _) = directory.ladder_for(request.service, at);
        let roster = directory.roster(&ladder, at);
        let terms = Terms { hold: None, ..request.terms };
        return incident.decide(&saying::taking(request, (ladder, roster), terms, at));
    };
    incident.decide(&saying::taking(request, saying::own_ladder(parts, incident, at), request.terms, at))
}

/// Whom these events page.
fn paged(directory: &Directory, events: &[IncidentEvent]) -> String {
    let names = |users: &mut dyn Iterator<Item = UserId>| {
        let name = |user: UserId| {
            let profile = directory.users.get(&user).and_then(|user| user.profile.as_ref());
            profile.map_or_else(|| user.to_string(), |profile| profile.name.clone())
        };
        users.map(name).collect::<Vec<_>>().join(", ")
    };
    let paging = events.iter().find_map(|event| match event {
        IncidentEvent::Escalated { responders, level, .. } => {
            Some(format!("{} on level {level}", names(&mut responders.iter().map(|one| one.user))))
        }
        IncidentEvent::Exhausted { administrators, .. } if !administrators.is_empty() => {
            let names = names(&mut administrators.iter().copied());
            Some(format!("the administrators {names}, because nobody is on the ladder"))
        }
        _ => None,
    });
    paging.unwrap_or_else(|| "nobody".to_owned())
}

/// What would come of anything else that is said of a problem.
fn said(parts: &Parts, request: &Request, incident: &Incident) -> String {
    if *incident == Incident::Absent {
        return "would lead to nothing: nothing was ever opened for this key".to_owned();
    }
    let word = request.action.word();
    match incident.decide(&saying::command(parts, request, incident)) {
        Ok(events) if events.is_empty() => {
            "would lead to nothing: the incident is in that state already".to_owned()
        }
        Ok(events) if events.iter().any(|event| matches!(event, IncidentEvent::AlertEnded { .. })) => {
            "would end one of the problems of an open incident".to_owned()
        }
        Ok(_) => format!("would {word} the incident of key {}", request.key),
        Err(rejection) => format!("would lead to nothing: {rejection}"),
    }
}
