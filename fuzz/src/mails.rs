//! Mails, as they came.
//!
//! The first byte says what is around the mail: the part of the address, and who sent it.

use domain::{delivery::Envelope, integration::IntegrationKind};

use super::messages;

/// Panics unless the mail in `data` is understood as it should be. Whatever it says, it pages or says why not.
///
/// # Panics
///
/// If it does not hold.
pub fn check(data: &[u8]) {
    let [around, mail @ ..] = data else { return };
    let envelope = Envelope {
        topic: (around & 1 != 0).then(|| "disk".to_owned()),
        mail_from: match around >> 1 & 3 {
            0 | 1 => Some("nagios@example.org".to_owned()),
            2 => Some(String::new()),
            _ => None,
        },
        ..Envelope::default()
    };
    let meaning = api::webhooks::translate::translate(
        IntegrationKind::Email,
        &envelope,
        mail,
        super::fitting::DELIVERY,
    );
    assert!(meaning.is_ok(), "every mail is understood somehow");
    messages::understood(IntegrationKind::Email, &envelope, mail);
}
