//! How many requests may be sent in a time (`HTTPAPIBudget`).

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fancy_regex::Regex;
use reqwest::Url;
use reqwest::header::HeaderMap;
use syncline_protocol::Result;
use tokio::time::Instant;

use crate::context::Clock;
use crate::document::Node;
use crate::expression::{Scope, Text, datetime, python_str};
use crate::{Json, Map};

/// The budget of a connector; one without policies lets everything pass.
#[derive(Default)]
pub struct Budget {
    policies: Vec<Policy>,
    /// Where the API says how much is left, and until when.
    remaining_header: String,
    reset_header: String,
    /// What the API answers when nothing is left.
    refusals: Vec<u16>,
}

/// What holds for some requests. The first policy that a request fits is its policy.
struct Policy {
    matchers: Vec<Matcher>,
    rate: Rate,
}

enum Rate {
    Unlimited,
    /// So many requests until a time, and again after it.
    Fixed {
        limit: usize,
        period: Duration,
        window: Mutex<Window>,
    },
    /// So many requests in any stretch of so much time; several of them may hold at once.
    Moving {
        rates: Vec<(usize, Duration)>,
        sent: Mutex<VecDeque<Instant>>,
    },
}

#[derive(Default)]
struct Window {
    sent: usize,
    until: Option<Instant>,
}

pub(super) struct Matcher {
    weight: usize,
    method: Option<String>,
    base: Option<String>,
    path: Option<Regex>,
    parameters: Map,
    headers: Map,
}

/// Whether a request may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Now; it is counted.
    Now,
    /// Not before this time; then it is to be asked for again.
    After(Instant),
}

impl Budget {
    /// The budget of a manifest (its `api_budget`).
    ///
    /// # Errors
    /// `Config`, when it is not valid.
    pub fn of(manifest: &Node<'_>, config: &Json, clock: Clock) -> Result<Budget> {
        let Some(budget) = manifest.field("api_budget") else { return Ok(Budget::default()) };
        let scope = Scope::new(config, clock);
        let header = |field: &str, otherwise: &str| -> Result<String> {
            Ok(budget.text(field)?.unwrap_or(otherwise).to_lowercase())
        };
        let refusals = budget.list("status_codes_for_ratelimit_hit");
        let refusals = refusals.iter().filter_map(|code| u16::try_from(code.json().as_u64()?).ok()).collect();
        Ok(Budget {
            policies: budget
                .list("policies")
                .iter()
                .map(|policy| Policy::new(policy, &scope))
                .collect::<Result<_>>()?,
            remaining_header: header("ratelimit_remaining_header", "ratelimit-remaining")?,
            reset_header: header("ratelimit_reset_header", "ratelimit-reset")?,
            refusals: if budget.field("status_codes_for_ratelimit_hit").is_some() {
                refusals
            } else {
                vec![429]
            },
        })
    }

    /// Asks for the turn of a request. When it is now, the request counts as sent.
    pub fn take(&self, method: &str, url: &Url, headers: &HeaderMap, now: Instant) -> Turn {
        match self.policy(method, url, headers) {
            Some((policy, weight)) => policy.rate.take(weight, now),
            None => Turn::Now,
        }
    }

    /// Learns from what the API said of how much is left. `headers`: names in small letters.
    pub fn learn(
        &self,
        (method, url, sent): (&str, &Url, &HeaderMap),
        status: u16,
        headers: &[(String, String)],
        (clock, now): (Clock, Instant),
    ) {
        let Some((policy, _)) = self.policy(method, url, sent) else { return };
        let number = |name: &str| -> Option<i64> {
            headers.iter().find(|(known, _)| known == name)?.1.trim().parse().ok()
        };
        let left = number(&self.remaining_header).and_then(|left| usize::try_from(left).ok());
        let left = left.or_else(|| self.refusals.contains(&status).then_some(0));
        let until = number(&self.reset_header).and_then(|at| u64::try_from(at - clock().as_second()).ok());
        // A day is more than any window has; some servers count in other units.
        let until = until.filter(|left| *left <= 86_400).map(|left| now + Duration::from_secs(left));
        policy.rate.learn(left, until, now);
    }

