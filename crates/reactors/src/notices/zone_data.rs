//! Other time zone data moves the future of schedules: what it moves is recorded and told like an edit.

use std::{collections::HashSet, sync::Arc};

use chrono_tz::Tz;
use commands::{CommandError, Directory, MetadataExt, mint};
use domain::{
    Actor, OrganizationId, Timestamp,
    notice::AHEAD,
    organization::{Organization, OrganizationCommand, ScheduleMoved, ZoneDataMoved},
    schedule::{Schedule, Span, ZoneData, Zones, moved},
};
use store::Metadata;

use crate::{Parts, retry::Backoff};

/// Records what the zones in use say, unless that is known, and what that changed.
pub(super) async fn record(parts: &Parts) {
    let mut backoff = Backoff::default();
    loop {
        let (directory, at) = (parts.directory.now(), parts.engine.now());
        let names = zones_in_use(&directory);
        if names.is_empty() {
            return;
        }
        let data = ZoneData::of(&*directory.zones, names, at);
        if directory.organization.zone_data.as_ref().is_some_and(|known| known.covers(&data, at)) {
            return;
        }
        let outcome = async {
            let (known, _) = parts.engine.load::<Organization>(OrganizationId::THIS).await?;
            let moved = known.zone_data.as_ref().map(|previous| compared(&directory, previous, &data, at));
            let command = OrganizationCommand::RecordZoneData { data: Box::new(data), moved, at };
            let metadata = Metadata::of(Actor::Reactor { name: "notices".to_owned() }, mint::uuid());
            parts.engine.execute::<Organization>(OrganizationId::THIS, &command, &metadata).await
        };
        match outcome.await {
            Ok(_) => return,
            // Another node was faster: compare with what it recorded.
            Err(CommandError::Rejected(why)) => backoff.wait("notices", &why).await,
            Err(CommandError::Fault(fault)) => backoff.wait("notices", &fault).await,
        }
    }
}

/// The zones whose wall clocks schedules follow.
fn zones_in_use(directory: &Directory) -> HashSet<Tz> {
    let schedules = directory.schedules.values().filter(|schedule| schedule.retired_at.is_none());
    schedules.flat_map(|schedule| zones_of(schedule)).collect()
}

fn zones_of(schedule: &Schedule) -> Vec<Tz> {
    let names = schedule.versions.iter().flat_map(|version| {
        let layers = version.layers.iter().filter_map(|layer| layer.time_zone.as_ref());
        layers.chain([&version.time_zone])
    });
    names.filter_map(|name| name.parse().ok()).collect()
}

/// What the data in use makes of the schedules of today, beside what the data before would have made of them.
fn compared(
    directory: &Directory,
    previous: &Arc<ZoneData>,
    data: &ZoneData,
    at: Timestamp,
) -> ZoneDataMoved {
    let within = Span { start: at, end: at.plus_seconds(AHEAD).min(previous.until) };
    let differing = previous.differing(data);
    let old: Arc<dyn Zones> = Arc::new(previous.zones(Arc::clone(&directory.zones)));
    let concerned = directory.schedules.iter().filter(|(_, schedule)| {
        schedule.retired_at.is_none() && zones_of(schedule).iter().any(|zone| differing.contains(zone))
    });
    let mut schedules: Vec<ScheduleMoved> = concerned
        .filter_map(|(id, schedule)| {
            let before = schedule.timetable(&*old).ok()?.timeline(within.start, within.end).ok()?;
            let after = directory.timetable(*id)?.timeline(within.start, within.end).ok()?;
            let users: Vec<_> = moved(&before, &after).into_iter().map(|one| one.user).collect();
            (!users.is_empty()).then_some(ScheduleMoved { schedule: *id, users })
        })
        .collect();
    schedules.sort_unstable_by_key(|one| one.schedule);
    ZoneDataMoved { previous: Arc::clone(previous), schedules, within }
}
