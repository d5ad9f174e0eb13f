//! The Postgres source against a real Postgres.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use syncline_protocol::{
    DiscoverFilter, ErrorKind, PartKind, ReadMode, ReadPlan, Result, Source, SourceSession, TableInfo,
    TableKind, TableName, TablePosition, TableRead,
};

use crate::support::cell::column;
use crate::support::{Database, Got, Sink};

pub(crate) async fn describe(source: &dyn Source, name: &str) -> TableInfo {
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

pub(crate) async fn read_part(
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
pub(crate) async fn sync(
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

pub(crate) fn sorted(mut values: Vec<Option<String>>) -> Vec<Option<String>> {
    values.sort();
    values
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
