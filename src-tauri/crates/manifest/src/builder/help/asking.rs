//! One question to an endpoint that speaks like OpenAI's `chat/completions`.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use secrecy::ExposeSecret as _;
use serde_json::json;
use syncline_protocol::builder::{HelpMessage, Helper};
use syncline_protocol::{Error, ErrorKind, Result};
use url::{Host, Url};

use crate::Json;
use crate::http::client::{Client, Limits, Prepared};

/// An answer that is larger is no manifest.
const BODY_BYTES_MAX: u64 = 4 << 20;
const CONNECT: Duration = Duration::from_secs(15);
const ENDPOINT: &str = "chat/completions";

/// What a model says.
///
/// # Errors
/// `Config` when its address is none; `Authentication`, `NotFound`, `RateLimited`, `Timeout`; `CorruptInput` when it
/// answers with something else; as for any request.
pub(super) async fn ask(helper: &Helper, messages: &[HelpMessage], patience: Duration) -> Result<String> {
    let request = prepared(helper, messages)?;
    let limits =
        Limits { body_bytes: BODY_BYTES_MAX, connect: CONNECT, silence: patience, ..Limits::default() };
    let client = Client::new(limits)?;
    let asked = async {
        let answer = client.send(&request).await?;
        let (status, retry) = (answer.status, header(&answer.headers, "retry-after"));
        Ok::<_, Error>((status, retry, answer.body.whole().await?))
    };
    let host = request.url.host_str().unwrap_or_default().to_owned();
    let (status, retry, body) = tokio::time::timeout(patience, asked).await.map_err(|_| {
        Error::new(
            ErrorKind::Timeout,
            format!("The model at {host} did not answer in {} s.", patience.as_secs()),
        )
        .meaning("The draft stays as it is.")
        .fix("Ask again, or choose a smaller model in the settings.")
    })??;
    if !(200..300).contains(&status) {
        return Err(refused(helper, &host, status, retry));
    }
    said(&body).ok_or_else(|| {
        Error::new(ErrorKind::CorruptInput, format!("{host} does not answer as a language model does."))
            .meaning("The draft stays as it is.")
            .fix("Check the address in the settings: it mostly ends with /v1.")
    })
}

/// Whether a model can be asked at all.
///
/// # Errors
/// `Config`, when its address is none, or its key would be sent in the open.
pub fn may_help(helper: &Helper) -> Result<()> {
    prepared(helper, &[]).map(|_| ())
}

