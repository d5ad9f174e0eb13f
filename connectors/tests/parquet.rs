//! The Parquet destination: the contract, crashes at each step of a commit, and merges against a model.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::Int32Type;
use connectors::parquet::Parquet;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{
    BatchKind, ChangeBatch, Column, Commit, Config, Connector, ConnectorContext, Deletes, Destination,
    ErrorKind, Finish, LoadInto, LoaderOptions, LogicalType, Opened, Opening, SchemaChange, TableName,
    TablePosition, TargetName, TargetTable, WriteMode, system,
};
use syncline_testkit::conformance::destination::Suite;

const SOFT: WriteMode = WriteMode::Merge { deletes: Deletes::Soft };
const HARD: WriteMode = WriteMode::Merge { deletes: Deletes::Hard };

fn destination(root: &Path) -> Box<dyn Destination> {
    let config = Config::new(serde_json::json!({"path": "lake"}));
    Parquet.destination(&config, &ConnectorContext::of(root)).unwrap()
}

fn lake(root: &Path) -> PathBuf {
    root.join("lake")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keeps_the_contract() {
    let root = Arc::new(tempfile::tempdir().unwrap());
    let folder = lake(root.path());
    let make = move || {
        let root = Arc::clone(&root);
        Box::pin(async move { destination(root.path()) }) as _
    };
    let read = move |target: TargetName, columns: Vec<Column>| {
        let folder = folder.join(target.schema.unwrap()).join(target.name);
        Box::pin(async move { read_folder(&folder, &columns) }) as _
    };
    Suite::new(make).read_all(read).run().await.unwrap();
}

/// What a reader sees who knows nothing of commits: all rows of `folder/*.parquet`.
fn read_folder(folder: &Path, columns: &[Column]) -> Vec<RecordBatch> {
    let schema = arrow_schema(columns);
    let mut batches = Vec::new();
    for path in segments(folder) {
        for batch in
            ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap()
        {
            let batch = batch.unwrap();
            let arrays = columns
                .iter()
                .map(|column| Arc::clone(batch.column_by_name(&column.name).unwrap()))
                .collect();
            batches.push(RecordBatch::try_new(Arc::clone(&schema), arrays).unwrap());
        }
    }
    batches
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "parquet"));
    paths.sort();
    paths
}

fn orders(mode: WriteMode) -> TargetTable {
    TargetTable {
        name: TargetName { schema: Some("sales".to_owned()), name: "orders".to_owned() },
        columns: vec![
            Column::new("id", LogicalType::Int32).required(),
            Column::new("name", LogicalType::Text),
            Column::new(system::SYNCED_AT, LogicalType::TimestampTz),
        ],
        key: vec!["id".to_owned()],
        mode,
    }
}

fn rows(values: &[(i32, String)]) -> ChangeBatch {
    let ids: ArrayRef = Arc::new(values.iter().map(|(id, _)| *id).collect::<Int32Array>());
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(values.iter().map(|(_, name)| name)));
    let synced: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![7; values.len()]).with_timezone("UTC"));
    let schema = arrow_schema(&orders(SOFT).columns);
    ChangeBatch {
        kind: BatchKind::Rows,
        rows: RecordBatch::try_new(schema, vec![ids, names, synced]).unwrap(),
    }
}

fn keys(kind: BatchKind, ids: &[i32]) -> ChangeBatch {
    let schema = arrow_schema(&[Column::new("id", LogicalType::Int32).required()]);
    let ids: ArrayRef = Arc::new(Int32Array::from(ids.to_vec()));
    ChangeBatch { kind, rows: RecordBatch::try_new(schema, vec![ids]).unwrap() }
}

fn table() -> TableName {
    TableName::new("public", "orders")
}

