//! XML, in the shape that xmltodict gives it: attributes as `@name`, text as `#text`, repeated elements as lists.

use quick_xml::Reader;
use quick_xml::escape::{resolve_predefined_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use syncline_protocol::{Error, ErrorKind, Result};

use super::corrupt;
use super::text::Encoding;
use crate::{Json, Map};

const DEEPEST: usize = 512;

/// An element that is being read.
struct Element {
    name: String,
    fields: Map,
    text: String,
}

/// The document as one object with the root element in it.
pub(super) fn parse(body: &[u8], charset: Option<&str>) -> Result<Json> {
    let encoding =
        charset.or(declared(body)).and_then(Encoding::named).unwrap_or(Encoding::Other(encoding_rs::UTF_8));
    let text = encoding.decode(body);
    let mut reader = Reader::from_str(&text);
    let mut root = Element { name: String::new(), fields: Map::new(), text: String::new() };
    let mut open: Vec<Element> = Vec::new();
    loop {
        let event = reader.read_event().map_err(wrong)?;
        match event {
            Event::Start(start) => {
                if open.len() >= DEEPEST {
                    return Err(Error::new(
                        ErrorKind::LimitExceeded,
                        "The API's answer is XML that is nested too deep.",
                    ));
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => close(element(&start)?, open.last_mut().unwrap_or(&mut root)),
            Event::End(_) => {
                let Some(element) = open.pop() else { return Err(corrupt("is no valid XML")) };
                close(element, open.last_mut().unwrap_or(&mut root));
            }
            Event::Text(text) => append(open.last_mut(), &text)?,
            Event::CData(text) => append(open.last_mut(), &text)?,
            Event::GeneralRef(reference) => {
                let character = reference.resolve_char_ref().map_err(wrong)?.map(String::from);
                let resolved = character.or_else(|| resolve_predefined_entity(&reference).map(str::to_owned));
                let resolved = resolved.ok_or_else(|| corrupt("is XML with an entity that is not known"))?;
                append(open.last_mut(), &resolved)?;
            }
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
    if !open.is_empty() || root.fields.len() != 1 {
        return Err(corrupt("is no complete XML document"));
    }
    Ok(Json::Object(root.fields))
}

fn element(start: &BytesStart<'_>) -> Result<Element> {
    let name = start.name().as_ref().to_owned();
    let mut fields = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| corrupt("is no valid XML"))?;
        let key = format!("@{}", attribute.key.as_ref());
        let value =
            unescape(&attribute.value).map_err(|_| corrupt("is XML with an entity that is not known"))?;
        fields.insert(key, Json::String(value.into_owned()));
    }
    Ok(Element { name, fields, text: String::new() })
}

fn append(element: Option<&mut Element>, text: &str) -> Result<()> {
    match element {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(corrupt("is no valid XML")),
    }
    Ok(())
}

fn close(element: Element, parent: &mut Element) {
    let Element { name, mut fields, text } = element;
    let text = text.trim();
    let value = match (fields.is_empty(), text.is_empty()) {
        (true, true) => Json::Null,
        (true, false) => Json::from(text),
        (false, true) => Json::Object(fields),
        (false, false) => {
            fields.insert("#text".to_owned(), Json::from(text));
            Json::Object(fields)
        }
    };
    match parent.fields.get_mut(&name) {
        None => drop(parent.fields.insert(name, value)),
        Some(Json::Array(items)) => items.push(value),
        Some(first) => {
            let first_value = first.take();
            *first = Json::Array(vec![first_value, value]);
        }
    }
}

/// The encoding that the first line names.
fn declared(body: &[u8]) -> Option<&str> {
    let start = std::str::from_utf8(body.get(..body.len().min(100))?).ok()?;
    let (_, rest) = start.split_once("encoding=")?;
    rest.trim_start_matches(['"', '\'']).split(['"', '\'']).next()
}

fn wrong(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    corrupt("is no valid XML").caused_by(error)
}
