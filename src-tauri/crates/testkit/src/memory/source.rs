//! A source in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, Catalog, Change, ChangeBatch, ChangeSink, CheckStep, Column, CursorCandidate, DiscoverFilter,
    Error, ErrorKind, Part, PartKind, ReadMode, ReadPlan, Result, SamplePicks, Sampling, Source,
    SourceCapabilities, SourceSession, StepSink, TableInfo, TableKind, TableName, TablePosition, TableRead,
    TableSchema,
};

use crate::rows::{batch, widen};

/// A table of a [`MemorySource`].
#[derive(Debug, Clone)]
pub struct MemoryTable {
    /// Its shape.
    pub schema: TableSchema,
    /// Columns that discovery proposes as cursor.
    pub cursors: Vec<String>,
    content: Content,
    /// Rises with every change, so that a full read begun before it does not go on after it.
    version: u64,
}

#[derive(Debug, Clone)]
enum Content {
    Rows(Vec<Value>),
    /// The changes of each part, word for word.
    Script(Vec<Vec<Change>>),
}

impl MemoryTable {
    /// An empty table.
    pub fn new(table: TableName, columns: Vec<Column>, key: &[&str]) -> Self {
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        let schema = TableSchema { table, columns, key };
        MemoryTable { schema, cursors: Vec::new(), content: Content::Rows(Vec::new()), version: 0 }
    }

    /// With a column whose value rises with every insert and update.
    #[must_use]
    pub fn cursor(mut self, column: &str) -> Self {
        self.cursors.push(column.to_owned());
        self
    }

    /// With these rows: JSON arrays in the form of [`rows`](crate::rows).
    #[must_use]
    pub fn rows(mut self, rows: Vec<Value>) -> Self {
        self.content = Content::Rows(rows);
        self
    }

    fn place(&self, column: &str) -> Option<usize> {
        self.schema.columns.iter().position(|known| known.name == column)
    }

    fn key_of(&self, row: &Value) -> Vec<Value> {
        let places = self.schema.key.iter().filter_map(|name| self.place(name));
        places.map(|place| row[place].clone()).collect()
    }
}

/// A source in memory. Clones are handles on the same tables. Sessions see the tables as they were when they were
/// opened.
///
/// A full read divides the rows into parts of [`part_rows`](Self::part_rows), and goes on in a later session when
/// the table has not changed. An incremental read goes by the cursor, with the key as tie-break, and goes on whatever
/// happens.
#[derive(Debug, Clone)]
pub struct MemorySource {
    tables: Arc<Mutex<BTreeMap<TableName, MemoryTable>>>,
    part_rows: usize,
    batch_rows: usize,
    checkpoint_batches: usize,
    capabilities: SourceCapabilities,
}

impl Default for MemorySource {
    fn default() -> Self {
        MemorySource::new()
    }
}

impl MemorySource {
    /// A source without tables.
    pub fn new() -> Self {
        MemorySource {
            tables: Arc::default(),
            part_rows: 100,
            batch_rows: 10,
            checkpoint_batches: 2,
            capabilities: SourceCapabilities {
                parallel_parts: 4,
                incremental: true,
                key_lists: true,
                consistent: true,
                inferred_types: false,
                samples: SamplePicks::default(),
            },
        }
    }

    /// How many rows a part of a full read has.
    #[must_use]
    pub fn part_rows(mut self, rows: usize) -> Self {
        self.part_rows = rows.max(1);
        self
    }

    /// How many rows a batch has, and after how many batches a checkpoint comes.
    #[must_use]
    pub fn batches(mut self, rows: usize, until_checkpoint: usize) -> Self {
        self.batch_rows = rows.max(1);
        self.checkpoint_batches = until_checkpoint.max(1);
        self
    }

    /// Other capabilities.
    #[must_use]
    pub fn with_capabilities(mut self, change: impl FnOnce(&mut SourceCapabilities)) -> Self {
        change(&mut self.capabilities);
        self
    }

    /// Adds a table, or puts it in the place of the one with its name.
    pub fn put(&self, table: MemoryTable) {
        let mut tables = self.tables();
        let version = tables.get(&table.schema.table).map_or(0, |old| old.version + 1);
        tables.insert(table.schema.table.clone(), MemoryTable { version, ..table });
    }

