//! Comma-separated values: one buffer for the record, values parsed where they lie.

use std::io::{self, Read};

use csv::ByteRecord;
use serde_json::{Map, Value};
use syncline_protocol::{Column, Error, ErrorKind, Result};

use super::content::Limits;
use super::dialect::{CsvOptions, Dialect, open_text};
use super::infer::Inferred;
use super::listing::{FoundFile, unreadable};
use super::rows::{Origin, Outcome, Rows, column_names};

/// A row that is longer is a quote that was never closed.
const ROW_BYTES_MAX: u64 = 64 << 20;

/// The columns of a file, from all of its rows.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn infer(
    file: &FoundFile,
    options: &CsvOptions,
    tabs: bool,
    limits: Limits,
) -> Result<(Vec<Column>, u64)> {
    let dialect = options.detect(&file.path, tabs, limits)?;
    let text = open_text(&file.path, dialect.encoding, limits, 0)?;
    infer_text(text, &dialect, options).map_err(|error| failed(file, error))
}

fn infer_text(text: impl Read, dialect: &Dialect, options: &CsvOptions) -> csv::Result<(Vec<Column>, u64)> {
    let mut reader = reader(text, dialect);
    let mut record = ByteRecord::new();
    let names = header(&mut reader, &mut record, dialect)?;
    let mut columns = vec![Inferred::default(); names.len()];
    let mut rows = 0;
    // Without a header the first record is a row, and is already read.
    let mut more = !dialect.header && !record.is_empty() || reader.read_byte_record(&mut record)?;
    while more {
        reader.get_mut().since = 0;
        rows += 1;
        if std::str::from_utf8(record.as_slice()).is_ok() {
            for (column, field) in columns.iter_mut().zip(&record) {
                if let Ok(text) = std::str::from_utf8(field)
                    && !is_null(text, options)
                {
                    column.add(text);
                }
            }
        }
        more = reader.read_byte_record(&mut record)?;
    }
    let typed = names.into_iter().zip(&columns).map(|(name, column)| Column::new(name, column.logical()));
    Ok((typed.collect(), rows))
}

/// Reads the rows of a file, from the place in `rows` on.
///
/// # Errors
/// When the file cannot be read to its end.
pub(super) fn read(rows: &mut Rows<'_>, options: &CsvOptions, tabs: bool, limits: Limits) -> Result<Outcome> {
    let file = rows.file;
    let dialect = options.detect(&file.path, tabs, limits)?;
    let open = |offset| open_text(&file.path, dialect.encoding, limits, offset);
    let mut record = ByteRecord::new();
    let mut reader = reader(open(0)?, &dialect);
    let names = header(&mut reader, &mut record, &dialect).map_err(|error| failed(file, error))?;
    let Some(origins) = rows.bind(names.iter().map(String::as_str)) else { return Ok(Outcome::Drift) };
    let mut first = !dialect.header && !record.is_empty();
    if rows.place.offset > 0 {
        reader = self::reader(open(rows.place.offset)?, &dialect);
        first = false;
    }
    Body { names: &names, origins: &origins, options, delimiter: dialect.delimiter }
        .read(rows, reader, record, first)
}

/// What stays the same for all rows of a file.
struct Body<'a> {
    names: &'a [String],
    origins: &'a [Origin],
    options: &'a CsvOptions,
    delimiter: u8,
}

