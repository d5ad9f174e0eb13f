//! What the requests of a trial prove, and which part of the draft they contradict.

use std::collections::HashMap;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use serde_json::json;
use syncline_protocol::builder::{BuilderField, Found, Severity, TrialColumn, TrialFinding};
use syncline_protocol::{Error, Result};

use super::record::{Recorder, Said};
use super::{is_web_page, shape, trial};
use crate::document::{Document, Node};
use crate::expression::datetime::Moment;
use crate::{Json, Map};

use Severity::{Problem, Proved, Unproved};

static NOTHING: Json = Json::Null;

/// What the manifest says of a table, as far as it can be told without running it.
pub(super) struct Plan {
    pub(super) rows: Vec<String>,
    key: Vec<String>,
    cursor: Option<Cursor>,
    paged: bool,
    page_size: Option<u64>,
    /// The texts of the path between its templates.
    path: Vec<String>,
    divided: bool,
    /// Where the rows of the table are that this one is divided among, when their keys stand in the path.
    pub(super) parent_rows: Option<Vec<String>>,
    token_url: Option<String>,
    signs_in: bool,
}

struct Cursor {
    field: String,
    formats: Vec<String>,
    format: String,
    parameter: Option<String>,
}

/// From where the second run reads.
pub(super) struct Since {
    pub(super) state: Json,
    at: jiff::Timestamp,
    shown: String,
}

impl Plan {
    /// # Errors
    /// `Config`, when the text is no manifest.
    pub(super) fn of(yaml: &str, table: &str) -> Result<Plan> {
        let document = Document::parse(yaml)?;
        let streams = Node::root(&document).list("streams");
        let stream = streams.iter().find(|stream| stream.json()["name"] == table);
        let stream = stream.map(Node::json).unwrap_or(&NOTHING);
        let retriever = &stream["retriever"];
        let requester = &retriever["requester"];
        let texts = |value: &Json| -> Vec<String> {
            let items = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            items.iter().filter_map(Json::as_str).filter(|text| !text.is_empty()).map(str::to_owned).collect()
        };
        let cursor = &stream["incremental_sync"];
        let cursor = cursor["cursor_field"].as_str().map(|field| {
            let format = cursor["datetime_format"].as_str().unwrap_or_default().to_owned();
            let mut formats = texts(&cursor["cursor_datetime_formats"]);
            formats.push(format.clone());
            let parameter = cursor["start_time_option"]["field_name"].as_str().map(str::to_owned);
            Cursor { field: field.to_owned(), formats, format, parameter }
        });
        let path = requester["path"].as_str().or(requester["url"].as_str()).unwrap_or_default();
        let authenticator = &requester["authenticator"];
        let parent = &retriever["partition_router"]["parent_stream_configs"][0]["stream"]["retriever"];
        let in_path = path.contains("stream_partition") || path.contains("stream_slice");
        let is_parent = parent.is_object() && parent["partition_router"].is_null() && in_path;
        let size = &retriever["paginator"]["pagination_strategy"]["page_size"];
        Ok(Plan {
            rows: texts(&retriever["record_selector"]["extractor"]["field_path"]),
            key: texts(&stream["primary_key"]),
            cursor,
            paged: retriever["paginator"]["type"] == "DefaultPaginator",
            page_size: size.as_u64().or_else(|| size.as_str().and_then(|size| size.parse().ok())),
            path: literals(path),
            divided: !retriever["partition_router"].is_null(),
            parent_rows: is_parent.then(|| texts(&parent["record_selector"]["extractor"]["field_path"])),
            token_url: authenticator["token_refresh_endpoint"].as_str().map(str::to_owned),
            signs_in: authenticator.is_object() && authenticator["type"] != "NoAuth",
        })
    }

    /// Whether a request was for a token.
    pub(super) fn is_token(&self, said: &Said) -> bool {
        self.token_url.as_ref().is_some_and(|url| said.request.url.as_str().starts_with(url.as_str()))
    }

    /// Whether a request was for rows of the table: not for a token, and not for a parent.
    pub(super) fn is_own(&self, said: &Said) -> bool {
        if self.is_token(said) {
            return false;
        }
        if !self.divided {
            return true;
        }
        let asked = said.request.url.path();
        let mut rest = asked;
        for literal in &self.path {
            match rest.find(literal.as_str()) {
                Some(at) => rest = rest.get(at + literal.len()..).unwrap_or_default(),
                None => return false,
            }
        }
        true
    }

