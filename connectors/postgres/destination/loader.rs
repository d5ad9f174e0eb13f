//! Loads the segments of one table: COPY, merge, checkpoint, all in one transaction.

use std::pin::Pin;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::SinkExt;
use syncline_protocol::{
    BatchKind, ChangeBatch, Column, Commit, Deletes, Durable, Error, ErrorKind, Finish, LoadInto, Loader,
    LoaderOptions, LogicalType, Result, TargetTable, WriteMode, system,
};
use tokio_postgres::CopyInSink;
use tokio_postgres::error::SqlState;
use tokio_util::bytes::{Bytes, BytesMut};

use super::finish::{complete, swap};
use super::merge::{KEYS, Merge, PARENTS, STAGE, STAGE_DELETE, STAGE_ORDINAL};
use super::run;
use super::scan::{FoundColumn, found_columns};
use super::session::Shared;
use super::system::instant;
use crate::postgres::client::Connection;
use crate::postgres::ddl::{beside, idents, is_jsonb, is_keyed};
use crate::postgres::encode::{BatchEncoder, COPY_HEADER, COPY_TRAILER, CopyColumn, Origin, Wire, type_oid};
use crate::postgres::error::{failed, while_doing};

/// Bytes handed to the driver at once.
const CHUNK_BYTES: usize = 256 << 10;
const JSONB_OID: u32 = 3802;
const VARCHAR_OID: u32 = 1043;

/// A loader of one table.
pub(super) struct PostgresLoader {
    shared: Arc<Shared>,
    options: LoaderOptions,
    schema: String,
    /// Where COPY puts rows, and with which columns.
    rows_into: CopyTarget,
    keys_into: CopyTarget,
    /// Of the key of a parent the columns that the first batch of parents has.
    parents_into: CopyTarget,
    /// Whether rows go into the table at once, without being staged.
    direct: bool,
    /// None after an error: the segment is lost, and its transaction with the connection.
    connection: Option<Connection>,
    segment: Segment,
    buffer: BytesMut,
}

struct CopyTarget {
    table: String,
    columns: Vec<CopyColumn>,
}

/// What has been written since the last commit.
#[derive(Default)]
struct Segment {
    /// A transaction is open.
    begun: bool,
    copy: Option<Copy>,
    staged: bool,
    keys_staged: bool,
    /// How many columns the key of the parents has that are staged; 0 when there are none.
    parent_width: usize,
    /// The number of the next row that is staged; parents are counted among them.
    ordinal: i64,
    /// Rows and deletes taken, as the engine counts them.
    rows: u64,
    /// Rows that the server took, without keys.
    copied: u64,
    /// Deletes that have no effect in this mode and were not sent.
    ignored: u64,
}

