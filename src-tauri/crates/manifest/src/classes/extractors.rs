//! Record extractors: what classes make of a body, or of the records that a path finds.

use serde_json::json;
use syncline_protocol::Result;

use super::class_of;
use crate::document::Node;
use crate::expression::datetime::Moment;
use crate::expression::{Scope, Text, truthy};
use crate::{Json, Map};

/// A known class of extractors.
pub(crate) enum Ported {
    /// Each record becomes an object with this one field (`WrappingDpathExtractor` …).
    Wrapped(&'static str),
    /// Each record gives way to what is in one of its fields, if there is something (`NullCheckedDpathExtractor`).
    Inner(String),
    /// The values of an object are records, which learn under which key they stood (`ObjectDpathExtractor`).
    Values(Option<Text>),
    /// Each record comes once with each item of a field (`MailChimpRecordExtractorEmailActivity`).
    Joined(&'static str),
    /// Fields that are not of these go into `data` (`EventsRecordExtractor`, `UsersRecordExtractor` of Iterable).
    Apart { kept: &'static [&'static str], always: bool },
    /// Dates like `/Date(1419937200000+0000)/` become texts (`CustomExtractor` of Xero).
    NetDates,
    /// The body is a table: its first row names the fields of the others (`USCensusRecordExtractor`).
    Table,
    /// Rows of a series, one for each date (`AverageSessionLengthRecordExtractor`, `ActiveUsersRecordExtractor`).
    Series { labelled: bool },
    /// Menus, or routes of menus, of answering machines (`IVRMenusRecordExtractor`, `IVRRoutesRecordExtractor`).
    Menus { routes: bool },
    /// What is under a name is one record, also when it is nothing (`ExportDatesExtractor`).
    Single(&'static str),
}

/// What Iterable says of each event.
const EVENT: [&str; 4] = ["itblInternal", "_type", "createdAt", "email"];
/// What Iterable itself keeps of a person; everything else is the customer's.
const PERSON: [&str; 31] = [
    "email",
    "userId",
    "emailListIds",
    "itblUserId",
    "knownLitigatorFilter",
    "profileUpdatedAt",
    "receivedSMSDisclaimer",
    "signupDate",
    "signupSource",
    "subscribedMessageTypeIds",
    "unsubscribedChannelIds",
    "unsubscribedMessageTypeIds",
    "userListIds",
    "city",
    "region",
    "country",
    "devices",
    "ip",
    "locale",
    "phoneNumber",
    "profile",
    "timeZone",
    "whatsAppPhoneNumber",
    "itblInternal.emailDomain",
    "itblInternal.phoneCountry",
    "itblInternal.phoneType",
    "itblInternal.documentCreatedAt",
    "itblInternal.documentUpdatedAt",
    "itblInternal.isUnknownUser",
    "itblDS.brandAffinityLabel",
    "itblDS.predictiveGoals",
];

impl Ported {
    /// The class of an extractor, if it is known, with the path where it looks.
    ///
    /// # Errors
    /// `Config`, when a field of the component is not valid.
    pub(crate) fn of(node: &Node<'_>) -> Result<Option<(Ported, Vec<String>)>> {
        let path = node.list("field_path");
        let path: Vec<String> = path.iter().map(|step| crate::expression::python_str(step.json())).collect();
        let at = |steps: &[&str]| steps.iter().map(|step| (*step).to_owned()).collect();
        let Some(class) = class_of(node) else { return Ok(None) };
        Ok(Some(match class {
            "WrappingDpathExtractor" => (Ported::Wrapped("data"), path),
            "LabelsRecordExtractor" => (Ported::Wrapped("label"), path),
            "NullCheckedDpathExtractor" => {
                let field = node.require("nullable_nested_field")?;
                (Ported::Inner(crate::expression::python_str(field.json())), path)
            }
            "ObjectDpathExtractor" => (Ported::Values(Text::of(node, "inject_key_as_field")?), path),
            "PocketExtractor" => (Ported::Values(None), if path.is_empty() { at(&["list"]) } else { path }),
            "MailChimpRecordExtractorEmailActivity" => (Ported::Joined("activity"), path),
            // Braze lists names; Iterable sends lines.
            "EventsRecordExtractor" if path == ["events"] => (Ported::Wrapped("event_name"), path),
            "EventsRecordExtractor" if path.is_empty() => {
                (Ported::Apart { kept: &EVENT, always: true }, path)
            }
            "UsersRecordExtractor" if path.is_empty() => {
                (Ported::Apart { kept: &PERSON, always: false }, path)
            }
            // Of the two of this name, that of Xero has a path.
            "CustomExtractor" if !path.is_empty() => (Ported::NetDates, path),
            "CustomExtractor" => (Ported::Wrapped("name"), at(&["categories"])),
            "USCensusRecordExtractor" => (Ported::Table, Vec::new()),
            "AverageSessionLengthRecordExtractor" => (Ported::Series { labelled: false }, at(&["data"])),
            "ActiveUsersRecordExtractor" => (Ported::Series { labelled: true }, at(&["data"])),
            "IVRMenusRecordExtractor" => (Ported::Menus { routes: false }, at(&["ivrs"])),
            "IVRRoutesRecordExtractor" => (Ported::Menus { routes: true }, at(&["ivrs"])),
            "ExportDatesExtractor" => (Ported::Single("dates"), Vec::new()),
            _ => return Ok(None),
        }))
    }

    /// Whether it looks at the whole body, and not at what is found at its path.
    pub(crate) fn takes_bodies(&self) -> bool {
        matches!(self, Ported::Table | Ported::Single(_))
    }

    /// The records in a body.
    pub(crate) fn rows_of(&self, body: Json) -> Vec<Json> {
        match (self, body) {
            (Ported::Table, Json::Array(rows)) => table(rows),
            (Ported::Single(name), mut body) => {
                vec![json!({ *name: body.get_mut(*name).map_or_else(|| json!([]), Json::take) })]
            }
            _ => Vec::new(),
        }
    }

    /// The records of what was found at the path.
    ///
    /// # Errors
    /// Of templates.
    pub(crate) fn shaped(&self, found: Vec<Json>, scope: &Scope<'_>) -> Result<Vec<Json>> {
        Ok(match self {
            Ported::Wrapped(name) => found.into_iter().map(|record| json!({ *name: record })).collect(),
            Ported::Inner(name) => found.into_iter().map(|record| inner(record, name)).collect(),
            Ported::Values(key) => {
                let key = key.as_ref().map(|key| key.eval_text(scope)).transpose()?;
                found.into_iter().flat_map(|found| values(found, key.as_deref())).collect()
            }
            Ported::Joined(name) => found.into_iter().flat_map(|record| joined(record, name)).collect(),
            Ported::Apart { kept, always } => {
                found.into_iter().map(|record| apart(record, kept, *always)).collect()
            }
            Ported::NetDates => found.into_iter().map(|record| net_dates(record, 0)).collect(),
            Ported::Series { labelled } => found.iter().flat_map(|data| series(data, *labelled)).collect(),
            Ported::Menus { routes } => found.iter().flat_map(|machine| menus(machine, *routes)).collect(),
            Ported::Table | Ported::Single(_) => found,
        })
    }
}

fn inner(mut record: Json, name: &str) -> Json {
    match record.get_mut(name) {
        Some(inner) if truthy(inner) => inner.take(),
        _ => record,
    }
}

fn values(found: Json, key: Option<&str>) -> Vec<Json> {
    match found {
        Json::Object(fields) if fields.values().all(Json::is_object) => fields
            .into_iter()
            .map(|(name, value)| match (key, value) {
                (Some(key), Json::Object(value)) => {
                    let mut record = Map::from_iter([(key.to_owned(), Json::String(name))]);
                    record.extend(value);
                    Json::Object(record)
                }
                (_, value) => value,
            })
            .collect(),
        other => vec![other],
    }
}

fn joined(mut record: Json, name: &str) -> Vec<Json> {
    let Some(fields) = record.as_object_mut() else { return Vec::new() };
    let Some(Json::Array(items)) = fields.shift_remove(name) else { return Vec::new() };
    let join = |item: Json| {
        let mut record = fields.clone();
        record.extend(item.as_object().cloned().unwrap_or_default());
        Json::Object(record)
    };
    items.into_iter().map(join).collect()
}

/// `always`: the fields that are kept are there also when the record has none of them.
fn apart(record: Json, kept: &[&str], always: bool) -> Json {
    let Json::Object(mut fields) = record else { return record };
    let mut record = Map::new();
    for name in kept {
        match fields.shift_remove(*name) {
            Some(value) => {
                drop(record.insert((*name).to_owned(), if always { value } else { moment(value) }));
            }
            None if always => drop(record.insert((*name).to_owned(), Json::Null)),
            None => {}
        }
    }
    record.insert("data".to_owned(), Json::Object(fields));
    Json::Object(record)
}

/// `2021-04-14 16:52:31 +00:00` as a time is usually written.
fn moment(value: Json) -> Json {
    const FORMS: [&str; 4] =
        ["%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S.%f %z", "%Y-%m-%dT%H:%M:%S.%f%z"];
    let found = value.as_str().and_then(|text| FORMS.iter().find_map(|form| Moment::parse(text, form)));
    found.map_or(value, |moment| Json::String(moment.iso('T')))
}

fn net_dates(value: Json, depth: usize) -> Json {
    if depth > 128 {
        return value;
    }
    match value {
        Json::String(text) => Json::String(net_date(&text).unwrap_or(text)),
        Json::Array(items) => items
            .into_iter()
            .map(|item| if item.is_string() { item } else { net_dates(item, depth + 1) })
            .collect(),
        Json::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, net_dates(value, depth + 1))).collect()
        }
        other => other,
    }
}

