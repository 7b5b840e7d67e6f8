//! The tables in SQLite: migrated, copied for a rebuild, and swapped.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use store::Position;

use super::{Progress, Side, Table, sqlite::progress};
use crate::ReadError;

mod embedded {
    refinery::embed_migrations!("../../migrations/sqlite/read");
}

/// Brings the tables up to date.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), ReadError> {
    embedded::migrations::runner().run(connection).map_err(|error| super::unmigrated(&error))?;
    Ok(())
}

/// The definitions in the schema are the only ones: new tables are copies of the live ones under other names.
pub(super) fn begin_next(connection: &mut Connection, tables: &[&Table]) -> rusqlite::Result<Progress> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for table in tables {
        transaction.execute_batch(&format!("DROP TABLE IF EXISTS {}_next", table.name))?;
        let sql = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        let definition: String = transaction.query_row(sql, [table.name], |row| row.get(0))?;
        transaction.execute_batch(&format!("CREATE TABLE {}_next {}", table.name, body(&definition)))?;
    }
    let last = [Side::Live, Side::Next].map(|side| progress(&transaction, side));
    let mut generation = 0;
    for side in last {
        generation = side?.map_or(generation, |side| side.generation.max(generation));
    }
    let next = Progress { generation: generation + 1, position: 0, hash: Vec::new() };
    let sql =
        "INSERT OR REPLACE INTO read_progress (side, generation, position, hash) VALUES (?1, ?2, 0, x'')";
    transaction.execute(sql, (Side::Next.word(), next.generation))?;
    for table in tables {
        // Those that rows are looked up by while batches are written.
        copy_indexes(&transaction, table, next.generation, true)?;
    }
    transaction.commit()?;
    Ok(next)
}

/// Copies the indexes that are not unique, of one table.
pub(super) fn index_next(connection: &mut Connection, table: &Table) -> rusqlite::Result<()> {
    let generation = progress(connection, Side::Next)?.map_or(0, |next| next.generation);
    copy_indexes(connection, table, generation, false)
}

/// The names of indexes are of no consequence; a number at the end keeps them apart.
fn copy_indexes(
    connection: &Connection,
    table: &Table,
    generation: u64,
    unique: bool,
) -> rusqlite::Result<()> {
    let definitions: Vec<(String, String)> = {
        let sql =
            "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 AND sql IS NOT NULL";
        let mut statement = connection.prepare(sql)?;
        let rows = statement.query_map([table.name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect::<rusqlite::Result<_>>()?
    };
    for (name, definition) in definitions {
        if definition.starts_with("CREATE UNIQUE") != unique {
            continue;
        }
        let name = name.trim_end_matches(|last: char| last.is_ascii_digit()).trim_end_matches("_g");
        let kind = if unique { "UNIQUE INDEX" } else { "INDEX" };
        let (table, body) = (table.name, body(&definition));
        connection.execute_batch(&format!("CREATE {kind} {name}_g{generation} ON {table}_next {body}"))?;
    }
    Ok(())
}

/// Renames, and makes the successors' progress the live one's.
pub(super) fn swap(
    connection: &mut Connection,
    tables: &[&Table],
    next: &Progress,
    at_most: Position,
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "DELETE FROM read_progress WHERE side = 'live' AND position <= ?3 \
         AND EXISTS (SELECT 1 FROM read_progress WHERE side = 'next' AND generation = ?2 AND position = ?1)";
    if transaction.execute(sql, (next.position, next.generation, at_most))? == 0 {
        return Ok(false);
    }
    transaction.execute("UPDATE read_progress SET side = 'live' WHERE side = 'next'", [])?;
    for table in tables {
        transaction.execute_batch(&format!(
            "ALTER TABLE {0} RENAME TO {0}_old; ALTER TABLE {0}_next RENAME TO {0};",
            table.name
        ))?;
    }
    transaction.commit()?;
    Ok(true)
}

/// Drops one table that a swap left behind.
pub(super) fn drop_old(connection: &mut Connection, table: &Table) -> rusqlite::Result<()> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1 || '_old'";
    if connection.query_row(sql, [table.name], |_| Ok(())).optional()?.is_some() {
        connection.execute_batch(&format!("DROP TABLE {}_old", table.name))?;
    }
    Ok(())
}

/// What stands after the name: the columns and everything behind them.
fn body(definition: &str) -> &str {
    definition.find('(').map_or("", |start| &definition[start..])
}
