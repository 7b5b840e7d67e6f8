//! The outside world behind traits: mail, webhooks, and the little that is downloaded.
//!
//! A [`Page`] or a [`Notice`] goes to a [`Connector`], which answers with a [`Receipt`] or one of a closed list of [`SendError`]s. The
//! crate knows no event: whoever calls it turns facts into pages and outcomes into facts, and decides about retries.
//! Every send may run again after a crash, so each carries the same key every time: the `Message-ID` of a mail, the
//! `webhook-id` of a webhook.

mod connector;
mod error;
mod fetch;
mod guard;
mod mail;
mod notice;
mod page;
mod secret;
mod sns;
mod text;
mod tls;
mod webhook;

pub use connector::{Connector, Connectors, Settings, SettingsError};
pub use error::SendError;
pub use fetch::{Downloads, Fetch, FetchError, NoDownloads};
pub use guard::{Guard, Network, NetworkError};
pub use mail::{MAX_MAILS, Mail, SmtpSettings, SmtpSettingsError, Transport};
pub use notice::{Notice, NoticeCard, NoticeList};
pub use page::{Destination, IncidentCard, Page, Receipt, lane};
pub use secret::{Secret, SecretError};
pub use sns::{Sns, SnsError, SnsMessage};
pub use tls::install_tls;
pub use webhook::{MAX_BODY_BYTES, MAX_RETRY_AFTER, Webhooks, signature};
