//! A source and a destination that keep the contract in memory. Their worlds outlive sessions, as real systems do, and
//! the destination fails on command.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_engine::{Connection, Observer, Receipt, RunOptions, SchemaMemory, Stop, Unobserved};
use syncline_protocol::schema::{TableInfo, TableKind};
use syncline_protocol::*;
use syncline_store::config::{ConnectionConfig, TableConfig};

pub type Row = BTreeMap<String, Option<String>>;

/// What a fault does to one commit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// Nothing happens; the commit works. Fills the queue up to the commit that should fail.
    None,
    /// Refused, nothing done.
    Reject(ErrorKind),
    /// Done, but the answer is lost.
    LostReply,
}

#[derive(Default)]
pub struct World {
    pub fences: HashMap<String, u64>,
    pub checkpoints: HashMap<TableName, StoredCheckpoint>,
    pub tables: BTreeMap<TargetName, Vec<Row>>,
    pub columns: BTreeMap<TargetName, Vec<Column>>,
    pub beside: HashMap<TargetName, Vec<Row>>,
    pub quarantine: Vec<QuarantinedRow>,
    pub faults: VecDeque<Fault>,
    pub commits: usize,
}

#[derive(Clone, Default)]
pub struct MemoryDestination {
    pub world: Arc<Mutex<World>>,
    /// Whether it claims not to replace the rows of a parent.
    pub keeps_children: Arc<AtomicBool>,
}

impl MemoryDestination {
    /// The rows that a reader sees, as `column=value` texts without the time of the sync, sorted.
    pub fn rows(&self, table: &str) -> Vec<String> {
        let world = self.world.lock().unwrap();
        let rows = world.tables.iter().find(|(name, _)| name.name == table).map(|(_, rows)| rows.clone());
        let mut rows: Vec<String> = rows
            .unwrap_or_default()
            .iter()
            .filter(|row| row.get(system::DELETED).is_none_or(|deleted| deleted.as_deref() != Some("true")))
            .map(|row| {
                row.iter()
                    .filter(|(name, _)| !name.starts_with(system::PREFIX))
                    .map(|(name, value)| format!("{name}={}", value.as_deref().unwrap_or("null")))
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        rows.sort();
        rows
    }

    pub fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.world.lock().unwrap().faults.extend(faults);
    }
}

fn error(kind: ErrorKind) -> Error {
    Error::new(kind, "scripted fault")
}

#[async_trait]
impl Destination for MemoryDestination {
    fn capabilities(&self) -> DestinationCapabilities {
        DestinationCapabilities {
            durability: Durability::Transactional,
            schemas: true,
            default_schema: Some("main".to_owned()),
            identifier_bytes_max: 63,
            case_sensitive: false,
            parallel_loaders: 3,
            segment_bytes: 2048,
            date_range: (-100_000, 100_000),
            timestamp_range: (-1_000_000, 1_000_000_000_000_000),
            infinite_times: false,
            text_nul: false,
            counts_fast: true,
            replaces_children: !self.keeps_children.load(Ordering::Relaxed),
        }
    }

    fn landing(&self, logical: &LogicalType) -> Landing {
        match logical {
            LogicalType::Interval => Landing::converted(LogicalType::Text, "lands as ISO 8601 text"),
            LogicalType::List(_) => Landing::converted(LogicalType::Json, "lands as JSON"),
            other => Landing::same(other),
        }
    }

    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        vec![match change {
            SchemaChange::CreateTable { table } => format!("CREATE {}", table.name),
            SchemaChange::AddColumn { table, column } => {
                format!("ADD {table}.{} {}", column.name, column.logical)
            }
            SchemaChange::WidenColumn { table, column, from } => {
                format!("WIDEN {table}.{} {from} -> {}", column.name, column.logical)
            }
            SchemaChange::DropTable { table } => format!("DROP {table}"),
        }]
    }

