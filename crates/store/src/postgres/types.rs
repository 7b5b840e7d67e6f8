//! How texts and times travel in PostgreSQL's binary protocol.

use std::error::Error;

use bytes::{BufMut, BytesMut};
use domain::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

type Fault = Box<dyn Error + Sync + Send>;

/// A `json` value as its exact bytes, never parsed on this side.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json<'a>(pub(super) &'a [u8]);

impl ToSql for Json<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        out.put_slice(self.0);
        Ok(IsNull::No)
    }

    accepts!(JSON);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Json<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        Ok(Self(raw))
    }

    accepts!(JSON);
}

/// A `timestamptz`, which counts microseconds from the year 2000.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instant(pub(super) Timestamp);

/// 2000-01-01T00:00:00Z in milliseconds since 1970.
const YEAR_2000: i64 = 946_684_800_000;

impl ToSql for Instant {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Fault> {
        // A timestamp stays within the years 1 to 9999, so this cannot overflow.
        out.put_i64((self.0.millis() - YEAR_2000) * 1000);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for Instant {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Fault> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_millis(micros.div_euclid(1000).saturating_add(YEAR_2000))))
    }

    accepts!(TIMESTAMPTZ);
}

/// A stream's name as the two columns that the `postgres-es` repository looks it up by. A name without anything
/// after its hyphen stays whole, so that no two names share their columns.
pub(super) fn split(stream: &str) -> (&str, &str) {
    match stream.split_once('-') {
        Some((category, id)) if !id.is_empty() => (category, id),
        _ => (stream, ""),
    }
}

/// Puts the two columns together again.
pub(super) fn join(category: &str, id: &str) -> String {
    if id.is_empty() { category.to_owned() } else { format!("{category}-{id}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_reads_back_from_its_columns() {
        for stream in ["incident-0190", "incident-0190-1", "incident", "incident-", "incident--", "-", "-x"] {
            let (category, id) = split(stream);
            assert_eq!(join(category, id), stream);
        }
        assert_ne!(split("incident"), split("incident-"));
    }

    #[test]
    fn a_time_reads_back_to_the_millisecond() {
        for millis in [-62_135_596_800_000, -1, 0, 1_764_000_000_123, 253_402_300_799_999] {
            let mut raw = BytesMut::new();
            let at = Timestamp::from_millis(millis);
            assert!(matches!(Instant(at).to_sql(&Type::TIMESTAMPTZ, &mut raw), Ok(IsNull::No)));
            assert_eq!(Instant::from_sql(&Type::TIMESTAMPTZ, &raw).map(|read| read.0).ok(), Some(at));
        }
    }
}
