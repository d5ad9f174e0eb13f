//! The suites, tried on the source and destination in memory: they must hold there, and must notice defects.

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_protocol::{
    Change, ChangeSink, Column, Commit, Destination, DestinationCapabilities, DestinationSession, Durable,
    ErrorKind, Landing, LoadInto, Loader, LoaderOptions, LogicalType, Opened, Opening, QuarantinedRow,
    Result, SchemaChange, Source, StepSink, StoredCheckpoint, TableName, TargetName, TargetTable,
};
use syncline_testkit::conformance::{destination, source};
use syncline_testkit::faults::{Fault, Faults, FaultySource, Gate, Operation};
use syncline_testkit::memory::{MemoryDestination, MemorySource, MemoryTable};
use syncline_testkit::{Collector, rows};

fn whole_table(memory: &MemoryDestination, table: &TargetName, columns: &[Column]) -> Vec<RecordBatch> {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    memory.rows(table, &names).map(|found| rows::batch(columns, &found)).into_iter().collect()
}

#[tokio::test]
async fn the_destination_in_memory_conforms() {
    let memory = MemoryDestination::new();
    let handle = memory.clone();
    destination::Suite::new(move || {
        let memory = memory.clone();
        Box::pin(async move { Box::new(memory) as Box<dyn Destination> })
    })
    .read_all(move |table, columns| {
        let memory = handle.clone();
        Box::pin(async move { whole_table(&memory, &table, &columns) })
    })
    .run()
    .await
    .unwrap();
}

fn shop() -> MemorySource {
    let source = MemorySource::new().part_rows(40).batches(7, 2);
    let columns = vec![
        Column::new("id", LogicalType::Int64).required(),
        Column::new("name", LogicalType::Text),
        Column::new("changed", LogicalType::TimestampTz),
    ];
    let orders = TableName::new("shop", "orders");
    let found = (0..150).map(|id| json!([id, format!("order {id}"), 1_000_000 * (id % 50)])).collect();
    source.put(MemoryTable::new(orders, columns.clone(), &["id"]).cursor("changed").rows(found));
    source.put(MemoryTable::new(TableName::new("shop", "empty"), columns.clone(), &["id"]).cursor("changed"));
    let keyless = vec![json!([1, "a", null]), json!([1, "a", null])];
    source.put(MemoryTable::new(TableName::new("shop", "keyless"), columns, &[]).rows(keyless));
    source
}

#[tokio::test]
async fn the_source_in_memory_conforms() {
    let shop = shop();
    source::suite(move || {
        let shop = shop.clone();
        Box::pin(async move { Box::new(shop) as Box<dyn Source> })
    })
    .await;
}

#[tokio::test]
async fn a_source_that_ends_early_is_noticed() {
    let report = source::Suite::new(|| {
        Box::pin(async {
            let faults = Faults::new();
            faults.after(Operation::Read, 2, Fault::CutAfter(3));
            Box::new(FaultySource::new(shop(), &faults)) as Box<dyn Source>
        })
    })
    .run()
    .await;
    assert!(!report.failed.is_empty());
}

/// A destination with a defect: it takes every commit, whatever its ordinal, and forgets the fence.
struct Forgetful(MemoryDestination);

struct ForgetfulSession {
    destination: MemoryDestination,
    opening: Opening,
    inner: Box<dyn DestinationSession>,
}

struct ForgetfulLoader {
    destination: MemoryDestination,
    opening: Opening,
    options: LoaderOptions,
    inner: Box<dyn Loader>,
    batches: Vec<syncline_protocol::ChangeBatch>,
}

#[async_trait]
impl Destination for Forgetful {
    fn capabilities(&self) -> DestinationCapabilities {
        self.0.capabilities()
    }
    fn landing(&self, logical: &LogicalType) -> Landing {
        self.0.landing(logical)
    }
    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        self.0.ddl(change)
    }
    async fn check(&self, steps: &dyn StepSink) {
        self.0.check(steps).await;
    }
    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        self.0.inspect(tables).await
    }
    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>> {
        self.0.checkpoints(connection).await
    }
    async fn open(&self, opening: &Opening) -> Result<Opened> {
        let opened = self.0.open(opening).await?;
        let session =
            ForgetfulSession { destination: self.0.clone(), opening: opening.clone(), inner: opened.session };
        Ok(Opened { session: Box::new(session), ..opened })
    }
    async fn count(&self, target: &TargetTable) -> Result<u64> {
        self.0.count(target).await
    }
    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()> {
        self.0.scan(target, columns, sink).await
    }
    async fn quarantined(
        &self,
        connection: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        self.0.quarantined(connection, table, limit).await
    }
}

