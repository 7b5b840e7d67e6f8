//! Goes through a tree and stops when the scope's budget is used up.

use std::sync::Arc;

use super::{
    EvaluationError, Scope, Value,
    call::call,
    items::{Items, copy, field, item},
    operate::{ITEM_BYTES, equal, operate},
    pattern::Pattern,
    tree::{Ask, Each, Node},
};

/// The value of a part, or why there is none.
pub(super) type Outcome<'v> = Result<Value<'v>, EvaluationError>;

/// One evaluation.
pub(super) struct Evaluation<'s, 'v> {
    pub(super) scope: &'s Scope<'v>,
    /// The variables of `all`, `map` and their like, outermost first.
    locals: Vec<Value<'v>>,
}

impl<'s, 'v> Evaluation<'s, 'v> {
    pub(super) fn new(scope: &'s Scope<'v>) -> Self {
        Self { scope, locals: Vec::new() }
    }

    /// The value of a part.
    pub(super) fn evaluate(&mut self, node: &'v Node) -> Outcome<'v> {
        self.scope.step()?;
        match node {
            Node::Literal(value) => Ok(value.borrowed()),
            Node::Payload => Ok(Value::from(self.scope.payload)),
            Node::Alert => Ok(Value::from(self.scope.alert)),
            // The parser counted them, so it is there.
            Node::Local(index) => {
                self.locals.get(*index).map_or(Ok(Value::Null), |value| copy(value, self.scope))
            }
            Node::Path { of, names } => self.path(of, names),
            Node::Has { of, name } => self.has(of, name),
            Node::Index(both) => {
                let [of, at] = &**both;
                item(&self.evaluate(of)?, &self.evaluate(at)?, self.scope)
            }
            Node::Not(of) => Ok(Value::Bool(!self.truth(of, "!")?)),
            Node::Negate(of) => self.negate(of),
            Node::And(parts) => self.decided_by(parts, false, "&&"),
            Node::Or(parts) => self.decided_by(parts, true, "||"),
            Node::Choose(three) => {
                let [condition, yes, no] = &**three;
                if self.truth(condition, "? :")? { self.evaluate(yes) } else { self.evaluate(no) }
            }
            Node::Binary(operator, both) => {
                let [left, right] = &**both;
                let left = self.evaluate(left)?;
                operate(*operator, left, self.evaluate(right)?, self.scope)
            }
            Node::Call(function, arguments) => call(self, *function, arguments),
            Node::Matches { text, pattern } => self.matches(text, pattern),
            Node::Default(both) => self.default(both),
            Node::Each(each) => self.each(each),
            Node::List(items) => self.list(items),
            Node::Map(entries) => self.map(entries),
        }
    }

    /// The truth value of a part, needed by an operator.
    fn truth(&mut self, node: &'v Node, what: &'static str) -> Result<bool, EvaluationError> {
        match self.evaluate(node)? {
            Value::Bool(value) => Ok(value),
            other => Err(EvaluationError::WrongType { what, wanted: "a bool", found: other.kind() }),
        }
    }

    fn path(&mut self, of: &'v Node, names: &'v [Box<str>]) -> Outcome<'v> {
        let mut value = self.evaluate(of)?;
        for name in names {
            self.scope.step()?;
            value = match field(&value, name, self.scope)? {
                Some(value) => value,
                None if Items::of_map(&value).is_some() => {
                    return Err(EvaluationError::NoSuchField { name: name.to_string() });
                }
                None => {
                    return Err(EvaluationError::NotAMap { name: name.to_string(), kind: value.kind() });
                }
            };
        }
        Ok(value)
    }

