//! The address that a sender signs, which may be written in two ways.

/// The same address with the usual port of its scheme, or without the port that it has: some senders sign it the one way, some
/// the other, and which of them it is depends on their version.
pub(super) fn with_or_without_port(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    // What is in brackets is an address of IPv6, whose colons begin no port.
    let host = authority.rfind(']').map_or(authority.rfind('@').map_or(0, |at| at + 1), |end| end + 1);
    let authority = match authority[host..].find(':') {
        Some(colon) => authority[..host + colon].to_owned(),
        None if scheme.eq_ignore_ascii_case("https") => format!("{authority}:443"),
        None if scheme.eq_ignore_ascii_case("http") => format!("{authority}:80"),
        None => return None,
    };
    Some(format!("{scheme}://{authority}{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_added_where_there_is_none_and_taken_away_where_there_is_one() {
        for (url, other) in [
            (
                "https://midwatch.example.org/hooks/x?a=1",
                Some("https://midwatch.example.org:443/hooks/x?a=1"),
            ),
            ("http://midwatch.example.org/x", Some("http://midwatch.example.org:80/x")),
            ("HTTPS://midwatch.example.org?a=b:1", Some("HTTPS://midwatch.example.org:443?a=b:1")),
            ("https://midwatch.example.org:8443/x:1", Some("https://midwatch.example.org/x:1")),
            ("https://midwatch.example.org:443", Some("https://midwatch.example.org")),
            (
                "https://ada:secret@midwatch.example.org/",
                Some("https://ada:secret@midwatch.example.org:443/"),
            ),
            ("https://ada:secret@midwatch.example.org:1/", Some("https://ada:secret@midwatch.example.org/")),
            ("https://[2001:db8::1]/x", Some("https://[2001:db8::1]:443/x")),
            ("https://[2001:db8::1]:8443/x", Some("https://[2001:db8::1]/x")),
            ("ftp://midwatch.example.org/x", None),
            ("/hooks/x", None),
            ("", None),
        ] {
            assert_eq!(with_or_without_port(url).as_deref(), other, "{url}");
        }
    }
}
