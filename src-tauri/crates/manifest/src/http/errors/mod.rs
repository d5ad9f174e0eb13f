//! What to do with an answer: take it, ignore it, try again, give up.

mod backoff;
mod filter;
mod message;
mod report;

use bytes::Bytes;
use syncline_protocol::{Error, Result};

use crate::context::Run;
use crate::document::Node;
use crate::expression::{Scope, Text};
use crate::{Json, Map};

use backoff::Backoff;
use filter::Filter;

pub(crate) use report::{exhausted, failure};

/// What an error handler decided.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) action: Action,
    pub(crate) failure: Option<Failure>,
    /// In the words of the manifest.
    pub(crate) message: Option<String>,
}

/// What a handler decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The answer is taken.
    Success,
    /// It is taken for what it is: nothing, when its status says that something went wrong.
    Ignore,
    /// The stream fails.
    Fail,
    /// The request is sent again.
    Retry,
    /// The request is sent again when the API allows it.
    RateLimited,
    /// A new token is asked for, then the request is sent again.
    RefreshTokenThenRetry,
    /// Paging begins again.
    ResetPagination,
    /// The page is asked for again, smaller.
    ReducePageSize,
    /// The window of time is divided, and its parts are read.
    SplitRequestWindow,
}

/// Whose fault it is, as the manifest sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    System,
    Config,
    Transient,
}

/// An answer as error handlers see it.
pub(crate) struct Seen<'a> {
    pub(crate) status: u16,
    pub(crate) headers: &'a [(String, String)],
    /// Headers as templates see them.
    pub(crate) headers_json: &'a Json,
    /// The address without query and user.
    pub(crate) address: &'a Json,
    /// The body, when it was read.
    pub(crate) body: Option<&'a Bytes>,
    /// The body as JSON, `{}` when it is none.
    pub(crate) json: &'a Json,
}

