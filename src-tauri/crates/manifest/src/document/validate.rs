//! Whether components are what their type says: fields that must be there, kinds of values, allowed words.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use syncline_protocol::{Error, Result};

use super::Node;

/// One component a line: `Name: field! kind, field kind`. `!`: it must be there. A kind is `text`, `whole`, `number`,
/// `boolean`, `object`, `list`, `any`, `one of words`, the components that may stand there, or those in a `[list]`.
/// Complete for version 7.39.1 of the reference.
const COMPONENTS: &str = include_str!("components.txt");

struct Field {
    name: &'static str,
    required: bool,
    kind: &'static str,
}

static TABLE: LazyLock<BTreeMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let field = |text: &'static str| {
        let (name, kind) = text.trim().split_once(' ')?;
        Some(Field { name: name.trim_end_matches('!'), required: name.ends_with('!'), kind })
    };
    let component = |line: &'static str| {
        let (name, fields) = line.split_once(':')?;
        Some((name, fields.split(',').filter_map(field).collect()))
    };
    COMPONENTS.lines().filter_map(component).collect()
});

/// Checks a component and all inside it.
pub(super) fn check(node: &Node<'_>) -> Result<()> {
    let kind = node.kind();
    // what a class in Python needs only that class knows
    if kind.starts_with("Custom") || node.class_name().is_some() {
        return Ok(());
    }
    let Some(fields) = TABLE.get(kind) else { return Ok(()) };
    for field in fields {
        match node.field(field.name) {
            None if field.required && node.json().get(field.name).is_none() => {
                return Err(node
                    .error(format!("{kind} needs `{}`", field.name))
                    .fix(format!("Add `{}` to this {kind}.", field.name)));
            }
            None => {}
            Some(value) => check_field(&value, field, kind)?,
        }
    }
    Ok(())
}

fn check_field(value: &Node<'_>, field: &Field, owner: &str) -> Result<()> {
    let wrong = |what: &str| {
        value.error(format!("`{}` of {owner} must be {what}", field.name)).fix(format!("Make it {what}."))
    };
    match field.kind {
        "any" => Ok(()),
        "text" if !value.json().is_string() => Err(wrong("text")),
        "whole" if !value.json().is_i64() && !value.json().is_u64() => Err(wrong("a whole number")),
        "number" if !value.json().is_number() => Err(wrong("a number")),
        "boolean" if !value.json().is_boolean() => Err(wrong("true or false")),
        "list" if !value.json().is_array() => Err(wrong("a list")),
        "object" if !value.json().is_object() => Err(wrong("an object")),
        "text" | "whole" | "number" | "boolean" | "list" | "object" => Ok(()),
        kind => match (kind.strip_prefix("one of "), kind.strip_prefix('[')) {
            (Some(words), _) => word(value, words, field.name),
            (_, Some(_)) if !value.json().is_array() => Err(wrong("a list")),
            (_, Some(kinds)) => {
                let kinds = kinds.trim_end_matches(']');
                value.items().iter().try_for_each(|item| component(item, kinds))
            }
            _ => value.items().iter().try_for_each(|item| component(item, kind)),
        },
    }
}

fn word(value: &Node<'_>, words: &str, name: &str) -> Result<()> {
    let known = value.json().as_str().unwrap_or_default();
    if words.split(' ').any(|word| word == known) {
        return Ok(());
    }
    let error = value.error(format!("`{name}` must be one of: {}", words.replace(' ', ", ")));
    Err(suggest(error, known, words.split(' ')))
}

fn component(node: &Node<'_>, kinds: &str) -> Result<()> {
    let kind = node.kind();
    if !kind.is_empty()
        && !TABLE.contains_key(kind)
        && !kind.starts_with("Custom")
        && node.class_name().is_none()
    {
        let error = node.error(format!("there is no component `{kind}`"));
        return Err(suggest(error, kind, kinds.split(' ').chain(TABLE.keys().copied())));
    }
    check(node)
}

/// Names the word that was most likely meant.
fn suggest<'w>(error: Error, written: &str, words: impl Iterator<Item = &'w str>) -> Error {
    let nearest = words.map(|word| (distance(written, word), word)).min_by_key(|(distance, _)| *distance);
    match nearest.filter(|(distance, word)| *distance * 2 <= word.len()) {
        Some((_, word)) => error.fix(format!("Did you mean `{word}`?")),
        None => error,
    }
}

/// How many letters must change to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().take(100).enumerate() {
        let mut next = vec![at + 1];
        for (place, (pair, against)) in row.windows(2).zip(&other).enumerate() {
            let (Some(before), Some(above)) = (pair.first(), pair.get(1)) else { continue };
            let left = next.get(place).copied().unwrap_or_default();
            next.push((before + usize::from(letter != *against)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::document::Document;

    #[test]
    fn mistakes_are_told_with_place_and_fix() {
        let manifest = |retriever: &str| {
            format!(
                "version: 7.0.0\ncheck: {{type: CheckStream, stream_names: [a]}}\nstreams:\n  - name: a\n    \
                 retriever:\n      type: SimpleRetriever\n{retriever}"
            )
        };
        let requester = "      requester: {type: HttpRequester, url_base: x, http_method: GET}\n";
        let selector = "      record_selector: {extractor: {type: DpathExtractor, field_path: []}}\n";
        let error = |text: &str| match Document::with_schemas(&manifest(text), &|_| None) {
            Ok(_) => String::new(),
            Err(error) => format!("{} {:?} {:?}", error.message(), error.fixes(), error.context()),
        };
        assert_eq!(error(&format!("{requester}{selector}")), "");
        assert!(error(requester).contains("SimpleRetriever needs `record_selector`"), "{}", error(requester));
        let unknown = format!("{requester}{}", selector.replace("DpathExtractor", "DpathExtracto"));
        assert!(error(&unknown).contains("Did you mean `DpathExtractor`?"), "{}", error(&unknown));
        let wrong = format!("{requester}{}", selector.replace("[]", "7"));
        assert!(error(&wrong).contains("`field_path` of DpathExtractor must be a list"), "{}", error(&wrong));
        assert!(error(&wrong).contains("(\"line\", \"8\")"), "{}", error(&wrong));
        let word = format!("{}{selector}", requester.replace("GET", "GTE"));
        assert!(error(&word).contains("must be one of: GET, POST"), "{}", error(&word));
    }
}
