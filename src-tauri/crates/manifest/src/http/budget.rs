//! How many requests may be sent in a time (`HTTPAPIBudget`).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fancy_regex::Regex;
use reqwest::Url;
use syncline_protocol::Result;
use tokio::time::Instant;

use crate::context::Clock;
use crate::document::Node;
use crate::expression::{Scope, Text, datetime};
use crate::{Json, Map};

/// The budget of a connector; empty when it has none.
#[derive(Default)]
pub struct Budget {
    policies: Mutex<Vec<Arc<Policy>>>,
}

struct Policy {
    matchers: Vec<Matcher>,
    rates: Vec<Rate>,
    sent: Mutex<VecDeque<Instant>>,
}

/// So many requests in so much time.
struct Rate {
    limit: usize,
    interval: Duration,
}

struct Matcher {
    method: Option<String>,
    base: Option<String>,
    path: Option<Regex>,
    parameters: Map,
    headers: Map,
}

impl Budget {
    /// Takes over the budget of a manifest (its `api_budget`).
    ///
    /// # Errors
    /// `Config`, when it is not valid.
    pub fn set(&self, manifest: &Node<'_>, config: &Json, clock: Clock) -> Result<()> {
        let Some(budget) = manifest.field("api_budget") else { return Ok(()) };
        let scope = Scope::new(config, clock);
        let mut policies = Vec::new();
        for node in budget.list("policies") {
            policies.push(Arc::new(Policy::new(&node, &scope)?));
        }
        *self.policies.lock().unwrap_or_else(PoisonError::into_inner) = policies;
        Ok(())
    }

    /// When this request may be sent; it is counted as sent then. None: now.
    pub fn take(&self, method: &str, url: &Url, headers: &reqwest::header::HeaderMap) -> Option<Instant> {
        let policies = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        let policy = Arc::clone(policies.iter().find(|policy| policy.matches(method, url, headers))?);
        drop(policies);
        policy.take()
    }
}

impl Policy {
    fn new(node: &Node<'_>, scope: &Scope<'_>) -> Result<Policy> {
        let limit = |node: &Node<'_>, field: &str| -> Result<usize> {
            let text = Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")))?;
            let number = text.eval(scope)?.as_u64().filter(|number| *number > 0);
            number
                .map(|number| number as usize)
                .ok_or_else(|| node.error(format!("`{field}` must be a whole number")))
        };
        let interval = |node: &Node<'_>, field: &str| -> Result<Duration> {
            let text = node.require(field)?.json().as_str().unwrap_or_default().to_owned();
            let micros = datetime::Duration::parse(&text).map_err(|error| node.at(error))?.microseconds;
            Ok(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
        };
        let rates = match node.kind() {
            "UnlimitedCallRatePolicy" => Vec::new(),
            "FixedWindowCallRatePolicy" => {
                vec![Rate { limit: limit(node, "call_limit")?, interval: interval(node, "period")? }]
            }
            "MovingWindowCallRatePolicy" => {
                let rate = |rate: Node<'_>| {
                    Ok(Rate { limit: limit(&rate, "limit")?, interval: interval(&rate, "interval")? })
                };
                node.list("rates").into_iter().map(rate).collect::<Result<_>>()?
            }
            other => return Err(node.unsupported(format!("the call rate policy `{other}`"))),
        };
        let matchers = node.list("matchers").iter().map(Matcher::new).collect::<Result<_>>()?;
        Ok(Policy { matchers, rates, sent: Mutex::default() })
    }

    fn matches(&self, method: &str, url: &Url, headers: &reqwest::header::HeaderMap) -> bool {
        self.matchers.is_empty() || self.matchers.iter().any(|matcher| matcher.matches(method, url, headers))
    }

    fn take(&self) -> Option<Instant> {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let mut at = now;
        for rate in &self.rates {
            if let Some(oldest) = sent.len().checked_sub(rate.limit).and_then(|index| sent.get(index)) {
                at = at.max(*oldest + rate.interval);
            }
        }
        sent.push_back(at);
        let longest = self.rates.iter().map(|rate| rate.limit).max().unwrap_or(0);
        while sent.len() > longest {
            sent.pop_front();
        }
        (at > now).then_some(at)
    }
}

impl Matcher {
    fn new(node: &Node<'_>) -> Result<Matcher> {
        let pattern = node.text("url_path_pattern")?;
        let path =
            pattern.map(Regex::new).transpose().map_err(|_| node.error("`url_path_pattern` is not valid"))?;
        Ok(Matcher {
            method: node.text("method")?.map(str::to_owned),
            base: node.text("url_base")?.map(|base| base.trim_end_matches('/').to_owned()),
            path,
            parameters: node.object("params")?.cloned().unwrap_or_default(),
            headers: node.object("headers")?.cloned().unwrap_or_default(),
        })
    }

    fn matches(&self, method: &str, url: &Url, headers: &reqwest::header::HeaderMap) -> bool {
        let base = format!("{}://{}", url.scheme(), url.authority());
        let text = |value: &Json| crate::expression::python_str(value);
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.base.as_deref().is_none_or(|wanted| url.as_str().starts_with(wanted) || wanted == base)
            && self.path.as_ref().is_none_or(|pattern| pattern.is_match(url.path()).unwrap_or(false))
            && self.parameters.iter().all(|(name, value)| {
                url.query_pairs().any(|(known, found)| known == *name && found == text(value))
            })
            && self.headers.iter().all(|(name, value)| {
                headers.get(name.as_str()).is_some_and(|found| found.as_bytes() == text(value).as_bytes())
            })
    }
}
