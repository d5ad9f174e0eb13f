//! From a body to JSON elements.

mod csv;
mod items;
mod json;
mod pipe;
mod text;
mod xml;
mod zip;

use std::io::Read;

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use syncline_protocol::{Error, ErrorKind, Result};

use super::{Response, named};
use crate::context::{Compatibility, Run};
use crate::document::Node;
use crate::expression::python_str;
use crate::{Json, Map};

use pipe::Sink;
use text::Encoding;

/// Turns a body into JSON elements (`JsonDecoder`, `JsonlDecoder`, `CsvDecoder`, `GzipDecoder` …).
#[derive(Debug, Clone)]
pub struct Decoder {
    form: Form,
}

/// What a body looks like.
#[derive(Debug, Clone)]
enum Form {
    Json,
    Xml,
    /// Every line, as text.
    Lines,
    Zip(Parser),
    Pieces(Parser),
}

/// Reads a body, or a file in it, piece by piece.
#[derive(Debug, Clone)]
enum Parser {
    Json,
    JsonLines,
    JsonItems { path: Vec<String>, encoding: Encoding },
    Csv { encoding: Encoding, delimiter: u8, nulls: Vec<String> },
    Gzip(Box<Parser>),
}

/// What came out of a body.
pub struct Decoded {
    /// What templates of paginators see as `response`: the first element (the first item when the body is a list);
    /// `{}` for bodies decoded piece by piece.
    pub response: Json,
    /// Elements, in batches; one batch for plain JSON.
    pub elements: BoxStream<'static, Result<Vec<Json>>>,
}

/// How a parser treats what it cannot read, and how much it reads.
#[derive(Clone, Copy)]
struct Rules {
    exact: bool,
    element: usize,
    unpacked: u64,
}

impl Decoder {
    /// From its component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: &Node<'_>) -> Result<Decoder> {
        if node.class_name().is_some() {
            return Err(node.unsupported(named(node, "decoder")));
        }
        let form = match node.kind() {
            "JsonDecoder" | "JsonParser" => Form::Json,
            "CompositeRawDecoder" => return Decoder::new(&node.require("parser")?),
            "XmlDecoder" => Form::Xml,
            "IterableDecoder" => Form::Lines,
            "ZipfileDecoder" => Form::Zip(Parser::new(&node.require("decoder")?)?),
            _ => Form::Pieces(Parser::new(node)?),
        };
        Ok(Decoder { form })
    }

    /// Plain JSON: what is used when a retriever names no decoder.
    pub fn json() -> Decoder {
        Decoder { form: Form::Json }
    }

    /// Whether bodies are decoded piece by piece: their requester should not read them first
    /// ([`Requester::stream_bodies`](super::Requester::stream_bodies)).
    pub fn is_streamed(&self) -> bool {
        matches!(self.form, Form::Lines | Form::Pieces(_))
    }

    /// Decodes. `looked_at`: somebody wants the first element besides the records. A plain JSON body is read whole, within the limit of the client; others pass through piece by piece.
    ///
    /// # Errors
    /// `CorruptInput` when the body is not what it should be (with `Compatibility::Exact` that gives `{}`);
    /// `LimitExceeded`; `ConnectionLost`.
    pub async fn decode(&self, run: &Run, mut response: Response, looked_at: bool) -> Result<Decoded> {
        let limits = &run.client.limits;
        let exact = run.compatibility == Compatibility::Exact;
        let rules = Rules { exact, element: limits.element_bytes, unpacked: limits.stream_bytes };
        match &self.form {
            Form::Json => {
                let parsed = match response.body.take_parsed() {
                    Some(parsed) => Ok(Some(parsed)),
                    None => json::read(response.body.bytes(limits.body_bytes).await?).await,
                };
                Ok(whole(element(parsed, exact)?, looked_at))
            }
            Form::Xml => {
                let charset = charset(&response);
                let body = response.body.bytes(limits.body_bytes).await?;
                match xml::parse(&body, charset.as_deref()) {
                    Ok(value) => Ok(whole(value, looked_at)),
                    Err(_) if exact => Ok(whole(empty(), looked_at)),
                    Err(error) => Err(error),
                }
            }
            Form::Zip(parser) => {
                let body = response.body.bytes(limits.body_bytes).await?;
                let parser = parser.clone();
                let mut elements = pipe::produce(rules, move |sink| zip::parse(body, &parser, sink));
                let first = elements.next().await.transpose()?;
                let response = first.as_ref().and_then(|batch| batch.first()).cloned().unwrap_or_else(empty);
                Ok(Decoded { response, elements: stream::iter(first.map(Ok)).chain(elements).boxed() })
            }
            Form::Lines => Ok(pieces(pipe::parse(response.body, rules, text::lines))),
            Form::Pieces(parser) => {
                let parser = parser.clone();
                Ok(pieces(pipe::parse(response.body, rules, move |reader, sink| parser.parse(reader, sink))))
            }
        }
    }
}

