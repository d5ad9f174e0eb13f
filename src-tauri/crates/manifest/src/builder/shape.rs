//! What an answer shows: arrays, keys, times, the way to the next page.

use std::collections::HashSet;

use syncline_protocol::builder::{Evidence, Examined, FoundArray, FoundField, FoundNext};

use super::words;
use crate::Json;
use crate::expression::datetime::Moment;

/// How deep an answer is looked through.
const DEPTH_MAX: usize = 6;
const ARRAYS_MAX: usize = 50;

/// Formats of times, the commonest first. All are ones that the interpreter reads and prints.
const FORMATS: [&str; 9] = [
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%fZ",
    "%Y-%m-%dT%H:%M:%S%z",
    "%Y-%m-%dT%H:%M:%S.%f%z",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S%z",
    "%Y-%m-%d",
];

/// Looks through an answer; the rows are at the path, or at the likeliest.
pub(super) fn examine(answer: &Json, rows: Option<&[String]>) -> Examined {
    let mut arrays = Vec::new();
    find_arrays(answer, &mut Vec::new(), &mut arrays);
    arrays.sort_by_key(|array| {
        let word = array.path.last().and_then(|name| words::rank(&words::ROWS, name));
        (array.path.len() > 2, word.unwrap_or(usize::MAX), std::cmp::Reverse(array.rows))
    });
    let path = rows.map(<[String]>::to_vec).or_else(|| arrays.first().map(|array| array.path.clone()));
    let path = path.unwrap_or_default();
    let records = rows_at(answer, &path);
    let mut next = Vec::new();
    find_next(answer, &path, &mut Vec::new(), &mut next);
    next.sort_by_key(|found| (!found.link, found.path.len()));
    Examined { arrays, keys: keys(&records), times: times(&records), next }
}

/// Why the array that stands first was taken.
pub(super) fn why(arrays: &[FoundArray]) -> Evidence {
    match arrays {
        [] => Evidence::NoArray,
        [only] => Evidence::OnlyArray { rows: only.rows },
        [first, ..] => Evidence::LargestArray { rows: first.rows, arrays: arrays.len() as u64 },
    }
}

/// The rows at a path: the items of an array, or the object that stands there.
pub(super) fn rows_at<'a>(answer: &'a Json, path: &[String]) -> Vec<&'a Json> {
    let found = path.iter().try_fold(answer, |value, step| match value {
        Json::Array(items) => step.parse::<usize>().ok().and_then(|at| items.get(at)),
        _ => value.get(step),
    });
    match found {
        Some(Json::Array(items)) => items.iter().collect(),
        Some(object @ Json::Object(_)) => vec![object],
        _ => Vec::new(),
    }
}

