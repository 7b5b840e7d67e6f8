//! CloudWatch's alarms, as Amazon's Simple Notification Service delivers them: wrapped in its message, or raw.

use std::borrow::Cow;

use domain::{
    AlertAction, Meaning, Translated,
    integration::{InsufficientData, Reading},
};

use super::{
    Malformed,
    email::Subject,
    generic,
    json::{self, Json},
    raw,
    text::{self, Lines, Links},
    words,
};

/// Translates one message.
pub(super) fn translate(message: &Json<'_>, reading: Reading) -> Result<Meaning, Malformed> {
    if let Json::Text(said) = message {
        // A raw delivery that is no JSON.
        return Ok(words_of_somebody(said, None).into());
    }
    if message.get("TopicArn").is_blank() && message.get("Message").is_blank() {
        return Ok(payload(message, None, reading));
    }
    let topic = message.get("TopicArn").text().unwrap_or_default();
    match message.get("Type").text().as_deref() {
        Some("SubscriptionConfirmation") => {
            Ok(Meaning::recorded(text::word(&format!("the topic {topic} asks to be confirmed"))))
        }
        Some("UnsubscribeConfirmation") => Ok(Meaning::recorded(text::word(&format!(
            "the topic {topic} was unsubscribed and sends no more"
        )))),
        _ => {
            let subject = message.get("Subject").text();
            let Some(said) = message.get("Message").text() else {
                return Err(Malformed::at("/Message", "is missing or blank"));
            };
            Ok(match json::parse(said.as_bytes()) {
                Ok(inner @ Json::Object(_)) => payload(&inner, subject, reading),
                // Text that people or programs wrote.
                Ok(_) | Err(_) => words_of_somebody(&said, subject).into(),
            })
        }
    }
}

/// JSON is an alarm, or else whatever somebody publishes.
fn payload(message: &Json<'_>, subject: Option<Cow<'_, str>>, reading: Reading) -> Meaning {
    if !message.get("AlarmName").is_blank() && !message.get("NewStateValue").is_blank() {
        return alarm(message, reading);
    }
    let Json::Object(fields) = message else { return published(message, message).into() };
    let mut fields = fields.clone();
    let kind = message.get("detail-type");
    if let (Some(title), false) = (subject.or_else(|| kind.text()), is_titled(message)) {
        fields.push(("title".into(), Json::Text(title)));
    }
    if !kind.is_blank() {
        event(message, &mut fields);
    }
    published(&Json::Object(fields), message).into()
}

/// Whether a message has a title that can be seen.
fn is_titled(message: &Json<'_>) -> bool {
    generic::title_of(message).is_some_and(|title| !text::title(&title).is_empty())
}

/// An event of Amazon's event bus: its words are in `detail`, and it is about its resources. One that names none is about itself,
/// which its `id` says.
fn event<'a>(event: &'a Json<'_>, fields: &mut Vec<(Cow<'a, str>, Json<'a>)>) {
    fields.push(("details".into(), event.get("detail").clone()));
    let resources: Vec<_> = event.get("resources").items().iter().filter_map(Json::text).collect();
    if !resources.is_empty() {
        let word = |name| event.get(name).text().unwrap_or_default();
        let about = [word("source"), word("detail-type")].into_iter().chain(resources);
        let about: Vec<_> = about.collect();
        let parts: Vec<&str> = about.iter().map(|part| &**part).collect();
        fields.push(("dedup_key".into(), Json::Text(text::digest("event:", &parts).into())));
    }
}

/// An alert in the generic format. Somebody published it for others to read, and it cannot be refused to whoever did: where it
/// has no title it pages as it is.
fn published(said: &Json<'_>, message: &Json<'_>) -> Translated {
    generic::translate(said).unwrap_or_else(|why| raw(message, &why))
}

