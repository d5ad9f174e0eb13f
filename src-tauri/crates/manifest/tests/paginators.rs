//! Paging against a table of what the reference asks for when it gets the same answers (`reference/paginators.py` of
//! the testkit): addresses, bodies and headers in order, the number of records, and where it fails.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_manifest::context::Compatibility;
use syncline_manifest::document::Document;
use syncline_manifest::http::Options;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::stream::retriever::{PageSink, Retriever, SliceRead};
use syncline_manifest::{Node, Run, Silent, Slice};
use syncline_protocol::{ErrorKind, Result};
use syncline_testkit::http::{Answer, HttpServer, Request};

const TABLE: &str = include_str!("paginators.json");
/// The table's reads that go on for ever were ended after so many requests.
const MOST: usize = 12;

/// Where we differ on purpose: names of headers are found in any capitalisation, and pages may begin below zero (only
/// by default).
const BETTER: [&str; 1] = ["header x-next"];

/// Counts records, and has enough after some pages.
struct Counted {
    records: Mutex<Vec<Value>>,
    asked: Arc<Mutex<Vec<Value>>>,
    most: usize,
}

#[async_trait]
impl PageSink for Counted {
    async fn page(&self, records: Vec<Value>) -> Result<bool> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).extend(records);
        Ok(self.asked.lock().unwrap_or_else(PoisonError::into_inner).len() < self.most)
    }
}

fn asked(request: &Request) -> Value {
    let headers = request.headers.iter().filter(|(name, _)| name.to_lowercase().starts_with("x-"));
    let headers: serde_json::Map<String, Value> =
        headers.map(|(name, value)| (name.to_lowercase(), json!(value))).collect();
    json!({"target": request.target, "headers": headers, "body": String::from_utf8_lossy(&request.body)})
}

async fn serve(answers: Vec<Value>) -> (HttpServer, Arc<Mutex<Vec<Value>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (log, address) = (Arc::clone(&heard), Arc::new(Mutex::new(String::new())));
    let own = Arc::clone(&address);
    let server = HttpServer::start(move |request| {
        let mut log = log.lock().unwrap();
        let answer = &answers[log.len().min(answers.len() - 1)];
        log.push(asked(&request));
        let local = |text: &str| text.replace("https://api.example.com", &own.lock().unwrap());
        let mut made = Answer::json(&serde_json::from_str(&local(&answer["body"].to_string())).unwrap());
        made.status = answer["status"].as_u64().unwrap_or(200) as u16;
        for (name, value) in answer["headers"].as_object().into_iter().flatten() {
            made.headers.push((name.clone(), local(value.as_str().unwrap())));
        }
        made
    })
    .await
    .unwrap();
    *address.lock().unwrap() = server.url();
    (server, heard)
}

/// What a read came to: its records, what was asked, whether it failed.
type Outcome = (usize, Vec<Value>, Option<ErrorKind>);

async fn read(table: &Value, case: &Value, compatibility: Compatibility, most: usize) -> Outcome {
    let (server, heard) = serve(case["answers"].as_array().unwrap().clone()).await;
    let manifest =
        json!({"streams": [{"type": "DeclarativeStream", "name": "s", "retriever": case["retriever"]}]});
    let manifest = manifest.to_string().replace(table["base"].as_str().unwrap(), &server.url());
    let sink = Counted { records: Mutex::default(), asked: Arc::clone(&heard), most };
    let outcome = async {
        let document = Document::parse(&manifest)?;
        let stream = Node::root(&document).list("streams").remove(0);
        let retriever = Retriever::new(&stream.require("retriever")?, Some(&stream))?;
        let client = Client::new(Limits { allow_private: true, ..Limits::default() })?;
        let mut run = Run::new(table["config"].clone(), client, compatibility, jiff::Timestamp::now);
        run.haste = 1000;
        let run = Arc::new(run);
        let slice = Slice { partition: table["slice"].as_object().unwrap().clone(), ..Slice::default() };
        let options = Options::default();
        let read = SliceRead::all(&run, &slice, &options, "s", &Silent);
        retriever.read(read, &sink).await
    };
    let failed = outcome.await.err().map(|error| error.kind());
    let records = sink.records.lock().unwrap().len();
    let asked = heard.lock().unwrap().clone();
    (records, asked, failed)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_asked_for_as_the_reference_asks() {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let cases = table["cases"].as_array().unwrap();
    assert!(cases.len() >= 120, "only {} cases", cases.len());
    let mut wrong = Vec::new();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let (records, asked, failed) = read(&table, case, Compatibility::Exact, MOST).await;
        let expected = case["asked"].as_array().unwrap();
        let same = match case.get("endless") {
            // One may be asked for while the last is handed over.
            Some(_) => failed.is_none() && asked.len() <= MOST + 1 && asked.starts_with(expected),
            // What is wrong by itself is noticed before anything is asked.
            None if case.get("fails").is_some() => {
                failed.is_some() && (asked.is_empty() || asked == *expected)
            }
            None => failed.is_none() && asked == *expected && case["records"] == json!(records),
        };
        if !same && !BETTER.contains(&name) {
            let asked = json!(asked);
            wrong.push(format!(
                "{name}\n  expected {} {} {}\n  found    {records} {failed:?} {asked}",
                case["records"], case["fails"], case["asked"]
            ));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_nothing_goes_on_for_ever() {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let endless = table["cases"].as_array().unwrap().iter().filter(|case| case.get("endless").is_some());
    let mut count = 0;
    for case in endless {
        let (_, asked, failed) = read(&table, case, Compatibility::Safe, usize::MAX).await;
        assert_eq!(failed, Some(ErrorKind::CorruptInput), "{}", case["name"]);
        assert!(asked.len() <= 14, "{} asked {} times", case["name"], asked.len());
        count += 1;
    }
    assert_eq!(count, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_number_of_zero_is_one() {
    let table: Value = serde_json::from_str(TABLE).unwrap();
    let case =
        table["cases"].as_array().unwrap().iter().find(|case| case["name"] == "pages from below").unwrap();
    let (records, asked, failed) = read(&table, case, Compatibility::Safe, usize::MAX).await;
    assert_eq!((records, asked.len(), failed), (5, 3, None));
}
