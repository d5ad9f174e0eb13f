use serde_json::{Value, json};

use super::client::Server;
use crate::support::Shell;

fn manifest(columns: &str, key: &str) -> String {
    format!(
        r##"
version: 6.0.0
type: DeclarativeSource
check: {{type: CheckStream, stream_names: [users]}}
streams:
  - type: DeclarativeStream
    name: users
    primary_key: [{key}]
    retriever:
      type: SimpleRetriever
      requester: {{type: HttpRequester, url_base: "http://127.0.0.1:9", path: /users, http_method: GET}}
      record_selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: []}}}}
    schema_loader: {{type: InlineSchemaLoader, schema: {{type: object, properties: {{{columns}}}}}}}
spec: {{type: Spec, connection_specification: {{type: object, properties: {{}}}}}}
"##
    )
}

/// A project with a manifest in one version, which a source and two connections use.
fn shop() -> Shell {
    let shell = Shell::with_project();
    shell.write("1.yaml", &manifest("id: {type: integer}, email: {type: string}", "id"));
    shell.ok(&["connector", "add", "1.yaml", "--name", "shop"]);
    shell.ok(&["add", "source", "source", "--connector", "shop"]);
    shell.write("destinations/target.yaml", "connector: duckdb\nconfig:\n  path: target.duckdb\n");
    for name in ["first", "second"] {
        let text = "source: source\ndestination: target\ntables:\n  - name: users\n";
        shell.write(&format!("connections/{name}.yaml"), text);
    }
    shell
}

fn on(versions: &Value) -> Vec<(String, String)> {
    let connections = versions[0]["sources"][0]["connections"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    connections.iter().map(|each| (text(&each["connection"]), text(&each["runs_on"]))).collect()
}

#[test]
fn versions_are_listed_planned_applied_and_rolled_back() {
    let shell = shop();
    let server = Server::open(&shell);
    let listed = server.ok("connectors.versions", Value::Null);
    assert_eq!((&listed[0]["connector"], &listed[0]["versions"]), (&json!("shop"), &json!(["1"])));
    assert_eq!(listed[0]["sources"][0]["pinned"], true, "a source stays with the version it was made with");

    // Added by another program while this one runs.
    let columns = "id: {type: integer}, email: {type: integer}, more: {type: string}";
    shell.write("2.yaml", &manifest(columns, "id"));
    shell.ok(&["connector", "add", "2.yaml", "--name", "shop"]);
    let request = |to: Value, only: Value| json!({"connector": "shop", "to": to, "only": only});
    let plan = server.ok("connectors.upgrade_plan", request(Value::Null, json!([])));
    assert_eq!((&plan["to"], &plan["sources"][0]["from"]), (&json!("2"), &json!("1")));
    assert_eq!(plan["sources"][0]["connections"], json!(["first", "second"]));
    let table = &plan["sources"][0]["diff"]["tables"][0];
    assert_eq!(table["change"], "changed");
    assert_eq!(
        table["columns"],
        json!([
            {"column": "email", "before": "text", "after": "int64"},
            {"column": "more", "before": null, "after": "text"},
        ])
    );

    let of = |name: &str, version: &str| (name.to_owned(), version.to_owned());
    let changed = server.ok("connectors.upgrade", request(json!("2"), json!(["second"])));
    assert_eq!(changed, json!([{"name": "second", "version": "2"}]));
    let listed = server.ok("connectors.versions", Value::Null);
    assert_eq!(on(&listed), [of("first", "1"), of("second", "2")], "one goes first");
    let timeline = server.ok("timeline", json!({"connection": "second", "limit": 5}));
    assert_eq!(timeline[0]["text"], "Version 2 of `shop` instead of version 1.");

    server.ok("connectors.upgrade", request(Value::Null, json!([])));
    let listed = server.ok("connectors.versions", Value::Null);
    assert_eq!(on(&listed), [of("first", "2"), of("second", "2")], "then all");
    assert_eq!(listed[0]["sources"][0]["connections"][1]["own"], false);
    let back = server.ok("connectors.roll_back", json!({"connector": "shop", "only": []}));
    assert_eq!(back, json!([{"name": "source", "version": "1"}]));
    assert_eq!(on(&server.ok("connectors.versions", Value::Null)), [of("first", "1"), of("second", "1")]);

    let error = server.call("connectors.upgrade", request(json!("9"), json!([]))).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("no version `9`"), "{error}");
    let error = server.call("connectors.upgrade", request(json!("2"), json!(["third"]))).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("`third`"), "{error}");
    let error = server.call("connectors.upgrade", json!({"connector": "duckdb", "to": null, "only": []}));
    assert_eq!(error.unwrap_err()["code"], "unsupported", "it comes with the program");
    let error = server.call("connectors.rehearse", json!({"connection": "first", "to": null})).unwrap_err();
    assert_eq!(error["code"], "not_found", "nothing was recorded: {error}");
}
