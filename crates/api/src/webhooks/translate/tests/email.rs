//! Mail.

use super::*;
use crate::webhooks::translate::email::as_json;

/// A mail as it comes over the wire.
fn eml(name: &str) -> Vec<u8> {
    let path = format!("{}/src/webhooks/fixtures/{name}.eml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"));
    text.replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

fn to(part: Option<&str>) -> Envelope {
    Envelope {
        topic: part.map(str::to_owned),
        mail_from: Some("nagios@example.org".to_owned()),
        ..Envelope::default()
    }
}

fn read(envelope: &Envelope, body: &[u8]) -> Translated {
    let meaning = translate(IntegrationKind::Email, envelope, body, DELIVERY).expect("a mail is understood");
    let [alert] = meaning.alerts() else { panic!("{meaning:?}") };
    alert.clone()
}

fn mail(headers: &str) -> Translated {
    read(&to(None), format!("{headers}\r\n\r\nwords\r\n").as_bytes())
}

#[test]
fn nagios_opens_and_recovers() {
    let opened = read(&to(None), &eml("mail_nagios_problem"));
    assert_eq!((opened.action, opened.severity), (AlertAction::Trigger, Severity::Critical));
    assert_eq!(opened.title, "** PROBLEM Service Alert: web-1/HTTP is CRITICAL **");
    assert_eq!(
        (&*opened.key, opened.source.as_deref()),
        ("Service Alert: web-1/HTTP", Some("nagios@mon.example.org"))
    );
    assert_eq!(opened.at.map(|at| at.to_string()).as_deref(), Some("2026-11-24T02:58:11.000Z"));
    let details = opened.details.expect("details");
    assert!(
        details.starts_with("***** Nagios *****\n")
            && details.ends_with("connect to address 10.0.0.7: refused"),
        "{details}"
    );
    let over = read(&to(None), &eml("mail_nagios_recovery"));
    assert_eq!((over.action, over.key), (AlertAction::Resolve, opened.key));
}

#[test]
fn encoded_words_html_and_attachments_are_read() {
    let alert = read(&to(None), &eml("mail_grafana_html"));
    assert_eq!(alert.title, "[FIRING:1] Größe von /var über 91 % ✓");
    assert_eq!((alert.severity, &*alert.key), (Severity::High, "Größe von /var über 91 % ✓"));
    let details = alert.details.expect("details");
    assert!(
        details.contains("Platte & Größe: 91 %") && !details.contains('<') && !details.contains("color"),
        "{details}"
    );
    assert!(details.ends_with("attachments: panel.png, Übersicht.csv"), "{details}");
}

#[test]
fn plain_text_is_read_before_html_and_in_its_own_characters() {
    let alert = read(&to(None), &eml("mail_alternative"));
    assert_eq!(alert.details.as_deref(), Some("Temperatur im Serverraum: 41 °C\nLüfter prüfen"));
}

#[test]
fn the_address_names_the_problem_before_a_header_and_that_before_the_subject() {
    let body = b"Subject: [RESOLVED] disk\r\nX-Midwatch-Dedup-Key: from/header\r\n\r\n";
    assert_eq!(read(&to(Some("Web-1/Disk")), body).key, "Web-1/Disk");
    assert_eq!(read(&to(None), body).key, "from/header");
    assert_eq!(mail("Subject: [RESOLVED] disk").key, "disk");
    let long = "k".repeat(2000);
    assert!(mail(&format!("X-Midwatch-Dedup-Key: {long}\r\nSubject: x")).key.starts_with("sha256:"));
}

#[test]
fn how_bad_it_is_stands_in_the_subject_or_in_a_header() {
    for (headers, severity) in [
        ("Subject: x", Severity::Medium),
        ("Subject: [CRITICAL] x\r\nX-Priority: 5", Severity::Critical),
        ("Subject: x\r\nX-Priority: 1 (Highest)", Severity::High),
        ("Subject: x\r\nX-Priority: 3\r\nImportance: high", Severity::High),
        ("Subject: x\r\nImportance: Low", Severity::Low),
        ("Subject: x\r\nPriority: urgent", Severity::High),
        ("Subject: x\r\nPriority: non-urgent", Severity::Low),
        ("Subject: x\r\nX-Priority: nonsense", Severity::Medium),
    ] {
        assert_eq!(mail(headers).severity, severity, "{headers}");
    }
}

