//! The configuration as streams see it.

use serde_json::json;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;
use crate::Map;
use crate::document::Node;
use crate::expression::{Accept, Condition, Mapping, Scope, Text};

/// Defaults filled in, migrated, transformed, validated.
pub(super) fn configure(root: &Node<'_>, specification: &Json, config: Json) -> Result<Json> {
    let Json::Object(_) = config else { return Err(wrong("", "must be an object")) };
    let schema = specification.get("connectionSpecification").cloned().unwrap_or_else(|| json!({}));
    let mut config = config;
    fill_defaults(&schema, &mut config);
    let Some(spec) = root.field("spec") else { return Ok(config) };
    let rules = spec.field("config_normalization_rules");
    let rule = |name: &str| rules.as_ref().map(|rules| rules.list(name)).unwrap_or_default();
    for migration in rule("config_migrations") {
        for transformation in migration.list("transformations") {
            transform(&transformation, &mut config)?;
        }
    }
    for transformation in rule("transformations") {
        transform(&transformation, &mut config)?;
    }
    check(&schema, &config, "")?;
    for validation in rule("validations") {
        validate(&validation, &config)?;
    }
    Ok(config)
}

/// What the specification says a missing field is. Of objects that are not there nothing is made up.
fn fill_defaults(schema: &Json, config: &mut Json) {
    let (Some(properties), Some(fields)) =
        (schema.get("properties").and_then(Json::as_object), config.as_object_mut())
    else {
        return;
    };
    for (name, property) in properties {
        match (fields.get_mut(name), property.get("default")) {
            (Some(field), _) => fill_defaults(property, field),
            (None, Some(default)) => {
                fields.insert(name.clone(), default.clone());
            }
            (None, None) => {}
        }
    }
}

fn transform(node: &Node<'_>, config: &mut Json) -> Result<()> {
    match node.kind() {
        "ConfigRemapField" => remap(node, config),
        "ConfigAddFields" => add(node, config),
        "ConfigRemoveFields" => {
            if let Some(condition) = Condition::of(node, "condition")?
                && !condition.holds(&scope(config))?
            {
                return Ok(());
            }
            for pointer in node.list("field_pointers") {
                remove(config, &steps(&pointer, &json!({}))?);
            }
            Ok(())
        }
        _ => Err(node.unsupported("a change of the configuration that is a class in Python")),
    }
}

fn scope(config: &Json) -> Scope<'_> {
    Scope::new(config, jiff::Timestamp::now)
}

fn steps(path: &Node<'_>, config: &Json) -> Result<Vec<String>> {
    let step = |step: &Node<'_>| match step.json() {
        Json::String(text) => Text::new(text, std::sync::Arc::new(json!({})))?.eval_text(&scope(config)),
        other => Ok(other.to_string()),
    };
    path.items().iter().map(step).collect()
}

fn remap(node: &Node<'_>, config: &mut Json) -> Result<()> {
    let path = steps(&node.require("field_path")?, config)?;
    let Some(map) = Mapping::of(node, "map")? else { return Ok(()) };
    let map = map.eval(&scope(config), Accept::Any)?;
    let mut at = config;
    for step in &path {
        match at.get_mut(step) {
            Some(inner) => at = inner,
            None => return Ok(()),
        }
    }
    if let Some(value) = at.as_str().and_then(|known| map.get(known)) {
        *at = value.clone();
    }
    Ok(())
}

fn add(node: &Node<'_>, config: &mut Json) -> Result<()> {
    let condition = Condition::of(node, "condition")?;
    for field in node.list("fields") {
        let path = steps(&field.require("path")?, &json!({}))?;
        let accept = match field.text("value_type")? {
            Some("string") => Accept::Text,
            Some("number") => Accept::Float,
            Some("integer") => Accept::Integer,
            Some("boolean") => Accept::Boolean,
            _ => Accept::Any,
        };
        let text = Text::of(&field, "value")?.ok_or_else(|| field.error("`value` is missing"))?;
        let value = text.eval_as(&scope(config), accept)?.unwrap_or_else(|| Json::from(""));
        let place = json!(path);
        let holds = match &condition {
            Some(condition) => condition.holds(&scope(config).with("value", &value).with("path", &place))?,
            None => true,
        };
        if holds {
            put(config, &path, value);
        }
    }
    Ok(())
}

