//! Pages and notices as mail, through the operator's relay.

mod letter;
mod notice;
mod relay;
mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::response::Response;

use crate::connector::{Connector, SettingsError};
use crate::error::root_cause;
use crate::text::one_line;
use crate::{Destination, Notice, Page, Receipt, SendError};
use relay::{Failure, Relay};

pub use relay::MAX_MAILS;
pub use settings::{SmtpSettings, SmtpSettingsError, Transport};

/// Characters of a relay's answer that are kept.
const MAX_ANSWER: usize = 200;

/// Sends pages and notices as mail.
pub struct Mail {
    relay: Relay,
    from: Mailbox,
    timeout: Duration,
}

impl Mail {
    /// A sender through a relay that gives each mail `timeout`, connecting included, and trusts Mozilla's certificate
    /// authorities and those in `authorities` (PEM).
    pub fn new(
        settings: SmtpSettings,
        timeout: Duration,
        authorities: Option<&[u8]>,
    ) -> Result<Self, SettingsError> {
        crate::install_tls();
        let from = settings.from.clone();
        Ok(Self { relay: Relay::new(settings, authorities).map_err(SettingsError::MailTls)?, from, timeout })
    }

    async fn post(&self, mail: Result<Message, SendError>) -> Result<Receipt, SendError> {
        let mail = mail?;
        // Waiting for the mails before this one is not the relay's slowness.
        let slot = self.relay.slots.acquire().await;
        let outcome = tokio::time::timeout(self.timeout, self.relay.hand_over(&mail)).await;
        drop(slot);
        match outcome {
            Ok(Ok(response)) => Ok(Receipt { provider: self.name(), reference: Some(words(&response)) }),
            Ok(Err(failure)) => Err(explain(&failure)),
            Err(_) => Err(SendError::TimedOut { after: self.timeout }),
        }
    }
}

impl Connector for Mail {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn send<'a>(&'a self, page: &'a Page) -> BoxFuture<'a, Result<Receipt, SendError>> {
        match &page.to {
            Destination::Email { address } => self.post(letter::letter(page, address, &self.from)).boxed(),
            Destination::Webhook { .. } => misdirected(),
        }
    }

    fn notify<'a>(&'a self, notice: &'a Notice) -> BoxFuture<'a, Result<Receipt, SendError>> {
        match &notice.to {
            Destination::Email { address } => self.post(notice::letter(notice, address, &self.from)).boxed(),
            Destination::Webhook { .. } => misdirected(),
        }
    }
}

fn misdirected() -> BoxFuture<'static, Result<Receipt, SendError>> {
    let why = "a webhook was given to the sender of mail".to_owned();
    futures::future::ready(Err(SendError::Invalid { why })).boxed()
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn words(response: &Response) -> String {
    let message: Vec<&str> = response.message().collect();
    one_line(&format!("{} {}", response.code(), message.join(" ")), MAX_ANSWER)
}

/// A reply of 5xx is final and one of 4xx is not (RFC 5321, 4.2.1), except where a login is at fault (RFC 4954, 6):
/// the operator can put that right while the page is still wanted.
fn explain(failure: &Failure) -> SendError {
    let error = match failure {
        Failure::Smtp(error) => error,
        Failure::Incapable(why) => return SendError::Refused { status: 554, answer: (*why).to_owned() },
    };
    let why = root_cause(error);
    match error.status().map(u16::from) {
        Some(status @ (530 | 534 | 535 | 538 | ..500)) => {
            SendError::Unavailable { status, answer: why, retry_after: None }
        }
        Some(status) => SendError::Refused { status, answer: why },
        // The relay is not what the settings say: no STARTTLS, no way to log in.
        None if error.is_client() => SendError::Unknown { why },
        None => unreachable_because(error, why),
    }
}

fn unreachable_because(error: &Error, why: String) -> SendError {
    // Half an answer and then nothing is a broken connection, whatever it is called.
    let why = if error.is_response() { format!("the conversation broke off: {why}") } else { why };
    SendError::Unreachable { why }
}
