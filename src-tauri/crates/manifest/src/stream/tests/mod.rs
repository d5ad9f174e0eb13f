//! Slices and states, compared with what the reference gives (`testkit/reference/slices.py` makes the table).

use std::cell::Cell;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use syncline_protocol::Result;

use super::reading::{Making, Reading, Session, SliceReader, SliceSink};
use super::retriever::{PageSink, SliceRead};
use crate::context::{Compatibility, Run, Silent, Slice};
use crate::cursor::{Opened, Seen};
use crate::document::{Document, Node};
use crate::http::client::{Client, Limits};
use crate::{Json, Map};

mod resuming;
mod shape;

thread_local! {
    static NOW: Cell<jiff::Timestamp> = const { Cell::new(jiff::Timestamp::UNIX_EPOCH) };
}

fn now() -> jiff::Timestamp {
    NOW.get()
}

pub(super) fn set_now(text: &str) {
    NOW.set(text.parse().unwrap());
}

/// What differs on purpose, and why.
const KNOWN: &[(&str, &str)] = &[
    ("window: step P9999Y by P1D", "a step beyond the calendar ends where reading ends, not in an error"),
    ("router: list, duplicates with a cursor", AGAIN),
    ("partitions: two parents with cursors", AGAIN),
    ("partitions: duplicates of parents", AGAIN),
];
const AGAIN: &str =
    "whether a partition that comes again is read again depends on whether its first read is over";

/// Gives the records that a case has for a slice, in place of a retriever.
struct Answering {
    name: String,
    answers: Arc<Json>,
    asked: Arc<Mutex<Vec<Json>>>,
}

#[async_trait]
impl SliceReader for Answering {
    async fn read(&self, read: SliceRead<'_>, pages: &dyn PageSink) -> Result<()> {
        let mut options = Map::new();
        for (place, fields) in [
            ("headers", &read.options.headers),
            ("parameters", &read.options.parameters),
            ("body_data", &read.options.body_data),
            ("body_json", &read.options.body_json),
        ] {
            if !fields.is_empty() {
                options.insert(place.to_owned(), Json::Object(fields.clone()));
            }
        }
        self.asked.lock().unwrap().push(json!([self.name, shown(read.slice), options]));
        let slice = read.slice.value();
        let holds = |answer: &&Json| {
            let when = answer.get("when").and_then(Value::as_object);
            when.into_iter().flatten().all(|(key, value)| slice.get(key) == Some(value))
        };
        let answers = self.answers.get(&self.name).and_then(Value::as_array).into_iter().flatten();
        let mut records =
            answers.clone().find(holds).map(|answer| answer["records"].clone()).unwrap_or_default();
        let records = records.as_array_mut().map(std::mem::take).unwrap_or_default();
        let is_fresh = |record: &Json| read.filter.or(read.feed).is_none_or(|fresh| fresh.is_fresh(record));
        pages.page(records.into_iter().filter(is_fresh).collect()).await?;
        Ok(())
    }

    fn keep_answers(&mut self) {}
}

fn shown(slice: &Slice) -> Json {
    let mut shown = json!({ "partition": slice.partition, "window": slice.window });
    if !slice.extra_fields.is_empty() {
        shown["extra_fields"] = json!(slice.extra_fields);
    }
    shown
}

/// The only stream of a manifest that has it, reading from `answers`.
pub(super) fn reading(stream: &Json, answers: &Json, asked: &Arc<Mutex<Vec<Json>>>) -> Result<Reading> {
    let manifest = json!({
        "version": "7.39.1",
        "type": "DeclarativeSource",
        "check": { "type": "CheckStream", "stream_names": [stream["name"]] },
        "streams": [stream],
    });
    let document = Document::parse(&manifest.to_string())?;
    let (answers, asked) = (Arc::new(answers.clone()), Arc::clone(asked));
    let make = move |_: &Node<'_>, stream: &Node<'_>| {
        let name = stream.text("name")?.unwrap_or_default().to_owned();
        let (answers, asked) = (Arc::clone(&answers), Arc::clone(&asked));
        Ok(Box::new(Answering { name, answers, asked }) as Box<dyn SliceReader>)
    };
    let node = Node::root(&document);
    Reading::new(&node.list("streams")[0], Making::new(&make))
}

