//! A form as a flat list of fields, for windows.

use serde_json::Value;

use super::{Field, Form, Kind, Way, Ways};
use crate::types::{Control, FormChoice, FormCondition, FormField};

/// Groups inside groups, at most this deep.
const DEPTH_MAX: usize = 8;

/// The fields of a schema, in order. A group that can be left out begins with a switch.
pub fn descriptors(schema: &Value) -> Vec<FormField> {
    let mut fields = Vec::new();
    let top = Inside { path: Vec::new(), group: None, condition: None, depth: 0 };
    collect(&Form::new(schema).fields(), &top, &mut fields);
    fields
}

/// The paths of all secret fields, names joined by dots.
pub fn secret_paths(schema: &Value) -> Vec<String> {
    let secret = |field: &FormField| field.control == Control::Secret;
    descriptors(schema).iter().filter(|field| secret(field)).map(|field| field.path.join(".")).collect()
}

/// Where fields stand.
struct Inside {
    path: Vec<String>,
    group: Option<String>,
    condition: Option<FormCondition>,
    depth: usize,
}

fn collect(fields: &[Field<'_>], inside: &Inside, into: &mut Vec<FormField>) {
    for field in fields {
        let mut path = inside.path.clone();
        path.push(field.name.to_owned());
        if field.kind() != Kind::Group {
            into.push(plain(field, path, inside));
            continue;
        }
        if inside.depth >= DEPTH_MAX {
            continue;
        }
        let label = called(field);
        // A group whose members all have defaults needs no switch; one that may be null does.
        let mut condition = inside.condition.clone();
        if field.is_optional_group() {
            into.push(FormField {
                control: Control::Switch,
                choices: Vec::new(),
                default: Value::Bool(false),
                required: false,
                ..plain(field, path.clone(), inside)
            });
            condition = Some(FormCondition { path: path.clone(), equals: Value::Bool(true) });
        }
        let within = Inside { path, group: Some(label), condition, depth: inside.depth + 1 };
        match field.ways() {
            // The choice is the heading.
            Some(ways) => chosen(field, &ways, &Inside { group: inside.group.clone(), ..within }, into),
            None => collect(&field.fields(), &within, into),
        }
    }
}

/// Which way is chosen, then the fields of each way, which apply when it is.
fn chosen(field: &Field<'_>, ways: &Ways<'_>, inside: &Inside, into: &mut Vec<FormField>) {
    let mut path = inside.path.clone();
    path.push(ways.decider.to_owned());
    let choice = |way: &Way<'_>| FormChoice {
        value: way.word.to_owned(),
        label: way.title.map_or_else(|| label(way.word), str::to_owned),
        help: way.description.clone(),
    };
    into.push(FormField {
        control: Control::Choice,
        choices: ways.ways.iter().map(choice).collect(),
        default: ways.ways.first().map_or(Value::Null, |way| way.word.into()),
        required: true,
        multiline: false,
        ..plain(field, path.clone(), inside)
    });
    for way in &ways.ways {
        let condition = FormCondition { path: path.clone(), equals: way.word.into() };
        let within = Inside {
            path: inside.path.clone(),
            group: inside.group.clone(),
            condition: Some(condition),
            depth: inside.depth,
        };
        collect(&way.fields, &within, into);
    }
}

/// What people call a field.
fn called(field: &Field<'_>) -> String {
    field.title().map_or_else(|| label(field.name), str::to_owned)
}

fn plain(field: &Field<'_>, path: Vec<String>, inside: &Inside) -> FormField {
    let kind = field.kind();
    let secret = field.is_secret();
    let default = field.default().cloned().unwrap_or(Value::Null);
    let (minimum, maximum) = field.range();
    FormField {
        control: match &kind {
            _ if secret => Control::Secret,
            Kind::Text | Kind::Group => Control::Text,
            Kind::Integer | Kind::Number => Control::Number,
            Kind::Boolean => Control::Boolean,
            Kind::Choice(_) => Control::Choice,
            Kind::List => Control::List,
        },
        choices: match kind {
            Kind::Choice(choices) => choices
                .into_iter()
                .map(|(value, help)| FormChoice {
                    label: label(&value),
                    help: Some(help).filter(|help| !help.is_empty()),
                    value,
                })
                .collect(),
            _ => Vec::new(),
        },
        label: called(field),
        help: field.description(),
        required: field.required && default.is_null(),
        example: field.example(),
        minimum,
        maximum,
        multiline: field.is_multiline(),
        // What has a default that fits, and is not what people come for.
        advanced: !field.required && !secret && inside.condition.is_none() && is_tuning(field.name),
        group: inside.group.clone(),
        condition: inside.condition.clone(),
        default,
        path,
    }
}

/// Settings that are about how, not about what.
fn is_tuning(name: &str) -> bool {
    const WORDS: [&str; 8] = ["timeout", "limit", "threads", "parallel", "memory", "bytes", "_max", "seed"];
    WORDS.iter().any(|word| name.contains(word))
}

