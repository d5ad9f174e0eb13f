//! Casts values to the types of the stream's schema (`schema_normalization: Default`).

use std::collections::HashMap;
use std::sync::Arc;

use syncline_protocol::Result;
use tokio::sync::OnceCell;

use crate::Json;
use crate::context::{Compatibility, Run};
use crate::expression::{python_str, truthy};
use crate::stream::schema::SchemaLoader;

/// Records are not nested deeper than JSON is read.
const DEPTH_MAX: usize = 128;

/// The schema to cast to, loaded when the first record comes.
#[derive(Default)]
pub(super) struct Normaliser {
    /// Times that are written like `Fri, 11 Dec 2020 04:28:40 +0000` become such as the schema means (a class of
    /// Twilio).
    mail_times: bool,
    loader: Option<Arc<SchemaLoader>>,
    casts: OnceCell<Arc<Casts>>,
}

impl Normaliser {
    pub(super) fn with(self, loader: Arc<SchemaLoader>) -> Normaliser {
        Normaliser { loader: Some(loader), ..self }
    }

    /// The same, which also reads times that are written as in mails.
    pub(super) fn with_mail_times(self) -> Normaliser {
        Normaliser { mail_times: true, ..self }
    }

    pub(super) async fn schema(&self, run: &Arc<Run>) -> Result<Arc<Casts>> {
        let loaded = self.casts.get_or_try_init(|| async {
            let schema = match &self.loader {
                Some(loader) => loader.load(run).await?,
                None => Json::Null,
            };
            Ok(Arc::new(Casts::of(&schema, self.mail_times)))
        });
        loaded.await.map(Arc::clone)
    }
}

/// What a schema says of types, compiled. Schemas may contain themselves, so that their parts know each other by number.
pub(super) struct Casts {
    shapes: Vec<Shape>,
}

/// The fields of objects and the items of lists.
#[derive(Default)]
struct Shape {
    fields: Vec<(String, Wanted)>,
    items: Option<Wanted>,
}

/// What a value should be.
#[derive(Clone, Copy)]
struct Wanted {
    cast: Option<Cast>,
    nullable: bool,
    shape: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cast {
    Text,
    Number,
    Integer,
    Boolean,
    /// A plain value becomes a list of it.
    List,
    /// A time as in mails becomes one in UTC.
    MailTime,
}

/// Compiles schemas.
struct Compiling<'s> {
    root: &'s Json,
    shapes: Vec<Shape>,
    known: HashMap<*const Json, usize>,
    mail_times: bool,
}

impl Compiling<'_> {
    fn wanted(&mut self, schema: &Json, depth: usize) -> Wanted {
        let (cast, nullable) = cast_of(schema);
        let is_time = self.mail_times && schema.get("format").and_then(Json::as_str) == Some("date-time");
        let cast = if is_time { Some(Cast::MailTime) } else { cast };
        Wanted { cast, nullable, shape: self.shape(schema, depth) }
    }

    fn shape(&mut self, schema: &Json, depth: usize) -> usize {
        let schema = named(schema, self.root);
        if let Some(known) = self.known.get(&std::ptr::from_ref(schema)) {
            return *known;
        }
        let number = self.shapes.len();
        self.shapes.push(Shape::default());
        if depth > DEPTH_MAX {
            return number;
        }
        self.known.insert(schema, number);
        let properties = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
        let fields = properties.map(|(name, field)| (name.clone(), self.wanted(field, depth + 1))).collect();
        let items = schema.get("items").map(|items| self.wanted(items, depth + 1));
        self.shapes[number] = Shape { fields, items };
        number
    }
}

/// What a `$ref` names.
fn named<'a>(schema: &'a Json, root: &'a Json) -> &'a Json {
    let pointer = schema.get("$ref").and_then(Json::as_str).and_then(|named| named.strip_prefix('#'));
    pointer.and_then(|pointer| root.pointer(pointer)).unwrap_or(schema)
}

