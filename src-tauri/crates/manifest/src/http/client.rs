//! The HTTP client of a run: connections, limits, redirects, kept answers, waiting together.

mod body;
pub(crate) mod budget;
pub(crate) mod failure;
mod guard;
mod kept;
mod limits;
mod pause;
mod secrets;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{self, HeaderMap, HeaderName};
use syncline_protocol::{Error, ErrorKind, Result};
use url::Url;

pub use body::Body;
pub use budget::Budget;
pub use limits::Limits;
pub use pause::{Pause, RealTime};

use super::auth::Tokens;
use super::wait::wait;
use crate::context::{Output, Run};
use kept::Kept;
use secrets::Secrets;

/// Sends requests for all streams of a run.
pub struct Client {
    /// What is never exceeded.
    pub limits: Limits,
    pub(crate) pause: Arc<dyn Pause>,
    pub(crate) tokens: Tokens,
    pub(crate) secrets: Secrets,
    pub(crate) budget: OnceLock<Budget>,
    cookies: Arc<reqwest::cookie::Jar>,
    connections: Mutex<HashMap<Kind, reqwest::Client>>,
    hosts: Mutex<HashMap<String, Host>>,
    kept: Kept,
}

/// What is known of a host.
#[derive(Default, Clone, Copy)]
struct Host {
    /// No request before this moment: the server asked for it.
    closed_until: Option<Instant>,
    public: bool,
}

/// Connections differ in what they may reach and in how long they may take to be made.
#[derive(PartialEq, Eq, Hash, Clone, Copy)]
struct Kind {
    public_only: bool,
    connect: Duration,
}

/// A request that is ready to be sent.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Bytes>,
    pub(crate) connect: Option<Duration>,
    pub(crate) read: Option<Duration>,
    /// The host that the manifest names; a server may have led to another.
    pub(crate) base: Option<String>,
    /// Whether the answer is kept.
    pub(crate) keep: bool,
}

/// What a server said, before anybody judged it.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) url: String,
    pub(crate) body: Body,
}

impl Answer {
    /// A header, whatever its capitalisation.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// What goes along to another host: nothing that could be a credential.
const HARMLESS: [HeaderName; 5] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::CONTENT_TYPE, header::RANGE, header::USER_AGENT];

impl Client {
    /// A client with these limits.
    ///
    /// # Errors
    /// `Tls`, when this computer's certificates cannot be used.
    pub fn new(limits: Limits) -> Result<Client> {
        Client::with(limits, Arc::new(RealTime))
    }

