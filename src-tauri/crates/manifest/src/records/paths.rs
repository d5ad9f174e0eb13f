//! Paths into JSON with patterns, as `dpath` reads them: `data/*/id`, digits for lists.

use crate::{Json, Map};

/// Whether a step is a pattern.
pub(super) fn is_pattern(step: &str) -> bool {
    step.contains(['*', '?', '['])
}

/// `fnmatch`: `*`, `?`, `[a-z]`, `[!a]`.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    fn walk(pattern: &[char], text: &[char], left: &mut u32) -> bool {
        let Some(next) = left.checked_sub(1) else { return false };
        *left = next;
        match pattern.first() {
            None => text.is_empty(),
            Some('*') => (0..=text.len()).any(|skip| walk(&pattern[1..], &text[skip..], left)),
            Some('?') => !text.is_empty() && walk(&pattern[1..], &text[1..], left),
            Some('[') => {
                let Some(end) = pattern.iter().skip(2).position(|letter| *letter == ']').map(|at| at + 2)
                else {
                    return text.first() == Some(&'[') && walk(&pattern[1..], &text[1..], left);
                };
                let Some(letter) = text.first() else { return false };
                let (negated, set) = match &pattern[1..end] {
                    ['!', rest @ ..] => (true, rest),
                    set => (false, set),
                };
                let mut found = false;
                let mut at = 0;
                while at < set.len() {
                    if at + 2 < set.len() && set[at + 1] == '-' {
                        found |= (set[at]..=set[at + 2]).contains(letter);
                        at += 3;
                    } else {
                        found |= set[at] == *letter;
                        at += 1;
                    }
                }
                found != negated && walk(&pattern[end + 1..], &text[1..], left)
            }
            Some(letter) => text.first() == Some(letter) && walk(&pattern[1..], &text[1..], left),
        }
    }
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    walk(&pattern, &text, &mut 100_000)
}

/// The first value at a path, taken out of what it lies in.
pub(super) fn take(value: Json, path: &[String]) -> Option<Json> {
    let Some((step, rest)) = path.split_first() else { return Some(value) };
    match value {
        Json::Object(mut fields) => {
            if let Some(found) = fields.get_mut(step) {
                return take(found.take(), rest);
            }
            if !is_pattern(step) {
                return None;
            }
            let name = fields.keys().find(|name| matches(step, name))?.clone();
            take(fields.get_mut(&name)?.take(), rest)
        }
        Json::Array(mut items) => {
            let at = match step.parse::<usize>() {
                Ok(at) => at,
                Err(_) if is_pattern(step) => 0,
                Err(_) => return None,
            };
            take(items.get_mut(at)?.take(), rest)
        }
        _ => None,
    }
}

/// All values that a path matches, in order, taken out of what they lie in.
pub(super) fn take_all(value: Json, path: &[String], into: &mut Vec<Json>) {
    let Some((step, rest)) = path.split_first() else {
        into.push(value);
        return;
    };
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                if name == *step || (is_pattern(step) && matches(step, &name)) {
                    take_all(value, rest, into);
                }
            }
        }
        Json::Array(items) => {
            for (at, item) in items.into_iter().enumerate() {
                if at.to_string() == *step || (is_pattern(step) && matches(step, &at.to_string())) {
                    take_all(item, rest, into);
                }
            }
        }
        _ => {}
    }
}

/// Puts a value at a path; what is missing on the way is made.
pub(super) fn put(record: &mut Json, path: &[String], value: Json) {
    let Some((step, rest)) = path.split_first() else { return };
    let slot = match record {
        Json::Array(items) => {
            let Ok(at) = step.parse::<usize>() else { return };
            if at > 100_000 {
                return;
            }
            if items.len() <= at {
                items.resize(at + 1, Json::Null);
            }
            &mut items[at]
        }
        Json::Object(fields) => fields.entry(step.as_str()).or_insert(Json::Null),
        other => {
            *other = Json::Object(Map::new());
            let Json::Object(fields) = other else { return };
            fields.entry(step.as_str()).or_insert(Json::Null)
        }
    };
    if rest.is_empty() {
        *slot = value;
        return;
    }
    if !matches!(slot, Json::Object(_) | Json::Array(_)) {
        *slot = Json::Object(Map::new());
    }
    put(slot, rest, value);
}

/// Removes what a path matches, where `holds` is content. An item of a list becomes null, unless it is the last one.
pub(super) fn remove(
    value: &mut Json,
    path: &[String],
    holds: &mut dyn FnMut(&Json) -> syncline_protocol::Result<bool>,
) -> syncline_protocol::Result<()> {
    let Some((step, rest)) = path.split_first() else { return Ok(()) };
    let fits = |name: &str| name == step || (is_pattern(step) && matches(step, name));
    match value {
        Json::Object(fields) => {
            let names: Vec<String> = fields.keys().filter(|name| fits(name)).cloned().collect();
            for name in names {
                let Some(inner) = fields.get_mut(&name) else { continue };
                if !rest.is_empty() {
                    remove(inner, rest, holds)?;
                } else if holds(inner)? {
                    fields.shift_remove(&name);
                }
            }
        }
        Json::Array(items) => {
            for at in (0..items.len()).rev() {
                if !fits(&at.to_string()) {
                    continue;
                }
                if !rest.is_empty() {
                    remove(&mut items[at], rest, holds)?;
                } else if holds(&items[at])? {
                    if at + 1 == items.len() {
                        items.pop();
                    } else {
                        items[at] = Json::Null;
                    }
                }
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> Vec<String> {
        text.split('/').filter(|step| !step.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn values_are_taken_by_path() {
        let body = json!({"data": {"items": [{"id": 1}, {"id": 2}]}, "page": 1});
        assert_eq!(take(body.clone(), &path("data/items/1/id")), Some(json!(2)));
        assert_eq!(take(body.clone(), &path("data/nothing")), None);
        assert_eq!(take(body.clone(), &path("d?ta/items/0/id")), Some(json!(1)));
        let mut all = Vec::new();
        take_all(body, &path("data/items/*/id"), &mut all);
        assert_eq!(all, [json!(1), json!(2)]);
    }

    #[test]
    fn values_are_put_and_removed_by_path() {
        let mut record = json!({"a": {"b": 1}, "list": [1, 2, 3]});
        put(&mut record, &path("a/c/d"), json!("x"));
        put(&mut record, &path("list/1"), json!(9));
        assert_eq!(record, json!({"a": {"b": 1, "c": {"d": "x"}}, "list": [1, 9, 3]}));
        remove(&mut record, &path("a/*"), &mut |_| Ok(true)).unwrap();
        remove(&mut record, &path("list/0"), &mut |_| Ok(true)).unwrap();
        remove(&mut record, &path("list/2"), &mut |_| Ok(true)).unwrap();
        assert_eq!(record, json!({"a": {}, "list": [null, 9]}));
    }

    #[test]
    fn patterns_match_as_file_names_do() {
        for (pattern, text, fits) in [
            ("*", "abc", true),
            ("a*c", "abc", true),
            ("a?c", "ac", false),
            ("[a-c]x", "bx", true),
            ("[!a]x", "ax", false),
            ("[", "[", true),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} {text}");
        }
        assert!(!matches(&"*a".repeat(50), &"a".repeat(60).replace('a', "b")));
    }
}
