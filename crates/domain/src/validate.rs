//! Checks that several nouns share. Each failure names the field and the rule.

use std::fmt::Display;

/// A value that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct Invalid {
    /// The input field, as a path such as `levels[0].timeoutSeconds`.
    pub field: String,
    /// The rule, worded to follow the field's name.
    pub rule: String,
}

impl Invalid {
    /// Says which rule `field` breaks.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into() }
    }
}

/// A reference that the edge looked up and did not find.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} names `{id}`, which does not exist")]
pub struct Unknown {
    /// The input field, as a path.
    pub field: String,
    /// What it names.
    pub id: String,
}

/// Refuses the first reference that was not found.
pub(crate) fn known(unknown: &[Unknown]) -> Result<(), Unknown> {
    unknown.first().map_or(Ok(()), |first| Err(first.clone()))
}

/// A line of text from 1 to `max` characters, without control characters.
pub(crate) fn line(field: &str, text: &str, max: usize) -> Result<(), Invalid> {
    if text.trim().is_empty() {
        return Err(Invalid::new(field, "must not be empty"));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new(field, "must be one line without control characters"));
    }
    at_most(field, text, max)
}

/// Any text of up to `max` characters.
pub(crate) fn at_most(field: &str, text: &str, max: usize) -> Result<(), Invalid> {
    match text.chars().count() {
        count if count > max => {
            Err(Invalid::new(field, format!("must have at most {max} characters, not {count}")))
        }
        _ => Ok(()),
    }
}

/// A number between two bounds, both included.
pub(crate) fn within<T: Copy + PartialOrd + Display>(
    field: &str,
    value: T,
    low: T,
    high: T,
) -> Result<(), Invalid> {
    if value < low || value > high {
        return Err(Invalid::new(field, format!("must be from {low} to {high}, not {value}")));
    }
    Ok(())
}
