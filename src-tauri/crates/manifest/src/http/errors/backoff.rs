//! How long to wait before another attempt.

use fancy_regex::Regex;
use syncline_protocol::{Error, ErrorKind, Result};

use super::{Outcome, Seen, named};
use crate::Json;
use crate::context::Run;
use crate::document::Node;
use crate::expression::{Scope, Text, python_str};

/// A strategy.
pub(crate) enum Backoff {
    Constant { seconds: Text, jitter: Option<f64> },
    Exponential { factor: Option<Text>, jitter: Option<f64> },
    FromHeader { header: Header, longest: Option<Text> },
    UntilHeader { header: Header, shortest: Option<Text>, longest: Option<Text> },
    FromResponse { seconds: Text, longest: Option<Text> },
}

/// A number in a header.
pub(crate) struct Header {
    name: Text,
    regex: Option<Text>,
}

impl Backoff {
    pub(crate) fn new(node: &Node<'_>) -> Result<Backoff> {
        if node.class_name().is_some() {
            return Err(node.unsupported(named(node, "backoff strategy")));
        }
        let needed =
            |field: &str| Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")));
        let jitter = node.field("jitter_range_in_seconds").and_then(|jitter| jitter.json().as_f64());
        let longest = Text::of(node, "max_waiting_time_in_seconds")?;
        let header = || Ok::<_, Error>(Header { name: needed("header")?, regex: Text::of(node, "regex")? });
        Ok(match node.kind() {
            "ConstantBackoffStrategy" => {
                Backoff::Constant { seconds: needed("backoff_time_in_seconds")?, jitter }
            }
            "ExponentialBackoffStrategy" => {
                Backoff::Exponential { factor: Text::of(node, "factor")?, jitter }
            }
            "WaitTimeFromHeader" => Backoff::FromHeader { header: header()?, longest },
            "WaitUntilTimeFromHeader" => {
                Backoff::UntilHeader { header: header()?, shortest: Text::of(node, "min_wait")?, longest }
            }
            "WaitTimeFromResponse" => {
                Backoff::FromResponse { seconds: needed("wait_time_in_seconds")?, longest }
            }
            _ => return Err(node.unsupported(named(node, "backoff strategy"))),
        })
    }

    /// Seconds to wait; none when this strategy has nothing to say.
    pub(crate) fn seconds(&self, run: &Run, outcome: &Outcome<'_>, attempt: u32) -> Result<Option<f64>> {
        let seen = match outcome {
            Outcome::Answered(seen) => Some(seen),
            Outcome::Broken(_) => None,
        };
        match self {
            Backoff::Constant { seconds, jitter } => Ok(Some(jittered(number(seconds, run)?, *jitter))),
            Backoff::Exponential { factor, jitter } => {
                let factor = factor.as_ref().map_or(Ok(5.0), |factor| number(factor, run))?;
                Ok(Some(jittered(factor * 2_f64.powi(i32::try_from(attempt).unwrap_or(i32::MAX)), *jitter)))
            }
            Backoff::FromHeader { header, longest } => {
                let Some(seconds) = seen.map_or(Ok(None), |seen| header.read(run, seen))? else {
                    return Ok(None);
                };
                if seconds != 0.0 {
                    bounded(seconds, longest.as_ref(), run)?;
                }
                Ok(Some(seconds))
            }
            Backoff::UntilHeader { header, shortest, longest } => {
                let now = run_seconds(run);
                let wait =
                    seen.map_or(Ok(None), |seen| header.read(run, seen))?.filter(|until| *until != 0.0);
                let wait = wait.map(|until| until - now);
                let shortest = shortest
                    .as_ref()
                    .map(|text| number(text, run))
                    .transpose()?
                    .filter(|least| *least != 0.0);
                let wait = match (wait, shortest) {
                    (Some(wait), Some(least)) => wait.max(least),
                    (Some(wait), None) if wait < 0.0 => return Ok(None),
                    (Some(wait), None) => wait,
                    (None, Some(least)) => least,
                    (None, None) => return Ok(None),
                };
                bounded(wait, longest.as_ref(), run)?;
                Ok(Some(wait))
            }
            Backoff::FromResponse { seconds, longest } => {
                let Some(seconds) = told(seconds, run, seen) else { return Ok(None) };
                if seconds != 0.0 {
                    bounded(seconds, longest.as_ref(), run)?;
                }
                Ok(Some(seconds))
            }
        }
    }
}

impl Header {
    fn read(&self, run: &Run, seen: &Seen<'_>) -> Result<Option<f64>> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let name = self.name.eval_text(&scope)?;
        let Some(value) = seen.header(&name) else { return Ok(None) };
        let Some(regex) = &self.regex else { return Ok(as_number(value)) };
        let pattern = regex.eval_text(&scope)?;
        let regex = Regex::new(&pattern).map_err(|error| {
            let what = format!(
                "The pattern that reads the header `{name}` in the connector's manifest is not valid."
            );
            Error::new(ErrorKind::Config, what).caused_by(error)
        })?;
        // It must match at the start; without a match the whole value is read.
        let found = regex.find(value).ok().flatten().filter(|found| found.start() == 0);
        Ok(as_number(found.map_or(value, |found| found.as_str())))
    }
}

fn as_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// What the answer says; anything that is no time to wait says nothing.
fn told(seconds: &Text, run: &Run, seen: Option<&Seen<'_>>) -> Option<f64> {
    let config = run.config();
    let empty = Json::Object(crate::Map::new());
    let scope = Scope::new(&config, run.clock)
        .with("response", seen.map_or(&empty, |seen| seen.json))
        .with("headers", seen.map_or(&empty, |seen| seen.headers_json));
    let seconds = match seconds.eval(&scope).ok()? {
        Json::Number(number) => number.as_f64()?,
        Json::Bool(value) => f64::from(u8::from(value)),
        Json::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}

fn number(text: &Text, run: &Run) -> Result<f64> {
    let config = run.config();
    let value = text.eval(&Scope::new(&config, run.clock))?;
    as_number(&python_str(&value)).ok_or_else(|| {
        Error::new(ErrorKind::Config, "A time to wait in the connector's manifest is no number.")
    })
}

fn bounded(seconds: f64, longest: Option<&Text>, run: &Run) -> Result<()> {
    let Some(longest) = longest else { return Ok(()) };
    let longest = number(longest, run)?;
    if seconds < longest {
        return Ok(());
    }
    let until =
        std::time::SystemTime::from(run.now()) + std::time::Duration::from_secs_f64(seconds.clamp(0.0, 1e9));
    let message = format!(
        "The API asks to wait {seconds:.0} seconds, and the connector is not allowed to wait longer than {longest:.0}."
    );
    Err(Error::new(ErrorKind::RateLimited, message).wait_until(until))
}

fn jittered(seconds: f64, jitter: Option<f64>) -> f64 {
    let Some(jitter) = jitter else { return seconds };
    let mut random = [0; 4];
    // Without random numbers the wait is just not spread.
    let _ = getrandom::fill(&mut random);
    seconds + jitter * 2.0 * f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX)
}

fn run_seconds(run: &Run) -> f64 {
    run.now().as_duration().as_secs_f64()
}
