//! One run: a coordinator that holds the snapshot, and lanes that read under it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::Value;
use syncline_protocol::{
    BatchKind, ChangeSink, Column, DiscoverFilter, Error, ErrorKind, Part, ReadPlan, Result, SourceSession,
    TableName, TablePosition, TableRead,
};

use super::catalog::{self, Table};
use super::client::{Connection, Server};
use super::codec::Codec;
use super::decode::{BatchLimit, Decoder};
use super::error::while_doing;
use super::lane::Lane;
use super::plan::{From, Mark, Piece, Plan};
use super::planner::Planner;
use super::reader::{Checkpoints, Reader};
use super::select;
use super::sql::literal;
use super::types::{Reading, reading};

/// The state of the database that a session sees.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    /// The name it is exported under.
    id: String,
    /// The first transaction that it does not surely see, in 64 bits.
    pub(super) xmin: i64,
    /// `server_version_num`.
    pub(super) version: i32,
    /// Bytes a page.
    pub(super) page_bytes: i64,
}

/// A run over one database.
pub(super) struct PostgresSession {
    server: Arc<Server>,
    /// Holds the snapshot: it lives as long as this transaction.
    coordinator: tokio::sync::Mutex<Option<Connection>>,
    snapshot: Snapshot,
    idle: Mutex<Vec<Lane>>,
    /// Tables as the snapshot sees them, so they are the same for the whole session.
    seen: Mutex<HashMap<TableName, Arc<Seen>>>,
}

/// A table, and the files in which the snapshot sees its rows.
struct Seen {
    table: Table,
    files: Vec<(u32, u32)>,
}

pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

impl PostgresSession {
    /// Connects and takes the snapshot.
    ///
    /// # Errors
    /// As for connecting; `Unsupported` when the server cannot export snapshots.
    pub(super) async fn open(server: Arc<Server>) -> Result<PostgresSession> {
        let coordinator = server.connect().await?;
        let doing = || while_doing("take a snapshot");
        coordinator.batch_execute(BEGIN).await.map_err(doing())?;
        let row = coordinator
            .query_one(
                "SELECT pg_catalog.pg_export_snapshot(),
                        pg_catalog.txid_snapshot_xmin(pg_catalog.txid_current_snapshot()),
                        pg_catalog.current_setting('server_version_num')::int4,
                        pg_catalog.current_setting('block_size')::int8",
                &[],
            )
            .await
            .map_err(doing())?;
        let read = || -> Result<Snapshot, tokio_postgres::Error> {
            Ok(Snapshot {
                id: row.try_get(0)?,
                xmin: row.try_get(1)?,
                version: row.try_get(2)?,
                page_bytes: row.try_get(3)?,
            })
        };
        let snapshot = read().map_err(doing())?;
        Ok(PostgresSession {
            server,
            coordinator: tokio::sync::Mutex::new(Some(coordinator)),
            snapshot,
            idle: Mutex::default(),
            seen: Mutex::default(),
        })
    }

    /// The table as the snapshot sees it.
    pub(super) async fn table(coordinator: &Connection, version: i32, name: &TableName) -> Result<Table> {
        let filter = DiscoverFilter { tables: vec![name.clone()], system: true };
        catalog::tables(coordinator, version, &filter).await?.pop().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The table {name} is not there any more."))
                .with("table", name)
        })
    }

    async fn lane(&self) -> Result<Lane> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(lane) => Ok(lane),
            None => self.server.lane().await,
        }
    }

    /// Whether the transaction that holds the snapshot is gone.
    fn is_lost(&self) -> bool {
        // Somebody who holds the lock is using the coordinator and will notice.
        self.coordinator
            .try_lock()
            .is_ok_and(|coordinator| coordinator.as_ref().is_none_or(|c| c.is_closed()))
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::ConnectionLost, "The connection that held the state of the database still broke.")
}

