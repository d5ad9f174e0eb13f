use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use syncline_protocol::TableName;

use super::*;
use crate::event::Unobserved;

/// More than two blocks.
const LINES: u64 = 10_000;

#[test]
fn lines_are_json_without_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs").join("r.jsonl");
    let clean = Box::new(|text: &str| text.replace("hunter2", "[secret]"));
    let log = RunLog::create(&path, Arc::new(Unobserved), clean).unwrap();
    let table = TableName::bare("orders");
    log.event(&Event::Waiting { table: table.clone(), reason: Some("hunter2\nsays so".to_owned()) });
    log.event(&Event::Progress { tables: Vec::new(), elapsed_ms: 1 });
    log.event(&Event::Committed { table, ordinal: 3, rows: 7 });
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "progress is not written");
    assert_eq!(lines[0]["text"], "Waits: [secret]\nsays so.");
    assert_eq!((&lines[1]["table"], &lines[1]["level"]), (&"orders".into(), &"info".into()));
}

struct Written {
    folder: tempfile::TempDir,
}

impl Written {
    fn path(&self) -> PathBuf {
        self.folder.path().join("r.jsonl")
    }

    fn open(&self) -> LogReader {
        LogReader::open(&self.path()).unwrap().unwrap()
    }

    /// A log as a run writes it: segments of two tables, and an error at line 500 and at each 3000th.
    fn new() -> Written {
        let written = Written { folder: tempfile::tempdir().unwrap() };
        let log = RunLog::create(&written.path(), Arc::new(Unobserved), Box::new(str::to_owned)).unwrap();
        for n in 1..=LINES {
            let table = TableName::new("public", if n % 2 == 0 { "orders" } else { "customers" });
            if n == 500 || n % 3000 == 0 {
                log.write(
                    LogLevel::Error,
                    LogStage::Read,
                    Some(&table),
                    &format!("Line {n} failed: \"Ärger\"."),
                );
            } else {
                log.event(&Event::Committed { table, ordinal: n, rows: 7 });
            }
        }
        written
    }
}

fn search(text: &str) -> LogQuery {
    LogQuery { filter: LogFilter::default(), search: Some(LogSearch::new(text, false).unwrap()) }
}

fn numbers(lines: &[LogLine]) -> Vec<u64> {
    lines.iter().map(|line| line.n).collect()
}

#[test]
fn windows_of_sorts_of_lines_are_found_without_reading_all_of_it() {
    let mut log = Written::new().open();
    let all = LogQuery::default();
    assert_eq!(log.total(&all).unwrap(), LINES);
    assert_eq!(numbers(&log.window(&all, 4094, 4).unwrap()), [4095, 4096, 4097, 4098]);
    let errors = LogFilter { level: Some(LogLevel::Error), ..LogFilter::default() };
    let errors = LogQuery { filter: errors, search: None };
    assert_eq!(log.total(&errors).unwrap(), 4);
    assert_eq!(numbers(&log.window(&errors, 1, 9).unwrap()), [3000, 6000, 9000]);
    assert_eq!(log.first(LogLevel::Error).unwrap().unwrap().n, 500);
    let table = LogFilter { table: Some(TableName::new("public", "customers")), ..LogFilter::default() };
    let table = LogQuery { filter: table, search: None };
    assert_eq!(log.total(&table).unwrap(), LINES / 2);
    assert_eq!(numbers(&log.window(&table, 2500, 2).unwrap()), [5001, 5003]);
    let writing = LogFilter { stage: Some(LogStage::Write), ..LogFilter::default() };
    assert_eq!(log.total(&LogQuery { filter: writing, search: None }).unwrap(), LINES - 4);
}

#[test]
fn a_search_finds_what_people_read_and_nothing_else() {
    let mut log = Written::new().open();
    for (text, count) in [
        ("segment 9999 IS", 1),
        ("ärger", 4),
        ("\"ärger\"", 4),
        ("failed: \"", 4),
        // In the name of the table.
        ("public.orders", LINES / 2),
        // Only in the form of the file, not in what it says.
        ("stage", 0),
        ("\\\"", 0),
        ("(", 0),
    ] {
        assert_eq!(log.total(&search(text)).unwrap(), count, "{text}");
    }
    let expression = LogSearch::new("^segment 99[0-9]{2} ", true).unwrap();
    let expression = LogQuery { filter: LogFilter::default(), search: Some(expression) };
    assert_eq!(log.total(&expression).unwrap(), 100);
    assert!(LogSearch::new("(", true).is_err());
}

#[test]
fn a_search_goes_to_the_next_and_the_last_match_and_around_the_end() {
    let mut log = Written::new().open();
    let query = search("failed");
    let mut goes = |near, backwards| {
        let hit = log.find(&query, &LogFilter::default(), near, backwards).unwrap().unwrap();
        (hit.n, hit.ordinal, hit.position)
    };
    assert_eq!(goes(1, false), (500, 1, 499));
    assert_eq!(goes(500, false), (500, 1, 499));
    assert_eq!(goes(501, false), (3000, 2, 2999));
    assert_eq!(goes(9001, false), (500, 1, 499));
    assert_eq!(goes(9000, true), (6000, 3, 5999));
    assert_eq!(goes(500, true), (9000, 4, 8999));
    assert_eq!(log.find(&search("nowhere"), &LogFilter::default(), 1, false).unwrap(), None);
    // Only among some lines: how many of those come before it.
    let filter = LogFilter { table: Some(TableName::new("public", "orders")), ..LogFilter::default() };
    let query = LogQuery { filter, search: Some(LogSearch::new("segment 9", false).unwrap()) };
    let hit = log.find(&query, &query.filter, 9000, true).unwrap().unwrap();
    assert_eq!((hit.n, hit.position), (998, 498));
    let errors = LogFilter { level: Some(LogLevel::Error), ..LogFilter::default() };
    let hit =
        log.find(&LogQuery { filter: errors, search: None }, &query.filter, 501, false).unwrap().unwrap();
    assert_eq!((hit.n, hit.ordinal, hit.position), (3000, 2, 1499));
}

