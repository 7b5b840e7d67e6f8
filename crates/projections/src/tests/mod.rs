//! Given events, then rows; and whatever happens on the way, the same rows.

mod alerts;
mod alerts_oracle;
mod answers;
mod history;
mod oracle;
mod place;
mod projecting;
mod rebuilding;
mod timelines;
mod world;