    fn policy(&self, method: &str, url: &Url, headers: &HeaderMap) -> Option<(&Policy, usize)> {
        self.policies.iter().find_map(|policy| {
            if policy.matchers.is_empty() {
                return Some((policy, 1));
            }
            let matcher = policy.matchers.iter().find(|matcher| matcher.matches(method, url, headers))?;
            Some((policy, matcher.weight))
        })
    }
}

impl Policy {
    fn new(node: &Node<'_>, scope: &Scope<'_>) -> Result<Policy> {
        let limit = |node: &Node<'_>, field: &str| -> Result<usize> {
            let text = Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")))?;
            let number = text.eval(scope)?.as_u64().filter(|number| *number > 0);
            number
                .and_then(|number| usize::try_from(number).ok())
                .ok_or_else(|| node.error(format!("`{field}` must be a whole number above zero")))
        };
        let interval = |node: &Node<'_>, field: &str| -> Result<Duration> {
            let text = Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")))?;
            let text = text.eval_text(scope)?;
            let micros = datetime::Duration::parse(&text).map_err(|error| node.at(error))?.microseconds;
            Ok(Duration::from_micros(u64::try_from(micros).unwrap_or(0)))
        };
        let rate = match node.kind() {
            "UnlimitedCallRatePolicy" => Rate::Unlimited,
            "FixedWindowCallRatePolicy" => Rate::Fixed {
                limit: limit(node, "call_limit")?,
                period: interval(node, "period")?,
                window: Mutex::default(),
            },
            "MovingWindowCallRatePolicy" => {
                let rate = |rate: &Node<'_>| Ok((limit(rate, "limit")?, interval(rate, "interval")?));
                let rates = node.list("rates").iter().map(rate).collect::<Result<_>>()?;
                Rate::Moving { rates, sent: Mutex::default() }
            }
            other => return Err(node.unsupported(format!("the call rate policy `{other}`"))),
        };
        let matchers = node.list("matchers");
        Ok(Policy { matchers: matchers.iter().map(Matcher::new).collect::<Result<_>>()?, rate })
    }
}

impl Rate {
    fn take(&self, weight: usize, now: Instant) -> Turn {
        match self {
            Rate::Unlimited => Turn::Now,
            Rate::Fixed { limit, period, window } => {
                let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
                let until = *window.until.get_or_insert(now + *period);
                let until = if until <= now {
                    *window = Window { sent: 0, until: Some(now + *period) };
                    now + *period
                } else {
                    until
                };
                // What weighs more than all there is may go alone.
                if window.sent > 0 && window.sent + weight > *limit {
                    return Turn::After(until);
                }
                window.sent += weight;
                Turn::Now
            }
            Rate::Moving { rates, sent } => {
                let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                let longest = rates.iter().map(|(_, interval)| *interval).max().unwrap_or_default();
                while sent.front().is_some_and(|oldest| *oldest + longest <= now) {
                    sent.pop_front();
                }
                let mut after = now;
                for (limit, interval) in rates {
                    // The request that must be out of the stretch before this one fits into it.
                    let weight = weight.min(*limit);
                    if let Some(oldest) =
                        (sent.len() + weight).checked_sub(limit + 1).and_then(|at| sent.get(at))
                    {
                        after = after.max(*oldest + *interval);
                    }
                }
                if after > now {
                    return Turn::After(after);
                }
                sent.extend(std::iter::repeat_n(now, weight));
                Turn::Now
            }
        }
    }

