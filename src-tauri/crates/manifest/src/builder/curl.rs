//! A draft from a request as browsers and documentation pages give it: a curl command.

use syncline_protocol::builder::{Draft, Evidence, SecretPlace};
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

use super::{Guessed, SignIn, Sketch, compose, sample};
use crate::{Json, Map};

/// Options of curl that take a value and say nothing about the request.
const IGNORED: [&str; 12] = [
    "-o",
    "--output",
    "-m",
    "--max-time",
    "--connect-timeout",
    "-A",
    "--user-agent",
    "-e",
    "--referer",
    "--retry",
    "-w",
    "--write-out",
];

#[derive(Default)]
struct Command {
    url: Option<String>,
    method: Option<String>,
    headers: Vec<(String, String)>,
    user: Option<String>,
    data: Option<String>,
    /// `-G`: data become parameters.
    get: bool,
}

/// A draft from a command.
///
/// # Errors
/// `CorruptInput`, when it is none.
pub(super) fn draft(text: &str) -> Result<Draft> {
    let command = read(text)?;
    let address = command.url.as_deref().ok_or_else(|| wrong("There is no address in it."))?;
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("https://{address}") };
    let mut url = Url::parse(&with_scheme).map_err(|_| sample::not_an_address())?;
    if let (true, Some(data)) = (command.get, &command.data) {
        for (name, value) in url::form_urlencoded::parse(data.as_bytes()) {
            url.query_pairs_mut().append_pair(&name, &value);
        }
    }
    let mut sketch = Sketch { title: sample::host_title(&url), ..Sketch::default() };
    let mut secrets = Vec::new();
    sketch.sign_in = sign_in(&command, &mut url, text, &mut secrets);
    let (base, path) = sample::split(&url);
    sketch.base = Some(Guessed::new(base, Evidence::Request));
    let mut table = sample::table(&Json::Object(Map::new()), Some(&url));
    table.path = path;
    // Where the rows are is only known after the first answer.
    table.rows = None;
    let method = command.method.clone().unwrap_or_else(|| {
        if command.data.is_some() && !command.get { "POST".to_owned() } else { "GET".to_owned() }
    });
    table.method = method.to_uppercase();
    table.headers = headers(&command);
    sketch.tables.push(table);
    let mut draft = compose::draft(&sketch)?;
    draft.secrets = secrets;
    if let (false, Some(data)) = (command.get, &command.data) {
        put_body(&mut draft, data)?;
    }
    Ok(draft)
}

/// Adds the body of the request to the only table.
fn put_body(draft: &mut Draft, data: &str) -> Result<()> {
    let mut manifest = crate::document::plain(&draft.yaml)?;
    let requester = manifest["definitions"]["streams"]
        .as_object_mut()
        .and_then(|streams| streams.values_mut().next().map(|stream| &mut stream["retriever"]["requester"]));
    if let Some(requester) = requester {
        match serde_json::from_str::<Json>(data) {
            Ok(body @ Json::Object(_)) => requester["request_body_json"] = body,
            _ => requester["request_body_data"] = Json::from(data),
        }
    }
    draft.yaml = compose::yaml(&manifest)?;
    Ok(())
}

