//! How many requests an API allows in which time (`HTTPAPIBudget`).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use fancy_regex::Regex;
use jiff::Timestamp;
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

use super::{Answer, Request};
use crate::context::Clock;
use crate::document::Node;
use crate::expression::datetime::Duration as Span;
use crate::expression::{Scope, Text, python_str};
use crate::{Json, Map};

/// How many requests an API allows in which time. The first policy that matches a request counts it.
pub struct Budget {
    policies: Vec<Policy>,
    reset_header: String,
    remaining_header: String,
    hit_codes: Vec<u16>,
}

struct Policy {
    matchers: Vec<Matcher>,
    window: Option<Mutex<Window>>,
}

struct Matcher {
    method: Option<String>,
    base: Option<String>,
    path: Option<Regex>,
    parameters: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    weight: u64,
}

enum Window {
    /// So many requests until a moment, then as many again.
    Fixed { limit: u64, period: Duration, used: u64, ends: Option<Instant> },
    /// So many requests in any stretch of time.
    Moving { rates: Vec<(u64, Duration)>, sent: VecDeque<(Instant, u64)> },
}

impl Budget {
    /// From the `api_budget` of a manifest.
    ///
    /// # Errors
    /// `Config`, when it is not valid.
    pub fn new(node: &Node<'_>, config: &Json, clock: Clock) -> Result<Budget> {
        let scope = Scope::new(config, clock);
        let text = |field: &str, usual: &str| Ok::<_, Error>(node.text(field)?.unwrap_or(usual).to_owned());
        let codes = node.list("status_codes_for_ratelimit_hit");
        let mut hit_codes: Vec<u16> =
            codes.iter().filter_map(|code| code.json().as_u64()?.try_into().ok()).collect();
        if hit_codes.is_empty() {
            hit_codes.push(429);
        }
        Ok(Budget {
            policies: node
                .list("policies")
                .iter()
                .map(|node| Policy::new(node, &scope))
                .collect::<Result<_>>()?,
            reset_header: text("ratelimit_reset_header", "ratelimit-reset")?,
            remaining_header: text("ratelimit_remaining_header", "ratelimit-remaining")?,
            hit_codes,
        })
    }

    /// Counts a request. Some: it has to wait that long, and ask again.
    pub(crate) fn take(&self, request: &Request, now: Instant) -> Option<Duration> {
        let (policy, weight) = self.policy(request)?;
        policy.lock()?.take(weight, now)
    }

    /// Learns from what the server says about its budget.
    pub(crate) fn learn(&self, request: &Request, answer: &Answer, now: Instant, wall: Timestamp) {
        let Some((policy, _)) = self.policy(request) else { return };
        let number = |name: &str| answer.header(name).and_then(|value| value.trim().parse::<i64>().ok());
        let left = number(&self.remaining_header).map(|left| u64::try_from(left).unwrap_or(0));
        let left = left.or_else(|| self.hit_codes.contains(&answer.status).then_some(0));
        let reset = number(&self.reset_header).and_then(|at| Timestamp::from_second(at).ok());
        let reset = reset.and_then(|at| Duration::try_from(at.duration_since(wall)).ok());
        if let Some(mut window) = policy.lock() {
            window.learn(left, reset, now);
        }
    }

    fn policy(&self, request: &Request) -> Option<(&Policy, u64)> {
        self.policies.iter().find_map(|policy| policy.weight(request).map(|weight| (policy, weight)))
    }
}

impl Policy {
    fn new(node: &Node<'_>, scope: &Scope<'_>) -> Result<Policy> {
        let matchers: Vec<Matcher> =
            node.list("matchers").iter().map(|node| Matcher::new(node, scope)).collect::<Result<_>>()?;
        let window = match node.kind() {
            "UnlimitedCallRatePolicy" => None,
            "FixedWindowCallRatePolicy" => {
                let period = period(&node.require("period")?)?;
                let limit = whole(&node.require("call_limit")?, scope)?;
                Some(Window::Fixed { limit, period, used: 0, ends: None })
            }
            "MovingWindowCallRatePolicy" => {
                let rate = |node: &Node<'_>| {
                    Ok((whole(&node.require("limit")?, scope)?, period(&node.require("interval")?)?))
                };
                let rates: Vec<(u64, Duration)> =
                    node.list("rates").iter().map(rate).collect::<Result<_>>()?;
                if rates.is_empty() {
                    return Err(node.error("`rates` is empty"));
                }
                Some(Window::Moving { rates, sent: VecDeque::new() })
            }
            other => return Err(node.unsupported(format!("a call rate policy of type `{other}`"))),
        };
        let most = window.as_ref().map_or(u64::MAX, Window::most);
        if matchers.iter().any(|matcher| matcher.weight > most) {
            return Err(node.error("the weight of a request is greater than the limit"));
        }
        Ok(Policy { matchers, window: window.map(Mutex::new) })
    }

    fn lock(&self) -> Option<std::sync::MutexGuard<'_, Window>> {
        self.window.as_ref().map(|window| window.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The weight of a request, if this policy is for it.
    fn weight(&self, request: &Request) -> Option<u64> {
        if self.matchers.is_empty() {
            return Some(1);
        }
        self.matchers.iter().find(|matcher| matcher.matches(request)).map(|matcher| matcher.weight)
    }
}

impl Window {
    fn most(&self) -> u64 {
        match self {
            Window::Fixed { limit, .. } => *limit,
            Window::Moving { rates, .. } => rates.iter().map(|(limit, _)| *limit).min().unwrap_or(u64::MAX),
        }
    }

