//! The tables that Syncline itself keeps in a Postgres destination: checkpoints with the fence, and the quarantine.

use syncline_protocol::{
    Commit, Error, ErrorKind, Opening, QuarantinedRow, RejectedRow, Result, StoredCheckpoint, TableName,
    TablePosition, system,
};
use xxhash_rust::xxh3::Xxh3;

use super::run;
use crate::postgres::client::Connection;
use crate::postgres::ddl::{ident, literal, qualified};
use crate::postgres::error::while_doing;

/// The table name of the row that holds the fence of a connection.
const FENCE_ROW: &str = "";
/// The form of `committed_at` and `at`: RFC 3339 in UTC. The time zone of each connection is UTC.
const RFC_3339: &str = "'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'";
/// One key for the advisory lock under which all of Syncline creates and alters tables: PostgreSQL's own
/// `IF NOT EXISTS` fails when two do it at once.
const SCHEMA_LOCK: i64 = 0x73_796e_636c_696e;

/// Where the system tables of one destination are.
#[derive(Debug, Clone)]
pub(super) struct SystemTables {
    schema: String,
}

impl SystemTables {
    pub(super) fn new(schema: &str) -> Self {
        SystemTables { schema: schema.to_owned() }
    }

    /// The schema they lie in, and tables without a schema of their own.
    pub(super) fn schema(&self) -> &str {
        &self.schema
    }

    fn checkpoints(&self) -> String {
        qualified(&self.schema, system::CHECKPOINTS)
    }

    fn quarantine(&self) -> String {
        qualified(&self.schema, system::QUARANTINE)
    }

