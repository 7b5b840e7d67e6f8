//! Something is wrong with what comes through an integration.

use domain::{
    IntegrationId,
    notice::{Trouble, Withheld},
};

use super::{super::compose::Said, Desk, MAX_LINES};

impl Desk<'_> {
    pub(super) fn integration_troubled(&self, id: IntegrationId, trouble: Trouble) -> Result<Said, Withheld> {
        let integration = self.directory.integrations.get(&id).ok_or(Withheld::Unchanged)?;
        let entrance = integration.entrance.as_ref().ok_or(Withheld::Unchanged)?;
        let name = &entrance.name;
        let service = self.directory.services.get(&entrance.service);
        let service = service.map_or_else(|| entrance.service.to_string(), |service| service.name.clone());
        let mut facts = vec![("Integration", name.clone()), ("Service", service)];
        let (subject, summary) = match trouble {
            Trouble::SeverityUnknown => {
                let words = &integration.unknown_severities;
                if words.is_empty() {
                    return Err(Withheld::Unchanged);
                }
                let words: Vec<_> = words.iter().take(MAX_LINES).map(|(word, _)| word.as_str()).collect();
                facts.push(("Words", words.join(", ")));
                (
                    format!("{name} names severities that nobody knows"),
                    format!(
                        "Alerts through {name} name severities that are not understood. They are taken as medium \
                         until somebody says what they mean (updateIntegrationHandling)."
                    ),
                )
            }
            Trouble::MessagesLimited => (
                format!("{name} sends more than it may"),
                format!(
                    "More messages come through {name} than it takes. Those beyond its limit are not kept: their \
                     sender is told to come again (deliveryCounts of the integration says how many they are)."
                ),
            ),
        };
        Ok(Said { subject, summary, facts, ..Said::default() })
    }
}
