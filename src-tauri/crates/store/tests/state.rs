use std::collections::BTreeMap;
use std::fs;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::json;
use syncline_protocol::{Catalog, Column, Error, ErrorKind, LogicalType, TableName, TableSchema};
use syncline_store::{
    AttemptRecord, JournalEntry, Outcome, RunEnd, RunError, RunRecord, RunTable, State, TableValues, run_id,
};

use crate::project::project;

fn at(minute: i64) -> Timestamp {
    "2026-11-23T09:00:00Z".parse::<Timestamp>().unwrap() + minute.minutes()
}

fn begin(id: &str, connection: &str, minute: i64) -> RunRecord {
    let connectors = BTreeMap::from([("sample".to_owned(), "0.1.0".to_owned())]);
    RunRecord::begin(id.to_owned(), connection, at(minute), connectors, "h1")
}

fn figures(name: &str, rows: u64) -> RunTable {
    RunTable {
        name: name.parse().unwrap(),
        outcome: Outcome::Succeeded,
        rows_read: rows,
        rows_written: rows,
        rows_deleted: 0,
        rows_rejected: 1,
        bytes: u64::MAX,
    }
}

#[test]
fn a_run_is_kept_from_beginning_to_end() {
    let (_folder, project) = project();
    let error = RunError::from(&Error::new(ErrorKind::DiskFull, "The disk is full."));
    let attempts = vec![
        AttemptRecord { started_at: at(0), ended_at: at(1), error: Some(error.clone()), version: None },
        AttemptRecord { started_at: at(2), ended_at: at(3), error: None, version: Some("2".to_owned()) },
    ];
    let end = RunEnd {
        ended_at: at(3),
        outcome: Outcome::SucceededWithRejected,
        error: Some(error.clone()),
        attempts: attempts.clone(),
        tables: vec![figures("public.b", 7), figures("a", 5)],
        receipt: json!({"rows": 12, "keys": {"z": 1, "a": 2}}),
    };
    {
        let state = State::open(&project.state_path()).unwrap();
        state.begin_run(&begin("r1", "nightly", 0)).unwrap();
        assert_eq!(state.run("r1").unwrap(), Some(begin("r1", "nightly", 0)));
        assert_eq!(state.receipt("r1").unwrap(), None);
        state.end_run("r1", &end).unwrap();
        state.end_run("r1", &end).unwrap();
        assert_eq!(state.end_run("never", &end).unwrap_err().kind(), ErrorKind::Internal);
    }
    let state = State::open(&project.state_path()).unwrap();
    let run = state.run("r1").unwrap().unwrap();
    assert_eq!((run.outcome, run.ended_at), (Some(Outcome::SucceededWithRejected), Some(at(3))));
    assert_eq!((run.error, run.attempts), (Some(error), attempts));
    let receipt = state.receipt("r1").unwrap().unwrap();
    assert_eq!(receipt.to_string(), end.receipt.to_string(), "keys keep their order");
    let tables = state.run_tables("r1").unwrap();
    assert_eq!(tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>(), ["a", "public.b"]);
    assert_eq!(tables[1].rows_read, 7);
    assert_eq!(tables[1].bytes, i64::MAX as u64, "a counter saturates");
}

