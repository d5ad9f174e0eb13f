//! How fast records pass on one core: run with `--release -- --ignored --nocapture records_speed`.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use syncline_manifest::context::Compatibility;
use syncline_manifest::document::Document;
use syncline_manifest::http::Options;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::records::{Place, Selector};
use syncline_manifest::stream::retriever::SliceRead;
use syncline_manifest::{Node, Run, Silent, Slice};

const PAGES: usize = 400;
const PAGE: usize = 1000;

fn page() -> String {
    let record = |id: usize| {
        json!({"id": id, "name": format!("customer number {id}"), "email": format!("c{id}@example.com"),
            "created_at": "2024-02-20T08:30:15Z", "amount": id as f64 * 1.5, "active": true, "note": null,
            "address": {"city": "Berlin", "zip": "10115"}, "tags": ["a", "b"]})
    };
    json!({"data": (0..PAGE).map(record).collect::<Vec<_>>()}).to_string()
}

fn added(name: &str, value: &str) -> Value {
    json!({"type": "AddedFieldDefinition", "path": [name], "value": value})
}

async fn measure(name: &str, selector: Value, transformations: Value, schema: Value) {
    let stream = json!({"streams": [{"type": "DeclarativeStream", "name": "s", "transformations": transformations,
        "retriever": {"type": "SimpleRetriever", "record_selector": selector},
        "schema_loader": {"type": "InlineSchemaLoader", "schema": schema}}]});
    let document = Document::parse(&stream.to_string()).unwrap();
    let stream = Node::root(&document).list("streams").remove(0);
    let selector = Selector::new(
        &stream.require("retriever").unwrap().require("record_selector").unwrap(),
        Some(&stream),
    )
    .unwrap();
    let client = Client::new(Limits::default()).unwrap();
    let run = Arc::new(Run::new(json!({"prefix": "p"}), client, Compatibility::Safe, jiff::Timestamp::now));
    let (slice, token) = (json!({"project": 7}), Value::Null);
    let place = Place { run: &run, slice: &slice, token: &token, fresh: None };
    let (own, options) = (Slice::default(), Options::default());
    let read = SliceRead::all(&run, &own, &options, "stream", &Silent);
    let text = page();
    let (mut parsing, mut working, mut count) = (0.0, 0.0, 0);
    for _ in 0..PAGES {
        let began = Instant::now();
        let element: Value = serde_json::from_str(&text).unwrap();
        let parsed = Instant::now();
        let extracted = selector.extract(&read, element).await.unwrap();
        let records = selector.select(&place, extracted.records).await.unwrap();
        let done = Instant::now();
        count += records.len();
        parsing += (parsed - began).as_secs_f64();
        working += (done - parsed).as_secs_f64();
    }
    let rate = |seconds: f64| (count as f64 / seconds / 1000.0).round();
    println!(
        "{name}: {} thousand records/s with parsing, {} without; {} bytes a record",
        rate(parsing + working),
        rate(working),
        text.len() / PAGE
    );
}

#[tokio::test]
#[ignore = "a measurement"]
async fn records_per_second() {
    let plain =
        json!({"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": ["data"]}});
    let with = |field: &str, value: Value| {
        let mut selector = plain.clone();
        selector[field] = value;
        selector
    };
    let three = json!([{"type": "AddFields", "fields": [added("project", "{{ stream_slice['project'] }}"),
        added("city", "{{ record['address']['city'] }}"), added("label", "{{ config['prefix'] ~ record['name'] }}")]}]);
    let schema = json!({"properties": {"id": {"type": "string"}, "amount": {"type": "number"},
        "address": {"type": "object", "properties": {"zip": {"type": "integer"}}}}});
    measure("plain", plain.clone(), json!([]), json!({})).await;
    let filter = json!({"type": "RecordFilter", "condition": "{{ record['id'] % 2 == 0 }}"});
    measure("filtered", with("record_filter", filter), json!([]), json!({})).await;
    measure("three fields added", plain.clone(), three, json!({})).await;
    measure("cast", with("schema_normalization", json!("Default")), json!([]), schema).await;
}
