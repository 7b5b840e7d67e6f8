//! Ids: one newtype per noun over a UUID, shown with a prefix that says what it names.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

use crate::AggregateId;

/// A text that is not an id of the expected kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {article} id: expected `{prefix}_` and 32 hexadecimal digits")]
pub struct IdError {
    text: String,
    prefix: &'static str,
    article: &'static str,
}

impl IdError {
    fn new(text: &str, prefix: &'static str, article: &'static str) -> Self {
        // A hostile id must not flood an error message or a log line.
        Self { text: text.chars().take(64).collect(), prefix, article }
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal, $category:literal, $article:literal;)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
            pub struct $name(Uuid);

            impl $name {
                /// The first part of this kind's stream names.
                pub const CATEGORY: &'static str = $category;
                /// What stands before the underscore when the id is shown.
                pub const PREFIX: &'static str = $prefix;

                /// Names the thing that `uuid` identifies.
                pub const fn new(uuid: Uuid) -> Self {
                    Self(uuid)
                }

                /// The bare UUID.
                pub const fn uuid(self) -> Uuid {
                    self.0
                }

                /// The stream that holds this thing's history, as `category-uuid`.
                pub fn stream(self) -> String {
                    format!(concat!($category, "-{}"), self.0.hyphenated())
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    let mut buffer = Uuid::encode_buffer();
                    write!(f, concat!($prefix, "_{}"), self.0.simple().encode_lower(&mut buffer))
                }
            }

            impl FromStr for $name {
                type Err = IdError;

                fn from_str(text: &str) -> Result<Self, IdError> {
                    text.strip_prefix(concat!($prefix, "_"))
                        .filter(|digits| digits.len() == 32)
                        .and_then(|digits| Uuid::try_parse(digits).ok())
                        .map(Self)
                        .ok_or_else(|| IdError::new(text, $prefix, $article))
                }
            }

            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    struct Visitor;
                    impl de::Visitor<'_> for Visitor {
                        type Value = $name;
                        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            f.write_str(concat!("an id like `", $prefix, "_…`"))
                        }
                        fn visit_str<E: de::Error>(self, text: &str) -> Result<$name, E> {
                            text.parse().map_err(E::custom)
                        }
                    }
                    deserializer.deserialize_str(Visitor)
                }
            }

            impl AggregateId for $name {
                fn uuid(self) -> Uuid {
                    self.0
                }

                fn stream(self) -> String {
                    self.stream()
                }
            }

            impl From<$name> for Subject {
                fn from(id: $name) -> Self {
                    Self(id.to_string())
                }
            }
        )+

        impl FromStr for Subject {
            type Err = IdError;

            /// Accepts an id of any kind.
            fn from_str(text: &str) -> Result<Self, IdError> {
                // The prefix first: each failure would make an error, and every stored event has subjects.
                $(if text.starts_with(concat!($prefix, "_")) && text.parse::<$name>().is_ok() {
                    return Ok(Self(text.to_owned()));
                })+
                Err(IdError::new(text, "kind", "an"))
            }
        }

        impl Subject {
            /// The stream of the thing itself, as `category-uuid`.
            pub fn stream(&self) -> String {
                $(if let Ok(id) = self.0.parse::<$name>() {
                    return id.stream();
                })+
                unreachable!("a subject is always an id of a known kind")
            }
        }
    };
}

ids! {
    /// An API key.
    ApiKeyId = "key", "apikey", "an API key";
    /// A secret address under which calendars read who is on call when.
    CalendarFeedId = "cal", "calendarfeed", "a calendar feed";
    /// A way to reach a user.
    ContactId = "cnt", "contact", "a contact";
    /// One message that a monitoring tool delivered.
    DeliveryId = "dlv", "delivery", "a delivery";
    /// A problem that somebody must take.
    IncidentId = "inc", "incident", "an incident";
    /// A monitoring tool's entrance.
    IntegrationId = "int", "integration", "an integration";
    /// A layer of a schedule.
    LayerId = "lay", "layer", "a layer";
    /// A note on an incident.
    NoteId = "not", "note", "a note";
    /// What somebody is told about their time on call.
    NoticeId = "ntc", "notice", "a notice";
    /// The organisation that this installation serves.
    OrganizationId = "org", "organization", "an organization";
    /// An override of a schedule.
    OverrideId = "ovr", "override", "an override";
    /// One attempt to get one person's attention through one contact.
    PageId = "pag", "page", "a page";
    /// An escalation policy.
    PolicyId = "pol", "policy", "an escalation policy";
    /// An on-call schedule.
    ScheduleId = "sch", "schedule", "a schedule";
    /// A secret in the vault.
    SecretId = "sec", "secret", "a secret";
    /// A service that can break.
    ServiceId = "svc", "service", "a service";
    /// A swap of shifts on a schedule.
    SwapId = "swp", "swap", "a swap";
    /// A team.
    TeamId = "tem", "team", "a team";
    /// A person.
    UserId = "usr", "user", "a user";
}

/// Anything whose timeline shows an event, by the id that people see.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Subject(String);

impl Subject {
    /// The id that people see, such as `inc_…`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

/// The namespace of every id that Midwatch derives instead of minting.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d69_6477_6174_6368_0000_0000_0000_0001);

/// A UUIDv5 (RFC 9562, 5.5) over length-prefixed parts, so that no two lists of parts share a name.
pub(crate) fn derived(parts: &[&[u8]]) -> Uuid {
    let mut name = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part);
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

impl IncidentId {
    /// The only id that episode `episode` of `key` on `service` can have: two concurrent alerts with
    /// one key create the same stream, and the store lets one win.
    pub fn of_episode(service: ServiceId, key: &str, episode: u32) -> Self {
        Self(derived(&[b"incident", service.0.as_bytes(), key.as_bytes(), &episode.to_be_bytes()]))
    }
}

impl LayerId {
    /// The layer of schedules from the time when they had only one.
    pub const ONLY: Self = Self(Uuid::from_u128(0x6d69_6477_6174_6368_0000_0000_0000_0004));
}

impl OverrideId {
    /// The only id of the override that takes a person out of what this one does.
    #[must_use]
    pub fn without(self, user: UserId) -> Self {
        Self(derived(&[b"override without", self.0.as_bytes(), user.0.as_bytes()]))
    }
}

impl OrganizationId {
    /// The one organisation of this installation.
    pub const THIS: Self = Self(Uuid::from_u128(0x6d69_6477_6174_6368_0000_0000_0000_0002));
}

impl PageId {
    /// The only id that this page can have, so that asking for it twice records it once.
    pub fn of_step(
        incident: IncidentId,
        cycle: u32,
        level: u32,
        user: UserId,
        step: u32,
        contact: ContactId,
    ) -> Self {
        Self(derived(&[
            b"page",
            incident.0.as_bytes(),
            &cycle.to_be_bytes(),
            &level.to_be_bytes(),
            user.0.as_bytes(),
            &step.to_be_bytes(),
            contact.0.as_bytes(),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_from_its_shown_form() {
        let id = IncidentId::of_episode(ServiceId::new(Uuid::from_u128(7)), "disk", 1);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse::<Subject>().map(|s| s.stream()), Ok(id.stream()));
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let user = UserId::new(Uuid::from_u128(7)).to_string();
        let error = user.parse::<IncidentId>().expect_err("a user is not an incident");
        assert!(error.to_string().contains("expected `inc_`"), "{error}");
    }

    #[test]
    fn parts_that_join_to_the_same_bytes_give_different_ids() {
        assert_ne!(derived(&[b"ab", b"c"]), derived(&[b"a", b"bc"]));
    }
}
