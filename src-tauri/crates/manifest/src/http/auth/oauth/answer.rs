//! What the endpoint of tokens says.

use jiff::{SignedDuration, Timestamp};
use syncline_protocol::{Error, ErrorKind, Result};

use super::usual_end;
use crate::Json;
use crate::expression::datetime::Moment;
use crate::expression::python_str;

/// How deep values are looked for.
const DEEPEST: usize = 5;

/// A JSON answer.
pub(super) struct Reply(Json);

impl Reply {
    pub(super) fn new(body: &[u8]) -> Option<Reply> {
        serde_json::from_slice(body).ok().map(Reply)
    }

    pub(super) fn field(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// A value by its name, wherever it stands.
    pub(super) fn find(&self, name: &str) -> Result<Option<&Json>> {
        find(&self.0, name, 0).map(|found| found.filter(|value| !value.is_null()))
    }

    /// The error in a few words: its name, and the code that some put before their description.
    pub(super) fn detail(&self) -> Option<String> {
        let text = |name: &str| {
            self.0.get(name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty())
        };
        let parts: Vec<&str> = text("error").into_iter().chain(text("error_description")).collect();
        let detail: String = parts.join(": ").chars().take(200).collect();
        (!detail.is_empty()).then_some(detail)
    }
}

fn find<'a>(value: &'a Json, name: &str, depth: usize) -> Result<Option<&'a Json>> {
    if depth > DEEPEST {
        return Err(Error::new(
            ErrorKind::Authentication,
            format!("The sign-in service answered with something deep that has no `{name}`."),
        ));
    }
    let inner: Box<dyn Iterator<Item = &Json>> = match value {
        Json::Object(fields) => {
            if let Some(found) = fields.get(name) {
                return Ok(Some(found));
            }
            Box::new(fields.values())
        }
        Json::Array(items) => Box::new(items.iter()),
        _ => return Ok(None),
    };
    for value in inner {
        if let Some(found) = find(value, name, depth + 1)?.filter(|value| !value.is_null()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// When a token ends: seconds from now, or a moment. An hour when nothing is said, or nothing that can be read.
pub(super) fn ends(expires: Option<&Json>, format: Option<&str>, now: Timestamp) -> Timestamp {
    let Some(expires) = expires else { return usual_end(now) };
    let text = python_str(expires);
    let found = match format {
        Some(format) => moment(&text, Some(format)),
        None => text
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|seconds| seconds.is_finite())
            .and_then(|seconds| now.checked_add(SignedDuration::from_secs(seconds as i64)).ok()),
    };
    found.unwrap_or_else(|| usual_end(now))
}

/// A moment: in the given format, as ISO 8601, or as seconds or milliseconds since 1970.
pub(super) fn moment(text: &str, format: Option<&str>) -> Option<Timestamp> {
    if let Some(found) = format.and_then(|format| Moment::parse(text, format)) {
        return Some(found.at);
    }
    if let Ok(number) = text.trim().parse::<i64>() {
        return match number.unsigned_abs() {
            0..100_000_000_000 => Timestamp::from_second(number).ok(),
            _ => Timestamp::from_millisecond(number).ok(),
        };
    }
    Moment::parse_any(text).map(|moment| moment.at)
}
