//! From a body to JSON elements.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use quick_xml::events::Event;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

use super::client::Body;
use super::errors::named;
use super::{Decoded, Response};
use crate::context::{Compatibility, Run};
use crate::document::Node;
use crate::{Json, Map};

/// Elements are handed over in batches of this many.
const BATCH: usize = 1000;
/// Pieces of a body, and batches, that wait for the other side.
const IN_FLIGHT: usize = 4;
/// The longest line of a body that is read line by line.
const LINE_MAX: u64 = 64 << 20;
/// The most that is unpacked at once, where the whole of it must be seen.
const UNPACKED_MAX: u64 = 128 << 20;

/// How a body is written.
#[derive(Debug, Clone)]
pub(super) enum Format {
    Json,
    JsonLines,
    /// Each line as `{"record": line}`.
    Lines,
    Csv {
        delimiter: u8,
    },
    Gzip(Box<Format>),
    Zip(Box<Format>),
    Xml,
}

impl Format {
    pub(super) fn new(node: &Node<'_>) -> Result<Format> {
        let inner = |field: &str| -> Result<Box<Format>> {
            Ok(Box::new(match node.field(field) {
                Some(inner) => Format::new(&inner)?,
                None => Format::Json,
            }))
        };
        Ok(match node.kind() {
            "JsonDecoder" | "JsonItemsDecoder" | "JsonParser" => Format::Json,
            "JsonlDecoder" | "JsonLineParser" => Format::JsonLines,
            "IterableDecoder" => Format::Lines,
            "CsvDecoder" | "CsvParser" => {
                let delimiter = node.text("delimiter")?.unwrap_or(",");
                let delimiter = match delimiter {
                    "\\t" | "\t" => b'\t',
                    "\\n" => b'\n',
                    other => other
                        .bytes()
                        .next()
                        .filter(|_| other.len() == 1)
                        .ok_or_else(|| node.error("`delimiter` must be one character"))?,
                };
                Format::Csv { delimiter }
            }
            "GzipDecoder" => Format::Gzip(inner("decoder")?),
            "GzipParser" => Format::Gzip(inner("inner_parser")?),
            "GzipJsonDecoder" => Format::Gzip(Box::new(Format::Json)),
            "CompositeRawDecoder" => *inner("parser")?,
            "ZipfileDecoder" => Format::Zip(inner("decoder")?),
            "XmlDecoder" => Format::Xml,
            _ => return Err(node.unsupported(named(node, "decoder"))),
        })
    }

    pub(super) async fn decode(&self, run: &Run, response: Response, looked_at: bool) -> Result<Decoded> {
        match self {
            Format::Json => {
                let body = response.body.whole().await?;
                let element = json(run, &body)?;
                let first = match &element {
                    _ if !looked_at => empty(),
                    Json::Array(items) => items.first().cloned().unwrap_or_else(empty),
                    other => other.clone(),
                };
                Ok(Decoded { response: first, elements: once(vec![element]) })
            }
            Format::Xml => {
                let body = response.body.whole().await?;
                let element = if body.iter().all(u8::is_ascii_whitespace) { empty() } else { xml(&body)? };
                Ok(Decoded { response: element.clone(), elements: once(vec![element]) })
            }
            Format::Zip(inner) => {
                let body = response.body.whole().await?;
                let inner = (**inner).clone();
                let elements = tokio::task::spawn_blocking(move || unzip(&body, &inner)).await;
                let elements = elements
                    .map_err(|error| Error::internal("A file could not be unpacked.").caused_by(error))??;
                Ok(Decoded { response: empty(), elements: once(elements) })
            }
            streamed => Ok(Decoded { response: empty(), elements: streamed.stream(response.body) }),
        }
    }

