//! Mails: from somebody who may send. Neither of the two places that name the sender proves anything about the mail;
//! they keep out what was not meant for the entrance, and a guess must fit both.

use domain::delivery::Proof;

use super::{Claim, Proven, Unproven, reason};
use crate::webhooks::translate::authors_of_mail;

/// What stood on the envelope of a mail.
#[derive(Clone, Copy, Debug)]
pub(in crate::webhooks) struct Posted<'a> {
    /// Who sent it; empty for a report on what became of another mail.
    pub(in crate::webhooks) sender: &'a str,
    /// What stood between the key and the domain, as in `<key>+<part>@<domain>`.
    pub(in crate::webhooks) part: Option<&'a str>,
}

/// Whether both the envelope and the mail name somebody who may send.
pub(super) fn check(senders: &[String], claim: Claim<'_>) -> Result<Proven, Unproven> {
    if senders.is_empty() {
        return Ok(Proven::by(Proof::Key));
    }
    let sender = claim.posted.map(|posted| posted.sender).unwrap_or_default().to_owned();
    for (place, address) in std::iter::once(("envelope", sender))
        .chain(authors_of_mail(claim.body).map(|author| ("From", author)))
    {
        if !may_send(senders, &address) {
            let why = format!("not on the list of those who may send: `{address}` ({place})");
            return Err(Unproven { slug: "wrong-sender", why: reason(&why), challenge: "Mail" });
        }
    }
    Ok(Proven::by(Proof::Key))
}

fn may_send(senders: &[String], address: &str) -> bool {
    let domain = address.rsplit_once('@').map(|(_, domain)| domain);
    senders.iter().any(|sender| match sender.strip_prefix('@') {
        Some(whole) => domain.is_some_and(|domain| domain.eq_ignore_ascii_case(whole)),
        None => same(sender, address),
    })
}

fn same(one: &str, other: &str) -> bool {
    one == other || one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;

    fn refused(senders: &[&str], sender: &str, body: &str) -> Option<String> {
        let senders: Vec<_> = senders.iter().map(|&sender| sender.to_owned()).collect();
        let headers = HeaderMap::new();
        let posted = Some(Posted { sender, part: None });
        let claim = Claim { headers: &headers, url: "", posted, body: body.as_bytes() };
        check(&senders, claim).err().map(|why| why.why)
    }

    #[test]
    fn anybody_may_send_where_nobody_is_named() {
        assert_eq!(refused(&[], "", "From: mallory@example.net\r\n\r\n"), None);
    }

    #[test]
    fn the_envelope_and_the_mail_must_both_name_somebody_who_may_send() {
        let from = |author: &str| format!("Subject: x\r\nFrom: {author}\r\n\r\nbody");
        let listed = ["nagios@example.org", "@monitoring.example.org"];
        for (sender, body) in [
            ("nagios@example.org", from("Nagios <nagios@example.org>")),
            ("NAGIOS@Example.ORG", from("nagios@EXAMPLE.org")),
            ("bounces@monitoring.example.org", from("\"Grafana, Inc\" <grafana@monitoring.example.org>")),
            ("nagios@example.org", "Subject: no author\r\n\r\n".to_owned()),
        ] {
            assert_eq!(refused(&listed, sender, &body), None, "{sender} {body}");
        }
        for (sender, body, place) in [
            ("mallory@example.net", from("nagios@example.org"), "`mallory@example.net` (envelope)"),
            ("nagios@example.org", from("mallory@example.net"), "`mallory@example.net` (From)"),
            ("nagios@example.org", from("nagios@example.org, eve@example.net"), "`eve@example.net` (From)"),
            ("nagios@example.org", from("a@monitoring.example.org\r\nFrom: eve@example.net"), "(From)"),
            ("nagios@example.org", from("nobody at all"), "`` (From)"),
            ("", from("nagios@example.org"), "`` (envelope)"),
            ("x@sub.monitoring.example.org", from("nagios@example.org"), "(envelope)"),
            ("monitoring.example.org", from("nagios@example.org"), "(envelope)"),
        ] {
            let why = refused(&listed, sender, &body).unwrap_or_default();
            assert!(why.contains(place), "{sender} {body}: {why}");
        }
    }
}
