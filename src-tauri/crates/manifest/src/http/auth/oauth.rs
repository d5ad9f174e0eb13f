//! OAuth 2: tokens that run out and are asked for anew (`OAuthAuthenticator`).

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use secrecy::SecretString;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::time::Instant;

use super::Authenticator;
use crate::context::Run;
use crate::document::Node;
use crate::expression::datetime::Moment;
use crate::expression::{Accept, Mapping, Scope, Text, python_str, truthy};
use crate::http::client::{Prepared, header};
use crate::http::errors::{Seen, without_secrets};
use crate::http::{Options, encode};
use crate::{Json, Map};

/// How often, and for how long at most, a token server that is overloaded is asked.
const TRIES: u32 = 6;

pub(in crate::http) struct OAuth {
    path: String,
    endpoint: Option<Text>,
    client_id: Option<Text>,
    client_id_name: Text,
    client_secret: Option<Text>,
    client_secret_name: Text,
    refresh_token: Option<Text>,
    refresh_token_name: Text,
    grant_type: Text,
    grant_type_name: Text,
    access_token_name: Text,
    access_token_value: Option<Text>,
    expires_in_name: Text,
    expiry_date: Option<Text>,
    expiry_format: Option<String>,
    scopes: Vec<Json>,
    body: Option<Mapping>,
    headers: Option<Mapping>,
    in_query: bool,
    updater: Option<Updater>,
    assertion: Option<Box<Authenticator>>,
}

/// Where renewed tokens go in the configuration.
struct Updater {
    refresh_token_name: String,
    access: Vec<String>,
    refresh: Vec<String>,
    expiry: Vec<String>,
}

impl OAuth {
    pub(in crate::http) fn new(node: &Node<'_>) -> Result<OAuth> {
        let named = |field: &str, otherwise: &str| -> Result<Text> {
            Text::of(node, field)?.map_or_else(|| Text::new(otherwise, node.parameters()), Ok)
        };
        let updater = node.field("refresh_token_updater").map(|updater| {
            let path = |field: &str, otherwise: &[&str]| -> Vec<String> {
                let found = updater.list(field);
                let found: Vec<String> =
                    found.iter().filter_map(|step| step.json().as_str().map(str::to_owned)).collect();
                if found.is_empty() {
                    otherwise.iter().map(|step| (*step).to_owned()).collect()
                } else {
                    found
                }
            };
            Ok::<_, Error>(Updater {
                refresh_token_name: updater.text("refresh_token_name")?.unwrap_or("refresh_token").to_owned(),
                access: path("access_token_config_path", &["credentials", "access_token"]),
                refresh: path("refresh_token_config_path", &["credentials", "refresh_token"]),
                expiry: path("token_expiry_date_config_path", &["credentials", "token_expiry_date"]),
            })
        });
        let assertion = match node.boolean("use_profile_assertion")? {
            Some(true) => Some(Box::new(Authenticator::new(node.field("profile_assertion"))?)),
            _ => None,
        };
        let updater = updater.transpose()?;
        Ok(OAuth {
            // Whoever uses the same refresh token must not use it at the same time, when it is worth nothing afterwards.
            path: updater
                .as_ref()
                .map_or_else(|| node.path().to_owned(), |updater| updater.refresh.join(".")),
            endpoint: Text::of(node, "token_refresh_endpoint")?,
            client_id: Text::of(node, "client_id")?,
            client_id_name: named("client_id_name", "client_id")?,
            client_secret: Text::of(node, "client_secret")?,
            client_secret_name: named("client_secret_name", "client_secret")?,
            refresh_token: Text::of(node, "refresh_token")?,
            refresh_token_name: named("refresh_token_name", "refresh_token")?,
            grant_type: named("grant_type", "refresh_token")?,
            grant_type_name: named("grant_type_name", "grant_type")?,
            access_token_name: named("access_token_name", "access_token")?,
            access_token_value: Text::of(node, "access_token_value")?,
            expires_in_name: named("expires_in_name", "expires_in")?,
            expiry_date: Text::of(node, "token_expiry_date")?,
            expiry_format: node.text("token_expiry_date_format")?.map(str::to_owned),
            scopes: node.list("scopes").iter().map(|scope| scope.json().clone()).collect(),
            body: Mapping::of(node, "refresh_request_body")?,
            headers: Mapping::of(node, "refresh_request_headers")?,
            in_query: node.boolean("send_refresh_request_as_query_params")?.unwrap_or(false),
            updater,
            assertion,
        })
    }

