//! The HTTP client of a run: connections, limits, redirects, kept answers, waiting for a host that asked for it.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::OnceCell;
use tokio::time::Instant;

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
}

impl Prepared {
    /// A plain question for an address.
    pub fn get(url: Url) -> Prepared {
        Prepared { method: Method::GET, url, headers: HeaderMap::new(), body: None }
    }
}

/// What a server answered, its body still to be read.
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The address that answered, after redirects.
    pub url: Url,
    /// The body.
    pub body: Body,
}

/// A body that is read once, bounded in size.
pub struct Body {
    bytes: BoxStream<'static, Result<Bytes>>,
    limits: Limits,
    /// How long it will be, when the server told.
    length: Option<u64>,
}

impl Body {
    /// A body that is already here.
    pub fn ready(bytes: Bytes) -> Body {
        let limits = Limits { stream_bytes: u64::MAX, body_bytes: u64::MAX, ..Limits::default() };
        Body { bytes: futures::stream::once(async { Ok(bytes) }).boxed(), limits, length: None }
    }

    /// The whole body.
    ///
    /// # Errors
    /// `LimitExceeded`; `ConnectionLost` or `Timeout` when it does not come to its end.
    pub async fn whole(mut self) -> Result<Bytes> {
        let limit = self.limits.body_bytes;
        let length = self.length.unwrap_or(0);
        if length > limit {
            return Err(too_large(limit));
        }
        let Some(first) = self.bytes.try_next().await? else { return Ok(Bytes::new()) };
        let (mut pieces, mut total) = (vec![first], 0);
        // Put together at the end: a body that turns out to be too large never takes more than the limit.
        loop {
            total += pieces.last().map_or(0, Bytes::len);
            if total as u64 > limit {
                return Err(too_large(limit));
            }
            match self.bytes.try_next().await? {
                Some(piece) => pieces.push(piece),
                None if pieces.len() == 1 => return Ok(pieces.swap_remove(0)),
                None => return Ok(pieces.concat().into()),
            }
        }
    }

    /// The body piece by piece.
    pub fn pieces(self) -> BoxStream<'static, Result<Bytes>> {
        let limit = self.limits.stream_bytes;
        let mut seen = 0_u64;
        self.bytes
            .map(move |piece| {
                let piece = piece?;
                seen += piece.len() as u64;
                if seen > limit { Err(too_large(limit)) } else { Ok(piece) }
            })
            .boxed()
    }
}

pub(super) fn too_large(limit: u64) -> Error {
    Error::new(
        ErrorKind::LimitExceeded,
        format!("The API answered with more than {} MB at once.", limit >> 20),
    )
    .meaning("Nothing of this answer was loaded.")
    .fix("Ask for smaller pages, if the connector has a setting for that.")
}

/// An answer that is kept for others who ask the same.
#[derive(Clone)]
struct Kept {
    status: u16,
    headers: Vec<(String, String)>,
    url: Url,
    body: Bytes,
}

/// Sends requests for all streams of a run.
pub struct Client {
    http: reqwest::Client,
    limits: Limits,
    /// Until when a host wants to be left alone.
    resting: Mutex<HashMap<String, Instant>>,
    kept: Mutex<HashMap<String, Arc<OnceCell<Kept>>>>,
    kept_bytes: Mutex<usize>,
    /// How many requests the manifest lets be sent in a time.
    pub(crate) budget: super::budget::Budget,
    /// How many requests are under way at once.
    pub(crate) gate: super::budget::Gate,
    pub(super) tokens: super::auth::Tokens,
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
            resting: Mutex::default(),
            kept: Mutex::default(),
            kept_bytes: Mutex::default(),
            budget: super::budget::Budget::default(),
            gate: super::budget::Gate::new(AT_ONCE),
            tokens: super::auth::Tokens::default(),
        })
    }

    /// Sends a request and follows redirects. Any status is an answer.
    ///
    /// # Errors
    /// `Unreachable`, `Tls`, `Timeout`, `ConnectionLost`; `Config` for a redirect to a place it may not lead to.
    pub async fn send(&self, request: &Prepared) -> Result<Answer> {
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
            self.may_go_on(&origin, &target).await?;
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
        let answer = cell
            .get_or_try_init(|| async {
                let answer = send.await?;
                let (status, headers, url) = (answer.status, answer.headers, answer.url);
                Ok::<_, Error>(Kept { status, headers, url, body: answer.body.whole().await? })
            })
            .await?;
        let answer = answer.clone();
        // Memory is bounded: what is too much is forgotten, and asked for again. So is what went wrong.
        let mut bytes = self.kept_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        *bytes += answer.body.len();
        if *bytes > self.limits.kept_bytes || !(200..300).contains(&answer.status) {
            *bytes -= answer.body.len();
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
        drop(bytes);
        Ok(Answer {
            status: answer.status,
            headers: answer.headers,
            url: answer.url,
            body: Body { limits: self.limits.clone(), ..Body::ready(answer.body) },
        })
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
        Answer { status, headers, url, body: Body { bytes, limits: self.limits.clone(), length } }
    }

    /// A public API must not lead us into the local network.
    async fn may_go_on(&self, origin: &Url, target: &Url) -> Result<()> {
        if self.limits.allow_private || is_local(origin).await || !is_local(target).await {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Config,
            "The API sends us on to an address of this computer or the local network.",
        )
        .with("host", target.host_str().unwrap_or_default())
        .meaning("Nothing was asked there.")
        .fix("If that is right, allow private addresses in the settings of the source."))
    }
}

/// Whether any address of the host is private. A name that does not resolve is not.
async fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => is_private(address.into()),
        Some(url::Host::Ipv6(address)) => is_private(address.into()),
        Some(url::Host::Domain(name)) => {
            if name == "localhost" || name.ends_with(".localhost") {
                return true;
            }
            let port = url.port_or_known_default().unwrap_or(443);
            match tokio::net::lookup_host((name, port)).await {
                Ok(mut addresses) => addresses.any(|address| is_private(address.ip())),
                Err(_) => false,
            }
        }
        None => false,
    }
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(v6) => {
            let first = v6.segments()[0];
            v6.is_loopback() || v6.is_unspecified() || first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80
        }
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