/// The one type that is not null, and whether null is allowed. Several types leave a value what it is.
fn cast_of(schema: &Json) -> (Option<Cast>, bool) {
    let (names, several): (Vec<&str>, bool) = match schema.get("type") {
        Some(Json::String(name)) => (vec![name], false),
        Some(Json::Array(names)) => (names.iter().filter_map(Json::as_str).collect(), true),
        _ => return (None, false),
    };
    let nullable = names.contains(&"null");
    let mut names = names.into_iter().filter(|name| !several || *name != "null");
    let cast = match (names.next(), names.next()) {
        (Some("string"), None) => Some(Cast::Text),
        (Some("number"), None) => Some(Cast::Number),
        (Some("integer"), None) => Some(Cast::Integer),
        (Some("boolean"), None) => Some(Cast::Boolean),
        (Some("array"), None) if holds_plain(schema) => Some(Cast::List),
        _ => None,
    };
    (cast, nullable)
}

/// Whether the items of a list are plain values. Of a single name as their type the reference looks at the letters, so
/// that only a list of names counts.
fn holds_plain(schema: &Json) -> bool {
    let plain = |name: &str| matches!(name, "string" | "number" | "integer" | "boolean" | "null");
    match schema.get("items").and_then(|items| items.get("type")) {
        Some(Json::Array(names)) => names.iter().filter_map(Json::as_str).all(plain),
        Some(Json::String(_)) => false,
        _ => true,
    }
}

impl Casts {
    #[cfg(test)]
    fn new(schema: &Json) -> Casts {
        Casts::of(schema, false)
    }

    fn of(schema: &Json, mail_times: bool) -> Casts {
        let mut compiling = Compiling { root: schema, shapes: Vec::new(), known: HashMap::new(), mail_times };
        compiling.shape(schema, 0);
        Casts { shapes: compiling.shapes }
    }

    /// Casts the fields of a record that the schema names.
    pub(super) fn cast(&self, record: &mut Json, compatibility: Compatibility) {
        self.walk(record, 0, compatibility, 0);
    }

    fn walk(&self, value: &mut Json, shape: usize, compatibility: Compatibility, depth: usize) {
        let Some(shape) = self.shapes.get(shape).filter(|_| depth <= DEPTH_MAX) else { return };
        match value {
            Json::Object(fields) => {
                for (name, wanted) in &shape.fields {
                    if let Some(field) = fields.get_mut(name) {
                        wanted.apply(field, compatibility);
                        self.walk(field, wanted.shape, compatibility, depth + 1);
                    }
                }
            }
            Json::Array(items) => {
                let Some(wanted) = &shape.items else { return };
                for item in items {
                    wanted.apply(item, compatibility);
                    self.walk(item, wanted.shape, compatibility, depth + 1);
                }
            }
            _ => {}
        }
    }
}

impl Wanted {
    /// Casts; what cannot be cast stays.
    fn apply(&self, value: &mut Json, compatibility: Compatibility) {
        let Some(cast) = self.cast else { return };
        // The reference writes `None` where a text that may not be null is null, false for a boolean. Nothing is nothing.
        if value.is_null() && (self.nullable || compatibility == Compatibility::Safe) {
            return;
        }
        let cast = match cast {
            Cast::Text if value.is_string() => None,
            Cast::Text => Some(Json::String(python_str(value))),
            Cast::Number => float(value).and_then(serde_json::Number::from_f64).map(Json::Number),
            Cast::Integer => integer(value),
            Cast::Boolean => boolean(value).map(Json::Bool),
            Cast::MailTime => mail_time(value),
            Cast::List if value.is_array() || value.is_object() => None,
            Cast::List => Some(Json::Array(vec![value.take()])),
        };
        if let Some(cast) = cast {
            *value = cast;
        }
    }
}

fn mail_time(value: &Json) -> Option<Json> {
    let moment = jiff::fmt::rfc2822::parse(value.as_str()?).ok()?.timestamp();
    Some(Json::String(moment.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()))
}

/// A number as Python reads it: without spaces around it, with `_` between digits.
fn number_text(text: &str) -> Option<String> {
    let text = text.trim();
    let bytes = text.as_bytes();
    let between_digits = |at: usize| {
        let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        at > 0 && digit(at - 1) && digit(at + 1)
    };
    let well_formed = bytes.iter().enumerate().all(|(at, byte)| *byte != b'_' || between_digits(at));
    well_formed.then(|| text.replace('_', ""))
}

fn float(value: &Json) -> Option<f64> {
    match value {
        Json::Bool(value) => Some(f64::from(u8::from(*value))),
        Json::Number(number) => number.as_f64(),
        Json::String(text) => number_text(text)?.parse().ok().filter(|number: &f64| number.is_finite()),
        _ => None,
    }
}

