//! The Postgres source against a real Postgres.

use std::sync::Arc;
use std::time::Duration;

use connectors::postgres::codec::Codec;
use connectors::postgres::decode::{BatchLimit, Decoder, Fed};
use futures::StreamExt;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use syncline_protocol::{
    CheckOutcome, CheckStep, Column, DiscoverFilter, ErrorKind, LogicalType, PartKind, ReadMode, ReadPlan,
    Result, Source, SourceSession, StepSink, TableInfo, TableKind, TableName, TablePosition, TableRead,
};

use crate::support::cell::{cell, column, oracle};
use crate::support::{Database, Got, Sink, source, start};

async fn describe(source: &dyn Source, name: &str) -> TableInfo {
    let name: TableName = name.parse().unwrap();
    let filter = DiscoverFilter { tables: vec![name.clone()], system: false };
    source.discover(&filter).await.unwrap().table(&name).unwrap().clone()
}

pub(crate) async fn full(source: &dyn Source, name: &str) -> TableRead {
    let info = describe(source, name).await;
    TableRead {
        table: info.schema.table,
        columns: info.schema.columns,
        key: info.schema.key,
        mode: ReadMode::Full,
        key_list: false,
    }
}

async fn incremental(source: &dyn Source, name: &str, cursor: &str) -> TableRead {
    let mode = ReadMode::Incremental { cursor: cursor.into(), look_back: Duration::ZERO };
    TableRead { mode, ..full(source, name).await }
}

async fn read_part(
    session: &dyn SourceSession,
    read: &TableRead,
    plan: &ReadPlan,
    part: usize,
) -> Result<Got> {
    let sink = Sink::new();
    session.read(read, plan, &plan.parts[part], None, &*sink).await?;
    Ok(Got::of(sink.take()))
}

/// Plans and reads everything, as the engine would in one run; returns what came and the position reached.
async fn sync(
    source: &dyn Source,
    read: &TableRead,
    position: Option<TablePosition>,
) -> (Got, TablePosition) {
    let session = source.open(std::slice::from_ref(read)).await.unwrap();
    let mut position = position;
    let mut got = Got::default();
    loop {
        let plan = session.plan(read, position.as_ref()).await.unwrap();
        let mut next = match position {
            Some(old) if plan.continues => TablePosition { plan: plan.plan.clone(), ..old },
            old => TablePosition::start(old.map_or(0, |old| old.generation + 1), plan.plan.clone()),
        };
        for part in &plan.parts {
            if next.done.contains(part.index) {
                continue;
            }
            let sink = Sink::new();
            session.read(read, &plan, part, next.at.get(&part.index), &*sink).await.unwrap();
            let part_got = Got::of(sink.take());
            got.rows.extend(part_got.rows);
            got.keys.extend(part_got.keys);
            got.rejected.extend(part_got.rejected);
            got.checkpoints.extend(part_got.checkpoints);
            next.finish_part(part.index);
        }
        next.complete = true;
        position = Some(next);
        if !plan.follow_up {
            break;
        }
    }
    session.close().await;
    (got, position.unwrap())
}

fn sorted(mut values: Vec<Option<String>>) -> Vec<Option<String>> {
    values.sort();
    values
}