fn commit(ordinal: u64, rows: u64, finish: Finish) -> Commit {
    Commit {
        table: table(),
        run: "run-1".to_owned(),
        ordinal,
        position: TablePosition::start(1, serde_json::json!({"at": ordinal})),
        rows,
        bytes: rows * 10,
        checksum: ordinal,
        at_micros: ordinal as i64 * 1_000_000,
        rejected: vec![],
        replayed: vec![],
        finish,
    }
}

async fn opened(destination: &dyn Destination, target: &TargetTable) -> Opened {
    let opening = Opening { connection: "shop".to_owned(), run: "run-1".to_owned() };
    let opened = destination.open(&opening).await.unwrap();
    opened.session.apply(&SchemaChange::CreateTable { table: target.clone() }).await.unwrap();
    opened
}

fn options(target: &TargetTable, distinct: bool) -> LoaderOptions {
    LoaderOptions { target: target.clone(), table: table(), into: LoadInto::Table, distinct }
}

/// The rows a plain reader sees, by key, without softly deleted ones; panics when a key is there twice.
fn plain(root: &Path, mode: WriteMode) -> BTreeMap<i32, String> {
    let mut columns = orders(mode).columns;
    if mode == SOFT {
        columns.push(Column::new(system::DELETED, LogicalType::Boolean));
    }
    let mut found = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for batch in read_folder(&lake(root).join("sales/orders"), &columns) {
        let (ids, names) = (batch.column(0).as_primitive::<Int32Type>(), batch.column(1).as_string::<i32>());
        for row in 0..batch.num_rows() {
            assert!(seen.insert(ids.value(row)), "key {} twice", ids.value(row));
            if mode != SOFT || !batch.column(3).as_boolean().value(row) {
                found.insert(ids.value(row), names.value(row).to_owned());
            }
        }
    }
    found
}

fn named(values: &[(i32, &str)]) -> Vec<(i32, String)> {
    values.iter().map(|(id, name)| (*id, (*name).to_owned())).collect()
}

/// Files of the folder that are not a table's: staged, and half-written ones.
fn leftovers(root: &Path) -> Vec<String> {
    walkdir::WalkDir::new(lake(root))
        .into_iter()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".part") || name.ends_with(".tmp"))
        .collect()
}

/// A folder with one commit of rows 1 and 2.
async fn with_one_commit(root: &Path) -> Box<dyn Destination> {
    let (destination, target) = (destination(root), orders(HARD));
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    loader.write(rows(&named(&[(1, "a"), (2, "b")]))).await.unwrap();
    loader.commit(&commit(1, 2, Finish::None)).await.unwrap();
    opened.session.close().await;
    destination
}

#[tokio::test]
async fn a_crash_before_the_commit_leaves_nothing() {
    let root = tempfile::tempdir().unwrap();
    let destination = with_one_commit(root.path()).await;
    let staged = lake(root.path()).join("_syncline_staged/shop");
    // Step 1 of a dead session: a half-written file, a complete one, and a commit file that was not yet linked.
    fs::write(staged.join("open-00000000000000000001-7.part"), b"PAR1 half").unwrap();
    let published = segments(&lake(root.path()).join("sales/orders"));
    let name = published[0].file_name().unwrap().to_string_lossy().replace("-0000000001-", "-0000000002-");
    fs::copy(&published[0], staged.join(format!("{name}.part"))).unwrap();
    let commits = lake(root.path()).join("_syncline_commits/shop");
    fs::write(commits.join("fence-00000000000000000009.1-1.tmp"), b"run").unwrap();
    assert_eq!(plain(root.path(), HARD).len(), 2, "a plain reader sees none of it");
    let target = orders(HARD);
    let opened = opened(&*destination, &target).await;
    assert_eq!((opened.checkpoints.len(), opened.checkpoints[0].ordinal), (1, 1));
    assert!(leftovers(root.path()).is_empty(), "{:?}", leftovers(root.path()));
    let mut loader = opened.session.loader(&options(&target, false)).await.unwrap();
    loader.write(rows(&named(&[(2, "B"), (3, "c")]))).await.unwrap();
    loader.commit(&commit(2, 2, Finish::None)).await.unwrap();
    opened.session.close().await;
    let expected: BTreeMap<_, _> = named(&[(1, "a"), (2, "B"), (3, "c")]).into_iter().collect();
    assert_eq!(plain(root.path(), HARD), expected);
}

