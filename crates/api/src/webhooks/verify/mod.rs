//! The one verifier: does a message prove that it comes from whom the entrance was made for?
//!
//! Every comparison takes as long for a wrong proof as for a right one. A proof that is right but old is a proof: the
//! delivery is marked, not dropped.

mod address;
mod content;
mod mail;
mod secrets;
mod signature;
mod sns;
#[cfg(test)]
mod tests;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use connectors::{Sns, SnsMessage};
use domain::{
    Timestamp,
    delivery::{Mistimed, Proof},
    integration::{Entrance, SignatureScheme, Verification},
};
use ring::digest;
use store::{StoreError, Vault};
use subtle::ConstantTimeEq;

pub(super) use mail::Posted;
use secrets::Secrets;

use crate::webhooks::translate::reason;

/// A message, with everything that proofs look at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    /// Its headers.
    pub(super) headers: &'a HeaderMap,
    /// The address that was called, as the sender knows it.
    pub(super) url: &'a str,
    /// What stood on the envelope of a mail.
    pub(super) posted: Option<Posted<'a>>,
    /// Its bytes.
    pub(super) body: &'a [u8],
}

impl<'a> Claim<'a> {
    /// A header's value, if it is there and is text.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
    }
}

/// A message that proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proven {
    /// By what.
    pub(super) proof: Proof,
    /// What no other message has, so that a repetition can be told.
    pub(super) unique: Option<String>,
    /// Whether its signed time is far off.
    pub(super) mistimed: Option<Mistimed>,
    /// The message itself, if it asks to confirm a subscription.
    pub(super) subscription: Option<Box<SnsMessage>>,
}

impl Proven {
    const fn by(proof: Proof) -> Self {
        Self { proof, unique: None, mistimed: None, subscription: None }
    }
}

/// Why a message did not prove itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unproven {
    /// A word that stays the same.
    pub(super) slug: &'static str,
    /// Why, in few words: those of whoever proved nothing may be among them.
    pub(super) why: String,
    /// What a proof would be, as `WWW-Authenticate` has it.
    pub(super) challenge: &'static str,
}

impl Unproven {
    fn unsigned(why: impl Into<String>) -> Self {
        Self { slug: "unsigned", why: reason(&why.into()), challenge: "HMAC" }
    }

    fn wrong_signature(why: impl Into<String>) -> Self {
        Self { slug: "wrong-signature", why: reason(&why.into()), challenge: "HMAC" }
    }

    /// Of a message that had more bytes than are read; so many are known of.
    pub(super) fn too_large(bytes: u64, limit: usize) -> Self {
        let why = format!(
            "too large: at most {limit} bytes are read, {bytes} or more came, and the signature is over all of them"
        );
        Self { slug: "too-large", why: reason(&why), challenge: "HMAC" }
    }

    fn wrong_secret(why: impl Into<String>, challenge: &'static str) -> Self {
        Self { slug: "wrong-secret", why: reason(&why.into()), challenge }
    }
}

/// What kept a proof from being judged, or spoke against it.
#[derive(Debug)]
pub(super) enum Doubt {
    /// The message did not prove itself.
    Unproven(Unproven),
    /// The secrets cannot be read.
    Fault(StoreError),
    /// Somebody who has to be asked cannot be reached.
    Later(String),
}

impl From<Unproven> for Doubt {
    fn from(why: Unproven) -> Self {
        Self::Unproven(why)
    }
}

impl From<StoreError> for Doubt {
    fn from(fault: StoreError) -> Self {
        Self::Fault(fault)
    }
}

/// Judges proofs. Keeps secrets ready for a short time.
pub(super) struct Verifier {
    secrets: Secrets,
}

impl Verifier {
    pub(super) fn new() -> Self {
        Self { secrets: Secrets::new() }
    }

