//! JSON: one object per line, objects one after the other, or one array of objects. Never more than one in memory.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use syncline_protocol::{Column, Error, ErrorKind, Result};

use super::content::Limits;
use super::dialect::{encoding_of, open_text};
use super::infer::Inferred;
use super::listing::{FoundFile, unreadable};
use super::rows::{Outcome, Place, Rows};
use crate::rows::ColumnBuilder;

/// An object that is longer is refused.
const OBJECT_BYTES_MAX: usize = 64 << 20;
/// As much of a file is looked at to see how its objects are laid out.
const HEAD_BYTES: u64 = 1 << 20;

/// How the objects of a file are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One per line.
    Lines,
    /// One after the other, with any white space.
    Sequence,
    /// Inside one array.
    Array,
}

/// The columns of a file, from all of its objects, in the order in which they appear first; and how many there are.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn infer(file: &FoundFile, limits: Limits) -> Result<(Vec<Column>, u64)> {
    let mut objects = open(file, limits, 0, 0)?;
    infer_objects(&mut objects).map_err(|error| failed(file, error))
}

fn infer_objects<R: Read>(objects: &mut Objects<R>) -> io::Result<(Vec<Column>, u64)> {
    let mut columns: Vec<(String, Inferred)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut rows = 0;
    while objects.next()? {
        rows += 1;
        let Ok(text) = std::str::from_utf8(&objects.object) else { continue };
        let mut values: Vec<(usize, &str)> = Vec::with_capacity(columns.len());
        let parsed = fields(
            text,
            &mut |name| {
                Some(*places.entry(name.to_owned()).or_insert_with(|| {
                    columns.push((name.to_owned(), Inferred::default()));
                    columns.len() - 1
                }))
            },
            &mut |at, value| values.push((at, value)),
        );
        // What is not an object is rejected later; its fields say nothing.
        if parsed.is_ok() {
            for (at, value) in values {
                add(&mut columns[at].1, value);
            }
        }
    }
    let typed = columns.into_iter().map(|(name, column)| Column::new(name, column.logical()));
    Ok((typed.collect(), rows))
}

fn add(column: &mut Inferred, value: &str) {
    match value.as_bytes().first() {
        Some(b'n') | None => {}
        Some(b'{' | b'[') => column.add_nested(),
        Some(b'"') => match unescaped(value, &mut String::new()) {
            Some(text) => column.add_string(text),
            None => column.add_nested(),
        },
        Some(_) => column.add_scalar(value),
    }
}

/// Reads the objects of a file, from the place in `rows` on.
///
/// # Errors
/// When the file cannot be read to its end.
pub(super) fn read(rows: &mut Rows<'_>, limits: Limits) -> Result<Outcome> {
    let file = rows.file;
    let mut objects = open(file, limits, rows.place.offset, rows.place.line)?;
    let places: HashMap<&str, usize> =
        rows.read.columns.iter().enumerate().map(|(at, column)| (column.name.as_str(), at)).collect();
    let mut reader = ObjectReader {
        places,
        fields: vec![None; rows.read.columns.len()],
        ignored: HashSet::new(),
        text: String::new(),
    };
    loop {
        if !objects.next().map_err(|error| failed(file, error))? {
            rows.flush()?;
            return Ok(Outcome::Ended);
        }
        let outcome = reader.row(rows, &objects)?;
        if outcome != Outcome::Ended {
            rows.flush()?;
            return Ok(outcome);
        }
    }
}

struct ObjectReader<'a> {
    places: HashMap<&'a str, usize>,
    /// Where in the object the value of each column lies.
    fields: Vec<Option<(usize, usize)>>,
    /// Fields that are known not to be wanted.
    ignored: HashSet<String>,
    /// For strings with escapes.
    text: String,
}

