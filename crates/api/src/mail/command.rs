//! Commands of SMTP (RFC 5321), as lenient about spaces and angle brackets as devices in the field need it. Lines come
//! here without their end, and one at a time: what ends a line is not decided here.

/// Characters of an address; RFC 5321 has 256 with the angle brackets.
const MAX_ADDRESS: usize = 254;

/// What a client asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command<'a> {
    /// It says who it is, in the extended protocol or in the old one.
    Hello { extended: bool },
    /// It begins a mail.
    Mail { sender: &'a str, bytes: Option<u64> },
    /// It names a recipient.
    Recipient { address: &'a str },
    /// The mail itself follows.
    Data,
    /// It begins anew.
    Reset,
    /// It wants any answer.
    Nothing,
    /// It asks whether somebody exists.
    Verify,
    /// It leaves.
    Quit,
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// There is no such command.
    Unknown,
    /// There is such a command, and it is not offered here.
    NotOffered,
    /// It is not written as it must be.
    Syntax,
    /// It has a parameter that nobody offered, or one with a value that makes no sense.
    Parameter,
}

impl<'a> Command<'a> {
    /// Reads a line.
    pub(super) fn read(line: &'a [u8]) -> Result<Self, Wrong> {
        let line = std::str::from_utf8(line).map_err(|_| Wrong::Syntax)?;
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(Wrong::Syntax);
        }
        let line = line.trim_end();
        let (verb, rest) = line.split_once([' ', '\t']).unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" if rest.trim().is_empty() => Err(Wrong::Syntax),
            "EHLO" => Ok(Self::Hello { extended: true }),
            "HELO" => Ok(Self::Hello { extended: false }),
            "MAIL" => {
                let (sender, parameters) = path(rest, "FROM")?;
                Ok(Self::Mail { sender, bytes: size(parameters)? })
            }
            "RCPT" => match path(rest, "TO")? {
                ("", _) => Err(Wrong::Syntax),
                (_, parameters) if !parameters.trim().is_empty() => Err(Wrong::Parameter),
                (address, _) => Ok(Self::Recipient { address }),
            },
            "DATA" => Ok(Self::Data),
            "RSET" => Ok(Self::Reset),
            "NOOP" => Ok(Self::Nothing),
            "VRFY" => Ok(Self::Verify),
            "QUIT" => Ok(Self::Quit),
            "AUTH" | "STARTTLS" | "BDAT" | "EXPN" | "HELP" | "ETRN" | "TURN" | "BURL" | "LHLO" => {
                Err(Wrong::NotOffered)
            }
            _ => Err(Wrong::Unknown),
        }
    }
}

/// The address after `FROM:` or `TO:`, and what follows it.
fn path<'a>(text: &'a str, word: &str) -> Result<(&'a str, &'a str), Wrong> {
    let (said, rest) = text.split_once(':').ok_or(Wrong::Syntax)?;
    if !said.trim().eq_ignore_ascii_case(word) {
        return Err(Wrong::Syntax);
    }
    let rest = rest.trim_start();
    let (address, parameters) = match rest.strip_prefix('<') {
        Some(inside) => {
            let end = end_of_path(inside).ok_or(Wrong::Syntax)?;
            (without_route(&inside[..end]), &inside[end + 1..])
        }
        // Some devices know no brackets.
        None => rest.split_at(rest.find([' ', '\t']).unwrap_or(rest.len())),
    };
    let bare = rest.starts_with('<') || !address.is_empty();
    let set_off = parameters.is_empty() || parameters.starts_with([' ', '\t']);
    if !bare || !set_off || address.len() > MAX_ADDRESS {
        return Err(Wrong::Syntax);
    }
    Ok((address, parameters))
}

/// Where the bracket closes that is not quoted.
fn end_of_path(inside: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    inside.char_indices().find_map(|(at, c)| {
        if escaped {
            escaped = false;
        } else if quoted && c == '\\' {
            escaped = true;
        } else if c == '"' {
            quoted = !quoted;
        } else if c == '>' && !quoted {
            return Some(at);
        }
        None
    })
}

