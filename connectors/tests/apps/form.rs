//! Whether people can fill in the settings of a service.

use connectors::declarative::Declarative;
use connectors::declarative::apps::App;
use serde_json::Value;
use syncline_protocol::Connector as _;

/// All tables can be read, and every setting says what it is.
pub(super) fn is_fit_for_people(app: &App, manifest: String) {
    let connector = Declarative::new(app.name, manifest, |_| None);
    assert_eq!(connector.broken(), None, "{}", app.name);
    for (table, why) in connector.tables() {
        assert_eq!(why, None, "{}: {table}", app.name);
    }
    let mut settings = connector.spec().source_schema.unwrap();
    settings["properties"].as_object_mut().unwrap().shift_remove("syncline");
    let mut secrets = 0;
    check(app.name, &settings, &mut secrets);
    assert!(secrets > 0, "{}: none of its settings is a secret", app.name);
}

fn check(place: &str, group: &Value, secrets: &mut usize) {
    let properties = group.get("properties").and_then(Value::as_object);
    for (name, field) in properties.into_iter().flatten() {
        let place = format!("{place}.{name}");
        let text = |word: &str| field.get(word).and_then(Value::as_str).unwrap_or_default();
        if field.get("const").is_some() {
            continue;
        }
        assert!(!text("title").is_empty() && !text("description").is_empty(), "{place}: title, description");
        assert!(field.get("order").is_some(), "{place}: order");
        if field.get("pattern").is_some() {
            assert!(!text("pattern_descriptor").is_empty(), "{place}: pattern_descriptor");
        }
        *secrets += usize::from(field.get("x-secret") == Some(&Value::Bool(true)));
        let word = ["secret", "token", "password", "private_key", "api_key"];
        if word.iter().any(|word| name.ends_with(word)) {
            assert_eq!(field.get("x-secret"), Some(&Value::Bool(true)), "{place}: a secret");
        }
        check(&place, field, secrets);
        for branch in field.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
            assert!(branch.get("title").is_some(), "{place}: each way has a title");
            check(&place, branch, secrets);
        }
    }
}
