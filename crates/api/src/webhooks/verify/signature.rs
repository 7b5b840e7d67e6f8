//! Signatures: an HMAC over the bytes, in a header.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Timestamp,
    integration::{Algorithm, Encoding, SignatureScheme},
};
use ring::{digest, hmac};
use subtle::ConstantTimeEq;

use super::{Claim, Unproven, address, content, secrets::Secret};
use crate::webhooks::translate;

/// Signatures that one message may carry: a sender that rotates its secret sends two.
const MAX_SIGNATURES: usize = 10;

/// What a signature vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    /// When it was signed.
    pub(super) at: Option<Timestamp>,
    /// What no other message has, if the time or an id is signed too. Made of what is signed, not of how the signature
    /// is written: that may be written in several ways, and stand beside others.
    pub(super) unique: Option<String>,
}

/// Whether one of the signatures in the message is one under one of the secrets.
pub(super) fn check(
    scheme: &SignatureScheme,
    secrets: &[Secret],
    claim: Claim<'_>,
) -> Result<Signed, Unproven> {
    let missing = |name: &str| Unproven::unsigned(format!("this integration requires the header `{name}`"));
    let header = |name: &Option<String>| match name {
        Some(name) => claim.header(name).map_or_else(|| Err(missing(name)), |value| Ok(Some(value))),
        None => Ok(None),
    };
    let given = claim.header(&scheme.header).ok_or_else(|| missing(&describe(scheme)))?;
    let time = header(&scheme.timestamp_header)?;
    let at = match time {
        Some(time) => Some(translate::time(time).ok_or_else(|| {
            Unproven::unsigned("the timestamp header holds neither seconds since 1970 nor RFC 3339")
        })?),
        None => None,
    };
    // An id that is not signed is only a hint.
    let id = if scheme.content.contains("{id}") { header(&scheme.id_header)? } else { None };
    let (time, id) = (time.unwrap_or_default(), id.unwrap_or_default());
    let candidates: Vec<_> = signatures(scheme, given).take(MAX_SIGNATURES).collect();
    let other = scheme.signs_url().then(|| address::with_or_without_port(claim.url)).flatten();
    let urls = [Some(claim.url), other.as_deref()].into_iter().flatten();
    // All of them are tried, whichever fits: how long it takes tells nothing.
    let right = urls.map(|url| Claim { url, ..claim }).fold(false, |found, claim| {
        secrets.iter().fold(found, |found, secret| {
            let mut context = hmac::Context::with_key(&hmac::Key::new(hash(scheme), &secret.signing_key()));
            content::pieces(&scheme.content, time, id, claim, |piece| context.update(piece));
            let tag = context.sign();
            let same = |one: &Vec<u8>| bool::from(one.as_slice().ct_eq(tag.as_ref()));
            candidates.iter().fold(found, |found, one| same(one) | found)
        })
    });
    if !right || !content::digest_fits(&scheme.content, claim) {
        let why = format!(
            "the signature in `{}` is not the HMAC of what was received under the integration's secret",
            scheme.header
        );
        return Err(Unproven::wrong_signature(why));
    }
    // Each attempt is signed anew, with a time of its own; an id is the same in all of them.
    let time_of_first = if id.is_empty() { time } else { "" };
    let unique = (!id.is_empty() || scheme.signs_time()).then(|| {
        let mut context = digest::Context::new(&digest::SHA256);
        content::pieces(&scheme.content, time_of_first, id, claim, |piece| context.update(piece));
        format!("{time_of_first} {id} {}", STANDARD.encode(context.finish()))
    });
    Ok(Signed { at, unique })
}

fn describe(scheme: &SignatureScheme) -> String {
    let encoding = match scheme.encoding {
        Encoding::Hex => "hex",
        Encoding::Base64 => "base64",
    };
    let hash = match scheme.algorithm {
        Algorithm::Sha1 => "SHA1",
        Algorithm::Sha256 => "SHA256",
        Algorithm::Sha512 => "SHA512",
    };
    format!("{}: {}<{encoding} HMAC-{hash} of {}>", scheme.header, scheme.prefix, scheme.content)
}

const fn hash(scheme: &SignatureScheme) -> hmac::Algorithm {
    match scheme.algorithm {
        Algorithm::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Algorithm::Sha256 => hmac::HMAC_SHA256,
        Algorithm::Sha512 => hmac::HMAC_SHA512,
    }
}

/// The signatures in a header: separated by spaces, or by commas where the prefix has none.
fn signatures<'a>(scheme: &'a SignatureScheme, header: &'a str) -> impl Iterator<Item = Vec<u8>> + 'a {
    let separates = |c: char| {
        c == ' ' || (c == ',' && !scheme.prefix.contains(',')) || (c == ';' && !scheme.prefix.contains(';'))
    };
    header.split(separates).filter_map(|one| {
        let text = one.trim().strip_prefix(scheme.prefix.as_str())?;
        match scheme.encoding {
            Encoding::Hex => from_hex(text),
            Encoding::Base64 => STANDARD.decode(text).ok(),
        }
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(value(pair[0])? << 4 | value(*pair.get(1)?)?)).collect()
}