#[test]
fn answering_machines_and_bounces_page_nobody() {
    let reason = |sender: &str, body: &[u8]| {
        let envelope = Envelope { mail_from: Some(sender.to_owned()), ..Envelope::default() };
        match translate(IntegrationKind::Email, &envelope, body, DELIVERY).expect("understood") {
            Meaning::Nothing { verdict: Verdict::Ignored, reason } => Some(reason),
            other => other.alerts().is_empty().then(String::new),
        }
    };
    let bounce = eml("mail_bounce");
    assert_eq!(reason("", &bounce).as_deref(), Some("a report on another mail pages nobody"));
    assert_eq!(reason("somebody@example.org", &bounce), None, "somebody sent it, so it pages");
    assert_eq!(reason("", b"Subject: disk full\r\n\r\n"), None, "only a report is nobody's");
    let away = b"Subject: away\r\nAuto-Submitted: auto-replied (vacation)\r\n\r\n";
    assert_eq!(reason("ada@example.org", away).as_deref(), Some("an automatic reply pages nobody"));
    let tool = b"Subject: disk full\r\nAuto-Submitted: auto-generated\r\n\r\n";
    assert_eq!(reason("nagios@example.org", tool), None, "tools rightly say that they are tools");
}

#[test]
fn a_forwarded_mail_without_headers_among_others_is_read() {
    let forwarded = "--b\r\nContent-Type: message/rfc822\r\n\r\n";
    let mail = format!(
        "Subject: disk full\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        {forwarded}no headers\r\n{forwarded}Subject: two\r\n\r\nwords\r\n--b--\r\n"
    );
    assert_eq!(read(&to(None), mail.as_bytes()).title, "disk full");
}

#[test]
fn what_is_no_mail_pages_with_what_it_says() {
    let alert = read(&to(None), b"\r\n\r\nthe disk is full\r\nhelp\r\n");
    assert_eq!((alert.action, &*alert.title), (AlertAction::Trigger, "the disk is full"));
    assert_eq!(alert.details.as_deref(), Some("the disk is full\nhelp"));
    let silent = read(&to(None), b"");
    assert_eq!((&*silent.title, &*silent.key), ("A mail without words", "00000000000000000000000000000abc"));
    assert_eq!(mail("X-Nothing: x").title, "words");
    let blank = read(&to(None), b"Subject: \xff\xfe\r\n\r\n\x00\x01");
    assert!(!blank.title.is_empty(), "{blank:?}");
    let broken =
        read(&to(None), b"Subject: disk\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\nno part at all");
    assert_eq!(broken.details.as_deref(), Some("no part at all"));
}

proptest! {
    #[test]
    fn mangled_mails_become_fitting_alerts(
        subject in "\\PC{0,80}", kind in prop::sample::select(vec!["text/plain", "text/html", "multipart/mixed; boundary=b",
            "text/html; charset=utf-16", "text/plain; charset=shift_jis", "message/rfc822", "multipart/report"]),
        encoding in prop::sample::select(vec!["7bit", "base64", "quoted-printable", "x"]),
        body in prop_oneof!["[<>&;/a-z!\\-\"= \r\nß-]{0,200}", "(--b\r\n|--b--\r\n|Content-Type: text/html\r\n|\r\n|é|=C3|&#x;){0,30}"],
        part in prop::option::of("\\PC{0,40}"),
    ) {
        let raw = format!("Subject: {subject}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}");
        let view = serde_json::to_value(as_json(raw.as_bytes())).expect("it is JSON");
        prop_assert!(view["headers"].is_object(), "{view}");
        fits(&read(&to(part.as_deref().filter(|part| !part.is_empty())), raw.as_bytes()));
    }
}
