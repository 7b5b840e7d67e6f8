//! Messages of Amazon's notification service, and the certificate that is found where they say. None is ever believed,
//! whatever it says and wherever that leads.
//!
//! What follows a line of `--` is what lies at every address.

use std::sync::Arc;

use connectors::{Fetch, FetchError, Sns, SnsMessage};
use futures::{
    FutureExt,
    executor::block_on,
    future::{self, BoxFuture},
};
use serde_json::Value;

/// Seconds since 1970, in which the certificates of the tests are in force.
const NOW: u64 = 1_764_000_000;
/// What ends the message.
const END: &[u8] = b"\n--\n";
/// Characters of a reason: what a stranger said may be in it.
const MAX_REASON: usize = 300;

/// A web in which the same lies everywhere.
struct Everywhere(Vec<u8>);

impl Fetch for Everywhere {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Vec<u8>, FetchError>> {
        future::ready(Ok(self.0.clone())).boxed()
    }
}

/// Panics unless the message in `data` is read as it should be, and refused.
///
/// # Panics
///
/// If it does not hold.
pub fn check(data: &[u8]) {
    let end = data.windows(END.len()).position(|window| window == END);
    let (said, found) = end.map_or((data, &[][..]), |end| (&data[..end], &data[end + END.len()..]));
    let message = match SnsMessage::parse(said) {
        Ok(message) => message,
        Err(why) => return fits(&why),
    };
    let body = said.strip_prefix(b"\xef\xbb\xbf").unwrap_or(said);
    if let Ok(Value::Object(fields)) = serde_json::from_slice(body) {
        assert_eq!(fields["MessageId"], *message.message_id, "it is what JSON says");
        assert_eq!(fields["Message"], *message.message);
    }
    let sns = Sns::new(Arc::new(Everywhere(found.to_vec())));
    for _ in 0..2 {
        let why = block_on(sns.verify(&message, NOW)).expect_err("nobody forges what Amazon signs");
        fits(&why.to_string());
    }
}

fn fits(why: &str) {
    assert!(!why.is_empty() && why.chars().count() <= MAX_REASON, "{} characters", why.chars().count());
    assert!(!why.contains(char::is_control), "it fits in a line");
}
