//! CloudWatch.

use super::*;
use domain::integration::InsufficientData;

/// A message as it was signed, from the tests of the connector.
fn message(name: &str) -> Value {
    let path = format!("{}/../connectors/fixtures/sns/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).expect("a fixture")).expect("JSON")
}

fn alarm(change: impl FnOnce(&mut Value)) -> Value {
    let mut message = message("alarm_v2");
    let text = message["Message"].as_str().expect("a text");
    let mut alarm: Value = serde_json::from_str(text).expect("JSON");
    change(&mut alarm);
    message["Message"] = alarm.to_string().into();
    message
}

fn cloud_watch(body: &Value) -> Translated {
    one(IntegrationKind::CloudWatch, body.to_string().as_bytes())
}

#[test]
fn an_alarm_opens_and_resolves() {
    let opened = cloud_watch(&message("alarm_v2"));
    assert_eq!((opened.action, &*opened.title), (AlertAction::Trigger, "disk full on db1"));
    assert_eq!(opened.key, "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:disk full on db1");
    assert_eq!(opened.source.as_deref(), Some("i-0abc"));
    assert_eq!(opened.at.map(|at| at.to_string()).as_deref(), Some("2026-11-24T03:00:00.123Z"));
    let details = opened.details.expect("details");
    for part in
        ["Less than 5% free", "Threshold Crossed", "state: OK → ALARM", "dimensions: InstanceId=i-0abc"]
    {
        assert!(details.contains(part), "{details}");
    }
    let console = "https://eu-central-1.console.aws.amazon.com/cloudwatch/home?region=eu-central-1#alarmsV2:alarm/disk%20full%20on%20db1";
    assert_eq!(opened.links[0].href, console);
    let over = cloud_watch(&message("ok_v2"));
    assert_eq!((over.action, over.key), (AlertAction::Resolve, opened.key));
}

#[test]
fn an_alarm_without_its_name_in_full_is_known_by_account_region_and_name() {
    let strip = |alarm: &mut Value| {
        alarm.as_object_mut().expect("an object").remove("AlarmArn");
    };
    let bare = cloud_watch(&alarm(strip));
    assert!(bare.key.starts_with("alarm:"), "{}", bare.key);
    let other = cloud_watch(&alarm(|alarm| {
        strip(alarm);
        alarm["Region"] = json!("US East");
    }));
    assert_ne!(bare.key, other.key);
}

#[test]
fn too_little_data_means_what_the_integration_says() {
    let body = alarm(|alarm| alarm["NewStateValue"] = json!("INSUFFICIENT_DATA"));
    let read = |insufficient_data| {
        let reading = Reading { insufficient_data, ..Reading::default() };
        meaning(IntegrationKind::CloudWatch, &Envelope { reading, ..Envelope::default() }, &body)
    };
    let opened = read(InsufficientData::Trigger);
    assert_eq!(opened.alerts()[0].action, AlertAction::Trigger);
    assert_eq!(opened.alerts()[0].title, "disk full on db1 (insufficient data)");
    assert_eq!(read(InsufficientData::Resolve).alerts()[0].action, AlertAction::Resolve);
    assert!(recorded(read(InsufficientData::Record)).contains("too little data"));
}

#[test]
fn whatever_else_a_topic_says_is_an_alert_too() {
    let text = cloud_watch(&message("text_v2"));
    assert_eq!(
        (&*text.title, text.details.as_deref()),
        ("Backups failed ✗", Some("Backups failed ✗\nsee the log"))
    );
    let mut titled = message("text_v2");
    titled["Subject"] = json!("Backups");
    assert_eq!(cloud_watch(&titled).title, "Backups");
    titled["Message"] = json!(r#"{"detail":{"x":1},"severity":"critical"}"#);
    let json = cloud_watch(&titled);
    assert_eq!((&*json.title, json.severity), ("Backups", Severity::Critical));
    titled["Message"] = json!(r#"{"title":"own","alias":"k"}"#);
    assert_eq!((&*cloud_watch(&titled).title, &*cloud_watch(&titled).key), ("own", "k"));
    titled["Message"] = json!("");
    assert_eq!(refused(IntegrationKind::CloudWatch, &titled).problems()[0].pointer, "/Message");
}

fn published(message: &Value) -> Translated {
    let mut delivered = self::message("text_v2");
    delivered.as_object_mut().expect("an object").remove("Subject");
    delivered["Message"] = message.to_string().into();
    cloud_watch(&delivered)
}

#[test]
fn an_event_of_eventbridge_is_about_its_resources() {
    let event = |id: &str, instance: &str, state: &str| {
        json!({"version": "0", "id": id, "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
            "account": "123456789012", "time": "2026-11-24T03:00:00Z", "region": "eu-central-1",
            "resources": [format!("arn:aws:ec2:eu-central-1:123456789012:instance/{instance}")],
            "detail": {"instance-id": instance, "state": state}})
    };
    let stopped = published(&event("6a7e8feb", "i-1", "stopped"));
    assert_eq!(
        (stopped.action, &*stopped.title, stopped.source.as_deref()),
        (AlertAction::Trigger, "EC2 Instance State-change Notification", Some("aws.ec2"))
    );
    assert_eq!(stopped.at.map(|at| at.to_string()).as_deref(), Some("2026-11-24T03:00:00.000Z"));
    assert!(stopped.details.is_some_and(|details| details.contains("\"state\": \"stopped\"")));
    assert_eq!(published(&event("another", "i-1", "terminated")).key, stopped.key);
    assert_ne!(published(&event("6a7e8feb", "i-2", "stopped")).key, stopped.key);
    let mut bare = event("6a7e8feb", "i-1", "stopped");
    bare["resources"] = json!([]);
    assert_eq!(published(&bare).key, "6a7e8feb");
}

#[test]
fn what_says_of_itself_only_what_kind_of_event_it_is_pages_under_that_name() {
    let alert = published(&json!({"version": "0", "detail-type": "EC2 Instance State-change Notification",
        "source": "aws.ec2", "detail": {"state": "stopped"}}));
    assert_eq!(
        (alert.action, &*alert.title),
        (AlertAction::Trigger, "EC2 Instance State-change Notification")
    );
    assert!(alert.ruling.remarks.is_empty(), "{:?}", alert.ruling.remarks);
}

#[test]
fn what_has_no_title_at_all_pages_as_it_is() {
    for body in
        [json!({"Records": [{"eventName": "ObjectRemoved:Delete"}]}), json!({}), json!({"title": "\u{0}"})]
    {
        let alert = published(&body);
        assert_eq!(
            (alert.action, &*alert.title),
            (AlertAction::Trigger, "An alert without a title"),
            "{body}"
        );
        assert!(alert.ruling.remarks[0].starts_with("/title"), "{:?}", alert.ruling.remarks);
        fits(&alert);
    }
    let told = |name: &str| published(&json!({"Records": [{"eventName": name}]}));
    assert_eq!(told("Put").key, told("Put").key);
    assert_ne!(told("Put").key, told("Delete").key);
    assert!(told("Delete").details.is_some_and(|details| details.contains("Delete")));
    let mut unseen = message("text_v2");
    unseen["Subject"] = json!("\u{7f}");
    unseen["Message"] = json!({"state": "alarm"}).to_string().into();
    assert_eq!(cloud_watch(&unseen).title, "An alert without a title");
    assert_eq!(one(IntegrationKind::CloudWatch, br#"[{"state":"ALARM"}]"#).title, "An alert without a title");
}

#[test]
fn what_was_really_published_is_understood() {
    let notification = one(IntegrationKind::CloudWatch, &fixture("moto_notification"));
    assert_eq!((notification.action, &*notification.title), (AlertAction::Trigger, "m"));
    let form = fixture_file("alertmanager_sns_publish.form");
    let field = |name: &str| {
        let found = form_urlencoded::parse(&form).find(|(known, _)| known == name);
        json!(found.expect("it was published").1)
    };
    let mut delivered = fixture_json("moto_notification");
    delivered["Message"] = field("Message");
    delivered["Subject"] = field("Subject");
    let alert = cloud_watch(&delivered);
    assert_eq!(alert.title, "[FIRING:2] DiskWarn lab (127.0.0.1:9201 demo warning infra)");
    assert_eq!(alert.key, "DiskWarn lab (127.0.0.1:9201 demo warning infra)");
    assert!(alert.details.is_some_and(|details| details.contains("summary = disk /var at 91%")));
}

#[test]
fn a_text_is_about_the_same_when_its_subject_says_that_it_is_over() {
    let say = |subject: &str| {
        let mut text = message("text_v2");
        text["Subject"] = json!(subject);
        cloud_watch(&text)
    };
    let (firing, over) =
        (say("[FIRING:2] DiskFull (web-1 critical)"), say("[RESOLVED] DiskFull (web-1 critical)"));
    assert_eq!((firing.action, over.action), (AlertAction::Trigger, AlertAction::Resolve));
    assert_eq!(firing.key, over.key);
    assert_eq!(
        (&*firing.title, &*firing.key),
        ("[FIRING:2] DiskFull (web-1 critical)", "DiskFull (web-1 critical)")
    );
    for doubtful in ["[RESOLVED] [FIRING] DiskFull", "Recovery failed", "resolved", ""] {
        let read = say(doubtful);
        assert_eq!(read.action == AlertAction::Resolve, doubtful == "resolved", "{doubtful}");
        assert!(!read.key.is_empty(), "{doubtful}");
    }
    assert_ne!(say("Backups failed").key, say("Restores failed").key);
}

#[test]
fn raw_deliveries_are_what_was_published() {
    let wrapped = message("alarm_v2");
    let raw = wrapped["Message"].as_str().expect("a text").as_bytes();
    assert_eq!(one(IntegrationKind::CloudWatch, raw), cloud_watch(&wrapped));
    assert_eq!(one(IntegrationKind::CloudWatch, b"Disk full\non db1").title, "Disk full");
}

#[test]
fn confirmations_are_recorded() {
    for name in ["confirmation_v2", "unsubscribe_v2"] {
        let reason = recorded(meaning(IntegrationKind::CloudWatch, &Envelope::default(), &message(name)));
        assert!(reason.contains("arn:aws:sns:eu-central-1:123456789012:alarms"), "{reason}");
    }
}