    /// Drops a table.
    pub fn remove(&self, table: &TableName) {
        self.tables().remove(table);
    }

    /// Inserts rows, or replaces those with their key.
    ///
    /// # Panics
    /// When there is no such table, or it is scripted.
    pub fn upsert(&self, table: &TableName, rows: Vec<Value>) {
        self.change(table, |table| {
            for row in rows {
                let key = table.key_of(&row);
                let keys: Vec<_> = table.stored().iter().map(|row| table.key_of(row)).collect();
                let place = keys.iter().position(|known| !key.is_empty() && *known == key);
                match (place, &mut table.content) {
                    (Some(place), Content::Rows(stored)) => stored[place] = row,
                    (None, Content::Rows(stored)) => stored.push(row),
                    (_, Content::Script(_)) => panic!("a scripted table has no rows"),
                }
            }
        });
    }

    /// Deletes the rows with these keys (JSON arrays).
    ///
    /// # Panics
    /// When there is no such table, or it is scripted.
    pub fn delete(&self, table: &TableName, keys: &[Value]) {
        self.change(table, |table| {
            let kept = table.stored().iter().filter(|row| !keys.contains(&Value::Array(table.key_of(row))));
            table.content = Content::Rows(kept.cloned().collect());
        });
    }

    /// Changes the shape of a table; `row` makes each row fit the new one.
    ///
    /// # Panics
    /// When there is no such table, or it is scripted.
    pub fn alter(&self, table: &TableName, columns: Vec<Column>, row: impl Fn(&Value) -> Value) {
        self.change(table, |table| {
            table.content = Content::Rows(table.stored().iter().map(row).collect());
            table.schema.columns = columns;
        });
    }

    /// Makes reading the table play these changes: one list a part, word for word. Reading from a checkpoint plays
    /// what follows it.
    ///
    /// # Panics
    /// When there is no such table.
    pub fn script(&self, table: &TableName, parts: Vec<Vec<Change>>) {
        self.change(table, |table| table.content = Content::Script(parts));
    }

    fn change(&self, table: &TableName, change: impl FnOnce(&mut MemoryTable)) {
        let mut tables = self.tables();
        let found = tables.get_mut(table).unwrap_or_else(|| panic!("there is no table {table}"));
        found.version += 1;
        change(found);
    }

    fn tables(&self) -> MutexGuard<'_, BTreeMap<TableName, MemoryTable>> {
        self.tables.lock().expect("no writer panicked")
    }
}

impl MemoryTable {
    fn stored(&self) -> &[Value] {
        match &self.content {
            Content::Rows(rows) => rows,
            Content::Script(_) => panic!("a scripted table has no rows"),
        }
    }

    fn info(&self) -> TableInfo {
        TableInfo {
            schema: self.schema.clone(),
            kind: TableKind::Table,
            rows_estimate: match &self.content {
                Content::Rows(rows) => Some(rows.len() as u64),
                Content::Script(_) => None,
            },
            bytes_estimate: None,
            cursors: self
                .cursors
                .iter()
                .map(|column| CursorCandidate {
                    column: column.clone(),
                    reason: "declared by the test".to_owned(),
                })
                .collect(),
            unreadable: None,
            comment: None,
            elements_of: None,
        }
    }
}

fn missing(table: &TableName) -> Error {
    Error::new(ErrorKind::NotFound, format!("There is no table {table} in the source.")).with("table", table)
}

#[async_trait]
impl Source for MemorySource {
    fn capabilities(&self) -> SourceCapabilities {
        self.capabilities.clone()
    }

    async fn check(&self, steps: &dyn StepSink) {
        steps.step(CheckStep::ok("Read from memory", std::time::Duration::ZERO));
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let wanted =
            |table: &&MemoryTable| filter.tables.is_empty() || filter.tables.contains(&table.schema.table);
        Ok(Catalog { tables: self.tables().values().filter(wanted).map(MemoryTable::info).collect() })
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        let session = Session { tables: self.tables().clone(), source: self.clone() };
        let table = session.checked(read)?;
        let first = match &table.content {
            Content::Rows(stored) => stored.iter().take(sampling.rows).cloned().collect(),
            Content::Script(_) => Vec::new(),
        };
        let rows = pick(&table, &read.columns, &first);
        Ok(sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Rows, rows })).await?)
    }

    async fn open(&self, _: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        Ok(Box::new(Session { tables: self.tables().clone(), source: self.clone() }))
    }
}

