//! Reading a slice: what is asked for ahead, what is left out, and jobs that an API works off by itself.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
use tokio::sync::Notify;

#[derive(Default)]
struct Kept {
    pages: Mutex<Vec<Vec<Value>>>,
    /// From this page on nothing more is wanted.
    enough: Option<usize>,
    /// The second page is only taken when the third was asked for.
    third: Option<Arc<Notify>>,
}

#[async_trait]
impl PageSink for Kept {
    async fn page(&self, records: Vec<Value>) -> Result<bool> {
        let count = {
            let mut pages = self.pages.lock().unwrap();
            pages.push(records);
            pages.len()
        };
        if let (2, Some(third)) = (count, &self.third) {
            let asked = tokio::time::timeout(Duration::from_secs(30), third.notified()).await;
            assert!(asked.is_ok(), "the third page was not asked for while the second was handed over");
        }
        Ok(self.enough != Some(count))
    }
}

impl Kept {
    fn records(&self) -> Vec<Value> {
        self.pages.lock().unwrap().concat()
    }
}

async fn read(url: &str, manifest: Value, sink: &Kept, compatibility: Compatibility) -> Result<()> {
    let document = Document::parse(&manifest.to_string().replace("{url}", url))?;
    let stream = Node::root(&document).list("streams").remove(0);
    let retriever = Retriever::new(&stream.require("retriever")?, Some(&stream))?;
    let client = Client::new(Limits { allow_private: true, ..Limits::default() })?;
    let mut run = Run::new(json!({}), client, compatibility, jiff::Timestamp::now);
    run.haste = 10_000;
    let run = Arc::new(run);
    let slice = Slice { partition: json!({"id": 7}).as_object().unwrap().clone(), ..Slice::default() };
    let options = Options { parameters: json!({"of": 7}).as_object().unwrap().clone(), ..Options::default() };
    let read = SliceRead::all(&run, &slice, &options, "s", &Silent);
    retriever.read(read, sink).await
}

fn stream(retriever: Value) -> Value {
    json!({"streams": [{"type": "DeclarativeStream", "name": "s", "retriever": retriever}]})
}

fn requester(path: &str) -> Value {
    json!({"type": "HttpRequester", "url_base": "{url}", "path": path})
}

fn selector(path: &[&str]) -> Value {
    json!({"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": path}})
}

