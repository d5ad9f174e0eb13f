//! Casts values to the types of the stream's schema (`schema_normalization: Default`).

use std::sync::Arc;

use syncline_protocol::Result;
use tokio::sync::OnceCell;

use crate::Json;
use crate::context::Run;
use crate::expression::{python_str, truthy};
use crate::stream::schema::SchemaLoader;

/// The schema to cast to, loaded when the first record comes.
#[derive(Default)]
pub(super) struct Normaliser {
    loader: Option<Arc<SchemaLoader>>,
    schema: OnceCell<Arc<Json>>,
}

impl Normaliser {
    pub(super) fn with(self, loader: Arc<SchemaLoader>) -> Normaliser {
        Normaliser { loader: Some(loader), ..self }
    }

    pub(super) async fn schema(&self, run: &Arc<Run>) -> Result<Arc<Json>> {
        let loaded = self.schema.get_or_try_init(|| async {
            match &self.loader {
                Some(loader) => loader.load(run).await.map(Arc::new),
                None => Ok(Arc::new(Json::Null)),
            }
        });
        loaded.await.map(Arc::clone)
    }
}

/// Casts the fields of a record that its schema names.
pub(super) fn normalise(record: &mut Json, schema: &Json) {
    walk(record, schema, schema, 0);
}

fn walk(value: &mut Json, schema: &Json, root: &Json, depth: usize) {
    if depth > 64 {
        return;
    }
    let schema = named(schema, root);
    match value {
        Json::Object(fields) => {
            let Some(properties) = schema.get("properties").and_then(Json::as_object) else { return };
            for (name, property) in properties {
                if let Some(field) = fields.get_mut(name) {
                    let property = named(property, root);
                    cast(field, property);
                    walk(field, property, root, depth + 1);
                }
            }
        }
        Json::Array(items) => {
            let Some(item_schema) = schema.get("items") else { return };
            let item_schema = named(item_schema, root);
            for item in items {
                cast(item, item_schema);
                walk(item, item_schema, root, depth + 1);
            }
        }
        _ => {}
    }
}

/// What a `$ref` names.
fn named<'a>(schema: &'a Json, root: &'a Json) -> &'a Json {
    let pointer = schema.get("$ref").and_then(Json::as_str).and_then(|named| named.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// Casts to the one type that is not null; what cannot be cast stays.
fn cast(value: &mut Json, schema: &Json) {
    let names: Vec<&str> = match schema.get("type") {
        Some(Json::String(name)) => vec![name],
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).collect(),
        _ => return,
    };
    if value.is_null() && names.contains(&"null") {
        return;
    }
    let several = matches!(schema.get("type"), Some(Json::Array(_)));
    let names: Vec<&str> = names.into_iter().filter(|name| !several || *name != "null").collect();
    let [name] = names.as_slice() else { return };
    let cast = match *name {
        "string" if !value.is_string() => Some(Json::String(python_str(value))),
        "number" => float(value).and_then(serde_json::Number::from_f64).map(Json::Number),
        "integer" => integer(value),
        "boolean" => boolean(value).map(Json::Bool),
        "array" => wrapped(value, schema),
        _ => None,
    };
    if let Some(cast) = cast {
        *value = cast;
    }
}

fn float(value: &Json) -> Option<f64> {
    match value {
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::Number(number) => number.as_f64(),
        Json::String(text) => {
            text.trim().replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
        }
        _ => None,
    }
}

fn integer(value: &Json) -> Option<Json> {
    match value {
        Json::Bool(value) => Some(Json::from(u8::from(*value))),
        Json::Number(number) if number.is_f64() => {
            let whole = number.as_f64()?.trunc();
            (whole.abs() < 9.2e18).then(|| Json::from(whole as i64))
        }
        Json::String(text) => text.trim().replace('_', "").parse::<i64>().ok().map(Json::from),
        _ => None,
    }
}

fn boolean(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(_) => None,
        Json::String(text) => match text.to_lowercase().as_str() {
            "y" | "yes" | "t" | "true" | "on" | "1" => Some(true),
            "n" | "no" | "f" | "false" | "off" | "0" => Some(false),
            _ => None,
        },
        other => Some(truthy(other)),
    }
}

/// A plain value where a list of plain values should be.
fn wrapped(value: &Json, schema: &Json) -> Option<Json> {
    let simple = |name: &str| matches!(name, "string" | "number" | "integer" | "boolean");
    let plain = match schema.get("items").and_then(|items| items.get("type")) {
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).all(simple),
        // The reference takes the letters of a single name for types; only no name at all passes.
        Some(Json::String(_)) => false,
        _ => true,
    };
    let is_plain = matches!(value, Json::Bool(_) | Json::Number(_) | Json::String(_));
    (plain && is_plain).then(|| Json::Array(vec![value.clone()]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_cast_to_the_schema() {
        let schema = json!({"properties": {
            "s": {"type": "string"}, "n": {"type": ["null", "number"]}, "i": {"type": "integer"}, "b": {"type": "boolean"},
            "a": {"type": "array", "items": {"type": ["string"]}}, "o": {"properties": {"x": {"type": "string"}}},
            "l": {"items": {"type": "integer"}}, "two": {"type": ["string", "integer"]}}});
        let mut record = json!({"s": true, "n": "1.5", "i": 2.9, "b": "yes", "a": "x", "o": {"x": 1}, "l": ["1", "x"], "two": 5, "new": 1});
        normalise(&mut record, &schema);
        assert_eq!(
            record,
            json!({"s": "True", "n": 1.5, "i": 2, "b": true, "a": ["x"], "o": {"x": "1"}, "l": [1, "x"], "two": 5, "new": 1})
        );
        let mut nulls = json!({"s": null, "n": null});
        normalise(&mut nulls, &schema);
        assert_eq!(nulls, json!({"s": "None", "n": null}));
    }
}
