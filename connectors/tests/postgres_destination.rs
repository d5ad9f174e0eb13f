//! The Postgres destination against a real server, looked at with plain SQL over a connection of its own.

use std::sync::Mutex;

use connectors::postgres::Postgres;
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, ChangeBatch, CheckOutcome, CheckStep, Column, Commit, Config, Connector, ConnectorContext,
    Deletes, Durable, ErrorKind, Finish, LoadInto, LoaderOptions, LogicalType, RejectedRow, SchemaChange,
    StepSink, StepStatus, TargetName, TargetTable, WriteMode,
};
use syncline_testkit::conformance::destination::Suite;
use syncline_testkit::rows::batch;
use syncline_testkit::{Collector, Database, sorted_rows};

use crate::support::desk::*;

#[tokio::test]
async fn it_keeps_the_contract() {
    let database = Database::fresh().await;
    let reader = database.clone();
    let report = Suite::new(move || {
        let database = database.clone();
        Box::pin(async move { destination_at(&database) })
    })
    .read_all(move |name, columns| {
        let destination = destination_at(&reader);
        Box::pin(async move {
            // As if every row were one that readers see.
            let all =
                TargetTable { name, columns: columns.clone(), key: Vec::new(), mode: WriteMode::Append };
            let sink = Collector::new();
            destination.scan(&all, &columns, &sink).await.unwrap();
            sink.batches(BatchKind::Rows)
        })
    })
    .run()
    .await;
    report.unwrap();
}

#[tokio::test]
async fn the_last_change_of_a_key_wins_within_a_segment() {
    for deletes_kept in [Deletes::Soft, Deletes::Hard] {
        let target = orders(WriteMode::Merge { deletes: deletes_kept });
        let mut desk = Desk::new().await;
        desk.create(&target).await;
        let segment = [
            rows(&[(1, "a"), (2, "a"), (3, "a"), (1, "b")]),
            deletes(&[2, 3, 9]),
            rows(&[(3, "back"), (4, "a")]),
            deletes(&[4]),
        ];
        let durable = desk.load(&target, &segment).await.unwrap();
        assert_eq!(durable, Durable { written: 2, deleted: 0 });
        // Loading the same again changes nothing.
        for _ in 0..2 {
            desk.load(&target, &segment).await.unwrap();
            assert_eq!(desk.query("SELECT id, note FROM shop.orders ORDER BY id").await, ["1|b", "3|back"]);
        }
        let durable = desk.load(&target, &[deletes(&[1, 7]), rows(&[(5, "new")])]).await.unwrap();
        assert_eq!(durable, Durable { written: 1, deleted: 1 });
        let all = desk.query("SELECT id FROM shop.orders ORDER BY id").await;
        match deletes_kept {
            Deletes::Hard => assert_eq!(all, ["3", "5"]),
            Deletes::Soft => {
                assert_eq!(all, ["1", "3", "5"]);
                let marked = desk
                    .query("SELECT id, _syncline_deleted FROM shop.orders WHERE id < 4 ORDER BY id")
                    .await;
                assert_eq!(marked, ["1|t", "3|f"]);
                // A key that comes back lives again.
                desk.load(&target, &[rows(&[(1, "again")])]).await.unwrap();
                assert_eq!(desk.destination.count(&target).await.unwrap(), 3);
            }
        }
    }
}

#[tokio::test]
async fn columns_of_others_and_indexes_survive_a_merge() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load_with(&target, &[rows(&[(1, "a"), (2, "b")])], true, Finish::Complete).await.unwrap();
    let index = desk.query("SELECT indexdef FROM pg_indexes WHERE tablename = 'orders'").await;
    assert_eq!(index, ["CREATE UNIQUE INDEX orders_id_idx ON shop.orders USING btree (id)"]);
    desk.database
        .execute("ALTER TABLE shop.orders ADD COLUMN mine text; UPDATE shop.orders SET mine = 'kept'")
        .await;
    desk.load_with(&target, &[rows(&[(2, "B"), (3, "c")])], false, Finish::Complete).await.unwrap();
    assert_eq!(
        desk.query("SELECT id, note, mine FROM shop.orders ORDER BY id").await,
        ["1|a|kept", "2|B|kept", "3|c|∅"]
    );
    assert_eq!(desk.query("SELECT count(*) FROM pg_indexes WHERE tablename = 'orders'").await, ["1"]);
}

