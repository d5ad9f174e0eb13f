//! Comma-separated values: one buffer for the record, values parsed where they lie.

use std::io::{self, Read};

use csv::ByteRecord;
use serde_json::{Map, Value};
use syncline_protocol::{Column, Error, ErrorKind, Result};

use super::content::Limits;
use super::dialect::{CsvOptions, Dialect, open_text};
use super::infer::Inferred;
use super::listing::{FoundFile, unreadable};
use super::rows::{Origin, Outcome, Place, Rows, column_names};

/// A row that is longer is a quote that was never closed.
const ROW_BYTES_MAX: u64 = 64 << 20;
/// Follows the last byte of a file. It comes back as a row of its own, or inside of a field whose quote is open: that
/// is the only way to tell that the end of the file is not the end of a row. No delimiter is among its bytes, since
/// those are ASCII, and no text.
const END: &[u8] = b"\n\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xff";

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
    let mut found = match !dialect.header && !record.is_empty() {
        true => Found::Row,
        false => next(&mut reader, &mut record)?,
    };
    while found != Found::End {
        rows += 1;
        // What will be rejected says nothing about the types.
        if found == Found::Row && refusal(&record, names.len(), dialect).is_none() {
            for (column, field) in columns.iter_mut().zip(&record) {
                if let Ok(text) = std::str::from_utf8(field)
                    && !is_null(text, options)
                {
                    column.add(text);
                }
            }
        }
        found = next(&mut reader, &mut record)?;
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
    let header_lines = Lines::default().add(&record, 0);
    let body = Body { names: &names, origins: &origins, options, dialect: &dialect };
    if rows.place.offset > 0 {
        let lines = Lines { line: rows.place.line };
        return body.read(rows, self::reader(open(rows.place.offset)?, &dialect), record, None, lines);
    }
    match dialect.header || record.is_empty() {
        true => body.read(rows, reader, record, None, header_lines),
        false => body.read(rows, reader, record, Some(Found::Row), Lines::default()),
    }
}

/// Lines before the next row. The reader counts line feeds only, and meets the one of `\r\n` with the row after it.
#[derive(Debug, Clone, Copy, Default)]
struct Lines {
    line: u64,
}

impl Lines {
    /// The line in which a row begins, from 1, when `feeds` line feeds lie before it.
    fn begin(self, feeds: u64) -> u64 {
        (feeds + 1).max(self.line + 1)
    }

    /// The lines up to the end of a row.
    fn add(self, record: &ByteRecord, feeds: u64) -> Self {
        let inside = record.as_slice().iter().filter(|byte| **byte == b'\n').count();
        Lines { line: self.begin(feeds) + inside as u64 }
    }
}

/// What stays the same for all rows of a file.
struct Body<'a> {
    names: &'a [String],
    origins: &'a [Origin],
    options: &'a CsvOptions,
    dialect: &'a Dialect,
}

