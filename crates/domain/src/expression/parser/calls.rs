//! Calls of functions, most of which are checked without being evaluated.

use super::{Parser, Term};
use crate::expression::{
    error::ExpressionProblem as Problem,
    function::{Signature, not_offered},
    lexer::{Kind, Wrong},
    pattern::Pattern,
    tree::{Ask, Each, Node},
    value::Value,
};

/// Words that the language keeps for itself.
const RESERVED: &str = "in true false null as break const continue else for function if import let loop package \
                        namespace return var void while";

impl<'t> Parser<'t> {
    /// A function that stands by itself; its opening bracket is read.
    pub(super) fn call(&mut self, name: &str, at: usize) -> Result<Term, Wrong> {
        let usage = |usage| (Problem::Usage { name: name.to_owned(), usage }, at);
        if let Some(instead) = not_offered(name) {
            return Err((Problem::NotOffered { name: name.to_owned(), instead }, at));
        }
        if let Some(ask) = Ask::from_name(name) {
            return Err(usage(ask.usage()));
        }
        let known = Signature::find(name);
        if known.is_none() && !matches!(name, "has" | "default" | "matches") {
            return Err((Problem::UnknownFunction { name: name.to_owned() }, at));
        }
        let (arguments, deepest) = self.items(")", "`,` or `)`")?;
        match known {
            Some(known) if !known.alone || !known.arguments.contains(&arguments.len()) => {
                Err(usage(known.usage))
            }
            Some(known) => self.over(Node::Call(known.function, arguments.into()), deepest),
            None => match (name, <[Node; 2]>::try_from(arguments)) {
                ("default", Ok(both)) => self.over(Node::Default(Box::new(both)), deepest),
                ("default", Err(_)) => Err(usage("default(value, fallback)")),
                ("matches", Ok([text, pattern])) => {
                    let node = matching(text, &pattern).map_err(|problem| (problem, at))?;
                    self.over(node, deepest)
                }
                ("matches", Err(_)) => Err(usage("string.matches(pattern)")),
                (_, Err(mut only)) if only.len() == 1 => match only.pop() {
                    Some(Node::Path { of, names }) => self.over(presence(of, names), deepest),
                    _ => Err(usage("has(value.field)")),
                },
                _ => Err(usage("has(value.field)")),
            },
        }
    }

    /// A function that stands after a value; its opening bracket is read.
    pub(super) fn call_after(&mut self, of: Term, name: &'t str, at: usize) -> Result<Term, Wrong> {
        if let Some(ask) = Ask::from_name(name) {
            return self.each(of, ask, at);
        }
        let usage = |usage| (Problem::Usage { name: name.to_owned(), usage }, at);
        if let Some(instead) = not_offered(name) {
            return Err((Problem::NotOffered { name: name.to_owned(), instead }, at));
        }
        let known = Signature::find(name);
        match (name, known) {
            ("has", _) => return Err(usage("has(value.field)")),
            ("default", _) => return Err(usage("default(value, fallback)")),
            ("matches", _) | (_, Some(_)) => {}
            (_, None) => return Err((Problem::UnknownFunction { name: name.to_owned() }, at)),
        }
        let (mut arguments, deepest) = self.items(")", "`,` or `)`")?;
        let deepest = deepest.max(of.depth);
        let Some(known) = known else {
            let (Some(pattern), true) = (arguments.pop(), arguments.is_empty()) else {
                return Err(usage("string.matches(pattern)"));
            };
            let node = matching(of.node, &pattern).map_err(|problem| (problem, at))?;
            return self.over(node, deepest);
        };
        arguments.insert(0, of.node);
        if !known.after_value || !known.arguments.contains(&arguments.len()) {
            return Err(usage(known.usage));
        }
        self.over(Node::Call(known.function, arguments.into()), deepest)
    }

    /// `over.all(variable, body)` and its like; `map` may have a condition between the two.
    fn each(&mut self, over: Term, ask: Ask, at: usize) -> Result<Term, Wrong> {
        let usage = (Problem::Usage { name: ask.name().to_owned(), usage: ask.usage() }, at);
        let variable = match self.peek().kind {
            Kind::Word(word) if RESERVED.split(' ').all(|reserved| reserved != word) => word,
            _ => return Err(usage),
        };
        self.advance();
        if !self.take(",") {
            return Err(usage);
        }
        self.locals.push(variable);
        let (mut arguments, deepest) = self.items(")", "`,` or `)`")?;
        self.locals.pop();
        let (body, only) = (arguments.pop(), arguments.pop());
        let Some(body) = body.filter(|_| arguments.is_empty() && (only.is_none() || ask == Ask::Map)) else {
            return Err(usage);
        };
        let deepest = deepest.max(over.depth);
        self.over(Node::Each(Box::new(Each { over: over.node, ask, body, only })), deepest)
    }
}

/// `has(of.names)`: whether the last of the names is there.
fn presence(of: Box<Node>, mut names: Vec<Box<str>>) -> Node {
    let name = names.pop().unwrap_or_default();
    let of = if names.is_empty() { of } else { Box::new(Node::Path { of, names }) };
    Node::Has { of, name }
}

fn matching(text: Node, pattern: &Node) -> Result<Node, Problem> {
    let Node::Literal(Value::Text(pattern)) = pattern else { return Err(Problem::ComputedPattern) };
    let pattern = Pattern::new(pattern).map_err(|why| Problem::Pattern { why })?;
    Ok(Node::Matches { text: Box::new(text), pattern: Box::new(pattern) })
}
