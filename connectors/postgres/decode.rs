//! From the bytes of `COPY … (FORMAT BINARY)` to Arrow, without a detour: one dispatch a value, no allocation a value.
//!
//! The format: <https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.4>. The form of each value is what
//! the `send` function of its type writes. Malformed input gives `CorruptInput`; a well-formed value that its Arrow
//! type cannot hold rejects its row.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use serde_json::Value;
use syncline_protocol::{Column, Error, ErrorKind, RejectedRow, Result};

use super::builder::Builder;
use super::codec::Codec;
use super::render::render;

/// The bytes that every binary COPY begins with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the extension.
const HEADER_BYTES: usize = SIGNATURE.len() + 8;
/// A row of a table has at most 1,600 columns; a result a few more.
const FIELDS_MAX: usize = 1700;

/// When a batch is full.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimit {
    /// Rows.
    pub rows: usize,
    /// Bytes on the wire.
    pub bytes: usize,
}

impl Default for BatchLimit {
    fn default() -> Self {
        BatchLimit { rows: 65_536, bytes: 1 << 20 }
    }
}

/// Why a value was not taken.
#[derive(Debug)]
pub(super) enum Fault {
    /// It is well-formed, but the Arrow type cannot hold it. One sentence.
    Reject(String),
    /// It is not what the type looks like.
    Corrupt(&'static str),
}

/// Why [`Decoder::feed`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fed {
    /// All bytes are taken; more are needed.
    Hungry,
    /// The batch is full: take it before the next bytes.
    Full,
    /// A checkpoint was wanted, and the next row is the first one with another cursor value.
    Boundary,
    /// The trailer came: there are no more rows.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Extension { left: usize },
    Rows,
    End,
}

/// Turns the bytes of one COPY into record batches.
pub struct Decoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    codecs: Vec<Codec>,
    builders: Vec<Builder>,
    marks: Marks,
    state: State,
    limit: BatchLimit,
    rows: usize,
    bytes: usize,
    rejected: Vec<RejectedRow>,
    /// Rows seen since the beginning, with rejected ones.
    total: u64,
    /// The beginning of a row whose end has not come yet.
    partial: Vec<u8>,
}

/// The leading fields of a row that say where in an ordered read it stands: text of the cursor, then of the key.
#[derive(Debug, Default)]
pub struct Marks {
    count: usize,
    last: Vec<Vec<u8>>,
    /// How many rows so far have the same cursor as the last one.
    ties: u64,
    stop_at_change: bool,
}

impl Marks {
    /// The fields of the last row, and how many rows had its cursor. None before the first row.
    pub fn last(&self) -> Option<(&[Vec<u8>], u64)> {
        (self.ties > 0).then_some((self.last.as_slice(), self.ties))
    }
}

impl Decoder {
    /// A decoder for rows of `marks` leading text fields and one field for each of `columns`, in the form that its
    /// codec names. `columns` and `codecs` have the same length.
    pub fn new(columns: &[Column], codecs: Vec<Codec>, marks: usize, limit: BatchLimit) -> Self {
        let capacity = 1024;
        Decoder {
            schema: syncline_protocol::schema::arrow_schema(columns),
            columns: columns.to_vec(),
            builders: codecs.iter().map(|codec| Builder::new(codec, capacity)).collect(),
            codecs,
            marks: Marks { count: marks, last: vec![Vec::new(); marks], ..Marks::default() },
            state: State::Header,
            limit,
            rows: 0,
            bytes: 0,
            rejected: Vec::new(),
            total: 0,
            partial: Vec::new(),
        }
    }

    /// Where the last row stands.
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// From now on, stop with `Boundary` before the first row whose cursor differs from that of the row before.
    pub fn stop_at_cursor_change(&mut self, stop: bool) {
        self.marks.stop_at_change = stop;
    }

    /// Rows so far, with rejected ones.
    pub fn total_rows(&self) -> u64 {
        self.total
    }

    /// Whether the trailer came and nothing is left over.
    pub fn is_complete(&self) -> bool {
        self.state == State::End && self.partial.is_empty()
    }

