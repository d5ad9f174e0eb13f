//! The sample shop: its tables, its rounds, and reading on after every checkpoint.

use std::collections::BTreeMap;
use std::path::Path;

use connectors::registry;
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, Catalog, Change, Config, ConnectorContext, DiscoverFilter, ErrorKind, LogicalType, Part,
    PartKind, ReadMode, ReadPlan, Sampling, Source, SourceSession, TableName, TablePosition, TableRead,
};
use syncline_testkit::{Collector, collect, rows_as_text, sorted_rows};

fn source(project: &Path) -> Box<dyn Source> {
    let context = ConnectorContext::of(project);
    registry().get("sample").unwrap().source(&Config::new(json!({})), &context).unwrap()
}

async fn catalog(source: &dyn Source) -> Catalog {
    source.discover(&DiscoverFilter::default()).await.unwrap()
}

/// Reads as the engine would ask for them: incremental wherever a cursor is proposed.
fn reads(catalog: &Catalog) -> Vec<TableRead> {
    let read = |info: &syncline_protocol::TableInfo| TableRead {
        table: info.schema.table.clone(),
        columns: info.schema.columns.clone(),
        key: info.schema.key.clone(),
        mode: match info.cursors.first() {
            Some(cursor) => {
                ReadMode::Incremental { cursor: cursor.column.clone(), look_back: std::time::Duration::ZERO }
            }
            None => ReadMode::Full,
        },
        key_list: !info.schema.key.is_empty(),
    };
    catalog.tables.iter().map(read).collect()
}

async fn changes(session: &dyn SourceSession, read: &TableRead, plan: &ReadPlan, part: &Part) -> Vec<Change> {
    let collector = Collector::new();
    session.read(read, plan, part, None, &collector).await.unwrap();
    collector.changes()
}

/// One complete run: what each table brought.
async fn run(
    project: &Path,
    positions: &mut BTreeMap<TableName, TablePosition>,
) -> BTreeMap<String, Vec<Change>> {
    let source = source(project);
    let reads = reads(&catalog(source.as_ref()).await);
    let session = source.open(&reads).await.unwrap();
    let mut brought = BTreeMap::new();
    for read in &reads {
        let plan = session.plan(read, positions.get(&read.table)).await.unwrap();
        assert!(!plan.follow_up);
        let mut all = Vec::new();
        let mut position = TablePosition::start(1, plan.plan.clone());
        for part in &plan.parts {
            all.extend(changes(session.as_ref(), read, &plan, part).await);
            position.finish_part(part.index);
        }
        position.complete = true;
        session.acknowledge(&read.table, &position).await.unwrap();
        positions.insert(read.table.clone(), position);
        brought.insert(read.table.name.clone(), all);
    }
    session.close().await;
    brought
}

fn rows(changes: &[Change]) -> Vec<Value> {
    rows_as_text(&collect::batches(changes, BatchKind::Rows))
        .iter()
        .map(|row| serde_json::from_str(row).unwrap())
        .collect()
}

fn rejected(changes: &[Change]) -> Vec<&syncline_protocol::RejectedRow> {
    fn of_change(change: &Change) -> Option<&syncline_protocol::RejectedRow> {
        match change {
            Change::Rejected(row) => Some(row),
            _ => None,
        }
    }
    changes.iter().filter_map(of_change).collect()
}

fn round(project: &Path) -> Value {
    let text = std::fs::read(project.join(".syncline/sample.json")).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["round"].clone()
}

#[tokio::test]
async fn three_syncs_bring_what_they_promise() {
    let project = tempfile::tempdir().unwrap();
    let mut positions = BTreeMap::new();

    let first = run(project.path(), &mut positions).await;
    let total: usize = first.values().map(|changes| rows(changes).len()).sum();
    assert_eq!(total, 61_240);
    assert_eq!(round(project.path()), 2);

    let source = source(project.path());
    let second_catalog = catalog(source.as_ref()).await;
    let orders = second_catalog.table(&TableName::bare("orders")).unwrap();
    let products = second_catalog.table(&TableName::bare("products")).unwrap();
    assert_eq!(orders.schema.column("channel").unwrap().logical, LogicalType::Text);
    assert_eq!(products.schema.column("stock").unwrap().logical, LogicalType::Int64);

    let second = run(project.path(), &mut positions).await;
    let changed_orders = rows(&second["orders"]).len();
    assert!((120 + 9000 / 50..120 + 9000 / 25).contains(&changed_orders), "{changed_orders}");
    assert_eq!(rows(&second["events"]).len(), 400);
    assert_eq!(rows(&second["order_items"]).len(), 22_800, "no cursor: everything again");
    let stock = products.schema.columns.iter().position(|column| column.name == "stock").unwrap();
    let large =
        rows(&second["products"]).iter().filter(|row| row[stock].to_string().contains("3000000002")).count();
    assert_eq!(large, 1, "{:?}", rows(&second["products"]).first());
    assert!(second.values().all(|changes| rejected(changes).is_empty()));

    let third = run(project.path(), &mut positions).await;
    let bad = rejected(&third["products"]);
    assert_eq!(bad.len(), 1);
    assert_eq!(bad[0].column.as_deref(), Some("price"));
    assert_eq!(bad[0].row["price"], "N/A");
    assert!(bad[0].row.as_object().unwrap().values().all(|value| value.is_string() || value.is_null()));

    let fourth = run(project.path(), &mut positions).await;
    assert!(rejected(&fourth["products"]).is_empty(), "told once");
    assert_eq!(round(project.path()), 5);
}

