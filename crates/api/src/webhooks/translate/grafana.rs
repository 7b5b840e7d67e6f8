//! Grafana's alerting webhook: of Alertmanager's family, with titles, values and links of its own. The alerting of
//! Grafana before version 9, which sends one rule at a time, is read too.

use domain::{AlertAction, Meaning, Translated, integration::Reading};

use super::{
    Malformed,
    alertmanager::{self, Flavour},
    json::Json,
    text::{self, Lines, Links},
    words,
};

const GRAFANA: Flavour = Flavour {
    tool: "Grafana",
    title: Some("title"),
    values: Some("valueString"),
    links: &[
        ("panelURL", "Panel"),
        ("dashboardURL", "Dashboard"),
        ("generatorURL", "Rule"),
        ("silenceURL", "Silence"),
    ],
    image: Some("imageURL"),
};

/// Translates one message.
pub(super) fn translate(message: &Json<'_>, reading: Reading) -> Result<Meaning, Malformed> {
    let rule = message.any(&["rule_id", "rule_name"]);
    if message.get("alerts").items().is_empty() && message.get("groupKey").is_blank() && !rule.is_blank() {
        return Ok(legacy(message));
    }
    alertmanager::translate_as(&GRAFANA, message, reading)
}

/// One rule, as Grafana sent it before its alerting was of Alertmanager's family.
fn legacy(message: &Json<'_>) -> Meaning {
    let name = message.any(&["rule_name", "title"]).text().unwrap_or_default();
    let state = message.get("state").text().unwrap_or_default();
    let action = match &*state {
        "ok" => AlertAction::Resolve,
        "paused" | "pending" => return Meaning::recorded(format!("the rule is {state}")),
        _ => AlertAction::Trigger,
    };
    let [org, rule] = ["orgId", "ruleId"].map(|name| message.get(name).text().unwrap_or_default());
    let rule = if rule.is_empty() { &name } else { &rule };
    let mut details = Lines::default();
    details.prose(message.get("message"));
    for one in message.get("evalMatches").items() {
        details.field(&one.get("metric").text().unwrap_or_default(), one.get("value"));
    }
    let mut links = Links::default();
    links.add(message.get("ruleUrl"), "Rule");
    let mut images = Links::default();
    images.add(message.get("imageUrl"), "Image");
    let tags = message.get("tags");
    let title = Some(text::title(&name)).filter(|title| !title.is_empty());
    Translated {
        action,
        key: text::digest("rule:", &[&org, rule]),
        title: title.unwrap_or_else(|| "Grafana alert".to_owned()),
        details: details.kept(),
        links: links.kept(),
        images: images.kept(),
        labels: text::labels(tags),
        ..words::severity(tags.any(&["severity", "priority"])).alert()
    }
    .into()
}
