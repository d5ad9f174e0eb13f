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

/// Runs of capitals, of small letters, of digits; anything else divides.
pub(super) fn snake_key(name: &str) -> String {
    let letters: Vec<char> = ascii(name).chars().collect();
    let kind = |letter: char| match letter {
        'A'..='Z' => 'A',
        'a'..='z' => 'a',
        '0'..='9' => '0',
        _ => '_',
    };
    let mut tokens: Vec<String> = Vec::new();
    let mut at = 0;
    while at < letters.len() {
        let start = at;
        match kind(letters[at]) {
            '0' => {
                while at < letters.len() && kind(letters[at]) == '0' {
                    at += 1;
                }
            }
            'A' => {
                while at < letters.len() && kind(letters[at]) == 'A' {
                    at += 1;
                }
                if at < letters.len() && kind(letters[at]) == 'a' {
                    // The last capital begins the next word: `IDName` is `ID`, `Name`.
                    if at - start > 1 {
                        at -= 1;
                    } else {
                        while at < letters.len() && kind(letters[at]) == 'a' {
                            at += 1;
                        }
                    }
                }
            }
            'a' => {
                while at < letters.len() && kind(letters[at]) == 'a' {
                    at += 1;
                }
            }
            _ => {
                while at < letters.len() && kind(letters[at]) == '_' {
                    at += 1;
                }
                tokens.push(String::new());
                continue;
            }
        }
        tokens.push(letters[start..at].iter().collect());
    }
    if tokens.len() >= 3 {
        let last = tokens.len() - 1;
        let mut position = 0;
        tokens.retain(|token| {
            let keep = position == 0 || position == last || !token.is_empty();
            position += 1;
            keep
        });
    }
    if tokens.first().is_some_and(|first| first.bytes().next().is_some_and(|byte| byte.is_ascii_digit())) {
        tokens.insert(0, String::new());
    }
    tokens.join("_").to_lowercase()
}

/// Letters of the Latin alphabet without their marks; others as they are.
fn ascii(text: &str) -> String {
    const FOLDED: [(&str, &str); 14] = [
        ("àáâãåāă", "a"),
        ("ä", "a"),
        ("çćč", "c"),
        ("èéêëēėę", "e"),
        ("ìíîïī", "i"),
        ("ñń", "n"),
        ("òóôõöøō", "o"),
        ("ùúûüū", "u"),
        ("ýÿ", "y"),
        ("ß", "ss"),
        ("æ", "ae"),
        ("œ", "oe"),
        ("šś", "s"),
        ("žźż", "z"),
    ];
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() {
            out.push(letter);
            continue;
        }
        let small: String = letter.to_lowercase().collect();
        match FOLDED.iter().find(|(letters, _)| letters.contains(&small)) {
            Some((_, plain)) if letter.is_uppercase() => out.push_str(&plain.to_uppercase()),
            Some((_, plain)) => out.push_str(plain),
            None => out.push(letter),
        }
    }
    out
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
            ("FIRSTName", "first_name"),
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
