//! Addresses and queries the way Python's `requests` writes them.

use reqwest::Url;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::expression::python_str;
use crate::{Json, Map};

/// `base` and `path` joined as the reference joins them.
///
/// # Errors
/// `Config`, when that gives no address of the web.
pub(super) fn join(base: &str, path: &str) -> Result<Url> {
    let base = base.trim();
    if path.is_empty() {
        return parse(base);
    }
    if has_scheme(path) {
        return parse(path);
    }
    let slash = if base.ends_with('/') { "" } else { "/" };
    let joined = parse(&format!("{base}{slash}"))?.join(&quoted(path)).map_err(|_| wrong())?;
    checked(without_double_slashes(joined))
}

/// An address, or what is joined to one, with the letters of path and query written as Python's `requests` writes them:
/// what may stand there stays, also when it was quoted without need, and a `%` that quotes nothing is quoted itself. The
/// fragment, which no server sees, is left out.
fn quoted(text: &str) -> String {
    let text = text.split('#').next().unwrap_or_default();
    let host = if has_scheme(text) { text.find("://").map_or(0, |at| at + 3) } else { 0 };
    let place = if host == 0 { 0 } else { text[host..].find(['/', '?']).map_or(text.len(), |at| host + at) };
    let (authority, place) = text.split_at(place);
    match place.split_once('?') {
        Some((path, query)) => format!("{authority}{}?{}", quoted_part(path, ""), quoted_part(query, "?")),
        None => format!("{authority}{}", quoted_part(place, "")),
    }
}

fn quoted_part(text: &str, also: &str) -> String {
    const UNRESERVED: &str = "._-~";
    const ALLOWED: &str = "!$&'()*+,;=:@/";
    let bytes = text.as_bytes();
    let code = |at: usize| -> Option<u8> {
        let digits =
            text.get(at + 1..at + 3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        u8::from_str_radix(digits, 16).ok()
    };
    let is_quoted = bytes.iter().enumerate().all(|(at, byte)| *byte != b'%' || code(at).is_some());
    let is_one_of = |byte: u8, letters: &str| letters.as_bytes().contains(&byte);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let (byte, plain) = match code(at).filter(|_| byte == b'%' && is_quoted) {
            Some(code) => {
                at += 2;
                (code, is_one_of(code, UNRESERVED))
            }
            None => (byte, is_one_of(byte, UNRESERVED) || is_one_of(byte, ALLOWED) || is_one_of(byte, also)),
        };
        at += 1;
        if plain || byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else if !b"\t\r\n".contains(&byte) {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Python joins the steps of a path without those that are empty.
fn without_double_slashes(mut url: Url) -> Url {
    if url.path().contains("//") {
        let steps: Vec<&str> = url.path().split('/').collect();
        let last = steps.len().saturating_sub(1);
        let kept: Vec<&str> = steps
            .iter()
            .enumerate()
            .filter(|(at, step)| *at == 0 || *at == last || !step.is_empty())
            .map(|(_, step)| *step)
            .collect();
        let path = kept.join("/");
        url.set_path(&path);
    }
    url
}

fn wrong() -> Error {
    Error::new(ErrorKind::Config, "The connector makes an address that is not valid.")
        .fix("Check the settings of the source that the address is made of: host, domain, account.")
}

fn parse(text: &str) -> Result<Url> {
    Url::parse(&quoted(text)).map_err(|_| wrong()).and_then(checked)
}

fn checked(url: Url) -> Result<Url> {
    if matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty()) {
        Ok(url)
    } else {
        Err(wrong())
    }
}

/// `name:` at the beginning, as a scheme is written. A path like `reports:run` is taken for one, as in the reference.
fn has_scheme(path: &str) -> bool {
    path.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|letter: char| letter.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    })
}

/// Adds parameters to an address. A pair that its own query already has is not sent twice; null is left out; a list
/// repeats its name.
pub(super) fn with_query(url: &mut Url, parameters: &Map) {
    let own: Vec<(String, String)> =
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    let added: Vec<(String, String)> =
        pairs(parameters).into_iter().filter(|pair| !own.contains(pair)).collect();
    if added.is_empty() {
        return;
    }
    let encoded = form(&added);
    let query = match url.query() {
        Some(known) if !known.is_empty() => format!("{known}&{encoded}"),
        _ => encoded,
    };
    url.set_query(Some(&query));
}

fn pairs(fields: &Map) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for (name, value) in fields {
        match value {
            Json::Null => {}
            Json::Array(items) => {
                pairs.extend(
                    items.iter().filter(|item| !item.is_null()).map(|item| (name.clone(), python_str(item))),
                );
            }
            other => pairs.push((name.clone(), python_str(other))),
        }
    }
    pairs
}

/// A form body: `a=1&b=x+y`.
pub(super) fn form_body(fields: &Map) -> String {
    form(&pairs(fields))
}

fn form(pairs: &[(String, String)]) -> String {
    let encoded: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", plus(name), plus(value))).collect();
    encoded.join("&")
}

/// Python's `quote_plus`.
fn plus(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) => out.push(byte as char),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn addresses_are_joined_as_the_reference_joins_them() {
        for (base, path, expected) in [
            ("https://a.test/v1", "users", "https://a.test/v1/users"),
            ("https://a.test/v1/", "/users", "https://a.test/users"),
            ("https://a.test//v1/", "a//b/", "https://a.test/v1/a/b/"),
            ("https://a.test/v1", "", "https://a.test/v1"),
            ("https://a.test/v1/", "../x", "https://a.test/x"),
            ("https://a.test/v1", "https://b.test/y?z=1", "https://b.test/y?z=1"),
            ("https://a.test", "a b/ü", "https://a.test/a%20b/%C3%BC"),
            ("https://a.test", "a%20b", "https://a.test/a%20b"),
            ("https://a.test", "a%zz b", "https://a.test/a%25zz%20b"),
            ("https://a.test", "a%7Eb%2fc?x=[%7e]|", "https://a.test/a~b%2Fc?x=%5B~%5D%7C"),
            ("https://a.test/v[1]?k={x}", "", "https://a.test/v%5B1%5D?k=%7Bx%7D"),
            ("https://a.test/x", "y#part", "https://a.test/x/y"),
        ] {
            assert_eq!(join(base, path).unwrap().as_str(), expected, "{base} {path}");
        }
        for (base, path) in
            [("https://a.test", "reports:run"), ("", "x"), ("ftp://a", "x"), ("https://", "x")]
        {
            assert!(join(base, path).is_err(), "{base} {path}");
        }
    }

    #[test]
    fn queries_are_written_as_python_writes_them() {
        let mut url = Url::parse("https://a.test/x?page=2&q=1").unwrap();
        let parameters = json!({"page": "2", "q": "2", "list": ["a", "b c"], "none": null, "at": "2024-01-01T00:00:00+00:00", "on": true});
        with_query(&mut url, parameters.as_object().unwrap());
        assert_eq!(
            url.query(),
            Some("page=2&q=1&q=2&list=a&list=b+c&at=2024-01-01T00%3A00%3A00%2B00%3A00&on=True")
        );
    }
}
