//! What would come of a test alert that may do nothing.

use domain::{
    ServiceId, Translated, UserId,
    delivery::{Finding, Verdict},
    incident::Hold,
};

use super::understanding::service_of;
use crate::Parts;

/// Says of each alert which incident it would open and whom that would page first, under the configuration of today.
pub(super) fn told(parts: &Parts, service: ServiceId, alerts: Vec<Translated>) -> Vec<Finding> {
    let told = alerts.into_iter().map(|alert| {
        let (rule, problems) = (alert.ruling.rule.clone(), vec![alert.own_key().to_owned()]);
        let reason = format!("a test: {}", about(parts, service, alert));
        Finding { rule, problems, ..Finding::whole(Verdict::Recorded, reason) }
    });
    told.collect()
}

fn about(parts: &Parts, usual: ServiceId, mut alert: Translated) -> String {
    let directory = parts.directory.now();
    let service = service_of(&directory, usual, &mut alert);
    let rule = alert.ruling.rule.as_deref().map(|rule| format!("the rule `{rule}` ")).unwrap_or_default();
    if alert.ruling.dropped {
        return format!("{rule}would drop it");
    }
    let now = parts.engine.now();
    let (ladder, _) = directory.ladder_for(service, now);
    let roster = directory.roster(&ladder, now);
    let name = |user: &UserId| {
        let profile = directory.users.get(user).and_then(|user| user.profile.as_ref());
        profile.map_or_else(|| user.to_string(), |profile| profile.name.clone())
    };
    let first = roster.levels.iter().enumerate().find(|(_, level)| !level.is_empty());
    let paging = match first {
        Some((index, level)) => {
            let names: Vec<_> = level.iter().map(|one| name(&one.user)).collect();
            format!("{} on level {}", names.join(", "), index + 1)
        }
        None if roster.administrators.is_empty() => "nobody".to_owned(),
        None => {
            let names: Vec<_> = roster.administrators.iter().map(name).collect();
            format!("the administrators {}, because nobody is on the ladder", names.join(", "))
        }
    };
    let when = match alert.ruling.hold {
        None => String::new(),
        Some(Hold::Suspend { seconds }) => format!(" after {seconds} seconds"),
        Some(Hold::Threshold { alerts, within_seconds }) => {
            format!(" once {alerts} alerts came within {within_seconds} seconds")
        }
    };
    let on = directory.services.get(&service).map_or_else(|| service.to_string(), |it| it.name.clone());
    let Translated { key, severity, .. } = &alert;
    format!("{rule}would open an incident on {on}, key {key}, severity {severity}, paging {paging}{when}")
}
