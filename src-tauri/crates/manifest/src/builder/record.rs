//! What was said between a trial and the API: kept, masked, given again, and stopped when there is enough.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bytes::Bytes;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use syncline_protocol::builder::{Bounds, Exchange};
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

use super::recordings::Recordings;
use crate::Json;
use crate::http::client::{Answer, Client, Kept, Prepared, Relay};

/// So many pages of one address are asked for.
pub(super) const PAGES_MAX: usize = 5;
/// So many requests are sent in all: parents and sign-in among them.
const REQUESTS_MAX: usize = 15;
/// Bytes of an answer that are shown.
const SHOWN_BYTES_MAX: usize = 512 << 10;
/// Items of an array that are shown of an answer that is larger.
const SHOWN_ITEMS_MAX: usize = 20;
const MASK: &str = "••••";

/// A request and its answer, as they were.
pub(super) struct Said {
    pub(super) request: Prepared,
    /// The status; 0: there was none.
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) url: Url,
    pub(super) body: Bytes,
    pub(super) took: Duration,
    pub(super) second: bool,
}

impl Said {
    /// The body, when it is JSON.
    pub(super) fn json(&self) -> Option<Json> {
        serde_json::from_slice(&self.body).ok()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The tape of one trial.
pub(super) struct Recorder {
    recordings: Arc<Recordings>,
    replay: bool,
    bounds: Option<Bounds>,
    pub(super) mask: Mask,
    said: Mutex<Vec<Said>>,
    second: AtomicBool,
    /// There was enough.
    pub(super) enough: AtomicBool,
    /// An answer was not recorded.
    pub(super) missing: AtomicBool,
    /// The method and the host of a request that was not allowed.
    pub(super) refused: Mutex<Option<(String, String)>>,
    /// Why there was no answer.
    pub(super) failed: Mutex<Option<Error>>,
}

impl Recorder {
    pub(super) fn new(
        recordings: Arc<Recordings>,
        replay: bool,
        bounds: Option<Bounds>,
        secrets: Vec<String>,
    ) -> Recorder {
        Recorder {
            recordings,
            replay,
            bounds,
            mask: Mask::new(secrets),
            said: Mutex::default(),
            second: AtomicBool::new(false),
            enough: AtomicBool::new(false),
            missing: AtomicBool::new(false),
            refused: Mutex::default(),
            failed: Mutex::default(),
        }
    }

    /// What is said from now on belongs to the second run.
    pub(super) fn begin_second(&self) {
        self.second.store(true, Ordering::Relaxed);
    }

    /// Everything that was said.
    pub(super) fn take(&self) -> Vec<Said> {
        std::mem::take(&mut *self.said.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a request is recorded under: secrets make no difference, so that it can be replayed without them.
    fn key(&self, request: &Prepared) -> String {
        let body =
            request.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default();
        self.mask.text(&format!("{} {}\n{body}", request.method, request.url))
    }

    /// Whether there was enough: pages of this address, or requests at all.
    fn is_enough(&self, request: &Prepared) -> bool {
        let second = self.second.load(Ordering::Relaxed);
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let run = said.iter().filter(|said| said.second == second);
        let pages =
            run.clone().filter(|said| said.request.url.path() == request.url.path() && said.is_good());
        pages.count() >= PAGES_MAX || run.count() >= REQUESTS_MAX
    }

    /// Whether asking once more helps nobody: the API failed like this before, or wants to be left alone.
    fn is_lost(&self, request: &Prepared, status: u16) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let same = said.iter().filter(|said| said.request.url == request.url && said.status == status);
        status == 429 || (status >= 500 && same.count() > 1)
    }

    /// Whether a request stays within the bounds; one that does not is never sent.
    fn may_ask(&self, request: &Prepared) -> Result<()> {
        let Some(bounds) = &self.bounds else { return Ok(()) };
        let method = request.method.as_str();
        let host = host_of(&request.url);
        let asks = matches!(method, "GET" | "HEAD") || (bounds.post && method == "POST");
        if asks && bounds.hosts.contains(&host) {
            return Ok(());
        }
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get_or_insert_with(|| (method.to_owned(), host));
        Err(stop())
    }

    fn keep(&self, said: Said) {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }

    async fn answer(&self, client: &Client, request: &Prepared) -> Result<Kept> {
        let key = self.key(request);
        if self.replay {
            return self.recordings.get(&key).ok_or_else(|| {
                self.missing.store(true, Ordering::Relaxed);
                stop()
            });
        }
        self.may_ask(request)?;
        let answer = client.send_now(request).await?.keep().await?;
        self.recordings.record(key, answer.clone());
        Ok(answer)
    }
}

/// The host of an address, with its port where that is not the usual one.
pub(super) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default().to_lowercase();
    url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}

/// Ends the trial without being an error of its own.
pub(super) fn stop() -> Error {
    Error::new(ErrorKind::Stopped, "The trial has enough.")
}

#[async_trait]
impl Relay for Recorder {
    async fn send(&self, client: &Client, request: &Prepared) -> Result<Answer> {
        if self.is_enough(request) {
            self.enough.store(true, Ordering::Relaxed);
            return Err(stop());
        }
        let began = Instant::now();
        let answered = self.answer(client, request).await;
        let second = self.second.load(Ordering::Relaxed);
        let mut said = Said {
            request: request.clone(),
            status: 0,
            headers: Vec::new(),
            url: request.url.clone(),
            body: Bytes::new(),
            took: began.elapsed(),
            second,
        };
        let answer = match answered {
            Ok(answer) => answer,
            Err(error) => {
                self.keep(said);
                if error.kind() != ErrorKind::Stopped {
                    // Trying again is for syncs; here somebody waits.
                    self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                }
                return Err(stop());
            }
        };
        let Kept { status, headers, url, body } = answer.clone();
        said = Said { status, headers, url, body, ..said };
        self.keep(said);
        if self.is_lost(request, status) {
            return Err(stop());
        }
        Ok(answer.into())
    }
}

/// Takes secrets out of texts.
#[derive(Default)]
pub(super) struct Mask {
    /// Longest first: one may be a part of another.
    secrets: Vec<String>,
}

impl Mask {
    fn new(secrets: Vec<String>) -> Mask {
        let mut all: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= 3).collect();
        let written: Vec<String> = all
            .iter()
            .flat_map(|secret| {
                let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
                [utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(), form]
            })
            .collect();
        all.extend(written);
        all.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        all.dedup();
        Mask { secrets: all }
    }

    pub(super) fn text(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), MASK))
    }

    /// The value of a header: of one that lets us in only its scheme is shown.
    pub(super) fn header(&self, name: &str, value: &str) -> String {
        if name.eq_ignore_ascii_case("authorization") || name.eq_ignore_ascii_case("cookie") {
            return match value.split_once(' ') {
                Some((scheme, _)) if scheme.chars().all(char::is_alphabetic) => format!("{scheme} {MASK}"),
                _ => MASK.to_owned(),
            };
        }
        self.text(value)
    }

    /// What is shown of a request and its answer. `hidden`: the answer itself is a secret.
    pub(super) fn exchange(&self, said: &Said, rows: Option<u64>, hidden: bool) -> Exchange {
        let headers = said.request.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.as_str().to_owned(), self.header(name.as_str(), &value))
        });
        let (answer, cut) = if hidden { (MASK.to_owned(), false) } else { shown(said) };
        Exchange {
            method: said.request.method.to_string(),
            url: self.text(said.request.url.as_str()),
            headers: headers.collect(),
            body: said.request.body.as_ref().map(|body| self.text(&String::from_utf8_lossy(body))),
            status: said.status,
            duration_ms: u64::try_from(said.took.as_millis()).unwrap_or(u64::MAX),
            limits: said.headers.iter().filter(|(name, _)| tells_limits(name)).cloned().collect(),
            content_type: said.header("content-type").unwrap_or_default().to_owned(),
            answer: self.text(&answer),
            cut,
            rows,
            second: said.second,
        }
    }
}

