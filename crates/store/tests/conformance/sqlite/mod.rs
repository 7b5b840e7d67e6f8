//! The rules, in a SQLite file, and what only files can suffer.

mod crash;
mod file;

use rusqlite::Connection;
use store::{DatabaseUrl, Options, Store, StoreError};
use tempfile::TempDir;

use crate::{
    place::{Durable, Place, Tampering},
    rules::{every_durable_rule, every_rule},
};

pub(crate) struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("log.db")
    }

    /// A connection as anybody with a shell could have it.
    fn shell(&self) -> Connection {
        Connection::open(self.path()).expect("the file opens")
    }
}

impl Place for Sqlite {
    const ROUNDS: u128 = 200;

    async fn fresh() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    async fn open_with(&self, options: Options) -> Result<Store, StoreError> {
        Store::open(&DatabaseUrl::Sqlite(self.path()), options).await
    }
}

impl Durable for Sqlite {
    async fn tamper(&self, position: u64, how: Tampering) {
        let sql = match how {
            Tampering::FlipPayload => {
                "UPDATE events SET payload = CAST(replace(CAST(payload AS TEXT), 'command', 'commamd') AS BLOB)
                 WHERE position = :at"
            }
            Tampering::ReplaceMetadata => {
                "UPDATE events SET metadata = replace(metadata, 'clock', 'clerk') WHERE position = :at"
            }
            Tampering::ClearSubjects => "UPDATE events SET subjects = '[]' WHERE position = :at",
            Tampering::MoveTime => "UPDATE events SET recorded_at = recorded_at + 1 WHERE position = :at",
            Tampering::Rename => "UPDATE events SET kind = 'incident.resolved.v1' WHERE position = :at",
            Tampering::Delete => "DELETE FROM events WHERE position = :at",
            Tampering::DeleteAndCloseRanks => {
                "DELETE FROM events WHERE position = :at;
                 UPDATE events SET position = position + 1000 WHERE position > :at;
                 UPDATE events SET position = position - 1001 WHERE position > 1000"
            }
            Tampering::Swap => {
                "UPDATE events SET position = 1000 WHERE position = :at;
                 UPDATE events SET position = :at WHERE position = :at + 1;
                 UPDATE events SET position = :at + 1 WHERE position = 1000"
            }
            Tampering::Insert => {
                "UPDATE events SET position = position + 1000 WHERE position >= :at;
                 UPDATE events SET position = position - 999 WHERE position > 1000;
                 INSERT INTO events SELECT :at, category, 'incident-forged', version, randomblob(16), kind,
                     recorded_at, metadata, subjects, hash, payload FROM events WHERE position = :at - 1"
            }
            Tampering::CutOff => "DELETE FROM events WHERE position >= :at",
            Tampering::MoveHeadBack => {
                "UPDATE log_head SET position = :at - 1, hash = coalesce(
                     (SELECT hash FROM events WHERE position = :at - 1), zeroblob(32))"
            }
        };
        let sql = sql.replace(":at", &position.to_string());
        self.shell().execute_batch(&sql).expect("nobody is asked");
    }
}

every_rule!(Sqlite);
every_durable_rule!(Sqlite);
