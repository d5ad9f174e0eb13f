//! Records as text: where each one stands in a body. What is only handed on is never taken apart here.

use std::ops::Range;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::{Json, Map};

/// Records of a body of the API, each as the JSON text that it is there. Cheap to hand on: the body is shared.
///
/// A record may be any JSON value, and its text may hold what only a closer look finds: a number that is too large, a
/// letter that is none. Fields that are null stand in it; [`values`](Self::values) leaves them out.
#[derive(Debug, Clone, Default)]
pub struct RawRecords {
    body: Bytes,
    places: Vec<Range<usize>>,
}

impl RawRecords {
    /// The records of the list at `path` in a body, or of the body itself when the path is empty. None: the body is not
    /// that simple (or is no JSON), and must be read as a value.
    pub(crate) fn find(body: &Bytes, path: &[&str]) -> Option<RawRecords> {
        let mut found = None;
        let mut input = serde_json::Deserializer::from_slice(body);
        At { path, found: &mut found }.deserialize(&mut input).ok()?;
        input.end().ok()?;
        let begin = body.as_ptr() as usize;
        let mut places = Vec::with_capacity(found.as_ref().map_or(0, Vec::len));
        for record in found? {
            let text = record.get();
            let at = text.as_ptr() as usize - begin;
            if path.is_empty() {
                // Of a list that is the whole body only objects count as records, and only those that hold something.
                match text.strip_prefix('{').map(str::trim_ascii_start) {
                    Some(inner) if inner.starts_with('}') => continue,
                    Some(_) => {}
                    None => return None,
                }
            }
            places.push(at..at + text.len());
        }
        Some(RawRecords { body: body.clone(), places })
    }

    /// The records of a body that is a list of objects; empty ones are none.
    pub fn list(body: &Bytes) -> Option<RawRecords> {
        RawRecords::find(body, &[])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The text of each record, in UTF-8.
    pub fn texts(&self) -> impl DoubleEndedIterator<Item = &[u8]> + Clone {
        self.places.iter().map(|place| &self.body[place.clone()])
    }

    /// The first `count` of them.
    #[must_use]
    pub fn first(mut self, count: usize) -> RawRecords {
        self.places.truncate(count);
        self
    }

    /// The same in pieces of at most `count` records.
    pub(crate) fn pieces(self, count: usize) -> impl Iterator<Item = RawRecords> + Send {
        let RawRecords { body, places } = self;
        let mut left = places.into_iter();
        std::iter::from_fn(move || {
            let places: Vec<_> = left.by_ref().take(count).collect();
            (!places.is_empty()).then(|| RawRecords { body: body.clone(), places })
        })
    }

    /// As values, null fields among them.
    ///
    /// # Errors
    /// `CorruptInput`, when one cannot be read after all.
    pub(crate) fn parsed(&self) -> Result<Vec<Json>> {
        self.texts().map(value).collect()
    }

    /// As values. Fields that are null are left out.
    ///
    /// # Errors
    /// `CorruptInput`, when one cannot be read after all.
    pub fn values(&self) -> Result<Vec<Json>> {
        let mut records = self.parsed()?;
        super::without_nulls(&mut records);
        Ok(records)
    }

    /// The field of this name of each record that is an object and has it.
    ///
    /// # Errors
    /// `CorruptInput`, when a record cannot be read after all.
    pub(crate) fn field<'r>(&'r self, name: &'r str) -> impl Iterator<Item = Result<Json>> + 'r {
        let field = move |text: &[u8]| {
            let mut input = serde_json::Deserializer::from_slice(text);
            if text.first() != Some(&b'{') {
                return Ok(None);
            }
            Field { name }.deserialize(&mut input).map_err(corrupt)
        };
        self.texts().filter_map(move |text| field(text).transpose())
    }
}

/// A record as a value.
///
/// # Errors
/// `CorruptInput`.
pub fn value(text: &[u8]) -> Result<Json> {
    serde_json::from_slice(text).map_err(corrupt)
}

fn corrupt(error: serde_json::Error) -> Error {
    Error::new(ErrorKind::CorruptInput, "The API answered with a record that is not valid JSON.")
        .meaning("The rest of this answer was not loaded, and the table stays where it was.")
        .fix("Try again; if it stays so, the API sends a value that JSON does not allow.")
        .caused_by(error)
}

/// The list at a path.
struct At<'p, 'f, 'de> {
    path: &'p [&'p str],
    found: &'f mut Option<Vec<&'de RawValue>>,
}

