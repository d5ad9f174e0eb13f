//! What is known of the tokens of a pool, and which one is next.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// Shorter than this is not waited: what the API says of its clock may be a little old.
const WAIT_MIN: Duration = Duration::from_secs(5);
/// So long a request waits at most to spread the last ones over the time that is left.
const SPREAD_MAX: f64 = 10.0;
/// What an answer says of its time may lie so far behind what is known, and still be of this time.
const SKEW: jiff::SignedDuration = jiff::SignedDuration::from_secs(60);

/// What is known of the tokens of a run, by component.
#[derive(Default)]
pub(in crate::http) struct Pools {
    known: Mutex<HashMap<String, Arc<tokio::sync::Mutex<State>>>>,
}

/// What is known of some tokens.
#[derive(Default)]
pub(super) struct State {
    /// Empty: nobody has asked yet.
    pub(super) tokens: Vec<Token>,
    pub(super) active: usize,
}

pub(super) struct Token {
    pub(super) secret: String,
    /// One a quota.
    pub(super) left: Vec<Left>,
}

/// What a token has left of a quota.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Left {
    pub(super) remaining: i64,
    pub(super) limit: i64,
    pub(super) until: Timestamp,
    /// Whether the API counts at all.
    pub(super) is_counted: bool,
}

/// What is to be done for a request.
pub(super) enum Turn {
    /// Send it with this token, after so many seconds.
    Send(usize, f64),
    Wait(Duration),
}

impl Left {
    /// Takes over what an answer says; of the same time only what is less, because answers overtake each other.
    pub(super) fn learn(
        &mut self,
        remaining: Option<i64>,
        until: Option<Timestamp>,
        limit: Option<i64>,
        refused: bool,
    ) {
        if let Some(limit) = limit.filter(|limit| *limit > 0 && until.is_none_or(|until| until >= self.until))
        {
            self.limit = limit;
        }
        match (until, remaining) {
            (Some(until), remaining) if until > self.until => {
                self.until = until;
                self.remaining = remaining.unwrap_or(self.limit);
            }
            (until, Some(remaining))
                if (refused && remaining <= 0)
                    || until.is_none_or(|until| self.until.duration_since(until) <= SKEW) =>
            {
                self.remaining = self.remaining.min(remaining);
            }
            _ => {}
        }
    }
}

impl State {
    /// Whether no token has a request left.
    pub(super) fn is_spent(&self, quota: usize) -> bool {
        self.tokens.iter().all(|token| token.left[quota].is_counted && token.left[quota].remaining <= 0)
    }

    /// The turn of a request. When it is to be sent, it is counted.
    pub(super) fn take(&mut self, quota: usize, reserve: (f64, i64), now: Timestamp) -> Turn {
        if self.is_spent(quota) {
            let next = self.tokens.iter().map(|token| token.left[quota].until).min().unwrap_or(now);
            let wait = Duration::try_from(next.duration_since(now)).unwrap_or_default();
            return Turn::Wait(wait.max(WAIT_MIN));
        }
        for _ in 0..self.tokens.len() {
            let at = self.active;
            let Some(left) = self.tokens.get_mut(at).map(|token| &mut token.left[quota]) else { break };
            if !left.is_counted {
                // Nobody counts: the load is spread.
                self.active = (at + 1) % self.tokens.len();
                return Turn::Send(at, 0.0);
            }
            if left.remaining > 0 {
                left.remaining -= 1;
                let until = left.until;
                return Turn::Send(at, self.spread(quota, reserve, until, now));
            }
            self.active = (at + 1) % self.tokens.len();
        }
        Turn::Wait(WAIT_MIN)
    }

    /// How long a request waits so that the last ones of all tokens last until there are new ones.
    fn spread(&self, quota: usize, reserve: (f64, i64), until: Timestamp, now: Timestamp) -> f64 {
        let left = || self.tokens.iter().map(|token| &token.left[quota]);
        let is_low = |left: &Left| {
            left.is_counted && left.remaining as f64 <= (left.limit as f64 * reserve.0).max(reserve.1 as f64)
        };
        let all = left().fold(0_i64, |all, left| all.saturating_add(left.remaining.max(0)));
        let seconds = until.duration_since(now).as_secs_f64();
        if all <= 0 || seconds <= 0.0 || !left().all(is_low) {
            0.0
        } else {
            (seconds / all as f64).min(SPREAD_MAX)
        }
    }
}

impl Pools {
    pub(super) fn of(&self, key: &str) -> Arc<tokio::sync::Mutex<State>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(key.to_owned()).or_default())
    }
}
