//! Several tokens that do the same, each with so many requests in a time (`RateLimitedMultipleTokenAuthenticator`): when
//! one has none left, the next is taken, and when none has any, their next time is waited for.

mod state;

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, Url};
use syncline_protocol::{Error, ErrorKind, Result};

use crate::Json;
use crate::context::{Output, Run};
use crate::document::Node;
use crate::expression::datetime::{self, Moment};
use crate::expression::{Accept, Mapping, Scope, Text, python_str};
use crate::http::budget::Matcher;
use crate::http::client::{Prepared, header};
use crate::http::encode;

pub(in crate::http) use state::Pools;
use state::{Left, Token, Turn};

/// The component.
pub(in crate::http) struct Pool {
    /// What is known of the tokens is shared by all who name them alike.
    key: String,
    tokens: Vec<Text>,
    /// What stands between tokens that are one text.
    delimiter: Option<String>,
    scheme: Text,
    header: String,
    status: Status,
    quotas: Vec<Quota>,
    wait_max: Text,
    reserve: (f64, i64),
}

/// Where the API says what a token has left.
struct Status {
    url: Text,
    method: Method,
    headers: Option<Mapping>,
    /// With these the API says that it does not count.
    unavailable: Vec<u16>,
}

/// What the API counts by itself.
struct Quota {
    name: String,
    remaining: Vec<String>,
    reset: Vec<String>,
    limit: Vec<String>,
    matchers: Vec<Matcher>,
    remaining_header: Option<String>,
    reset_header: Option<String>,
    limit_header: Option<String>,
    exhausted: Vec<u16>,
}

/// Which token a request was sent with.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct Signed {
    token: usize,
    quota: usize,
}

impl Pool {
    pub(super) fn new(node: &Node<'_>) -> Result<Pool> {
        let tokens = node.require("tokens")?;
        let is_list = tokens.json().is_array();
        let delimiter =
            node.text("token_delimiter")?.filter(|text| !text.is_empty()).unwrap_or(",").to_owned();
        let tokens = if is_list { tokens.items() } else { vec![tokens] };
        let plain = |text: &str| Text::new(text, node.parameters());
        let status = node.require("quota_status_source")?;
        let method = status.text("http_method")?.unwrap_or("GET");
        let number = |field: &str, otherwise: f64| {
            node.field(field).and_then(|value| value.json().as_f64()).unwrap_or(otherwise)
        };
        let quotas = node.list("quotas");
        if quotas.is_empty() {
            return Err(node.error("`quotas` is empty"));
        }
        Ok(Pool {
            key: own(node.json(), &KEYS).to_string(),
            tokens: tokens.iter().map(|token| plain(&python_str(token.json()))).collect::<Result<_>>()?,
            delimiter: if is_list { None } else { Some(delimiter) },
            scheme: plain(node.text("auth_method")?.filter(|scheme| !scheme.is_empty()).unwrap_or("Bearer"))?,
            header: node.text("header")?.unwrap_or("Authorization").to_owned(),
            status: Status {
                url: Text::of(&status, "url")?.ok_or_else(|| status.error("`url` is missing"))?,
                method: Method::from_bytes(method.as_bytes())
                    .map_err(|_| status.error("`http_method` is not valid"))?,
                headers: Mapping::of(&status, "request_headers")?,
                unavailable: codes(&status, "unavailable_status_codes"),
            },
            quotas: quotas.iter().map(Quota::new).collect::<Result<_>>()?,
            wait_max: plain(node.text("max_wait_time")?.unwrap_or("PT2H"))?,
            reserve: (number("budget_reserve_fraction", 0.1), number("budget_min_reserve", 50.0) as i64),
        })
    }

    /// Puts a token into a request, when one may be used. Waits until then.
    ///
    /// # Errors
    /// `RateLimited`, when that would take too long; when the API does not say what is left.
    pub(in crate::http) async fn sign(
        &self,
        run: &Run,
        request: &mut Prepared,
        output: &dyn Output,
    ) -> Result<Signed> {
        let quota = self.quota_of(request);
        let shared = run.client.pools.of(&self.key);
        let wait_max = self.wait_max(run)?;
        let mut waited = Duration::ZERO;
        loop {
            let turn = {
                let mut state = shared.lock().await;
                if state.tokens.is_empty() || (!waited.is_zero() && state.is_spent(quota)) {
                    let tokens = self.asked(run).await?;
                    state.active %= tokens.len();
                    state.tokens = tokens;
                }
                state.take(quota, self.reserve, (run.clock)())
            };
            match turn {
                Turn::Send(token, spread) => {
                    if spread >= 0.1 {
                        tokio::time::sleep(run.wait(Duration::from_secs_f64(spread))).await;
                    }
                    let config = run.config();
                    let scheme = self.scheme.eval_text(&Scope::new(&config, run.clock))?;
                    let secret = shared
                        .lock()
                        .await
                        .tokens
                        .get(token)
                        .map(|token| token.secret.clone())
                        .unwrap_or_default();
                    let (name, value) = header(&self.header, format!("{scheme} {secret}").trim())?;
                    request.headers.insert(name, value);
                    return Ok(Signed { token, quota });
                }
                Turn::Wait(wait) if waited + wait < wait_max => {
                    output.waiting(Some(
                        "All tokens have used up what the API allows; their next time is waited for.",
                    ));
                    tokio::time::sleep(run.wait(wait)).await;
                    output.waiting(None);
                    waited += wait;
                }
                Turn::Wait(_) => return Err(self.spent(quota)),
            }
        }
    }