#[tokio::test]
async fn history_keeps_only_real_changes() {
    let target = orders(WriteMode::History);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    let first = [rows(&[(1, "a"), (2, "a"), (3, "a")])];
    assert_eq!(desk.load_with(&target, &first, true, Finish::Complete).await.unwrap().written, 3);
    let mut later = rows(&[(1, "a"), (2, "b")]);
    // Another time of sync is no change.
    later.rows = batch(&target.columns, &[json!([1, "a", AT + 5]), json!([2, "b", AT + 5])]);
    let second = [later, deletes(&[3, 8])];
    assert_eq!(desk.load(&target, &second).await.unwrap(), Durable { written: 1, deleted: 1 });
    assert_eq!(desk.load(&target, &second).await.unwrap(), Durable { written: 0, deleted: 0 });
    let versions = desk
        .query(
            "SELECT id, note, to_char(_syncline_valid_from, 'SS'), to_char(_syncline_valid_to, 'SS'), _syncline_current
             FROM shop.orders ORDER BY id, _syncline_valid_from",
        )
        .await;
    assert_eq!(versions, ["1|a|57|∅|t", "2|a|57|58|f", "2|b|58|∅|t", "3|a|57|58|f"]);
    assert_eq!(desk.destination.count(&target).await.unwrap(), 2);
    let swept = desk.load_with(&target, &[ids(BatchKind::Keys, &[2])], false, Finish::Sweep).await.unwrap();
    assert_eq!(swept, Durable { written: 0, deleted: 1 });
    assert_eq!(desk.query("SELECT id FROM shop.orders WHERE _syncline_current").await, ["2"]);
}

#[tokio::test]
async fn a_sweep_comes_with_rows_and_an_empty_list_removes_all() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a"), (2, "a"), (3, "a")])]).await.unwrap();
    let segment =
        [rows(&[(4, "d")]), ids(BatchKind::Keys, &[1]), ids(BatchKind::Keys, &[4]), rows(&[(1, "A")])];
    let durable = desk.load_with(&target, &segment, false, Finish::Sweep).await.unwrap();
    assert_eq!(durable, Durable { written: 2, deleted: 2 });
    let live = "SELECT id, note FROM shop.orders WHERE NOT _syncline_deleted ORDER BY id";
    assert_eq!(desk.query(live).await, ["1|A", "4|d"]);
    let durable = desk.load_with(&target, &[], false, Finish::Sweep).await.unwrap();
    assert_eq!(durable, Durable { written: 0, deleted: 2 });
    assert_eq!(desk.destination.count(&target).await.unwrap(), 0);
}

#[tokio::test]
async fn readers_never_see_a_half_swapped_table() {
    let target = orders(WriteMode::Replace);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.begin(&target).await;
    desk.load_with(&target, &[rows(&[(1, "v0"), (2, "v0")])], true, Finish::Swap).await.unwrap();
    desk.database.execute("CREATE ROLE analyst_swap; GRANT USAGE ON SCHEMA shop TO analyst_swap; GRANT SELECT ON shop.orders TO analyst_swap, PUBLIC").await;
    let database = desk.database.clone();
    let stop = tokio_util::sync::CancellationToken::new();
    let stopped = stop.clone();
    let (looked, mut looks) = tokio::sync::watch::channel(0);
    let reader = tokio::spawn(async move {
        let client = database.connect().await.unwrap();
        while !stopped.is_cancelled() {
            let row = client
                .query_one("SELECT count(*), count(DISTINCT note) FROM shop.orders", &[])
                .await
                .unwrap();
            assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 1));
            looked.send_modify(|looks| *looks += 1);
        }
    });
    for version in ["v1", "v2", "v3", "v4", "v5"] {
        desk.begin(&target).await;
        desk.load_with(&target, &[rows(&[(1, version), (2, version)])], true, Finish::Swap).await.unwrap();
        // However slow the machine is, somebody has looked at each version.
        looks.changed().await.unwrap();
    }
    stop.cancel();
    reader.await.unwrap();
    assert_eq!(desk.query("SELECT note FROM shop.orders").await, ["v5", "v5"]);
    let grants = desk.query("SELECT has_table_privilege('analyst_swap', 'shop.orders', 'SELECT')").await;
    assert_eq!(grants, ["t"]);
    let left = desk.query("SELECT relname FROM pg_class WHERE relname LIKE '\\_syncline\\_new%'").await;
    assert!(left.is_empty(), "{left:?}");
    desk.database.execute("DROP OWNED BY analyst_swap; DROP ROLE analyst_swap").await;
}

