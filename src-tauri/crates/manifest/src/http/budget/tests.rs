use serde_json::json;

use super::*;
use crate::document::Document;

fn budget(budget: Json) -> Budget {
    let manifest = json!({"streams": [], "api_budget": budget});
    let document = Document::parse(&manifest.to_string()).unwrap();
    let config = json!({"limit": 2});
    Budget::of(&Node::root(&document), &config, || "2024-03-15T00:00:00Z".parse().unwrap()).unwrap()
}

/// A budget, and the time that its tests set.
struct Case {
    budget: Budget,
    now: Instant,
}

impl Case {
    fn new(given: Json) -> Case {
        Case { budget: budget(given), now: Instant::now() }
    }

    /// How long a request would have to wait; none when it is sent.
    fn take(&self, address: &str) -> Option<Duration> {
        self.take_with(address, &HeaderMap::new())
    }

    fn take_with(&self, address: &str, headers: &HeaderMap) -> Option<Duration> {
        match self.budget.take("GET", &Url::parse(address).unwrap(), headers, self.now) {
            Turn::Now => None,
            Turn::After(at) => Some(at - self.now),
        }
    }

    fn learn(&self, status: u16, headers: &[(&str, &str)]) {
        let headers: Vec<_> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let url = Url::parse("https://a.test/x").unwrap();
        let clock = || "2024-03-15T00:00:00Z".parse::<jiff::Timestamp>().unwrap();
        self.budget.learn(("GET", &url, &HeaderMap::new()), status, &headers, (clock, self.now));
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn all_rates_of_a_moving_window_hold() {
    let mut case = Case::new(json!({"policies": [{"type": "MovingWindowCallRatePolicy", "rates": [
        {"limit": "{{ config['limit'] }}", "interval": "PT10S"}, {"limit": 3, "interval": "PT1M"},
    ]}]}));
    let take = |case: &Case| case.take("https://a.test/x");
    assert_eq!((take(&case), take(&case)), (None, None));
    assert_eq!((take(&case), take(&case)), (Some(10 * SECOND), Some(10 * SECOND)), "asking is not sending");
    case.now += 10 * SECOND;
    assert_eq!(take(&case), None);
    assert_eq!(take(&case), Some(50 * SECOND), "the first two leave the minute together");
    case.now += 50 * SECOND;
    assert_eq!((take(&case), take(&case), take(&case)), (None, None, Some(10 * SECOND)));
    case.now += 60 * SECOND;
    assert_eq!(take(&case), None);
    case.learn(429, &[]);
    assert_eq!(take(&case), Some(10 * SECOND), "the API counts otherwise, and has told so");
}

#[test]
fn fixed_windows_follow_what_the_api_says() {
    let mut case =
        Case::new(json!({"ratelimit_remaining_header": "X-Left", "ratelimit_reset_header": "X-Reset",
        "status_codes_for_ratelimit_hit": [420],
        "policies": [{"type": "FixedWindowCallRatePolicy", "period": "PT1M", "call_limit": 3}]}));
    let take = |case: &Case| case.take("https://a.test/x");
    assert_eq!(take(&case), None);
    case.now += 20 * SECOND;
    assert_eq!((take(&case), take(&case), take(&case)), (None, None, Some(40 * SECOND)));
    case.now += 40 * SECOND;
    assert_eq!(take(&case), None, "a new window");
    case.learn(200, &[("x-left", "1"), ("x-reset", "1710460830")]);
    assert_eq!(
        (take(&case), take(&case)),
        (None, Some(30 * SECOND)),
        "of the last three one was left, for 30 s"
    );
    case.now += 30 * SECOND;
    assert_eq!(take(&case), None);
    case.learn(420, &[]);
    assert_eq!(take(&case), Some(60 * SECOND), "refused: nothing is left");
}

#[test]
fn the_first_policy_that_fits_holds() {
    let one = |matchers: Json| json!({"type": "FixedWindowCallRatePolicy", "period": "PT1M", "call_limit": 1, "matchers": matchers});
    let case = Case::new(json!({"policies": [
        {"type": "UnlimitedCallRatePolicy", "matchers": [{"url_path_pattern": "/free"}]},
        one(json!([{"url_base": "https://b.test"}])),
        one(json!([{"params": {"kind": "dear"}}, {"method": "GET", "url_path_pattern": "/v\\d+/"}])),
        one(json!([{"headers": {"X-Tier": "1"}}])),
    ]}));
    for free in ["https://b.test/free/1", "https://a.test/x?kind=cheap", "https://a.test/in/v/x"] {
        assert_eq!((case.take(free), case.take(free)), (None, None), "{free}");
    }
    assert_eq!(case.take("https://b.test/x"), None);
    assert!(case.take("https://b.test/y?kind=dear").is_some());
    assert_eq!(case.take("https://a.test/y?kind=dear"), None);
    assert!(case.take("https://a.test/in/v12/x").is_some(), "both matchers belong to one policy");
    let headers = HeaderMap::from_iter([("x-tier".parse().unwrap(), "1".parse().unwrap())]);
    assert!(case.take_with("https://a.test/x", &headers).is_none());
    assert!(case.take_with("https://a.test/x", &headers).is_some());
}

#[test]
fn heavy_requests_count_more() {
    let case = Case::new(json!({"policies": [{"type": "MovingWindowCallRatePolicy",
        "rates": [{"limit": 5, "interval": "PT10S"}],
        "matchers": [{"url_path_pattern": "/heavy", "weight": 3}, {"weight": 1}]}]}));
    assert_eq!(case.take("https://a.test/heavy"), None);
    assert!(case.take("https://a.test/heavy").is_some());
    assert_eq!((case.take("https://a.test/x"), case.take("https://a.test/x")), (None, None));
    assert!(case.take("https://a.test/x").is_some());
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
