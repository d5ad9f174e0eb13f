//! References: `$ref` and every text that starts with `#/` are replaced by what they point at.

use std::sync::Arc;

use syncline_protocol::{Error, ErrorKind, Result};

use super::yaml::{Raw, Value};
use crate::{Json, Map};

/// Fields that hold the configuration's values, in which nothing is a reference.
const VALUES_OF_CONFIGURATION: &str = "config_overrides";
/// How many values a resolved manifest may have.
pub(super) const MOST_VALUES: usize = 2_000_000;
/// How deep values may lie in each other once references are resolved.
pub(super) const DEEPEST: usize = 200;

/// The manifest with every reference replaced.
pub(super) fn resolve(root: &Raw) -> Result<Json> {
    Resolver { root, chain: Vec::new(), values: 0 }.value(root, 0, true)
}

struct Resolver<'a> {
    root: &'a Raw,
    /// The references that are being followed.
    chain: Vec<&'a str>,
    values: usize,
}

impl<'a> Resolver<'a> {
    fn value(&mut self, raw: &'a Raw, depth: usize, follow: bool) -> Result<Json> {
        self.values += 1;
        if self.values > MOST_VALUES || depth > DEEPEST {
            return Err(too_great(raw.line));
        }
        match &raw.value {
            Value::Scalar(Json::String(text)) if follow && text.starts_with("#/") => {
                self.follow(text, raw, depth)
            }
            Value::Scalar(value) => Ok(value.clone()),
            Value::List(items) => items
                .iter()
                .map(|item| self.value(item, depth + 1, follow))
                .collect::<Result<_>>()
                .map(Json::Array),
            Value::Object(_) => self.object(raw, depth, follow),
        }
    }

    /// Fields that stand beside a `$ref` win over those of what it points at.
    fn object(&mut self, raw: &'a Raw, depth: usize, follow: bool) -> Result<Json> {
        let Some(fields) = raw.fields() else { return Ok(Json::Null) };
        let mut own = Map::new();
        for (key, field) in fields.iter().filter(|(key, _)| !(follow && *key == "$ref")) {
            let value = self.value(field, depth + 1, follow && key != VALUES_OF_CONFIGURATION)?;
            own.insert(key.to_owned(), value);
        }
        let Some(reference) = fields.get("$ref").filter(|_| follow) else { return Ok(Json::Object(own)) };
        match self.value(reference, depth + 1, true)? {
            Json::Object(mut target) => {
                target.extend(own);
                Ok(Json::Object(target))
            }
            target => Ok(target),
        }
    }

    fn follow(&mut self, reference: &'a str, raw: &Raw, depth: usize) -> Result<Json> {
        if self.chain.contains(&reference) {
            let chain = self.chain.join(" → ");
            return Err(mistake(format!("references lead in a circle: {chain} → {reference}"), raw.line)
                .fix("Write one of these references out."));
        }
        let target = lookup(self.root, reference).ok_or_else(|| {
            mistake(format!("the reference `{reference}` points at nothing"), raw.line)
                .fix("Correct the reference, or add what it should point at.")
        })?;
        self.chain.push(reference);
        let value = self.value(target, depth + 1, true);
        self.chain.pop();
        value
    }
}

/// What a reference points at. The rest of the path is tried as one key before it is split at its first `/`.
pub(super) fn lookup<'a>(root: &'a Raw, reference: &str) -> Option<&'a Raw> {
    let mut rest = reference.strip_prefix("#/")?;
    let mut at = root;
    while !rest.is_empty() {
        if let Some(found) = at.fields().and_then(|fields| fields.get(rest)) {
            return Some(found);
        }
        let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
        at = step(at, head)?;
        rest = tail;
    }
    Some(at)
}

fn step<'a>(at: &'a Raw, head: &str) -> Option<&'a Arc<Raw>> {
    match &at.value {
        Value::Object(fields) => fields.get(head),
        Value::List(items) => {
            let index: i64 = head.parse().ok()?;
            let from_end = items.len().checked_sub(usize::try_from(index.unsigned_abs()).ok()?);
            let index = if index < 0 { from_end? } else { usize::try_from(index).ok()? };
            items.get(index)
        }
        Value::Scalar(_) => None,
    }
}

/// Where the value at a path of the resolved manifest is written. A field that is written nowhere (it came with the
/// parameters) has the line of the component that it is in.
pub(super) fn line(root: &Raw, path: &str) -> Option<usize> {
    let mut at = target(root, root)?;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        match child(root, at, name, 0) {
            Some(found) => at = found,
            None => break,
        }
    }
    Some(at.line)
}

fn child<'a>(root: &'a Raw, at: &'a Raw, name: &str, depth: usize) -> Option<&'a Raw> {
    let own = step(at, name).and_then(|own| target(root, own));
    if own.is_some() || depth > DEEPEST {
        return own;
    }
    let reference = at.fields()?.get("$ref")?;
    child(root, target(root, reference)?, name, depth + 1)
}

/// Follows plain references until something else stands there.
fn target<'a>(root: &'a Raw, mut raw: &'a Raw) -> Option<&'a Raw> {
    for _ in 0..DEEPEST {
        match raw.text().filter(|text| text.starts_with("#/")) {
            Some(reference) => raw = lookup(root, reference)?,
            None => return Some(raw),
        }
    }
    None
}

fn mistake(what: impl std::fmt::Display, line: usize) -> Error {
    Error::new(ErrorKind::Config, format!("The connector's manifest is not valid: {what}, in line {line}."))
        .with("line", line)
}

fn too_great(line: usize) -> Error {
    let what = format!(
        "The connector's manifest is too great: with its references written out, it has more than {MOST_VALUES} \
         values, or they lie more than {DEEPEST} deep in each other."
    );
    Error::new(ErrorKind::LimitExceeded, what)
        .with("line", line)
        .fix("Let fewer parts of it refer to each other.")
}