#[test]
fn runs_are_listed_newest_first() {
    let (_folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    for (id, connection, minute) in [("a", "x", 1), ("b", "y", 3), ("c", "x", 2)] {
        state.begin_run(&begin(id, connection, minute)).unwrap();
    }
    let ids = |connection, limit| {
        state.runs(connection, limit).unwrap().into_iter().map(|run| run.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 10), ["b", "c", "a"]);
    assert_eq!(ids(Some("x"), 10), ["c", "a"]);
    assert_eq!(ids(None, 1), ["b"]);
    assert!(state.begin_run(&begin("a", "x", 1)).is_err(), "a run is recorded once");
}

#[test]
fn run_ids_sort_as_time_does() {
    let (early, late) = (run_id(at(0)).unwrap(), run_id(at(1)).unwrap());
    assert!(early.starts_with("20261123T090000-") && early < late);
    assert_ne!(run_id(at(0)).unwrap(), run_id(at(0)).unwrap());
}

#[test]
fn journal_catalogs_and_shapes_are_kept() {
    let (_folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    for minute in 0..3 {
        let run = (minute == 1).then(|| "r1".to_owned());
        state
            .add_to_journal(&JournalEntry {
                run,
                connection: "nightly".to_owned(),
                at: at(minute),
                kind: "attempt".to_owned(),
                detail: json!({"n": minute}),
            })
            .unwrap();
    }
    let details = |entries: Vec<JournalEntry>| {
        entries.into_iter().map(|entry| entry.detail["n"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(details(state.journal("nightly", 2).unwrap()), [1, 2]);
    assert_eq!(details(state.journal_of_run("r1").unwrap()), [1]);

    assert_eq!(state.catalog("shop").unwrap(), None);
    for minute in [1, 2] {
        state.save_catalog("shop", at(minute), &Catalog::default()).unwrap();
    }
    assert_eq!(state.catalog("shop").unwrap().unwrap().discovered_at, at(2));

    let mut shape = TableSchema {
        table: "public.orders".parse().unwrap(),
        columns: vec![Column::new("id", LogicalType::Int32)],
        key: vec!["id".to_owned()],
    };
    state.accept_schema("nightly", &shape, at(1)).unwrap();
    shape.columns.push(Column::new("channel", LogicalType::Text).native("varchar(20)"));
    state.accept_schema("nightly", &shape, at(2)).unwrap();
    assert_eq!(state.accepted_schema("nightly", &shape.table).unwrap(), Some(shape.clone()));
    assert_eq!(state.accepted_schema("other", &shape.table).unwrap(), None);
}

#[test]
fn several_programs_may_write_at_once() {
    let (_folder, project) = project();
    let path = project.state_path();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = &path;
            // Opened inside: the first opening migrates, and the others meet it.
            scope.spawn(move || {
                let state = State::open(path).unwrap();
                for n in 0..25 {
                    state.begin_run(&begin(&format!("{writer}-{n}"), "x", n)).unwrap();
                }
            });
        }
    });
    assert_eq!(State::open(&path).unwrap().runs(None, 1000).unwrap().len(), 100);
}

#[test]
fn what_is_not_a_state_file_is_refused() {
    let (_folder, project) = project();
    fs::write(project.state_path(), "this is not SQLite, but it is long enough to be looked at".repeat(40))
        .unwrap();
    let error = State::open(&project.state_path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptInput);
    assert!(error.fixes()[0].contains("state.sqlite"));
}

#[test]
fn settings_are_kept_by_name() {
    let (_folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    assert_eq!(state.setting::<u32>("a/one").unwrap(), None);
    state.set_setting("a/one", &1).unwrap();
    state.set_setting("a/one", &2).unwrap();
    state.set_setting("a/%", &3).unwrap();
    state.set_setting("b/one", &4).unwrap();
    assert_eq!(state.setting::<u32>("a/one").unwrap(), Some(2));
    assert_eq!(state.settings::<u32>("a/").unwrap(), [("%".to_owned(), 3), ("one".to_owned(), 2)]);
    assert!(state.remove_setting("a/one").unwrap());
    assert!(!state.remove_setting("a/one").unwrap());
    assert_eq!(state.settings::<u32>("a/o").unwrap(), []);
}

#[test]
fn time_that_nobody_watched_is_a_gap() {
    let (_folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    assert_eq!(state.watched_first().unwrap(), None);
    let gap = SignedDuration::from_secs(150);
    // The computer slept between 2 and 40; at 10 its clock was wrong for a moment.
    for minute in [0, 1, 2, 40, 10, 11, 41] {
        state.watched(at(minute), gap).unwrap();
    }
    let spans = |from| state.watched_since(at(from)).unwrap();
    assert_eq!(spans(0), [(at(0), at(2)), (at(40), at(40)), (at(10), at(11)), (at(41), at(41))]);
    assert_eq!(spans(3).len(), 3);
    assert_eq!(state.watched_first().unwrap(), Some(at(0)));
}

#[test]
fn a_file_is_kept_when_it_is_not_as_it_was() {
    let (_folder, project) = project();
    let state = State::open(&project.state_path()).unwrap();
    let keep = |file: &str, content: &str, minute| state.keep_file(file, content, at(minute)).unwrap();
    let first = keep("connections/a.yaml", "x: 1", 0).unwrap();
    assert_eq!(first.before, None);
    assert_eq!(keep("connections/a.yaml", "x: 1", 1), None);
    assert_eq!(keep("connections/b.yaml", "x: 1", 1).unwrap().before, None);
    let second = keep("connections/a.yaml", "x: 2", 2).unwrap();
    assert_eq!(second.before, Some(first.after));
    // Back to what it was is a change, too.
    assert_eq!(keep("connections/a.yaml", "x: 1", 3).unwrap().before, Some(second.after));
    let kept = state.file_version(second.after).unwrap().unwrap();
    assert_eq!((kept.file.as_str(), kept.content.as_str(), kept.at), ("connections/a.yaml", "x: 2", at(2)));
    assert_eq!(state.file_version(999).unwrap(), None);
}

#[test]
fn versions_are_marked_and_values_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(&folder.path().join("state.sqlite")).unwrap();
    state.version_worked("c", "shop", "1", at(0), true).unwrap();
    state.version_worked("c", "shop", "1", at(5), false).unwrap();
    state.mark_version_bad("c", "shop", "2", at(6), "it lost a column").unwrap();
    let marks = state.version_marks("c", "shop").unwrap();
    assert_eq!((marks[0].worked_at, marks[0].proved, marks[0].bad.is_some()), (Some(at(5)), 1, false));
    assert_eq!(marks[1].bad.as_ref().unwrap().because, "it lost a column");
    assert!(state.version_marks("other", "shop").unwrap().is_empty());
    assert!(state.try_version_again("c", "shop", "2").unwrap());
    assert!(!state.try_version_again("c", "shop", "2").unwrap(), "it is bad no more");

    let values = |rows, present: &[(&str, u64)]| TableValues {
        rows,
        present: present.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
    };
    let table = TableName::bare("users");
    state.add_table_values("c", &[(table.clone(), values(3, &[("id", 3), ("name", 2)]))]).unwrap();
    state.add_table_values("c", &[(table.clone(), values(2, &[("id", 2), ("new", 2)]))]).unwrap();
    let known = state.table_values("c").unwrap().remove(&table).unwrap();
    assert_eq!(known, values(5, &[("id", 5), ("name", 2), ("new", 2)]));
    assert_eq!(known.always_present().collect::<Vec<_>>(), ["id"]);
    state.forget_versions("c").unwrap();
    assert!(state.table_values("c").unwrap().is_empty());
}
