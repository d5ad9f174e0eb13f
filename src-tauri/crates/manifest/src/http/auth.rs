//! Authenticators: what lets a request in.

mod jwt;
mod oauth;
mod pool;
mod session;

pub(super) use oauth::find;
pub(super) use pool::Pools;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use syncline_protocol::Result;
use tokio::time::Instant;

use super::errors::named;
use super::{Options, RequestOption};
use crate::Json;
use crate::classes::authenticators::{self, Known};
use crate::context::{Output, Run};
use crate::document::Node;
use crate::expression::{Condition, Scope, Text, python_str};

/// An authenticator.
pub(super) enum Authenticator {
    None,
    /// A fixed value in a place.
    Key {
        value: Text,
        place: RequestOption,
    },
    /// The old form: a header by name.
    Header {
        name: Text,
        value: Text,
    },
    Bearer(Text),
    Basic {
        user: Text,
        password: Option<Text>,
    },
    OAuth(Box<oauth::OAuth>),
    Session(Box<session::Session>),
    LegacySession(Box<session::Legacy>),
    /// By what the configuration says at a path.
    Selective {
        path: Vec<String>,
        choices: Vec<(String, Authenticator)>,
    },
    Jwt(Box<jwt::Jwt>),
    /// One of several tokens, chosen when a request is sent.
    Pool(Box<pool::Pool>),
    /// Another one, and headers beside it.
    With(Box<Authenticator>, Vec<(&'static str, &'static str)>),
    /// The first whose condition holds.
    First(Vec<(Condition, Authenticator)>),
}

impl Authenticator {
    pub(super) fn new(node: Option<Node<'_>>) -> Result<Authenticator> {
        let Some(node) = node else { return Ok(Authenticator::None) };
        let need =
            |field: &str| Text::of(&node, field)?.ok_or_else(|| node.error(format!("`{field}` is missing")));
        Ok(match node.kind() {
            "NoAuth" => Authenticator::None,
            "ApiKeyAuthenticator" => match node.field("inject_into") {
                Some(place) => Authenticator::Key {
                    value: Text::of(&node, "api_token")?
                        .map_or_else(|| Text::new("", node.parameters()), Ok)?,
                    place: RequestOption::new(&place)?,
                },
                None => Authenticator::Header {
                    name: need("header")?,
                    value: Text::of(&node, "api_token")?
                        .map_or_else(|| Text::new("", node.parameters()), Ok)?,
                },
            },
            "BearerAuthenticator" => Authenticator::Bearer(need("api_token")?),
            "BasicHttpAuthenticator" => {
                Authenticator::Basic { user: need("username")?, password: Text::of(&node, "password")? }
            }
            "OAuthAuthenticator" => Authenticator::OAuth(Box::new(oauth::OAuth::new(&node)?)),
            "SessionTokenAuthenticator" => Authenticator::Session(Box::new(session::Session::new(&node)?)),
            "LegacySessionTokenAuthenticator" => {
                Authenticator::LegacySession(Box::new(session::Legacy::new(&node)?))
            }
            "JwtAuthenticator" => Authenticator::Jwt(Box::new(jwt::Jwt::new(&node)?)),
            "RateLimitedMultipleTokenAuthenticator" => Authenticator::Pool(Box::new(pool::Pool::new(&node)?)),
            "SelectiveAuthenticator" => {
                let path = node.list("authenticator_selection_path");
                let choices = node.require("authenticators")?;
                let named = choices.json().as_object().into_iter().flatten();
                let choice = |(name, _): (&String, &Json)| {
                    Ok((name.clone(), Authenticator::new(choices.field(name))?))
                };
                Authenticator::Selective {
                    path: path.iter().filter_map(|step| step.json().as_str().map(str::to_owned)).collect(),
                    choices: named
                        .filter(|(_, value)| value.is_object())
                        .map(choice)
                        .collect::<Result<_>>()?,
                }
            }
            _ => match authenticators::known(&node) {
                Some(known) => Authenticator::ported(&node, known)?,
                None => return Err(node.unsupported(named(&node, "authenticator"))),
            },
        })
    }

    /// Of a class that is known here.
    fn ported(node: &Node<'_>, known: Known) -> Result<Authenticator> {
        let made = |value: &Json, part: &str| {
            Authenticator::new(Some(Node::made(node.document(), value, format!("{}/{part}", node.path()))))
        };
        Ok(match known {
            Known::As(value) => made(&value, "")?,
            Known::With(value, headers) => Authenticator::With(Box::new(made(&value, "")?), headers),
            Known::First(choices) => {
                let choice = |(at, (condition, value)): (usize, &(&str, Json))| {
                    Ok((Condition::new(condition, node.parameters())?, made(value, &at.to_string())?))
                };
                Authenticator::First(choices.iter().enumerate().map(choice).collect::<Result<_>>()?)
            }
        })
    }

