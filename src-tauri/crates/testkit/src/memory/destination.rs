//! A destination in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use serde_json::Value;
use syncline_protocol::{
    BatchKind, Change, ChangeBatch, ChangeSink, CheckStep, Column, Commit, Destination,
    DestinationCapabilities, DestinationSession, Durability, Durable, Error, ErrorKind, Finish, Landing,
    LoadInto, Loader, LoaderOptions, LogicalType, Opened, Opening, QuarantinedRow, Result, SchemaChange,
    StepSink, StoredCheckpoint, TableName, TargetName, TargetTable,
};

use super::table::{Row, Step, Table};
use crate::rows::{batch, values, widen};

const SCAN_ROWS: usize = 1000;

/// A destination in memory. Clones are handles on the same data, as connections are on the same database.
#[derive(Debug, Clone)]
pub struct MemoryDestination {
    state: Arc<Mutex<State>>,
    capabilities: DestinationCapabilities,
}

#[derive(Debug, Default)]
struct State {
    tables: BTreeMap<TargetName, Table>,
    beside: BTreeMap<TargetName, Table>,
    connections: BTreeMap<String, Connection>,
    quarantine: Vec<(String, QuarantinedRow)>,
    quarantined_ever: u64,
}

#[derive(Debug, Default)]
struct Connection {
    fence: u64,
    run: String,
    checkpoints: BTreeMap<TableName, StoredCheckpoint>,
}

impl Default for MemoryDestination {
    fn default() -> Self {
        MemoryDestination::new()
    }
}

impl MemoryDestination {
    /// An empty destination.
    pub fn new() -> Self {
        let capabilities = DestinationCapabilities {
            durability: Durability::Transactional,
            schemas: true,
            default_schema: Some("main".to_owned()),
            identifier_bytes_max: 63,
            case_sensitive: true,
            parallel_loaders: 4,
            segment_bytes: 16 << 20,
            date_range: (i32::MIN + 1, i32::MAX - 1),
            timestamp_range: (i64::MIN + 1, i64::MAX - 1),
            infinite_times: true,
            text_nul: true,
            counts_fast: true,
            replaces_children: true,
        };
        MemoryDestination { state: Arc::default(), capabilities }
    }

    /// The same data, seen through other capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, change: impl FnOnce(&mut DestinationCapabilities)) -> Self {
        change(&mut self.capabilities);
        self
    }

    /// All rows of a table as JSON arrays of these columns, sorted; also softly deleted ones and ended versions.
    /// `None` when there is no such table.
    pub fn rows(&self, table: &TargetName, columns: &[&str]) -> Option<Vec<Value>> {
        self.pick(table, columns, false)
    }

    /// As [`rows`](Self::rows), only what readers see.
    pub fn visible(&self, table: &TargetName, columns: &[&str]) -> Option<Vec<Value>> {
        self.pick(table, columns, true)
    }

    fn pick(&self, table: &TargetName, columns: &[&str], visible: bool) -> Option<Vec<Value>> {
        let state = self.state();
        let table = state.tables.get(table)?;
        let mut rows: Vec<Value> = table
            .rows
            .iter()
            .filter(|row| !visible || table.shows(row))
            .map(|row| columns.iter().map(|name| row.get(*name).cloned().unwrap_or(Value::Null)).collect())
            .collect();
        rows.sort_by_key(Value::to_string);
        Some(rows)
    }

    /// The names of all tables that readers see.
    pub fn tables(&self) -> Vec<TargetName> {
        self.state().tables.keys().cloned().collect()
    }

    /// Whether a copy is being built beside a table.
    pub fn is_building(&self, table: &TargetName) -> bool {
        self.state().beside.contains_key(table)
    }

    /// Drops a table, as a person does behind our back.
    pub fn drop_table(&self, table: &TargetName) {
        self.state().tables.remove(table);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no writer panicked")
    }
}

fn missing(table: &TargetName) -> Error {
    Error::new(ErrorKind::NotFound, format!("There is no table {table} in the destination."))
        .with("table", table)
}

#[async_trait]
impl Destination for MemoryDestination {
    fn capabilities(&self) -> DestinationCapabilities {
        self.capabilities.clone()
    }

