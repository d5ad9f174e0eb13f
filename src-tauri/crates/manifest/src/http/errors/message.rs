//! The message in an answer, where APIs use to put it.

use bytes::Bytes;

use crate::Json;
use crate::expression::truthy;

const KEYS: [&str; 12] = [
    "message",
    "messages",
    "error",
    "errors",
    "failures",
    "failure",
    "detail",
    "err",
    "error_message",
    "msg",
    "reason",
    "status_message",
];
const DEEPEST: usize = 16;

/// The message of an answer; the text itself when it is no JSON.
pub(crate) fn of_body(body: &Bytes) -> Option<String> {
    match serde_json::from_slice::<Json>(body) {
        Ok(json) => of_json(&json, 0),
        Err(_) => std::str::from_utf8(body).ok().map(str::to_owned),
    }
}

fn of_json(value: &Json, depth: usize) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Array(items) if depth < DEEPEST => {
            let found: Vec<String> = items.iter().filter_map(|item| of_json(item, depth + 1)).collect();
            Some(found.join(", "))
        }
        Json::Object(fields) if depth < DEEPEST => {
            let found = KEYS.iter().find_map(|key| fields.get(*key).filter(|field| truthy(field)))?;
            of_json(found, depth + 1)
        }
        _ => None,
    }
}
