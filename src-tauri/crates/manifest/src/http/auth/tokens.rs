//! Tokens that were obtained during a run. All streams of a connector share them: there is one login at a time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::Json;
use crate::document::Node;

/// A token and how long it is good.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) token: Json,
    pub(crate) obtained: Timestamp,
    /// None: until it is refused.
    pub(crate) ends: Option<Timestamp>,
}

/// The place of one token. Who holds its lock is the one who logs in.
pub(crate) type Cell = Arc<tokio::sync::Mutex<Option<Held>>>;

/// All tokens, by what they are obtained with.
#[derive(Default)]
pub(crate) struct Tokens {
    cells: Mutex<HashMap<String, Cell>>,
}

impl Tokens {
    pub(crate) fn cell(&self, key: &str) -> Cell {
        let mut cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(cells.entry(key.to_owned()).or_default())
    }
}

impl Held {
    pub(crate) fn is_good(&self, now: Timestamp) -> bool {
        self.ends.is_none_or(|ends| now <= ends)
    }

    /// Obtained long enough ago that a refusal may mean that it ended: a new one would not be refused at once.
    pub(crate) fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.obtained) > SignedDuration::from_secs(60)
    }
}

/// Names a way to obtain a token: the component as it is written. Its parameters count only if it uses them, so that
/// all streams share one token.
pub(crate) fn key(node: &Node<'_>) -> String {
    let text = node.json().to_string();
    if text.contains("parameters[") || text.contains("parameters.") || text.contains("parameters|") {
        return text;
    }
    let mut without = node.json().clone();
    strip(&mut without, 0);
    without.to_string()
}

fn strip(value: &mut Json, depth: usize) {
    match value {
        Json::Object(fields) if depth < 128 => {
            let echoes: Vec<(String, Json)> = match fields.shift_remove("$parameters") {
                Some(Json::Object(parameters)) => parameters.into_iter().collect(),
                _ => Vec::new(),
            };
            // Parameters are also written into each component as fields.
            fields.retain(|name, field| !echoes.iter().any(|(key, echo)| key == name && echo == field));
            fields.values_mut().for_each(|field| strip(field, depth + 1));
        }
        Json::Array(items) if depth < 128 => items.iter_mut().for_each(|item| strip(item, depth + 1)),
        _ => {}
    }
}