    fn landing(&self, logical: &LogicalType) -> Landing {
        Landing::same(logical)
    }

    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        vec![match change {
            SchemaChange::CreateTable { table } => {
                let columns: Vec<String> = table
                    .all_columns()
                    .iter()
                    .map(|column| format!("{} {}", column.name, column.logical))
                    .collect();
                format!("create table {} ({})", table.name, columns.join(", "))
            }
            SchemaChange::AddColumn { table, column } => {
                format!("add column {} {} to {table}", column.name, column.logical)
            }
            SchemaChange::WidenColumn { table, column, from } => {
                format!("widen column {} of {table} from {from} to {}", column.name, column.logical)
            }
            SchemaChange::DropTable { table } => format!("drop table {table}"),
        }]
    }

    async fn check(&self, steps: &dyn StepSink) {
        steps.step(CheckStep::ok("Write to memory", std::time::Duration::ZERO));
    }

    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        let state = self.state();
        Ok(tables.iter().map(|name| state.tables.get(name).map(|table| table.columns.clone())).collect())
    }

    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>> {
        let state = self.state();
        let connection = state.connections.get(connection);
        Ok(connection
            .map(|connection| connection.checkpoints.values().cloned().collect())
            .unwrap_or_default())
    }

    async fn open(&self, opening: &Opening) -> Result<Opened> {
        let mut state = self.state();
        let connection = state.connections.entry(opening.connection.clone()).or_default();
        connection.fence += 1;
        connection.run = opening.run.clone();
        Ok(Opened {
            fence: connection.fence,
            checkpoints: connection.checkpoints.values().cloned().collect(),
            session: Box::new(Session {
                destination: self.clone(),
                connection: opening.connection.clone(),
                fence: connection.fence,
            }),
        })
    }

    async fn count(&self, target: &TargetTable) -> Result<u64> {
        let state = self.state();
        let table = state.tables.get(&target.name).ok_or_else(|| missing(&target.name))?;
        Ok(table.rows.iter().filter(|row| table.shows(row)).count() as u64)
    }

    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()> {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let rows = self.visible(&target.name, &names).ok_or_else(|| missing(&target.name))?;
        for page in rows.chunks(SCAN_ROWS) {
            let batch = ChangeBatch { kind: BatchKind::Rows, rows: batch(columns, page) };
            sink.send(Change::Batch(batch)).await?;
        }
        Ok(())
    }

    async fn quarantined(
        &self,
        connection: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        let state = self.state();
        Ok(state
            .quarantine
            .iter()
            .filter(|(owner, row)| owner == connection && table.is_none_or(|table| row.table == *table))
            .map(|(_, row)| row.clone())
            .take(limit)
            .collect())
    }
}

struct Session {
    destination: MemoryDestination,
    connection: String,
    fence: u64,
}

impl State {
    /// The connection, when this fence may still write.
    fn fenced(&mut self, connection: &str, fence: u64) -> Result<&mut Connection> {
        let found = self.connections.entry(connection.to_owned()).or_default();
        if found.fence == fence {
            return Ok(found);
        }
        let message = format!("Another run of connection {connection} took over ({}).", found.run);
        Err(Error::new(ErrorKind::Fenced, message))
    }

    fn create(&mut self, target: &TargetTable) {
        self.tables.entry(target.name.clone()).or_insert_with(|| Table::new(target));
    }

    fn store_checkpoint(&mut self, connection: &str, fence: u64, commit: &Commit) -> Result<()> {
        let found = self.fenced(connection, fence)?;
        let before = found.checkpoints.get(&commit.table);
        let (rows, bytes) = before.map_or((0, 0), |before| (before.rows, before.bytes));
        let stored = StoredCheckpoint {
            table: commit.table.clone(),
            fence,
            ordinal: commit.ordinal,
            position: commit.position.clone(),
            committed_at: rfc3339(commit.at_micros),
            rows: rows + commit.rows,
            bytes: bytes + commit.bytes,
            checksum: commit.checksum,
        };
        found.checkpoints.insert(commit.table.clone(), stored);
        Ok(())
    }

    /// That this commit may happen now.
    fn admit(&mut self, connection: &str, fence: u64, commit: &Commit) -> Result<()> {
        let found = self.fenced(connection, fence)?;
        let stored = found.checkpoints.get(&commit.table).map_or(0, |stored| stored.ordinal);
        if commit.ordinal == stored + 1 {
            return Ok(());
        }
        let message = format!("Table {} is at commit {stored}, and {} came.", commit.table, commit.ordinal);
        Err(Error::new(ErrorKind::Conflict, message))
    }
}

