//! Whether two programs made the same of the same API.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Asked, Recorded, canonical};

/// What a program made of an API.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Records by stream.
    pub records: BTreeMap<String, Vec<Value>>,
    /// Last states by stream.
    pub states: BTreeMap<String, Value>,
    /// Why streams failed; an empty name stands for the whole read.
    pub failed: BTreeMap<String, String>,
    /// The requests, in any order.
    pub asked: Vec<Asked>,
}

/// Something that is not the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// The stream; empty when it is not known.
    pub table: String,
    /// In words.
    pub what: String,
}

/// Compares records of each stream as multisets, last states, failures, and the set of requests.
pub fn differences(reference: &Recorded, ours: &Outcome) -> Vec<Difference> {
    let mut found = Vec::new();
    for stream in reference.streams.keys() {
        let mut say = |what: String| found.push(Difference { table: stream.clone(), what });
        match (failure(&reference.failed, stream), failure(&ours.failed, stream)) {
            (None, None) => {
                if let Some(what) = records(reference.records.get(stream), ours.records.get(stream)) {
                    say(what);
                }
                if let Some(what) = state(reference.states.get(stream), ours.states.get(stream)) {
                    say(what);
                }
            }
            (Some(_), Some(_)) => {}
            (Some(why), None) => say(format!("only the reference fails: {}", short(why))),
            (None, Some(why)) => say(format!("fails here: {}", short(why))),
        }
    }
    requests(reference, ours, &mut found);
    found
}

fn failure<'a>(failed: &'a BTreeMap<String, String>, stream: &str) -> Option<&'a str> {
    failed.get(stream).map(String::as_str)
}

/// What differs between two multisets of records.
fn records(reference: Option<&Vec<Value>>, ours: Option<&Vec<Value>>) -> Option<String> {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for record in reference.into_iter().flatten() {
        *counts.entry(emitted(record)).or_default() += 1;
    }
    for record in ours.into_iter().flatten() {
        *counts.entry(emitted(record)).or_default() -= 1;
    }
    let missing = counts.iter().filter(|(_, count)| **count > 0);
    let extra = counts.iter().filter(|(_, count)| **count < 0);
    let example = match (missing.clone().next(), extra.clone().next()) {
        (None, None) => return None,
        (Some((there, _)), Some((here, _))) => difference(there, here),
        (Some((there, _)), None) => format!("missing: {}", short(there)),
        (None, Some((here, _))) => format!("too much: {}", short(here)),
    };
    let of = reference.map_or(0, Vec::len);
    Some(format!("records: {} of {of} missing, {} too many; {example}", missing.count(), extra.count()))
}

/// A record as a canonical text. Fields that are null are left out, as the reference leaves them out when it speaks.
fn emitted(record: &Value) -> String {
    match record {
        Value::Object(fields) => {
            let there = fields.iter().filter(|(_, value)| !value.is_null());
            canonical(&there.map(|(name, value)| (name.clone(), value.clone())).collect())
        }
        other => canonical(other),
    }
}

/// Where two canonical texts begin to differ.
fn difference(there: &str, here: &str) -> String {
    let same = there.chars().zip(here.chars()).take_while(|(left, right)| left == right).count();
    let part = |text: &str| text.chars().skip(same.saturating_sub(40)).take(160).collect::<String>();
    format!("reference …{}… here …{}…", part(there), part(here))
}

fn state(reference: Option<&Value>, ours: Option<&Value>) -> Option<String> {
    let nothing = json!({});
    let there = canonical(&comparable(reference.unwrap_or(&nothing)));
    let here = canonical(&comparable(ours.unwrap_or(&nothing)));
    (there != here).then(|| format!("state: {}", difference(&there, &here)))
}

/// A state without what time and order of reading decide.
fn comparable(state: &Value) -> Value {
    match state {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(key, _)| {
                // How long the read took, and a mark that there is no state.
                key.as_str() != "lookback_window" && key.as_str() != "__ab_no_cursor_state_message"
            });
            let sorted = |(key, value): (&String, &Value)| {
                let mut value = comparable(value);
                if let (true, Value::Array(partitions)) = (key == "states", &mut value) {
                    partitions.sort_by_key(canonical);
                }
                (key.clone(), value)
            };
            Value::Object(kept.map(sorted).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(comparable).collect()),
        other => other.clone(),
    }
}

