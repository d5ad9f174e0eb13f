//! Which answers mean what (`HttpResponseFilter`).

use syncline_protocol::Result;

use super::message;
use super::{Action, Failure, Seen, Verdict, usual};
use crate::Json;
use crate::context::Run;
use crate::document::Node;
use crate::expression::{Condition, Scope, Text};

/// Recognises answers by status, by a condition or by their message, and says what is done with them.
pub(crate) struct Filter {
    action: Option<Action>,
    failure: Option<Failure>,
    codes: Vec<u16>,
    predicate: Option<Condition>,
    contains: Option<String>,
    message: Option<Text>,
}

impl Filter {
    pub(crate) fn new(node: &Node<'_>) -> Result<Filter> {
        let action = match node.text("action")? {
            None | Some("") => None,
            Some("SUCCESS") => Some(Action::Success),
            Some("FAIL") => Some(Action::Fail),
            Some("RETRY") => Some(Action::Retry),
            Some("IGNORE") => Some(Action::Ignore),
            Some("RESET_PAGINATION") => Some(Action::ResetPagination),
            Some("RATE_LIMITED") => Some(Action::RateLimited),
            Some("REFRESH_TOKEN_THEN_RETRY") => Some(Action::RefreshTokenThenRetry),
            Some("REDUCE_PAGE_SIZE") => Some(Action::ReducePageSize),
            Some("SPLIT_REQUEST_WINDOW") => Some(Action::SplitRequestWindow),
            Some(other) => return Err(node.error(format!("`{other}` is no action of a response filter"))),
        };
        let failure = match node.text("failure_type")? {
            None | Some("") => None,
            Some("system_error") => Some(Failure::System),
            Some("config_error") => Some(Failure::Config),
            Some("transient_error") => Some(Failure::Transient),
            Some(other) => return Err(node.error(format!("`{other}` is no type of failure"))),
        };
        let code = |item: &Node<'_>| {
            let found = item.json().as_u64().and_then(|code| u16::try_from(code).ok());
            found.ok_or_else(|| item.error("`http_codes` must be status codes"))
        };
        Ok(Filter {
            action,
            failure,
            codes: node.list("http_codes").iter().map(code).collect::<Result<_>>()?,
            predicate: match node.text("predicate")? {
                None | Some("") => None,
                Some(_) => Condition::of(node, "predicate")?,
            },
            contains: node.text("error_message_contains")?.filter(|text| !text.is_empty()).map(str::to_owned),
            message: Text::of(node, "error_message")?,
        })
    }

    pub(crate) fn reads_bodies(&self) -> bool {
        self.predicate.is_some() || self.contains.is_some()
    }

    /// The verdict, when the filter recognises the answer and says what to do.
    pub(crate) fn judge(&self, run: &Run, seen: &Seen<'_>) -> Result<Option<Verdict>> {
        let Some(action) = self.action else { return Ok(None) };
        if !(self.codes.contains(&seen.status) || self.holds(run, seen)? || self.is_said(seen)) {
            return Ok(None);
        }
        let usual = usual(seen.status).and_then(|usual| usual.failure).unwrap_or(Failure::System);
        let failure = self.failure.filter(|_| action == Action::Fail).unwrap_or(usual);
        Ok(Some(Verdict { action, failure: Some(failure), message: self.told(run, seen)? }))
    }

    fn holds(&self, run: &Run, seen: &Seen<'_>) -> Result<bool> {
        let Some(predicate) = &self.predicate else { return Ok(false) };
        // The reference gives conditions no configuration here.
        predicate.holds(&scope(&Json::Null, run, seen))
    }

    fn is_said(&self, seen: &Seen<'_>) -> bool {
        let Some(contains) = &self.contains else { return false };
        seen.body.and_then(message::of_body).is_some_and(|message| message.contains(contains))
    }

    fn told(&self, run: &Run, seen: &Seen<'_>) -> Result<Option<String>> {
        let Some(message) = &self.message else { return Ok(None) };
        let config = run.config();
        let text = message.eval_text(&scope(&config, run, seen))?;
        Ok(Some(text).filter(|text| !text.trim().is_empty()))
    }
}

fn scope<'a>(config: &'a Json, run: &Run, seen: &'a Seen<'_>) -> Scope<'a> {
    Scope::new(config, run.clock)
        .with("response", seen.json)
        .with("headers", seen.headers_json)
        .with("request_url", seen.address)
}
