//! From a JSON Schema to columns.

use syncline_protocol::{Column, LogicalType};

use crate::Json;

/// The columns that a schema declares, in its order. Whole numbers are `Int64`; other numbers are `Numeric`, which keeps
/// every digit that the API wrote, where a float would round. What may have several types is `Json`, or `Text` when
/// nothing at all is said of it.
pub fn columns(schema: &Json) -> Vec<Column> {
    let fields = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    fields.map(|(name, field)| Column::new(name.clone(), logical(field, schema, 0))).collect()
}

fn logical(field: &Json, root: &Json, depth: usize) -> LogicalType {
    if depth > 16 {
        return LogicalType::Json;
    }
    if let Some(target) = field.get("$ref").and_then(Json::as_str).and_then(|at| at.strip_prefix('#')) {
        return root.pointer(target).map_or(LogicalType::Json, |target| logical(target, root, depth + 1));
    }
    let choices = ["oneOf", "anyOf"].iter().find_map(|name| field.get(name).and_then(Json::as_array));
    if let Some(choices) = choices {
        return common(
            choices.iter().filter(|choice| !is_null(choice)).map(|choice| logical(choice, root, depth + 1)),
        );
    }
    match field.get("type") {
        Some(Json::String(kind)) => of_kind(kind, field),
        Some(Json::Array(kinds)) => {
            let kinds = kinds.iter().filter_map(Json::as_str).filter(|kind| *kind != "null");
            common(kinds.map(|kind| of_kind(kind, field)))
        }
        _ if field.get("properties").is_some() || field.get("items").is_some() => LogicalType::Json,
        _ => LogicalType::Json,
    }
}

fn is_null(choice: &Json) -> bool {
    choice.get("type").and_then(Json::as_str) == Some("null")
}

fn of_kind(kind: &str, field: &Json) -> LogicalType {
    let text = |name: &str| field.get(name).and_then(Json::as_str);
    match (kind, text("format"), text("airbyte_type")) {
        ("boolean", ..) => LogicalType::Boolean,
        ("integer", ..) | ("number", _, Some("integer")) => LogicalType::Int64,
        ("number", ..) => LogicalType::Numeric,
        ("string", _, Some("big_integer" | "big_number")) => LogicalType::Numeric,
        ("string", _, Some("timestamp_without_timezone")) => LogicalType::Timestamp,
        ("string", _, Some("timestamp_with_timezone")) | ("string", Some("date-time"), None) => {
            LogicalType::TimestampTz
        }
        ("string", Some("date"), _) => LogicalType::Date,
        ("string", Some("time"), Some("time_without_timezone")) => LogicalType::Time,
        ("string", ..) => LogicalType::Text,
        _ => LogicalType::Json,
    }
}

/// The type that holds all of them without loss.
fn common(mut kinds: impl Iterator<Item = LogicalType>) -> LogicalType {
    let Some(first) = kinds.next() else { return LogicalType::Json };
    kinds.fold(first, |all, next| match (all, next) {
        (all, next) if all == next => all,
        (LogicalType::Int64 | LogicalType::Numeric, LogicalType::Int64 | LogicalType::Numeric) => {
            LogicalType::Numeric
        }
        _ => LogicalType::Json,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn properties_become_columns() {
        let cases = [
            (json!({"type": "string"}), LogicalType::Text),
            (json!({"type": ["null", "integer"]}), LogicalType::Int64),
            (json!({"type": ["integer", "number"]}), LogicalType::Numeric),
            (json!({"type": ["string", "integer"]}), LogicalType::Json),
            (json!({"type": "string", "format": "date"}), LogicalType::Date),
            (json!({"type": "string", "format": "date-time"}), LogicalType::TimestampTz),
            (json!({"type": "object"}), LogicalType::Json),
            (json!({"oneOf": [{"type": "null"}, {"type": "boolean"}]}), LogicalType::Boolean),
            (json!({"$ref": "#/definitions/a"}), LogicalType::Numeric),
            (json!({"$ref": "#/properties/c"}), LogicalType::Json),
            (json!({}), LogicalType::Json),
        ];
        for (field, expected) in cases {
            let schema = json!({"properties": {"c": field}, "definitions": {"a": {"type": "number"}}});
            assert_eq!(columns(&schema)[0].logical, expected, "{schema}");
        }
        let local = json!({"properties": {"c": {
            "type": "string", "format": "date-time", "airbyte_type": "timestamp_without_timezone",
        }}});
        assert_eq!(columns(&local)[0].logical, LogicalType::Timestamp);
    }
}
