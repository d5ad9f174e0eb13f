//! Tokens that a sign-in request gives (`SessionTokenAuthenticator`).

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::time::Instant;

use crate::Json;
use crate::context::{Compatibility, Output, Run};
use crate::document::Node;
use crate::expression::datetime::Duration as IsoDuration;
use crate::expression::{Scope, Text, json_dumps, python_str};
use crate::http::client::{Prepared, header};
use crate::http::errors::named;
use crate::http::{Asked, Decoder, Options, RequestOption, Requester, encode};

pub(in crate::http) struct Session {
    path: String,
    login: Requester,
    decoder: Decoder,
    token_path: Vec<Text>,
    lasts: Option<Duration>,
    way: Way,
}

/// How the token is shown.
enum Way {
    Bearer,
    Place { place: RequestOption, token: Option<Text> },
}

impl Session {
    pub(in crate::http) fn new(node: &Node<'_>) -> Result<Session> {
        let way = node.require("request_authentication")?;
        let steps = node.list("session_token_path");
        let step = |step: &Node<'_>| {
            Text::new(&python_str(step.json()), node.parameters()).map_err(|error| step.at(error))
        };
        let lasts = node.text("expiration_duration")?;
        let lasts =
            lasts.map(|lasts| IsoDuration::parse(lasts).map_err(|error| node.at(error))).transpose()?;
        Ok(Session {
            path: node.path().to_owned(),
            login: Requester::new(&node.require("login_requester")?)?,
            decoder: match node.field("decoder") {
                Some(decoder) => Decoder::new(&decoder)?,
                None => Decoder::json(),
            },
            token_path: steps.iter().map(step).collect::<Result<_>>()?,
            lasts: lasts.map(|lasts| Duration::from_micros(u64::try_from(lasts.microseconds).unwrap_or(0))),
            way: match way.kind() {
                "Bearer" => Way::Bearer,
                "ApiKey" => Way::Place {
                    place: RequestOption::new(&way.require("inject_into")?)?,
                    token: Text::of(&way, "api_token")?,
                },
                _ => return Err(way.unsupported(named(&way, "authentication of requests"))),
            },
        })
    }

    pub(in crate::http) async fn apply(
        &self,
        run: &Run,
        options: &mut Options,
        refused: Option<Instant>,
        output: &dyn Output,
    ) -> Result<()> {
        let token = self.token(run, refused, output).await?;
        match &self.way {
            Way::Bearer => {
                options.headers.insert("Authorization".to_owned(), Json::String(format!("Bearer {token}")));
                Ok(())
            }
            Way::Place { place, token: template } => {
                let token = match template {
                    Some(template) => {
                        let config = run.config();
                        let session = Json::String(token);
                        template.eval_text(&Scope::new(&config, run.clock).with("session_token", &session))?
                    }
                    None => token,
                };
                place.put(run, Json::String(token), options)
            }
        }
    }

    async fn token(&self, run: &Run, refused: Option<Instant>, output: &dyn Output) -> Result<String> {
        let slot = run.client.tokens.slot(&self.path);
        let mut slot = slot.lock().await;
        // Without a duration the reference signs in for each request. A token that is good until it is refused serves
        // as well, and spares the server.
        let each_time = self.lasts.is_none() && run.compatibility == Compatibility::Exact;
        if let Some(token) = slot.good(refused).filter(|_| !each_time) {
            return Ok(token);
        }
        let response = self.login.send(run, Asked { stream: "sign-in", ..Asked::default() }, output).await?;
        let decoded = self.decoder.decode(run, response, true).await?;
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let mut found = Some(&decoded.response);
        for step in &self.token_path {
            let step = step.eval_text(&scope)?;
            found = found.and_then(|value| match value {
                Json::Array(items) => items.get(step.parse::<usize>().ok()?),
                other => other.get(&step),
            });
        }
        let Some(token) = found.filter(|token| !token.is_null()).map(python_str) else {
            return Err(Error::new(ErrorKind::Authentication, "The sign-in gave no session token.")
                .fix("Check user and password in the settings of the source."));
        };
        slot.keep(&token, self.lasts.map(|lasts| Instant::now() + lasts));
        Ok(token)
    }
}

