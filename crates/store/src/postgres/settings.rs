//! How to reach a server: a libpq-style URL, TLS, and time limits on everything.

use std::{sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use tokio_postgres::{Client, Config, Connection, Socket, config::SslMode, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{fault::described, trusting::Trusting};
use crate::StoreError;

/// How long to wait for a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long to wait for an answer; longer than the server gives itself.
pub(super) const ANSWER: Duration = Duration::from_secs(6);

/// What every session begins with. The isolation matters: under another level the later statements of
/// `append_batch` would not see what was committed while it waited for the head. Every statement looks for what it names by
/// an index, whatever the values are: so its plan is made once, not for each group of appends anew, which would take a
/// seventh of the time. A plan that was made while the log had a page or two must not read all of it ever after, not by
/// an index either, or be compiled at length.
const SESSION: &str = "SET default_transaction_isolation = 'read committed'; \
     SET lock_timeout = '3s'; SET statement_timeout = '5s'; SET idle_in_transaction_session_timeout = '5s'; \
     SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; \
     SET enable_mergejoin = off; SET jit = off; SET TimeZone = 'UTC'; \
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// What a session that writes much begins with, unless the operator chose something: what it wrote goes on to the disk a
/// megabyte at a time. A kernel that keeps it for half a minute, as Linux does, then writes a gigabyte at once, and a
/// commit that has to reach the disk meanwhile waits for half a second. Where the server's system cannot do this, the
/// server admits nothing but 0.
pub const WRITE_STEADILY: &str = "SELECT set_config('backend_flush_after', '1MB', false) FROM pg_settings \
     WHERE name = 'backend_flush_after' AND source = 'default' AND max_val::int >= 128";

/// A server, a database, and how to talk to it.
#[derive(Clone)]
pub(super) struct Settings {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Settings {
    /// Understands a URL. `sslmode` means what it means to libpq, except that `allow` and `prefer`, which
    /// promise nothing, do without TLS, and that `verify-ca` checks the host's name too. `sslrootcert` names
    /// a PEM file; without it the system's certificates are trusted.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (url, wanted) = Wanted::split(url);
        let mut config: Config = url.parse().map_err(|error| {
            StoreError::Refused(format!("the database URL cannot be read: {}", described(&error)).into())
        })?;
        config
            .application_name("midwatch")
            .connect_timeout(CONNECT)
            .keepalives(true)
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3)
            // A server that is cut off would otherwise hold a caller for minutes.
            .tcp_user_timeout(Duration::from_secs(5));
        config.ssl_mode(if wanted.tls()? { SslMode::Require } else { SslMode::Disable });
        Ok(Self { config, tls: MakeRustlsConnect::new(wanted.client()?) })
    }

    /// For a pool.
    pub(super) fn parts(&self) -> (Config, MakeRustlsConnect) {
        (self.config.clone(), self.tls.clone())
    }

    /// A connection of its own, with whoever must drive it.
    pub(super) async fn connect(&self) -> Result<(Client, Driver), tokio_postgres::Error> {
        self.config.connect(self.tls.clone()).await
    }
}

/// The other half of a connection.
pub(super) type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// Makes a new session behave; the connection must be driven meanwhile.
pub(super) async fn prepare(client: &Client) -> Result<(), tokio_postgres::Error> {
    client.batch_execute(SESSION).await?;
    client.batch_execute(WRITE_STEADILY).await
}

/// The parameters that the client library does not know.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    mode: Option<String>,
    roots: Option<String>,
}

impl Wanted {
    /// Takes the TLS parameters out of a URL.
    fn split(url: &str) -> (String, Self) {
        let mut wanted = Self::default();
        let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), wanted) };
        let mut kept = Vec::new();
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("sslmode", mode)) => wanted.mode = Some(mode.to_owned()),
                Some(("sslrootcert", path)) => wanted.roots = Some(unescaped(path)),
                _ => kept.push(parameter),
            }
        }
        (format!("{base}?{}", kept.join("&")), wanted)
    }

    fn tls(&self) -> Result<bool, StoreError> {
        match self.mode.as_deref() {
            None | Some("disable" | "allow" | "prefer") => Ok(false),
            Some("require" | "verify-ca" | "verify-full") => Ok(true),
            Some(other) => Err(StoreError::Refused(format!("there is no sslmode `{other}`").into())),
        }
    }

    fn client(&self) -> Result<ClientConfig, StoreError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(StoreError::unavailable)?;
        let config = match (self.mode.as_deref(), &self.roots) {
            // As libpq has it: without a root certificate, `require` encrypts and trusts whoever answers.
            (Some("require"), None) => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(Trusting::new(provider)))
            }
            (_, Some(path)) if path != "system" => builder.with_root_certificates(file(path)?),
            (Some(_), _) => builder.with_root_certificates(system()),
            (None, _) => builder.with_root_certificates(RootCertStore::empty()),
        };
        Ok(config.with_no_client_auth())
    }
}

fn file(path: &str) -> Result<RootCertStore, StoreError> {
    let unreadable = |why: &dyn std::fmt::Display| {
        StoreError::Refused(format!("the root certificates in `{path}` cannot be read: {why}").into())
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| unreadable(&error))? {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() { Err(unreadable(&"there are none")) } else { Ok(roots) }
}

fn system() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Undoes percent-encoding; a broken escape stays as it is.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = tail.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tls_parameters_are_taken_out_of_the_url() {
        let (url, wanted) = Wanted::split(
            "postgres://ada@db/mid?sslmode=verify-full&target_session_attrs=any&sslrootcert=%2Fa%20b.pem",
        );
        assert_eq!(url, "postgres://ada@db/mid?target_session_attrs=any");
        assert_eq!(wanted, Wanted { mode: Some("verify-full".into()), roots: Some("/a b.pem".into()) });
        assert_eq!(Wanted::split("postgres://db/mid").0, "postgres://db/mid");
    }

    #[test]
    fn a_url_without_tls_parameters_connects_plainly() {
        let settings = Settings::parse("postgres://ada:secret@db:5432/mid").expect("a url");
        assert_eq!(settings.config.get_ssl_mode(), SslMode::Disable);
        let settings = Settings::parse("postgres://db/mid?sslmode=require").expect("a url");
        assert_eq!(settings.config.get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for url in [
            "postgres://db/mid?sslmode=maybe",
            "postgres://db/mid?colour=blue",
            "postgres://db/mid?sslmode=verify-full&sslrootcert=/nowhere.pem",
        ] {
            assert!(matches!(Settings::parse(url), Err(StoreError::Refused(_))), "{url}");
        }
    }
}
