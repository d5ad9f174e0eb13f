//! Recorded exchanges with an API, written by hand as YAML, and a server that replays them strictly: a request that is
//! not among them is answered with an error and remembered, so that the test can name it.
//!
//! All hosts are paths of the one server: `https://api.example.com/a` is asked for as `/api.example.com/a`. What goes
//! to a client passes through [`Replay::localised`], which turns the real addresses into those of the server; what
//! comes from one is turned back before it is compared.

mod asked;
mod replay;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use replay::{Replay, World};

/// The exchanges of one API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The settings of the source.
    pub settings: Value,
    /// Headers that every request must carry, by small names; those of an exchange win.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// What is asked, and the answers.
    pub exchanges: Vec<Exchange>,
    /// The answer of an API that is asked too often.
    pub rate_limit: RateLimit,
    /// The answer to somebody who may not come in.
    pub sign_in: Refusal,
    /// Other ways to sign in.
    #[serde(default)]
    pub also: Vec<Also>,
}

/// A request, and what is answered to it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// Method and address, decoded: `GET https://api.example.com/orders?page=2`. The order of parameters does not
    /// matter.
    pub ask: String,
    /// The exchange stands for several: one for each of these words, which takes the place of `$each` in it.
    #[serde(default)]
    pub each: Vec<String>,
    /// Headers that this request must carry beside those of the recording; an empty text stands for none.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// The body as JSON.
    #[serde(default)]
    pub json: Option<Value>,
    /// The body as a form; the value `*` stands for any.
    #[serde(default)]
    pub form: Option<BTreeMap<String, String>>,
    /// The status of the answer; 200 when nothing is said.
    #[serde(default)]
    pub status: Option<u16>,
    /// Headers of the answer.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body of the answer: JSON, or text as it is. Without one the request is only made in the later world.
    #[serde(default)]
    pub answer: Option<Value>,
    /// The body of the answer after rows were added and changed.
    #[serde(default)]
    pub later: Option<Value>,
}

/// An answer that refuses, and what Syncline makes of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its status.
    pub status: u16,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    pub body: Value,
    /// What the person reads.
    pub says: String,
}

/// The answer of an API that is asked too often: a request of a table gets it once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// The table.
    pub table: String,
    /// A part of the request that is told so, when it is not the first of all: a token or a list of tables may be asked
    /// for before.
    #[serde(default)]
    pub at: String,
    /// The status of the answer.
    pub status: u16,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    pub body: Value,
    /// How long Syncline must wait for it.
    pub waits_seconds: i64,
}

/// Another way to sign in.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Also {
    /// What it is called in the output.
    pub name: String,
    /// Settings that replace those of the recording.
    pub settings: Value,
    /// Headers that replace those of the recording.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Exchanges in addition.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
}

/// What a table must give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// How many different requests the first read makes.
    pub requests: usize,
    /// The keys of its rows: each a value, a list of values, or a range `1..100`.
    pub keys: Vec<Value>,
    /// The keys that the second read brings. Without them the table is read whole each time.
    #[serde(default)]
    pub later: Option<Vec<Value>>,
    /// The API cannot be asked for newer rows only: the connector reads on and leaves the older ones out.
    #[serde(default)]
    pub filtered_here: bool,
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// With line and column.
    pub fn parse(text: &str) -> Result<Recording> {
        let mut recording: Recording = yaml(text)?;
        recording.exchanges = recording.exchanges.iter().flat_map(Exchange::spelled_out).collect();
        Ok(recording)
    }

    /// The same API for somebody who signs in in another way.
    pub fn signed_in(&self, also: &Also) -> Recording {
        let mut other = self.clone();
        other.settings = also.settings.clone();
        other.headers = also.headers.clone();
        other.exchanges.splice(0..0, also.exchanges.iter().flat_map(Exchange::spelled_out));
        other
    }
}

