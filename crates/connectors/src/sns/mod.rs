//! Messages of Amazon's Simple Notification Service: whether one is genuine, and confirming a subscription.

mod certificate;
mod link;
mod message;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use lru::LruCache;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};

use crate::{Fetch, FetchError};

pub use message::SnsMessage;

use certificate::{Found, Signer};

/// Certificates kept at a time; each region has one.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");
/// How long a certificate is kept.
const FRESH: Duration = Duration::from_hours(12);
/// How long a link that led to no good certificate is not tried again, so that nobody can make us call on and on.
const SOUR: Duration = Duration::from_secs(30);

/// Why a message of the service is not believed, or nothing can be said about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SnsError {
    /// It is not genuine.
    #[error("{0}")]
    NotGenuine(String),
    /// The service could not be asked.
    #[error(transparent)]
    Fetch(#[from] FetchError),
}

impl SnsError {
    fn not_genuine(why: impl Into<String>) -> Self {
        Self::NotGenuine(why.into())
    }
}

/// Judges messages, and confirms subscriptions. Keeps certificates for a while.
#[derive(Clone)]
pub struct Sns {
    fetch: Arc<dyn Fetch>,
    anchors: Arc<[TrustAnchor<'static>]>,
    kept: Arc<Mutex<LruCache<String, (Kept, Instant)>>>,
}

/// What a link to a certificate led to.
type Kept = Result<Arc<Signer>, String>;

impl std::fmt::Debug for Sns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sns").finish_non_exhaustive()
    }
}

impl Sns {
    /// Asks through `fetch`, and trusts the authorities that Mozilla trusts.
    pub fn new(fetch: Arc<dyn Fetch>) -> Self {
        Self::with(fetch, webpki_roots::TLS_SERVER_ROOTS.to_vec())
    }

    /// Asks through `fetch`, and trusts the authority with this certificate (DER).
    pub fn trusting(fetch: Arc<dyn Fetch>, authority: &[u8]) -> Result<Self, SnsError> {
        let authority = CertificateDer::from(authority);
        let anchor = webpki::anchor_from_trusted_cert(&authority)
            .map_err(|error| SnsError::not_genuine(format!("this is no authority: {error:?}")))?;
        Ok(Self::with(fetch, vec![anchor.to_owned()]))
    }

    fn with(fetch: Arc<dyn Fetch>, anchors: Vec<TrustAnchor<'static>>) -> Self {
        Self { fetch, anchors: anchors.into(), kept: Arc::new(Mutex::new(LruCache::new(KEPT))) }
    }

    /// Whether the message was signed by the service, as of `now_seconds` since 1970.
    pub async fn verify(&self, message: &SnsMessage, now_seconds: u64) -> Result<(), SnsError> {
        let url = link::certificate(&message.signing_cert_url).map_err(SnsError::not_genuine)?;
        if message.asks_to_confirm() {
            let confirmation = message.subscribe_url.as_deref().unwrap_or_default();
            link::confirmation(confirmation, &message.topic_arn).map_err(SnsError::not_genuine)?;
        }
        let signer = self.signer(url, now_seconds).await?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now_seconds));
        signer.verify(message, now).map_err(SnsError::not_genuine)
    }

    /// Confirms the subscription that a verified message asks to confirm.
    pub async fn confirm(&self, message: &SnsMessage) -> Result<(), SnsError> {
        let url = message.subscribe_url.as_deref().unwrap_or_default();
        let url = link::confirmation(url, &message.topic_arn).map_err(SnsError::not_genuine)?;
        self.fetch.get(url).await?;
        Ok(())
    }

    async fn signer(&self, url: &str, now_seconds: u64) -> Result<Arc<Signer>, SnsError> {
        if let Some((kept, since)) = self.lock().get(url)
            && since.elapsed() < if kept.is_ok() { FRESH } else { SOUR }
        {
            return kept.clone().map_err(SnsError::NotGenuine);
        }
        let pem = self.fetch.get(url).await?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now_seconds));
        let host = url.trim_start_matches("https://").split(['/', ':']).next().unwrap_or_default();
        let found = Found { host: host.to_owned(), anchors: Arc::clone(&self.anchors) };
        let signer = match Signer::new(&pem, &found, now) {
            Err(certificate::Doubt::IssuerMissing { at }) => {
                // The service hands out the last certificate of the chain alone, which says where its issuer is.
                let issuer = self.fetch.get(&at).await?;
                Signer::with_issuer(&pem, &issuer, &found, now)
            }
            other => other,
        };
        let signer = signer.map(Arc::new).map_err(|why| why.to_string());
        self.lock().put(url.to_owned(), (signer.clone(), Instant::now()));
        signer.map_err(SnsError::NotGenuine)
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<String, (Kept, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
