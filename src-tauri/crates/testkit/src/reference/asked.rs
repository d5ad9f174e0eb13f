//! Requests in a form that does not depend on who sends them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{BASE, Exchange, canonical};
use crate::http::Request;

/// Headers that HTTP libraries add by themselves.
const OWN: &[&str] =
    &["user-agent", "accept-encoding", "connection", "content-length", "host", "cookie", "transfer-encoding"];

/// A request without what may differ: order of parameters, ways to escape, headers of libraries, the server's address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    /// Method, path, sorted parameters, body.
    pub what: String,
    /// Headers that matter.
    pub headers: BTreeMap<String, String>,
}

impl Asked {
    /// From what arrived at the server with this address.
    pub fn received(request: &Request, url: &str) -> Asked {
        let headers = request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let body = String::from_utf8_lossy(&request.body);
        asked(&request.method, &request.target, headers.collect(), &body, url)
    }

    /// From what was written down.
    pub fn recorded(exchange: &Exchange) -> Asked {
        asked(&exchange.method, &exchange.target, exchange.headers.clone(), &exchange.body, BASE)
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {:?}", self.what, self.headers)
    }
}

fn asked(method: &str, target: &str, mut headers: BTreeMap<String, String>, body: &str, url: &str) -> Asked {
    headers.retain(|name, value| !OWN.contains(&name.as_str()) && (name != "accept" || value != "*/*"));
    for value in headers.values_mut() {
        *value = value.replace(url, BASE);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let form = headers.get("content-type").is_some_and(|kind| kind.contains("urlencoded"));
    let body = match serde_json::from_str::<Value>(body) {
        Ok(value) => canonical(&value),
        Err(_) if form => sorted(body),
        Err(_) => body.to_owned(),
    };
    let what = format!("{method} {} ?{} {body}", decoded(path, false), sorted(query));
    Asked { what: what.replace(url, BASE), headers }
}

/// The pairs of a query or a form, decoded and sorted.
fn sorted(pairs: &str) -> String {
    let mut pairs: Vec<String> =
        pairs.split('&').filter(|pair| !pair.is_empty()).map(|pair| decoded(pair, true)).collect();
    pairs.sort();
    pairs.join("&")
}

fn decoded(text: &str, plus_is_space: bool) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match (first, hex.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) if plus_is_space => bytes.push(b' '),
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_escapes_do_not_matter() {
        let url = "http://127.0.0.1:4000";
        let one =
            asked("GET", "/a%20b?x=1+2&next=http%3A%2F%2F127.0.0.1%3A4000%2Fz", BTreeMap::new(), "", url);
        let two = asked("GET", "/a b?next=http://stub.test:9/z&x=1%202", BTreeMap::new(), "", BASE);
        assert_eq!(one, two);
        let other = asked("GET", "/a b?next=http://stub.test:9/z&x=1%203", BTreeMap::new(), "", BASE);
        assert_ne!(one, other);
    }

    #[test]
    fn headers_of_libraries_do_not_matter_but_others_do() {
        let headers = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let plain = asked("GET", "/", headers(&[("user-agent", "x"), ("accept", "*/*")]), "", BASE);
        assert_eq!(plain, asked("GET", "/", headers(&[]), "", BASE));
        assert_ne!(plain, asked("GET", "/", headers(&[("authorization", "Bearer 1")]), "", BASE));
    }
}
