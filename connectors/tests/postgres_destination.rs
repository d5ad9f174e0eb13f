//! The Postgres destination against a real server, looked at with plain SQL over a connection of its own.

#![allow(clippy::unwrap_used)] // what cannot be set up has failed

use std::sync::Mutex;
use std::time::Duration;

use connectors::postgres::Postgres;
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, ChangeBatch, CheckOutcome, CheckStep, Column, Commit, Config, Connector, ConnectorContext,
    Deletes, Destination, DestinationSession, Durable, ErrorKind, Finish, LoadInto, Loader, LoaderOptions,
    LogicalType, Opening, RejectedRow, Result, SchemaChange, StepSink, StepStatus, TableName, TablePosition,
    TargetName, TargetTable, WriteMode, system,
};
use syncline_testkit::conformance::destination::Suite;
use syncline_testkit::rows::batch;
use syncline_testkit::{Collector, Database, sorted_rows, wait_for};

const SOFT: WriteMode = WriteMode::Merge { deletes: Deletes::Soft };
const HARD: WriteMode = WriteMode::Merge { deletes: Deletes::Hard };
/// 2024-02-29T12:34:56Z
const AT: i64 = 1_709_210_096_000_000;
const SOON: Duration = Duration::from_secs(20);

fn destination_at(database: &Database) -> Box<dyn Destination> {
    let config = Config::new(database.config_json());
    Postgres.destination(&config, &ConnectorContext::default()).unwrap()
}

/// A database of its own with an open session.
struct Desk {
    database: Database,
    destination: Box<dyn Destination>,
    session: Box<dyn DestinationSession>,
    ordinal: u64,
}

impl Desk {
    async fn new() -> Desk {
        Desk::at(Database::fresh().await).await
    }

    async fn at(database: Database) -> Desk {
        let destination = destination_at(&database);
        let opened = destination.open(&opening()).await.unwrap();
        let ordinal = opened.checkpoints.iter().map(|stored| stored.ordinal).max().unwrap_or(0);
        Desk { database, destination, session: opened.session, ordinal }
    }

    async fn create(&self, target: &TargetTable) {
        self.session.apply(&SchemaChange::CreateTable { table: target.clone() }).await.unwrap();
    }

    async fn loader(&self, target: &TargetTable, into: LoadInto, distinct: bool) -> Box<dyn Loader> {
        let options = LoaderOptions { target: target.clone(), table: table(), into, distinct };
        self.session.loader(&options).await.unwrap()
    }

    fn commit(&self, rows: usize) -> Commit {
        Commit { rows: rows as u64, ..commit_of(self.ordinal + 1) }
    }

    /// Loads one segment into the table that readers see.
    async fn load(&mut self, target: &TargetTable, segment: &[ChangeBatch]) -> Result<Durable> {
        self.load_with(target, segment, false, Finish::None).await
    }

