//! The vectors that others publish, and everything that is almost one of them.

mod address;

use domain::{
    SecretId, ServiceId,
    integration::{Algorithm, Encoding, Handling, IntegrationKind, Preset, Reading},
};
use proptest::prelude::*;
use store::Store;
use uuid::Uuid;

use super::*;

/// A message that somebody signed.
struct Vector {
    preset: Preset,
    secret: &'static str,
    url: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static str,
}

const HELLO: &str = r#"{"hello":"world"}"#;
const STANDARD_SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn vectors() -> Vec<Vector> {
    let simple = |preset, secret, header, signature, body| Vector {
        preset,
        secret,
        url: "",
        headers: vec![(header, signature)],
        body,
    };
    vec![
        simple(
            Preset::GitHub,
            "It's a Secret to Everybody",
            "x-hub-signature-256",
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
            "Hello, World!",
        ),
        simple(
            Preset::Sentry,
            "sentry-client-secret",
            "sentry-hook-signature",
            "260a4d82492e6b461de6cf495547862f065012f82fd3d1e66dc1e2498054d262",
            HELLO,
        ),
        simple(
            Preset::PagerDuty,
            "pd-secret",
            "x-pagerduty-signature",
            "v1=1495a8045513325560365e9275b635c31d551fd5413c7a374792e30388d036ec",
            HELLO,
        ),
        simple(
            Preset::Grafana,
            "grafana-secret",
            "x-grafana-alerting-signature",
            "76178aa7694e2cae74ddaa542bc9a3a233141e43a1654fa616b0dc9dd7426062",
            HELLO,
        ),
        Vector {
            headers: vec![
                (
                    "x-grafana-alerting-signature",
                    "30a1b5647ee050cb3ef48d888737caabcae8bacb7e4acac56402751511a0404d",
                ),
                ("x-grafana-alerting-timestamp", "1700000000"),
            ],
            ..simple(Preset::GrafanaWithTime, "grafana-secret", "", "", HELLO)
        },
        Vector {
            headers: vec![
                ("x-slack-signature", "v0=bca5eef5dd737ed259b428b18cd24f679baa18c3fc5f1cb2a6ac9f03e717969a"),
                ("x-slack-request-timestamp", "1531420618"),
            ],
            ..simple(
                Preset::Slack,
                "8f742231b10e8888abcd99yyyzzz85a5",
                "",
                "",
                "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J",
            )
        },
        Vector {
            headers: vec![
                ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
                ("webhook-timestamp", "1614265330"),
                ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ],
            ..simple(Preset::StandardWebhooks, STANDARD_SECRET, "", "", r#"{"test": 2432232314}"#)
        },
        Vector {
            url: "https://mycompany.com/myapp.php?foo=1&bar=2",
            headers: vec![("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")],
            ..simple(
                Preset::Twilio,
                "12345",
                "",
                "",
                "To=%2B18005551212&CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309",
            )
        },
    ]
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        (
            name.parse::<HeaderName>().expect("a name"),
            HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
        )
    };
    pairs.iter().map(pair).collect()
}

fn checked(
    scheme: &SignatureScheme,
    secrets: &[&str],
    pairs: &[(&str, &str)],
    url: &str,
    body: &[u8],
) -> Result<signature::Signed, &'static str> {
    let secrets: Vec<_> = secrets.iter().map(|secret| secrets::Secret::new(secret.as_bytes())).collect();
    let headers = headers(pairs);
    signature::check(scheme, &secrets, Claim { headers: &headers, url, posted: None, body })
        .map_err(|why| why.slug)
}

#[test]
fn every_published_vector_is_genuine() {
    for Vector { preset, secret, url, headers, body } in vectors() {
        let signed = checked(&SignatureScheme::of(preset), &[secret], &headers, url, body.as_bytes());
        let signed = signed.unwrap_or_else(|why| panic!("{preset:?}: {why}"));
        assert_eq!(signed.at.is_some(), SignatureScheme::of(preset).signs_time(), "{preset:?}");
    }
}

