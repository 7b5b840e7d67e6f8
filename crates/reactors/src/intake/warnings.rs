//! Words for severities that nobody knows: noted once on the integration, so that its administrators see them.

use std::collections::HashSet;

use commands::{MetadataExt, mint};
use domain::{
    Actor,
    integration::{Integration, IntegrationCommand},
};
use store::Metadata;

use super::Problem;
use crate::Parts;

/// Notes the words that these alerts used and that are not noted yet. A failure costs only the warning.
pub(super) async fn note_unknown_severities(parts: &Parts, problems: &[Problem]) {
    let directory = parts.directory.now();
    let is_noted = |id, word: &str| {
        let known = directory.integrations.get(&id);
        let noted = known.map_or(&[][..], |known| &known.unknown_severities);
        noted.iter().any(|(known, _)| known.eq_ignore_ascii_case(word))
    };
    let alerts = problems.iter().flatten().map(|request| &request.alert);
    let unknown = alerts.filter_map(|alert| Some((alert.integration, alert.unknown_severity.as_deref()?)));
    let new: HashSet<_> = unknown.filter(|(id, word)| !is_noted(*id, word)).collect();
    for (id, word) in new {
        let command =
            IntegrationCommand::NoteUnknownSeverity { word: word.to_owned(), at: parts.engine.now() };
        let by = Actor::Reactor { name: "intake".to_owned() };
        let metadata = Metadata::of(by, mint::uuid());
        if let Err(fault) = parts.engine.execute::<Integration>(id, &command, &metadata).await {
            tracing::warn!(integration = %id, %fault, "an unknown severity could not be noted");
        }
    }
}