fn put(at: &mut Json, path: &[String], value: Json) {
    let Some((step, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    if !at.is_object() {
        *at = Json::Object(Map::new());
    }
    if let Some(fields) = at.as_object_mut() {
        put(fields.entry(step.clone()).or_insert(Json::Null), rest, value);
    }
}

fn remove(at: &mut Json, path: &[String]) {
    match (at, path) {
        (Json::Object(fields), [last]) => {
            fields.shift_remove(last);
        }
        (Json::Object(fields), [step, rest @ ..]) => {
            if let Some(inner) = fields.get_mut(step) {
                remove(inner, rest);
            }
        }
        (Json::Array(items), [step, rest @ ..]) => {
            let Some(item) = step.parse::<usize>().ok().and_then(|index| items.get_mut(index)) else {
                return;
            };
            match rest {
                [] => *item = Json::Null,
                rest => remove(item, rest),
            }
        }
        _ => {}
    }
}

fn validate(node: &Node<'_>, config: &Json) -> Result<()> {
    let strategy = node.require("validation_strategy")?;
    if strategy.kind() != "ValidateAdheresToSchema" {
        return Err(strategy.unsupported("a check of the configuration that is a class in Python"));
    }
    let schema = match strategy.require("base_schema")?.json() {
        Json::String(text) => {
            serde_json::from_str(text).map_err(|_| strategy.error("`base_schema` is no JSON"))?
        }
        schema => schema.clone(),
    };
    match node.kind() {
        "PredicateValidator" => {
            let value = match node.require("value")?.json() {
                Json::String(text) => Text::new(text, node.parameters())?.eval(&scope(config))?,
                value => value.clone(),
            };
            check_text(&schema, &value, "the configuration")
        }
        _ => {
            let path = steps(&node.require("field_path")?, &json!({}))?;
            let mut values = vec![config];
            for step in &path {
                values = values.into_iter().flat_map(|value| at(value, step)).collect();
            }
            values.into_iter().try_for_each(|value| check_text(&schema, value, &path.join(".")))
        }
    }
}

fn at<'j>(value: &'j Json, step: &str) -> Vec<&'j Json> {
    match value {
        Json::Object(fields) if step == "*" => fields.values().collect(),
        Json::Array(items) if step == "*" => items.iter().collect(),
        Json::Array(items) => {
            step.parse::<usize>().ok().and_then(|index| items.get(index)).into_iter().collect()
        }
        value => value.get(step).into_iter().collect(),
    }
}

/// A text is read as JSON first, as for the reference.
fn check_text(schema: &Json, value: &Json, place: &str) -> Result<()> {
    match value {
        Json::String(text) => {
            let value = serde_json::from_str(text).map_err(|_| wrong(place, "must be JSON"))?;
            check(schema, &value, place)
        }
        value => check(schema, value, place),
    }
}

/// Whether a value adheres to a JSON Schema: the parts of it that specifications use.
fn check(schema: &Json, value: &Json, place: &str) -> Result<()> {
    if let Some(kind) = schema.get("type")
        && !is_of(kind, value)
    {
        return Err(wrong(place, &format!("must be {}", kind.to_string().replace('"', ""))));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return Err(wrong(place, "has a value that is not allowed"));
    }
    if schema.get("enum").and_then(Json::as_array).is_some_and(|allowed| !allowed.contains(value)) {
        return Err(wrong(place, "has a value that is not in the list of allowed ones"));
    }
    pattern(schema, value, place)?;
    for (name, limit_broken) in [("minimum", f64::lt as fn(&f64, &f64) -> bool), ("maximum", f64::gt)] {
        if let (Some(limit), Some(number)) = (schema.get(name).and_then(Json::as_f64), value.as_f64())
            && limit_broken(&number, &limit)
        {
            return Err(wrong(place, &format!("is beyond its {name}, {limit}")));
        }
    }
    for name in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(name).and_then(Json::as_array)
            && !choices.iter().any(|choice| check(choice, value, place).is_ok())
        {
            return Err(wrong(place, "fits none of the choices that the connector offers"));
        }
    }
    inside(schema, value, place)
}

fn pattern(schema: &Json, value: &Json, place: &str) -> Result<()> {
    let (Some(pattern), Some(text)) = (schema.get("pattern").and_then(Json::as_str), value.as_str()) else {
        return Ok(());
    };
    match fancy_regex::Regex::new(pattern).map(|pattern| pattern.is_match(text)) {
        Ok(Ok(false)) => Err(wrong(place, "does not have the form that the connector asks for")),
        // a pattern that cannot be run must not keep anyone from using the connector
        _ => Ok(()),
    }
}

fn inside(schema: &Json, value: &Json, place: &str) -> Result<()> {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Json::Object(fields) => {
            let mut required = schema
                .get("required")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(Json::as_str);
            if let Some(name) = required.find(|name| !fields.contains_key(*name)) {
                return Err(wrong(&below(name), "is missing"));
            }
            let properties = schema.get("properties").and_then(Json::as_object);
            for (name, field) in fields {
                // a default of another type than the field's happens: the reference takes it
                let property = properties.and_then(|properties| properties.get(name));
                if let Some(property) = property.filter(|property| property.get("default") != Some(field)) {
                    check(property, field, &below(name))?;
                }
            }
            Ok(())
        }
        Json::Array(items) => match schema.get("items") {
            Some(schema) => items.iter().try_for_each(|item| check(schema, item, place)),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn is_of(kind: &Json, value: &Json) -> bool {
    match kind {
        Json::Array(kinds) => kinds.iter().any(|kind| is_of(kind, value)),
        Json::String(kind) => match kind.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "number" => value.is_number(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            _ => true,
        },
        _ => true,
    }
}

/// Names the field, never its value.
fn wrong(place: &str, what: &str) -> Error {
    let place = if place.is_empty() { "it".to_owned() } else { format!("`{place}`") };
    Error::new(ErrorKind::Config, format!("The configuration is not valid: {place} {what}."))
        .fix("Correct this field of the system's settings.")
}