impl Parser {
    fn new(node: &Node<'_>) -> Result<Parser> {
        if node.class_name().is_some() {
            return Err(node.unsupported(named(node, "decoder")));
        }
        let encoding = || {
            let name = node.text("encoding")?.unwrap_or("utf-8");
            Encoding::named(name).ok_or_else(|| node.unsupported(format!("the encoding `{name}`")))
        };
        Ok(match node.kind() {
            "JsonDecoder" | "JsonParser" => Parser::Json,
            "JsonlDecoder" | "JsonLineParser" => Parser::JsonLines,
            "JsonItemsDecoder" => {
                let path = node.text("items_path")?.filter(|path| !path.is_empty());
                let path = path.ok_or_else(|| node.error("`items_path` is missing"))?;
                Parser::JsonItems {
                    path: path.split('.').map(str::to_owned).collect(),
                    encoding: encoding()?,
                }
            }
            "CsvDecoder" | "CsvParser" => Parser::Csv {
                encoding: encoding()?,
                delimiter: csv::delimiter(node)?,
                nulls: node.list("set_values_to_none").iter().map(|value| python_str(value.json())).collect(),
            },
            "GzipDecoder" => Parser::Gzip(Box::new(Parser::new(&node.require("decoder")?)?)),
            "GzipParser" => Parser::Gzip(Box::new(Parser::new(&node.require("inner_parser")?)?)),
            "GzipJsonDecoder" => Parser::Gzip(Box::new(Parser::Json)),
            _ => return Err(node.unsupported(named(node, "decoder"))),
        })
    }

    fn parse(&self, mut reader: Box<dyn Read + '_>, sink: &mut Sink) -> Result<()> {
        match self {
            Parser::Json => json::parse_whole(reader, sink),
            Parser::JsonLines => json::lines(reader, sink),
            Parser::JsonItems { path, encoding } => items::parse(encoding.reader(reader), path, sink),
            Parser::Csv { encoding, delimiter, nulls } => {
                csv::parse(encoding.reader(reader), *delimiter, nulls, sink)
            }
            Parser::Gzip(inner) => {
                let (start, zipped) = pipe::starts_with(&mut reader, &[0x1f, 0x8b])?;
                let whole = start.chain(reader);
                if zipped {
                    let unpacked = flate2::read::MultiGzDecoder::new(whole);
                    let bounded = sink.bounded(unpacked);
                    inner.parse(Box::new(bounded), sink)
                } else {
                    inner.parse(Box::new(whole), sink)
                }
            }
        }
    }
}

/// The value of a JSON body. What is no JSON is an error, or an empty object; so is what is empty.
fn element(parsed: Result<Option<Json>>, exact: bool) -> Result<Json> {
    match parsed {
        Ok(None | Some(Json::Null)) => Ok(empty()),
        Ok(Some(Json::Array(items))) if items.is_empty() => Ok(empty()),
        Ok(Some(value)) => Ok(value),
        Err(error) if exact && error.kind() == ErrorKind::CorruptInput => Ok(empty()),
        Err(error) => Err(error),
    }
}

fn whole(element: Json, looked_at: bool) -> Decoded {
    let response = match &element {
        _ if !looked_at => empty(),
        Json::Array(items) => items.first().cloned().unwrap_or_else(empty),
        element => element.clone(),
    };
    Decoded { response, elements: stream::iter([Ok(vec![element])]).boxed() }
}

fn pieces(elements: BoxStream<'static, Result<Vec<Json>>>) -> Decoded {
    Decoded { response: empty(), elements }
}

fn empty() -> Json {
    Json::Object(Map::new())
}

/// The charset that the answer names.
fn charset(response: &Response) -> Option<String> {
    let (_, kind) = response.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"))?;
    let (_, charset) = kind.split_once("charset=")?;
    Some(charset.split(';').next()?.trim_matches(|edge| "\"' ".contains(edge)).to_owned())
}

fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::CorruptInput, format!("The API's answer {what}."))
}
