//! Reads that end before their time: what the states handed out until then leave to be read.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_protocol::{Error, ErrorKind, Result};

use super::set_now;
use crate::context::{Compatibility, Output, Run};
use crate::document::{Document, Node};
use crate::stream::read;
use crate::stream::reading::{Making, Reading, SliceReader};
use crate::stream::retriever::{PageSink, SliceRead};
use crate::{Json, Map};

/// An API that knows partitions and windows of time, and may fail.
#[derive(Default)]
struct Api {
    /// The records of each table, with the fields of their partition.
    tables: Map,
    pages: AtomicUsize,
    /// Before which page it fails.
    fails_at: Mutex<Option<usize>>,
    ignores_windows: bool,
}

struct Table {
    name: String,
    api: Arc<Api>,
}

#[async_trait]
impl SliceReader for Table {
    async fn read(&self, read: SliceRead<'_>, pages: &dyn PageSink) -> Result<()> {
        let window = &read.slice.window;
        let border = |name: &str| window.get(name).and_then(Value::as_str).unwrap_or_default();
        let (start, end) = (border("start_time"), border("end_time"));
        let belongs = |record: &&Json| {
            let updated = record["updated"].as_str().unwrap_or_default();
            let mut values = read.slice.partition.iter().filter(|(name, _)| *name != "parent_slice");
            let is_within =
                self.api.ignores_windows || window.is_empty() || (start <= updated && updated <= end);
            is_within && values.all(|(name, value)| record.get(name) == Some(value))
        };
        let records = self.api.tables[&self.name].as_array().into_iter().flatten().filter(belongs).cloned();
        let records: Vec<Json> = records.collect();
        for page in records.chunks(2).chain([[].as_slice()]) {
            let number = self.api.pages.fetch_add(1, Ordering::Relaxed);
            // Slices that are read side by side overtake each other.
            for _ in 0..number % 3 {
                tokio::task::yield_now().await;
            }
            if *self.api.fails_at.lock().unwrap() == Some(number) {
                return Err(Error::new(ErrorKind::ConnectionLost, "The server died."));
            }
            if !pages.page(page.to_vec()).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    fn keep_answers(&mut self) {}
}

/// Keeps what it is handed, until it is full.
#[derive(Default)]
struct Kept {
    inner: Mutex<KeptInner>,
    room: Option<usize>,
}

#[derive(Default)]
struct KeptInner {
    records: BTreeSet<String>,
    state: Option<Json>,
    events: usize,
}

impl Kept {
    fn event(&self, keep: impl FnOnce(&mut KeptInner)) -> Result<()> {
        let mut inner = self.inner.lock().unwrap();
        if self.room == Some(inner.events) {
            return Err(Error::new(ErrorKind::Stopped, "Stopped."));
        }
        inner.events += 1;
        keep(&mut inner);
        Ok(())
    }
}

#[async_trait]
impl Output for Kept {
    async fn records(&self, records: Vec<Json>) -> Result<()> {
        tokio::task::yield_now().await;
        self.event(|inner| inner.records.extend(records.iter().map(ToString::to_string)))
    }

    async fn state(&self, state: &Json) -> Result<()> {
        tokio::task::yield_now().await;
        self.event(|inner| inner.state = Some(state.clone()))
    }
}

fn reading(stream: &Json, api: &Arc<Api>) -> Reading {
    let document =
        Document::parse(&json!({ "type": "DeclarativeSource", "streams": [stream] }).to_string()).unwrap();
    let api = Arc::clone(api);
    let make = move |_: &Node<'_>, stream: &Node<'_>| {
        let name = stream.text("name")?.unwrap_or_default().to_owned();
        Ok(Box::new(Table { name, api: Arc::clone(&api) }) as Box<dyn SliceReader>)
    };
    Reading::new(&Node::root(&document).list("streams")[0], Making::new(&make)).unwrap()
}

/// One read: how it ended, what it handed over, its last state.
async fn once(
    run: &Arc<Run>,
    stream: &Json,
    api: Api,
    state: Option<&Json>,
    room: Option<usize>,
) -> (Result<()>, BTreeSet<String>, Option<Json>) {
    read_with(run, &reading(stream, &Arc::new(api)), state, room).await
}

async fn read_with(
    run: &Arc<Run>,
    reading: &Reading,
    state: Option<&Json>,
    room: Option<usize>,
) -> (Result<()>, BTreeSet<String>, Option<Json>) {
    let output = Kept { room, ..Kept::default() };
    let outcome = read::all(reading, run, state.and_then(Json::as_object), &output).await;
    let kept = output.inner.into_inner().unwrap();
    (outcome, kept.records, kept.state)
}

fn run(width: usize, compatibility: Compatibility) -> Arc<Run> {
    let mut run = Arc::into_inner(super::run(&json!({}), compatibility)).unwrap();
    run.concurrency = width;
    Arc::new(run)
}

fn cursor(step: bool) -> Json {
    let mut cursor = json!({ "type": "DatetimeBasedCursor", "cursor_field": "updated", "datetime_format": "%Y-%m-%d",
        "start_datetime": "2024-01-01" });
    if step {
        cursor["step"] = json!("P10D");
        cursor["cursor_granularity"] = json!("P1D");
    }
    cursor
}

fn stream(name: &str, cursor: Option<Json>, router: Option<Json>) -> Json {
    let mut stream =
        json!({ "type": "DeclarativeStream", "name": name, "retriever": { "type": "SimpleRetriever" } });
    if let Some(cursor) = cursor {
        stream["incremental_sync"] = cursor;
    }
    if let Some(router) = router {
        stream["retriever"]["partition_router"] = router;
    }
    stream
}

fn children_of(parent: Json) -> Json {
    json!({ "type": "SubstreamPartitionRouter", "parent_stream_configs": [{ "type": "ParentStreamConfig",
        "stream": parent, "parent_key": "id", "partition_field": "person", "incremental_dependency": true }] })
}

fn people(count: usize) -> Vec<Json> {
    let person = |id: usize| json!({ "id": id, "updated": format!("2024-0{}-1{}", 1 + id % 3, id % 5) });
    (0..count).map(person).collect()
}

fn tables() -> Map {
    let mut items = Vec::new();
    for person in 0..7 {
        for number in 0..(person % 4) * 2 + 1 {
            let (month, day) = (1 + (person + number) % 3, 1 + (person * 5 + number * 3) % 14);
            items.push(json!({ "person": person, "kind": if person % 2 == 0 { "even" } else { "odd" },
                "id": format!("{person}.{number}"), "updated": format!("2024-0{month}-{day:02}") }));
        }
    }
    Map::from_iter([("items".to_owned(), Json::Array(items)), ("people".to_owned(), Json::Array(people(7)))])
}

fn streams() -> Vec<Json> {
    let kinds =
        json!({ "type": "ListPartitionRouter", "values": ["even", "odd", "none"], "cursor_field": "kind" });
    let global = |mut cursor: Json| {
        cursor["global_substream_cursor"] = json!(true);
        cursor
    };
    let parents = |step| children_of(stream("people", Some(cursor(step)), None));
    vec![
        stream("items", Some(cursor(false)), None),
        stream("items", Some(cursor(true)), None),
        stream("items", Some(cursor(false)), Some(kinds.clone())),
        stream("items", Some(cursor(true)), Some(kinds)),
        stream("items", Some(cursor(true)), Some(parents(false))),
        stream("items", Some(cursor(false)), Some(parents(true))),
        stream("items", Some(global(cursor(true))), Some(parents(true))),
        stream("items", None, Some(parents(true))),
    ]
}

/// Each stream is read with a fault in each place, and then gone on with from its last state. How many rows are lost?
async fn lost(compatibility: Compatibility, fault: fn(usize) -> (Option<usize>, Option<usize>)) -> usize {
    set_now("2024-03-15T10:20:30Z");
    let mut lost = 0;
    for run in [run(1, compatibility), run(3, compatibility)] {
        for stream in streams() {
            let api = Arc::new(Api { tables: tables(), ..Api::default() });
            let reading = reading(&stream, &api);
            let (outcome, all, _) = read_with(&run, &reading, None, None).await;
            outcome.unwrap();
            assert_eq!(all.len(), 25);
            for place in 0.. {
                let (room, fails_at) = fault(place);
                api.pages.store(0, Ordering::Relaxed);
                *api.fails_at.lock().unwrap() = fails_at;
                let (outcome, first, state) = read_with(&run, &reading, None, room).await;
                *api.fails_at.lock().unwrap() = None;
                let (again, second, _) = read_with(&run, &reading, state.as_ref(), None).await;
                again.unwrap();
                lost += all.len() - first.union(&second).count();
                match outcome {
                    Ok(()) => break,
                    Err(error) => {
                        assert!(matches!(error.kind(), ErrorKind::Stopped | ErrorKind::ConnectionLost));
                    }
                }
            }
        }
    }
    lost
}

#[tokio::test]
async fn reads_that_are_stopped_anywhere_go_on_from_their_state_without_a_loss() {
    assert_eq!(lost(Compatibility::Safe, |place| (Some(place), None)).await, 0);
}

#[tokio::test]
async fn reads_that_fail_anywhere_close_what_they_began_and_go_on_without_a_loss() {
    assert_eq!(lost(Compatibility::Safe, |place| (None, Some(place))).await, 0);
    assert!(
        lost(Compatibility::Exact, |place| (None, Some(place))).await > 0,
        "the reference passes over children"
    );
}

#[tokio::test]
async fn rows_of_partitions_that_no_state_knows_are_read_from_the_start() {
    set_now("2024-03-15T10:20:30Z");
    let stream = stream("items", Some(cursor(false)), Some(children_of(stream("people", None, None))));
    let with_people = |count: usize| {
        let mut tables = tables();
        tables.insert("people".to_owned(), Json::Array(people(count)));
        Api { tables, ..Api::default() }
    };
    for (compatibility, finds_all) in [(Compatibility::Safe, true), (Compatibility::Exact, false)] {
        let run = run(1, compatibility);
        let (_, first, state) = once(&run, &stream, with_people(5), None, None).await;
        let (_, second, _) = once(&run, &stream, with_people(7), state.as_ref(), None).await;
        assert_eq!(first.union(&second).count() == 25, finds_all, "{compatibility:?}");
    }
}

#[tokio::test]
async fn a_row_dated_in_the_future_does_not_hide_those_that_come_before_it() {
    set_now("2024-03-15T10:20:30Z");
    let stream = stream("people", Some(cursor(false)), None);
    let api = || {
        let rows = json!([{ "id": 1, "updated": "2024-03-01" }, { "id": 2, "updated": "2099-01-01" }]);
        Api { tables: Map::from_iter([("people".to_owned(), rows)]), ignores_windows: true, ..Api::default() }
    };
    for (compatibility, reached) in
        [(Compatibility::Safe, "2024-03-15"), (Compatibility::Exact, "2099-01-01")]
    {
        let (outcome, records, state) = once(&run(1, compatibility), &stream, api(), None, None).await;
        outcome.unwrap();
        assert_eq!((records.len(), state), (2, Some(json!({ "updated": reached }))));
    }
}

#[tokio::test]
async fn states_without_a_cursor_are_handed_out_only_where_they_are_asked_for() {
    set_now("2024-03-15T10:20:30Z");
    let plain = stream("people", None, None);
    let both = json!({ "type": "StateDelegatingStream", "name": "people", "full_refresh_stream": plain,
        "incremental_stream": stream("people", Some(cursor(false)), None) });
    let mark = Some(json!({ "__ab_no_cursor_state_message": true }));
    let api = |fails_at| Api { tables: tables(), fails_at: Mutex::new(fails_at), ..Api::default() };
    let (safe, exact) = (run(1, Compatibility::Safe), run(1, Compatibility::Exact));
    for (stream, fails_at, run, expected) in [
        (&plain, None, &safe, None),
        (&plain, None, &exact, mark.clone()),
        (&plain, Some(1), &exact, mark.clone()),
        (&both, None, &safe, mark.clone()),
        (&both, Some(1), &safe, None),
        (&both, Some(1), &exact, mark.clone()),
    ] {
        let (_, _, state) = once(run, stream, api(fails_at), None, None).await;
        assert_eq!(state, expected, "{stream} {fails_at:?} {:?}", run.compatibility);
    }
    let (_, records, state) = once(&safe, &both, api(None), mark.as_ref(), None).await;
    assert_eq!((records.len(), state), (7, Some(json!({ "updated": "2024-03-12" }))));
}

#[tokio::test]
async fn previews_look_until_there_are_rows_and_checks_look_once() {
    set_now("2024-03-15T10:20:30Z");
    let safe = run(1, Compatibility::Safe);
    let kinds =
        |values: &[&str]| json!({ "type": "ListPartitionRouter", "values": values, "cursor_field": "kind" });
    let api = Arc::new(Api { tables: tables(), ..Api::default() });
    let some = reading(&stream("items", None, Some(kinds(&["none", "odd", "even"]))), &api);
    let none = reading(&stream("items", None, Some(kinds(&[]))), &api);
    for (stream, wanted, given) in [(&some, 3, 3), (&some, 0, 0), (&some, 1000, 25), (&none, 1, 0)] {
        let output = Kept::default();
        read::first(stream, &safe, wanted, &output).await.unwrap();
        let inner = output.inner.lock().unwrap();
        assert_eq!(inner.records.len(), given, "{wanted} wanted");
        assert!(inner.state.is_none(), "a preview says nothing of how far anything was read");
    }
    let output = Kept::default();
    let before = api.pages.load(Ordering::Relaxed);
    assert!(!read::check(&some, &safe, &output).await.unwrap());
    assert_eq!(api.pages.load(Ordering::Relaxed), before + 1, "only the first slice is asked for");
    assert_eq!(read::check(&none, &safe, &output).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(output.inner.lock().unwrap().records.is_empty(), "a check hands nothing on");
}