    async fn load_with(
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

    async fn begin(&mut self, target: &TargetTable) {
        self.session.begin(target, LoadInto::Beside, &self.commit(0)).await.unwrap();
        self.ordinal += 1;
    }

    /// The rows of a query, each as one line of texts.
    async fn query(&self, statement: &str) -> Vec<String> {
        query(&self.database, statement).await
    }
}

async fn query(database: &Database, statement: &str) -> Vec<String> {
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

fn opening() -> Opening {
    Opening { connection: "shop".into(), run: "run 1".into() }
}

fn table() -> TableName {
    TableName::new("public", "orders")
}

fn commit_of(ordinal: u64) -> Commit {
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

fn target_of(name: &str, mode: WriteMode, columns: Vec<Column>, key: &[&str]) -> TargetTable {
    TargetTable {
        name: TargetName { schema: Some("shop".into()), name: name.into() },
        columns,
        key: key.iter().map(|name| (*name).to_owned()).collect(),
        mode,
    }
}

/// `orders(id, note, _syncline_synced_at)`, with the key `id`.
fn orders(mode: WriteMode) -> TargetTable {
    let columns = vec![
        Column::new("id", LogicalType::Int64),
        Column::new("note", LogicalType::Text),
        Column::new(system::SYNCED_AT, LogicalType::TimestampTz),
    ];
    target_of("orders", mode, columns, &["id"])
}

fn rows(rows: &[(i64, &str)]) -> ChangeBatch {
    let values: Vec<_> = rows.iter().map(|(id, note)| json!([id, note, AT])).collect();
    ChangeBatch { kind: BatchKind::Rows, rows: batch(&orders(SOFT).columns, &values) }
}

fn ids(kind: BatchKind, ids: &[i64]) -> ChangeBatch {
    let values: Vec<_> = ids.iter().map(|id| json!([id])).collect();
    ChangeBatch { kind, rows: batch(&orders(SOFT).key_columns(), &values) }
}

fn deletes(keys: &[i64]) -> ChangeBatch {
    ids(BatchKind::Deletes, keys)
}

/// Values and what `::text` of them is in the table.
#[allow(clippy::too_many_lines)] // a table
fn values_and_texts() -> Vec<(LogicalType, Vec<(Value, &'static str)>)> {
    use LogicalType::*;
    let decimal = |precision, scale| Decimal { precision, scale };
    let list = |item| List(Box::new(item));
    vec![
        (Boolean, vec![(json!(true), "true"), (json!(false), "false")]),
        (Int16, vec![(json!(i16::MIN), "-32768"), (json!(i16::MAX), "32767")]),
        (Int32, vec![(json!(i32::MIN), "-2147483648"), (json!(i32::MAX), "2147483647")]),
        (Int64, vec![(json!(i64::MIN), "-9223372036854775808"), (json!(i64::MAX), "9223372036854775807")]),
        (
            Float32,
            vec![
                (json!("NaN"), "NaN"),
                (json!("-Infinity"), "-Infinity"),
                (json!(0.1), "0.1"),
                (json!(-0.0), "-0"),
            ],
        ),
        (Float64, vec![(json!("Infinity"), "Infinity"), (json!(5e-324), "5e-324"), (json!(1e300), "1e+300")]),
        (
            decimal(38, 0),
            vec![
                (json!("99999999999999999999999999999999999999"), "99999999999999999999999999999999999999"),
                (json!("-99999999999999999999999999999999999999"), "-99999999999999999999999999999999999999"),
                (json!("18446744073709551615"), "18446744073709551615"),
                (json!("18446744073709551616"), "18446744073709551616"),
                (json!("0"), "0"),
            ],
        ),
        (
            decimal(38, 38),
            vec![
                (
                    json!("0.99999999999999999999999999999999999999"),
                    "0.99999999999999999999999999999999999999",
                ),
                (
                    json!("0.00000000000000000000000000000000000001"),
                    "0.00000000000000000000000000000000000001",
                ),
                (json!("0.0"), "0.00000000000000000000000000000000000000"),
            ],
        ),
        (
            decimal(38, 37),
            vec![(
                json!("-9.9999999999999999999999999999999999999"),
                "-9.9999999999999999999999999999999999999",
            )],
        ),
        (
            decimal(15, 2),
            vec![(json!("-0.01"), "-0.01"), (json!("10000.00"), "10000.00"), (json!("0.10"), "0.10")],
        ),
        (decimal(9, 3), vec![(json!("-123456.789"), "-123456.789"), (json!("0.001"), "0.001")]),
        (decimal(9, 1), vec![(json!("99999999.9"), "99999999.9"), (json!("0.1"), "0.1")]),
        (decimal(8, 4), vec![(json!("1.0001"), "1.0001"), (json!("9999.9999"), "9999.9999")]),
        (
            Numeric,
            vec![
                (json!("NaN"), "NaN"),
                (json!("Infinity"), "Infinity"),
                (json!("-Infinity"), "-Infinity"),
                (json!("0"), "0"),
                (json!("0.000"), "0.000"),
                (json!("-1.50"), "-1.50"),
                (json!("10000"), "10000"),
                (json!("100000000.00001"), "100000000.00001"),
                (json!("0.00001"), "0.00001"),
                (
                    json!("-12345678901234567890123456789012345678901234567890.123456789"),
                    "-12345678901234567890123456789012345678901234567890.123456789",
                ),
            ],
        ),
        (Text, vec![(json!(""), ""), (json!("naïve 😀 \\N \t\n'\""), "naïve 😀 \\N \t\n'\"")]),
        (Bytes, vec![(json!(""), "\\x"), (json!("00ff5c27"), "\\x00ff5c27")]),
        (
            Date,
            vec![
                (json!(0), "1970-01-01"),
                (json!(10_957), "2000-01-01"),
                (json!(-2_440_588), "4714-11-24 BC"),
                (json!(2_145_042_905), "5874897-12-31"),
                (json!(i32::MAX), "infinity"),
                (json!(i32::MIN), "-infinity"),
            ],
        ),
        (
            Time,
            vec![
                (json!(0), "00:00:00"),
                (json!(86_400_000_000_i64), "24:00:00"),
                (json!(1), "00:00:00.000001"),
            ],
        ),
        (
            Timestamp,
            vec![
                (json!(-1), "1969-12-31 23:59:59.999999"),
                (json!(-210_866_803_200_000_000_i64), "4714-11-24 00:00:00 BC"),
                (json!(i64::MAX - 1), "294247-01-10 04:00:54.775806"),
                (json!(i64::MAX), "infinity"),
                (json!(i64::MIN), "-infinity"),
            ],
        ),
        (
            TimestampTz,
            vec![
                (json!(AT), "2024-02-29 12:34:56+00"),
                (json!(i64::MAX), "infinity"),
                (json!(i64::MIN), "-infinity"),
            ],
        ),
        (
            Interval,
            vec![
                (json!([14, -3, 1_000_000]), "1 year 2 mons -3 days +00:00:00.001"),
                (json!([-1, 40, -5_000]), "-1 mons +40 days -00:00:00.000005"),
                (json!([0, 0, 0]), "00:00:00"),
            ],
        ),
        (Uuid, vec![(json!("f47ac10b58cc4372a5670e02b2c3d479"), "f47ac10b-58cc-4372-a567-0e02b2c3d479")]),
        (
            Json,
            vec![(json!("{\"b\":1,  \"a\":[null]}"), "{\"b\":1,  \"a\":[null]}"), (json!("null"), "null")],
        ),
        (list(Int32), vec![(json!([]), "{}"), (json!([1, null, -3]), "{1,NULL,-3}")]),
        (list(Text), vec![(json!(["", "a,b", null, "NULL"]), "{\"\",\"a,b\",NULL,\"NULL\"}")]),
        (list(decimal(9, 2)), vec![(json!(["1.50", null]), "{1.50,NULL}")]),
        (list(Numeric), vec![(json!(["NaN", "1.5"]), "{NaN,1.5}")]),
        (list(Json), vec![(json!(["{}", null]), "{\"{}\",NULL}")]),
        (
            list(Uuid),
            vec![(json!(["f47ac10b58cc4372a5670e02b2c3d479"]), "{f47ac10b-58cc-4372-a567-0e02b2c3d479}")],
        ),
        (list(Timestamp), vec![(json!([i64::MAX, 0]), "{infinity,\"1970-01-01 00:00:00\"}")]),
        (list(Boolean), vec![(json!([true, false]), "{t,f}")]),
        (list(Bytes), vec![(json!(["00ff"]), "{\"\\\\x00ff\"}")]),
        (list(Interval), vec![(json!([[0, 1, 0]]), "{\"1 day\"}")]),
    ]
}

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
async fn every_value_lands_exactly_whichever_way_it_goes() {
    let mut desk = Desk::new().await;
    // Straight into the table, and through the stage.
    for (number, mode) in [WriteMode::Append, HARD, WriteMode::History].into_iter().enumerate() {
        for (at, (logical, values)) in values_and_texts().into_iter().enumerate() {
            let columns = vec![Column::new("id", LogicalType::Int32), Column::new("value", logical.clone())];
            let target = target_of(&format!("t{number}_{at}"), mode, columns.clone(), &["id"]);
            desk.create(&target).await;
            let mut values: Vec<_> =
                values.into_iter().map(|(value, text)| (value, text.to_owned())).collect();
            values.push((Value::Null, "∅".to_owned()));
            let all: Vec<_> = values.iter().enumerate().map(|(id, (value, _))| json!([id, value])).collect();
            let segment = ChangeBatch { kind: BatchKind::Rows, rows: batch(&columns, &all) };
            desk.load(&target, &[segment]).await.unwrap_or_else(|error| panic!("{logical}: {error:?}"));
            let found = desk.query(&format!("SELECT value::text FROM shop.t{number}_{at} ORDER BY id")).await;
            let expected: Vec<_> = values.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(found, expected, "{logical} in {mode:?}");
            // And the table says that it has this type.
            let seen = desk.destination.inspect(std::slice::from_ref(&target.name)).await.unwrap();
            let seen = seen[0].as_ref().unwrap().iter().find(|column| column.name == "value").unwrap();
            let wanted = match &logical {
                // The catalog keeps no precision for the items of an array of this table apart from the array's own.
                LogicalType::List(_) => seen.logical.clone(),
                other => other.clone(),
            };
            assert_eq!(seen.logical, wanted);
            // Reading back gives the same values.
            let sink = Collector::new();
            desk.destination.scan(&target, &columns, &sink).await.unwrap();
            if logical != LogicalType::Json {
                let back = sorted_rows(&sink.batches(BatchKind::Rows));
                let mut wanted: Vec<_> = syncline_testkit::rows_as_text(&[batch(&columns, &all)]);
                wanted.sort_unstable();
                assert_eq!(back, wanted, "{logical}");
            }
            assert_eq!(desk.destination.count(&target).await.unwrap(), all.len() as u64);
        }
    }
}

#[tokio::test]
async fn json_keeps_its_text_unless_it_is_jsonb_in_the_source() {
    let mut desk = Desk::new().await;
    let list = LogicalType::List(Box::new(LogicalType::Json));
    let text = "{\"b\":1,  \"b\":2}";
    for (native, expected) in [
        (None, "json|{\"b\":1,  \"b\":2}|json[]|1"),
        (Some("json"), "json|{\"b\":1,  \"b\":2}|json[]|1"),
        (Some("jsonb"), "jsonb|{\"b\": 2}|jsonb[]|1"),
    ] {
        for (name, mode) in [("a", WriteMode::Append), ("m", SOFT), ("h", WriteMode::History)] {
            let mut columns = vec![
                Column::new("id", LogicalType::Int32),
                Column::new("j", LogicalType::Json),
                Column::new("l", list.clone()),
            ];
            columns[1].native_type = native.map(str::to_owned);
            columns[2].native_type = native.map(|native| format!("{native}[]"));
            let name = format!("{name}_{}", native.unwrap_or("none"));
            let target = target_of(&name, mode, columns.clone(), &["id"]);
            desk.create(&target).await;
            let rows = batch(&columns, &[json!([1, text, [text]])]);
            let segment = [ChangeBatch { kind: BatchKind::Rows, rows }];
            for _ in 0..2 {
                desk.load(&target, &segment).await.unwrap();
            }
            let found = format!(
                "SELECT DISTINCT pg_typeof(j), j::text, pg_typeof(l), cardinality(l) FROM shop.{name}"
            );
            assert_eq!(desk.query(&found).await, [expected]);
            let count = if mode == WriteMode::Append { 2 } else { 1 };
            assert_eq!(desk.destination.count(&target).await.unwrap(), count, "{name}");
            // The engine need not know what the table has.
            let mut unknowing = target.clone();
            unknowing.columns.iter_mut().for_each(|column| column.native_type = None);
            desk.load(&unknowing, &segment).await.unwrap();
            let count = if mode == WriteMode::Append { 3 } else { 1 };
            assert_eq!(desk.destination.count(&target).await.unwrap(), count, "{name}");
        }
    }
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
    let reader = tokio::spawn(async move {
        let client = database.connect().await.unwrap();
        let mut looks = 0;
        while !stopped.is_cancelled() {
            let row = client
                .query_one("SELECT count(*), count(DISTINCT note) FROM shop.orders", &[])
                .await
                .unwrap();
            assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 1));
            looks += 1;
        }
        looks
    });
    for version in ["v1", "v2", "v3", "v4", "v5"] {
        desk.begin(&target).await;
        desk.load_with(&target, &[rows(&[(1, version), (2, version)])], true, Finish::Swap).await.unwrap();
    }
    stop.cancel();
    assert!(reader.await.unwrap() > 5);
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
async fn a_connection_killed_in_the_middle_leaves_nothing_and_the_next_goes_on() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    for distinct in [true, false] {
        let mut loader = desk.loader(&target, LoadInto::Table, distinct).await;
        loader.write(rows(&[(10, "lost"), (11, "lost")])).await.unwrap();
        let killed = desk
            .query(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                 WHERE datname = current_database() AND application_name = 'syncline' AND query LIKE 'COPY%'",
            )
            .await;
        assert_eq!(killed, ["t"]);
        let error = loader.commit(&desk.commit(2)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error:?}");
        let error = loader.write(rows(&[(1, "x")])).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        drop(loader);
        assert_eq!(desk.query("SELECT id FROM shop.orders").await, ["1"]);
    }
    let mut desk = Desk::at(desk.database.clone()).await;
    assert_eq!(desk.ordinal, 1);
    desk.load(&target, &[rows(&[(10, "kept"), (11, "kept")])]).await.unwrap();
    assert_eq!(desk.query("SELECT id FROM shop.orders ORDER BY id").await, ["1", "10", "11"]);
}

#[tokio::test]
async fn a_connection_killed_while_committing_wrote_all_or_nothing() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    let blocker = desk.database.connect().await.unwrap();
    blocker
        .batch_execute("BEGIN; SELECT FROM public._syncline_checkpoints WHERE \"table\" = '' FOR UPDATE")
        .await
        .unwrap();
    let mut loader = desk.loader(&target, LoadInto::Table, false).await;
    loader.write(rows(&[(2, "b")])).await.unwrap();
    let commit = desk.commit(1);
    let database = desk.database.clone();
    let killer = async {
        wait_for(
            async || {
                let killed = query(
                    &database,
                    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
                     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FOR SHARE%'",
                )
                .await;
                !killed.is_empty()
            },
            SOON,
        )
        .await;
    };
    let (result, ()) = futures::join!(loader.commit(&commit), killer);
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionLost);
    blocker.batch_execute("ROLLBACK").await.unwrap();
    let mut desk = Desk::at(desk.database.clone()).await;
    assert_eq!(desk.ordinal, 1);
    assert_eq!(desk.query("SELECT id FROM shop.orders").await, ["1"]);
    desk.load(&target, &[rows(&[(2, "b")])]).await.unwrap();
    assert_eq!(desk.destination.count(&target).await.unwrap(), 2);
}

