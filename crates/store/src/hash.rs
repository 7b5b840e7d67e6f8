//! The hash chain that makes the log provable: each event's hash covers the one before it.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A SHA-256 digest.
pub(crate) type Hash = [u8; 32];

/// What stands before the first event's hash.
pub(crate) const GENESIS: Hash = [0; 32];

/// Everything about an event except where it stands in the log.
pub(crate) struct Content<'a> {
    pub(crate) stream: &'a str,
    pub(crate) version: u64,
    pub(crate) id: Uuid,
    pub(crate) kind: &'a str,
    /// Milliseconds since the epoch.
    pub(crate) recorded_at: i64,
    /// The exact JSON text that is stored.
    pub(crate) metadata: &'a str,
    pub(crate) payload: &'a [u8],
    /// The exact JSON array that is stored.
    pub(crate) subjects: &'a str,
}

impl Content<'_> {
    /// SHA-256 over all parts in the order of the fields, each after its length in 8 bytes, so that
    /// no two contents have the same input.
    pub(crate) fn digest(&self) -> Hash {
        let mut hasher = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        part(self.stream.as_bytes());
        part(&self.version.to_be_bytes());
        part(self.id.as_bytes());
        part(self.kind.as_bytes());
        part(&self.recorded_at.to_be_bytes());
        part(self.metadata.as_bytes());
        part(self.payload);
        part(self.subjects.as_bytes());
        hasher.finalize().into()
    }
}

/// The hash of an event at `position`: SHA-256(previous hash || position in 8 bytes || content).
pub(crate) fn link(previous: &Hash, position: u64, content: &Hash) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(previous);
    hasher.update(position.to_be_bytes());
    hasher.update(content);
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content<'a>(stream: &'a str, kind: &'a str) -> Content<'a> {
        Content {
            stream,
            version: 1,
            id: Uuid::from_u128(1),
            kind,
            recorded_at: 1_764_000_000_000,
            metadata: "{}",
            payload: b"{}",
            subjects: "[]",
        }
    }

    #[test]
    fn moving_bytes_between_parts_changes_the_digest() {
        assert_ne!(content("team-1", "a.v1").digest(), content("team-1a", ".v1").digest());
    }

    #[test]
    fn a_link_depends_on_what_came_before_and_where_it_stands() {
        let content = content("team-1", "a.v1").digest();
        let first = link(&GENESIS, 1, &content);
        assert_ne!(first, link(&GENESIS, 2, &content));
        assert_ne!(first, link(&first, 1, &content));
    }

    #[test]
    fn the_formula_never_changes() {
        let hash = link(&GENESIS, 1, &content("team-1", "a.v1").digest());
        assert_eq!(hash[..16], 0x6e72_2346_2763_960d_a173_2222_ee56_2c3b_u128.to_be_bytes());
        assert_eq!(hash[16..], 0xc579_0d05_ca01_a69a_628f_e847_0319_1d95_u128.to_be_bytes());
    }
}
