//! References to secrets inside configuration: `${secret:NAME}` from the vault, `${env:NAME}` from the environment.
//!
//! A reference can be the whole value or a part of it (`postgres://me:${secret:pg}@host/db`). `$${` stands for a
//! literal `${`. Fields that a connector's JSON Schema marks with `"x-secret": true` may hold nothing but references:
//! a password in plain text in a file is refused, not tolerated.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::redact::Redactor;
use crate::vault::Vault;

/// Schemas can refer to themselves; a configuration is never this deep.
const DEPTH_MAX: usize = 64;

/// Where references are looked up.
pub trait SecretLookup {
    /// The secret of this name, if there is one.
    ///
    /// # Errors
    /// When the vault cannot be opened.
    fn secret(&self, name: &str) -> Result<Option<SecretString>>;

    /// The environment variable of this name, if it is set.
    fn env(&self, name: &str) -> Option<String>;
}

/// Secrets from a vault, variables from a function (`|name| std::env::var(name).ok()` in a program).
pub struct VaultAndEnv<'a> {
    /// The vault of the project; without one every `${secret:…}` is missing.
    pub vault: Option<&'a Vault<'a>>,
    /// Looks up an environment variable.
    pub env: &'a dyn Fn(&str) -> Option<String>,
}

impl SecretLookup for VaultAndEnv<'_> {
    fn secret(&self, name: &str) -> Result<Option<SecretString>> {
        self.vault.map_or(Ok(None), |vault| vault.get(name))
    }

    fn env(&self, name: &str) -> Option<String> {
        (self.env)(name)
    }
}

/// A configuration with its references filled in. Does not print its values.
#[derive(Clone)]
pub struct Resolved {
    config: Value,
    secrets: Vec<SecretString>,
}

impl Resolved {
    /// The configuration with plain values, for `syncline_protocol::Config::new`.
    pub fn into_config(self) -> Value {
        self.config
    }

    /// The values that must not be shown: all from the vault, and those from the environment that stand in secret
    /// fields or inside longer texts.
    pub fn secrets(&self) -> &[SecretString] {
        &self.secrets
    }

    /// A redactor that knows [`Resolved::secrets`].
    pub fn redactor(&self) -> Redactor {
        Redactor::new(&self.secrets)
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Resolved({} secrets)", self.secrets.len())
    }
}

/// Fills in the references of `config`. `schema` is the connector's JSON Schema: it says which fields are secret,
/// and which want a number or a boolean, so that `port: ${env:PORT}` works.
///
/// # Errors
/// `Config` when a secret or variable is missing (naming it), when a reference is malformed, or when a secret field
/// holds plain text. No message holds a value.
pub fn resolve(config: &Value, schema: &Value, lookup: &dyn SecretLookup) -> Result<Resolved> {
    let mut resolver = Resolver { root: schema, lookup, secrets: Vec::new() };
    let config = resolver.value(config, &[schema], "", 0)?;
    Ok(Resolved { config, secrets: resolver.secrets })
}

/// Whether `text` holds at least one reference to a secret or a variable.
pub fn has_reference(text: &str) -> bool {
    parse(text).is_ok_and(|parts| parts.iter().any(|part| !matches!(part, Part::Text(_))))
}

/// The name of the secret that `text` stands for as a whole.
pub fn single_secret(text: &str) -> Option<&str> {
    match parse(text).ok()?.as_slice() {
        [Part::Secret(name)] => Some(name),
        _ => None,
    }
}

/// The names of the secrets that `config` refers to, in the order they appear, each once.
pub fn secret_names(config: &Value) -> Vec<String> {
    let mut names = Vec::new();
    collect_names(config, &mut names);
    names
}

fn collect_names(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            for part in parse(text).unwrap_or_default() {
                if let Part::Secret(name) = part
                    && !names.iter().any(|known| known == name)
                {
                    names.push(name.to_owned());
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Object(fields) => fields.values().for_each(|field| collect_names(field, names)),
        _ => {}
    }
}

struct Resolver<'a> {
    root: &'a Value,
    lookup: &'a dyn SecretLookup,
    secrets: Vec<SecretString>,
}

