//! Bodies in XML, in the shape of Python's `xmltodict`.

use quick_xml::events::Event;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::{Json, Map};

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

/// An element that is not closed yet.
#[derive(Default)]
struct Open {
    name: String,
    fields: Map,
    text: String,
}

impl Open {
    fn new(start: &quick_xml::events::BytesStart<'_>) -> Result<Open> {
        let fields = attributes(start)?;
        Ok(Open { name: start.name().as_ref().to_owned(), fields, text: String::new() })
    }

    /// What it is worth now that it is closed.
    fn value(self) -> Json {
        let text = self.text.trim();
        let mut fields = self.fields;
        match (fields.is_empty(), text.is_empty()) {
            (true, true) => Json::Null,
            (true, false) => Json::from(text),
            (false, true) => Json::Object(fields),
            (false, false) => {
                fields.insert("#text".to_owned(), text.into());
                Json::Object(fields)
            }
        }
    }

    /// Takes a child; several of one name become a list.
    fn take(&mut self, name: String, value: Json) {
        match self.fields.get_mut(&name) {
            Some(Json::Array(items)) => items.push(value),
            Some(known) => *known = Json::Array(vec![known.take(), value]),
            None => drop(self.fields.insert(name, value)),
        }
    }
}

/// Deeper than this no element may lie in others.
const DEPTH_MAX: usize = 200;

/// Attributes as `@name`, text as `#text`, repeated children as a list.
///
/// # Errors
/// `CorruptInput`.
pub(super) fn xml(body: &[u8]) -> Result<Json> {
    let mut reader = quick_xml::Reader::from_reader(body);
    let (mut root, mut stack) = (Open::default(), Vec::<Open>::new());
    let mut buffer = Vec::new();
    loop {
        let (depth, mut is_closed) = (stack.len(), false);
        let open = stack.last_mut().unwrap_or(&mut root);
        match reader.read_event_into(&mut buffer).map_err(|error| no_xml(&error))? {
            Event::Start(_) | Event::Empty(_) if depth >= DEPTH_MAX => {
                return Err(no_xml(&"it is nested too deep"));
            }
            Event::Start(start) => stack.push(Open::new(&start)?),
            Event::Empty(start) => {
                stack.push(Open::new(&start)?);
                is_closed = true;
            }
            Event::End(_) => is_closed = true,
            Event::Text(text) => open.text.push_str(&text),
            Event::GeneralRef(reference) => {
                let name = reference.to_string();
                let written = format!("&{name};");
                let text = quick_xml::escape::unescape(&written).map_err(|error| no_xml(&error))?;
                open.text.push_str(&text);
            }
            Event::CData(text) => open.text.push_str(&text),
            Event::Eof => break,
            _ => {}
        }
        if is_closed && let Some(done) = stack.pop() {
            let (name, parent) = (done.name.clone(), stack.last_mut().unwrap_or(&mut root));
            parent.take(name, done.value());
        }
        buffer.clear();
    }
    if stack.is_empty() { Ok(Json::Object(root.fields)) } else { Err(no_xml(&"it is cut off")) }
}