fn requests(reference: &Recorded, ours: &Outcome, found: &mut Vec<Difference>) {
    let failed = |stream: &str| reference.failed.contains_key(stream) || ours.failed.contains_key(stream);
    let here: BTreeSet<&Asked> = ours.asked.iter().collect();
    let there: BTreeMap<Asked, &str> = reference
        .exchanges
        .iter()
        .map(|exchange| (Asked::recorded(exchange), exchange.stream.as_str()))
        .collect();
    let streams: BTreeMap<&str, &str> =
        there.iter().map(|(asked, stream)| (asked.what.as_str(), *stream)).collect();
    // How far a stream got before it failed depends on what ran beside it.
    let any_failed = !reference.failed.is_empty() || !ours.failed.is_empty();
    for (asked, stream) in &there {
        if !here.contains(asked) && !failed(stream) {
            found.push(Difference {
                table: (*stream).to_owned(),
                what: format!("not asked: {}", short(&asked.to_string())),
            });
        }
    }
    for asked in here {
        if !there.contains_key(asked) && !any_failed {
            let stream = streams.get(asked.what.as_str()).copied().unwrap_or_default();
            let what = format!("asked in addition: {}", short(&asked.to_string()));
            found.push(Difference { table: stream.to_owned(), what });
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded() -> Recorded {
        serde_json::from_value(json!({
            "now": "2024-02-20T08:30:15Z", "streams": {"things": "incremental"}, "state": {},
            "exchanges": [{"stream": "things", "method": "GET", "target": "/a?x=1", "headers": {}, "body": "",
                           "answers": [{"status": 200, "headers": [], "body": "[]"}]}],
            "records": {"things": [{"id": 1, "name": "a"}, {"id": 1, "name": "a"}]},
            "states": {"things": {"lookback_window": 1, "states": [{"cursor": 1}, {"cursor": 2}]}}, "failed": {},
        }))
        .unwrap()
    }

    fn same() -> Outcome {
        let recorded = recorded();
        Outcome {
            records: BTreeMap::from([(
                "things".to_owned(),
                vec![json!({"name": "a", "id": 1, "gone": null}), json!({"id": 1, "name": "a"})],
            )]),
            states: BTreeMap::from([(
                "things".to_owned(),
                json!({"lookback_window": 9, "states": [{"cursor": 2}, {"cursor": 1}]}),
            )]),
            failed: BTreeMap::new(),
            asked: recorded.exchanges.iter().map(Asked::recorded).collect(),
        }
    }

    fn found(change: impl FnOnce(&mut Outcome)) -> Vec<String> {
        let mut outcome = same();
        change(&mut outcome);
        differences(&recorded(), &outcome).into_iter().map(|difference| difference.what).collect()
    }

    #[test]
    fn order_nulls_and_durations_do_not_matter() {
        assert_eq!(found(|_| ()), Vec::<String>::new());
    }

    #[test]
    fn each_kind_of_difference_is_found() {
        let lost = found(|outcome| drop(outcome.records.get_mut("things").unwrap().pop()));
        assert!(lost[0].contains("1 of 2 missing"), "{lost:?}");
        let state = found(|outcome| drop(outcome.states.insert("things".to_owned(), json!({"states": []}))));
        assert!(state[0].starts_with("state:"), "{state:?}");
        let asked = found(|outcome| outcome.asked.clear());
        assert!(asked[0].starts_with("not asked: GET /a"), "{asked:?}");
        let more = found(|outcome| outcome.asked[0].headers.extend([("x".to_owned(), "1".to_owned())]));
        assert_eq!(more.len(), 2, "{more:?}");
        let failed = found(|outcome| drop(outcome.failed.insert("things".to_owned(), "no".to_owned())));
        assert_eq!(failed, ["fails here: no"]);
    }
}