impl ObjectReader<'_> {
    fn row<R>(&mut self, rows: &mut Rows<'_>, objects: &Objects<R>) -> Result<Outcome> {
        let line = objects.began;
        rows.behind = Some(Place { offset: objects.offset, line: objects.line, ..rows.place });
        let Ok(text) = std::str::from_utf8(&objects.object) else {
            let shown = String::from_utf8_lossy(&objects.object);
            return rows.reject_line(line, "some bytes are not valid text", &shown);
        };
        self.fields.fill(None);
        let mut new = None;
        let (places, ignored, found) = (&self.places, &self.ignored, &mut self.fields);
        let parsed = fields(
            text,
            &mut |name| {
                let place = places.get(name).copied();
                if place.is_none() && !ignored.contains(name) {
                    new = Some(name.to_owned());
                }
                place
            },
            &mut |at, value| {
                let start = value.as_ptr().addr() - text.as_ptr().addr();
                if let Some(field) = found.get_mut(at) {
                    *field = Some((start, start + value.len()));
                }
            },
        );
        if let Err(error) = parsed {
            return rows.reject_line(line, &format!("it is not a JSON object ({error})"), text);
        }
        if let Some(name) = new {
            if rows.is_new(&name) {
                return Ok(Outcome::Drift);
            }
            self.ignored.insert(name);
        }
        for at in 0..self.fields.len() {
            let value = self.fields[at].and_then(|(start, end)| text.get(start..end)).unwrap_or("null");
            let fits = if value == "null" {
                rows.put_origin(at, Rows::origin(&rows.read.columns[at].name), line)
            } else {
                put(rows.column(at), value, &mut self.text)
            };
            if !fits {
                return rows.misfit(at, line, value, || as_texts(text));
            }
        }
        rows.keep()
    }
}

/// Adds a JSON value that is not null; returns whether it fits.
fn put(builder: &mut ColumnBuilder, value: &str, text: &mut String) -> bool {
    match (value.as_bytes().first(), &builder) {
        (_, ColumnBuilder::Json(_)) => builder.valid_json(value),
        (
            Some(b'"'),
            ColumnBuilder::Boolean(_)
            | ColumnBuilder::Int16(_)
            | ColumnBuilder::Int32(_)
            | ColumnBuilder::Int64(_)
            | ColumnBuilder::Float32(_)
            | ColumnBuilder::Float64(_)
            | ColumnBuilder::Decimal(..)
            | ColumnBuilder::Numeric(_),
        ) => false,
        (Some(b'"'), _) => unescaped(value, text).is_some_and(|text| builder.text(text)),
        (Some(b'{' | b'['), ColumnBuilder::Text(_)) => builder.text(value),
        (Some(b'{' | b'[') | None, _) => false,
        (Some(_), _) => builder.text(value),
    }
}

/// The text of a JSON string. `None` for what no text can hold, like half a surrogate pair.
fn unescaped<'t>(value: &'t str, buffer: &'t mut String) -> Option<&'t str> {
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    if !inner.contains('\\') {
        return Some(inner);
    }
    *buffer = serde_json::from_str(value).ok()?;
    Some(buffer)
}

/// The object with each value as text, for quarantine.
fn as_texts(object: &str) -> Value {
    let Ok(Value::Object(fields)) = serde_json::from_str(object) else {
        return Value::Object(Map::from_iter([("_line".to_owned(), object.into())]));
    };
    let text = |value: Value| match value {
        Value::Null | Value::String(_) => value,
        other => other.to_string().into(),
    };
    Value::Object(fields.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// Walks the fields of an object: `place` says for each name whether, and under which number, `field` gets its value.
fn fields<'t>(
    object: &'t str,
    place: &mut dyn FnMut(&str) -> Option<usize>,
    field: &mut dyn FnMut(usize, &'t str),
) -> serde_json::Result<()> {
    struct Name<'a>(&'a mut dyn FnMut(&str) -> Option<usize>);

    impl<'de> DeserializeSeed<'de> for Name<'_> {
        type Value = Option<usize>;
        fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
            deserializer.deserialize_str(self)
        }
    }

    impl Visitor<'_> for Name<'_> {
        type Value = Option<usize>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a name")
        }
        fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
            Ok((self.0)(name))
        }
    }

    struct Fields<'a, 't> {
        place: &'a mut dyn FnMut(&str) -> Option<usize>,
        field: &'a mut dyn FnMut(usize, &'t str),
    }

    impl<'t> Visitor<'t> for Fields<'_, 't> {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'t>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some(place) = map.next_key_seed(Name(self.place))? {
                match place {
                    Some(at) => (self.field)(at, map.next_value::<&'t RawValue>()?.get()),
                    None => drop(map.next_value::<IgnoredAny>()?),
                }
            }
            Ok(())
        }
    }

    let mut json = serde_json::Deserializer::from_str(object);
    json.deserialize_map(Fields { place, field })?;
    json.end()
}

