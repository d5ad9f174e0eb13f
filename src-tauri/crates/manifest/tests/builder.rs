//! Drafts proved against servers of this computer: guesses that hold, guesses that do not, and APIs that refuse.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use syncline_manifest::builder::{Recordings, draft, trial};
use syncline_protocol::builder::{
    BuilderField, DraftFrom, Found, FoundArray, Severity, Trial, TrialFinding, TrialResult,
};
use syncline_testkit::http::{Answer, HttpServer, Request};

pub(crate) const KEY: &str = "s3cret-key";

/// 230 tickets, page by page, behind a key.
pub(crate) fn help_desk(rows: &'static str, honest: bool) -> impl Fn(Request) -> Answer {
    move |request| {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let query: HashMap<String, String> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        if request.header("x-api-key") != Some(KEY) {
            return status(401, json!({"message": "no key"}));
        }
        if path != "/v2/tickets" {
            return status(404, json!({"message": "nothing here"}));
        }
        let since = query.get("updated_since").filter(|_| honest).cloned().unwrap_or_default();
        let all: Vec<Value> = (1..=230)
            .map(|id| json!({"id": id, "subject": format!("Ticket {id}"), "updated_at": format!("2026-01-{:02}T{:02}:00:00Z", id / 24 + 1, id % 24)}))
            .filter(|ticket| ticket["updated_at"].as_str().unwrap() >= since.as_str())
            .collect();
        let number =
            |name: &str, usual: usize| query.get(name).and_then(|value| value.parse().ok()).unwrap_or(usual);
        let (page, size) = (number("page", 1), number("per_page", 20).min(100));
        let page: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
        let mut answer = Answer::json(&json!({rows: page, "total": 230}));
        answer.headers.push(("X-RateLimit-Remaining".to_owned(), "41".to_owned()));
        answer
    }
}

fn status(status: u16, body: Value) -> Answer {
    Answer { status, ..Answer::json(&body) }
}

fn description(url: &str) -> String {
    json!({
        "openapi": "3.1.0", "info": {"title": "Help desk"}, "servers": [{"url": format!("{url}/v2")}],
        "components": {"securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Api-Key"}}},
        "paths": {"/tickets": {"get": {
            "parameters": [{"name": "page", "in": "query"}, {"name": "per_page", "in": "query", "schema": {"maximum": 100}},
                {"name": "updated_since", "in": "query"}],
            "responses": {"200": {"content": {"application/json": {"schema": {"type": "object", "properties": {
                "data": {"type": "array", "items": {"type": "object", "properties": {
                    "id": {"type": "integer"}, "subject": {"type": "string"}, "updated_at": {"type": "string", "format": "date-time"}}}}}}}}}}
        }}}
    })
    .to_string()
}

pub(crate) async fn from_description(url: &str) -> String {
    let from = DraftFrom::OpenApi { text: Some(description(url)), url: None, chosen: None };
    draft(from).await.unwrap().yaml
}

pub(crate) fn ask(yaml: &str, key: &str) -> Trial {
    Trial {
        yaml: yaml.to_owned(),
        table: "tickets".to_owned(),
        config: json!({"api_key": key}),
        replay: false,
        twice: false,
        secrets: Vec::new(),
        bounds: None,
    }
}

async fn run(trial_of: &Trial) -> TrialResult {
    trial(&Arc::new(Recordings::default()), trial_of, jiff::Timestamp::now).await
}

fn found(result: &TrialResult, field: BuilderField) -> &TrialFinding {
    result
        .findings
        .iter()
        .find(|finding| finding.field == field)
        .unwrap_or_else(|| panic!("{:?}", result.findings))
}