/// A COPY that takes rows.
struct Copy {
    kind: CopyKind,
    sink: Pin<Box<CopyInSink<Bytes>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum CopyKind {
    Rows,
    Keys,
    Parents,
}

impl PostgresLoader {
    pub(super) async fn new(
        shared: Arc<Shared>,
        connection: Connection,
        mut options: LoaderOptions,
    ) -> Result<Self> {
        let target = &options.target;
        let default_schema = shared.tables.schema();
        let schema = target.name.schema.as_deref().unwrap_or(default_schema).to_owned();
        let place = match options.into {
            LoadInto::Table => target.name.clone(),
            LoadInto::Beside => beside(&target.name),
        };
        let found = found_columns(&connection, &[place], default_schema).await?;
        let found = found.into_iter().flatten().next().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The table {} is not in the database.", target.name))
        })?;
        let same = fits(&options, &found)?;
        adopt_json(&mut options, &found);
        let target = &options.target;
        let merge = Merge::new(target, &schema, options.into);
        let inserts = options.distinct || !is_keyed(target);
        let direct = same && inserts && target.mode != WriteMode::History;
        let rows_into = CopyTarget {
            table: if direct { merge.name } else { STAGE.to_owned() },
            columns: copied_columns(target, direct),
        };
        let keys = target.key_columns();
        let keys_into = CopyTarget { table: KEYS.to_owned(), columns: keys.iter().map(from_batch).collect() };
        let parents_into = CopyTarget { table: PARENTS.to_owned(), columns: Vec::new() };
        Ok(PostgresLoader {
            shared,
            schema,
            rows_into,
            keys_into,
            parents_into,
            direct,
            connection: Some(connection),
            segment: Segment::default(),
            buffer: BytesMut::with_capacity(CHUNK_BYTES + (CHUNK_BYTES >> 1)),
            options,
        })
    }

    /// Takes the connection for one step; a step that fails (or is dropped) does not put it back.
    fn take_connection(&mut self) -> Result<Connection> {
        self.connection.take().ok_or_else(|| Error::internal("A loader was used again after it had failed."))
    }

    async fn load(&mut self, connection: &Connection, batch: &ChangeBatch) -> Result<()> {
        let rows = batch.rows.num_rows() as u64;
        if rows == 0 {
            return Ok(()); // an open COPY locks its table: not for nothing
        }
        let kind = match batch.kind {
            BatchKind::Rows | BatchKind::Deletes => CopyKind::Rows,
            BatchKind::Keys => CopyKind::Keys,
            BatchKind::Parents => CopyKind::Parents,
        };
        if kind == CopyKind::Parents && (self.direct || !is_keyed(&self.options.target)) {
            return Ok(()); // nothing there to replace
        }
        self.begin(connection).await?;
        let deletes = batch.kind == BatchKind::Deletes;
        if deletes && self.direct {
            // Nothing has such a key yet, or the mode keeps every row.
            self.segment.ignored += rows;
            self.segment.rows += rows;
            return Ok(());
        }
        if kind == CopyKind::Parents {
            self.expect_parents(&batch.rows)?;
        }
        self.open_copy(connection, kind).await?;
        let ordinal = self.segment.ordinal;
        let Some(copy) = &mut self.segment.copy else {
            return Err(Error::internal("A COPY was not opened."));
        };
        let columns = match kind {
            CopyKind::Rows => &self.rows_into.columns,
            CopyKind::Keys => &self.keys_into.columns,
            CopyKind::Parents => &self.parents_into.columns,
        };
        let mut encoder = BatchEncoder::new(&batch.rows, columns, ordinal, deletes)?;
        loop {
            let more = encoder.fill(&mut self.buffer, CHUNK_BYTES)?;
            if self.buffer.len() >= CHUNK_BYTES {
                let chunk = self.buffer.split().freeze();
                copy.sink.send(chunk).await.map_err(not_taken)?;
                self.buffer.reserve(CHUNK_BYTES + (CHUNK_BYTES >> 1));
            }
            if !more {
                break;
            }
        }
        self.segment.ordinal = ordinal.saturating_add_unsigned(rows);
        if kind == CopyKind::Rows {
            self.segment.rows += rows;
        }
        Ok(())
    }

    /// That these are the first columns of the key, as many as before.
    fn expect_parents(&mut self, parents: &RecordBatch) -> Result<()> {
        let (width, schema) = (parents.num_columns(), parents.schema());
        let columns: Vec<_> = self.options.target.key_columns().into_iter().take(width).collect();
        let fits = width > 0
            && [0, width].contains(&self.segment.parent_width)
            && columns.len() == width
            && columns.iter().zip(schema.fields()).all(|(column, field)| column.name == *field.name());
        if !fits {
            return Err(Error::internal("A parent has not the first key columns."));
        }
        self.parents_into.columns = columns.iter().map(from_batch).collect();
        let ordinal = CopyColumn { name: STAGE_ORDINAL.to_owned(), origin: Origin::Ordinal };
        self.parents_into.columns.push(ordinal);
        Ok(())
    }

    async fn begin(&mut self, connection: &Connection) -> Result<()> {
        if !self.segment.begun {
            run(connection, "BEGIN", "begin a segment").await?;
            self.segment.begun = true;
        }
        Ok(())
    }

    /// Makes sure that the running COPY is one of `kind`.
    async fn open_copy(&mut self, connection: &Connection, kind: CopyKind) -> Result<()> {
        if self.segment.copy.as_ref().is_some_and(|copy| copy.kind == kind) {
            return Ok(());
        }
        self.end_copy().await?;
        match kind {
            CopyKind::Rows => self.ensure_stage(connection).await?,
            CopyKind::Keys => self.ensure_keys(connection).await?,
            CopyKind::Parents => self.ensure_parents(connection).await?,
        }
        let into = match kind {
            CopyKind::Rows => &self.rows_into,
            CopyKind::Keys => &self.keys_into,
            CopyKind::Parents => &self.parents_into,
        };
        let names = idents(into.columns.iter().map(|column| column.name.as_str()), "");
        let statement = format!("COPY {} ({names}) FROM STDIN (FORMAT BINARY)", into.table);
        let sink = connection.copy_in(&statement).await.map_err(while_doing("send rows"))?;
        self.segment.copy = Some(Copy { kind, sink: Box::pin(sink) });
        self.buffer.clear();
        self.buffer.extend_from_slice(COPY_HEADER);
        Ok(())
    }

    /// Ends the running COPY; the server has then taken, and checked, all its rows.
    async fn end_copy(&mut self) -> Result<()> {
        let Some(mut copy) = self.segment.copy.take() else { return Ok(()) };
        self.buffer.extend_from_slice(COPY_TRAILER);
        let chunk = self.buffer.split().freeze();
        copy.sink.send(chunk).await.map_err(not_taken)?;
        let rows = copy.sink.as_mut().finish().await.map_err(not_taken)?;
        if copy.kind == CopyKind::Rows {
            self.segment.copied += rows;
        }
        Ok(())
    }

    async fn ensure_stage(&mut self, connection: &Connection) -> Result<()> {
        if !self.direct && !self.segment.staged {
            let statement = self.merge().create_stage();
            run(connection, &statement, "prepare the table that rows are staged in").await?;
            self.segment.staged = true;
        }
        Ok(())
    }

    async fn ensure_keys(&mut self, connection: &Connection) -> Result<()> {
        if !self.segment.keys_staged {
            let statement = self.merge().create_keys();
            run(connection, &statement, "prepare the table that keys are staged in").await?;
            self.segment.keys_staged = true;
        }
        Ok(())
    }

    async fn ensure_parents(&mut self, connection: &Connection) -> Result<()> {
        self.ensure_stage(connection).await?; // there are deletes in it once it is merged
        if self.segment.parent_width == 0 {
            let width = self.parents_into.columns.len() - 1; // the last one is the ordinal
            let statement = self.merge().create_parents(width);
            run(connection, &statement, "prepare the table that parents are staged in").await?;
            self.segment.parent_width = width;
        }
        Ok(())
    }

    fn merge(&self) -> Merge<'_> {
        Merge::new(&self.options.target, &self.schema, self.options.into)
    }

    async fn finish(&mut self, connection: &Connection, commit: &Commit) -> Result<Durable> {
        self.begin(connection).await?;
        self.end_copy().await?;
        let counted = self.segment.copied + self.segment.ignored;
        if counted != commit.rows || counted != self.segment.rows {
            return Err(Error::new(
                ErrorKind::Mismatch,
                format!(
                    "The database took {counted} rows of {}, but {} were sent.",
                    commit.table, commit.rows
                ),
            )
            .meaning("Nothing of this segment was kept; the table stands at its last checkpoint.")
            .with("table", &self.options.target.name));
        }
        let at = instant(commit.at_micros)?;
        let mut durable = if self.direct {
            Durable { written: self.segment.copied, deleted: 0 }
        } else if self.segment.staged {
            self.merge_stage(connection, &at).await?
        } else {
            Durable::default()
        };
        match commit.finish {
            Finish::None => {}
            Finish::Complete => complete(connection, &self.merge(), &self.options.target).await?,
            Finish::Swap => swap(connection, &self.options.target, &self.schema).await?,
            Finish::Sweep => {
                self.ensure_keys(connection).await?;
                let merge = self.merge();
                if let Some(statement) = merge.sweep(&at) {
                    run(connection, &merge.analyze_keys(), "sweep").await?;
                    durable.deleted += affected(connection, &statement).await?;
                }
            }
        }
        let shared = &self.shared;
        shared.tables.record(connection, &shared.connection, shared.fence, commit).await?;
        run(connection, "COMMIT", "commit").await?;
        Ok(durable)
    }

    async fn merge_stage(&self, connection: &Connection, at: &str) -> Result<Durable> {
        let merge = self.merge();
        let target = &self.options.target;
        let mut durable = Durable::default();
        if !is_keyed(target) {
            durable.written = affected(connection, &merge.insert_all()).await?;
            return Ok(durable);
        }
        let parents = self.segment.parent_width;
        let forget = if parents > 0 { merge.forget_earlier(parents) } else { Vec::new() };
        for statement in forget.into_iter().chain(merge.keep_latest()) {
            run(connection, &statement, "merge").await?;
        }
        if parents > 0 {
            run(connection, &merge.delete_untold(parents), "merge").await?;
        }
        if target.mode == WriteMode::History {
            durable.deleted = affected(connection, &merge.close_deleted(at)).await?;
            if let Some(statement) = merge.close_changed(at) {
                affected(connection, &statement).await?;
            }
            durable.written = affected(connection, &merge.insert_versions(at)).await?;
        } else {
            durable.deleted = affected(connection, &merge.delete(at)).await?;
            if let Some(statement) = merge.update() {
                durable.written = affected(connection, &statement).await?;
            }
            durable.written += affected(connection, &merge.insert_new()).await?;
        }
        Ok(durable)
    }
}

