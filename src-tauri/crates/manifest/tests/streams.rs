//! Whole streams against a server: windows that become shorter, properties in parts, budgets, known classes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use syncline_manifest::connector::Connector;
use syncline_manifest::context::Compatibility;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::{Output, Run};
use syncline_protocol::{ErrorKind, Result};
use syncline_testkit::http::{Answer, HttpServer, Request};

#[derive(Default)]
struct Kept {
    records: Mutex<Vec<Value>>,
    state: Mutex<Value>,
}

#[async_trait]
impl Output for Kept {
    async fn records(&self, records: Vec<Value>) -> Result<()> {
        self.records.lock().unwrap().extend(records);
        Ok(())
    }

    async fn state(&self, state: &Value) -> Result<()> {
        *self.state.lock().unwrap() = state.clone();
        Ok(())
    }
}

/// A server that keeps the addresses it was asked for.
async fn server(
    answer: impl Fn(&str, &Request) -> Answer + Send + Sync + 'static,
) -> (HttpServer, Arc<Mutex<Vec<String>>>) {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&asked);
    let server = HttpServer::start(move |request: Request| {
        log.lock().unwrap().push(request.target.clone());
        answer(&request.target, &request)
    });
    (server.await.unwrap(), asked)
}

/// Reads the first stream of a manifest: its records and its last state.
async fn read(url: &str, manifest: &Value, config: Value) -> Result<(Vec<Value>, Value)> {
    let mut manifest = manifest.clone();
    manifest["check"] = json!({"type": "CheckStream", "stream_names": ["s"]});
    let connector = Connector::parse(&manifest.to_string().replace("{url}", url), &|_| None)?;
    let client = Client::new(Limits { allow_private: true, ..Limits::default() })?;
    let clock = || "2024-03-01T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
    let mut run = Run::new(connector.configure(config)?, client, Compatibility::Safe, clock);
    run.haste = 10_000;
    connector.limit(&mut run)?;
    let run = Arc::new(run);
    let tables = connector.tables(&run).await?;
    let kept = Kept::default();
    tables[0].stream.as_ref().unwrap().read(&run, None, &kept).await?;
    Ok((kept.records.into_inner().unwrap(), kept.state.into_inner().unwrap()))
}

fn stream(path: &str, field_path: &[&str]) -> Value {
    json!({"type": "DeclarativeStream", "name": "s", "primary_key": "id", "retriever": {
        "type": "SimpleRetriever",
        "requester": {"type": "HttpRequester", "url_base": "{url}", "path": path},
        "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": field_path}},
    }})
}

