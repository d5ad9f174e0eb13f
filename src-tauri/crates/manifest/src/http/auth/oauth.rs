//! OAuth 2: access tokens that are renewed (`OAuthAuthenticator`).

mod answer;
mod updater;

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use syncline_protocol::{Error, ErrorKind, Result};

use super::jwt::Jwt;
use super::tokens::{Held, key};
use crate::context::{Output, Run};
use crate::document::Node;
use crate::expression::{Accept, Condition, Mapping, Scope, Text, python_str, truthy};
use crate::http::client::Request;
use crate::http::request::{address, requester};
use crate::http::wait::wait;
use crate::{Json, Map};

use answer::Reply;
use updater::Updater;

/// How long the endpoint of tokens is asked again while it fails.
const PATIENCE: Duration = Duration::from_secs(300);

/// Renews access tokens.
pub(crate) struct OAuth {
    key: String,
    endpoint: Option<Text>,
    client_id: (Text, Option<Text>),
    client_secret: (Text, Option<Text>),
    refresh_token: (Text, Option<Text>),
    grant: (Text, Text),
    scopes: Vec<Json>,
    access_token_name: Text,
    expires_in_name: Text,
    /// A token that is there from the start.
    value: Option<Text>,
    expiry: Option<Text>,
    /// The answer names the moment when the token ends, not how long it is good.
    ends_at_moment: Option<String>,
    body: Option<Mapping>,
    headers: Option<Mapping>,
    in_query: bool,
    assertion: Option<(Condition, Box<Jwt>)>,
    updater: Option<Updater>,
    rejections: Rejections,
}

/// Which answers mean that somebody has to sign in again.
struct Rejections {
    codes: Vec<u16>,
    key: String,
    values: Vec<String>,
}

impl OAuth {
    pub(crate) fn new(node: &Node<'_>) -> Result<OAuth> {
        let named = |field: &str, usual: &str| match node.text(field)? {
            None | Some("") => Text::new(usual, node.parameters()),
            Some(name) => Text::new(name, node.parameters()),
        };
        let updater = node.field("refresh_token_updater").map(|node| Updater::new(&node)).transpose()?;
        let refresh_name = match &updater {
            Some(updater) => Text::new(&updater.name, node.parameters())?,
            None => named("refresh_token_name", "refresh_token")?,
        };
        let assertion = match (Condition::of(node, "use_profile_assertion")?, node.field("profile_assertion"))
        {
            (Some(condition), Some(jwt)) => Some((condition, Box::new(Jwt::new(&jwt)?))),
            _ => None,
        };
        Ok(OAuth {
            key: key(node),
            endpoint: Text::of(node, "token_refresh_endpoint")?,
            client_id: (named("client_id_name", "client_id")?, Text::of(node, "client_id")?),
            client_secret: (named("client_secret_name", "client_secret")?, Text::of(node, "client_secret")?),
            refresh_token: (refresh_name, Text::of(node, "refresh_token")?),
            grant: (named("grant_type_name", "grant_type")?, named("grant_type", "refresh_token")?),
            scopes: node.list("scopes").iter().map(|scope| scope.json().clone()).collect(),
            access_token_name: named("access_token_name", "access_token")?,
            expires_in_name: named("expires_in_name", "expires_in")?,
            value: Text::of(node, "access_token_value")?,
            expiry: Text::of(node, "token_expiry_date")?,
            ends_at_moment: node
                .text("token_expiry_date_format")?
                .filter(|form| !form.is_empty())
                .map(str::to_owned),
            body: Mapping::of(node, "refresh_request_body")?,
            headers: Mapping::of(node, "refresh_request_headers")?,
            in_query: node.boolean("send_refresh_request_as_query_params")? == Some(true),
            assertion,
            updater,
            rejections: Rejections::new(node)?,
        })
    }

    /// The access token, renewed if it ended.
    pub(crate) async fn token(&self, run: &Run, output: &dyn Output) -> Result<String> {
        let cell = run.client.tokens.cell(&self.key);
        let mut held = cell.lock().await;
        if let Some(token) = self.good(run, &held)? {
            return Ok(token);
        }
        let fresh = self.renew(run, output).await?;
        let token = python_str(&fresh.token);
        *held = Some(fresh);
        Ok(token)
    }

    /// Gets another token than the one that was refused. Some: whether that worked.
    pub(crate) async fn refresh(
        &self,
        run: &Run,
        refused: &str,
        output: &dyn Output,
    ) -> Result<Option<bool>> {
        if self.endpoint.is_none() {
            return Ok(None);
        }
        let cell = run.client.tokens.cell(&self.key);
        let mut held = cell.lock().await;
        // Somebody else may have renewed it while this one waited.
        if self.good(run, &held)?.is_some_and(|token| token != refused) {
            return Ok(Some(true));
        }
        match self.renew(run, output).await {
            Ok(fresh) => {
                *held = Some(fresh);
                Ok(Some(true))
            }
            Err(error) if matches!(error.kind(), ErrorKind::Authentication | ErrorKind::Config) => Err(error),
            Err(_) => Ok(Some(false)),
        }
    }

