//! Signatures over messages: `X-Midwatch-Signature: sha256=<hex>`, HMAC-SHA256 over the raw bytes.

use std::{
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::SecretId;
use hmac::{Hmac, Mac};
use lru::LruCache;
use sha2::Sha256;
use store::{StoreError, Vault};

/// The header that carries the signature.
pub const HEADER: &str = "x-midwatch-signature";

/// Secrets remembered at a time.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");
/// How long a secret is remembered here. The vault remembers it as long again, so a replaced one is refused after at
/// most half a minute.
const FRESH: Duration = Duration::from_secs(15);

/// Whether `header` is the signature of `body` under the key of `mac`. Takes as long for a wrong one as for a right one.
pub fn matches(mac: Hmac<Sha256>, body: &[u8], header: &[u8]) -> bool {
    let Some(digits) = header.strip_prefix(b"sha256=").filter(|digits| digits.len() == 64) else {
        return false;
    };
    let mut given = [0_u8; 32];
    for (byte, pair) in given.iter_mut().zip(digits.chunks_exact(2)) {
        match (value(pair[0]), value(pair[1])) {
            (Some(high), Some(low)) => *byte = high << 4 | low,
            _ => return false,
        }
    }
    mac.chain_update(body).verify_slice(&given).is_ok()
}

const fn value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The keys of integrations that require signatures, kept ready for a short time.
pub(super) struct Keys {
    ready: Mutex<LruCache<SecretId, (Hmac<Sha256>, Instant)>>,
}

impl Keys {
    pub(super) fn new() -> Self {
        Self { ready: Mutex::new(LruCache::new(REMEMBERED)) }
    }

    /// The key kept in the vault under `id`; none if there is none.
    pub(super) async fn get(&self, vault: &Vault, id: SecretId) -> Result<Option<Hmac<Sha256>>, StoreError> {
        if let Some((mac, since)) = self.lock().get(&id)
            && since.elapsed() < FRESH
        {
            return Ok(Some(mac.clone()));
        }
        let Some(secret) = vault.open(id).await? else { return Ok(None) };
        let mac = Hmac::new_from_slice(&secret).expect("HMAC takes keys of any length");
        self.lock().put(id, (Hmac::clone(&mac), Instant::now()));
        Ok(Some(mac))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, LruCache<SecretId, (Hmac<Sha256>, Instant)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vector_matches_and_nothing_else_does() {
        let mac = || Hmac::<Sha256>::new_from_slice(b"It's a Secret to Everybody").expect("a key");
        let good = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert!(matches(mac(), b"Hello, World!", good.as_bytes()));
        assert!(matches(mac(), b"Hello, World!", good.to_uppercase().replace("SHA", "sha").as_bytes()));
        assert!(!matches(mac(), b"Hello, World?", good.as_bytes()));
        for wrong in ["", "sha256=", &good[7..], &good[..70], &good.replace('7', "g"), &format!("{good}00")] {
            assert!(!matches(mac(), b"Hello, World!", wrong.as_bytes()), "{wrong}");
        }
    }
}
