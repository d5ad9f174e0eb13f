//! Bodies in CSV: the first row names the fields of the others.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use syncline_protocol::Result;

use super::encoding::{Encoding, Utf8};
use super::{Bounded, Give, LINE_MAX, corrupt};
use crate::document::Node;
use crate::{Json, Map};

/// How a body in CSV is written.
#[derive(Debug, Clone)]
pub(in crate::http) struct Csv {
    delimiter: u8,
    encoding: Encoding,
    /// Values that stand for nothing.
    nulls: Vec<String>,
}

impl Csv {
    pub(super) fn new(node: &Node<'_>) -> Result<Csv> {
        let delimiter = match node.text("delimiter")?.unwrap_or(",") {
            "\\t" => b'\t',
            "\\n" => b'\n',
            other => match other.as_bytes() {
                [one] => *one,
                _ => return Err(node.error("`delimiter` must be one character")),
            },
        };
        let nulls = node.list("set_values_to_none");
        Ok(Csv {
            delimiter,
            encoding: Encoding::of(node)?,
            nulls: nulls.iter().map(|value| crate::expression::python_str(value.json())).collect(),
        })
    }

    /// Gives each row as an object.
    pub(super) fn read(&self, input: impl Read, give: &mut Give<'_>) -> io::Result<()> {
        let since = Rc::new(Cell::new(0));
        // A row that never ends must not fill the memory.
        let input =
            Bounded { input: Utf8::new(input, self.encoding), since: Rc::clone(&since), most: LINE_MAX };
        let mut reader =
            csv::ReaderBuilder::new().delimiter(self.delimiter).flexible(true).from_reader(input);
        let wrong = |what: &str, error: csv::Error| match error.into_kind() {
            // It may be our own: a row that never ends, a connection that is lost.
            csv::ErrorKind::Io(error) => error,
            other => corrupt(what, format!("{other:?}")),
        };
        let names = reader.headers().map_err(|error| wrong("is no CSV", error))?.clone();
        for row in reader.records() {
            let row = row.map_err(|error| wrong("has a line that is no CSV", error))?;
            since.set(0);
            give(Json::Object(self.fields(&names, &row)))?;
        }
        Ok(())
    }

    fn fields(&self, names: &csv::StringRecord, row: &csv::StringRecord) -> Map {
        let mut fields = Map::with_capacity(names.len());
        let value = |value: &str| match self.nulls.iter().any(|null| null == value) {
            true => Json::Null,
            false => Json::from(value),
        };
        for (at, name) in names.iter().enumerate() {
            fields.insert(name.to_owned(), row.get(at).map_or(Json::Null, value));
        }
        // What no name stands above is kept, under the name that the reference's output has for it.
        if row.len() > names.len() {
            fields.insert("null".to_owned(), row.iter().skip(names.len()).map(Json::from).collect());
        }
        fields
    }
}
