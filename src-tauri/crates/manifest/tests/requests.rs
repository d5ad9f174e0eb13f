//! What requesters send, compared with what the reference sends (`requests.json`, made by `requesters.py` of the testkit).

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use syncline_manifest::context::Compatibility;
use syncline_manifest::document::Document;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::http::{Asked, Options, Requester};
use syncline_manifest::{Map, Node, Run, Silent, Slice};
use syncline_protocol::{ErrorKind, Result};
use syncline_testkit::http::{Answer, HttpServer, Request};

/// Headers that every client has its own way with.
const OURS: [&str; 6] = ["accept", "accept-encoding", "user-agent", "connection", "content-length", "host"];

/// Cases where the reference loses what it should send, and what is right.
const RIGHT: [(&str, &str); 1] = [("data 123", "123")];

/// A manifest with one stream that has this requester.
fn manifest(requester: &Value) -> Arc<Document> {
    let selector =
        json!({"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}});
    let retriever = json!({"type": "SimpleRetriever", "record_selector": selector, "requester": requester});
    let manifest = json!({
        "version": "6.0.0",
        "type": "DeclarativeSource",
        "check": {"type": "CheckStream", "stream_names": ["stream"]},
        "streams": [{"type": "DeclarativeStream", "name": "stream", "retriever": retriever}],
    });
    Document::parse(&manifest.to_string()).unwrap()
}

/// The requester of such a manifest.
fn requester(document: &Document) -> Result<Requester> {
    let streams = Node::root(document).list("streams");
    Requester::new(&streams[0].require("retriever")?.require("requester")?)
}

fn map(value: &Value) -> Map {
    value.as_object().cloned().unwrap_or_default()
}

fn options(asked: &Value) -> Options {
    Options {
        headers: map(&asked["headers"]),
        parameters: map(&asked["parameters"]),
        body_data: map(&asked["body_data"]),
        body_json: map(&asked["body_json"]),
        path: asked["path"].as_str().map(str::to_owned),
    }
}

async fn send(case: &Value, config: &Value, exact: bool) -> Result<()> {
    let document = manifest(&case["requester"]);
    let requester = requester(&document)?;
    let asked = &case["asked"];
    let slice = asked.get("slice").map(|slice| Slice {
        partition: map(&slice["partition"]),
        window: map(&slice["window"]),
        extra_fields: map(&slice["extra_fields"]),
    });
    let compatibility = if exact { Compatibility::Exact } else { Compatibility::Safe };
    let run = Run::new(config.clone(), Client::new(Limits::default())?, compatibility, jiff::Timestamp::now);
    let asked = Asked {
        slice: slice.as_ref(),
        token: asked.get("token"),
        options: options(asked),
        stream: "stream",
        ..Asked::default()
    };
    requester.send(&run, asked, &Silent).await.map(|_| ())
}

/// What a request has in common with one of the reference.
fn seen(request: &Request) -> Value {
    let mut headers: Vec<(String, String)> =
        request.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect();
    headers.retain(|(name, _)| !OURS.contains(&name.as_str()));
    headers.sort();
    let headers: Map = headers.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    let body = (!request.body.is_empty()).then(|| String::from_utf8_lossy(&request.body).into_owned());
    json!({"method": request.method, "url": request.target, "body": body, "headers": headers})
}

async fn compare(exact: bool) -> Vec<String> {
    let caught: Arc<Mutex<Vec<Request>>> = Arc::default();
    let keep = Arc::clone(&caught);
    let server = HttpServer::start(move |request| {
        keep.lock().unwrap().push(request);
        Answer::json(&json!({}))
    });
    let server = server.await.unwrap();
    let table = include_str!("requests.json").replace("https://api.example.com", &server.url());
    let table: Value = serde_json::from_str(&table).unwrap();
    let (host, cases) = (server.url(), table["cases"].as_array().unwrap());
    assert!(cases.len() >= 150, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        caught.lock().unwrap().clear();
        let done = send(case, &table["config"], exact).await;
        let found = caught.lock().unwrap().iter().map(seen).collect::<Vec<_>>();
        if let Some(fails) = case["fails"].as_str() {
            // What is no valid manifest to the reference may be one here.
            if done.is_ok() && fails != "ValidationError" && (exact || !name.starts_with("path a:b")) {
                wrong.push(format!("{name}: the reference refuses it ({fails})"));
            }
            continue;
        }
        let mut expected = case["sent"].clone();
        let url = expected["url"].as_str().unwrap().replace(&host, "");
        // Parts of a page are no business of a server. In a query `'` is quoted here, which servers read alike.
        let url = url.split('#').next().unwrap();
        let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
        expected["url"] = Value::from(format!("{path}{}", query.replace('\'', "%27")));
        // Spaces at the end of a header do not reach a server.
        for value in expected["headers"].as_object_mut().into_iter().flat_map(Map::values_mut) {
            *value = Value::from(value.as_str().unwrap().trim_end());
        }
        if let Some((_, right)) = RIGHT.iter().find(|(case, _)| *case == name) {
            expected["body"] = Value::from(*right);
        }
        match (done, found.as_slice()) {
            (Ok(()), [found]) if *found == expected => {}
            (done, found) => wrong.push(format!("{name}: {done:?} {found:?} instead of {expected}")),
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_those_of_the_reference() {
    for exact in [true, false] {
        let wrong = compare(exact).await;
        assert!(wrong.is_empty(), "exact: {exact}, {} differences: {wrong:#?}", wrong.len());
    }
}

#[tokio::test]
async fn a_header_that_cannot_be_sent_is_told_without_its_value() {
    let document = manifest(&json!({
        "type": "HttpRequester", "url_base": "http://127.0.0.1:1", "path": "/",
        "authenticator": {"type": "BearerAuthenticator", "api_token": "{{ config['token'] }}"},
    }));
    let config = json!({"token": "sup3rs3cret\nand more"});
    let client = Client::new(Limits::default()).unwrap();
    let run = Run::new(config, client, Compatibility::Safe, jiff::Timestamp::now);
    let error = requester(&document).unwrap().send(&run, Asked::default(), &Silent).await.err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    let told = format!("{error:?} {} {:?}", error.message(), error.causes());
    assert!(told.contains("Authorization") && !told.contains("sup3rs3cret"), "{told}");
}
