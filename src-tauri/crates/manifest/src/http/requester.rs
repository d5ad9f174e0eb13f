//! Sends one request until the error handler is content (`HttpRequester`).

mod prepare;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use reqwest::Method;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::auth::Authenticator;
use super::budget::{Pass, Turn};
use super::client::{Answer, Body, Prepared};
use super::errors::{self, Action, ErrorHandler, Seen, named};
use super::links::headers_json;
use super::options::Options;
use crate::Json;
use crate::context::{Output, Run, Slice};
use crate::document::Node;
use crate::expression::{Mapping, Text};
use crate::stream::retriever::without_properties;

/// What a request's templates see beyond configuration and parameters, and what others add to it.
#[derive(Default)]
pub struct Asked<'a> {
    /// The slice: `stream_slice` and its aliases; also each of its extra fields by name.
    pub slice: Option<&'a Slice>,
    /// The page's token; templates see `{"next_page_token": token}`.
    pub token: Option<&'a Json>,
    /// More variables (`session_token`, `creation_response`, `polling_response`, `download_target`).
    pub variables: Vec<(&'a str, &'a Json)>,
    /// What paginator, router and cursor add.
    pub options: Options,
    /// The name of the stream, for messages.
    pub stream: &'a str,
}

impl Asked<'_> {
    /// Whether a template takes something that answers of the API have brought.
    fn tells(&self, text: &Text) -> bool {
        let takes = |names: &[&str]| names.iter().any(|name| text.uses(name));
        let slice = self.slice.is_some_and(|slice| {
            let is_there = !(slice.partition.is_empty() && slice.extra_fields.is_empty());
            (is_there && takes(&["stream_slice", "stream_partition", "stream_interval"]))
                || slice.extra_fields.keys().any(|name| text.uses(name))
        });
        slice
            || (self.token.is_some() && takes(&["next_page_token"]))
            || self.variables.iter().any(|(name, _)| text.uses(name))
    }
}

/// An answer that the error handler let pass.
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Headers; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The address that answered.
    pub url: String,
    /// What the handler decided: `Success` or `Ignore`, or one of the decisions that belong to the retriever
    /// (`ResetPagination`, `ReducePageSize`, `SplitRequestWindow`).
    pub action: Action,
    /// Whether it has no records and ends paging: the handler ignores it, or calls a status a success that is none.
    pub ignored: bool,
    /// The body, still to be read.
    pub body: Body,
}

impl Response {
    /// An answer that is a part of another one: children that a parent's record holds.
    pub(crate) fn embedded(body: &Json) -> Response {
        Response {
            status: 200,
            headers: Vec::new(),
            url: String::new(),
            action: Action::Success,
            ignored: false,
            body: Body::ready(body.to_string().into()),
        }
    }

    /// What templates see as `headers`: names in any capitalisation, `link` as the links it holds.
    pub fn headers_json(&self) -> Json {
        headers_json(&self.headers, true)
    }
}

/// A requester with authenticator and error handler. Tries again as the handler says.
pub struct Requester {
    url: Option<Text>,
    base: Option<Text>,
    path: Option<Text>,
    method: Method,
    parameters: Option<Mapping>,
    headers: Option<Mapping>,
    body_data: Option<Mapping>,
    body_json: Option<Mapping>,
    /// A body that is one text.
    body_text: Option<Text>,
    authenticator: Authenticator,
    handler: ErrorHandler,
    /// `use_cache`, when the manifest says.
    cache: Option<bool>,
    kept: bool,
    place: String,
}

impl Requester {
    /// From its component.
    ///
    /// # Errors
    /// `Config` when it is not valid, `Unsupported` when it names a class that is unknown here.
    pub fn new(node: &Node<'_>) -> Result<Requester> {
        if !matches!(node.kind(), "HttpRequester" | "") {
            return Err(node.unsupported(named(node, "requester")));
        }
        let method = node.text("http_method")?.unwrap_or("GET").to_uppercase();
        let method =
            Method::from_bytes(method.as_bytes()).map_err(|_| node.error("`http_method` is not valid"))?;
        // Properties that are asked for by name are the retriever's business.
        let without = without_properties(node.json());
        let without = without.as_ref().map(|value| Node::made(node.document(), value, node.path()));
        let node = without.as_ref().unwrap_or(node);
        let mut authenticator = Authenticator::new(node.field("authenticator"))?;
        if let Authenticator::LegacySession(session) = &mut authenticator {
            session.sign_in_at(node)?;
        }
        let mut requester = Requester {
            url: Text::of(node, "url")?,
            base: Text::of(node, "url_base")?,
            path: Text::of(node, "path")?,
            method,
            parameters: Mapping::of(node, "request_parameters")?,
            headers: Mapping::of(node, "request_headers")?,
            body_data: Mapping::of(node, "request_body_data")?,
            body_json: Mapping::nested(node, "request_body_json")?,
            body_text: None,
            authenticator,
            handler: ErrorHandler::new(node.field("error_handler"))?,
            cache: node.boolean("use_cache")?,
            kept: false,
            place: node.path().to_owned(),
        };
        if let Some(body) = node.field("request_body") {
            requester.take_body(&body)?;
        }
        requester.kept = requester.cache.unwrap_or(false);
        if requester.url.is_none() && requester.base.is_none() {
            return Err(node.error("`url` or `url_base` is missing"));
        }
        Ok(requester)
    }