/// `@a,@b:address` as `address`: nobody's mail takes routes any more.
fn without_route(address: &str) -> &str {
    let routed = address.starts_with('@').then(|| address.split_once(':')).flatten();
    routed.map_or(address, |(_, address)| address)
}

/// How large a mail is to be, of the parameters that are offered.
fn size(parameters: &str) -> Result<Option<u64>, Wrong> {
    let mut size = None;
    for parameter in parameters.split_ascii_whitespace() {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (name.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", bytes) => size = Some(bytes.parse().map_err(|_| Wrong::Parameter)?),
            ("BODY", "7BIT" | "8BITMIME") | ("SMTPUTF8", "") => {}
            (_, _) => return Err(Wrong::Parameter),
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(line: &str) -> Result<Command<'_>, Wrong> {
        Command::read(line.as_bytes())
    }

    #[test]
    fn commands_are_read_in_every_usual_spelling() {
        let mail = |sender, bytes| Ok(Command::Mail { sender, bytes });
        assert_eq!(read("ehlo [127.0.0.1]"), Ok(Command::Hello { extended: true }));
        assert_eq!(read("HELO x"), Ok(Command::Hello { extended: false }));
        assert_eq!(read("MAIL FROM:<ada@example.org>"), mail("ada@example.org", None));
        assert_eq!(
            read("mail from: <ada@example.org> size=12 BODY=8BITMIME SMTPUTF8"),
            mail("ada@example.org", Some(12))
        );
        assert_eq!(read("MAIL FROM:<> SIZE=0"), mail("", Some(0)));
        assert_eq!(read("MAIL FROM:root"), mail("root", None));
        assert_eq!(read("MAIL FROM:<ups@[10.0.0.1]>"), mail("ups@[10.0.0.1]", None));
        assert_eq!(read("MAIL FROM:<@a,@b:größe@example.org>"), mail("größe@example.org", None));
        let to = |address| Ok(Command::Recipient { address });
        assert_eq!(read(r#"RCPT TO:<"a> b\""@example.org>"#), to(r#""a> b\""@example.org"#));
        assert_eq!(read("rcpt to: key+Part@example.org  "), to("key+Part@example.org"));
        for (line, command) in [
            ("DATA", Command::Data),
            ("rset", Command::Reset),
            ("NOOP x", Command::Nothing),
            ("QUIT ", Command::Quit),
        ] {
            assert_eq!(read(line), Ok(command));
        }
    }

    #[test]
    fn what_is_no_command_says_why() {
        for line in [
            "EHLO",
            "MAIL",
            "MAIL TO:<a@b>",
            "MAIL FROM:",
            "MAIL FROM:<a@b",
            "MAIL FROM:<a@b>x",
            "RCPT TO:<>",
            "RCPT FROM:<a@b>",
            "MAIL FROM:<a\u{0}@b>",
            "NOOP \u{7}",
        ] {
            assert_eq!(read(line), Err(Wrong::Syntax), "{line:?}");
        }
        assert_eq!(read(&format!("MAIL FROM:<{}@b>", "a".repeat(253))), Err(Wrong::Syntax));
        assert_eq!(Command::read(b"MAIL FROM:<\xff@b>"), Err(Wrong::Syntax));
        for line in [
            "MAIL FROM:<a@b> SIZE=x",
            "MAIL FROM:<a@b> BODY=BINARYMIME",
            "MAIL FROM:<a@b> AUTH=<>",
            "RCPT TO:<a@b> NOTIFY=NEVER",
        ] {
            assert_eq!(read(line), Err(Wrong::Parameter), "{line}");
        }
        for line in ["STARTTLS", "auth PLAIN", "BDAT 10 LAST", "EXPN all"] {
            assert_eq!(read(line), Err(Wrong::NotOffered), "{line}");
        }
        for line in ["", "GET / HTTP/1.1", "EHLOx y", "Größe"] {
            assert_eq!(read(line), Err(Wrong::Unknown), "{line}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_lines_never_panic(line in prop::collection::vec(any::<u8>(), 0..80), rest in "\\PC{0,40}") {
            let _ = Command::read(&line);
            let _ = read(&format!("MAIL FROM:{rest}"));
            let _ = read(&format!("RCPT TO:<{rest}"));
        }
    }
}
