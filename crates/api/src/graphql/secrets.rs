//! Secrets that are shown once: drawn, sealed or hashed, and forgotten.
//!
//! A request that is repeated because its answer was lost must get the same answer. So what was drawn for a
//! command is remembered for a few minutes, in memory only; after that nobody can read it any more.

use std::{
    fmt::Write,
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_graphql::Context;
use connectors::Secret;
use domain::SecretId;
use lru::LruCache;
use uuid::Uuid;

use super::{caller::Caller, fault::Fault, rejection::Stop};

/// How long a repeated request gets the same answer.
const REMEMBERED_FOR: Duration = Duration::from_mins(10);
/// Draws remembered: more than administrators make in that time.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// Draws random bytes, the same again for a command that is repeated soon.
pub(super) struct Draws(Mutex<Drawn>);

/// What was drawn for which purpose of which command, and when.
type Drawn = LruCache<(Uuid, String), ([u8; 32], Instant)>;

impl Default for Draws {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Draws {
    /// The draws that all requests share.
    pub(super) fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, Fault> {
        ctx.data::<Self>().map_err(|_| Fault::Internal)
    }

    /// Bytes that nobody can guess, for one purpose of one command.
    pub(super) fn draw(&self, command: Uuid, purpose: &str) -> [u8; 32] {
        let now = Instant::now();
        let mut drawn = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (bytes, at) =
            drawn.get_or_insert((command, purpose.to_owned()), || (commands::mint::secret(), now));
        if now.duration_since(*at) < REMEMBERED_FOR {
            return *bytes;
        }
        let bytes = commands::mint::secret();
        drawn.put((command, purpose.to_owned()), (bytes, now));
        bytes
    }

    /// A new key of 32 hexadecimal digits.
    pub(super) fn key(&self, command: Uuid, purpose: &str) -> String {
        hex(&self.draw(command, purpose)[..16])
    }

    /// A new secret for signing what we send, sealed: its id, and the text that its owner sees once.
    pub(super) async fn webhook_secret(
        &self,
        caller: Caller<'_>,
        command: Uuid,
        purpose: &str,
    ) -> Result<(SecretId, String), Stop> {
        let bytes = self.draw(command, purpose);
        let id = self.seal(caller, command, purpose, &bytes).await?;
        Ok((id, Secret::from_random(bytes).reveal()))
    }

    /// A new secret for checking what we are sent, sealed. The key of the signature is this very text, as is
    /// the custom: it can be handed to any tool as it is.
    pub(super) async fn signing_secret(
        &self,
        caller: Caller<'_>,
        command: Uuid,
        purpose: &str,
    ) -> Result<(SecretId, String), Stop> {
        let text = hex(&self.draw(command, purpose));
        let id = self.seal(caller, command, purpose, text.as_bytes()).await?;
        Ok((id, text))
    }

    /// A secret that the sender chose, sealed.
    pub(super) async fn given_secret(
        &self,
        caller: Caller<'_>,
        command: Uuid,
        purpose: &str,
        text: &str,
    ) -> Result<SecretId, Stop> {
        self.seal(caller, command, purpose, text.as_bytes()).await
    }

    /// Seals under an id that nobody can guess, so that no request can replace another one's secret.
    async fn seal(
        &self,
        caller: Caller<'_>,
        command: Uuid,
        purpose: &str,
        secret: &[u8],
    ) -> Result<SecretId, Stop> {
        let salt = hex(&self.draw(command, &format!("id of {purpose}")));
        let id = SecretId::new(commands::mint::derived(command, &salt));
        caller.app.engine.store().vault().seal(id, secret).await?;
        Ok(id)
    }
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_command_draws_the_same_and_another_one_does_not() {
        let draws = Draws::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(draws.key(one, "key"), draws.key(one, "key"));
        assert_ne!(draws.key(one, "key"), draws.key(other, "key"));
        assert_ne!(draws.key(one, "key"), draws.key(one, "other key"));
        assert_eq!(draws.key(one, "key").len(), 32);
    }
}
