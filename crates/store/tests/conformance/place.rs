//! Where a log lives while its rules are tried.

use store::{Options, Store, StoreError};

/// A backend with room for one fresh log.
pub(crate) trait Place: Sync {
    /// How many rounds the races run.
    const ROUNDS: u128;

    /// A place where no log has been yet.
    async fn fresh() -> Self;

    /// Opens the log. Opened again after `close`, it is the same log if the place is `Durable`.
    async fn open_with(&self, options: Options) -> Result<Store, StoreError>;

    /// Opens the log with usual limits.
    async fn open(&self) -> Store {
        self.open_with(Options::default()).await.expect("the log opens")
    }
}

/// A place that keeps its log when it is closed.
pub(crate) trait Durable: Place {
    /// Changes what is stored behind the log's back, while it is closed. The log has more positions than
    /// `position`, and every event has a stream of its own.
    async fn tamper(&self, position: u64, how: Tampering);
}

/// A change that nobody should get away with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tampering {
    /// One byte of the payload at the position becomes another.
    FlipPayload,
    /// The event at the position gets another actor in its metadata.
    ReplaceMetadata,
    /// The event at the position vanishes from the timelines of its subjects.
    ClearSubjects,
    /// The event at the position was recorded one millisecond later.
    MoveTime,
    /// The event at the position gets another kind.
    Rename,
    /// The event at the position is deleted.
    Delete,
    /// The event at the position is deleted and those after it move up by one.
    DeleteAndCloseRanks,
    /// The event at the position and the next one change places.
    Swap,
    /// A copy of the event before it, with an id and a stream of its own, is put in at the position, and
    /// those that were there move down by one. The head is not told.
    Insert,
    /// The events from the position on are deleted.
    CutOff,
    /// The head is moved back to right before the position, as if the events from there on were not part
    /// of the log.
    MoveHeadBack,
}

/// Every way to tamper.
pub(crate) const TAMPERINGS: [Tampering; 11] = [
    Tampering::FlipPayload,
    Tampering::ReplaceMetadata,
    Tampering::ClearSubjects,
    Tampering::MoveTime,
    Tampering::Rename,
    Tampering::Delete,
    Tampering::DeleteAndCloseRanks,
    Tampering::Swap,
    Tampering::Insert,
    Tampering::CutOff,
    Tampering::MoveHeadBack,
];
