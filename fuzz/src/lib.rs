//! What must hold for whatever strangers send and administrators write. One module for each target of libFuzzer, with a
//! function over bytes that panics where something does not hold. The targets run them on bytes that nobody thought of,
//! and the tests of `crates/api` on the corpus.

pub mod expressions;
pub mod fitting;
pub mod json;
pub mod mails;
pub mod messages;
pub mod signatures;
pub mod smtp;
pub mod sns;
