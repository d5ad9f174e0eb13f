//! How a text file is written: encoding, delimiter, header. Found from its first bytes unless configured.

use std::collections::HashSet;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, LogicalType, Result};

use super::content::{Limits, open, open_at, read_up_to};
use super::infer::Inferred;
use super::listing::unreadable;

/// How CSV files are written; whatever is left out is detected for each file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CsvOptions {
    /// The character between fields. Detected among comma, semicolon, tab and vertical bar.
    pub delimiter: Option<char>,
    /// The character around fields. Default `"`.
    pub quote: Option<char>,
    /// Whether the first row holds the names. Detected.
    pub header: Option<bool>,
    /// The character encoding, by its WHATWG name (`utf-8`, `windows-1252`, `utf-16le`). Detected.
    pub encoding: Option<String>,
    /// Texts that mean no value, beside the empty field. An empty quoted field also is no value.
    pub nulls: Vec<String>,
}

/// How much of a file is looked at.
const HEAD_BYTES: usize = 64 << 10;

/// How one file is written.
#[derive(Debug, Clone)]
pub(super) struct Dialect {
    pub(super) encoding: &'static Encoding,
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    pub(super) header: bool,
}

impl CsvOptions {
    fn byte(name: &'static str, wanted: Option<char>) -> Result<Option<u8>> {
        wanted
            .map(|character| {
                u8::try_from(character).ok().filter(u8::is_ascii).ok_or_else(|| {
                    Error::new(ErrorKind::Config, format!("The {name} has to be one ASCII character."))
                })
            })
            .transpose()
    }

    /// Refuses settings that no file can be read with.
    ///
    /// # Errors
    /// `Config`.
    pub(super) fn validate(&self) -> Result<()> {
        CsvOptions::byte("delimiter", self.delimiter)?;
        CsvOptions::byte("quote", self.quote)?;
        self.encoding().map(drop)
    }

    fn encoding(&self) -> Result<Option<&'static Encoding>> {
        let Some(label) = &self.encoding else { return Ok(None) };
        match Encoding::for_label(label.trim().as_bytes()) {
            Some(encoding) => Ok(Some(encoding)),
            None => Err(Error::new(ErrorKind::Config, format!("There is no encoding called `{label}`."))),
        }
    }

    /// How a file is written.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn detect(&self, path: &Path, tabs: bool, limits: Limits) -> Result<Dialect> {
        let (head, whole) = head(path, limits)?;
        self.detect_in(&head, whole, tabs)
    }

    /// How a text that begins with `head` is written; `whole` when that is all of it.
    ///
    /// # Errors
    /// `Config` when a setting is not valid.
    pub(super) fn detect_in(&self, head: &[u8], whole: bool, tabs: bool) -> Result<Dialect> {
        let encoding = encoding(head, whole, self.encoding()?);
        let mut text = encoding.decode(head).0.into_owned();
        if !whole {
            // The last row may be cut.
            text.truncate(text.rfind('\n').map_or(text.len(), |at| at + 1));
        }
        let quote = CsvOptions::byte("quote", self.quote)?.unwrap_or(b'"');
        let delimiter = match CsvOptions::byte("delimiter", self.delimiter)? {
            Some(delimiter) => delimiter,
            None if tabs => b'\t',
            None => delimiter(&text, quote),
        };
        let header = self.header.unwrap_or_else(|| has_header(&text, delimiter, quote));
        Ok(Dialect { encoding, delimiter, quote, header })
    }
}

/// The first bytes of a file, and whether they are all of it.
fn head(path: &Path, limits: Limits) -> Result<(Vec<u8>, bool)> {
    let mut head = vec![0; HEAD_BYTES];
    let read = read_up_to(&mut open(path, limits)?, &mut head).map_err(|error| unreadable(path, error))?;
    head.truncate(read);
    Ok((head, read < HEAD_BYTES))
}

/// The encoding of a JSON or CSV file.
fn encoding(head: &[u8], whole: bool, wanted: Option<&'static Encoding>) -> &'static Encoding {
    if let Some((encoding, _)) = Encoding::for_bom(head) {
        return encoding;
    }
    if let Some(encoding) = wanted {
        return encoding;
    }
    match std::str::from_utf8(head) {
        Ok(_) => UTF_8,
        // The last character may be cut.
        Err(error) if error.error_len().is_none() && !whole => UTF_8,
        Err(_) => {
            let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
            detector.feed(head, whole);
            detector.guess(None, chardetng::Utf8Detection::Allow)
        }
    }
}

/// The encoding of a JSON file.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn encoding_of(path: &Path, limits: Limits) -> Result<&'static Encoding> {
    let (head, whole) = head(path, limits)?;
    Ok(encoding(&head, whole, None))
}

fn records(text: &str, delimiter: u8, quote: u8) -> impl Iterator<Item = csv::StringRecord> + '_ {
    csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .quote(quote)
        .from_reader(text.as_bytes())
        .into_records()
        .filter_map(std::result::Result::ok)
        .take(1000)
}

/// The delimiter with which most rows have the same number of fields, and more than one.
fn delimiter(text: &str, quote: u8) -> u8 {
    let score = |candidate: u8| {
        let mut counts = std::collections::BTreeMap::<usize, usize>::new();
        let mut rows = 0;
        for record in records(text, candidate, quote) {
            *counts.entry(record.len()).or_default() += 1;
            rows += 1;
        }
        let (fields, same) = counts.into_iter().max_by_key(|(_, rows)| *rows).unwrap_or((0, 0));
        if fields < 2 { (0, 0) } else { (same * 1000 / rows.max(1), fields) }
    };
    // The first of equals wins, so the usual ones come first.
    let mut best = (b',', (0, 0));
    for candidate in [b',', b';', b'\t', b'|'] {
        let score = score(candidate);
        if score > best.1 {
            best = (candidate, score);
        }
    }
    best.0
}

