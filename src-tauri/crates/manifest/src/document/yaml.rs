//! YAML (and JSON, which is part of it) into a tree that knows its lines.
//!
//! Plain scalars mean what they mean to the reference's loader, which follows YAML 1.1: `yes` is true, `010` is 8,
//! `1_000` is 1000, `1:30` is 90, `1e3` is text. Two differences: dates and `.inf` stay text, because JSON has neither,
//! and a key is always the text that is written, also for `no:` or `200:`.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use syncline_protocol::{Error, ErrorKind, Result};

use super::scalar;
use crate::Json;

/// A value as it is written, before references are resolved. Aliases share what they stand for.
pub(super) struct Raw {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What is written.
pub(super) enum Value {
    /// Text, number, true, false or nothing.
    Scalar(Json),
    /// A list.
    List(Vec<Arc<Raw>>),
    /// An object in the order of the file, each key once: the last one written wins, at the place of the first.
    Object(Fields),
}

/// The fields of an object: in order, and by name.
#[derive(Default)]
pub(super) struct Fields {
    entries: Vec<(String, Arc<Raw>)>,
    places: HashMap<String, usize>,
}

impl Fields {
    pub(super) fn get(&self, key: &str) -> Option<&Arc<Raw>> {
        self.places.get(key).and_then(|place| self.entries.get(*place)).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Arc<Raw>)> {
        self.entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    fn set(&mut self, key: String, value: Arc<Raw>) {
        match self.places.get(&key).and_then(|place| self.entries.get_mut(*place)) {
            Some(entry) => entry.1 = value,
            None => {
                self.places.insert(key.clone(), self.entries.len());
                self.entries.push((key, value));
            }
        }
    }
}

/// A text longer than this is no manifest: the greatest known one has 700 KB.
const LONGEST_TEXT: usize = 32 << 20;
/// How deep lists and objects may lie in each other as written.
const DEEPEST: usize = 128;
/// How many fields `<<` may bring in all: an object that is merged again and again grows without bound.
const MOST_MERGED: usize = 1_000_000;

/// Reads the first document of a text.
pub(super) fn read(text: &str) -> Result<Arc<Raw>> {
    if text.len() > LONGEST_TEXT {
        return Err(Error::new(ErrorKind::LimitExceeded, "The manifest is longer than 32 MB.")
            .fix("Check that the file is a connector's manifest."));
    }
    let mut reader = Reader { events: Parser::new_from_str(text), anchors: HashMap::new(), merged: 0 };
    loop {
        match reader.next()? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (Event::StreamEnd | Event::DocumentEnd, _) => return Err(problem("the file is empty", 1)),
            (event, span) => {
                let root = reader.node(event, span, 0)?;
                reader.end()?;
                return Ok(root);
            }
        }
    }
}

/// Reads a short text as the reference reads values of resolved templates; none when it is no YAML.
pub(super) fn read_value(text: &str) -> Option<Json> {
    if text.trim().is_empty() {
        return Some(Json::Null);
    }
    read_plain(text).ok()
}

/// Reads a text as plain values.
pub(super) fn read_plain(text: &str) -> Result<Json> {
    fn plain(raw: &Raw) -> Json {
        match &raw.value {
            Value::Scalar(value) => value.clone(),
            Value::List(items) => Json::Array(items.iter().map(|item| plain(item)).collect()),
            Value::Object(fields) => {
                fields.iter().map(|(key, field)| (key.to_owned(), plain(field))).collect()
            }
        }
    }
    read(text).map(|raw| plain(&raw))
}

struct Reader<'t> {
    events: Parser<'t, granit_parser::StrInput<'t>>,
    anchors: HashMap<usize, Arc<Raw>>,
    merged: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span)> {
        loop {
            match self.events.next() {
                Some(Ok((Event::Comment(..), _))) => {}
                Some(Ok(event)) => return Ok(event),
                Some(Err(error)) => return Err(syntax(&error)),
                None => return Ok((Event::StreamEnd, Span::empty(granit_parser::Marker::default()))),
            }
        }
    }

    /// After the first document nothing may follow, as for the reference.
    fn end(&mut self) -> Result<()> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::DocumentEnd, _) => {}
                (_, span) => return Err(problem("a second document starts here", span.start.line())),
            }
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Result<Arc<Raw>> {
        let line = span.start.line();
        if depth > DEEPEST {
            return Err(problem(
                format!("lists and objects lie more than {DEEPEST} deep in each other"),
                line,
            ));
        }
        let (value, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                (scalar_of(&text, style, tag.as_deref(), line)?, anchor)
            }
            Event::SequenceStart(_, anchor, _) => (self.list(depth)?, anchor),
            Event::MappingStart(_, anchor, _) => (self.object(depth)?, anchor),
            Event::Alias(anchor) => {
                return self
                    .anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or_else(|| problem("an alias stands for itself", line));
            }
            _ => return Err(problem("a value is missing", line)),
        };
        let raw = Arc::new(Raw { line, value });
        if anchor > 0 {
            self.anchors.insert(anchor, Arc::clone(&raw));
        }
        Ok(raw)
    }

    fn list(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::List(items)),
                (event, span) => items.push(self.node(event, span, depth + 1)?),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        let mut own = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (key, line) = match self.next()? {
                (Event::MappingEnd, _) => break,
                (Event::Scalar(key, style, ..), span) => ((key, style), span.start.line()),
                (_, span) => return Err(problem("a key must be text", span.start.line())),
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            match key {
                (key, ScalarStyle::Plain) if key == "<<" => merged.push((value, line)),
                (key, _) => own.push((key.into_owned(), value)),
            }
        }
        let mut fields = Fields::default();
        for (value, line) in merged {
            self.merge(&value, line, &mut fields)?;
        }
        for (key, value) in own {
            fields.set(key, value);
        }
        Ok(Value::Object(fields))
    }

    /// `<<: *one` or `<<: [*one, *other]`: what stands first in the list wins.
    fn merge(&mut self, value: &Raw, line: usize, into: &mut Fields) -> Result<()> {
        let sources = match &value.value {
            Value::Object(fields) => vec![fields],
            Value::List(items) => items.iter().rev().filter_map(|item| item.fields()).collect(),
            Value::Scalar(_) => return Err(problem("`<<` needs an object or a list of objects", line)),
        };
        for (key, field) in sources.into_iter().flat_map(Fields::iter) {
            self.merged += 1;
            if self.merged > MOST_MERGED {
                return Err(problem("`<<` brings in more than a million fields", line));
            }
            into.set(key.to_owned(), Arc::clone(field));
        }
        Ok(())
    }
}

