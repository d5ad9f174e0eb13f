//! Headers as templates see them.

use crate::{Json, Map};

/// The mark of an object whose keys are found in any capitalisation: servers and newer versions of HTTP do not keep the
/// one that templates ask for.
pub(crate) const CASELESS: &str = "\u{0}caseless";

/// Where the Link header itself stands when `link` is what it says.
pub(crate) const LINK: &str = "\u{0}link";

/// Headers as an object: names in small letters, found in any capitalisation.
pub(crate) fn json(headers: &[(String, String)]) -> Map {
    let mut map = Map::from_iter([(CASELESS.to_owned(), Json::Bool(true))]);
    map.extend(headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), Json::String(value.clone()))));
    map
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
}
