//! Drafts of a language model, proved against servers of this computer: good ones, bad ones, and models that fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use syncline_manifest::builder::{Recordings, bounds, help, help_messages, trial};
use syncline_protocol::ErrorKind;
use syncline_protocol::builder::{
    FailedDraft, Found, HelpRequest, HelpWanted, HelpedDraft, Helper, Severity,
};
use syncline_testkit::http::{Answer, HttpServer};
use syncline_testkit::model::{ModelServer, Reply};
use tokio::sync::Notify;

use super::builder::{KEY, ask, from_description, help_desk};

const MODEL_KEY: &str = "key-of-the-model";

fn block(yaml: &str) -> Reply {
    Reply::Says(format!("Here it is.\n\n```yaml\n{yaml}```\n\nIt reads all tickets."))
}

/// Asks the model for a better draft than `yaml`, as the API does.
fn request(model: &ModelServer, yaml: &str, earlier: Vec<FailedDraft>) -> HelpRequest {
    let wanted = HelpWanted {
        yaml: yaml.to_owned(),
        wish: "All tickets".to_owned(),
        sample: Some(json!({"data": [{"id": 1, "subject": "Printer of Ann"}]}).to_string()),
        earlier,
        ..HelpWanted::default()
    };
    HelpRequest {
        helper: Helper { url: model.url(), model: "stand-in".to_owned(), key: Some(MODEL_KEY.into()) },
        messages: help_messages(&wanted),
        patience: Duration::from_secs(60),
        config: json!({"api_key": KEY}),
        secrets: vec![KEY.into()],
        replay: false,
        bounds: bounds(yaml, &json!({})),
        values: false,
    }
}

async fn helped(request: &HelpRequest) -> HelpedDraft {
    help(&Arc::new(Recordings::default()), request, jiff::Timestamp::now).await.unwrap()
}

#[tokio::test]
async fn a_good_draft_is_proved_by_requests_and_told_neither_keys_nor_values() {
    let desk = HttpServer::start(help_desk("data", true)).await.unwrap();
    let good = from_description(&desk.url()).await;
    // What somebody has before: an address, and no idea of its tables.
    let before = format!("version: 6.0.0\ndefinitions: {{requester: {{url_base: \"{}/v2\"}}}}\n", desk.url());
    let model = ModelServer::start(Some(MODEL_KEY), [block(&good)]).await.unwrap();
    let helped = helped(&request(&model, &before, Vec::new())).await;
    assert!(helped.proved, "{:?}", helped.failed);
    assert_eq!((helped.yaml.as_deref(), &helped.problem), (Some(good.as_str()), &None));
    let [tickets] = &helped.tables[..] else { panic!("{:?}", helped.tables) };
    assert_eq!((tickets.table.as_str(), tickets.result.row_count), ("tickets", 230));
    let proved = |what: fn(&Found) -> bool| tickets.result.findings.iter().any(|finding| what(&finding.what));
    assert!(proved(|what| matches!(what, Found::PagesProved { .. })));
    assert!(proved(|what| matches!(what, Found::NewerProved { .. })), "newer rows are asked for, too");

    let [asked] = &model.asked()[..] else { panic!("asked more than once") };
    assert_eq!(asked["model"], "stand-in");
    let told = asked.to_string();
    assert!(told.contains("All tickets") && told.contains("subject"), "{told}");
    for never in [KEY, MODEL_KEY, "Printer", "Ann"] {
        assert!(!told.contains(never), "{never} was told: {told}");
    }
    assert!(!format!("{helped:?}").contains(KEY), "the key is shown");
}

#[tokio::test]
async fn a_bad_draft_does_not_count_and_a_better_one_does() {
    let desk = HttpServer::start(help_desk("data", true)).await.unwrap();
    let good = from_description(&desk.url()).await;
    let bad = good.replace("- data\n", "- rows\n");
    assert_ne!(bad, good);
    let model = ModelServer::start(Some(MODEL_KEY), [block(&bad), block(&good)]).await.unwrap();
    let first = helped(&request(&model, &good, Vec::new())).await;
    assert!(!first.proved);
    assert_eq!(first.failed, ["`tickets`: there are no rows at rows[]; there is an array at [\"data\"]."]);
    assert_eq!(first.yaml.as_deref(), Some(bad.as_str()), "it is there to be looked at");

    let earlier = vec![FailedDraft { answer: first.answer, failed: first.failed.clone() }];
    let second = helped(&request(&model, &good, earlier)).await;
    assert!(second.proved, "{:?}", second.failed);
    let told = model.asked()[1]["messages"].to_string();
    assert!(told.contains("there are no rows at rows[]") && told.contains("- rows"), "{told}");
}

#[tokio::test]
async fn what_is_no_manifest_or_none_that_loads_is_told_as_such() {
    let broken = "version: 6.0.0\ntype: DeclarativeSource\nstreams:\n  - type: Nonsense\n    name: [\n";
    let replies =
        [Reply::Says("I am sorry, I cannot do that.".to_owned()), block(broken), block("streams: []\n")];
    let model = ModelServer::start(Some(MODEL_KEY), replies).await.unwrap();
    let nothing = helped(&request(&model, "", Vec::new())).await;
    assert_eq!((nothing.yaml, nothing.proved), (None, false));
    assert!(nothing.failed[0].contains("no manifest"), "{:?}", nothing.failed);
    assert!(nothing.answer.contains("I am sorry"));
    let broken = helped(&request(&model, "", Vec::new())).await;
    assert!(!broken.proved && broken.problem.is_some() && broken.yaml.is_some(), "{broken:?}");
    assert!(broken.failed[0].contains("cannot be loaded"), "{:?}", broken.failed);
    let empty = helped(&request(&model, "", Vec::new())).await;
    assert!(!empty.proved && !empty.failed.is_empty(), "{empty:?}");
}

