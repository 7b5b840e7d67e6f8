//! Mails take the road of webhooks. What differs is how they come in, and how their sender is told.

use std::time::Instant;

use axum::http::HeaderMap;
use domain::{DeliveryId, integration::IntegrationKind};
use metrics::histogram;

use super::{
    road::{Hooks, Incoming, Received, Refusal},
    verify::Posted,
};
use crate::App;

/// Takes mails.
pub(crate) struct Post {
    hooks: Hooks,
}

/// A mail to one of our addresses.
#[derive(Clone, Copy)]
pub(crate) struct Letter<'a> {
    /// The key in the address.
    pub(crate) key: &'a str,
    /// What follows the key in the address, as in `<key>+<part>@<domain>`.
    pub(crate) part: Option<&'a str>,
    /// Who sent it, as the envelope says.
    pub(crate) sender: &'a str,
    /// Its bytes.
    pub(crate) message: &'a [u8],
    /// How many bytes it had, if these are only the first.
    pub(crate) whole_bytes: Option<u64>,
}

/// Why a mail is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Returned {
    /// No enabled integration for mail has this key.
    NoEntrance,
    /// Whoever sent it may not send here.
    Unproven(String),
    /// Its head was kept, and it is too large to be understood.
    TooLarge,
    /// It could not be kept just now.
    Later,
}

impl Post {
    pub(crate) fn new(app: App) -> Self {
        Self { hooks: Hooks::new(app) }
    }

    /// Whether mail under this key is taken.
    pub(crate) fn knows(&self, key: &str) -> bool {
        let app = &self.hooks.app;
        let known = app.directory.now();
        let known = known.integration_by_key(key, app.engine.now());
        known.is_some_and(|(_, entrance)| entrance.kind == IntegrationKind::Email)
    }

    /// Keeps a mail. It is durable when this returns its id.
    pub(crate) async fn deliver(&self, letter: Letter<'_>) -> Result<DeliveryId, Returned> {
        let started = Instant::now();
        let format = IntegrationKind::Email;
        let incoming = Incoming {
            format,
            key: letter.key,
            headers: &HeaderMap::new(),
            target: "",
            call: None,
            posted: Some(Posted { sender: letter.sender, part: letter.part }),
            message: letter.message.to_vec(),
            whole_bytes: letter.whole_bytes,
        };
        let Received { outcome, .. } = self.hooks.receive(incoming).await;
        histogram!("midwatch_webhook_seconds", "format" => format.word()).record(started.elapsed());
        match outcome {
            Ok(accepted) => Ok(accepted.delivery),
            // Any other mail is understood somehow.
            Err(Refusal::Malformed { .. }) => Err(Returned::TooLarge),
            Err(Refusal::NoEntrance) => Err(Returned::NoEntrance),
            Err(Refusal::Unproven(why)) => Err(Returned::Unproven(why.why)),
            Err(Refusal::Limited | Refusal::Busy | Refusal::Unavailable) => Err(Returned::Later),
        }
    }
}
