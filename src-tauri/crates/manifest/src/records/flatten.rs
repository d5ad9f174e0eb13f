//! Keys and nesting: `KeysToSnakeCase`, `FlattenFields`.

use crate::{Json, Map};

/// `camelCaseID2` → `camel_case_id_2`, in objects at any depth.
pub(super) fn snake(fields: Map, depth: usize) -> Map {
    fields
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Json::Object(inner) if depth < 128 => Json::Object(snake(inner, depth + 1)),
                other => other,
            };
            (snake_key(&name), value)
        })
        .collect()
}

/// Words are capitals with the small letters after them, small letters, and digits; anything else divides them. Other
/// scripts are written in Latin letters first.
pub(super) fn snake_key(name: &str) -> String {
    let latin = any_ascii::any_ascii(name);
    let kind = |letter: u8| match letter {
        b'A'..=b'Z' => 'A',
        b'a'..=b'z' => 'a',
        b'0'..=b'9' => '0',
        _ => '_',
    };
    let letters = latin.as_bytes();
    let run = |from: usize, wanted: char| {
        letters[from..]
            .iter()
            .position(|letter| kind(*letter) != wanted)
            .map_or(letters.len(), |end| from + end)
    };
    let mut words = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let first = kind(letters[at]);
        let mut end = run(at, first);
        if first == 'A' {
            end = run(end, 'a');
        }
        words.push(if first == '_' { "" } else { &latin[at..end] });
        at = end;
    }
    if words.len() >= 3 {
        let last = words.len() - 1;
        let mut position = 0..;
        words.retain(|word| {
            let position = position.next().unwrap_or(last);
            position == 0 || position == last || !word.is_empty()
        });
    }
    if words.first().is_some_and(|first| first.starts_with(|letter: char| letter.is_ascii_digit())) {
        words.insert(0, "");
    }
    words.join("_").to_ascii_lowercase()
}

/// All leaves at the top, by their own name; with the names on the way where two leaves have one name, and, once a list
/// was met, always.
pub(super) fn flatten(record: Json, lists: bool) -> Map {
    let mut flat = Map::new();
    let mut stack = vec![(record, "_".to_owned())];
    let mut always = false;
    while let Some((value, name)) = stack.pop() {
        match value {
            Json::Object(fields) => {
                for (key, value) in fields {
                    let long = always || flat.contains_key(&key);
                    stack.push((value, if long { format!("{name}.{key}") } else { key }));
                }
            }
            Json::Array(items) if lists => {
                for (at, item) in items.into_iter().enumerate() {
                    always = true;
                    stack.push((item, format!("{name}.{at}")));
                }
            }
            leaf => drop(flat.insert(name, leaf)),
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_become_snake_case() {
        for (key, expected) in [
            ("camelCase", "camel_case"),
            ("FIRSTName", "firstname"),
            ("日本", "ri_ben"),
            ("Hello-World", "hello_world"),
            ("ID2", "id_2"),
            ("2fast", "_2_fast"),
            ("already_snake", "already_snake"),
            ("Größe", "grosse"),
            ("_lead", "_lead"),
        ] {
            assert_eq!(snake_key(key), expected, "{key}");
        }
    }

    #[test]
    fn leaves_come_to_the_top() {
        let record = json!({"a": {"x": 1}, "b": {"x": 2}, "c": [3, 4]});
        let flat = flatten(record, true);
        assert_eq!(Json::Object(flat), json!({"c.1": 4, "c.0": 3, "b.x": 2, "a.x": 1}));
        assert_eq!(flatten(json!({"c": [3]}), false), *json!({"c": [3]}).as_object().unwrap());
    }
}
