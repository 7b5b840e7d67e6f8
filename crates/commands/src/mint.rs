//! Fresh ids and secrets: the only place where randomness enters.

use domain::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};

/// The namespace of ids derived from commands.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d69_6477_6174_6368_0000_0000_0000_0003);

/// A new id; later ones sort after earlier ones (UUIDv7).
#[expect(clippy::disallowed_methods, reason = "this is the one place that mints ids")]
pub fn uuid() -> Uuid {
    Uuid::now_v7()
}

/// `N` bytes that nobody can guess.
///
/// # Panics
/// When the operating system has no randomness to give.
pub fn secret<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives randomness");
    bytes
}

/// The id that follows from another one and a purpose (UUIDv5), so that repeating a command gives
/// the same ids again.
pub fn derived(from: Uuid, purpose: &str) -> Uuid {
    let mut name = from.as_bytes().to_vec();
    name.extend_from_slice(purpose.as_bytes());
    Uuid::new_v5(&NAMESPACE, &name)
}

/// Like [`derived`], with an instant in front as UUIDv7 has it (a UUIDv8, RFC 9562, 5.8). Ids of
/// commands that follow each other then lie beside each other in the log's index of commands, which
/// costs it a third of the writing that scattered ones do. `at` must be the same on every repetition.
pub fn derived_at(at: Timestamp, from: Uuid, purpose: &str) -> Uuid {
    let mut bytes = derived(from, purpose).into_bytes();
    bytes[..6].copy_from_slice(&at.millis().to_be_bytes()[2..]);
    Builder::from_custom_bytes(bytes).into_uuid()
}
