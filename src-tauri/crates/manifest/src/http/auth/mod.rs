//! Who we say we are.

mod jwt;
mod legacy;
mod oauth;
mod session;
mod tokens;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use syncline_protocol::{Error, ErrorKind, Result};

use super::request::option::RequestOption;
use super::{Options, named};
use crate::Json;
use crate::context::{Output, Run};
use crate::document::Node;
use crate::expression::{Scope, Text, python_str};

use jwt::Jwt;
use legacy::Legacy;
use oauth::OAuth;
use session::Session;

pub(crate) use tokens::Tokens;

/// Adds to a request what proves who asks.
pub(crate) enum Authenticator {
    None,
    Token {
        option: RequestOption,
        prefix: &'static str,
        token: Token,
    },
    Basic {
        user: Text,
        password: Option<Text>,
    },
    OAuth(Box<OAuth>),
    Jwt(Box<Jwt>),
    Legacy(Box<Legacy>),
    /// Which one holds stands in the configuration.
    Selective {
        path: Vec<String>,
        choices: Vec<(String, Authenticator)>,
    },
}

/// Where a token comes from.
pub(crate) enum Token {
    Text(Text),
    /// A login gives it; the template says how it is sent.
    Session {
        session: Box<Session>,
        template: Option<Text>,
    },
}

impl Authenticator {
    /// From the `authenticator` of a requester, which may be missing.
    pub(crate) fn new(node: Option<&Node<'_>>, requester: &Node<'_>) -> Result<Authenticator> {
        let Some(node) = node else { return Ok(Authenticator::None) };
        if node.class_name().is_some() {
            return Err(node.unsupported(named(node, "authenticator")));
        }
        let needed =
            |field: &str| Text::of(node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")));
        let or_empty = |field: &str| match Text::of(node, field)? {
            Some(text) => Ok(text),
            None => Text::new("", node.parameters()),
        };
        Ok(match node.kind() {
            "NoAuth" | "" => Authenticator::None,
            "ApiKeyAuthenticator" => {
                let option = match (node.field("inject_into"), Text::of(node, "header")?) {
                    (Some(place), None) => RequestOption::new(&place)?,
                    (None, Some(name)) => RequestOption::header(name),
                    (None, None) => return Err(node.error("`inject_into` is missing")),
                    (Some(_), Some(_)) => {
                        return Err(node.error("there may be only one of `inject_into` and `header`"));
                    }
                };
                Authenticator::Token { option, prefix: "", token: Token::Text(or_empty("api_token")?) }
            }
            "BearerAuthenticator" => bearer(node, Token::Text(or_empty("api_token")?))?,
            "BasicHttpAuthenticator" => {
                Authenticator::Basic { user: needed("username")?, password: Text::of(node, "password")? }
            }
            "OAuthAuthenticator" => Authenticator::OAuth(Box::new(OAuth::new(node)?)),
            "SessionTokenAuthenticator" => session_token(node)?,
            "LegacySessionTokenAuthenticator" => {
                Authenticator::Legacy(Box::new(Legacy::new(node, requester)?))
            }
            "JwtAuthenticator" => Authenticator::Jwt(Box::new(Jwt::new(node)?)),
            "SelectiveAuthenticator" => selective(node, requester)?,
            _ => return Err(node.unsupported(named(node, "authenticator"))),
        })
    }

    /// What it adds to a request.
    pub(crate) async fn options(&self, run: &Run, output: &dyn Output) -> Result<Options> {
        let mut options = Options::default();
        match self {
            Authenticator::None => {}
            Authenticator::Token { option, prefix, token } => {
                let token = token.get(run, output).await?;
                option.put(run, Json::String(format!("{prefix}{token}")), &mut options)?;
            }
            Authenticator::Basic { user, password } => {
                let config = run.config();
                let scope = Scope::new(&config, run.clock);
                let password = password.as_ref().map(|password| password.eval_text(&scope)).transpose()?;
                let pair = format!("{}:{}", user.eval_text(&scope)?, password.unwrap_or_default());
                let encoded = STANDARD.encode(pair);
                run.client.secrets.hide(&encoded);
                authorize(&mut options, format!("Basic {encoded}"));
            }
            Authenticator::OAuth(oauth) => {
                let token = oauth.token(run, output).await?;
                authorize(&mut options, format!("Bearer {token}"));
            }
            Authenticator::Jwt(jwt) => jwt.add(run, &mut options)?,
            Authenticator::Legacy(legacy) => {
                let (header, token) = legacy.token(run, output).await?;
                options.headers.insert(header, Json::String(token));
            }
            Authenticator::Selective { .. } => return Box::pin(self.chosen(run)?.options(run, output)).await,
        }
        Ok(options)
    }

    /// Gets a new token, unless there is another one already than the one that was `given` to a request. Some: whether
    /// that worked. None: there is nothing to renew.
    pub(crate) async fn refresh(
        &self,
        run: &Run,
        given: &Options,
        output: &dyn Output,
    ) -> Result<Option<bool>> {
        match self {
            Authenticator::OAuth(oauth) => {
                let sent = given.headers.get("Authorization").and_then(Json::as_str).unwrap_or_default();
                oauth.refresh(run, sent.trim_start_matches("Bearer "), output).await
            }
            Authenticator::Token { token: Token::Session { session, .. }, .. } => {
                session.forget(run).await;
                Ok(Some(true))
            }
            Authenticator::Legacy(legacy) => {
                legacy.forget(run).await;
                Ok(Some(true))
            }
            Authenticator::Selective { .. } => Box::pin(self.chosen(run)?.refresh(run, given, output)).await,
            _ => Ok(None),
        }
    }

    /// Whether it has a token that was obtained some time ago, so that a refusal may mean that it ended.
    pub(crate) async fn holds_old_token(&self, run: &Run) -> bool {
        match self {
            Authenticator::OAuth(oauth) => oauth.holds_old_token(run).await,
            Authenticator::Token { token: Token::Session { session, .. }, .. } => {
                session.holds_old_token(run).await
            }
            Authenticator::Legacy(legacy) => legacy.holds_old_token(run).await,
            Authenticator::Selective { .. } => match self.chosen(run) {
                Ok(chosen) => Box::pin(chosen.holds_old_token(run)).await,
                Err(_) => false,
            },
            _ => false,
        }
    }

    fn chosen(&self, run: &Run) -> Result<&Authenticator> {
        let Authenticator::Selective { path, choices } = self else { return Ok(self) };
        let config = run.config();
        let place = path.join(".");
        let missing = || {
            Error::new(
                ErrorKind::Config,
                format!("The setting `{place}`, which says how to sign in, is missing."),
            )
            .fix("Choose a way to sign in in the settings of the connection.")
        };
        let value = at(&config, path).ok_or_else(missing)?;
        let name = python_str(value);
        let found = choices.iter().find(|(key, _)| *key == name).map(|(_, chosen)| chosen);
        found.ok_or_else(|| {
            let known: Vec<&str> = choices.iter().map(|(key, _)| key.as_str()).collect();
            Error::new(
                ErrorKind::Config,
                format!("The setting `{place}` names no way to sign in that the connector knows."),
            )
            .fix(format!("Choose one of: {}.", known.join(", ")))
        })
    }
}

impl Token {
    async fn get(&self, run: &Run, output: &dyn Output) -> Result<String> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        match self {
            Token::Text(text) => text.eval_text(&scope),
            Token::Session { session, template } => {
                let token = session.token(run, output).await?;
                match template {
                    None => Ok(python_str(&token)),
                    Some(template) => template.eval_text(&scope.with("session_token", &token)),
                }
            }
        }
    }
}

