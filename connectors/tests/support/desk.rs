//! A session of the Postgres destination, and tables and changes for it.

use std::time::Duration;

use connectors::postgres::Postgres;
use serde_json::json;
use syncline_protocol::{
    BatchKind, ChangeBatch, Column, Commit, Config, Connector, ConnectorContext, Deletes, Destination,
    DestinationSession, Durable, Finish, LoadInto, Loader, LoaderOptions, LogicalType, Opening, Result,
    SchemaChange, TableName, TablePosition, TargetName, TargetTable, WriteMode, system,
};
use syncline_testkit::Database;
use syncline_testkit::rows::batch;

pub(crate) const SOFT: WriteMode = WriteMode::Merge { deletes: Deletes::Soft };
pub(crate) const HARD: WriteMode = WriteMode::Merge { deletes: Deletes::Hard };
/// 2024-02-29T12:34:56Z
pub(crate) const AT: i64 = 1_709_210_096_000_000;
pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) fn destination_at(database: &Database) -> Box<dyn Destination> {
    let config = Config::new(database.config_json());
    Postgres.destination(&config, &ConnectorContext::default()).unwrap()
}

/// A database of its own with an open session.
pub(crate) struct Desk {
    pub(crate) database: Database,
    pub(crate) destination: Box<dyn Destination>,
    pub(crate) session: Box<dyn DestinationSession>,
    pub(crate) ordinal: u64,
}

impl Desk {
    pub(crate) async fn new() -> Desk {
        Desk::at(Database::fresh().await).await
    }

    pub(crate) async fn at(database: Database) -> Desk {
        let destination = destination_at(&database);
        let opened = destination.open(&opening()).await.unwrap();
        let ordinal = opened.checkpoints.iter().map(|stored| stored.ordinal).max().unwrap_or(0);
        Desk { database, destination, session: opened.session, ordinal }
    }

    pub(crate) async fn create(&self, target: &TargetTable) {
        self.session.apply(&SchemaChange::CreateTable { table: target.clone() }).await.unwrap();
    }

    pub(crate) async fn loader(
        &self,
        target: &TargetTable,
        into: LoadInto,
        distinct: bool,
    ) -> Box<dyn Loader> {
        let options = LoaderOptions { target: target.clone(), table: table(), into, distinct };
        self.session.loader(&options).await.unwrap()
    }

    pub(crate) fn commit(&self, rows: usize) -> Commit {
        Commit { rows: rows as u64, ..commit_of(self.ordinal + 1) }
    }

    /// Loads one segment into the table that readers see.
    pub(crate) async fn load(&mut self, target: &TargetTable, segment: &[ChangeBatch]) -> Result<Durable> {
        self.load_with(target, segment, false, Finish::None).await
    }

    pub(crate) async fn load_with(
        &mut self,
        target: &TargetTable,
        segment: &[ChangeBatch],
        distinct: bool,
        finish: Finish,
    ) -> Result<Durable> {
        let into = if finish == Finish::Swap { LoadInto::Beside } else { LoadInto::Table };
        let mut loader = self.loader(target, into, distinct).await;
        let mut rows = 0;
        for batch in segment {
            if batch.kind != BatchKind::Keys {
                rows += batch.rows.num_rows();
            }
            loader.write(batch.clone()).await?;
        }
        let durable = loader.commit(&Commit { finish, ..self.commit(rows) }).await?;
        self.ordinal += 1;
        Ok(durable)
    }

    pub(crate) async fn begin(&mut self, target: &TargetTable) {
        self.session.begin(target, LoadInto::Beside, &self.commit(0)).await.unwrap();
        self.ordinal += 1;
    }

    /// The rows of a query, each as one line of texts.
    pub(crate) async fn query(&self, statement: &str) -> Vec<String> {
        query(&self.database, statement).await
    }
}

pub(crate) async fn query(database: &Database, statement: &str) -> Vec<String> {
    let client = database.connect().await.unwrap();
    let messages =
        client.simple_query(statement).await.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
    messages
        .iter()
        .filter_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                let cells: Vec<_> = (0..row.len()).map(|cell| row.get(cell).unwrap_or("∅")).collect();
                Some(cells.join("|"))
            }
            _ => None,
        })
        .collect()
}

pub(crate) fn opening() -> Opening {
    Opening { connection: "shop".into(), run: "run 1".into() }
}

pub(crate) fn table() -> TableName {
    TableName::new("public", "orders")
}

pub(crate) fn commit_of(ordinal: u64) -> Commit {
    Commit {
        table: table(),
        run: "run 1".into(),
        ordinal,
        position: TablePosition::start(1, json!({"ordinal": ordinal})),
        rows: 0,
        bytes: 0,
        checksum: 0,
        at_micros: AT + ordinal as i64 * 1_000_000,
        rejected: Vec::new(),
        replayed: Vec::new(),
        finish: Finish::None,
    }
}

pub(crate) fn target_of(name: &str, mode: WriteMode, columns: Vec<Column>, key: &[&str]) -> TargetTable {
    TargetTable {
        name: TargetName { schema: Some("shop".into()), name: name.into() },
        columns,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        mode,
    }
}

/// `orders(id, note, _syncline_synced_at)`, with the key `id`.
pub(crate) fn orders(mode: WriteMode) -> TargetTable {
    let columns = vec![
        Column::new("id", LogicalType::Int64),
        Column::new("note", LogicalType::Text),
        Column::new(system::SYNCED_AT, LogicalType::TimestampTz),
    ];
    target_of("orders", mode, columns, &["id"])
}

pub(crate) fn rows(rows: &[(i64, &str)]) -> ChangeBatch {
    let values: Vec<_> = rows.iter().map(|(id, note)| json!([id, note, AT])).collect();
    ChangeBatch { kind: BatchKind::Rows, rows: batch(&orders(SOFT).columns, &values) }
}

pub(crate) fn ids(kind: BatchKind, ids: &[i64]) -> ChangeBatch {
    let values: Vec<_> = ids.iter().map(|id| json!([id])).collect();
    ChangeBatch { kind, rows: batch(&orders(SOFT).key_columns(), &values) }
}

pub(crate) fn deletes(keys: &[i64]) -> ChangeBatch {
    ids(BatchKind::Deletes, keys)
}
