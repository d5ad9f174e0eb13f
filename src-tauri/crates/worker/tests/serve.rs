//! The studio's server: who is let in, and every request with the real sample and a real DuckDB file.

use serde_json::{Value, json};

use crate::support::Shell;

mod client;
mod journey;
mod versions;

use client::Server;

#[test]
fn the_token_works_once_and_leads_to_a_session() {
    let shell = Shell::with_project();
    let server = Server::start(&shell);
    assert_eq!(server.go_in("0000").status, 401);
    assert_eq!(server.go_in("").status, 401);
    assert_eq!(server.send("GET", "/", &[("host", &server.host())], "").status, 401);
    assert_eq!(server.send("GET", "/assets/index.js", &[("host", &server.host())], "").status, 401);
    let token = server.token().to_owned();
    assert_eq!(server.go_in(&token).status, 303);
    assert_eq!(server.go_in(&token).status, 401, "the second one comes too late");
}

#[test]
fn foreign_pages_hosts_and_browsers_get_nothing() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    let (host, cookie) = (server.host(), server.cookie().to_owned());
    let origin = format!("http://{host}");
    let post = |host: &str, origin: &str, cookie: &str, kind: &str| {
        let headers = [("host", host), ("origin", origin), ("cookie", cookie), ("content-type", kind)];
        server.send("POST", "/rpc/project.info", &headers, "null").status
    };
    let json = "application/json";
    assert_eq!(post(&host, &origin, &cookie, json), 200);
    assert_eq!(post(&host, &origin, "", json), 401, "no session");
    assert_eq!(post(&host, &origin, "syncline_1=guess", json), 401, "a wrong session");
    assert_eq!(post(&host, "http://evil.example", &cookie, json), 403, "a foreign page");
    assert_eq!(post(&host, "null", &cookie, json), 403, "a page in a sandbox");
    let rebound = format!("evil.example:{}", server.port);
    assert_eq!(post(&rebound, &format!("http://{rebound}"), &cookie, json), 421, "a rebound name");
    assert_eq!(post(&host, &origin, &cookie, "text/plain"), 415, "what a form can send");
    let without_origin = [("host", host.as_str()), ("cookie", &cookie), ("content-type", json)];
    assert_eq!(server.send("POST", "/rpc/project.info", &without_origin, "null").status, 403);
    assert_eq!(server.send("GET", "/rpc/project.info", &without_origin, "").status, 405);
    assert_eq!(server.events_with("http://evil.example", &cookie).0, 403);
    assert_eq!(server.events_with(&origin, "").0, 401);
    assert_eq!(server.events_with(&origin, &cookie).0, 101);
}

#[test]
fn every_answer_carries_the_policy() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    let host = server.host();
    let page = server.send("GET", "/", &[("host", &host), ("cookie", server.cookie())], "");
    let refused = server.send("GET", "/", &[("host", &host)], "");
    let wrong = server.send("POST", "/rpc/project.info", &[("host", &host)], "null");
    // The page itself, or how to build it: the program may be built without its window.
    assert!([200, 503].contains(&page.status), "{}", page.status);
    for answer in [&page, &refused, &wrong] {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.contains("default-src 'self'; script-src 'self';"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-eval"), "{policy}");
        assert!(policy.contains(&format!("ws://127.0.0.1:{}", server.port)), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("x-frame-options"), Some("DENY"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn what_is_wrong_is_told_in_the_shape_of_every_error() {
    let shell = Shell::with_project();
    let server = Server::open(&shell);
    let error = server.call("no.such", Value::Null).unwrap_err();
    assert_eq!(error["code"], "unsupported");
    let error = server.call("connections.get", json!({"connection": "nope"})).unwrap_err();
    assert_eq!((&error["code"], &error["retry"]["when"]), (&json!("config"), &json!("never")));
    assert!(
        !error["meaning"].as_str().unwrap().is_empty()
            && !error["fix"][0]["label"].as_str().unwrap().is_empty()
    );
    let error = server.call("connections.get", json!({"wrong": "hunter2"})).unwrap_err();
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[cfg(unix)]
#[test]
fn an_interrupt_lets_the_sync_reach_a_durable_point() {
    let shell = Shell::with_project();
    let mut server = Server::open(&shell);
    let connection = server.ok("sample.prepare", Value::Null)["connection"].clone();
    let mut events = server.events();
    let run =
        server.ok("run.start", json!({"connection": connection, "tables": [], "fingerprint": null}))["run"]
            .clone();
    // As soon as it reads.
    while events.next().unwrap()["what"]["event"] != "table_started" {}
    assert!(server.interrupt().success());
    let kept: Value = serde_json::from_str(&shell.ok(&["receipt", run.as_str().unwrap(), "--json"])).unwrap();
    assert!(["stopped", "succeeded"].contains(&kept["outcome"].as_str().unwrap()), "{kept}");
    // Nothing is left half done: the next run completes it, and its counts add up.
    shell.ok(&["run", connection.as_str().unwrap(), "--yes"]);
}
