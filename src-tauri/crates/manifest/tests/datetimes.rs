//! Times, compared with what the reference gives (`testkit/reference/datetimes.py` makes the table).

use serde::Deserialize;
use syncline_manifest::expression::datetime::{Duration, Moment};

#[derive(Deserialize)]
struct Table {
    read: Vec<(String, String, String)>,
    refused: Vec<(String, String)>,
    printed: Vec<(String, String, Option<String>)>,
    iso: Vec<(String, Option<String>)>,
    any: Vec<(String, Option<String>)>,
    moved: Vec<(String, String, Option<String>, Option<String>)>,
    durations: Vec<(String, bool)>,
}

fn table() -> Table {
    serde_json::from_str(include_str!("datetimes.json")).unwrap()
}

fn iso(moment: Option<Moment>) -> Option<String> {
    moment.map(|moment| moment.iso('T'))
}

fn moment(text: &str) -> Moment {
    let format = if text.contains('.') { "%Y-%m-%dT%H:%M:%S.%f%z" } else { "%Y-%m-%dT%H:%M:%S%z" };
    Moment::parse(text, format).unwrap()
}

/// Every case is compared before the test tells what differs.
fn compare<T>(cases: &[T], least: usize, differs: impl Fn(&T) -> Option<String>) {
    let wrong: Vec<String> = cases.iter().filter_map(differs).collect();
    println!("{} cases were compared", cases.len());
    assert!(cases.len() >= least, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn differing(what: String, theirs: Option<&str>, ours: Option<String>) -> Option<String> {
    (theirs != ours.as_deref()).then(|| format!("{what}: {theirs:?} is expected, not {ours:?}"))
}

#[test]
fn texts_are_read() {
    let table = table();
    compare(&table.read, 150, |(text, format, expected)| {
        differing(format!("{text:?} with {format:?}"), Some(expected), iso(Moment::parse(text, format)))
    });
    compare(&table.refused, 4500, |(text, format)| {
        differing(format!("{text:?} with {format:?}"), None, iso(Moment::parse(text, format)))
    });
}

#[test]
fn moments_are_printed() {
    compare(&table().printed, 500, |(text, format, expected)| {
        differing(format!("{text} with {format:?}"), expected.as_deref(), Some(moment(text).format(format)))
    });
}

#[test]
fn texts_in_iso_8601_are_read() {
    compare(&table().iso, 130, |(text, expected)| {
        differing(format!("{text:?}"), expected.as_deref(), iso(Moment::parse_iso(text).map(Moment::to_utc)))
    });
}

#[test]
fn what_servers_write_is_read() {
    compare(&table().any, 30, |(text, expected)| {
        differing(format!("{text:?}"), expected.as_deref(), iso(Moment::parse_any(text)))
    });
}

#[test]
fn moments_are_moved() {
    let table = table();
    compare(&table.moved, 500, |(text, step, later, earlier)| {
        let Ok(duration) = Duration::parse(step) else {
            return (later.is_some() || earlier.is_some()).then(|| format!("{step} is a duration"));
        };
        let start = moment(text).to_utc();
        differing(format!("{text} + {step}"), later.as_deref(), iso(start.plus(duration)))
            .or_else(|| differing(format!("{text} - {step}"), earlier.as_deref(), iso(start.minus(duration))))
    });
    compare(&table.durations, 50, |(step, expected)| {
        (Duration::parse(step).is_ok() != *expected).then(|| format!("{step}: {expected}"))
    });
}