#[async_trait]
impl Loader for PostgresLoader {
    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        let connection = self.take_connection()?;
        self.load(&connection, &batch)
            .await
            .map_err(|error| error.with("table", &self.options.target.name))?;
        self.connection = Some(connection);
        Ok(())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        let connection = self.take_connection()?;
        let durable = self
            .finish(&connection, commit)
            .await
            .map_err(|error| error.with("table", &self.options.target.name))?;
        self.connection = Some(connection);
        self.segment = Segment::default();
        Ok(durable)
    }
}

impl Drop for PostgresLoader {
    fn drop(&mut self) {
        // In the middle of a segment the connection is closed instead: the server then rolls back.
        if let Some(connection) = self.connection.take()
            && !self.segment.begun
        {
            self.shared.give_back(connection);
        }
    }
}

/// Runs one statement and answers how many rows it touched.
async fn affected(connection: &Connection, statement: &str) -> Result<u64> {
    connection.execute(statement, &[]).await.map_err(not_taken)
}

/// The error of rows that the server did not take.
fn not_taken(error: tokio_postgres::Error) -> Error {
    let Some(refusal) = error.as_db_error() else { return failed(error, "write rows") };
    let column = refusal.column().map(str::to_owned).or_else(|| copied_column(refusal.where_()?));
    let mapped = if *refusal.code() == SqlState::UNIQUE_VIOLATION {
        let message = "The table has a row with the same key already; somebody else writes to it, or its key is not unique.";
        Error::new(ErrorKind::Conflict, message).caused_by(error)
    } else {
        failed(error, "write rows")
    };
    match column {
        Some(column) => mapped.with("column", column),
        None => mapped,
    }
}

