//! Values and types as the Postgres source reads them.

use serde_json::json;
use syncline_protocol::{Column, ErrorKind, LogicalType, TableRead};

use crate::postgres_source::{describe, full, sync};
use crate::support::cell::{column, oracle};
use crate::support::{Database, Got};

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
