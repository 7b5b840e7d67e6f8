//! What every request of the edge may use, and who is asking.

use std::{sync::Arc, time::Duration};

use domain::{Actor, UserId, user::Role};
use sha2::{Digest, Sha256};
use store::Position;
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

/// Everything a request may use. Clones share it.
#[derive(Clone)]
pub struct App {
    /// Decides and records commands.
    pub engine: commands::Engine,
    /// The configuration, folded, in memory.
    pub directory: commands::DirectoryHandle,
    /// Opens incidents or adds to them.
    pub intake: Arc<commands::Intake>,
    /// How fast messages may come.
    pub pace: commands::Pace,
    /// What the edge understood, on its way to the intake.
    pub understood: crate::webhooks::Understood,
    /// Answers questions about incidents, deliveries, pages and timelines.
    pub reads: projections::ReadModels,
    /// Judges messages of Amazon's notification service.
    pub sns: connectors::Sns,
    /// What the operator chose.
    pub settings: Arc<Settings>,
    /// Cancelled when the process is to end: followers stop and sockets are closed.
    pub shutdown: CancellationToken,
}

impl App {
    /// Waits, but no longer than `within`, until everything that answers queries knows what happened up to
    /// `position`; says whether it does.
    pub async fn reach(&self, position: Position, within: Duration) -> bool {
        let (configuration, incidents) =
            tokio::join!(self.directory.reach(position, within), self.reads.reach(position, within));
        configuration && incidents
    }
}

/// What the operator chose.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The address under which people and monitoring tools reach this installation, without a final slash.
    pub public_url: String,
    /// The token that opens everything; none: only API keys open anything.
    pub admin_token: Option<TokenDigest>,
    /// The domain whose mail is for this installation; none: it takes no mail.
    pub mail_domain: Option<String>,
    /// How much one caller may ask for.
    pub limits: Limits,
}

/// How much one caller may ask for.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes in the body of one request, and in one message of a socket.
    pub body_bytes: usize,
    /// Nesting of one GraphQL operation.
    pub query_depth: usize,
    /// Cost of one GraphQL operation: one for each field, times the page size for what is in a list.
    pub query_cost: usize,
    /// How long a query waits for `waitFor`.
    pub query_wait: Duration,
    /// How long a mutation waits for the read models to show what it did.
    pub mutation_wait: Duration,
    /// Operations that one socket may have under way.
    pub socket_operations: usize,
    /// Messages that one socket may send in a second, on average; ten times as many at once.
    pub socket_rate: u32,
    /// How long a socket may take to introduce itself.
    pub socket_greeting: Duration,
    /// How often a silent socket is pinged; one that is silent for twice as long is dropped.
    pub socket_ping: Duration,
    /// How long a subscription is silent before it says that it is alive.
    pub heartbeat: Duration,
    /// Events that a subscription may be behind before it is told to start afresh.
    pub resume_horizon: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 512 * 1024,
            query_depth: 16,
            query_cost: 200_000,
            query_wait: Duration::from_secs(5),
            mutation_wait: Duration::from_secs(2),
            socket_operations: 100,
            socket_rate: 100,
            socket_greeting: Duration::from_secs(3),
            socket_ping: Duration::from_secs(20),
            heartbeat: Duration::from_secs(15),
            resume_horizon: 100_000,
        }
    }
}

/// SHA-256 of a secret token, compared without telling by its duration how much was right.
#[derive(Clone)]
pub struct TokenDigest([u8; 32]);

impl TokenDigest {
    /// The digest of `token`.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Whether `token` is the one this is the digest of.
    pub fn matches(&self, token: &str) -> bool {
        self.0.ct_eq(&Self::of(token).0).into()
    }
}

impl std::fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenDigest")
    }
}

/// Who is asking, once proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Whom the log names.
    pub actor: Actor,
    /// What they may do.
    pub role: Role,
    /// The person, if the token stands for one.
    pub user: Option<UserId>,
}

impl Viewer {
    /// Whether they may do what `role` may do.
    pub fn may(&self, role: Role) -> bool {
        rank(self.role) >= rank(role)
    }
}

const fn rank(role: Role) -> u8 {
    match role {
        Role::Observer => 1,
        Role::Responder => 2,
        Role::Administrator => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_token_matches() {
        let digest = TokenDigest::of("open sesame");
        assert!(digest.matches("open sesame"));
        assert!(!digest.matches("open sesame ") && !digest.matches(""));
    }

    #[test]
    fn a_responder_may_what_an_observer_may_but_not_configure() {
        let viewer = Viewer { actor: Actor::Administrator, role: Role::Responder, user: None };
        assert!(viewer.may(Role::Observer) && viewer.may(Role::Responder));
        assert!(!viewer.may(Role::Administrator));
    }
}
