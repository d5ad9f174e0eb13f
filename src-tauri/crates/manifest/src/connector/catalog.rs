//! What a connector offers, as the reference tells it.

use std::sync::Arc;

use serde_json::json;
use syncline_protocol::Result;

use super::Component;
use crate::context::Run;
use crate::document::{Document, Node};
use crate::expression::{Scope, Text, truthy};
use crate::stream::schema::SchemaLoader;
use crate::{Json, Map};

pub(super) async fn of(document: &Document, components: &[Component], run: &Arc<Run>) -> Result<Json> {
    let mut streams = Vec::new();
    for component in components {
        streams.push(stream(&component.node(document), run).await?);
    }
    Ok(json!({ "streams": streams }))
}

async fn stream(node: &Node<'_>, run: &Arc<Run>) -> Result<Json> {
    let name = node.json().get("name").cloned().unwrap_or_default();
    let full = node.field("full_refresh_stream").filter(|_| node.kind() == "StateDelegatingStream");
    let node = full.unwrap_or_else(|| node.clone());
    let mut stream = Map::new();
    stream.insert("name".to_owned(), name);
    stream.insert("json_schema".to_owned(), SchemaLoader::new(&node)?.load(run).await?);
    stream.insert("is_file_based".to_owned(), Json::from(node.field("file_uploader").is_some()));
    let mut modes = vec!["full_refresh"];
    if let Some(cursor) = node.field("incremental_sync") {
        let config = run.config();
        let field = Text::of(&cursor, "cursor_field")?;
        let field = field.map(|field| field.eval_text(&Scope::new(&config, run.clock))).transpose()?;
        modes.push("incremental");
        let by_catalog = cursor.boolean("allow_catalog_defined_cursor_field")?.unwrap_or_default();
        stream.insert("source_defined_cursor".to_owned(), Json::from(!by_catalog));
        stream.insert("default_cursor_field".to_owned(), json!([field]));
    }
    stream.insert("is_resumable".to_owned(), Json::from(modes.len() > 1));
    stream.insert("supported_sync_modes".to_owned(), json!(modes));
    if let Some(key) = node.field("primary_key").filter(|key| truthy(key.json())) {
        let key: Vec<Json> = key.items().iter().map(|field| path(field.json())).collect();
        stream.insert("source_defined_primary_key".to_owned(), Json::Array(key));
    }
    Ok(Json::Object(stream))
}

/// A field of a key is a path of one step, unless it is a path already.
fn path(field: &Json) -> Json {
    if field.is_array() { field.clone() } else { json!([field]) }
}
