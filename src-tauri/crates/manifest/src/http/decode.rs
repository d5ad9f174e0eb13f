//! From a body to JSON elements.

mod archive;
mod csv;
mod encoding;
mod items;
mod xml;

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::mpsc;

use super::client::Body;
use super::errors::named;
use super::{Decoded, Response};
use crate::context::{Compatibility, Run};
use crate::document::Node;
use crate::{Json, Map};

use self::csv::Csv;
use self::items::Items;
use self::xml::xml;

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
    Csv(Csv),
    Items(Items),
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
            "JsonDecoder" | "JsonParser" => Format::Json,
            "JsonItemsDecoder" => Format::Items(Items::new(node)?),
            "JsonlDecoder" | "JsonLineParser" => Format::JsonLines,
            "IterableDecoder" => Format::Lines,
            "CsvDecoder" | "CsvParser" => Format::Csv(Csv::new(node)?),
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
                let (body, inner) = (response.body.whole().await?, (**inner).clone());
                let read = move |give: &mut Give<'_>| archive::read(body, &inner, archive::BOUNDS, give);
                Ok(Decoded { response: empty(), elements: on_a_thread(read) })
            }
            streamed => {
                let (format, input) = (streamed.clone(), Pieces::of(response.body));
                let read = move |give: &mut Give<'_>| format.read(Box::new(input), give);
                Ok(Decoded { response: empty(), elements: on_a_thread(read) })
            }
        }
    }

    /// Decodes what comes, on the thread that asks for it.
    fn read(&self, input: Box<dyn Read + '_>, give: &mut Give<'_>) -> io::Result<()> {
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
                        let text = std::str::from_utf8(line);
                        let text = text.map_err(|error| corrupt("has a line that is no UTF-8", error))?;
                        Json::Object(Map::from_iter([("record".to_owned(), Json::from(text))]))
                    }
                    _ => serde_json::from_slice(line)
                        .map_err(|error| corrupt("has a line that is no JSON", error))?,
                })
            }),
            Format::Csv(csv) => csv.read(input, give),
            Format::Items(items) => items.read(input, give),
            Format::Gzip(inner) => {
                let mut input = BufReader::new(input);
                // What is not packed passes: some servers unpack on their own.
                if input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
                    inner.read(Box::new(flate2::bufread::MultiGzDecoder::new(input)), give)
                } else {
                    inner.read(Box::new(input), give)
                }
            }
            Format::Zip(_) | Format::Xml => Err(io::Error::other(Error::new(
                ErrorKind::Unsupported,
                "These packings cannot lie in each other.",
            ))),
        }
    }
}

/// Takes the elements of a body, one by one.
type Give<'g> = dyn FnMut(Json) -> io::Result<()> + 'g;

/// Decodes on a thread of its own, and hands over batches.
fn on_a_thread(
    read: impl FnOnce(&mut Give<'_>) -> io::Result<()> + Send + 'static,
) -> BoxStream<'static, Result<Vec<Json>>> {
    let (batches, mut decoded) = mpsc::channel::<Result<Vec<Json>>>(IN_FLIGHT);
    tokio::task::spawn_blocking(move || {
        let mut batch = Vec::new();
        let mut give = |element: Json| {
            batch.push(element);
            if batch.len() < BATCH {
                return Ok(());
            }
            // Nobody takes it any more: the thread ends.
            let gone = |_| io::Error::other(Error::new(ErrorKind::Stopped, "The sync was stopped."));
            batches.blocking_send(Ok(std::mem::take(&mut batch))).map_err(gone)
        };
        let ended = read(&mut give);
        if !batch.is_empty() {
            let _ = batches.blocking_send(Ok(batch));
        }
        if let Err(error) = ended {
            let _ = batches.blocking_send(Err(told(error)));
        }
    });
    futures::stream::poll_fn(move |context| decoded.poll_recv(context)).boxed()
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

/// Counts what is read since the last row or item that came to its end: one that never ends must not fill the memory.
struct Bounded<R> {
    input: R,
    since: Rc<Cell<u64>>,
    most: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.since.get() > self.most {
            return Err(io::Error::other(super::client::too_large(self.most)));
        }
        let count = self.input.read(into)?;
        self.since.set(self.since.get() + count as u64);
        Ok(count)
    }
}

/// Pieces that come over a channel, as a reader.
struct Pieces {
    received: mpsc::Receiver<Result<Bytes>>,
    current: Bytes,
}

impl Pieces {
    /// Takes pieces ahead while they are read.
    fn of(body: Body) -> Pieces {
        let (pieces, received) = mpsc::channel::<Result<Bytes>>(IN_FLIGHT);
        let mut bytes = body.pieces();
        tokio::spawn(async move {
            while let Some(piece) = bytes.next().await {
                if pieces.send(piece).await.is_err() {
                    break;
                }
            }
        });
        Pieces { received, current: Bytes::new() }
    }
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