    fn wait_max(&self, run: &Run) -> Result<Duration> {
        let config = run.config();
        let wait = datetime::Duration::parse(&self.wait_max.eval_text(&Scope::new(&config, run.clock))?)?;
        if wait.months != 0 || wait.microseconds < 0 {
            let wrong =
                "`max_wait_time` of the connector's manifest must be days, hours, minutes or seconds.";
            return Err(Error::new(ErrorKind::Config, wrong));
        }
        Ok(Duration::from_micros(wait.microseconds.unsigned_abs()))
    }

    fn spent(&self, quota: usize) -> Error {
        let name = self.quotas.get(quota).map(|quota| quota.name.as_str()).unwrap_or_default();
        Error::new(ErrorKind::RateLimited, "All tokens of the source have used up what the API allows.")
            .with("quota", name)
            .meaning("What was read before is loaded; the next run goes on from there.")
            .fix("Run again later, or add another token.")
    }

    /// Learns from an answer what the token has left. True: it has nothing left, but another one has, so that nobody has
    /// to wait.
    pub(in crate::http) async fn hear(
        &self,
        run: &Run,
        signed: Signed,
        (status, headers): (u16, &[(String, String)]),
    ) -> bool {
        let Some(quota) = self.quotas.get(signed.quota) else { return false };
        let told = |name: &Option<String>| {
            let name = name.as_ref()?;
            headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim())
        };
        let number = |name: &Option<String>| told(name)?.parse::<i64>().ok();
        let refused = quota.exhausted.contains(&status);
        let remaining = number(&quota.remaining_header).or(refused.then_some(0));
        let until = told(&quota.reset_header).and_then(|text| moment(&Json::from(text)));
        let limit = number(&quota.limit_header);
        let shared = run.client.pools.of(&self.key);
        let mut state = shared.lock().await;
        let left = state.tokens.get_mut(signed.token).and_then(|token| token.left.get_mut(signed.quota));
        let Some(left) = left.filter(|left| left.is_counted) else { return false };
        left.learn(remaining, until, limit, refused);
        let is_spent = left.remaining <= 0;
        is_spent && state.tokens.iter().any(|token| token.left[signed.quota].remaining > 0)
    }

    /// The first quota whose matchers fit, or else the one that has none.
    fn quota_of(&self, request: &Prepared) -> usize {
        let fits = |quota: &Quota| {
            quota
                .matchers
                .iter()
                .any(|matcher| matcher.matches(request.method.as_str(), &request.url, &request.headers))
        };
        let otherwise = || self.quotas.iter().position(|quota| quota.matchers.is_empty());
        self.quotas.iter().position(fits).or_else(otherwise).unwrap_or(0)
    }

    /// Asks the API what each token has left.
    async fn asked(&self, run: &Run) -> Result<Vec<Token>> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let mut secrets = Vec::new();
        for token in &self.tokens {
            let text = token.eval_text(&scope)?;
            let parts = match &self.delimiter {
                Some(delimiter) => text.split(delimiter.as_str()).collect(),
                None => vec![text.as_str()],
            };
            secrets
                .extend(parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
        }
        if secrets.is_empty() {
            return Err(Error::new(ErrorKind::Config, "The settings of the source have no token."));
        }
        let (url, scheme) =
            (encode::join(&self.status.url.eval_text(&scope)?, "")?, self.scheme.eval_text(&scope)?);
        let headers =
            self.status.headers.as_ref().map(|headers| headers.eval(&scope, Accept::Any)).transpose()?;
        let mut tokens = Vec::with_capacity(secrets.len());
        for secret in secrets {
            let mut request =
                Prepared { method: self.status.method.clone(), ..Prepared::get(Url::clone(&url)) };
            for (name, value) in headers.iter().flatten() {
                let (name, value) = header(name, &python_str(value))?;
                request.headers.insert(name, value);
            }
            let (name, value) = header(&self.header, format!("{scheme} {secret}").trim())?;
            request.headers.insert(name, value);
            let left = self.left(run, &request, tokens.len() + 1).await?;
            tokens.push(Token { secret, left });
        }
        Ok(tokens)
    }

    /// What one token has left. `number`: which one it is, for messages.
    async fn left(&self, run: &Run, request: &Prepared, number: usize) -> Result<Vec<Left>> {
        let answer = run.client.send(request).await?;
        let status = answer.status;
        if self.status.unavailable.contains(&status) {
            let now = (run.clock)();
            let none = Left { remaining: 0, limit: 0, until: now, is_counted: false };
            return Ok(vec![none; self.quotas.len()]);
        }
        if !(200..300).contains(&status) {
            let kind = match status {
                401 | 403 => ErrorKind::Authentication,
                429 => ErrorKind::RateLimited,
                500.. => ErrorKind::ConnectionLost,
                _ => ErrorKind::Config,
            };
            let message =
                format!("The API does not say what token {number} has left: it answered with {status}.");
            return Err(Error::new(kind, message).fix("Check that the token is right and still valid."));
        }
        let body: Json = serde_json::from_slice(&answer.body.whole().await?).unwrap_or_default();
        self.quotas.iter().map(|quota| quota.left(&body)).collect()
    }
}