fn bearer(node: &Node<'_>, token: Token) -> Result<Authenticator> {
    let option = RequestOption::header(Text::new("Authorization", node.parameters())?);
    Ok(Authenticator::Token { option, prefix: "Bearer ", token })
}

fn session_token(node: &Node<'_>) -> Result<Authenticator> {
    let session = Box::new(Session::new(node)?);
    let how = node.require("request_authentication")?;
    if how.kind() == "Bearer" {
        return bearer(node, Token::Session { session, template: None });
    }
    let option = RequestOption::new(&how.require("inject_into")?)?;
    let template = match Text::of(&how, "api_token")? {
        Some(template) => template,
        None => Text::new("{{ session_token }}", node.parameters())?,
    };
    Ok(Authenticator::Token {
        option,
        prefix: "",
        token: Token::Session { session, template: Some(template) },
    })
}

fn selective(node: &Node<'_>, requester: &Node<'_>) -> Result<Authenticator> {
    let path = node.list("authenticator_selection_path").iter().map(|part| python_str(part.json())).collect();
    let authenticators = node.require("authenticators")?;
    let Json::Object(fields) = authenticators.json() else {
        return Err(authenticators.error("`authenticators` must be an object"));
    };
    let mut choices = Vec::new();
    for name in fields.keys() {
        let made = Authenticator::new(authenticators.field(name).as_ref(), requester);
        choices.push((name.clone(), made?));
    }
    Ok(Authenticator::Selective { path, choices })
}

fn authorize(options: &mut Options, value: String) {
    options.headers.insert("Authorization".to_owned(), Json::String(value));
}

/// The value at a path of names and indices.
fn at<'a>(value: &'a Json, path: &[String]) -> Option<&'a Json> {
    path.iter().try_fold(value, |value, name| match value {
        Json::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    })
}
