//! Messages of Amazon's Simple Notification Service: signed by it, and from a topic that may send.

use connectors::{Sns, SnsError, SnsMessage};
use domain::{Timestamp, delivery::Proof, integration::SignatureScheme};

use super::{Claim, Doubt, Proven, Unproven, mistimed};
use crate::webhooks::translate;

/// How old a message may be before it is marked. The service tries again for more than an hour, which is taken too.
const TOLERANCE: u64 = SignatureScheme::TOLERANCE_SECONDS as u64;

/// Whether a message is the service's, or a raw one of whoever knows the secret address, where those are taken.
pub(super) async fn check(
    sns: &Sns,
    topics: &[String],
    raw: bool,
    claim: Claim<'_>,
    now: Timestamp,
) -> Result<Proven, Doubt> {
    let said_raw =
        claim.header("x-amz-sns-rawdelivery").is_some_and(|said| said.eq_ignore_ascii_case("true"));
    let message = match SnsMessage::parse(claim.body) {
        Ok(message) if !said_raw => message,
        Ok(_) | Err(_) if raw => {
            return Ok(Proven::by(Proof::Key));
        }
        Ok(_) => return Err(Unproven::unsigned("raw deliveries are not signed, and not taken here").into()),
        Err(why) => {
            let why = format!("raw deliveries are not signed, and not taken here; {why}");
            return Err(Unproven::unsigned(why).into());
        }
    };
    // Before anything is fetched on its behalf.
    if !topics.contains(&message.topic_arn) {
        let why = format!("not on the list of topics that may send: `{}`", message.topic_arn);
        return Err(Unproven::wrong_signature(why).into());
    }
    let seconds = u64::try_from(now.millis() / 1000).unwrap_or(0);
    match sns.verify(&message, seconds).await {
        Ok(()) => Ok(Proven {
            // Its id is signed, and the same when it is sent again.
            unique: Some(message.message_id.clone()),
            mistimed: translate::time(&message.timestamp).and_then(|at| mistimed(at, now, TOLERANCE)),
            subscription: message.asks_to_confirm().then(|| Box::new(message)),
            ..Proven::by(Proof::Signature)
        }),
        Err(SnsError::NotGenuine(why)) => Err(Unproven::wrong_signature(why).into()),
        Err(SnsError::Fetch(why)) => Err(Doubt::Later(why.to_string())),
    }
}