    pub(crate) async fn holds_old_token(&self, run: &Run) -> bool {
        if self.endpoint.is_none() {
            return false;
        }
        let cell = run.client.tokens.cell(&self.key);
        let held = cell.lock().await;
        match (&*held, &self.updater) {
            (Some(held), _) => held.is_old((run.clock)()),
            // What stands in the configuration is from an earlier run.
            (None, updater) => updater.is_some() || self.value.is_some(),
        }
    }

    /// The token that is there, if it is still good.
    fn good(&self, run: &Run, held: &Option<Held>) -> Result<Option<String>> {
        let now = (run.clock)();
        if let Some(held) = held {
            return Ok(held.is_good(now).then(|| python_str(&held.token)));
        }
        let config = run.config();
        if let Some(updater) = &self.updater {
            return Ok(updater.token(&config).filter(|(_, ends)| now <= *ends).map(|(token, _)| token));
        }
        let Some(value) = &self.value else { return Ok(None) };
        let scope = Scope::new(&config, run.clock);
        let token = value.eval_text(&scope)?;
        if self.endpoint.is_none() {
            return Ok(Some(token));
        }
        let ends = self.expiry.as_ref().map(|expiry| expiry.eval_text(&scope)).transpose()?;
        let ends = ends.and_then(|ends| answer::moment(&ends, None));
        Ok(ends.is_some_and(|ends| now <= ends).then_some(token))
    }

    async fn renew(&self, run: &Run, output: &dyn Output) -> Result<Held> {
        let reply = self.ask(run, output).await?;
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let token =
            reply.find(&self.access_token_name.eval_text(&scope)?)?.filter(|token| truthy(token)).cloned();
        let token = token.ok_or_else(|| {
            Error::new(ErrorKind::Authentication, "The sign-in service answered without an access token.")
        })?;
        run.client.secrets.hide(&python_str(&token));
        let obtained = (run.clock)();
        let expires = reply.find(&self.expires_in_name.eval_text(&scope)?)?;
        let ends = answer::ends(expires, self.ends_at_moment.as_deref(), obtained);
        if let Some(updater) = &self.updater {
            let rotated = reply.find(&self.refresh_token.0.eval_text(&scope)?)?.filter(|token| truthy(token));
            if let Some(rotated) = rotated {
                run.client.secrets.hide(&python_str(rotated));
            }
            updater.save(run, &token, rotated, ends)?;
        }
        Ok(Held { token, obtained, ends: Some(ends) })
    }

    /// Asks for a token, again and again while the service has trouble.
    async fn ask(&self, run: &Run, output: &dyn Output) -> Result<Reply> {
        let started = run.client.pause.now();
        let mut time = Duration::from_secs(1);
        loop {
            let error = match self.ask_once(run, output).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let passes = matches!(
                error.kind(),
                ErrorKind::ConnectionLost
                    | ErrorKind::Timeout
                    | ErrorKind::Unreachable
                    | ErrorKind::RateLimited
            );
            let spent = run.client.pause.now().duration_since(started);
            if !passes || spent >= PATIENCE {
                return Err(error);
            }
            wait(run, time.min(PATIENCE - spent), "waiting for a sign-in service", output).await;
            time *= 2;
        }
    }

    async fn ask_once(&self, run: &Run, output: &dyn Output) -> Result<Reply> {
        let request = self.request(run)?;
        let host = request.host();
        let answer = run.client.send(request, run, output).await?;
        let status = answer.status;
        let body = answer.body.bytes(1 << 20).await?;
        let reply = Reply::new(&body);
        match status {
            200..400 => reply.ok_or_else(|| {
                Error::new(ErrorKind::CorruptInput, format!("{host} gave no token but what is no JSON."))
            }),
            429 => {
                Err(Error::new(ErrorKind::RateLimited, format!("{host} gives out no more tokens for now.")))
            }
            500.. => Err(Error::new(
                ErrorKind::ConnectionLost,
                format!("{host} could not give a token (status {status})."),
            )),
            _ => Err(self.refused(run, &host, status, reply)),
        }
    }

    fn refused(&self, run: &Run, host: &str, status: u16, reply: Option<Reply>) -> Error {
        let detail =
            reply.as_ref().and_then(Reply::detail).map(|said| run.client.secrets.mask(&said, &run.config()));
        let detail = detail.map(|said| format!(": {said}")).unwrap_or_default();
        let ended = reply.is_some_and(|reply| self.rejections.mean_end(status, &reply));
        let message = if ended {
            format!("The sign-in has ended: {host} did not accept the refresh token{detail}.")
        } else {
            format!("{host} gave no access token (status {status}){detail}.")
        };
        Error::new(ErrorKind::Authentication, message)
            .fix("Sign in again in the settings of the connection.")
            .fix("Check client ID and client secret.")
    }