/// The column in `COPY orders, line 1, column note`, one of the lines that say where an error came up.
fn copied_column(place: &str) -> Option<String> {
    let line = place.lines().find(|line| line.starts_with("COPY "))?;
    line.split_once(", column ").map(|(_, column)| column.to_owned())
}

/// Whether the columns of the table have exactly the types of the batches.
///
/// # Errors
/// `SchemaChanged` when a column is missing or cannot hold what comes.
fn fits(options: &LoaderOptions, found: &[FoundColumn]) -> Result<bool> {
    let mut same = true;
    for column in options.target.all_columns() {
        let changed = |what: String| {
            Error::new(ErrorKind::SchemaChanged, format!("The table {} {what}.", options.target.name))
                .with("column", &column.name)
        };
        let Some(there) = found.iter().find(|found| found.column.name == column.name) else {
            return Err(changed(format!("has no column `{}` in the database", column.name)));
        };
        if !column.logical.fits(&there.column.logical) {
            let native = there.column.native_type.as_deref().unwrap_or("of another type");
            let name = &column.name;
            return Err(changed(format!(
                "has a column `{name}` that is {native} and cannot hold {}",
                column.logical
            )));
        }
        let (oid, logical) = match &column.logical {
            LogicalType::List(item) => (there.catalog.item, &**item),
            scalar => (there.catalog.oid, scalar),
        };
        same &= Some(oid) == type_oid(logical, oid == JSONB_OID)
            || (oid == VARCHAR_OID && column.logical == LogicalType::Text);
    }
    Ok(same)
}

/// JSON is staged and compared in the form that the table has it in.
fn adopt_json(options: &mut LoaderOptions, found: &[FoundColumn]) {
    for column in &mut options.target.columns {
        let there = found.iter().find(|found| found.column.name == column.name);
        let jsonb = there.is_some_and(|there| [there.catalog.oid, there.catalog.item].contains(&JSONB_OID));
        column.native_type = jsonb.then(|| "jsonb".to_owned());
    }
}

fn from_batch(column: &Column) -> CopyColumn {
    let wire = Wire { logical: column.logical.clone(), jsonb: is_jsonb(column) };
    CopyColumn { name: column.name.clone(), origin: Origin::Batch(wire) }
}

/// The columns of the COPY of rows.
fn copied_columns(target: &TargetTable, direct: bool) -> Vec<CopyColumn> {
    let mut columns: Vec<_> = target.columns.iter().map(from_batch).collect();
    let mut add = |name: &str, origin| columns.push(CopyColumn { name: name.to_owned(), origin });
    if !direct {
        add(STAGE_ORDINAL, Origin::Ordinal);
        add(STAGE_DELETE, Origin::IsDelete);
    } else if target.mode == (WriteMode::Merge { deletes: Deletes::Soft }) {
        add(system::DELETED, Origin::Constant(false));
    }
    columns
}