/// `/Date(1419937200000+0000)/`: milliseconds since 1970 and the offset of the clock there, of which the time is told.
fn net_date(text: &str) -> Option<String> {
    let (_, date) = text.split_once("Date(")?;
    let (date, _) = date.split_once(')')?;
    let sign = date.char_indices().skip(1).find(|(_, letter)| matches!(letter, '+' | '-'));
    let (millis, offset) = sign.map_or((date, None), |(at, _)| (&date[..at], Some(&date[at..])));
    let millis: i64 = millis.parse().ok()?;
    let minutes = match offset {
        None => 0,
        Some(offset) => {
            let (sign, digits) = offset.split_at(1);
            let (hours, minutes) = digits.split_at_checked(2)?;
            let all = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().unwrap_or(0);
            if sign == "-" { -all } else { all }
        }
    };
    let at =
        jiff::Timestamp::from_second(millis.div_euclid(1000).checked_add(minutes.checked_mul(60)?)?).ok()?;
    Some(at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string())
}

fn table(rows: Vec<Json>) -> Vec<Json> {
    let text = |cell: &Json| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    let mut rows = rows.into_iter();
    let header: Vec<String> = rows.next().iter().filter_map(Json::as_array).flatten().map(text).collect();
    let record = |row: Json| {
        let cells = row.as_array()?.iter().map(|cell| Json::String(text(cell)));
        Some(Json::Object(header.iter().cloned().zip(cells).collect()))
    };
    rows.filter_map(record).collect()
}

