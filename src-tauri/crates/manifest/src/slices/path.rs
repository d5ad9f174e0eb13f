//! Where in a record a value is.

use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;

/// The value at a path. Digits are indexes of lists, and keys of objects; a step may be a pattern like `*_id`.
///
/// # Errors
/// `CorruptInput`, when the patterns fit more than one value.
pub(super) fn lookup<'a>(value: &'a Json, path: &[String]) -> Result<Option<&'a Json>> {
    if !path.iter().any(|step| is_pattern(step)) {
        return Ok(path.iter().try_fold(value, |value, step| match value {
            Json::Object(fields) => fields.get(step),
            Json::Array(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        }));
    }
    let mut found = vec![value];
    for step in path {
        found = found.into_iter().flat_map(|value| children(value, step)).collect();
    }
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => Err(Error::new(
            ErrorKind::CorruptInput,
            "A path with a pattern fits more than one value of a record.",
        )
        .with("path", path.join("/"))),
    }
}

fn is_pattern(step: &str) -> bool {
    step.contains(['*', '?', '['])
}

fn children<'a>(value: &'a Json, step: &str) -> Vec<&'a Json> {
    match value {
        Json::Object(fields) => {
            fields.iter().filter(|(key, _)| fits(key, step)).map(|(_, value)| value).collect()
        }
        Json::Array(items) => {
            let named = items.iter().enumerate();
            named.filter(|(index, _)| fits(&index.to_string(), step)).map(|(_, value)| value).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a name fits a pattern of `*`, `?` and `[abc]`, as file names do.
fn fits(name: &str, pattern: &str) -> bool {
    let mut expression = String::from("(?s)^");
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' if letters.clone().skip(1).any(|letter| letter == ']') => {
                let set: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                let (negated, set) = set.strip_prefix('!').map_or(("", set.as_str()), |set| ("^", set));
                let set =
                    set.replace('\\', "\\\\").replace('[', "\\[").replace('^', "\\^").replace('&', "\\&");
                expression.push_str(&format!("[{negated}{set}]"));
            }
            other => expression.push_str(&fancy_regex::escape(&other.to_string())),
        }
    }
    expression.push('$');
    // A pattern that is none fits nothing.
    fancy_regex::Regex::new(&expression).is_ok_and(|regex| regex.is_match(name).unwrap_or_default())
}

/// The steps of a path like `owner/id`.
pub(super) fn steps(path: &str) -> Vec<String> {
    path.trim_start_matches('/').split('/').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_found_by_path() {
        let record = json!({ "a": { "b": [10, { "c": null }], "1": "one" }, "xy": 1, "xz": 2, "*": 3 });
        let find = |path: &str| lookup(&record, &steps(path)).map(|found| found.cloned());
        for (path, expected) in [
            ("a/b/0", Some(json!(10))),
            ("/a/b/1/c", Some(json!(null))),
            ("a/1", Some(json!("one"))),
            ("a/b/2", None),
            ("a/b/x", None),
            ("xy/z", None),
            ("?y", Some(json!(1))),
            ("x[z]", Some(json!(2))),
            ("x[!z]", Some(json!(1))),
            ("a/b/[0]", Some(json!(10))),
            ("q*", None),
            ("x[", None),
        ] {
            assert_eq!(find(path).unwrap(), expected, "{path}");
        }
        assert!(find("x*").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_panics(name in "\\PC{0,8}", pattern in "[a-c*?!\\[\\]^&\\\\-]{0,10}") {
            let _ = fits(&name, &pattern);
        }
    }
}
