//! What to do with an answer: pass it on, try again, ignore it, fail (`DefaultErrorHandler`, `CompositeErrorHandler`).

use std::time::Duration;

use fancy_regex::Regex;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;
use crate::classes::class_of;
use crate::context::Run;
use crate::document::Node;
use crate::expression::{Condition, Scope, Text, truthy};

/// What a handler decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Its records are taken.
    Success,
    /// It has no records, and ends paging.
    Ignore,
    /// The stream fails.
    Fail,
    /// The request is sent again.
    Retry,
    /// The request is sent again when the API allows it.
    RateLimited,
    /// Paging begins again.
    ResetPagination,
    /// A new token is asked for, then the request is sent again.
    RefreshTokenThenRetry,
    /// The request is sent again with a smaller page.
    ReducePageSize,
    /// The slice is divided.
    SplitRequestWindow,
}

/// A decision, and what to tell people.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub(super) action: Action,
    pub(super) message: Option<String>,
    /// The kind of failure that the manifest names.
    failure: Option<ErrorKind>,
}

/// What is known of an answer when a handler looks at it.
pub(super) struct Seen<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
    pub(super) json: Json,
    pub(super) headers: Json,
    pub(super) url: Json,
}

impl<'a> Seen<'a> {
    pub(super) fn new(status: u16, body: &'a [u8], headers: Json, url: &reqwest::Url) -> Seen<'a> {
        let place = format!("{}://{}{}", url.scheme(), url.host_str().unwrap_or_default(), url.path());
        let json = serde_json::from_slice(body).unwrap_or_else(|_| Json::Object(crate::Map::new()));
        Seen { status, body, json, headers, url: Json::from(place) }
    }

    fn scope<'s>(&'s self, config: &'s Json, run: &Run) -> Scope<'s> {
        Scope::new(config, run.clock)
            .with("response", &self.json)
            .with("headers", &self.headers)
            .with("request_url", &self.url)
    }

    /// The API's own message, where APIs usually have it.
    pub(super) fn message(&self) -> Option<String> {
        if self.json.as_object().is_some_and(serde_json::Map::is_empty) || self.json.is_null() {
            let text = String::from_utf8_lossy(self.body);
            let text = text.trim();
            return (!text.is_empty() && !text.starts_with('<')).then(|| text.chars().take(300).collect());
        }
        message_in(&self.json, 0)
    }
}

fn message_in(value: &Json, depth: usize) -> Option<String> {
    const NAMES: [&str; 14] = [
        "message",
        "messages",
        "error",
        "errors",
        "failures",
        "failure",
        "detail",
        "details",
        "err",
        "error_message",
        "msg",
        "reason",
        "status_message",
        "title",
    ];
    if depth > 8 {
        return None;
    }
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(|item| message_in(item, depth + 1)).collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        Json::Object(fields) => NAMES
            .iter()
            .filter_map(|name| fields.get(*name))
            .find(|value| truthy(value))
            .and_then(|value| message_in(value, depth + 1)),
        _ => None,
    }
}

/// A handler.
#[derive(Debug, Default)]
pub(super) struct ErrorHandler {
    /// The handlers of a composite one; a plain one is alone.
    handlers: Vec<Plain>,
}

#[derive(Debug, Default)]
struct Plain {
    filters: Vec<Filter>,
    backoffs: Vec<Backoff>,
    retries: Option<Text>,
    max_time: Option<u64>,
}

#[derive(Debug)]
struct Filter {
    action: Option<Action>,
    failure: Option<ErrorKind>,
    codes: Vec<u16>,
    predicate: Option<Condition>,
    contains: Option<String>,
    message: Option<Text>,
}

impl ErrorHandler {
    pub(super) fn new(node: Option<Node<'_>>) -> Result<ErrorHandler> {
        let Some(node) = node else { return Ok(ErrorHandler { handlers: vec![Plain::default()] }) };
        let handlers = match node.kind() {
            "CompositeErrorHandler" => {
                let mut all = Vec::new();
                for inner in node.list("error_handlers") {
                    all.extend(ErrorHandler::new(Some(inner))?.handlers);
                }
                all
            }
            "DefaultErrorHandler" | "" => vec![Plain::new(&node)?],
            // A page that says that the key is wrong is no JSON, which is an error here anyway.
            _ if class_of(&node) == Some("USCensusErrorHandler") => vec![Plain::new(&node)?],
            _ => return Err(node.unsupported(named(&node, "error handler"))),
        };
        Ok(ErrorHandler { handlers })
    }