#[tokio::test]
async fn pages_key_and_newer_rows_are_proved_by_requests() {
    let server = HttpServer::start(help_desk("data", true)).await.unwrap();
    let yaml = from_description(&server.url()).await;
    let result = run(&Trial { twice: true, ..ask(&yaml, KEY) }).await;
    assert_eq!(result.row_count, 230, "{:?}", result.findings);
    assert!(
        result.findings.iter().all(|finding| finding.severity == Severity::Proved),
        "{:?}",
        result.findings
    );
    assert_eq!(found(&result, BuilderField::Pages).what, Found::PagesProved { pages: 3, rows: 230 });
    assert_eq!(
        found(&result, BuilderField::Key).what,
        Found::KeyUnique { key: vec!["id".to_owned()], rows: 230 }
    );
    let Found::NewerProved { rows, of: 230, .. } = found(&result, BuilderField::Incremental).what else {
        panic!()
    };
    assert!((100..130).contains(&rows), "{rows}");
    let first = &result.exchanges[0];
    assert!(
        first.url.ends_with("/v2/tickets?page=1&per_page=100") || first.url.contains("page=1"),
        "{}",
        first.url
    );
    assert_eq!((first.status, first.rows), (200, Some(100)));
    assert_eq!(first.limits, [("x-ratelimit-remaining".to_owned(), "41".to_owned())]);
    assert!(!format!("{result:?}").contains(KEY), "the key is shown");
    assert!(first.headers.contains(&("x-api-key".to_owned(), "••••".to_owned())));
}

#[tokio::test]
async fn what_was_recorded_is_given_again_without_a_request() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let answers = help_desk("data", true);
    let server = HttpServer::start(move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        answers(request)
    })
    .await
    .unwrap();
    let yaml = from_description(&server.url()).await;
    let recordings = Arc::new(Recordings::default());
    let live = trial(&recordings, &ask(&yaml, KEY), jiff::Timestamp::now).await;
    let before = asked.load(Ordering::Relaxed);
    // Also without the key, as it is after the window was opened again.
    let again = Trial { replay: true, config: json!({}), ..ask(&yaml, "") };
    let replayed = trial(&recordings, &again, jiff::Timestamp::now).await;
    assert_eq!(asked.load(Ordering::Relaxed), before);
    assert!(replayed.replayed);
    assert_eq!((replayed.row_count, &replayed.rows), (live.row_count, &live.rows));
    let other = Trial { yaml: yaml.replace("per_page", "size"), ..again };
    let missing = trial(&recordings, &other, jiff::Timestamp::now).await;
    assert_eq!(missing.findings[0].what, Found::NotRecorded);
}

#[tokio::test]
async fn a_wrong_guess_names_the_array_that_is_there() {
    let server = HttpServer::start(help_desk("results", true)).await.unwrap();
    let yaml = from_description(&server.url()).await;
    let result = run(&ask(&yaml, KEY)).await;
    let rows = found(&result, BuilderField::Rows);
    let other = FoundArray { path: vec!["results".to_owned()], rows: 100 };
    assert_eq!(rows.what, Found::NoRows { at: "data[]".to_owned(), other: Some(other) });
    assert_eq!(rows.severity, Severity::Problem);
    let corrected = run(&ask(&yaml.replace("- data\n", "- results\n"), KEY)).await;
    assert_eq!(corrected.row_count, 230, "{:?}", corrected.findings);
}

#[tokio::test]
async fn a_filter_that_is_ignored_is_noticed() {
    let server = HttpServer::start(help_desk("data", false)).await.unwrap();
    let yaml = from_description(&server.url()).await;
    let result = run(&Trial { twice: true, ..ask(&yaml, KEY) }).await;
    let newer = found(&result, BuilderField::Incremental);
    let Found::FilterIgnored { parameter, older, .. } = &newer.what else { panic!("{newer:?}") };
    assert_eq!(parameter.as_deref(), Some("updated_since"));
    assert!(*older > 100);
}