/// How the columns of `read` are selected from `table`, in their order.
///
/// # Errors
/// `SchemaChanged` when a column is gone or has another type than when it was discovered; `Unsupported` when a wanted
/// type cannot be had.
pub(super) fn readings(table: &Table, columns: &[Column]) -> Result<Vec<Reading>> {
    columns
        .iter()
        .map(|column| {
            let changed = |message: String| {
                Err(Error::new(ErrorKind::SchemaChanged, message)
                    .with("table", &table.name)
                    .with("column", &column.name))
            };
            let Some(found) = table.column(&column.name) else {
                return changed(format!("The column `{}` of {} is gone.", column.name, table.name));
            };
            let retyped =
                column.native_type.as_ref().is_some_and(|native_type| *native_type != found.native_type);
            if retyped || (found.nullable && !column.nullable) {
                let now = if found.nullable { " and can be null" } else { "" };
                return changed(format!(
                    "The column `{}` of {} is now {}{now}.",
                    column.name, table.name, found.native_type
                ));
            }
            reading(&column.name, found.reading.clone(), &column.logical)
        })
        .collect()
}

pub(super) fn decoder(columns: &[Column], readings: &[Reading], marks: usize, limit: BatchLimit) -> Decoder {
    let codecs: Vec<Codec> = readings.iter().map(|reading| reading.codec.clone()).collect();
    Decoder::new(columns, codecs, marks, limit)
}

/// `a, b::text, …` for these columns.
pub(super) fn expressions(columns: &[Column], readings: &[Reading]) -> String {
    select::expressions(columns.iter().map(|column| column.name.as_str()).zip(readings))
}

#[async_trait]
impl SourceSession for PostgresSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let seen = self.seen(&read.table).await?;
        readings(&seen.table, &read.columns)?;
        let coordinator = self.coordinator.lock().await;
        let client = coordinator.as_ref().ok_or_else(lost)?;
        Planner { client, snapshot: &self.snapshot, table: &seen.table, read }.plan(position).await
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let outcome = self.read_part(read, plan, part, from, sink).await;
        outcome.map_err(|error| {
            let snapshot_gone =
                error.context().iter().any(|(name, value)| *name == "sqlstate" && value == "22023");
            let error = if snapshot_gone || (error.kind() != ErrorKind::Stopped && self.is_lost()) {
                lost().caused_by(error)
            } else {
                error
            };
            error.with("table", &read.table)
        })
    }

    async fn close(&self) {
        let coordinator = self.coordinator.lock().await.take();
        if let Some(coordinator) = coordinator {
            coordinator.close().await;
        }
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for lane in idle {
            lane.close().await;
        }
    }
}

impl PostgresSession {
    async fn read_part(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let seen = self.seen(&read.table).await?;
        let table = &seen.table;
        let piece: Piece = serde_json::from_value(part.payload.clone())
            .map_err(|error| Error::internal("A part of a plan cannot be understood.").caused_by(error))?;
        let plan = Plan::parse(&plan.plan)?;
        let position = from
            .map(|value| serde_json::from_value::<Mark>(value.clone()).map(From::After))
            .transpose()
            .map_err(|error| {
                Error::new(
                    ErrorKind::PositionLost,
                    "A stored checkpoint was not made by this version of Syncline.",
                )
                .caused_by(error)
            })?;
        let key_columns = read.key_columns();
        let columns = if piece == Piece::Keys { &key_columns } else { &read.columns };
        let readings = readings(table, columns)?;
        let later = matches!(&plan, Plan::Snapshot(plan) if plan.xmin != self.snapshot.xmin);
        let (copy, marks) =
            select::copy(table, &plan, &piece, &expressions(columns, &readings), position.as_ref(), later);
        let mut reader = Reader {
            decoder: decoder(columns, &readings, marks, BatchLimit::default()),
            sink,
            kind: if piece == Piece::Keys { BatchKind::Keys } else { BatchKind::Rows },
            checkpoints: match marks {
                0 => Checkpoints::None,
                1 => Checkpoints::CursorChange,
                _ => Checkpoints::AnyRow,
            },
            rows_since: 0,
        };
        let statements = format!(
            "{BEGIN}; SET TRANSACTION SNAPSHOT {}; {copy}; {}; COMMIT",
            literal(&self.snapshot.id),
            rewritten(&seen.files)
        );
        let mut lane = self.lane().await?;
        let answers = reader.run(&mut lane, &statements).await?;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(lane);
        match answers.rows.first() {
            Some(Some(count)) if count == "0" => Ok(()),
            _ => Err(Error::new(
                ErrorKind::Conflict,
                format!("The table {} was rewritten or emptied while it was being read.", read.table),
            )
            .fix("Run it again; TRUNCATE, VACUUM FULL or ALTER TABLE hide rows from readers that began before.")),
        }
    }