fn series(data: &Json, labelled: bool) -> Vec<Json> {
    let list = |value: Option<&Json>| value.and_then(Json::as_array).cloned().unwrap_or_default();
    let (dates, rows) = (list(data.get("xValues")), list(data.get("series")));
    if !labelled {
        let lengths = list(rows.first());
        let record = |(date, length): (Json, Json)| json!({"date": date, "length": length});
        return dates.into_iter().zip(lengths).map(record).collect();
    }
    let labels: Vec<String> =
        list(data.get("seriesLabels")).iter().map(crate::expression::python_str).collect();
    let rows: Vec<Vec<Json>> = rows.iter().map(|row| list(Some(row))).collect();
    let count = rows.iter().map(Vec::len).min().unwrap_or(0);
    let record = |(at, date): (usize, Json)| {
        let users = rows.iter().filter_map(|row| row.get(at).cloned());
        json!({"date": date, "statistics": labels.iter().cloned().zip(users).collect::<Map>()})
    };
    dates.into_iter().take(count).enumerate().map(record).collect()
}

fn menus(machine: &Json, routes: bool) -> Vec<Json> {
    let list =
        |value: &Json, name: &str| value.get(name).and_then(Json::as_array).cloned().unwrap_or_default();
    let id = |value: &Json| value.get("id").cloned().unwrap_or_default();
    let with = |known: &[(&str, Json)], value: Json| {
        let mut record: Map = known.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        record.extend(value.as_object().cloned().unwrap_or_default());
        Json::Object(record)
    };
    let ivr = ("ivr_id", id(machine));
    let mut records = Vec::new();
    for menu in list(machine, "menus") {
        if routes {
            let known = [ivr.clone(), ("ivr_menu_id", id(&menu))];
            records.extend(list(&menu, "routes").into_iter().map(|route| with(&known, route)));
        } else {
            records.push(with(std::slice::from_ref(&ivr), menu));
        }
    }
    records
}
