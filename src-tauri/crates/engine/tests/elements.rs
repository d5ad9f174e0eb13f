//! Tables whose rows are the elements of a field of another one: a parent that comes again replaces its elements.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Int64Array, StringArray};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_engine::{Outcome, RunOptions, Stop, Unobserved, Verb};
use syncline_protocol::schema::{self, TableInfo, TableKind};
use syncline_protocol::*;

use crate::memory::{Fault, Fixture, options};

/// Orders by id: when they changed, and their lines.
type Orders = BTreeMap<i64, (i64, Vec<&'static str>)>;

/// The lines of some orders, a batch of parents and one of rows for each.
#[derive(Clone, Default)]
struct Lines {
    orders: Arc<Mutex<Orders>>,
}

impl Lines {
    fn set(&self, id: i64, changed: i64, lines: &[&'static str]) {
        self.orders.lock().unwrap().insert(id, (changed, lines.to_vec()));
    }
}

#[async_trait]
impl Source for Lines {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: 1,
            incremental: true,
            key_lists: false,
            consistent: false,
            inferred_types: false,
            samples: SamplePicks::default(),
        }
    }

    async fn check(&self, _: &dyn StepSink) {}

    async fn discover(&self, _: &DiscoverFilter) -> Result<Catalog> {
        let columns = vec![
            Column::new("_parent_id", LogicalType::Int64).required(),
            Column::new("_parent_changed", LogicalType::Int64),
            Column::new("_position", LogicalType::Int64).required(),
            Column::new("sku", LogicalType::Text),
        ];
        let key = vec!["_parent_id".to_owned(), "_position".to_owned()];
        let info = TableInfo {
            schema: TableSchema { table: TableName::bare("orders__lines"), columns, key },
            kind: TableKind::Api,
            rows_estimate: None,
            bytes_estimate: None,
            cursors: Vec::new(),
            unreadable: None,
            comment: None,
            elements_of: Some(ElementsOf { table: TableName::bare("orders"), field: "lines".to_owned() }),
        };
        Ok(Catalog { tables: vec![info] })
    }

    async fn sample(&self, _: &TableRead, _: &Sampling, _: &dyn ChangeSink) -> Result<()> {
        Ok(())
    }

    async fn open(&self, _: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl SourceSession for Lines {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let newest = self.orders.lock().unwrap().values().map(|(changed, _)| *changed).max();
        let plan = match position {
            Some(position) if !position.complete => position.plan.clone(),
            Some(position) if read.mode != ReadMode::Full => {
                json!({"from": position.plan["to"], "to": newest})
            }
            _ => json!({"from": null, "to": newest}),
        };
        Ok(ReadPlan {
            continues: position.is_some_and(|position| !position.complete),
            full: plan["from"].is_null(),
            disjoint: false,
            parts: vec![Part {
                index: 0,
                kind: PartKind::Changes,
                payload: Value::Null,
                rows_estimate: None,
            }],
            follow_up: false,
            rows_estimate: None,
            plan,
        })
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        _: &Part,
        _: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let after = plan.plan["from"].as_i64().unwrap_or(i64::MIN);
        let orders = self.orders.lock().unwrap().clone();
        for (id, (changed, lines)) in orders.into_iter().filter(|(_, (changed, _))| *changed > after) {
            let key = &read.key_columns()[..1];
            let parent: ArrayRef = Arc::new(Int64Array::from(vec![id]));
            let rows = RecordBatch::try_new(schema::arrow_schema(key), vec![parent])?;
            sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Parents, rows })).await?;
            let count = lines.len();
            let columns: Vec<ArrayRef> = vec![
                Arc::new(Int64Array::from(vec![id; count])),
                Arc::new(Int64Array::from(vec![changed; count])),
                Arc::new(Int64Array::from_iter_values(0..count as i64)),
                Arc::new(StringArray::from(lines)),
            ];
            let rows = RecordBatch::try_new(read.arrow_schema(), columns)?;
            sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Rows, rows })).await?;
        }
        Ok(())
    }

    async fn close(&self) {}
}

fn fixture(table: &Value) -> (Fixture, Lines) {
    let (mut fixture, lines) = (Fixture::new(json!([table])), Lines::default());
    fixture.connection.source = Arc::new(lines.clone());
    (fixture, lines)
}