#[tokio::test]
async fn refusals_name_the_place() {
    let server = HttpServer::start(help_desk("data", true)).await.unwrap();
    let yaml = from_description(&server.url()).await;
    let wrong = run(&ask(&yaml, "wrong-key")).await;
    let sign_in = found(&wrong, BuilderField::SignIn);
    assert_eq!(sign_in.what, Found::NotSignedIn { status: 401, sent: "x-api-key: ••••".to_owned() });
    let lost = run(&ask(&yaml.replace("path: /tickets", "path: /nothing"), KEY)).await;
    assert!(
        matches!(&found(&lost, BuilderField::Path).what, Found::NoSuchPath { url } if url.contains("/v2/nothing"))
    );
    let broken = run(&ask("streams: [", KEY)).await;
    assert!(matches!(found(&broken, BuilderField::Manifest).what, Found::NotLoaded { .. }));
    let gone = yaml.replace(&server.url(), "http://127.0.0.1:1");
    let gone = run(&ask(&gone, KEY)).await;
    assert!(
        matches!(found(&gone, BuilderField::Address).what, Found::Unreachable { .. }),
        "{:?}",
        gone.findings
    );
}

async fn answered(answer: Answer) -> TrialResult {
    let server = HttpServer::start(move |_| answer.clone()).await.unwrap();
    let yaml = from_description(&server.url()).await;
    run(&ask(&yaml, KEY)).await
}

#[tokio::test]
async fn answers_that_are_no_data_are_told_apart() {
    let page = Answer {
        status: 200,
        headers: vec![],
        body: b"<!DOCTYPE html><html></html>".as_slice().into(),
        ..Answer::default()
    };
    assert!(matches!(found(&answered(page).await, BuilderField::Address).what, Found::WebPage { .. }));
    let text = Answer { status: 200, headers: vec![], body: b"ok".as_slice().into(), ..Answer::default() };
    assert!(matches!(found(&answered(text).await, BuilderField::Address).what, Found::NotJson { .. }));
    let failed = answered(status(500, json!({}))).await;
    assert!(matches!(found(&failed, BuilderField::Errors).what, Found::ServerFailed { status: 500 }));
    let mut limited = status(429, json!({}));
    limited.headers.push(("Retry-After".to_owned(), "30".to_owned()));
    assert!(matches!(
        found(&answered(limited).await, BuilderField::Errors).what,
        Found::AskedTooOften { wait: Some(30) }
    ));
    let same = answered(Answer::json(&json!({"data": (0..100).map(|id| json!({"id": id % 50, "amount": if id == 7 { json!("N/A") } else { json!(id) }})).collect::<Vec<_>>()}))).await;
    assert_eq!(found(&same, BuilderField::Pages).what, Found::PageRepeats, "{:?}", same.findings);
    assert!(matches!(found(&same, BuilderField::Key).what, Found::KeyDoubled { .. }));
    assert!(
        matches!(&found(&same, BuilderField::Schema).what, Found::Mixed { column, .. } if column == "amount")
    );
    assert_eq!(same.exchanges.len(), 5, "it stops after five pages");
    assert!(same.limited);
}

#[tokio::test]
async fn a_table_of_a_table_is_asked_for_row_by_row() {
    let server =
        HttpServer::start(|request| match request.target.split(['/', '?']).collect::<Vec<_>>().as_slice() {
            ["", "orders", order, "items"] => {
                let order: u64 = order.parse().unwrap();
                Answer::json(
                    &json!({"items": [{"id": order * 10, "sku": "a"}, {"id": order * 10 + 1, "sku": "b"}]}),
                )
            }
            ["", "orders"] => Answer::json(&json!([{"id": 1}, {"id": 2}, {"id": 3}])),
            other => status(404, json!({"message": format!("{other:?}")})),
        })
        .await
        .unwrap();
    let rows =
        |schema: Value| json!({"responses": {"200": {"content": {"application/json": {"schema": schema}}}}});
    let order = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    let list = json!({"type": "object", "properties": {"items": {"type": "array", "items": order}}});
    let text = json!({"openapi": "3.0.3", "servers": [{"url": server.url()}], "paths": {
        "/orders": {"get": rows(json!({"type": "array", "items": order}))}, "/orders/{order_id}/items": {"get": rows(list)}}});
    let made =
        draft(DraftFrom::OpenApi { text: Some(text.to_string()), url: None, chosen: None }).await.unwrap();
    assert_eq!(made.operations[1].parent.as_deref(), Some("GET /orders"));
    let result = run(&Trial { table: "items".to_owned(), config: json!({}), ..ask(&made.yaml, "") }).await;
    assert_eq!(result.row_count, 6, "{:?}", result.findings);
    let counts: Vec<Option<u64>> = result.exchanges.iter().map(|exchange| exchange.rows).collect();
    assert_eq!(counts, [None, Some(2), Some(2), Some(2)], "rows of the parent are none of the table");
    assert_eq!(found(&result, BuilderField::Key).severity, Severity::Proved);
}

