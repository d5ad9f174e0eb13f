//! Addresses that an API gives: they lead from the internet into the local network only where that is allowed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use syncline_protocol::ErrorKind;
use syncline_testkit::http::{Answer, HttpServer};

use crate::world::{World, manifest, ok, stream};

/// A server of the local network, and how often it was asked.
async fn inside() -> (HttpServer, Arc<AtomicUsize>) {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&visits);
    let server = HttpServer::start(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Answer::json(&json!([{"id": "inside"}]))
    });
    (server.await.unwrap(), visits)
}

/// The internet: an API whose every record has a link there.
fn internet(link: String) -> World {
    World::new(move |request| match request.url.host_str() {
        Some("127.0.0.1" | "localhost") => None,
        _ => ok(&json!([{"id": "outside", "link": link.clone()}])),
    })
}

fn paged() -> Value {
    let mut stream = stream();
    stream["retriever"]["paginator"] = json!({"type": "DefaultPaginator", "pagination_strategy": {
        "type": "CursorPagination", "cursor_value": "{{ last_record.get('link') }}",
        "stop_condition": "{{ not last_record.get('link') }}"}});
    stream
}

/// All the ways in which a link becomes an address.
fn ways() -> Vec<(&'static str, Value)> {
    let mut link = paged();
    link["retriever"]["paginator"]["page_token_option"] = json!({"type": "RequestPath"});
    let mut path = paged();
    path["retriever"]["requester"]["path"] =
        json!("{{ next_page_token['next_page_token'] if next_page_token else '/items' }}");
    let mut url = paged();
    url["retriever"]["requester"]["url"] = json!(
        "{{ next_page_token['next_page_token'] if next_page_token else 'https://api.example.test/items' }}"
    );
    let child = |field: &str| {
        let (mut child, mut parent) = (stream(), stream());
        parent["name"] = json!("parents");
        child["retriever"]["requester"][field] = json!("{{ stream_partition.link }}");
        child["retriever"]["partition_router"] = json!({"type": "SubstreamPartitionRouter", "parent_stream_configs": [
            {"type": "ParentStreamConfig", "stream": parent, "parent_key": "link", "partition_field": "link"}]});
        child
    };
    vec![
        ("a link to the next page", link),
        ("a path made of the token", path),
        ("an address made of the token", url),
        ("a path from a parent's record", child("path")),
        ("an address from a parent's record", child("url")),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_into_the_local_network_only_where_that_is_allowed() {
    for (what, stream) in ways() {
        let (server, visits) = inside().await;
        let error = internet(server.url()).read(&manifest(stream.clone()), json!({})).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{what}: {error:?}");
        assert!(error.message().contains("local network"), "{what}: {error:?}");
        assert!(error.fixes().iter().any(|fix| fix.contains("allow private addresses")), "{what}");
        assert_eq!(visits.load(Ordering::SeqCst), 0, "{what}: it was asked all the same");

        let allowed = internet(server.url()).allowing_private().read(&manifest(stream), json!({})).await;
        let (got, _) = allowed.unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(got.records.last().unwrap()["id"], "inside", "{what}");
        assert_eq!(visits.load(Ordering::SeqCst), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_of_the_local_network_links_to_itself() {
    // The API is private itself, under another name than its links have.
    for (what, mut stream) in ways() {
        let (server, visits) = inside().await;
        let link = server.url();
        let world = World::new(move |request| match request.url.host_str() {
            Some("127.0.0.1") => None,
            _ => ok(&json!([{"id": "first", "link": link.clone()}])),
        });
        let text = stream.to_string().replace("https://api.example.test", "http://localhost:9");
        stream = serde_json::from_str(&text).unwrap();
        let (got, _) = world
            .read(&manifest(stream), json!({}))
            .await
            .unwrap_or_else(|error| panic!("{what}: {error:?}"));
        assert_eq!(got.records.last().unwrap()["id"], "inside", "{what}");
        assert_eq!(visits.load(Ordering::SeqCst), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_settings_name_is_asked_wherever_it_is() {
    // Signing in elsewhere makes the API of the settings no stranger.
    let (server, visits) = inside().await;
    let mut stream = stream();
    stream["retriever"]["requester"]["url_base"] = json!("{{ config['url'] }}");
    stream["retriever"]["requester"]["authenticator"] = json!({"type": "OAuthAuthenticator",
        "grant_type": "client_credentials", "client_id": "me", "client_secret": "x",
        "token_refresh_endpoint": "https://login.example.test/token"});
    let world = World::new(|request| match request.url.host_str() {
        Some("login.example.test") => ok(&json!({"access_token": "t", "expires_in": 60})),
        _ => None,
    });
    let (got, _) = world.read(&manifest(stream), json!({"url": server.url()})).await.unwrap();
    assert_eq!((got.records.len(), visits.load(Ordering::SeqCst)), (1, 1));
}
