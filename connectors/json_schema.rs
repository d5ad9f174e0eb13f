//! The columns of a table, from the JSON Schema that a manifest declares for its records.

use serde_json::Value;
use syncline_protocol::{Column, LogicalType};

/// A column for each property. A schema promises little: every column can be null, and what does not fit widens it.
pub(crate) fn columns(schema: &Value) -> Vec<Column> {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties
        .into_iter()
        .flatten()
        .map(|(name, property)| Column::new(name, logical(property, schema, 0)))
        .collect()
}

/// The type of a property.
fn logical(property: &Value, root: &Value, depth: usize) -> LogicalType {
    if depth > 16 {
        return LogicalType::Json;
    }
    if let Some(named) = property.get("$ref").and_then(Value::as_str) {
        let pointed = named.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        return pointed.map_or(LogicalType::Json, |named| logical(named, root, depth + 1));
    }
    for several in ["oneOf", "anyOf"] {
        if let Some(branches) = property.get(several).and_then(Value::as_array) {
            let types =
                branches.iter().filter(|branch| branch.get("type").and_then(Value::as_str) != Some("null"));
            let joined =
                types.map(|branch| logical(branch, root, depth + 1)).reduce(|left, right| left.widen(&right));
            return joined.unwrap_or(LogicalType::Json);
        }
    }
    let names: Vec<&str> = match property.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => {
            names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect()
        }
        _ => Vec::new(),
    };
    let types = names.iter().map(|name| match *name {
        "boolean" => LogicalType::Boolean,
        "integer" => LogicalType::Int64,
        "number" if property.get("airbyte_type").and_then(Value::as_str) == Some("integer") => {
            LogicalType::Int64
        }
        // A JSON number with a point is a binary floating-point number in every API there is.
        "number" => LogicalType::Float64,
        "string" => text(property),
        _ => LogicalType::Json,
    });
    types.reduce(|left, right| left.widen(&right)).unwrap_or(LogicalType::Json)
}

/// The columns of the elements of a field that is reached by these steps: the properties of its items, or one called
/// `value` when they are no objects. Empty when the schema does not say.
///
/// # Errors
/// Why the field has no elements, when the schema says that it is something else.
pub(crate) fn elements(schema: &Value, path: &[String], value: &str) -> Result<Vec<Column>, String> {
    let mut field = schema;
    for (at, step) in path.iter().enumerate() {
        let reached = || path[..at].join(".");
        if at > 0 && part(field, "items", schema, 0).is_some() {
            return Err(format!(
                "`{}` is a list itself, so that `{step}` is in each of its elements",
                reached()
            ));
        }
        match part(field, "properties", schema, 0).and_then(|fields| fields.get(step)) {
            Some(found) => field = found,
            None => return Ok(Vec::new()),
        }
    }
    let items = part(field, "items", schema, 0);
    // One that is alone may come without its list.
    let element = items.unwrap_or(field);
    if let Some(fields) = part(element, "properties", schema, 0).and_then(Value::as_object) {
        let column = |(name, property): (&String, &Value)| Column::new(name, logical(property, schema, 0));
        return Ok(fields.iter().map(column).collect());
    }
    match logical(element, schema, 0) {
        LogicalType::Json => Ok(Vec::new()),
        logical if items.is_some() => Ok(vec![Column::new(value, logical)]),
        logical => Err(format!("`{}` is of type {logical}, and no list", path.join("."))),
    }
}

/// What a schema says under this name, itself or where it points to.
fn part<'s>(node: &'s Value, name: &str, root: &'s Value, depth: usize) -> Option<&'s Value> {
    if depth > 16 {
        return None;
    }
    if let Some(found) = node.get(name).filter(|found| found.is_object()) {
        return Some(found);
    }
    if let Some(named) = node.get("$ref").and_then(Value::as_str) {
        let pointed = named.strip_prefix('#').and_then(|pointer| root.pointer(pointer))?;
        return part(pointed, name, root, depth + 1);
    }
    let mut branches =
        ["oneOf", "anyOf"].iter().filter_map(|several| node.get(several)?.as_array()).flatten();
    branches.find_map(|branch| part(branch, name, root, depth + 1))
}