/// Orders on two pages, and the items of each on one or two.
fn shop(orders: usize) -> impl Fn(Request) -> Answer {
    move |request| {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let page: usize =
            query.split('&').find_map(|pair| pair.strip_prefix("page=")?.parse().ok()).unwrap_or(1);
        let rows = |count: usize| -> Vec<Value> {
            (1..=count).skip((page - 1) * 3).take(3).map(|id| json!({"id": id})).collect()
        };
        match path.strip_prefix("/orders") {
            Some("") => Answer::json(&json!({"data": rows(orders)})),
            // The first one has a second page.
            Some("/1/items") => Answer::json(&json!({"data": rows(4)})),
            Some(_) => Answer::json(&json!({"data": rows(2)})),
            None => status(404, json!({})),
        }
    }
}

fn items_of(url: &str) -> String {
    format!(
        r##"
version: 6.0.0
type: DeclarativeSource
check: {{type: CheckStream, stream_names: [orders]}}
definitions:
  requester: {{type: HttpRequester, url_base: "{url}"}}
  selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: [data]}}}}
  paginator:
    type: DefaultPaginator
    page_token_option: {{type: RequestOption, inject_into: request_parameter, field_name: page}}
    pagination_strategy: {{type: PageIncrement, page_size: 3, start_from_page: 1}}
  orders:
    type: DeclarativeStream
    name: orders
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester: {{$ref: "#/definitions/requester", path: /orders}}
      record_selector: {{$ref: "#/definitions/selector"}}
      paginator: {{$ref: "#/definitions/paginator"}}
  tickets:
    type: DeclarativeStream
    name: tickets
    retriever:
      type: SimpleRetriever
      requester: {{$ref: "#/definitions/requester", path: "/orders/{{{{ stream_partition.order }}}}/items"}}
      record_selector: {{$ref: "#/definitions/selector"}}
      paginator: {{$ref: "#/definitions/paginator"}}
      partition_router:
        type: SubstreamPartitionRouter
        parent_stream_configs:
          - {{type: ParentStreamConfig, stream: "#/definitions/orders", parent_key: id, partition_field: order}}
streams: ["#/definitions/orders", "#/definitions/tickets"]
"##
    )
}

#[tokio::test]
async fn what_a_divided_table_takes_is_measured() {
    let server = HttpServer::start(shop(5)).await.unwrap();
    let trial_of = ask(&items_of(&server.url()), "");
    let result = run(&trial_of).await;
    let divided = result.divided.unwrap();
    assert_eq!((divided.parent_pages, divided.parents, divided.more), (2, 5, false), "{result:?}");
    assert_eq!((divided.asked, divided.pages), (5, 6));
    assert!(divided.request_ms.is_some());
    let orders = run(&Trial { table: "orders".to_owned(), ..trial_of }).await;
    assert_eq!(orders.divided, None);

    // What is cut off is a part, and says so.
    let server = HttpServer::start(shop(300)).await.unwrap();
    let divided = run(&ask(&items_of(&server.url()), "")).await.divided.unwrap();
    assert!(divided.more && divided.parents < 300, "{divided:?}");
    assert!(divided.asked > 1 && divided.pages == divided.asked + 1, "{divided:?}");
}