#[tokio::test]
async fn a_table_under_a_view_is_refilled_instead_of_dropped() {
    let target = orders(WriteMode::Replace);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "old")])]).await.unwrap();
    desk.database.execute("CREATE VIEW shop.notes AS SELECT note FROM shop.orders").await;
    desk.begin(&target).await;
    desk.load_with(&target, &[rows(&[(1, "new"), (2, "new")])], true, Finish::Swap).await.unwrap();
    assert_eq!(desk.query("SELECT note FROM shop.notes").await, ["new", "new"]);
    assert_eq!(
        desk.query("SELECT relname FROM pg_class WHERE relname LIKE '\\_syncline\\_new%'").await.len(),
        0
    );
}

#[tokio::test]
async fn odd_and_long_names_and_wide_tables_work() {
    let mut desk = Desk::new().await;
    let names = ["Select", "we\"ird.ñ", "a b", "ORDER", &"x".repeat(63)];
    for mode in [SOFT, WriteMode::History, WriteMode::Replace] {
        for name in names {
            let mut columns: Vec<_> =
                names.iter().map(|name| Column::new(*name, LogicalType::Text)).collect();
            columns.extend((0..295).map(|number| Column::new(format!("c{number}"), LogicalType::Int32)));
            let mut target = target_of(name, mode, columns.clone(), &["Select", "we\"ird.ñ"]);
            target.name.schema = Some(format!("Schema \"{name}").chars().take(40).collect());
            if mode != SOFT {
                target.name.name.truncate(62);
                target.name.name.push('é');
                target.name.name = target.name.name.chars().rev().take(40).collect();
            }
            desk.create(&target).await;
            let cells = |note: &str| {
                let mut cells = vec![json!("k1"), json!("k2"), json!(note), json!(null), json!("")];
                cells.extend((0..295).map(|number| json!(number)));
                ChangeBatch { kind: BatchKind::Rows, rows: batch(&columns, &[Value::Array(cells)]) }
            };
            if mode == WriteMode::Replace {
                desk.begin(&target).await;
                desk.load_with(&target, &[cells("a"), cells("b")], false, Finish::Swap).await.unwrap();
            } else {
                desk.load_with(&target, &[cells("a")], false, Finish::Complete).await.unwrap();
                desk.load(&target, &[cells("b")]).await.unwrap();
            }
            let sink = Collector::new();
            desk.destination.scan(&target, &columns, &sink).await.unwrap();
            assert_eq!(sorted_rows(&sink.batches(BatchKind::Rows)), sorted_rows(&[cells("b").rows]));
        }
    }
}

#[tokio::test]
async fn columns_are_found_by_name() {
    let mut desk = Desk::new().await;
    for mode in [WriteMode::Append, HARD] {
        let mut target = orders(mode);
        target.name.name = format!("{mode:?}").chars().take(5).collect();
        let name = &target.name.name;
        // The table has another order, one more column, and a type of its own.
        desk.database
            .execute(&format!(
                "CREATE SCHEMA IF NOT EXISTS shop;
                 CREATE TABLE shop.\"{name}\" (extra int DEFAULT 7, _syncline_synced_at timestamptz, note varchar(20), id numeric(30))"
            ))
            .await;
        desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
        let columns = vec![Column::new("note", LogicalType::Text), Column::new("id", LogicalType::Int64)];
        let reversed = ChangeBatch { kind: BatchKind::Rows, rows: batch(&columns, &[json!(["b", 2])]) };
        desk.load(&target, &[reversed]).await.unwrap();
        let found = desk
            .query(&format!("SELECT id, note, extra, _syncline_synced_at FROM shop.\"{name}\" ORDER BY id"))
            .await;
        assert_eq!(found, ["1|a|7|2024-02-29 12:34:56+00", "2|b|7|∅"]);
        let mut narrow = target.clone();
        narrow.columns[0].logical = LogicalType::Text;
        let options = LoaderOptions { target: narrow, table: table(), into: LoadInto::Table, distinct: true };
        assert_eq!(desk.session.loader(&options).await.err().unwrap().kind(), ErrorKind::SchemaChanged);
    }
}

