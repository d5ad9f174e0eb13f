//! The older form of sessions (`LegacySessionTokenAuthenticator`).

use serde_json::json;

use crate::world::{Said, World, manifest, ok, stream};

#[tokio::test]
async fn a_session_begins_where_the_requests_go() {
    let mut stream = stream();
    stream["retriever"]["requester"]["url_base"] = json!("https://api.example.test/v2/");
    stream["retriever"]["requester"]["path"] = json!("items");
    stream["retriever"]["requester"]["authenticator"] = json!({"type": "LegacySessionTokenAuthenticator",
        "header": "X-Session", "login_url": "session", "validate_session_url": "user/current",
        "username": "{{ config['user'] }}", "password": "p", "session_token": "old",
        "session_token_response_key": "id"});
    let world = World::new(|request| match request.url.path() {
        "/v2/session" => ok(&json!({"id": "new"})),
        "/v2/items" if request.headers.get("x-session").is_some_and(|token| token == "new") => {
            ok(&json!([{"id": 1}]))
        }
        // The token of the settings is too old.
        _ => Some(Said::with(401, "{}")),
    });
    let (got, asked) = world.read(&manifest(stream), json!({"user": "ann"})).await.unwrap();
    assert_eq!(got.records, [json!({"id": 1})]);
    let paths: Vec<&str> = asked.iter().map(|request| request.url.path()).collect();
    assert_eq!(paths, ["/v2/user/current", "/v2/session", "/v2/items"]);
}
