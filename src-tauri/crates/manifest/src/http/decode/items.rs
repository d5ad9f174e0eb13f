//! The items of a list inside a large JSON body, without the rest of it.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use syncline_protocol::{Error, Result};

use super::corrupt;
use super::pipe::Sink;
use crate::Json;
use crate::http::client::failure;

/// Gives every item of the list at `path` to the sink. A part `item` of the path means all items of a list.
pub(super) fn parse(reader: Box<dyn Read + '_>, path: &[String], sink: &mut Sink) -> Result<()> {
    let mut stopped = None;
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(reader));
    let walked = Walk { path, sink, stopped: &mut stopped }.deserialize(&mut json).and_then(|()| json.end());
    match (stopped, walked) {
        (Some(error), _) => Err(error),
        (None, Err(error)) if error.is_io() => Err(failure::from_io(error.into(), "no readable JSON")),
        (None, Err(error)) => Err(corrupt("is no valid JSON")
            .with("at", format!("line {} column {}", error.line(), error.column()))),
        (None, Ok(())) => Ok(()),
    }
}

/// Goes down the path.
struct Walk<'a> {
    path: &'a [String],
    sink: &'a mut Sink,
    /// Why the sink takes nothing more.
    stopped: &'a mut Option<Error>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        match self.path.split_first() {
            None => {
                while let Some(item) = items.next_element::<Json>()? {
                    if let Err(error) = self.sink.push(item) {
                        *self.stopped = Some(error);
                        return Err(A::Error::custom("stopped"));
                    }
                }
            }
            Some((name, rest)) if name == "item" => {
                let Walk { sink, stopped, .. } = self;
                while items.next_element_seed(Walk { path: rest, sink, stopped })?.is_some() {}
            }
            Some(_) => while items.next_element::<IgnoredAny>()?.is_some() {},
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(key) = fields.next_key::<String>()? {
            match self.path.split_first() {
                Some((name, rest)) if *name == key => {
                    let (sink, stopped) = (&mut *self.sink, &mut *self.stopped);
                    fields.next_value_seed(Walk { path: rest, sink, stopped })?;
                }
                _ => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
