//! What happened, in words: one sentence for each event, worded for a timeline.

mod configuration;
mod incident;
mod message;
mod schedule;

use commands::Directory;
use domain::{Actor, Fact, UserId};
use store::Recorded;

use super::{actor::actor_name, user::user_name};

/// What happened, in one sentence without a full stop.
pub fn sentence(directory: &Directory, event: &Recorded) -> String {
    let words = Words { directory, by: &event.metadata.actor };
    let (kind, payload) = (&*event.kind, &event.payload[..]);
    let told = match event.category() {
        "incident" => Fact::decode(kind, payload).map(|fact| words.incident(&fact)),
        "page" => Fact::decode(kind, payload).map(|fact| words.page(&fact)),
        "notice" => Fact::decode(kind, payload).map(|fact| words.notice(&fact)),
        "delivery" => Fact::decode(kind, payload).map(|fact| words.delivery(&fact)),
        "team" => Fact::decode(kind, payload).map(|fact| words.team(&fact)),
        "user" => Fact::decode(kind, payload).map(|fact| words.user(&fact)),
        "service" => Fact::decode(kind, payload).map(|fact| words.service(&fact)),
        "integration" => Fact::decode(kind, payload).map(|fact| words.integration(&fact)),
        "policy" => Fact::decode(kind, payload).map(|fact| words.policy(&fact)),
        "schedule" => Fact::decode(kind, payload).map(|fact| words.schedule(&fact)),
        "oncall" => Fact::decode(kind, payload).map(|fact| words.on_call(&fact)),
        "organization" => Fact::decode(kind, payload).map(|fact| words.organization(&fact)),
        "calendarfeed" => Fact::decode(kind, payload).map(|fact| words.calendar_feed(&fact)),
        "apikey" => Fact::decode(kind, payload).map(|fact| words.api_key(&fact)),
        _ => return kind.to_owned(),
    };
    // An event of a newer Midwatch still has its name.
    told.unwrap_or_else(|_| kind.to_owned())
}

/// Names for ids, as of now.
struct Words<'a> {
    directory: &'a Directory,
    by: &'a Actor,
}

impl Words<'_> {
    fn who(&self, actor: &Actor) -> String {
        capital(&actor_name(self.directory, actor))
    }

    fn somebody(&self) -> String {
        self.who(self.by)
    }

    fn person(&self, id: UserId) -> String {
        user_name(self.directory, id)
    }

    fn people<'u>(&self, ids: impl IntoIterator<Item = &'u UserId>) -> String {
        let names: Vec<_> = ids.into_iter().map(|id| self.person(*id)).collect();
        match names.as_slice() {
            [] => "nobody".to_owned(),
            [one] => one.clone(),
            [others @ .., last] => format!("{} and {last}", others.join(", ")),
        }
    }
}

/// The same words with a capital at the beginning.
fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