    async fn check(&self, _: &dyn StepSink) {}

    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        let world = self.world.lock().unwrap();
        Ok(tables.iter().map(|table| world.columns.get(table).cloned()).collect())
    }

    async fn checkpoints(&self, _: &str) -> Result<Vec<StoredCheckpoint>> {
        Ok(self.world.lock().unwrap().checkpoints.values().cloned().collect())
    }

    async fn open(&self, opening: &Opening) -> Result<Opened> {
        let mut world = self.world.lock().unwrap();
        let fence = world.fences.entry(opening.connection.clone()).or_default();
        *fence += 1;
        let fence = *fence;
        let session =
            MemorySession { world: Arc::clone(&self.world), connection: opening.connection.clone(), fence };
        Ok(Opened {
            session: Box::new(session),
            fence,
            checkpoints: world.checkpoints.values().cloned().collect(),
        })
    }

    async fn count(&self, target: &TargetTable) -> Result<u64> {
        let world = self.world.lock().unwrap();
        Ok(world.tables.get(&target.name).ok_or_else(|| error(ErrorKind::NotFound))?.len() as u64)
    }

    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()> {
        let rows = self.world.lock().unwrap().tables[&target.name].clone();
        let arrays = columns.iter().map(|column| -> ArrayRef {
            let texts = rows.iter().map(|row| row[&column.name].clone());
            match column.logical {
                LogicalType::Int64 => Arc::new(
                    texts.map(|text| text.map(|text| text.parse::<i64>().unwrap())).collect::<Int64Array>(),
                ),
                _ => Arc::new(texts.collect::<StringArray>()),
            }
        });
        let rows = RecordBatch::try_new(schema::arrow_schema(columns), arrays.collect())?;
        sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Rows, rows })).await?;
        Ok(())
    }

    async fn quarantined(
        &self,
        _: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        let world = self.world.lock().unwrap();
        let rows = world.quarantine.iter().filter(|row| table.is_none_or(|table| row.table == *table));
        Ok(rows.take(limit).cloned().collect())
    }
}

struct MemorySession {
    world: Arc<Mutex<World>>,
    connection: String,
    fence: u64,
}

impl MemorySession {
    fn check(&self, world: &World) -> Result<()> {
        if world.fences[&self.connection] > self.fence { Err(error(ErrorKind::Fenced)) } else { Ok(()) }
    }
}

#[async_trait]
impl DestinationSession for MemorySession {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        let mut world = self.world.lock().unwrap();
        self.check(&world)?;
        match change {
            SchemaChange::CreateTable { table } => {
                world.tables.entry(table.name.clone()).or_default();
                world.columns.entry(table.name.clone()).or_insert_with(|| table.all_columns());
            }
            SchemaChange::AddColumn { table, column } => {
                world.columns.get_mut(table).unwrap().push(column.clone());
                for row in world.tables.get_mut(table).unwrap() {
                    row.insert(column.name.clone(), None);
                }
            }
            SchemaChange::WidenColumn { table, column, .. } => {
                let columns = world.columns.get_mut(table).unwrap();
                columns.iter_mut().find(|known| known.name == column.name).unwrap().logical =
                    column.logical.clone();
            }
            SchemaChange::DropTable { table } => {
                world.tables.remove(table);
                world.columns.remove(table);
            }
        }
        Ok(())
    }

    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        let mut world = self.world.lock().unwrap();
        self.check(&world)?;
        store(&mut world, self.fence, commit)?;
        if into == LoadInto::Beside {
            world.beside.insert(target.name.clone(), Vec::new());
        }
        Ok(Durable::default())
    }

    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        Ok(Box::new(MemoryLoader {
            session: MemorySession {
                world: Arc::clone(&self.world),
                connection: self.connection.clone(),
                fence: self.fence,
            },
            options: options.clone(),
            staged: Vec::new(),
            keys: Vec::new(),
        }))
    }

    async fn close(&self) {}
}

