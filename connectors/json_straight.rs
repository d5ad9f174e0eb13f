//! A record's text straight into columns, without a value in between.
//!
//! Only what fits is put in here. Anything else (a field that is news, a value of another type, a field that comes
//! twice) is left to the slower way, which takes the record apart and says what is wrong with it.

use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::rows::{ColumnBuilder, RowBuffer};

/// Where a field goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Into this column.
    Column(usize),
    /// Nowhere: nobody wants it.
    Nowhere,
    /// Nobody knows it: it is news, unless it is null.
    News,
}

/// Puts records into the columns of a buffer.
pub(crate) struct Straight {
    places: HashMap<String, Place>,
    /// The place of fields that nobody named.
    others: Place,
    /// The fields of the last record in their order: records mostly look alike.
    order: Vec<(String, Place)>,
    /// For each column the record that it got a value from.
    filled: Vec<u64>,
    record: u64,
    text: Vec<u8>,
}

impl Straight {
    pub(crate) fn new(places: HashMap<String, Place>, others: Place, columns: usize) -> Straight {
        Straight { places, others, order: Vec::new(), filled: vec![0; columns], record: 0, text: Vec::new() }
    }

    /// Adds a record. False: it does not fit, and nothing was added.
    pub(crate) fn put(&mut self, record: &[u8], buffer: &mut RowBuffer) -> bool {
        self.record += 1;
        let mut input = serde_json::Deserializer::from_slice(record);
        let fits = Row { straight: self, buffer }.deserialize(&mut input).is_ok()
            && input.end().is_ok()
            && self.rest_is_null(buffer);
        if fits {
            buffer.keep();
        } else {
            buffer.discard();
        }
        fits
    }

    /// Columns without a field are null, where they can be.
    fn rest_is_null(&self, buffer: &mut RowBuffer) -> bool {
        self.filled.iter().enumerate().filter(|(_, record)| **record != self.record).all(|(at, _)| {
            let nullable = buffer.nullable(at);
            if nullable {
                buffer.column(at).null();
            }
            nullable
        })
    }
}

struct Row<'s> {
    straight: &'s mut Straight,
    buffer: &'s mut RowBuffer,
}

impl<'de> DeserializeSeed<'de> for Row<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Row<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Row { straight, buffer } = self;
        for at in 0.. {
            let Some(place) = fields.next_key_seed(Name { straight, at })? else { break };
            match place {
                Place::Nowhere => drop(fields.next_value::<IgnoredAny>()?),
                Place::News => match fields.next_value::<Option<IgnoredAny>>()? {
                    None => {}
                    Some(_) => return Err(A::Error::custom("it is news")),
                },
                Place::Column(column) => {
                    if straight.filled[column] == straight.record {
                        return Err(A::Error::custom("it comes twice"));
                    }
                    let cell = Cell { builder: buffer.column(column), text: &mut straight.text };
                    match fields.next_value_seed(cell)? {
                        Put::Fits => straight.filled[column] = straight.record,
                        // As if it were not there.
                        Put::Null => {}
                        Put::Misfit => return Err(A::Error::custom("it does not fit")),
                    }
                }
            }
        }
        Ok(())
    }
}

/// The place of the field at this position.
struct Name<'s> {
    straight: &'s mut Straight,
    at: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Place;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Place, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Place;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Place, E> {
        let Name { straight, at } = self;
        match straight.order.get(at) {
            Some((known, place)) if known == name => return Ok(*place),
            _ => {}
        }
        let place = straight.places.get(name).copied().unwrap_or(straight.others);
        if at < straight.order.len() {
            straight.order[at] = (name.to_owned(), place);
        } else if at == straight.order.len() {
            straight.order.push((name.to_owned(), place));
        }
        Ok(place)
    }
}

/// How a value went into a column.
enum Put {
    Fits,
    Null,
    Misfit,
}

