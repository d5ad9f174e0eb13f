//! What the cases share: a table, a session that writes, a look at what readers see.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, ChangeBatch, Column, Commit, Destination, DestinationSession, Durable, ErrorKind, Finish,
    LoadInto, Loader, LoaderOptions, LogicalType, Opening, SchemaChange, StoredCheckpoint, TableName,
    TablePosition, TargetName, TargetTable, WriteMode, system,
};

use super::{Make, ReadAll};
use crate::collect::{Collector, sorted_rows};
use crate::rows::batch;

/// 2024-02-29T12:34:56.123456Z, the time of commit 0.
pub(super) const EPOCH: i64 = 1_709_210_096_123_456;

pub(super) struct World {
    name: String,
    make: Make,
    read_all: Option<ReadAll>,
}

impl World {
    pub(super) fn new(name: &str, make: Make, read_all: Option<ReadAll>) -> Self {
        World { name: name.to_owned(), make, read_all }
    }

    pub(super) async fn destination(&self) -> Arc<dyn Destination> {
        (self.make)().await.into()
    }

    /// A target with the columns id, name, amount and `_syncline_synced_at`, and the key id.
    pub(super) fn target(&self, destination: &dyn Destination, mode: WriteMode) -> TargetTable {
        let amount = destination.landing(&LogicalType::Decimal { precision: 10, scale: 2 }).logical;
        let columns = vec![
            Column::new("id", LogicalType::Int64).required(),
            Column::new("name", LogicalType::Text),
            Column::new("amount", amount),
        ];
        self.target_of(destination, mode, columns, &["id"])
    }

    pub(super) fn target_of(
        &self,
        destination: &dyn Destination,
        mode: WriteMode,
        mut columns: Vec<Column>,
        key: &[&str],
    ) -> TargetTable {
        columns.push(Column::new(system::SYNCED_AT, LogicalType::TimestampTz).required());
        let schema = destination.capabilities().schemas.then(|| "conformance".to_owned());
        TargetTable {
            name: TargetName { schema, name: self.name.clone() },
            columns,
            key: key.iter().map(|name| (*name).to_owned()).collect(),
            mode,
        }
    }

    /// A second target beside the first one.
    pub(super) fn named(&self, target: &TargetTable, suffix: &str) -> TargetTable {
        let name = TargetName { name: format!("{}_{suffix}", self.name), ..target.name.clone() };
        TargetTable { name, ..target.clone() }
    }

    pub(super) async fn open(&self) -> Result<Writer> {
        self.open_on(self.destination().await, &self.name).await
    }

    pub(super) async fn open_on(
        &self,
        destination: Arc<dyn Destination>,
        connection: &str,
    ) -> Result<Writer> {
        let opening = Opening { connection: connection.to_owned(), run: format!("run of {}", self.name) };
        let opened = destination.open(&opening).await?;
        let ordinals =
            opened.checkpoints.iter().map(|stored| (stored.table.clone(), stored.ordinal)).collect();
        Ok(Writer {
            destination,
            connection: connection.to_owned(),
            run: opening.run,
            session: opened.session,
            fence: opened.fence,
            checkpoints: opened.checkpoints,
            ordinals,
        })
    }

    /// Opens, creates the table and hands both over.
    pub(super) async fn with_table(&self, mode: WriteMode) -> Result<(Writer, TargetTable)> {
        let writer = self.open().await?;
        let target = self.target(writer.destination.as_ref(), mode);
        writer.create(&target).await?;
        Ok((writer, target))
    }

    /// All rows of the table, also those that readers do not see; `None` when the suite was given no way to read them.
    pub(super) async fn everything(&self, target: &TargetTable, columns: &[&str]) -> Option<Vec<String>> {
        let read = self.read_all.as_ref()?;
        let all = target.all_columns();
        let wanted: Vec<Column> = columns
            .iter()
            .filter_map(|name| all.iter().find(|column| column.name == *name).cloned())
            .collect();
        Some(sorted_rows(&read(target.name.clone(), wanted).await))
    }
}

pub(super) struct Writer {
    pub(super) destination: Arc<dyn Destination>,
    pub(super) connection: String,
    pub(super) run: String,
    pub(super) session: Box<dyn DestinationSession>,
    pub(super) fence: u64,
    pub(super) checkpoints: Vec<StoredCheckpoint>,
    ordinals: BTreeMap<TableName, u64>,
}

/// The table of the source that a target stands for.
pub(super) fn source_table(target: &TargetTable) -> TableName {
    TableName::new("shop", target.name.name.clone())
}

/// What a segment carries: rows without their last column (`_syncline_synced_at`, which the helper fills in), keys
/// without anything.
pub(super) type Segment<'a> = &'a [(BatchKind, Vec<Value>)];

pub(super) fn rows(rows: &[Value]) -> (BatchKind, Vec<Value>) {
    (BatchKind::Rows, rows.to_vec())
}

pub(super) fn deletes(keys: &[Value]) -> (BatchKind, Vec<Value>) {
    (BatchKind::Deletes, keys.to_vec())
}

pub(super) fn keys(keys: &[Value]) -> (BatchKind, Vec<Value>) {
    (BatchKind::Keys, keys.to_vec())
}

pub(super) fn parents(keys: &[Value]) -> (BatchKind, Vec<Value>) {
    (BatchKind::Parents, keys.to_vec())
}

impl Writer {
    pub(super) async fn create(&self, target: &TargetTable) -> Result<()> {
        Ok(self.session.apply(&SchemaChange::CreateTable { table: target.clone() }).await?)
    }

