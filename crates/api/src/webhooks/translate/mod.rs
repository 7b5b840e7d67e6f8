//! Translation of messages: bytes in, [`Translated`] out, nothing else. The same function chooses the answer to the
//! sender and, later, the delivery's verdict, so the two agree.
//!
//! Leniency is on purpose: senders in the field leave fields empty, send numbers for texts and add fields. What can be
//! understood pages; only what cannot is refused, and then with the place and the reason.

mod alertmanager;
mod generic;
mod json;
mod malformed;
mod pagerduty;
#[cfg(test)]
mod tests;
mod text;
mod words;

use domain::{DeliveryId, Translated, integration::IntegrationKind};

pub use malformed::{Malformed, Problem};
pub(crate) use pagerduty::routing_key;

/// What a message says, in the vocabulary of incidents. An empty list says that there is nothing to do.
pub fn translate(
    format: IntegrationKind,
    body: &[u8],
    delivery: DeliveryId,
) -> Result<Vec<Translated>, Malformed> {
    let message = json::Json::parse(body)?;
    match format {
        IntegrationKind::Generic => generic::translate(&message),
        IntegrationKind::Alertmanager => alertmanager::translate(&message),
        IntegrationKind::PagerDuty => pagerduty::translate(&message, delivery),
    }
    .map(|translated| vec![translated])
}