    /// A moment in the middle of the rows, as a state to go on from. None: the rows have no readable times.
    pub(super) fn middle(&self, rows: &[Json]) -> Option<Since> {
        let cursor = self.cursor.as_ref()?;
        let mut moments: Vec<Moment> = rows.iter().filter_map(|row| cursor.moment(row)).collect();
        moments.sort_by_key(|moment| moment.at);
        let middle = moments.get(moments.len() / 2)?;
        let shown = middle.to_utc().format(&cursor.format);
        let at = Moment::parse(&shown, &cursor.format)?.at;
        Some(Since { state: json!({ cursor.field.clone(): shown }), at, shown })
    }
}

impl Cursor {
    fn moment(&self, row: &Json) -> Option<Moment> {
        let text = match row.get(&self.field)? {
            Json::String(text) => text.clone(),
            Json::Number(number) => number.to_string(),
            _ => return None,
        };
        self.formats.iter().find_map(|format| Moment::parse(&text, format))
    }
}

/// `/orders/{{ … }}/items` → `/orders/`, `/items`.
fn literals(path: &str) -> Vec<String> {
    let mut rest = path;
    let mut found = Vec::new();
    loop {
        let (literal, after) = rest.split_once("{{").unwrap_or((rest, ""));
        if !literal.is_empty() {
            found.push(literal.to_owned());
        }
        match after.split_once("}}") {
            Some((_, after)) => rest = after,
            None => return found,
        }
    }
}

/// What is known after a trial.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a Plan,
    pub(super) said: &'a [Said],
    pub(super) first: &'a [Json],
    pub(super) since: Option<&'a Since>,
    pub(super) second: Option<&'a [Json]>,
    pub(super) error: Option<&'a Error>,
    pub(super) tape: &'a Recorder,
}

fn finding(severity: Severity, field: BuilderField, what: Found) -> TrialFinding {
    TrialFinding { severity, field, what }
}

/// Everything that the trial shows.
pub(super) fn findings(facts: &Facts<'_>) -> Vec<TrialFinding> {
    let mut found = Vec::new();
    if let Some(broken) = broken(facts) {
        found.push(broken);
        if facts.first.is_empty() {
            return found;
        }
    }
    let is_broken = !found.is_empty();
    found.extend(rows(facts, is_broken));
    if facts.first.is_empty() {
        return found;
    }
    found.extend(pages(facts, is_broken));
    found.extend(key(facts));
    found.extend(newer(facts));
    found.extend(mixed(facts.first));
    found
}

/// What went wrong with the requests themselves.
fn broken(facts: &Facts<'_>) -> Option<TrialFinding> {
    if let Some((method, host)) = facts.tape.refused.lock().unwrap_or_else(PoisonError::into_inner).clone() {
        return Some(finding(Problem, BuilderField::Address, Found::OutOfBounds { method, host }));
    }
    if facts.tape.missing.load(Ordering::Relaxed) {
        return Some(finding(Problem, BuilderField::Path, Found::NotRecorded));
    }
    if let Some(error) = &*facts.tape.failed.lock().unwrap_or_else(PoisonError::into_inner) {
        return Some(finding(
            Problem,
            BuilderField::Address,
            Found::Unreachable { message: error.message().to_owned() },
        ));
    }
    let last = facts.said.last()?;
    let url = facts.tape.mask.text(last.url.as_str());
    let status = last.status;
    let of_status = match status {
        401 => Some((BuilderField::SignIn, Found::NotSignedIn { status, sent: sent(facts, last) })),
        403 if !facts.plan.signs_in => {
            Some((BuilderField::SignIn, Found::NotSignedIn { status, sent: sent(facts, last) }))
        }
        403 => Some((BuilderField::SignIn, Found::Forbidden { url: url.clone() })),
        404 | 410 => Some((BuilderField::Path, Found::NoSuchPath { url: url.clone() })),
        429 => Some((
            BuilderField::Errors,
            Found::AskedTooOften {
                wait: last.header("retry-after").and_then(|wait| wait.trim().parse().ok()),
            },
        )),
        500.. => Some((BuilderField::Errors, Found::ServerFailed { status })),
        400.. => Some((
            BuilderField::Path,
            Found::Refused { status, message: facts.tape.mask.text(&message(last)) },
        )),
        _ => None,
    };
    if let Some((field, what)) = of_status {
        // The manifest may say that such an answer is no failure.
        return (facts.error.is_some() || facts.first.is_empty()).then(|| finding(Problem, field, what));
    }
    if last.is_good() && is_web_page(&last.text()) {
        return Some(finding(Problem, BuilderField::Address, Found::WebPage { url }));
    }
    let error = facts.error?;
    if last.is_good() && last.json().is_none() {
        return Some(finding(Problem, BuilderField::Address, Found::NotJson { url }));
    }
    Some(*trial::failed(BuilderField::Manifest, error))
}