fn store(world: &mut World, fence: u64, commit: &Commit) -> Result<()> {
    let before = world.checkpoints.get(&commit.table);
    if commit.ordinal != before.map_or(0, |stored| stored.ordinal) + 1 {
        return Err(error(ErrorKind::Conflict));
    }
    let (rows, bytes) = before.map_or((0, 0), |stored| (stored.rows, stored.bytes));
    let stored = StoredCheckpoint {
        table: commit.table.clone(),
        fence,
        ordinal: commit.ordinal,
        // Through text, as in a real destination.
        position: serde_json::from_str(&serde_json::to_string(&commit.position).unwrap()).unwrap(),
        committed_at: jiff::Timestamp::from_microsecond(commit.at_micros).unwrap().to_string(),
        rows: rows + commit.rows,
        bytes: bytes + commit.bytes,
        checksum: commit.checksum,
    };
    world.checkpoints.insert(commit.table.clone(), stored);
    Ok(())
}

struct MemoryLoader {
    session: MemorySession,
    options: LoaderOptions,
    staged: Vec<(BatchKind, Row)>,
    keys: Vec<Row>,
}

impl MemoryLoader {
    fn key(&self, row: &Row) -> Vec<Option<String>> {
        self.options.target.key.iter().map(|name| row.get(name).cloned().flatten()).collect()
    }

    fn apply(&mut self, world: &mut World, commit: &Commit) -> Result<Durable> {
        let counted = self.staged.iter().filter(|(kind, _)| kind.is_counted()).count();
        if commit.rows != counted as u64 {
            return Err(error(ErrorKind::Mismatch));
        }
        let target = self.options.target.clone();
        let mut rows = match self.options.into {
            LoadInto::Table => world.tables.get(&target.name).cloned().unwrap_or_default(),
            LoadInto::Beside => {
                world.beside.get(&target.name).cloned().ok_or_else(|| error(ErrorKind::NotFound))?
            }
        };
        let merges = !target.key.is_empty() && target.mode != WriteMode::Append && !self.options.distinct;
        let mut durable = Durable::default();
        for (kind, row) in std::mem::take(&mut self.staged) {
            if kind == BatchKind::Parents {
                // Its columns are the first ones of the key.
                rows.retain(|there| {
                    !merges || row.iter().any(|(name, value)| there.get(name) != Some(value))
                });
            } else if merges || kind == BatchKind::Deletes {
                let key = self.key(&row);
                rows.retain(|there| self.key(there) != key);
            }
            if kind == BatchKind::Rows {
                rows.push(row);
                durable.written += 1;
            }
        }
        if commit.finish == Finish::Sweep {
            let keys: Vec<_> = std::mem::take(&mut self.keys).iter().map(|row| self.key(row)).collect();
            let before = rows.len();
            rows.retain(|row| keys.contains(&self.key(row)));
            durable.deleted = (before - rows.len()) as u64;
        }
        store(world, self.session.fence, commit)?;
        for (at, rejected) in commit.rejected.iter().enumerate() {
            world.quarantine.push(QuarantinedRow {
                id: format!("{}-{at}", commit.ordinal),
                table: commit.table.clone(),
                run: commit.run.clone(),
                at: "now".to_owned(),
                rejected: rejected.clone(),
            });
        }
        world.quarantine.retain(|row| !commit.replayed.contains(&row.id));
        if commit.finish == Finish::Swap {
            world.beside.remove(&target.name);
            world.columns.insert(target.name.clone(), target.all_columns());
            world.tables.insert(target.name, rows);
        } else if self.options.into == LoadInto::Beside {
            world.beside.insert(target.name, rows);
        } else {
            world.tables.insert(target.name, rows);
        }
        world.commits += 1;
        Ok(durable)
    }
}