    /// Whether a handler looks into the body of an answer that is no error.
    pub(super) fn reads_bodies(&self) -> bool {
        let reads = |filter: &Filter| filter.predicate.is_some() || filter.contains.is_some();
        self.handlers.iter().flat_map(|handler| &handler.filters).any(reads)
    }

    pub(super) fn judge(&self, run: &Run, seen: &Seen<'_>) -> Result<Verdict> {
        let mut last = None;
        for handler in &self.handlers {
            let verdict = handler.judge(run, seen)?;
            if matches!(
                verdict.action,
                Action::Success | Action::Retry | Action::Ignore | Action::ResetPagination
            ) {
                return Ok(verdict);
            }
            last = Some(verdict);
        }
        Ok(last.unwrap_or_else(|| by_status(seen.status)))
    }

    /// How often a request is sent again.
    pub(super) fn retries(&self, run: &Run) -> Result<u32> {
        let Some(text) = self.handlers.first().and_then(|handler| handler.retries.as_ref()) else {
            return Ok(5);
        };
        let config = run.config();
        let value = text.eval(&Scope::new(&config, run.clock))?;
        Ok(value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or(5))
    }

    /// For how long a request is sent again.
    pub(super) fn max_time(&self) -> Duration {
        let seconds = self.handlers.first().and_then(|handler| handler.max_time).unwrap_or(600);
        Duration::from_secs(seconds)
    }

    /// How long to wait before try number `attempt` (from 1) is repeated, as the manifest has it.
    ///
    /// # Errors
    /// `RateLimited`, when the API asks for a longer time than the manifest allows.
    pub(super) fn wait(&self, run: &Run, seen: Option<&Seen<'_>>, attempt: u32) -> Result<Option<Duration>> {
        for backoff in self.handlers.iter().flat_map(|handler| &handler.backoffs) {
            if let Some(seconds) = backoff.seconds(run, seen, attempt)?.filter(|seconds| *seconds > 0.0) {
                return Ok(Some(
                    Duration::try_from_secs_f64(seconds + 1.0).unwrap_or(Duration::from_secs(3600)),
                ));
            }
        }
        Ok(None)
    }
}

/// "the custom error handler `X`" for a component that names a class.
pub(crate) fn named(node: &Node<'_>, what: &str) -> String {
    match node.class_name() {
        Some(class) => format!("the {what} `{class}`, which is written in Python"),
        None => format!("the {what} `{}`", node.kind()),
    }
}

impl Plain {
    fn new(node: &Node<'_>) -> Result<Plain> {
        Ok(Plain {
            filters: node.list("response_filters").iter().map(Filter::new).collect::<Result<_>>()?,
            backoffs: node.list("backoff_strategies").iter().map(Backoff::new).collect::<Result<_>>()?,
            retries: Text::of(node, "max_retries")?,
            max_time: node.integer("max_time")?.and_then(|seconds| u64::try_from(seconds).ok()),
        })
    }

    fn judge(&self, run: &Run, seen: &Seen<'_>) -> Result<Verdict> {
        for filter in &self.filters {
            if let Some(verdict) = filter.judge(run, seen)? {
                return Ok(verdict);
            }
        }
        Ok(by_status(seen.status))
    }
}

/// What a status means when no filter says otherwise.
fn by_status(status: u16) -> Verdict {
    let (action, failure) = match status {
        200..=399 => (Action::Success, None),
        400 | 405 => (Action::Fail, Some(ErrorKind::Config)),
        401 => (Action::Fail, Some(ErrorKind::Authentication)),
        403 => (Action::Fail, Some(ErrorKind::Permission)),
        404 => (Action::Fail, Some(ErrorKind::NotFound)),
        429 => (Action::RateLimited, Some(ErrorKind::RateLimited)),
        // Anything else is unknown, and may pass.
        _ => (Action::Retry, Some(ErrorKind::ConnectionLost)),
    };
    Verdict { action, message: None, failure }
}