    /// Creates the schema and the tables where they are missing.
    pub(super) async fn ensure(&self, connection: &Connection) -> Result<()> {
        let (checkpoints, quarantine) = (self.checkpoints(), self.quarantine());
        let present = connection
            .query_one(
                "SELECT pg_catalog.to_regclass($1) IS NOT NULL AND pg_catalog.to_regclass($2) IS NOT NULL",
                &[&checkpoints, &quarantine],
            )
            .await
            .map_err(while_doing("look for the system tables"))?;
        if present.get::<_, bool>(0) {
            return Ok(());
        }
        let doing = "create the system tables";
        run(connection, &format!("BEGIN; {}", lock_schema()), doing).await?;
        ensure_schema(connection, &self.schema).await?;
        let statements = format!(
            "CREATE TABLE IF NOT EXISTS {checkpoints} (
               connection text NOT NULL, \"table\" text NOT NULL, fence bigint NOT NULL, ordinal bigint NOT NULL,
               position json NOT NULL, committed_at timestamptz NOT NULL, rows bigint NOT NULL,
               bytes bigint NOT NULL, checksum numeric(20) NOT NULL, PRIMARY KEY (connection, \"table\"));
             CREATE TABLE IF NOT EXISTS {quarantine} (
               id text PRIMARY KEY, connection text NOT NULL, \"table\" text NOT NULL, run text NOT NULL,
               at timestamptz NOT NULL, \"column\" text, reason text NOT NULL, \"row\" json NOT NULL);
             COMMIT"
        );
        run(connection, &statements, doing).await
    }

    /// Raises the fence by one statement and answers it. Waits while an older session is just committing, at most
    /// `wait_seconds`.
    ///
    /// # Errors
    /// `Locked` when that takes too long.
    pub(super) async fn raise_fence(
        &self,
        connection: &Connection,
        opening: &Opening,
        wait_seconds: u32,
    ) -> Result<u64> {
        let doing = "begin a session";
        let wait = format!("SET lock_timeout = '{wait_seconds}s'");
        connection.batch_execute(&wait).await.map_err(while_doing(doing))?;
        let holder = serde_json::json!({ "run": opening.run }).to_string();
        let statement = format!(
            "INSERT INTO {} AS stored
               (connection, \"table\", fence, ordinal, position, committed_at, rows, bytes, checksum)
             VALUES ($1, '{FENCE_ROW}', 1, 0, $2::text::json, pg_catalog.now(), 0, 0, 0)
             ON CONFLICT (connection, \"table\") DO UPDATE
               SET fence = stored.fence + 1, position = excluded.position, committed_at = excluded.committed_at
             RETURNING fence",
            self.checkpoints()
        );
        let raised = connection.query_one(&statement, &[&opening.connection, &holder]).await;
        let row = match raised {
            Ok(row) => row,
            Err(error) if error.code().is_some_and(|code| code.code() == "55P03") => {
                return Err(self.locked(connection, opening).await.caused_by(error));
            }
            Err(error) => return Err(while_doing(doing)(error)),
        };
        connection.batch_execute("SET lock_timeout = 0").await.map_err(while_doing(doing))?;
        Ok(row.get::<_, i64>(0).unsigned_abs())
    }

    /// Who keeps the fence from being raised: the run that raised it last.
    async fn locked(&self, connection: &Connection, opening: &Opening) -> Error {
        let statement = format!(
            "SELECT position->>'run' FROM {} WHERE connection = $1 AND \"table\" = '{FENCE_ROW}'",
            self.checkpoints()
        );
        let holder = match connection.query_opt(&statement, &[&opening.connection]).await {
            Ok(row) => row.and_then(|row| row.get::<_, Option<String>>(0)),
            Err(_) => None,
        };
        let holder = holder.map_or_else(|| "Another run".to_owned(), |run| format!("The run {run}"));
        Error::new(ErrorKind::Locked, format!("{holder} of this connection is just writing to the database."))
            .with("connection", &opening.connection)
            .fix("Let the other run finish, or end its connection in the database.")
    }

    /// The stored checkpoints of a connection; none when there is no such table yet.
    pub(super) async fn read(&self, connection: &Connection, name: &str) -> Result<Vec<StoredCheckpoint>> {
        let doing = "read the checkpoints";
        if !exists(connection, &self.checkpoints()).await? {
            return Ok(Vec::new());
        }
        let statement = format!(
            "SELECT \"table\", fence, ordinal, position::text,
                    pg_catalog.to_char(committed_at, {RFC_3339}), rows, bytes, checksum::text
             FROM {} WHERE connection = $1 AND \"table\" <> '{FENCE_ROW}' ORDER BY \"table\"",
            self.checkpoints()
        );
        let rows = connection.query(&statement, &[&name]).await.map_err(while_doing(doing))?;
        rows.iter()
            .map(|row| {
                let table: &str = row.get(0);
                let damaged = || {
                    let message = format!("The stored checkpoint of {table} cannot be read.");
                    Error::new(ErrorKind::CorruptInput, message).fix(
                        "Delete this row of the checkpoint table; the table is then read from the start.",
                    )
                };
                let number = |index| u64::try_from(row.get::<_, i64>(index)).map_err(|_| damaged());
                Ok(StoredCheckpoint {
                    table: table.parse::<TableName>().map_err(|_| damaged())?,
                    fence: number(1)?,
                    ordinal: number(2)?,
                    position: serde_json::from_str::<TablePosition>(row.get(3))
                        .map_err(|error| damaged().caused_by(error))?,
                    committed_at: row.get(4),
                    rows: number(5)?,
                    bytes: number(6)?,
                    checksum: row.get::<_, &str>(7).parse().map_err(|_| damaged())?,
                })
            })
            .collect()
    }

    /// The first half of every write: holds the fence until the transaction ends, so that a raise of it waits.
    ///
    /// # Errors
    /// `Fenced`, naming the run that took over.
    pub(super) async fn hold_fence(&self, connection: &Connection, name: &str, fence: u64) -> Result<()> {
        self.hold(connection, name, fence, FENCE_ROW).await.map(|_| ())
    }

    /// Locks the fence and reads the ordinal of `table` (zero before its first commit).
    async fn hold(&self, connection: &Connection, name: &str, fence: u64, table: &str) -> Result<u64> {
        let statement = format!(
            "SELECT \"table\", fence, ordinal, position->>'run' FROM {}
             WHERE connection = $1 AND \"table\" IN ('{FENCE_ROW}', $2) FOR SHARE",
            self.checkpoints()
        );
        let rows =
            connection.query(&statement, &[&name, &table]).await.map_err(while_doing("check the fence"))?;
        let mut ordinal = 0;
        let mut held = None;
        for row in &rows {
            if row.get::<_, &str>(0) == FENCE_ROW {
                held = Some((row.get::<_, i64>(1).unsigned_abs(), row.get::<_, Option<String>>(3)));
            } else {
                ordinal = row.get::<_, i64>(2).unsigned_abs();
            }
        }
        match held {
            Some((stored, _)) if stored == fence => Ok(ordinal),
            Some((stored, run)) => {
                let run = run.map_or_else(|| "Another run".to_owned(), |run| format!("The run {run}"));
                let message =
                    format!("{run} of this connection has taken over; this one may no longer write.");
                Err(Error::new(ErrorKind::Fenced, message).with("fence", fence).with("newer fence", stored))
            }
            None => Err(Error::new(
                ErrorKind::Fenced,
                "The checkpoints of this connection were removed from the database during the run.",
            )),
        }
    }

    /// The last statements of a commit: fence and ordinal are checked, quarantine and checkpoint written.
    ///
    /// # Errors
    /// `Fenced`; `Conflict` when the ordinal is not the stored one plus one.
    pub(super) async fn record(
        &self,
        connection: &Connection,
        name: &str,
        fence: u64,
        commit: &Commit,
    ) -> Result<()> {
        let table = commit.table.to_string();
        let stored = self.hold(connection, name, fence, &table).await?;
        if commit.ordinal != stored + 1 {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("The table {table} was committed by somebody else in the meantime."),
            )
            .with("ordinal", commit.ordinal)
            .with("stored ordinal", stored));
        }
        self.quarantine_rows(connection, name, &table, commit).await?;
        let position = serde_json::to_string(&commit.position)
            .map_err(|error| Error::internal("A position could not be written as JSON.").caused_by(error))?;
        let statement = format!(
            "INSERT INTO {} AS stored
               (connection, \"table\", fence, ordinal, position, committed_at, rows, bytes, checksum)
             VALUES ($1, $2, $3, $4, $5::text::json, {}, $6, $7, $8::text::numeric)
             ON CONFLICT (connection, \"table\") DO UPDATE
               SET fence = excluded.fence, ordinal = excluded.ordinal, position = excluded.position,
                   committed_at = excluded.committed_at, rows = stored.rows + excluded.rows,
                   bytes = stored.bytes + excluded.bytes, checksum = excluded.checksum",
            self.checkpoints(),
            instant(commit.at_micros)?
        );
        let (fence, ordinal) = (signed(fence)?, signed(commit.ordinal)?);
        let (rows, bytes) = (signed(commit.rows)?, signed(commit.bytes)?);
        let checksum = commit.checksum.to_string();
        connection
            .execute(&statement, &[&name, &table, &fence, &ordinal, &position, &rows, &bytes, &checksum])
            .await
            .map_err(while_doing("store the checkpoint"))?;
        Ok(())
    }

    async fn quarantine_rows(
        &self,
        connection: &Connection,
        name: &str,
        table: &str,
        commit: &Commit,
    ) -> Result<()> {
        let doing = "write to the quarantine";
        if !commit.replayed.is_empty() {
            let statement =
                format!("DELETE FROM {} WHERE connection = $1 AND id = ANY ($2)", self.quarantine());
            connection.execute(&statement, &[&name, &commit.replayed]).await.map_err(while_doing(doing))?;
        }
        if commit.rejected.is_empty() {
            return Ok(());
        }
        let mut hasher = Xxh3::new();
        for part in [name, table, &commit.run, &commit.ordinal.to_string()] {
            hasher.update(part.as_bytes());
            hasher.update(&[0]);
        }
        // Rows of one commit sort in the order they came; a later commit has a later time.
        let prefix = format!("{:032x}", hasher.digest128());
        let ids: Vec<_> = (0..commit.rejected.len()).map(|index| format!("{prefix}-{index:08}")).collect();
        let columns: Vec<_> =
            commit.rejected.iter().map(|row| row.column.as_deref().map(without_nul)).collect();
        let reasons: Vec<_> = commit.rejected.iter().map(|row| without_nul(&row.reason)).collect();
        let rows: Vec<_> = commit.rejected.iter().map(|row| row.row.to_string()).collect();
        let statement = format!(
            "INSERT INTO {} (id, connection, \"table\", run, at, \"column\", reason, \"row\")
             SELECT new.id, $1, $2, $3, {}, new.col, new.reason, new.line::json
             FROM unnest($4::text[], $5::text[], $6::text[], $7::text[])
               AS new (id, col, reason, line)",
            self.quarantine(),
            instant(commit.at_micros)?
        );
        connection
            .execute(&statement, &[&name, &table, &commit.run, &ids, &columns, &reasons, &rows])
            .await
            .map_err(while_doing(doing))?;
        Ok(())
    }

    /// Quarantined rows of a connection, oldest first; none when there is no such table yet.
    pub(super) async fn quarantined(
        &self,
        connection: &Connection,
        name: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        if !exists(connection, &self.quarantine()).await? {
            return Ok(Vec::new());
        }
        let statement = format!(
            "SELECT id, \"table\", run, pg_catalog.to_char(at, {RFC_3339}), \"column\", reason, \"row\"::text
             FROM {} WHERE connection = $1 AND ($2::text IS NULL OR \"table\" = $2) ORDER BY at, id LIMIT $3",
            self.quarantine()
        );
        let table = table.map(ToString::to_string);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = connection
            .query(&statement, &[&name, &table, &limit])
            .await
            .map_err(while_doing("read the quarantine"))?;
        rows.iter()
            .map(|row| {
                let damaged = || {
                    Error::new(ErrorKind::CorruptInput, "A row of the quarantine cannot be read.")
                        .with("id", row.get::<_, &str>(0))
                };
                Ok(QuarantinedRow {
                    id: row.get(0),
                    table: row.get::<_, &str>(1).parse().map_err(|_| damaged())?,
                    run: row.get(2),
                    at: row.get(3),
                    rejected: RejectedRow {
                        column: row.get(4),
                        reason: row.get(5),
                        row: serde_json::from_str(row.get(6)).map_err(|error| damaged().caused_by(error))?,
                    },
                })
            })
            .collect()
    }
}

/// Takes the lock under which tables are created and altered, until the transaction ends.
pub(super) fn lock_schema() -> String {
    format!("SELECT pg_catalog.pg_advisory_xact_lock({SCHEMA_LOCK})")
}

/// Creates a schema when it is missing. `CREATE SCHEMA IF NOT EXISTS` alone would ask for a permission that nobody
/// needs when it is there.
pub(super) async fn ensure_schema(connection: &Connection, schema: &str) -> Result<()> {
    let doing = "create the schema";
    let found = connection
        .query_opt("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", &[&schema])
        .await
        .map_err(while_doing(doing))?;
    if found.is_none() {
        let statement = format!("CREATE SCHEMA IF NOT EXISTS {}", ident(schema));
        connection.batch_execute(&statement).await.map_err(while_doing(doing))?;
    }
    Ok(())
}

async fn exists(connection: &Connection, qualified: &str) -> Result<bool> {
    let row = connection
        .query_one("SELECT pg_catalog.to_regclass($1) IS NOT NULL", &[&qualified])
        .await
        .map_err(while_doing("look for the system tables"))?;
    Ok(row.get(0))
}

/// An instant as SQL.
///
/// # Errors
/// `Internal` for one outside of the years -9999 to 9999.
pub(super) fn instant(micros: i64) -> Result<String> {
    let instant = jiff::Timestamp::from_microsecond(micros)
        .map_err(|error| Error::internal("A commit has an impossible time.").caused_by(error))?;
    Ok(format!("{}::timestamptz", literal(&instant.to_string())))
}

/// What `bigint` can hold of an unsigned number.
fn signed(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| Error::internal("A counter is larger than 63 bits."))
}

/// Text of PostgreSQL cannot hold U+0000; in a reason it says nothing that its replacement would not.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
