//! Small downloads from addresses that messages of others name.

use std::{net::IpAddr, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use reqwest::{Certificate, Client, StatusCode, Url, redirect};

use crate::{
    Guard, SettingsError,
    error::root_cause,
    guard::{ForbiddenAddress, GuardedResolver},
};

/// The most that is read of an answer.
const MAX_BYTES: usize = 256 * 1024;

/// Why a download failed, worded without what follows the path of the link: that may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// The address is no link, or leads to a place that must not be called.
    #[error("`{}` must not be called: {why}", without_query(url))]
    Forbidden {
        /// The link.
        url: String,
        /// Why not.
        why: String,
    },
    /// Nobody answered, or not in time.
    #[error("`{}` cannot be reached: {why}", without_query(url))]
    Unreachable {
        /// The link.
        url: String,
        /// Why not.
        why: String,
    },
    /// The server has nothing there for us, and is not going to: an answer of the 400s.
    #[error("`{}` answered {status}", without_query(url))]
    Absent {
        /// The link.
        url: String,
        /// With what.
        status: u16,
    },
    /// The answer is not what it should be.
    #[error("`{}` answered {why}", without_query(url))]
    Refused {
        /// The link.
        url: String,
        /// With what.
        why: String,
    },
}

/// Something that downloads.
pub trait Fetch: Send + Sync {
    /// The body that a link answers with.
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>>;
}

/// Downloads from the internet, and from nowhere that the guard forbids.
#[derive(Debug)]
pub struct Downloads {
    client: Client,
    guard: Arc<Guard>,
}

impl Downloads {
    /// Downloads from what `guard` permits, each within `timeout`, trusting the system's certificate authorities and
    /// those in `authorities` (PEM).
    pub fn new(guard: Guard, timeout: Duration, authorities: Option<&[u8]>) -> Result<Self, SettingsError> {
        crate::install_tls();
        let guard = Arc::new(guard);
        let client = || {
            Client::builder()
                .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")))
                // As for webhooks: nothing may lead elsewhere.
                .no_proxy()
                .redirect(redirect::Policy::none())
                .dns_resolver(GuardedResolver(Arc::clone(&guard)))
                .referer(false)
                .connect_timeout(timeout.min(Duration::from_secs(5)))
                .timeout(timeout)
        };
        let client = match authorities.map(Certificate::from_pem_bundle).transpose() {
            Ok(Some(trusted)) => client().tls_certs_merge(trusted).build(),
            // A system without authorities can still run; what it downloads by https fails by itself.
            Ok(None) => client().build().or_else(|_| client().tls_certs_only([]).build()),
            Err(error) => Err(error),
        };
        Ok(Self { client: client.map_err(SettingsError::Tls)?, guard })
    }

    async fn download(&self, url: &str) -> Result<Vec<u8>, FetchError> {
        let forbidden = |why: &str| FetchError::Forbidden { url: url.to_owned(), why: why.to_owned() };
        let link = Url::parse(url).map_err(|_| forbidden("it is no link"))?;
        let host = link.host_str().ok_or_else(|| forbidden("it names no host"))?;
        // Names are judged when they are resolved; an address in a link never passes a resolver.
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>()
            && !self.guard.permits(address)
        {
            return Err(forbidden("its address is private or reserved"));
        }
        let response = self.client.get(link).send().await.map_err(|error| explain(url, &error))?;
        let refused = |why: String| FetchError::Refused { url: url.to_owned(), why };
        match response.status() {
            status if status.is_success() => {}
            status if is_lasting(status) => {
                return Err(FetchError::Absent { url: url.to_owned(), status: status.as_u16() });
            }
            status => return Err(refused(status.to_string())),
        }
        let (mut body, mut response) = (vec![], response);
        while let Some(part) = response.chunk().await.map_err(|error| explain(url, &error))? {
            body.extend_from_slice(&part);
            if body.len() > MAX_BYTES {
                return Err(refused(format!("more than {MAX_BYTES} bytes")));
            }
        }
        Ok(body)
    }
}

impl Fetch for Downloads {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        self.download(url).boxed()
    }
}

/// Whether the same question would get the same answer again.
fn is_lasting(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}

/// Scheme, host and path of a link. The links that confirm something have their token behind that.
fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn explain(url: &str, error: &reqwest::Error) -> FetchError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(ForbiddenAddress(_)) = error.downcast_ref() {
            return FetchError::Forbidden { url: url.to_owned(), why: error.to_string() };
        }
        cause = error.source();
    }
    FetchError::Unreachable { url: url.to_owned(), why: root_cause(error) }
}

/// Downloads nothing; for those who have no business outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDownloads;

impl Fetch for NoDownloads {
    fn get<'a>(&'a self, url: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        let why = "nothing is downloaded here".to_owned();
        futures::future::ready(Err(FetchError::Forbidden { url: url.to_owned(), why })).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_about_a_link_has_what_it_asks_with() {
        let url = || "https://sns.eu-central-1.amazonaws.com/a/b?Action=Confirm&Token=2336#2336".to_owned();
        let why = || "why".to_owned();
        for error in [
            FetchError::Forbidden { url: url(), why: why() },
            FetchError::Unreachable { url: url(), why: why() },
            FetchError::Absent { url: url(), status: 404 },
            FetchError::Refused { url: url(), why: why() },
        ] {
            let words = error.to_string();
            assert!(words.starts_with("`https://sns.eu-central-1.amazonaws.com/a/b` "), "{words}");
            assert!(!words.contains("2336"), "{words}");
        }
    }

    #[test]
    fn an_answer_that_may_change_soon_does_not_last() {
        for (status, lasting) in [
            (400, true),
            (403, true),
            (404, true),
            (410, true),
            (408, false),
            (429, false),
            (500, false),
            (503, false),
        ] {
            assert_eq!(is_lasting(StatusCode::from_u16(status).expect("a status")), lasting, "{status}");
        }
    }
}
