//! Trying again: how often, after how long, and when it is enough.

use std::time::{Duration, Instant};

use syncline_protocol::{Error, ErrorKind, Result};

use super::errors::{self, Action, Handler};
use super::request::requester::Again;
use super::wait;
use crate::context::{Compatibility, Output, Run};

/// No further attempt after this time.
const LONGEST: Duration = Duration::from_secs(600);

/// The attempts of one request.
///
/// There are three counts, as in the reference: of attempts after a wait that a strategy named, of rate limits without
/// one, and of all others. A later one starts those before it anew.
pub(crate) struct Attempts<'a> {
    run: &'a Run,
    most: u32,
    made: u32,
    named: Count,
    limited: Count,
    others: Count,
    /// Time waited because the server said so.
    announced: Duration,
    refreshed: Option<bool>,
    renewed: bool,
}

#[derive(Clone, Copy)]
struct Count {
    tries: u32,
    since: Instant,
}

impl Count {
    fn is_enough(&self, most: u32, now: Instant, timed: bool) -> bool {
        self.tries >= most || (timed && now.duration_since(self.since) >= LONGEST)
    }
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(run: &'a Run, max_retries: u32) -> Attempts<'a> {
        let count = Count { tries: 0, since: run.client.pause.now() };
        Attempts {
            run,
            most: max_retries.saturating_add(1),
            made: 0,
            named: count,
            limited: count,
            others: count,
            announced: Duration::ZERO,
            refreshed: None,
            renewed: false,
        }
    }

    /// Whether a token may be refreshed because it was refused: once per request.
    pub(crate) fn may_refresh(&self, host: &str) -> Result<()> {
        match self.refreshed {
            None => Ok(()),
            Some(true) => Err(Error::new(
                ErrorKind::Authentication,
                format!("{host} does not accept the token, not even right after it was renewed."),
            )
            .fix("Sign in again, and check what this account may do.")),
            Some(false) => Err(Error::new(
                ErrorKind::ConnectionLost,
                format!("{host} does not accept the token, and it could not be renewed."),
            )),
        }
    }

    pub(crate) fn refreshed(&mut self, successful: bool) {
        self.refreshed = Some(successful);
    }

    /// Whether a token may be thrown away because it was refused: once per request.
    pub(crate) fn may_renew(&mut self) -> bool {
        !std::mem::replace(&mut self.renewed, true)
    }

    /// Waits before the next attempt, or says that it is enough.
    pub(crate) async fn wait(
        &mut self,
        handler: &Handler,
        host: &str,
        again: Again,
        output: &dyn Output,
    ) -> Result<()> {
        self.made += 1;
        let named = handler.backoff(self.run, &again.outcome(), self.made)?;
        let limited = again.verdict.action == Action::RateLimited;
        let announced =
            again.held.as_ref().filter(|_| limited && self.run.compatibility == Compatibility::Safe);
        let announced = announced.and_then(|held| wait::retry_after(self.run, &held.headers));
        let now = self.run.client.pause.now();
        let (enough, time) = match (named, announced) {
            (Some(seconds), _) => {
                (self.count_named(now), Duration::try_from_secs_f64(seconds.max(0.0) + 1.0).ok())
            }
            (None, Some(time)) => {
                self.announced += time;
                (self.announced > self.run.client.limits.rate_limited, Some(time + Duration::from_secs(1)))
            }
            (None, None) if limited => self.count_limited(now),
            (None, None) => self.count_other(now),
        };
        let time = time.unwrap_or(Duration::MAX);
        if enough || time > self.run.client.limits.wait {
            return Err(errors::exhausted(self.run, host, &again.verdict, again.outcome(), Some(time)));
        }
        if limited {
            // The others of this run would only make it worse.
            self.run.client.close(host, self.run.wait(time));
        }
        let what = if limited { "rate limited" } else { "trying again after an error, waiting" };
        wait::wait(self.run, time, what, output).await;
        Ok(())
    }

    fn count_named(&mut self, now: Instant) -> bool {
        self.named.tries += 1;
        self.named.is_enough(self.most, now, true)
    }

    fn count_limited(&mut self, now: Instant) -> (bool, Option<Duration>) {
        self.limited.tries += 1;
        self.named = Count { tries: 0, since: now };
        (self.limited.is_enough(self.most, now, false), growing(self.limited.tries))
    }

    fn count_other(&mut self, now: Instant) -> (bool, Option<Duration>) {
        self.others.tries += 1;
        (self.named, self.limited) = (Count { tries: 0, since: now }, Count { tries: 0, since: now });
        (self.others.is_enough(self.most, now, true), growing(self.others.tries))
    }
}

/// 1, 2, 4, 8 … seconds.
fn growing(tries: u32) -> Option<Duration> {
    2_u64.checked_pow(tries.saturating_sub(1)).map(Duration::from_secs)
}