#[tokio::test]
async fn a_new_session_waits_for_a_commit_and_then_shuts_the_old_one_out() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    let mut zombie = desk.loader(&target, LoadInto::Table, true).await;
    zombie.write(rows(&[(2, "zombie")])).await.unwrap();
    // Somebody is just committing: the fence row is locked as a commit locks it.
    let committing = desk.database.connect().await.unwrap();
    committing
        .batch_execute("BEGIN; SELECT FROM public._syncline_checkpoints WHERE \"table\" = '' FOR SHARE")
        .await
        .unwrap();
    let other = destination_at(&desk.database);
    let database = desk.database.clone();
    let release = async {
        wait_for(
            async || {
                let waiting = query(
                    &database,
                    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
                )
                .await;
                !waiting.is_empty()
            },
            SOON,
        )
        .await;
        committing.batch_execute("COMMIT").await.unwrap();
    };
    let opening = Opening { connection: "shop".into(), run: "run 2".into() };
    let (opened, ()) = futures::join!(other.open(&opening), release);
    let opened = opened.unwrap();
    assert_eq!(opened.fence, 2);
    let error = zombie.commit(&desk.commit(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Fenced);
    assert!(error.message().contains("run 2"), "{error}");
    let column = Column::new("late", LogicalType::Text);
    let change = SchemaChange::AddColumn { table: target.name.clone(), column };
    assert_eq!(desk.session.apply(&change).await.unwrap_err().kind(), ErrorKind::Fenced);
    assert_eq!(desk.query("SELECT * FROM shop.orders LIMIT 1").await.len(), 1);
    assert_eq!(
        desk.query("SELECT count(*) FROM information_schema.columns WHERE column_name = 'late'").await,
        ["0"]
    );
    // Another connection is not touched by that.
    let third = Opening { connection: "stock".into(), run: "run 3".into() };
    assert_eq!(other.open(&third).await.unwrap().fence, 1);
}