    /// The newer form of a body.
    fn take_body(&mut self, body: &Node<'_>) -> Result<()> {
        match body.kind() {
            "RequestBodyPlainText" => self.body_text = Text::of(body, "value")?,
            "RequestBodyUrlEncodedForm" => self.body_data = Mapping::of(body, "value")?,
            "RequestBodyJsonObject" | "RequestBodyGraphQL" => {
                self.body_json = Mapping::nested(body, "value")?;
            }
            other => return Err(body.error(format!("`{other}` is no kind of body"))),
        }
        Ok(())
    }

    /// Answers to GET are kept during the run, so that a stream read as itself and as a parent is read once
    /// (`use_cache`, and every parent unless the manifest says no).
    pub fn keep_answers(&mut self) {
        self.kept = self.cache.unwrap_or(true);
    }

    /// Sends one request until the error handler is content. Waits as budget, backoff and server say, telling
    /// `output` what for. Dropping the future cancels.
    ///
    /// # Errors
    /// Of the kind the handler's verdict maps to, with the API's message (never its secrets); `Stopped`.
    pub async fn send(&self, run: &Run, asked: Asked<'_>, output: &dyn Output) -> Result<Response> {
        let began = Instant::now();
        let mut retries = None;
        let (mut attempt, mut limited, mut refused, mut renewed) = (0_u32, 0_u32, None, false);
        loop {
            attempt += 1;
            let request = self.prepare(run, &asked, refused.take(), output).await?;
            // After that moment a token that others renew is a newer one.
            let prepared = Instant::now();
            let elsewhere = AtomicBool::new(false);
            let sent = self.ask(run, &request, &elsewhere, output).await;
            let retries_max = match retries {
                Some(known) => known,
                None => *retries.insert(self.handler.retries(run)?),
            };
            let may_retry =
                |attempt: u32| attempt <= retries_max && began.elapsed() < self.handler.max_time();
            let answer = match sent {
                Ok(answer) => answer,
                Err(error) if is_transient(&error) && may_retry(attempt) => {
                    let wait = self.handler.wait(run, None, attempt)?.unwrap_or_else(|| doubling(attempt));
                    pause(run, wait, error.message(), output).await;
                    continue;
                }
                Err(error) => return Err(error.with("table", asked.stream)),
            };
            let (answer, body) = self.look(answer).await?;
            let seen = Seen::new(answer.status, &body, headers_json(&answer.headers, false), &answer.url);
            let verdict = self.handler.judge(run, &seen)?;
            match verdict.action {
                Action::Success
                | Action::Ignore
                | Action::ResetPagination
                | Action::ReducePageSize
                | Action::SplitRequestWindow => {
                    let ok = (200..300).contains(&answer.status);
                    let ignored = !(verdict.action == Action::Success && ok);
                    return Ok(passed(answer, verdict.action, ignored));
                }
                // A token can run out at any moment; a new one is tried once.
                Action::Fail if answer.status == 401 && self.authenticator.can_renew() && !renewed => {
                    (refused, renewed) = (Some(prepared), true);
                    attempt -= 1;
                    continue;
                }
                Action::Fail => return Err(verdict.error(run, &seen, asked.stream)),
                Action::RefreshTokenThenRetry if attempt <= retries_max => {
                    refused = Some(prepared);
                    continue;
                }
                Action::RefreshTokenThenRetry => return Err(verdict.error(run, &seen, asked.stream)),
                Action::RateLimited => {
                    limited += 1;
                    attempt -= 1;
                    if limited > RATE_LIMITED_MAX {
                        return Err(verdict.error(run, &seen, asked.stream));
                    }
                    if elsewhere.load(Ordering::Relaxed) {
                        // Another token is not asked to wait.
                        continue;
                    }
                    let wait = self.handler.wait(run, Some(&seen), limited)?;
                    let wait =
                        wait.or_else(|| retry_after(run, &answer)).unwrap_or_else(|| doubling(limited));
                    run.client.gate.refused();
                    if let Some(host) = answer.url.host_str() {
                        // Others would only be told the same.
                        run.client.rest(host, Instant::now() + run.wait(wait));
                    }
                    pause(run, wait, "The API asks to wait.", output).await;
                }
                Action::Retry => {
                    if !may_retry(attempt) {
                        return Err(verdict.error(run, &seen, asked.stream));
                    }
                    let wait =
                        self.handler.wait(run, Some(&seen), attempt)?.unwrap_or_else(|| doubling(attempt));
                    let said = format!("The API answered with {}.", answer.status);
                    pause(run, wait, &said, output).await;
                }
            }
        }
    }