impl Exchange {
    /// One exchange for each word, rows spelled out.
    fn spelled_out(&self) -> Vec<Exchange> {
        let one = |word: Option<&String>| {
            let put = |value: &Value| {
                word.map_or_else(|| value.clone(), |word| filled(value, "$each", &word.as_str().into()))
            };
            let mut exchange = self.clone();
            if let Some(word) = word {
                exchange.ask = exchange.ask.replace("$each", word);
            }
            exchange.json = exchange.json.as_ref().map(put);
            exchange.answer = exchange.answer.as_ref().map(put).as_ref().map(with_rows);
            exchange.later = exchange.later.as_ref().map(put).as_ref().map(with_rows);
            for value in exchange.headers.values_mut() {
                *value = word.map_or_else(|| value.clone(), |word| value.replace("$each", word));
            }
            exchange
        };
        if self.each.is_empty() {
            vec![one(None)]
        } else {
            self.each.iter().map(|word| one(Some(word))).collect()
        }
    }
}

impl Expected {
    /// What all tables must give, by name.
    ///
    /// # Errors
    /// With line and column.
    pub fn parse(text: &str) -> Result<BTreeMap<String, Expected>> {
        yaml(text)
    }
}

/// Keys as text, ranges spelled out, sorted.
///
/// # Errors
/// For a range that is none.
pub fn keys(listed: &[Value]) -> Result<Vec<String>> {
    let mut keys = Vec::new();
    for key in listed {
        match key {
            Value::String(text) if text.contains("..") => {
                let (first, last) = text.split_once("..").context("a range")?;
                let (first, last): (i64, i64) = (first.parse()?, last.parse()?);
                keys.extend((first..=last).map(|number| number.to_string()));
            }
            Value::Array(parts) => keys.push(parts.iter().map(plain).collect::<Vec<_>>().join("/")),
            key => keys.push(plain(key)),
        }
    }
    keys.sort_unstable();
    Ok(keys)
}

/// A value of a key as text.
pub fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A body with its rows spelled out: `{$rows: {from: 1, to: 100, row: {id: $n}}}` stands for a list of a hundred rows,
/// and `$n` in them for the number of the row (alone: as a number).
fn with_rows(value: &Value) -> Value {
    match value {
        Value::Object(fields) => match fields.get("$rows") {
            Some(rows) => {
                let number = |name: &str| rows.get(name).and_then(Value::as_i64).unwrap_or(1);
                let row = rows.get("row").cloned().unwrap_or_else(|| json!({}));
                (number("from")..=number("to")).map(|n| filled(&row, "$n", &n.into())).collect()
            }
            None => {
                let each = |(name, value): (&String, &Value)| (name.clone(), with_rows(value));
                Value::Object(fields.iter().map(each).collect::<Map<_, _>>())
            }
        },
        Value::Array(items) => items.iter().map(with_rows).collect(),
        other => other.clone(),
    }
}

/// The same with a value in the place of a mark; names of fields can hold it, too.
fn filled(value: &Value, mark: &str, with: &Value) -> Value {
    let text = |text: &str| text.replace(mark, &plain(with));
    match value {
        Value::String(whole) if whole == mark => with.clone(),
        Value::String(part) => text(part).into(),
        Value::Object(fields) => {
            let each = |(name, value): (&String, &Value)| (text(name), filled(value, mark, with));
            Value::Object(fields.iter().map(each).collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(|item| filled(item, mark, with)).collect(),
        other => other.clone(),
    }
}

fn yaml<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    let options = serde_saphyr::options! { strict_booleans: true, with_snippet: false };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| anyhow::anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_keys_are_spelled_out() {
        let body = json!({"data": {"$rows": {"from": 9, "to": 11, "row": {"id": "$n", "name": "n$n"}}}});
        let ids = json!([{"id": 9, "name": "n9"}, {"id": 10, "name": "n10"}, {"id": 11, "name": "n11"}]);
        assert_eq!(with_rows(&body), json!({ "data": ids }));
        let listed = [json!("1..3"), json!("a"), json!(["x", 7])];
        assert_eq!(keys(&listed).unwrap(), ["1", "2", "3", "a", "x/7"]);
    }

    #[test]
    fn a_recording_with_a_wrong_word_is_refused() {
        let error = Expected::parse("a: {requests: 1, keys: [], latr: []}").unwrap_err();
        assert!(error.to_string().contains("latr"), "{error}");
    }
}
