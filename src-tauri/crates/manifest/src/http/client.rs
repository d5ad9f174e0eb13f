//! The HTTP client of a run: connections, limits, redirects, kept answers, waiting for a host that asked for it.

mod answer;
mod local;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use syncline_protocol::{Error, ErrorKind, Result, Traffic};
use tokio::sync::OnceCell;
use tokio::time::Instant;

pub(super) use answer::too_large;
pub use answer::{Answer, Body, Kept};
use local::is_local;

/// What a client allows.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Whether a public API may send us on to private addresses.
    pub allow_private: bool,
    /// Bytes of a body that is read whole, unpacked.
    pub body_bytes: u64,
    /// Bytes of a body that passes through piece by piece, unpacked.
    pub stream_bytes: u64,
    /// How long a connection may take.
    pub connect: Duration,
    /// How long a server may say nothing.
    pub silence: Duration,
    /// Redirects that are followed.
    pub redirects: usize,
    /// Bytes of kept answers.
    pub kept_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            allow_private: false,
            body_bytes: 128 << 20,
            stream_bytes: 64 << 30,
            connect: Duration::from_secs(30),
            silence: Duration::from_secs(300),
            redirects: 30,
            kept_bytes: 32 << 20,
        }
    }
}

/// So many requests are under way at once where the manifest does not say. The reference sends two.
pub(crate) const AT_ONCE: usize = 4;

/// One request, ready to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// `GET`, `POST` …
    pub method: Method,
    /// The whole address.
    pub url: Url,
    /// Headers in order.
    pub headers: HeaderMap,
    /// The body.
    pub body: Option<Bytes>,
    /// Who named the address.
    pub origin: Origin,
}

/// Who named the address of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Origin {
    /// The manifest, or the settings of the source.
    #[default]
    Own,
    /// An answer of the API: a link to the next page, the place of a file. With the address that the manifest gives for
    /// such requests; none when it leaves all of it to the API.
    Told(Option<Url>),
}

impl Prepared {
    /// A plain question for an address.
    pub fn get(url: Url) -> Prepared {
        Prepared { method: Method::GET, url, headers: HeaderMap::new(), body: None, origin: Origin::Own }
    }

    /// Something that is sent to an address.
    pub fn post(url: Url, headers: HeaderMap, body: Option<Bytes>) -> Prepared {
        Prepared { method: Method::POST, headers, body, ..Prepared::get(url) }
    }
}

/// Stands between a client and the network: keeps what is said there, or says it again.
#[async_trait]
pub trait Relay: Send + Sync {
    /// Answers a request, mostly by way of [`Client::send_now`].
    ///
    /// # Errors
    /// As [`Client::send`], and its own.
    async fn send(&self, client: &Client, request: &Prepared) -> Result<Answer>;
}

