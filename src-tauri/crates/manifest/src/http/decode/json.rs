//! JSON: as a whole, and one value a line.

use std::io::{BufRead as _, BufReader, Read};

use bytes::Bytes;
use syncline_protocol::{Error, ErrorKind, Result};

use super::corrupt;
use super::pipe::Sink;
use crate::Json;
use crate::http::client::failure;

/// Larger bodies are parsed beside the other work.
const LARGE: usize = 1 << 20;

/// The value of a body; none when it is empty.
pub(super) async fn read(body: Bytes) -> Result<Option<Json>> {
    if body.len() < LARGE {
        return parse(&body);
    }
    let parsed = tokio::task::spawn_blocking(move || parse(&body)).await;
    parsed.unwrap_or_else(|_| Err(Error::internal("An answer could not be parsed.")))
}

/// The value; none when there is nothing.
pub(super) fn parse(body: &[u8]) -> Result<Option<Json>> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    match serde_json::from_slice(body) {
        Ok(value) => Ok(Some(value)),
        Err(error) => match lenient(body) {
            Some(value) => Ok(Some(value)),
            None => Err(wrong(body, error)),
        },
    }
}

fn wrong(body: &[u8], error: serde_json::Error) -> Error {
    let start: Vec<u8> = body.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).take(1).collect();
    let found = if start == b"<" {
        corrupt("is a web page instead of data")
            .fix("Look at the address in the settings, and whether the API is under maintenance.")
    } else if error.is_eof() {
        corrupt("ends in the middle of its JSON")
    } else {
        corrupt("is no valid JSON")
    };
    found.with("at", format!("line {} column {}", error.line(), error.column()))
}

/// Python also reads `NaN` and `Infinity`, which become null here, and halves of characters.
fn lenient(body: &[u8]) -> Option<Json> {
    let text = std::str::from_utf8(body).ok()?;
    let odd = ["NaN", "Infinity", "\\u"].iter().any(|odd| text.contains(odd));
    if !odd {
        return None;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    let mut in_text = false;
    while let Some(next) = rest.chars().next() {
        let mut length = next.len_utf8();
        let mut replaced = None;
        if in_text && next == '\\' {
            length = 2.min(rest.len());
            if let Some((read, character)) = half(rest) {
                (length, replaced) = (read, Some(character).filter(|character| !character.is_empty()));
            }
        } else if next == '"' {
            in_text = !in_text;
        } else if !in_text
            && let Some(word) = ["NaN", "-Infinity", "Infinity"].iter().find(|word| rest.starts_with(**word))
        {
            (length, replaced) = (word.len(), Some("null"));
        }
        plain.push_str(replaced.unwrap_or(rest.get(..length)?));
        rest = rest.get(length..)?;
    }
    serde_json::from_str(&plain).ok()
}

/// An escape that is one half of a character: how long it is with its other half, and what stands for it when that is
/// missing ("" when it is there).
fn half(text: &str) -> Option<(usize, &'static str)> {
    let unit = |text: &str| u16::from_str_radix(text.strip_prefix("\\u")?.get(..4)?, 16).ok();
    match unit(text)? {
        0xd800..=0xdbff if matches!(text.get(6..).and_then(unit), Some(0xdc00..=0xdfff)) => Some((12, "")),
        0xd800..=0xdfff => Some((6, "\\ufffd")),
        _ => None,
    }
}

/// A file of JSON: a list is its items.
pub(super) fn parse_whole(mut reader: Box<dyn Read + '_>, sink: &mut Sink) -> Result<()> {
    let mut body = Vec::new();
    reader.read_to_end(&mut body).map_err(|error| failure::from_io(error, "not readable"))?;
    match parse(&body)? {
        Some(Json::Array(items)) => items.into_iter().try_for_each(|item| sink.push(item)),
        Some(Json::Null) | None => Err(corrupt("has no JSON in it")),
        Some(value) => sink.push(value),
    }
}

/// One JSON value a line.
pub(super) fn lines(reader: Box<dyn Read + '_>, sink: &mut Sink) -> Result<()> {
    for (number, line) in BufReader::new(reader).split(b'\n').enumerate() {
        let line = line.map_err(|error| failure::from_io(error, "not readable as lines"))?;
        match parse(&line) {
            Ok(Some(value)) => sink.push(value)?,
            Ok(None) => {}
            // The reference loses such lines without a word.
            Err(_) if sink.rules.exact => {}
            Err(error) => {
                return Err(Error::new(ErrorKind::CorruptInput, error.message())
                    .with("line of the answer", number + 1));
            }
        }
    }
    Ok(())
}