    /// A client with these limits and this time.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with(limits: Limits, pause: Arc<dyn Pause>) -> Result<Client> {
        // Whoever was first is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client {
            kept: Kept::new(limits.kept_bytes),
            limits,
            pause,
            tokens: Tokens::default(),
            secrets: Secrets::default(),
            budget: OnceLock::new(),
            cookies: Arc::default(),
            connections: Mutex::default(),
            hosts: Mutex::default(),
        };
        client.connections(client.kind(None, false))?;
        Ok(client)
    }

    /// Requests keep to this budget. The first one that is set holds.
    pub fn set_budget(&self, budget: Budget) {
        let _ = self.budget.set(budget);
    }

    fn kind(&self, connect: Option<Duration>, public_only: bool) -> Kind {
        Kind { public_only, connect: connect.unwrap_or(self.limits.connect) }
    }

    fn connections(&self, kind: Kind) -> Result<reqwest::Client> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = connections.get(&kind) {
            return Ok(found.clone());
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("Syncline/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(kind.connect)
            .redirect(reqwest::redirect::Policy::none())
            .cookie_provider(Arc::clone(&self.cookies))
            .tcp_keepalive(Duration::from_secs(60));
        if kind.public_only {
            builder = builder.dns_resolver(guard::PublicOnly);
        }
        let made = builder.build().map_err(|error| {
            Error::new(ErrorKind::Tls, "Safe connections cannot be set up on this computer.").caused_by(error)
        })?;
        connections.insert(kind, made.clone());
        Ok(made)
    }

    /// Sends a request, or gives the answer that was kept. Says nothing about whether the answer is good.
    pub(crate) async fn send(&self, request: Request, run: &Run, output: &dyn Output) -> Result<Answer> {
        if !(request.keep && request.method == Method::GET) {
            return self.follow(request, run, output).await;
        }
        let cell = self.kept.cell(Kept::key(&request));
        let mut passed = None;
        let entry = cell.get_or_try_init(|| async {
            let mut answer = self.follow(request, run, output).await.map_err(Some)?;
            if answer.status == 200
                && let Some(body) = answer.body.peek(self.limits.body_bytes).await.map_err(Some)?
            {
                return self.kept.put(&answer, body).await.map_err(Some);
            }
            // What is no success, or too large, is not kept: the next one asks again.
            passed = Some(answer);
            Err(None)
        });
        match entry.await {
            Ok(entry) => self.kept.answer(entry).await,
            Err(Some(error)) => Err(error),
            Err(None) => passed.ok_or_else(|| Error::internal("An answer was lost.")),
        }
    }

    async fn follow(&self, request: Request, run: &Run, output: &dyn Output) -> Result<Answer> {
        self.admit(&request, run, output).await;
        let (answer, asked) = self.exchange(request).await?;
        if let Some(budget) = self.budget.get() {
            budget.learn(&asked, &answer, self.pause.now(), run.now());
        }
        Ok(answer)
    }

    /// The body of an address, and its status.
    ///
    /// # Errors
    /// As for any request; `LimitExceeded`.
    pub async fn fetch(&self, url: Url) -> Result<(u16, Bytes)> {
        let (method, headers) = (Method::GET, HeaderMap::new());
        let request =
            Request { method, url, headers, body: None, connect: None, read: None, base: None, keep: false };
        let (answer, _) = self.exchange(request).await?;
        Ok((answer.status, answer.body.bytes(self.limits.body_bytes).await?))
    }

    /// Sends a request, and again to where it is redirected. Gives back what was asked last.
    async fn exchange(&self, mut request: Request) -> Result<(Answer, Request)> {
        let mut public_only = self.is_led_away(&request);
        for _ in 0..=self.limits.redirects {
            let (response, host) = self.once(&request, public_only).await?;
            if response.remote_addr().is_none_or(|at| guard::is_public(at.ip())) {
                self.host(&host, |host| host.public = true);
                public_only |= !self.limits.allow_private;
            }
            let Some(next) = redirect(&response, &request.url)? else {
                let answer = self.answer(response, host, &request);
                return Ok((answer, request));
            };
            request.redirect(response.status().as_u16(), next);
        }
        let host = request.host();
        Err(Error::new(
            ErrorKind::CorruptInput,
            format!("{host} sends requests from one address to the next without end."),
        ))
    }

    /// Waits until the budget and the host allow another request.
    async fn admit(&self, request: &Request, run: &Run, output: &dyn Output) {
        loop {
            let budget = || self.budget.get().and_then(|budget| budget.take(request, self.pause.now()));
            let Some(time) = self.closed(&request.host()).or_else(budget) else { return };
            wait(run, time, "rate limited", output).await;
        }
    }

    /// Whether a public API named an address of another host, for example of its next page.
    fn is_led_away(&self, request: &Request) -> bool {
        let Some(base) = &request.base else { return false };
        let public = *base != request.host() && self.host(base, |host| host.public);
        public && !self.limits.allow_private
    }

    async fn once(&self, request: &Request, public_only: bool) -> Result<(reqwest::Response, String)> {
        let host = request.host();
        if public_only && let Some(refused) = guard::private_number(&request.url) {
            return Err(refused.told());
        }
        let connections = self.connections(self.kind(request.connect, public_only))?;
        let mut sending = connections.request(request.method.clone(), request.url.clone());
        sending = sending.headers(request.headers.clone());
        if let Some(body) = &request.body {
            sending = sending.body(body.clone());
        }
        let patience = self.limits.connect + request.read.unwrap_or(self.limits.silence);
        match tokio::time::timeout(patience, sending.send()).await {
            Ok(Ok(response)) => Ok((response, host)),
            Ok(Err(error)) => Err(failure::of_request(&host, error)),
            Err(_) => Err(failure::stalled(&host, patience)),
        }
    }

    fn answer(&self, response: reqwest::Response, host: String, request: &Request) -> Answer {
        let text =
            |value: &header::HeaderValue| value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        let headers =
            response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let idle = request.read.unwrap_or(self.limits.silence);
        Answer {
            status: response.status().as_u16(),
            headers: joined(headers),
            url: response.url().to_string(),
            body: Body::arriving(response, host, idle, self.limits.stream_bytes),
        }
    }

    /// No request goes to this host for a while: the server asked for it.
    pub(crate) fn close(&self, host: &str, time: Duration) {
        let until = self.pause.now() + time;
        self.host(host, |host| host.closed_until = host.closed_until.max(Some(until)));
    }

    /// How long requests to this host have to wait.
    pub(crate) fn closed(&self, host: &str) -> Option<Duration> {
        let until = self.host(host, |host| host.closed_until)?;
        until.checked_duration_since(self.pause.now()).filter(|time| !time.is_zero())
    }

    fn host<T>(&self, name: &str, look: impl FnOnce(&mut Host) -> T) -> T {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        look(hosts.entry(name.to_owned()).or_default())
    }
}