fn find_arrays(value: &Json, path: &mut Vec<String>, found: &mut Vec<FoundArray>) {
    if path.len() > DEPTH_MAX || found.len() >= ARRAYS_MAX {
        return;
    }
    match value {
        // A list of lists or of texts has no columns. An empty one may be of rows.
        Json::Array(items) if items.first().is_none_or(Json::is_object) => {
            found.push(FoundArray { path: path.clone(), rows: items.len() as u64 });
        }
        Json::Object(fields) => {
            for (name, field) in fields {
                path.push(name.clone());
                find_arrays(field, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

fn find_next(value: &Json, rows: &[String], path: &mut Vec<String>, found: &mut Vec<FoundNext>) {
    if path.len() > 3 || (!rows.is_empty() && path.as_slice() == rows) {
        return;
    }
    for (name, field) in value.as_object().into_iter().flatten() {
        path.push(name.clone());
        match field {
            Json::Object(_) if words::ABOUT_PAGES.contains(&name.as_str()) => {
                find_next(field, rows, path, found);
            }
            Json::String(text) => {
                let address =
                    text.starts_with("http://") || text.starts_with("https://") || text.starts_with('/');
                let about_next = path.iter().any(|step| step.to_lowercase().contains("next"));
                if address && about_next && words::NEXT_LINK.contains(&name.as_str()) {
                    found.push(FoundNext { path: path.clone(), link: true });
                } else if !address && !text.is_empty() && words::NEXT_CURSOR.contains(&name.as_str()) {
                    found.push(FoundNext { path: path.clone(), link: false });
                }
            }
            Json::Number(_) if name != "cursor" && words::NEXT_CURSOR.contains(&name.as_str()) => {
                found.push(FoundNext { path: path.clone(), link: false });
            }
            _ => {}
        }
        path.pop();
    }
}

fn keys(records: &[&Json]) -> Vec<FoundField> {
    let Some(first) = records.first().and_then(|record| record.as_object()) else { return Vec::new() };
    let mut found: Vec<(usize, FoundField)> = Vec::new();
    for name in first.keys() {
        let rank = words::rank(&words::KEY, name).or_else(|| {
            let lower = name.to_lowercase();
            (lower.ends_with("_id")
                || lower.ends_with("id")
                || lower.ends_with("_key")
                || lower.ends_with("number"))
            .then_some(words::KEY.len())
        });
        let Some(rank) = rank else { continue };
        let mut seen = HashSet::new();
        let unique = records.iter().all(|record| match record.get(name) {
            Some(value @ (Json::String(_) | Json::Number(_))) => seen.insert(value.to_string()),
            _ => false,
        });
        if unique {
            let because = Evidence::Unique { rows: records.len() as u64 };
            found.push((rank, FoundField { field: name.clone(), because }));
        }
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, field)| field).collect()
}

fn times(records: &[&Json]) -> Vec<FoundField> {
    let Some(first) = records.first().and_then(|record| record.as_object()) else { return Vec::new() };
    let mut found: Vec<(usize, FoundField)> = Vec::new();
    for name in first.keys() {
        let values = records.iter().filter_map(|record| record.get(name)).filter(|value| !value.is_null());
        let values: Vec<&Json> = values.collect();
        let Some(format) = format_of(name, &values) else { continue };
        let known = words::rank(&words::CHANGED, name)
            .or_else(|| words::rank(&words::CREATED, name).map(|rank| rank + words::CHANGED.len()));
        let because = Evidence::Times { rows: values.len() as u64, format: format.to_owned() };
        found.push((known.unwrap_or(100), FoundField { field: name.clone(), because }));
    }
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, field)| field).collect()
}

/// The format of these values, when all are times.
pub(super) fn format_of(name: &str, values: &[&Json]) -> Option<&'static str> {
    let first = values.first()?;
    if let Json::Number(_) = first {
        // Numbers are times only under a name that says so.
        let lower = name.to_lowercase();
        let named = words::CHANGED.iter().chain(&words::CREATED).any(|word| word.to_lowercase() == lower)
            || lower.ends_with("_at")
            || lower.ends_with("time");
        let within = |from: i64, to: i64| {
            values.iter().all(|value| value.as_i64().is_some_and(|number| (from..to).contains(&number)))
        };
        return match () {
            () if !named => None,
            () if within(946_684_800, 4_102_444_800) => Some("%s"),
            () if within(946_684_800_000, 4_102_444_800_000) => Some("%ms"),
            () => None,
        };
    }
    FORMATS.into_iter().find(|format| {
        values.iter().all(|value| value.as_str().is_some_and(|text| Moment::parse(text, format).is_some()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rows_key_time_and_next_are_found() {
        let answer = json!({
            "data": [{"id": 1, "account_id": 7, "updated_at": "2026-01-05T10:00:00Z", "tags": ["a"]},
                     {"id": 2, "account_id": 7, "updated_at": "2026-01-06T10:00:00Z", "tags": []}],
            "warnings": [], "meta": {"next_cursor": "abc", "total": 9}, "links": {"next": "https://x.test/?page=2", "self": "https://x.test"}
        });
        let found = examine(&answer, None);
        assert_eq!(found.arrays[0], FoundArray { path: vec!["data".to_owned()], rows: 2 });
        assert_eq!(found.arrays.len(), 2);
        let names =
            |fields: &[FoundField]| fields.iter().map(|field| field.field.clone()).collect::<Vec<_>>();
        assert_eq!(names(&found.keys), ["id"], "an id that comes twice is no key");
        assert_eq!(names(&found.times), ["updated_at"]);
        assert_eq!(
            found.times[0].because,
            Evidence::Times { rows: 2, format: "%Y-%m-%dT%H:%M:%SZ".to_owned() }
        );
        assert_eq!(
            found.next[0],
            FoundNext { path: vec!["links".to_owned(), "next".to_owned()], link: true }
        );
        assert_eq!(
            found.next[1],
            FoundNext { path: vec!["meta".to_owned(), "next_cursor".to_owned()], link: false }
        );
        assert_eq!(why(&found.arrays), Evidence::LargestArray { rows: 2, arrays: 2 });
    }

    #[test]
    fn the_shape_may_be_anything() {
        assert_eq!(examine(&json!([]), None).arrays, [FoundArray { path: vec![], rows: 0 }]);
        assert_eq!(examine(&json!("x"), None), Examined::default());
        assert_eq!(why(&examine(&json!({"id": 1, "name": "x"}), None).arrays), Evidence::NoArray);
        let odd = json!([{"id": 1, "updated": 1_700_000_000, "amount": 1_700_000_000}, {"id": 2, "updated": 1_700_000_001}]);
        let found = examine(&odd, None);
        assert_eq!(found.times.len(), 1, "an amount is no time");
        assert_eq!(found.times[0].field, "updated");
    }
}
