//! From text to tree in one pass: names are resolved where they stand, so that every mistake has a place.

mod calls;

use std::{ops::Range, sync::Arc};

use super::{
    error::{ExpressionError, ExpressionProblem as Problem},
    function::not_offered,
    lexer::{Kind, Token, Wrong, tokens},
    tree::{Node, Operator},
    value::Value,
};

/// Levels of a tree. Evaluation goes down a level at a time, and must fit the stack of any thread.
pub(super) const MAX_DEPTH: usize = 48;

/// Checks a text and resolves it.
pub(super) fn parse(text: &str) -> Result<Node, ExpressionError> {
    if text.trim().is_empty() {
        return Err(placed(text, (Problem::Empty, 0)));
    }
    let tokens = tokens(text).map_err(|wrong| placed(text, wrong))?;
    let mut parser = Parser { tokens, next: 0, nested: 0, locals: Vec::new() };
    let whole = parser.expression().and_then(|term| {
        parser.end()?;
        Ok(term.node)
    });
    whole.map_err(|wrong| placed(text, wrong))
}

fn placed(text: &str, (problem, at): Wrong) -> ExpressionError {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    ExpressionError { problem, line: before.matches('\n').count() + 1, column: line.chars().count() + 1 }
}

/// A part that is read, and how many levels it has.
struct Term {
    node: Node,
    depth: usize,
}