    /// Decodes piece by piece on a thread of its own.
    fn stream(&self, body: Body) -> BoxStream<'static, Result<Vec<Json>>> {
        let (pieces, received) = mpsc::channel::<Result<Bytes>>(IN_FLIGHT);
        let (batches, mut decoded) = mpsc::channel::<Result<Vec<Json>>>(IN_FLIGHT);
        let format = self.clone();
        let reader = tokio::task::spawn_blocking(move || {
            let input = Pieces { received, current: Bytes::new() };
            let mut batch = Vec::new();
            let mut give = |element: Json| {
                batch.push(element);
                if batch.len() < BATCH {
                    return Ok(());
                }
                let gone = |_| io::Error::other(Error::new(ErrorKind::Stopped, "The sync was stopped."));
                batches.blocking_send(Ok(std::mem::take(&mut batch))).map_err(gone)
            };
            let ended = format.read(Box::new(input), &mut give);
            if !batch.is_empty() {
                // Nobody waits any more when this fails.
                let _ = batches.blocking_send(Ok(batch));
            }
            if let Err(error) = ended {
                let _ = batches.blocking_send(Err(told(error)));
            }
        });
        let mut bytes = body.pieces();
        let pump = tokio::spawn(async move {
            while let Some(piece) = bytes.next().await {
                if pieces.send(piece).await.is_err() {
                    break;
                }
            }
        });
        futures::stream::poll_fn(move |context| {
            // The tasks live as long as somebody takes what they make.
            let _ = (&reader, &pump);
            decoded.poll_recv(context)
        })
        .boxed()
    }

    fn read(&self, input: Box<dyn Read>, give: &mut dyn FnMut(Json) -> io::Result<()>) -> io::Result<()> {
        match self {
            Format::Json => {
                let text = unpacked(input, UNPACKED_MAX)?;
                match serde_json::from_slice(&text).map_err(|error| corrupt("is no JSON", error))? {
                    Json::Array(items) => items.into_iter().try_for_each(give),
                    element => give(element),
                }
            }
            Format::JsonLines | Format::Lines => lines(input, |line| {
                if line.iter().all(u8::is_ascii_whitespace) {
                    return Ok(());
                }
                give(match self {
                    Format::Lines => {
                        let text = String::from_utf8_lossy(line).into_owned();
                        Json::Object(Map::from_iter([("record".to_owned(), Json::String(text))]))
                    }
                    _ => serde_json::from_slice(line)
                        .map_err(|error| corrupt("has a line that is no JSON", error))?,
                })
            }),
            Format::Csv { delimiter } => csv(input, *delimiter, give),
            Format::Gzip(inner) => {
                let mut input = BufReader::new(input);
                // What is not packed passes: some servers unpack on their own.
                if input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
                    inner.read(Box::new(flate2::bufread::MultiGzDecoder::new(StaticReader(input))), give)
                } else {
                    inner.read(Box::new(StaticReader(input)), give)
                }
            }
            Format::Zip(_) | Format::Xml => Err(io::Error::other(Error::new(
                ErrorKind::Unsupported,
                "These packings cannot lie in each other.",
            ))),
        }
    }
}

/// A boxed reader as a reader of its own type.
struct StaticReader(BufReader<Box<dyn Read>>);

impl Read for StaticReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.read(into)
    }
}

impl BufRead for StaticReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.0.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.0.consume(amount);
    }
}

fn empty() -> Json {
    Json::Object(Map::new())
}

fn once(elements: Vec<Json>) -> BoxStream<'static, Result<Vec<Json>>> {
    futures::stream::once(async { Ok(elements) }).boxed()
}

fn corrupt(what: &str, error: impl std::fmt::Display) -> io::Error {
    io::Error::other(
        Error::new(ErrorKind::CorruptInput, format!("An answer of the API {what}."))
            .caused_by(error.to_string()),
    )
}

/// The error inside an input error, if it is one of ours.
fn told(error: io::Error) -> Error {
    if error.get_ref().is_some_and(|inner| inner.is::<Error>())
        && let Some(inner) = error.into_inner()
    {
        return match inner.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => {
                Error::new(ErrorKind::CorruptInput, "An answer of the API cannot be read.").caused_by(other)
            }
        };
    }
    Error::new(ErrorKind::CorruptInput, "An answer of the API cannot be unpacked.")
}

