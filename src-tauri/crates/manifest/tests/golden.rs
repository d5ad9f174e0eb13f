//! Manifests of all kinds of components, made up by `compose.py` of the testkit, against what the reference made of
//! them: the same records, the same last state, the same requests. Needs no Python: all of it is written down.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use syncline_manifest::connector::Connector;
use syncline_manifest::context::Compatibility;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::{Output, Run};
use syncline_protocol::Result;
use syncline_testkit::reference::{Case, Outcome, Recorded, Tape, differences};

/// Fewer than these were not all found.
const AT_LEAST: usize = 60;

static FIRST: OnceLock<Timestamp> = OnceLock::new();
static SECOND: OnceLock<Timestamp> = OnceLock::new();

/// All cases have the same two times: of their first read, and of the one that goes on from it.
fn clock(turn: usize, now: &str) -> fn() -> Timestamp {
    let now = || now.parse().expect("a time");
    if turn == 0 {
        FIRST.get_or_init(now);
        || *FIRST.get().expect("set before")
    } else {
        SECOND.get_or_init(now);
        || *SECOND.get().expect("set before")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn composed_manifests_are_read_as_the_reference_reads_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("the folder").flatten().map(|entry| entry.path()).collect();
    paths.sort();
    assert!(paths.len() >= AT_LEAST, "only {} cases", paths.len());
    let readings = paths.into_iter().map(|path| tokio::spawn(compare(path)));
    let mut wrong = Vec::new();
    for reading in futures::future::join_all(readings).await {
        match reading {
            Ok(differences) => wrong.extend(differences),
            Err(panic) => wrong.push(panic.to_string()),
        }
    }
    let first: Vec<&String> = wrong.iter().take(20).collect();
    assert!(wrong.is_empty(), "{} differences, the first: {first:#?}", wrong.len());
}

/// What differs in one case.
async fn compare(path: PathBuf) -> Vec<String> {
    let text = fs::read(&path).expect("a file that can be read");
    let case: Case = serde_json::from_slice(&text).expect("a case");
    let mut wrong = Vec::new();
    for (turn, recorded) in case.runs.iter().enumerate() {
        let outcome = match read(&case, recorded, turn).await {
            Ok(outcome) => outcome,
            Err(error) => {
                wrong.push(format!("{}: does not load: {error}", case.connector));
                continue;
            }
        };
        let found = differences(recorded, &outcome).into_iter();
        wrong.extend(
            found.map(|found| format!("{}, read {turn}, {}: {}", case.connector, found.table, found.what)),
        );
    }
    wrong
}

/// Reads all streams of a case from its tape.
async fn read(case: &Case, recorded: &Recorded, turn: usize) -> Result<Outcome> {
    let tape = Tape::play(&recorded.exchanges).await.expect("a free port");
    let connector = Connector::parse(&tape.localised(&case.manifest), &|_| None)?;
    let config = serde_json::from_str(&tape.localised(&case.config.to_string())).expect("JSON as before");
    let config = connector.configure(config)?;
    let client = Client::new(Limits { allow_private: true, ..Limits::default() })?;
    let run = Arc::new(Run::new(config, client, Compatibility::Exact, clock(turn, &recorded.now)));
    let mut outcome = Outcome::default();
    for table in
        connector.tables(&run).await?.iter().filter(|table| recorded.streams.contains_key(&table.name))
    {
        let heard = Heard::default();
        let state: Option<Value> = recorded
            .state
            .get(&table.name)
            .map(|state| serde_json::from_str(&tape.localised(&state.to_string())).expect("JSON as before"));
        let ended = match &table.stream {
            Ok(stream) => stream.read(&run, state.as_ref(), &heard).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = ended {
            outcome.failed.insert(table.name.clone(), why);
        }
        heard.into(&table.name, &tape, &mut outcome);
    }
    outcome.asked = tape.asked();
    Ok(outcome)
}

/// Keeps what a stream gives.
#[derive(Default)]
struct Heard {
    records: Mutex<Vec<Value>>,
    states: Mutex<Vec<Value>>,
}

impl Heard {
    fn into(self, stream: &str, tape: &Tape, outcome: &mut Outcome) {
        let neutral =
            |value: &Value| serde_json::from_str(&tape.neutral(&value.to_string())).expect("JSON as before");
        let records = self.records.into_inner().unwrap_or_else(PoisonError::into_inner);
        let states = self.states.into_inner().unwrap_or_else(PoisonError::into_inner);
        let records: Vec<Value> = records.iter().map(neutral).collect();
        outcome.records.extend(BTreeMap::from([(stream.to_owned(), records)]));
        outcome.states.extend(states.last().map(|state| (stream.to_owned(), neutral(state))));
    }
}

#[async_trait]
impl Output for Heard {
    async fn records(&self, records: Vec<Value>) -> Result<()> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).extend(records);
        Ok(())
    }

    async fn state(&self, state: &Value) -> Result<()> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).push(state.clone());
        Ok(())
    }
}