#[tokio::test]
async fn every_type_arrives_as_postgres_has_it() {
    let database = Database::new("types").await;
    database
        .run(
            "CREATE TYPE mood AS ENUM ('sad', 'ok', 'very \"happy\"');
             CREATE DOMAIN positive AS numeric(12,3) CHECK (VALUE > 0);
             CREATE DOMAIN code AS text;
             CREATE TYPE point3 AS (x int, y numeric, label text);
             CREATE TYPE located AS (at inet, name text);
             CREATE TABLE types (
               id int PRIMARY KEY, b bool, i2 int2, i4 int4, i8 int8, f4 float4, f8 float8,
               n numeric, n15 numeric(15,2), n38 numeric(38,10), n50 numeric(50,5), neg numeric(5,-2),
               t text, vc varchar(10), ch char(5), nm name, q \"char\", by bytea,
               d date, ti time, tz timetz, ts timestamp, tstz timestamptz, iv interval, u uuid,
               j json, jb jsonb, m mood, p positive, c code, pt point3, lo located,
               ip inet, ci cidr, mac macaddr, bi bit(3), vb varbit, mo money, tv tsvector, x xml, r int4range,
               mr int4multirange, pl pg_lsn, o oid, g point, bx box,
               ia int[], ta text[], na numeric(5,1)[], ma mood[], ipa inet[], pa point3[]);
             INSERT INTO types (id) VALUES (1);
             INSERT INTO types VALUES (2, true, 32767, 2147483647, 9223372036854775807, 'NaN', 'Infinity',
               'NaN', 9999999999999.99, 9999999999999999999999999999.9999999999, 123456789.12345, 12300,
               'a\\b''\"é🦀', 'abcdefghij', 'ab', 'name', 'z', '\\x00ff',
               'infinity', '24:00', '23:59:59.123456+02', 'infinity', '-infinity', '1 year -2 days 03:04:05.678901',
               'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{\"a\":  1}', '{\"b\": [1, null]}', 'very \"happy\"', 1.5, 'x',
               ROW(1, 1.50, 'a \"b\"'), ROW('10.0.0.1', 'n'), '10.1.2.3/8', '10.0.0.0/8', '08:00:2b:01:02:03', '101',
               '11', '12.34', 'a:1 b', '<a/>', '[1,5)', '{[1,2),[5,9)}', '16/B374D848', 4294967295, '(1,2)',
               '(1,1),(0,0)', '{1,NULL,3}', '{a,NULL,\"b c\",\"\"}', '{1.5,2}', '{sad,ok}', '{10.0.0.1}',
               ARRAY[ROW(1,2,'l')::point3]);
             INSERT INTO types (id, i2, i4, i8, f4, f8, n, n15, n38, d, ti, ts, tstz, iv, j) VALUES
               (3, -32768, -2147483648, -9223372036854775808, '-Infinity', '-0', '-Infinity', -9999999999999.99,
                -0.0000000001, '4713-01-01 BC', '00:00', '4713-01-01 BC', '294246-12-31 23:59:59.999999+00',
                '-178000000 years', 'null'),
               (4, 0, 0, 0, 1e-45, 5e-324, 1e-100, 0, 0, '5874897-12-31', '12:34:56.000001', '1969-12-31 23:59:59.999999',
                '0001-01-01', '-1 month 1 day -00:00:00.000001', '[]'),
               (5, 1, 1, 1, 3.4028235e38, 1.7976931348623157e308, 123456789012345678901234567890123456789012.5, 0.01,
                1, '-infinity', '00:00:00.5', '-infinity', 'infinity', '0', '\"\\u00e9\"'),
               (6, 1, 1, 1, 0.1, 0.1, 0.10, 100.00, 10000, '2000-01-01', '23:59:59.999999', '2000-01-01', '1970-01-01', '1 day',
                '1e5'),
               (7, 1, 1, 1, 1, 1, 10000, -0.10, 99990000, '1999-12-31', '23:59:59.999999', '2000-01-01', '1970-01-01', '1 day', '1')",
        )
        .await;
    let source = database.source();
    let read = full(&*source, "public.types").await;
    let (got, _) = sync(&*source, &read, None).await;
    assert!(got.rejected.is_empty(), "{:?}", got.rejected);
    assert_eq!(got.row_count(), 7);
    compare_types(&database, &got).await;

    let logical = |name: &str| read.columns.iter().find(|c| c.name == name).unwrap().logical.to_string();
    for (name, expected) in [
        ("b", "boolean"),
        ("n", "numeric"),
        ("n15", "decimal(15,2)"),
        ("n38", "decimal(38,10)"),
        ("n50", "numeric"),
        ("neg", "numeric"),
        ("p", "decimal(12,3)"),
        ("m", "text"),
        ("c", "text"),
        ("ip", "text"),
        ("jb", "json"),
        ("pt", "struct<\"x\":int32,\"y\":numeric,\"label\":text>"),
        ("lo", "json"),
        ("ia", "list<int32>"),
        ("na", "list<decimal(5,1)>"),
        ("ipa", "list<text>"),
        ("ma", "list<text>"),
        ("tz", "text"),
        ("pa", "list<struct<\"x\":int32,\"y\":numeric,\"label\":text>>"),
    ] {
        assert_eq!(logical(name), expected, "{name}");
    }
    let second = |name: &str| column(&got.rows, name)[1].clone().unwrap();
    assert_eq!(second("pt"), "(1|1.50|a \"b\")");
    assert_eq!(second("lo"), r#"{"at": "10.0.0.1", "name": "n"}"#);
    assert_eq!(second("ia"), "[1|∅|3]");
    assert_eq!(second("ta"), "[a|∅|b c|]");
    assert_eq!(second("na"), "[1.5|2.0]");
    assert_eq!(second("ma"), "[sad|ok]");
    assert_eq!(second("ipa"), "[10.0.0.1/32]"); // as the cast to text writes it
    assert_eq!(second("pa"), "[(1|2|l)]");
    assert_eq!(second("ti"), "86400000000");
}

async fn compare_types(database: &Database, got: &Got) {
    let info = describe(&*database.source(), "public.types").await;
    for Column { name, native_type, .. } in &info.schema.columns {
        let native_type = native_type.as_deref().unwrap();
        if native_type.ends_with("[]") || ["pt", "lo"].contains(&name.as_str()) {
            continue;
        }
        let expression = oracle(native_type, &format!("\"{name}\""));
        let expected = database.texts(&format!("SELECT {expression} FROM types ORDER BY types.id")).await;
        assert_eq!(column(&got.rows, name), expected, "{name} {native_type}");
    }
}

#[tokio::test]
async fn what_does_not_fit_is_rejected_with_its_row() {
    let database = Database::new("rejects").await;
    database
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, n numeric(10,2), ts timestamp, a int[], iv interval);
             INSERT INTO t VALUES (1, 1.5, '2024-01-01', '{1}', '1 day'), (2, 'NaN', '2024-01-01', '{}', '1 day'),
               (3, 2, '294276-12-31', NULL, NULL), (4, 3, NULL, '{{1,2},{3,4}}', NULL),
               (5, 4, NULL, NULL, '2562047788:00:54.775807'), (6, 5, NULL, '{}', NULL)",
        )
        .await;
    let source = database.source();
    let mut read = full(&*source, "public.t").await;
    let (got, _) = sync(&*source, &read, None).await;
    assert_eq!(column(&got.rows, "id"), [Some("1".into()), Some("6".into())]);
    assert_eq!(column(&got.rows, "a"), [Some("[1]".into()), Some("[]".into())]);
    let reasons: Vec<_> =
        got.rejected.iter().map(|r| (r.column.as_deref().unwrap(), r.row["id"].clone())).collect();
    assert_eq!(reasons, [("n", json!("2")), ("ts", json!("3")), ("a", json!("4")), ("iv", json!("5"))]);
    assert_eq!(got.rejected[0].row["n"], "NaN");
    assert_eq!(got.rejected[1].row["ts"], "294276-12-31 00:00:00");
    assert_eq!(got.rejected[2].row["a"], "{{1,2},{3,4}}");
    assert!(got.rejected[2].reason.contains("json"), "{}", got.rejected[2].reason);

    // The types that the reasons suggest take everything.
    for (name, logical) in [
        ("n", LogicalType::Numeric),
        ("ts", LogicalType::Text),
        ("a", LogicalType::Json),
        ("iv", LogicalType::Text),
    ] {
        read.columns.iter_mut().find(|column| column.name == name).unwrap().logical = logical;
    }
    let (got, _) = sync(&*source, &read, None).await;
    assert!(got.rejected.is_empty(), "{:?}", got.rejected);
    assert_eq!(column(&got.rows, "a")[3].as_deref(), Some("[[1, 2], [3, 4]]"));
    assert_eq!(column(&got.rows, "n")[1].as_deref(), Some("NaN"));
    assert_eq!(column(&got.rows, "ts")[2].as_deref(), Some("294276-12-31 00:00:00"));
}

