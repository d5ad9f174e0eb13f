//! Expressions, compared with what the reference gives (`testkit/reference/expressions.py` makes the table).

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;
use syncline_manifest::expression::{Accept, Condition, Scope, Text};

#[derive(Deserialize)]
struct Table {
    config: Json,
    context: serde_json::Map<String, Json>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    string: Outcome,
    mapping: Outcome,
    parameter: Outcome,
    condition: Outcome,
    integer: Outcome,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Value(Json),
    Error(
        #[allow(dead_code, reason = "the names of Python's errors are for people who read the table")] String,
    ),
}

impl Outcome {
    /// What the reference gives, where JSON can hold it.
    fn is(&self, ours: &Result<Json, String>) -> bool {
        match (self, ours) {
            (Outcome::Value(theirs), Ok(ours)) => same(theirs, ours),
            (Outcome::Error(_), Err(_)) => true,
            _ => false,
        }
    }

    /// Sets, bytes and infinity are values of Python only: we keep the text they are written as.
    fn is_beyond_json(&self) -> bool {
        matches!(self, Outcome::Value(value) if beyond_json(value))
    }

    fn shown(&self) -> String {
        match self {
            Outcome::Value(value) => value.to_string(),
            Outcome::Error(name) => name.clone(),
        }
    }
}

fn beyond_json(value: &Json) -> bool {
    match value {
        Json::Array(items) => items.iter().any(beyond_json),
        Json::Object(fields) => fields.contains_key("$") || fields.values().any(beyond_json),
        _ => false,
    }
}

fn same(theirs: &Json, ours: &Json) -> bool {
    match (theirs, ours) {
        (Json::Number(left), Json::Number(right)) => left == right,
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        (left, right) => left == right,
    }
}

fn frozen() -> jiff::Timestamp {
    "2024-03-15T10:20:30.123456Z".parse().unwrap()
}

/// What differs on purpose; the reason stands beside it.
const KNOWN: &[&str] = include!("expressions_known.rs");

#[test]
fn expressions_give_what_the_reference_gives() {
    let table: Table = serde_json::from_str(include_str!("expressions.json")).unwrap();
    let mut scope = Scope::new(&table.config, frozen);
    for (name, value) in table.context.iter().filter(|(name, _)| *name != "parameters") {
        scope = scope.with(name, value);
    }
    let parameters = Arc::new(table.context["parameters"].clone());
    let mut wrong = Vec::new();
    let mut compared = 0;
    for case in &table.cases {
        if KNOWN.contains(&case.text.as_str()) {
            continue;
        }
        let text = Text::new(&case.text, Arc::clone(&parameters)).map_err(|error| error.to_string());
        let condition =
            Condition::new(&case.text, Arc::clone(&parameters)).map_err(|error| error.to_string());
        let mapped = |accept| {
            let text = text.as_ref().map_err(Clone::clone)?;
            text.eval_as(&scope, accept).map(Option::unwrap_or_default).map_err(|error| error.to_string())
        };
        let string = text
            .as_ref()
            .map_err(Clone::clone)
            .and_then(|text| text.eval(&scope).map_err(|error| error.to_string()));
        let holds =
            condition.and_then(|condition| condition.holds(&scope).map_err(|error| error.to_string()));
        for (what, theirs, ours) in [
            ("string", &case.string, string),
            ("mapping", &case.mapping, mapped(Accept::Any)),
            ("parameter", &case.parameter, mapped(Accept::TextAndLists)),
            ("condition", &case.condition, holds.map(Json::Bool)),
            ("integer", &case.integer, mapped(Accept::Integer)),
        ] {
            compared += 1;
            if !theirs.is(&ours) && !theirs.is_beyond_json() {
                wrong.push(format!("{} as {what}: {} is expected, not {ours:?}", case.text, theirs.shown()));
            }
        }
    }
    for text in KNOWN {
        assert!(table.cases.iter().any(|case| case.text == *text), "{text} is no longer in the table");
    }
    println!("{compared} results of {} texts were compared", table.cases.len());
    assert!(compared > 8000, "only {compared} results were compared");
    assert!(wrong.is_empty(), "{} of {compared} differ:\n{}", wrong.len(), wrong.join("\n"));
}
