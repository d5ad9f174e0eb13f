//! Singer targets as destinations.
//!
//! A target takes records and keeps them as it likes; it cannot be asked what it has. Each segment is one life of the
//! program: it is given the rows and a state, its input is closed, and only when it has said the state back and ended
//! well is the position kept, on this computer. A crash between the two sends the segment again, so rows arrive *at
//! least once*. A target that replaces rows by their key ends right all the same; one that adds them has some twice.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{DataType, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use arrow_json::writer::{LineDelimited, WriterBuilder};
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use syncline_protocol::{
    BatchKind, ChangeBatch, ChangeSink, CheckStep, Column, Commit, ConnectorContext, Destination,
    DestinationCapabilities, DestinationSession, Durability, Durable, Error, ErrorKind, Landing, LoadInto,
    Loader, LoaderOptions, LogicalType, Opened, Opening, QuarantinedRow, Result, SchemaChange, StepSink,
    StoredCheckpoint, TableName, TargetName, TargetTable, WriteMode,
};
use tokio::sync::OnceCell;
use xxhash_rust::xxh3::xxh3_64;

use super::ledger::Ledger;
use super::process::{Program, Sink, without_secrets};
use super::{ExternalConfig, find_program};
use crate::stream::blocking;

pub(super) struct SingerTarget {
    shared: Arc<Shared>,
}

struct Shared {
    config: ExternalConfig,
    context: ConnectorContext,
    ledger: Ledger,
    program: OnceCell<Arc<Program>>,
}

impl Shared {
    async fn program(&self) -> Result<Arc<Program>> {
        let program = self.program.get_or_try_init(|| find_program(&self.config, &self.context));
        program.await.map(Arc::clone)
    }
}

impl SingerTarget {
    pub(super) fn new(config: ExternalConfig, context: &ConnectorContext) -> SingerTarget {
        // A new password is not another target.
        let plain = without_secrets(&Value::Object(config.settings.clone()));
        let named = json!([config.package, config.executable, config.command, plain]).to_string();
        let file = format!("{:016x}.json", xxh3_64(named.as_bytes()));
        let path = context.project.join(".syncline").join("targets").join(file);
        let ledger = Ledger::new(path);
        let shared = Shared { config, context: context.clone(), ledger, program: OnceCell::new() };
        SingerTarget { shared: Arc::new(shared) }
    }
}

fn unsupported(what: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("A Singer target cannot {what}."))
}

fn landing(logical: &LogicalType) -> Landing {
    match logical {
        LogicalType::Numeric | LogicalType::Decimal { .. } => {
            Landing::converted(LogicalType::Text, "goes as exact decimal text: numbers in JSON are not exact")
        }
        LogicalType::Interval => Landing::converted(LogicalType::Text, "goes as ISO 8601 text"),
        LogicalType::Uuid => Landing::converted(LogicalType::Text, "goes as text of 36 characters"),
        LogicalType::List(_) | LogicalType::Struct(_) => {
            Landing::converted(LogicalType::Json, "goes as JSON")
        }
        other => Landing::same(other),
    }
}

/// The JSON Schema of a column.
fn property(logical: &LogicalType) -> Value {
    let text = |format: &str| json!({"type": ["null", "string"], "format": format});
    match logical {
        LogicalType::Boolean => json!({"type": ["null", "boolean"]}),
        LogicalType::Int16 | LogicalType::Int32 | LogicalType::Int64 => json!({"type": ["null", "integer"]}),
        LogicalType::Float32 | LogicalType::Float64 => json!({"type": ["null", "number"]}),
        LogicalType::Date => text("date"),
        LogicalType::Time => text("time"),
        LogicalType::Timestamp | LogicalType::TimestampTz => text("date-time"),
        LogicalType::Json => json!({}),
        _ => json!({"type": ["null", "string"]}),
    }
}

#[async_trait]
impl Destination for SingerTarget {
    fn capabilities(&self) -> DestinationCapabilities {
        DestinationCapabilities {
            durability: Durability::AtLeastOnce,
            schemas: false,
            default_schema: None,
            identifier_bytes_max: 120,
            case_sensitive: false,
            // Two lives of the same target may write to the same file.
            parallel_loaders: 1,
            segment_bytes: 64 << 20,
            date_range: (i32::MIN + 1, i32::MAX - 1),
            timestamp_range: (-62_135_596_800_000_000, 253_402_300_799_999_999),
            infinite_times: false,
            text_nul: true,
            counts_fast: false,
            replaces_children: false,
        }
    }