/// `connect_timeout_seconds` → "Connect timeout (seconds)", `ssh` → "SSH".
fn label(name: &str) -> String {
    const UNITS: [&str; 7] = ["seconds", "minutes", "hours", "days", "bytes", "mb", "gb"];
    const SHORT: [&str; 9] = ["ssl", "ssh", "ca", "url", "id", "api", "tls", "csv", "sql"];
    let mut words: Vec<&str> = name.split(['_', '-']).filter(|word| !word.is_empty()).collect();
    let unit = words.last().copied().filter(|last| words.len() > 1 && UNITS.contains(last));
    if unit.is_some() {
        words.pop();
    }
    let words: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| match (SHORT.contains(word), at) {
            (true, _) => word.to_uppercase(),
            (false, 0) => {
                let mut letters = word.chars();
                letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
            }
            _ => (*word).to_owned(),
        })
        .collect();
    match unit {
        Some(unit) => format!("{} ({unit})", words.join(" ")),
        None => words.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_become_labels() {
        let labels = [
            ("connect_timeout_seconds", "Connect timeout (seconds)"),
            ("ssh", "SSH"),
            ("private_key", "Private key"),
            ("verify_ca", "Verify CA"),
            ("days", "Days"),
        ];
        for (name, expected) in labels {
            assert_eq!(label(name), expected);
        }
    }

    #[test]
    fn a_schema_becomes_a_flat_list() {
        let schema = json!({
            "type": "object",
            "required": ["host", "port"],
            "properties": {
                "host": {"type": "string", "description": "The server.", "examples": ["db.example.com"]},
                "port": {"type": "integer", "default": 5432, "minimum": 1, "maximum": 65535},
                "password": {"type": ["string", "null"], "x-secret": true},
                "ssl": {"$ref": "#/$defs/Ssl"},
                "ssh": {"anyOf": [{"$ref": "#/$defs/Ssh"}, {"type": "null"}]},
                "connect_timeout_seconds": {"type": "integer", "default": 10},
            },
            "$defs": {
                "Ssl": {"type": "object", "properties": {"mode": {"oneOf": [
                    {"const": "prefer", "description": "When it can."}, {"const": "verify_full"}]}}},
                "Ssh": {"type": "object", "required": ["host"], "properties": {
                    "host": {"type": "string"},
                    "private_key": {"type": "string", "x-secret": true, "x-multiline": true}}},
            }
        });
        let fields = descriptors(&schema);
        let told: Vec<_> = fields.iter().map(|field| (field.path.join("."), field.control)).collect();
        let expected = [
            ("host", Control::Text),
            ("port", Control::Number),
            ("password", Control::Secret),
            ("ssl.mode", Control::Choice),
            ("ssh", Control::Switch),
            ("ssh.host", Control::Text),
            ("ssh.private_key", Control::Secret),
            ("connect_timeout_seconds", Control::Number),
        ];
        assert_eq!(told, expected.map(|(path, control)| (path.to_owned(), control)));
        assert_eq!(fields[0].example.as_deref(), Some("db.example.com"));
        assert!(fields[0].required && !fields[1].required, "a default makes a field optional");
        assert_eq!((fields[1].minimum, fields[1].maximum), (Some(1.0), Some(65535.0)));
        assert_eq!(fields[3].group.as_deref(), Some("SSL"));
        let condition = fields[5].condition.clone().unwrap();
        assert_eq!((condition.path, condition.equals), (vec!["ssh".to_owned()], json!(true)));
        assert!(fields[6].multiline && fields[7].advanced);
        assert_eq!(secret_paths(&schema), ["password", "ssh.private_key"]);
    }

    #[test]
    fn only_the_fields_of_the_chosen_way_apply() {
        let way = |word: &str, field: &str| {
            json!({"type": "object", "title": word.to_uppercase(), "required": [field],
            "properties": {"auth_type": {"type": "string", "const": word},
                field: {"type": "string", "title": "Its secret", "x-secret": true}}})
        };
        let schema = json!({"type": "object", "required": ["credentials"], "properties": {
            "credentials": {"type": "object", "title": "Sign-in", "oneOf": [way("token", "key"), way("oauth", "refresh")]}}});
        let fields = descriptors(&schema);
        let told: Vec<_> = fields.iter().map(|field| (field.path.join("."), field.label.as_str())).collect();
        let expected = [
            ("credentials.auth_type", "Sign-in"),
            ("credentials.key", "Its secret"),
            ("credentials.refresh", "Its secret"),
        ];
        assert_eq!(told, expected.map(|(path, label)| (path.to_owned(), label)));
        let labels: Vec<_> = fields[0].choices.iter().map(|choice| choice.label.as_str()).collect();
        assert_eq!((labels, &fields[0].default), (vec!["TOKEN", "OAUTH"], &json!("token")));
        let condition = fields[2].condition.clone().unwrap();
        assert_eq!(
            (condition.path.join("."), condition.equals),
            ("credentials.auth_type".to_owned(), json!("oauth"))
        );
        assert!(fields[2].required && fields[2].control == Control::Secret);
    }
}
