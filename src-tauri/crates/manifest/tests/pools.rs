//! Several tokens with so many requests each (`RateLimitedMultipleTokenAuthenticator`).

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use syncline_manifest::http::client::Prepared;
use syncline_protocol::ErrorKind;

use crate::world::{Said, World, manifest, ok, stream};

/// The time of these tests, in seconds since 1970.
const NOW: i64 = 1_709_337_597;

fn token(request: &Prepared) -> String {
    let value = request.headers.get("authorization").map(|value| value.to_str().unwrap()).unwrap_or_default();
    value.strip_prefix("Bearer ").unwrap_or(value).to_owned()
}

/// So many partitions, each one request, one after the other.
fn pooled(requests: usize, more: Value) -> Value {
    let mut authenticator = json!({"type": "RateLimitedMultipleTokenAuthenticator", "tokens": "{{ config['tokens'] }}",
        "quota_status_source": {"type": "QuotaStatusSource", "url": "https://api.example.test/quota"},
        "budget_min_reserve": 0, "budget_reserve_fraction": 0,
        "quotas": [{"type": "TokenQuota", "name": "core", "remaining_path": ["core", "remaining"],
            "reset_path": ["core", "reset"], "limit_path": ["core", "limit"],
            "remaining_header": "X-Remaining", "reset_header": "X-Reset", "exhaustion_status_codes": [429]}]});
    authenticator.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut stream = stream();
    stream["retriever"]["requester"]["authenticator"] = authenticator;
    let values: Vec<String> = (0..requests).map(|of| of.to_string()).collect();
    stream["retriever"]["partition_router"] =
        json!({"type": "ListPartitionRouter", "cursor_field": "of", "values": values});
    let mut manifest = manifest(stream);
    manifest["concurrency_level"] = json!({"type": "ConcurrencyLevel", "default_concurrency": 1});
    manifest
}

/// An API that counts: what each token has left, until it is asked again.
struct Counting {
    left: Mutex<HashMap<String, i64>>,
    /// What tokens have when it is asked again.
    refill: i64,
}

impl Counting {
    fn new(left: &[(&str, i64)], refill: i64) -> Counting {
        let left = left.iter().map(|(token, left)| ((*token).to_owned(), *left)).collect();
        Counting { left: Mutex::new(left), refill }
    }

    /// What it answers; `says`: whether it tells with each answer what is left.
    fn answer(&self, request: &Prepared, says: bool) -> Option<Said> {
        let mut all = self.left.lock().unwrap();
        let left = all.get_mut(&token(request)).expect("a known token");
        if request.url.path() == "/quota" {
            if *left <= 0 {
                *left = self.refill;
            }
            return ok(&json!({"core": {"remaining": *left, "limit": 10, "reset": NOW + 60}}));
        }
        let mut said = if *left > 0 { ok(&json!([{"id": 1}]))? } else { Said::with(429, "{}") };
        *left -= 1;
        if says {
            said.headers = vec![("x-remaining".to_owned(), (*left).max(0).to_string())];
        }
        Some(said)
    }
}

/// With which tokens the rows were asked for.
fn used(asked: &[Prepared]) -> Vec<String> {
    asked.iter().filter(|request| request.url.path() == "/items").map(token).collect()
}

#[tokio::test]
async fn the_next_token_is_taken_when_one_has_nothing_left() {
    let api = Counting::new(&[("a", 2), ("b", 3)], 0);
    let world = World::new(move |request| api.answer(request, false));
    let (got, asked) = world.read(&pooled(5, json!({})), json!({"tokens": "a, b,"})).await.unwrap();
    assert_eq!((got.records.len(), used(&asked).join("")), (5, "aabbb".to_owned()));
    // What is left is asked for once a token, with that token.
    let quota: Vec<String> =
        asked.iter().filter(|request| request.url.path() == "/quota").map(token).collect();
    assert_eq!(quota, ["a", "b"]);
}

#[tokio::test]
async fn a_list_of_tokens_and_another_header_are_used_as_they_are_written() {
    let world = World::new(|request| match request.url.path() {
        "/quota" => ok(&json!({"core": {"remaining": "7", "limit": 7, "reset": "2024-03-02T01:00:00Z"}})),
        _ => ok(&json!([{"id": request.headers.get("x-key").unwrap().to_str().unwrap()}])),
    });
    let more = json!({"tokens": ["{{ config['one'] }}"], "auth_method": "token", "header": "X-Key"});
    let (got, _) = world.read(&pooled(1, more), json!({"one": "s3,cret"})).await.unwrap();
    assert_eq!(got.records, [json!({"id": "token s3,cret"})]);
}