async fn run(fixture: &Fixture) -> Vec<String> {
    let receipt = fixture.run_with(RunOptions { ..options() }, Stop::new(), Arc::new(Unobserved)).await;
    assert_eq!(receipt.outcome, Outcome::Succeeded, "{receipt:#?}");
    let line = |row: &String| {
        let value =
            |name: &str| row.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap();
        format!("{}.{} {}", value("_parent_id"), value("_position"), value("sku"))
    };
    let mut lines: Vec<String> = fixture.destination.rows("orders_lines").iter().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parent_that_shrinks_loses_elements_also_when_none_are_left() {
    let table = json!({"name": "orders__lines", "mode": "merge", "cursor": "_parent_changed"});
    let (fixture, lines) = fixture(&table);
    lines.set(1, 1, &["a", "b", "c"]);
    lines.set(2, 2, &["x"]);
    assert_eq!(run(&fixture).await, ["1.0 a", "1.1 b", "1.2 c", "2.0 x"]);
    lines.set(1, 3, &["A"]);
    // The answer to the commit is lost: whether it happened is found out, and nothing is done twice.
    fixture.destination.fail([Fault::LostReply]);
    assert_eq!(run(&fixture).await, ["1.0 A", "2.0 x"]);
    // A segment without a single row, which must be committed all the same.
    lines.set(1, 4, &[]);
    assert_eq!(run(&fixture).await, ["2.0 x"]);
    lines.set(1, 5, &["again"]);
    assert_eq!(run(&fixture).await, ["1.0 again", "2.0 x"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_read_replaces_elements_in_place_and_as_a_whole() {
    for mode in ["merge", "replace"] {
        let (fixture, lines) = fixture(&json!({"name": "orders__lines", "mode": mode}));
        lines.set(1, 1, &["a", "b"]);
        lines.set(2, 1, &["x", "y"]);
        assert_eq!(run(&fixture).await.len(), 4);
        lines.set(1, 1, &[]);
        lines.set(2, 1, &["x"]);
        assert_eq!(run(&fixture).await, ["2.0 x"], "{mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_keep_elements_that_are_gone_is_refused() {
    let (mut fixture, lines) = fixture(&json!({"name": "orders__lines", "mode": "merge"}));
    lines.set(1, 1, &["a", "b"]);
    let plan = fixture.connection.plan(&[]).await.unwrap();
    assert_eq!(plan.tables[0].verb, Verb::Add);
    assert!(plan.to_text().contains("`orders` is read once more"), "{}", plan.to_text());
    // Told apart in another way than by the parent.
    fixture.configure(|config| config.tables[0].key = vec!["sku".to_owned()]);
    let plan = fixture.connection.plan(&[]).await.unwrap();
    assert_eq!(plan.tables[0].verb, Verb::Blocked);
    assert!(
        plan.to_text().contains("another key than its own, `_parent_id, _position`"),
        "{}",
        plan.to_text()
    );
    fixture.configure(|config| config.tables[0].key.clear());
    fixture.destination.keeps_children.store(true, Ordering::Relaxed);
    for mode in ["merge", "history"] {
        fixture.configure(|config| config.tables[0].mode = serde_json::from_value(json!(mode)).unwrap());
        let plan = fixture.connection.plan(&[]).await.unwrap();
        assert_eq!(plan.tables[0].verb, Verb::Blocked, "{mode}");
        let text = plan.to_text();
        assert!(text.contains("cannot replace all elements") && text.contains("mode: append"), "{text}");
        let receipt = fixture.run().await;
        assert_ne!(receipt.outcome, Outcome::Succeeded);
        assert!(fixture.destination.rows("orders_lines").is_empty());
    }
    for (mode, rows) in [("replace", 2), ("append", 2)] {
        let table = json!({"name": "orders__lines", "mode": mode, "target": format!("lines_{mode}")});
        fixture.configure(|config| config.tables = vec![serde_json::from_value(table).unwrap()]);
        assert_eq!(fixture.run().await.outcome, Outcome::Succeeded, "{mode}");
        assert_eq!(fixture.destination.rows(&format!("lines_{mode}")).len(), rows);
    }
}
