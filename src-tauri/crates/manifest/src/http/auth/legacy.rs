//! The old form of a session token (`LegacySessionTokenAuthenticator`).

use bytes::Bytes;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use syncline_protocol::{Error, ErrorKind, Result};

use super::tokens::{Held, key};
use crate::context::{Output, Run};
use crate::document::Node;
use crate::expression::{Scope, Text, json_dumps, python_str};
use crate::http::client::{Answer, Request};
use crate::http::request::{address, requester};
use crate::{Json, Map};

/// A token from the configuration while it is valid, otherwise one from a login.
pub(crate) struct Legacy {
    key: String,
    base: Option<Text>,
    header: Text,
    token: Option<Text>,
    user: Option<Text>,
    password: Option<Text>,
    login: Text,
    validate: Text,
    answer_key: Text,
}

impl Legacy {
    pub(crate) fn new(node: &Node<'_>, requester: &Node<'_>) -> Result<Legacy> {
        let needed =
            |field: &str| Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")));
        let base = match Text::of(requester, "url")? {
            Some(url) => Some(url),
            None => Text::of(requester, "url_base")?,
        };
        Ok(Legacy {
            key: key(node),
            base,
            header: needed("header")?,
            token: Text::of(node, "session_token")?,
            user: Text::of(node, "username")?,
            password: Text::of(node, "password")?,
            login: needed("login_url")?,
            validate: needed("validate_session_url")?,
            answer_key: needed("session_token_response_key")?,
        })
    }

    /// The name of the header and the token.
    pub(crate) async fn token(&self, run: &Run, output: &dyn Output) -> Result<(String, String)> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let header = self.header.eval_text(&scope)?;
        let cell = run.client.tokens.cell(&self.key);
        let mut held = cell.lock().await;
        if let Some(held) = held.as_ref() {
            return Ok((header, python_str(&held.token)));
        }
        let text =
            |text: &Option<Text>| text.as_ref().map_or(Ok(String::new()), |text| text.eval_text(&scope));
        let (own, user, password) = (text(&self.token)?, text(&self.user)?, text(&self.password)?);
        let base = text(&self.base)?;
        let token = if !own.is_empty() && self.is_valid(run, &base, &header, &own, &scope, output).await? {
            own
        } else if !user.is_empty() && !password.is_empty() {
            self.log_in(run, &base, &user, &password, &scope, output).await?
        } else {
            return Err(Error::new(
                ErrorKind::Authentication,
                "The session token is no longer valid, and there are no user name and password to get another one.",
            ));
        };
        run.client.secrets.hide(&token);
        *held = Some(Held { token: Json::String(token.clone()), obtained: (run.clock)(), ends: None });
        Ok((header, token))
    }

    pub(crate) async fn forget(&self, run: &Run) {
        *run.client.tokens.cell(&self.key).lock().await = None;
    }

    pub(crate) async fn holds_old_token(&self, run: &Run) -> bool {
        let cell = run.client.tokens.cell(&self.key);
        let held = cell.lock().await;
        held.as_ref().is_some_and(|held| held.is_old((run.clock)()))
    }

    async fn is_valid(
        &self,
        run: &Run,
        base: &str,
        header: &str,
        token: &str,
        scope: &Scope<'_>,
        output: &dyn Output,
    ) -> Result<bool> {
        let (name, value) = requester::header(header, token)?;
        let headers = HeaderMap::from_iter([(name, value)]);
        let address = format!("{base}{}", self.validate.eval_text(scope)?);
        let answer = send(run, Method::GET, &address, headers, None, output).await?;
        match answer.status {
            401 => Ok(false),
            200..=399 => Ok(true),
            status => Err(refused(status)),
        }
    }

    async fn log_in(
        &self,
        run: &Run,
        base: &str,
        user: &str,
        password: &str,
        scope: &Scope<'_>,
        output: &dyn Output,
    ) -> Result<String> {
        let body = json_dumps(&serde_json::json!({"username": user, "password": password}));
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let address = format!("{base}{}", self.login.eval_text(scope)?);
        let answer = send(run, Method::POST, &address, headers, Some(body.into()), output).await?;
        if answer.status >= 400 {
            return Err(refused(answer.status));
        }
        let body = answer.body.bytes(run.client.limits.body_bytes).await?;
        let body: Json = serde_json::from_slice(&body).unwrap_or_default();
        let key = self.answer_key.eval_text(scope)?;
        body.get(&key).map(python_str).ok_or_else(|| {
            Error::new(ErrorKind::Authentication, format!("The answer to the login has no field `{key}`."))
        })
    }
}

async fn send(
    run: &Run,
    method: Method,
    address: &str,
    headers: HeaderMap,
    body: Option<Bytes>,
    output: &dyn Output,
) -> Result<Answer> {
    let url = address::prepare(address, &Map::new())?;
    let request = Request { method, url, headers, body, connect: None, read: None, base: None, keep: false };
    run.client.send(request, run, output).await
}

fn refused(status: u16) -> Error {
    Error::new(ErrorKind::Authentication, format!("The login was refused (status {status})."))
}
