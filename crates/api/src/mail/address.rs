//! Our addresses: `<key>@<domain>` and `<key>+<part>@<domain>`.

/// A recipient that may be one of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipient {
    /// The key. Relays may change the case of an address, and keys have lower case only.
    pub(super) key: String,
    /// What follows the first `+`, as it was written.
    pub(super) part: Option<String>,
}

impl Recipient {
    /// What an address means; none if it is not in our domain.
    pub(super) fn of(address: &str, domain: &str) -> Option<Self> {
        let (local, _) = address.rsplit_once('@').filter(|(_, host)| host.eq_ignore_ascii_case(domain))?;
        let local = unquoted(local);
        let (key, part) = local.split_once('+').map_or((&*local, None), |(key, part)| (key, Some(part)));
        let part = part.filter(|part| !part.is_empty()).map(str::to_owned);
        Some(Self { key: key.to_ascii_lowercase(), part })
    }
}

/// `"a \"b\""` as `a "b"`.
fn unquoted(local: &str) -> String {
    let Some(inside) = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return local.to_owned();
    };
    let (mut text, mut escaped) = (String::with_capacity(inside.len()), false);
    for c in inside.chars() {
        escaped = c == '\\' && !escaped;
        if !escaped {
            text.push(c);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_key_and_perhaps_a_part() {
        let of = |address: &str| {
            let Recipient { key, part } = Recipient::of(address, "alerts.example.org")?;
            Some((key, part.unwrap_or_default()))
        };
        let some = |key: &str, part: &str| Some((key.to_owned(), part.to_owned()));
        assert_eq!(of("0AF3@Alerts.Example.ORG"), some("0af3", ""));
        assert_eq!(of("0af3+Web-1/Disk@alerts.example.org"), some("0af3", "Web-1/Disk"));
        assert_eq!(of("0af3+a+b=c@alerts.example.org"), some("0af3", "a+b=c"));
        assert_eq!(of("0af3+@alerts.example.org"), some("0af3", ""));
        assert_eq!(of(r#""0af3+a \"b\" \\@c"@alerts.example.org"#), some("0af3", r#"a "b" \@c"#));
        for other in ["0af3@example.org", "0af3@x.alerts.example.org", "0af3", "@", ""] {
            assert_eq!(of(other), None, "{other}");
        }
    }
}
