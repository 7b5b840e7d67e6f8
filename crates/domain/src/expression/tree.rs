//! A checked expression, ready to be evaluated: names are resolved and constants are values.

use super::{function::Function, pattern::Pattern, value::Value};

/// One part of an expression.
#[derive(Debug)]
pub(super) enum Node {
    /// A value that was written out.
    Literal(Value<'static>),
    /// The whole message.
    Payload,
    /// The alert it was translated to.
    Alert,
    /// A variable of `all`, `map` and their like: how many of them were named before it.
    Local(usize),
    /// Fields of fields: `payload.labels.team`.
    Path { of: Box<Node>, names: Vec<Box<str>> },
    /// `has(of.name)`.
    Has { of: Box<Node>, name: Box<str> },
    /// `of[at]`.
    Index(Box<[Node; 2]>),
    /// `!of`.
    Not(Box<Node>),
    /// `-of`.
    Negate(Box<Node>),
    /// `a && b && …`
    And(Vec<Node>),
    /// `a || b || …`
    Or(Vec<Node>),
    /// `condition ? yes : no`
    Choose(Box<[Node; 3]>),
    /// Any other operator with two sides.
    Binary(Operator, Box<[Node; 2]>),
    /// A function; what it is called on comes first.
    Call(Function, Box<[Node]>),
    /// `text.matches(pattern)`.
    Matches { text: Box<Node>, pattern: Box<Pattern> },
    /// `default(value, fallback)`.
    Default(Box<[Node; 2]>),
    /// `over.all(variable, body)` and its like.
    Each(Box<Each>),
    /// `[a, b]`
    List(Vec<Node>),
    /// `{key: value}`
    Map(Vec<(Node, Node)>),
}

/// Something asked of every item of a list, or every key of a map.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) over: Node,
    pub(super) ask: Ask,
    pub(super) body: Node,
    /// Which items `map` is about; all of them if not said.
    pub(super) only: Option<Node>,
}

/// What is made of the answers for every item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

impl Ask {
    /// What a function that goes through a list asks.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "exists" => Self::Exists,
            "exists_one" | "existsOne" => Self::ExistsOne,
            "map" => Self::Map,
            "filter" => Self::Filter,
            _ => return None,
        })
    }

    /// How it is written.
    pub(super) fn usage(self) -> &'static str {
        match self {
            Self::All => "list.all(item, condition)",
            Self::Exists => "list.exists(item, condition)",
            Self::ExistsOne => "list.exists_one(item, condition)",
            Self::Map => "list.map(item, value)",
            Self::Filter => "list.filter(item, condition)",
        }
    }

    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Map => "map",
            Self::Filter => "filter",
        }
    }
}

/// An operator with two sides, other than `&&` and `||`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    /// How it is written.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::Differs => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}
