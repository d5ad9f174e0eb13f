//! Addresses, joined and encoded as the reference does it (Python's `urljoin` and `requests`).

use percent_encoding::percent_decode_str;
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

use crate::expression::python_str;
use crate::{Json, Map};

/// Joins a base with a path. Without a path the base stays as it is.
///
/// `strict`: a path such as `reports:run` is taken for an address with a scheme of its own, as the reference does.
pub(crate) fn join(base: &str, path: &str, strict: bool) -> String {
    if path.is_empty() {
        return base.to_owned();
    }
    let slash = if base.ends_with('/') { "" } else { "/" };
    urljoin(&format!("{base}{slash}"), path, strict)
}

/// An address in its parts; only the path is always there.
struct Parts<'a> {
    scheme: Option<&'a str>,
    host: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
}

fn split(address: &str) -> Parts<'_> {
    let (scheme, rest) = match address.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, address),
    };
    let (rest, fragment) = cut(rest, '#');
    let (rest, query) = cut(rest, '?');
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            (Some(&rest[..end]), &rest[end..])
        }
        None => (None, rest),
    };
    Parts { scheme, host, path, query, fragment }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    text.split_once(at).map_or((text, None), |(before, after)| (before, Some(after)))
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "+-.".contains(character))
}

fn urljoin(base: &str, address: &str, strict: bool) -> String {
    let from = split(base);
    let mut to = split(address);
    if let Some(scheme) = to.scheme {
        let web = matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https");
        if !web && !strict && to.host.is_none() {
            to = split_path(address);
        } else if from.scheme.is_none_or(|own| !own.eq_ignore_ascii_case(scheme)) {
            return address.to_owned();
        }
    }
    let mut joined = from.scheme.map(|scheme| format!("{scheme}:")).unwrap_or_default();
    let tail = |joined: &mut String, query: Option<&str>, fragment: Option<&str>| {
        for (mark, part) in [('?', query), ('#', fragment)] {
            if let Some(part) = part.filter(|part| !part.is_empty()) {
                joined.push(mark);
                joined.push_str(part);
            }
        }
    };
    if let Some(host) = to.host.or(from.host) {
        joined.push_str("//");
        joined.push_str(host);
    }
    if to.host.is_some_and(|host| !host.is_empty()) {
        joined.push_str(to.path);
        tail(&mut joined, to.query, to.fragment);
    } else if to.path.is_empty() {
        joined.push_str(from.path);
        tail(&mut joined, to.query.or(from.query), to.fragment);
    } else {
        joined.push_str(&resolve(from.path, to.path));
        tail(&mut joined, to.query, to.fragment);
    }
    joined
}

/// The parts of what is a path whatever it looks like.
fn split_path(path: &str) -> Parts<'_> {
    let (rest, fragment) = cut(path, '#');
    let (path, query) = cut(rest, '?');
    Parts { scheme: None, host: None, path, query, fragment }
}

/// A path relative to another: `.` and `..` are resolved, empty segments in the middle fall away.
fn resolve(base: &str, path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    if !path.starts_with('/') {
        segments.extend(base.split('/'));
        if segments.last().is_some_and(|last| !last.is_empty()) {
            segments.pop();
        }
    }
    segments.extend(path.split('/'));
    let last = segments.len().saturating_sub(1);
    let mut index = 0;
    segments.retain(|segment| {
        let keep = index == 0 || index == last || !segment.is_empty();
        index += 1;
        keep
    });
    let mut resolved: Vec<&str> = Vec::new();
    for segment in &segments {
        match *segment {
            ".." => drop(resolved.pop()),
            "." => {}
            other => resolved.push(other),
        }
    }
    if matches!(segments.last(), Some(&("." | ".."))) {
        resolved.push("");
    }
    let joined = resolved.join("/");
    if joined.is_empty() { "/".to_owned() } else { joined }
}

