//! A requester: sends one request until its error handler is content.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

use super::address;
use super::properties::QueryProperties;
use super::template::{Filled, Template};
use crate::Json;
use crate::context::{Compatibility, Output, Run};
use crate::document::Node;
use crate::expression::{json_dumps, python_str};
use crate::http::auth::Authenticator;
use crate::http::client::{Answer, Request, host_of};
use crate::http::errors::{self, Action, Handler, Outcome, Seen, Verdict};
use crate::http::headers;
use crate::http::retry::Attempts;
use crate::http::{Asked, Response, named};

/// A requester (`HttpRequester`) with authenticator and error handler. Tries again as the handler says.
pub struct Requester {
    template: Template,
    authenticator: Authenticator,
    handler: Handler,
    properties: Option<QueryProperties>,
    keep: bool,
    /// The manifest says that answers are not kept.
    never_keep: bool,
    streamed: bool,
    connect: Option<Duration>,
    read: Option<Duration>,
}

impl Requester {
    /// From its component.
    ///
    /// # Errors
    /// `Config` when it is not valid, `Unsupported` when it names a class that is unknown here.
    pub fn new(node: &Node<'_>) -> Result<Requester> {
        if !matches!(node.kind(), "HttpRequester" | "") || node.class_name().is_some() {
            return Err(node.unsupported(named(node, "requester")));
        }
        let (properties, key) = properties(node)?;
        let seconds = |field: &str| {
            let seconds = node.field(field).and_then(|field| field.json().as_f64());
            seconds.filter(|seconds| *seconds > 0.0 && *seconds < 1e9).map(Duration::from_secs_f64)
        };
        let use_cache = node.boolean("use_cache")?;
        Ok(Requester {
            template: Template::new(node, key)?,
            authenticator: Authenticator::new(node.field("authenticator").as_ref(), node)?,
            handler: Handler::new(node.field("error_handler").as_ref())?,
            properties,
            keep: use_cache == Some(true),
            never_keep: use_cache == Some(false),
            streamed: false,
            connect: seconds("connect_timeout_in_seconds"),
            read: seconds("read_timeout_in_seconds"),
        })
    }

    /// Answers to GET are kept during the run, so that a stream read as itself and as a parent is read once
    /// (`use_cache`, and every parent unless the manifest says no).
    pub fn keep_answers(&mut self) {
        self.keep = !self.never_keep;
    }

    /// Bodies are decoded piece by piece: they are not read before the answer is handed over.
    pub fn stream_bodies(&mut self) {
        self.streamed = true;
    }

    /// The properties that its requests take in chunks, if they do.
    pub fn query_properties(&self) -> Option<&QueryProperties> {
        self.properties.as_ref()
    }

    /// Sends one request until the error handler is content. Waits as budget, backoff and server say, telling
    /// `output` what for. Dropping the future cancels.
    ///
    /// # Errors
    /// Of the kind the handler's verdict maps to, with the API's message (never its secrets); `Stopped`.
    pub async fn send(&self, run: &Run, asked: Asked<'_>, output: &dyn Output) -> Result<Response> {
        let mut filled = self.template.fill(run, &asked)?;
        let extra = asked.options;
        let mut attempts = Attempts::new(run, self.handler.max_retries(run)?);
        let own = std::mem::take(&mut filled.own);
        loop {
            let given = Box::pin(self.authenticator.options(run, output)).await?;
            let mut complete = filled.clone();
            complete.own = own.clone();
            complete.add(given.clone())?;
            complete.add(extra.clone())?;
            let request = self.request(complete)?;
            let host = request.host();
            match self.attempt(run, request, &mut attempts, output).await? {
                Attempt::Done(response) => return Ok(response),
                Attempt::Renew => drop(Box::pin(self.authenticator.refresh(run, &given, output)).await?),
                Attempt::Again(again) => {
                    if again.verdict.action == Action::RefreshTokenThenRetry {
                        attempts.may_refresh(&host)?;
                        if let Some(refreshed) =
                            Box::pin(self.authenticator.refresh(run, &given, output)).await?
                        {
                            attempts.refreshed(refreshed);
                        }
                    }
                    attempts.wait(&self.handler, &host, again, output).await?;
                }
            }
        }
    }

