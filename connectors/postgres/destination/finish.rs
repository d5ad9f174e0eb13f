//! What a commit does besides adding its rows: indexes when a table is complete, and the swap of a full copy.

use syncline_protocol::{Error, ErrorKind, LoadInto, Result, TargetTable, WriteMode};
use tokio_postgres::error::SqlState;

use super::merge::Merge;
use super::run;
use crate::postgres::client::Connection;
use crate::postgres::ddl::{beside_name, ident, idents, literal, qualified};
use crate::postgres::error::while_doing;

/// How long a change of the whole table waits for others who use it. Meanwhile new ones wait too.
const TABLE_WAIT: &str = "SET LOCAL lock_timeout = '10s'";

/// Makes later merges into a complete table fast.
pub(super) async fn complete(connection: &Connection, merge: &Merge<'_>, target: &TargetTable) -> Result<()> {
    ensure_index(connection, merge, target).await?;
    run(connection, &format!("ANALYZE {}", merge.name), "collect statistics").await
}

/// Creates the unique index on the key when there is none like it.
async fn ensure_index(connection: &Connection, merge: &Merge<'_>, target: &TargetTable) -> Result<()> {
    let doing = "create an index on the key";
    let merged = matches!(target.mode, WriteMode::Merge { .. } | WriteMode::History);
    if target.key.is_empty() || !merged {
        return Ok(());
    }
    let mut key = target.key.clone();
    key.sort();
    let indexed = connection
        .query_one(
            "SELECT EXISTS (
               SELECT FROM pg_catalog.pg_index i
               WHERE i.indrelid = $1::text::regclass AND i.indisunique AND i.indisvalid AND i.indexprs IS NULL
                 AND (i.indpred IS NULL OR $3)
                 AND $2 = ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                                WHERE a.attrelid = i.indrelid
                                  AND a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1]::int2[])
                                ORDER BY a.attname::text COLLATE \"C\"))",
            &[&merge.name, &key, &(target.mode == WriteMode::History)],
        )
        .await
        .map_err(while_doing(doing))?;
    if indexed.get(0) {
        return Ok(());
    }
    run(connection, &format!("SAVEPOINT before_index; {TABLE_WAIT}"), doing).await?;
    let Err(error) = connection.batch_execute(&merge.create_index()).await else { return Ok(()) };
    match error.code() {
        Some(code) if *code == SqlState::UNIQUE_VIOLATION => {
            let message = format!("The table {} holds several rows with the same key.", target.name);
            Err(Error::new(ErrorKind::Mismatch, message)
                .with("key", target.key.join(", "))
                .fix("Look for the doubled keys, or choose a key that is unique.")
                .caused_by(error))
        }
        // Merging works without: a key that is too long for an index or of a type without order, a table of somebody
        // else, or one that somebody else writes to all the time.
        Some(code)
            if *code == SqlState::PROGRAM_LIMIT_EXCEEDED
                || *code == SqlState::LOCK_NOT_AVAILABLE
                || *code == SqlState::UNDEFINED_OBJECT
                || *code == SqlState::INSUFFICIENT_PRIVILEGE =>
        {
            tracing::warn!(table = %target.name, %error, "no index on the key; merges will be slower");
            run(connection, "ROLLBACK TO before_index", doing).await
        }
        _ => Err(while_doing(doing)(error)),
    }
}

/// Puts the copy that was built beside in the place of the table that readers see.
pub(super) async fn swap(connection: &Connection, target: &TargetTable, schema: &str) -> Result<()> {
    let doing = "swap in the new copy";
    let (name, copy) = (&target.name.name, beside_name(&target.name.name));
    let (old, new) = (qualified(schema, name), qualified(schema, &copy));
    let merge = Merge::new(target, schema, LoadInto::Beside);
    complete(connection, &merge, target).await?;
    let there = connection
        .query_one("SELECT pg_catalog.to_regclass($1) IS NOT NULL", &[&old])
        .await
        .map_err(while_doing(doing))?;
    if there.get(0) {
        run(connection, "SAVEPOINT before_swap", doing).await?;
        if let Err(error) = replace_old(connection, &old, &new).await {
            let code = error.code().map(SqlState::code);
            // A view stands on the table, a reader holds it for long, or it belongs to somebody else.
            if !matches!(code, Some("2BP01" | "55P03" | "42501")) {
                return Err(while_doing(doing)(error));
            }
            tracing::info!(table = %target.name, %error, "the table cannot be replaced; its rows are");
            run(connection, "ROLLBACK TO before_swap", doing).await?;
            return refill(connection, target, &old, &new).await;
        }
    }
    run(connection, &format!("ALTER TABLE {new} RENAME TO {}", ident(name)), doing).await
}

/// Drops the old table after its permissions were given to the new one.
async fn replace_old(
    connection: &Connection,
    old: &str,
    new: &str,
) -> std::result::Result<(), tokio_postgres::Error> {
    let grants = format!(
        "SELECT pg_catalog.format('GRANT %s ON TABLE %s TO %s%s', a.privilege_type, {},
                  CASE WHEN a.grantee = 0 THEN 'PUBLIC'
                       ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END,
                  CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
         FROM pg_catalog.pg_class c, pg_catalog.aclexplode(c.relacl) a
         WHERE c.oid = {}::regclass AND a.grantee <> c.relowner",
        literal(new),
        literal(old)
    );
    for row in connection.query(&grants, &[]).await? {
        connection.batch_execute(row.get(0)).await?;
    }
    connection.batch_execute(&format!("{TABLE_WAIT}; DROP TABLE {old}")).await
}

/// The slower way to the same result: readers see the old rows until the commit, and nothing has to be dropped but
/// the copy.
async fn refill(connection: &Connection, target: &TargetTable, old: &str, new: &str) -> Result<()> {
    let columns = target.all_columns();
    let names = idents(columns.iter().map(|column| column.name.as_str()), "");
    let statements =
        format!("DELETE FROM {old}; INSERT INTO {old} ({names}) SELECT {names} FROM {new}; DROP TABLE {new}");
    run(connection, &statements, "fill the table with the new copy").await
}
