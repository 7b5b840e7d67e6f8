//! Webhooks: what monitoring tools send, kept as it came, then understood.

pub mod translate;