#[tokio::test]
async fn when_no_token_has_anything_left_their_next_time_is_waited_for() {
    let api = Counting::new(&[("a", 1), ("b", 1)], 4);
    let world = World::new(move |request| api.answer(request, false));
    let (got, asked) = world.read(&pooled(5, json!({})), json!({"tokens": "a,b"})).await.unwrap();
    assert_eq!((got.records.len(), used(&asked).join("")), (5, "abbbb".to_owned()));
    assert!(got.waited.iter().any(|why| why.contains("next time is waited for")), "{:?}", got.waited);
}

#[tokio::test]
async fn a_time_that_is_too_far_away_is_an_error_with_its_reason() {
    let api = Counting::new(&[("a", 1), ("b", 1)], 4);
    let world = World::new(move |request| api.answer(request, false));
    let error = world
        .read(&pooled(5, json!({"max_wait_time": "PT30S"})), json!({"tokens": "a,b"}))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited, "{error:?}");
    assert!(!format!("{error:?}").contains("Bearer"));
}

#[tokio::test]
async fn answers_tell_more_than_was_known() {
    // Others use the first token, too: it is refused although there should be something left.
    let api = Counting::new(&[("a", 5), ("b", 5)], 0);
    let first = Mutex::new(true);
    let world = World::new(move |request| {
        if request.url.path() != "/quota" && std::mem::take(&mut *first.lock().unwrap()) {
            return Some(Said::with(429, "{}"));
        }
        api.answer(request, true)
    });
    // Whoever waits would be noticed: with the haste of these tests, this is four seconds.
    let mut manifest = pooled(3, json!({}));
    manifest["streams"][0]["retriever"]["requester"]["error_handler"] = json!({"type": "DefaultErrorHandler",
        "backoff_strategies": [{"type": "ConstantBackoffStrategy", "backoff_time_in_seconds": 40_000}]});
    let (got, asked) = world.read(&manifest, json!({"tokens": "a,b"})).await.unwrap();
    assert_eq!((got.records.len(), used(&asked).join("")), (3, "abbb".to_owned()));
    assert!(got.waited.is_empty(), "nobody has to wait while another token is good: {:?}", got.waited);
}

#[tokio::test]
async fn where_the_api_does_not_count_the_tokens_take_turns() {
    let world = World::new(|request| match request.url.path() {
        "/quota" => Some(Said::with(404, "{}")),
        _ => ok(&json!([{"id": 1}])),
    });
    let source = json!({"quota_status_source": {"type": "QuotaStatusSource", "url": "https://api.example.test/quota",
        "unavailable_status_codes": [404]}});
    let (_, asked) = world.read(&pooled(4, source), json!({"tokens": "a,b"})).await.unwrap();
    assert_eq!(used(&asked).join(""), "abab");
    for (status, kind) in
        [(404, ErrorKind::Config), (401, ErrorKind::Authentication), (503, ErrorKind::ConnectionLost)]
    {
        let world = World::new(move |_| Some(Said::with(status, "{}")));
        let error = world.read(&pooled(1, json!({})), json!({"tokens": "s3cret"})).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}

#[tokio::test]
async fn each_kind_of_request_has_its_own_count() {
    let quota = |name: &str, more: Value| {
        let mut quota = json!({"type": "TokenQuota", "name": name, "remaining_path": [name, "remaining"],
            "reset_path": [name, "reset"]});
        quota.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        quota
    };
    let search = json!({"matchers": [{"type": "HttpRequestRegexMatcher", "url_path_pattern": "^/items$"}]});
    let more = json!({"quotas": [quota("core", json!({})), quota("search", search)]});
    let world = World::new(|request| match (request.url.path(), token(request).as_str()) {
        ("/quota", "a") => ok(
            &json!({"core": {"remaining": 100, "reset": NOW + 60}, "search": {"remaining": 0, "reset": NOW + 60}}),
        ),
        ("/quota", _) => ok(
            &json!({"core": {"remaining": 0, "reset": NOW + 60}, "search": {"remaining": 9, "reset": NOW + 60}}),
        ),
        _ => ok(&json!([{"id": 1}])),
    });
    let (_, asked) = world.read(&pooled(2, more), json!({"tokens": "a,b"})).await.unwrap();
    assert_eq!(used(&asked).join(""), "bb");
}
