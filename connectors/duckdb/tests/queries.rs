//! Questions of people: read only, exact as text, in order, and cancellable.

use std::future::poll_fn;
use std::task::Poll;

use connector_duckdb::{Queries, Window};
use syncline_protocol::*;

use crate::locking::{end, other_program};
use crate::support::*;

fn queries(place: &Place) -> Queries {
    let config = Config::new(serde_json::json!({"path": "studio.duckdb"}));
    Queries::new(&config, &ConnectorContext::of(place.folder.path())).unwrap()
}

/// A file with a table that another program made.
fn made(sql: &str) -> Place {
    let place = Place::new();
    duckdb::Connection::open(place.file()).unwrap().execute_batch(sql).unwrap();
    place
}

const ALL: Window = Window { offset: 0, limit: 1_000_000 };

#[tokio::test]
async fn values_come_as_exact_text() {
    let place = made("SELECT 1");
    let sql = "SELECT 9223372036854775807 AS big, 0.10::DECIMAL(18,2) AS price, NULL::INTEGER AS nothing, \
               TIMESTAMP '2026-11-23 10:00:00.123456' AS at, TIMESTAMPTZ '2026-11-23 10:00:00+00' AS zoned, \
               'é\n' AS text, [1, 2] AS list, {'a': 1} AS object, ' ; -- ' AS tricky -- the end";
    let answer = queries(&place).query(sql, ALL).await.unwrap();
    let row: Vec<Option<&str>> = answer.rows[0].iter().map(Option::as_deref).collect();
    assert_eq!(
        row,
        [
            Some("9223372036854775807"),
            Some("0.10"),
            None,
            Some("2026-11-23 10:00:00.123456"),
            Some("2026-11-23 10:00:00+00"),
            Some("é\n"),
            Some("[1, 2]"),
            Some("{'a': 1}"),
            Some(" ; -- "),
        ]
    );
    let types: Vec<&str> = answer.columns.iter().map(|(_, data_type)| data_type.as_str()).collect();
    assert_eq!(types[..4], ["BIGINT", "DECIMAL(18,2)", "INTEGER", "TIMESTAMP"]);
    // Two columns of one name, and none at all.
    let twice = queries(&place).query("SELECT 1 AS a, 2 AS a", ALL).await.unwrap();
    assert_eq!(twice.rows[0], [Some("1".to_owned()), Some("2".to_owned())]);
}

#[tokio::test]
async fn the_order_that_was_asked_for_is_kept() {
    let place = made("CREATE TABLE t AS SELECT range AS n FROM range(500000)");
    let answer = queries(&place).query("SELECT n FROM t ORDER BY hash(n)", ALL).await.unwrap();
    assert_eq!(answer.rows.len(), 500_000);
    let again =
        queries(&place).query("SELECT n FROM t ORDER BY hash(n)", Window { offset: 250_000, limit: 5 }).await;
    let again = again.unwrap();
    assert_eq!(again.rows[..], answer.rows[250_000..250_005]);
    assert!(again.truncated && !answer.truncated);
    let target = TargetName { schema: None, name: "t".to_owned() };
    let (window, total) = queries(&place).rows(&target, Window { offset: 300_000, limit: 3 }).await.unwrap();
    let numbers: Vec<_> = window.rows.iter().flatten().flatten().map(String::as_str).collect();
    assert_eq!((numbers, total), (vec!["300000", "300001", "300002"], 500_000));
}

#[tokio::test]
async fn nothing_can_be_changed() {
    let place = made("CREATE TABLE t AS SELECT 1 AS n");
    for (sql, kind) in [
        ("INSERT INTO t VALUES (2)", ErrorKind::Unsupported),
        ("COPY t TO 'out.csv'", ErrorKind::Unsupported),
        ("ATTACH 'other.duckdb'", ErrorKind::Unsupported),
        ("PRAGMA threads=1", ErrorKind::Unsupported),
        ("SELECT 1; DROP TABLE t", ErrorKind::Config),
        ("SELECT 1) ; DROP TABLE t; --", ErrorKind::Config),
        ("EXPLAIN ANALYZE INSERT INTO t VALUES (2)", ErrorKind::Unsupported),
        ("SELECT nope FROM t", ErrorKind::Config),
        ("", ErrorKind::Config),
    ] {
        let error = queries(&place).query(sql, ALL).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{sql}: {error} {:?}", error.causes());
    }
    assert_eq!(place.ask("SELECT count(*)::VARCHAR FROM t"), [["1"]]);
    let plan = queries(&place).query("EXPLAIN SELECT * FROM t", ALL).await.unwrap();
    assert_eq!(plan.columns[1].0, "explain_value");
}

#[tokio::test]
async fn tables_are_named_as_they_can_be_written() {
    let place = made(
        "CREATE TABLE orders (id INTEGER, \"Total\" DECIMAL(10,2)); CREATE TABLE \"select\" (a INTEGER); \
         CREATE SCHEMA s; CREATE TABLE s.\"Odd name\" (a INTEGER); CREATE VIEW v AS SELECT 1 AS x",
    );
    let tables = queries(&place).tables().await.unwrap();
    let names: Vec<&str> = tables.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["orders", "\"select\"", "v", "s.\"Odd name\""]);
    for name in names {
        queries(&place).query(&format!("SELECT * FROM {name}"), ALL).await.unwrap();
    }
    assert_eq!(tables[0].1[1], ("Total".to_owned(), "DECIMAL(10,2)".to_owned()));
    assert!(queries(&Place::new()).tables().await.unwrap().is_empty(), "no file, no tables");
    let missing = queries(&Place::new()).query("SELECT 1", ALL).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_nobody_waits_for_ends() {
    let place = made("SELECT 1");
    let endless = "SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE a.range + b.range = 3";
    let queries = queries(&place);
    {
        let mut query = Box::pin(queries.query(endless, ALL));
        // Polled until the file is open, which is when the query is on its way.
        tokio::time::timeout(
            std::time::Duration::from_millis(500),
            poll_fn(|context| {
                let _ = query.as_mut().poll(context);
                Poll::<()>::Pending
            }),
        )
        .await
        .unwrap_err();
    }
    // Dropped: its thread lets go of the file, so that another program can have it.
    let released = async || {
        let (child, held) = other_program(&place.file());
        end(child);
        held
    };
    assert!(syncline_testkit::wait_for(released, std::time::Duration::from_secs(20)).await);
}
