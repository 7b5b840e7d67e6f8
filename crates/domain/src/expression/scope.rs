//! What an expression can name, and how much work it may be.

use std::cell::Cell;

use crate::json::Json;

use super::EvaluationError;

/// How much work expressions may still be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    steps: u64,
    made: u64,
}

impl Budget {
    /// Steps more for each alert of a message.
    const STEPS_AN_ALERT: u64 = 2000;

    /// For all expressions over a message with so many alerts.
    pub fn of_alerts(count: usize) -> Self {
        let more = Self::STEPS_AN_ALERT * u64::try_from(count).unwrap_or(u64::MAX).min(10_000);
        Self { steps: Scope::MAX_STEPS + more, made: Scope::MAX_MADE }
    }
}

/// The variables of expressions, and one budget for all expressions that are evaluated with them.
#[derive(Debug)]
pub struct Scope<'v> {
    /// The whole message, as the monitoring tool sent it.
    pub payload: &'v Json<'v>,
    /// The alert that it was translated to.
    pub alert: &'v Json<'v>,
    steps: Cell<u64>,
    made: Cell<u64>,
}

impl<'v> Scope<'v> {
    /// Steps that all expressions together may take: a value read, an item looked at, some text scanned.
    pub const MAX_STEPS: u64 = 100_000;
    /// Bytes of strings and lists that all expressions together may make.
    pub const MAX_MADE: u64 = 1 << 20;

    /// A scope with the whole budget.
    pub fn new(payload: &'v Json<'v>, alert: &'v Json<'v>) -> Self {
        Self { payload, alert, steps: Cell::new(Self::MAX_STEPS), made: Cell::new(Self::MAX_MADE) }
    }

    /// A scope with what is left of a budget.
    pub fn within(payload: &'v Json<'v>, alert: &'v Json<'v>, budget: Budget) -> Self {
        Self { payload, alert, steps: Cell::new(budget.steps), made: Cell::new(budget.made) }
    }

    /// What is left of its budget.
    pub fn left(&self) -> Budget {
        Budget { steps: self.steps.get(), made: self.made.get() }
    }

    /// Takes one step.
    pub(super) fn step(&self) -> Result<(), EvaluationError> {
        self.steps(1)
    }

    /// Takes several steps at once.
    pub(super) fn steps(&self, count: usize) -> Result<(), EvaluationError> {
        spend(&self.steps, count, EvaluationError::TooManySteps)
    }

    /// Looks through a text.
    pub(super) fn scan(&self, bytes: usize) -> Result<(), EvaluationError> {
        self.steps(bytes / 64)
    }

    /// Makes something of so many bytes.
    pub(super) fn make(&self, bytes: usize) -> Result<(), EvaluationError> {
        spend(&self.made, bytes, EvaluationError::TooMuchMade)
    }
}

/// Once too much was asked for, nothing is left: a smaller wish does not go on where a larger one had to stop.
fn spend(left: &Cell<u64>, count: usize, otherwise: EvaluationError) -> Result<(), EvaluationError> {
    let rest = u64::try_from(count).ok().and_then(|count| left.get().checked_sub(count));
    left.set(rest.unwrap_or(0));
    rest.map(|_| ()).ok_or(otherwise)
}
