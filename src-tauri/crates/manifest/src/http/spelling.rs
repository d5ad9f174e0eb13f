//! Headers as templates see them. Templates ask for headers with a capitalisation that servers and newer versions of
//! HTTP do not keep, so each header is there under every name that the manifest uses for it.

use std::collections::BTreeSet;

use crate::{Json, Map};

/// How a manifest writes the names of headers.
#[derive(Debug, Default)]
pub(crate) struct Spellings {
    names: BTreeSet<String>,
}

impl Spellings {
    /// The spellings in the templates of a manifest.
    pub(crate) fn of(manifest: &Json) -> Spellings {
        let mut spellings = Spellings::default();
        spellings.collect(manifest, 0);
        spellings
    }

    fn collect(&mut self, value: &Json, depth: usize) {
        match value {
            Json::String(text) if text.contains("headers") => self.names_in(text),
            Json::Array(items) if depth < 128 => items.iter().for_each(|item| self.collect(item, depth + 1)),
            Json::Object(fields) if depth < 128 => {
                fields.values().for_each(|field| self.collect(field, depth + 1))
            }
            _ => {}
        }
    }

    /// Whatever stands in quotes, or after a point, behind `headers` may be a name.
    fn names_in(&mut self, text: &str) {
        for after in text.split("headers").skip(1) {
            let mut parts = after.split(['\'', '"']);
            let between = parts.next().unwrap_or_default();
            if let Some(name) = parts.next().filter(|_| between.len() < 16) {
                self.names.insert(name.to_owned());
            }
            if let Some(rest) = after.strip_prefix('.') {
                let end =
                    rest.find(|next: char| !next.is_alphanumeric() && next != '_').unwrap_or(rest.len());
                self.names.insert(rest[..end].to_owned());
            }
        }
    }

    /// Headers under their usual name, in small letters, and as the manifest writes them. `links` replaces `link`.
    pub(crate) fn headers(&self, headers: &[(String, String)], links: Option<Json>) -> Json {
        let mut map = Map::new();
        for (name, value) in headers {
            let value = Json::String(value.clone());
            map.insert(title(name), value.clone());
            for spelling in self.names.iter().filter(|spelling| spelling.eq_ignore_ascii_case(name)) {
                map.insert(spelling.clone(), value.clone());
            }
            map.insert(name.to_ascii_lowercase(), value);
        }
        if let Some(links) = links {
            map.insert("link".to_owned(), links);
        }
        Json::Object(map)
    }
}

/// `x-next-page` is mostly written `X-Next-Page`.
fn title(name: &str) -> String {
    let mut upper = true;
    let turn = |character: char| {
        let turned = if upper { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() };
        upper = character == '-';
        turned
    };
    name.chars().map(turn).collect()
}

/// The parsed `Link` header: by relation, each with its address and attributes.
pub(crate) fn links(headers: &[(String, String)]) -> Json {
    let mut links = Map::new();
    let value =
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("link")).map(|(_, value)| value.as_str());
    let value = value.unwrap_or_default().trim_matches(|edge| "'\" ".contains(edge));
    for part in split_links(value) {
        let (address, attributes) = part.split_once(';').unwrap_or((part, ""));
        let mut link = Map::new();
        let address = address.trim_matches(|edge: char| "<> '\"".contains(edge));
        link.insert("url".to_owned(), Json::String(address.to_owned()));
        for attribute in attributes.split(';') {
            let Some((key, value)) = attribute.split_once('=') else { break };
            let trim = |text: &str| text.trim_matches(|edge: char| "'\" ".contains(edge)).to_owned();
            link.insert(trim(key), Json::String(trim(value)));
        }
        let name =
            link.get("rel").or_else(|| link.get("url")).and_then(Json::as_str).unwrap_or_default().to_owned();
        links.insert(name, Json::Object(link));
    }
    Json::Object(links)
}

/// Links are separated by a comma before `<`; addresses may hold commas.
fn split_links(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end =
            rest.match_indices(',').map(|(at, _)| at).find(|at| rest[at + 1..].trim_start().starts_with('<'));
        let (part, after) = match end {
            Some(at) => (&rest[..at], &rest[at + 1..]),
            None => (rest, ""),
        };
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn links_are_parsed_by_relation() {
        let header = r#"<https://x.test/a?p=2,3>; rel="next"; title='n', <https://x.test/a?p=9>; rel=last"#;
        let found = links(&[("Link".to_owned(), header.to_owned())]);
        assert_eq!(found["next"], json!({"url": "https://x.test/a?p=2,3", "rel": "next", "title": "n"}));
        assert_eq!(found["last"]["url"], "https://x.test/a?p=9");
        assert_eq!(links(&[]), json!({}));
    }

    #[test]
    fn headers_are_found_as_the_manifest_writes_them() {
        let manifest = json!({"a": ["{{ headers['X-RateLimit-Left'] }}", "{{ headers.get(\"x-NEXT\") }}"]});
        let spellings = Spellings::of(&manifest);
        let headers =
            [("x-ratelimit-left".to_owned(), "7".to_owned()), ("x-next".to_owned(), "b".to_owned())];
        let seen = spellings.headers(&headers, None);
        for (name, value) in
            [("X-RateLimit-Left", "7"), ("x-ratelimit-left", "7"), ("X-Next", "b"), ("x-NEXT", "b")]
        {
            assert_eq!(seen[name], value, "{name}");
        }
    }
}
