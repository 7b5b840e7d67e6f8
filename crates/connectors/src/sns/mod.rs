//! Messages of Amazon's Simple Notification Service: whether one is genuine, and confirming a subscription.

mod certificate;
mod link;
mod message;

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use lru::LruCache;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};

use crate::{Fetch, FetchError};

pub use message::SnsMessage;

use certificate::Signer;

/// Links to certificates that are known at a time; each region has one.
const KEPT: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");
/// Seconds for which a certificate is kept.
const FRESH_SECONDS: u64 = 12 * 60 * 60;
/// Seconds in which a link that led to no good certificate is not tried again, so that nobody can make us call on
/// and on.
const SOUR_SECONDS: u64 = 30;
/// Seconds in which a link that could not be asked is not tried again. Whoever is told to come back takes longer.
const SILENT_SECONDS: u64 = 5;

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
    kept: Arc<Mutex<LruCache<String, Arc<Link>>>>,
}

/// What a link to a certificate led to, and when it was asked, once it was. Held while it is being asked: whoever comes
/// in between waits for that answer.
type Link = tokio::sync::Mutex<Option<(Found, u64)>>;

type Found = Result<Arc<Signer>, SnsError>;

const fn kept_seconds(found: &Found) -> u64 {
    match found {
        Ok(_) => FRESH_SECONDS,
        Err(SnsError::NotGenuine(_)) => SOUR_SECONDS,
        Err(SnsError::Fetch(_)) => SILENT_SECONDS,
    }
}

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

    /// The signer that the link leads to: as it is known, or asked for by one message for all that name it.
    async fn signer(&self, url: &str, now_seconds: u64) -> Found {
        let link = Arc::clone(
            self.kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(url.to_owned(), Arc::default),
        );
        let mut known = link.lock().await;
        if let Some((found, since)) = &*known
            && now_seconds.abs_diff(*since) < kept_seconds(found)
        {
            return found.clone();
        }
        let found = self.find(url, now_seconds).await;
        *known = Some((found.clone(), now_seconds));
        found
    }

    async fn find(&self, url: &str, now_seconds: u64) -> Found {
        let pem = self.fetch(url).await?;
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now_seconds));
        let host = url.trim_start_matches("https://").split(['/', ':']).next().unwrap_or_default();
        let found = certificate::Found { host: host.to_owned(), anchors: Arc::clone(&self.anchors) };
        let signer = match Signer::new(&pem, &found, now) {
            Err(certificate::Doubt::IssuerMissing { at }) => {
                // The service hands out the last certificate of the chain alone, which says where its issuer is.
                let issuer = self.fetch(&at).await?;
                Signer::with_issuer(&pem, &issuer, &found, now)
            }
            other => other,
        };
        signer.map(Arc::new).map_err(|why| SnsError::not_genuine(why.to_string()))
    }

    /// A certificate. Where Amazon says that there is none, it is not Amazon's.
    async fn fetch(&self, url: &str) -> Result<Vec<u8>, SnsError> {
        self.fetch.get(url).await.map_err(|error| match error {
            FetchError::Absent { .. } => SnsError::not_genuine(format!("there is no certificate: {error}")),
            other => SnsError::Fetch(other),
        })
    }
}