struct Session {
    tables: BTreeMap<TableName, MemoryTable>,
    source: MemorySource,
}

impl Session {
    /// The table, when it still has the columns that are asked for.
    fn checked(&self, read: &TableRead) -> Result<MemoryTable> {
        let table = self.tables.get(&read.table).ok_or_else(|| missing(&read.table))?;
        for column in &read.columns {
            let fits = table.schema.column(&column.name).is_some_and(|now| now.logical.fits(&column.logical));
            if !fits {
                let message = format!("Column {} of table {} changed.", column.name, read.table);
                return Err(Error::new(ErrorKind::SchemaChanged, message).with("column", &column.name));
            }
        }
        Ok(table.clone())
    }
}

/// Where an incremental read stands: cursor and key of a row.
fn mark(table: &MemoryTable, cursor: usize, row: &Value) -> Value {
    json!([row[cursor], table.key_of(row)])
}

/// Orders cursor values and keys: numbers by value, everything else as text. Null first.
fn order(left: &Value, right: &Value) -> std::cmp::Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => left.cmp(&right),
            _ => left.as_f64().partial_cmp(&right.as_f64()).unwrap_or(std::cmp::Ordering::Equal),
        },
        (Value::Array(left), Value::Array(right)) => left
            .iter()
            .zip(right)
            .map(|(left, right)| order(left, right))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| left.len().cmp(&right.len())),
        (Value::Null, Value::Null) => std::cmp::Ordering::Equal,
        (Value::Null, _) => std::cmp::Ordering::Less,
        (_, Value::Null) => std::cmp::Ordering::Greater,
        (left, right) => left.to_string().cmp(&right.to_string()),
    }
}

fn part(index: usize, kind: PartKind, payload: Value, rows: Option<usize>) -> Part {
    Part { index: index as u32, kind, payload, rows_estimate: rows.map(|rows| rows as u64) }
}

/// The rows as a batch of these columns, wider types included.
fn pick(table: &MemoryTable, columns: &[Column], rows: &[Value]) -> arrow::record_batch::RecordBatch {
    let places: Vec<_> = columns
        .iter()
        .filter_map(|column| Some((table.place(&column.name)?, table.schema.column(&column.name)?, column)))
        .collect();
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let value = |(place, from, to): &(usize, &Column, &Column)| {
                widen(&row[*place], &from.logical, &to.logical).unwrap_or(Value::Null)
            };
            places.iter().map(value).collect()
        })
        .collect();
    batch(columns, &rows)
}

impl Session {
    fn plan_full(&self, table: &MemoryTable, position: Option<&TablePosition>) -> ReadPlan {
        let size = self.source.part_rows;
        let (kind, count) = match &table.content {
            Content::Rows(rows) => ("rows", rows.len().div_ceil(size)),
            Content::Script(parts) => ("script", parts.len()),
        };
        let plan = json!({ kind: { "version": table.version, "part_rows": size } });
        let rows = table.info().rows_estimate;
        ReadPlan {
            continues: position.is_some_and(|position| !position.complete && position.plan == plan),
            plan,
            full: true,
            disjoint: kind == "rows" && !table.schema.key.is_empty(),
            parts: (0..count)
                .map(|index| {
                    part(index, PartKind::Changes, json!(index * size), Some(size).filter(|_| rows.is_some()))
                })
                .collect(),
            follow_up: false,
            rows_estimate: rows,
        }
    }