impl Quota {
    fn new(node: &Node<'_>) -> Result<Quota> {
        let path = |field: &str| node.list(field).iter().map(|step| python_str(step.json())).collect();
        let header = |field: &str| -> Result<Option<String>> { Ok(node.text(field)?.map(str::to_lowercase)) };
        Ok(Quota {
            name: node.text("name")?.unwrap_or_default().to_owned(),
            remaining: path("remaining_path"),
            reset: path("reset_path"),
            limit: path("limit_path"),
            matchers: node.list("matchers").iter().map(Matcher::new).collect::<Result<_>>()?,
            remaining_header: header("remaining_header")?,
            reset_header: header("reset_header")?,
            limit_header: header("limit_header")?,
            exhausted: codes(node, "exhaustion_status_codes"),
        })
    }

    fn left(&self, body: &Json) -> Result<Left> {
        let at = |path: &[String]| path.iter().try_fold(body, |value, step| value.get(step));
        let number = |path: &[String]| {
            at(path).and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()))
        };
        let (remaining, until) = (number(&self.remaining), at(&self.reset).and_then(moment));
        let (Some(remaining), Some(until)) = (remaining, until) else {
            return Err(Error::new(ErrorKind::CorruptInput, "The API does not say what a token has left.")
                .with("quota", &self.name)
                .fix(
                    "The connector's manifest may be out of date: it looks in another place of the answer.",
                ));
        };
        let limit = if self.limit.is_empty() { Some(remaining) } else { number(&self.limit) };
        Ok(Left { remaining, limit: limit.unwrap_or(remaining), until, is_counted: true })
    }
}

/// What makes two components alike; others are the parameters of their streams, which every component is given.
const KEYS: [&str; 27] = [
    "tokens",
    "token_delimiter",
    "auth_method",
    "header",
    "quota_status_source",
    "url",
    "http_method",
    "request_headers",
    "unavailable_status_codes",
    "quotas",
    "name",
    "remaining_path",
    "reset_path",
    "limit_path",
    "matchers",
    "method",
    "url_base",
    "url_path_pattern",
    "params",
    "headers",
    "remaining_header",
    "reset_header",
    "limit_header",
    "exhaustion_status_codes",
    "max_wait_time",
    "budget_reserve_fraction",
    "budget_min_reserve",
];

/// A component without fields of other names than these.
fn own(component: &Json, names: &[&str]) -> Json {
    match component {
        Json::Object(fields) => {
            let known = fields.iter().filter(|(name, _)| names.contains(&name.as_str()));
            let is_map = |name: &str| matches!(name, "request_headers" | "params" | "headers");
            known
                .map(|(name, value)| {
                    (name.clone(), if is_map(name) { value.clone() } else { own(value, names) })
                })
                .collect()
        }
        Json::Array(items) => items.iter().map(|item| own(item, names)).collect(),
        plain => plain.clone(),
    }
}

fn codes(node: &Node<'_>, field: &str) -> Vec<u16> {
    node.list(field).iter().filter_map(|code| u16::try_from(code.json().as_u64()?).ok()).collect()
}

/// Seconds since 1970, or a time as ISO 8601 writes it.
fn moment(value: &Json) -> Option<Timestamp> {
    let seconds = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    match seconds {
        Some(seconds) => Timestamp::from_second(seconds).ok(),
        None => Moment::parse_any(value.as_str()?).map(|moment| moment.at),
    }
}