/// What a text means. A format is only a promise; values that break it make the column a text.
fn text(property: &Value) -> LogicalType {
    let word = |name: &str| property.get(name).and_then(Value::as_str).unwrap_or_default();
    match (word("format"), word("airbyte_type")) {
        ("date", _) => LogicalType::Date,
        ("date-time", "timestamp_without_timezone") => LogicalType::Timestamp,
        ("date-time", _) => LogicalType::TimestampTz,
        (_, "timestamp_with_timezone") => LogicalType::TimestampTz,
        (_, "timestamp_without_timezone") => LogicalType::Timestamp,
        _ => LogicalType::Text,
    }
}

/// The type that a value shows, for fields that no schema declares.
pub(crate) fn of_value(value: &Value) -> Option<LogicalType> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => LogicalType::Boolean,
        Value::Number(number) if number.is_i64() => LogicalType::Int64,
        Value::Number(number) if number.is_u64() => LogicalType::Numeric,
        Value::Number(_) => LogicalType::Float64,
        Value::String(_) => LogicalType::Text,
        Value::Array(_) | Value::Object(_) => LogicalType::Json,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn properties_become_columns() {
        let schema = json!({"type": "object", "definitions": {"money": {"type": ["null", "number"]}}, "properties": {
            "id": {"type": "integer"}, "name": {"type": ["null", "string"]}, "day": {"type": "string", "format": "date"},
            "at": {"type": ["string", "null"], "format": "date-time"}, "on": {"type": "boolean"},
            "local": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone"},
            "price": {"$ref": "#/definitions/money"}, "tags": {"type": "array"}, "any": {},
            "both": {"type": ["integer", "string"]}, "one": {"oneOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]},
            "loop": {"$ref": "#/properties/loop"}
        }});
        let shown: Vec<String> =
            columns(&schema).iter().map(|column| format!("{} {}", column.name, column.logical)).collect();
        assert_eq!(
            shown,
            [
                "id int64",
                "name text",
                "day date",
                "at timestamptz",
                "on boolean",
                "local timestamp",
                "price float64",
                "tags json",
                "any json",
                "both text",
                "one numeric",
                "loop json"
            ]
        );
    }

    #[test]
    fn elements_have_the_columns_of_the_items() {
        let schema = json!({"type": "object", "definitions": {"line": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        "properties": {
            "lines": {"type": ["null", "array"], "items": {"$ref": "#/definitions/line"}},
            "deep": {"type": "object", "properties": {"data": {"anyOf": [{"type": "null"}, {"type": "array", "items": {"type": "integer"}}]}}},
            "one": {"$ref": "#/definitions/line"}, "any": {"type": "array"}, "free": {}, "name": {"type": "string"},
            "loop": {"$ref": "#/properties/loop"}
        }});
        let shown = |path: &str| {
            let path: Vec<String> = path.split('.').map(str::to_owned).collect();
            elements(&schema, &path, "_value").map(|columns| {
                let shown: Vec<String> =
                    columns.iter().map(|column| format!("{} {}", column.name, column.logical)).collect();
                shown.join(", ")
            })
        };
        assert_eq!(shown("lines").unwrap(), "sku text");
        assert_eq!(shown("deep.data").unwrap(), "_value int64");
        assert_eq!(shown("one").unwrap(), "sku text");
        for unknown in ["any", "free", "not.there", "loop", "deep"] {
            assert_eq!(
                shown(unknown).ok(),
                Some(if unknown == "deep" { "data json" } else { "" }.to_owned()),
                "{unknown}"
            );
        }
        assert!(shown("name").unwrap_err().contains("`name` is of type text"));
        assert!(shown("lines.sku").unwrap_err().contains("`lines` is a list itself"));
    }
}