/// Whether the first row looks like names: texts that are all different, or that stand above values of other types.
fn has_header(text: &str, delimiter: u8, quote: u8) -> bool {
    let mut records = records(text, delimiter, quote);
    let Some(first) = records.next() else { return true };
    let is_name = |field: &str| {
        let mut shape = Inferred::default();
        shape.add(field);
        shape.logical() == LogicalType::Text && !field.starts_with(|c: char| c.is_ascii_digit())
    };
    let names: Vec<_> = first.iter().map(str::trim).filter(|field| !field.is_empty()).collect();
    if names.is_empty() || !names.iter().all(|name| is_name(name)) {
        return false;
    }
    if names.iter().collect::<HashSet<_>>().len() == names.len() {
        return true;
    }
    let mut columns = vec![Inferred::default(); first.len()];
    for record in records.filter(|record| record.len() >= first.len()) {
        let fields = columns.iter_mut().zip(&record).filter(|(_, field)| !field.is_empty());
        fields.for_each(|(column, field)| column.add(field));
    }
    columns.iter().any(|column| column.logical() != LogicalType::Text)
}

/// The text of a file as UTF-8, from a place in it on. Places count bytes of what this returns, except that those of
/// a byte-order mark count too.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn open_text(
    path: &Path,
    encoding: &'static Encoding,
    limits: Limits,
    offset: u64,
) -> Result<Box<dyn Read + Send>> {
    if encoding == UTF_8 {
        // Invalid bytes are found row by row, so that only their rows are rejected.
        return open_at(path, limits, offset);
    }
    let mut reader = Transcoder {
        reader: open(path, limits)?,
        decoder: encoding.new_decoder_with_bom_removal(),
        input: vec![0; 1 << 16],
        left: 0..0,
        output: vec![0; 1 << 16],
        ready: 0..0,
        ended: false,
    };
    io::copy(&mut reader.by_ref().take(offset), &mut io::sink()).map_err(|error| unreadable(path, error))?;
    Ok(Box::new(reader))
}

/// Text in some encoding as UTF-8. Bytes that mean nothing become `U+FFFD`, as everywhere on the web.
struct Transcoder<R> {
    reader: R,
    decoder: Decoder,
    input: Vec<u8>,
    /// The part of `input` that is not yet decoded.
    left: Range<usize>,
    output: Vec<u8>,
    /// The part of `output` that is not yet handed out.
    ready: Range<usize>,
    ended: bool,
}

impl<R: Read> Transcoder<R> {
    /// Decodes until there is something to hand out, or the input has ended.
    fn decode(&mut self) -> io::Result<()> {
        while self.ready.is_empty() {
            if self.left.is_empty() && !self.ended {
                let count = self.reader.read(&mut self.input)?;
                self.left = 0..count;
                self.ended = count == 0;
            }
            let input = &self.input[self.left.clone()];
            let (result, read, written, _) = self.decoder.decode_to_utf8(input, &mut self.output, self.ended);
            self.left.start += read;
            self.ready = 0..written;
            if self.ended && result == CoderResult::InputEmpty {
                break;
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.ready.is_empty() && !(self.ended && self.left.is_empty()) {
            self.decode()?;
        }
        let count = buffer.len().min(self.ready.len());
        buffer[..count].copy_from_slice(&self.output[self.ready.start..self.ready.start + count]);
        self.ready.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(text: &[u8]) -> (u8, bool, &'static str) {
        let dialect = CsvOptions::default().detect_in(text, true, false).unwrap();
        (dialect.delimiter, dialect.header, dialect.encoding.name())
    }

    #[test]
    fn dialects() {
        assert_eq!(detect(b"a,b\n1,2\n"), (b',', true, "UTF-8"));
        assert_eq!(detect(b"1,2\n3,4\n"), (b',', false, "UTF-8"));
        assert_eq!(detect(b"name;price\nx;1,5\ny;2,5\n"), (b';', true, "UTF-8"));
        assert_eq!(detect(b"a\tb\n\"x, y, z\"\t2\n"), (b'\t', true, "UTF-8"));
        assert_eq!(detect(b"a|b\n\"x\ny\"|2\n"), (b'|', true, "UTF-8"));
        assert_eq!(detect(b"name\nM\xfcller\nStra\xdfe\n").2, "windows-1252");
        assert_eq!(detect(b"\xff\xfea\0,\0b\0\n\0").2, "UTF-16LE");
        assert_eq!(detect(b""), (b',', true, "UTF-8"));
    }

    #[test]
    fn text_is_decoded_in_any_piece_size() {
        for size in [1, 3, 7, 100] {
            let mut reader = Transcoder {
                reader: &b"Stra\xdfe \x80"[..],
                decoder: encoding_rs::WINDOWS_1252.new_decoder(),
                input: vec![0; size],
                left: 0..0,
                output: vec![0; 16],
                ready: 0..0,
                ended: false,
            };
            let mut text = Vec::new();
            let mut piece = vec![0; size];
            loop {
                let count = reader.read(&mut piece).unwrap();
                if count == 0 {
                    break;
                }
                text.extend_from_slice(&piece[..count]);
            }
            assert_eq!(String::from_utf8(text).unwrap(), "Straße €");
        }
    }
}
