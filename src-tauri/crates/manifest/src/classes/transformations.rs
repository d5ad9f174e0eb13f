//! Transformations of records.

use serde_json::json;
use syncline_protocol::{Error, ErrorKind, Result};

use super::class_of;
use crate::document::Node;
use crate::expression::datetime::Moment;
use crate::expression::{Text, python_str, truthy};
use crate::records::{Place, paths};
use crate::{Json, Map};

/// A known class of transformations.
pub(crate) enum Ported {
    /// Fields that begin with `cf_` become a list of names and values (`CustomFieldTransformation` of Chargebee).
    CustomFields,
    /// These fields hold dates; what is none, like `0000-00-00`, becomes null (that of PrestaShop).
    EmptyDates(Vec<String>),
    /// These fields become times as RFC 3339 writes them (`TransformDatetimesToRFC3339`).
    Times(&'static [&'static str]),
    /// Fields are set to times that are written like `Fri, 01 Jan 2021 00:00:00 +0000` (`DateTimeTransformer`).
    MailTimes(Vec<Field>),
    /// Fields are set to the `id`s of the items of a list (`ListAddFields`).
    Ids(Vec<Field>),
    /// The record, whatever it is, becomes an object of these fields (`TransformToRecordComponent`).
    Record(Vec<Field>),
    /// Values in `metrics` that are only a dash become null (`TransformEmptyMetrics`).
    Dashes,
    /// Null is taken out of the objects in these fields (`RemoveEmptyFields`).
    Nulls(Vec<String>),
}

/// A field that is set.
pub(crate) struct Field {
    path: Vec<String>,
    value: Text,
}

/// The times of Amplitude's events.
const TIMES: [&str; 7] = [
    "event_time",
    "server_upload_time",
    "processed_time",
    "server_received_time",
    "user_creation_time",
    "client_upload_time",
    "client_event_time",
];

impl Ported {
    /// The class of a transformation, if it is known. `stream`: the component it belongs to.
    ///
    /// # Errors
    /// `Config`, when a field of the component is not valid.
    pub(crate) fn of(node: &Node<'_>, stream: Option<&Node<'_>>) -> Result<Option<Ported>> {
        let fields = || node.list("fields").iter().map(Field::new).collect::<Result<Vec<_>>>();
        let Some(class) = class_of(node) else { return Ok(None) };
        Ok(Some(match class {
            "CustomFieldTransformation" => {
                let schema =
                    stream.and_then(|stream| stream.json().pointer("/schema_loader/schema/properties"));
                let Some(properties) = schema.and_then(Json::as_object) else { return Ok(None) };
                let dates: Vec<String> = properties
                    .iter()
                    .filter(|(_, field)| is_date(field))
                    .map(|(name, _)| name.clone())
                    .collect();
                // Two connectors have a class of this name; their tables tell them apart.
                if properties.contains_key("custom_fields") {
                    Ported::CustomFields
                } else {
                    Ported::EmptyDates(dates)
                }
            }
            "TransformDatetimesToRFC3339" => Ported::Times(&TIMES),
            "DateTimeTransformer" => Ported::MailTimes(fields()?),
            "ListAddFields" => Ported::Ids(fields()?),
            "TransformToRecordComponent" => Ported::Record(fields()?),
            "TransformEmptyMetrics" => Ported::Dashes,
            "RemoveEmptyFields" => {
                let names = node.list("field_pointers");
                Ported::Nulls(names.iter().map(|name| python_str(name.json())).collect())
            }
            _ => return Ok(None),
        }))
    }

    /// Changes a record.
    ///
    /// # Errors
    /// Of templates; `CorruptInput`, when a time is none.
    pub(crate) fn apply(&self, place: &Place<'_>, config: &Json, record: &mut Json) -> Result<()> {
        match self {
            Ported::CustomFields => custom_fields(record),
            Ported::EmptyDates(names) => {
                for name in names {
                    let Some(value) = record.get_mut(name).filter(|value| truthy(value)) else { continue };
                    if value.as_str().is_some_and(|text| Moment::parse_any(text).is_none()) {
                        *value = Json::Null;
                    }
                }
            }
            Ported::Times(names) => {
                for name in *names {
                    if let Some(value) = record.get_mut(*name).filter(|value| truthy(value)) {
                        *value = time(value, Moment::parse_any)?;
                    }
                }
            }
            Ported::MailTimes(fields) => {
                for field in fields {
                    let value = field.value(place, config, record)?;
                    paths::put(record, &field.path, time(&value, mail_time)?)?;
                }
            }
            Ported::Ids(fields) => {
                for field in fields {
                    let value = field.value(place, config, record)?;
                    let items = value.as_array().into_iter().flatten();
                    let ids = items.map(|item| item.get("id").cloned().unwrap_or_default()).collect();
                    paths::put(record, &field.path, ids)?;
                }
            }
            Ported::Record(fields) => {
                let mut made = Json::Object(Map::new());
                for field in fields {
                    let value = field.value(place, config, record)?;
                    paths::put(&mut made, &field.path, value)?;
                }
                *record = made;
            }
            Ported::Dashes => {
                let metrics = record.get_mut("metrics").and_then(Json::as_object_mut);
                for value in metrics.into_iter().flat_map(Map::values_mut).filter(|value| *value == "-") {
                    *value = Json::Null;
                }
            }
            Ported::Nulls(names) => {
                for name in names {
                    if let Some(fields) = record.get_mut(name).and_then(Json::as_object_mut) {
                        fields.retain(|_, value| !value.is_null());
                    }
                }
            }
        }
        Ok(())
    }
}

impl Field {
    fn new(node: &Node<'_>) -> Result<Field> {
        let path: Vec<String> = node.list("path").iter().map(|step| python_str(step.json())).collect();
        let value = Text::of(node, "value")?.ok_or_else(|| node.error("`value` is missing"))?;
        if path.is_empty() { Err(node.error("`path` is empty")) } else { Ok(Field { path, value }) }
    }

    fn value(&self, place: &Place<'_>, config: &Json, record: &Json) -> Result<Json> {
        self.value.eval(&place.scope(config, record))
    }
}

fn is_date(field: &Json) -> bool {
    matches!(field.get("format").and_then(Json::as_str), Some("date" | "date-time"))
}

fn custom_fields(record: &mut Json) {
    let Some(fields) = record.as_object_mut() else { return };
    let (custom, kept): (Map, Map) =
        std::mem::take(fields).into_iter().partition(|(name, _)| name.starts_with("cf_"));
    *fields = kept;
    let custom = custom.into_iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    fields.insert("custom_fields".to_owned(), custom);
}

/// As the class reads it, or else in one of the older ways of writing a time in a mail.
fn mail_time(text: &str) -> Option<Moment> {
    let older = || Some(Moment::utc(jiff::fmt::rfc2822::parse(text).ok()?.timestamp()));
    Moment::parse(text, "%a, %d %b %Y %H:%M:%S %z").or_else(older)
}

fn time(value: &Json, read: impl Fn(&str) -> Option<Moment>) -> Result<Json> {
    read(&python_str(value)).map(|moment| Json::String(moment.iso('T'))).ok_or_else(|| {
        Error::new(ErrorKind::CorruptInput, "The API gives a time that cannot be read.")
            .with("value", value.to_string().chars().take(40).collect::<String>())
            .meaning("The row cannot be loaded as the connector wants it.")
    })
}
