//! Where the mail relay is.

use std::str::FromStr;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use reqwest::Url;

/// How the conversation with the relay is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Not at all; for a relay on the same machine or network.
    Plain,
    /// Encrypted after `STARTTLS`; a relay that does not offer it gets nothing.
    StartTls,
    /// Encrypted from the first byte.
    Tls,
}

/// The mail relay and the address that mails come from. `Debug` shows no password.
#[derive(Clone, Debug)]
pub struct SmtpSettings {
    /// The relay's name or address; an IPv6 address without brackets.
    pub host: String,
    /// The relay's port.
    pub port: u16,
    /// How the conversation is protected.
    pub transport: Transport,
    pub(super) credentials: Option<Credentials>,
    pub(super) from: Mailbox,
}

/// What is wrong with the settings of the relay. Holds no part of the URL, which may have a password in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmtpSettingsError {
    /// Not a URL of a relay.
    #[error(
        "the mail relay is written as smtp://host:port, smtp+starttls://user:password@host or smtps://host"
    )]
    Url,
    /// An option that does not exist.
    #[error("the only option of a mail relay is ?tls=required or ?tls=none, for smtp://")]
    Option,
    /// A user without a password or the reverse, or one that is not UTF-8.
    #[error("the user and the password of the mail relay come together, percent-encoded as UTF-8")]
    Credentials,
    /// A password on an unprotected connection that nobody asked for.
    #[error("a password needs smtps:// or ?tls=required; to send it in the clear say ?tls=none")]
    PlainPassword,
    /// The sender is not a mailbox.
    #[error("mails come from an address, as in alerts@example.org or Midwatch <alerts@example.org>")]
    From,
}

impl SmtpSettings {
    /// Settings from a URL and a sender.
    ///
    /// The URL is `smtps://` (port 465), `smtp+starttls://` or `smtp://…?tls=required` (587), or `smtp://` (25,
    /// unprotected). User and password stand in it, percent-encoded. The sender is an address or `Name <address>`.
    pub fn parse(url: &str, from: &str) -> Result<Self, SmtpSettingsError> {
        let url = Url::parse(url.trim()).map_err(|_| SmtpSettingsError::Url)?;
        let options: Vec<_> = url.query_pairs().collect();
        let option = match options.as_slice() {
            [] => None,
            [(name, value)] if name == "tls" => Some(value.as_ref()),
            _ => return Err(SmtpSettingsError::Option),
        };
        let transport = match (url.scheme(), option) {
            ("smtps", None) => Transport::Tls,
            ("smtp+starttls", None) | ("smtp", Some("required")) => Transport::StartTls,
            ("smtp", None | Some("none")) => Transport::Plain,
            ("smtp" | "smtps" | "smtp+starttls", Some(_)) => return Err(SmtpSettingsError::Option),
            _ => return Err(SmtpSettingsError::Url),
        };
        let credentials = credentials(&url)?;
        if credentials.is_some() && transport == Transport::Plain && option.is_none() {
            return Err(SmtpSettingsError::PlainPassword);
        }
        let host = url.host_str().map(|host| host.trim_matches(['[', ']'])).filter(|host| !host.is_empty());
        Ok(Self {
            host: host.ok_or(SmtpSettingsError::Url)?.to_owned(),
            port: url.port().unwrap_or(match transport {
                Transport::Plain => 25,
                Transport::StartTls => 587,
                Transport::Tls => 465,
            }),
            transport,
            credentials,
            from: Mailbox::from_str(from.trim()).map_err(|_| SmtpSettingsError::From)?,
        })
    }
}

fn credentials(url: &Url) -> Result<Option<Credentials>, SmtpSettingsError> {
    match (url.username(), url.password()) {
        ("", None) => Ok(None),
        ("", Some(_)) | (_, None) => Err(SmtpSettingsError::Credentials),
        (user, Some(password)) => {
            let decoded = |text| percent_decoded(text).ok_or(SmtpSettingsError::Credentials);
            Ok(Some(Credentials::new(decoded(user)?, decoded(password)?)))
        }
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        // A percent sign without two digits stands for itself, as URLs read elsewhere.
        let code = (first == b'%')
            .then(|| after.get(..2))
            .flatten()
            .filter(|code| code.iter().all(u8::is_ascii_hexdigit));
        if let Some(code) = code {
            bytes.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<SmtpSettings, SmtpSettingsError> {
        SmtpSettings::parse(url, "Midwatch <alerts@example.org>")
    }

    #[test]
    fn the_scheme_decides_protection_and_port() {
        for (url, transport, port) in [
            ("smtp://mail.example.org", Transport::Plain, 25),
            ("smtp://mail.example.org:2525", Transport::Plain, 2525),
            ("smtp://mail.example.org?tls=required", Transport::StartTls, 587),
            ("smtp+starttls://mail.example.org", Transport::StartTls, 587),
            ("smtps://mail.example.org", Transport::Tls, 465),
        ] {
            let settings = parse(url).expect(url);
            assert_eq!(
                (settings.host.as_str(), settings.transport, settings.port),
                ("mail.example.org", transport, port)
            );
        }
        assert_eq!(parse("smtp://[::1]:2525").expect("settings").host, "::1");
    }

    #[test]
    fn user_and_password_are_decoded_and_never_shown() {
        let settings = parse("smtps://ada%40example.org:p%3A%2F%C3%A4%@mail.example.org").expect("settings");
        let expected = Credentials::new("ada@example.org".to_owned(), "p:/ä%".to_owned());
        assert_eq!(settings.credentials, Some(expected));
        let printed = format!("{settings:?}");
        assert!(!printed.contains("p:/") && !printed.contains("%3A"), "{printed}");
    }

    #[test]
    fn a_password_in_the_clear_must_be_asked_for() {
        assert_eq!(parse("smtp://ada:word@mail").err(), Some(SmtpSettingsError::PlainPassword));
        assert!(parse("smtp://ada:word@mail?tls=none").is_ok());
    }

    #[test]
    fn wrong_settings_are_named() {
        for (url, error) in [
            ("mail.example.org", SmtpSettingsError::Url),
            ("http://mail.example.org", SmtpSettingsError::Url),
            ("smtp://", SmtpSettingsError::Url),
            ("smtp:mail", SmtpSettingsError::Url),
            ("smtp://mail?tls=maybe", SmtpSettingsError::Option),
            ("smtps://mail?tls=none", SmtpSettingsError::Option),
            ("smtp://mail?ssl=1", SmtpSettingsError::Option),
            ("smtps://ada@mail", SmtpSettingsError::Credentials),
            ("smtps://:word@mail", SmtpSettingsError::Credentials),
            ("smtps://ada:%ff@mail", SmtpSettingsError::Credentials),
        ] {
            assert_eq!(parse(url).err(), Some(error), "{url}");
        }
        assert_eq!(SmtpSettings::parse("smtp://mail", "nobody").err(), Some(SmtpSettingsError::From));
    }
}
