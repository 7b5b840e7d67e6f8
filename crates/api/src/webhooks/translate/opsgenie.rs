//! Opsgenie's Alert API, version 2. The path says what is asked and of which alert; the body says the rest.

use std::borrow::Cow;

use domain::{AlertAction, DeliveryId, IncidentId, Meaning, Severity, Translated, delivery::Envelope};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::{
    Malformed,
    json::{self, Json},
    text::{self, Lines, Links},
    words,
};

/// What may be asked of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Create,
    Close,
    Acknowledge,
    Unacknowledge,
    Snooze,
    Escalate,
    Assign,
    AddNote,
    AddTags,
    RemoveTags,
    AddDetails,
    RemoveDetails,
    AddTeam,
    AddResponder,
    Custom,
    UpdateMessage,
    UpdateDescription,
    UpdatePriority,
    Delete,
}

impl Action {
    /// The word for it in the answer about a request.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Close => "Close",
            Self::Acknowledge => "Acknowledge",
            Self::Unacknowledge => "UnAcknowledge",
            Self::Snooze => "Snooze",
            Self::Escalate => "Escalate",
            Self::Assign => "Assign",
            Self::AddNote => "AddNote",
            Self::AddTags => "AddTags",
            Self::RemoveTags => "RemoveTags",
            Self::AddDetails => "AddDetails",
            Self::RemoveDetails => "RemoveDetails",
            Self::AddTeam => "AddTeam",
            Self::AddResponder => "AddResponder",
            Self::Custom => "ExecuteCustomAction",
            Self::UpdateMessage => "UpdateMessage",
            Self::UpdateDescription => "UpdateDescription",
            Self::UpdatePriority => "UpdatePriority",
            Self::Delete => "Delete",
        }
    }
}

