//! Samples of Postgres tables.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::datatypes::Int32Type;
use syncline_protocol::{ErrorKind, Result, SamplePick, Sampling};

use crate::postgres_source::full;
use crate::support::{Database, Got, Sink};

#[tokio::test]
async fn a_sample_is_short() {
    let database = Database::new("sample").await;
    database.run("CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 1000) i").await;
    let source = database.source();
    let read = full(&*source, "public.t").await;
    let sink = Sink::new();
    source.sample(&read, &Sampling::first(10), &*sink).await.unwrap();
    assert_eq!(Got::of(sink.take()).row_count(), 10);
}

#[tokio::test]
async fn a_sample_is_from_all_over_the_table_or_meets_a_condition() {
    let database = Database::new("picks").await;
    database
        .run(
            "CREATE TABLE t AS SELECT i AS id, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END AS status
             FROM generate_series(1, 100000) i;
             ANALYZE t;
             CREATE VIEW v AS SELECT id FROM t WHERE id > 99000;
             CREATE TABLE p (id int) PARTITION BY HASH (id);
             CREATE TABLE p1 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 0);
             CREATE TABLE p2 PARTITION OF p FOR VALUES WITH (MODULUS 2, REMAINDER 1);
             INSERT INTO p SELECT generate_series(1, 100000); ANALYZE p;",
        )
        .await;
    let source = database.source();
    let sample = async |table: &str, rows: usize, pick: SamplePick| -> Result<Vec<i32>> {
        let read = full(&*source, table).await;
        let sink = Sink::new();
        source.sample(&read, &Sampling { rows, pick }, &*sink).await?;
        let got = Got::of(sink.take());
        let ids =
            got.rows.iter().flat_map(|batch| batch.column(0).as_primitive::<Int32Type>().values().to_vec());
        Ok(ids.collect())
    };
    for table in ["public.t", "public.v", "public.p"] {
        let picked = sample(table, 500, SamplePick::Random).await.unwrap();
        let different: BTreeSet<i32> = picked.iter().copied().collect();
        assert_eq!((picked.len(), different.len()), (500, 500), "{table}");
        let first = sample(table, 500, SamplePick::First).await.unwrap();
        assert_ne!(picked, first, "{table}: the first rows are no random ones");
        // By chance all of them would lie in one half once in 2^500 times; a few pages could.
        let middle = if table == "public.v" { 99_500 } else { 50_000 };
        assert!(picked.iter().any(|id| *id < middle) && picked.iter().any(|id| *id > middle), "{table}");
    }
    let open = sample("public.t", 5, SamplePick::Where("status = 'open' -- and no more".to_owned())).await;
    let open = open.unwrap();
    assert_eq!(open.len(), 5);
    assert!(open.iter().all(|id| id % 100 == 0), "{open:?}");
    for (condition, said) in [
        ("stat = 'open'", "column \"stat\" does not exist"),
        ("id = 'x'", "invalid input syntax for type integer"),
        ("id >", "syntax error"),
        ("id = $1", "there is nothing to put in for a parameter"),
        ("true); DROP TABLE t; --", "syntax error"),
        ("true); DROP TABLE t; SELECT (true", "cannot insert multiple commands"),
        ("true) LIMIT 1) TO STDOUT; DROP TABLE t; COPY (SELECT 1 WHERE (true", "syntax error"),
    ] {
        let error = sample("public.t", 5, SamplePick::Where(condition.to_owned())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptInput, "{condition}: {error:?}");
        assert!(error.message().contains(said), "{condition}: {}", error.message());
    }
    // What only running tells, and a function that writes.
    let error = sample("public.t", 5, SamplePick::Where("1 / (id - id) = 1".to_owned())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptInput, "{error:?}");
    assert!(error.message().contains("for every row"), "{error:?}");
    database
        .run("CREATE FUNCTION eat() RETURNS bool LANGUAGE sql AS 'DELETE FROM public.t RETURNING true'")
        .await;
    let error = sample("public.t", 5, SamplePick::Where("public.eat()".to_owned())).await.unwrap_err();
    assert!(format!("{error:?}").contains("read-only"), "{error:?}");
    assert_eq!(sample("public.t", 100_001, SamplePick::First).await.unwrap().len(), 100_000);
}