impl Body<'_> {
    fn read<R: Read>(
        &self,
        rows: &mut Rows<'_>,
        mut reader: csv::Reader<Guarded<R>>,
        mut record: ByteRecord,
        mut first: Option<Found>,
        mut lines: Lines,
    ) -> Result<Outcome> {
        let file = rows.file;
        let start = rows.place;
        loop {
            let found = match first.take() {
                Some(found) => found,
                None => next(&mut reader, &mut record).map_err(|error| failed(file, error))?,
            };
            let feeds = start.feeds + record.position().map_or(0, |at| at.line() - 1);
            let line = lines.begin(feeds);
            lines = lines.add(&record, feeds);
            let behind = reader.position();
            rows.behind = Some(Place {
                offset: start.offset + behind.byte(),
                line: lines.line,
                feeds: start.feeds + behind.line() - 1,
                ..start
            });
            let outcome = match found {
                Found::End => {
                    rows.flush()?;
                    return Ok(Outcome::Ended);
                }
                Found::Open => {
                    // What the reader counts here includes the mark of the end.
                    rows.behind = None;
                    rows.reject_line(line, "its last quote is never closed", &self.joined(&record))?
                }
                Found::Row => self.row(rows, &record, line)?,
            };
            if outcome != Outcome::Ended {
                rows.flush()?;
                return Ok(outcome);
            }
        }
    }

    fn row(&self, rows: &mut Rows<'_>, record: &ByteRecord, line: u64) -> Result<Outcome> {
        if let Some(reason) = refusal(record, self.names.len(), self.dialect) {
            return rows.reject_line(line, &reason, &self.joined(record));
        }
        let text = std::str::from_utf8(record.as_slice()).unwrap_or_default();
        for (at, origin) in self.origins.iter().enumerate() {
            let field = match origin {
                // Fields end between characters: that was looked at above.
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
        rows.keep()
    }

    fn joined(&self, record: &ByteRecord) -> String {
        let fields: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
        fields.join(char::from(self.dialect.delimiter).encode_utf8(&mut [0; 4]))
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

/// Why a record is no row of a table with so many columns.
fn refusal(record: &ByteRecord, columns: usize, dialect: &Dialect) -> Option<String> {
    let text = match std::str::from_utf8(record.as_slice()) {
        // The delimiter may stand where the rest of a character should.
        Ok(text) if text.is_ascii() || record.iter().all(|field| std::str::from_utf8(field).is_ok()) => text,
        _ => return Some("some bytes are not valid text".to_owned()),
    };
    if dialect.encoding != encoding_rs::UTF_8 && text.contains(char::REPLACEMENT_CHARACTER) {
        return Some(format!("some bytes are not valid {}", dialect.encoding.name()));
    }
    // A delimiter at the end of a row makes one empty field too many, which says nothing.
    let surplus = (columns..record.len()).any(|at| record.get(at).is_some_and(|field| !field.is_empty()));
    (record.len() < columns || surplus).then(|| format!("it has {} fields, not {columns}", record.len()))
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// A row.
    Row,
    /// A row with a quote that is not closed: it reaches to the end of the file.
    Open,
    /// Nothing.
    End,
}

/// Reads the next record.
fn next<R: Read>(reader: &mut csv::Reader<Guarded<R>>, record: &mut ByteRecord) -> csv::Result<Found> {
    let more = reader.read_byte_record(record)?;
    reader.get_mut().since = 0;
    if !more {
        return Ok(Found::End);
    }
    if !reader.get_ref().ended {
        return Ok(Found::Row);
    }
    let Some(last) = record.iter().next_back() else { return Ok(Found::Row) };
    if record.len() == 1 && last == &END[1..] {
        record.clear();
        return Ok(Found::End);
    }
    match last.strip_suffix(END) {
        None => Ok(Found::Row),
        Some(last) => {
            let fields: Vec<_> =
                record.iter().take(record.len() - 1).chain([last]).map(<[u8]>::to_vec).collect();
            let position = record.position().cloned();
            *record = ByteRecord::from(fields);
            record.set_position(position);
            Ok(Found::Open)
        }
    }
}

/// The names of the columns. Leaves the first record in `record`, where it is a row when there is no header.
fn header<R: Read>(
    reader: &mut csv::Reader<Guarded<R>>,
    record: &mut ByteRecord,
    dialect: &Dialect,
) -> csv::Result<Vec<String>> {
    match next(reader, record)? {
        Found::Row => {}
        Found::End => record.clear(),
        Found::Open => {
            let open = Error::new(ErrorKind::CorruptInput, "The first row has a quote that is never closed.")
                .fix("Repair the file, or set the character around fields (`quote`).");
            return Err(io::Error::other(open).into());
        }
    }
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
        .from_reader(Guarded { reader: text, since: 0, ended: false, mark: END })
}

/// Ends with an error when a row does not end.
struct Guarded<R> {
    reader: R,
    /// Bytes since the last row, without those that are buffered.
    since: u64,
    /// Whether all bytes of the file have been read.
    ended: bool,
    /// What is left to add behind them.
    mark: &'static [u8],
}

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut count = self.reader.read(buffer)?;
        if count == 0 {
            self.ended = true;
            count = self.mark.read(buffer)?;
        }
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