/// A whole body as JSON. An empty one is an empty object; what is no JSON is an error, unless the reference's way is
/// wanted, which takes it for no records.
fn json(run: &Run, body: &[u8]) -> Result<Json> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(empty());
    }
    match serde_json::from_slice(body) {
        Ok(Json::Null) => Ok(empty()),
        Ok(Json::Array(items)) if items.is_empty() => Ok(empty()),
        Ok(value) => Ok(value),
        Err(_) if run.compatibility == Compatibility::Exact => Ok(empty()),
        Err(error) => {
            let page = body.trim_ascii_start().starts_with(b"<");
            let what = if page { "a web page instead of data" } else { "something that is no JSON" };
            Err(Error::new(ErrorKind::CorruptInput, format!("The API answered with {what}."))
                .meaning("Nothing of this answer was loaded, and the table stays where it was.")
                .fix(if page {
                    "The address may be wrong, or a proxy or sign-in page stands in between."
                } else {
                    "Try again; if it stays so, the connector's manifest may be out of date."
                })
                .caused_by(error))
        }
    }
}

/// All that comes, unless it is more than so many bytes.
fn unpacked(input: impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut all = Vec::new();
    input.take(most + 1).read_to_end(&mut all)?;
    if all.len() as u64 > most {
        return Err(io::Error::other(super::client::too_large(UNPACKED_MAX)));
    }
    Ok(all)
}

fn lines(input: impl Read, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut input = BufReader::with_capacity(1 << 16, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.by_ref().take(LINE_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() as u64 >= LINE_MAX {
            return Err(io::Error::other(super::client::too_large(LINE_MAX)));
        }
        while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            line.pop();
        }
        each(&line)?;
    }
}

fn csv(input: impl Read, delimiter: u8, give: &mut dyn FnMut(Json) -> io::Result<()>) -> io::Result<()> {
    let since = Rc::new(Cell::new(0));
    let input = RowBound { input, since: Rc::clone(&since) };
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(input);
    let wrong = |what: &str, error: csv::Error| match error.into_kind() {
        // It may be our own: a row that never ends, a connection that is lost.
        csv::ErrorKind::Io(error) => error,
        other => corrupt(what, format!("{other:?}")),
    };
    let headers = reader.byte_headers().map_err(|error| wrong("is no CSV", error))?;
    let names: Vec<String> = headers
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let name = String::from_utf8_lossy(name);
            if at == 0 { name.trim_start_matches('\u{feff}').to_owned() } else { name.into_owned() }
        })
        .collect();
    for row in reader.byte_records() {
        let row = row.map_err(|error| wrong("has a line that is no CSV", error))?;
        since.set(0);
        let mut fields = Map::with_capacity(names.len());
        for (at, name) in names.iter().enumerate() {
            let value = row.get(at).map(|value| Json::String(String::from_utf8_lossy(value).into_owned()));
            fields.insert(name.clone(), value.unwrap_or(Json::Null));
        }
        give(Json::Object(fields))?;
    }
    Ok(())
}

/// Counts what is read since the last row: one that never ends must not fill the memory.
struct RowBound<R> {
    input: R,
    since: Rc<Cell<u64>>,
}

impl<R: Read> Read for RowBound<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > LINE_MAX {
            return Err(io::Error::other(super::client::too_large(LINE_MAX)));
        }
        let count = self.input.read(into)?;
        self.since.set(self.since.get() + count as u64);
        Ok(count)
    }
}

/// All files of an archive, one after the other.
fn unzip(body: &[u8], inner: &Format) -> Result<Vec<Json>> {
    let mut elements = Vec::new();
    let mut at = 0;
    // Of all files together.
    let mut left = UNPACKED_MAX;
    while body.get(at..at + 4) == Some(b"PK\x03\x04") {
        let number = |from: usize, bytes: usize| -> Option<usize> {
            let part = body.get(at + from..at + from + bytes)?;
            Some(part.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
        };
        let broken = || Error::new(ErrorKind::CorruptInput, "The API sent an archive that is cut off.");
        let header = |from, bytes| number(from, bytes).ok_or_else(broken);
        let (flags, method, packed) = (header(6, 2)?, header(8, 2)?, header(18, 4)?);
        let start = at + 30 + header(26, 2)? + header(28, 2)?;
        let rest = body.get(start..).ok_or_else(broken)?;
        let sized = flags & 8 == 0;
        let data = if sized { rest.get(..packed).ok_or_else(broken)? } else { rest };
        let mut give = |element| {
            elements.push(element);
            Ok(())
        };
        let used = match method {
            0 if sized => {
                inner.read(Box::new(io::Cursor::new(data.to_vec())), &mut give).map_err(told)?;
                packed
            }
            8 => {
                let mut decoder = flate2::bufread::DeflateDecoder::new(data);
                let unpacked = unpacked(decoder.by_ref(), left).map_err(told)?;
                left -= unpacked.len() as u64;
                let used = usize::try_from(decoder.total_in()).unwrap_or(data.len());
                inner.read(Box::new(io::Cursor::new(unpacked)), &mut give).map_err(told)?;
                if sized { packed } else { used }
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "The API sent an archive that is packed in an unknown way.",
                ));
            }
        };
        at = start + used;
        if !sized {
            // A description of the entry follows, with or without its mark.
            at += if body.get(at..at + 4) == Some(b"PK\x07\x08") { 16 } else { 12 };
        }
    }
    Ok(elements)
}