    fn request(&self, run: &Run) -> Result<Request> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let mapping = |mapping: &Option<Mapping>| {
            mapping.as_ref().map_or(Ok(Map::new()), |mapping| mapping.eval(&scope, Accept::Any))
        };
        let own_headers = mapping(&self.headers)?;
        let fields =
            self.fields(run, &scope, own_headers.contains_key("Authorization"), mapping(&self.body)?)?;
        let endpoint = self.endpoint.as_ref().map(|text| text.eval_text(&scope)).transpose()?;
        let endpoint = endpoint.filter(|text| !text.is_empty()).ok_or_else(|| {
            Error::new(
                ErrorKind::Config,
                "The connector's manifest names no address where tokens are renewed.",
            )
        })?;
        let mut headers = HeaderMap::new();
        for (name, value) in &own_headers {
            let (name, value) = requester::header(name, &python_str(value))?;
            headers.insert(name, value);
        }
        let none = Map::new();
        let (query, form) = if self.in_query { (&fields, &none) } else { (&none, &fields) };
        let body = address::form(form);
        if !body.is_empty() && !headers.contains_key(CONTENT_TYPE) {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        }
        Ok(Request {
            method: Method::POST,
            url: address::prepare(&endpoint, query)?,
            headers,
            body: (!body.is_empty()).then(|| Bytes::from(body)),
            connect: None,
            read: None,
            base: None,
            keep: false,
        })
    }

    fn fields(&self, run: &Run, scope: &Scope<'_>, credentials_in_header: bool, extra: Map) -> Result<Map> {
        let mut fields = Map::new();
        let mut put = |name: &Text, value: Json| -> Result<()> {
            fields.insert(name.eval_text(scope)?, value);
            Ok(())
        };
        if let Some((condition, jwt)) = &self.assertion
            && condition.holds(scope)?
        {
            put(&self.grant.0, Json::from("urn:ietf:params:oauth:grant-type:jwt-bearer"))?;
            fields.insert("assertion".to_owned(), Json::String(jwt.token(run)?));
            return Ok(fields);
        }
        put(&self.grant.0, self.grant.1.eval(scope)?)?;
        if !credentials_in_header {
            put(&self.client_id.0, self.client_id(scope)?)?;
            let secret = self.credential(&self.client_secret, "client_secret", scope)?;
            put(&self.client_secret.0, secret.unwrap_or_else(|| Json::from("")))?;
        }
        put(&self.refresh_token.0, self.own_refresh_token(scope)?)?;
        if !self.scopes.is_empty() {
            fields.insert("scopes".to_owned(), Json::Array(self.scopes.clone()));
        }
        for (name, value) in extra {
            if !fields.contains_key(&name) {
                fields.insert(name, value);
            }
        }
        Ok(fields)
    }

    fn client_id(&self, scope: &Scope<'_>) -> Result<Json> {
        let id = self.credential(&self.client_id, "client_id", scope)?.filter(truthy);
        id.ok_or_else(|| {
            Error::new(ErrorKind::Config, "The client ID for signing in is missing in the settings.")
        })
    }

    /// With an updater, what stands in the configuration at the usual place comes first.
    fn credential(
        &self,
        place: &(Text, Option<Text>),
        usual: &str,
        scope: &Scope<'_>,
    ) -> Result<Option<Json>> {
        let kept = scope.config.get("credentials").and_then(|credentials| credentials.get(usual));
        match (&self.updater, kept) {
            (Some(_), Some(kept)) => Ok(Some(kept.clone())),
            _ => place.1.as_ref().map(|text| text.eval(scope)).transpose(),
        }
    }

    fn own_refresh_token(&self, scope: &Scope<'_>) -> Result<Json> {
        if let Some(updater) = &self.updater {
            return Ok(updater.refresh_token(scope.config));
        }
        match &self.refresh_token.1 {
            Some(text) => Ok(Json::String(text.eval_text(scope)?)),
            None => Ok(Json::Null),
        }
    }
}

impl Rejections {
    fn new(node: &Node<'_>) -> Result<Rejections> {
        let updater = node.field("refresh_token_updater");
        let on_updater = updater.filter(|node| {
            let names =
                ["refresh_token_error_status_codes", "refresh_token_error_key", "refresh_token_error_values"];
            names.iter().any(|name| node.field(name).is_some_and(|field| truthy(field.json())))
        });
        let place = on_updater.as_ref().unwrap_or(node);
        let codes = place.list("refresh_token_error_status_codes");
        Ok(Rejections {
            codes: codes.iter().filter_map(|code| code.json().as_u64()?.try_into().ok()).collect(),
            key: place.text("refresh_token_error_key")?.unwrap_or_default().to_owned(),
            values: place
                .list("refresh_token_error_values")
                .iter()
                .map(|value| python_str(value.json()))
                .collect(),
        })
    }

    fn mean_end(&self, status: u16, reply: &Reply) -> bool {
        let said = reply.field(&self.key).map(python_str);
        self.codes.contains(&status) && said.is_some_and(|said| self.values.contains(&said))
    }
}

/// When a token ends if nobody says so.
fn usual_end(now: Timestamp) -> Timestamp {
    now.checked_add(jiff::SignedDuration::from_hours(1)).unwrap_or(now)
}
