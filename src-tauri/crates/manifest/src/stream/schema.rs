//! The schema of a stream's records (`InlineSchemaLoader`, `JsonFileSchemaLoader`, `DynamicSchemaLoader` …).

mod dynamic;

use std::sync::Arc;

use serde_json::json;
use syncline_protocol::Result;

use crate::context::Run;
use crate::document::Node;
use crate::{Json, Map};
use dynamic::Dynamic;

/// Finds the JSON Schema of a stream.
pub struct SchemaLoader {
    loader: Loader,
}

enum Loader {
    Known(Json),
    Dynamic(Box<Dynamic>),
    /// Several, the first of which wins where they describe the same field.
    Merged(Vec<Loader>),
}

impl SchemaLoader {
    /// From the stream's component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(stream: &Node<'_>) -> Result<SchemaLoader> {
        let loader = match stream.field("schema_loader") {
            None => {
                let name = stream.json().get("name").and_then(Json::as_str).unwrap_or_default();
                Loader::Known(stream.document().schema(name).cloned().unwrap_or_else(|| json!({})))
            }
            Some(field) if field.json().is_array() => {
                Loader::Merged(field.items().iter().map(|item| loader(item, stream)).collect::<Result<_>>()?)
            }
            Some(field) => loader(&field, stream)?,
        };
        Ok(SchemaLoader { loader })
    }

    /// The schema: an object, `{}` when the manifest has none.
    ///
    /// # Errors
    /// When the API must be asked and does not answer.
    pub async fn load(&self, run: &Arc<Run>) -> Result<Json> {
        match &self.loader {
            Loader::Known(schema) => Ok(schema.clone()),
            Loader::Dynamic(dynamic) => Box::pin(dynamic.load(run)).await,
            Loader::Merged(loaders) => {
                let mut properties = Map::new();
                for loader in loaders {
                    let schema = match loader {
                        Loader::Known(schema) => schema.clone(),
                        Loader::Dynamic(dynamic) => Box::pin(dynamic.load(run)).await?,
                        Loader::Merged(_) => continue,
                    };
                    let fields = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
                    for (name, field) in fields {
                        properties.entry(name.clone()).or_insert_with(|| field.clone());
                    }
                }
                Ok(json!({
                    "$schema": "http://json-schema.org/draft-07/schema#",
                    "type": ["null", "object"],
                    "properties": properties,
                }))
            }
        }
    }
}

fn loader(node: &Node<'_>, stream: &Node<'_>) -> Result<Loader> {
    match node.kind() {
        "InlineSchemaLoader" => {
            Ok(Loader::Known(node.json().get("schema").cloned().unwrap_or_else(|| json!({}))))
        }
        "JsonFileSchemaLoader" => {
            let name = file_name(node.json(), stream.json());
            Ok(Loader::Known(node.document().schema(&name).cloned().unwrap_or_else(|| json!({}))))
        }
        "DynamicSchemaLoader" => Dynamic::new(node, stream).map(|dynamic| Loader::Dynamic(Box::new(dynamic))),
        // records can be read without a schema that only a class knows
        "CustomSchemaLoader" => Ok(Loader::Known(json!({}))),
        kind => Err(node.unsupported(format!("the schema loader `{kind}`"))),
    }
}

/// The names of all schema files that a manifest may ask for.
pub(crate) fn file_names(value: &Json, names: &mut Vec<String>) {
    match value {
        Json::Array(items) => items.iter().for_each(|item| file_names(item, names)),
        Json::Object(fields) => {
            if fields.get("type").and_then(Json::as_str) == Some("DeclarativeStream") {
                let loaders = match fields.get("schema_loader") {
                    Some(Json::Array(loaders)) => loaders.iter().collect(),
                    Some(loader) => vec![loader],
                    None => vec![&Json::Null],
                };
                for loader in loaders {
                    let name = file_name(loader, value);
                    if !name.is_empty() && !names.contains(&name) {
                        names.push(name);
                    }
                }
            }
            fields.values().for_each(|field| file_names(field, names));
        }
        _ => {}
    }
}

/// `./source_x/schemas/{{ parameters['name'] }}.json` is `users`: the part below `schemas`, without its ending.
fn file_name(loader: &Json, stream: &Json) -> String {
    let name = stream.get("name").and_then(Json::as_str).unwrap_or_default();
    let Some(path) = loader.get("file_path").and_then(Json::as_str) else { return name.to_owned() };
    let parameters = loader.get("$parameters").cloned().unwrap_or_else(|| json!({ "name": name }));
    let config = json!({});
    let scope = crate::expression::Scope::new(&config, jiff::Timestamp::now);
    let path =
        crate::expression::Text::new(path, Arc::new(parameters)).and_then(|text| text.eval_text(&scope));
    let path = path.unwrap_or_default();
    let below = path.rsplit_once("schemas/").map_or(path.as_str(), |(_, below)| below);
    below.trim_start_matches("./").trim_end_matches(".json").to_owned()
}
