//! The trait that callers send through, and the senders of this build behind it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use tracing::{Instrument, info_span};

use crate::{
    Destination, Downloads, Guard, Mail, NoDownloads, Notice, Page, Receipt, SendError, SmtpSettings, Sns,
    Webhooks,
};

/// Something that hands pages to the outside world.
pub trait Connector: Send + Sync {
    /// The provider, as metrics and receipts name it.
    fn name(&self) -> &'static str;

    /// Hands over one page. May be called again with the same page: its key lets the receiver drop the repeat. Safe
    /// to drop before it ends; the page may then have been delivered or not.
    fn send<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Receipt, SendError>>;

    /// Hands over one notice, under the same promises.
    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<Receipt, SendError>>;
}

/// How to reach the outside world.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The mail relay; without one, mail is refused as not configured.
    pub smtp: Option<SmtpSettings>,
    /// Which private addresses webhooks may reach. The relay is the operator's own choice and not guarded.
    pub guard: Guard,
    /// Certificate authorities to trust beside the usual ones, as PEM.
    pub authorities: Option<Vec<u8>>,
    /// How long one mail may take, connection included.
    pub mail_timeout: Duration,
    /// How long a receiver may take to answer.
    pub webhook_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            smtp: None,
            guard: Guard::default(),
            authorities: None,
            mail_timeout: Duration::from_secs(30),
            webhook_timeout: Duration::from_secs(15),
        }
    }
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// Webhooks cannot be encrypted.
    #[error("the certificate authorities for webhooks cannot be used")]
    Tls(#[source] reqwest::Error),
    /// Mail cannot be encrypted.
    #[error("the certificate authorities for mail cannot be used")]
    MailTls(#[source] lettre::transport::smtp::Error),
}

/// All senders, and the choice between them. Cheap to clone.
#[derive(Clone)]
pub struct Connectors {
    mail: Arc<dyn Connector>,
    webhook: Arc<dyn Connector>,
    sns: Sns,
}

impl Connectors {
    /// The real senders.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        let authorities = settings.authorities.as_deref();
        let mail: Arc<dyn Connector> = match &settings.smtp {
            Some(smtp) => Arc::new(Mail::new(smtp.clone(), settings.mail_timeout, authorities)?),
            None => Arc::new(NoMail),
        };
        let webhook = Webhooks::new(settings.guard.clone(), settings.webhook_timeout, authorities)?;
        let downloads = Downloads::new(settings.guard.clone(), settings.webhook_timeout, authorities)?;
        let sns = Sns::new(Arc::new(downloads));
        Ok(Self { sns, ..Self::from_parts(mail, Arc::new(webhook)) })
    }

    /// Any senders, such as ones that record. Nothing is downloaded.
    pub fn from_parts(mail: Arc<dyn Connector>, webhook: Arc<dyn Connector>) -> Self {
        Self { mail, webhook, sns: Sns::new(Arc::new(NoDownloads)) }
    }

    /// The same, with another judge of the messages of Amazon's notification service.
    #[must_use]
    pub fn with_sns(self, sns: Sns) -> Self {
        Self { sns, ..self }
    }

    /// Judges messages of Amazon's notification service.
    pub const fn sns(&self) -> &Sns {
        &self.sns
    }

    /// Hands a page to the sender of its destination, measured and traced. The outcome is not logged: the caller
    /// records it.
    pub async fn send(&self, page: &Page) -> Result<Receipt, SendError> {
        let connector = self.sender(&page.to);
        let provider = connector.name();
        let span = info_span!(
            "send_page",
            otel.kind = "client",
            provider,
            page = %page.key,
            attempt = page.attempt,
            incident = %page.incident.id,
            outcome = tracing::field::Empty,
        );
        let started = Instant::now();
        let result = connector.send(page).instrument(span.clone()).await;
        span.record("outcome", result.as_ref().map_or_else(SendError::code, |_| "sent"));
        metrics::histogram!("midwatch_connector_send_seconds", "provider" => provider)
            .record(started.elapsed());
        match &result {
            Ok(_) => metrics::counter!("midwatch_connector_sent_total", "provider" => provider).increment(1),
            Err(error) => {
                metrics::counter!("midwatch_connector_failures_total", "provider" => provider, "code" => error.code())
                    .increment(1);
            }
        }
        result
    }

    /// Hands a notice to the sender of its destination. It is measured apart: it is no page.
    pub async fn notify(&self, notice: &Notice) -> Result<Receipt, SendError> {
        let connector = self.sender(&notice.to);
        let provider = connector.name();
        let (kind, attempt) = (&*notice.card.kind, notice.attempt);
        let span =
            info_span!("send_notice", otel.kind = "client", provider, notice = %notice.key, kind, attempt);
        let started = Instant::now();
        let result = connector.notify(notice).instrument(span).await;
        metrics::histogram!("midwatch_notice_send_seconds", "provider" => provider).record(started.elapsed());
        if let Err(error) = &result {
            metrics::counter!("midwatch_notice_failures_total", "provider" => provider, "code" => error.code())
                .increment(1);
        }
        result
    }

    fn sender(&self, to: &Destination) -> &Arc<dyn Connector> {
        match to {
            Destination::Email { .. } => &self.mail,
            Destination::Webhook { .. } => &self.webhook,
        }
    }
}

impl std::fmt::Debug for Connectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connectors")
            .field("mail", &self.mail.name())
            .field("webhook", &self.webhook.name())
            .field("sns", &self.sns)
            .finish()
    }
}

/// Stands where no relay is configured.
struct NoMail;

impl Connector for NoMail {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn send<'a>(&'a self, _: &'a Page) -> BoxFuture<'a, Result<Receipt, SendError>> {
        futures::future::ready(Err(SendError::NotConfigured { channel: "mail" })).boxed()
    }

    fn notify<'a>(&'a self, _: &'a Notice) -> BoxFuture<'a, Result<Receipt, SendError>> {
        futures::future::ready(Err(SendError::NotConfigured { channel: "mail" })).boxed()
    }
}
