//! Tokens that change with each renewal and are written back to the configuration (`refresh_token_updater`).

use jiff::Timestamp;
use syncline_protocol::Result;

use super::answer;
use crate::context::Run;
use crate::document::Node;
use crate::expression::python_str;
use crate::http::auth::at;
use crate::{Json, Map};

/// Where the tokens stand in the configuration.
pub(super) struct Updater {
    /// The name of the refresh token in request and answer.
    pub(super) name: String,
    access: Vec<String>,
    refresh: Vec<String>,
    expiry: Vec<String>,
}

impl Updater {
    pub(super) fn new(node: &Node<'_>) -> Result<Updater> {
        let path = |field: &str, usual: &str| match node.field(field) {
            Some(path) => path.items().iter().map(|part| python_str(part.json())).collect(),
            None => vec!["credentials".to_owned(), usual.to_owned()],
        };
        Ok(Updater {
            name: node.text("refresh_token_name")?.unwrap_or("refresh_token").to_owned(),
            access: path("access_token_config_path", "access_token"),
            refresh: path("refresh_token_config_path", "refresh_token"),
            expiry: path("token_expiry_date_config_path", "token_expiry_date"),
        })
    }

    /// The access token and when it ends, if both are there.
    pub(super) fn token(&self, config: &Json) -> Option<(String, Timestamp)> {
        let token = at(config, &self.access).map(python_str).filter(|token| !token.is_empty())?;
        let ends = at(config, &self.expiry).map(python_str)?;
        Some((token, answer::moment(&ends, None)?))
    }

    pub(super) fn refresh_token(&self, config: &Json) -> Json {
        at(config, &self.refresh).cloned().unwrap_or_else(|| Json::from(""))
    }

    /// Writes new tokens to the configuration and announces it, before they are used: an old refresh token is worth
    /// nothing any more.
    pub(super) fn save(
        &self,
        run: &Run,
        access: &Json,
        refresh: Option<&Json>,
        ends: Timestamp,
    ) -> Result<()> {
        let mut config = Json::clone(&run.config());
        put(&mut config, &self.access, access.clone());
        if let Some(refresh) = refresh {
            put(&mut config, &self.refresh, refresh.clone());
        }
        put(&mut config, &self.expiry, Json::String(ends.to_string()));
        run.set_config(config)
    }
}

fn put(config: &mut Json, path: &[String], value: Json) {
    let Some((name, rest)) = path.split_first() else {
        *config = value;
        return;
    };
    if let Json::Array(items) = config {
        if let Some(item) = name.parse::<usize>().ok().and_then(|index| items.get_mut(index)) {
            put(item, rest, value);
        }
        return;
    }
    if !config.is_object() {
        *config = Json::Object(Map::new());
    }
    if let Json::Object(fields) = config {
        put(fields.entry(name.clone()).or_insert(Json::Null), rest, value);
    }
}
