//! Scalars: places in the log, instants, wall-clock times and ids of commands.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::{NaiveDateTime, NaiveTime};
use domain::Timestamp;
use uuid::Uuid;

/// A place in the log: global, gapless, from 1; zero stands before the first event. Written as a decimal
/// string, because JavaScript cannot hold every 64-bit integer; read from a string or an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(pub(super) store::Position);

#[Scalar]
impl ScalarType for Position {
    fn parse(value: Value) -> InputValueResult<Self> {
        let position = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        position.map(Self).ok_or_else(|| InputValueError::custom("expected a position such as \"42\""))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An instant in RFC 3339, such as `2026-11-24T03:00:00.000Z`; read with any offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct DateTime(pub(super) Timestamp);

#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text.parse().map(Self).map_err(|error| {
                InputValueError::custom(format!("expected a time such as 2026-11-24T03:00:00Z: {error}"))
            }),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A date and a time on somebody's wall clock, without a zone, such as `2026-11-24T09:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LocalDateTime(pub(super) NaiveDateTime);

#[Scalar]
impl ScalarType for LocalDateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
            .map(Self)
            .ok_or_else(|| InputValueError::custom("expected a local time such as 2026-11-24T09:00"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%Y-%m-%dT%H:%M:%S").to_string())
    }
}

/// A time of day on somebody's wall clock, such as `22:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeOfDay(pub(super) NaiveTime);

#[Scalar]
impl ScalarType for TimeOfDay {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        NaiveTime::parse_from_str(text, "%H:%M")
            .map(Self)
            .map_err(|_| InputValueError::custom("expected a time of day such as 22:00"))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.format("%H:%M").to_string())
    }
}

/// The id of a command, chosen by the caller: a request repeated with the same one is recorded once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommandId(pub(super) Uuid);

#[Scalar(name = "UUID")]
impl ScalarType for CommandId {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => Uuid::try_parse(text)
                .map(Self)
                .map_err(|_| InputValueError::custom("expected a UUID of 32 hexadecimal digits")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.hyphenated().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_written_as_text_and_read_from_text_or_integer() {
        assert_eq!(Position(u64::MAX).to_value(), Value::from("18446744073709551615"));
        assert_eq!(Position::parse(Value::from("7")).ok(), Some(Position(7)));
        assert_eq!(Position::parse(Value::from(7)).ok(), Some(Position(7)));
        assert!(Position::parse(Value::from(-7)).is_err());
        assert!(Position::parse(Value::from("seven")).is_err());
    }

    #[test]
    fn a_local_time_needs_no_seconds() {
        let short = LocalDateTime::parse(Value::from("2026-11-24T09:00")).map(|local| local.to_value());
        assert_eq!(short.ok(), Some(Value::from("2026-11-24T09:00:00")));
        assert!(LocalDateTime::parse(Value::from("2026-11-24T09:00Z")).is_err());
    }
}
