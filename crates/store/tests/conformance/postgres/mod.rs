//! The rules, on a real PostgreSQL, and what only a server and several nodes can suffer.

mod cluster;
mod faults;
mod nodes;
mod oracle;
mod proxy;
mod racing;

use store::{DatabaseUrl, Options, Store, StoreError};
use tokio_postgres::{Client, NoTls};

use crate::{
    place::{Durable, Place, Tampering},
    rules::{every_durable_rule, every_rule},
};

/// A database of its own on the server for tests.
pub(crate) struct Postgres {
    url: String,
}

impl Postgres {
    /// A fresh database on the server at `url`.
    async fn on(url: &str) -> Self {
        let name = cluster::unique_name();
        shell(url).await.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("created");
        Self { url: cluster::with_database(url, &name) }
    }

    /// A connection as anybody with a shell could have it.
    async fn shell(&self) -> Client {
        shell(&self.url).await
    }
}

async fn shell(url: &str) -> Client {
    let (client, connection) =
        tokio_postgres::connect(url, NoTls).await.expect("the server for tests is there");
    tokio::spawn(connection);
    client
}

impl Place for Postgres {
    const ROUNDS: u128 = 200;

    async fn fresh() -> Self {
        Self::on(&cluster::shared().await).await
    }

    async fn open_with(&self, options: Options) -> Result<Store, StoreError> {
        Store::open(&DatabaseUrl::Postgres(self.url.clone()), options).await
    }
}

impl Durable for Postgres {
    async fn tamper(&self, position: u64, how: Tampering) {
        let sql = match how {
            Tampering::FlipPayload => {
                "UPDATE events SET payload = replace(payload::text, 'command', 'commamd')::json WHERE position = :at"
            }
            Tampering::ReplaceMetadata => {
                "UPDATE events SET metadata = replace(metadata::text, 'clock', 'clerk')::json WHERE position = :at"
            }
            Tampering::ClearSubjects => "UPDATE events SET subjects = '[]' WHERE position = :at",
            Tampering::MoveTime => {
                "UPDATE events SET recorded_at = recorded_at + interval '1 millisecond' WHERE position = :at"
            }
            Tampering::Rename => "UPDATE events SET event_type = 'incident.resolved.v1' WHERE position = :at",
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
                 INSERT INTO events SELECT aggregate_type, 'forged', sequence, event_type, event_version, payload,
                     metadata, :at, gen_random_uuid(), gen_random_uuid(), command_index, command_size, recorded_at,
                     subjects, hash FROM events WHERE position = :at - 1"
            }
            Tampering::MoveHeadBack => {
                "UPDATE log_head SET position = :at - 1, hash = coalesce(
                     (SELECT hash FROM events WHERE position = :at - 1), decode(repeat('00', 32), 'hex'))"
            }
            Tampering::CutOff => "DELETE FROM events WHERE position >= :at",
        };
        let sql = sql.replace(":at", &position.to_string());
        self.shell().await.batch_execute(&sql).await.expect("nobody is asked");
    }
}

every_rule!(Postgres);
every_durable_rule!(Postgres);
