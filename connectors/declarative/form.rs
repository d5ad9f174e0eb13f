//! The settings of a manifest as the form that windows and the command line show.

use serde_json::{Map, Value, json};

use super::OWN;

/// The JSON Schema of a source's settings: the manifest's own, in the order it wants, with secrets marked our way, and
/// how Syncline runs it.
pub(super) fn settings(specification: &Value) -> Value {
    let mut schema = marked(specification, 0);
    let Some(fields) = schema.as_object_mut() else { return json!({"type": "object"}) };
    fields.insert("type".to_owned(), "object".into());
    let properties = fields.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert(OWN.to_owned(), own());
    }
    schema
}

fn own() -> Value {
    json!({
        "type": "object",
        "title": "How Syncline reads it",
        "properties": {
            "exact": {
                "type": "boolean",
                "default": false,
                "title": "Exactly like the reference",
                "description": "Follow the reference implementation also where it loses rows in silence."
            },
            "allow_private_addresses": {
                "type": "boolean",
                "default": false,
                "title": "Allow private addresses",
                "description": "Let the API send requests on to addresses of this computer or the local network."
            },
            "unnest": {
                "type": "array",
                "items": {"type": "string"},
                "default": [],
                "title": "Lists as tables of their own",
                "description": "Fields whose elements become rows of a table beside: `orders.line_items` makes \
                    `orders__line_items`. Each reads its parent once more, so its requests double.",
                "examples": ["orders.line_items"]
            }
        }
    })
}

/// The same schema with our word for secrets, properties by their `order`, and without those that are hidden.
pub(super) fn marked(node: &Value, depth: usize) -> Value {
    let Some(fields) = node.as_object().filter(|_| depth < 32) else { return node.clone() };
    let mut marked_fields = Map::new();
    for (key, value) in fields {
        let value = match (key.as_str(), value) {
            ("airbyte_secret", secret) => {
                marked_fields.insert("x-secret".to_owned(), secret.clone());
                continue;
            }
            ("multiline", several) => {
                marked_fields.insert("x-multiline".to_owned(), several.clone());
                continue;
            }
            ("properties", Value::Object(properties)) => Value::Object(ordered(properties, depth)),
            ("oneOf" | "anyOf" | "allOf", Value::Array(branches)) => {
                branches.iter().map(|branch| marked(branch, depth + 1)).collect()
            }
            ("items", items) => marked(items, depth + 1),
            (_, value) => value.clone(),
        };
        marked_fields.insert(key.clone(), value);
    }
    Value::Object(marked_fields)
}

fn ordered(properties: &Map<String, Value>, depth: usize) -> Map<String, Value> {
    let hidden = |value: &Value| value.get("airbyte_hidden") == Some(&Value::Bool(true));
    let mut all: Vec<(&String, &Value)> = properties.iter().filter(|(_, value)| !hidden(value)).collect();
    all.sort_by_key(|(_, value)| value.get("order").and_then(Value::as_i64).unwrap_or(i64::MAX));
    all.into_iter().map(|(name, value)| (name.clone(), marked(value, depth + 1))).collect()
}

/// `hacker-news` → "Hacker news".
pub(super) fn label(name: &str) -> String {
    let spaced = name.replace(['-', '_'], " ");
    let mut letters = spaced.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_order_are_ours() {
        let schema = settings(&json!({"type": "object", "required": ["key"], "properties": {
            "start": {"type": "string", "order": 2},
            "key": {"type": "string", "airbyte_secret": true, "order": 1},
            "auth": {"type": "object", "order": 3, "oneOf": [{"properties": {"token": {"type": "string", "airbyte_secret": true}}}]},
            "old": {"type": "string", "airbyte_hidden": true}
        }}));
        let names: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["key", "start", "auth", "syncline"]);
        assert_eq!(schema["properties"]["key"]["x-secret"], true);
        assert_eq!(schema["properties"]["auth"]["oneOf"][0]["properties"]["token"]["x-secret"], true);
        assert_eq!(label("hacker-news"), "Hacker news");
    }
}