impl<'a> Resolver<'a> {
    /// `schemas` are all that could describe `value` (the branches of a `oneOf` too); `place` is its path for messages.
    fn value(&mut self, value: &Value, schemas: &[&'a Value], place: &str, depth: usize) -> Result<Value> {
        if depth > DEPTH_MAX {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                format!("The settings are nested more than {DEPTH_MAX} levels deep."),
            ));
        }
        let inside = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
        match value {
            Value::String(text) => self.text(text, schemas, place),
            Value::Array(items) => {
                let item_schemas = child_schemas(self.root, schemas, "items", None);
                let items = items.iter().enumerate();
                items
                    .map(|(at, item)| self.value(item, &item_schemas, &inside(&at.to_string()), depth + 1))
                    .collect::<Result<_>>()
                    .map(Value::Array)
            }
            Value::Object(fields) => fields
                .iter()
                .map(|(key, field)| {
                    let schemas = child_schemas(self.root, schemas, "properties", Some(key));
                    Ok((key.clone(), self.value(field, &schemas, &inside(key), depth + 1)?))
                })
                .collect::<Result<_>>()
                .map(Value::Object),
            Value::Null => Ok(Value::Null),
            plain if is_secret(schemas) => {
                let _ = plain;
                Err(plain_text(place))
            }
            plain => Ok(plain.clone()),
        }
    }

    fn text(&mut self, text: &str, schemas: &[&Value], place: &str) -> Result<Value> {
        let parts = parse(text).map_err(|what| {
            Error::new(ErrorKind::Config, format!("The setting `{place}` holds {what}."))
                .fix("Write `${secret:NAME}` or `${env:NAME}`; write `$${` for a literal `${`.")
        })?;
        let is_secret = is_secret(schemas);
        if is_secret && !text.is_empty() && parts.iter().all(|part| matches!(part, Part::Text(_))) {
            return Err(plain_text(place));
        }
        let mut filled = String::with_capacity(text.len());
        for part in &parts {
            match part {
                Part::Text(literal) => filled.push_str(literal),
                Part::Secret(name) => {
                    let secret = self.lookup.secret(name)?.ok_or_else(|| missing_secret(name, place))?;
                    filled.push_str(secret.expose_secret());
                    self.secrets.push(secret);
                }
                Part::Env(name) => {
                    let value = self.lookup.env(name).ok_or_else(|| missing_variable(name, place))?;
                    filled.push_str(&value);
                    if is_secret || parts.len() > 1 {
                        self.secrets.push(SecretString::from(value));
                    }
                }
            }
        }
        if let [Part::Env(_)] = parts.as_slice() {
            return Ok(as_wanted(filled, schemas));
        }
        Ok(Value::String(filled))
    }
}

/// A number or boolean when that is what the schema wants and what the text is.
fn as_wanted(text: String, schemas: &[&Value]) -> Value {
    let wants = |name: &str| {
        schemas.iter().any(|schema| match schema.get("type") {
            Some(Value::String(one)) => one == name,
            Some(Value::Array(many)) => many.iter().any(|one| one == name),
            _ => false,
        })
    };
    if wants("string") {
        return Value::String(text);
    }
    match serde_json::from_str::<Value>(text.trim()) {
        Ok(number @ Value::Number(_)) if wants("integer") || wants("number") => number,
        Ok(boolean @ Value::Bool(_)) if wants("boolean") => boolean,
        _ => Value::String(text),
    }
}

fn is_secret(schemas: &[&Value]) -> bool {
    schemas.iter().any(|schema| schema.get("x-secret") == Some(&Value::Bool(true)))
}

/// The schemas below `key` of each schema: `properties.NAME`, or `items`. References and branches are followed.
fn child_schemas<'a>(
    root: &'a Value,
    schemas: &[&'a Value],
    key: &str,
    name: Option<&str>,
) -> Vec<&'a Value> {
    let mut children = Vec::new();
    for schema in schemas {
        let child = schema.get(key).and_then(|child| name.map_or(Some(child), |name| child.get(name)));
        let other = || name.and_then(|_| schema.get("additionalProperties"));
        if let Some(child) = child.or_else(other) {
            expand(root, child, &mut children, 0);
        }
    }
    children
}

/// `schema` and everything that it refers to or branches into.
fn expand<'a>(root: &'a Value, schema: &'a Value, into: &mut Vec<&'a Value>, depth: usize) {
    if depth > DEPTH_MAX || into.iter().any(|known| std::ptr::eq(*known, schema)) {
        return;
    }
    into.push(schema);
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
    if let Some(target) = target.and_then(|path| root.pointer(path)) {
        expand(root, target, into, depth + 1);
    }
    for branches in ["allOf", "anyOf", "oneOf"] {
        for branch in schema.get(branches).and_then(Value::as_array).into_iter().flatten() {
            expand(root, branch, into, depth + 1);
        }
    }
}

fn plain_text(place: &str) -> Error {
    Error::new(ErrorKind::Config, format!("The secret setting `{place}` stands in the file as plain text."))
        .meaning("Nothing was read or written. Treat the value as known to everybody who can read the file.")
        .fix("Put it into the vault with `syncline secret set NAME` and write `${secret:NAME}` instead.")
        .fix("Or take it from the environment with `${env:NAME}`.")
        .with("setting", place)
}

fn missing_secret(name: &str, place: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("The secret `{name}`, which the setting `{place}` needs, is not in the vault."),
    )
    .fix(format!("Put it there with `syncline secret set {name}`."))
    .with("secret", name)
}

fn missing_variable(name: &str, place: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("The environment variable `{name}`, which the setting `{place}` needs, is not set."),
    )
    .fix(format!("Set `{name}` and run it again."))
    .with("variable", name)
}