impl Filter {
    fn new(node: &Node<'_>) -> Result<Filter> {
        let action = match node.text("action")? {
            None => None,
            Some("SUCCESS") => Some(Action::Success),
            Some("IGNORE") => Some(Action::Ignore),
            Some("FAIL") => Some(Action::Fail),
            Some("RETRY") => Some(Action::Retry),
            Some("RATE_LIMITED") => Some(Action::RateLimited),
            Some("RESET_PAGINATION") => Some(Action::ResetPagination),
            Some("REFRESH_TOKEN_THEN_RETRY") => Some(Action::RefreshTokenThenRetry),
            Some("REDUCE_PAGE_SIZE") => Some(Action::ReducePageSize),
            Some("SPLIT_REQUEST_WINDOW") => Some(Action::SplitRequestWindow),
            Some(other) => return Err(node.error(format!("`{other}` is no action of a response filter"))),
        };
        let failure = match node.text("failure_type")? {
            Some("config_error") => Some(ErrorKind::Config),
            Some("transient_error") => Some(ErrorKind::ConnectionLost),
            Some(_) => Some(ErrorKind::CorruptInput),
            None => None,
        };
        let code = |code: Node<'_>| {
            let number = code.json().as_u64().or_else(|| code.json().as_str()?.parse().ok());
            number
                .and_then(|number| u16::try_from(number).ok())
                .ok_or_else(|| code.error("an HTTP code must be a number"))
        };
        Ok(Filter {
            action,
            failure,
            codes: node.list("http_codes").into_iter().map(code).collect::<Result<_>>()?,
            predicate: Condition::of(node, "predicate")?,
            contains: node.text("error_message_contains")?.map(str::to_owned),
            message: Text::of(node, "error_message")?,
        })
    }

    fn judge(&self, run: &Run, seen: &Seen<'_>) -> Result<Option<Verdict>> {
        let Some(action) = self.action else { return Ok(None) };
        let matches = self.codes.contains(&seen.status)
            || self.predicate_holds(run, seen)?
            || self
                .contains
                .as_deref()
                .is_some_and(|part| seen.message().is_some_and(|message| message.contains(part)));
        if !matches {
            return Ok(None);
        }
        let config = run.config();
        let message = match &self.message {
            Some(message) => Some(message.eval_text(&seen.scope(&config, run))?),
            None => None,
        };
        let failure = self.failure.or(by_status(seen.status).failure);
        Ok(Some(Verdict { action, message: message.filter(|message| !message.is_empty()), failure }))
    }

    /// Predicates do not see the configuration.
    fn predicate_holds(&self, run: &Run, seen: &Seen<'_>) -> Result<bool> {
        let Some(predicate) = &self.predicate else { return Ok(false) };
        predicate.holds(&seen.scope(&Json::Null, run))
    }
}

#[derive(Debug)]
enum Backoff {
    Constant(Text),
    Exponential(Option<Text>),
    Header {
        name: Text,
        pattern: Option<Text>,
        max: Option<f64>,
    },
    Until {
        name: Text,
        pattern: Option<Text>,
        min: Option<Text>,
    },
    Response(Vec<String>),
    /// Until the day ends in UTC, when some APIs count anew.
    Midnight,
}

impl Backoff {
    fn new(node: &Node<'_>) -> Result<Backoff> {
        let need =
            |field: &str| Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")));
        Ok(match node.kind() {
            "ConstantBackoffStrategy" => Backoff::Constant(need("backoff_time_in_seconds")?),
            "ExponentialBackoffStrategy" => Backoff::Exponential(Text::of(node, "factor")?),
            "WaitTimeFromHeader" => Backoff::Header {
                name: need("header")?,
                pattern: Text::of(node, "regex")?,
                max: node.field("max_waiting_time_in_seconds").and_then(|max| max.json().as_f64()),
            },
            "WaitUntilTimeFromHeader" => Backoff::Until {
                name: need("header")?,
                pattern: Text::of(node, "regex")?,
                min: Text::of(node, "min_wait")?,
            },
            "WaitTimeFromResponse" => {
                let path = node.list("field_path");
                Backoff::Response(
                    path.iter().filter_map(|step| step.json().as_str().map(str::to_owned)).collect(),
                )
            }
            _ if class_of(node) == Some("WaitUntilMidnightBackoffStrategy") => Backoff::Midnight,
            _ => return Err(node.unsupported(named(node, "waiting strategy"))),
        })
    }