/// Parameters that are not in the address yet, with the same name and value.
pub(crate) fn without_repeated(address: &str, parameters: Map) -> Map {
    let Some(query) = split(address).query else { return parameters };
    let mut own: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if !value.is_empty() && !own.iter().any(|(known, _)| *known == name) {
            own.push((name.into_owned(), value.into_owned()));
        }
    }
    let repeated = |name: &String, value: &Json| {
        own.iter().any(|(known, first)| known == name && *first == python_str(value))
    };
    parameters.into_iter().filter(|(name, value)| !repeated(name, value)).collect()
}

/// A query or a form: lists repeat their key, null falls away.
pub(crate) fn form(fields: &Map) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        match value {
            Json::Array(items) => items.iter().for_each(|item| pair(&mut text, name, item)),
            value => pair(&mut text, name, value),
        }
    }
    text
}

fn pair(text: &mut String, name: &str, value: &Json) {
    if value.is_null() {
        return;
    }
    if !text.is_empty() {
        text.push('&');
    }
    quote_plus(text, name);
    text.push('=');
    quote_plus(text, &python_str(value));
}

fn quote_plus(to: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => to.push('+'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => to.push(char::from(byte)),
            byte => percent(to, byte),
        }
    }
}

fn percent(to: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    to.push('%');
    to.push(char::from(DIGITS[usize::from(byte >> 4)]));
    to.push(char::from(DIGITS[usize::from(byte & 15)]));
}

/// Makes an address that can be sent, with these parameters after its own.
///
/// # Errors
/// `Config`, when it is no address of the web.
pub(crate) fn prepare(address: &str, parameters: &Map) -> Result<Url> {
    let address = address.trim_start();
    let parts = split(address);
    let Some(host) = parts.host.filter(|host| !host.is_empty()) else { return Err(no_address(address)) };
    if !parts.scheme.is_some_and(|scheme| matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https")) {
        return Err(no_address(address));
    }
    let mut whole = format!("{}://{host}", parts.scheme.unwrap_or_default());
    let path = if parts.path.is_empty() { "/" } else { parts.path };
    whole.push_str(&encoded(path, "!$&'()*+,;=:@/"));
    let own = parts.query.filter(|query| !query.is_empty()).map(|query| encoded(query, "!$&'()*+,;=:@/?"));
    let added = form(parameters);
    let query: Vec<String> = own.into_iter().chain((!added.is_empty()).then_some(added)).collect();
    if !query.is_empty() {
        whole.push('?');
        whole.push_str(&query.join("&"));
    }
    Url::parse(&whole).map_err(|error| no_address(address).caused_by(error))
}

fn no_address(address: &str) -> Error {
    // Only its beginning: the rest may hold a secret.
    let shown: String = address.split(['?', '@']).next().unwrap_or_default().chars().take(80).collect();
    Error::new(ErrorKind::Config, format!("\"{shown}\" is no address that a request can be sent to."))
        .fix("Check the settings that the address is made of: host, domain, region, account.")
}

/// Encodes what may not stand in an address and leaves what is encoded already; decodes what need not be encoded.
fn encoded(text: &str, allowed: &str) -> String {
    let percents = text.matches('%').count();
    let bytes = text.as_bytes();
    let is_pair =
        |at: usize| bytes.get(at + 1..at + 3).is_some_and(|pair| pair.iter().all(u8::is_ascii_hexdigit));
    let pairs = text.match_indices('%').filter(|(at, _)| is_pair(*at)).count();
    let keep = percents == pairs;
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' && keep {
            let value = percent_decode_str(&text[at..at + 3]).next().unwrap_or(b'%');
            if is_unreserved(value) {
                out.push(char::from(value))
            } else {
                percent(&mut out, value)
            }
            at += 3;
            continue;
        }
        if is_unreserved(*byte) || allowed.as_bytes().contains(byte) {
            out.push(char::from(*byte));
        } else {
            percent(&mut out, *byte);
        }
        at += 1;
    }
    out
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}