#[tokio::test]
async fn schema_changes_do_what_their_text_says() {
    let mut desk = Desk::new().await;
    let target = orders(SOFT);
    desk.create(&target).await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    let name = target.name.clone();
    let list = LogicalType::List(Box::new(LogicalType::Int32));
    let changes = [
        SchemaChange::AddColumn { table: name.clone(), column: Column::new("tags", list.clone()) },
        SchemaChange::WidenColumn {
            table: name.clone(),
            column: Column::new("id", LogicalType::Decimal { precision: 21, scale: 2 }),
            from: LogicalType::Int64,
        },
        SchemaChange::WidenColumn {
            table: name.clone(),
            column: Column::new("tags", LogicalType::Json),
            from: list,
        },
    ];
    for change in &changes {
        for _ in 0..2 {
            desk.session.apply(change).await.unwrap();
        }
        if matches!(change, SchemaChange::AddColumn { .. }) {
            desk.database.execute("UPDATE shop.orders SET tags = '{1,2}'").await;
        }
    }
    assert_eq!(desk.query("SELECT id, tags FROM shop.orders").await, ["1.00|[1,2]"]);
    let found = desk
        .destination
        .inspect(&[name.clone(), TargetName { schema: None, name: "no".into() }])
        .await
        .unwrap();
    assert!(found[1].is_none());
    let found: Vec<_> =
        found[0].iter().flatten().map(|column| format!("{}:{}", column.name, column.logical)).collect();
    assert_eq!(
        found,
        [
            "id:decimal(21,2)",
            "note:text",
            "_syncline_synced_at:timestamptz",
            "_syncline_deleted:boolean",
            "tags:json"
        ]
    );
    // The text alone, run by hand, makes the same table.
    let other = Database::fresh().await;
    for change in [SchemaChange::CreateTable { table: target.clone() }].iter().chain(&changes) {
        for statement in desk.destination.ddl(change) {
            other.execute(&statement).await;
        }
    }
    let columns = "SELECT attname, atttypid, atttypmod, attnotnull FROM pg_attribute
                   WHERE attrelid = 'shop.orders'::regclass AND attnum > 0 ORDER BY attnum";
    assert_eq!(query(&other, columns).await, desk.query(columns).await);
}