    fn seconds(&self, run: &Run, seen: Option<&Seen<'_>>, attempt: u32) -> Result<Option<f64>> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let number = |text: &Text| -> Result<Option<f64>> {
            let value = text.eval(&scope)?;
            Ok(value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()))
        };
        let header = |name: &Text, pattern: Option<&Text>| -> Result<Option<f64>> {
            let name = name.eval_text(&scope)?.to_lowercase();
            let value =
                seen.and_then(|seen| seen.headers.get(&name)).and_then(Json::as_str).map(str::to_owned);
            let Some(value) = value else { return Ok(None) };
            let Some(pattern) = pattern else { return Ok(value.trim().parse().ok()) };
            let pattern = format!("\\A(?:{})", pattern.eval_text(&scope)?);
            let pattern = Regex::new(&pattern).map_err(|_| {
                Error::new(ErrorKind::Config, "The expression for a waiting time is not valid.")
            })?;
            let found = pattern.find(&value).ok().flatten();
            Ok(found.and_then(|found| found.as_str().trim().parse().ok()))
        };
        Ok(match self {
            Backoff::Constant(seconds) => number(seconds)?,
            Backoff::Exponential(factor) => {
                let factor = factor.as_ref().map(number).transpose()?.flatten().unwrap_or(5.0);
                Some(factor * 2_f64.powi(attempt.min(20) as i32))
            }
            Backoff::Header { name, pattern, max } => {
                let seconds = header(name, pattern.as_ref())?;
                if let (Some(seconds), Some(max)) = (seconds, max)
                    && seconds >= *max
                {
                    return Err(Error::new(
                        ErrorKind::RateLimited,
                        format!("The API asks to wait {seconds} seconds, and the connector allows {max}."),
                    ));
                }
                seconds
            }
            Backoff::Until { name, pattern, min } => {
                let min = min.as_ref().map(number).transpose()?.flatten();
                let now = (run.clock)().as_millisecond() as f64 / 1000.0;
                match (header(name, pattern.as_ref())?, min) {
                    (None, min) => min,
                    (Some(until), min) => {
                        let left = until - now;
                        Some(min.map_or(left, |min| left.max(min)))
                    }
                }
            }
            Backoff::Midnight => {
                let millis = (run.clock)().as_millisecond();
                Some((86_400_000 - millis.rem_euclid(86_400_000)) as f64 / 1000.0)
            }
            Backoff::Response(path) => {
                let found =
                    seen.and_then(|seen| path.iter().try_fold(&seen.json, |value, step| value.get(step)));
                found.and_then(|value| value.as_f64().or_else(|| value.as_str()?.parse().ok()))
            }
        })
    }
}

impl Verdict {
    /// The error of a request that failed for good. The API's message is told without what is secret in it.
    pub(super) fn error(&self, run: &Run, seen: &Seen<'_>, stream: &str) -> Error {
        let kind = match seen.status {
            429 => ErrorKind::RateLimited,
            _ => self.failure.unwrap_or(ErrorKind::ConnectionLost),
        };
        let said =
            self.message.clone().or_else(|| seen.message()).map(|message| without_secrets(run, &message));
        let text = match (&self.message, said) {
            (_, Some(said)) if !said.trim().is_empty() => {
                let dot = if said.ends_with(['.', '!', '?']) { "" } else { "." };
                format!("The API refused with {}: {said}{dot}", seen.status)
            }
            _ => format!("The API refused with {}.", seen.status),
        };
        Error::new(kind, text).with("table", stream).with("address", seen.url.as_str().unwrap_or_default())
    }
}

/// A text of the API without values of the configuration that could be secret.
pub(super) fn without_secrets(run: &Run, text: &str) -> String {
    fn collect(value: &Json, into: &mut Vec<String>) {
        match value {
            Json::String(text) if text.len() > 5 => into.push(text.clone()),
            Json::Array(items) => items.iter().for_each(|item| collect(item, into)),
            Json::Object(fields) => fields.values().for_each(|field| collect(field, into)),
            _ => {}
        }
    }
    let mut secrets = Vec::new();
    collect(&run.config(), &mut secrets);
    secrets
        .iter()
        .fold(text.chars().take(500).collect(), |text: String, secret| text.replace(secret.as_str(), "…"))
}
