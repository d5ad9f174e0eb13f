//! The SQLite source on real files.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use connectors::registry;
use rusqlite::Connection;
use serde_json::{Value, json};
use syncline_protocol::{
    BatchKind, Catalog, Change, CheckOutcome, CheckStep, Config, ConnectorContext, DiscoverFilter, ErrorKind,
    LogicalType, Part, PartKind, ReadMode, ReadPlan, RejectedRow, Result, SamplePick, Sampling, Source,
    SourceSession, StepSink, TableInfo, TableKind, TableName, TablePosition, TableRead,
};
use syncline_testkit::{Collector, collect, rows_as_text, sorted_rows};

/// A database file in a folder of its own.
struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new(sql: &str) -> File {
        let file = File { folder: tempfile::tempdir().unwrap() };
        file.execute(sql);
        file
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a database?.db")
    }

    fn execute(&self, sql: &str) {
        Connection::open(self.path()).unwrap().execute_batch(sql).unwrap();
    }

    fn source(&self) -> Box<dyn Source> {
        self.configured(json!({"path": "a database?.db"}))
    }

    fn configured(&self, config: Value) -> Box<dyn Source> {
        let context = ConnectorContext::of(self.folder.path());
        registry().get("sqlite").unwrap().source(&Config::new(config), &context).unwrap()
    }

    async fn catalog(&self) -> Catalog {
        self.source().discover(&DiscoverFilter::default()).await.unwrap()
    }

    async fn table(&self, name: &str) -> TableInfo {
        self.catalog().await.table(&TableName::bare(name)).unwrap().clone()
    }

    async fn read(&self, name: &str, cursor: Option<&str>) -> TableRead {
        read_of(&self.table(name).await, cursor)
    }
}

fn read_of(info: &TableInfo, cursor: Option<&str>) -> TableRead {
    TableRead {
        table: info.schema.table.clone(),
        columns: info.schema.columns.clone(),
        key: info.schema.key.clone(),
        mode: match cursor {
            Some(cursor) => ReadMode::Incremental { cursor: cursor.to_owned(), look_back: Duration::ZERO },
            None => ReadMode::Full,
        },
        key_list: false,
    }
}

async fn part(session: &dyn SourceSession, read: &TableRead, plan: &ReadPlan, part: &Part) -> Vec<Change> {
    let collector = Collector::new();
    session.read(read, plan, part, None, &collector).await.unwrap();
    collector.changes()
}

/// Reads all parts of the plan that follows on from `position`; gives the changes and the complete position.
async fn run(
    source: &dyn Source,
    read: &TableRead,
    position: Option<&TablePosition>,
) -> (Vec<Change>, TablePosition) {
    let session = source.open(std::slice::from_ref(read)).await.unwrap();
    let plan = session.plan(read, position).await.unwrap();
    let mut changes = Vec::new();
    let mut position = TablePosition::start(1, plan.plan.clone());
    for next in &plan.parts {
        changes.extend(part(session.as_ref(), read, &plan, next).await);
        position.finish_part(next.index);
    }
    position.complete = true;
    session.close().await;
    (changes, position)
}

fn texts(changes: &[Change]) -> Vec<String> {
    sorted_rows(&collect::batches(changes, BatchKind::Rows))
}

fn rejected(changes: &[Change]) -> Vec<RejectedRow> {
    fn of_change(change: &Change) -> Option<RejectedRow> {
        match change {
            Change::Rejected(row) => Some(row.clone()),
            _ => None,
        }
    }
    changes.iter().filter_map(of_change).collect()
}

fn types(info: &TableInfo) -> Vec<String> {
    info.schema.columns.iter().map(|column| column.logical.to_string()).collect()
}