#[tokio::test]
async fn rejected_rows_wait_in_quarantine_until_they_are_replayed() {
    let mut desk = Desk::new().await;
    assert!(destination_at(&Database::fresh().await).quarantined("shop", None, 10).await.unwrap().is_empty());
    let target = orders(SOFT);
    desk.create(&target).await;
    let reject = |reason: &str| RejectedRow {
        column: Some("note".into()),
        reason: reason.into(),
        row: json!({"id": "1", "note": "a\u{0}b"}),
    };
    let rejected: Vec<_> = (0..12).map(|number| reject(&format!("nul \u{0} {number}"))).collect();
    let mut loader = desk.loader(&target, LoadInto::Table, false).await;
    loader.commit(&Commit { rejected, ..desk.commit(0) }).await.unwrap();
    desk.ordinal += 1;
    let found = desk.destination.quarantined("shop", Some(&table()), 11).await.unwrap();
    assert_eq!(found.len(), 11);
    assert_eq!(found[10].rejected.reason, "nul \u{fffd} 10");
    assert_eq!(found[10].rejected.row, reject("").row);
    assert_eq!((found[0].run.as_str(), found[0].at.as_str()), ("run 1", "2024-02-29T12:34:57.000000Z"));
    assert!(desk.destination.quarantined("other", None, 10).await.unwrap().is_empty());
    loader.write(rows(&[(1, "repaired")])).await.unwrap();
    let replayed = found.iter().map(|row| row.id.clone()).collect();
    loader.commit(&Commit { replayed, ..desk.commit(1) }).await.unwrap();
    assert_eq!(desk.destination.quarantined("shop", None, 99).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_postgres_refuses_gets_a_clear_error() {
    let mut desk = Desk::new().await;
    let columns =
        vec![Column::new("id", LogicalType::Int64), Column::new("j", LogicalType::Json).native("jsonb")];
    let target = target_of("t", HARD, columns.clone(), &["id"]);
    desk.create(&target).await;
    let segment = |value: Value| [ChangeBatch { kind: BatchKind::Rows, rows: batch(&columns, &[value]) }];
    for value in [json!([1, "{\"a\": \"\\u0000\"}"]), json!([1, "{broken"]), json!([null, "{}"])] {
        let error = desk.load(&target, &segment(value)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptInput, "{error:?}");
    }
    // A promise that was not kept: two rows of one key without looking.
    desk.load_with(&target, &segment(json!([1, "{}"])), true, Finish::None).await.unwrap();
    let doubled = desk.load_with(&target, &segment(json!([1, "{}"])), true, Finish::Complete).await;
    assert_eq!(doubled.unwrap_err().kind(), ErrorKind::Mismatch);
    desk.load_with(&target, &segment(json!([2, "{}"])), true, Finish::Complete).await.unwrap();
    let doubled = desk.load_with(&target, &segment(json!([2, "{}"])), true, Finish::None).await;
    let error = doubled.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error:?}");
    let missing = target_of("none", HARD, columns.clone(), &["id"]);
    assert_eq!(desk.destination.count(&missing).await.unwrap_err().kind(), ErrorKind::NotFound);
    // A key that no index can hold is merged without one.
    let long = vec![Column::new("id", LogicalType::Text), Column::new("n", LogicalType::Int64)];
    let target = target_of("long", HARD, long.clone(), &["id"]);
    desk.create(&target).await;
    let key: String = (0..9_000).map(|number| char::from(b'!' + (number * number % 89) as u8)).collect();
    for number in [1, 2] {
        let segment = [ChangeBatch { kind: BatchKind::Rows, rows: batch(&long, &[json!([key, number])]) }];
        desk.load_with(&target, &segment, false, Finish::Complete).await.unwrap();
    }
    assert_eq!(desk.query("SELECT n FROM shop.long").await, ["2"]);
}

#[derive(Default)]
struct Steps(Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().unwrap().push(step);
    }
}

#[tokio::test]
async fn the_check_tries_everything_and_leaves_nothing() {
    let database = Database::fresh().await;
    let steps = Steps::default();
    destination_at(&database).check(&steps).await;
    let steps = steps.0.into_inner().unwrap();
    assert_eq!((steps.len(), CheckOutcome::of(&steps)), (4, CheckOutcome::Ready), "{steps:#?}");
    assert_eq!(
        query(&database, "SELECT relname FROM pg_class WHERE relname LIKE '%syncline%'").await.len(),
        0
    );
    // One who may only read is told so.
    let role = format!("reader_{}", database.name);
    database
        .execute(&format!("CREATE ROLE {role} LOGIN PASSWORD 'x'; REVOKE ALL ON SCHEMA public FROM PUBLIC"))
        .await;
    let reader = Database { user: role, ..database.clone() };
    let steps = Steps::default();
    destination_at(&reader).check(&steps).await;
    let steps = steps.0.into_inner().unwrap();
    let last = steps.last().unwrap();
    assert_eq!((steps.len(), last.status), (2, StepStatus::Failed), "{steps:#?}");
    let opened = destination_at(&reader).open(&opening()).await;
    assert_eq!(opened.err().unwrap().kind(), ErrorKind::Permission);
}

#[test]
fn a_setting_that_does_not_exist_is_refused() {
    let config = json!({"host": "h", "database": "d", "user": "u", "schema": "s", "shema": "x"});
    let result = Postgres.destination(&Config::new(config), &ConnectorContext::default());
    let error = result.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.message().contains("`shema`"), "{error}");
}
