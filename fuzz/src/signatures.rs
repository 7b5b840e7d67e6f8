//! Headers with signatures, of every scheme: what is forged is refused, and what is genuine is known again whatever stands
//! beside the signature.
//!
//! The first byte chooses the scheme; the first three lines are the header with the signature, the time and the id, and the
//! rest is the body.

use api::webhooks::vouched;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::integration::{Encoding, Preset, SignatureScheme};
use hmac::{Hmac, Mac};
use sha2::Sha256;

const SECRET: &[u8] = b"a secret of the sender";
/// Those whose signatures are made below: the last is HMAC-SHA1 over a form, and no time is in it.
const PRESETS: [Preset; 8] = [
    Preset::Midwatch,
    Preset::GitHub,
    Preset::Grafana,
    Preset::GrafanaWithTime,
    Preset::Sentry,
    Preset::PagerDuty,
    Preset::Slack,
    Preset::StandardWebhooks,
];
/// Characters of a reason: what a stranger said may be in it.
const MAX_REASON: usize = 200;

/// Panics unless the headers in `data` are judged as they should be.
///
/// # Panics
///
/// If it does not hold.
pub fn check(data: &[u8]) {
    let [preset, rest @ ..] = data else { return };
    let scheme = SignatureScheme::of(PRESETS[usize::from(*preset) % PRESETS.len()]);
    let mut lines = rest.splitn(4, |byte| *byte == b'\n');
    let [said, time, id, body] = std::array::from_fn(|_| lines.next().unwrap_or_default());
    let judged = |signature: &[u8], time: &[u8], id: &[u8]| {
        let mut headers = vec![(scheme.header.as_str(), signature)];
        headers.extend(scheme.timestamp_header.as_deref().map(|name| (name, time)));
        headers.extend(scheme.id_header.as_deref().map(|name| (name, id)));
        vouched(&scheme, SECRET, &headers, body)
    };
    match judged(said, time, id) {
        // Its name is in the sources, so the right one can be in the corpus, but nobody finds it by guessing.
        Ok(_) => assert!(said.len() > 20, "nothing is forged with {} bytes", said.len()),
        Err(why) => {
            let fits = why.chars().count() <= MAX_REASON && !why.contains(char::is_control);
            assert!(!why.is_empty() && fits, "a refusal has a reason that fits in a line");
        }
    }
    let (time, id) = ("1764000000", "msg_1");
    let signature = sign(&scheme, time, id, body);
    let known = |header: String| judged(header.as_bytes(), time.as_bytes(), id.as_bytes());
    let first = known(signature.clone()).expect("it is genuine");
    assert_eq!(first.is_some(), scheme.signs_time() || scheme.content.contains("{id}"));
    // With any words beside it, it is refused or known as the same.
    let words = String::from_utf8_lossy(said);
    let upper = format!("{}{}", scheme.prefix, signature[scheme.prefix.len()..].to_uppercase());
    for written in [
        format!("{signature} {words}"),
        format!("{words} {signature}"),
        format!("{signature},{words}"),
        upper,
    ] {
        if let Ok(again) = known(written) {
            assert_eq!(again, first, "the same message is known by the same");
        }
    }
}

/// A genuine signature.
fn sign(scheme: &SignatureScheme, time: &str, id: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET).expect("a key has any length");
    for part in scheme.content.split_inclusive('}') {
        let (text, name) = part.split_once('{').unwrap_or((part, ""));
        mac.update(text.as_bytes());
        mac.update(match name {
            "timestamp}" => time.as_bytes(),
            "id}" => id.as_bytes(),
            "body}" => body,
            _ => b"",
        });
    }
    let tag = mac.finalize().into_bytes();
    let written = match scheme.encoding {
        Encoding::Hex => tag.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}")),
        Encoding::Base64 => STANDARD.encode(tag),
    };
    format!("{}{written}", scheme.prefix)
}
