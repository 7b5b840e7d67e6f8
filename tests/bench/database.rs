//! An empty database for one measurement, gone afterwards.

use std::path::Path;

use projections::ReadLocation;
use store::{DatabaseUrl, Options, Store};
use tempfile::TempDir;
use tokio_postgres::NoTls;

use crate::Outcome;

/// Of 16 MB each, as many as the throwaway server keeps (`min_wal_size`).
const LOG_FILES: usize = 128;

/// Which database a measurement runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Kind {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }

    /// What an argument asks to measure on alone.
    pub(crate) fn asked(argument: &str) -> Option<Self> {
        match argument {
            "--sqlite" => Some(Self::Sqlite),
            "--postgres" => Some(Self::Postgres),
            _ => None,
        }
    }
}

/// One database, and a folder for what belongs to it.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    /// As the command line takes it.
    pub(crate) url: String,
    folder: TempDir,
    /// The cluster's URL and the database's name there.
    made: Option<(String, String)>,
}

impl Database {
    /// An empty one; on PostgreSQL made in the cluster that `MIDWATCH_TEST_POSTGRES` names.
    pub(crate) async fn empty(kind: Kind) -> Outcome<Self> {
        let folder = TempDir::with_prefix("midwatch-bench-")?;
        if kind == Kind::Sqlite {
            let url = format!("sqlite:{}", folder.path().join("midwatch.db").display());
            return Ok(Self { kind, url, folder, made: None });
        }
        let cluster = cluster().ok_or("MIDWATCH_TEST_POSTGRES names no cluster")?;
        let name = format!("bench_{}", commands::mint::uuid().simple());
        let (before, _) = cluster.rsplit_once('/').ok_or("MIDWATCH_TEST_POSTGRES names no database")?;
        let url = format!("{before}/{name}");
        ask(&cluster, &format!("CREATE DATABASE {name}")).await?;
        Ok(Self { kind, url, folder, made: Some((cluster, name)) })
    }

    pub(crate) async fn open(&self) -> Outcome<Store> {
        let url: DatabaseUrl = self.url.parse()?;
        Ok(Store::open(&url, Options::default()).await?)
    }

    /// Where `midwatch` keeps the read models of this log.
    pub(crate) fn reads(&self) -> ReadLocation {
        match self.kind {
            Kind::Sqlite => ReadLocation::Sqlite(self.folder.path().join("midwatch-read.db")),
            Kind::Postgres => ReadLocation::Postgres(self.url.clone()),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn remove(self) {
        if let Some((cluster, name)) = &self.made
            && let Err(fault) = ask(cluster, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await
        {
            eprintln!("the database {name} could not be dropped: {fault}");
        }
    }
}

/// The URL of a cluster that belongs to the tests.
pub(crate) fn cluster() -> Option<String> {
    std::env::var("MIDWATCH_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

/// The databases at hand, or the one that the command line asks for.
pub(crate) fn kinds() -> Vec<Kind> {
    let postgres = cluster().map(|_| Kind::Postgres);
    let only = std::env::args().find_map(|argument| Kind::asked(&argument));
    std::iter::once(Kind::Sqlite)
        .chain(postgres)
        .filter(|kind| only.is_none_or(|only| only == *kind))
        .collect()
}

/// Lets PostgreSQL write all the files of its own log once: a server that has run for a while writes into those that it
/// has, and one that was just made fills each with zeros first, while everybody waits.
pub(crate) async fn warm() -> Outcome<()> {
    let Some(cluster) = cluster() else { return Ok(()) };
    let one_more = "SELECT pg_logical_emit_message(false, 'midwatch', ''); SELECT pg_switch_wal();";
    ask(&cluster, &one_more.repeat(LOG_FILES)).await?;
    ask(&cluster, "CHECKPOINT").await
}

async fn ask(url: &str, statement: &str) -> Outcome<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let talk = tokio::spawn(connection);
    client.batch_execute(statement).await?;
    drop(client);
    talk.await??;
    Ok(())
}
