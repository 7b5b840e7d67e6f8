//! Proving that the log is what was written.

use crate::{
    Position, StoreError,
    backend::Backend,
    hash::{GENESIS, Hash, link},
    row::Row,
};

/// What a walk along the hash chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verified {
    /// Every event is what was written, in the order in which it was written.
    Intact {
        /// How many events there are; also the last position.
        events: u64,
        /// The hash of the last one, which stands for all of them.
        hash: [u8; 32],
    },
    /// Something was changed.
    Tampered {
        /// The first position that does not follow from what stands before it.
        position: Position,
        /// What is wrong there.
        why: String,
    },
}

/// How many rows are read at a time.
const PAGE: usize = 512;

/// Walks the chain from the first event to the head as it was at the start.
pub(crate) async fn walk(
    backend: &dyn Backend,
    progress: &mut (dyn FnMut(Position) + Send),
) -> Result<Verified, StoreError> {
    let (head, head_hash) = backend.head().await?;
    let mut chain = Chain { events: 0, hash: GENESIS };
    loop {
        let rows = backend.rows(chain.events, PAGE).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            if let Err(why) = chain.follow(row) {
                return Ok(Verified::Tampered { position: chain.events + 1, why });
            }
            if row.position == head && row.hash != head_hash {
                let why = "the log's head remembers another event here".to_owned();
                return Ok(Verified::Tampered { position: head, why });
            }
        }
        progress(chain.events);
    }
    if chain.events < head {
        let why = format!("the log ends before its head at position {head}");
        return Ok(Verified::Tampered { position: chain.events + 1, why });
    }
    // It may have grown meanwhile, but never beyond its head.
    let (head, _) = backend.head().await?;
    if chain.events > head {
        let why = format!("the event stands beyond the log's head at position {head}");
        return Ok(Verified::Tampered { position: head + 1, why });
    }
    Ok(Verified::Intact { events: chain.events, hash: chain.hash })
}

struct Chain {
    events: u64,
    hash: Hash,
}

impl Chain {
    fn follow(&mut self, row: &Row) -> Result<(), String> {
        let expected = self.events + 1;
        if row.position != expected {
            return Err(format!("the event is missing; the next one has position {}", row.position));
        }
        let hash = link(&self.hash, expected, &row.content());
        if hash != row.hash {
            return Err("the hash does not follow from the event and the one before it".to_owned());
        }
        *self = Self { events: expected, hash };
        Ok(())
    }
}