    /// Whether a field is there. Where what should have it is absent itself, it is not.
    fn has(&mut self, of: &'v Node, name: &str) -> Outcome<'v> {
        match self.evaluate(of) {
            Ok(of) => Ok(Value::Bool(field(&of, name, self.scope)?.is_some())),
            Err(error) if error.is_absence() => Ok(Value::Bool(false)),
            Err(error) => Err(error),
        }
    }

    fn negate(&mut self, of: &'v Node) -> Outcome<'v> {
        match self.evaluate(of)? {
            Value::Int(value) => value.checked_neg().map(Value::Int).ok_or(EvaluationError::Overflow),
            Value::Double(value) => Ok(Value::Double(-value)),
            other => Err(EvaluationError::WrongType {
                what: "-",
                wanted: "an int or a double",
                found: other.kind(),
            }),
        }
    }

    /// `&&` and `||`: one part that is `decisive` decides, even if another has no answer.
    fn decided_by(&mut self, parts: &'v [Node], decisive: bool, what: &'static str) -> Outcome<'v> {
        let mut undecided = None;
        for part in parts {
            match self.truth(part, what) {
                Ok(answer) if answer == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(error) if error.is_final() => return Err(error),
                Err(error) => undecided = undecided.or(Some(error)),
            }
        }
        undecided.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn matches(&mut self, text: &'v Node, pattern: &Pattern) -> Outcome<'v> {
        let value = self.evaluate(text)?;
        let Some(text) = value.text() else {
            return Err(EvaluationError::WrongType {
                what: "matches",
                wanted: "a string",
                found: value.kind(),
            });
        };
        pattern.is_in(text, self.scope).map(Value::Bool)
    }

    fn default(&mut self, both: &'v [Node; 2]) -> Outcome<'v> {
        let [value, fallback] = both;
        match self.evaluate(value) {
            Err(error) if error.is_final() => Err(error),
            Ok(Value::Null) | Err(_) => self.evaluate(fallback),
            Ok(value) => Ok(value),
        }
    }

    /// Asks about every item, with a variable that names it.
    fn each(&mut self, each: &'v Each) -> Outcome<'v> {
        let over = self.evaluate(&each.over)?;
        let Some(items) = Items::of(&over) else {
            return Err(EvaluationError::WrongType {
                what: each.ask.name(),
                wanted: "a list or a map",
                found: over.kind(),
            });
        };
        match each.ask {
            Ask::All => self.each_decided_by(each, &items, false),
            Ask::Exists => self.each_decided_by(each, &items, true),
            Ask::ExistsOne => self.each_counted(each, &items),
            Ask::Map | Ask::Filter => self.each_kept(each, &items),
        }
    }

    /// What a part says while the variable names an item.
    fn about(&mut self, item: Value<'v>, node: &'v Node) -> Outcome<'v> {
        self.locals.push(item);
        let outcome = self.evaluate(node);
        self.locals.pop();
        outcome
    }

    fn truth_about(&mut self, item: Value<'v>, node: &'v Node, ask: Ask) -> Result<bool, EvaluationError> {
        match self.about(item, node)? {
            Value::Bool(value) => Ok(value),
            other => {
                let (what, found) = (ask.name(), other.kind());
                Err(EvaluationError::WrongType { what, wanted: "a condition of type bool", found })
            }
        }
    }

    fn each_decided_by(&mut self, each: &'v Each, items: &Items<'v>, decisive: bool) -> Outcome<'v> {
        let mut undecided = None;
        for index in 0..items.len() {
            let Some(item) = items.get(index, self.scope)? else { break };
            match self.truth_about(item, &each.body, each.ask) {
                Ok(answer) if answer == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(error) if error.is_final() => return Err(error),
                Err(error) => undecided = undecided.or(Some(error)),
            }
        }
        undecided.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn each_counted(&mut self, each: &'v Each, items: &Items<'v>) -> Outcome<'v> {
        let mut count = 0;
        for index in 0..items.len() {
            let Some(item) = items.get(index, self.scope)? else { break };
            count += usize::from(self.truth_about(item, &each.body, each.ask)?);
        }
        Ok(Value::Bool(count == 1))
    }

    fn each_kept(&mut self, each: &'v Each, items: &Items<'v>) -> Outcome<'v> {
        let filter = if each.ask == Ask::Filter { Some(&each.body) } else { each.only.as_ref() };
        let mut kept = Vec::new();
        for index in 0..items.len() {
            let Some(item) = items.get(index, self.scope)? else { break };
            if let Some(filter) = filter
                && !self.truth_about(copy(&item, self.scope)?, filter, each.ask)?
            {
                continue;
            }
            self.scope.make(ITEM_BYTES)?;
            kept.push(if each.ask == Ask::Filter { item } else { self.about(item, &each.body)? });
        }
        Ok(Value::List(Arc::new(kept)))
    }

    fn list(&mut self, items: &'v [Node]) -> Outcome<'v> {
        self.scope.make(ITEM_BYTES * items.len())?;
        let made: Result<Vec<_>, _> = items.iter().map(|item| self.evaluate(item)).collect();
        Ok(Value::List(Arc::new(made?)))
    }

    fn map(&mut self, entries: &'v [(Node, Node)]) -> Outcome<'v> {
        self.scope.make(2 * ITEM_BYTES * entries.len())?;
        let mut made: Vec<(Value<'v>, Value<'v>)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let key = self.evaluate(key)?;
            if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Text(_)) {
                let (wanted, found) = ("keys of type string, int, uint or bool", key.kind());
                return Err(EvaluationError::WrongType { what: "{ }", wanted, found });
            }
            for (known, _) in &made {
                if equal(known, &key, self.scope)? {
                    return Err(EvaluationError::DuplicateKey { key: key.name().into_owned() });
                }
            }
            made.push((key, self.evaluate(value)?));
        }
        Ok(Value::Map(Arc::new(made)))
    }
}