#[test]
fn a_log_that_grows_and_one_without_an_index_are_read_the_same() {
    let written = Written::new();
    let mut log = written.open();
    assert_eq!(log.total(&search("segment 1")).unwrap(), 1111 + 1);
    let mut file = OpenOptions::new().append(true).open(written.path()).unwrap();
    file.write_all(
        b"{\"time\":\"t\",\"level\":\"info\",\"text\":\"segment 1 of an old version\"}\nrubbish\n{\"half",
    )
    .unwrap();
    log.refresh().unwrap();
    assert_eq!(log.total(&LogQuery::default()).unwrap(), LINES + 1);
    assert_eq!(log.total(&search("segment 1")).unwrap(), 1111 + 2);
    let last = log.window(&LogQuery::default(), LINES, 5).unwrap();
    assert_eq!((last[0].n, last[0].stage), (LINES + 1, LogStage::Run));

    let totals = |log: &mut LogReader| {
        let one = log.total(&search("segment 1")).unwrap();
        (
            log.total(&LogQuery::default()).unwrap(),
            one,
            log.first(LogLevel::Error).unwrap().unwrap().n,
            log.bytes(),
        )
    };
    let with_index = totals(&mut written.open());
    let index = index::path_of(&written.path());
    let text = fs::read_to_string(&index).unwrap();
    assert_eq!(text.lines().count() as u64, LINES / 4096, "one line for each full block");
    // Cut off in the middle of a line, of another log, or gone.
    for broken in [&text[..text.len() - 9], &text.replace("\"offset\":0", "\"offset\":5"), "no index"] {
        fs::write(&index, broken).unwrap();
        assert_eq!(totals(&mut written.open()), with_index);
    }
    fs::remove_file(&index).unwrap();
    assert_eq!(totals(&mut written.open()), with_index);
    assert!(LogReader::open(&written.folder.path().join("none.jsonl")).unwrap().is_none());
}

/// Measures a log of a gigabyte. Takes minutes and disk, so it only runs when it is asked for:
/// `cargo test -p syncline-engine --lib gigabyte -- --ignored --nocapture`. `SYNCLINE_LOG` is where the log goes, to look
/// at it in the studio.
#[test]
#[ignore = "writes a gigabyte"]
fn a_gigabyte_opens_at_once() {
    const BYTES: u64 = 1 << 30;
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var_os("SYNCLINE_LOG").map_or_else(|| folder.path().join("r.jsonl"), PathBuf::from);
    let secret = "hunter2-of-the-database";
    let clean = Box::new(move |text: &str| text.replace(secret, "[secret]"));
    let log = RunLog::create(&path, Arc::new(Unobserved), clean).unwrap();
    let tables: Vec<_> = (0..12).map(|n| TableName::new("public", format!("table_{n}"))).collect();
    let mut n: u64 = 0;
    while !n.is_multiple_of(10_000) || n == 0 || fs::metadata(&path).unwrap().len() < BYTES {
        n += 1;
        let table = tables[(n % 12) as usize].clone();
        match n {
            5_000_000 => {
                log.write(LogLevel::Error, LogStage::Read, Some(&table), "The server closed the connection.");
            }
            _ if n.is_multiple_of(100_000) => {
                log.event(&Event::Waiting { table, reason: Some(format!("said {secret}")) });
            }
            _ => log.event(&Event::Committed { table, ordinal: n, rows: 8192 }),
        }
    }
    log.write(LogLevel::Info, LogStage::Run, None, "The last line says zebrafish.");
    let measured = |what: &str, limit: Option<u64>, began: Instant| {
        let took = began.elapsed();
        eprintln!("{what}: {took:?}");
        assert!(limit.is_none_or(|ms| took < Duration::from_millis(ms)), "{what} took {took:?}");
    };
    eprintln!("{} lines, {} bytes", n + 1, fs::metadata(&path).unwrap().len());

    let began = Instant::now();
    let mut log = LogReader::open(&path).unwrap().unwrap();
    let first = log.window(&LogQuery::default(), 0, 5000).unwrap();
    let error = log.first(LogLevel::Error).unwrap().unwrap();
    measured("opened, with its first 5,000 lines and its first error", Some(300), began);
    assert_eq!((first.len(), error.n), (5000, 5_000_000));
    let began = Instant::now();
    assert_eq!(log.window(&LogQuery::default(), error.n - 200, 5000).unwrap()[199].n, error.n);
    measured("jumped to the error in its middle", Some(300), began);
    let began = Instant::now();
    let hit = log.find(&search("ZEBRAFISH"), &LogFilter::default(), 1, false).unwrap().unwrap();
    measured("found a word in the last line", None, began);
    assert_eq!(hit.n, n + 1);
    let began = Instant::now();
    assert_eq!(log.total(&search("closed the")).unwrap(), 1);
    measured("counted a phrase", None, began);
    let began = Instant::now();
    assert_eq!(log.total(&search(secret)).unwrap(), 0, "no secret is in it");
    assert!(log.total(&search("[secret]")).unwrap() > 10);
    measured("looked for a secret, and for what stands in its place", None, began);
}