impl Seen<'_> {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What happened to a request.
pub(crate) enum Outcome<'a> {
    Answered(Seen<'a>),
    Broken(&'a Error),
}

/// Judges answers (`DefaultErrorHandler`, `CompositeErrorHandler`).
pub(crate) enum Handler {
    Default(Box<Default>),
    Composite(Vec<Handler>),
}

pub(crate) struct Default {
    filters: Vec<Filter>,
    backoffs: Vec<Backoff>,
    max_retries: Option<Text>,
}

const MAX_RETRIES: u32 = 5;

impl Handler {
    /// From the `error_handler` of a requester, which may be missing.
    pub(crate) fn new(node: Option<&Node<'_>>) -> Result<Handler> {
        let Some(node) = node else {
            return Ok(Handler::Default(Box::new(Default {
                filters: vec![],
                backoffs: vec![],
                max_retries: None,
            })));
        };
        if node.class_name().is_some() {
            return Err(node.unsupported(named(node, "error handler")));
        }
        match node.kind() {
            "CompositeErrorHandler" => {
                let handlers: Vec<Handler> = node
                    .list("error_handlers")
                    .iter()
                    .map(|node| Handler::new(Some(node)))
                    .collect::<Result<_>>()?;
                if handlers.is_empty() {
                    return Err(node.error("`error_handlers` is empty"));
                }
                Ok(Handler::Composite(handlers))
            }
            "DefaultErrorHandler" | "" => Ok(Handler::Default(Box::new(Default {
                filters: node.list("response_filters").iter().map(Filter::new).collect::<Result<_>>()?,
                backoffs: node.list("backoff_strategies").iter().map(Backoff::new).collect::<Result<_>>()?,
                max_retries: Text::of(node, "max_retries")?,
            }))),
            _ => Err(node.unsupported(named(node, "error handler"))),
        }
    }

    /// Whether bodies of answers that are a success have to be looked at.
    pub(crate) fn reads_bodies(&self) -> bool {
        match self {
            Handler::Default(handler) => handler.filters.iter().any(Filter::reads_bodies),
            Handler::Composite(handlers) => handlers.iter().any(Handler::reads_bodies),
        }
    }

    /// What to do.
    pub(crate) fn judge(&self, run: &Run, outcome: &Outcome<'_>) -> Result<Verdict> {
        match self {
            Handler::Default(handler) => handler.judge(run, outcome),
            Handler::Composite(handlers) => {
                let mut last = None;
                for handler in handlers {
                    let verdict = handler.judge(run, outcome)?;
                    let stands = matches!(
                        verdict.action,
                        Action::Success
                            | Action::Retry
                            | Action::Ignore
                            | Action::ResetPagination
                            | Action::ReducePageSize
                            | Action::SplitRequestWindow
                    );
                    last = Some(verdict);
                    if stands {
                        break;
                    }
                }
                last.ok_or_else(|| Error::internal("An error handler is empty."))
            }
        }
    }

    /// How often a request is tried again.
    pub(crate) fn max_retries(&self, run: &Run) -> Result<u32> {
        match self {
            Handler::Composite(handlers) => {
                handlers.first().map_or(Ok(MAX_RETRIES), |first| first.max_retries(run))
            }
            Handler::Default(handler) => {
                let Some(text) = &handler.max_retries else { return Ok(MAX_RETRIES) };
                let config = run.config();
                let value = text.eval(&Scope::new(&config, run.clock))?;
                let number = match &value {
                    Json::String(text) => text.trim().parse().ok(),
                    value => value.as_i64(),
                };
                let number = number.ok_or_else(|| {
                    Error::new(
                        syncline_protocol::ErrorKind::Config,
                        "The number of retries in the connector's manifest is no whole number.",
                    )
                })?;
                Ok(u32::try_from(number.max(0)).unwrap_or(u32::MAX))
            }
        }
    }

    /// Seconds to wait, from the first strategy that says something.
    pub(crate) fn backoff(&self, run: &Run, outcome: &Outcome<'_>, attempt: u32) -> Result<Option<f64>> {
        match self {
            Handler::Default(handler) => {
                for strategy in &handler.backoffs {
                    if let Some(seconds) =
                        strategy.seconds(run, outcome, attempt)?.filter(|seconds| *seconds != 0.0)
                    {
                        return Ok(Some(seconds));
                    }
                }
                Ok(None)
            }
            Handler::Composite(handlers) => {
                for handler in handlers {
                    if let Some(seconds) = handler.backoff(run, outcome, attempt)? {
                        return Ok(Some(seconds));
                    }
                }
                Ok(None)
            }
        }
    }
}

impl Default {
    fn judge(&self, run: &Run, outcome: &Outcome<'_>) -> Result<Verdict> {
        let seen = match outcome {
            Outcome::Answered(seen) => seen,
            // Nothing was answered: no filter can look at it.
            Outcome::Broken(_) => return Ok(verdict(Action::Retry, Failure::Transient)),
        };
        for filter in &self.filters {
            if let Some(verdict) = filter.judge(run, seen)? {
                return Ok(verdict);
            }
        }
        if seen.status < 400 {
            return Ok(Verdict { action: Action::Success, failure: None, message: None });
        }
        Ok(usual(seen.status).unwrap_or_else(|| verdict(Action::Retry, Failure::System)))
    }
}

fn verdict(action: Action, failure: Failure) -> Verdict {
    Verdict { action, failure: Some(failure), message: None }
}

/// "the error handler `X`, which is written in Python", for a component that names a class.
pub(crate) fn named(node: &Node<'_>, what: &str) -> String {
    match node.class_name() {
        Some(class) => format!("the {what} `{class}`, which is written in Python"),
        None => format!("the {what} `{}`", node.kind()),
    }
}

/// What is done by default.
fn usual(status: u16) -> Option<Verdict> {
    Some(match status {
        400 | 404 | 405 => verdict(Action::Fail, Failure::System),
        401 | 403 => verdict(Action::Fail, Failure::Config),
        408 | 500 | 502 | 503 | 504 => verdict(Action::Retry, Failure::Transient),
        429 => verdict(Action::RateLimited, Failure::Transient),
        _ => return None,
    })
}

/// The body as JSON; `{}` when it is none.
pub(crate) fn body_json(body: Option<&Bytes>) -> Json {
    body.and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_else(|| Json::Object(Map::new()))
}