impl Body<'_> {
    fn read<R: Read>(
        &self,
        rows: &mut Rows<'_>,
        mut reader: csv::Reader<Guarded<R>>,
        mut record: ByteRecord,
        mut first: bool,
    ) -> Result<Outcome> {
        let file = rows.file;
        let start = rows.place;
        loop {
            let more = first || reader.read_byte_record(&mut record).map_err(|error| failed(file, error))?;
            first = false;
            if !more {
                rows.flush()?;
                return Ok(Outcome::Ended);
            }
            reader.get_mut().since = 0;
            let line = start.line + record.position().map_or(1, csv::Position::line);
            let behind = reader.position();
            let place = (start.offset + behind.byte(), start.line + behind.line() - 1);
            let outcome = self.row(rows, &record, line, place)?;
            if outcome != Outcome::Ended {
                rows.flush()?;
                return Ok(outcome);
            }
        }
    }

    fn row(&self, rows: &mut Rows<'_>, record: &ByteRecord, line: u64, place: (u64, u64)) -> Result<Outcome> {
        let Ok(text) = std::str::from_utf8(record.as_slice()) else {
            return rows.reject_line(line, "some bytes are not valid text", &self.joined(record));
        };
        // A delimiter at the end of a row makes one empty field too many, which says nothing.
        let surplus =
            (self.names.len()..record.len()).any(|at| record.get(at).is_some_and(|field| !field.is_empty()));
        if record.len() < self.names.len() || surplus {
            let reason = format!("it has {} fields, not {}", record.len(), self.names.len());
            return rows.reject_line(line, &reason, &self.joined(record));
        }
        for (at, origin) in self.origins.iter().enumerate() {
            let field = match origin {
                // Fields end between characters: the delimiter is ASCII.
                Origin::Field(number) => {
                    record.range(*number).and_then(|range| text.get(range)).unwrap_or("")
                }
                origin => {
                    if !rows.put_origin(at, *origin, line) {
                        return rows.misfit(at, line, "", || self.object(record));
                    }
                    continue;
                }
            };
            let fits = if is_null(field, self.options) {
                rows.put_origin(at, Origin::Missing, line)
            } else {
                rows.column(at).text(field)
            };
            if !fits {
                return rows.misfit(at, line, field, || self.object(record));
            }
        }
        rows.keep(Some(place))
    }

    fn joined(&self, record: &ByteRecord) -> String {
        let fields: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
        fields.join(char::from(self.delimiter).encode_utf8(&mut [0; 4]))
    }

    fn object(&self, record: &ByteRecord) -> Value {
        let fields = self.names.iter().zip(record);
        let fields = fields.map(|(name, field)| (name.clone(), String::from_utf8_lossy(field).into()));
        Value::Object(Map::from_iter(fields))
    }
}

fn is_null(field: &str, options: &CsvOptions) -> bool {
    field.is_empty() || options.nulls.iter().any(|null| null == field)
}

/// The names of the columns. Leaves the first record in `record`, where it is a row when there is no header.
fn header<R: Read>(
    reader: &mut csv::Reader<Guarded<R>>,
    record: &mut ByteRecord,
    dialect: &Dialect,
) -> csv::Result<Vec<String>> {
    if !reader.read_byte_record(record)? {
        record.clear();
    }
    reader.get_mut().since = 0;
    let given =
        record.iter().map(|field| if dialect.header { String::from_utf8_lossy(field) } else { "".into() });
    Ok(column_names(given))
}

fn reader<R: Read>(text: R, dialect: &Dialect) -> csv::Reader<Guarded<R>> {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(dialect.delimiter)
        .quote(dialect.quote)
        .buffer_capacity(1 << 16)
        .from_reader(Guarded { reader: text, since: 0 })
}

/// Ends with an error when a row does not end.
struct Guarded<R> {
    reader: R,
    /// Bytes since the last row, without those that are buffered.
    since: u64,
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.since += count as u64;
        if self.since > ROW_BYTES_MAX {
            return Err(io::Error::other(
                Error::new(
                    ErrorKind::CorruptInput,
                    "A row has more than 64 MB; a quote is probably not closed.",
                )
                .fix("Repair the file, or set the character around fields (`quote`)."),
            ));
        }
        Ok(count)
    }
}

fn failed(file: &FoundFile, error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => unreadable(&file.path, error),
        _ => {
            Error::new(ErrorKind::CorruptInput, format!("{} could not be read as CSV.", file.path.display()))
        }
    }
}

/// Reads any bytes as a CSV file, for fuzzing: detects the dialect, infers the types, splits the rows.
#[doc(hidden)]
pub fn fuzz(data: &[u8]) {
    let options = CsvOptions::default();
    let Ok(dialect) = options.detect_in(data, true, false) else { return };
    let text = dialect.encoding.decode(data).0;
    for text in [data, text.as_bytes()] {
        let Ok((columns, _)) = infer_text(text, &dialect, &options) else { continue };
        let Ok(mut buffer) = crate::rows::RowBuffer::new(&columns) else { continue };
        let mut reader = reader(text, &dialect);
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            let fits = (0..columns.len()).all(|at| {
                record
                    .get(at)
                    .and_then(|field| std::str::from_utf8(field).ok())
                    .is_some_and(|field| buffer.column(at).text(field))
            });
            if fits { buffer.keep() } else { buffer.discard() }
        }
        // Bytes that are no text are the only way for a batch to fail, and they never get in.
        let _ = buffer.finish();
    }
}
