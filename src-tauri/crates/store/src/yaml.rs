//! YAML in and out, with errors that name the place and the way out.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_saphyr::Error as YamlError;
use syncline_protocol::{Error, ErrorKind, Result};

/// Reads one project file. `file` is its path inside the project, for the message.
///
/// # Errors
/// `Config` with file, line and column, what is wrong in words, and a fix. Values are never quoted: one of them
/// could be a password that somebody wrote into the file.
pub(crate) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T> {
    let options = serde_saphyr::options! {
        // `yes`, `on` and `off` are text here, as in YAML 1.2.
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| explain(file, &error))
}

/// Writes one project file. Keys come in the order of the fields, so that files diff well. `schema` is the path of
/// its JSON Schema as seen from the file.
pub(crate) fn render<T: Serialize>(schema: &str, value: &T) -> Result<String> {
    let mut options = serde_saphyr::SerializerOptions::default();
    // Folding would break long texts (SQL, keys) over lines and make one-word edits look like many.
    options.prefer_block_scalars = false;
    options.compact_list_indent = false;
    let body = serde_saphyr::to_string_with_options(value, options)
        .map_err(|error| Error::internal("A project file could not be written as YAML.").caused_by(error))?;
    Ok(format!("# yaml-language-server: $schema={schema}\n{body}"))
}

fn explain(file: &str, error: &YamlError) -> Error {
    let error = error.without_snippet();
    let place = match error.location() {
        Some(at) if at.line() > 0 => format!("{file}, line {}, column {}", at.line(), at.column()),
        _ => file.to_owned(),
    };
    let (what, fix) = describe(error);
    Error::new(ErrorKind::Config, format!("{place}: {what}."))
        .meaning("The project was not changed; nothing was read or written.")
        .fix(fix)
}

/// What is wrong, and what to do about it.
fn describe(error: &YamlError) -> (String, String) {
    match error {
        YamlError::SerdeUnknownField { field, expected, .. } => {
            (format!("`{field}` is not a key that belongs here"), instead("key", field, expected))
        }
        YamlError::SerdeUnknownVariant { variant, expected, .. } => {
            (format!("`{variant}` is not one of the possible words"), instead("word", variant, expected))
        }
        YamlError::SerdeMissingField { field, .. } => {
            (format!("the key `{field}` is missing"), format!("Add `{field}: …`."))
        }
        YamlError::SerdeInvalidType { unexpected, expected, .. } => (
            format!("{} stands where {expected} should", without_value(unexpected)),
            format!("Write {expected} there."),
        ),
        YamlError::SerdeInvalidValue { expected, .. } => {
            (format!("this value is not {expected}"), format!("Write {expected} there."))
        }
        YamlError::InvalidScalar { ty, .. } => {
            let wanted = wanted(ty);
            (format!("something else stands where {wanted} should"), format!("Write {wanted} there."))
        }
        YamlError::Unexpected { expected, .. } => {
            let wanted = wanted(expected);
            (format!("something else stands where {wanted} should"), format!("Write {wanted} there."))
        }
        YamlError::Eof { .. } => (
            "the file ends where settings should stand".to_owned(),
            "Write the settings, or remove the file.".to_owned(),
        ),
        YamlError::DuplicateMappingKey { key, .. } => (
            match key {
                Some(key) => format!("the key `{key}` stands here for the second time"),
                None => "a key stands here for the second time".to_owned(),
            },
            "Remove one of the two.".to_owned(),
        ),
        // Messages of our own `Deserialize` implementations (table names, types) are sentences already.
        YamlError::Message { msg, .. } => {
            (msg.trim_end_matches('.').to_owned(), "Correct what stands there.".to_owned())
        }
        other => (
            first_line(&other.render_with_formatter(&serde_saphyr::UserMessageFormatter)),
            "Check the indentation, the quotes and the brackets at this place.".to_owned(),
        ),
    }
}

/// The library appends the place to its messages; the place is already in ours.
fn first_line(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let line = line.split(" at line ").next().unwrap_or(line);
    line.trim_end_matches('.').to_owned()
}

/// What the library calls a type or a piece of YAML, in words.
fn wanted(name: &str) -> &str {
    match name {
        "sequence start" => "a list",
        "mapping start" => "a group of keys (`key: value`)",
        "string scalar" | "string" | "str" => "one text",
        "bool" | "boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number of zero or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other => other,
    }
}

/// `string "hunter2"` → `text`: the message must not repeat a value.
fn without_value(unexpected: &str) -> String {
    let word = unexpected.split([' ', '`', '"']).next().unwrap_or_default();
    match word {
        "string" | "str" => "text".to_owned(),
        "integer" | "floating" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a group of keys".to_owned(),
        "unit" | "Option" | "null" => "nothing".to_owned(),
        _ => "another kind of value".to_owned(),
    }
}

fn instead(what: &str, got: &str, expected: &[&str]) -> String {
    match closest(got, expected.iter().copied()) {
        Some(near) => format!("Did you mean `{near}`?"),
        None => format!("Use one of the {what}s: {}.", expected.join(", ")),
    }
}

/// The word of `known` that differs from `got` in the fewest letters, when it is near enough to be meant.
pub(crate) fn closest<'a>(got: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near_enough = (got.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|word| (edit_distance(got, word), word))
        .filter(|(distance, _)| *distance <= near_enough)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Letters to insert, delete, replace or swap with their neighbour (optimal string alignment). Case counts nothing.
fn edit_distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().collect();
    let right: Vec<char> = right.to_lowercase().chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let mut best = (last[j] + usize::from(l != r)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_word() {
        let known = ["source", "destination", "tables", "look_back_seconds"];
        assert_eq!(closest("soruce", known), Some("source"));
        assert_eq!(closest("Table", known), Some("tables"));
        assert_eq!(closest("look_back_second", known), Some("look_back_seconds"));
        assert_eq!(closest("colour", known), None);
        assert_eq!(closest("", known), None);
    }
}