#[tokio::test]
async fn a_crash_after_the_commit_is_finished_by_the_next_session() {
    let root = tempfile::tempdir().unwrap();
    let destination = with_one_commit(root.path()).await;
    let target = orders(HARD);
    let folder = lake(root.path()).join("sales/orders");
    let before: Vec<_> =
        segments(&folder).iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let session = opened(&*destination, &target).await.session;
    let mut loader = session.loader(&options(&target, false)).await.unwrap();
    loader.write(rows(&named(&[(2, "B"), (3, "c")]))).await.unwrap();
    loader.commit(&commit(2, 2, Finish::None)).await.unwrap();
    session.close().await;
    // Back to the moment after step 2: the new files are still staged, the old ones still there.
    for path in segments(&folder) {
        if !before.iter().any(|(old, _)| *old == path) {
            let name = format!("{}.part", path.file_name().unwrap().to_string_lossy());
            fs::rename(&path, lake(root.path()).join("_syncline_staged/shop").join(name)).unwrap();
        }
    }
    for (path, content) in &before {
        fs::write(path, content).unwrap();
    }
    assert_eq!(plain(root.path(), HARD).len(), 2, "a plain reader is late");
    assert_eq!(destination.count(&target).await.unwrap(), 3, "the commit counts");
    assert_eq!(destination.checkpoints("shop").await.unwrap()[0].ordinal, 2);
    let opened = opened(&*destination, &target).await;
    opened.session.close().await;
    let expected: BTreeMap<_, _> = named(&[(1, "a"), (2, "B"), (3, "c")]).into_iter().collect();
    assert_eq!(plain(root.path(), HARD), expected);
    assert!(leftovers(root.path()).is_empty());
    // Half-way through step 3, and once more: nothing changes.
    for (path, content) in &before {
        fs::write(path, content).unwrap();
    }
    self::opened(&*destination, &target).await.session.close().await;
    assert_eq!(plain(root.path(), HARD), expected);
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict() {
    let root = tempfile::tempdir().unwrap();
    let destination = with_one_commit(root.path()).await;
    let target = orders(HARD);
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    loader.write(rows(&named(&[(3, "c")]))).await.unwrap();
    // A writer on a file system without locks was faster.
    let commits = lake(root.path()).join("_syncline_commits/shop/public.orders");
    let first = fs::read_to_string(commits.join("00000000000000000001-000000.json")).unwrap();
    let faster = first.replace("\"ordinal\": 1", "\"ordinal\": 2");
    fs::write(commits.join("00000000000000000002-000000.json"), &faster).unwrap();
    let error = loader.commit(&commit(2, 1, Finish::None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(fs::read_to_string(commits.join("00000000000000000002-000000.json")).unwrap(), faster);
    opened.session.close().await;
    assert!(leftovers(root.path()).is_empty(), "{:?}", leftovers(root.path()));
}

#[tokio::test]
async fn a_table_has_one_writer() {
    let root = tempfile::tempdir().unwrap();
    let destination = with_one_commit(root.path()).await;
    let opening = Opening { connection: "other".to_owned(), run: "run-2".to_owned() };
    let session = destination.open(&opening).await.unwrap().session;
    let target = orders(HARD);
    let error = session.begin(&target, LoadInto::Table, &commit(1, 0, Finish::None)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.message().contains("`shop`"), "{error}");
    session.close().await;
}

#[tokio::test]
async fn damaged_files_are_named() {
    let root = tempfile::tempdir().unwrap();
    let destination = with_one_commit(root.path()).await;
    let target = orders(HARD);
    let path = segments(&lake(root.path()).join("sales/orders")).remove(0);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let sink = syncline_testkit::Collector::default();
    let error = destination.scan(&target, &target.columns, &sink).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptInput);
    let commits = lake(root.path()).join("_syncline_commits/shop/public.orders");
    fs::write(commits.join("00000000000000000001-000000.json"), b"{\"format\": 1").unwrap();
    assert_eq!(destination.checkpoints("shop").await.unwrap_err().kind(), ErrorKind::CorruptInput);
}

#[tokio::test]
async fn many_small_commits_become_few_files() {
    let root = tempfile::tempdir().unwrap();
    let (destination, target) = (destination(root.path()), orders(WriteMode::Append));
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, false)).await.unwrap();
    for ordinal in 1..=80u64 {
        loader.write(rows(&[(ordinal as i32, format!("name {ordinal}"))])).await.unwrap();
        loader.commit(&commit(ordinal, 1, Finish::None)).await.unwrap();
    }
    opened.session.close().await;
    assert_eq!(plain(root.path(), WriteMode::Append).len(), 80);
    assert!(segments(&lake(root.path()).join("sales/orders")).len() <= 33);
    let commits =
        fs::read_dir(lake(root.path()).join("_syncline_commits/shop/public.orders")).unwrap().count();
    assert!(commits <= 20, "{commits} commit files");
}