#[tokio::test]
async fn discovery_tells_what_is_really_stored() {
    let file = File::new(
        "CREATE TABLE typed (
             id INTEGER PRIMARY KEY, small SMALLINT, amount DECIMAL(10,2), wide DECIMAL(4,1), ratio DOUBLE,
             yes BOOLEAN, maybe BOOLEAN, day DATE, at DATETIME, odd DATETIME, name VARCHAR(20), raw BLOB,
             free, doubled INTEGER GENERATED ALWAYS AS (small * 2) VIRTUAL);
         INSERT INTO typed (small, amount, wide, ratio, yes, maybe, day, at, odd, name, raw, free) VALUES
             (1, 12.50, 1234567.25, 1, 1, 0, '2024-02-29', '2024-02-29 12:00:01', 'gestern', 'ä', x'00ff', 1),
             (2, 7, 1.5, 2.5, 0, 2, '2024-03-01', '2024-02-29T12:00:02.5', '2024-01-01', 'b', x'', 2.5);
         CREATE TABLE pair (b TEXT, a INTEGER, v TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE TABLE unkeyed (v TEXT UNIQUE);
         CREATE TABLE by_unique (v TEXT NOT NULL UNIQUE);
         CREATE TABLE \"odd \"\" name.\" (\"select\" TEXT, \"a\"\"b\" INTEGER);
         CREATE VIEW totals AS SELECT name, sum(amount) AS total FROM typed GROUP BY name;
         CREATE VIEW broken AS SELECT * FROM gone;",
    );
    let typed = file.table("typed").await;
    assert_eq!(
        types(&typed),
        [
            "int64",
            "int64",
            "decimal(10,2)",
            "float64",
            "float64",
            "boolean",
            "int64",
            "date",
            "timestamp",
            "text",
            "text",
            "bytes",
            "float64",
            "int64"
        ]
    );
    assert_eq!((typed.schema.key.as_slice(), typed.rows_estimate), (&["id".to_owned()][..], Some(2)));
    assert_eq!(file.table("pair").await.schema.key, ["a", "b"]);
    assert!(file.table("unkeyed").await.schema.key.is_empty(), "null is not unique");
    assert_eq!(file.table("by_unique").await.schema.key, ["v"]);
    let catalog = file.catalog().await;
    assert!(catalog.tables.iter().any(|info| info.schema.table.name == "odd \" name."));
    let view = catalog.table(&TableName::bare("totals")).unwrap();
    assert_eq!((view.kind, view.unreadable.as_deref()), (TableKind::View, None));
    assert!(catalog.table(&TableName::bare("broken")).unwrap().unreadable.is_some());
    assert!(catalog.tables.iter().all(|info| !info.schema.table.name.starts_with("sqlite_")));

    // Everything that is listed as readable can be read.
    for info in catalog.tables.iter().filter(|info| info.unreadable.is_none()) {
        let (changes, _) = run(file.source().as_ref(), &read_of(info, None), None).await;
        assert!(rejected(&changes).is_empty(), "{}", info.schema.table);
    }
}

#[tokio::test]
async fn values_arrive_exactly() {
    let file = File::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, big INTEGER, real REAL, text TEXT, blob BLOB, none TEXT);
         INSERT INTO t VALUES (1, 9223372036854775807, 0.1, 'ü🎁 ''x''', x'00ff', NULL),
                              (2, -9223372036854775808, 1e308, '', x'', NULL);",
    );
    let (changes, _) = run(file.source().as_ref(), &file.read("t", None).await, None).await;
    let rows = rows_as_text(&collect::batches(&changes, BatchKind::Rows));
    assert_eq!(rows.len(), 2);
    for value in ["9223372036854775807", "0.1", "ü🎁 'x'", "null"] {
        assert!(rows[0].contains(value), "{value} in {}", rows[0]);
    }
    assert!(rows[1].contains("-9223372036854775808"), "{}", rows[1]);
}

