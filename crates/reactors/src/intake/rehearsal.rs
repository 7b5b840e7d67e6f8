//! What would come of a test alert that may do nothing.

use domain::{ServiceId, Translated, UserId};

use crate::Parts;

/// Says which incident it would open and whom that would page first, under the configuration of today.
pub(super) fn told(parts: &Parts, service: ServiceId, alerts: &[Translated]) -> String {
    let directory = parts.directory.now();
    let (ladder, _) = directory.ladder_for(service);
    let roster = directory.roster(&ladder, parts.engine.now());
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
    let on = directory.services.get(&service).map_or_else(|| service.to_string(), |it| it.name.clone());
    let incidents: Vec<_> =
        alerts.iter().map(|alert| format!("key {}, severity {}", alert.key, alert.severity)).collect();
    format!("a test: would open an incident on {on}, {}, paging {paging}", incidents.join("; "))
}