    /// Adds what lets the request in. `refused`: when a request was made whose token was refused.
    pub(super) fn apply<'a>(
        &'a self,
        run: &'a Run,
        options: &'a mut Options,
        refused: Option<Instant>,
        output: &'a dyn Output,
    ) -> BoxFuture<'a, Result<()>> {
        // A sign-in is a request, too: the future would contain itself.
        self.applied(run, options, refused, output).boxed()
    }

    async fn applied(
        &self,
        run: &Run,
        options: &mut Options,
        refused: Option<Instant>,
        output: &dyn Output,
    ) -> Result<()> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let header = |options: &mut Options, name: &str, value: String| {
            options.headers.insert(name.to_owned(), Json::String(value));
        };
        match self {
            // The tokens of a pool are chosen request by request: see `pool`.
            Authenticator::None | Authenticator::Pool(_) => {}
            Authenticator::Key { value, place } => {
                let value = python_str(&value.eval(&scope)?);
                // An empty header is sent, an empty parameter is not: as the reference does it.
                if !value.is_empty() || place.is_header() {
                    place.put(run, Json::String(value), options)?;
                }
            }
            Authenticator::Header { name, value } => {
                let (name, value) = (name.eval_text(&scope)?, value.eval_text(&scope)?);
                header(options, &name, value);
            }
            Authenticator::Bearer(token) => {
                header(options, "Authorization", format!("Bearer {}", token.eval_text(&scope)?));
            }
            Authenticator::Basic { user, password } => {
                let password = password.as_ref().map(|password| password.eval_text(&scope)).transpose()?;
                let pair = format!("{}:{}", user.eval_text(&scope)?, password.unwrap_or_default());
                header(options, "Authorization", format!("Basic {}", STANDARD.encode(pair)));
            }
            Authenticator::OAuth(oauth) => {
                let token = oauth.token(run, refused).await?;
                header(options, "Authorization", format!("Bearer {token}"));
            }
            Authenticator::Session(session) => session.apply(run, options, refused, output).await?,
            Authenticator::LegacySession(session) => session.apply(run, options, refused).await?,
            Authenticator::Jwt(jwt) => jwt.apply(run, options)?,
            Authenticator::Selective { path, choices } => {
                let Some(choice) = selected(path, choices, &config) else {
                    let names: Vec<&str> = choices.iter().map(|(name, _)| name.as_str()).collect();
                    return Err(syncline_protocol::Error::new(
                        syncline_protocol::ErrorKind::Config,
                        format!("The setting `{}` does not choose a way to sign in.", path.join(".")),
                    )
                    .fix(format!("Use one of: {}.", names.join(", "))));
                };
                choice.apply(run, options, refused, output).await?;
            }
            Authenticator::With(inner, headers) => {
                inner.apply(run, options, refused, output).await?;
                for (name, value) in headers {
                    header(options, name, (*value).to_owned());
                }
            }
            Authenticator::First(choices) => {
                for (condition, choice) in choices {
                    if condition.holds(&scope)? {
                        return choice.apply(run, options, refused, output).await;
                    }
                }
                return Err(syncline_protocol::Error::new(
                    syncline_protocol::ErrorKind::Config,
                    "The settings of the source do not choose a way to sign in.",
                ));
            }
        }
        Ok(())
    }

    /// The tokens of which one is put into each request, if there are several.
    pub(super) fn pool(&self, config: &Json) -> Option<&pool::Pool> {
        match self {
            Authenticator::Pool(pool) => Some(pool),
            Authenticator::With(inner, _) => inner.pool(config),
            Authenticator::Selective { path, choices } => selected(path, choices, config)?.pool(config),
            _ => None,
        }
    }

    /// Whether a token that is refused can be asked for anew.
    pub(super) fn can_renew(&self) -> bool {
        match self {
            Authenticator::OAuth(_) | Authenticator::Session(_) | Authenticator::LegacySession(_) => true,
            Authenticator::Selective { choices, .. } => choices.iter().any(|(_, choice)| choice.can_renew()),
            Authenticator::First(choices) => choices.iter().any(|(_, choice)| choice.can_renew()),
            Authenticator::With(inner, _) => inner.can_renew(),
            _ => false,
        }
    }
}

fn selected<'c>(
    path: &[String],
    choices: &'c [(String, Authenticator)],
    config: &Json,
) -> Option<&'c Authenticator> {
    let chosen = path.iter().try_fold(config, |value, step| value.get(step)).map(python_str)?;
    choices.iter().find(|(name, _)| *name == chosen).map(|(_, choice)| choice)
}

/// The tokens of a run, by the component that asks for them. Who finds none waits for the one who asks.
#[derive(Default)]
pub(super) struct Tokens {
    slots: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Slot>>>>,
}

/// One token.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) token: Option<String>,
    /// None: it does not run out.
    pub(super) until: Option<Instant>,
    /// When it was asked for, so that one refusal does not renew it twice.
    pub(super) asked: Option<Instant>,
}

impl Tokens {
    pub(super) fn slot(&self, name: &str) -> Arc<tokio::sync::Mutex<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(name.to_owned()).or_default())
    }
}

impl Slot {
    /// The token, if it is still good. `refused`: when a request was made whose token was refused. If others have renewed
    /// it since then, it was the old one.
    pub(super) fn good(&self, refused: Option<Instant>) -> Option<String> {
        let is_refused = refused.is_some_and(|refused| self.asked.is_none_or(|asked| asked <= refused));
        if is_refused || self.until.is_some_and(|until| until <= Instant::now()) {
            return None;
        }
        self.token.clone()
    }

    pub(super) fn keep(&mut self, token: &str, until: Option<Instant>) {
        self.token = Some(token.to_owned());
        self.until = until;
        self.asked = Some(Instant::now());
    }
}
