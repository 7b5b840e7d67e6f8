//! Conditions and mappings that administrators write about the messages of monitoring tools, in the [Common Expression
//! Language](https://cel.dev) (CEL), such as `alert.severity == "critical" && payload.labels.team in ["db", "core"]`.
//!
//! What is offered: the variables `payload` and `alert`; all operators; lists and maps; the macros `has`, `all`,
//! `exists`, `exists_one`, `map` and `filter`; `size`, `contains`, `startsWith`, `endsWith`, `matches`, `lowerAscii`,
//! `upperAscii`, `trim`, `split`, `join`, `replace`, `substring`, `string`, `int`, `uint`, `double` and `bool`. Not
//! offered: bytes, timestamps, durations, types, protocol buffers and optional values.
//!
//! Where messages need it, the language is more lenient than its definition:
//!
//! - Whole numbers in JSON are ints (uints beyond an int), others doubles. Arithmetic mixes them: a load may be 1 or 1.5.
//! - `has(payload.a.b)` is false where `payload.a` is missing, null or no map, rather than an error.
//! - `default(value, fallback)` yields the fallback where the value is an error or null.
//! - `join` takes numbers and truth values too, and doubles that are whole may be an index.
//! - A field with other characters than letters, digits and `_` is written in backticks: ``payload.`disk-free` ``.
//!
//! And stricter in one thing: doubles are never infinite, so division by zero and overflow are errors for them too.
//!
//! A text is checked and resolved once. Evaluation borrows from the message, takes its steps and what it makes out of
//! the budget of a [`Scope`], goes no deeper than the text may be nested, and never panics. The parser is our own: the
//! ones there are take exponential memory for some short texts, or do not say where a name stands.

mod call;
mod convert;
mod error;
mod evaluate;
mod function;
mod items;
mod lexer;
mod number;
mod operate;
mod parser;
mod pattern;
mod scope;
#[cfg(test)]
mod tests;
mod text;
mod tree;
mod value;

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::{Arc, OnceLock},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use error::{EvaluationError, ExpressionError, ExpressionProblem};
pub use scope::{Budget, Scope};
pub use value::Value;

use evaluate::Evaluation;
use tree::Node;

/// An expression as somebody wrote it, checked. Two are equal if their texts are; a clone is cheap.
#[derive(Clone)]
pub struct Expression(Arc<Inner>);

struct Inner {
    text: Box<str>,
    /// Made when it is first needed: history holds many expressions that nobody will evaluate again. What an older or
    /// newer version accepted may be an error here.
    tree: OnceLock<Result<Node, ExpressionError>>,
}

impl Expression {
    /// Characters in an expression.
    pub const MAX_CHARACTERS: usize = 2000;

    /// Checks what somebody wrote.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        if text.chars().nth(Self::MAX_CHARACTERS).is_some() {
            return Err(ExpressionError { problem: ExpressionProblem::TooLong, line: 1, column: 1 });
        }
        let tree = parser::parse(text)?;
        Ok(Self(Arc::new(Inner { text: text.into(), tree: OnceLock::from(Ok(tree)) })))
    }

    /// The expression as it was written.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Why it cannot be evaluated, if a text that was stored once is refused today.
    pub fn error(&self) -> Option<ExpressionError> {
        self.tree().err().cloned()
    }

    /// What it yields.
    pub fn evaluate<'v>(&'v self, scope: &Scope<'v>) -> Result<Value<'v>, EvaluationError> {
        let tree = self.tree().map_err(ExpressionError::clone)?;
        Evaluation::new(scope).evaluate(tree)
    }

    fn tree(&self) -> Result<&Node, &ExpressionError> {
        self.0.tree.get_or_init(|| parser::parse(&self.0.text)).as_ref()
    }

    /// What it says as a condition.
    pub fn holds(&self, scope: &Scope<'_>) -> Result<bool, EvaluationError> {
        let value = self.evaluate(scope)?;
        value.as_bool().ok_or_else(|| EvaluationError::NotACondition { kind: value.kind() })
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}

impl Eq for Expression {}

impl Hash for Expression {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.text().hash(state);
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text()).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}

/// Never fails for a text: what was stored once must be readable for ever. Evaluating it tells what is wrong with it.
impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<str>::deserialize(deserializer)?;
        Ok(Self(Arc::new(Inner { text, tree: OnceLock::new() })))
    }
}