/// What was sent to sign in, masked.
fn sent(facts: &Facts<'_>, said: &Said) -> String {
    let header = said.request.headers.iter().find(|(name, _)| {
        let name = name.as_str();
        name == "authorization" || name.contains("key") || name.contains("token") || name.contains("auth")
    });
    match header {
        Some((name, value)) => {
            let value = String::from_utf8_lossy(value.as_bytes());
            format!("{}: {}", name.as_str(), facts.tape.mask.header(name.as_str(), &value))
        }
        None if facts.plan.signs_in => facts.tape.mask.text(said.request.url.query().unwrap_or_default()),
        None => String::new(),
    }
}

/// What the API says of its refusal.
fn message(said: &Said) -> String {
    let json = said.json().unwrap_or_default();
    let named = ["message", "error", "detail", "error_description", "title"].iter().find_map(|name| {
        let value = &json[*name];
        value.as_str().or(value["message"].as_str())
    });
    named.map_or_else(|| said.text(), str::to_owned).chars().take(300).collect()
}

fn rows(facts: &Facts<'_>, is_broken: bool) -> Option<TrialFinding> {
    let own = facts.said.iter().find(|said| facts.plan.is_own(said) && said.is_good())?;
    let answer = own.json()?;
    let arrays = shape::examine(&answer, None).arrays;
    let other = arrays.into_iter().find(|array| array.rows > 0 && array.path != facts.plan.rows);
    if facts.first.is_empty() {
        let at = format!("{}[]", facts.plan.rows.join("."));
        let there = shape::rows_at(&answer, &facts.plan.rows).len();
        // Rows that were there and left out again are a matter of filters.
        let severity = if there > 0 || (other.is_none() && is_broken) { Unproved } else { Problem };
        return Some(finding(severity, BuilderField::Rows, Found::NoRows { at, other }));
    }
    let is_whole = facts.plan.rows.is_empty() && answer.is_object();
    Some(match other.filter(|_| is_whole) {
        Some(other) => finding(Problem, BuilderField::Rows, Found::OneObject { other }),
        None => finding(Proved, BuilderField::Rows, Found::RowsFound { rows: facts.first.len() as u64 }),
    })
}

fn pages(facts: &Facts<'_>, is_broken: bool) -> Option<TrialFinding> {
    let own: Vec<&Said> =
        facts.said.iter().filter(|said| !said.second && facts.plan.is_own(said) && said.is_good()).collect();
    let first = own.first()?;
    let answer = first.json()?;
    let there = shape::rows_at(&answer, &facts.plan.rows);
    let field = BuilderField::Pages;
    if !facts.plan.paged {
        let next = shape::examine(&answer, Some(&facts.plan.rows)).next.into_iter().next();
        let header = first
            .header("link")
            .is_some_and(|link| link.contains("rel=\"next\"") || link.contains("rel=next"));
        return match next {
            Some(next) => {
                Some(finding(Unproved, field, Found::NextSeen { path: next.path, link: next.link }))
            }
            None if header => {
                Some(finding(Unproved, field, Found::NextSeen { path: Vec::new(), link: true }))
            }
            None => None,
        };
    }
    // A table that is divided has a first page for each of its parts.
    let second = own
        .get(1)
        .filter(|second| second.request.url.path() == first.request.url.path() || !facts.plan.divided);
    let Some(second) = second else {
        let rows = there.len() as u64;
        return (!is_broken)
            .then(|| finding(Unproved, field, Found::OnePage { rows, size: facts.plan.page_size }));
    };
    let next = second.json().unwrap_or_default();
    let repeats = !there.is_empty() && shape::rows_at(&next, &facts.plan.rows) == there;
    Some(match repeats {
        true => finding(Problem, field, Found::PageRepeats),
        false => {
            let found = Found::PagesProved { pages: own.len() as u64, rows: facts.first.len() as u64 };
            finding(Proved, field, found)
        }
    })
}

fn key(facts: &Facts<'_>) -> Option<TrialFinding> {
    let key = facts.plan.key.clone();
    let rows = facts.first.len() as u64;
    if key.is_empty() {
        let answer = Json::Array(facts.first.to_vec());
        let candidate = shape::examine(&answer, Some(&[])).keys.into_iter().next().map(|key| key.field);
        return Some(finding(Unproved, BuilderField::Key, Found::KeyUnset { candidate }));
    }
    let mut seen: HashMap<String, u64> = HashMap::new();
    let mut missing = 0;
    for row in facts.first {
        let values: Vec<&Json> =
            key.iter().filter_map(|field| row.get(field)).filter(|value| !value.is_null()).collect();
        if values.len() < key.len() {
            missing += 1;
        } else {
            *seen.entry(json!(values).to_string()).or_default() += 1;
        }
    }
    let doubled = seen.values().filter(|times| **times > 1).count() as u64;
    Some(match (missing, doubled) {
        (0, 0) => finding(Proved, BuilderField::Key, Found::KeyUnique { key, rows }),
        (0, doubled) => finding(Problem, BuilderField::Key, Found::KeyDoubled { key, doubled, rows }),
        (missing, _) => finding(Problem, BuilderField::Key, Found::KeyMissing { key, missing }),
    })
}

