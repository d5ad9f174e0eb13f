//! A destination in a folder of its own, and short ways to say what a test does.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int32Array, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::future::BoxFuture;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::*;

pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Place { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.folder.path().join("studio.duckdb")
    }

    pub(crate) fn destination(&self) -> Box<dyn Destination> {
        destination(self.folder.path())
    }

    /// Asks DuckDB itself, through another wrapper than ours. The file must be released.
    pub(crate) fn ask(&self, sql: &str) -> Vec<Vec<String>> {
        let connection = duckdb::Connection::open(self.file()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let mut values = Vec::new();
            while let Ok(value) = row.get::<_, Option<String>>(values.len()) {
                values.push(value.unwrap_or_else(|| "∅".to_owned()));
            }
            found.push(values);
        }
        found
    }
}

pub(crate) fn destination(folder: &std::path::Path) -> Box<dyn Destination> {
    let config = Config::new(serde_json::json!({"path": "studio.duckdb"}));
    connector_duckdb::connector().destination(&config, &ConnectorContext::of(folder)).unwrap()
}

pub(crate) fn source_table() -> TableName {
    TableName::new("public", "orders")
}

pub(crate) fn opening() -> Opening {
    Opening { connection: "shop".to_owned(), run: "run-1".to_owned() }
}

/// id (key), name, `_syncline_synced_at`.
pub(crate) fn orders(mode: WriteMode) -> TargetTable {
    TargetTable {
        name: TargetName { schema: Some("Sales \"x\"".to_owned()), name: "orders".to_owned() },
        columns: vec![
            Column::new("id", LogicalType::Int32).required(),
            Column::new("name", LogicalType::Text),
            Column::new(system::SYNCED_AT, LogicalType::TimestampTz),
        ],
        key: if mode == WriteMode::Append { vec![] } else { vec!["id".to_owned()] },
        mode,
    }
}

pub(crate) fn rows(values: &[(i32, &str)]) -> ChangeBatch {
    let ids: ArrayRef = Arc::new(values.iter().map(|(id, _)| *id).collect::<Int32Array>());
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(values.iter().map(|(_, name)| *name)));
    let synced: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![1_000_000; values.len()]).with_timezone("UTC"));
    let schema = arrow_schema(&orders(WriteMode::Append).columns);
    ChangeBatch {
        kind: BatchKind::Rows,
        rows: RecordBatch::try_new(schema, vec![ids, names, synced]).unwrap(),
    }
}

pub(crate) fn keys(kind: BatchKind, ids: &[i32]) -> ChangeBatch {
    let schema = arrow_schema(&[Column::new("id", LogicalType::Int32).required()]);
    let ids: ArrayRef = Arc::new(Int32Array::from(ids.to_vec()));
    ChangeBatch { kind, rows: RecordBatch::try_new(schema, vec![ids]).unwrap() }
}

pub(crate) fn commit(ordinal: u64, rows: u64) -> Commit {
    Commit {
        table: source_table(),
        run: "run-1".to_owned(),
        ordinal,
        position: TablePosition::start(1, serde_json::json!({"at": ordinal})),
        rows,
        bytes: rows * 10,
        checksum: u64::MAX - ordinal,
        at_micros: ordinal as i64 * 1_000_000,
        rejected: vec![],
        replayed: vec![],
        finish: Finish::None,
    }
}

pub(crate) fn finishing(ordinal: u64, rows: u64, finish: Finish) -> Commit {
    Commit { finish, ..commit(ordinal, rows) }
}

pub(crate) fn options(target: &TargetTable, distinct: bool) -> LoaderOptions {
    LoaderOptions { target: target.clone(), table: source_table(), into: LoadInto::Table, distinct }
}

/// A session with the table made.
pub(crate) async fn opened(destination: &dyn Destination, target: &TargetTable) -> Opened {
    let opened = destination.open(&opening()).await.unwrap();
    opened.session.apply(&SchemaChange::CreateTable { table: target.clone() }).await.unwrap();
    opened
}

/// What a scan sends.
#[derive(Default)]
pub(crate) struct Collected(pub(crate) Mutex<Vec<RecordBatch>>);

#[async_trait]
impl ChangeSink for Collected {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if let Change::Batch(batch) = change {
            self.0.lock().unwrap().push(batch.rows);
        }
        Ok(())
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}
