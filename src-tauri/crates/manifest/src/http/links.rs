//! The headers of an answer as templates see them.

use crate::{Json, Map};

/// The mark of an object whose keys are found in any capitalisation.
pub(crate) const CASELESS: &str = "\u{0}caseless";

/// Where the Link header itself stands when `link` is what it says.
pub(crate) const LINK_HEADER: &str = "\u{0}link";

/// What templates see as `headers`. `links`: the Link header as what it says.
pub(super) fn headers_json(headers: &[(String, String)], links: bool) -> Json {
    let mut fields = Map::new();
    fields.insert(CASELESS.to_owned(), Json::Bool(true));
    for (name, value) in headers {
        match fields.get_mut(name) {
            Some(Json::String(known)) => *known = format!("{known}, {value}"),
            _ => drop(fields.insert(name.clone(), Json::String(value.clone()))),
        }
    }
    if links {
        // As the reference has it: `link` is what the header says, in any other capitalisation it is the header.
        let header = fields.shift_remove("link");
        let parsed =
            header.as_ref().and_then(Json::as_str).map_or_else(|| Json::Object(Map::new()), parsed_links);
        fields.insert("link".to_owned(), parsed);
        fields.extend(header.map(|header| (LINK_HEADER.to_owned(), header)));
    }
    Json::Object(fields)
}

/// `<https://…>; rel="next", …` → `{"next": {"url": …, "rel": "next"}}`.
fn parsed_links(text: &str) -> Json {
    let mut links = Map::new();
    for part in text.split(",").map(str::trim).fold(Vec::<String>::new(), |mut parts, part| {
        // A comma inside an address does not end it.
        match parts.last_mut() {
            Some(last) if !part.starts_with('<') => {
                last.push(',');
                last.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
        parts
    }) {
        let mut pieces = part.split(';');
        let url = pieces.next().unwrap_or_default().trim().trim_matches(|letter| "<>'\" ".contains(letter));
        let mut link = Map::from_iter([("url".to_owned(), Json::from(url))]);
        for piece in pieces {
            if let Some((name, value)) = piece.split_once('=') {
                let trim = |text: &str| text.trim_matches(|letter| "'\" ".contains(letter)).to_owned();
                link.insert(trim(name), Json::String(trim(value)));
            }
        }
        let name = link.get("rel").and_then(Json::as_str).unwrap_or(url).to_owned();
        links.insert(name, Json::Object(link));
    }
    Json::Object(links)
}