/// What a segment does.
#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(i32, String)>),
    Delete(Vec<i32>),
}

fn steps() -> impl Strategy<Value = Vec<(Vec<Step>, Option<Vec<i32>>, bool)>> {
    let key = 0i32..12;
    let put = proptest::collection::vec((key.clone(), "[a-c]{1,2}"), 1..6).prop_map(Step::Put);
    let delete = proptest::collection::vec(key.clone(), 1..4).prop_map(Step::Delete);
    let segment = proptest::collection::vec(prop_oneof![3 => put, 1 => delete], 0..4);
    let sweep = proptest::option::weighted(0.2, proptest::collection::vec(key, 0..10));
    // the segment, the complete list of keys that ends it, and whether the session is opened anew before it
    proptest::collection::vec((segment, sweep, any::<bool>()), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Any sequence of segments leaves what a map would hold, for plain readers too.
    #[test]
    fn merges_equal_a_map(plan in steps(), soft in any::<bool>()) {
        let mode = if soft { SOFT } else { HARD };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let root = tempfile::tempdir().unwrap();
            let (destination, target) = (destination(root.path()), orders(mode));
            let mut model = BTreeMap::new();
            let mut session = opened(&*destination, &target).await.session;
            for (ordinal, (segment, sweep, anew)) in (1u64..).zip(plan) {
                if anew {
                    session.close().await;
                    session = opened(&*destination, &target).await.session;
                }
                let mut loader = session.loader(&options(&target, false)).await.unwrap();
                let mut count = 0;
                for step in segment {
                    match step {
                        Step::Put(values) => {
                            count += values.len();
                            loader.write(rows(&values)).await.unwrap();
                            model.extend(values);
                        }
                        Step::Delete(ids) => {
                            count += ids.len();
                            loader.write(keys(BatchKind::Deletes, &ids)).await.unwrap();
                            model.retain(|id, _| !ids.contains(id));
                        }
                    }
                }
                let finish = if let Some(listed) = &sweep {
                    loader.write(keys(BatchKind::Keys, listed)).await.unwrap();
                    model.retain(|id, _| listed.contains(id));
                    Finish::Sweep
                } else {
                    Finish::None
                };
                loader.commit(&commit(ordinal, count as u64, finish)).await.unwrap();
                assert_eq!(plain(root.path(), mode), model);
                assert_eq!(destination.count(&target).await.unwrap(), model.len() as u64);
            }
            session.close().await;
            assert!(leftovers(root.path()).is_empty());
        });
    }
}