#[tokio::test]
async fn wrong_ordinals_and_counts_are_refused() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    desk.load(&target, &[rows(&[(1, "a")])]).await.unwrap();
    for (ordinal, count, kind) in [
        (1, 1, ErrorKind::Conflict),
        (3, 1, ErrorKind::Conflict),
        (2, 2, ErrorKind::Mismatch),
        (2, 0, ErrorKind::Mismatch),
    ] {
        for distinct in [true, false] {
            let mut loader = desk.loader(&target, LoadInto::Table, distinct).await;
            loader.write(rows(&[(2, "b")])).await.unwrap();
            let error = loader.commit(&Commit { rows: count, ..commit_of(ordinal) }).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{error:?}");
        }
    }
    assert_eq!(desk.query("SELECT id FROM shop.orders").await, ["1"]);
    assert_eq!(desk.query("SELECT ordinal FROM _syncline_checkpoints WHERE \"table\" <> ''").await, ["1"]);
}

#[tokio::test]
async fn a_dropped_loader_rolls_back_and_blocks_nobody() {
    let target = orders(SOFT);
    let mut desk = Desk::new().await;
    desk.create(&target).await;
    let mut dropped = desk.loader(&target, LoadInto::Table, true).await;
    dropped.write(rows(&[(1, "lost")])).await.unwrap();
    let mut other = desk.loader(&target, LoadInto::Table, false).await;
    other.write(rows(&[(2, "kept")])).await.unwrap();
    drop(dropped);
    other.commit(&desk.commit(1)).await.unwrap();
    desk.ordinal += 1;
    drop(other);
    desk.load(&target, &[rows(&[(3, "kept")])]).await.unwrap();
    assert_eq!(desk.query("SELECT id FROM shop.orders ORDER BY id").await, ["2", "3"]);
    desk.session.close().await;
    let database = desk.database.clone();
    wait_for(
        async || {
            let open = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'syncline'";
            query(&database, open).await.is_empty()
        },
        SOON,
    )
    .await;
    let options = LoaderOptions { target, table: table(), into: LoadInto::Table, distinct: true };
    assert_eq!(desk.session.loader(&options).await.err().unwrap().kind(), ErrorKind::Stopped);
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
