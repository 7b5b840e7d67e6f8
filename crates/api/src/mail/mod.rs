//! Mail that comes in: a small SMTP server that takes mail for integrations, and for nobody else. It answers 250 to a
//! mail only when it is stored for each of its recipients; anything else leaves the mail with whoever sent it.

mod address;
mod command;
mod session;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::Semaphore,
};
use tokio_util::sync::CancellationToken;

use session::Session;
use wire::Wire;

use crate::{App, webhooks::Post};

/// Sessions at a time; each may hold one mail.
const MAX_SESSIONS: usize = 100;
/// How long a client may be silent. Relays are told to wait as long for us (RFC 5321, section 4.5.3.2).
const PATIENCE: Duration = Duration::from_mins(5);
/// How long one session may take, however busy it is.
const WHOLE_SESSION: Duration = Duration::from_mins(30);

/// What the operator chose for mail that comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The domain whose mail is ours.
    pub domain: String,
    /// Bytes in one mail.
    pub max_bytes: usize,
}

/// Takes mail.
pub struct Office {
    post: Post,
    rules: Rules,
    seats: Semaphore,
    stop: CancellationToken,
    /// How long a client may be silent, and how long it may stay.
    patience: (Duration, Duration),
}

impl Office {
    /// An office that opens for whatever `app` stands for.
    pub fn new(app: App, rules: Rules) -> Self {
        let stop = app.shutdown.clone();
        let patience = (PATIENCE, WHOLE_SESSION);
        Self { post: Post::new(app), rules, seats: Semaphore::new(MAX_SESSIONS), stop, patience }
    }

    /// Speaks with one client until it leaves, or must.
    pub async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let (silent, whole) = self.patience;
        let wire = Wire::new(stream, self.stop.clone(), silent, whole);
        let seat = self.seats.try_acquire();
        let outcome = Session::new(self, wire).run(seat.is_ok()).await;
        if let Err(gone) = outcome {
            tracing::debug!(?gone, "a mail client is gone");
        }
    }
}