    fn learn(&self, left: Option<usize>, until: Option<Instant>, now: Instant) {
        match self {
            Rate::Unlimited => {}
            Rate::Fixed { limit, window, .. } => {
                let mut window = window.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(left) = left {
                    window.sent = window.sent.max(limit.saturating_sub(left));
                }
                window.until = until.or(window.until);
            }
            // How the API counts, and how we do, is the same only when it says that nothing is left.
            Rate::Moving { rates, sent } => {
                if left == Some(0) && until.is_none() {
                    let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                    let left = rates.iter().map(|(limit, interval)| {
                        let counted = sent.iter().rev().take_while(|at| **at + *interval > now).count();
                        limit.saturating_sub(counted)
                    });
                    let left = left.min().unwrap_or(0);
                    sent.extend(std::iter::repeat_n(now, left));
                }
            }
        }
    }
}

impl Matcher {
    pub(super) fn new(node: &Node<'_>) -> Result<Matcher> {
        let pattern = node.text("url_path_pattern")?.map(Regex::new);
        let path = pattern.transpose().map_err(|_| node.error("`url_path_pattern` is not valid"))?;
        let weight = node.integer("weight")?.and_then(|weight| usize::try_from(weight).ok());
        Ok(Matcher {
            weight: weight.unwrap_or(1),
            method: node.text("method")?.map(str::to_owned),
            base: node.text("url_base")?.map(|base| base.trim_end_matches('/').to_owned()),
            path,
            parameters: node.object("params")?.cloned().unwrap_or_default(),
            headers: node.object("headers")?.cloned().unwrap_or_default(),
        })
    }

    pub(super) fn matches(&self, method: &str, url: &Url, headers: &HeaderMap) -> bool {
        let base = format!("{}://{}", url.scheme(), url.authority());
        let path = url.path().trim_end_matches('/');
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.base.as_deref().is_none_or(|wanted| wanted == base)
            && self.path.as_ref().is_none_or(|pattern| pattern.is_match(path).unwrap_or(false))
            && self.parameters.iter().all(|(name, value)| {
                url.query_pairs().any(|(known, found)| known == *name && found == python_str(value))
            })
            && self.headers.iter().all(|(name, value)| {
                headers
                    .get(name.as_str())
                    .is_some_and(|found| found.as_bytes() == python_str(value).as_bytes())
            })
    }
}

/// How many requests are under way at once. It begins with what the manifest allows, halves whenever the API asks to
/// wait, and grows again by one after many answers.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<Allowed>,
    freed: tokio::sync::Notify,
}

#[derive(Debug)]
struct Allowed {
    most: usize,
    now: usize,
    under_way: usize,
    answered: usize,
}

/// After so many answers for each request that is allowed at once, one more is.
const ANSWERS_TO_GROW: usize = 20;

/// A request under way.
pub struct Pass<'g> {
    gate: &'g Gate,
}

impl Gate {
    /// A gate that lets so many requests through at once.
    pub fn new(most: usize) -> Gate {
        let most = most.max(1);
        let state = Mutex::new(Allowed { most, now: most, under_way: 0, answered: 0 });
        Gate { state, freed: tokio::sync::Notify::new() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, Allowed> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another request may be sent.
    pub async fn pass(&self) -> Pass<'_> {
        loop {
            let freed = self.freed.notified();
            {
                let mut state = self.state();
                if state.under_way < state.now {
                    state.under_way += 1;
                    return Pass { gate: self };
                }
            }
            freed.await;
        }
    }

    /// The API asked to wait.
    pub fn refused(&self) {
        let mut state = self.state();
        state.now = (state.now / 2).max(1);
        state.answered = 0;
    }

    /// The API answered.
    pub fn answered(&self) {
        let mut state = self.state();
        state.answered += 1;
        if state.now < state.most && state.answered >= state.now * ANSWERS_TO_GROW {
            state.now += 1;
            state.answered = 0;
            self.freed.notify_one();
        }
    }

    /// How many requests it lets through at once now.
    pub fn allowed(&self) -> usize {
        self.state().now
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.gate.state().under_way -= 1;
        self.gate.freed.notify_one();
    }
}

#[cfg(test)]
mod tests;