/// Sends requests for all streams of a run.
pub struct Client {
    http: reqwest::Client,
    limits: Limits,
    relay: Option<Arc<dyn Relay>>,
    /// Addresses that were asked because the manifest or the settings name them, one a host.
    named: Mutex<Vec<Url>>,
    /// Until when a host wants to be left alone.
    resting: Mutex<HashMap<String, Instant>>,
    kept: Mutex<HashMap<String, Arc<OnceCell<Kept>>>>,
    kept_bytes: Mutex<usize>,
    /// How many requests the manifest lets be sent in a time.
    pub(crate) budget: super::budget::Budget,
    /// How many requests are under way at once.
    pub(crate) gate: super::budget::Gate,
    pub(super) tokens: super::auth::Tokens,
    pub(super) pools: super::auth::Pools,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// `Internal`, when TLS cannot be set up.
    pub fn new(limits: Limits) -> Result<Client> {
        // Two providers may be linked; the first one that is asked for must not be left to chance.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(limits.connect)
            .read_timeout(limits.silence)
            .user_agent(concat!("Syncline/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::internal("The HTTP client could not be made.").caused_by(error))?;
        Ok(Client {
            http,
            limits,
            relay: None,
            named: Mutex::default(),
            resting: Mutex::default(),
            kept: Mutex::default(),
            kept_bytes: Mutex::default(),
            budget: super::budget::Budget::default(),
            gate: super::budget::Gate::new(AT_ONCE),
            tokens: super::auth::Tokens::default(),
            pools: super::auth::Pools::default(),
        })
    }

    /// The same client, with something between it and the network.
    #[must_use]
    pub fn with_relay(mut self, relay: Arc<dyn Relay>) -> Client {
        self.relay = Some(relay);
        self
    }

    /// The same with a tape: answers are kept on it, or given from it and nothing is asked any more.
    #[must_use]
    pub fn on_tape(self, traffic: Traffic) -> Client {
        self.with_relay(super::tape::relay(traffic))
    }

    /// Sends a request and follows redirects. Any status is an answer.
    ///
    /// # Errors
    /// `Unreachable`, `Tls`, `Timeout`, `ConnectionLost`; `Config` for a redirect or a link to a place it may not
    /// lead to.
    pub async fn send(&self, request: &Prepared) -> Result<Answer> {
        self.may_ask(request).await?;
        match &self.relay {
            None => self.send_now(request).await,
            Some(relay) => relay.send(self, request).await,
        }
    }

    /// As [`send`](Self::send), past what stands between.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn send_now(&self, request: &Prepared) -> Result<Answer> {
        let mut request = request.clone();
        let origin = request.url.clone();
        for _ in 0..=self.limits.redirects {
            let mut built = reqwest::Request::new(request.method.clone(), request.url.clone());
            *built.headers_mut() = request.headers.clone();
            *built.body_mut() = request.body.clone().map(Into::into);
            let response = self.http.execute(built).await.map_err(|error| failed(&request.url, error))?;
            let status = response.status().as_u16();
            let target = response.headers().get(LOCATION).and_then(|target| target.to_str().ok());
            let Some(target) = target.filter(|_| matches!(status, 301 | 302 | 303 | 307 | 308)) else {
                return Ok(self.answer(response));
            };
            let target = request.url.join(target).map_err(|_| {
                Error::new(ErrorKind::CorruptInput, "The API sent us on to an address that is not valid.")
            })?;
            let sent = "The API sends us on to an address of this computer or the local network.";
            self.may_go_on(&[&origin], &target, sent).await?;
            if target.host_str() != request.url.host_str() {
                // What lets us in here is nobody else's business.
                request.headers.remove(AUTHORIZATION);
                request.headers.remove(COOKIE);
            }
            let turns = matches!(status, 301..=303) && request.method != Method::HEAD;
            if turns && request.method != Method::GET {
                request.method = Method::GET;
                request.body = None;
                request.headers.remove(CONTENT_TYPE);
            }
            request.url = target;
        }
        Err(Error::new(ErrorKind::CorruptInput, "The API sends us on and on.")
            .with("redirects", self.limits.redirects))
    }

    /// An answer that was given before, or that `send` gets now. One asks, the others wait for it.
    ///
    /// # Errors
    /// As for [`send`](Self::send), and when the body cannot be read.
    pub(super) async fn kept(
        &self,
        request: &Prepared,
        send: impl Future<Output = Result<Answer>>,
    ) -> Result<Answer> {
        let key = format!("{} {}\n{:?}\n{:?}", request.method, request.url, request.headers, request.body);
        let cell = {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(kept.entry(key.clone()).or_default())
        };
        let answer = cell.get_or_try_init(|| async { send.await?.keep().await }).await?;
        let answer = answer.clone();
        // Memory is bounded: what is too much is forgotten, and asked for again. So is what went wrong.
        let mut bytes = self.kept_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *bytes += answer.body.len();
        if *bytes > self.limits.kept_bytes || !(200..300).contains(&answer.status) {
            *bytes -= answer.body.len();
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
        drop(bytes);
        Ok(answer.into())
    }

    /// All requests to this host wait until then.
    pub fn rest(&self, host: &str, until: Instant) {
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let known = resting.entry(host.to_owned()).or_insert(until);
        *known = (*known).max(until);
    }

    /// Until when this host wants to be left alone.
    pub fn resting(&self, host: &str) -> Option<Instant> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting.get(host).copied().filter(|until| *until > Instant::now())
    }

    fn answer(&self, response: reqwest::Response) -> Answer {
        let url = response.url().clone();
        let headers = response.headers().iter().map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        });
        let headers = headers.collect();
        let status = response.status().as_u16();
        let host = url.clone();
        let length = response.content_length();
        let bytes = response.bytes_stream().map_err(move |error| failed(&host, error)).boxed();
        Answer { status, headers, url, body: Body::coming(bytes, self.limits.clone(), length) }
    }

    /// What an answer names may be asked as the answer itself: nobody leads us from the internet into the local network.
    async fn may_ask(&self, request: &Prepared) -> Result<()> {
        let host = request.url.host_str();
        let named: Vec<Url> = match &request.origin {
            Origin::Own => {
                let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
                if named.iter().all(|known| known.host_str() != host) {
                    named.push(request.url.clone());
                }
                return Ok(());
            }
            Origin::Told(Some(home)) => vec![home.clone()],
            Origin::Told(None) => self.named.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        // What nothing was asked for before cannot come from an answer.
        if named.is_empty() || named.iter().any(|known| known.host_str() == host) {
            return Ok(());
        }
        let named: Vec<&Url> = named.iter().collect();
        let told = "An answer of the API leads to an address of this computer or the local network.";
        self.may_go_on(&named, &request.url, told).await
    }

    /// From these addresses to that one: not from public ones alone to a private one. `what`: what happened then.
    async fn may_go_on(&self, origins: &[&Url], target: &Url, what: &str) -> Result<()> {
        if self.limits.allow_private || !is_local(target).await {
            return Ok(());
        }
        for origin in origins {
            if is_local(origin).await {
                return Ok(());
            }
        }
        Err(Error::new(ErrorKind::Config, what)
            .with("host", target.host_str().unwrap_or_default())
            .meaning("Nothing was asked there.")
            .fix("If that is right, allow private addresses in the settings of the source."))
    }
}