    /// How a message through `entrance` proved itself.
    pub(super) async fn prove(
        &self,
        vault: &Vault,
        sns: &Sns,
        entrance: &Entrance,
        claim: Claim<'_>,
        now: Timestamp,
    ) -> Result<Proven, Doubt> {
        let secrets = match &entrance.verification {
            Verification::Key => return Ok(Proven::by(Proof::Key)),
            Verification::Mail { senders } => return Ok(mail::check(senders, claim)?),
            _ => self.secrets.of(vault, entrance, now).await?,
        };
        Ok(match &entrance.verification {
            Verification::Key => Proven::by(Proof::Key),
            Verification::Mail { senders } => mail::check(senders, claim)?,
            Verification::Signature(scheme) => {
                let signed = signature::check(scheme, &secrets, claim)?;
                let tolerance = u64::from(scheme.tolerance_seconds);
                Proven {
                    unique: signed.unique,
                    mistimed: signed.at.and_then(|at| mistimed(at, now, tolerance)),
                    ..Proven::by(Proof::Signature)
                }
            }
            Verification::Bearer => bearer(&secrets, claim)?,
            Verification::Basic { user } => basic(user, &secrets, claim)?,
            Verification::Header { name } => {
                let given = claim.header(name).unwrap_or_default();
                if !any_is(&secrets, given.as_bytes()) {
                    let why = format!("this integration requires its secret in the header `{name}`");
                    return Err(Unproven::wrong_secret(why, "Header").into());
                }
                Proven::by(Proof::Token)
            }
            Verification::Sns { topics, raw } => sns::check(sns, topics, *raw, claim, now).await?,
        })
    }
}

/// What a message is known by when it comes again, if it is signed under the secret as the scheme asks: an error says why it is
/// not, and nothing is known of a message whose scheme signs neither its time nor an id. For whoever gives this bytes that
/// nobody thought of; headers that cannot be any are left out.
pub fn vouched(
    scheme: &SignatureScheme,
    secret: &[u8],
    headers: &[(&str, &[u8])],
    body: &[u8],
) -> Result<Option<String>, String> {
    let headers: HeaderMap = headers
        .iter()
        .filter_map(|(name, value)| {
            Some((name.parse::<HeaderName>().ok()?, HeaderValue::from_bytes(value).ok()?))
        })
        .collect();
    let claim = Claim { headers: &headers, url: "", posted: None, body };
    let signed = signature::check(scheme, &[secrets::Secret::new(secret)], claim);
    signed.map(|signed| signed.unique).map_err(|why| why.why)
}

fn bearer(secrets: &[secrets::Secret], claim: Claim<'_>) -> Result<Proven, Unproven> {
    match credentials(claim, "bearer") {
        Some(token) if any_is(secrets, token.as_bytes()) => Ok(Proven::by(Proof::Token)),
        _ => {
            let why = "this integration requires `Authorization: Bearer` with its secret";
            Err(Unproven::wrong_secret(why, "Bearer"))
        }
    }
}

fn basic(user: &str, secrets: &[secrets::Secret], claim: Claim<'_>) -> Result<Proven, Unproven> {
    let given = credentials(claim, "basic").and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
    let mut parts = given.splitn(2, |byte| *byte == b':');
    let (name, password) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let right = same(name, user.as_bytes()) & any_is(secrets, password);
    if right {
        return Ok(Proven::by(Proof::Password));
    }
    let why = "this integration requires basic authentication with its user and its secret";
    Err(Unproven::wrong_secret(why, "Basic realm=\"Midwatch\""))
}

/// What follows the scheme in `Authorization`.
pub(super) fn credentials<'a>(claim: Claim<'a>, scheme: &str) -> Option<&'a str> {
    let value = claim.header(header::AUTHORIZATION.as_str())?;
    let (given, rest) = value.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

/// Whether one of the secrets is this text. Looks at all of them.
fn any_is(secrets: &[secrets::Secret], given: &[u8]) -> bool {
    secrets.iter().fold(false, |found, secret| same(secret.text(), given) | found)
}

/// Compares digests, so that not even the length of what is right can be told by the time it takes.
fn same(one: &[u8], other: &[u8]) -> bool {
    let digest = |bytes| digest::digest(&digest::SHA256, bytes);
    digest(one).as_ref().ct_eq(digest(other).as_ref()).into()
}

/// A clock of the sender that runs ahead a little is none of our business.
const EARLY_SECONDS: u64 = 60;

fn mistimed(at: Timestamp, now: Timestamp, tolerance: u64) -> Option<Mistimed> {
    let (late, early) = (now.since(at).as_secs(), at.since(now).as_secs());
    if late > tolerance {
        Some(Mistimed::LateBySeconds(late))
    } else if early > EARLY_SECONDS.min(tolerance) {
        Some(Mistimed::EarlyBySeconds(early))
    } else {
        None
    }
}
