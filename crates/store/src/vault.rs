//! Secrets, sealed: they never enter events, which refer to them by id.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use domain::SecretId;
use lru::LruCache;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

use crate::{StoreError, backend::Backend};

/// Secrets remembered at a time.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
/// How long an opened secret is remembered: one that another node replaced is used for at most so long.
const FRESH: Duration = Duration::from_secs(15);

/// Secrets in the log's database, readable only with the vault key. Clones share a short memory of opened ones.
#[derive(Clone)]
pub struct Vault {
    backend: Arc<dyn Backend>,
    key: Arc<LessSafeKey>,
    opened: Arc<Mutex<Opened>>,
}

type Opened = LruCache<SecretId, (Vec<u8>, Instant)>;

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

impl Vault {
    /// A vault under `key`, or else under the key that is kept beside the data.
    pub(crate) async fn new(backend: Arc<dyn Backend>, key: Option<[u8; 32]>) -> Result<Self, StoreError> {
        let key = match key {
            Some(key) => key,
            None => backend.vault_key(random()?).await?,
        };
        Ok(Self::with_key(backend, &key))
    }

    pub(crate) fn with_key(backend: Arc<dyn Backend>, key: &[u8; 32]) -> Self {
        let opened = Arc::new(Mutex::new(LruCache::new(REMEMBERED)));
        Self { backend, key: Arc::new(aead(key)), opened }
    }

    /// Seals a secret and keeps it under `id`, in place of an earlier one.
    pub async fn seal(&self, id: SecretId, secret: &[u8]) -> Result<(), StoreError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut text = secret.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(id), &mut text)
            .map_err(|_| StoreError::Refused("the secret is too long to seal".into()))?;
        let mut sealed = nonce.to_vec();
        sealed.append(&mut text);
        self.backend.put_secret(id, sealed).await?;
        self.opened().pop(&id);
        Ok(())
    }

    /// The secret kept under `id`; `Damaged` if it does not open with this vault's key.
    pub async fn open(&self, id: SecretId) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some((text, since)) = self.opened().get(&id)
            && since.elapsed() < FRESH
        {
            return Ok(Some(text.clone()));
        }
        let Some(sealed) = self.backend.secret(id).await? else { return Ok(None) };
        let wrong =
            || StoreError::Damaged(format!("the secret `{id}` does not open with this vault key").into());
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or_else(wrong)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| wrong())?;
        let mut text = text.to_vec();
        let length = self.key.open_in_place(nonce, bound_to(id), &mut text).map_err(|_| wrong())?.len();
        text.truncate(length);
        self.opened().put(id, (text.clone(), Instant::now()));
        Ok(Some(text))
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A secret moved to another id does not open there.
fn bound_to(id: SecretId) -> Aad<[u8; 16]> {
    Aad::from(id.uuid().into_bytes())
}

fn aead(key: &[u8; 32]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes"))
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| StoreError::unavailable("the system gives no random bytes"))?;
    Ok(bytes)
}
