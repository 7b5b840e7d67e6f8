//! The tables in PostgreSQL: migrated, copied for a rebuild, and swapped.

use deadpool_postgres::{GenericClient, Object, Transaction};
use store::Position;

use super::{
    Progress, Side, Table,
    postgres::{fault, progress},
};
use crate::ReadError;

mod embedded {
    refinery::embed_migrations!("../../migrations/postgres/read");
}

/// Where the log's migrations, which have numbers of their own, are not recorded.
const HISTORY: &str = "read_migrations";

/// Several nodes may start at once; whoever holds this lock migrates. The lock lives as long as its session.
const LOCK: &str = "SET lock_timeout = '60s'; SET statement_timeout = 0; \
     SELECT pg_advisory_lock(hashtextextended('midwatch read migration', 0))";

/// Brings the tables up to date, on a connection that is used for nothing else.
pub(super) async fn migrate(client: Object) -> Result<(), ReadError> {
    let mut client = Object::take(client);
    client.batch_execute(LOCK).await.map_err(fault)?;
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name(HISTORY);
    runner.run_async(&mut *client).await.map_err(|error| super::unmigrated(&error))?;
    Ok(())
}

/// Begins a transaction that may take long.
async fn begin(client: &mut Object) -> Result<Transaction<'_>, ReadError> {
    let transaction = client.transaction().await.map_err(fault)?;
    let settings = "SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '128MB'";
    transaction.batch_execute(settings).await.map_err(fault)?;
    Ok(transaction)
}

/// The definitions in the schema are the only ones: new tables are copies of the live ones under other names.
pub(super) async fn begin_next(client: &mut Object, tables: &[&Table]) -> Result<Progress, ReadError> {
    let transaction = begin(client).await?;
    // Two that begin at once take turns here.
    let sql = "SELECT 1 FROM read_progress WHERE side = 'live' FOR UPDATE";
    transaction.query_one(sql, &[]).await.map_err(fault)?;
    for table in tables {
        let sql = format!(
            "DROP TABLE IF EXISTS {0}_next; CREATE TABLE {0}_next (LIKE {0} INCLUDING DEFAULTS INCLUDING STORAGE)",
            table.name
        );
        transaction.batch_execute(&sql).await.map_err(fault)?;
        let sql = "SELECT array_to_string(reloptions, ', ') FROM pg_class WHERE oid = $1::text::regclass";
        let options: Option<String> = transaction.query_one(sql, &[&table.name]).await.map_err(fault)?.get(0);
        if let Some(options) = options {
            let sql = format!("ALTER TABLE {}_next SET ({options})", table.name);
            transaction.batch_execute(&sql).await.map_err(fault)?;
        }
        if table.keyed {
            primary_key(&transaction, table).await?;
        }
        // Those that rows are looked up by while batches are written.
        copy_indexes(&transaction, table, true).await?;
    }
    let live = progress(&transaction, Side::Live).await?.map_or(0, |live| live.generation);
    let next = progress(&transaction, Side::Next).await?.map_or(0, |next| next.generation);
    let next = Progress { generation: live.max(next) + 1, position: 0, hash: Vec::new() };
    let sql = "INSERT INTO read_progress (side, generation, position, hash) VALUES ('next', $1, 0, '') \
         ON CONFLICT (side) DO UPDATE SET generation = excluded.generation, position = 0, hash = ''";
    transaction.execute(sql, &[&next.generation.cast_signed()]).await.map_err(fault)?;
    transaction.commit().await.map_err(fault)?;
    Ok(next)
}

async fn primary_key(transaction: &Transaction<'_>, table: &Table) -> Result<(), ReadError> {
    let sql = "SELECT pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE conrelid = $1::text::regclass AND contype = 'p'";
    let definition: String = transaction.query_one(sql, &[&table.name]).await.map_err(fault)?.get(0);
    let sql = format!("ALTER TABLE {}_next ADD {definition}", table.name);
    transaction.batch_execute(&sql).await.map_err(fault)
}

async fn copy_indexes(transaction: &Transaction<'_>, table: &Table, unique: bool) -> Result<(), ReadError> {
    let sql = "SELECT pg_get_indexdef(indexrelid) FROM pg_index \
         WHERE indrelid = $1::text::regclass AND NOT indisprimary AND indisunique = $2";
    for row in transaction.query(sql, &[&table.name, &unique]).await.map_err(fault)? {
        let definition: String = row.get(0);
        let body = definition.split_once(" USING ").map_or("", |(_, body)| body);
        let kind = if unique { "UNIQUE INDEX" } else { "INDEX" };
        // Without a name: PostgreSQL finds a free one.
        let sql = format!("CREATE {kind} ON {}_next USING {body}", table.name);
        transaction.batch_execute(&sql).await.map_err(fault)?;
    }
    Ok(())
}

/// Copies the other keys and indexes, and gathers statistics.
pub(super) async fn index_next(client: &mut Object, tables: &[&Table]) -> Result<(), ReadError> {
    let transaction = begin(client).await?;
    for table in tables {
        if !table.keyed {
            primary_key(&transaction, table).await?;
        }
        copy_indexes(&transaction, table, false).await?;
        let sql = format!("ANALYZE {}_next", table.name);
        transaction.batch_execute(&sql).await.map_err(fault)?;
    }
    transaction.commit().await.map_err(fault)
}

/// Renames, and makes the successors' progress the live one's.
pub(super) async fn swap(
    client: &mut Object,
    tables: &[&Table],
    next: &Progress,
    at_most: Position,
) -> Result<bool, ReadError> {
    let transaction = client.transaction().await.map_err(fault)?;
    // The row first, as the projector does, and then all tables in one order, so that nobody waits in a circle.
    let sql = "DELETE FROM read_progress WHERE side = 'live' AND position <= $3 \
         AND EXISTS (SELECT 1 FROM read_progress WHERE side = 'next' AND generation = $2 AND position = $1)";
    let [position, generation, at_most] = [next.position, next.generation, at_most].map(u64::cast_signed);
    if transaction.execute(sql, &[&position, &generation, &at_most]).await.map_err(fault)? == 0 {
        return Ok(false);
    }
    let names: Vec<_> = tables.iter().map(|table| table.name).collect();
    let renames = names.iter().map(|name| {
        format!("ALTER TABLE {name} RENAME TO {name}_old; ALTER TABLE {name}_next RENAME TO {name};")
    });
    let sql = format!(
        "UPDATE read_progress SET side = 'live' WHERE side = 'next'; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE; {}",
        names.join(", "),
        renames.collect::<String>()
    );
    transaction.batch_execute(&sql).await.map_err(fault)?;
    transaction.commit().await.map_err(fault)?;
    Ok(true)
}

/// Drops what a swap left behind.
pub(super) async fn drop_old(client: &mut Object, tables: &[&Table]) -> Result<(), ReadError> {
    for table in tables {
        let sql = format!("DROP TABLE IF EXISTS {}_old", table.name);
        client.batch_execute(&sql).await.map_err(fault)?;
    }
    Ok(())
}
