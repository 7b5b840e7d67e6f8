//! The functions that are offered, and how each is written.

use std::ops::RangeInclusive;

/// A function whose arguments are all evaluated before it is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Join,
    Replace,
    Substring,
    Text,
    Int,
    Uint,
    Double,
    Bool,
}

impl Function {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        SIGNATURES.iter().find(|signature| signature.function == self).map_or("", |signature| signature.name)
    }
}

/// How a function is called.
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) function: Function,
    /// Whether it may stand after a value: `text.contains("a")`.
    pub(super) after_value: bool,
    /// Whether it may stand by itself: `size(list)`.
    pub(super) alone: bool,
    /// How many arguments, with the value it stands after.
    pub(super) arguments: RangeInclusive<usize>,
    pub(super) usage: &'static str,
}

impl Signature {
    /// The function of a name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        SIGNATURES.iter().find(|signature| signature.name == name)
    }
}

const fn after(
    name: &'static str,
    function: Function,
    arguments: RangeInclusive<usize>,
    usage: &'static str,
) -> Signature {
    Signature { name, function, after_value: true, alone: false, arguments, usage }
}

const fn conversion(name: &'static str, function: Function, usage: &'static str) -> Signature {
    Signature { name, function, after_value: false, alone: true, arguments: 1..=1, usage }
}

const SIGNATURES: [Signature; 16] = [
    Signature {
        name: "size",
        function: Function::Size,
        after_value: true,
        alone: true,
        arguments: 1..=1,
        usage: "size(value)",
    },
    after("contains", Function::Contains, 2..=2, "string.contains(part)"),
    after("startsWith", Function::StartsWith, 2..=2, "string.startsWith(part)"),
    after("endsWith", Function::EndsWith, 2..=2, "string.endsWith(part)"),
    after("lowerAscii", Function::LowerAscii, 1..=1, "string.lowerAscii()"),
    after("upperAscii", Function::UpperAscii, 1..=1, "string.upperAscii()"),
    after("trim", Function::Trim, 1..=1, "string.trim()"),
    after("split", Function::Split, 2..=3, "string.split(separator) or string.split(separator, limit)"),
    after("join", Function::Join, 1..=2, "list.join() or list.join(separator)"),
    after("replace", Function::Replace, 3..=4, "string.replace(old, new) or string.replace(old, new, limit)"),
    after("substring", Function::Substring, 2..=3, "string.substring(start) or string.substring(start, end)"),
    conversion("string", Function::Text, "string(value)"),
    conversion("int", Function::Int, "int(value)"),
    conversion("uint", Function::Uint, "uint(value)"),
    conversion("double", Function::Double, "double(value)"),
    conversion("bool", Function::Bool, "bool(value)"),
];

/// What the language has and we leave out, and what to do instead.
pub(super) fn not_offered(name: &str) -> Option<&'static str> {
    Some(match name {
        "timestamp" | "duration" | "getFullYear" | "getMonth" | "getDate" | "getDayOfMonth"
        | "getDayOfWeek" | "getDayOfYear" | "getHours" | "getMinutes" | "getSeconds" | "getMilliseconds" => {
            "times are strings here, and can be compared as such"
        }
        "type" | "dyn" => {
            "values have the type they came with; convert them with string(), int() or double()"
        }
        "bytes" => "there are strings only",
        "optional" | "orValue" | "optMap" | "optFlatMap" | "hasValue" => "use default(value, fallback)",
        _ => return None,
    })
}
