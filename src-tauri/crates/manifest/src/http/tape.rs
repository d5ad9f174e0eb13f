//! Answers of an API on a tape: kept while a run asks for them, given again when another version is tried.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, Result, Tape, Traffic};

use super::client::{Answer, Client, Kept, Prepared, Relay};

/// What stands between a client and the network, for a tape.
pub(super) fn relay(traffic: Traffic) -> Arc<dyn Relay> {
    match traffic {
        Traffic::Record(tape) => Arc::new(Recording { tape }),
        Traffic::Replay(answers) => Arc::new(Player::new(&answers)),
    }
}

/// Puts answers on a tape.
struct Recording {
    tape: Arc<dyn Tape>,
}

#[async_trait]
impl Relay for Recording {
    async fn send(&self, client: &Client, request: &Prepared) -> Result<Answer> {
        let answer = client.send_now(request).await?;
        let head = Head::new(request, &answer);
        let tape = Arc::clone(&self.tape);
        Ok(Answer { body: answer.body.through(|body| recorded(tape, head, body)), ..answer })
    }
}

/// What was asked and answered. The body follows it on the tape, after a line end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    method: String,
    url: String,
    sent: String,
    status: u16,
    headers: Vec<(String, String)>,
    /// The address that answered, after redirects.
    answered: String,
}

impl Head {
    fn new(request: &Prepared, answer: &Answer) -> Head {
        Head {
            method: request.method.as_str().to_owned(),
            url: request.url.as_str().to_owned(),
            sent: sent(request),
            status: answer.status,
            headers: answer.headers.clone(),
            answered: answer.url.as_str().to_owned(),
        }
    }
}

fn sent(request: &Prepared) -> String {
    request.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default()
}

/// Puts a body on the tape when it has been read to its end. What nobody reads whole is not kept, and neither is what
/// only says to come back later.
fn recorded(
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
struct Player {
    answers: Mutex<Vec<Played>>,
}

struct Played {
    head: Head,
    body: Bytes,
    given: bool,
}

impl Player {
    fn new(tape: &[Vec<u8>]) -> Player {
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
    fn answer(&self, request: &Prepared) -> Result<Kept> {
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
        let Head { status, headers, answered, .. } = played.head.clone();
        let url = answered.parse().unwrap_or_else(|_| request.url.clone());
        Ok(Kept { status, headers, url, body: played.body.clone() })
    }
}

#[async_trait]
impl Relay for Player {
    async fn send(&self, _client: &Client, request: &Prepared) -> Result<Answer> {
        Ok(self.answer(request)?.into())
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
