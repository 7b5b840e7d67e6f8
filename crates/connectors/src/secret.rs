//! The secret that a webhook is signed with.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const PREFIX: &str = "whsec_";

/// The shared secret of a signed webhook, 24 to 64 bytes, shown as `whsec_<base64>`. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// What is wrong with a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not `whsec_` and base64.
    #[error("a webhook secret starts with whsec_ and continues in base64")]
    Malformed,
    /// Too short to be safe, or longer than receivers take.
    #[error("a webhook secret has 24 to 64 bytes")]
    Length,
}

impl Secret {
    /// A secret of these bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, SecretError> {
        let bytes = bytes.into();
        if (24..=64).contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SecretError::Length) }
    }

    /// A new secret of bytes that the caller drew at random.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes to sign with.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as its owner sees it, once: `whsec_<base64>`.
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }
}

impl std::str::FromStr for Secret {
    type Err = SecretError;

    fn from_str(text: &str) -> Result<Self, SecretError> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(SecretError::Malformed)?;
        Self::new(STANDARD.decode(encoded).map_err(|_| SecretError::Malformed)?)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_as_it_is_shown() {
        let secret = Secret::from_random([7; 32]);
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }

    #[test]
    fn other_texts_are_no_secrets() {
        assert_eq!("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse::<Secret>(), Err(SecretError::Malformed));
        assert_eq!("whsec_!!".parse::<Secret>(), Err(SecretError::Malformed));
        assert_eq!("whsec_c2hvcnQ=".parse::<Secret>(), Err(SecretError::Length));
        assert_eq!(Secret::new([0; 65]), Err(SecretError::Length));
    }
}