fn newer(facts: &Facts<'_>) -> Option<TrialFinding> {
    let cursor = facts.plan.cursor.as_ref()?;
    let field = BuilderField::Incremental;
    let name = cursor.field.clone();
    let values: Vec<&Json> =
        facts.first.iter().filter_map(|row| row.get(&name)).filter(|value| !value.is_null()).collect();
    let Some(example) = values.first() else {
        return Some(finding(Problem, field, Found::TimeMissing { field: name }));
    };
    if facts.first.iter().filter_map(|row| cursor.moment(row)).count() < values.len() {
        let format = shape::format_of(&name, &values).map(str::to_owned);
        let example = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
        return Some(finding(Problem, field, Found::TimeFormat { field: name, example, format }));
    }
    let (since, second) = (facts.since?, facts.second?);
    let shown = since.shown.clone();
    let is_older = |row: &&Json| cursor.moment(row).is_some_and(|moment| moment.at < since.at);
    let older = second.iter().filter(is_older).count() as u64;
    let rows = second.len() as u64;
    let any_older = facts.first.iter().any(|row| is_older(&row));
    Some(if older > 0 {
        let parameter = cursor.parameter.clone();
        finding(Problem, field, Found::FilterIgnored { parameter, since: shown, older, rows })
    } else if rows == 0 || !any_older {
        finding(Unproved, field, Found::NewerUnproved { since: shown })
    } else {
        let of = facts.first.len() as u64;
        finding(Proved, field, Found::NewerProved { since: shown, rows, of })
    })
}

/// What a value is, in a word.
fn kind(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_i64() || number.is_u64() => "integer",
        Json::Number(_) => "number",
        Json::String(_) => "text",
        Json::Array(_) => "list",
        Json::Object(_) => "object",
    }
}

/// The columns of rows, in the order they come.
pub(super) fn columns(rows: &[Json]) -> Vec<TrialColumn> {
    let mut columns: Vec<TrialColumn> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (name, value) in rows.iter().filter_map(Json::as_object).flatten() {
        let place = *places.entry(name.clone()).or_insert_with(|| {
            columns.push(TrialColumn { name: name.clone(), seen: Vec::new(), lands_as: String::new() });
            columns.len() - 1
        });
        let Some(column) = columns.get_mut(place) else { continue };
        let kind = kind(value);
        match column.seen.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count += 1,
            None => column.seen.push((kind.to_owned(), 1)),
        }
    }
    columns
}

/// Columns whose values are of kinds that no type but text holds.
fn mixed(rows: &[Json]) -> Vec<TrialFinding> {
    let is_mixed = |column: &TrialColumn| {
        let mut kinds: Vec<&str> =
            column.seen.iter().map(|(kind, _)| kind.as_str()).filter(|kind| *kind != "null").collect();
        // A whole number is a number.
        if kinds.contains(&"number") {
            kinds.retain(|kind| *kind != "integer");
        }
        kinds.len() > 1
    };
    let mixed = columns(rows).into_iter().filter(is_mixed);
    mixed
        .map(|column| {
            finding(Unproved, BuilderField::Schema, Found::Mixed { column: column.name, seen: column.seen })
        })
        .collect()
}

/// A JSON Schema that all rows fit.
pub(super) fn schema(rows: &[Json]) -> Json {
    let property = |column: TrialColumn| {
        let mut types = vec![json!("null")];
        for (kind, _) in column.seen.iter().filter(|(kind, _)| kind != "null") {
            types.push(json!(match kind.as_str() {
                "text" => "string",
                "list" => "array",
                other => other,
            }));
        }
        if types.contains(&json!("number")) {
            types.retain(|kind| kind != "integer");
        }
        let values: Vec<&Json> =
            rows.iter().filter_map(|row| row.get(&column.name)).filter(|value| !value.is_null()).collect();
        let is_text = types.len() == 2 && types.contains(&json!("string"));
        let mut schema = if types.len() == 1 { json!({}) } else { json!({"type": types}) };
        match shape::format_of(&column.name, &values).filter(|_| is_text) {
            Some("%Y-%m-%d") => schema["format"] = json!("date"),
            Some(format) => {
                schema["format"] = json!("date-time");
                if !format.ends_with('Z') && !format.ends_with("%z") {
                    schema["airbyte_type"] = json!("timestamp_without_timezone");
                }
            }
            None => {}
        }
        (column.name, schema)
    };
    let properties: Map = columns(rows).into_iter().map(property).collect();
    json!({"type": "object", "additionalProperties": true, "properties": properties})
}
