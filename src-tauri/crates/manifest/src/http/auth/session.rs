//! A token that a login gives (`SessionTokenAuthenticator`).

use jiff::SignedDuration;
use syncline_protocol::{Error, ErrorKind, Result};

use super::tokens::{Held, key};
use crate::Json;
use crate::context::{Compatibility, Output, Run};
use crate::document::Node;
use crate::expression::datetime::Duration;
use crate::expression::{python_str, truthy};
use crate::http::request::requester::Requester;
use crate::http::{Asked, Decoder};

/// Logs in.
pub(crate) struct Session {
    key: String,
    requester: Requester,
    decoder: Decoder,
    path: Vec<String>,
    expires: Option<Duration>,
}

impl Session {
    pub(crate) fn new(node: &Node<'_>) -> Result<Session> {
        let expires = node.text("expiration_duration")?.filter(|text| !text.is_empty());
        Ok(Session {
            key: key(node),
            requester: Requester::new(&node.require("login_requester")?)?,
            decoder: node.field("decoder").map_or_else(|| Ok(Decoder::json()), |node| Decoder::new(&node))?,
            path: node.list("session_token_path").iter().map(|part| python_str(part.json())).collect(),
            expires: expires.map(Duration::parse).transpose().map_err(|error| node.at(error))?,
        })
    }

    /// The token. Without a duration it is kept until it is refused; the reference logs in for each request then.
    pub(crate) async fn token(&self, run: &Run, output: &dyn Output) -> Result<Json> {
        if self.expires.is_none() && run.compatibility == Compatibility::Exact {
            return self.log_in(run, output).await;
        }
        let cell = run.client.tokens.cell(&self.key);
        let mut held = cell.lock().await;
        if let Some(held) = held.as_ref().filter(|held| held.is_good((run.clock)())) {
            return Ok(held.token.clone());
        }
        let token = self.log_in(run, output).await?;
        let obtained = (run.clock)();
        let ends = self.expires.and_then(|expires| {
            let time = SignedDuration::from_micros(expires.microseconds)
                + SignedDuration::from_hours(expires.months * 720);
            obtained.checked_add(time).ok()
        });
        *held = Some(Held { token: token.clone(), obtained, ends });
        Ok(token)
    }

    pub(crate) async fn forget(&self, run: &Run) {
        *run.client.tokens.cell(&self.key).lock().await = None;
    }

    pub(crate) async fn holds_old_token(&self, run: &Run) -> bool {
        let cell = run.client.tokens.cell(&self.key);
        let held = cell.lock().await;
        held.as_ref().is_some_and(|held| held.is_old((run.clock)()))
    }

    async fn log_in(&self, run: &Run, output: &dyn Output) -> Result<Json> {
        let asked = Asked { stream: "login", ..Asked::default() };
        let response = Box::pin(self.requester.send(run, asked, output)).await?;
        let decoded = self.decoder.decode(run, response, true).await?;
        let token = super::at(&decoded.response, &self.path).filter(|token| truthy(token));
        let token = token.cloned().ok_or_else(|| {
            Error::new(
                ErrorKind::Authentication,
                format!("The answer to the login has no token at `{}`.", self.path.join(".")),
            )
        })?;
        run.client.secrets.hide(&python_str(&token));
        Ok(token)
    }
}