impl Raw {
    pub(super) fn fields(&self) -> Option<&Fields> {
        match &self.value {
            Value::Object(fields) => Some(fields),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Json::String(text)) => Some(text),
            _ => None,
        }
    }
}

fn scalar_of(text: &str, style: ScalarStyle, tag: Option<&Tag>, line: usize) -> Result<Value> {
    let kind = match tag {
        None if style == ScalarStyle::Plain => return Ok(Value::Scalar(scalar::plain(text))),
        None => return Ok(Value::Scalar(Json::String(text.to_owned()))),
        Some(tag) => tag.core_suffix(),
    };
    match kind {
        Some("str") => Ok(Value::Scalar(Json::String(text.to_owned()))),
        Some("int" | "float" | "bool" | "null") => Ok(Value::Scalar(scalar::plain(text))),
        _ => Err(problem("this tag (`!`) is not known here", line).fix("Write the value without a tag.")),
    }
}

fn syntax(error: &ScanError) -> Error {
    problem(error.info(), error.marker().line())
}

/// A mistake in the text itself.
pub(super) fn problem(what: impl std::fmt::Display, line: usize) -> Error {
    Error::new(ErrorKind::Config, format!("The connector's manifest cannot be read: {what}, in line {line}."))
        .with("line", line)
        .fix("Correct this line of the manifest.")
}