#[tokio::test]
async fn values_that_do_not_fit_go_to_quarantine_or_make_text() {
    // The text lies beyond what discovery looks at.
    let file = File::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 30000)
         INSERT INTO t SELECT i, iif(i = 15000, 'many', i) FROM c;",
    );
    let read = file.read("t", None).await;
    assert_eq!(read.columns[1].logical, LogicalType::Int64);
    let (changes, _) = run(file.source().as_ref(), &read, None).await;
    let bad = rejected(&changes);
    assert_eq!((bad.len(), texts(&changes).len()), (1, 29_999));
    assert_eq!((bad[0].column.as_deref(), &bad[0].row), (Some("n"), &json!({"id": "15000", "n": "many"})));

    let source = file.configured(json!({"path": "a database?.db", "mixed_types": "text"}));
    let session = source.open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    let collector = Collector::new();
    let error = session.read(&read, &plan, &plan.parts[0], None, &collector).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SchemaChanged);
    let Some(Change::Schema(schema)) = collector.changes().pop() else { panic!("no schema was sent") };
    assert_eq!(schema.column("n").unwrap().logical, LogicalType::Text);
    let wider = TableRead { columns: schema.columns, ..read };
    let (changes, _) = run(source.as_ref(), &wider, None).await;
    assert_eq!((rejected(&changes).len(), texts(&changes).len()), (0, 30_000));
}

const MANY: &str = "
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 200000)
    INSERT INTO t SELECT i * 2, i / 1000, printf('%032d', i) FROM c;";

/// Every checkpoint of every part: reading on from it gives exactly the rest.
async fn resumes_everywhere(file: &File, read: &TableRead) -> usize {
    let source = file.source();
    let session = source.open(std::slice::from_ref(read)).await.unwrap();
    let plan = session.plan(read, None).await.unwrap();
    let mut checkpoints = 0;
    for next in &plan.parts {
        let all = part(session.as_ref(), read, &plan, next).await;
        for (at, change) in all.iter().enumerate() {
            let Change::Checkpoint(checkpoint) = change else { continue };
            checkpoints += 1;
            let rest = Collector::new();
            session.read(read, &plan, next, Some(checkpoint), &rest).await.unwrap();
            let expected = collect::batches(&all[at + 1..], BatchKind::Rows);
            assert_eq!(rows_as_text(&rest.batches(BatchKind::Rows)), rows_as_text(&expected));
        }
    }
    checkpoints
}

#[tokio::test]
async fn reading_goes_on_after_every_checkpoint() {
    for columns in [
        "(id INTEGER PRIMARY KEY, at INTEGER, v TEXT)",
        "(id INTEGER, at INTEGER, v TEXT, PRIMARY KEY (at, id)) WITHOUT ROWID",
        "(rowid INTEGER, at REAL, v TEXT)",
    ] {
        let file = File::new(&format!("CREATE TABLE t {columns}; {MANY}"));
        for cursor in [None, Some("at")] {
            let read = file.read("t", cursor).await;
            assert!(resumes_everywhere(&file, &read).await > 0, "{columns} {cursor:?}");
        }
    }
}

#[tokio::test]
async fn a_view_has_no_places_to_go_on_from_but_is_complete() {
    let file = File::new(&format!(
        "CREATE TABLE base (id, at, v); CREATE VIEW t AS SELECT * FROM base; {}",
        MANY.replace("INTO t", "INTO base")
    ));
    for cursor in [None, Some("at")] {
        let read = file.read("t", cursor).await;
        resumes_everywhere(&file, &read).await;
        let (changes, position) = run(file.source().as_ref(), &read, None).await;
        assert_eq!(texts(&changes).len(), 200_000);
        if cursor.is_some() {
            file.execute("INSERT INTO base VALUES (1, 200, 'same place'), (2, 201, 'new')");
            let (changes, _) = run(file.source().as_ref(), &read, Some(&position)).await;
            let found = texts(&changes);
            assert!(found.iter().any(|row| row.contains("same place")) && found.len() == 3, "{found:?}");
        }
    }
}