    fn landing(&self, logical: &LogicalType) -> Landing {
        landing(logical)
    }

    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        let table = change.table();
        vec![match change {
            SchemaChange::CreateTable { .. } => {
                format!("send stream {table}; the target makes what it needs")
            }
            SchemaChange::AddColumn { column, .. } => {
                format!("send stream {table} with {} {} as well", column.name, column.logical)
            }
            SchemaChange::WidenColumn { column, from, .. } => {
                format!("send {} of stream {table} as {} instead of {from}", column.name, column.logical)
            }
            SchemaChange::DropTable { .. } => {
                format!("stream {table} cannot be removed: the target keeps what it was sent")
            }
        }]
    }

    async fn check(&self, steps: &dyn StepSink) {
        let began = Instant::now();
        match self.shared.program().await {
            Ok(program) => steps.step(
                CheckStep::ok("Find the program", began.elapsed())
                    .detail(program.name())
                    .limited("A Singer target cannot be asked what it has: after a crash rows may come twice, and counts are not proved."),
            ),
            Err(error) => steps.step(CheckStep::failed("Find the program", began.elapsed(), &error)),
        }
    }

    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        // Only what this computer has sent is known; whatever connection sent it.
        let (shared, tables) = (Arc::clone(&self.shared), tables.to_vec());
        blocking(move || {
            let known = shared.ledger.tables()?;
            Ok(tables.iter().map(|table| known.get(&table.to_string()).cloned()).collect())
        })
        .await
    }

    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>> {
        let (shared, connection) = (Arc::clone(&self.shared), connection.to_owned());
        blocking(move || Ok(shared.ledger.read(&connection)?.checkpoints)).await
    }

    async fn open(&self, opening: &Opening) -> Result<Opened> {
        self.shared.program().await?;
        let (shared, connection) = (Arc::clone(&self.shared), opening.connection.clone());
        let account = blocking(move || {
            shared.ledger.change(&connection, |account| {
                account.fence += 1;
                Ok(account.clone())
            })
        })
        .await?;
        let session = TargetSession {
            shared: Arc::clone(&self.shared),
            connection: opening.connection.clone(),
            fence: account.fence,
        };
        Ok(Opened { session: Box::new(session), fence: account.fence, checkpoints: account.checkpoints })
    }

    async fn count(&self, _target: &TargetTable) -> Result<u64> {
        Err(unsupported("be asked how many rows it has"))
    }

    async fn scan(&self, _: &TargetTable, _: &[Column], _: &dyn ChangeSink) -> Result<()> {
        Err(unsupported("give its rows back"))
    }

    async fn quarantined(
        &self,
        connection: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        let (shared, connection) = (Arc::clone(&self.shared), connection.to_owned());
        let mut rows = blocking(move || Ok(shared.ledger.read(&connection)?.quarantine)).await?;
        rows.retain(|row| table.is_none_or(|table| row.table == *table));
        rows.truncate(limit);
        Ok(rows)
    }
}

struct TargetSession {
    shared: Arc<Shared>,
    connection: String,
    fence: u64,
}

impl TargetSession {
    async fn keep(&self, commit: &Commit) -> Result<Durable> {
        let (shared, connection, fence) = (Arc::clone(&self.shared), self.connection.clone(), self.fence);
        let commit = commit.clone();
        blocking(move || shared.ledger.commit(&connection, fence, &commit).map(|()| Durable::default())).await
    }
}

#[async_trait]
impl DestinationSession for TargetSession {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        if let SchemaChange::DropTable { table } = change {
            return Err(unsupported("remove rows that it was sent")
                .with("table", table)
                .meaning("Nothing was removed.")
                .fix("Remove them where the target has put them."));
        }
        let (shared, connection, fence) = (Arc::clone(&self.shared), self.connection.clone(), self.fence);
        let (name, change) = (change.table().to_string(), change.clone());
        let applied = move || {
            shared.ledger.change(&connection, |account| {
                account.guard(fence)?;
                let columns = account.tables.entry(name).or_default();
                match change {
                    SchemaChange::CreateTable { table } if columns.is_empty() => {
                        *columns = table.all_columns();
                    }
                    SchemaChange::CreateTable { .. } => {}
                    SchemaChange::AddColumn { column, .. } => {
                        columns.retain(|known| known.name != column.name);
                        columns.push(column);
                    }
                    SchemaChange::WidenColumn { column, .. } => {
                        columns.iter_mut().filter(|known| known.name == column.name).for_each(|known| {
                            known.logical = column.logical.clone();
                        });
                    }
                    SchemaChange::DropTable { .. } => {} // refused above
                }
                Ok(())
            })
        };
        blocking(applied).await
    }

    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        if into == LoadInto::Beside {
            return Err(unsupported("put a full copy in the place of another")
                .with("table", &target.name)
                .meaning("Nothing was sent.")
                .fix("Give the table the mode append, or merge if it has a key and the target replaces rows by it."));
        }
        self.keep(commit).await
    }

    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        if options.target.mode == WriteMode::History {
            return Err(unsupported("keep versions of rows").fix("Use the mode append or merge."));
        }
        let session = TargetSession {
            shared: Arc::clone(&self.shared),
            connection: self.connection.clone(),
            fence: self.fence,
        };
        Ok(Box::new(TargetLoader { session, options: options.clone(), sink: None, rows: 0 }))
    }

    async fn close(&self) {}
}

