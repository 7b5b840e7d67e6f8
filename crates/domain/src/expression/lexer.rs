//! The words, signs, numbers and strings of an expression.

use super::error::ExpressionProblem as Problem;

/// One of them, and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind<'t>,
    /// Its first byte.
    pub(super) at: usize,
    /// As it was written.
    pub(super) text: &'t str,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind<'t> {
    Word(&'t str),
    /// A name in backticks, which may have hyphens, dots and slashes.
    Quoted(&'t str),
    /// Without its sign.
    Int(u64),
    Uint(u64),
    Double(f64),
    Text(String),
    Sign(&'static str),
    End,
}

/// The longer ones first.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", ",", ".", "(", ")",
    "[", "]", "{", "}",
];

/// What is wrong, and at which byte.
pub(super) type Wrong = (Problem, usize);

/// All tokens of a text; the last one is its end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, Wrong> {
    let mut lexer = Lexer { text, at: 0 };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space();
        let at = lexer.at;
        let kind = lexer.next()?;
        let ended = kind == Kind::End;
        tokens.push(Token { kind, at, text: text.get(at..lexer.at).unwrap_or_default() });
        if ended {
            return Ok(tokens);
        }
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let bare = rest.trim_start_matches([' ', '\t', '\n', '\r', '\u{c}']);
            self.at += rest.len() - bare.len();
            if !bare.starts_with("//") {
                return;
            }
            self.at += bare.find('\n').unwrap_or(bare.len());
        }
    }

    fn next(&mut self) -> Result<Kind<'t>, Wrong> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(Kind::End) };
        let second = rest[first.len_utf8()..].chars().next();
        match first {
            '"' | '\'' => self.string(false),
            'r' | 'R' if matches!(second, Some('"' | '\'')) => {
                self.at += 1;
                self.string(true)
            }
            '`' => self.quoted(),
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let word = self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                Ok(Kind::Word(word))
            }
            _ if first.is_ascii_digit() => self.number(),
            '.' if second.is_some_and(|second| second.is_ascii_digit()) => self.number(),
            _ => match SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
                Some(sign) => {
                    self.at += sign.len();
                    Ok(Kind::Sign(sign))
                }
                None => Err((Problem::Character { found: first }, self.at)),
            },
        }
    }

    /// The bytes from here on that fit, which must be ASCII.
    fn take(&mut self, fits: impl Fn(u8) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.bytes().position(|byte| !fits(byte)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn quoted(&mut self) -> Result<Kind<'t>, Wrong> {
        let start = self.at;
        self.at += 1;
        let name = self
            .take(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'/' | b' '));
        if name.is_empty() || !self.rest().starts_with('`') {
            return Err((Problem::OpenText { quote: "`" }, start));
        }
        self.at += 1;
        Ok(Kind::Quoted(name))
    }

    fn number(&mut self) -> Result<Kind<'t>, Wrong> {
        let start = self.at;
        let rest = self.rest();
        let hexadecimal = rest.get(2..).filter(|_| rest.starts_with("0x") || rest.starts_with("0X"));
        let value = if let Some(digits) = hexadecimal {
            let length = digits.bytes().take_while(u8::is_ascii_hexdigit).count();
            self.at += 2 + length;
            u64::from_str_radix(&digits[..length], 16).ok().map(Kind::Int)
        } else {
            self.decimal()
        };
        let unsigned = self.rest().starts_with(['u', 'U']);
        self.at += usize::from(unsigned);
        // `1day` is a slip rather than a number and a word.
        let tail = self.take(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        match value {
            Some(Kind::Int(value)) if unsigned && tail.is_empty() => Ok(Kind::Uint(value)),
            Some(value) if !unsigned && tail.is_empty() => Ok(value),
            _ => Err((Problem::Number { number: self.text[start..self.at].to_owned() }, start)),
        }
    }

    fn decimal(&mut self) -> Option<Kind<'t>> {
        let start = self.at;
        let mut whole = true;
        self.take(|byte| byte.is_ascii_digit());
        let rest = self.rest().as_bytes();
        if rest.first() == Some(&b'.') && rest.get(1).is_some_and(u8::is_ascii_digit) {
            whole = false;
            self.at += 1;
            self.take(|byte| byte.is_ascii_digit());
        }
        let rest = self.rest().as_bytes();
        let signed = usize::from(matches!(rest.get(1), Some(b'+' | b'-')));
        if matches!(rest.first(), Some(b'e' | b'E')) && rest.get(1 + signed).is_some_and(u8::is_ascii_digit) {
            whole = false;
            self.at += 1 + signed;
            self.take(|byte| byte.is_ascii_digit());
        }
        let digits = &self.text[start..self.at];
        if whole {
            return digits.parse().ok().map(Kind::Int);
        }
        digits.parse().ok().filter(|double: &f64| double.is_finite()).map(Kind::Double)
    }

    /// A string in one or three quotes of either kind.
    fn string(&mut self, raw: bool) -> Result<Kind<'t>, Wrong> {
        let start = self.at;
        let rest = self.rest();
        let quote = ["\"\"\"", "'''", "\"", "'"].into_iter().find(|quote| rest.starts_with(quote));
        let quote = quote.unwrap_or("\"");
        self.at += quote.len();
        let mut made = String::new();
        loop {
            let rest = self.rest();
            if rest.starts_with(quote) {
                self.at += quote.len();
                return Ok(Kind::Text(made));
            }
            let next = rest.chars().next().filter(|next| quote.len() == 3 || !matches!(next, '\n' | '\r'));
            let Some(next) = next else { return Err((Problem::OpenText { quote }, start)) };
            self.at += next.len_utf8();
            match next {
                '\\' if !raw => made.push(self.escape()?),
                // In a raw string a backslash stays, and so does the quote after it.
                '\\' if self.rest().starts_with(['\\', '"', '\'']) => {
                    made.push('\\');
                    made.extend(self.rest().chars().next());
                    self.at += 1;
                }
                _ => made.push(next),
            }
        }
    }

    /// What a backslash and what follows it stand for.
    fn escape(&mut self) -> Result<char, Wrong> {
        let start = self.at - 1;
        let rest = self.rest();
        let Some(letter) = rest.chars().next() else {
            return Err((Problem::Escape { escape: String::new() }, start));
        };
        let (skip, digits, radix) = match letter {
            'x' | 'X' => (1, 2, 16),
            'u' => (1, 4, 16),
            'U' => (1, 8, 16),
            '0'..='3' => (0, 3, 8),
            _ => {
                self.at += letter.len_utf8();
                return simple(letter).ok_or((Problem::Escape { escape: letter.to_string() }, start));
            }
        };
        let code = rest.get(skip..skip + digits);
        let code = code.filter(|code| code.chars().all(|digit| digit.is_digit(radix)));
        let made = code.and_then(|code| u32::from_str_radix(code, radix).ok()).and_then(char::from_u32);
        self.at += skip + digits;
        made.ok_or_else(|| (Problem::Escape { escape: rest.chars().take(skip + digits).collect() }, start))
    }
}

fn simple(letter: char) -> Option<char> {
    Some(match letter {
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        '\\' | '?' | '"' | '\'' | '`' => letter,
        _ => return None,
    })
}