    fn take(&mut self, weight: u64, now: Instant) -> Option<Duration> {
        match self {
            Window::Fixed { limit, period, used, ends } => {
                if ends.is_some_and(|ends| now >= ends) {
                    (*ends, *used) = (None, 0);
                }
                let ends = *ends.get_or_insert(now + *period);
                if *used + weight > *limit {
                    return Some(ends.duration_since(now));
                }
                *used += weight;
                None
            }
            Window::Moving { rates, sent } => {
                let longest = rates.iter().map(|(_, span)| *span).max().unwrap_or_default();
                while sent.front().is_some_and(|(at, _)| now.duration_since(*at) >= longest) {
                    sent.pop_front();
                }
                let wait =
                    rates.iter().filter_map(|(limit, span)| room(sent, *limit, *span, weight, now)).max();
                if wait.is_none() {
                    sent.push_back((now, weight));
                }
                wait
            }
        }
    }

    fn learn(&mut self, left: Option<u64>, reset: Option<Duration>, now: Instant) {
        match self {
            Window::Fixed { limit, used, ends, .. } => {
                // Only a smaller number counts: the manifest may keep below what the API allows.
                if let Some(left) = left.filter(|left| *left < limit.saturating_sub(*used)) {
                    *used = *limit - left;
                }
                if let Some(reset) = reset {
                    *ends = Some(now + reset);
                }
            }
            Window::Moving { rates, sent } if left == Some(0) && reset.is_none() => {
                let free = |(limit, span): &(u64, Duration)| limit.saturating_sub(used(sent, *span, now));
                if let Some(free) = rates.iter().map(free).min().filter(|free| *free > 0) {
                    sent.push_back((now, free));
                }
            }
            Window::Moving { .. } => {}
        }
    }
}

fn used(sent: &VecDeque<(Instant, u64)>, span: Duration, now: Instant) -> u64 {
    sent.iter().rev().take_while(|(at, _)| now.duration_since(*at) < span).map(|(_, weight)| weight).sum()
}

/// How long until a stretch of time has room for this weight; none when it has.
fn room(
    sent: &VecDeque<(Instant, u64)>,
    limit: u64,
    span: Duration,
    weight: u64,
    now: Instant,
) -> Option<Duration> {
    let mut over = (used(sent, span, now) + weight).checked_sub(limit).filter(|over| *over > 0)?;
    for (at, weight) in sent.iter().filter(|(at, _)| now.duration_since(*at) < span) {
        over = over.saturating_sub(*weight);
        if over == 0 {
            return Some((*at + span).saturating_duration_since(now).max(Duration::from_millis(1)));
        }
    }
    Some(span)
}

impl Matcher {
    fn new(node: &Node<'_>, scope: &Scope<'_>) -> Result<Matcher> {
        let pairs = |field: &str, lower: bool| -> Result<Vec<(String, String)>> {
            let empty = Map::new();
            let fields = node.object(field)?.unwrap_or(&empty);
            let name = |name: &String| if lower { name.to_lowercase() } else { name.clone() };
            Ok(fields.iter().map(|(key, value)| (name(key), python_str(value))).collect())
        };
        let path = node.text("url_path_pattern")?.filter(|pattern| !pattern.is_empty());
        let path = path.map(Regex::new).transpose();
        let weight = node.field("weight").map(|weight| whole(&weight, scope)).transpose()?.unwrap_or(1);
        if weight < 1 {
            return Err(node.error("`weight` must be 1 or more"));
        }
        Ok(Matcher {
            method: node.text("method")?.map(str::to_uppercase),
            base: node.text("url_base")?.map(|base| base.trim_end_matches('/').to_owned()),
            path: path
                .map_err(|error| node.error("`url_path_pattern` is no valid pattern").caused_by(error))?,
            parameters: pairs("params", false)?,
            headers: pairs("headers", true)?,
            weight,
        })
    }

    fn matches(&self, request: &Request) -> bool {
        let url = &request.url;
        let path = url.path().trim_end_matches('/');
        self.method.as_ref().is_none_or(|method| method == request.method.as_str())
            && self.base.as_ref().is_none_or(|base| *base == origin(url))
            && self.path.as_ref().is_none_or(|pattern| pattern.is_match(path).unwrap_or(false))
            && self.parameters.iter().all(|(name, value)| {
                url.query_pairs()
                    .filter(|(key, _)| key == name)
                    .last()
                    .is_some_and(|(_, found)| found == *value)
            })
            && self.headers.iter().all(|(name, value)| {
                request.headers.get(name).is_some_and(|found| found.as_bytes() == value.as_bytes())
            })
    }
}

fn origin(url: &Url) -> String {
    format!("{}://{}", url.scheme(), super::host_of(url))
}

fn period(node: &Node<'_>) -> Result<Duration> {
    let text = node.json().as_str().unwrap_or_default();
    let span = Span::parse(text).map_err(|error| node.at(error))?;
    // A month is counted as 30 days.
    let seconds = span.months as f64 * 30.0 * 86_400.0 + span.microseconds as f64 / 1e6;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|time| !time.is_zero())
        .ok_or_else(|| node.error(format!("`{text}` is no period of time")))
}

fn whole(node: &Node<'_>, scope: &Scope<'_>) -> Result<u64> {
    let value = Text::new(&python_str(node.json()), node.parameters())?
        .eval(scope)
        .map_err(|error| node.at(error))?;
    let number = value.as_u64().or_else(|| python_str(&value).trim().parse().ok());
    number.ok_or_else(|| {
        node.at(Error::new(ErrorKind::Config, "A limit of the connector's manifest is no whole number."))
    })
}
