//! Where in a record a value is.

use crate::Json;

/// The value at a path. Digits are indexes of lists, and keys of objects.
pub(super) fn lookup<'a>(value: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(value, |value, step| match value {
        Json::Object(fields) => fields.get(step),
        Json::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The steps of a path like `owner/id`.
pub(super) fn steps(path: &str) -> Vec<String> {
    path.trim_start_matches('/').split('/').map(str::to_owned).collect()
}