struct Parser<'t> {
    tokens: Vec<Token<'t>>,
    next: usize,
    /// Brackets and choices that are open.
    nested: usize,
    /// The variables of `all`, `map` and their like that are known here.
    locals: Vec<&'t str>,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> &Token<'t> {
        // The last token is the end, and nothing goes beyond it.
        &self.tokens[self.next.min(self.tokens.len() - 1)]
    }

    fn here(&self) -> usize {
        self.peek().at
    }

    fn advance(&mut self) -> Token<'t> {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek().kind, Kind::Sign(here) if here == sign);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str, wanted: &'static str) -> Result<(), Wrong> {
        if self.take(sign) { Ok(()) } else { Err(self.expected(wanted)) }
    }

    fn expected(&self, wanted: &'static str) -> Wrong {
        let token = self.peek();
        let found = match token.kind {
            Kind::End => "the end".to_owned(),
            _ => format!("`{}`", token.text),
        };
        (Problem::Expected { wanted, found }, token.at)
    }

    fn end(&self) -> Result<(), Wrong> {
        if self.peek().kind == Kind::End { Ok(()) } else { Err(self.expected("an operator or the end")) }
    }

    /// A node over others, unless that is a level too many.
    fn over(&self, node: Node, deepest: usize) -> Result<Term, Wrong> {
        let depth = deepest + 1;
        if depth > MAX_DEPTH { Err((Problem::TooDeep, self.here())) } else { Ok(Term { node, depth }) }
    }

    /// `condition ? yes : no`, or anything that binds closer.
    fn expression(&mut self) -> Result<Term, Wrong> {
        self.nested += 1;
        if self.nested > MAX_DEPTH {
            return Err((Problem::TooDeep, self.here()));
        }
        let condition = self.binary(0)?;
        let term = if self.take("?") {
            let yes = self.binary(0)?;
            self.expect(":", "`:`")?;
            let no = self.expression()?;
            let deepest = condition.depth.max(yes.depth).max(no.depth);
            self.over(Node::Choose(Box::new([condition.node, yes.node, no.node])), deepest)?
        } else {
            condition
        };
        self.nested -= 1;
        Ok(term)
    }

    /// Operators that bind at least so closely.
    fn binary(&mut self, closeness: usize) -> Result<Term, Wrong> {
        let mut left = self.unary()?;
        loop {
            let Some((joint, close)) = joint(&self.peek().kind).filter(|(_, close)| *close >= closeness)
            else {
                return Ok(left);
            };
            self.advance();
            let right = self.binary(close + 1)?;
            left = match joint {
                Joint::And => self.chain(left, right, Node::And, |node| match node {
                    Node::And(parts) => Ok(parts),
                    other => Err(other),
                })?,
                Joint::Or => self.chain(left, right, Node::Or, |node| match node {
                    Node::Or(parts) => Ok(parts),
                    other => Err(other),
                })?,
                Joint::Operator(operator) => {
                    let deepest = left.depth.max(right.depth);
                    self.over(Node::Binary(operator, Box::new([left.node, right.node])), deepest)?
                }
            };
        }
    }

    /// Adds to a chain of `&&` or `||`, which is as deep as its deepest part however long it is.
    fn chain(
        &self,
        left: Term,
        right: Term,
        make: fn(Vec<Node>) -> Node,
        parts: fn(Node) -> Result<Vec<Node>, Node>,
    ) -> Result<Term, Wrong> {
        match parts(left.node) {
            Ok(mut parts) => {
                parts.push(right.node);
                self.over(make(parts), right.depth.max(left.depth - 1))
            }
            Err(node) => self.over(make(vec![node, right.node]), right.depth.max(left.depth)),
        }
    }

    fn unary(&mut self) -> Result<Term, Wrong> {
        let start = self.next;
        while self.take("!") || self.take("-") {}
        let mut signs = start..self.next;
        if signs.len() > MAX_DEPTH {
            return Err((Problem::TooDeep, self.here()));
        }
        let first = if let Some(number) = self.negative_number(&signs)? {
            signs.end -= 1;
            number
        } else {
            self.primary()?
        };
        let mut term = self.members(first)?;
        for sign in signs.rev() {
            let make = if self.tokens[sign].kind == Kind::Sign("!") { Node::Not } else { Node::Negate };
            term = self.over(make(Box::new(term.node)), term.depth)?;
        }
        Ok(term)
    }

    /// A number with the minus right before it, so that the smallest one can be written.
    fn negative_number(&mut self, signs: &Range<usize>) -> Result<Option<Term>, Wrong> {
        if signs.is_empty() || self.tokens[signs.end - 1].kind != Kind::Sign("-") {
            return Ok(None);
        }
        let value = match self.peek().kind {
            Kind::Int(value) => match 0i64.checked_sub_unsigned(value) {
                Some(value) => Value::Int(value),
                None => return Err(self.number_out_of_range()),
            },
            Kind::Double(value) => Value::Double(-value),
            _ => return Ok(None),
        };
        self.advance();
        Ok(Some(Term { node: Node::Literal(value), depth: 1 }))
    }

    fn number_out_of_range(&self) -> Wrong {
        let token = self.peek();
        (Problem::Number { number: token.text.to_owned() }, token.at)
    }

    /// Fields, items and calls of what was read.
    fn members(&mut self, mut term: Term) -> Result<Term, Wrong> {
        loop {
            if self.take("[") {
                let index = self.expression()?;
                self.expect("]", "`]`")?;
                let deepest = term.depth.max(index.depth);
                term = self.over(Node::Index(Box::new([term.node, index.node])), deepest)?;
            } else if self.take(".") {
                let token = self.advance();
                term = match token.kind {
                    Kind::Word(name) if self.take("(") => self.call_after(term, name, token.at)?,
                    Kind::Word(name) | Kind::Quoted(name) => self.field(term, name)?,
                    _ => {
                        self.next -= 1;
                        return Err(self.expected("the name of a field or function"));
                    }
                };
            } else {
                return Ok(term);
            }
        }
    }

    fn field(&self, term: Term, name: &str) -> Result<Term, Wrong> {
        if let Node::Path { of, mut names } = term.node {
            names.push(name.into());
            return Ok(Term { node: Node::Path { of, names }, depth: term.depth });
        }
        self.over(Node::Path { of: Box::new(term.node), names: vec![name.into()] }, term.depth)
    }

    fn primary(&mut self) -> Result<Term, Wrong> {
        let Token { kind, at, .. } = self.peek().clone();
        let value = match kind {
            Kind::Sign("(") => {
                self.advance();
                let term = self.expression()?;
                self.expect(")", "`)`")?;
                return Ok(term);
            }
            Kind::Sign("[") => return self.list(),
            Kind::Sign("{") => return self.map(),
            Kind::Word(word) if !matches!(word, "true" | "false" | "null") => {
                self.advance();
                return if self.take("(") { self.call(word, at) } else { self.variable(word, at) };
            }
            Kind::Word(word) => match word {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => Value::Null,
            },
            Kind::Int(value) => Value::Int(i64::try_from(value).map_err(|_| self.number_out_of_range())?),
            Kind::Uint(value) => Value::Uint(value),
            Kind::Double(value) => Value::Double(value),
            Kind::Text(text) => Value::Text(text.into()),
            Kind::Sign(_) | Kind::Quoted(_) | Kind::End => return Err(self.expected("a value")),
        };
        self.advance();
        Ok(Term { node: Node::Literal(value), depth: 1 })
    }

    fn variable(&self, name: &str, at: usize) -> Result<Term, Wrong> {
        let local = self.locals.iter().rposition(|local| *local == name);
        let node = match (local, name) {
            (Some(index), _) => Node::Local(index),
            (None, "payload") => Node::Payload,
            (None, "alert") => Node::Alert,
            (None, "b" | "B" | "br" | "rb") if matches!(self.peek().kind, Kind::Text(_)) => {
                let instead = not_offered("bytes").unwrap_or_default();
                return Err((Problem::NotOffered { name: name.to_owned(), instead }, at));
            }
            (None, _) => return Err((Problem::UnknownVariable { name: name.to_owned() }, at)),
        };
        Ok(Term { node, depth: 1 })
    }

    fn list(&mut self) -> Result<Term, Wrong> {
        self.advance();
        let (items, deepest) = self.items("]", "`,` or `]`")?;
        // A list of constants is made once.
        if !items.iter().all(|item| matches!(item, Node::Literal(_))) {
            return self.over(Node::List(items), deepest);
        }
        let values = items.into_iter().filter_map(|item| match item {
            Node::Literal(value) => Some(value),
            _ => None,
        });
        self.over(Node::Literal(Value::List(Arc::new(values.collect()))), deepest)
    }

    fn map(&mut self) -> Result<Term, Wrong> {
        self.advance();
        let (mut entries, mut deepest) = (Vec::new(), 0);
        while !self.take("}") {
            let key = self.expression()?;
            self.expect(":", "`:`")?;
            let value = self.expression()?;
            deepest = deepest.max(key.depth).max(value.depth);
            entries.push((key.node, value.node));
            if !self.take(",") {
                self.expect("}", "`,` or `}`")?;
                break;
            }
        }
        self.over(Node::Map(entries), deepest)
    }

    /// Expressions with commas between them, up to the closing bracket.
    fn items(&mut self, close: &str, wanted: &'static str) -> Result<(Vec<Node>, usize), Wrong> {
        let (mut items, mut deepest) = (Vec::new(), 0);
        while !self.take(close) {
            let item = self.expression()?;
            deepest = deepest.max(item.depth);
            items.push(item.node);
            if !self.take(",") {
                self.expect(close, wanted)?;
                break;
            }
            // A list may end with a comma, a call may not.
            if close == ")" && matches!(self.peek().kind, Kind::Sign(")")) {
                return Err(self.expected("a value"));
            }
        }
        Ok((items, deepest))
    }
}

/// An operator with two sides.
enum Joint {
    And,
    Or,
    Operator(Operator),
}

/// The operator that a token is, and how closely it binds.
fn joint(kind: &Kind<'_>) -> Option<(Joint, usize)> {
    let (operator, close) = match kind {
        Kind::Sign("||") => return Some((Joint::Or, 0)),
        Kind::Sign("&&") => return Some((Joint::And, 1)),
        Kind::Sign("==") => (Operator::Equal, 2),
        Kind::Sign("!=") => (Operator::Differs, 2),
        Kind::Sign("<") => (Operator::Less, 2),
        Kind::Sign("<=") => (Operator::AtMost, 2),
        Kind::Sign(">") => (Operator::Greater, 2),
        Kind::Sign(">=") => (Operator::AtLeast, 2),
        Kind::Word("in") => (Operator::In, 2),
        Kind::Sign("+") => (Operator::Add, 3),
        Kind::Sign("-") => (Operator::Subtract, 3),
        Kind::Sign("*") => (Operator::Multiply, 4),
        Kind::Sign("/") => (Operator::Divide, 4),
        Kind::Sign("%") => (Operator::Remainder, 4),
        _ => return None,
    };
    Some((Joint::Operator(operator), close))
}
