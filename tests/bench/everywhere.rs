//! Who is on call everywhere: two thousand schedules in one question over HTTP.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::NaiveDateTime;
use commands::{Engine, SystemClock, mint};
use domain::{
    LayerId, ScheduleId,
    schedule::{Layer, Rotation, Schedule, ScheduleCommand, Unit, Version, Window},
};
use serde_json::json;

use crate::{
    Outcome, Scale,
    database::{self, Database},
    graphql,
    http::Connection,
    report::{Limit, Report},
    server::Server,
    stats::Latencies,
    world::{self, World},
};

const SCHEDULES: usize = 2000;
const ASKED: usize = 50;
const MOST: Duration = Duration::from_millis(100);
const NOW: &str = "{ schedules(first: 2000) { nodes { id name onCallNow { id name } } } }";

pub(crate) async fn measure(scale: Scale, report: &mut Report) -> Outcome<()> {
    for kind in database::kinds() {
        let database = Database::empty(kind).await?;
        let store = database.open().await?;
        let world = world::found(&store, "http://127.0.0.1:9/page".to_owned()).await?;
        let engine = Engine::new(store.clone(), Arc::new(SystemClock));
        let count = scale.of(SCHEDULES);
        for number in 0..count {
            let command = schedule(&world, number, &engine)?;
            world::record::<Schedule>(&engine, ScheduleId::new(mint::uuid()), &command).await?;
        }
        store.close().await;
        let server = Server::start(&database).await?;
        server.settle().await?;
        let mut connection = Connection::open(server.address).await?;
        let request = graphql::request(NOW, &json!({}));
        let mut times = Vec::with_capacity(ASKED);
        for _ in 0..ASKED {
            let began = Instant::now();
            let data = graphql::ask(&mut connection, &request).await?;
            times.push(began.elapsed());
            let nodes = data["schedules"]["nodes"].as_array().ok_or("no schedules")?;
            let on_call =
                nodes.iter().filter(|one| one["onCallNow"].as_array().is_some_and(|all| !all.is_empty()));
            if on_call.count() != count {
                return Err("somebody is on call on every schedule".into());
            }
        }
        let what = format!("on call now on {count} schedules in one question, {}", kind.word());
        report.time(&format!("{what}: first"), times[0], Some(MOST));
        let times = Latencies::of(times);
        report.time(&format!("{what}: p50"), times.p50(), None);
        report.time(&format!("{what}: p99"), times.p99(), Some(MOST));
        let (memory, _) = server.memory();
        report.line(&format!("{what}: memory"), memory, "MB", Limit::None);
        server.stop().await?;
        database.remove().await;
    }
    Ok(())
}

/// Two layers in one of several zones, the lower one without an end.
fn schedule(world: &World, number: usize, engine: &Engine) -> Outcome<ScheduleCommand> {
    let start: NaiveDateTime = "2020-01-06T09:00:00".parse()?;
    let slots = vec![vec![world.user]; 1 + number % 8];
    let id = |place: usize| LayerId::new(mint::derived(mint::uuid(), &format!("layer {place}")));
    let below = Layer::simple(id(0), "Everybody", Rotation::Weekly { every: 1 }, start, slots.clone());
    let turns = match number % 3 {
        0 => Rotation::Daily { every: 1 },
        1 => Rotation::Custom { every: 12, unit: Unit::Hours },
        _ => Rotation::Rrule { rule: "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR".to_owned() },
    };
    let mut above = Layer::simple(id(1), "Nights", turns, start, slots);
    above.priority = 10;
    let time = |hour| chrono::NaiveTime::from_hms_opt(hour, 0, 0).ok_or("a time of day");
    above.restrictions = vec![Window::Daily { from: time(22)?, to: time(6)?, days: vec![] }];
    let zones = ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"];
    let at = engine.now();
    let time_zone = zones[number % zones.len()].to_owned();
    let version = Version { effective_from: at, time_zone, layers: vec![below, above] };
    let (name, team, unknown) = (format!("Schedule {number}"), None, vec![]);
    Ok(ScheduleCommand::CreateSchedule { name, team, version, unknown, at })
}
