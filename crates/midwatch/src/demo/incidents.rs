//! The incidents of the demo, one in every state. They come in through the same door as all others.

use std::time::Duration;

use anyhow::{Result, bail};
use domain::{
    Actor, Channel, DeliveryId, IncidentId, NoteId,
    delivery::{Delivery, DeliveryCommand, Envelope, Proof, RawBody},
    incident::{Incident, IncidentCommand},
    integration::IntegrationKind,
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::{
    people::People,
    record::{self, Recorder},
    services::{Entrance, Services},
};

/// How often the reactors are asked whether they have opened an incident.
const LOOK: Duration = Duration::from_millis(20);
/// How often at most; another node may be the one that reacts.
const LOOKS: u32 = 500;

/// Tells the stories in the background: they take until the reactors have come round.
pub(super) fn tell(recorder: Recorder, people: &People, services: &Services) -> JoinHandle<()> {
    let story = Story { recorder, responder: Actor::User { id: people.primary_sre } };
    let (checkout, billing) = (services.checkout, services.billing);
    let (search, status_page) = (services.search, services.status_page);
    let stop = story.recorder.app.shutdown.clone();
    tokio::spawn(async move {
        let telling = async {
            story.acknowledged(search).await?;
            story.resolved(status_page).await?;
            story.triggered(billing).await?;
            story.escalated(checkout).await
        };
        let told = tokio::select! {
            told = telling => told,
            () = stop.cancelled() => return,
        };
        if let Err(error) = told {
            tracing::warn!("the demo's incidents are not complete: {error:#}");
        }
    })
}

struct Story {
    recorder: Recorder,
    responder: Actor,
}

impl Story {
    async fn triggered(&self, entrance: Entrance) -> Result<()> {
        let alert = json!({
            "title": "Disk of billing-db is 91 % full", "severity": "warning", "dedup_key": "demo-disk",
            "source": "billing-db", "details": "It grows by 1 % an hour.\nOld invoices can be moved to the archive."
        });
        self.receive(entrance, "disk", 1, &alert).await?;
        self.opened(entrance, "demo-disk").await.map(drop)
    }

    async fn escalated(&self, entrance: Entrance) -> Result<()> {
        let alert = json!({
            "title": "Checkout answers 12 % of requests with errors", "severity": "critical",
            "dedup_key": "demo-errors", "source": "checkout-eu-1",
            "links": [{"href": "https://example.org/runbooks/checkout-errors", "text": "Runbook"}]
        });
        self.receive(entrance, "errors", 1, &alert).await?;
        let incident = self.opened(entrance, "demo-errors").await?;
        let app = &self.recorder.app;
        let (state, _) = app.engine.load::<Incident>(incident).await?;
        let Some(open) = state.open() else { return Ok(()) };
        let (by, at) = (Actor::Administrator, app.engine.now());
        let roster = app.directory.now().roster(&open.ladder, at);
        let command = IncidentCommand::EscalateIncident { by, roster, at };
        self.recorder.once::<Incident>("escalate errors", incident, &command).await
    }

    async fn acknowledged(&self, entrance: Entrance) -> Result<()> {
        for number in 1..=3 {
            let alert = json!({
                "title": "Search takes longer than 2 s", "severity": if number == 3 { "high" } else { "warning" },
                "dedup_key": "demo-latency", "source": format!("search-{number}"),
                "details": format!("p99 is {}.{number} s on search-{number}", number + 1)
            });
            self.receive(entrance, "latency", number, &alert).await?;
        }
        let incident = self.opened(entrance, "demo-latency").await?;
        self.acknowledge("latency", incident).await?;
        self.note("latency", incident, "A reindex runs since noon; halved its workers.").await
    }

    async fn resolved(&self, entrance: Entrance) -> Result<()> {
        let alert = json!({
            "title": "Certificate of the status page expires in 6 days", "severity": "low",
            "dedup_key": "demo-certificate", "source": "status-page"
        });
        self.receive(entrance, "certificate", 1, &alert).await?;
        let incident = self.opened(entrance, "demo-certificate").await?;
        self.acknowledge("certificate", incident).await?;
        let command = IncidentCommand::ResolveIncident {
            by: self.responder.clone(),
            via: Channel::Api,
            note: Some("Renewed by hand; the renewal job had lost its permission.".to_owned()),
            alert: None,
            at: self.recorder.app.engine.now(),
        };
        self.by_responder("resolve certificate", incident, &command).await
    }

    async fn receive(&self, entrance: Entrance, name: &str, number: u32, alert: &Value) -> Result<()> {
        let name = format!("delivery {name} {number}");
        let Entrance { service, integration } = entrance;
        let command = DeliveryCommand::ReceiveDelivery {
            integration,
            format: IntegrationKind::Generic,
            service,
            proof: Proof::Key,
            body: RawBody::Text(alert.to_string()),
            envelope: Envelope::default(),
            mistimed: None,
            at: self.recorder.app.engine.now(),
        };
        let delivery = DeliveryId::new(record::id(&name));
        self.recorder
            .once_by::<Delivery>(Actor::Integration { id: integration }, &name, delivery, &command)
            .await
    }

    /// The incident that the reactors open for a key.
    async fn opened(&self, entrance: Entrance, key: &str) -> Result<IncidentId> {
        for _ in 0..LOOKS {
            if let Some(incident) = self.recorder.app.intake.current(entrance.service, key).await? {
                return Ok(incident);
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("no incident opened for `{key}`")
    }

    async fn acknowledge(&self, name: &str, incident: IncidentId) -> Result<()> {
        let (by, at) = (self.responder.clone(), self.recorder.app.engine.now());
        let command = IncidentCommand::AcknowledgeIncident { by, via: Channel::Api, alert: None, at };
        self.by_responder(&format!("acknowledge {name}"), incident, &command).await
    }

    async fn note(&self, name: &str, incident: IncidentId, text: &str) -> Result<()> {
        let (by, at) = (self.responder.clone(), self.recorder.app.engine.now());
        let note = NoteId::new(record::id(&format!("note on {name}")));
        let command = IncidentCommand::AddIncidentNote { note, by, text: text.to_owned(), at };
        self.by_responder(&format!("note on {name}"), incident, &command).await
    }

    async fn by_responder(&self, name: &str, incident: IncidentId, command: &IncidentCommand) -> Result<()> {
        self.recorder.once_by::<Incident>(self.responder.clone(), name, incident, command).await
    }
}