#[tokio::test]
async fn incremental_reads_bring_each_change_once() {
    for column in ["INTEGER", "REAL", "TEXT", ""] {
        let value = |number: u32| match column {
            "TEXT" => format!("'2024-01-01 00:00:{number:02}'"),
            "REAL" => format!("{number} + 0.1"),
            _ => number.to_string(),
        };
        let file = File::new(&format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, at {column} NOT NULL, v TEXT);
             INSERT INTO t VALUES (1, {0}, 'a'), (2, {0}, 'b'), (3, {1}, 'c');",
            value(1),
            value(2)
        ));
        let read = file.read("t", Some("at")).await;
        let (changes, position) = run(file.source().as_ref(), &read, None).await;
        assert_eq!(texts(&changes).len(), 3);
        let (changes, position) = run(file.source().as_ref(), &read, Some(&position)).await;
        assert!(changes.is_empty(), "{column}: nothing is new");
        file.execute(&format!(
            "UPDATE t SET at = {1}, v = 'A' WHERE id = 1; INSERT INTO t VALUES (4, {0}, 'd'), (5, {1}, 'e')",
            value(2),
            value(3)
        ));
        let (changes, position) = run(file.source().as_ref(), &read, Some(&position)).await;
        let found = texts(&changes);
        assert_eq!(found.len(), 3, "{column}: {found:?}");
        let (changes, _) = run(file.source().as_ref(), &read, Some(&position)).await;
        assert!(changes.is_empty(), "{column}: nothing is new any more");
    }
}

/// A row can get the newest time of the last sync only after that sync.
#[tokio::test]
async fn rows_that_come_late_with_the_newest_time_are_read() {
    let file = File::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at TEXT NOT NULL, v TEXT);
         INSERT INTO t VALUES (1, '2024-01-01', 'a'), (2, '2024-01-02', 'b'), (3, '2024-01-02', 'c')",
    );
    let read = file.read("t", Some("at")).await;
    let (_, position) = run(file.source().as_ref(), &read, None).await;
    file.execute("UPDATE t SET at = '2024-01-02', v = 'A' WHERE id = 1");
    let (changes, position) = run(file.source().as_ref(), &read, Some(&position)).await;
    let found = texts(&changes);
    assert!(found.iter().any(|row| row.contains("\"A\"")) && found.len() == 3, "{found:?}");
    let (changes, _) = run(file.source().as_ref(), &read, Some(&position)).await;
    assert!(changes.is_empty(), "read once");
}