    fn plan_incremental(
        &self,
        table: &MemoryTable,
        read: &TableRead,
        cursor: &str,
        look_back: std::time::Duration,
        position: Option<&TablePosition>,
    ) -> Result<ReadPlan> {
        let place = table.place(cursor).ok_or_else(|| {
            Error::new(ErrorKind::SchemaChanged, format!("Table {} has no column {cursor}.", read.table))
        })?;
        let (plan, continues) = match position {
            Some(position) if !position.complete && position.plan.get("upto").is_some() => {
                (position.plan.clone(), true)
            }
            _ => {
                let before =
                    position.and_then(|position| position.plan.get("upto")).filter(|upto| !upto.is_null());
                let last =
                    table.stored().iter().map(|row| &row[place]).max_by(|left, right| order(left, right));
                let upto = match (before, last) {
                    (Some(before), Some(last)) if order(before, last).is_gt() => before.clone(),
                    (_, Some(last)) => last.clone(),
                    (before, None) => before.cloned().unwrap_or(Value::Null),
                };
                let after = before.map_or(Value::Null, |before| match before.as_i64() {
                    Some(number) => json!(number - look_back.as_micros() as i64),
                    None => before.clone(),
                });
                (json!({ "cursor": cursor, "after": after, "upto": upto }), false)
            }
        };
        let full = plan["after"].is_null();
        let mut parts = vec![part(0, PartKind::Changes, Value::Null, None)];
        if read.key_list && !full {
            parts.push(part(1, PartKind::Keys, Value::Null, Some(table.stored().len())));
        }
        Ok(ReadPlan { plan, continues, full, disjoint: false, parts, follow_up: false, rows_estimate: None })
    }

    /// The rows of a part that are left, with the checkpoint after each.
    fn remaining(
        &self,
        table: &MemoryTable,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
    ) -> Vec<(Value, Value)> {
        let rows = table.stored();
        if part.kind == PartKind::Keys {
            return rows.iter().map(|row| (row.clone(), Value::Null)).collect();
        }
        let ReadMode::Incremental { cursor, .. } = &read.mode else {
            let begin = part.payload.as_u64().unwrap_or(0) as usize;
            let end = (begin + self.source.part_rows).min(rows.len());
            let begin = from.and_then(Value::as_u64).map_or(begin, |from| from as usize);
            return (begin..end).map(|at| (rows[at].clone(), json!(at + 1))).collect();
        };
        let place = table.place(cursor).unwrap_or(0);
        let (after, upto) = (&plan.plan["after"], &plan.plan["upto"]);
        let mut found: Vec<(Value, Value)> = rows
            .iter()
            .filter(|row| after.is_null() || order(&row[place], after).is_gt())
            .filter(|row| order(&row[place], upto).is_le())
            .map(|row| (row.clone(), mark(table, place, row)))
            .filter(|(_, mark)| from.is_none_or(|from| order(mark, from).is_gt()))
            .collect();
        found.sort_by(|(_, left), (_, right)| order(left, right));
        found
    }
}

#[async_trait]
impl SourceSession for Session {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let table = self.checked(read)?;
        match (&read.mode, &table.content) {
            (ReadMode::Incremental { cursor, look_back }, Content::Rows(_)) => {
                self.plan_incremental(&table, read, cursor, *look_back, position)
            }
            _ => Ok(self.plan_full(&table, position)),
        }
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let table = self.checked(read)?;
        if let Content::Script(parts) = &table.content {
            let changes = parts.get(part.index as usize).map(Vec::as_slice).unwrap_or_default();
            let is_from =
                |change: &Change| matches!(change, Change::Checkpoint(value) if Some(value) == from);
            let begin = changes.iter().position(is_from).map_or(0, |at| at + 1);
            for change in &changes[begin..] {
                sink.send(change.clone()).await?;
            }
            return Ok(());
        }
        let remaining = self.remaining(&table, read, plan, part, from);
        let (kind, columns) = match part.kind {
            PartKind::Changes => (BatchKind::Rows, read.columns.clone()),
            PartKind::Keys => (BatchKind::Keys, read.key_columns()),
        };
        for (number, page) in remaining.chunks(self.source.batch_rows).enumerate() {
            let rows: Vec<Value> = page.iter().map(|(row, _)| row.clone()).collect();
            let rows = pick(&table, &columns, &rows);
            sink.send(Change::Batch(ChangeBatch { kind, rows })).await?;
            if kind == BatchKind::Rows
                && (number + 1) % self.source.checkpoint_batches == 0
                && let Some((_, mark)) = page.last()
            {
                sink.send(Change::Checkpoint(mark.clone())).await?;
            }
        }
        Ok(())
    }

    async fn close(&self) {}
}