#[tokio::test]
async fn wanted_types_are_made_or_refused() {
    let database = Database::new("wanted").await;
    database
        .run("CREATE TABLE t (id int2 PRIMARY KEY, f float8, s text, d date, b bool);
              INSERT INTO t VALUES (1, 0.1, '{\"a\":1}', '2024-02-29', true), (2, 1e300, 'no json', NULL, NULL)")
        .await;
    let source = database.source();
    let mut read = full(&*source, "public.t").await;
    let want = |read: &mut TableRead, name: &str, logical: &str| {
        read.columns.iter_mut().find(|c| c.name == name).unwrap().logical = logical.parse().unwrap();
    };
    for (name, logical) in
        [("id", "int64"), ("f", "numeric"), ("s", "json"), ("d", "timestamp"), ("b", "text")]
    {
        want(&mut read, name, logical);
    }
    let (got, _) = sync(&*source, &read, None).await;
    assert_eq!(column(&got.rows, "f"), [Some("0.1".into())]);
    assert_eq!(column(&got.rows, "d"), [Some("1709164800000000".into())]);
    assert_eq!(column(&got.rows, "b"), [Some("true".into())]);
    assert_eq!(got.rejected.len(), 1);
    assert_eq!(got.rejected[0].column.as_deref(), Some("s"));
    want(&mut read, "s", "int32");
    let session = source.open(&[]).await.unwrap();
    assert_eq!(session.plan(&read, None).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn awkward_tables_are_found_and_read() {
    let database = Database::new("awkward").await;
    let wide: Vec<_> = (0..300).map(|at| format!("c{at} int DEFAULT {at}")).collect();
    database
        .run(&format!(
            "CREATE SCHEMA \"Odd \"\"Schema\";
             CREATE TABLE \"Odd \"\"Schema\".\"select.from\" (id int PRIMARY KEY, \"a \"\"b\" text, \"SELECT\" int);
             COMMENT ON TABLE \"Odd \"\"Schema\".\"select.from\" IS 'a comment';
             INSERT INTO \"Odd \"\"Schema\".\"select.from\" VALUES (1, 'x', 2);
             CREATE TABLE wide (id int PRIMARY KEY, {});
             INSERT INTO wide (id) SELECT generate_series(1, 50);
             CREATE TABLE parts (id int, day date, v int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
             CREATE TABLE parts_a PARTITION OF parts FOR VALUES FROM ('2024-01-01') TO ('2024-02-01');
             CREATE TABLE parts_b PARTITION OF parts FOR VALUES FROM ('2024-02-01') TO ('2024-03-01') PARTITION BY HASH (id);
             CREATE TABLE parts_b1 PARTITION OF parts_b FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE parts_b2 PARTITION OF parts_b FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             INSERT INTO parts SELECT i, date '2024-01-01' + i % 60, i % 3 FROM generate_series(1, 300) i;
             CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (extra int) INHERITS (parent);
             INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 2);
             CREATE VIEW v AS SELECT id, 'x'::text AS t FROM wide WHERE id <= 3;
             CREATE MATERIALIZED VIEW mv AS SELECT id FROM wide; CREATE UNIQUE INDEX ON mv (id);
             CREATE TABLE generated (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a int, twice int GENERATED ALWAYS AS (a * 2) STORED);
             INSERT INTO generated (a) VALUES (1), (2);
             CREATE TABLE nokey (a int, b text); INSERT INTO nokey VALUES (1, 'x'), (1, 'x');
             CREATE TABLE uniq (a int NOT NULL, b int NOT NULL, c int UNIQUE, UNIQUE (a, b));
             CREATE TABLE empty (id int PRIMARY KEY);
             ALTER TABLE empty ADD gone int; ALTER TABLE empty DROP gone; ALTER TABLE empty ADD later text;
             ANALYZE",
            wide.join(", ")
        ))
        .await;
    let source = database.source();
    let catalog = source.discover(&DiscoverFilter::default()).await.unwrap();
    let names: Vec<_> = catalog.tables.iter().map(|table| table.schema.table.to_string()).collect();
    assert_eq!(
        names,
        [
            "\"Odd \"\"Schema\".\"select.from\"",
            "public.child",
            "public.empty",
            "public.generated",
            "public.mv",
            "public.nokey",
            "public.parent",
            "public.parts",
            "public.uniq",
            "public.v",
            "public.wide"
        ]
    );
    let info = |name: &str| catalog.table(&name.parse().unwrap()).unwrap();
    assert_eq!(info("public.parts").kind, TableKind::Partitioned);
    assert_eq!(info("public.parts").rows_estimate, Some(300));
    assert_eq!(info("public.parts").schema.key, ["id", "day"]);
    assert_eq!(info("public.uniq").schema.key, ["a", "b"]);
    assert_eq!(info("public.mv").schema.key.len(), 0, "a column of a materialised view can be null");
    assert_eq!(info("public.v").kind, TableKind::View);
    assert_eq!(info("public.wide").schema.columns.len(), 301);
    assert_eq!(info("public.empty").rows_estimate, Some(0));
    assert_eq!(info(names[0].as_str()).comment.as_deref(), Some("a comment"));
    for (name, rows) in [
        (names[0].as_str(), 1),
        ("public.wide", 50),
        ("public.parts", 300),
        ("public.parent", 1),
        ("public.child", 1),
        ("public.v", 3),
        ("public.mv", 50),
        ("public.generated", 2),
        ("public.nokey", 2),
        ("public.empty", 0),
    ] {
        let read = full(&*source, name).await;
        let (got, _) = sync(&*source, &read, None).await;
        assert_eq!(got.row_count(), rows, "{name}");
    }
    let read = full(&*source, "public.generated").await;
    let (got, _) = sync(&*source, &read, None).await;
    assert_eq!(column(&got.rows, "twice"), [Some("2".into()), Some("4".into())]);
}

/// A table of some 40 MB in at least four parts.
async fn big_table(database: &Database) {
    database
        .run(
            "CREATE TABLE big (id int PRIMARY KEY, updated_at timestamptz NOT NULL, v int, filler text)
               WITH (autovacuum_enabled = false, fillfactor = 90);
             INSERT INTO big SELECT i, timestamptz '2024-01-01' + i * interval '1 second', 0, repeat('x', 200)
             FROM generate_series(1, 100000) i;
             ANALYZE big",
        )
        .await;
}

#[tokio::test]
async fn an_interrupted_snapshot_goes_on_only_when_nothing_is_lost() {
    let database = Database::new("resume").await;
    big_table(&database).await;
    let source = database.source();
    let read = full(&*source, "public.big").await;
    let first = source.open(std::slice::from_ref(&read)).await.unwrap();
    let plan = first.plan(&read, None).await.unwrap();
    assert!(plan.parts.len() >= 4 && plan.full && plan.disjoint && !plan.continues);
    let mut position = TablePosition::start(0, plan.plan.clone());
    let mut ids = Vec::new();
    for part in 0..2 {
        ids.extend(column(&read_part(&*first, &read, &plan, part).await.unwrap().rows, "id"));
        position.finish_part(part as u32);
    }
    first.close().await;

    let again = source.open(&[]).await.unwrap();
    let continued = again.plan(&read, Some(&position)).await.unwrap();
    assert!(continued.continues && continued.disjoint && continued.parts == plan.parts);
    for part in 2..continued.parts.len() {
        ids.extend(column(&read_part(&*again, &read, &continued, part).await.unwrap().rows, "id"));
    }
    again.close().await;
    assert_eq!(sorted(ids), sorted(database.texts("SELECT id::text FROM big").await));

    // One row moves from an unread page to another place: the finished parts no longer hold.
    database.run("UPDATE big SET v = 1 WHERE id = 99999").await;
    let third = source.open(&[]).await.unwrap();
    assert!(!third.plan(&read, Some(&position)).await.unwrap().continues);
    third.close().await;

    // Neither do they after a rewrite.
    let fresh = source.open(&[]).await.unwrap();
    let plan = fresh.plan(&read, None).await.unwrap();
    let position = TablePosition::start(0, plan.plan);
    fresh.close().await;
    database.run("VACUUM FULL big").await;
    let fourth = source.open(&[]).await.unwrap();
    assert!(!fourth.plan(&read, Some(&position)).await.unwrap().continues);
    fourth.close().await;
}

#[tokio::test]
async fn an_interrupted_first_incremental_sync_catches_up() {
    let database = Database::new("catchup").await;
    big_table(&database).await;
    let source = database.source();
    let read = incremental(&*source, "public.big", "updated_at").await;
    let first = source.open(&[]).await.unwrap();
    let plan = first.plan(&read, None).await.unwrap();
    let mut position = TablePosition::start(0, plan.plan.clone());
    let mut ids = Vec::new();
    for part in 0..2 {
        ids.extend(column(&read_part(&*first, &read, &plan, part).await.unwrap().rows, "id"));
        position.finish_part(part as u32);
    }
    first.close().await;
    // Unread rows move into the free space of pages that are read, others are new, one is gone.
    database
        .run("UPDATE big SET v = 1, updated_at = now() WHERE id > 99000;
              INSERT INTO big SELECT i, now() + interval '1 second', 2, '' FROM generate_series(100001, 100100) i;
              DELETE FROM big WHERE id = 98000")
        .await;
    let (got, position) = sync(&*source, &read, Some(position)).await;
    let mut versions: Vec<_> = column(&got.rows, "id").into_iter().zip(column(&got.rows, "v")).collect();
    let changed = versions.iter().filter(|(_, v)| v.as_deref() == Some("1")).count();
    assert_eq!(changed, 1000, "each changed row once");
    versions.retain(|(_, v)| v.as_deref() == Some("2"));
    assert_eq!(versions.len(), 100, "each new row once");
    ids.extend(column(&got.rows, "id"));
    let mut ids = sorted(ids);
    ids.dedup();
    assert_eq!(ids, sorted(database.texts("SELECT id::text FROM big").await));
    // Nothing new: nothing is read.
    let (got, position) = sync(&*source, &read, Some(position)).await;
    assert_eq!(got.row_count(), 0);

    // A change that leaves the cursor alone cannot be caught up: the snapshot begins again.
    let session = source.open(&[]).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    let unfinished = TablePosition::start(1, plan.plan);
    session.close().await;
    database.run("UPDATE big SET v = 3 WHERE id = 5").await;
    let session = source.open(&[]).await.unwrap();
    assert!(!session.plan(&read, Some(&unfinished)).await.unwrap().continues);
    assert!(session.plan(&read, Some(&position)).await.unwrap().parts.is_empty());
    session.close().await;
}

#[tokio::test]
async fn ties_are_read_once_and_late_ones_are_not_lost() {
    let database = Database::new("ties").await;
    database
        .run(
            "CREATE TABLE keyed (id int PRIMARY KEY, at date); CREATE TABLE keyless (v int, at date);
              INSERT INTO keyed SELECT i, '2024-01-01' FROM generate_series(1, 10) i;
              INSERT INTO keyless SELECT i, '2024-01-01' FROM generate_series(1, 10) i",
        )
        .await;
    let source = database.source();
    let read = incremental(&*source, "public.keyed", "at").await;
    let (got, position) = sync(&*source, &read, None).await;
    assert_eq!(got.row_count(), 10);
    database.run("INSERT INTO keyed VALUES (11, '2024-01-01'), (12, '2024-01-02'), (13, NULL)").await;
    let (got, position) = sync(&*source, &read, Some(position)).await;
    assert_eq!(column(&got.rows, "id"), [Some("11".into()), Some("12".into())]);
    database.run("INSERT INTO keyed VALUES (0, '2024-01-02')").await;
    let (got, position) = sync(&*source, &read, Some(position)).await;
    assert!(column(&got.rows, "id").contains(&Some("0".into())), "a late row with a smaller key");
    assert_eq!(sync(&*source, &read, Some(position)).await.0.row_count(), 0);

    let read = incremental(&*source, "public.keyless", "at").await;
    let (_, position) = sync(&*source, &read, None).await;
    let (got, position) = sync(&*source, &read, Some(position)).await;
    assert_eq!(got.row_count(), 0);
    database.run("INSERT INTO keyless VALUES (11, '2024-01-02')").await;
    let (got, position) = sync(&*source, &read, Some(position)).await;
    assert_eq!(column(&got.rows, "v"), [Some("11".into())]);
    database.run("INSERT INTO keyless VALUES (12, '2024-01-02')").await;
    let (got, _) = sync(&*source, &read, Some(position)).await;
    assert!(column(&got.rows, "v").contains(&Some("12".into())));
}

#[tokio::test]
async fn incremental_reads_resume_at_any_checkpoint() {
    let database = Database::new("checkpoints").await;
    database
        .run(
            "CREATE TABLE t (id int PRIMARY KEY, at timestamptz);
              CREATE TABLE keyless (id int, at timestamptz);
              INSERT INTO t VALUES (0, '2020-01-01'); INSERT INTO keyless VALUES (0, '2020-01-01')",
        )
        .await;
    let source = database.source();
    for name in ["t", "keyless"] {
        let read = incremental(&*source, &format!("public.{name}"), "at").await;
        let (_, position) = sync(&*source, &read, None).await;
        database
            .run(&format!(
                "INSERT INTO {name} SELECT i, timestamptz '2024-01-01' + (i / 7) * interval '1 second'
                 FROM generate_series(1, 200000) i"
            ))
            .await;
        let session = source.open(&[]).await.unwrap();
        let plan = session.plan(&read, Some(&position)).await.unwrap();
        let whole = read_part(&*session, &read, &plan, 0).await.unwrap();
        assert_eq!(whole.row_count(), 200_000);
        assert!(whole.checkpoints.len() >= 2, "{name}: {:?}", whole.checkpoints);
        for checkpoint in &whole.checkpoints {
            let sink = Sink::new();
            session.read(&read, &plan, &plan.parts[0], Some(checkpoint), &*sink).await.unwrap();
            let rest = column(&Got::of(sink.take()).rows, "id");
            let all = column(&whole.rows, "id");
            let tail = &all[all.len() - rest.len()..];
            assert_eq!(sorted(rest.clone()), sorted(tail.to_vec()), "{name} {checkpoint}");
            if name == "t" {
                let at = format!("({}, {})", checkpoint["cursor"], checkpoint["key"][0]).replace('"', "'");
                let expected =
                    database.text(&format!("SELECT count(*)::text FROM t WHERE (at, id) > {at}")).await;
                assert_eq!(Some(rest.len().to_string()), expected);
            }
        }
        session.close().await;
    }
}

#[tokio::test]
async fn looking_back_reads_late_rows_again() {
    let database = Database::new("lookback").await;
    database
        .run("CREATE TABLE t (id int PRIMARY KEY, at timestamptz); INSERT INTO t VALUES (1, '2024-01-01 00:00:00'),
              (2, '2024-01-01 01:00:00'); CREATE TABLE n (id int PRIMARY KEY)")
        .await;
    let source = database.source();
    let mut read = incremental(&*source, "public.t", "at").await;
    read.mode = ReadMode::Incremental { cursor: "at".into(), look_back: Duration::from_secs(60) };
    let (_, position) = sync(&*source, &read, None).await;
    database.run("INSERT INTO t VALUES (3, '2024-01-01 00:59:30'), (4, '2024-01-01 00:30:00')").await;
    let (got, _) = sync(&*source, &read, Some(position)).await;
    assert_eq!(column(&got.rows, "id"), [Some("3".into()), Some("2".into())]);
    let mut read = incremental(&*source, "public.n", "id").await;
    read.mode = ReadMode::Incremental { cursor: "id".into(), look_back: Duration::from_secs(60) };
    let session = source.open(&[]).await.unwrap();
    assert_eq!(session.plan(&read, None).await.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn the_list_of_keys_comes_last_and_from_the_same_snapshot() {
    let database = Database::new("keys").await;
    database.run("CREATE TABLE t (v text, b int, a int, PRIMARY KEY (a, b)); INSERT INTO t SELECT 'x', i, -i FROM generate_series(1, 9) i").await;
    let source = database.source();
    let read = TableRead { key_list: true, ..full(&*source, "public.t").await };
    let session = source.open(&[]).await.unwrap();
    database.run("DELETE FROM t WHERE b = 1").await;
    let plan = session.plan(&read, None).await.unwrap();
    assert_eq!(plan.parts.last().unwrap().kind, PartKind::Keys);
    let got = read_part(&*session, &read, &plan, plan.parts.len() - 1).await.unwrap();
    assert_eq!(column(&got.keys, "b").len(), 9);
    assert_eq!(
        got.keys[0].schema().fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(),
        ["a", "b"]
    );
    session.close().await;
}

#[tokio::test]
async fn stopping_and_dropping_cancel_the_statement_in_the_server() {
    let database = Database::new("cancel").await;
    database
        .run("CREATE VIEW slow AS SELECT i, (SELECT count(*) FROM generate_series(1, 100000000) x WHERE x > i) n FROM generate_series(1, 1000) i")
        .await;
    let source = database.source();
    let read = full(&*source, "public.slow").await;
    let running = "SELECT count(*)::text FROM pg_stat_activity
                   WHERE application_name = 'syncline' AND datname = current_database() AND query LIKE '%COPY%' AND state = 'active'";
    for stop in [true, false] {
        let session: Arc<dyn SourceSession> = Arc::from(source.open(&[]).await.unwrap());
        let plan = session.plan(&read, None).await.unwrap();
        let sink = Sink::new();
        let reading = tokio::spawn({
            let (session, read, sink) = (Arc::clone(&session), read.clone(), Arc::clone(&sink));
            async move { session.read(&read, &plan, &plan.parts[0], None, &*sink).await }
        });
        until(&database, running, "1").await;
        if stop {
            sink.stop();
            assert_eq!(reading.await.unwrap().unwrap_err().kind(), ErrorKind::Stopped);
        } else {
            reading.abort();
        }
        until(&database, running, "0").await;
        session.close().await;
    }
}

/// Waits until a query has the answer; the test's time limit is the limit.
async fn until(database: &Database, query: &str, answer: &str) {
    let waiting = async {
        while database.text(query).await.as_deref() != Some(answer) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting)
        .await
        .unwrap_or_else(|_| panic!("never {answer}: {query}"));
}

#[tokio::test]
async fn changes_of_the_table_during_a_run_are_noticed() {
    let database = Database::new("ddl").await;
    let source = database.source();
    for (table, ddl, expected) in [
        ("dropped_column", "ALTER TABLE dropped_column DROP COLUMN b", ErrorKind::SchemaChanged),
        ("dropped", "DROP TABLE dropped", ErrorKind::NotFound),
        ("emptied", "TRUNCATE emptied", ErrorKind::Conflict),
        ("retyped", "ALTER TABLE retyped ALTER b TYPE int8", ErrorKind::Conflict),
        ("rewritten", "VACUUM FULL rewritten", ErrorKind::Conflict),
        ("revoked", "REVOKE ALL ON revoked FROM reader", ErrorKind::Permission),
    ] {
        database
            .run(&format!(
                "CREATE TABLE {table} (id int PRIMARY KEY, b int); INSERT INTO {table} VALUES (1, 2)"
            ))
            .await;
        let source = if table == "revoked" {
            database.run("CREATE ROLE reader LOGIN; GRANT SELECT ON revoked TO reader").await;
            let mut config = database.config();
            config["user"] = json!("reader");
            crate::support::source(config)
        } else {
            database.source()
        };
        let read = full(&*source, &format!("public.{table}")).await;
        let session = source.open(&[]).await.unwrap();
        let plan = session.plan(&read, None).await.unwrap();
        database.run(ddl).await;
        let error = read_part(&*session, &read, &plan, 0).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{table}: {error:?}");
        session.close().await;
    }
    // Between runs, the plan notices.
    database.run("CREATE TABLE later (id int PRIMARY KEY, b int NOT NULL, c varchar(5))").await;
    let read = full(&*source, "public.later").await;
    for (ddl, expected) in [
        ("ALTER TABLE later ALTER b DROP NOT NULL", ErrorKind::SchemaChanged),
        ("ALTER TABLE later ALTER b SET NOT NULL, ALTER c TYPE varchar(9)", ErrorKind::SchemaChanged),
        ("DROP TABLE later", ErrorKind::NotFound),
    ] {
        database.run(ddl).await;
        let session = source.open(&[]).await.unwrap();
        assert_eq!(session.plan(&read, None).await.unwrap_err().kind(), expected, "{ddl}");
        session.close().await;
    }
}

#[tokio::test]
async fn a_lost_coordinator_is_a_lost_connection() {
    let database = Database::new("coordinator").await;
    database.run("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)").await;
    let source = database.source();
    let read = full(&*source, "public.t").await;
    let session = source.open(&[]).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    // With the time it waits for the end: without it the server only promises to.
    database
        .run("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'syncline' AND datname = current_database()")
        .await;
    let error = read_part(&*session, &read, &plan, 0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionLost, "{error:?}");
}

/// The bytes of a COPY as the server sends them.
async fn copy_bytes(database: &Database, query: &str) -> Vec<u8> {
    let statement = format!("COPY ({query}) TO STDOUT (FORMAT BINARY)");
    let chunks: Vec<_> = database.client.copy_out(&statement).await.unwrap().collect().await;
    chunks.into_iter().flat_map(|chunk| chunk.unwrap().to_vec()).collect()
}

/// Decodes `pieces` one after the other; the rows as text, or the error.
fn decode<'a>(
    columns: &[Column],
    pieces: impl Iterator<Item = &'a [u8]>,
    rows: usize,
) -> Result<Vec<String>> {
    let codecs = columns.iter().map(|column| Codec::of(&column.logical)).collect();
    let mut decoder = Decoder::new(columns, codecs, 0, BatchLimit { rows, bytes: 1 << 20 });
    let mut texts = Vec::new();
    let take = |decoder: &mut Decoder, texts: &mut Vec<String>| -> Result<()> {
        if let Some(batch) = decoder.take_batch()? {
            texts.extend((0..batch.num_rows()).map(|row| {
                format!("{:?}", batch.columns().iter().map(|array| cell(array, row)).collect::<Vec<_>>())
            }));
        }
        Ok(())
    };
    for mut piece in pieces {
        while !piece.is_empty() {
            if decoder.feed(&mut piece)? == Fed::Full {
                take(&mut decoder, &mut texts)?;
            }
        }
    }
    take(&mut decoder, &mut texts)?;
    Ok(texts)
}

#[tokio::test]
async fn the_decoder_takes_any_pieces_and_survives_any_damage() {
    let database = Database::new("damage").await;
    database
        .run("CREATE TYPE pair AS (a int, b text);
              CREATE TABLE t (id int, n numeric, d numeric(20,4), s text, ts timestamptz, l int[], p pair, iv interval, u uuid, b bool);
              INSERT INTO t SELECT i, i * 1.5, i / 7.0, repeat('é', i % 50), now(), ARRAY[i, NULL], ROW(i, 'x')::pair, '1 day', gen_random_uuid(), true
              FROM generate_series(1, 200) i; INSERT INTO t DEFAULT VALUES")
        .await;
    let columns = full(&*database.source(), "public.t").await.columns;
    let bytes = copy_bytes(&database, "SELECT * FROM t").await;
    let whole = decode(&columns, std::iter::once(bytes.as_slice()), 1000).unwrap();
    assert_eq!(whole.len(), 201);
    for size in [1, 2, 7, 64, 1000] {
        assert_eq!(decode(&columns, bytes.chunks(size), 13).unwrap(), whole, "pieces of {size}");
    }
    let mut runner = TestRunner::new(proptest::test_runner::Config { cases: 2000, ..Default::default() });
    let damage =
        (proptest::collection::vec((0..bytes.len(), any::<u8>()), 0..6), 0..bytes.len(), 1..5000usize);
    runner
        .run(&damage, |(hits, cut, size)| {
            let mut damaged = bytes.clone();
            for (at, value) in hits {
                damaged[at] = value;
            }
            if let Err(error) = decode(&columns, damaged[..cut].chunks(size), 13) {
                prop_assert_eq!(error.kind(), ErrorKind::CorruptInput);
            }
            Ok(())
        })
        .unwrap();
    runner
        .run(&proptest::collection::vec(any::<u8>(), 0..300), |noise| {
            let mut stream = bytes[..19].to_vec();
            stream.extend(noise);
            let _ = decode(&columns, std::iter::once(stream.as_slice()), 13);
            Ok(())
        })
        .unwrap();
}

#[derive(Default)]
struct Steps(std::sync::Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().unwrap().push(step);
    }
}

async fn check(config: Value) -> Vec<CheckStep> {
    let steps = Steps::default();
    source(config).check(&steps).await;
    steps.0.into_inner().unwrap()
}

#[tokio::test]
async fn the_connection_test_tells_what_to_do() {
    let database = Database::new("check").await;
    database
        .run(
            "CREATE TABLE open (id int); CREATE SCHEMA hr; CREATE TABLE hr.\"Pay\" (id int);
              CREATE ROLE limited LOGIN; GRANT SELECT ON open TO limited",
        )
        .await;
    let mut config = database.config();
    config["user"] = json!("limited");
    let steps = check(config.clone()).await;
    let titles: Vec<_> = steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(titles[0], "Find 127.0.0.1");
    assert!(titles.contains(&"Sign in as limited"), "{titles:?}");
    assert_eq!(CheckOutcome::of(&steps), CheckOutcome::ReadyWithLimits);
    let permissions = steps.last().unwrap();
    assert_eq!(permissions.detail.as_deref(), Some("1 of 2 tables can be read; not hr.Pay"));
    assert_eq!(
        permissions.fixes[0].command.as_deref(),
        Some("GRANT USAGE ON SCHEMA \"hr\" TO \"limited\";\nGRANT SELECT ON \"hr\".\"Pay\" TO \"limited\";")
    );
    // What it says to run is what it takes.
    database.run(permissions.fixes[0].command.as_deref().unwrap()).await;
    let steps = check(config.clone()).await;
    assert_eq!(steps.last().unwrap().detail.as_deref(), Some("2 tables can be read, 0 of them views"));

    let failing = |field: &str, value: Value| {
        let mut config = database.config();
        config[field] = value;
        async move { check(config).await.pop().unwrap() }
    };
    let step = failing("host", json!("no-such-host.invalid")).await;
    assert_eq!(step.detail.as_deref(), Some("There is no server called no-such-host.invalid."));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let step = failing("port", json!(free)).await;
    assert!(step.detail.unwrap().contains("nothing listens on port"), "{:?}", step.title);
    let step = failing("database", json!("nope")).await;
    assert_eq!(step.detail.as_deref(), Some("There is no database called `nope` on 127.0.0.1."));
    let step = failing("user", json!("nobody")).await;
    assert_eq!(step.title, "Sign in as nobody");
}

fn openssl(folder: &std::path::Path, arguments: &str) {
    let mut command = std::process::Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(folder);
    assert!(command.output().unwrap().status.success(), "openssl {arguments}");
}

#[tokio::test]
async fn each_tls_mode_verifies_what_it_says() {
    let certificates = tempfile::tempdir().unwrap();
    let folder = certificates.path().to_owned();
    openssl(
        &folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Test-CA",
    );
    openssl(
        &folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -days 30 -subj /CN=Other-CA",
    );
    for (name, subject) in [("server", "DNS:localhost"), ("client", "DNS:tls_user")] {
        openssl(
            &folder,
            &format!(
                "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {name}.key -out {name}.csr -subj /CN={}",
                &subject[4..]
            ),
        );
        std::fs::write(folder.join("extensions"), format!("subjectAltName={subject}\n")).unwrap();
        openssl(
            &folder,
            &format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 30 -extfile extensions"
            ),
        );
    }
    let from = folder.clone();
    let server = tokio::task::spawn_blocking(move || {
        start("tls", move |data| {
            for file in ["server.key", "server.pem", "ca.pem"] {
                std::fs::copy(from.join(file), data.join(file)).unwrap();
                let path = data.join(file);
                std::process::Command::new("chown").arg("postgres").arg(&path).status().unwrap();
                std::process::Command::new("chmod").arg("600").arg(&path).status().unwrap();
            }
            let path = data.join("postgresql.conf");
            let settings = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, format!("{settings}\nssl=on\nssl_cert_file='server.pem'\nssl_key_file='server.key'\nssl_ca_file='ca.pem'\n")).unwrap();
            std::fs::write(
                data.join("pg_hba.conf"),
                "hostssl all tls_user all cert\nhost all scram_user all scram-sha-256\nhost all all all trust\n",
            )
            .unwrap();
        })
    })
    .await
    .unwrap();
    let admin = crate::support::connect(server.port, "postgres").await;
    admin
        .batch_execute("CREATE ROLE tls_user LOGIN; SET password_encryption = 'scram-sha-256'; CREATE ROLE scram_user LOGIN PASSWORD 'geheim'")
        .await
        .unwrap();
    let path = |file: &str| folder.join(file).to_string_lossy().into_owned();
    let try_mode = |host: &str, user: &str, password: Option<&str>, ssl: Value| {
        let config = json!({"host": host, "port": server.port, "database": "postgres", "user": user, "ssl": ssl, "password": password});
        async move {
            source(config).discover(&DiscoverFilter::default()).await.map(drop).map_err(|error| error.kind())
        }
    };
    let (ca, other) = (path("ca.pem"), path("other.pem"));
    for (host, ssl, expected) in [
        ("localhost", json!({"mode": "disable"}), Ok(())),
        ("localhost", json!({"mode": "prefer"}), Ok(())),
        ("localhost", json!({"mode": "require"}), Ok(())),
        ("localhost", json!({"mode": "require", "ca": other}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_ca", "ca": ca}), Ok(())),
        ("127.0.0.1", json!({"mode": "verify_ca", "ca": ca}), Ok(())),
        ("localhost", json!({"mode": "verify_ca", "ca": other}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_full", "ca": ca}), Ok(())),
        ("127.0.0.1", json!({"mode": "verify_full", "ca": ca}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_full", "ca": path("server.pem")}), Ok(())),
        ("127.0.0.1", json!({"mode": "verify_full", "ca": path("server.pem")}), Err(ErrorKind::Tls)),
        ("localhost", json!({"mode": "verify_full", "ca": path("nothing.pem")}), Err(ErrorKind::Config)),
    ] {
        assert_eq!(try_mode(host, "postgres", None, ssl.clone()).await, expected, "{host} {ssl}");
    }
    let with_client = json!({"mode": "verify_full", "ca": ca, "certificate": path("client.pem"), "key": path("client.key")});
    assert_eq!(try_mode("localhost", "tls_user", None, with_client).await, Ok(()));
    let refused = try_mode("localhost", "tls_user", None, json!({"mode": "require"})).await;
    assert_eq!(refused, Err(ErrorKind::Authentication));
    // Passwords, with channel binding over TLS and without.
    for mode in ["require", "disable"] {
        assert_eq!(try_mode("localhost", "scram_user", Some("geheim"), json!({"mode": mode})).await, Ok(()));
        let wrong = try_mode("localhost", "scram_user", Some("falsch"), json!({"mode": mode})).await;
        assert_eq!(wrong, Err(ErrorKind::Authentication));
    }
    assert_eq!(try_mode("localhost", "scram_user", None, json!({})).await, Err(ErrorKind::Authentication));
    // Reading and cancelling work over TLS as well.
    let config = json!({"host": "localhost", "port": server.port, "database": "postgres", "user": "postgres",
        "ssl": {"mode": "verify_full", "ca": ca}});
    admin.batch_execute("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 100000) i").await.unwrap();
    let over_tls = source(config);
    let read = full(&*over_tls, "public.t").await;
    assert_eq!(sync(&*over_tls, &read, None).await.0.row_count(), 100_000);
    // The shared server has no TLS at all.
    let database = Database::new("plain").await;
    let mut config = database.config();
    config["ssl"] = json!({"mode": "require"});
    let error = source(config).discover(&DiscoverFilter::default()).await.unwrap_err();
    assert_eq!(error.message(), "The server does not offer encrypted connections.");
}

/// A real sshd that lets the current user in with the key in `folder`; ends when dropped.
struct Sshd(std::process::Child);

impl Drop for Sshd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output().unwrap_or_else(|error| {
        panic!("{program} (Debian: openssh-server, openssh-client): {error}");
    });
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn start_sshd(folder: &std::path::Path) -> (Sshd, u16) {
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    for (name, passphrase) in [("host", ""), ("user", ""), ("locked", "geheim"), ("stranger", "")] {
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", passphrase, "-f", &path(name)]);
    }
    let keys = ["user.pub", "locked.pub"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    std::fs::write(folder.join("authorized"), keys.concat()).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nUsePAM no\n\
         StrictModes no\nPermitRootLogin yes\nPasswordAuthentication no\nAllowTcpForwarding yes\n",
        path("host"),
        path("authorized")
    );
    std::fs::write(folder.join("config"), settings).unwrap();
    std::fs::create_dir_all("/run/sshd").ok();
    let sshd = std::process::Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f", &path("config")])
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("/usr/sbin/sshd (Debian: openssh-server)");
    let sshd = Sshd(sshd);
    while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        tokio::task::yield_now().await;
    }
    (sshd, port)
}

#[tokio::test]
async fn an_ssh_server_leads_to_the_database_once_its_key_is_trusted() {
    let database = Database::new("ssh").await;
    database
        .run("CREATE TABLE t AS SELECT i AS id, repeat('x', 100) AS s FROM generate_series(1, 50000) i")
        .await;
    let folder = tempfile::tempdir().unwrap();
    let (_sshd, port) = start_sshd(folder.path()).await;
    let key = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let user = run("id", &["-un"]);
    let config = |ssh: Value| {
        let mut config = database.config();
        config["ssh"] = json!({"host": "127.0.0.1", "port": port, "user": user});
        for (name, value) in ssh.as_object().unwrap() {
            config["ssh"][name] = value.clone();
        }
        config
    };
    let fails = |ssh: Value| {
        let source = source(config(ssh));
        async move { source.discover(&DiscoverFilter::default()).await.unwrap_err() }
    };
    let unseen = fails(json!({"private_key": key("user")})).await;
    assert_eq!(unseen.kind(), ErrorKind::HostKey);
    let host = folder.path().join("host.pub");
    let listed = run("ssh-keygen", &["-lf", &host.to_string_lossy()]);
    let fingerprint = listed.split(' ').nth(1).unwrap();
    assert!(unseen.message().contains(fingerprint), "{} / {fingerprint}", unseen.message());

    let through = source(config(json!({"private_key": key("user"), "host_key": fingerprint})));
    let read = full(&*through, "public.t").await;
    assert_eq!(sync(&*through, &read, None).await.0.row_count(), 50_000);
    let locked = json!({"private_key": key("locked"), "passphrase": "geheim", "host_key": fingerprint});
    assert!(source(config(locked)).discover(&DiscoverFilter::default()).await.is_ok());
    for (ssh, expected) in [
        (json!({"private_key": key("user"), "host_key": "SHA256:another"}), ErrorKind::HostKey),
        (json!({"private_key": key("stranger"), "host_key": fingerprint}), ErrorKind::Authentication),
        (
            json!({"private_key": key("locked"), "passphrase": "falsch", "host_key": fingerprint}),
            ErrorKind::Config,
        ),
        (json!({"private_key": "no key", "host_key": fingerprint}), ErrorKind::Config),
        (json!({"password": "nope", "host_key": fingerprint}), ErrorKind::Authentication),
    ] {
        assert_eq!(fails(ssh).await.kind(), expected);
    }
    let steps = check(config(json!({"private_key": key("user"), "host_key": fingerprint}))).await;
    assert!(steps.iter().any(|step| step.title.starts_with("Sign in to the SSH server")), "{steps:?}");
    assert_ne!(CheckOutcome::of(&steps), CheckOutcome::NotReady);
}

/// Any row of these types survives; Postgres itself says what it should be.
#[tokio::test(flavor = "multi_thread")]
async fn any_value_survives() {
    let database = Database::new("property").await;
    database
        .run("CREATE TABLE p (id int, n numeric, d numeric(38,9), f4 float4, f8 float8, ts timestamp, tz timestamptz, dt date,
              ti time, iv interval, t text, by bytea, j jsonb, u uuid, i8 int8)")
        .await;
    let source = database.source();
    let read = full(&*source, "public.p").await;
    let numeric = prop_oneof![
        "-?[0-9]{1,60}(\\.[0-9]{1,60})?",
        Just("NaN".to_owned()),
        Just("-Infinity".to_owned()),
        "-?0\\.0{0,40}[0-9]{1,4}",
    ];
    let row = (
        (
            numeric,
            "-?[0-9]{1,29}(\\.[0-9]{1,9})?",
            any::<f32>(),
            any::<f64>(),
            -210_866_803_200_000_000i64..9_214_646_400_000_000_000,
        ),
        (
            0i64..=86_400_000_000,
            -170_000_000i32..170_000_000,
            any::<i32>(),
            -9_000_000_000_000_000i64..9_000_000_000_000_000,
        ),
        (
            "[^\\x00]{0,40}",
            proptest::collection::vec(any::<u8>(), 0..40),
            any::<u128>(),
            any::<i64>(),
            -2_451_545i32..2_145_031_949,
        ),
    );
    let mut runner = TestRunner::default();
    let tree = proptest::collection::vec(row, 400).new_tree(&mut runner).unwrap();
    use proptest::strategy::ValueTree;
    let rows = tree.current();
    let mut copy = String::new();
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    for (id, ((n, d, f4, f8, ts), (ti, months, days, micros), (t, by, u, i8, dt))) in rows.iter().enumerate()
    {
        let quoted = t.replace('\'', "''");
        let float = |f: f64| {
            if f.is_nan() {
                "NaN".into()
            } else if f.is_infinite() {
                format!("{}Infinity", if f < 0.0 { "-" } else { "" })
            } else {
                format!("{f:e}")
            }
        };
        let months = months / 12;
        copy.push_str(&format!(
            "INSERT INTO p VALUES ({id}, '{n}', '{d}', '{}', '{}',
               timestamp '2000-01-01' + interval '{} days {} microseconds', timestamptz '2000-01-01+00' + interval '{} days {} microseconds',
               date '2000-01-01' + ({dt}), CASE WHEN {ti} = 86400000000 THEN time '24:00' ELSE time '00:00' + interval '{ti} microseconds' END,
               interval '{months} months {days} days {micros} microseconds',
               '{quoted}', '\\x{}', to_jsonb('{quoted}'::text), '{u:032x}', {i8});\n",
            float(f64::from(*f4)), float(*f8), ts / 86_400_000_000, ts % 86_400_000_000, ts / 86_400_000_000, ts % 86_400_000_000, hex(by)
        ));
    }
    database.run(&copy).await;
    let (got, _) = sync(&*source, &read, None).await;
    assert!(got.rejected.is_empty(), "{:?}", got.rejected);
    assert_eq!(got.row_count(), rows.len());
    let ids = column(&got.rows, "id");
    for Column { name, native_type, .. } in &read.columns {
        let expression = oracle(native_type.as_deref().unwrap(), name);
        let expected = database.texts(&format!("SELECT {expression} FROM p ORDER BY p.id")).await;
        let mut found: Vec<_> = ids
            .iter()
            .map(|id| id.as_ref().unwrap().parse::<u32>().unwrap())
            .zip(column(&got.rows, name))
            .collect();
        found.sort();
        for ((id, found), expected) in found.into_iter().zip(expected) {
            assert_eq!(found, expected, "{name} of row {id}: {:?}", rows[id as usize]);
        }
    }
}