    /// The commit that comes next for a target, without rows.
    pub(super) fn next(&self, target: &TargetTable) -> Commit {
        let table = source_table(target);
        let ordinal = self.ordinals.get(&table).copied().unwrap_or(0) + 1;
        let mut position = TablePosition::start(1, json!({"plan": "p", "ordinal": ordinal}));
        position.finish_part(ordinal as u32);
        Commit {
            table,
            run: self.run.clone(),
            ordinal,
            position,
            rows: 0,
            bytes: 0,
            checksum: 0,
            at_micros: EPOCH + ordinal as i64 * 1_000_000,
            rejected: Vec::new(),
            replayed: Vec::new(),
            finish: Finish::None,
        }
    }

    pub(super) fn committed(&mut self, commit: &Commit) {
        self.ordinals.insert(commit.table.clone(), commit.ordinal);
    }

    pub(super) async fn loader(&self, target: &TargetTable, into: LoadInto) -> Result<Box<dyn Loader>> {
        let options =
            LoaderOptions { target: target.clone(), table: source_table(target), into, distinct: false };
        Ok(self.session.loader(&options).await?)
    }

    /// Writes the batches of a segment; `commit` then carries their count.
    pub(super) async fn write(
        &self,
        loader: &mut dyn Loader,
        target: &TargetTable,
        segment: Segment<'_>,
        commit: &mut Commit,
    ) -> Result<()> {
        for (kind, values) in segment {
            let rows = match kind {
                BatchKind::Rows => {
                    let stamped: Vec<Value> = values
                        .iter()
                        .map(|row| {
                            let mut row = row.as_array().cloned().unwrap_or_default();
                            row.push(json!(commit.at_micros));
                            Value::Array(row)
                        })
                        .collect();
                    batch(&target.columns, &stamped)
                }
                BatchKind::Deletes | BatchKind::Keys => batch(&target.key_columns(), values),
                BatchKind::Parents => {
                    let width = values.first().and_then(Value::as_array).map_or(1, Vec::len);
                    batch(&target.key_columns()[..width], values)
                }
            };
            if kind.is_counted() {
                commit.rows += rows.num_rows() as u64;
                commit.bytes += rows.get_array_memory_size() as u64;
            }
            loader.write(ChangeBatch { kind: *kind, rows }).await?;
        }
        Ok(())
    }

    /// Writes and commits one segment.
    pub(super) async fn load(&mut self, target: &TargetTable, segment: Segment<'_>) -> Result<Durable> {
        self.load_into(target, LoadInto::Table, segment, Finish::None).await
    }

    pub(super) async fn load_into(
        &mut self,
        target: &TargetTable,
        into: LoadInto,
        segment: Segment<'_>,
        finish: Finish,
    ) -> Result<Durable> {
        let mut commit = Commit { finish, ..self.next(target) };
        let mut loader = self.loader(target, into).await?;
        self.write(loader.as_mut(), target, segment, &mut commit).await?;
        let durable = loader.commit(&commit).await?;
        self.committed(&commit);
        Ok(durable)
    }

    pub(super) async fn begin(&mut self, target: &TargetTable, into: LoadInto) -> Result<()> {
        let commit = self.next(target);
        self.session.begin(target, into, &commit).await?;
        self.committed(&commit);
        Ok(())
    }

    /// The data columns of what readers see, sorted; checked against what the destination counts.
    pub(super) async fn seen(&self, target: &TargetTable) -> Result<Vec<String>> {
        let columns: Vec<Column> = target.data_columns().cloned().collect();
        self.seen_columns(target, &columns).await
    }

    pub(super) async fn seen_columns(&self, target: &TargetTable, columns: &[Column]) -> Result<Vec<String>> {
        let sink = Collector::new();
        self.destination.scan(target, columns, &sink).await.context("scan")?;
        let batches = sink.batches(BatchKind::Rows);
        for batch in &batches {
            let schema = batch.schema();
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            let wanted: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
            ensure!(names == wanted, "scan gave the columns {names:?} instead of {wanted:?}");
            for (field, column) in schema.fields().iter().zip(columns) {
                ensure!(
                    *field.data_type() == column.logical.to_arrow(),
                    "scan gave column {} as {} instead of {}",
                    column.name,
                    field.data_type(),
                    column.logical
                );
            }
        }
        let rows = sorted_rows(&batches);
        let count = self.destination.count(target).await.context("count")?;
        ensure!(count == rows.len() as u64, "count says {count}, scan gave {} rows", rows.len());
        Ok(rows)
    }

    pub(super) async fn expect(&self, target: &TargetTable, rows: &[Value]) -> Result<()> {
        let mut expected: Vec<String> = rows.iter().map(Value::to_string).collect();
        expected.sort_unstable();
        let seen = self.seen(target).await?;
        ensure!(seen == expected, "readers see {seen:?} instead of {expected:?}");
        Ok(())
    }

    pub(super) async fn stored(&self, target: &TargetTable) -> Result<Option<StoredCheckpoint>> {
        let table = source_table(target);
        let stored = self.destination.checkpoints(&self.connection).await?;
        Ok(stored.into_iter().find(|checkpoint| checkpoint.table == table))
    }

    /// Ends the session, forgets the destination, and opens both again.
    pub(super) async fn reopen(self, world: &World) -> Result<Writer> {
        self.session.close().await;
        let connection = self.connection.clone();
        drop(self);
        world.open_on(world.destination().await, &connection).await
    }
}

/// That an operation failed, and how.
pub(super) fn expect_kind<T>(result: Result<T>, kind: ErrorKind, what: &str) -> Result<()> {
    match result {
        Ok(_) => anyhow::bail!("{what} was accepted instead of failing with {kind:?}"),
        Err(error) => {
            let found = error.downcast_ref::<syncline_protocol::Error>().map(syncline_protocol::Error::kind);
            ensure!(found == Some(kind), "{what} failed with {found:?} ({error:#}) instead of {kind:?}");
            Ok(())
        }
    }
}
