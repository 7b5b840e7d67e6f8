//! Addresses that are signed, with and without their port.

use super::*;

#[test]
fn an_address_may_be_signed_with_its_port_or_without() {
    let twilio = SignatureScheme::of(Preset::Twilio);
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345");
    let sign = |url: &str| STANDARD.encode(ring::hmac::sign(&key, format!("{url}a1b2").as_bytes()));
    let check = |signature: &str, url: &str, body: &[u8]| {
        checked(&twilio, &["new", "12345"], &[("x-twilio-signature", signature)], url, body).is_ok()
    };
    let (bare, usual, odd) =
        ("https://example.org/x?y=1", "https://example.org:443/x?y=1", "https://example.org:8443/x?y=1");
    for (signed, called, genuine) in [
        (bare, bare, true),
        (usual, bare, true),
        (bare, usual, true),
        (bare, odd, true),
        (odd, odd, true),
        (odd, bare, false),
        (usual, odd, false),
        ("http://example.org/x?y=1", bare, false),
        ("https://example.org:80/x?y=1", bare, false),
        ("https://another.org/x?y=1", bare, false),
    ] {
        assert_eq!(check(&sign(signed), called, b"b=2&a=1"), genuine, "{signed} for {called}");
    }
    let tag = STANDARD.decode(sign(usual)).expect("base64");
    for bit in 0..tag.len() * 8 {
        let mut flipped = tag.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!check(&STANDARD.encode(flipped), bare, b"b=2&a=1"), "bit {bit}");
    }
    for bit in 0..bare.len() * 8 {
        let mut flipped = bare.as_bytes().to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let Ok(flipped) = String::from_utf8(flipped) else { continue };
        assert!(!check(&sign(usual), &flipped, b"b=2&a=1"), "bit {bit}: {flipped}");
    }
    assert!(!check(&sign(usual), bare, b"b=2&a=2"));
}
