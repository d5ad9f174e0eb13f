//! Extractors, filters, transformations and casts against a table of what the reference makes of the same bodies
//! (`reference/records.py` of the testkit).

use std::sync::Arc;

use serde_json::{Value, json};
use syncline_manifest::context::Compatibility;
use syncline_manifest::document::Document;
use syncline_manifest::http::Options;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::records::{Place, Selector};
use syncline_manifest::stream::retriever::SliceRead;
use syncline_manifest::{Node, Run, Silent, Slice};

use syncline_protocol::Result;

const TABLE: &str = include_str!("records.json");

/// Where we differ on purpose.
/// - An endless record of the reference's own mistakes is none of ours: what it fails at, and need not, is read.
const BETTER: [&str; 1] = [
    // the reference looks for `type` in a list of schemas
    "cast [1, 2] to {'type': 'array', 'items': [{'type': 'string'}]}",
];

fn run(config: &Value) -> Arc<Run> {
    let client = Client::new(Limits::default()).unwrap();
    Arc::new(Run::new(config.clone(), client, Compatibility::Exact, jiff::Timestamp::now))
}

async fn select(table: &Value, case: &Value) -> Result<(Vec<Value>, usize)> {
    let mut selector = case["selector"].clone();
    selector["type"] = json!("RecordSelector");
    selector["extractor"] = case["extractor"].clone();
    let stream = json!({"streams": [{
        "type": "DeclarativeStream",
        "name": "stream",
        "retriever": {"type": "SimpleRetriever", "record_selector": selector},
        "transformations": case["transformations"],
        "schema_loader": {"type": "InlineSchemaLoader", "schema": case["schema"]},
    }]});
    let document = Document::parse(&stream.to_string())?;
    let stream = Node::root(&document).list("streams").remove(0);
    let selector = Selector::new(&stream.require("retriever")?.require("record_selector")?, Some(&stream))?;
    let run = run(&table["config"]);
    let (mut slice, token) = (table["slice"]["partition"].clone(), json!({"next_page_token": 5}));
    slice["start_time"] = table["slice"]["window"]["start_time"].clone();
    slice["extra_fields"] = table["slice"]["extra_fields"].clone();
    let place = Place { run: &run, slice: &slice, token: &token, fresh: None };
    let (own, options) = (Slice::default(), Options::default());
    let read = SliceRead::all(&run, &own, &options, "stream", &Silent);
    let extracted = selector.extract(&read, case["body"].clone()).await?;
    Ok((selector.select(&place, extracted.records).await?, extracted.count))
}

#[tokio::test]
async fn records_are_what_the_reference_makes_of_them() {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let cases = table["cases"].as_array().unwrap();
    assert!(cases.len() >= 400, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let found = select(&table, case).await;
        let expected = case.get("records").and_then(Value::as_array);
        let same = match (&found, expected) {
            (Ok((records, count)), Some(expected)) => {
                records == expected && case["extracted"].as_u64() == Some(*count as u64)
            }
            (Err(_), None) => true,
            _ => BETTER.contains(&name),
        };
        if !same {
            let found = found.map(|(records, count)| (json!(records).to_string(), count));
            let expected = case.get("records").map_or_else(|| "an error".to_owned(), Value::to_string);
            wrong
                .push(format!("{name}\n  expected {expected} ({})\n  found    {found:?}", case["extracted"]));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