/// A name and a value as a header.
///
/// # Errors
/// `Config`, naming the header, never its value.
pub(super) fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = || Error::new(ErrorKind::Config, format!("The header `{name}` of a request is not valid."));
    let slipped =
        || wrong().fix("Check the settings of the source: a space or line end may have slipped in.");
    if value.starts_with(char::is_whitespace) {
        return Err(slipped());
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| slipped())?;
    value.set_sensitive(true);
    Ok((HeaderName::try_from(name).map_err(|_| wrong())?, value))
}

/// What went wrong between us and a host. The address is told without its query: keys may be in it.
fn failed(url: &Url, error: reqwest::Error) -> Error {
    let host = url.host_str().unwrap_or_default().to_owned();
    let (mut causes, mut broke_off) = (String::new(), false);
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(inner) = cause {
        causes.push_str(&inner.to_string());
        broke_off |= inner.downcast_ref::<io::Error>().is_some_and(|error| {
            use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
        });
        cause = inner.source();
    }
    let tls = causes.contains("certificate") || causes.contains("TLS") || causes.contains("tls");
    let (kind, message) = match () {
        () if error.is_timeout() => (ErrorKind::Timeout, format!("{host} did not answer in time.")),
        () if tls => (ErrorKind::Tls, format!("No safe connection to {host} could be made.")),
        () if error.is_connect() => (ErrorKind::Unreachable, format!("{host} cannot be reached.")),
        // What unpacks a body also tells when there is no more of it to unpack.
        () if error.is_decode() && !broke_off => {
            (ErrorKind::CorruptInput, format!("{host} sent a body that cannot be unpacked."))
        }
        () => (ErrorKind::ConnectionLost, format!("The connection to {host} was lost.")),
    };
    let error = Error::new(kind, message).with("host", host).caused_by(error.without_url());
    if !tls {
        return error;
    }
    error
        .meaning("Nothing was asked, because nobody proves who answers there.")
        .fix("Check the address: the server must speak TLS where it begins with https.")
        .fix("If the server's certificate has run out or is its own, let its owner renew it, or let this computer trust who signed it.")
}