struct TargetLoader {
    session: TargetSession,
    options: LoaderOptions,
    /// The program, once there are rows for it.
    sink: Option<Sink>,
    rows: u64,
}

impl TargetLoader {
    async fn start(&mut self) -> Result<&mut Sink> {
        let sink = match self.sink.take() {
            Some(sink) => sink,
            None => {
                let program = self.session.shared.program().await?;
                let mut files = program.files()?;
                let arguments = vec!["--config".to_owned(), files.json("config", &program.settings)?];
                let mut sink = program.sink(arguments, files)?;
                let target = &self.options.target;
                let properties: Map<String, Value> = target
                    .columns
                    .iter()
                    .map(|column| (column.name.clone(), property(&column.logical)))
                    .collect();
                let schema = json!({"type": "SCHEMA", "stream": target.name.to_string(), "key_properties": target.key,
                    "schema": {"type": "object", "properties": properties}});
                sink.send(&schema.to_string()).await?;
                sink
            }
        };
        Ok(self.sink.insert(sink))
    }

    /// The rows as messages, one a line.
    fn records(&self, batch: &ChangeBatch) -> Result<Vec<String>> {
        let mut bytes = Vec::new();
        let mut writer = WriterBuilder::new().with_explicit_nulls(true).build::<_, LineDelimited>(&mut bytes);
        writer.write(&with_offsets(&batch.rows)?)?;
        writer.finish()?;
        let nested: Vec<&str> = self
            .options
            .target
            .columns
            .iter()
            .filter(|column| column.logical == LogicalType::Json)
            .map(|column| column.name.as_str())
            .collect();
        let stream = self.options.target.name.to_string();
        let message = |line: &[u8]| {
            let mut record: Map<String, Value> = serde_json::from_slice(line)
                .map_err(|error| Error::internal("A row could not be written as JSON.").caused_by(error))?;
            for name in &nested {
                if let Some(value) = record.get_mut(*name)
                    && let Some(text) = value.as_str()
                    && let Ok(inner) = serde_json::from_str(text)
                {
                    *value = inner;
                }
            }
            Ok(json!({"type": "RECORD", "stream": stream, "record": record}).to_string())
        };
        bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(message).collect()
    }
}

/// Instants with their zone as an offset: the writer knows no zones by name.
fn with_offsets(rows: &RecordBatch) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(|column| match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let instants = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(instants.with_timezone("+00:00")) as ArrayRef
        }
        _ => Arc::clone(column),
    });
    let names = rows.schema();
    let named = names.fields().iter().map(|field| field.name().clone()).zip(columns);
    Ok(RecordBatch::try_from_iter_with_nullable(named.map(|(name, column)| (name, column, true)))?)
}

#[async_trait]
impl Loader for TargetLoader {
    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        if batch.kind == BatchKind::Parents && self.options.target.mode == WriteMode::Append {
            return Ok(()); // nothing is ever replaced
        }
        if batch.kind != BatchKind::Rows {
            return Err(unsupported("delete rows").fix("Turn `detect_deletes` off for this table."));
        }
        let records = self.records(&batch)?;
        self.rows += records.len() as u64;
        let sink = self.start().await?;
        for record in records {
            sink.send(&record).await?;
        }
        Ok(())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        let rows = std::mem::take(&mut self.rows);
        if let Some(sink) = self.sink.take() {
            let state = json!({"table": commit.table.to_string(), "ordinal": commit.ordinal});
            sink.end(&state).await?;
        }
        if rows != commit.rows {
            return Err(Error::new(
                ErrorKind::Mismatch,
                "Other rows were sent to the target than were read.",
            ));
        }
        self.session.keep(commit).await?;
        Ok(Durable { written: rows, deleted: 0 })
    }
}

/// Whether the folder of a project is known, without which nothing can be remembered.
///
/// # Errors
/// `Config`.
pub(super) fn require_project(project: &Path) -> Result<()> {
    if project.as_os_str().is_empty() {
        return Err(Error::new(ErrorKind::Config, "A Singer target can only be used within a project."));
    }
    Ok(())
}