impl Request {
    /// Host and port, for messages and for what is known of a host.
    pub(crate) fn host(&self) -> String {
        host_of(&self.url)
    }

    fn redirect(&mut self, status: u16, next: Url) {
        let as_get = match status {
            303 => self.method != Method::HEAD,
            302 => self.method != Method::HEAD,
            301 => self.method == Method::POST,
            _ => false,
        };
        if as_get {
            self.method = Method::GET;
        }
        if !matches!(status, 307 | 308) {
            self.body = None;
            self.headers.remove(header::CONTENT_TYPE);
        }
        if !same_origin(&self.url, &next) {
            let headers = std::mem::take(&mut self.headers);
            for name in HARMLESS {
                if let Some(value) = headers.get(&name) {
                    self.headers.insert(name, value.clone());
                }
            }
        }
        self.url = next;
    }
}

/// Several headers of one name are one, as templates see them.
fn joined(headers: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut joined: Vec<(String, String)> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        match joined.iter_mut().find(|(key, _)| *key == name) {
            Some((_, first)) => {
                first.push_str(", ");
                first.push_str(&value);
            }
            None => joined.push((name, value)),
        }
    }
    joined
}

/// Host and, when it is not the usual one, port.
pub(crate) fn host_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// The same host and port; a change from http to https on the usual ports is the same.
fn same_origin(from: &Url, to: &Url) -> bool {
    let upgraded =
        from.scheme() == "http" && to.scheme() == "https" && from.port().is_none() && to.port().is_none();
    from.host() == to.host() && (upgraded || (from.scheme() == to.scheme() && from.port() == to.port()))
}

fn redirect(response: &reqwest::Response, from: &Url) -> Result<Option<Url>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(place) = response.headers().get(header::LOCATION) else { return Ok(None) };
    let place = String::from_utf8_lossy(place.as_bytes());
    match from.join(&place) {
        Ok(next) if matches!(next.scheme(), "http" | "https") => Ok(Some(next)),
        _ => {
            let host = host_of(from);
            Err(Error::new(
                ErrorKind::CorruptInput,
                format!("{host} redirects to what is no address of the web."),
            ))
        }
    }
}