fn no_xml(error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::CorruptInput, "The API answered with something that is no XML.")
        .caused_by(error.to_string())
}

/// Attributes as `@name`.
fn attributes(start: &quick_xml::events::BytesStart<'_>) -> Result<Map> {
    let wrong = no_xml;
    let mut fields = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| wrong(&error))?;
        let name = attribute.key.as_ref().to_owned();
        let value = attribute.value.clone().into_owned();
        let value = quick_xml::escape::unescape(&value).map_err(|error| wrong(&error))?.into_owned();
        fields.insert(format!("@{name}"), Json::String(value));
    }
    Ok(fields)
}

/// XML in the shape of `xmltodict`: attributes as `@name`, text as `#text`, repeated children as a list.
fn xml(body: &[u8]) -> Result<Json> {
    struct Open {
        name: String,
        fields: Map,
        text: String,
    }
    let wrong = no_xml;
    let mut reader = quick_xml::Reader::from_reader(body);
    let mut stack = vec![Open { name: String::new(), fields: Map::new(), text: String::new() }];
    let mut buffer = Vec::new();
    loop {
        let event = reader.read_event_into(&mut buffer).map_err(|error| wrong(&error))?;
        let mut closed = false;
        match event {
            Event::Start(start) | Event::Empty(start) if stack.len() > 200 => {
                drop(start);
                return Err(wrong(&"it is nested too deep"));
            }
            Event::Start(ref start) | Event::Empty(ref start) => {
                let fields = attributes(start)?;
                let name = start.name().as_ref().to_owned();
                stack.push(Open { name, fields, text: String::new() });
                closed = matches!(event, Event::Empty(_));
            }
            Event::End(_) => closed = true,
            Event::Text(text) => {
                let text = text.to_string();
                if let Some(open) = stack.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::GeneralRef(reference) => {
                let name = reference.to_string();
                let text = quick_xml::escape::unescape(&format!("&{name};"))
                    .map_err(|error| wrong(&error))?
                    .into_owned();
                if let Some(open) = stack.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::CData(text) => {
                if let Some(open) = stack.last_mut() {
                    open.text.push_str(&text);
                }
            }
            Event::Eof => break,
            _ => {}
        }
        if closed && stack.len() > 1 {
            let Some(done) = stack.pop() else { break };
            let text = done.text.trim();
            let value = match (done.fields.is_empty(), text.is_empty()) {
                (true, true) => Json::Null,
                (true, false) => Json::from(text),
                (false, empty) => {
                    let mut fields = done.fields;
                    if !empty {
                        fields.insert("#text".to_owned(), text.into());
                    }
                    Json::Object(fields)
                }
            };
            if let Some(parent) = stack.last_mut() {
                match parent.fields.get_mut(&done.name) {
                    Some(Json::Array(items)) => items.push(value),
                    Some(known) => *known = Json::Array(vec![known.take(), value]),
                    None => drop(parent.fields.insert(done.name, value)),
                }
            }
        }
        buffer.clear();
    }
    if stack.len() != 1 {
        return Err(wrong(&"it is cut off"));
    }
    Ok(stack.pop().map_or_else(empty, |root| Json::Object(root.fields)))
}

/// Pieces that come over a channel, as a reader.
struct Pieces {
    received: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.received.blocking_recv() {
                None => return Ok(0),
                Some(Err(error)) => return Err(io::Error::other(error)),
                Some(Ok(piece)) => self.current = piece,
            }
        }
        let count = into.len().min(self.current.len());
        into[..count].copy_from_slice(&self.current.split_to(count));
        Ok(count)
    }
}