#[async_trait]
impl Loader for MemoryLoader {
    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        let format = FormatOptions::default().with_null("\u{1}");
        let schema = batch.rows.schema();
        let columns = schema.fields().iter().zip(batch.rows.columns());
        let columns: Vec<_> = columns.filter(|(field, _)| field.name() != system::SYNCED_AT).collect();
        let texts: Vec<_> =
            columns.iter().map(|(_, array)| ArrayFormatter::try_new(*array, &format).unwrap()).collect();
        for at in 0..batch.rows.num_rows() {
            let row: Row = columns
                .iter()
                .zip(&texts)
                .map(|((field, _), text)| {
                    let text = text.value(at).to_string();
                    (field.name().clone(), (text != "\u{1}").then_some(text))
                })
                .collect();
            match batch.kind {
                BatchKind::Keys => self.keys.push(row),
                kind => self.staged.push((kind, row)),
            }
        }
        Ok(())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        let world = Arc::clone(&self.session.world);
        let mut world = world.lock().unwrap();
        self.session.check(&world)?;
        match world.faults.pop_front() {
            Some(Fault::Reject(kind)) => Err(error(kind)),
            Some(Fault::LostReply) => {
                self.apply(&mut world, commit)?;
                Err(error(ErrorKind::ConnectionLost))
            }
            Some(Fault::None) | None => self.apply(&mut world, commit),
        }
    }
}

/// One table of the source: rows by id, each with an updated number and a value.
#[derive(Clone)]
pub struct SourceTable {
    pub schema: TableSchema,
    pub rows: BTreeMap<i64, (i64, Value)>,
}

#[derive(Clone, Default)]
pub struct MemorySource {
    pub tables: Arc<Mutex<BTreeMap<TableName, SourceTable>>>,
    /// Errors that the next reads end with after their first batch.
    pub faults: Arc<Mutex<VecDeque<ErrorKind>>>,
    /// Whether it claims to infer its types.
    pub inferred: Arc<AtomicBool>,
    /// After these rows a sample waits until somebody has enough.
    pub sample_stalls: Arc<Mutex<Option<usize>>>,
}

const PART_ROWS: usize = 10;

impl MemorySource {
    /// A table `id, updated, name` with `count` rows.
    pub fn add(&self, name: &str, count: i64) {
        let columns = vec![
            Column::new("id", LogicalType::Int64).required(),
            Column::new("updated", LogicalType::Int64),
            Column::new("Name", LogicalType::Text),
        ];
        let schema = TableSchema { table: TableName::bare(name), columns, key: vec!["id".to_owned()] };
        let rows = (0..count).map(|id| (id, (id, json!(format!("row {id}"))))).collect();
        self.tables.lock().unwrap().insert(TableName::bare(name), SourceTable { schema, rows });
    }

    pub fn change(&self, name: &str, change: impl FnOnce(&mut SourceTable)) {
        change(self.tables.lock().unwrap().get_mut(&TableName::bare(name)).unwrap());
    }

    fn table(&self, name: &TableName) -> Result<SourceTable> {
        self.tables.lock().unwrap().get(name).cloned().ok_or_else(|| error(ErrorKind::NotFound))
    }
}

fn batch(columns: &[Column], rows: &[(i64, (i64, Value))]) -> RecordBatch {
    let arrays = columns.iter().map(|column| -> ArrayRef {
        match column.name.as_str() {
            "id" => Arc::new(rows.iter().map(|(id, _)| Some(*id)).collect::<Int64Array>()),
            "updated" => {
                Arc::new(rows.iter().map(|(_, (updated, _))| Some(*updated)).collect::<Int64Array>())
            }
            "Name" => Arc::new(
                rows.iter().map(|(_, (_, name))| name.as_str().map(str::to_owned)).collect::<StringArray>(),
            ),
            _ => Arc::new(rows.iter().map(|(id, _)| Some(format!("new {id}"))).collect::<StringArray>()),
        }
    });
    RecordBatch::try_new(schema::arrow_schema(columns), arrays.collect()).unwrap()
}

