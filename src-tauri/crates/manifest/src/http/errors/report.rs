//! Errors for people, from what an API answered.

use std::time::Duration;

use syncline_protocol::{Error, ErrorKind};

use super::{Action, Failure, Outcome, Seen, Verdict, message};
use crate::context::Run;

/// An API's own words are shown up to this length.
const LONGEST: usize = 300;

/// The error of a request that failed for good.
pub(crate) fn failure(run: &Run, host: &str, verdict: &Verdict, seen: &Seen<'_>) -> Error {
    let kind = kind(verdict, seen.status);
    let said = verdict.message.clone().or_else(|| words(seen));
    let said = said.map(|said| shortened(&run.client.secrets.mask(&said, &run.config())));
    let message = match said.filter(|said| !said.is_empty()) {
        Some(said) => format!("{} {said}", headline(kind, host, seen.status)),
        None => headline(kind, host, seen.status),
    };
    Error::new(kind, message).with("host", host).with("status", seen.status)
}

/// The error of a request that was tried often enough.
pub(crate) fn exhausted(
    run: &Run,
    host: &str,
    verdict: &Verdict,
    outcome: Outcome<'_>,
    asked: Option<Duration>,
) -> Error {
    match outcome {
        Outcome::Broken(error) => Error::new(error.kind(), error.message()),
        Outcome::Answered(seen) => {
            let error = failure(run, host, verdict, &seen);
            match asked.filter(|_| error.kind() == ErrorKind::RateLimited) {
                Some(asked) => error.wait_until(std::time::SystemTime::from(run.now()) + asked),
                None => error,
            }
        }
    }
}

fn kind(verdict: &Verdict, status: u16) -> ErrorKind {
    if verdict.action == Action::RateLimited {
        return ErrorKind::RateLimited;
    }
    match (status, verdict.failure) {
        (401, _) => ErrorKind::Authentication,
        (403, _) => ErrorKind::Permission,
        (404 | 410, _) => ErrorKind::NotFound,
        (408 | 504, _) => ErrorKind::Timeout,
        (429, _) => ErrorKind::RateLimited,
        (500.., _) | (_, Some(Failure::Transient)) => ErrorKind::ConnectionLost,
        _ => ErrorKind::Config,
    }
}

fn headline(kind: ErrorKind, host: &str, status: u16) -> String {
    match kind {
        ErrorKind::Authentication => format!("{host} did not accept the credentials."),
        ErrorKind::Permission => format!("{host} does not allow this with these credentials."),
        ErrorKind::NotFound => format!("{host} does not know this address."),
        ErrorKind::RateLimited => format!("{host} allows no more requests for now."),
        ErrorKind::Timeout => format!("{host} did not answer in time."),
        ErrorKind::ConnectionLost => format!("{host} could not answer (status {status})."),
        _ => format!("{host} did not accept the request (status {status})."),
    }
}

/// The API's own message; web pages are none.
fn words(seen: &Seen<'_>) -> Option<String> {
    let said = message::of_body(seen.body?)?;
    (!said.trim_start().starts_with('<')).then_some(said)
}

fn shortened(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= LONGEST {
        return text;
    }
    let mut short: String = text.chars().take(LONGEST).collect();
    short.push('…');
    short
}
