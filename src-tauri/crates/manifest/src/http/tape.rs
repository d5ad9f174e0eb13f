//! Answers of an API on a tape: kept while a run asks for them, given again when another version is tried.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, Result, Tape};

use super::client::Prepared;

/// What was asked and answered. The body follows it on the tape, after a line end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Head {
    method: String,
    url: String,
    sent: String,
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    /// The address that answered, after redirects.
    pub(super) answered: String,
}

impl Head {
    pub(super) fn new(request: &Prepared, status: u16, headers: &[(String, String)], answered: &Url) -> Head {
        Head {
            method: request.method.as_str().to_owned(),
            url: request.url.as_str().to_owned(),
            sent: sent(request),
            status,
            headers: headers.to_vec(),
            answered: answered.as_str().to_owned(),
        }
    }
}

fn sent(request: &Prepared) -> String {
    request.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default()
}

/// Puts a body on the tape when it has been read to its end. What nobody reads whole is not kept, and neither is what
/// only says to come back later.
pub(super) fn recorded(
    tape: Arc<dyn Tape>,
    head: Head,
    body: BoxStream<'static, Result<Bytes>>,
) -> BoxStream<'static, Result<Bytes>> {
    if head.status == 429 || head.status >= 500 {
        return body;
    }
    let Ok(mut packed) = serde_json::to_vec(&head) else { return body };
    packed.push(b'\n');
    let whole = Arc::new(Mutex::new(Some(packed)));
    let (taking, room) = (Arc::clone(&whole), tape.room());
    let take = move |piece: &Bytes| {
        let mut whole = taking.lock().unwrap_or_else(PoisonError::into_inner);
        // Too large for the tape: not held in memory either.
        if let Some(packed) = whole.take_if(|packed| packed.len() + piece.len() > room) {
            drop(packed);
        }
        if let Some(packed) = whole.as_mut() {
            packed.extend_from_slice(piece);
        }
    };
    let end = futures::stream::once(async move {
        match whole.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(packed) => tape.keep(packed),
            None => tape.overflow(),
        }
        None
    });
    body.inspect_ok(take).chain(end.filter_map(|nothing| async move { nothing })).boxed()
}

/// A tape that is played.
pub(super) struct Player {
    answers: Mutex<Vec<Played>>,
}

struct Played {
    head: Head,
    body: Bytes,
    given: bool,
}

impl Player {
    pub(super) fn new(tape: &[Vec<u8>]) -> Player {
        let unpacked = tape.iter().filter_map(|packed| {
            let end = packed.iter().position(|byte| *byte == b'\n')?;
            let head = serde_json::from_slice(&packed[..end]).ok()?;
            Some(Played { head, body: Bytes::copy_from_slice(&packed[end + 1..]), given: false })
        });
        Player { answers: Mutex::new(unpacked.collect()) }
    }

    /// What was answered to this request, or else to one that differs in instants only. The same question gets its
    /// answers in their order, and the last one again and again.
    ///
    /// # Errors
    /// `NotFound`, when nothing like it was asked.
    pub(super) fn answer(&self, request: &Prepared) -> Result<(Head, Bytes)> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = sent(request);
        let asked = |head: &Head| head.method == request.method.as_str() && head.sent == sent;
        let same = |played: &Played| asked(&played.head) && played.head.url == request.url.as_str();
        let alike =
            |played: &Played| asked(&played.head) && differ_in_time_only(&played.head.url, &request.url);
        let find = |matches: &dyn Fn(&Played) -> bool| {
            let open = answers.iter().position(|played| !played.given && matches(played));
            open.or_else(|| answers.iter().rposition(matches))
        };
        let at = find(&same).or_else(|| find(&alike));
        let Some(played) = at.and_then(|at| answers.get_mut(at)) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("The recorded run did not ask for {} {}.", request.method, request.url.path()),
            )
            .meaning("Nothing was asked of the API either."));
        };
        played.given = true;
        Ok((played.head.clone(), played.body.clone()))
    }
}

/// Whether two addresses have the same parameters, and values that differ are instants: "until now" is another one each
/// time.
fn differ_in_time_only(recorded: &str, asked: &Url) -> bool {
    let Ok(recorded) = Url::parse(recorded) else { return false };
    let place = |url: &Url| (url.origin().ascii_serialization(), url.path().to_owned());
    if place(&recorded) != place(asked) {
        return false;
    }
    let pairs = |url: &Url| {
        let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned()));
        pairs.collect::<Vec<_>>()
    };
    let (recorded, asked) = (pairs(&recorded), pairs(asked));
    recorded.len() == asked.len()
        && recorded.iter().zip(&asked).all(|((name, value), (other_name, other))| {
            name == other_name && (value == other || (is_time(value) && is_time(other)))
        })
}

/// `2026-11-23…`, or seconds or milliseconds since 1970.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| {
        bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    (digits(0..4) && bytes.get(4) == Some(&b'-') && digits(5..7))
        || (matches!(bytes.len(), 10 | 13) && digits(0..bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_instants_may_differ() {
        let same = |left: &str, right: &str| differ_in_time_only(left, &Url::parse(right).unwrap());
        assert!(same("https://a/x?until=2026-11-23T10:00:00Z&n=3", "https://a/x?until=2026-11-24&n=3"));
        assert!(same("https://a/x?t=1700000000", "https://a/x?t=1700000001"));
        assert!(!same("https://a/x?n=3", "https://a/x?n=4"));
        assert!(!same("https://a/x?n=3", "https://a/y?n=3"));
        assert!(!same("https://a/x?n=3", "https://a/x?n=3&m=1"));
    }
}
