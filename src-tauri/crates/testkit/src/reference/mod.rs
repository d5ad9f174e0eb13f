//! What the reference implementation of declarative connectors (`airbyte-cdk`) asked, got and said, and whether
//! another program does the same when it gets the same answers.
//!
//! The scripts in `reference/` of this package run it against APIs made up for each manifest and write one [`Case`] a
//! manifest. A [`Tape`] serves a run's answers again; [`differences`] compares what was made of them.

mod asked;
mod compare;
mod tape;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use asked::Asked;
pub use compare::{Difference, Outcome, differences};
pub use tape::Tape;

/// Stands for the address of the server in cases.
pub const BASE: &str = "http://stub.test:9";

/// Everything about one manifest.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Case {
    /// The name of the connector.
    pub connector: String,
    /// The manifest. All its hosts are paths of [`BASE`].
    pub manifest: String,
    /// The configuration.
    pub config: Value,
    /// Why the reference cannot run it.
    pub error: Option<String>,
    /// A first read, and one that goes on from its state.
    pub runs: Vec<Recorded>,
}

/// One read by the reference.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recorded {
    /// The time that it was told.
    pub now: String,
    /// The streams that were read, and how: `full_refresh` or `incremental`.
    pub streams: BTreeMap<String, String>,
    /// The states that it started from.
    pub state: BTreeMap<String, Value>,
    /// What it asked, and the answers.
    pub exchanges: Vec<Exchange>,
    /// The records it gave, by stream.
    pub records: BTreeMap<String, Vec<Value>>,
    /// The last state it gave, by stream.
    pub states: BTreeMap<String, Value>,
    /// Why streams failed; an empty name stands for the whole read.
    pub failed: BTreeMap<String, String>,
}

/// A request, and what was answered the first, second … time. The last answer stays.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exchange {
    /// The stream on whose behalf it was asked; empty for tokens.
    #[serde(default)]
    pub stream: String,
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Headers, but for those that HTTP libraries add by themselves.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
    /// The answers.
    pub answers: Vec<Given>,
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Given {
    /// The status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The body, when it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// The body, when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
}

/// The JSON text of a value with sorted keys: equal values have equal texts.
fn canonical(value: &Value) -> String {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                entries.sort_by_key(|(key, _)| *key);
                let entries = entries.into_iter().map(|(key, field)| (key.clone(), sorted(field)));
                Value::Object(entries.collect::<Map<_, _>>())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    sorted(value).to_string()
}
