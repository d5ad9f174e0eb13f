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
    let moved = server.ok("connectors.upgrade", request(json!("2"), json!(["second"])));
    assert_eq!(moved["changed"], json!([{"name": "second", "version": "2"}]));
    let listed = server.ok("connectors.versions", Value::Null);
    assert_eq!(on(&listed), [of("first", "1"), of("second", "2")], "one goes first");
    let timeline = server.ok("timeline", json!({"connection": "second", "limit": 5}));
    assert_eq!(timeline[0]["text"], "Version 2 of `shop` instead of version 1.");
    assert_eq!(timeline.as_array().unwrap().len(), 1, "the file is not told once more: {timeline}");
    let second = &listed[0]["sources"][0]["connections"][1];
    assert_eq!((&second["own"], &second["back"]), (&json!(true), &json!("1")));
    assert_eq!(listed[0]["sources"][0]["back"], Value::Null, "the one that went ahead goes back first");

    server.ok("connectors.upgrade", request(Value::Null, json!([])));
    let listed = server.ok("connectors.versions", Value::Null);
    assert_eq!(on(&listed), [of("first", "2"), of("second", "2")], "then all");
    assert_eq!(listed[0]["sources"][0]["connections"][1]["own"], false);
    let back =
        server.ok("connectors.roll_back", json!({"connector": "shop", "source": "source", "only": []}));
    assert_eq!(back["changed"], json!([{"name": "source", "version": "1"}]));
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

#[test]
fn what_was_moved_can_be_put_back_as_it_stood() {
    let shell = shop();
    // The source follows the newest version, and one connection stays behind.
    shell.write("sources/source.yaml", "connector: shop\nconfig: {}\n");
    let text = "source: source\nsource_version: '1'\ndestination: target\ntables:\n  - name: users\n";
    shell.write("connections/second.yaml", text);
    shell.write("connectors/shop/2/manifest.yaml", &manifest("id: {type: integer}", "id"));
    shell.write("connectors/shop/3/manifest.yaml", &manifest("id: {type: integer}", "id"));
    let file = |name: &str| std::fs::read_to_string(shell.path().join(name)).unwrap();
    let server = Server::open(&shell);
    let listed = || server.ok("connectors.versions", Value::Null);
    let before = listed();
    assert_eq!(on(&before)[0].1, "3");

    let request = json!({"connector": "shop", "to": "2", "only": []});
    let moved = server.ok("connectors.upgrade", request);
    assert_eq!(on(&listed()), [("first".to_owned(), "2".to_owned()), ("second".to_owned(), "2".to_owned())]);
    let put_back = json!({"connector": "shop", "places": moved["before"]});
    let changed = server.ok("connectors.put_back", put_back.clone());
    assert_eq!(changed, json!([{"name": "source", "version": "3"}, {"name": "second", "version": "1"}]));
    assert_eq!(listed(), before);
    assert!(file("sources/source.yaml").contains("connector: shop\n"), "it follows the newest again");
    assert!(file("connections/second.yaml").contains("source_version: \"1\""));
    let timeline = server.ok("timeline", json!({"connection": "second", "limit": 9}));
    let told: Vec<_> = timeline.as_array().unwrap().iter().map(|entry| entry["text"].clone()).collect();
    let text = |to: u8, from: u8| json!(format!("Version {to} of `shop` instead of version {from}."));
    assert_eq!(told, [text(1, 2), text(2, 1)]);

    // What is gone meanwhile cannot be put back, and nothing else is then.
    std::fs::remove_file(shell.path().join("connections/second.yaml")).unwrap();
    let error = server.call("connectors.put_back", put_back).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("`second` does not use"), "{error}");
}

#[test]
fn a_connector_that_is_used_gets_a_next_version_and_one_that_is_not_is_replaced() {
    let shell = shop();
    shell.write("sources/source.yaml", "connector: shop\nconfig: {}\n");
    let server = Server::open(&shell);
    let save = |columns: &str| {
        let yaml = manifest(columns, "id");
        server.ok("builder.save", json!({"name": "shop", "yaml": yaml, "replace": true}))
    };
    assert_eq!(save("id: {type: integer}"), json!({"version": "2", "beside": true}));
    let source = std::fs::read_to_string(shell.path().join("sources/source.yaml")).unwrap();
    assert!(source.contains("shop@1"), "it does not move by itself: {source}");
    assert_eq!(save("id: {type: integer}, more: {type: string}"), json!({"version": "2", "beside": false}));
    let listed = server.ok("connectors.versions", Value::Null);
    assert_eq!((&listed[0]["versions"], &on(&listed)[0].1), (&json!(["2", "1"]), &"1".to_owned()));

    // Its settings are those of the version that it is on, and saving them leaves it there.
    let detail = server.ok("systems.get", json!({"side": "source", "name": "source"}));
    assert_eq!((&detail["info"]["connector"], &detail["info"]["version"]), (&json!("shop"), &json!("1")));
    let saved =
        json!({"side": "source", "name": "source", "connector": "shop@1", "config": {}, "secrets": {}});
    server.ok("systems.save", saved);
    assert_eq!(on(&server.ok("connectors.versions", Value::Null))[0].1, "1");
}