    /// Reads the body where the handler needs it.
    async fn look(&self, mut answer: Answer) -> Result<(Answer, Bytes)> {
        let ok = (200..300).contains(&answer.status);
        if ok && !self.handler.reads_bodies() {
            return Ok((answer, Bytes::new()));
        }
        let body = std::mem::replace(&mut answer.body, Body::ready(Bytes::new())).whole().await?;
        answer.body = Body::ready(body.clone());
        Ok((answer, body))
    }

    /// Sends the request when it is its turn, or takes the answer that was kept. `elsewhere` becomes true when the token of
    /// the request has nothing left, and another one has.
    async fn ask(
        &self,
        run: &Run,
        request: &Prepared,
        elsewhere: &AtomicBool,
        output: &dyn Output,
    ) -> Result<Answer> {
        // Boxed: it waits in the futures of all who read.
        let send = Box::pin(self.send_in_turn(run, request, elsewhere, output));
        if self.kept && request.method == Method::GET {
            return run.client.kept(request, send).await;
        }
        send.await
    }

    async fn send_in_turn(
        &self,
        run: &Run,
        request: &Prepared,
        elsewhere: &AtomicBool,
        output: &dyn Output,
    ) -> Result<Answer> {
        let (mut request, config) = (request.clone(), run.config());
        let pool = self.authenticator.pool(&config);
        let signed = match pool {
            Some(pool) => Some(Box::pin(pool.sign(run, &mut request, output)).await?),
            None => None,
        };
        let request = &request;
        let pass = self.turn(run, request, output).await;
        let answer = run.client.send(request).await?;
        drop(pass);
        if let (Some(pool), Some(signed)) = (pool, signed) {
            elsewhere
                .store(pool.hear(run, signed, (answer.status, &answer.headers)).await, Ordering::Relaxed);
        }
        if answer.status < 400 {
            run.client.gate.answered();
        }
        let sent = (request.method.as_str(), &request.url, &request.headers);
        run.client.budget.learn(sent, answer.status, &answer.headers, (run.clock, Instant::now()));
        Ok(answer)
    }

    /// Waits while the host wants to be left alone, while as many requests as may be are under way, and for the budget.
    async fn turn<'r>(&self, run: &'r Run, request: &Prepared, output: &dyn Output) -> Pass<'r> {
        let host = request.url.host_str().unwrap_or_default();
        loop {
            while let Some(until) = run.client.resting(host) {
                wait_until(until, "The API asks to wait.", output).await;
            }
            let pass = run.client.gate.pass().await;
            if run.client.resting(host).is_some() {
                continue;
            }
            match run.client.budget.take(
                request.method.as_str(),
                &request.url,
                &request.headers,
                Instant::now(),
            ) {
                Turn::Now => return pass,
                Turn::After(until) => {
                    drop(pass);
                    wait_until(until, "The connector's budget of requests is used up.", output).await;
                }
            }
        }
    }
}

/// So often an API may say that it is asked too often, before that is an error.
const RATE_LIMITED_MAX: u32 = 30;

fn passed(answer: Answer, action: Action, ignored: bool) -> Response {
    Response {
        status: answer.status,
        headers: answer.headers,
        url: answer.url.to_string(),
        action,
        ignored,
        body: answer.body,
    }
}

fn is_transient(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Timeout | ErrorKind::Unreachable)
}

/// 1, 2, 4, 8 … seconds.
fn doubling(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(9))
}

/// What the server itself says about waiting.
fn retry_after(run: &Run, answer: &Answer) -> Option<Duration> {
    let (_, value) = answer.headers.iter().find(|(name, _)| name == "retry-after")?;
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds.min(3600)));
    }
    let until = crate::expression::datetime::Moment::parse_any(value)?;
    let left = until.at.as_second() - (run.clock)().as_second();
    Some(Duration::from_secs(u64::try_from(left).unwrap_or(0).min(3600)))
}

async fn wait_until(until: Instant, why: &str, output: &dyn Output) {
    output.waiting(Some(why));
    tokio::time::sleep_until(until).await;
    output.waiting(None);
}

/// Waits, and says what for.
async fn pause(run: &Run, wait: Duration, why: &str, output: &dyn Output) {
    let wait = run.wait(wait);
    if wait >= Duration::from_secs(2) {
        let at = (run.clock)().saturating_add(jiff::SignedDuration::try_from(wait).unwrap_or_default());
        let at = at.map(|at| at.strftime("%H:%M:%S UTC").to_string()).unwrap_or_default();
        output.waiting(Some(&format!("{} Next try at {at}.", errors::without_secrets(run, why))));
    }
    tokio::time::sleep(wait).await;
    output.waiting(None);
}