/// The older form: a POST with user and password, and the token under a name.
pub(in crate::http) struct Legacy {
    path: String,
    header: Text,
    api_url: Text,
    login_url: Text,
    user: Option<Text>,
    password: Option<Text>,
    session_token: Option<Text>,
    response_key: Text,
    validate_url: Option<Text>,
}

impl Legacy {
    pub(in crate::http) fn new(node: &Node<'_>) -> Result<Legacy> {
        let need =
            |field: &str| Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")));
        let shared =
            ["api_url", "login_url", "username", "session_token"].map(|field| node.json()[field].to_string());
        Ok(Legacy {
            // Streams that sign in alike share a session; it is asked once whether it is still good.
            path: shared.concat(),
            header: need("header")?,
            api_url: Text::of(node, "api_url")?.map_or_else(|| Text::new("", node.parameters()), Ok)?,
            login_url: need("login_url")?,
            user: Text::of(node, "username")?,
            password: Text::of(node, "password")?,
            session_token: Text::of(node, "session_token")?,
            response_key: need("session_token_response_key")?,
            validate_url: Text::of(node, "validate_session_url")?,
        })
    }

    /// Signs in at the address of the requester that it belongs to: `login_url` is only what follows there.
    pub(in crate::http) fn sign_in_at(&mut self, requester: &Node<'_>) -> Result<()> {
        for field in ["url", "url_base"] {
            if let Some(base) = Text::of(requester, field)? {
                self.path.push_str(&requester.json()[field].to_string());
                self.api_url = base;
                break;
            }
        }
        Ok(())
    }

    /// Whether the server still knows a token.
    async fn is_valid(&self, run: &Run, scope: &Scope<'_>, name: &str, token: &str) -> Result<bool> {
        let Some(validate) = &self.validate_url else { return Ok(true) };
        let url = format!("{}{}", self.api_url.eval_text(scope)?, validate.eval_text(scope)?);
        let mut headers = HeaderMap::new();
        let (name, value) = header(name, token)?;
        headers.insert(name, value);
        let request = Prepared { headers, ..Prepared::get(encode::join(&url, "")?) };
        let answer = run.client.send(&request).await?;
        match answer.status {
            200..=299 => Ok(true),
            401 => Ok(false),
            status => Err(Error::new(
                ErrorKind::Authentication,
                format!("The server did not say whether the session is still good ({status})."),
            )),
        }
    }

    pub(in crate::http) async fn apply(
        &self,
        run: &Run,
        options: &mut Options,
        refused: Option<Instant>,
    ) -> Result<()> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let text = |text: &Option<Text>| text.as_ref().map(|text| text.eval_text(&scope)).transpose();
        let name = self.header.eval_text(&scope)?;
        let slot = run.client.tokens.slot(&self.path);
        let mut slot = slot.lock().await;
        let given = text(&self.session_token)?.filter(|token| !token.is_empty() && refused.is_none());
        let known = match (slot.good(refused), given) {
            (Some(token), _) => Some(token),
            (None, Some(given)) if self.is_valid(run, &scope, &name, &given).await? => Some(given),
            _ => None,
        };
        let token = match known {
            Some(token) => token,
            None => {
                let url = format!("{}{}", self.api_url.eval_text(&scope)?, self.login_url.eval_text(&scope)?);
                let key = self.response_key.eval_text(&scope)?;
                let body =
                    serde_json::json!({"username": text(&self.user)?, "password": text(&self.password)?});
                let mut headers = HeaderMap::new();
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                let body = Some(Bytes::from(json_dumps(&body)));
                let request = Prepared::post(encode::join(&url, "")?, headers, body);
                let answer = run.client.send(&request).await?;
                let status = answer.status;
                let body = answer.body.whole().await?;
                let found = serde_json::from_slice::<Json>(&body)
                    .ok()
                    .and_then(|body| body.get(&key).map(python_str));
                found.filter(|_| (200..300).contains(&status)).ok_or_else(|| {
                    Error::new(ErrorKind::Authentication, format!("The sign-in was refused with {status}."))
                        .fix("Check user and password in the settings of the source.")
                })?
            }
        };
        slot.keep(&token, Some(Instant::now() + Duration::from_secs(86_400)));
        options.headers.insert(name, Json::String(token));
        Ok(())
    }
}
