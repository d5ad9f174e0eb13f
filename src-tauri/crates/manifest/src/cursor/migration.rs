//! Older forms of states (`LegacyToPerPartitionStateMigration`).

use serde_json::json;
use syncline_protocol::Result;

use crate::document::Node;
use crate::expression::{Scope, Text};
use crate::{Json, Map};

/// `{id: {cursor field: value}}` becomes `{"states": [{"partition": {field: id}, "cursor": {…}}]}`.
pub(crate) struct Migration {
    partition: Text,
    cursor: Text,
    /// Only with one parent it is clear which partition an id is of.
    applies: bool,
}

impl Migration {
    /// The migrations of a stream. One that is written in Python is left out: it changes states of versions of the
    /// connector that are not this one.
    ///
    /// # Errors
    /// `Config`, when the stream has no parent or no cursor.
    pub(crate) fn all(stream: &Node<'_>) -> Result<Vec<Migration>> {
        let ours = |node: &Node<'_>| {
            node.kind() == "LegacyToPerPartitionStateMigration" && node.class_name().is_none()
        };
        stream
            .list("state_migrations")
            .iter()
            .filter(|node| ours(node))
            .map(|node| Migration::new(node, stream))
            .collect()
    }

    fn new(node: &Node<'_>, stream: &Node<'_>) -> Result<Migration> {
        let cursor = stream
            .field("incremental_sync")
            .ok_or_else(|| node.error("the stream has no `incremental_sync`"))?;
        let router = stream.field("retriever").and_then(|retriever| retriever.field("partition_router"));
        let router = router.ok_or_else(|| node.error("the stream has no `partition_router`"))?;
        let parents = router.list("parent_stream_configs");
        let (source, applies) = match (router.kind(), parents.first()) {
            ("UnionPartitionRouter", _) => (router.require("partition_field")?, true),
            (_, Some(parent)) => (parent.require("partition_field")?, parents.len() == 1),
            _ => return Err(node.error("the stream's `partition_router` has no parent streams")),
        };
        let text = |node: &Node<'_>| {
            let text = node.json().as_str().ok_or_else(|| node.error("it must be text"))?;
            Text::new(text, stream.parameters()).map_err(|error| node.at(error))
        };
        Ok(Migration { partition: text(&source)?, cursor: text(&cursor.require("cursor_field")?)?, applies })
    }

    /// The state in today's form.
    pub(crate) fn apply(&self, state: Map, scope: &Scope<'_>) -> Result<Map> {
        let field = self.cursor.eval_text(scope)?;
        let is_legacy = |value: &Json| {
            value.as_object().is_some_and(|value| value.len() == 1 && value.keys().next() == Some(&field))
        };
        if !self.applies || state.is_empty() || state.contains_key("states") || !state.values().all(is_legacy)
        {
            return Ok(state);
        }
        let partition = self.partition.eval_text(scope)?;
        let states: Vec<Json> = state
            .into_iter()
            .map(|(id, cursor)| json!({ "partition": { partition.as_str(): id }, "cursor": cursor }))
            .collect();
        Ok(Map::from_iter([("states".to_owned(), Json::Array(states))]))
    }
}
