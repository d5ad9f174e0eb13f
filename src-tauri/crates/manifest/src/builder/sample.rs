//! A draft from one answer of an API.

use syncline_protocol::builder::{Draft, Evidence};
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

use super::{Guessed, Newer, Paging, Sketch, TableSketch, compose, shape, words};
use crate::{Json, Map};

/// An answer as JSON.
///
/// # Errors
/// `CorruptInput`, with line and column.
pub(super) fn json(text: &str) -> Result<Json> {
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|error| {
        let is_page = super::is_web_page(text);
        let message = match is_page {
            true => "This is a web page, not data.".to_owned(),
            false => format!("This is no JSON: line {}, column {}.", error.line(), error.column()),
        };
        let error = Error::new(ErrorKind::CorruptInput, message)
            .meaning("Nothing was made yet.")
            .with("line", error.line())
            .caused_by(error);
        match is_page {
            true => error
                .fix("Look for the address of the API itself; it often begins with api. or has /api/ in it."),
            false => error.fix("Copy the whole answer, from the first bracket to the last."),
        }
    })
}

/// A draft from an answer, and the address that gave it.
///
/// # Errors
/// As [`json`].
pub(super) fn draft(text: &str, url: Option<&str>) -> Result<Draft> {
    let answer = json(text)?;
    let url = url.map(str::trim).filter(|url| !url.is_empty());
    let url = url.map(|url| Url::parse(url).map_err(|_| not_an_address())).transpose()?;
    let mut table = table(&answer, url.as_ref());
    let mut sketch = Sketch::default();
    if let Some(url) = &url {
        sketch.title = host_title(url);
        let (base, path) = split(url);
        sketch.base = Some(Guessed::new(base, Evidence::Request));
        table.path = path;
    }
    sketch.tables.push(table);
    let mut draft = compose::draft(&sketch)?;
    draft.sample = Some(text.to_owned());
    Ok(draft)
}

pub(super) fn not_an_address() -> Error {
    Error::new(ErrorKind::Config, "This is no address.").fix("It begins with https:// or http://.")
}

/// A table whose rows the answer holds.
pub(super) fn table(answer: &Json, url: Option<&Url>) -> TableSketch {
    let found = shape::examine(answer, None);
    let rows = found.arrays.first().map(|array| array.path.clone()).unwrap_or_default();
    let records = shape::rows_at(answer, &rows).len() as u64;
    let mut table = TableSketch {
        name: url
            .and_then(name_of)
            .unwrap_or_else(|| rows.last().cloned().unwrap_or_else(|| "items".to_owned())),
        ..TableSketch::default()
    };
    table.name = words::snake(&table.name);
    let query: Vec<(String, String)> = url
        .into_iter()
        .flat_map(Url::query_pairs)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    table.key = found.keys.first().map(|key| Guessed::new(vec![key.field.clone()], key.because.clone()));
    let since = words::first(&words::SINCE, query.iter().map(|(name, _)| name.as_str())).map(str::to_owned);
    table.newer = found.times.first().and_then(|time| {
        let Evidence::Times { format, .. } = &time.because else { return None };
        let newer = Newer { field: time.field.clone(), format: format.clone(), parameter: since.clone() };
        Some(Guessed::new(newer, time.because.clone()))
    });
    table.paging = paging(&found, &query, records);
    let used = used(table.paging.as_ref().map(|paging| &paging.value), since.as_deref());
    table.parameters = query
        .into_iter()
        .filter(|(name, _)| !used.contains(name))
        .map(|(name, value)| (name, Json::from(value)))
        .collect::<Map>();
    table.rows = Some(Guessed::new(rows, shape::why(&found.arrays)));
    table
}

/// Parameters that the draft sends by itself.
fn used(paging: Option<&Paging>, since: Option<&str>) -> Vec<String> {
    let mut used: Vec<String> = since.into_iter().map(str::to_owned).collect();
    let (parameter, size) = match paging {
        Some(Paging::Page { parameter, size, .. } | Paging::Cursor { parameter, size, .. }) => {
            (Some(parameter), size.as_ref())
        }
        Some(Paging::Offset { parameter, size }) => (Some(parameter), Some(size)),
        Some(Paging::LinkHeader { size }) => (None, size.as_ref()),
        Some(Paging::Link { .. }) | None => (None, None),
    };
    used.extend(parameter.cloned());
    used.extend(size.map(|(name, _)| name.clone()));
    used
}