fn paged(strategy: Value) -> Value {
    let paginator = json!({"type": "DefaultPaginator", "pagination_strategy": strategy,
        "page_token_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "page"}});
    json!({"type": "SimpleRetriever", "requester": requester("/items"), "record_selector": selector(&["items"]),
        "paginator": paginator})
}

/// A server of four pages, which says when the third is asked for, and what was asked.
async fn four_pages() -> (HttpServer, Arc<Notify>, Arc<Mutex<Vec<String>>>) {
    let (third, asked) = (Arc::new(Notify::new()), Arc::new(Mutex::new(Vec::new())));
    let (signal, log) = (Arc::clone(&third), Arc::clone(&asked));
    let server = HttpServer::start(move |request: Request| {
        let mut log = log.lock().unwrap();
        log.push(request.target);
        let at = log.len();
        if at == 3 {
            signal.notify_one();
        }
        let next = if at < 4 { json!(format!("t{at}")) } else { Value::Null };
        let count = if at < 4 { 2 } else { 1 };
        let items: Vec<Value> = (0..count).map(|of| json!({"id": at * 10 + of, "nothing": null})).collect();
        Answer::json(&json!({"items": items, "next": next}))
    })
    .await
    .unwrap();
    (server, third, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_page_is_asked_for_while_one_is_handed_over() {
    for strategy in [
        json!({"type": "PageIncrement", "page_size": 2}),
        json!({"type": "OffsetIncrement", "page_size": 2}),
        json!({"type": "CursorPagination", "cursor_value": "{{ response.next }}"}),
        json!({"type": "CursorPagination", "cursor_value": "{{ last_record['id'] }}", "stop_condition": "{{ last_page_size < 2 }}"}),
    ] {
        let (server, third, asked) = four_pages().await;
        let sink = Kept { third: Some(third), ..Kept::default() };
        read(&server.url(), stream(paged(strategy.clone())), &sink, Compatibility::Safe).await.unwrap();
        let ids: Vec<u64> = sink.records().iter().map(|record| record["id"].as_u64().unwrap()).collect();
        assert_eq!(ids, [10, 11, 20, 21, 30, 31, 40], "{strategy}");
        assert_eq!(asked.lock().unwrap().len(), 4, "{strategy}");
        assert!(sink.records().iter().all(|record| record.get("nothing").is_none()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_at_the_first_page_asks_for_no_other() {
    let (server, _, asked) = four_pages().await;
    let sink = Kept { enough: Some(1), ..Kept::default() };
    let strategy = json!({"type": "CursorPagination", "cursor_value": "{{ response.next }}"});
    read(&server.url(), stream(paged(strategy)), &sink, Compatibility::Safe).await.unwrap();
    assert_eq!((sink.records().len(), asked.lock().unwrap().len()), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_the_slice_stay_away_from_later_pages_when_the_manifest_says_so() {
    for (ignore, expected) in [(false, "/items?of=7&page=1"), (true, "/items?page=1")] {
        let (server, _, asked) = four_pages().await;
        let sink = Kept { enough: Some(2), ..Kept::default() };
        let mut retriever = paged(json!({"type": "PageIncrement", "page_size": 2}));
        retriever["ignore_stream_slicer_parameters_on_paginated_requests"] = json!(ignore);
        read(&server.url(), stream(retriever), &sink, Compatibility::Safe).await.unwrap();
        let asked = asked.lock().unwrap();
        assert_eq!(asked[0], "/items?of=7");
        let sorted = |target: &str| {
            let (path, query) = target.split_once('?').unwrap();
            let mut parts: Vec<&str> = query.split('&').collect();
            parts.sort_unstable();
            format!("{path}?{}", parts.join("&"))
        };
        assert_eq!(sorted(&asked[1]), expected);
    }
}

fn job_retriever() -> Value {
    let method = |path: &str, method: &str| {
        let mut made = requester(path);
        made["http_method"] = json!(method);
        made
    };
    json!({"type": "AsyncRetriever",
        "creation_requester": method("/jobs", "POST"),
        "polling_requester": requester("/jobs/{{ creation_response['id'] }}"),
        "download_requester": requester("/files/{{ download_target }}"),
        "abort_requester": method("/jobs/{{ creation_response['id'] }}/abort", "POST"),
        "delete_requester": method("/jobs/{{ creation_response['id'] }}", "DELETE"),
        "status_extractor": {"type": "DpathExtractor", "field_path": ["status"]},
        "download_target_extractor": {"type": "DpathExtractor", "field_path": ["files"]},
        "status_mapping": {"type": "AsyncJobStatusMap", "running": ["RUNNING"], "completed": ["DONE"],
            "failed": ["FAILED"], "timeout": ["EXPIRED"], "skipped": ["NOTHING"]},
        "download_extractor": {"type": "ResponseToFileExtractor"},
        "record_selector": selector(&[])})
}

/// An API of jobs: each polling takes the next word of the script.
async fn jobs(script: &'static [&'static str]) -> (HttpServer, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let said = Mutex::new(script.iter());
    let server = HttpServer::start(move |request: Request| {
        let line = format!("{} {}", request.method, request.target);
        let number = log.lock().unwrap().iter().filter(|line: &&String| *line == "POST /jobs").count();
        log.lock().unwrap().push(line.clone());
        match line.as_str() {
            "POST /jobs" => Answer::json(&json!({"id": number + 1})),
            line if line.starts_with("GET /jobs/") => {
                let status = said.lock().unwrap().next().copied().unwrap_or("RUNNING");
                Answer::json(&json!({"status": status, "files": ["a", "b"]}))
            }
            "GET /files/a" => file("id,name\n1,NA\n2,\n"),
            "GET /files/b" => file("id,name\n3,x\n"),
            _ => Answer::json(&json!({})),
        }
    })
    .await
    .unwrap();
    (server, asked)
}

fn file(text: &str) -> Answer {
    Answer { body: text.as_bytes().into(), ..Answer::default() }
}

fn counts(asked: &Mutex<Vec<String>>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for line in asked.lock().unwrap().iter() {
        *counts.entry(line.clone()).or_default() += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_followed_downloaded_and_deleted() {
    let (server, asked) = jobs(&["RUNNING", "RUNNING", "DONE"]).await;
    let sink = Kept::default();
    read(&server.url(), stream(job_retriever()), &sink, Compatibility::Safe).await.unwrap();
    // `NA` is a text (Namibia), and an empty cell is nothing.
    assert_eq!(
        sink.records(),
        [json!({"id": "1", "name": "NA"}), json!({"id": "2"}), json!({"id": "3", "name": "x"})]
    );
    let expected = [
        "POST /jobs",
        "GET /jobs/1",
        "GET /jobs/1",
        "GET /jobs/1",
        "GET /files/a",
        "GET /files/b",
        "DELETE /jobs/1",
    ];
    assert_eq!(*asked.lock().unwrap(), expected);

    let (server, _) = jobs(&["DONE"]).await;
    let sink = Kept::default();
    read(&server.url(), stream(job_retriever()), &sink, Compatibility::Exact).await.unwrap();
    assert_eq!(sink.records()[0], json!({"id": "1"}));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_fails_is_given_again_and_one_that_is_skipped_is_not() {
    let (server, asked) = jobs(&["FAILED", "EXPIRED", "DONE"]).await;
    let sink = Kept::default();
    read(&server.url(), stream(job_retriever()), &sink, Compatibility::Safe).await.unwrap();
    let count = counts(&asked);
    assert_eq!((count["POST /jobs"], count["POST /jobs/2/abort"], sink.records().len()), (3, 1, 3));
    assert_eq!(count.get("POST /jobs/1/abort"), None, "a job that failed is over");

    let (server, asked) = jobs(&["FAILED", "FAILED", "FAILED", "DONE"]).await;
    let error = read(&server.url(), stream(job_retriever()), &Kept::default(), Compatibility::Safe).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionLost);
    assert_eq!(counts(&asked)["POST /jobs"], 3);

    let (server, asked) = jobs(&["NOTHING"]).await;
    read(&server.url(), stream(job_retriever()), &Kept::default(), Compatibility::Safe).await.unwrap();
    assert_eq!(asked.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_never_ends_is_aborted() {
    let (server, asked) = jobs(&[]).await;
    let mut retriever = job_retriever();
    retriever["polling_job_timeout"] = json!(1);
    let error = read(&server.url(), stream(retriever), &Kept::default(), Compatibility::Safe).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::ConnectionLost);
    let count = counts(&asked);
    assert_eq!((count["POST /jobs"], count["POST /jobs/1/abort"], count["POST /jobs/3/abort"]), (3, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_that_nobody_knows_is_told() {
    let (server, asked) = jobs(&["PERHAPS"]).await;
    let error = read(&server.url(), stream(job_retriever()), &Kept::default(), Compatibility::Safe).await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptInput);
    assert!(error.message().contains("`PERHAPS`"), "{error}");
    assert_eq!(counts(&asked)["POST /jobs/1/abort"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_that_are_cut_off_are_asked_for() {
    let server = HttpServer::start(|request: Request| match request.target.as_str() {
        "/orders?of=7" => Answer::json(&json!([
            {"id": 1, "lines": {"data": [{"n": 1}], "more": true}},
            {"id": 2, "lines": {"data": [{"n": 9}], "more": false}},
            {"id": 3, "lines": {"data": [{"n": 8}], "more": true}}])),
        "/orders/1/lines" => Answer::json(&json!({"lines": [{"n": 1}, {"n": 2}]})),
        _ => Answer::json(&json!({"lines": []})),
    })
    .await
    .unwrap();
    let mut orders = selector(&[]);
    orders["extractor"]["record_expander"] = json!({"type": "RecordExpander",
        "expand_records_from_field": ["lines", "data"],
        "truncation_indicator_path": ["lines", "more"],
        "parent_fields": [{"type": "ParentFieldPath", "parent_path": ["id"], "record_path": ["order"]}],
        "truncated_list_retriever": {"type": "SimpleRetriever",
            "requester": requester("/orders/{{ stream_slice['parent_record']['id'] }}/lines"),
            "record_selector": selector(&["lines"])}});
    let retriever =
        json!({"type": "SimpleRetriever", "requester": requester("/orders"), "record_selector": orders});
    let sink = Kept::default();
    read(&server.url(), stream(retriever), &sink, Compatibility::Safe).await.unwrap();
    let line = |n: u32, order: u32| json!({"n": n, "order": order});
    assert_eq!(sink.records(), [line(1, 1), line(2, 1), line(9, 2), line(8, 3)]);
}