fn tells_limits(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.contains("ratelimit")
        || lower.contains("rate-limit")
        || lower.contains("quota")
        || lower == "retry-after"
}

/// An answer as far as it is shown: of a large one, the first items of each list.
fn shown(said: &Said) -> (String, bool) {
    let text = said.text();
    if text.len() <= SHOWN_BYTES_MAX {
        return (text, false);
    }
    match said.json() {
        Some(json) => (shortened(json).to_string(), true),
        None => (text.chars().take(SHOWN_BYTES_MAX / 4).collect(), true),
    }
}

fn shortened(value: Json) -> Json {
    match value {
        Json::Array(items) => items.into_iter().take(SHOWN_ITEMS_MAX).map(shortened).collect(),
        Json::Object(fields) => fields.into_iter().map(|(name, field)| (name, shortened(field))).collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_however_they_are_written() {
        let mask = Mask::new(vec!["s3cr et/+".to_owned(), "ab".to_owned()]);
        let shown = mask.text("a=s3cr et/+&b=s3cr+et%2F%2B&c=s3cr%20et%2F%2B ab");
        assert_eq!(shown, "a=••••&b=••••&c=•••• ab");
        assert_eq!(mask.header("Authorization", "Bearer whatever"), "Bearer ••••");
        assert_eq!(mask.header("authorization", "whatever"), "••••");
        assert_eq!(mask.header("x-key", "s3cr et/+"), "••••");
    }
}
