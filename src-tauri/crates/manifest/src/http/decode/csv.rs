//! Tables as text.

use std::io::Read;

use csv::{ReaderBuilder, StringRecord};
use syncline_protocol::{Error, ErrorKind, Result};

use super::corrupt;
use super::pipe::Sink;
use crate::document::Node;
use crate::http::client::failure;
use crate::{Json, Map};

/// The character between values; a tab may be written as `\t`.
pub(super) fn delimiter(node: &Node<'_>) -> Result<u8> {
    let text = node.text("delimiter")?.unwrap_or(",");
    let code = |digits: &str| u8::from_str_radix(digits, 16).ok();
    let found = match text {
        "" => Some(b','),
        "\\t" => Some(b'\t'),
        "\\n" => Some(b'\n'),
        "\\\\" => Some(b'\\'),
        text if text.len() == 1 => text.bytes().next(),
        text => text
            .strip_prefix("\\x")
            .or(text.strip_prefix("\\u00"))
            .filter(|digits| digits.len() == 2)
            .and_then(code),
    };
    found.ok_or_else(|| node.error(format!("`{text}` is no single character that can separate values")))
}

/// Every row as an object with the names of the first row. Short rows end with nulls.
pub(super) fn parse(
    reader: Box<dyn Read + '_>,
    delimiter: u8,
    nulls: &[String],
    sink: &mut Sink,
) -> Result<()> {
    let mut rows = ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(reader);
    let names = rows.headers().map_err(wrong)?.clone();
    let mut row = StringRecord::new();
    while rows.read_record(&mut row).map_err(wrong)? {
        let mut record = Map::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let value = row.get(index).filter(|value| !nulls.iter().any(|null| null == value));
            record.insert(name.to_owned(), value.map_or(Json::Null, Json::from));
        }
        if row.len() > names.len() {
            if !sink.rules.exact {
                let line = row.position().map_or(0, csv::Position::line);
                return Err(corrupt("has a row with more values than there are columns").with("line", line));
            }
            record.insert("null".to_owned(), row.iter().skip(names.len()).map(Json::from).collect());
        }
        sink.push(Json::Object(record))?;
    }
    Ok(())
}

fn wrong(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => failure::from_io(error, "no readable table"),
        csv::ErrorKind::Utf8 { .. } => corrupt("is a table with text that is not in its encoding"),
        _ => Error::new(ErrorKind::CorruptInput, "The API's answer is no readable table."),
    }
}