    /// The table called `name`, looked up once a session.
    async fn seen(&self, name: &TableName) -> Result<Arc<Seen>> {
        let known = self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(name).map(Arc::clone);
        if let Some(known) = known {
            return Ok(known);
        }
        let coordinator = self.coordinator.lock().await;
        let coordinator = coordinator.as_ref().ok_or_else(lost)?;
        let table = PostgresSession::table(coordinator, self.snapshot.version, name).await?;
        let files = files(coordinator, table.oid).await?;
        let seen = Arc::new(Seen { table, files });
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), Arc::clone(&seen));
        Ok(seen)
    }
}

/// The files of a table and its partitions, as the snapshot of `client` sees them.
async fn files(client: &Connection, table: u32) -> Result<Vec<(u32, u32)>> {
    let doing = || while_doing("look at the files of a table");
    let rows = client
        .query(
            "WITH RECURSIVE tree AS (
                 SELECT $1::oid AS oid
                 UNION ALL
                 SELECT i.inhrelid FROM tree t
                 JOIN pg_catalog.pg_class p ON p.oid = t.oid AND p.relkind = 'p'
                 JOIN pg_catalog.pg_inherits i ON i.inhparent = t.oid
             )
             SELECT c.oid, c.relfilenode FROM tree t JOIN pg_catalog.pg_class c ON c.oid = t.oid
             WHERE c.relkind IN ('r', 'm') AND c.relfilenode <> 0",
            &[&table],
        )
        .await
        .map_err(doing())?;
    let pair = |row: &tokio_postgres::Row| Ok((row.try_get(0)?, row.try_get(1)?));
    rows.iter().map(pair).collect::<Result<_, tokio_postgres::Error>>().map_err(doing())
}

/// A query for the number of files that are no longer those of the table.
///
/// A snapshot does not protect from TRUNCATE, VACUUM FULL and ALTER TABLE: whoever reads afterwards under an older
/// snapshot finds an empty table, or other pages
/// (<https://www.postgresql.org/docs/current/mvcc-caveats.html>). `pg_relation_filenode` tells the present file, and
/// the lock that the COPY took keeps it so.
fn rewritten(files: &[(u32, u32)]) -> String {
    if files.is_empty() {
        return "SELECT 0".to_owned();
    }
    let values: Vec<_> =
        files.iter().map(|(oid, filenode)| format!("({oid}::oid, {filenode}::oid)")).collect();
    format!(
        "SELECT pg_catalog.count(*) FROM (VALUES {}) AS file (oid, node)
         WHERE pg_catalog.pg_relation_filenode(file.oid) IS DISTINCT FROM file.node",
        values.join(", ")
    )
}

/// `server_version_num`.
///
/// # Errors
/// `ConnectionLost`.
pub(super) async fn server_version(connection: &Connection) -> Result<i32> {
    let doing = || while_doing("ask for the version");
    let row = connection
        .query_one("SELECT pg_catalog.current_setting('server_version_num')::int4", &[])
        .await
        .map_err(doing())?;
    row.try_get(0).map_err(doing())
}