/// One call, read from its method and its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) action: Action,
    /// Which alert, and by what it is named; none for a new one.
    alert: Option<(String, IdentifierType)>,
    /// What a custom action is called.
    custom: String,
    query: Vec<(String, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum IdentifierType {
    Id,
    Alias,
    Tiny,
    Unknown,
}

impl Call {
    /// Reads `POST /v2/alerts/disk/close?identifierType=alias`; none if there is no such call.
    pub(crate) fn parse(call: &str) -> Option<Self> {
        let (method, target) = call.split_once(' ')?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let mut parts = path.strip_prefix("/v2/alerts")?.trim_end_matches('/').split('/').skip(1);
        let (alert, verb) = (parts.next(), parts.next());
        let more: Vec<_> = parts.collect();
        let action = match (method, alert, verb) {
            ("POST", None, None) => Action::Create,
            ("DELETE", Some(_), None) => Action::Delete,
            ("POST", Some(_), Some(verb)) => match verb {
                "close" => Action::Close,
                "acknowledge" => Action::Acknowledge,
                "unacknowledge" => Action::Unacknowledge,
                "snooze" => Action::Snooze,
                "escalate" => Action::Escalate,
                "assign" => Action::Assign,
                "notes" => Action::AddNote,
                "tags" => Action::AddTags,
                "details" => Action::AddDetails,
                "teams" => Action::AddTeam,
                "responders" => Action::AddResponder,
                "actions" => Action::Custom,
                _ => return None,
            },
            ("DELETE", Some(_), Some("tags")) => Action::RemoveTags,
            ("DELETE", Some(_), Some("details")) => Action::RemoveDetails,
            ("PUT", Some(_), Some(verb)) => match verb {
                "message" => Action::UpdateMessage,
                "description" => Action::UpdateDescription,
                "priority" => Action::UpdatePriority,
                _ => return None,
            },
            _ => return None,
        };
        if !more.is_empty() && action != Action::Custom {
            return None;
        }
        let kind = query.iter().find(|(name, _)| name == "identifierType").map(|(_, kind)| kind.as_str());
        let kind = match kind {
            None | Some("id") => IdentifierType::Id,
            Some("alias") => IdentifierType::Alias,
            Some("tiny") => IdentifierType::Tiny,
            Some(_) => IdentifierType::Unknown,
        };
        let alert = alert.map(|alert| (unescaped(alert), kind));
        let custom = unescaped(&more.join("/"));
        Some(Self { action, alert, custom, query })
    }

    fn field(&self, name: &str) -> &str {
        self.query.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The key of the alert, and the incident if it is named by our own id.
    fn identity(
        &self,
        message: &Json<'_>,
        delivery: DeliveryId,
    ) -> Result<(String, Option<IncidentId>), Malformed> {
        let Some((name, kind)) = &self.alert else {
            let alias = message.get("alias").text().map(|alias| text::key(&alias));
            return Ok((alias.unwrap_or_else(|| delivery.uuid().simple().to_string()), None));
        };
        // An alias has no white space round it where an alert is created, so it has none here.
        let name = name.trim();
        if name.is_empty() {
            return Err(Malformed::at("/identifier", "is missing or blank"));
        }
        match kind {
            // Whoever names an alias and forgets to say so means it nevertheless.
            IdentifierType::Id => Ok((text::key(name), Uuid::parse_str(name).ok().map(IncidentId::new))),
            IdentifierType::Alias => Ok((text::key(name), None)),
            IdentifierType::Tiny => {
                Err(Malformed::at("/identifierType", "must be `id` or `alias`: tiny ids are not kept"))
            }
            IdentifierType::Unknown => Err(Malformed::at("/identifierType", "must be `id` or `alias`")),
        }
    }
}

/// A part of a path without its escapes. A path is no form: in it `+`, `&` and `=` stand for themselves.
fn unescaped(part: &str) -> String {
    percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// Translates one call.
pub(super) fn translate(
    message: &Json<'_>,
    envelope: &Envelope,
    delivery: DeliveryId,
) -> Result<Meaning, Malformed> {
    if !matches!(message, Json::Object(_)) {
        return Err(Malformed::not_json("the body is not a JSON object"));
    }
    let call = envelope.call.as_deref().and_then(Call::parse);
    let call = call.ok_or_else(|| Malformed::at("", "names no call of the Alert API"))?;
    let (key, incident) = call.identity(message, delivery)?;
    let mut said = Translated { key, incident, ..said(Asked { call: &call, message })? };
    if said.title.is_empty() {
        said.title = text::title(&format!("{} {}", call.action.word(), said.key));
    }
    Ok(said.into())
}

/// A call and its body.
#[derive(Clone, Copy)]
struct Asked<'a> {
    call: &'a Call,
    message: &'a Json<'a>,
}

impl Asked<'_> {
    /// Takes down what is said under this name. A call that deletes has no body, and says it in its query.
    fn tell(self, name: &str, details: &mut Lines) {
        match self.message.get(name) {
            said if said.is_blank() => details.line(name, self.call.field(name).trim()),
            said => details.field(name, said),
        }
    }
}

fn said(asked: Asked<'_>) -> Result<Translated, Malformed> {
    let Asked { call, message } = asked;
    let word = |name: &str| message.get(name).text().unwrap_or_default();
    let needed = |name: &'static str| {
        let said = message.get(name).text();
        said.ok_or_else(|| Malformed::at(&format!("/{name}"), "can not be empty"))
    };
    Ok(match call.action {
        Action::Create => create(message)?,
        Action::Close => by_somebody(AlertAction::Resolve, asked),
        Action::Delete => note(AlertAction::Resolve, "the alert was deleted", asked),
        Action::Acknowledge => by_somebody(AlertAction::Acknowledge, asked),
        Action::Unacknowledge => by_somebody(AlertAction::Unacknowledge, asked),
        Action::AddNote => note(AlertAction::Note, &needed("note")?, asked),
        Action::Snooze => {
            needed("endTime")?;
            let until = words::time(message.get("endTime"))
                .ok_or_else(|| Malformed::at("/endTime", "must be a time such as 2026-11-24T03:00:00Z"))?;
            by_somebody(AlertAction::Snooze { until }, asked)
        }
        Action::Escalate => noted(asked, "asked to escalate to", &name_of(message.get("escalation"))),
        Action::Assign => noted(asked, "asked to assign to", &name_of(message.get("owner"))),
        Action::AddTeam => noted(asked, "asked to add the team", &name_of(message.get("team"))),
        Action::AddResponder => noted(asked, "asked to add", &name_of(message.get("responder"))),
        Action::Custom => noted(asked, "asked for the custom action", &call.custom),
        Action::AddTags => noted(asked, "tags added:", &list(message.get("tags"))),
        Action::RemoveTags => noted(asked, "tags removed:", call.field("tags")),
        Action::AddDetails => noted(asked, "details added:", &pairs(message.get("details"))),
        Action::RemoveDetails => noted(asked, "details removed:", call.field("keys")),
        Action::UpdateMessage => {
            Translated { title: text::title(&needed("message")?), ..bare(AlertAction::Update) }
        }
        Action::UpdateDescription => Translated {
            title: "The description changed".to_owned(),
            details: text::details(&needed("description")?),
            ..bare(AlertAction::Update)
        },
        Action::UpdatePriority => {
            needed("priority")?;
            let title = text::title(&format!("The priority is {} now", word("priority")));
            let grade = words::severity(message.get("priority"));
            Translated { title, action: AlertAction::Update, ..grade.alert() }
        }
    })
}