    /// The access token; a new one when there is none, it has run out, or it was refused.
    pub(in crate::http) async fn token(&self, run: &Run, refused: Option<Instant>) -> Result<String> {
        let slot = run.client.tokens.slot(&self.path);
        // One asks; the others wait for the answer.
        let mut slot = slot.lock().await;
        if let Some(token) = slot.good(refused) {
            return Ok(token);
        }
        if slot.token.is_none()
            && refused.is_none()
            && let Some((token, until)) = self.configured(run)?
        {
            slot.keep(&token, until);
            slot.asked = None;
            return Ok(token);
        }
        if let Some(updater) = &self.updater {
            run.configuration.catch_up(vec![updater.refresh.clone()]).await?;
        }
        let answer = self.ask(run).await?;
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let name = self.access_token_name.eval_text(&scope)?;
        let Some(token) = find(&answer, &name, 0).map(python_str) else {
            return Err(Error::new(ErrorKind::Authentication, "The sign-in server gave no access token.")
                .fix("Sign in again, or check the client's id and secret in the settings of the source."));
        };
        let until = self.until(run, &scope, &answer)?;
        slot.keep(&token, Some(until));
        self.update(run, &answer, &token, until).await;
        Ok(token)
    }

    /// A token that the configuration already has.
    fn configured(&self, run: &Run) -> Result<Option<(String, Option<Instant>)>> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        if let Some(updater) = &self.updater {
            let text = |path: &[String]| -> Option<String> {
                let value = path.iter().try_fold(&*config, |value, step| value.get(step))?;
                Some(python_str(value)).filter(|text| !text.is_empty())
            };
            let (Some(token), Some(expiry)) = (text(&updater.access), text(&updater.expiry)) else {
                return Ok(None);
            };
            let left =
                Moment::parse_any(&expiry).map(|moment| moment.at.as_second() - (run.clock)().as_second());
            let left = left.and_then(|left| u64::try_from(left).ok()).filter(|left| *left > 0);
            return Ok(left.map(|left| (token, Some(Instant::now() + Duration::from_secs(left)))));
        }
        let Some(value) = &self.access_token_value else { return Ok(None) };
        let token = value.eval_text(&scope)?;
        if token.is_empty() {
            return Ok(None);
        }
        if self.endpoint.is_none() {
            return Ok(Some((token, None)));
        }
        let expiry = self.expiry_date.as_ref().map(|date| date.eval_text(&scope)).transpose()?;
        let left = expiry
            .and_then(|expiry| Moment::parse_any(&expiry))
            .and_then(|moment| u64::try_from(moment.at.as_second() - (run.clock)().as_second()).ok());
        Ok(left
            .filter(|left| *left > 0)
            .map(|left| (token, Some(Instant::now() + Duration::from_secs(left)))))
    }

    async fn request(&self, run: &Run) -> Result<Prepared> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let endpoint = match &self.endpoint {
            Some(endpoint) => endpoint.eval_text(&scope)?,
            None => {
                return Err(Error::new(
                    ErrorKind::Authentication,
                    "The access token was refused, and there is no way to renew it.",
                ));
            }
        };
        let value = |text: &Option<Text>| text.as_ref().map(|text| text.eval(&scope)).transpose();
        let own_headers = match &self.headers {
            Some(headers) => headers.eval(&scope, Accept::Any)?,
            None => Map::new(),
        };
        let mut fields = Map::new();
        let mut put = |name: &Text, value: Option<Json>| -> Result<()> {
            if let Some(value) = value.filter(truthy) {
                fields.insert(name.eval_text(&scope)?, value);
            }
            Ok(())
        };
        put(&self.grant_type_name, Some(self.grant_type.eval(&scope)?))?;
        if !own_headers.contains_key("Authorization") {
            put(&self.client_id_name, value(&self.client_id)?)?;
            put(&self.client_secret_name, value(&self.client_secret)?)?;
        }
        put(&self.refresh_token_name, value(&self.refresh_token)?)?;
        if !self.scopes.is_empty() {
            fields.insert("scopes".to_owned(), Json::Array(self.scopes.clone()));
        }
        if let Some(assertion) = &self.assertion {
            let mut options = Options::default();
            assertion.apply(run, &mut options, None, &Quiet).await?;
            let token = options.headers.shift_remove("Authorization").unwrap_or_default();
            fields = Map::from_iter([
                (self.grant_type_name.eval_text(&scope)?, self.grant_type.eval(&scope)?),
                ("assertion".to_owned(), token),
            ]);
        }
        if let Some(body) = &self.body {
            for (name, value) in body.eval(&scope, Accept::Any)? {
                fields.entry(name).or_insert(value);
            }
        }
        let mut headers = HeaderMap::new();
        for (name, value) in &own_headers {
            let (name, value) = header(name, &python_str(value))?;
            headers.insert(name, value);
        }
        let mut url = encode::join(&endpoint, "")?;
        if self.in_query {
            encode::with_query(&mut url, &fields);
            return Ok(Prepared::post(url, headers, None));
        }
        let json = own_headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type")
                && value.as_str().is_some_and(|kind| kind.contains("json"))
        });
        let body = if json {
            crate::expression::json_dumps(&Json::Object(fields))
        } else {
            encode::form_body(&fields)
        };
        if !headers.contains_key(CONTENT_TYPE) {
            headers.insert(
                CONTENT_TYPE,
                reqwest::header::HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
        }
        Ok(Prepared::post(url, headers, Some(Bytes::from(body))))
    }

    async fn ask(&self, run: &Run) -> Result<Json> {
        let request = self.request(run).await?;
        for attempt in 1.. {
            let answer = run.client.send(&request).await;
            let again = match &answer {
                Ok(answer) => answer.status == 429 || answer.status >= 500,
                Err(error) => matches!(error.kind(), ErrorKind::ConnectionLost | ErrorKind::Timeout),
            };
            if again && attempt < TRIES {
                tokio::time::sleep(run.wait(Duration::from_secs(1 << attempt.min(6)))).await;
                continue;
            }
            let answer = answer?;
            let (status, url) = (answer.status, answer.url.clone());
            let body = answer.body.whole().await?;
            if (200..300).contains(&status) {
                return serde_json::from_slice(&body).map_err(|error| {
                    Error::new(
                        ErrorKind::CorruptInput,
                        "The sign-in server answered with something that is no JSON.",
                    )
                    .caused_by(error)
                });
            }
            let seen = Seen::new(status, &body, Json::Null, &url);
            let said = seen
                .message()
                .map(|message| format!(": {}", without_secrets(run, &message)))
                .unwrap_or_default();
            let kind = if status >= 500 { ErrorKind::ConnectionLost } else { ErrorKind::Authentication };
            return Err(Error::new(kind, format!("The sign-in server refused with {status}{said}."))
                .fix("Sign in again, or check the client's id and secret in the settings of the source."));
        }
        Err(Error::internal("A token was asked for without end."))
    }

    fn until(&self, run: &Run, scope: &Scope<'_>, answer: &Json) -> Result<Instant> {
        let name = self.expires_in_name.eval_text(scope)?;
        let found = find(answer, &name, 0);
        let seconds = match (found, &self.expiry_format) {
            (Some(value), Some(format)) => Moment::parse(&python_str(value), format)
                .map(|moment| moment.at.as_second() - (run.clock)().as_second()),
            (Some(value), None) => {
                value.as_f64().or_else(|| value.as_str()?.parse().ok()).map(|seconds| seconds as i64)
            }
            (None, _) => None,
        };
        let seconds = u64::try_from(seconds.unwrap_or(3600)).unwrap_or(0);
        Ok(Instant::now() + Duration::from_secs(seconds))
    }

    /// Tokens that rotate: the new ones go into the configuration, and to whoever keeps it.
    async fn update(&self, run: &Run, answer: &Json, token: &str, until: Instant) {
        let Some(updater) = &self.updater else { return };
        let left = until.saturating_duration_since(Instant::now());
        let expiry = (run.clock)().saturating_add(jiff::SignedDuration::try_from(left).unwrap_or_default());
        let expiry = expiry.map(|at| Moment::utc(at).iso('T')).unwrap_or_default();
        let old = run.config();
        let old = updater.refresh.iter().try_fold(&*old, |value, step| value.get(step)).map(python_str);
        let refresh = find(answer, &updater.refresh_token_name, 0).map(python_str);
        let refresh = refresh.filter(|refresh| Some(refresh) != old.as_ref());
        // The refresh token first: without it nobody gets in any more.
        let renewed =
            refresh.map(|refresh| (updater.refresh.clone(), SecretString::from(refresh))).into_iter();
        let renewed = renewed.chain([
            (updater.access.clone(), SecretString::from(token)),
            (updater.expiry.clone(), SecretString::from(expiry)),
        ]);
        let setting = updater.refresh.join(".");
        match run.configuration.renew(renewed.collect()).await {
            Ok(forgotten) if forgotten.contains(&updater.refresh) => tracing::warn!(
                setting,
                "the API has replaced the refresh token, and the new one cannot be kept: the next run needs a new \
                 sign-in. Keep it in the vault (`syncline secret set NAME`, `${{secret:NAME}}` in the source's file)"
            ),
            Ok(_) => {}
            Err(error) => tracing::error!(
                setting,
                %error,
                "the API has replaced the refresh token, and keeping the new one failed: the next run needs a new sign-in"
            ),
        }
    }
}

/// A field by name, at any depth up to five.
pub(in crate::http) fn find<'a>(value: &'a Json, name: &str, depth: usize) -> Option<&'a Json> {
    if depth > 5 {
        return None;
    }
    match value {
        Json::Object(fields) => fields
            .get(name)
            .filter(|value| !value.is_null())
            .or_else(|| fields.values().find_map(|value| find(value, name, depth + 1))),
        Json::Array(items) => items.iter().find_map(|item| find(item, name, depth + 1)),
        _ => None,
    }
}

/// Tells nobody that it waits.
struct Quiet;

#[async_trait::async_trait]
impl crate::context::Output for Quiet {
    async fn records(&self, _records: Vec<Json>) -> Result<()> {
        Ok(())
    }

    async fn state(&self, _state: &Json) -> Result<()> {
        Ok(())
    }
}
