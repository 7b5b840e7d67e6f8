//! What is signed: the text of a scheme with the parts of a message in it.

use ring::digest;

use super::Claim;

/// Feeds what is signed to `take`, piece by piece; the bytes of the message are not copied.
pub(super) fn pieces(
    content: &str,
    timestamp: &str,
    id: &str,
    claim: Claim<'_>,
    mut take: impl FnMut(&[u8]),
) {
    let mut rest = content;
    while let Some(start) = rest.find('{') {
        take(&rest.as_bytes()[..start]);
        let end = rest[start..].find('}').map_or(rest.len(), |end| start + end + 1);
        match &rest[start..end] {
            "{body}" => take(claim.body),
            "{timestamp}" => take(timestamp.as_bytes()),
            "{id}" => take(id.as_bytes()),
            "{url}" => take(claim.url.as_bytes()),
            "{form}" => take(form(content, claim).as_bytes()),
            other => take(other.as_bytes()),
        }
        rest = &rest[end..];
    }
    take(rest.as_bytes());
}

/// The fields of a form, sorted, each name followed by its value, equal pairs once. A message that is no form signs
/// nothing but its address, which then holds the digest of the message.
fn form(content: &str, claim: Claim<'_>) -> String {
    if body_digest(content, claim).is_some() {
        return String::new();
    }
    let mut fields: Vec<_> = form_urlencoded::parse(claim.body).collect();
    fields.sort();
    fields.dedup();
    fields.iter().fold(String::new(), |text, (name, value)| text + name + value)
}

/// Whether the digest that the address holds, if it does, is that of the message.
pub(super) fn digest_fits(content: &str, claim: Claim<'_>) -> bool {
    let Some(given) = body_digest(content, claim) else { return true };
    let right = digest::digest(&digest::SHA256, claim.body);
    let hex = right.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    hex.eq_ignore_ascii_case(&given)
}

/// The digest in the address, where the address is signed. In one that is not, anybody could put any digest.
fn body_digest(content: &str, claim: Claim<'_>) -> Option<String> {
    let (_, query) = claim.url.split_once('?').filter(|_| content.contains("{url}"))?;
    let mut fields = form_urlencoded::parse(query.as_bytes());
    fields.find(|(name, _)| name == "bodySHA256").map(|(_, value)| value.into_owned())
}
