//! The road of every message: find its entrance, check its proof, keep it, and only then try to understand it.

use axum::http::HeaderMap;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use commands::{CommandError, Directory, EngineError, MetadataExt, mint, trace};
use connectors::SnsMessage;
use domain::{
    Actor, DeliveryId, IntegrationId, Meaning,
    delivery::{Delivery, DeliveryCommand, DeliveryRejection, Envelope, RawBody},
    integration::{Entrance, Integration, IntegrationCommand, IntegrationKind},
};
use metrics::counter;
use ring::digest;
use store::{MAX_PAYLOAD, Metadata, Position, StoreError};
use tracing::{Instrument, field::Empty, info_span};

use super::{
    envelope,
    limits::Limits,
    rates::Standing,
    refusals::{Refusals, Sort},
    translate::{Malformed, reason, understand},
    turns::Turns,
    verify::{Claim, Doubt, Posted, Proven, Unproven, Verifier},
};
use crate::App;

/// What the webhook endpoints share.
pub(super) struct Hooks {
    pub(super) app: App,
    verifier: Verifier,
    limits: Limits,
    pub(super) turns: Turns,
    refusals: Refusals,
}

/// A message on its way in.
pub(super) struct Incoming<'a> {
    /// The format that its path promises.
    pub(super) format: IntegrationKind,
    /// The key that it brings.
    pub(super) key: &'a str,
    /// Its headers.
    pub(super) headers: &'a HeaderMap,
    /// The path and the query that were called.
    pub(super) target: &'a str,
    /// What was called, for formats in which that matters.
    pub(super) call: Option<&'a str>,
    /// What stood on the envelope of a mail.
    pub(super) posted: Option<Posted<'a>>,
    /// Its bytes.
    pub(super) message: Vec<u8>,
    /// How many bytes it had, if these are only the first.
    pub(super) whole_bytes: Option<u64>,
}

/// What became of a message.
pub(super) struct Received {
    pub(super) outcome: Result<Accepted, Refusal>,
    /// How its integration stands, if its key opens one: who only guesses keys is told nothing.
    pub(super) standing: Option<Standing>,
}

/// A message that is kept and understood.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) delivery: DeliveryId,
    pub(super) position: Position,
    pub(super) meaning: Meaning,
    /// Whether the sender sent it before, and it is kept already.
    pub(super) repeated: bool,
}

/// Why a message is not accepted.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No integration of this kind has this key, or it is disabled.
    NoEntrance,
    /// It does not prove that it comes from whom the integration was made for.
    Unproven(Unproven),
    /// It is kept, and could not be understood.
    Malformed { delivery: DeliveryId, why: Malformed },
    /// More came than the integration takes.
    Limited,
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
            Self::Unproven(_) => "unproven",
            Self::Malformed { .. } => "malformed",
            Self::Limited => "limited",
            Self::Busy => "busy",
            Self::Unavailable => "unavailable",
        }
    }
}

impl Hooks {
    pub(super) fn new(app: App) -> Self {
        Self {
            app,
            verifier: Verifier::new(),
            limits: Limits::default(),
            turns: Turns::default(),
            refusals: Refusals::of(Sort::Unproven),
        }
    }

    /// How the integration stands that this key opens, if more is sent to it than it takes: a message whose key is known
    /// before its bytes are read is then refused without reading them.
    pub(super) async fn over_limit(&self, format: IntegrationKind, key: &str) -> Option<Standing> {
        let directory = self.app.directory.now();
        let (integration, entrance) =
            directory.integration_by_key(key, self.app.engine.now()).filter(|(_, it)| it.kind == format)?;
        let standing = self.limits.look(&self.app, &directory, integration, entrance).await;
        standing.is_over().then(|| {
            count(format, Refusal::Limited.word());
            standing
        })
    }

    /// Takes a message.
    pub(super) async fn receive(&self, incoming: Incoming<'_>) -> Received {
        let format = incoming.format;
        // Costs nothing while nobody collects traces; logs leave this target out.
        let span = info_span!(
            target: "midwatch::road", "receive_webhook", otel.kind = "server", format = format.word(), delivery = Empty
        );
        let parent = incoming.headers.get("traceparent").and_then(|parent| parent.to_str().ok());
        if let Some(parent) = parent {
            trace::continue_trace(&span, parent);
        }
        let mut standing = None;
        let outcome = self.take(incoming, &span, &mut standing).instrument(span.clone()).await;
        count(format, outcome.as_ref().map_or_else(Refusal::word, |_| "accepted"));
        Received { outcome, standing }
    }