#[async_trait]
impl Source for MemorySource {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: 3,
            incremental: true,
            key_lists: true,
            consistent: false,
            inferred_types: self.inferred.load(Ordering::Relaxed),
            samples: SamplePicks::default(),
        }
    }

    async fn check(&self, _: &dyn StepSink) {}

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let tables = self.tables.lock().unwrap();
        let tables = tables
            .values()
            .filter(|table| filter.tables.is_empty() || filter.tables.contains(&table.schema.table));
        let info = |table: &SourceTable| TableInfo {
            schema: table.schema.clone(),
            kind: TableKind::Table,
            rows_estimate: Some(table.rows.len() as u64),
            bytes_estimate: None,
            cursors: Vec::new(),
            unreadable: None,
            comment: None,
            elements_of: None,
        };
        Ok(Catalog { tables: tables.map(info).collect() })
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        let table = self.table(&read.table)?;
        let stalls = *self.sample_stalls.lock().unwrap();
        let rows: Vec<_> = table.rows.into_iter().take(stalls.unwrap_or(sampling.rows)).collect();
        sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Rows, rows: batch(&read.columns, &rows) }))
            .await?;
        if stalls.is_some() {
            sink.stopped().await;
            return Err(Stopped.into());
        }
        Ok(())
    }

    async fn open(&self, _: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        Ok(Box::new(MemorySourceSession { source: self.clone() }))
    }
}

struct MemorySourceSession {
    source: MemorySource,
}

#[async_trait]
impl SourceSession for MemorySourceSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let table = self.source.table(&read.table)?;
        let newest = table.rows.values().map(|(updated, _)| *updated).max().unwrap_or(-1);
        let part = |index, kind, payload| Part { index, kind, payload, rows_estimate: None };
        let plan = match position {
            Some(position) if !position.complete => position.plan.clone(),
            Some(position) if read.mode != ReadMode::Full => {
                json!({"from": position.plan["to"], "to": newest})
            }
            _ => json!({"ids": table.rows.keys().max().map_or(0, |id| id + 1), "to": newest}),
        };
        let continues = position.is_some_and(|position| !position.complete);
        let mut parts: Vec<Part> = match plan["ids"].as_i64() {
            Some(ids) => (0..ids.max(0) as usize)
                .step_by(PART_ROWS)
                .enumerate()
                .map(|(index, first)| {
                    part(index as u32, PartKind::Changes, json!([first, first + PART_ROWS]))
                })
                .collect(),
            None => vec![part(0, PartKind::Changes, Value::Null)],
        };
        if read.key_list {
            parts.push(part(parts.len() as u32, PartKind::Keys, Value::Null));
        }
        let full = plan.get("ids").is_some();
        Ok(ReadPlan {
            continues,
            full,
            disjoint: full,
            parts,
            follow_up: full && continues && read.mode != ReadMode::Full,
            rows_estimate: None,
            plan,
        })
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let table = self.source.table(&read.table)?;
        if part.kind == PartKind::Keys {
            let rows: Vec<_> = table.rows.into_iter().collect();
            let rows = batch(&read.key_columns(), &rows);
            sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Keys, rows })).await?;
            return Ok(());
        }
        let mut rows: Vec<(i64, (i64, Value))> = match part.payload.as_array() {
            Some(range) => {
                let (first, last) = (range[0].as_i64().unwrap(), range[1].as_i64().unwrap());
                table.rows.range(first..last).map(|(id, row)| (*id, row.clone())).collect()
            }
            None => {
                let from = plan.plan["from"].as_i64().unwrap();
                let to = plan.plan["to"].as_i64().unwrap();
                table.rows.into_iter().filter(|(_, (updated, _))| (from + 1..=to).contains(updated)).collect()
            }
        };
        rows.sort_by_key(|(id, (updated, _))| (*updated, *id));
        if let Some(at) = from {
            let at = (at[0].as_i64().unwrap(), at[1].as_i64().unwrap());
            rows.retain(|(id, (updated, _))| (*updated, *id) > at);
        }
        for rows in rows.chunks(4) {
            let (good, bad): (Vec<_>, Vec<_>) =
                rows.iter().cloned().partition(|(_, (_, name))| !name.is_number());
            sink.send(Change::Batch(ChangeBatch {
                kind: BatchKind::Rows,
                rows: batch(&read.columns, &good),
            }))
            .await?;
            for (id, (updated, name)) in bad {
                sink.send(Change::Rejected(RejectedRow {
                    column: Some("Name".to_owned()),
                    reason: "`Name` is a number".to_owned(),
                    row: json!({"id": id.to_string(), "updated": updated.to_string(), "Name": name}),
                }))
                .await?;
            }
            let (id, (updated, _)) = rows.last().unwrap();
            sink.send(Change::Checkpoint(json!([updated, id]))).await?;
            let fault = self.source.faults.lock().unwrap().pop_front();
            if let Some(kind) = fault {
                return Err(error(kind));
            }
        }
        Ok(())
    }

    async fn close(&self) {}
}

