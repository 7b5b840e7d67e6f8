//! Times and names in words, for one reader.

use std::{sync::Arc, time::Duration};

use chrono_tz::Tz;
use commands::Directory;
use domain::{
    Actor, ScheduleId, Timestamp, UserId,
    schedule::{Span, Zone},
};

/// Somebody who reads times on their own wall clock.
pub(super) struct Reader {
    zone: Arc<Zone>,
    zone_name: &'static str,
}

impl Reader {
    /// A person in their zone; in UTC, should it be unknown.
    pub(super) fn new(directory: &Directory, user: UserId) -> Self {
        let profile = directory.users.get(&user).and_then(|user| user.profile.as_ref());
        let zone = profile.and_then(|profile| profile.time_zone.parse().ok()).unwrap_or(Tz::UTC);
        Self { zone: directory.zones.zone(zone), zone_name: zone.name() }
    }

    /// The name of their zone.
    pub(super) const fn zone_name(&self) -> &'static str {
        self.zone_name
    }

    /// An instant, such as `Wed 25 Nov 2026, 09:00 (UTC+01:00)`.
    pub(super) fn instant(&self, at: Timestamp) -> String {
        let minutes = self.zone.offset_at(at) / 60;
        let (sign, minutes) = (if minutes < 0 { '-' } else { '+' }, minutes.abs());
        format!("{} (UTC{sign}{:02}:{:02})", self.short(at), minutes / 60, minutes % 60)
    }

    /// An instant without its offset.
    pub(super) fn short(&self, at: Timestamp) -> String {
        self.zone.wall_clock(at).format("%a %-d %b %Y, %H:%M").to_string()
    }

    /// A stretch of time.
    pub(super) fn span(&self, span: Span) -> String {
        let lasting = lasting(span.end.since(span.start));
        format!("{} to {} ({lasting})", self.short(span.start), self.instant(span.end))
    }
}

/// A duration in words, to the minute, such as `24 hours`.
pub(super) fn lasting(duration: Duration) -> String {
    let minutes = duration.as_millis().div_ceil(60_000);
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    let of = |count: u128, noun: &str| match count {
        0 => None,
        1 => Some(format!("1 {noun}")),
        many => Some(format!("{many} {noun}s")),
    };
    // Up to two days hours are easier to grasp; from then on minutes do not matter.
    let parts = if days >= 2 {
        [of(days, "day"), of(hours, "hour")]
    } else {
        [of(minutes / 60, "hour"), of(rest, "minute")]
    };
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "less than a minute".to_owned() } else { parts.join(" ") }
}

/// The name that people know somebody by.
pub(super) fn name(directory: &Directory, user: UserId) -> String {
    let profile = directory.users.get(&user).and_then(|user| user.profile.as_ref());
    profile.map_or_else(|| user.to_string(), |profile| profile.name.clone())
}

/// Several names, in their order.
pub(super) fn names(directory: &Directory, users: &[UserId]) -> String {
    let mut names: Vec<String> = users.iter().map(|user| name(directory, *user)).collect();
    names.sort_unstable();
    match names.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

/// The name of a schedule.
pub(super) fn schedule_name(directory: &Directory, id: ScheduleId) -> String {
    directory.schedules.get(&id).map_or_else(|| id.to_string(), |schedule| schedule.name.clone())
}

/// Who did something.
pub(super) fn actor(directory: &Directory, actor: &Actor) -> String {
    match actor {
        Actor::User { id } => name(directory, *id),
        Actor::ApiKey { id } => {
            directory.api_keys.get(id).map_or_else(|| id.to_string(), |key| key.name.clone())
        }
        Actor::Administrator => "an administrator".to_owned(),
        Actor::Integration { .. } | Actor::Reactor { .. } => "Midwatch".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_what_people_count() {
        let told = |minutes: u64| lasting(Duration::from_secs(minutes * 60));
        assert_eq!(told(0), "less than a minute");
        assert_eq!(told(1), "1 minute");
        assert_eq!(told(60), "1 hour");
        assert_eq!(told(90), "1 hour 30 minutes");
        assert_eq!(told(1440), "24 hours");
        assert_eq!(told(1500), "25 hours");
        assert_eq!(told(7 * 1440), "7 days");
        assert_eq!(told(7 * 1440 + 61), "7 days 1 hour");
        // A moment after a notice fell due it still says what it is.
        assert_eq!(lasting(Duration::from_millis(86_399_960)), "24 hours");
    }
}