#[async_trait]
impl DestinationSession for Session {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        let mut state = self.destination.state();
        state.fenced(&self.connection, self.fence)?;
        match change {
            SchemaChange::CreateTable { table } => state.create(table),
            SchemaChange::AddColumn { table, column } => {
                let stored = state.tables.get_mut(table).ok_or_else(|| missing(table))?;
                if stored.columns.iter().all(|known| known.name != column.name) {
                    stored.columns.push(column.clone());
                }
            }
            SchemaChange::WidenColumn { table, column, from } => {
                let stored = state.tables.get_mut(table).ok_or_else(|| missing(table))?;
                let known = stored.columns.iter_mut().find(|known| known.name == column.name);
                let known = known.ok_or_else(|| missing(table))?;
                if known.logical == column.logical {
                    return Ok(());
                }
                let mut rows = stored.rows.clone();
                for row in &mut rows {
                    if let Some(value) = row.get_mut(&column.name) {
                        *value = widen(value, from, &column.logical).ok_or_else(|| {
                            let message =
                                format!("{value} in column {} does not fit the new type.", column.name);
                            Error::new(ErrorKind::Conflict, message)
                        })?;
                    }
                }
                known.logical = column.logical.clone();
                stored.rows = rows;
            }
            SchemaChange::DropTable { table } => {
                state.tables.remove(table);
            }
        }
        Ok(())
    }

    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        let mut state = self.destination.state();
        state.admit(&self.connection, self.fence, commit)?;
        if into == LoadInto::Beside {
            state.beside.insert(target.name.clone(), Table::new(target));
        }
        state.store_checkpoint(&self.connection, self.fence, commit)?;
        Ok(Durable::default())
    }

    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        Ok(Box::new(MemoryLoader {
            destination: self.destination.clone(),
            connection: self.connection.clone(),
            fence: self.fence,
            options: options.clone(),
            steps: Vec::new(),
        }))
    }

    async fn close(&self) {}
}

struct MemoryLoader {
    destination: MemoryDestination,
    connection: String,
    fence: u64,
    options: LoaderOptions,
    steps: Vec<Step>,
}

#[async_trait]
impl Loader for MemoryLoader {
    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        let schema = batch.rows.schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        let target = &self.options.target;
        let columns = match batch.kind {
            BatchKind::Rows => target.columns.clone(),
            BatchKind::Deletes | BatchKind::Keys => target.key_columns(),
            BatchKind::Parents => target.key_columns().into_iter().take(names.len().max(1)).collect(),
        };
        let fits = schema.fields().len() == columns.len()
            && schema.fields().iter().zip(&columns).all(|(field, column)| {
                *field.name() == column.name && *field.data_type() == column.logical.to_arrow()
            });
        if !fits {
            return Err(Error::internal(format!(
                "A batch has the columns {names:?}, the table {columns:?}."
            )));
        }
        for row in values(&batch.rows) {
            let Value::Array(row) = row else { continue };
            let row: Row = names.iter().map(|name| (*name).to_owned()).zip(row).collect();
            self.steps.push(Step { kind: batch.kind, row });
        }
        Ok(())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        let steps = std::mem::take(&mut self.steps);
        let staged = steps.iter().filter(|step| step.kind.is_counted()).count() as u64;
        let target = &self.options.target;
        let mut guard = self.destination.state();
        let state = &mut *guard;
        state.admit(&self.connection, self.fence, commit)?;
        if staged != commit.rows {
            let message = format!("{staged} rows were staged, and {} should be.", commit.rows);
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
        let beside = self.options.into == LoadInto::Beside;
        let tables = if beside { &mut state.beside } else { &mut state.tables };
        let table = tables.get_mut(&target.name).ok_or_else(|| missing(&target.name))?;
        let sweep = commit.finish == Finish::Sweep;
        let durable = table.apply(target, &steps, sweep, commit.at_micros);
        if commit.finish == Finish::Swap
            && let Some(built) = state.beside.remove(&target.name)
        {
            state.tables.insert(target.name.clone(), built);
        }
        state.quarantine.retain(|(_, row)| !commit.replayed.contains(&row.id));
        for rejected in &commit.rejected {
            state.quarantined_ever += 1;
            let row = QuarantinedRow {
                id: state.quarantined_ever.to_string(),
                table: commit.table.clone(),
                run: commit.run.clone(),
                at: rfc3339(commit.at_micros),
                rejected: rejected.clone(),
            };
            state.quarantine.push((self.connection.clone(), row));
        }
        state.store_checkpoint(&self.connection, self.fence, commit)?;
        Ok(durable)
    }
}

/// Microseconds since 1970-01-01 as RFC 3339 text in UTC.
fn rfc3339(micros: i64) -> String {
    let array = arrow::array::TimestampMicrosecondArray::from(vec![micros]);
    match array.value_as_datetime(0) {
        Some(time) => format!("{}Z", time.format("%Y-%m-%dT%H:%M:%S%.6f")),
        None => micros.to_string(),
    }
}