#[derive(Default)]
pub struct Memory(Mutex<HashMap<(String, TableName), TableSchema>>);

impl SchemaMemory for Memory {
    fn accepted_schema(&self, connection: &str, table: &TableName) -> Result<Option<TableSchema>> {
        Ok(self.0.lock().unwrap().get(&(connection.to_owned(), table.clone())).cloned())
    }

    fn accept_schema(&self, connection: &str, schema: &TableSchema) -> Result<()> {
        self.0.lock().unwrap().insert((connection.to_owned(), schema.table.clone()), schema.clone());
        Ok(())
    }
}

/// A connection over both, with the tables given as YAML-like JSON.
pub struct Fixture {
    pub source: MemorySource,
    pub destination: MemoryDestination,
    pub connection: Connection,
}

impl Fixture {
    pub fn new(tables: Value) -> Self {
        let (source, destination) = (MemorySource::default(), MemoryDestination::default());
        let tables: Vec<TableConfig> = serde_json::from_value(tables).unwrap();
        let config: ConnectionConfig =
            serde_json::from_value(json!({"source": "s", "destination": "d", "tables": tables})).unwrap();
        let connection = Connection {
            name: "c".to_owned(),
            id: "p/c".to_owned(),
            config: Arc::new(config),
            source: Arc::new(source.clone()),
            destination: Arc::new(destination.clone()),
            salt: "salt".to_owned(),
            memory: Arc::new(Memory::default()),
            clock: jiff::Timestamp::now,
            origin: syncline_engine::Origin::default(),
        };
        Fixture { source, destination, connection }
    }

    pub fn configure(&mut self, change: impl FnOnce(&mut ConnectionConfig)) {
        let mut config = (*self.connection.config).clone();
        change(&mut config);
        self.connection.config = Arc::new(config);
    }

    pub async fn run(&self) -> Receipt {
        self.run_with(options(), Stop::new(), Arc::new(Unobserved)).await
    }

    pub async fn run_with(&self, options: RunOptions, stop: Stop, observer: Arc<dyn Observer>) -> Receipt {
        self.connection.run(options, stop, observer).await
    }

    /// What the destination should hold of a table in merge or replace mode.
    pub fn expected(&self, table: &str) -> Vec<String> {
        let tables = self.source.tables.lock().unwrap();
        let mut rows: Vec<String> = tables[&TableName::bare(table)]
            .rows
            .iter()
            .filter(|(_, (_, name))| !name.is_number())
            .map(|(id, (updated, name))| {
                format!("id={id} name={} updated={updated}", name.as_str().unwrap_or("null"))
            })
            .collect();
        rows.sort();
        rows
    }
}

pub fn options() -> RunOptions {
    RunOptions { backoff: std::time::Duration::ZERO, ..RunOptions::new("r") }
}