    /// Takes bytes off the front of `input` until it is empty, a batch is full or the data ends.
    ///
    /// # Errors
    /// `CorruptInput` when the bytes are not a binary COPY of these columns.
    pub fn feed(&mut self, input: &mut &[u8]) -> Result<Fed> {
        if self.partial.is_empty() {
            let fed = self.feed_whole(input)?;
            if fed == Fed::Hungry {
                self.partial.extend_from_slice(input);
                *input = &[];
            }
            return Ok(fed);
        }
        // A row that was cut: go on with it in one piece. Its bytes are copied once more, nothing else.
        let mut joined = std::mem::take(&mut self.partial);
        joined.extend_from_slice(input);
        let mut rest = joined.as_slice();
        let fed = self.feed_whole(&mut rest)?;
        let left = rest.len();
        if fed == Fed::Hungry {
            *input = &[];
            self.partial = if left == joined.len() { joined } else { rest.to_vec() };
        } else if left <= input.len() {
            *input = &input[input.len() - left..];
        } else {
            // Full or at a boundary before the cut row itself.
            self.partial = rest[..left - input.len()].to_vec();
        }
        Ok(fed)
    }

    /// `feed` for input that begins at the beginning of something; leaves an incomplete row in `input`.
    fn feed_whole(&mut self, input: &mut &[u8]) -> Result<Fed> {
        loop {
            match self.state {
                State::Header => {
                    let Some(header) = input.get(..HEADER_BYTES) else { return Ok(Fed::Hungry) };
                    let (left, known) = read_header(header)?;
                    *input = &input[known..];
                    self.state = State::Extension { left };
                }
                State::Extension { left } => {
                    let skipped = left.min(input.len());
                    *input = &input[skipped..];
                    if skipped < left {
                        self.state = State::Extension { left: left - skipped };
                        return Ok(Fed::Hungry);
                    }
                    self.state = State::Rows;
                }
                State::Rows => {
                    if self.rows >= self.limit.rows || self.bytes >= self.limit.bytes {
                        return Ok(Fed::Full);
                    }
                    match self.row(input)? {
                        Step::Row(length) => {
                            *input = &input[length..];
                            self.bytes += length;
                            self.total += 1;
                        }
                        Step::Boundary => return Ok(Fed::Boundary),
                        Step::Incomplete => return Ok(Fed::Hungry),
                        Step::Trailer => {
                            *input = &input[2..];
                            self.state = State::End;
                        }
                    }
                }
                State::End if input.is_empty() => return Ok(Fed::End),
                State::End => return Err(corrupt("there are bytes after the end of the data")),
            }
        }
    }

    /// Decodes the row at the beginning of `input` if all of it is there.
    fn row(&mut self, input: &[u8]) -> Result<Step> {
        let Some(head) = input.first_chunk::<2>() else { return Ok(Step::Incomplete) };
        let fields = i16::from_be_bytes(*head);
        if fields == -1 {
            return Ok(Step::Trailer);
        }
        if usize::try_from(fields) != Ok(self.marks.count + self.codecs.len()) {
            return Err(corrupt("a row has another number of fields than was asked for")
                .with("fields", fields)
                .with("expected", self.marks.count + self.codecs.len()));
        }
        let Some(end) = row_end(input, fields.unsigned_abs() as usize)? else { return Ok(Step::Incomplete) };
        let mut cursor = &input[2..end];
        if self.marks.count > 0 && !self.take_marks(&mut cursor)? {
            return Ok(Step::Boundary);
        }
        self.values(cursor)?;
        Ok(Step::Row(end))
    }

    /// Notes the leading fields of a row; false when the row must wait because of `stop_at_change`.
    fn take_marks(&mut self, cursor: &mut &[u8]) -> Result<bool> {
        for index in 0..self.marks.count {
            let value = field(cursor)?.ok_or_else(|| corrupt("a cursor or key value is null"))?;
            let last = &mut self.marks.last[index];
            if index == 0 {
                let changed = self.marks.ties == 0 || last.as_slice() != value;
                if changed && self.marks.stop_at_change && self.marks.ties > 0 {
                    return Ok(false);
                }
                self.marks.ties = if changed { 1 } else { self.marks.ties + 1 };
            }
            last.clear();
            last.extend_from_slice(value);
        }
        Ok(true)
    }

    /// Appends the values of one row, or rejects it.
    fn values(&mut self, row: &[u8]) -> Result<()> {
        let mut cursor = row;
        for index in 0..self.builders.len() {
            let value = field(&mut cursor)?;
            match self.builders[index].append(value) {
                Ok(()) => {}
                Err(Fault::Corrupt(what)) => {
                    return Err(corrupt(what).with("column", &self.columns[index].name));
                }
                Err(Fault::Reject(reason)) => {
                    for builder in &mut self.builders {
                        builder.truncate(self.rows);
                    }
                    self.reject(index, reason, row);
                    return Ok(());
                }
            }
        }
        self.rows += 1;
        Ok(())
    }