#[async_trait]
impl DestinationSession for ForgetfulSession {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        self.inner.apply(change).await
    }
    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        self.inner.begin(target, into, commit).await
    }
    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        Ok(Box::new(ForgetfulLoader {
            destination: self.destination.clone(),
            opening: self.opening.clone(),
            options: options.clone(),
            inner: self.inner.loader(options).await?,
            batches: Vec::new(),
        }))
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

#[async_trait]
impl Loader for ForgetfulLoader {
    async fn write(&mut self, batch: syncline_protocol::ChangeBatch) -> Result<()> {
        self.batches.push(batch.clone());
        self.inner.write(batch).await
    }
    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        match self.inner.commit(commit).await {
            Err(error) if matches!(error.kind(), ErrorKind::Fenced | ErrorKind::Conflict) => {
                let opened = self.destination.open(&self.opening).await?;
                let stored = opened.checkpoints.iter().find(|stored| stored.table == commit.table);
                let ordinal = stored.map_or(0, |stored| stored.ordinal) + 1;
                let mut loader = opened.session.loader(&self.options).await?;
                for batch in self.batches.drain(..) {
                    loader.write(batch).await?;
                }
                loader.commit(&Commit { ordinal, ..commit.clone() }).await
            }
            other => other,
        }
    }
}

#[tokio::test]
async fn a_destination_that_forgets_fence_and_ordinal_is_noticed() {
    let memory = MemoryDestination::new();
    let report = destination::Suite::new(move || {
        let memory = memory.clone();
        Box::pin(async move { Box::new(Forgetful(memory)) as Box<dyn Destination> })
    })
    .run()
    .await;
    let failed: Vec<&str> = report.failed.iter().map(|(name, _)| name.as_str()).collect();
    for name in [
        "destination::a_repeated_commit_is_a_conflict",
        "destination::a_skipped_ordinal_is_a_conflict",
        "destination::a_fenced_session_cannot_commit",
    ] {
        assert!(failed.contains(&name), "{name} is not among {failed:?}");
    }
    assert!(report.passed.len() > failed.len());
}

#[tokio::test]
async fn a_hanging_read_waits_at_its_gate() {
    let faults = Faults::new();
    let gate = Gate::new();
    faults.next(Operation::Discover, Fault::Hang(gate.clone()));
    let source = FaultySource::new(shop(), &faults);
    let filter = syncline_protocol::DiscoverFilter::default();
    let (catalog, ()) = futures::join!(source.discover(&filter), async {
        gate.reached().await;
        assert_eq!((faults.calls(Operation::Discover), faults.pending()), (1, 0));
        gate.open();
    });
    assert_eq!(catalog.unwrap().tables.len(), 3);
}

#[tokio::test]
async fn a_script_plays_word_for_word() {
    let source = MemorySource::new();
    let table = TableName::bare("t");
    let columns = vec![Column::new("id", LogicalType::Int64)];
    source.put(MemoryTable::new(table.clone(), columns.clone(), &["id"]));
    let change = |id: i64| {
        let rows = rows::batch(&columns, &[json!([id])]);
        Change::Batch(syncline_protocol::ChangeBatch { kind: syncline_protocol::BatchKind::Rows, rows })
    };
    let mark = Value::from("half");
    source.script(&table, vec![vec![change(1), Change::Checkpoint(mark.clone()), change(2)]]);
    let read = syncline_protocol::TableRead {
        table,
        columns: columns.clone(),
        key: vec!["id".to_owned()],
        mode: syncline_protocol::ReadMode::Full,
        key_list: false,
    };
    let session = source.open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    let sink = Collector::new();
    session.read(&read, &plan, &plan.parts[0], Some(&mark), &sink).await.unwrap();
    assert_eq!(syncline_testkit::rows_as_text(&sink.batches(syncline_protocol::BatchKind::Rows)), ["[2]"]);
}
