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
        let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "6e7223462763960da1732222ee562c3bc5790d05ca01a69a628fe84703191d95");
    }
}