    #[cold]
    fn reject(&mut self, index: usize, reason: String, mut row: &[u8]) {
        let mut object = serde_json::Map::new();
        for (column, codec) in self.columns.iter().zip(&self.codecs) {
            let value = field(&mut row).ok().flatten();
            object
                .insert(column.name.clone(), value.map_or(Value::Null, |v| Value::String(render(codec, v))));
        }
        let column = Some(self.columns[index].name.clone());
        self.rejected.push(RejectedRow { column, reason, row: Value::Object(object) });
    }

    /// The rows since the last batch; none when there are none. The next batch gets room for as many.
    ///
    /// # Errors
    /// `CorruptInput` when text is not UTF-8.
    pub fn take_batch(&mut self) -> Result<Option<RecordBatch>> {
        self.bytes = 0;
        let rows = std::mem::take(&mut self.rows);
        if rows == 0 {
            return Ok(None);
        }
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.builders.len());
        for ((builder, codec), column) in self.builders.iter_mut().zip(&self.codecs).zip(&self.columns) {
            let empty = Builder::like(codec, builder, rows);
            let full = std::mem::replace(builder, empty);
            let array = full.finish(&column.logical.to_arrow()).map_err(|error| {
                corrupt("text is not valid UTF-8").with("column", &column.name).caused_by(error)
            })?;
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options).map(Some).map_err(
            |error| {
                Error::new(ErrorKind::CorruptInput, "A column holds null although the table says it cannot.")
                    .caused_by(error)
            },
        )
    }

    /// The rows rejected since the last call.
    pub fn take_rejected(&mut self) -> Vec<RejectedRow> {
        std::mem::take(&mut self.rejected)
    }
}

enum Step {
    Row(usize),
    Boundary,
    Incomplete,
    Trailer,
}

/// The length of the header extension and of the header itself.
fn read_header(header: &[u8]) -> Result<(usize, usize)> {
    let rest = header.strip_prefix(SIGNATURE).ok_or_else(|| corrupt("the signature is missing"))?;
    let word = |at: usize| rest.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_be_bytes);
    let (Some(flags), Some(extension)) = (word(0), word(4)) else {
        return Err(corrupt("the header is too short"));
    };
    // Bits 16 to 31 are critical: a reader that does not know one must give up.
    if flags >> 16 != 0 {
        return Err(corrupt("the header has a flag that is not known").with("flags", flags));
    }
    if extension > i32::MAX as u32 {
        return Err(corrupt("the header extension has a negative length"));
    }
    Ok((extension as usize, HEADER_BYTES))
}

/// Where the row at the beginning of `input` ends; none when it is not all there.
fn row_end(input: &[u8], fields: usize) -> Result<Option<usize>> {
    if fields > FIELDS_MAX {
        return Err(corrupt("a row has too many fields").with("fields", fields));
    }
    let mut at = 2usize;
    for _ in 0..fields {
        let Some(length) = input.get(at..).and_then(<[u8]>::first_chunk::<4>) else { return Ok(None) };
        let length = i32::from_be_bytes(*length);
        at += 4;
        match length {
            -1 => {}
            0.. => at += length as usize,
            _ => return Err(corrupt("a field has a negative length")),
        }
    }
    Ok((at <= input.len()).then_some(at))
}

/// Takes one field off `row`: its bytes, or none for null.
fn field<'a>(row: &mut &'a [u8]) -> Result<Option<&'a [u8]>> {
    take_field(row).map_err(|fault| match fault {
        Fault::Corrupt(what) => corrupt(what),
        Fault::Reject(reason) => Error::internal(reason),
    })
}

/// Takes a length and as many bytes off `input`; none for null (length -1).
pub(super) fn take_field<'a>(input: &mut &'a [u8]) -> Result<Option<&'a [u8]>, Fault> {
    let (length, rest) = input.split_first_chunk::<4>().ok_or(Fault::Corrupt("a value ends too early"))?;
    let length = i32::from_be_bytes(*length);
    if length == -1 {
        *input = rest;
        return Ok(None);
    }
    let length = usize::try_from(length).map_err(|_| Fault::Corrupt("a value has a negative length"))?;
    let (value, rest) = rest.split_at_checked(length).ok_or(Fault::Corrupt("a value ends too early"))?;
    *input = rest;
    Ok(Some(value))
}

#[cold]
fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::CorruptInput, format!("The data of the database is malformed: {what}."))
}