    async fn attempt(
        &self,
        run: &Run,
        request: Request,
        attempts: &mut Attempts<'_>,
        output: &dyn Output,
    ) -> Result<Attempt> {
        let host = request.host();
        let answer = match run.client.send(request, run, output).await {
            Ok(answer) => answer,
            Err(error) => return self.broken(run, error),
        };
        // A token may have ended before its time.
        let may_renew = answer.status == 401 && run.compatibility == Compatibility::Safe;
        if may_renew && self.authenticator.holds_old_token(run).await && attempts.may_renew() {
            return Ok(Attempt::Renew);
        }
        let limit = if self.streamed { 0 } else { run.client.limits.body_bytes };
        self.judge(run, &host, answer, limit).await
    }

    fn broken(&self, run: &Run, error: Error) -> Result<Attempt> {
        let again =
            matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::ConnectionLost | ErrorKind::Timeout);
        if !again {
            return Err(error);
        }
        let verdict = self.handler.judge(run, &Outcome::Broken(&error))?;
        Ok(Attempt::Again(Again { verdict, broken: Some(error), held: None }))
    }

    async fn judge(&self, run: &Run, host: &str, mut answer: Answer, limit: u64) -> Result<Attempt> {
        // A success that nobody looks at is left to the decoder; what is read here can be asked for again.
        let whole = answer.status >= 400 || self.handler.reads_bodies();
        let bytes = if limit > 0 || whole {
            match answer.body.peek(limit.max(ERROR_BODY)).await {
                Ok(bytes) => bytes,
                Err(error) => return self.broken(run, error),
            }
        } else {
            None
        };
        let json = if whole { errors::body_json(bytes.as_ref()) } else { Json::Null };
        let held = Held {
            headers_json: Json::Object(headers::json(&answer.headers)),
            address: Json::String(without_query(&answer.url)),
            body: bytes,
            json,
            status: answer.status,
            headers: answer.headers.clone(),
        };
        let verdict = self.handler.judge(run, &Outcome::Answered(held.seen()))?;
        match verdict.action {
            Action::Fail => return Err(errors::failure(run, host, &verdict, &held.seen())),
            Action::Retry | Action::RateLimited | Action::RefreshTokenThenRetry => {
                return Ok(Attempt::Again(Again { verdict, broken: None, held: Some(held) }));
            }
            _ => {}
        }
        if whole && held.body.is_some() && held.json != Json::Object(crate::Map::new()) {
            answer.body.remember(held.json);
        }
        Ok(Attempt::Done(Response {
            status: answer.status,
            headers: answer.headers,
            url: answer.url,
            ignored: answer.status >= 400,
            action: verdict.action,
            body: answer.body,
        }))
    }

    fn request(&self, filled: Filled) -> Result<Request> {
        let own = filled.own;
        if let Some((name, _)) = own.parameters.iter().find(|(_, value)| value.is_object()) {
            let what = format!("The query parameter `{name}` of the connector's manifest came to an object.");
            return Err(Error::new(ErrorKind::Config, what));
        }
        let parameters = address::without_repeated(&filled.address, own.parameters);
        let url = address::prepare(&filled.address, &parameters)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &own.headers {
            let (name, value) = header(name, &python_str(value))?;
            headers.insert(name, value);
        }
        let form = !own.body_data.is_empty();
        let json = filled.list.or_else(|| (!own.body_json.is_empty()).then_some(Json::Object(own.body_json)));
        if json.is_some() && (form || filled.text.is_some()) {
            return Err(both("a JSON body and a form"));
        }
        if form && filled.text.is_some() {
            return Err(both("a form and a plain text"));
        }
        let (body, kind) = match (json, filled.text) {
            (Some(json), _) => (Some(json_dumps(&json)), Some("application/json")),
            (None, Some(text)) => (Some(text), None),
            (None, None) if form => {
                (Some(address::form(&own.body_data)), Some("application/x-www-form-urlencoded"))
            }
            (None, None) => (None, None),
        };
        let body = body.filter(|_| self.template.method != reqwest::Method::DELETE);
        if let (Some(kind), true, false) = (kind, body.is_some(), headers.contains_key(CONTENT_TYPE)) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let base = filled.base.and_then(|base| Url::parse(&base).ok()).map(|base| host_of(&base));
        Ok(Request {
            method: self.template.method.clone(),
            url,
            headers,
            body: body.map(Bytes::from),
            connect: self.connect,
            read: self.read,
            base,
            keep: self.keep,
        })
    }
}