fn daily(mut stream: Value) -> Value {
    stream["incremental_sync"] = json!({"type": "DatetimeBasedCursor", "cursor_field": "at",
        "datetime_format": "%Y-%m-%d", "start_datetime": "2024-01-01", "end_datetime": "2024-01-08",
        "step": "P30D", "cursor_granularity": "P1D",
        "start_time_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "from"},
        "end_time_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "to"}});
    stream
}

/// The days that are asked for.
fn days(target: &str) -> (u32, u32) {
    let day = |name: &str| {
        let at = target.find(name).unwrap() + name.len();
        target[at..at + 10].rsplit('-').next().unwrap().parse::<u32>().unwrap()
    };
    (day("from="), day("to="))
}

fn rows(from: u32, to: u32) -> Value {
    (from..=to).map(|day| json!({"id": day, "at": format!("2024-01-{day:02}")})).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_the_api_refuses_is_read_in_halves() {
    let (server, asked) = server(|target, _| {
        let (from, to) = days(target);
        if to - from > 1 {
            return Answer { status: 413, ..Answer::json(&json!({"error": "too long"})) };
        }
        Answer::json(&rows(from, to))
    })
    .await;
    let mut stream = daily(stream("/items", &[]));
    stream["retriever"]["requester"]["error_handler"] = json!({"type": "DefaultErrorHandler", "response_filters": [
        {"type": "HttpResponseFilter", "http_codes": [413], "action": "SPLIT_REQUEST_WINDOW"}]});
    stream["retriever"]["request_window_splitting"] = json!({"type": "RequestWindowSplitting"});
    let (records, state) =
        read(&server.url(), &json!({"streams": [stream.clone()]}), json!({})).await.unwrap();
    assert_eq!(Value::Array(records), rows(1, 8));
    assert_eq!(state["at"], "2024-01-08");
    let windows: Vec<_> = asked.lock().unwrap().iter().map(|target| days(target)).collect();
    assert_eq!(windows, [(1, 8), (1, 4), (1, 2), (3, 4), (5, 8), (5, 6), (7, 8)]);
    // A shorter window than four days is not wanted: the rows cannot be had.
    stream["retriever"]["request_window_splitting"]["min_split_window"] = json!("P4D");
    let error = read(&server.url(), &json!({"streams": [stream]}), json!({})).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LimitExceeded, "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_that_ends_early_goes_on_from_the_latest_row() {
    // The API gives three rows at most.
    let (server, asked) = server(|target, _| {
        let (from, to) = days(target);
        Answer::json(&rows(from, to.min(from + 2)))
    })
    .await;
    let mut stream = daily(stream("/items", &[]));
    stream["retriever"]["pagination_reset"] = json!({"type": "PaginationReset", "action": "SPLIT_USING_CURSOR",
        "limits": {"type": "PaginationResetLimits", "number_of_records": 3}});
    let error = read(&server.url(), &json!({"streams": [stream.clone()]}), json!({})).await;
    let (records, _) = error.unwrap();
    let ids: Vec<u64> = records.iter().map(|record| record["id"].as_u64().unwrap()).collect();
    // The latest row comes again with the next window; a key makes one of it.
    assert_eq!(ids, [1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8]);
    let windows: Vec<_> = asked.lock().unwrap().iter().map(|target| days(target).0).collect();
    assert_eq!(windows, [1, 3, 5, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn properties_are_asked_for_in_parts_and_become_one_row() {
    let (server, asked) = server(|target, _| {
        if target.starts_with("/names") {
            return Answer::json(&json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]));
        }
        let names = target.split("with=").nth(1).unwrap().split('&').next().unwrap().replace("%2C", ",");
        let page = usize::from(target.contains("page=1"));
        let row = |id: usize| {
            let mut row = json!({"id": id, "in": {}});
            names.split(',').for_each(|name| row["in"][name] = json!(format!("{name}{id}")));
            row
        };
        Answer::json(&json!(
            (page * 2..=page * 2 + 1 - page)
                .map(row)
                .map(|mut row| {
                    row["id"] = json!(row["id"].as_u64().unwrap() + 1);
                    row
                })
                .collect::<Vec<_>>()
        ))
    })
    .await;
    let mut stream = stream("/items", &[]);
    stream["retriever"]["paginator"] = json!({"type": "DefaultPaginator",
        "pagination_strategy": {"type": "PageIncrement", "page_size": 2},
        "page_token_option": {"type": "RequestOption", "inject_into": "request_parameter", "field_name": "page"}});
    let endpoint = json!({"type": "PropertiesFromEndpoint", "property_field_path": ["name"], "retriever": {
        "type": "SimpleRetriever", "requester": {"type": "HttpRequester", "url_base": "{url}", "path": "/names"},
        "record_selector": {"type": "RecordSelector", "extractor": {"type": "DpathExtractor", "field_path": []}}}});
    for list in [json!(["a", "b", "c"]), endpoint] {
        stream["retriever"]["requester"]["request_parameters"] = json!({"x": "1", "with": {"type": "QueryProperties",
            "property_list": list, "always_include_properties": ["z"],
            "property_chunking": {"type": "PropertyChunking", "property_limit_type": "property_count", "property_limit": 2,
                "record_merge_strategy": {"type": "GroupByKey", "key": "id"}}}});
        asked.lock().unwrap().clear();
        let (records, _) =
            read(&server.url(), &json!({"streams": [stream.clone()]}), json!({})).await.unwrap();
        let expected: Vec<Value> = (0..3)
            .map(|id| json!({"id": id + 1, "in": {"z": format!("z{id}"), "a": format!("a{id}"), "b": format!("b{id}"), "c": format!("c{id}")}}))
            .collect();
        assert_eq!(records, expected, "{:?}", asked.lock().unwrap());
        let asked = asked.lock().unwrap();
        let items: Vec<&String> = asked.iter().filter(|target| target.starts_with("/items")).collect();
        assert_eq!(
            items,
            [
                "/items?x=1&with=z%2Ca%2Cb",
                "/items?x=1&with=z%2Cc",
                "/items?x=1&with=z%2Ca%2Cb&page=1",
                "/items?x=1&with=z%2Cc&page=1"
            ]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_requests_are_under_way_than_the_manifest_allows() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, highest) = (Arc::clone(&now), Arc::clone(&most));
    let (server, asked) = server(move |_, _| {
        highest.fetch_max(counted.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::yield_now();
        counted.fetch_sub(1, Ordering::SeqCst);
        Answer::json(&json!([{"id": 1}]))
    })
    .await;
    let mut stream = stream("/{{ stream_partition.of }}", &[]);
    let values: Vec<String> = (0..40).map(|of| of.to_string()).collect();
    stream["retriever"]["partition_router"] =
        json!({"type": "ListPartitionRouter", "cursor_field": "of", "values": values});
    let manifest = json!({"streams": [stream],
        "concurrency_level": {"type": "ConcurrencyLevel", "default_concurrency": "{{ config['many'] }}", "max_concurrency": 3}});
    let (records, _) = read(&server.url(), &manifest, json!({"many": 50})).await.unwrap();
    assert_eq!((records.len(), asked.lock().unwrap().len()), (40, 40));
    assert!(most.load(Ordering::SeqCst) <= 3, "{} at once", most.load(Ordering::SeqCst));
}

#[tokio::test(flavor = "multi_thread")]
async fn routers_of_known_classes_take_values_from_the_configuration_or_from_parents() {
    let (server, asked) = server(|target, _| {
        Answer::json(&match target {
            "/boards" => json!([{"id": "a"}, {"id": "b"}]),
            "/groups" => json!([{"id": "g", "boards": ["b", "c"]}]),
            _ => json!([{"id": 1}]),
        })
    })
    .await;
    let parent = |path: &str, key: &str, field: &str| {
        let mut stream = stream(path, &[]);
        stream["name"] = json!(path);
        json!({"type": "ParentStreamConfig", "stream": stream, "parent_key": key, "partition_field": field})
    };
    let router = |class: &str, parents: Vec<Value>| json!({"type": "CustomPartitionRouter", "class_name": format!("source_x.components.{class}"), "parent_stream_configs": parents});
    for (router, config, expected) in [
        (
            router("FormIdPartitionRouter", vec![parent("/boards", "id", "form_id")]),
            json!({"form_ids": ["x"]}),
            vec!["x//"],
        ),
        (
            router("FormIdPartitionRouter", vec![parent("/boards", "id", "form_id")]),
            json!({}),
            vec!["a//", "b//"],
        ),
        (
            router(
                "OrderIdsPartitionRouter",
                vec![parent("/boards", "id", "form_id"), parent("/groups", "boards", "form_id")],
            ),
            json!({}),
            vec!["a//", "b//", "c//"],
        ),
        (
            router("UpdatesSubstreamPartitionRouter", vec![parent("/groups", "boards", "form_id")]),
            json!({}),
            vec!["b/g/", "c/g/"],
        ),
    ] {
        asked.lock().unwrap().clear();
        let mut stream = stream("/of/{{ stream_slice.form_id }}/{{ stream_slice.updates_object_id }}/", &[]);
        stream["retriever"]["partition_router"] = router.clone();
        read(&server.url(), &json!({"streams": [stream]}), config).await.unwrap();
        let asked = asked.lock().unwrap();
        let mut of: Vec<&str> = asked.iter().filter_map(|target| target.strip_prefix("/of/")).collect();
        of.sort_unstable();
        let expected: Vec<String> = expected.iter().map(|path| path.replace("//", "/")).collect();
        assert_eq!(of, expected, "{router}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn authenticators_of_known_classes_sign_in_as_their_apis_want() {
    let (server, asked) = server(|target, request| {
        let signed = request.header("authorization").unwrap_or_default().to_owned();
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if target.starts_with("/sign-in") {
            return Answer::json(&json!({"access_token": "t0ken", "seen": signed, "body": body}));
        }
        Answer::json(&json!([{"id": 1, "signed": signed}]))
    })
    .await;
    let class = |name: &str, fields: Value| {
        let mut component =
            json!({"type": "CustomAuthenticator", "class_name": format!("x.components.{name}")});
        component.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        component
    };
    let bearer = |token: &str| json!({"type": "BearerAuthenticator", "api_token": token});
    let typeform =
        class("TypeformAuthenticator", json!({"token_auth": bearer("plain"), "oauth2": bearer("oauth")}));
    for (authenticator, config, expected) in [
        (typeform.clone(), json!({"credentials": {"auth_type": "access_token"}}), "Bearer plain"),
        (typeform, json!({"credentials": {"auth_type": "oauth2.0"}}), "Bearer oauth"),
        (
            class(
                "ZendeskTalkAuthenticator",
                json!({"legacy_basic_auth": bearer("old"), "basic_auth": bearer("basic"), "oauth": bearer("oauth")}),
            ),
            json!({"credentials": {"auth_type": "api_token"}}),
            "Bearer basic",
        ),
        (
            class(
                "ShortLivedTokenAuthenticator",
                json!({"url": "{url}/sign-in", "client_id": "me", "secret_key": "s3cret"}),
            ),
            json!({}),
            "Bearer t0ken",
        ),
        (
            class("CommerceToolsOauth2Authenticator", json!({"token_refresh_endpoint": "{url}/sign-in"})),
            json!({"client_id": "me", "client_secret": "s3cret", "project_key": "p"}),
            "Bearer t0ken",
        ),
    ] {
        asked.lock().unwrap().clear();
        let mut stream = stream("/items", &[]);
        stream["retriever"]["requester"]["authenticator"] = authenticator.clone();
        let (records, _) = read(&server.url(), &json!({"streams": [stream]}), config).await.unwrap();
        assert_eq!(records[0]["signed"], expected, "{authenticator}");
        let asked = asked.lock().unwrap();
        if authenticator["class_name"] == "x.components.CommerceToolsOauth2Authenticator" {
            assert_eq!(asked[0], "/sign-in?grant_type=client_credentials&scope=manage_project%3Ap");
        }
    }
}