fn open(file: &FoundFile, limits: Limits, offset: u64, line: u64) -> Result<Objects<Box<dyn Read + Send>>> {
    let encoding = encoding_of(&file.path, limits)?;
    let open = |offset| open_text(&file.path, encoding, limits, offset);
    let mut head = Vec::new();
    open(0)?.take(HEAD_BYTES).read_to_end(&mut head).map_err(|error| failed(file, error))?;
    Ok(Objects::new(open(offset)?, layout(&head), offset, line))
}

/// How the objects are laid out in a file that begins like this.
fn layout(head: &[u8]) -> Layout {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let head = head.trim_ascii_start();
    if head.first() == Some(&b'[') {
        return Layout::Array;
    }
    let first = head.split(|byte| *byte == b'\n').next().unwrap_or(head);
    // Only an object that goes on in the next line makes it a sequence; a broken one is a line to reject.
    match serde_json::from_slice::<IgnoredAny>(first) {
        Err(error) if error.is_eof() && first.len() < head.len() => Layout::Sequence,
        _ => Layout::Lines,
    }
}

/// Cuts a text into objects, without looking into them.
struct Objects<R> {
    reader: BufReader<R>,
    layout: Layout,
    object: Vec<u8>,
    /// Bytes up to the end of the object.
    offset: u64,
    /// Lines up to the end of the object.
    line: u64,
    /// The line in which the object begins, from 1.
    began: u64,
    /// Whether the bracket that opens, or that which closes the array has been seen.
    opened: bool,
    closed: bool,
}

impl<R: Read> Objects<R> {
    fn new(reader: R, layout: Layout, offset: u64, line: u64) -> Self {
        Objects {
            reader: BufReader::with_capacity(1 << 17, reader),
            layout,
            object: Vec::new(),
            offset,
            line,
            began: line,
            opened: layout != Layout::Array || offset > 0,
            closed: false,
        }
    }

    /// Moves on to the next object; false when there is none.
    fn next(&mut self) -> io::Result<bool> {
        self.object.clear();
        if self.offset == 0 && self.reader.fill_buf()?.starts_with(b"\xef\xbb\xbf") {
            self.take(3);
        }
        match self.layout {
            Layout::Lines => self.next_line(),
            Layout::Sequence | Layout::Array => self.next_value(),
        }
    }

    fn take(&mut self, count: usize) {
        self.reader.consume(count);
        self.offset += count as u64;
    }

    fn next_line(&mut self) -> io::Result<bool> {
        loop {
            self.object.clear();
            let limit = OBJECT_BYTES_MAX as u64 + 1;
            let count = self.reader.by_ref().take(limit).read_until(b'\n', &mut self.object)?;
            check_length(&self.object)?;
            self.offset += count as u64;
            if count == 0 {
                return Ok(false);
            }
            self.line += 1;
            self.began = self.line;
            if !self.object.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn next_value(&mut self) -> io::Result<bool> {
        let Some(first) = self.skip_to_value()? else { return Ok(false) };
        self.began = self.line + 1;
        let nested = matches!(first, b'{' | b'[');
        let (mut depth, mut string, mut escape) = (0usize, first == b'"', false);
        // The opening byte of a string must not close it.
        let mut fresh = true;
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                if nested || string {
                    return Err(truncated());
                }
                return Ok(true);
            }
            let mut used = 0;
            let mut complete = false;
            for byte in buffer {
                used += 1;
                self.line += u64::from(*byte == b'\n');
                if std::mem::take(&mut fresh) && string {
                    continue;
                }
                if string {
                    match byte {
                        _ if escape => escape = false,
                        b'\\' => escape = true,
                        b'"' => {
                            string = false;
                            complete = depth == 0;
                        }
                        _ => {}
                    }
                } else {
                    match byte {
                        b'"' => string = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' if depth > 0 => {
                            depth -= 1;
                            complete = depth == 0;
                        }
                        // The end of a number or word; what ends it is not part of it.
                        b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => {
                            used -= 1;
                            self.line -= u64::from(*byte == b'\n');
                            complete = true;
                        }
                        _ => {}
                    }
                }
                if complete {
                    break;
                }
            }
            self.object.extend_from_slice(&buffer[..used]);
            self.take(used);
            check_length(&self.object)?;
            if complete {
                return Ok(true);
            }
        }
    }

    /// Skips white space, commas and the brackets of the array; returns the first byte of the next value.
    fn skip_to_value(&mut self) -> io::Result<Option<u8>> {
        loop {
            let Some(byte) = self.reader.fill_buf()?.first().copied() else {
                let whole = self.layout != Layout::Array || self.closed || !self.opened;
                return if whole { Ok(None) } else { Err(truncated()) };
            };
            match byte {
                b' ' | b'\t' | b'\r' | b',' => {}
                b'\n' => self.line += 1,
                b'[' if !self.opened => self.opened = true,
                b']' if self.layout == Layout::Array && !self.closed => self.closed = true,
                b']' | b'}' => return Err(stray()),
                byte => return Ok(Some(byte)),
            }
            self.take(1);
        }
    }
}