#[tokio::test]
async fn a_model_that_refuses_or_fails_is_told_without_its_key() {
    let model = ModelServer::start(
        Some("another key"),
        [Reply::Fails(429, "slow down".to_owned()), Reply::Fails(503, MODEL_KEY.to_owned())],
    )
    .await
    .unwrap();
    let recordings = Arc::new(Recordings::default());
    let refused = request(&model, "", Vec::new());
    let error = help(&recordings, &refused, jiff::Timestamp::now).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().contains("does not accept the key: 401"), "{error}");
    assert!(!format!("{error:?}").contains(MODEL_KEY));
    let with = |key: &str| HelpRequest {
        helper: Helper { key: Some(key.into()), ..refused.helper.clone() },
        ..refused.clone()
    };
    for kind in [ErrorKind::RateLimited, ErrorKind::Unreachable, ErrorKind::Unreachable] {
        let error = help(&recordings, &with("another key"), jiff::Timestamp::now).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!format!("{error:?}").contains(MODEL_KEY), "what a server says is not repeated");
    }
    let page = HttpServer::start(|_| Answer { body: b"<html>Hello".to_vec().into(), ..Answer::default() })
        .await
        .unwrap();
    let elsewhere = HelpRequest { helper: Helper { url: page.url(), ..refused.helper.clone() }, ..refused };
    let error = help(&recordings, &elsewhere, jiff::Timestamp::now).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CorruptInput, "{error}");
}

#[tokio::test]
async fn a_model_that_says_nothing_is_given_up_in_time_or_at_once() {
    let (first, second) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let replies = [Reply::Hangs(Arc::clone(&first)), Reply::Hangs(Arc::clone(&second))];
    let model = ModelServer::start(Some(MODEL_KEY), replies).await.unwrap();
    let recordings = Arc::new(Recordings::default());
    let patient = request(&model, "", Vec::new());
    let hasty = HelpRequest { patience: Duration::from_millis(150), ..patient.clone() };
    let error = help(&recordings, &hasty, jiff::Timestamp::now).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
    first.notified().await;
    // Somebody who stops waiting drops the question, and the connection with it.
    let asking = tokio::spawn(async move { help(&recordings, &patient, jiff::Timestamp::now).await });
    while model.asked().len() < 2 {
        tokio::task::yield_now().await;
    }
    asking.abort();
    second.notified().await;
}

#[tokio::test]
async fn a_draft_asks_only_what_it_may() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let foreign = HttpServer::start(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Answer::json(&json!({"data": [{"id": 1}]}))
    })
    .await
    .unwrap();
    let desk = HttpServer::start(help_desk("data", true)).await.unwrap();
    let mine = from_description(&desk.url()).await;
    let stolen = mine.replace(&desk.url(), &foreign.url());
    let writes = mine.replace("http_method: GET", "http_method: POST");
    assert!(writes != mine, "{mine}");
    let model = ModelServer::start(Some(MODEL_KEY), [block(&stolen), block(&writes)]).await.unwrap();
    for method in ["GET", "POST"] {
        let helped = helped(&request(&model, &mine, Vec::new())).await;
        assert!(!helped.proved, "{helped:?}");
        assert!(
            helped.failed[0].contains(&format!("it sends {method} to 127.0.0.1:")),
            "{:?}",
            helped.failed
        );
        let [finding] = &helped.tables[0].result.findings[..] else { panic!("{:?}", helped.tables) };
        assert_eq!(finding.severity, Severity::Problem);
        assert!(matches!(finding.what, Found::OutOfBounds { .. }));
    }
    assert_eq!(asked.load(Ordering::Relaxed), 0, "the key went to a stranger");
}

#[tokio::test]
async fn recorded_traffic_proves_a_draft_without_a_request() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let answers = help_desk("data", true);
    let desk = HttpServer::start(move |request| {
        counter.fetch_add(1, Ordering::Relaxed);
        answers(request)
    })
    .await
    .unwrap();
    let good = from_description(&desk.url()).await;
    let recordings = Arc::new(Recordings::default());
    trial(&recordings, &ask(&good, KEY), jiff::Timestamp::now).await;
    let before = asked.load(Ordering::Relaxed);
    let other = good.replace("per_page", "size");
    let model = ModelServer::start(Some(MODEL_KEY), [block(&good), block(&other)]).await.unwrap();
    let wanted = HelpRequest { replay: true, ..request(&model, &good, Vec::new()) };
    let first = help(&recordings, &wanted, jiff::Timestamp::now).await.unwrap();
    assert!(first.proved && first.tables[0].result.replayed, "{:?}", first.failed);
    let second = help(&recordings, &wanted, jiff::Timestamp::now).await.unwrap();
    assert!(
        !second.proved && second.failed[0].contains("none of those that were recorded"),
        "{:?}",
        second.failed
    );
    assert_eq!(asked.load(Ordering::Relaxed), before);
}