/// What incremental reads have brought so far, with the newest version of each key, is what a full read gives.
#[tokio::test]
async fn incremental_reads_lose_and_double_nothing() {
    let project = tempfile::tempdir().unwrap();
    let mut positions = BTreeMap::new();
    let mut loaded: BTreeMap<(String, String), Value> = BTreeMap::new();
    for _ in 0..4 {
        let all = catalog(source(project.path()).as_ref()).await;
        for (table, changes) in run(project.path(), &mut positions).await {
            let keys = collect::batches(&changes, BatchKind::Keys);
            let info = all.table(&TableName::bare(&table)).unwrap();
            let listed: usize = keys.iter().map(|batch| batch.num_rows()).sum();
            let expected = if info.schema.key.is_empty() { Some(0) } else { info.rows_estimate };
            assert_eq!(Some(listed as u64), expected, "{table}");
            for row in rows(&changes) {
                loaded.insert((table.clone(), row[0].to_string()), row);
            }
        }
    }
    // The last run was the fourth round; read it once more as a whole.
    std::fs::write(project.path().join(".syncline/sample.json"), r#"{"round":4}"#).unwrap();
    let whole = run(project.path(), &mut BTreeMap::new()).await;
    for (table, changes) in whole.iter().filter(|(table, _)| *table != "order_items") {
        let mut expected: Vec<String> = rows(changes).iter().map(Value::to_string).collect();
        let of_table = loaded.iter().filter(|((name, _), _)| name == table);
        // Rows of earlier rounds were read without the column that came later.
        let columns = rows(changes)[0].as_array().unwrap().len();
        let widen = |row: &Value| {
            let mut cells = row.as_array().unwrap().clone();
            cells.resize(columns, Value::Null);
            Value::from(cells).to_string()
        };
        let mut found: Vec<String> = of_table.map(|(_, row)| widen(row)).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{table}");
    }
}

#[tokio::test]
async fn an_unfinished_sync_stays_in_its_round() {
    let project = tempfile::tempdir().unwrap();
    let source = source(project.path());
    let reads = reads(&catalog(source.as_ref()).await);
    let session = source.open(&reads).await.unwrap();
    for read in &reads {
        let plan = session.plan(read, None).await.unwrap();
        let mut position = TablePosition::start(1, plan.plan);
        // One table is told, but not as complete.
        position.complete = read.table.name != "orders";
        session.acknowledge(&read.table, &position).await.unwrap();
    }
    session.close().await;
    assert!(!project.path().join(".syncline/sample.json").exists());
    let nothing = source.open(&[]).await.unwrap();
    nothing.close().await;
    assert!(!project.path().join(".syncline/sample.json").exists());
}

#[tokio::test]
async fn a_plan_goes_on_in_the_round_it_began_in() {
    let project = tempfile::tempdir().unwrap();
    let read = |source: &dyn Source| {
        let all = futures::executor::block_on(catalog(source));
        reads(&all).into_iter().find(|read| read.table.name == "orders").unwrap()
    };
    let source = source(project.path());
    let before = read(source.as_ref());
    let session = source.open(std::slice::from_ref(&before)).await.unwrap();
    let plan = session.plan(&before, None).await.unwrap();
    let mut expected = Vec::new();
    for part in &plan.parts {
        expected.extend(changes(session.as_ref(), &before, &plan, part).await);
    }
    let mut position = TablePosition::start(1, plan.plan.clone());
    position.finish_part(0);
    // Another connection of the project takes the shop on.
    run(project.path(), &mut BTreeMap::new()).await;

    let session = source.open(std::slice::from_ref(&before)).await.unwrap();
    let resumed = session.plan(&before, Some(&position)).await.unwrap();
    assert!(resumed.continues && resumed.follow_up);
    assert_eq!((&resumed.plan, &resumed.parts), (&plan.plan, &plan.parts));
    let mut found = Vec::new();
    for part in &resumed.parts {
        found.extend(changes(session.as_ref(), &before, &resumed, part).await);
    }
    let all = |changes: &[Change]| sorted_rows(&collect::batches(changes, BatchKind::Rows));
    assert_eq!(all(&found), all(&expected));
    position.complete = true;
    session.acknowledge(&before.table, &position).await.unwrap();

    let after = session.plan(&before, Some(&position)).await.unwrap();
    assert!(!after.continues && !after.full && !after.follow_up);
    assert!(after.parts.iter().any(|part| part.kind == PartKind::Changes));
}

#[tokio::test]
async fn reading_goes_on_after_every_checkpoint() {
    let project = tempfile::tempdir().unwrap();
    let mut positions = BTreeMap::new();
    for _ in 0..2 {
        let source = source(project.path());
        let reads = reads(&catalog(source.as_ref()).await);
        let session = source.open(&reads).await.unwrap();
        for read in &reads {
            let plan = session.plan(read, positions.get(&read.table)).await.unwrap();
            for part in plan.parts.iter().filter(|part| part.kind == PartKind::Changes) {
                let all = changes(session.as_ref(), read, &plan, part).await;
                for (at, change) in all.iter().enumerate() {
                    let Change::Checkpoint(checkpoint) = change else { continue };
                    let rest = Collector::new();
                    session.read(read, &plan, part, Some(checkpoint), &rest).await.unwrap();
                    let expected = rows_as_text(&collect::batches(&all[at + 1..], BatchKind::Rows));
                    assert_eq!(rows_as_text(&rest.batches(BatchKind::Rows)), expected);
                }
                if part.index == 0 && read.table.name == "events" && plan.full {
                    assert!(all.iter().any(|change| matches!(change, Change::Checkpoint(_))));
                }
            }
        }
        session.close().await;
        run(project.path(), &mut positions).await;
    }
}

#[tokio::test]
async fn wrong_questions_get_clear_answers() {
    let project = tempfile::tempdir().unwrap();
    let source = source(project.path());
    let reads = reads(&catalog(source.as_ref()).await);
    let session = source.open(&reads).await.unwrap();
    let kind = |result: syncline_protocol::Result<ReadPlan>| result.unwrap_err().kind();
    let items = reads.iter().find(|read| read.table.name == "order_items").unwrap();

    let missing = TableRead { table: TableName::bare("nothing"), ..items.clone() };
    assert_eq!(kind(session.plan(&missing, None).await), ErrorKind::NotFound);
    let elsewhere = TableRead { table: TableName::new("main", "order_items"), ..items.clone() };
    assert_eq!(kind(session.plan(&elsewhere, None).await), ErrorKind::NotFound);
    let mut gone = items.clone();
    gone.columns[0].name = "gone".to_owned();
    assert_eq!(kind(session.plan(&gone, None).await), ErrorKind::SchemaChanged);
    let mode = ReadMode::Incremental { cursor: "quantity".to_owned(), look_back: std::time::Duration::ZERO };
    let incremental = TableRead { mode, ..items.clone() };
    assert_eq!(kind(session.plan(&incremental, None).await), ErrorKind::Config);
    // A position that is none of ours is a reason to begin anew, not to fail.
    for plan in
        [json!(null), json!({"round": 0}), json!({"round": 4_000_000_000u32, "after": null, "keys": false})]
    {
        let plan = session.plan(items, Some(&TablePosition::start(1, plan))).await.unwrap();
        assert!(plan.full && !plan.continues);
    }

    let context = ConnectorContext::of(project.path());
    let wrong = registry().get("sample").unwrap().source(&Config::new(json!({"sead": 1})), &context);
    assert_eq!(wrong.err().unwrap().kind(), ErrorKind::Config);
    std::fs::create_dir_all(project.path().join(".syncline")).unwrap();
    std::fs::write(project.path().join(".syncline/sample.json"), "{").unwrap();
    assert_eq!(
        source.discover(&DiscoverFilter::default()).await.unwrap_err().kind(),
        ErrorKind::CorruptInput
    );
}

#[tokio::test]
async fn a_chosen_type_and_a_preview() {
    let project = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(project.path().join(".syncline")).unwrap();
    std::fs::write(project.path().join(".syncline/sample.json"), r#"{"round":3}"#).unwrap();
    let source = source(project.path());
    let mut reads = reads(&catalog(source.as_ref()).await);
    for read in &mut reads {
        let collector = Collector::new();
        source.sample(read, &Sampling::first(10), &collector).await.unwrap();
        assert_eq!(rows(&collector.changes()).len(), 10);
        // Every value has a text, also the price that is no number.
        read.columns.iter_mut().for_each(|column| column.logical = LogicalType::Text);
        let collector = Collector::new();
        source.sample(read, &Sampling::first(usize::MAX), &collector).await.unwrap();
        assert!(collector.rejected().is_empty());
        let found = rows(&collector.changes());
        if read.table.name == "products" {
            assert!(found.iter().any(|row| row.to_string().contains("\"N/A\"")));
        }
        if read.table.name == "customers" {
            assert!(found[0].to_string().contains("Z\""), "{}", found[0]);
        }
    }
}

#[tokio::test]
async fn conformance() {
    // A complete session takes the shop on, so that each source gets a shop of its own.
    let projects = std::sync::Mutex::new(Vec::new());
    syncline_testkit::conformance::source::suite(move || {
        let project = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(project.path().join(".syncline")).unwrap();
        std::fs::write(project.path().join(".syncline/sample.json"), r#"{"round":3}"#).unwrap();
        let shop = source(project.path());
        projects.lock().unwrap().push(project);
        Box::pin(async move { shop })
    })
    .await;
}