/// How much of an answer is read when only its message matters.
const ERROR_BODY: u64 = 1 << 20;

/// What came of one attempt.
#[allow(clippy::large_enum_variant)] // made once per request
enum Attempt {
    Done(Response),
    /// With a new token, at once.
    Renew,
    Again(Again),
}

/// An attempt that is to be repeated.
pub(crate) struct Again {
    pub(crate) verdict: Verdict,
    pub(crate) broken: Option<Error>,
    pub(crate) held: Option<Held>,
}

impl Again {
    pub(crate) fn outcome(&self) -> Outcome<'_> {
        match (&self.held, &self.broken) {
            (Some(held), _) => Outcome::Answered(held.seen()),
            (None, Some(error)) => Outcome::Broken(error),
            (None, None) => Outcome::Answered(Held::nothing()),
        }
    }
}

/// An answer that was looked at.
pub(crate) struct Held {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    headers_json: Json,
    address: Json,
    body: Option<Bytes>,
    json: Json,
}

impl Held {
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            status: self.status,
            headers: &self.headers,
            headers_json: &self.headers_json,
            address: &self.address,
            body: self.body.as_ref(),
            json: &self.json,
        }
    }

    fn nothing() -> Seen<'static> {
        Seen {
            status: 0,
            headers: &[],
            headers_json: &Json::Null,
            address: &Json::Null,
            body: None,
            json: &Json::Null,
        }
    }
}

fn properties(node: &Node<'_>) -> Result<(Option<QueryProperties>, Option<String>)> {
    if let Some(own) = node.field("query_properties") {
        return Ok((Some(QueryProperties::new(&own)?), None));
    }
    if let Some(own) = node.field("fetch_properties_from_endpoint") {
        return Ok((Some(QueryProperties::from_endpoint(&own)?), None));
    }
    let Some(parameters) = node.field("request_parameters") else { return Ok((None, None)) };
    let Json::Object(fields) = parameters.json() else { return Ok((None, None)) };
    for name in fields.keys() {
        if let Some(own) = parameters.field(name).filter(|own| own.kind() == "QueryProperties") {
            return Ok((Some(QueryProperties::new(&own)?), Some(name.clone())));
        }
    }
    Ok((None, None))
}

/// A header that can be sent.
pub(crate) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = |what: &str| {
        Error::new(ErrorKind::Config, format!("The header `{name}` cannot be sent: {what}.")).fix(
            "Check the setting it is made of, mostly a key or token: remove line ends and spaces around it.",
        )
    };
    let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        Error::new(ErrorKind::Config, "A header of the connector's manifest has a name that is not valid.")
    })?;
    if value.starts_with(char::is_whitespace) {
        return Err(wrong("its value starts with a space or a line end"));
    }
    let bytes: Option<Vec<u8>> =
        value.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
    let bytes = bytes.ok_or_else(|| wrong("its value has characters that headers cannot hold"))?;
    let mut value = HeaderValue::from_bytes(&bytes)
        .map_err(|_| wrong("its value has a line end or control character"))?;
    value.set_sensitive(true);
    Ok((key, value))
}

fn both(what: &str) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("The connector's manifest gives one request {what}; there can be only one."),
    )
}

fn without_query(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return String::new() };
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}