fn truncated() -> io::Error {
    io::Error::other(Error::new(ErrorKind::CorruptInput, "A JSON file ends in the middle of a value."))
}

fn stray() -> io::Error {
    io::Error::other(Error::new(ErrorKind::CorruptInput, "A JSON file has a bracket that closes nothing."))
}

fn check_length(object: &[u8]) -> io::Result<()> {
    if object.len() <= OBJECT_BYTES_MAX {
        return Ok(());
    }
    Err(io::Error::other(Error::new(ErrorKind::LimitExceeded, "A JSON object has more than 64 MB.")))
}

fn failed(file: &FoundFile, error: io::Error) -> Error {
    unreadable(&file.path, error)
}

/// Reads any bytes as JSON objects, for fuzzing.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    for layout in [layout(data), Layout::Lines, Layout::Sequence, Layout::Array] {
        // Errors are fine; panics and endless loops are not.
        let _ = infer_objects(&mut Objects::new(data, layout, 0, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<(String, u64)> {
        let mut objects = Objects::new(text.as_bytes(), layout(text.as_bytes()), 0, 0);
        let mut all = Vec::new();
        while objects.next().unwrap() {
            all.push((
                String::from_utf8(objects.object.clone()).unwrap().trim_end().to_owned(),
                objects.began,
            ));
        }
        all
    }

    fn only(text: &str) -> Vec<String> {
        objects(text).into_iter().map(|(object, _)| object).collect()
    }

    #[test]
    fn all_layouts() {
        let expected = [r#"{"a":"}]\"{"}"#, r#"{"a":[1,{}]}"#];
        for text in [
            "{\"a\":\"}]\\\"{\"}\n\n{\"a\":[1,{}]}",
            "[{\"a\":\"}]\\\"{\"},\n {\"a\":[1,{}]}]\n",
            "\u{feff}[{\"a\":\"}]\\\"{\"},{\"a\":[1,{}]}]",
        ] {
            assert_eq!(only(text), expected, "{text}");
        }
        let spread = objects("{\n\"a\":1}{\"a\":\n2}\n{\"a\":3}");
        let lines: Vec<_> = spread.iter().map(|(_, line)| *line).collect();
        assert_eq!(lines, [1, 2, 4]);
        assert_eq!(only("[1, \"x,]\", null]"), ["1", "\"x,]\"", "null"]);
        assert_eq!(only(""), [""; 0]);
        assert_eq!(only("[]"), [""; 0]);
    }

    #[test]
    fn an_array_that_is_cut_is_an_error() {
        for text in ["[{\"a\":1},", "[{\"a\":1", "[\"abc", "[{}]]"] {
            let mut objects = Objects::new(text.as_bytes(), layout(text.as_bytes()), 0, 0);
            let end = loop {
                match objects.next() {
                    Ok(true) => {}
                    Ok(false) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            assert!(end.is_err(), "{text}");
        }
    }

    #[test]
    fn types_come_from_all_objects() {
        let text = r#"{"a":1,"b":"x","t":"2024-01-01T00:00:00Z"}
{"a":2.5,"c":{"d":1},"b":"7"}
{"a":null,"big":18446744073709551616,"c":"text"}"#;
        let (columns, rows) = infer_objects(&mut Objects::new(text.as_bytes(), Layout::Lines, 0, 0)).unwrap();
        let shown: Vec<_> =
            columns.iter().map(|column| format!("{} {}", column.name, column.logical)).collect();
        assert_eq!(rows, 3);
        assert_eq!(shown, ["a decimal(18,1)", "b text", "t timestamptz", "c json", "big decimal(38,0)"]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(data in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), json in "[\\[\\]{}\",:0-9a \\\\\n]{0,80}") {
            fuzz(&data);
            fuzz(json.as_bytes());
        }
    }
}
