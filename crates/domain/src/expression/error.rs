//! What can be wrong with an expression, when it is saved and when it is evaluated.

use thiserror::Error;

use super::{Expression, Scope, parser::MAX_DEPTH};

/// Why a text is not an expression, and where; worded for the administrator who wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{problem} (line {line}, column {column})")]
pub struct ExpressionError {
    /// What is wrong.
    pub problem: ExpressionProblem,
    /// The line, counted from one.
    pub line: usize,
    /// The character in that line, counted from one.
    pub column: usize,
}

/// What is wrong with a text that should be an expression.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ExpressionProblem {
    /// It says nothing.
    #[error("the expression is empty")]
    Empty,
    /// More than [`Expression::MAX_CHARACTERS`].
    #[error("the expression is longer than {} characters", Expression::MAX_CHARACTERS)]
    TooLong,
    /// Nested beyond what is safe to evaluate.
    #[error("the expression is nested more than {} levels deep", MAX_DEPTH)]
    TooDeep,
    /// A character that means nothing.
    #[error("`{found}` means nothing here")]
    Character {
        /// The character.
        found: char,
    },
    /// Something else is due.
    #[error("{wanted} is expected before {found}")]
    Expected {
        /// What is due.
        wanted: &'static str,
        /// What stands there.
        found: String,
    },
    /// A text that does not end.
    #[error("the string has no closing {quote}")]
    OpenText {
        /// The quote that is missing.
        quote: &'static str,
    },
    /// A backslash and what it does not go with.
    #[error("`\\{escape}` is not an escape; a backslash itself is written `\\\\`")]
    Escape {
        /// What follows the backslash.
        escape: String,
    },
    /// A number that does not fit or is not one.
    #[error("`{number}` is not a number within range")]
    Number {
        /// As it was written.
        number: String,
    },
    /// A name of nothing.
    #[error("there is no variable `{name}`; there are `payload` and `alert`")]
    UnknownVariable {
        /// The name.
        name: String,
    },
    /// A function that nobody offers.
    #[error("there is no function `{name}`")]
    UnknownFunction {
        /// The name.
        name: String,
    },
    /// A part of the language that is left out on purpose.
    #[error("`{name}` is not offered: {instead}")]
    NotOffered {
        /// The name.
        name: String,
        /// What to do instead.
        instead: &'static str,
    },
    /// A function that is written otherwise.
    #[error("`{name}` is written `{usage}`")]
    Usage {
        /// The function.
        name: String,
        /// How to write it.
        usage: &'static str,
    },
    /// A pattern that is computed.
    #[error("the pattern of `matches` must be a string written out, not computed")]
    ComputedPattern,
    /// A pattern that cannot be compiled.
    #[error("the pattern of `matches` is wrong: {why}")]
    Pattern {
        /// Why.
        why: String,
    },
}

impl EvaluationError {
    /// Whether it asks for something that the message does not have.
    pub const fn is_missing(&self) -> bool {
        matches!(self, Self::NoSuchField { .. } | Self::NoSuchIndex { .. } | Self::NotAMap { .. })
    }
}

/// Why an expression gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EvaluationError {
    /// A field or key that the message does not have.
    #[error("no such field `{name}`")]
    NoSuchField {
        /// Its name.
        name: String,
    },
    /// An item beyond the end of a list.
    #[error("no such index {index}")]
    NoSuchIndex {
        /// Which.
        index: String,
    },
    /// A field of something that has none.
    #[error("no such field `{name}`: it is asked of a value of type {kind}")]
    NotAMap {
        /// The field.
        name: String,
        /// What it was asked of.
        kind: &'static str,
    },
    /// An operator that these do not have.
    #[error("`{operator}` does not go with {left} and {right}")]
    Operands {
        /// Which.
        operator: &'static str,
        /// The type on the left.
        left: &'static str,
        /// The type on the right.
        right: &'static str,
    },
    /// A value of the wrong type.
    #[error("`{what}` needs {wanted}, not {found}")]
    WrongType {
        /// What needs it.
        what: &'static str,
        /// The types that do.
        wanted: &'static str,
        /// The type that came.
        found: &'static str,
    },
    /// A text or number that cannot become what was asked for.
    #[error("`{value}` cannot be made {into}")]
    Conversion {
        /// The beginning of what it is.
        value: String,
        /// The type that was asked for.
        into: &'static str,
    },
    /// A part of a text from or to where there is none.
    #[error("`substring` reaches beyond the string")]
    OutOfRange,
    /// The same key twice in a map that is written out.
    #[error("the map has the key `{key}` twice")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// `/` or `%` by zero.
    #[error("division by zero")]
    DivisionByZero,
    /// A number beyond what its type holds.
    #[error("the number is out of range")]
    Overflow,
    /// A condition whose answer is neither yes nor no.
    #[error("a condition must be true or false, not of type {kind}")]
    NotACondition {
        /// The type it has.
        kind: &'static str,
    },
    /// The scope's budget of steps is used up.
    #[error("the expressions take more than {} steps", Scope::MAX_STEPS)]
    TooManySteps,
    /// The scope's budget of made text is used up.
    #[error("the expressions make more than {} bytes of strings and lists", Scope::MAX_MADE)]
    TooMuchMade,
    /// A stored text which this version cannot read.
    #[error("the expression cannot be read: {0}")]
    Unreadable(#[from] ExpressionError),
}

impl EvaluationError {
    /// Whether nothing may make up for it: not `||`, not `default()`.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::TooManySteps | Self::TooMuchMade)
    }

    /// Whether it says that something is absent, which `has()` answers with false.
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::NoSuchField { .. } | Self::NoSuchIndex { .. } | Self::NotAMap { .. })
    }
}