#[tokio::test]
async fn a_cursor_at_infinity_or_without_values() {
    let file = File::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at REAL); INSERT INTO t VALUES (1, 1), (2, 9e999)",
    );
    let read = file.read("t", Some("at")).await;
    let (_, position) = run(file.source().as_ref(), &read, None).await;
    // As the destination keeps it.
    let text = serde_json::to_string(&position).unwrap();
    let position = serde_json::from_str(&text).unwrap();
    file.execute("INSERT INTO t VALUES (3, 9e999)");
    let (changes, _) = run(file.source().as_ref(), &read, Some(&position)).await;
    assert_eq!(texts(&changes).len(), 1);

    file.execute("INSERT INTO t VALUES (4, NULL)");
    let session = file.source().open(std::slice::from_ref(&read)).await.unwrap();
    assert_eq!(session.plan(&read, None).await.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_session_sees_one_state_while_others_write() {
    for journal in ["delete", "wal"] {
        let file = File::new(&format!(
            "PRAGMA journal_mode = {journal}; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
             INSERT INTO t VALUES (1, 'a')"
        ));
        let read = file.read("t", None).await;
        let source = file.source();
        let session = source.open(std::slice::from_ref(&read)).await.unwrap();
        if journal == "wal" {
            file.execute("INSERT INTO t VALUES (2, 'b')");
        }
        let plan = session.plan(&read, None).await.unwrap();
        let changes = part(session.as_ref(), &read, &plan, &plan.parts[0]).await;
        assert_eq!(texts(&changes).len(), 1);
        drop(session);
        // What was written since the session began is not in what it has read: an unfinished copy begins anew.
        let position = TablePosition::start(1, plan.plan.clone());
        let session = source.open(std::slice::from_ref(&read)).await.unwrap();
        let plan = session.plan(&read, Some(&position)).await.unwrap();
        assert_eq!(plan.continues, journal == "delete", "{journal}");
    }
}

#[tokio::test]
async fn an_unfinished_plan_keeps_its_parts() {
    let file = File::new(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER, v TEXT); {MANY}"));
    let source = file.source();
    for cursor in [None, Some("at")] {
        let read = file.read("t", cursor).await;
        let session = source.open(std::slice::from_ref(&read)).await.unwrap();
        let plan = session.plan(&read, None).await.unwrap();
        assert!(plan.full && !plan.continues && plan.disjoint && plan.parts.len() > 1);
        let indexes: Vec<u32> = plan.parts.iter().map(|part| part.index).collect();
        assert_eq!(indexes, (0..plan.parts.len() as u32).collect::<Vec<_>>());
        let mut position = TablePosition::start(1, plan.plan.clone());
        position.finish_part(0);
        let session = source.open(std::slice::from_ref(&read)).await.unwrap();
        let again = session.plan(&read, Some(&position)).await.unwrap();
        assert!(again.continues);
        assert_eq!((again.plan, again.parts), (plan.plan, plan.parts));
    }
}

#[tokio::test]
async fn key_lists_are_complete() {
    let file = File::new(
        "CREATE TABLE t (a INTEGER, b TEXT, v TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID; INSERT INTO t VALUES (1, 'x', 'v'), (2, 'x', 'w')",
    );
    let read = TableRead { key_list: true, ..file.read("t", None).await };
    let session = file.source().open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    let last = plan.parts.last().unwrap();
    assert_eq!(last.kind, PartKind::Keys);
    let changes = part(session.as_ref(), &read, &plan, last).await;
    let keys = collect::batches(&changes, BatchKind::Keys);
    assert_eq!(sorted_rows(&keys).len(), 2);
    assert_eq!(
        keys[0].schema().fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(),
        read.key
    );
    assert!(changes.iter().all(|change| !matches!(change, Change::Checkpoint(_))));
}

#[tokio::test]
async fn the_file_is_never_changed() {
    let file = File::new("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    let before = std::fs::read(file.path()).unwrap();
    run(file.source().as_ref(), &file.read("t", None).await, None).await;
    assert_eq!(std::fs::read(file.path()).unwrap(), before);
    let left: Vec<_> = std::fs::read_dir(file.folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no other file appears");
}

#[derive(Default)]
struct Steps(Mutex<Vec<CheckStep>>);

impl StepSink for Steps {
    fn step(&self, step: CheckStep) {
        self.0.lock().unwrap().push(step);
    }
}

async fn outcome(source: &dyn Source) -> CheckOutcome {
    let steps = Steps::default();
    source.check(&steps).await;
    let steps = steps.0.into_inner().unwrap();
    assert!(!steps.is_empty());
    CheckOutcome::of(&steps)
}

#[tokio::test]
async fn what_cannot_be_opened_is_explained() {
    let file = File::new("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
    assert_eq!(outcome(file.source().as_ref()).await, CheckOutcome::Ready);
    let folder = file.folder.path();
    std::fs::write(folder.join("text.db"), "This is a letter, not a database. ".repeat(100)).unwrap();
    std::fs::create_dir(folder.join("folder.db")).unwrap();
    for (path, kind) in [
        ("missing.db", ErrorKind::NotFound),
        ("text.db", ErrorKind::CorruptInput),
        ("folder.db", ErrorKind::Config),
    ] {
        let source = file.configured(json!({"path": path}));
        assert_eq!(source.discover(&DiscoverFilter::default()).await.unwrap_err().kind(), kind, "{path}");
        assert_eq!(source.open(&[]).await.err().unwrap().kind(), kind, "{path}");
        assert_eq!(outcome(source.as_ref()).await, CheckOutcome::NotReady, "{path}");
        assert!(path != "missing.db" || !folder.join(path).exists(), "reading makes no file");
    }
    let context = ConnectorContext::of(folder);
    let sqlite = registry();
    let wrong = sqlite.get("sqlite").unwrap().source(&Config::new(json!({"file": "x"})), &context);
    assert_eq!(wrong.err().unwrap().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_writer_that_holds_the_file_is_named() {
    let file = File::new("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let writer = Connection::open(file.path()).unwrap();
    writer.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = file.source().open(&[]).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Locked);
    writer.execute_batch("ROLLBACK").unwrap();
    assert!(file.source().open(&[]).await.is_ok());
}

#[tokio::test]
async fn questions_about_what_is_not_there() {
    let file = File::new("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
    let read = file.read("t", None).await;
    let session = file.source().open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    assert!(plan.parts.is_empty() && plan.full, "an empty table has nothing to read");
    let missing = TableRead { table: TableName::bare("gone"), ..read.clone() };
    assert_eq!(session.plan(&missing, None).await.unwrap_err().kind(), ErrorKind::NotFound);
    let strange = TablePosition::start(1, json!({"kind": "copy", "span": "no"}));
    assert!(!session.plan(&read, Some(&strange)).await.unwrap().continues);
    let mut gone = read.clone();
    gone.key = vec!["other".to_owned()];
    gone.columns[0].name = "other".to_owned();
    assert_eq!(session.plan(&gone, None).await.unwrap_err().kind(), ErrorKind::SchemaChanged);
}

#[tokio::test]
async fn a_sample_is_short_and_a_stop_ends_a_read() {
    let file = File::new(&format!("CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER, v TEXT); {MANY}"));
    let read = file.read("t", None).await;
    let collector = Collector::new();
    file.source().sample(&read, &Sampling::first(7), &collector).await.unwrap();
    assert_eq!(texts(&collector.changes()).len(), 7);

    let source = file.source();
    let session = source.open(std::slice::from_ref(&read)).await.unwrap();
    let plan = session.plan(&read, None).await.unwrap();
    let stopped = Collector::stop_after(1);
    let error = session.read(&read, &plan, &plan.parts[0], None, &stopped).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stopped);
    // The session can be used on.
    assert!(!part(session.as_ref(), &read, &plan, &plan.parts[0]).await.is_empty());
}

#[tokio::test]
async fn a_sample_is_from_all_over_the_table_or_meets_a_condition() {
    let file = File::new(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)
         INSERT INTO t SELECT i, CASE WHEN i % 100 = 0 THEN 'open' ELSE 'done' END FROM c;",
    );
    let read = file.read("t", None).await;
    let sample = async |pick: SamplePick| -> Result<Vec<String>> {
        let collector = Collector::new();
        file.source().sample(&read, &Sampling { rows: 50, pick }, &collector).await?;
        Ok(texts(&collector.changes()))
    };
    let picked = sample(SamplePick::Random).await.unwrap();
    let different: HashSet<&String> = picked.iter().collect();
    assert_eq!((picked.len(), different.len()), (50, 50));
    assert_ne!(picked, sample(SamplePick::First).await.unwrap());
    assert_ne!(picked, sample(SamplePick::Random).await.unwrap());
    let open = sample(SamplePick::Where("v = 'open' and id > 4000 -- and no more".to_owned())).await.unwrap();
    assert_eq!(open.len(), 10);
    assert!(open.iter().all(|row| row.contains("open")), "{open:?}");
    for (condition, said) in [
        ("stat = 1", "no such column: stat"),
        ("id >", "syntax error"),
        ("id = ?", "there is nothing to put in for a parameter"),
        ("1); DROP TABLE t; --", "syntax error"),
        ("1); DROP TABLE t; SELECT id FROM t WHERE (1", "more than one statement"),
    ] {
        let error = sample(SamplePick::Where(condition.to_owned())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CorruptInput, "{condition}: {error:?}");
        assert!(error.message().contains(said), "{condition}: {}", error.message());
    }
    assert_eq!(sample(SamplePick::First).await.unwrap().len(), 50, "the table is still there");
}

/// Damage anywhere in the file: everything ends, with rows or with an error, never with a panic.
#[tokio::test]
async fn damaged_files_never_panic() {
    let file = File::new(
        "PRAGMA page_size = 512; CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER, v TEXT);
         CREATE INDEX i ON t (v);
         WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 300)
         INSERT INTO t SELECT i, i, hex(randomblob(20)) FROM c;",
    );
    let whole = std::fs::read(file.path()).unwrap();
    let read = file.read("t", Some("at")).await;
    let mut seed = 1u64;
    let mut random = |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    let mut errors = 0;
    for round in 0..150 {
        let mut bytes = whole.clone();
        match round % 3 {
            0 => bytes.truncate(random(whole.len())),
            1 => (0..8).for_each(|_| bytes[random(whole.len())] ^= random(255) as u8 + 1),
            _ => {
                let start = random(whole.len());
                let end = whole.len().min(start + 512);
                bytes[start..end].iter_mut().for_each(|byte| *byte = random(256) as u8);
            }
        }
        std::fs::write(file.path(), &bytes).unwrap();
        errors += usize::from(!read_all(&file, &read).await);
    }
    assert!(errors > 50, "{errors} of 150 damaged files were told");
}

/// Whether everything went well.
async fn read_all(file: &File, read: &TableRead) -> bool {
    let source = file.source();
    outcome(source.as_ref()).await;
    let no_panic =
        |error: &syncline_protocol::Error| assert_ne!(error.kind(), ErrorKind::Internal, "{error:?}");
    let result = async {
        source.discover(&DiscoverFilter::default()).await?;
        let session = source.open(std::slice::from_ref(read)).await?;
        let plan = session.plan(read, None).await?;
        for part in &plan.parts {
            session.read(read, &plan, part, None, &Collector::new()).await?;
        }
        Ok(())
    };
    result.await.inspect_err(no_panic).is_ok()
}

#[tokio::test]
async fn random_bytes_are_no_database() {
    let file = File { folder: tempfile::tempdir().unwrap() };
    for length in [1usize, 15, 16, 100, 512, 4096, 70_000] {
        for header in [&b""[..], b"SQLite format 3\0"] {
            let noise = (0..length).map(|at| (at * 131 % 251) as u8 ^ (at >> 8) as u8);
            let bytes: Vec<u8> = header.iter().copied().chain(noise).collect();
            std::fs::write(file.path(), bytes).unwrap();
            let found = file.source().discover(&DiscoverFilter::default()).await;
            assert_eq!(found.unwrap_err().kind(), ErrorKind::CorruptInput, "{length}");
        }
    }
}

#[tokio::test]
async fn conformance() {
    let file = std::sync::Arc::new(File::new(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, at INTEGER, updated_at DATETIME NOT NULL DEFAULT '2024-01-01 00:00:00', v TEXT);
         {};
         CREATE TABLE pair (a INTEGER, b TEXT, v BLOB, PRIMARY KEY (b, a)) WITHOUT ROWID;
         INSERT INTO pair VALUES (1, 'x', x'00'), (2, 'x', NULL), (1, 'ä', x'');
         CREATE TABLE unkeyed (v); INSERT INTO unkeyed VALUES (1), (2.5), ('x'), (NULL);
         CREATE TABLE empty (id INTEGER PRIMARY KEY);
         CREATE VIEW seen AS SELECT id, v FROM t WHERE id < 1000;",
        MANY.replace("INTO t", "INTO t (id, at, v)").replace("200000", "80000")
    )));
    syncline_testkit::conformance::source::suite(move || {
        let file = std::sync::Arc::clone(&file);
        Box::pin(async move { file.source() })
    })
    .await;
}
