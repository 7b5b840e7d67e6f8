//! Conversations with the mail relay, kept open between mails.
//!
//! `lettre`'s own pool returns a connection even when a send was dropped halfway, and would read the late answer to
//! one mail as the answer to the next. Here a connection comes back only after a mail was taken.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::DEFAULT_MECHANISMS;
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt, Rset};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::sync::Semaphore;

use super::settings::{SmtpSettings, Transport};

/// Mails that are handed over at one time, each in a conversation of its own: enough for a storm, few enough for a relay's
/// limit on clients. More of them wait for each other.
pub const MAX_MAILS: usize = 8;
/// How long an unused conversation is kept. Relays hang up after minutes.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// The relay and the idle conversations with it.
pub(super) struct Relay {
    settings: SmtpSettings,
    tls: Option<TlsParameters>,
    hello: ClientId,
    idle: Mutex<Vec<Idle>>,
    pub(super) slots: Semaphore,
}

struct Idle {
    connection: AsyncSmtpConnection,
    since: Instant,
}

/// Why a mail was not taken.
pub(super) enum Failure {
    /// The relay said no, or the network failed.
    Smtp(Error),
    /// The relay cannot take such a mail at all.
    Incapable(&'static str),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Smtp(error)
    }
}

impl Relay {
    pub(super) fn new(settings: SmtpSettings, authorities: Option<&[u8]>) -> Result<Self, Error> {
        let tls = match settings.transport {
            Transport::Plain => None,
            Transport::StartTls | Transport::Tls => {
                let mut tls = TlsParameters::builder(settings.host.clone());
                if let Some(pem) = authorities {
                    tls = tls.add_root_certificate(Certificate::from_pem(pem)?);
                }
                Some(tls.build()?)
            }
        };
        Ok(Self {
            settings,
            tls,
            hello: ClientId::default(),
            idle: Mutex::new(Vec::new()),
            slots: Semaphore::new(MAX_MAILS),
        })
    }

    /// Hands over one mail. When this is dropped halfway the conversation is hung up with it.
    pub(super) async fn hand_over(&self, mail: &Message) -> Result<Response, Failure> {
        let mut connection = self.connection().await?;
        let response = converse(&mut connection, mail).await?;
        self.lock().push(Idle { connection, since: Instant::now() });
        Ok(response)
    }

    /// A conversation that is ready for a mail: an idle one that still answers, or a new one.
    async fn connection(&self) -> Result<AsyncSmtpConnection, Error> {
        loop {
            let Some(mut idle) = self.lock().pop() else { return self.connect().await };
            if idle.since.elapsed() < MAX_IDLE && idle.connection.command(Rset).await.is_ok() {
                return Ok(idle.connection);
            }
        }
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Error> {
        let SmtpSettings { host, port, transport, credentials, .. } = &self.settings;
        let wrapped = self.tls.clone().filter(|_| *transport == Transport::Tls);
        let server = (host.as_str(), *port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, None, &self.hello, wrapped, None).await?;
        if let Some(tls) = self.tls.clone().filter(|_| *transport == Transport::StartTls) {
            connection.starttls(tls, &self.hello).await?;
        }
        if let Some(credentials) = credentials {
            connection.auth(DEFAULT_MECHANISMS, credentials).await?;
        }
        Ok(connection)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // The list is whole at every moment, whatever its last holder did.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One mail in an open conversation. Unlike `lettre`'s own, it does not wait for a farewell after a refusal, so a
/// relay that hangs then cannot turn a clear no into a timeout.
async fn converse(connection: &mut AsyncSmtpConnection, mail: &Message) -> Result<Response, Failure> {
    let envelope = mail.envelope();
    let content = mail.formatted();
    let mut parameters = Vec::new();
    let mut addresses = envelope.to().iter().chain(envelope.from());
    if addresses.any(|address| !AsRef::<str>::as_ref(address).is_ascii()) {
        if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
            return Err(Failure::Incapable("the relay takes no addresses beyond ASCII (SMTPUTF8)"));
        }
        parameters.push(MailParameter::SmtpUtfEight);
    }
    if !content.is_ascii() {
        if !connection.server_info().supports_feature(Extension::EightBitMime) {
            return Err(Failure::Incapable("the relay takes no text beyond ASCII (8BITMIME)"));
        }
        parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    connection.command(Mail::new(envelope.from().cloned(), parameters)).await?;
    for recipient in envelope.to() {
        connection.command(Rcpt::new(recipient.clone(), Vec::new())).await?;
    }
    connection.command(Data).await?;
    Ok(connection.message(&content).await?)
}
