//! Texts in other encodings than UTF-8.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_8};
use syncline_protocol::{Error, ErrorKind, Result};

use crate::document::Node;

/// In which encoding a text comes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoding(&'static encoding_rs::Encoding);

impl Encoding {
    /// The one that a component names; UTF-8 when it names none.
    pub(super) fn of(node: &Node<'_>) -> Result<Encoding> {
        let Some(name) = node.text("encoding")? else { return Ok(Encoding(UTF_8)) };
        // Python's names for what the web calls a little differently.
        let label = match name.trim().to_lowercase().replace('_', "-").as_str() {
            "latin-1" | "iso8859-1" => "latin1".to_owned(),
            "utf-8-sig" => "utf-8".to_owned(),
            other => other.to_owned(),
        };
        encoding_rs::Encoding::for_label(label.as_bytes())
            .map(Encoding)
            .ok_or_else(|| node.unsupported(format!("the encoding `{name}`")))
    }
}

/// Reads a text of any encoding as UTF-8, without a mark of the order of its bytes. What is no such text is an error:
/// letters would be lost.
pub(super) struct Utf8<R> {
    input: R,
    decoder: Decoder,
    packed: Box<[u8]>,
    text: Vec<u8>,
    at: usize,
    is_over: bool,
}

/// So much is decoded at once.
const PIECE: usize = 16 << 10;

impl<R: Read> Utf8<R> {
    pub(super) fn new(input: R, encoding: Encoding) -> Utf8<R> {
        let packed = vec![0; PIECE].into_boxed_slice();
        Utf8 { input, decoder: encoding.0.new_decoder(), packed, text: Vec::new(), at: 0, is_over: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let count = self.input.read(&mut self.packed)?;
        self.is_over = count == 0;
        let room = self.decoder.max_utf8_buffer_length_without_replacement(count).unwrap_or(4 * PIECE);
        self.text.resize(room, 0);
        let packed = self.packed.get(..count).unwrap_or_default();
        let (result, _, written) =
            self.decoder.decode_to_utf8_without_replacement(packed, &mut self.text, self.is_over);
        self.text.truncate(written);
        self.at = 0;
        if matches!(result, DecoderResult::InputEmpty) {
            return Ok(());
        }
        let name = self.decoder.encoding().name();
        Err(io::Error::other(
            Error::new(ErrorKind::CorruptInput, format!("An answer of the API is no text in {name}."))
                .meaning("Letters of it would be lost, so that nothing more of it is loaded.")
                .fix(
                    "Name the encoding of the file as `encoding` of the decoder in the connector's manifest.",
                ),
        ))
    }
}

impl<R: Read> Read for Utf8<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.is_over {
            self.fill()?;
        }
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = into.len().min(rest.len());
        into[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        Ok(count)
    }
}