#[test]
fn a_vector_with_any_bit_flipped_or_another_secret_is_not_genuine() {
    for Vector { preset, secret, url, headers, body } in vectors() {
        let scheme = SignatureScheme::of(preset);
        for bit in 0..body.len() * 8 {
            let mut bytes = body.as_bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let result = checked(&scheme, &[secret], &headers, url, &bytes);
            // In a form, the case of an escape's digits means nothing.
            let same_form = preset == Preset::Twilio
                && form_urlencoded::parse(&bytes).eq(form_urlencoded::parse(body.as_bytes()));
            assert_eq!(result.is_ok(), same_form, "{preset:?}: bit {bit} of the body");
        }
        for (index, (name, value)) in headers.iter().enumerate().filter(|(_, (_, value))| !value.is_empty()) {
            for byte in 0..value.len() {
                let mut other = value.as_bytes().to_vec();
                other[byte] = if other[byte] == b'1' { b'2' } else { b'1' };
                let other = String::from_utf8(other).expect("it is ASCII");
                let mut changed = headers.clone();
                changed[index] = (name, &other);
                let result = checked(&scheme, &[secret], &changed, url, body.as_bytes());
                assert!(result.is_err(), "{preset:?}: byte {byte} of {name}");
            }
            let mut missing = headers.clone();
            missing.remove(index);
            let result = checked(&scheme, &[secret], &missing, url, body.as_bytes());
            assert_eq!(result, Err("unsigned"), "{preset:?}: without {name}");
        }
        for other in ["", "another", &format!("{secret}x")] {
            let result = checked(&scheme, &[other], &headers, url, body.as_bytes());
            assert_eq!(result, Err("wrong-signature"), "{preset:?}: secret {other:?}");
        }
    }
}

#[test]
fn hexadecimal_digits_have_no_case_and_nothing_may_follow_them() {
    let github = SignatureScheme::of(Preset::GitHub);
    let digits = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let check = |signature: &str| {
        let pairs = [("x-hub-signature-256", signature)];
        checked(&github, &["It's a Secret to Everybody"], &pairs, "", b"Hello, World!").is_ok()
    };
    assert!(check(&format!("sha256={}", digits.to_uppercase())));
    for wrong in [
        String::new(),
        "sha256=".into(),
        digits.into(),
        format!("sha256={}", &digits[..62]),
        format!("sha256={}", &digits[..63]),
        format!("sha256={digits}00"),
        format!("sha256={digits}0"),
        format!("sha1={digits}"),
        format!("sha256={}", digits.replace('7', "g")),
    ] {
        assert!(!check(&wrong), "{wrong}");
    }
}

