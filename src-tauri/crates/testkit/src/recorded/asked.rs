//! Requests in one form, whoever wrote them down.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::Exchange;
use crate::http::Request;

/// Stands for any text, once in a request.
const ANY: char = '\u{1}';

/// A request without what may differ: the order of parameters and fields, ways to escape.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked(String);

impl Asked {
    /// As it is written in a recording.
    pub(super) fn recorded(exchange: &Exchange) -> Result<Asked> {
        let (method, address) = exchange.ask.split_once(' ').context("`ask` is METHOD ADDRESS")?;
        let (place, query) = address.split_once('?').unwrap_or((address, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.replace("%26", "&"))).collect();
        let body = match (&exchange.json, &exchange.form) {
            (Some(json), _) => sorted(json).to_string(),
            (None, Some(form)) => {
                joined(form.iter().map(|(name, value)| (name.clone(), any(value))).collect())
            }
            (None, None) => String::new(),
        };
        Ok(Asked::new(method, place, pairs, &body))
    }

    /// As it arrived at the server with this address.
    pub(super) fn received(request: &Request, address: &str) -> Result<Asked> {
        let url = Url::parse(&format!("{address}{}", request.target))?;
        // A slash that is escaped is no slash: it stays as it is.
        let path = url.path().replace("%2F", "%252F");
        let place = format!("https:/{}", percent_decode_str(&path).decode_utf8_lossy());
        let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        let text = String::from_utf8_lossy(&request.body);
        let body = match serde_json::from_str::<Value>(&text) {
            Ok(json) => sorted(&json).to_string(),
            Err(_) if request.header("content-type").is_some_and(|kind| kind.contains("urlencoded")) => {
                joined(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
            }
            Err(_) => text.into_owned(),
        };
        let asked = Asked::new(&request.method, &place, pairs, &body);
        Ok(Asked(asked.0.replace(&format!("{address}/"), "https://")))
    }

    /// Whether a request is the one that was recorded, `self`.
    pub(super) fn is(&self, received: &Asked) -> bool {
        match self.0.split_once(ANY) {
            None => self == received,
            Some((before, after)) => received.0.starts_with(before) && received.0.ends_with(after),
        }
    }

    fn new(method: &str, place: &str, pairs: Vec<(String, String)>, body: &str) -> Asked {
        let query = joined(pairs);
        let mark = if query.is_empty() { "" } else { "?" };
        let space = if body.is_empty() { "" } else { " " };
        Asked(format!("{method} {place}{mark}{query}{space}{body}"))
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The headers that a recording demands and a request lacks or has otherwise.
pub(super) fn missing(request: &Request, demanded: &BTreeMap<String, String>) -> Vec<String> {
    let lacks = |(name, value): (&String, &String)| {
        let found = request.header(name).unwrap_or_default();
        (found != value).then(|| format!("{name} is `{found}` instead of `{value}`"))
    };
    demanded.iter().filter_map(lacks).collect()
}

fn any(value: &str) -> String {
    if value == "*" { ANY.to_string() } else { value.to_owned() }
}

fn joined(mut pairs: Vec<(String, String)>) -> String {
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// The same value with sorted fields.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted_fields: BTreeMap<&String, Value> =
                fields.iter().map(|(name, value)| (name, sorted(value))).collect();
            sorted_fields.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}