pub(super) fn run(config: &Json, compatibility: Compatibility) -> Arc<Run> {
    let client = Client::new(Limits::default()).unwrap();
    Arc::new(Run::new(config.clone(), client, compatibility, now))
}

/// Reads slice by slice, and notes the state after each.
struct Lockstep<'s, 'a> {
    session: &'s Session<'a>,
    slices: Vec<Json>,
    states: Vec<Json>,
    records: Vec<Json>,
}

struct Noting<'s, 'a> {
    session: &'s Session<'a>,
    noted: tokio::sync::Mutex<(Seen, Vec<Json>)>,
}

#[async_trait]
impl PageSink for Noting<'_, '_> {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        let mut noted = self.noted.lock().await;
        self.session.note(&mut noted.0, &records);
        noted.1.extend(records);
        Ok(true)
    }
}

#[async_trait]
impl SliceSink for Lockstep<'_, '_> {
    async fn take(&mut self, opened: Opened) -> Result<bool> {
        self.slices.push(shown(&opened.slice));
        let noting = Noting { session: self.session, noted: Default::default() };
        self.session.read(&opened, &noting).await?;
        let (seen, records) = noting.noted.into_inner();
        self.records.extend(records);
        self.session.close(&opened, &seen);
        self.states.push(self.session.state());
        Ok(true)
    }
}

#[derive(Deserialize)]
struct Case {
    name: String,
    stream: Json,
    config: Json,
    answers: Json,
    state: Option<Map>,
    now: Option<String>,
    outcome: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Read(Json),
    Error(#[allow(dead_code, reason = "the name of Python's error is for people who read the table")] String),
}

async fn outcome(case: &Case) -> Result<Json> {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let reading = reading(&case.stream, &case.answers, &asked)?;
    let run = run(&case.config, Compatibility::Exact);
    let session = reading.session(&run, case.state.as_ref(), &Silent)?;
    let mut lockstep =
        Lockstep { session: &session, slices: Vec::new(), states: Vec::new(), records: Vec::new() };
    session.slices(&mut lockstep).await?;
    session.finish(true);
    let Lockstep { slices, states, records, .. } = lockstep;
    let last = session.state();
    let asked = asked.lock().unwrap().clone();
    Ok(json!({ "slices": slices, "states": states, "last": last, "records": records, "asked": asked }))
}

/// Which of two streams is asked first is not told by the table.
fn same(part: &str, theirs: &Json, ours: &Json) -> bool {
    let sorted = |value: &Json| {
        let mut texts: Vec<String> =
            value.as_array().into_iter().flatten().map(ToString::to_string).collect();
        texts.sort();
        texts
    };
    if part == "asked" { sorted(theirs) == sorted(ours) } else { theirs == ours }
}

#[tokio::test]
async fn streams_are_read_as_the_reference_reads_them() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../../../tests/slices.json")).unwrap();
    let mut wrong = Vec::new();
    for case in cases.iter().filter(|case| !KNOWN.iter().any(|(name, _)| *name == case.name)) {
        set_now(case.now.as_deref().unwrap_or("2024-03-15T10:20:30.123456Z"));
        match (&case.outcome, outcome(case).await) {
            (Outcome::Error(_), Err(_)) => {}
            (Outcome::Read(theirs), Ok(ours)) => {
                for part in ["slices", "states", "last", "records", "asked"] {
                    let (theirs, ours) = (&theirs[part], &ours[part]);
                    if !same(part, theirs, ours) {
                        wrong.push(format!("{}: {part}\n   is {ours}\n not {theirs}", case.name));
                    }
                }
            }
            (Outcome::Read(_), Err(error)) => wrong.push(format!("{}: {error:?}", case.name)),
            (Outcome::Error(name), Ok(ours)) => {
                wrong.push(format!("{}: {ours} where the reference has {name}", case.name));
            }
        }
    }
    assert!(cases.len() >= 380, "{} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