    async fn take(
        &self,
        incoming: Incoming<'_>,
        span: &tracing::Span,
        standing: &mut Option<Standing>,
    ) -> Result<Accepted, Refusal> {
        let Incoming { format, key, headers, target, call, posted, message, whole_bytes } = incoming;
        let directory = self.app.directory.now();
        let (integration, entrance) = directory
            .integration_by_key(key, self.app.engine.now())
            .filter(|(_, it)| it.kind == format)
            .ok_or(Refusal::NoEntrance)?;
        let stands = standing.insert(self.limits.look(&self.app, &directory, integration, entrance).await);
        if stands.is_over() {
            return Err(Refusal::Limited);
        }
        // Of a message that is too large the head is kept for the delivery log, unless the proof is over all of it.
        if let Some(bytes) = whole_bytes.filter(|_| entrance.verification.covers_bytes()) {
            let why = Unproven::too_large(bytes, format.body_limit());
            return Err(self.unproven(&directory, integration, why).await);
        }
        let url = format!("{}{target}", self.app.settings.public_url);
        let claim = Claim { headers, url: &url, posted, body: &message };
        let mut proven = self.prove(&directory, integration, entrance, claim).await?;
        let stands = standing.insert(self.limits.take(&self.app, &directory, integration, entrance).await);
        if stands.is_over() {
            return Err(Refusal::Limited);
        }
        let envelope = Envelope { whole_bytes, ..envelope::of(entrance, claim, call) };
        let delivery = identity(integration, &proven, &envelope, &message);
        span.record("delivery", tracing::field::display(delivery));
        let subscription = proven.subscription.take();
        let kept = Kept { delivery, integration, proven, envelope, trace: trace::traceparent(span) };
        let accepted = self.keep_in_turn(kept, entrance, message).await?;
        match subscription {
            Some(message) => self.subscribe(integration, &message).await.map(|()| accepted),
            None => Ok(accepted),
        }
    }

    /// Records a message once those who page people are near, and it is its integration's turn.
    ///
    /// In this order: whoever waited for its turn first would hold it while it waits for the pace, and with enough of
    /// one integration's messages doing so nobody else would get one. A message whose integration has no other under
    /// way is not what puts those who page people behind, so it goes on while the messages of a storm wait.
    async fn keep_in_turn(
        &self,
        kept: Kept,
        entrance: &Entrance,
        message: Vec<u8>,
    ) -> Result<Accepted, Refusal> {
        let arrival = self.turns.arrive(kept.integration);
        let (pace, head) = (&self.app.pace, self.app.engine.store().head());
        if arrival.is_alone() {
            pace.keep_lone(head).await;
        } else {
            pace.keep(head).await;
        }
        let _turn = arrival.turn().await;
        self.keep(kept, entrance, message).await
    }

    /// Confirms the subscription that a kept message asks for. If that fails, the sender asks again.
    async fn subscribe(&self, integration: IntegrationId, message: &SnsMessage) -> Result<(), Refusal> {
        if let Err(why) = self.app.sns.confirm(message).await {
            tracing::warn!(%integration, topic = message.topic_arn, %why, "a subscription could not be confirmed");
            return Err(Refusal::Unavailable);
        }
        let command = IntegrationCommand::NoteSubscription {
            topic: message.topic_arn.clone(),
            at: self.app.engine.now(),
        };
        let metadata = Metadata::of(Actor::Integration { id: integration }, mint::uuid());
        let noted = self.app.engine.execute::<Integration>(integration, &command, &metadata).await;
        if let Err(fault) = noted {
            tracing::error!(%integration, %fault, "a confirmed subscription could not be noted");
            return Err(Refusal::Unavailable);
        }
        Ok(())
    }

    /// How the sender proved itself. Whoever did not leaves a trace.
    async fn prove(
        &self,
        directory: &Directory,
        integration: IntegrationId,
        entrance: &Entrance,
        claim: Claim<'_>,
    ) -> Result<Proven, Refusal> {
        let engine = &self.app.engine;
        let (vault, sns) = (engine.store().vault(), &self.app.sns);
        match self.verifier.prove(vault, sns, entrance, claim, engine.now()).await {
            Ok(proven) => Ok(proven),
            Err(Doubt::Unproven(why)) => Err(self.unproven(directory, integration, why).await),
            Err(Doubt::Later(why)) => {
                tracing::warn!(%integration, why, "a message could not be verified now");
                Err(Refusal::Unavailable)
            }
            Err(Doubt::Fault(fault)) => {
                tracing::error!(%integration, %fault, "a message could not be verified");
                Err(Refusal::Unavailable)
            }
        }
    }