impl<'de> DeserializeSeed<'de> for At<'_, '_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        if self.path.is_empty() {
            *self.found = Some(serde::Deserialize::deserialize(input)?);
            return Ok(());
        }
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for At<'_, '_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.path.split_first() else { return Err(A::Error::custom("no path")) };
        while let Some(is_meant) = fields.next_key_seed(Is { name: step })? {
            if is_meant {
                // Of two fields with the same name the later one counts.
                *self.found = None;
                fields.next_value_seed(At { path: rest, found: &mut *self.found })?;
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// Whether a key has this name.
struct Is<'n> {
    name: &'n str,
}

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<bool, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.name)
    }
}

/// One field of an object; the others are passed over.
struct Field<'n> {
    name: &'n str,
}

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = Option<Json>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Option<Json>, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Field<'_> {
    type Value = Option<Json>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Option<Json>, A::Error> {
        let mut found = None;
        while let Some(is_meant) = fields.next_key_seed(Is { name: self.name })? {
            if is_meant {
                found = Some(fields.next_value()?);
            } else {
                fields.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// A body without the list of its records, for templates that look at everything else in it. An empty list stands in its
/// place. None: it is no JSON.
pub(crate) fn around(body: &[u8], path: &[&str]) -> Option<Json> {
    let mut input = serde_json::Deserializer::from_slice(body);
    let value = Around { path }.deserialize(&mut input).ok()?;
    input.end().ok()?;
    Some(value)
}

struct Around<'p> {
    path: &'p [&'p str],
}

impl<'de> DeserializeSeed<'de> for Around<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Json, D::Error> {
        if self.path.is_empty() {
            <IgnoredAny as serde::Deserialize>::deserialize(input)?;
            return Ok(Json::Array(Vec::new()));
        }
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Around<'_> {
    type Value = Json;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let Some((step, rest)) = self.path.split_first() else { return Err(A::Error::custom("no path")) };
        let mut object = Map::new();
        while let Some(name) = fields.next_key::<String>()? {
            let value = if name == *step {
                fields.next_value_seed(Around { path: rest })?
            } else {
                fields.next_value()?
            };
            object.insert(name, value);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn find(body: &str, path: &[&str]) -> Option<Vec<Json>> {
        let body = Bytes::from(body.to_owned());
        RawRecords::find(&body, path).map(|records| records.parsed().unwrap())
    }

    #[test]
    fn the_list_at_a_path_is_found() {
        let body = r#"{"meta": {"data": 1}, "data": {"x": [0], "items" : [ {"a": "]"} , {}, 5, null ]}, "end": "]"}"#;
        let found = find(body, &["data", "items"]);
        assert_eq!(found, Some(vec![json!({"a": "]"}), json!({}), json!(5), json!(null)]));
        assert_eq!(find(r#"{"d": [1], "d": [2, 3]}"#, &["d"]), Some(vec![json!(2), json!(3)]));
        let found = find(r#" [{"a": 1}, {}, { } , {"b": []}] "#, &[]);
        assert_eq!(found, Some(vec![json!({"a": 1}), json!({"b": []})]));
    }

    #[test]
    fn what_is_not_that_simple_is_left_to_values() {
        for body in [
            r#"{"d": {"a": 1}}"#,
            r#"[{"d": [1]}]"#,
            "{}",
            r#"{"d": [1]"#,
            r#"{"d": [1]} x"#,
            r#"{"d": [1], "d": 5}"#,
            r#"{"d": [{"a": 1,}]}"#,
            "<html>",
            "",
        ] {
            assert_eq!(find(body, &["d"]), None, "{body}");
        }
        assert_eq!(find("[[1], {}]", &[]), None);
    }

    #[test]
    fn records_are_taken_in_pieces_and_by_field() {
        let body = Bytes::from_static(br#"[{"a": 1, "n": null}, {"b": 2}, {"a": "x", "a": "y"}]"#);
        let records = RawRecords::list(&body).unwrap();
        let fields: Vec<Json> = records.field("a").map(Result::unwrap).collect();
        assert_eq!(fields, [json!(1), json!("y")]);
        assert_eq!(records.values().unwrap()[0], json!({"a": 1}));
        let pieces: Vec<usize> = records.clone().pieces(2).map(|piece| piece.len()).collect();
        assert_eq!(pieces, [2, 1]);
        assert_eq!(records.first(1).len(), 1);
    }

    #[test]
    fn a_record_that_is_no_json_after_all_is_told() {
        let body = Bytes::from_static(br#"{"d": [{"a": 1}, {"a": 1e999}]}"#);
        let records = RawRecords::find(&body, &["d"]).unwrap();
        assert_eq!(records.values().unwrap_err().kind(), ErrorKind::CorruptInput);
    }

    #[test]
    fn templates_see_what_is_around_the_records() {
        let body = br#"{"data": {"items": [{"a": 1}], "more": true}, "next": "x"}"#;
        let seen = around(body, &["data", "items"]);
        assert_eq!(seen, Some(json!({"data": {"items": [], "more": true}, "next": "x"})));
    }
}
