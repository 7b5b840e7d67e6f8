//! Pages and notices as signed webhooks: the sending side of Standard Webhooks.

mod answer;
mod body;
mod notice;
mod sign;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Certificate, Client, Response, Url, redirect};
use tracing::warn;

use crate::connector::{Connector, SettingsError};
use crate::error::root_cause;
use crate::guard::{ForbiddenAddress, Guard, GuardedResolver};
use crate::text::token;
use crate::{Destination, Notice, Page, Receipt, Secret, SendError};

pub use answer::MAX_RETRY_AFTER;
pub use body::MAX_BODY_BYTES;
pub use sign::signature;

/// Connections to a host that are kept for the next message: as many as a lane of pages has under way with a provider. In a
/// storm each message would otherwise pay for a connection of its own, and for its TLS.
const MAX_IDLE: usize = 64;
/// How long they are kept: less than the five seconds after which widespread servers, such as that of Node, close what is
/// idle. A page must not be put on a connection that is being closed.
const IDLE: Duration = Duration::from_secs(4);
/// A body of an answer up to this size is read to its end, so that the connection can be used again.
const MAX_DRAINED_BYTES: u64 = 4096;

/// Sends pages and notices to HTTP endpoints that members chose.
#[derive(Debug)]
pub struct Webhooks {
    client: Client,
    guard: Arc<Guard>,
    timeout: Duration,
}

/// What is posted.
struct Parcel<'a> {
    key: &'a str,
    at_unix: i64,
    body: Result<Vec<u8>, serde_json::Error>,
}

impl Webhooks {
    /// A sender that reaches what `guard` permits, waits `timeout` for an answer, and trusts the system's certificate
    /// authorities and those in `authorities` (PEM). On a system that has none, only plain `http` gets through.
    pub fn new(guard: Guard, timeout: Duration, authorities: Option<&[u8]>) -> Result<Self, SettingsError> {
        crate::install_tls();
        let guard = Arc::new(guard);
        let client = || {
            Client::builder()
                .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")))
                // A proxy would resolve names where the guard cannot see, and a redirect can lead anywhere.
                .no_proxy()
                .redirect(redirect::Policy::none())
                .dns_resolver(GuardedResolver(Arc::clone(&guard)))
                .referer(false)
                .pool_max_idle_per_host(MAX_IDLE)
                .pool_idle_timeout(IDLE)
                .connect_timeout(timeout.min(Duration::from_secs(5)))
                .timeout(timeout)
        };
        let client = match authorities.map(Certificate::from_pem_bundle).transpose() {
            Ok(Some(trusted)) => client().tls_certs_merge(trusted).build(),
            Ok(None) => client().build().or_else(|error| {
                // A bare container; it may still run its demo and call http.
                warn!(
                    error = root_cause(&error),
                    "no certificate authorities, so no https webhook will be sent"
                );
                client().tls_certs_only([]).build()
            }),
            Err(error) => Err(error),
        };
        Ok(Self { client: client.map_err(SettingsError::Tls)?, guard, timeout })
    }

    async fn post(&self, parcel: Parcel<'_>, url: &str, secrets: &[Secret]) -> Result<Receipt, SendError> {
        let Parcel { key, at_unix, body } = parcel;
        let url = self.checked(url)?;
        if secrets.is_empty() {
            return Err(SendError::Invalid { why: "a webhook needs a secret to sign with".to_owned() });
        }
        let body = body.map_err(|e| SendError::Unknown { why: root_cause(&e) })?;
        // The signed content separates its parts by dots, so an id must have none.
        let id = token(key);
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", at_unix)
            .header("webhook-signature", signature(secrets, &id, at_unix, &body))
            .body(body);
        let response = request.send().await.map_err(|error| self.explain(&error))?;
        let status = response.status();
        answer::judge(status, response.headers(), at_unix)?;
        drain(response).await;
        Ok(Receipt { provider: self.name(), reference: Some(status.as_str().to_owned()) })
    }

    fn deliver<'a>(
        &'a self,
        to: &'a Destination,
        parcel: impl FnOnce() -> Parcel<'a>,
    ) -> BoxFuture<'a, Result<Receipt, SendError>> {
        match to {
            Destination::Webhook { url, secrets } => self.post(parcel(), url, secrets).boxed(),
            Destination::Email { .. } => {
                let why = "a mail address was given to the sender of webhooks".to_owned();
                futures::future::ready(Err(SendError::Invalid { why })).boxed()
            }
        }
    }

    /// The parsed link, if its scheme is known and its host is not a forbidden address. Names are judged when they
    /// are resolved; an address in a link never passes a resolver.
    fn checked(&self, url: &str) -> Result<Url, SendError> {
        let invalid = |why: &str| SendError::Invalid { why: why.to_owned() };
        let url = Url::parse(url).map_err(|_| invalid("the webhook address is not a link"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(invalid("a webhook address starts with https:// or http://"));
        }
        let host = url.host_str().ok_or_else(|| invalid("the webhook address names no host"))?;
        // Parsing has turned 0x7f.1, 2130706433 and the like into four plain numbers.
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.guard.permits(address) => Err(SendError::Forbidden { address }),
            _ => Ok(url),
        }
    }

    fn explain(&self, error: &reqwest::Error) -> SendError {
        if let Some(ForbiddenAddress(address)) = forbidden(error) {
            return SendError::Forbidden { address: *address };
        }
        if error.is_timeout() {
            return SendError::TimedOut { after: self.timeout };
        }
        let why = root_cause(error);
        if error.is_builder() { SendError::Invalid { why } } else { SendError::Unreachable { why } }
    }
}

impl Connector for Webhooks {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn send<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Receipt, SendError>> {
        let parcel = || Parcel { key: &page.key, at_unix: page.at_unix, body: body::body(page) };
        self.deliver(&page.to, parcel)
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<Receipt, SendError>> {
        let parcel = || Parcel { key: &notice.key, at_unix: notice.at_unix, body: notice::body(notice) };
        self.deliver(&notice.to, parcel)
    }
}

/// The guard's refusal, if that is what lies beneath a failed request.
fn forbidden(error: &reqwest::Error) -> Option<&ForbiddenAddress> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(forbidden) = error.downcast_ref() {
            return Some(forbidden);
        }
        cause = error.source();
    }
    None
}

/// Reads a small body to its end. The page is delivered whatever comes of it.
async fn drain(response: Response) {
    if response.content_length().is_some_and(|length| length <= MAX_DRAINED_BYTES) {
        let _ = response.bytes().await;
    }
}
