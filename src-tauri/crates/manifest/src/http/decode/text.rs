//! Text in other encodings, and lines.

use std::io::{BufRead as _, BufReader, Read};

use encoding_rs::{DecoderResult, UTF_8, WINDOWS_1252};
use syncline_protocol::Result;

use super::pipe::Sink;
use crate::http::client::failure;
use crate::{Json, Map};

/// How text is written in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Encoding {
    /// Every byte is the character of its number.
    Latin1,
    Other(&'static encoding_rs::Encoding),
}

impl Encoding {
    /// By the name that Python has for it.
    pub(super) fn named(name: &str) -> Option<Encoding> {
        let name = name.trim().to_ascii_lowercase().replace('_', "-");
        match name.as_str() {
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "l1" => Some(Encoding::Latin1),
            "utf-8-sig" | "utf8" | "ascii" | "us-ascii" => Some(Encoding::Other(UTF_8)),
            "cp1252" => Some(Encoding::Other(WINDOWS_1252)),
            other => encoding_rs::Encoding::for_label(other.as_bytes()).map(Encoding::Other),
        }
    }

    /// The same text in UTF-8.
    pub(super) fn reader<'a>(self, inner: Box<dyn Read + 'a>) -> Box<dyn Read + 'a> {
        let decoder = match self {
            Encoding::Latin1 => None,
            Encoding::Other(encoding) => Some(encoding.new_decoder_with_bom_removal()),
        };
        Box::new(Recoded { inner, decoder, raw: Vec::new(), text: Vec::new(), at: 0, ended: false })
    }

    pub(super) fn decode(self, bytes: &[u8]) -> std::borrow::Cow<'_, str> {
        match self {
            Encoding::Latin1 => encoding_rs::mem::decode_latin1(bytes),
            Encoding::Other(encoding) => encoding.decode(bytes).0,
        }
    }
}

struct Recoded<'a> {
    inner: Box<dyn Read + 'a>,
    /// None: Latin-1.
    decoder: Option<encoding_rs::Decoder>,
    raw: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Recoded<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.at == self.text.len() {
            if self.ended {
                return Ok(0);
            }
            self.fill()?;
        }
        let length = buffer.len().min(self.text.len() - self.at);
        buffer[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

impl Recoded<'_> {
    fn fill(&mut self) -> std::io::Result<()> {
        self.raw.resize(64 << 10, 0);
        let read = self.inner.read(&mut self.raw)?;
        self.ended = read == 0;
        self.at = 0;
        self.text.clear();
        let Some(decoder) = &mut self.decoder else {
            self.text.extend_from_slice(encoding_rs::mem::decode_latin1(&self.raw[..read]).as_bytes());
            return Ok(());
        };
        let mut from = 0;
        loop {
            let start = self.text.len();
            let room =
                decoder.max_utf8_buffer_length_without_replacement(read - from).unwrap_or(read * 3 + 16);
            self.text.resize(start + room, 0);
            let (result, used, written) = decoder.decode_to_utf8_without_replacement(
                &self.raw[from..read],
                &mut self.text[start..],
                self.ended,
            );
            from += used;
            self.text.truncate(start + written);
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => {
                    let what = "the text has bytes that are not possible in its encoding";
                    return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, what));
                }
            }
        }
    }
}

/// Every line as `{"record": line}`.
pub(super) fn lines(reader: Box<dyn Read>, sink: &mut Sink) -> Result<()> {
    for line in BufReader::new(reader).split(b'\n') {
        let mut line = line.map_err(|error| failure::from_io(error, "not readable as lines"))?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        let text = String::from_utf8(line).map_err(|_| super::corrupt("is no text in UTF-8"))?;
        sink.push(Json::Object(Map::from_iter([("record".to_owned(), Json::String(text))])))?;
    }
    Ok(())
}
