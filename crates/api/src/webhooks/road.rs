//! The road of every message: find its entrance, check its proof, keep it, and only then try to understand it.

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::{CommandError, EngineError, MetadataExt, mint, trace};
use domain::{
    Actor, DeliveryId, IntegrationId, Translated,
    delivery::{Delivery, DeliveryCommand, DeliveryRejection, Proof, RawBody},
    integration::{Entrance, IntegrationKind},
};
use metrics::counter;
use store::{Metadata, Position, StoreError};
use tracing::{Instrument, field::Empty, info_span};

use super::{
    signature::{self, Keys},
    translate::{Malformed, translate},
};
use crate::App;

/// What the webhook endpoints share.
pub(super) struct Hooks {
    pub(super) app: App,
    keys: Keys,
}

/// A message that is kept and understood.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) delivery: DeliveryId,
    pub(super) position: Position,
    pub(super) alerts: Vec<Translated>,
}

/// Why a message is not accepted.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No integration of this kind has this key, or it is disabled.
    NoEntrance,
    /// The integration requires a signature, and there is none.
    Unsigned,
    /// The signature belongs to other bytes or another secret.
    WrongSignature,
    /// It is kept, and could not be understood.
    Malformed { delivery: DeliveryId, why: Malformed },
    /// The queue is full.
    Busy,
    /// It could not be kept.
    Unavailable,
}

impl Refusal {
    /// A word for metrics.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::NoEntrance => "no_entrance",
            Self::Unsigned => "unsigned",
            Self::WrongSignature => "wrong_signature",
            Self::Malformed { .. } => "malformed",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Hooks {
    pub(super) fn new(app: App) -> Self {
        Self { app, keys: Keys::new() }
    }

    /// Takes a message that came through the entrance `key`.
    pub(super) async fn receive(
        &self,
        format: IntegrationKind,
        key: &str,
        headers: &HeaderMap,
        message: Vec<u8>,
    ) -> Result<Accepted, Refusal> {
        // Costs nothing while nobody collects traces; logs leave this target out.
        let span = info_span!(
            target: "midwatch::road", "receive_webhook", otel.kind = "server", format = format.word(), delivery = Empty
        );
        if let Some(parent) = headers.get("traceparent").and_then(|parent| parent.to_str().ok()) {
            trace::continue_trace(&span, parent);
        }
        let outcome = self.take(format, key, headers, message, &span).instrument(span.clone()).await;
        let word = outcome.as_ref().map_or_else(Refusal::word, |_| "accepted");
        counter!("midwatch_webhook_messages_total", "format" => format.word(), "outcome" => word)
            .increment(1);
        outcome
    }

    async fn take(
        &self,
        format: IntegrationKind,
        key: &str,
        headers: &HeaderMap,
        message: Vec<u8>,
        span: &tracing::Span,
    ) -> Result<Accepted, Refusal> {
        let directory = self.app.directory.now();
        let (integration, entrance) = directory
            .integration_by_key(key)
            .filter(|(_, it)| it.kind == format)
            .ok_or(Refusal::NoEntrance)?;
        let proof = self.check(entrance, headers, &message).await?;
        self.app.pace.keep(self.app.engine.store().head()).await;
        let delivery = DeliveryId::new(mint::uuid());
        span.record("delivery", tracing::field::display(delivery));
        let trace = trace::traceparent(span);
        let (position, understood) = self
            .keep(delivery, integration, entrance, proof, message, trace)
            .await
            .map_err(|fault| refusal(&fault))?;
        match understood {
            Ok(alerts) => Ok(Accepted { delivery, position, alerts }),
            Err(why) => Err(Refusal::Malformed { delivery, why }),
        }
    }

    /// How the sender proved itself.
    async fn check(
        &self,
        entrance: &Entrance,
        headers: &HeaderMap,
        message: &[u8],
    ) -> Result<Proof, Refusal> {
        let Some(secret) = entrance.signing_secret else { return Ok(Proof::Key) };
        let given = headers.get(signature::HEADER).ok_or(Refusal::Unsigned)?;
        match self.keys.get(self.app.engine.store().vault(), secret).await {
            Ok(Some(key)) => {
                let right = signature::matches(key, message, given.as_bytes().trim_ascii());
                if right { Ok(Proof::Signature) } else { Err(Refusal::WrongSignature) }
            }
            Ok(None) => {
                tracing::error!(%secret, "the signing secret of an integration is not in the vault");
                Err(Refusal::Unavailable)
            }
            Err(fault) => {
                tracing::error!(%secret, %fault, "the signing secret of an integration cannot be read");
                Err(Refusal::Unavailable)
            }
        }
    }

    /// Records the message as it came, then tries to understand it.
    async fn keep(
        &self,
        delivery: DeliveryId,
        integration: IntegrationId,
        entrance: &Entrance,
        proof: Proof,
        message: Vec<u8>,
        trace: Option<String>,
    ) -> Result<(Position, Result<Vec<Translated>, Malformed>), CommandError<DeliveryRejection>> {
        let (format, service, at) = (entrance.kind, entrance.service, self.app.engine.now());
        let (body, binary) = match String::from_utf8(message) {
            Ok(text) => (RawBody::Text(text), None),
            Err(error) => (RawBody::Base64(STANDARD.encode(error.as_bytes())), Some(error.into_bytes())),
        };
        let metadata =
            Metadata { trace, ..Metadata::of(Actor::Integration { id: integration }, delivery.uuid()) };
        let command = DeliveryCommand::ReceiveDelivery { integration, format, service, proof, body, at };
        let understanding = async {
            let understood = match (&command, &binary) {
                (_, Some(bytes)) => translate(format, bytes, delivery),
                (DeliveryCommand::ReceiveDelivery { body: RawBody::Text(text), .. }, None) => {
                    translate(format, text.as_bytes(), delivery)
                }
                (_, None) => Ok(vec![]),
            };
            if let Ok(alerts) = &understood {
                self.app.understood.put(delivery, alerts.clone());
            }
            understood
        };
        // In this order: the message is on its way to the disk before anybody tries to understand it.
        let (done, understood) =
            futures::join!(self.app.engine.create::<Delivery>(delivery, &command, &metadata), understanding);
        Ok((done?.position, understood))
    }
}

fn refusal(fault: &CommandError<DeliveryRejection>) -> Refusal {
    match fault {
        CommandError::Fault(EngineError::Store(StoreError::Busy)) => Refusal::Busy,
        // While the database is away this happens for every message; the store has said so already.
        CommandError::Fault(EngineError::Store(StoreError::Unavailable(_))) => Refusal::Unavailable,
        CommandError::Fault(fault) => {
            tracing::error!(%fault, "a message could not be kept");
            Refusal::Unavailable
        }
        CommandError::Rejected(rejection) => {
            tracing::error!(%rejection, "a message could not be kept");
            Refusal::Unavailable
        }
    }
}