fn prepared(helper: &Helper, messages: &[HelpMessage]) -> Result<Prepared> {
    let url = endpoint(&helper.url)?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(key) = &helper.key {
        if url.scheme() == "http" && !is_near(&url) {
            return Err(wrong_address(
                "The key would go through the network unprotected: the address begins with http:",
            )
            .fix("Use the address that begins with https://, or remove the key."));
        }
        let value = format!("Bearer {}", key.expose_secret());
        let mut value = HeaderValue::from_str(&value).map_err(|_| {
            Error::new(ErrorKind::Config, "The key of the model is not valid.")
                .fix("Enter it again in the settings: a line end may have slipped in.")
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let body = json!({"model": helper.model, "messages": messages, "temperature": 0});
    let body = Some(Bytes::from(body.to_string()));
    Ok(Prepared::post(url, headers, body))
}

/// Where questions go.
///
/// # Errors
/// `Config`, when it is no address.
fn endpoint(address: &str) -> Result<Url> {
    let address = address.trim().trim_end_matches('/');
    let whole = match address.ends_with(ENDPOINT) {
        true => address.to_owned(),
        false => format!("{address}/{ENDPOINT}"),
    };
    let url =
        Url::parse(&whole).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let url =
        url.filter(|url| url.query().is_none() && url.username().is_empty() && url.password().is_none());
    url.ok_or_else(|| {
        wrong_address("This is no address of a language model.").fix(
            "It looks like https://api.example.com/v1 or http://localhost:11434/v1, without a key in it.",
        )
    })
}

fn wrong_address(message: &str) -> Error {
    Error::new(ErrorKind::Config, message).meaning("Nothing was sent.")
}

/// This computer, or a network without a way from outside.
fn is_near(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_private() || address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn header(headers: &[(String, String)], name: &str) -> Option<String> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
}

fn refused(helper: &Helper, host: &str, status: u16, retry: Option<String>) -> Error {
    let (kind, message, fix) = match status {
        401 | 403 if helper.key.is_none() => (
            ErrorKind::Authentication,
            format!("{host} wants a key, and none is set."),
            "Enter one in the settings.".to_owned(),
        ),
        401 | 403 => (
            ErrorKind::Authentication,
            format!("{host} does not accept the key: {status}."),
            "Enter another one in the settings.".to_owned(),
        ),
        404 => (
            ErrorKind::NotFound,
            format!("{host} knows no model `{}`, or nothing of models at this address.", helper.model),
            "Check both in the settings.".to_owned(),
        ),
        429 => {
            let wait = retry.map_or_else(|| "in a while".to_owned(), |wait| format!("after {wait} s"));
            (
                ErrorKind::RateLimited,
                format!("{host} is asked too often, or the account is used up."),
                format!("Ask again {wait}."),
            )
        }
        400 | 413 | 422 => (
            ErrorKind::Unsupported,
            format!("{host} refuses the question with {status}: it may be too long for `{}`.", helper.model),
            "Send less of the description, or choose another model.".to_owned(),
        ),
        _ => (
            ErrorKind::Unreachable,
            format!("{host} failed with {status}."),
            "Ask again in a moment.".to_owned(),
        ),
    };
    Error::new(kind, message).meaning("The draft stays as it is.").fix(fix)
}

/// The text of the first choice.
fn said(body: &[u8]) -> Option<String> {
    let answer: Json = serde_json::from_slice(body).ok()?;
    let content = &answer["choices"][0]["message"]["content"];
    match content {
        Json::String(text) => Some(text.clone()),
        Json::Array(parts) => Some(parts.iter().filter_map(|part| part["text"].as_str()).collect()),
        _ => None,
    }
}

/// The manifest in what a model said: the longest block that looks like one, or all of it.
pub(super) fn manifest_in(answer: &str) -> Option<String> {
    let mut blocks = Vec::new();
    let mut rest = answer;
    while let Some((_, after)) = rest.split_once("```") {
        let (block, after) = after.split_once("\n```").unwrap_or((after, ""));
        // The first line is the name of the language.
        blocks.push(block.split_once('\n').map_or("", |(_, text)| text));
        rest = after;
    }
    blocks.push(answer);
    let manifests = blocks.into_iter().filter(|block| is_manifest(block));
    manifests.max_by_key(|block| block.len()).map(|block| format!("{}\n", block.trim_end()))
}

fn is_manifest(text: &str) -> bool {
    text.lines().any(|line| line.starts_with("streams:")) && !text.contains("```")
}

/// The beginning of a text.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_completed_or_refused() {
        let of = |address: &str| endpoint(address).map(|url| url.to_string()).ok();
        let whole = Some("https://a.test/v1/chat/completions".to_owned());
        assert_eq!(of("https://a.test/v1"), whole);
        assert_eq!(of(" https://a.test/v1/ "), whole);
        assert_eq!(of("https://a.test/v1/chat/completions"), whole);
        for wrong in [
            "",
            "a.test",
            "ftp://a.test",
            "https://a.test/v1?key=abc",
            "https://me:pass@a.test",
            "file:///etc/passwd",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_key_does_not_go_through_the_network_in_the_open() {
        let helper =
            |url: &str| Helper { url: url.to_owned(), model: "m".to_owned(), key: Some("k3y".into()) };
        let refused = prepared(&helper("http://models.example.com/v1"), &[]).unwrap_err();
        assert!(refused.message().contains("unprotected"), "{refused}");
        for near in
            ["http://localhost:1/v1", "http://127.0.0.1:1/v1", "http://[::1]/v1", "http://192.168.1.7/v1"]
        {
            assert!(prepared(&helper(near), &[]).is_ok(), "{near}");
        }
        let request = prepared(&helper("https://models.example.com/v1"), &[]).unwrap();
        assert!(!format!("{request:?}").contains("k3y"), "a key is never printed");
    }

    #[test]
    fn the_manifest_is_found_in_what_is_said() {
        let yaml = "version: 6.0.0\nstreams:\n  - name: a\n";
        let blocks = format!("Sure!\n```json\n{{\"streams\": 1}}\n```\nand\n```yaml\n{yaml}```\nDone.");
        assert_eq!(manifest_in(&blocks).as_deref(), Some(yaml));
        assert_eq!(manifest_in(yaml).as_deref(), Some(yaml));
        assert_eq!(
            manifest_in(&format!("```\n{yaml}")).as_deref(),
            Some(yaml),
            "one that breaks off is looked at, too"
        );
        for garbage in ["", "I cannot help with that.", "```", "```yaml", "```\n\n```", "streams", "äöü```ß"]
        {
            assert_eq!(manifest_in(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn only_the_form_of_a_model_is_taken_for_an_answer() {
        let text = |body: &str| said(body.as_bytes());
        assert_eq!(text(r#"{"choices":[{"message":{"content":"hi"}}]}"#).as_deref(), Some("hi"));
        assert_eq!(
            text(r#"{"choices":[{"message":{"content":[{"type":"text","text":"h"},{"text":"i"}]}}]}"#)
                .as_deref(),
            Some("hi")
        );
        for other in
            ["", "<html>", "[]", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":{"content":null}}]}"#]
        {
            assert_eq!(text(other), None, "{other}");
        }
    }
}