impl Put {
    fn of(fits: bool) -> Put {
        if fits { Put::Fits } else { Put::Misfit }
    }
}

/// One value into a column.
struct Cell<'s> {
    builder: &'s mut ColumnBuilder,
    text: &'s mut Vec<u8>,
}

impl Cell<'_> {
    /// What was written down as JSON, into a column of texts or of JSON.
    fn written(self) -> Put {
        // JSON that was written from JSON is text.
        let Ok(text) = std::str::from_utf8(self.text) else { return Put::Misfit };
        Put::of(match self.builder {
            ColumnBuilder::Json(_) => self.builder.valid_json(text),
            builder => builder.text(text),
        })
    }
}

impl<'de> DeserializeSeed<'de> for Cell<'_> {
    type Value = Put;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Put, D::Error> {
        if !matches!(self.builder, ColumnBuilder::Json(_)) {
            return input.deserialize_any(self);
        }
        self.text.clear();
        Compact(self.text).deserialize(input)?;
        if self.text == b"null" { Ok(Put::Null) } else { Ok(self.written()) }
    }
}

impl<'de> Visitor<'de> for Cell<'_> {
    type Value = Put;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Put, E> {
        Ok(Put::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Put, E> {
        Ok(Put::of(self.builder.boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Put, E> {
        Ok(Put::of(self.builder.int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Put, E> {
        Ok(Put::of(unsigned(self.builder, value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Put, E> {
        Ok(Put::of(self.builder.float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Put, E> {
        Ok(Put::of(string(self.builder, value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Put, A::Error> {
        if !matches!(self.builder, ColumnBuilder::Text(_)) {
            return Ok(Put::Misfit);
        }
        self.text.clear();
        Compact(self.text).visit_seq(items)?;
        Ok(self.written())
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Put, A::Error> {
        if !matches!(self.builder, ColumnBuilder::Text(_)) {
            return Ok(Put::Misfit);
        }
        self.text.clear();
        Compact(self.text).visit_map(fields)?;
        Ok(self.written())
    }
}

/// Adds a text; whether it fits. A number in quotes is a text that looks like one: the column becomes a text.
pub(crate) fn string(builder: &mut ColumnBuilder, text: &str) -> bool {
    let is_number = matches!(
        builder,
        ColumnBuilder::Boolean(_)
            | ColumnBuilder::Int16(_)
            | ColumnBuilder::Int32(_)
            | ColumnBuilder::Int64(_)
            | ColumnBuilder::Float32(_)
            | ColumnBuilder::Float64(_)
    );
    !is_number && builder.text(text)
}

/// Adds a number that is not negative; whether it fits.
pub(crate) fn unsigned(builder: &mut ColumnBuilder, value: u64) -> bool {
    match i64::try_from(value) {
        Ok(value) => builder.int(value),
        Err(_) => builder.text(&value.to_string()),
    }
}

/// Writes a value as JSON without spaces, as values are written that were taken apart.
struct Compact<'t>(&'t mut Vec<u8>);

impl Compact<'_> {
    fn plain<E: serde::de::Error>(self, value: impl serde::Serialize) -> Result<(), E> {
        serde_json::to_writer(self.0, &value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Compact<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Compact<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.plain(())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.plain(value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.plain(value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.plain(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.plain(value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.plain(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Compact(out) = self;
        out.push(b'[');
        let begin = out.len();
        loop {
            let before = out.len();
            if before > begin {
                out.push(b',');
            }
            if items.next_element_seed(Compact(out))?.is_none() {
                out.truncate(before);
                break;
            }
        }
        out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Compact(out) = self;
        out.push(b'{');
        let begin = out.len();
        loop {
            let before = out.len();
            if before > begin {
                out.push(b',');
            }
            if fields.next_key_seed(Compact(out))?.is_none() {
                out.truncate(before);
                break;
            }
            out.push(b':');
            fields.next_value_seed(Compact(out))?;
        }
        out.push(b'}');
        Ok(())
    }
}