fn alarm(alarm: &Json<'_>, reading: Reading) -> Meaning {
    let name = alarm.get("AlarmName").text().unwrap_or_default();
    let state = alarm.get("NewStateValue").text().unwrap_or_default();
    let action = match (&*state, reading.insufficient_data) {
        ("OK", _) | ("INSUFFICIENT_DATA", InsufficientData::Resolve) => AlertAction::Resolve,
        ("INSUFFICIENT_DATA", InsufficientData::Record) => {
            return Meaning::recorded(text::word(&format!("the alarm {name} has too little data")));
        }
        _ => AlertAction::Trigger,
    };
    let unnamed = || {
        let of = |name| alarm.get(name).text().unwrap_or_default();
        text::digest("alarm:", &[&of("AWSAccountId"), &of("Region"), &name])
    };
    let key = alarm.get("AlarmArn").text().map_or_else(unnamed, |arn| text::key(&arn));
    let about = if state == "INSUFFICIENT_DATA" { " (insufficient data)" } else { "" };
    let title = text::title(&format!("{name}{about}"));
    Translated {
        action,
        key,
        ordered: true,
        title: if title.is_empty() { "CloudWatch alarm".to_owned() } else { title },
        details: details(alarm),
        source: source(alarm.get("Trigger")),
        component: alarm.get("Trigger").get("MetricName").text().map(|metric| text::word(&metric)),
        links: links(alarm),
        labels: labels(alarm),
        at: words::time(alarm.get("StateChangeTime")),
        ..Translated::default()
    }
    .into()
}

fn details(alarm: &Json<'_>) -> Option<String> {
    let mut details = Lines::default();
    details.prose(alarm.get("AlarmDescription"));
    details.prose(alarm.get("NewStateReason"));
    let [old, new] =
        ["OldStateValue", "NewStateValue"].map(|name| alarm.get(name).text().unwrap_or_default());
    details.line("state", &format!("{old} → {new}"));
    details.field("account", alarm.get("AWSAccountId"));
    details.field("region", alarm.get("Region"));
    let trigger = alarm.get("Trigger");
    for name in ["Namespace", "MetricName", "Statistic", "ComparisonOperator", "Threshold", "Period"] {
        details.field(&name.to_ascii_lowercase(), trigger.get(name));
    }
    let dimensions: Vec<_> = trigger.get("Dimensions").items().iter().filter_map(dimension).collect();
    details.line("dimensions", &dimensions.join(", "));
    details.kept()
}

fn dimension(one: &Json<'_>) -> Option<String> {
    Some(format!("{}={}", one.any(&["name"]).text()?, one.any(&["value"]).text()?))
}

/// The first dimension names the machine, the queue or the database.
fn source(trigger: &Json<'_>) -> Option<String> {
    let first = trigger.get("Dimensions").items().first()?;
    first.any(&["value"]).text().map(|value| text::word(&value))
}

/// The dimensions, and where the alarm is.
fn labels(alarm: &Json<'_>) -> domain::Labels {
    let dimensions = alarm.get("Trigger").get("Dimensions").items().iter();
    let mut labels = text::tags(dimensions.filter_map(dimension).map(Cow::Owned));
    for (name, field) in [("account", "AWSAccountId"), ("region", "Region")] {
        if let Some(word) = alarm.get(field).text() {
            labels.insert(name.to_owned(), text::word(&word));
        }
    }
    labels
}

/// The alarm in Amazon's console, whose address its name (ARN) gives.
fn links(alarm: &Json<'_>) -> Vec<domain::Link> {
    let mut links = Links::default();
    if let Some(arn) = alarm.get("AlarmArn").text() {
        let mut parts = arn.splitn(7, ':').skip(3);
        if let (Some(region), Some(name)) = (parts.next(), parts.nth(2)) {
            let name: String = form_urlencoded::byte_serialize(name.as_bytes()).collect();
            let name = name.replace('+', "%20");
            let href = format!(
                "https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#alarmsV2:alarm/{name}"
            );
            links.add(&Json::Text(href.into()), "CloudWatch");
        }
    }
    links.kept()
}

/// A text is a problem of its own, known by its subject or its first line as the subject of a mail is: without words for
/// states, of which one may say that it is over.
fn words_of_somebody(said: &str, subject: Option<Cow<'_, str>>) -> Translated {
    let first = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let title = subject.unwrap_or(Cow::Borrowed(first));
    let Subject { over, about, .. } = Subject::read(&title);
    let fields = Json::Object(vec![
        ("title".into(), Json::Text(title)),
        ("details".into(), Json::Text(said.into())),
        ("dedup_key".into(), Json::Text(about.into())),
        ("status".into(), Json::Text(if over { "resolved" } else { "" }.into())),
    ]);
    published(&fields, &Json::Text(said.into()))
}