fn read(text: &str) -> Result<Command> {
    // Windows and browsers break lines with `^` or `\`.
    let joined = text.replace("\\\r\n", " ").replace("\\\n", " ").replace("^\r\n", " ").replace("^\n", " ");
    let words =
        shell_words::split(joined.trim()).map_err(|_| wrong("A quotation mark in it is not closed."))?;
    let mut words = words.into_iter().peekable();
    let _prompt = words.next_if(|word| word == "$");
    if words.next().is_none_or(|word| word != "curl" && word != "curl.exe") {
        return Err(wrong("It does not begin with `curl`."));
    }
    let mut command = Command::default();
    while let Some(word) = words.next() {
        let (option, joined) = match word.split_once('=') {
            Some((option, value)) if option.starts_with("--") => (option.to_owned(), Some(value.to_owned())),
            _ => (word.clone(), None),
        };
        let mut value = || joined.clone().or_else(|| words.next()).unwrap_or_default();
        match option.as_str() {
            "-X" | "--request" => command.method = Some(value()),
            "-H" | "--header" => {
                let header = value();
                if let Some((name, value)) = header.split_once(':') {
                    command.headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
            "-u" | "--user" => command.user = Some(value()),
            "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-ascii" | "--data-urlencode"
            | "--json" => {
                let more = value();
                command.data =
                    Some(command.data.take().map_or(more.clone(), |data| format!("{data}&{more}")));
            }
            "-G" | "--get" => command.get = true,
            "--url" => command.url = Some(value()),
            "-b" | "--cookie" => drop(value()),
            known if IGNORED.contains(&known) => drop(value()),
            flag if flag.starts_with('-') => {}
            _ => command.url = Some(word),
        }
    }
    Ok(command)
}

/// The sign-in that the request has; what is secret in it is taken out of the address.
fn sign_in(
    command: &Command,
    url: &mut Url,
    text: &str,
    secrets: &mut Vec<SecretPlace>,
) -> Option<Guessed<SignIn>> {
    let mut found = |field: &str, secret: &str| secrets.extend(place(text, field, secret));
    let guessed = |sign_in: SignIn| Some(Guessed::new(sign_in, Evidence::Request));
    if let Some(user) = &command.user {
        let (name, password) = user.split_once(':').unwrap_or((user, ""));
        found("username", name);
        found("password", password);
        return guessed(SignIn::Basic);
    }
    for (name, value) in &command.headers {
        let lower = name.to_lowercase();
        if lower == "authorization" {
            let (scheme, rest) = value.split_once(' ').unwrap_or(("", value));
            match scheme.to_lowercase().as_str() {
                "bearer" => {
                    found("api_key", rest);
                    return guessed(SignIn::Bearer);
                }
                // What is encoded cannot be cut out of the text: it is typed again.
                "basic" => return guessed(SignIn::Basic),
                _ => {
                    found("api_key", value);
                    return guessed(SignIn::Key { inject: "header", name: name.clone() });
                }
            }
        }
        if is_key(&lower) {
            found("api_key", value);
            return guessed(SignIn::Key { inject: "header", name: name.clone() });
        }
    }
    let key = url.query_pairs().find(|(name, _)| is_key(&name.to_lowercase()));
    let (name, value) = key.map(|(name, value)| (name.into_owned(), value.into_owned()))?;
    found("api_key", &value);
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(other, _)| *other != name)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    guessed(SignIn::Key { inject: "request_parameter", name })
}

/// Whether a header or parameter of this name lets one in.
fn is_key(name: &str) -> bool {
    let plain = name.replace(['-', '_'], "");
    plain.contains("apikey")
        || plain.contains("token")
            && !plain.contains("page")
            && !plain.contains("next")
            && !plain.contains("csrf")
        || matches!(plain.as_str(), "key" | "xkey" | "appid" | "accesskey" | "secret")
}

/// Where a secret stands in the text, in UTF-16 units.
fn place(text: &str, field: &str, secret: &str) -> Option<SecretPlace> {
    let from = text.find(secret).filter(|_| !secret.is_empty())?;
    let units = |text: &str| u32::try_from(text.encode_utf16().count()).ok();
    let begin = units(text.get(..from)?)?;
    Some(SecretPlace { field: field.to_owned(), from: begin, to: begin + units(secret)? })
}

/// Headers that say what is asked for, not who asks.
fn headers(command: &Command) -> Map {
    let kept = command.headers.iter().filter(|(name, _)| {
        let lower = name.to_lowercase();
        let of_browsers =
            lower.starts_with("sec-") || lower.starts_with("accept-") || lower.starts_with("cf-");
        let usual = matches!(
            lower.as_str(),
            "user-agent"
                | "referer"
                | "origin"
                | "cookie"
                | "connection"
                | "host"
                | "content-type"
                | "content-length"
                | "dnt"
                | "authorization"
                | "pragma"
                | "cache-control"
                | "priority"
        );
        !of_browsers && !usual && !is_key(&lower)
    });
    kept.map(|(name, value)| (name.clone(), Json::from(value.as_str()))).collect()
}

fn wrong(why: &str) -> Error {
    Error::new(ErrorKind::CorruptInput, format!("This cannot be read as a curl command. {why}"))
        .meaning("Nothing was made yet.")
        .fix("In the network tab of a browser: right-click the request, “Copy as cURL”.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::Connector;
    use serde_json::json;

    fn stream(draft: &Draft) -> Json {
        let plain = crate::document::plain(&draft.yaml).unwrap();
        plain["definitions"]["streams"].as_object().unwrap().values().next().unwrap().clone()
    }

    #[test]
    fn a_request_keeps_its_shape_and_its_secret_stays_where_it_was() {
        let text = "curl 'https://api.acme.test/v2/tickets?page=2&per_page=50&state=open' \\\n  -H 'Authorization: Bearer sk_ä_123' -H 'X-Version: 7' -H 'User-Agent: x' --compressed";
        let draft = draft(text).unwrap();
        let stream = stream(&draft);
        assert!(!draft.yaml.contains("sk_ä_123"));
        let at = &draft.secrets[0];
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(String::from_utf16(&units[at.from as usize..at.to as usize]).unwrap(), "sk_ä_123");
        assert_eq!(stream["retriever"]["requester"]["request_headers"], json!({"X-Version": "7"}));
        assert_eq!(stream["retriever"]["requester"]["request_parameters"], json!({"state": "open"}));
        assert_eq!(stream["retriever"]["paginator"]["pagination_strategy"]["page_size"], 50);
        assert!(Connector::parse(&draft.yaml, &|_| None).is_ok());
    }

    #[test]
    fn keys_in_the_address_bodies_and_users_are_understood() {
        let key = draft("curl \"https://x.test/rows?api_key=abc&a=1\"").unwrap();
        assert!(!key.yaml.contains("abc"));
        assert!(key.yaml.contains("request_parameter"));
        let body = draft("curl -X POST https://x.test/search -d '{\"q\": \"a\"}' -u me:pw").unwrap();
        assert_eq!(stream(&body)["retriever"]["requester"]["request_body_json"], json!({"q": "a"}));
        assert_eq!(body.secrets.len(), 2);
        assert!(Connector::parse(&body.yaml, &|_| None).is_ok());
        for text in ["wget x", "curl 'x", "curl -s", ""] {
            assert!(draft(text).is_err(), "{text}");
        }
    }
}