#[derive(Debug, PartialEq)]
enum Part<'a> {
    Text(&'a str),
    Secret(&'a str),
    Env(&'a str),
}

/// Splits a text at its references.
fn parse(text: &str) -> Result<Vec<Part<'_>>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            // `$${` is a literal `${`: keep one dollar before, and the brace as text.
            parts.push(Part::Text(&rest[..at]));
            parts.push(Part::Text("{"));
            rest = &rest[at + 2..];
            continue;
        }
        if at > 0 {
            parts.push(Part::Text(&rest[..at]));
        }
        let inside = &rest[at + 2..];
        let end = inside.find('}').ok_or("a `${` that is not closed")?;
        parts.push(match inside[..end].split_once(':') {
            Some(("secret", name)) if is_reference_name(name) => Part::Secret(name),
            Some(("env", name)) if is_reference_name(name) => Part::Env(name),
            _ => return Err("a reference that is neither `${secret:NAME}` nor `${env:NAME}`"),
        });
        rest = &inside[end + 1..];
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn is_reference_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// Checks the name of a secret: letters, digits, `_`, `-` and `.`.
///
/// # Errors
/// `Config`, with the rule.
pub fn validate_secret_name(name: &str) -> Result<()> {
    if is_reference_name(name) && name.len() <= 128 {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("`{}` cannot be the name of a secret.", name.escape_debug()))
        .fix("Use letters, digits, `_`, `-` and `.`, at most 128 of them."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Fixed;

    impl SecretLookup for Fixed {
        fn secret(&self, name: &str) -> Result<Option<SecretString>> {
            Ok((name == "pg").then(|| SecretString::from("hunter2")))
        }
        fn env(&self, name: &str) -> Option<String> {
            match name {
                "PORT" => Some("5433".to_owned()),
                "HOST" => Some("db.example".to_owned()),
                "PW" => Some("0123".to_owned()),
                _ => None,
            }
        }
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "host": {"type": "string"},
                "port": {"type": ["integer", "null"]},
                "password": {"type": ["string", "null"], "x-secret": true},
                "tunnel": {"anyOf": [{"$ref": "#/$defs/Tunnel"}, {"type": "null"}]},
            },
            "$defs": {"Tunnel": {"oneOf": [
                {"properties": {"key": {"type": "string", "x-secret": true}, "deeper": {"$ref": "#/$defs/Tunnel"}}}
            ]}}
        })
    }

    #[test]
    fn references_are_filled_in() {
        let config = json!({
            "host": "${env:HOST}", "port": "${env:PORT}", "password": "${env:PW}",
            "url": "postgres://me:${secret:pg}@${env:HOST}/db", "literal": "a$${secret:pg}b", "ssl": true,
        });
        let resolved = resolve(&config, &schema(), &Fixed).unwrap();
        assert_eq!(resolved.redactor().redact("hunter2 0123"), "[secret] [secret]");
        assert!(!format!("{resolved:?}").contains("hunter2"));
        assert_eq!(
            resolved.into_config(),
            json!({
                "host": "db.example", "port": 5433, "password": "0123",
                "url": "postgres://me:hunter2@db.example/db", "literal": "a${secret:pg}b", "ssl": true,
            })
        );
    }

    #[test]
    fn a_host_from_the_environment_is_no_secret() {
        let resolved = resolve(&json!({"host": "${env:HOST}"}), &schema(), &Fixed).unwrap();
        assert_eq!(resolved.redactor().redact("reaching db.example"), "reaching db.example");
    }

    #[test]
    fn plain_text_in_a_secret_field_is_refused_wherever_it_hides() {
        for config in [
            json!({"password": "canary-1"}),
            json!({"password": 815_815}),
            json!({"tunnel": {"key": "canary-1"}}),
            json!({"tunnel": {"deeper": {"deeper": {"key": "canary-1"}}}}),
        ] {
            let error = resolve(&config, &schema(), &Fixed).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(
                !format!("{error:?}").contains("canary") && !format!("{error:?}").contains("815"),
                "{error:?}"
            );
        }
        resolve(&json!({"password": null}), &schema(), &Fixed).unwrap();
        resolve(&json!({"password": ""}), &schema(), &Fixed).unwrap();
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let message = |config: Value| resolve(&config, &schema(), &Fixed).unwrap_err().message().to_owned();
        assert_eq!(
            message(json!({"tunnel": {"key": "${secret:nope}"}})),
            "The secret `nope`, which the setting `tunnel.key` needs, is not in the vault."
        );
        assert_eq!(
            message(json!({"host": "${env:NOPE}"})),
            "The environment variable `NOPE`, which the setting `host` needs, is not set."
        );
        for text in ["${secret:pg", "${secrets:pg}", "${HOME}/x", "${env:}", "${secret:a b}"] {
            assert!(message(json!({"host": text})).starts_with("The setting `host` holds a "), "{text}");
        }
    }

    #[test]
    fn secret_names_are_listed_once() {
        let config = json!({"a": "${secret:x}", "b": ["${secret:y}${secret:x}", "${env:Z}"]});
        assert_eq!(secret_names(&config), ["x", "y"]);
        assert!(has_reference("a${env:Z}") && !has_reference("a$${env:Z}") && !has_reference("x"));
    }
}