/// How the next page is asked for, from the answer and the parameters that were sent.
fn paging(
    found: &syncline_protocol::builder::Examined,
    query: &[(String, String)],
    rows: u64,
) -> Option<Guessed<Paging>> {
    let names = || query.iter().map(|(name, _)| name.as_str());
    let value = |wanted: &str| query.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let size = words::first(&words::SIZE, names());
    let size = size
        .map(|name| (name.to_owned(), value(name).and_then(|size| size.parse().ok()).unwrap_or(rows.max(1))));
    if let Some(next) = found.next.iter().find(|next| next.link) {
        let because = Evidence::Answer { place: next.path.join(".") };
        return Some(Guessed::new(Paging::Link { place: next.path.clone() }, because));
    }
    if let Some(next) = found.next.first() {
        let named = words::first(&words::CURSOR, names());
        // A cursor is mostly sent back under the name it has without `next_`.
        let last = next.path.last().map_or("cursor", String::as_str);
        let parameter = named.unwrap_or(match last {
            "next_page_token" | "nextPageToken" => "page_token",
            "next_token" | "nextToken" | "continuation_token" | "continuationToken" => last,
            "after" | "end_cursor" | "endCursor" => "after",
            _ => "cursor",
        });
        let because = Evidence::Answer { place: next.path.join(".") };
        let paging = Paging::Cursor { parameter: parameter.to_owned(), place: next.path.clone(), size };
        return Some(Guessed::new(paging, because));
    }
    let because = |names: &[&str]| Evidence::Parameters {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    if let Some(page) = words::first(&words::PAGE, names()) {
        let first = value(page).and_then(|page| page.parse().ok()).filter(|page| *page <= 1).unwrap_or(1);
        let names: Vec<&str> =
            std::iter::once(page).chain(size.as_ref().map(|(name, _)| name.as_str())).collect();
        let because = because(&names);
        return Some(Guessed::new(Paging::Page { parameter: page.to_owned(), size, first }, because));
    }
    let offset = words::first(&words::OFFSET, names())?;
    let size = size?;
    let because = because(&[offset, &size.0]);
    Some(Guessed::new(Paging::Offset { parameter: offset.to_owned(), size }, because))
}

/// `https://api.acme.test/v2/tickets?page=2` → the address up to the version, and the rest of the path.
pub(super) fn split(url: &Url) -> (String, String) {
    let steps: Vec<&str> =
        url.path_segments().into_iter().flatten().filter(|step| !step.is_empty()).collect();
    let origin = url.origin().ascii_serialization();
    let is_version = |step: &&str| {
        step.strip_prefix('v').is_some_and(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
            || matches!(*step, "api" | "rest" | "latest")
    };
    let base = steps.iter().take_while(|step| is_version(step)).count().min(steps.len().saturating_sub(1));
    let base_path: String = steps.iter().take(base).map(|step| format!("/{step}")).collect();
    let path: String = steps.iter().skip(base).map(|step| format!("/{step}")).collect();
    (format!("{origin}{base_path}"), path)
}

/// The last step of a path that is a word.
pub(super) fn name_of(url: &Url) -> Option<String> {
    let steps = url.path_segments()?.filter(|step| step.chars().any(char::is_alphabetic)).collect::<Vec<_>>();
    let last = steps.last()?;
    let last = last.trim_end_matches(".json");
    (!last.is_empty()).then(|| last.to_owned())
}

/// `api.acme-tickets.com` → `acme-tickets`.
pub(super) fn host_title(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let parts: Vec<&str> = host.split('.').filter(|part| !matches!(*part, "api" | "www" | "rest")).collect();
    match parts.as_slice() {
        [] => String::new(),
        _ if url.host().is_some_and(|host| !matches!(host, url::Host::Domain(_))) => "local api".to_owned(),
        [only] => (*only).to_owned(),
        [.., name, _top] => (*name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Connector;

    #[test]
    fn an_answer_becomes_a_table_with_evidence() {
        let text = r#"{"results": [{"id": "a", "updated_at": "2026-01-05T10:00:00Z"}, {"id": "b", "updated_at": "2026-01-05T11:00:00Z"}],
            "paging": {"next_cursor": "xyz"}}"#;
        let draft = draft(
            text,
            Some("https://api.acme.test/v2/tickets?limit=2&status=open&updated_since=2026-01-01"),
        )
        .unwrap();
        let plain = crate::document::plain(&draft.yaml).unwrap();
        assert_eq!(plain["definitions"]["requester"]["url_base"], "https://api.acme.test/v2");
        let stream = &plain["definitions"]["streams"]["tickets"];
        assert_eq!(stream["retriever"]["requester"]["path"], "/tickets");
        assert_eq!(
            stream["retriever"]["requester"]["request_parameters"],
            serde_json::json!({"status": "open"})
        );
        assert_eq!(
            stream["retriever"]["record_selector"]["extractor"]["field_path"],
            serde_json::json!(["results"])
        );
        assert_eq!(stream["primary_key"], serde_json::json!(["id"]));
        assert_eq!(stream["incremental_sync"]["start_time_option"]["field_name"], "updated_since");
        let paginator = &stream["retriever"]["paginator"];
        assert_eq!(paginator["page_token_option"]["field_name"], "cursor");
        assert_eq!(paginator["pagination_strategy"]["page_size"], 2);
        assert_eq!(draft.name, "acme");
        assert_eq!(draft.guesses.len(), 5, "{:?}", draft.guesses);
        assert!(Connector::parse(&draft.yaml, &|_| None).is_ok());
    }

    #[test]
    fn what_is_no_json_names_the_line() {
        let line = |text: &str| json(text).unwrap_err();
        assert!(line("{\"a\": 1,\n oops}").message().contains("line 2"));
        assert!(line("<!DOCTYPE html><html></html>").message().contains("web page"));
        assert!(json("\u{feff}[]").is_ok());
    }

    #[test]
    fn addresses_are_divided_after_the_version() {
        let divided = |url: &str| split(&Url::parse(url).unwrap());
        let both = |base: &str, path: &str| (base.to_owned(), path.to_owned());
        assert_eq!(divided("https://x.test/api/v3/orders/7"), both("https://x.test/api/v3", "/orders/7"));
        assert_eq!(divided("http://127.0.0.1:8080/orders"), both("http://127.0.0.1:8080", "/orders"));
        assert_eq!(divided("https://x.test/v1"), both("https://x.test", "/v1"));
        assert_eq!(divided("https://x.test"), both("https://x.test", ""));
    }
}