#[test]
fn one_of_several_signatures_and_one_of_two_secrets_is_enough() {
    let pagerduty = SignatureScheme::of(Preset::PagerDuty);
    let good = "v1=1495a8045513325560365e9275b635c31d551fd5413c7a374792e30388d036ec";
    let both = format!("v1={},{good}", "00".repeat(32));
    let pairs = [("x-pagerduty-signature", both.as_str())];
    assert!(checked(&pagerduty, &["new", "pd-secret"], &pairs, "", HELLO.as_bytes()).is_ok());
    assert!(checked(&pagerduty, &["new"], &pairs, "", HELLO.as_bytes()).is_err());
    let standard = SignatureScheme::of(Preset::StandardWebhooks);
    let pairs = [
        ("webhook-signature", "v1a,AAAA v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ("webhook-timestamp", "1614265330"),
        ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
    ];
    assert!(checked(&standard, &[STANDARD_SECRET], &pairs, "", br#"{"test": 2432232314}"#).is_ok());
    let many = format!("{} {}", "v1,AAAA ".repeat(20).trim(), pairs[0].1);
    let flood = [("webhook-signature", many.as_str()), pairs[1], pairs[2]];
    assert!(checked(&standard, &[STANDARD_SECRET], &flood, "", br#"{"test": 2432232314}"#).is_err());
}

#[test]
fn repeated_fields_of_a_form_are_signed_once() {
    let twilio = SignatureScheme::of(Preset::Twilio);
    let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    let body = "Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234";
    let pairs = [("x-twilio-signature", "IK+Dwps556ElfBT0I3Rgjkr1wJU=")];
    assert!(checked(&twilio, &["12345"], &pairs, url, body.as_bytes()).is_ok());
}

#[test]
fn a_digest_in_the_address_must_be_that_of_the_message() {
    let twilio = SignatureScheme::of(Preset::Twilio);
    let digest = ring::digest::digest(&ring::digest::SHA256, HELLO.as_bytes());
    let hex = digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let url = format!("https://midwatch.example.org/x?bodySHA256={hex}");
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345");
    let signature = STANDARD.encode(ring::hmac::sign(&key, url.as_bytes()));
    let pairs = [("x-twilio-signature", signature.as_str())];
    assert!(checked(&twilio, &["12345"], &pairs, &url, HELLO.as_bytes()).is_ok());
    assert!(checked(&twilio, &["12345"], &pairs, &url, b"{}").is_err());
}

#[test]
fn a_digest_in_an_address_that_is_not_signed_stands_for_nothing() {
    // Such a scheme can no longer be configured, and may be in an old log.
    let scheme = SignatureScheme { content: "{form}".into(), ..SignatureScheme::of(Preset::Twilio) };
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"12345");
    let seen = STANDARD.encode(ring::hmac::sign(&key, b""));
    let digest = ring::digest::digest(&ring::digest::SHA256, HELLO.as_bytes());
    let hex = digest.as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let url = format!("https://midwatch.example.org/x?bodySHA256={hex}");
    let forged = [("x-twilio-signature", seen.as_str())];
    let outcome = checked(&scheme, &["12345"], &forged, &url, HELLO.as_bytes());
    assert_eq!(outcome, Err("wrong-signature"));
    let form = STANDARD.encode(ring::hmac::sign(&key, b"a1b2"));
    let genuine = [("x-twilio-signature", form.as_str())];
    assert!(checked(&scheme, &["12345"], &genuine, &url, b"b=2&a=1").is_ok());
}

#[test]
fn a_scheme_of_ones_own_covers_whatever_else_there_is() {
    let scheme = SignatureScheme {
        header: "x-own".into(),
        prefix: "t=1;".into(),
        encoding: Encoding::Base64,
        algorithm: Algorithm::Sha512,
        content: "{id}/{timestamp}/{body}!".into(),
        timestamp_header: Some("x-time".into()),
        id_header: Some("x-id".into()),
        tolerance_seconds: 60,
    };
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA512, b"secret");
    let signature = format!("t=1;{}", STANDARD.encode(ring::hmac::sign(&key, b"7/1764000000/{}!")));
    let pairs = [("x-own", signature.as_str()), ("x-time", "1764000000"), ("x-id", "7")];
    let signed = checked(&scheme, &["secret"], &pairs, "", b"{}").expect("it is genuine");
    assert_eq!(signed.at.map(Timestamp::millis), Some(1_764_000_000_000));
    let again = format!("t=1;{}", STANDARD.encode(ring::hmac::sign(&key, b"7/1764000001/{}!")));
    let later = [("x-own", again.as_str()), ("x-time", "1764000001"), ("x-id", "7")];
    let repeated = checked(&scheme, &["secret"], &later, "", b"{}").expect("it is genuine");
    assert_eq!((signed.unique.is_some(), &repeated.unique), (true, &signed.unique), "one id, two attempts");
    for time in ["", "now", "-1"] {
        let pairs = [("x-own", signature.as_str()), ("x-time", time), ("x-id", "7")];
        assert_eq!(checked(&scheme, &["secret"], &pairs, "", b"{}"), Err("unsigned"), "{time:?}");
    }
}

#[test]
fn only_what_is_further_off_than_tolerated_is_marked() {
    let now = Timestamp::from_millis(1_764_000_000_000);
    let at = |seconds: i64| Timestamp::from_millis(now.millis() + seconds * 1000);
    for (seconds, expected) in [
        (0, None),
        (-300, None),
        (-301, Some(Mistimed::LateBySeconds(301))),
        (-86_400, Some(Mistimed::LateBySeconds(86_400))),
        (60, None),
        (61, Some(Mistimed::EarlyBySeconds(61))),
    ] {
        assert_eq!(mistimed(at(seconds), now, 300), expected, "{seconds}");
    }
}

fn no_sns() -> Sns {
    Sns::new(std::sync::Arc::new(connectors::NoDownloads))
}

fn entrance(verification: Verification) -> Entrance {
    Entrance {
        name: "tool".into(),
        kind: IntegrationKind::Generic,
        service: ServiceId::new(Uuid::from_u128(1)),
        key_hash: String::new(),
        previous_key: None,
        signing_secret: Some(SecretId::new(Uuid::from_u128(2))),
        previous_secret: Some((SecretId::new(Uuid::from_u128(3)), Timestamp::from_millis(1000))),
        verification,
        reading: Reading::default(),
        handling: Handling::default(),
        per_minute: None,
    }
}

async fn proven(verification: Verification, pairs: &[(&str, &str)], now: i64) -> Result<Proof, &'static str> {
    let store = Store::memory();
    store.vault().seal(SecretId::new(Uuid::from_u128(2)), b"new-secret").await.expect("sealed");
    store.vault().seal(SecretId::new(Uuid::from_u128(3)), b"old-secret").await.expect("sealed");
    let headers = headers(pairs);
    let claim = Claim { headers: &headers, url: "", posted: None, body: b"{}" };
    let (entrance, now) = (entrance(verification), Timestamp::from_millis(now));
    match Verifier::new().prove(store.vault(), &no_sns(), &entrance, claim, now).await {
        Ok(proven) => Ok(proven.proof),
        Err(Doubt::Unproven(why)) => Err(why.slug),
        Err(Doubt::Fault(fault)) => panic!("{fault}"),
        Err(Doubt::Later(why)) => panic!("{why}"),
    }
}

#[tokio::test]
async fn a_secret_may_be_a_token_a_password_or_a_header() {
    let header = || Verification::Header { name: "x-secret".into() };
    let basic = || Verification::Basic { user: "datadog".into() };
    let encoded = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let wrong = Err("wrong-secret");
    for secret in ["new-secret", "old-secret"] {
        let bearer = format!("Bearer {secret}");
        let password = encoded(&format!("datadog:{secret}"));
        let good = [
            (Verification::Bearer, ("authorization", bearer.as_str()), Proof::Token),
            (header(), ("x-secret", secret), Proof::Token),
            (basic(), ("authorization", password.as_str()), Proof::Password),
        ];
        for (verification, pair, proof) in good {
            assert_eq!(proven(verification.clone(), &[pair], 999).await, Ok(proof));
            let after = if secret == "new-secret" { Ok(proof) } else { wrong };
            assert_eq!(proven(verification, &[pair], 1000).await, after, "after the rotation");
        }
    }
    for value in ["Bearer", "Bearer ", "Bearer new-secre", "Bearer new-secrett", "new-secret", "Basic x"] {
        assert_eq!(proven(Verification::Bearer, &[("authorization", value)], 0).await, wrong, "{value}");
    }
    for text in ["datadog:", "datadog", "other:new-secret", ":new-secret", "datadog:new-secret:"] {
        assert_eq!(proven(basic(), &[("authorization", &encoded(text))], 0).await, wrong, "{text}");
    }
    assert_eq!(proven(header(), &[], 0).await, wrong);
    assert_eq!(proven(header(), &[("x-secret", "NEW-SECRET")], 0).await, wrong);
    assert_eq!(proven(Verification::Key, &[], 0).await, Ok(Proof::Key));
}

#[tokio::test]
async fn a_secret_that_is_gone_opens_to_nobody() {
    let store = Store::memory();
    let headers = headers(&[("authorization", "Bearer ")]);
    let claim = Claim { headers: &headers, url: "", posted: None, body: b"{}" };
    let now = Timestamp::from_millis(0);
    let outcome =
        Verifier::new().prove(store.vault(), &no_sns(), &entrance(Verification::Bearer), claim, now).await;
    assert!(matches!(outcome, Err(Doubt::Fault(_))));
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic(signature in "\\PC{0,200}", time in "\\PC{0,30}", body in any::<Vec<u8>>()) {
        for preset in [Preset::Midwatch, Preset::StandardWebhooks, Preset::Slack, Preset::Twilio] {
            let scheme = SignatureScheme::of(preset);
            let mut headers = HeaderMap::new();
            let names = [Some(&scheme.header), scheme.timestamp_header.as_ref(), scheme.id_header.as_ref()];
            for (name, value) in names.into_iter().flatten().zip([&signature, &time, &signature]) {
                if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                    headers.insert(name.parse::<HeaderName>().expect("a name"), value);
                }
            }
            let secret = secrets::Secret::new(b"secret");
            let claim = Claim { headers: &headers, url: "https://x?bodySHA256=%", posted: None, body: &body };
            prop_assert!(signature::check(&scheme, &[secret], claim).is_err());
        }
    }
}