    /// The refusal of a message that did not prove itself, and its trace.
    async fn unproven(&self, directory: &Directory, integration: IntegrationId, why: Unproven) -> Refusal {
        let known = directory.integrations.get(&integration).map(|known| &**known);
        self.refusals.note(&self.app.engine, integration, known, reason(&why.why)).await;
        Refusal::Unproven(why)
    }

    /// Records the message as it came, then tries to understand it.
    async fn keep(&self, kept: Kept, entrance: &Entrance, message: Vec<u8>) -> Result<Accepted, Refusal> {
        let Kept { delivery, integration, proven, envelope, trace } = kept;
        let (format, service, at) = (entrance.kind, entrance.service, self.app.engine.now());
        let (body, binary) = raw(message);
        let metadata =
            Metadata { trace, ..Metadata::of(Actor::Integration { id: integration }, delivery.uuid()) };
        let Proven { proof, mistimed, .. } = proven;
        let command = DeliveryCommand::ReceiveDelivery {
            integration,
            format,
            service,
            proof,
            body,
            envelope,
            mistimed,
            at,
        };
        let DeliveryCommand::ReceiveDelivery { body, envelope, .. } = &command else {
            return Err(Refusal::Unavailable);
        };
        let bytes = match (body, &binary) {
            (RawBody::Text(text), _) => text.as_bytes(),
            (RawBody::Base64(_), bytes) => bytes.as_deref().unwrap_or_default(),
        };
        let understanding = async {
            let meaning = understand(format, envelope, bytes, delivery, &entrance.handling);
            if let Ok(meaning) = &meaning {
                self.app.understood.put(delivery, meaning, &entrance.handling);
            }
            meaning
        };
        // In this order: the message is on its way to the disk before anybody tries to understand it.
        let (done, meaning) =
            futures::join!(self.app.engine.create::<Delivery>(delivery, &command, &metadata), understanding);
        let done = done.map_err(|fault| refusal(&fault))?;
        match meaning {
            Ok(meaning) => {
                let repeated = done.events.is_empty();
                Ok(Accepted { delivery, position: done.position, meaning, repeated })
            }
            Err(why) => Err(Refusal::Malformed { delivery, why }),
        }
    }
}

/// Bytes that the text of a message may take in an event: what is around it has its place, too.
const MAX_TEXT: usize = MAX_PAYLOAD / 4 * 3;

/// The bytes of a message as an event holds them, and once more if that is in base64. Text is, too, if it is made of so many
/// control characters that an event, in which each takes six bytes, has no room for it.
fn raw(message: Vec<u8>) -> (RawBody, Option<Vec<u8>>) {
    let in_event = |byte| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..=0x1f => 6,
        _ => 1,
    };
    let has_room =
        |text: &str| text.len() <= MAX_TEXT / 6 || text.bytes().map(in_event).sum::<usize>() <= MAX_TEXT;
    let bytes = match String::from_utf8(message) {
        Ok(text) if has_room(&text) => return (RawBody::Text(text), None),
        Ok(text) => text.into_bytes(),
        Err(error) => error.into_bytes(),
    };
    (RawBody::Base64(STANDARD.encode(&bytes)), Some(bytes))
}

/// What is known of a message that is to be kept.
struct Kept {
    delivery: DeliveryId,
    integration: IntegrationId,
    proven: Proven,
    envelope: Envelope,
    trace: Option<String>,
}

/// A message that can be told from all others keeps its id when it is sent again, so that it is kept once. What is proven
/// is the same however it is written. Where an id is only said, the bytes are part of what it is: a sender that uses one
/// id for two messages has sent two.
fn identity(integration: IntegrationId, proven: &Proven, envelope: &Envelope, message: &[u8]) -> DeliveryId {
    // One mail may be for several problems, each named in an address of its own.
    let part = envelope.topic.as_deref().filter(|_| envelope.mail_from.is_some());
    let call = envelope.call.as_deref().or(part).unwrap_or_default();
    let purpose = match (&proven.unique, &envelope.sender_id) {
        (Some(unique), _) => format!("proven delivery {unique}\n{call}"),
        (None, Some(said)) => {
            let digest = digest::digest(&digest::SHA256, message);
            format!("delivery {said}\n{call}\n{}", STANDARD.encode(digest))
        }
        (None, None) => return DeliveryId::new(mint::uuid()),
    };
    DeliveryId::new(mint::derived(integration.uuid(), &purpose))
}

fn count(format: IntegrationKind, outcome: &'static str) {
    counter!("midwatch_webhook_messages_total", "format" => format.word(), "outcome" => outcome).increment(1);
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