fn integer(value: &Json) -> Option<Json> {
    match value {
        Json::Bool(value) => Some(Json::from(u8::from(*value))),
        Json::Number(number) if number.is_f64() => {
            let whole = number.as_f64()?.trunc();
            (whole.abs() < 9.2e18).then(|| Json::from(whole as i64))
        }
        Json::String(text) => {
            let text = number_text(text)?;
            text.parse::<i64>().map(Json::from).or_else(|_| text.parse::<u64>().map(Json::from)).ok()
        }
        _ => None,
    }
}

fn boolean(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(_) => None,
        Json::String(text) => match text.trim().to_lowercase().as_str() {
            "y" | "yes" | "t" | "true" | "on" | "1" => Some(true),
            "n" | "no" | "f" | "false" | "off" | "0" => Some(false),
            _ => None,
        },
        other => Some(truthy(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_cast_to_the_schema() {
        let schema = json!({"properties": {
            "s": {"type": "string"}, "n": {"type": ["null", "number"]}, "i": {"type": "integer"}, "b": {"type": "boolean"},
            "a": {"type": "array", "items": {"type": ["string"]}}, "o": {"properties": {"x": {"type": "string"}}},
            "l": {"items": {"type": "integer"}}, "two": {"type": ["string", "integer"]}}});
        let mut record = json!({"s": true, "n": "1.5", "i": 2.9, "b": " Yes", "a": "x", "o": {"x": 1}, "l": ["1", "x"], "two": 5, "new": 1});
        Casts::new(&schema).cast(&mut record, Compatibility::Safe);
        assert_eq!(
            record,
            json!({"s": "True", "n": 1.5, "i": 2, "b": true, "a": ["x"], "o": {"x": "1"}, "l": [1, "x"], "two": 5, "new": 1})
        );
    }

    #[test]
    fn times_as_in_mails_become_times() {
        let schema = json!({"properties": {"at": {"type": ["null", "string"], "format": "date-time"}, "s": {"type": "string"}}});
        let mut record =
            json!({"at": "Fri, 11 Dec 2020 05:28:40 +0100", "s": "Fri, 11 Dec 2020 05:28:40 +0100"});
        Casts::of(&schema, true).cast(&mut record, Compatibility::Safe);
        assert_eq!(record, json!({"at": "2020-12-11T04:28:40Z", "s": "Fri, 11 Dec 2020 05:28:40 +0100"}));
        let mut other = json!({"at": "2020-12-11T04:29:09Z"});
        Casts::of(&schema, true).cast(&mut other, Compatibility::Safe);
        assert_eq!(other["at"], "2020-12-11T04:29:09Z");
    }

    #[test]
    fn nothing_stays_nothing() {
        let casts = Casts::new(&json!({"properties": {"s": {"type": "string"}, "b": {"type": "boolean"}}}));
        let nulls = || json!({"s": null, "b": null});
        let (mut safe, mut exact) = (nulls(), nulls());
        casts.cast(&mut safe, Compatibility::Safe);
        casts.cast(&mut exact, Compatibility::Exact);
        assert_eq!((safe, exact), (nulls(), json!({"s": "None", "b": false})));
    }

    #[test]
    fn numbers_that_json_cannot_hold_stay_text() {
        let casts = Casts::new(&json!({"properties": {"n": {"type": "number"}, "i": {"type": "integer"}}}));
        for text in ["nan", "inf", "1e999", "1__0", "_1", "1_"] {
            let mut record = json!({"n": text, "i": text});
            casts.cast(&mut record, Compatibility::Exact);
            assert_eq!(record, json!({"n": text, "i": text}));
        }
        let mut large = json!({"i": "18446744073709551615"});
        casts.cast(&mut large, Compatibility::Exact);
        assert_eq!(large, json!({"i": u64::MAX}));
    }

    #[test]
    fn schemas_that_hold_themselves_end() {
        let schema = json!({"properties": {"next": {"$ref": "#"}, "v": {"type": "integer"}}});
        let mut record = json!({"v": "1", "next": {"v": "2", "next": {"v": "3"}}});
        Casts::new(&schema).cast(&mut record, Compatibility::Safe);
        assert_eq!(record, json!({"v": 1, "next": {"v": 2, "next": {"v": 3}}}));
    }
}