/// Says nothing but what is to be done; its severity raises nobody's.
fn bare(action: AlertAction) -> Translated {
    Translated { action, severity: Severity::Info, ..Translated::default() }
}

fn create(message: &Json<'_>) -> Result<Translated, Malformed> {
    let title = message.get("message").text().map(|title| text::title(&title));
    let Some(title) = title.filter(|title| !title.is_empty()) else {
        return Err(Malformed::at("/message", "can not be empty"));
    };
    let mut details = Lines::default();
    details.prose(message.get("description"));
    details.field("entity", message.get("entity"));
    for (name, value) in message.get("details").fields() {
        details.field(name, value);
    }
    details.field("tags", message.get("tags"));
    let responders: Vec<_> = message.get("responders").items().iter().map(name_of).collect();
    details.line("responders", &responders.join(", "));
    details.field("actions", message.get("actions"));
    details.field("note", message.get("note"));
    details.field("user", message.get("user"));
    let mut links = Links::default();
    links.add(message.get("source"), "Source");
    let source = message.any(&["entity", "source"]).text();
    let mut labels = text::labels(message.get("details"));
    labels.extend(text::tags(message.get("tags").items().iter().filter_map(Json::text)));
    Ok(Translated {
        title,
        details: details.kept(),
        source: source.map(|source| text::word(&source)),
        links: links.kept(),
        labels,
        ..words::severity(message.get("priority")).alert()
    })
}

/// An action, and who asked for it with which words.
fn by_somebody(action: AlertAction, asked: Asked<'_>) -> Translated {
    let mut details = Lines::default();
    for name in ["note", "user", "source"] {
        asked.tell(name, &mut details);
    }
    Translated { details: details.kept(), ..bare(action) }
}

fn noted(asked: Asked<'_>, what: &str, whom: &str) -> Translated {
    note(AlertAction::Note, format!("{what} {whom}").trim_end(), asked)
}

/// Words to be written down, and whose they are.
fn note(action: AlertAction, words: &str, asked: Asked<'_>) -> Translated {
    let mut details = Lines::default();
    details.prose(&Json::Text(Cow::Borrowed(words)));
    asked.tell("user", &mut details);
    asked.tell("source", &mut details);
    if asked.call.action != Action::AddNote {
        asked.tell("note", &mut details);
    }
    Translated { details: details.kept(), ..bare(action) }
}

/// A team, a user, an escalation or a schedule, by whatever it is named.
fn name_of(whom: &Json<'_>) -> String {
    whom.any(&["name", "username", "id"]).text().or_else(|| whom.text()).unwrap_or_default().into_owned()
}

fn list(items: &Json<'_>) -> String {
    items.items().iter().filter_map(Json::text).collect::<Vec<_>>().join(", ")
}

fn pairs(fields: &Json<'_>) -> String {
    let pair = |(name, value): &(Cow<'_, str>, Json<'_>)| Some(format!("{name}={}", value.text()?));
    fields.fields().iter().filter_map(pair).collect::<Vec<_>>().join(", ")
}

/// The word of a call for the answer about it, and the key of the alert that it names.
pub(crate) fn asked(
    envelope: &Envelope,
    body: &[u8],
    delivery: DeliveryId,
) -> Option<(&'static str, String)> {
    let call = Call::parse(envelope.call.as_deref()?)?;
    let message = json::parse(body).unwrap_or(Json::Null);
    let (key, _) = call.identity(&message, delivery).ok()?;
    Some((call.action.word(), key))
}
