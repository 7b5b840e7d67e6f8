//! Calendars that subscribe: each feed is one document of RFC 5545 under a secret address.
//!
//! What it says follows from the configuration alone, by [`ShiftFeed`], so every node says the same. Whoever
//! asks again with the tag of what they have is told that it still holds.

mod ics;
#[cfg(test)]
mod tests;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use commands::Directory;
use domain::{
    ScheduleId, Timestamp, UserId,
    calendar_feed::{CalendarFeed, Scope},
    schedule::{History, Shift, ShiftFeed, TooLong, Zones},
};
use lru::LruCache;
use sha2::{Digest, Sha256};
use tokio::sync::Semaphore;

use crate::{App, Problem};

/// Schedules whose history need not be followed from its beginning.
const KEPT: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// The address of every feed. It asks for no token: the secret in it is the proof.
pub(crate) fn routes(app: App) -> Router {
    Router::new().route("/calendar/{file}", get(calendar)).with_state(Arc::new(Calendars::new(app)))
}

/// What all feeds share.
struct Calendars {
    app: App,
    /// What was followed of each schedule so far.
    followed: Mutex<LruCache<ScheduleId, Arc<ShiftFeed>>>,
    /// One at a time: however many calendars ask at once, alerts have a processor for themselves.
    turn: Semaphore,
}

/// A file name in a path; one that is not even text leads nowhere, like any other that leads nowhere.
type File = Result<Path<String>, PathRejection>;

async fn calendar(State(calendars): State<Arc<Calendars>>, file: File, headers: HeaderMap) -> Response {
    let file = file.map(|Path(file)| file).unwrap_or_default();
    let directory = calendars.app.directory.now();
    // Whatever is asked for is hashed and looked up, so that nothing is learnt from how long it takes.
    let feed = directory.calendar_feed(file.strip_suffix(".ics").unwrap_or_default());
    let Some(feed) = feed.map(|(_, feed)| feed.clone()) else { return Problem::not_found().into_response() };
    let Ok(_turn) = calendars.turn.acquire().await else {
        return Problem::unavailable("the server is about to stop").into_response();
    };
    let now = calendars.app.engine.now();
    let write = {
        let calendars = Arc::clone(&calendars);
        move || calendars.write(&directory, &feed, now)
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(Ok(text)) => answer(text, &headers),
        Ok(Err(why)) => {
            tracing::warn!(%why, "a calendar cannot be written");
            Problem::unavailable("too much happens in this schedule for a calendar").into_response()
        }
        Err(why) => {
            tracing::error!(%why, "writing a calendar failed");
            let detail = "the server made a mistake, which it has logged";
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail).into_response()
        }
    }
}

/// The document, or that it is still the one that the caller has.
fn answer(text: String, headers: &HeaderMap) -> Response {
    let tag = tag(&text);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|tags| tags.split(',')).map(str::trim);
    let is_known = known.any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = [
            (header::CONTENT_TYPE, "text/calendar; charset=utf-8"),
            (header::CONTENT_DISPOSITION, "inline; filename=\"on-call.ics\""),
        ];
        (kind, text).into_response()
    };
    let headers = response.headers_mut();
    // Between two askings somebody may have swapped: who keeps a copy has to ask whether it still holds.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// Names exactly these bytes.
fn tag(text: &str) -> String {
    use std::fmt::Write;
    let digest = Sha256::digest(text.as_bytes());
    let mut tag = digest.iter().take(16).fold(String::from("\""), |mut tag, byte| {
        // Writing to a string cannot fail.
        let _ = write!(tag, "{byte:02x}");
        tag
    });
    tag.push('"');
    tag
}

impl Calendars {
    fn new(app: App) -> Self {
        Self { app, followed: Mutex::new(LruCache::new(KEPT)), turn: Semaphore::new(1) }
    }

    /// The document of a feed at an instant.
    fn write(&self, directory: &Directory, feed: &CalendarFeed, now: Timestamp) -> Result<String, TooLong> {
        let (name, mut entries) = match feed.scope {
            Some(Scope::User { id }) => {
                let mut entries = vec![];
                for (schedule, history) in directory.histories.iter().filter(|(_, history)| history.names(id))
                {
                    let title = format!("On call: {}", schedule_name(directory, *schedule));
                    let shifts = self.shifts(directory, *schedule, history, now)?;
                    let mine = shifts.into_iter().filter(|shift| shift.user == id);
                    entries.extend(mine.map(|shift| ics::Entry { title: title.clone(), shift }));
                }
                (format!("On call: {}", user_name(directory, id)), entries)
            }
            Some(Scope::Schedule { id }) => {
                let schedule = schedule_name(directory, id);
                let history = directory.histories.get(&id);
                let shifts = history.map(|history| self.shifts(directory, id, history, now)).transpose()?;
                let entry = |shift: Shift| {
                    let title = format!("{schedule}: {}", user_name(directory, shift.user));
                    ics::Entry { title, shift }
                };
                let entries = shifts.unwrap_or_default().into_iter().map(entry).collect();
                (format!("On call: {schedule}"), entries)
            }
            None => (String::new(), vec![]),
        };
        // Nobody who reads this feed has seen what was cancelled before there was one.
        entries.retain(|entry| !entry.shift.cancelled || entry.shift.changed_at >= feed.created_at);
        entries.sort_unstable_by_key(|entry| (entry.shift.span.start, entry.shift.id));
        Ok(ics::calendar(&name, &entries))
    }

    fn shifts(
        &self,
        directory: &Directory,
        schedule: ScheduleId,
        history: &History,
        now: Timestamp,
    ) -> Result<Vec<Shift>, TooLong> {
        let Some(timetable) = directory.timetable(schedule) else { return Ok(vec![]) };
        let feed = self.follow(schedule, history, &*directory.zones)?;
        feed.shifts(schedule, history, timetable, now)
    }

    /// What became of a schedule's shifts, from where it was left last.
    fn follow(
        &self,
        schedule: ScheduleId,
        history: &History,
        zones: &dyn Zones,
    ) -> Result<Arc<ShiftFeed>, TooLong> {
        let known = self.followed.lock().unwrap_or_else(PoisonError::into_inner).get(&schedule).cloned();
        let mut feed = match known {
            Some(known) if known.followed() == history.events() => return Ok(known),
            Some(known) if known.followed() < history.events() => Arc::unwrap_or_clone(known),
            // Whoever looked at the configuration a moment earlier follows it alone.
            Some(_) | None => ShiftFeed::default(),
        };
        feed.follow(history, zones)?;
        let feed = Arc::new(feed);
        self.followed.lock().unwrap_or_else(PoisonError::into_inner).put(schedule, Arc::clone(&feed));
        Ok(feed)
    }
}

fn schedule_name(directory: &Directory, id: ScheduleId) -> String {
    directory.schedules.get(&id).map_or_else(|| id.to_string(), |schedule| schedule.name.clone())
}

fn user_name(directory: &Directory, id: UserId) -> String {
    let profile = directory.users.get(&id).and_then(|user| user.profile.as_ref());
    profile.map_or_else(|| id.to_string(), |profile| profile.name.clone())
}
