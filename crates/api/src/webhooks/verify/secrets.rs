//! The secrets of entrances, kept ready for a short time.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{SecretId, Timestamp, integration::Entrance};
use lru::LruCache;
use store::{StoreError, Vault};

/// Secrets remembered at a time.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
/// How long a secret is remembered. The vault remembers it as long again, so one that is gone from there is refused after
/// at most half a minute.
const FRESH: Duration = Duration::from_secs(15);

/// A secret that messages prove themselves with. Never shown, not even for debugging.
#[derive(Clone)]
pub(super) struct Secret(Arc<[u8]>);

impl Secret {
    /// These bytes.
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The secret as it is handed around.
    pub(super) fn text(&self) -> &[u8] {
        &self.0
    }

    /// The key of its signatures: the text itself, except that Standard Webhooks writes keys in base64 behind a mark.
    pub(super) fn signing_key(&self) -> Vec<u8> {
        let marked = self.0.strip_prefix(b"whsec_").and_then(|text| STANDARD.decode(text).ok());
        marked.unwrap_or_else(|| self.0.to_vec())
    }
}

/// Secrets by their ids.
pub(super) struct Secrets {
    ready: Mutex<LruCache<SecretId, (Secret, Instant)>>,
}

impl Secrets {
    pub(super) fn new() -> Self {
        Self { ready: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// Every secret that is good for `entrance` now. An entrance that needs one and has none opens to nobody.
    pub(super) async fn of(
        &self,
        vault: &Vault,
        entrance: &Entrance,
        now: Timestamp,
    ) -> Result<Vec<Secret>, StoreError> {
        let mut secrets = vec![];
        for id in entrance.secrets(now) {
            if let Some(secret) = self.get(vault, id).await? {
                secrets.push(secret);
            } else {
                tracing::error!(secret = %id, "the secret of an integration is not in the vault");
            }
        }
        if secrets.is_empty() && entrance.verification.needs_secret() {
            return Err(StoreError::Unavailable("the secret of the integration is not in the vault".into()));
        }
        Ok(secrets)
    }

    async fn get(&self, vault: &Vault, id: SecretId) -> Result<Option<Secret>, StoreError> {
        if let Some((secret, since)) = self.lock().get(&id)
            && since.elapsed() < FRESH
        {
            return Ok(Some(secret.clone()));
        }
        let Some(bytes) = vault.open(id).await? else { return Ok(None) };
        let secret = Secret::new(&bytes);
        self.lock().put(id, (secret.clone(), Instant::now()));
        Ok(Some(secret))
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<SecretId, (Secret, Instant)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
