use serde_json::json;

use super::*;
use crate::document::Document;

fn budget(budget: Json) -> Budget {
    let manifest = json!({"streams": [], "api_budget": budget});
    let document = Document::parse(&manifest.to_string()).unwrap();
    let config = json!({"limit": 2});
    Budget::of(&Node::root(&document), &config, || "2024-03-15T00:00:00Z".parse().unwrap()).unwrap()
}

fn take(budget: &Budget, address: &str) -> Option<Duration> {
    match budget.take("GET", &Url::parse(address).unwrap(), &HeaderMap::new()) {
        Turn::Now => None,
        Turn::After(at) => Some(at - Instant::now()),
    }
}

fn learn(budget: &Budget, status: u16, headers: &[(&str, &str)]) {
    let headers: Vec<_> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let url = Url::parse("https://a.test/x").unwrap();
    budget.learn(("GET", &url, &HeaderMap::new()), status, &headers, || {
        "2024-03-15T00:00:00Z".parse().unwrap()
    });
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn all_rates_of_a_moving_window_hold() {
    let budget = budget(json!({"policies": [{"type": "MovingWindowCallRatePolicy", "rates": [
        {"limit": "{{ config['limit'] }}", "interval": "PT10S"}, {"limit": 3, "interval": "PT1M"},
    ]}]}));
    let take = || take(&budget, "https://a.test/x");
    assert_eq!((take(), take()), (None, None));
    assert_eq!((take(), take()), (Some(10 * SECOND), Some(10 * SECOND)), "asking is not sending");
    tokio::time::advance(10 * SECOND).await;
    assert_eq!(take(), None);
    assert_eq!(take(), Some(50 * SECOND), "the first two leave the minute together");
    tokio::time::advance(50 * SECOND).await;
    assert_eq!((take(), take(), take()), (None, None, Some(10 * SECOND)));
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(take(), None);
    learn(&budget, 429, &[]);
    assert_eq!(take(), Some(10 * SECOND), "the API counts otherwise, and has told so");
}

#[tokio::test(start_paused = true)]
async fn fixed_windows_follow_what_the_api_says() {
    let budget = budget(json!({"ratelimit_remaining_header": "X-Left", "ratelimit_reset_header": "X-Reset",
        "status_codes_for_ratelimit_hit": [420],
        "policies": [{"type": "FixedWindowCallRatePolicy", "period": "PT1M", "call_limit": 3}]}));
    let take = || take(&budget, "https://a.test/x");
    assert_eq!(take(), None);
    tokio::time::advance(20 * SECOND).await;
    assert_eq!((take(), take(), take()), (None, None, Some(40 * SECOND)));
    tokio::time::advance(40 * SECOND).await;
    assert_eq!(take(), None, "a new window");
    learn(&budget, 200, &[("x-left", "1"), ("x-reset", "1710460830")]);
    assert_eq!((take(), take()), (None, Some(30 * SECOND)), "of the last three one was left, for 30 s");
    tokio::time::advance(30 * SECOND).await;
    assert_eq!(take(), None);
    learn(&budget, 420, &[]);
    assert_eq!(take(), Some(60 * SECOND), "refused: nothing is left");
}

#[tokio::test(start_paused = true)]
async fn the_first_policy_that_fits_holds() {
    let one = |matchers: Json| json!({"type": "FixedWindowCallRatePolicy", "period": "PT1M", "call_limit": 1, "matchers": matchers});
    let budget = budget(json!({"policies": [
        {"type": "UnlimitedCallRatePolicy", "matchers": [{"url_path_pattern": "/free"}]},
        one(json!([{"url_base": "https://b.test"}])),
        one(json!([{"params": {"kind": "dear"}}, {"method": "GET", "url_path_pattern": "/v\\d+/"}])),
        one(json!([{"headers": {"X-Tier": "1"}}])),
    ]}));
    for free in ["https://b.test/free/1", "https://a.test/x?kind=cheap", "https://a.test/in/v/x"] {
        assert_eq!((take(&budget, free), take(&budget, free)), (None, None), "{free}");
    }
    assert_eq!(take(&budget, "https://b.test/x"), None);
    assert!(take(&budget, "https://b.test/y?kind=dear").is_some());
    assert_eq!(take(&budget, "https://a.test/y?kind=dear"), None);
    assert!(take(&budget, "https://a.test/in/v12/x").is_some(), "both matchers belong to one policy");
    let headers = HeaderMap::from_iter([("x-tier".parse().unwrap(), "1".parse().unwrap())]);
    let url = Url::parse("https://a.test/x").unwrap();
    assert_eq!(budget.take("GET", &url, &headers), Turn::Now);
    assert_ne!(budget.take("GET", &url, &headers), Turn::Now);
}

#[tokio::test(start_paused = true)]
async fn heavy_requests_count_more() {
    let budget = budget(json!({"policies": [{"type": "MovingWindowCallRatePolicy",
        "rates": [{"limit": 5, "interval": "PT10S"}],
        "matchers": [{"url_path_pattern": "/heavy", "weight": 3}, {"weight": 1}]}]}));
    assert_eq!(take(&budget, "https://a.test/heavy"), None);
    assert!(take(&budget, "https://a.test/heavy").is_some());
    assert_eq!((take(&budget, "https://a.test/x"), take(&budget, "https://a.test/x")), (None, None));
    assert!(take(&budget, "https://a.test/x").is_some());
}

#[tokio::test]
async fn the_gate_narrows_when_it_is_asked_to_and_opens_again() {
    let gate = Gate::new(4);
    let passes = futures::future::join_all((0..4).map(|_| gate.pass())).await;
    let waits = |gate| futures::FutureExt::now_or_never(Gate::pass(gate)).is_none();
    assert!(waits(&gate));
    gate.refused();
    drop(passes);
    let two = (gate.pass().await, gate.pass().await);
    assert!(waits(&gate), "two at once are allowed now");
    drop(two);
    gate.refused();
    gate.refused();
    assert_eq!(gate.allowed(), 1, "never none");
    (0..ANSWERS_TO_GROW).for_each(|_| gate.answered());
    assert_eq!(gate.allowed(), 2);
    (0..ANSWERS_TO_GROW * 100).for_each(|_| gate.answered());
    assert_eq!(gate.allowed(), 4);
}
