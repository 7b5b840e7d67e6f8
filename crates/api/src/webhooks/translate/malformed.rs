//! Why a message could not be understood.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, as a JSON Pointer (RFC 6901); empty for the whole message.
    pub pointer: String,
    /// What, worded to follow the place's name.
    pub detail: String,
}

/// A message that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is not JSON at all.
    NotJson {
        /// Why not.
        why: String,
    },
    /// It is JSON, and says too little.
    Invalid {
        /// Everything that is wrong; at least one thing.
        problems: Vec<Problem>,
    },
}

impl Malformed {
    pub(super) fn not_json(why: impl Into<String>) -> Self {
        Self::NotJson { why: why.into() }
    }

    pub(super) fn at(pointer: &str, detail: impl Into<String>) -> Self {
        Self::Invalid { problems: vec![Problem { pointer: pointer.to_owned(), detail: detail.into() }] }
    }

    /// Everything that is wrong, as places and reasons.
    pub fn problems(&self) -> Vec<Problem> {
        match self {
            Self::NotJson { why } => vec![Problem { pointer: String::new(), detail: why.clone() }],
            Self::Invalid { problems } => problems.clone(),
        }
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = match self {
            Self::NotJson { why } => return f.write_str(why),
            Self::Invalid { problems } => problems,
        };
        for (index, Problem { pointer, detail }) in problems.iter().enumerate() {
            let place = if pointer.is_empty() { "the message" } else { pointer };
            write!(f, "{}{place} {detail}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Malformed {}
