//! Subjects as keys: a byte for the kind and the UUID, so that an index row stays small.

use domain::{
    ApiKeyId, CalendarFeedId, ContactId, DeliveryId, IncidentId, IntegrationId, NoteId, NoticeId,
    OrganizationId, PageId, PolicyId, ScheduleId, SecretId, ServiceId, Subject, TeamId, UserId,
};
use store::Recorded;
use uuid::Uuid;

/// The key of a subject.
pub(crate) type Key = [u8; 17];

/// The kinds with the prefixes and categories of their ids. Stored: a number is never given to another kind.
const KINDS: [(u8, &str, &str); 16] = [
    (1, IncidentId::PREFIX, IncidentId::CATEGORY),
    (2, PageId::PREFIX, PageId::CATEGORY),
    (3, DeliveryId::PREFIX, DeliveryId::CATEGORY),
    (4, IntegrationId::PREFIX, IntegrationId::CATEGORY),
    (5, ServiceId::PREFIX, ServiceId::CATEGORY),
    (6, TeamId::PREFIX, TeamId::CATEGORY),
    (7, UserId::PREFIX, UserId::CATEGORY),
    (8, PolicyId::PREFIX, PolicyId::CATEGORY),
    (9, ScheduleId::PREFIX, ScheduleId::CATEGORY),
    (10, ApiKeyId::PREFIX, ApiKeyId::CATEGORY),
    (11, OrganizationId::PREFIX, OrganizationId::CATEGORY),
    (12, ContactId::PREFIX, ContactId::CATEGORY),
    (13, NoteId::PREFIX, NoteId::CATEGORY),
    (14, SecretId::PREFIX, SecretId::CATEGORY),
    (15, NoticeId::PREFIX, NoticeId::CATEGORY),
    (18, CalendarFeedId::PREFIX, CalendarFeedId::CATEGORY),
];

/// The key of a kind and a UUID.
fn key(kind: u8, id: Uuid) -> Key {
    let mut key = [kind; 17];
    key[1..].copy_from_slice(id.as_bytes());
    key
}

/// The key of a subject; `None` for a kind that only a newer Midwatch knows.
pub(crate) fn of_subject(subject: &Subject) -> Option<Key> {
    let (prefix, digits) = subject.as_str().split_once('_')?;
    let (kind, ..) = KINDS.iter().find(|(_, of_kind, _)| *of_kind == prefix)?;
    Some(key(*kind, Uuid::try_parse(digits).ok()?))
}

/// The kinds whose streams have a handful of events, pages and deliveries: what is in them is read from the log by name, and no index needs to
/// say so. Most of the log is of these.
const SHORT: [u8; 2] = [2, 3];

/// The key of what an event's stream is about, unless the stream is short.
pub(crate) fn of_long_stream(recorded: &Recorded) -> Option<Key> {
    let category = recorded.category();
    let (kind, ..) = KINDS.iter().find(|(kind, _, of_kind)| *of_kind == category && !SHORT.contains(kind))?;
    Some(key(*kind, recorded.stream_uuid()?))
}

/// Whether the stream of a subject is short.
pub(crate) fn has_short_stream(key: &Key) -> bool {
    SHORT.contains(&key[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_and_its_stream_have_one_key() {
        let id = Uuid::from_u128(7);
        for (kind, prefix, category) in KINDS {
            let subject: Subject = format!("{prefix}_{}", id.simple()).parse().expect("an id");
            assert_eq!(of_subject(&subject), Some(key(kind, id)));
            assert_eq!(subject.stream(), format!("{category}-{id}"));
        }
    }
}
