//! Patterns of texts.

use regex::{Error, Regex, RegexBuilder};

use super::{EvaluationError, Scope};

/// A pattern, compiled, and what it costs to look for it.
#[derive(Debug)]
pub(super) struct Pattern {
    regex: Regex,
    /// For each byte of a text there is at worst as much to do as the pattern is large.
    weight: usize,
}

impl Pattern {
    /// How large a pattern may be once compiled, and the weight of one that is no larger.
    const SIZES: [(usize, usize); 4] = [(1 << 14, 1), (1 << 16, 4), (1 << 18, 16), (1 << 20, 64)];

    /// Compiles a pattern, or says why it cannot be.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        for (bytes, weight) in Self::SIZES {
            match RegexBuilder::new(pattern).size_limit(bytes).dfa_size_limit(bytes).build() {
                Ok(regex) => return Ok(Self { regex, weight }),
                Err(Error::CompiledTooBig(_)) => {}
                Err(other) => return Err(reason(&other)),
            }
        }
        Err("it is too large".to_owned())
    }

    /// Whether it fits anywhere in a text.
    pub(super) fn is_in(&self, text: &str, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
        scope.steps((text.len() / 4).saturating_mul(self.weight))?;
        Ok(self.regex.is_match(text))
    }
}

/// The last line of what the library says; the ones before show the pattern again.
fn reason(error: &Error) -> String {
    let words = error.to_string();
    let last = words.lines().next_back().unwrap_or_default();
    last.trim_start_matches("error: ").to_owned()
}
