//! A schema that the API describes (`DynamicSchemaLoader`).

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::json;
use syncline_protocol::Result;

use crate::context::{Run, Silent, Slice};
use crate::document::Node;
use crate::expression::{Condition, Scope, Text, truthy};
use crate::http::Options;
use crate::stream::retriever::{PageSink, Retriever, SliceRead};
use crate::{Json, Map};

/// Reads one answer and makes properties of what it lists.
pub(super) struct Dynamic {
    retriever: Retriever,
    list: Vec<Text>,
    key: Vec<Text>,
    kind: Vec<Text>,
    mapping: Vec<Mapped>,
    filter: Option<Condition>,
    place: String,
    stream: String,
}

struct Mapped {
    from: Json,
    to: Json,
    condition: Option<Condition>,
}

impl Dynamic {
    pub(super) fn new(node: &Node<'_>, stream: &Node<'_>) -> Result<Dynamic> {
        let identifier = node.require("schema_type_identifier")?;
        if let Some(first) = node.list("schema_transformations").first() {
            return Err(first.unsupported("a transformation of its schema"));
        }
        let filter = match node.field("schema_filter") {
            Some(filter) if filter.kind() == "RecordFilter" => Condition::of(&filter, "condition")?,
            Some(filter) => {
                return Err(filter.unsupported("a filter of its schema that is a class in Python"));
            }
            None => None,
        };
        let mapping = identifier.list("types_mapping").iter().map(mapped).collect::<Result<_>>()?;
        Ok(Dynamic {
            retriever: Retriever::new(&node.require("retriever")?, None)?,
            list: pointer(&identifier, "schema_pointer")?,
            key: pointer(&identifier.require("key_pointer").map(|_| identifier.clone())?, "key_pointer")?,
            kind: pointer(&identifier, "type_pointer")?,
            mapping,
            filter,
            place: node.path().to_owned(),
            stream: stream.json().get("name").and_then(Json::as_str).unwrap_or_default().to_owned(),
        })
    }

    pub(super) async fn load(&self, run: &Arc<Run>) -> Result<Json> {
        let first = self.first(run).await?;
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let listed = match &first {
            Some(record) => get(record, &self.list, &scope)?,
            None => None,
        };
        let definitions = match listed {
            Some(Json::Array(items)) => items.iter().collect(),
            Some(Json::Object(fields)) => fields.values().collect(),
            _ => Vec::new(),
        };
        let mut properties = Map::new();
        for definition in definitions {
            let Some(Json::String(key)) = get(definition, &self.key, &scope)? else {
                return Err(self.wrong("the key of a field is not text"));
            };
            let kind = if self.kind.is_empty() { None } else { get(definition, &self.kind, &scope)? };
            let kind = kind.cloned().unwrap_or_else(|| json!("string"));
            let field = self.field(kind, definition, &scope)?;
            let record = json!({ key.as_str(): field });
            let kept = match &self.filter {
                Some(filter) => filter.holds(&scope.clone().with("record", &record))?,
                None => true,
            };
            if kept {
                properties.insert(key.clone(), field);
            }
        }
        Ok(json!({
            "$schema": "https://json-schema.org/draft-07/schema#",
            "type": "object",
            "additionalProperties": true,
            "properties": properties,
        }))
    }

    async fn first(&self, run: &Arc<Run>) -> Result<Option<Json>> {
        let found = First(Mutex::new(None));
        let (slice, options) = (Slice::default(), Options::default());
        let read = SliceRead::all(run, &slice, &options, &self.stream, &Silent);
        self.retriever.read(read, &found).await?;
        Ok(found.0.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn field(&self, kind: Json, definition: &Json, scope: &Scope<'_>) -> Result<Json> {
        let scope = scope.clone().with("raw_schema", definition);
        let mut kind = kind;
        for mapped in &self.mapping {
            let holds = match &mapped.condition {
                Some(condition) => condition.holds(&scope)?,
                None => true,
            };
            if holds && mapped.from == kind {
                kind = mapped.to.clone();
                break;
            }
        }
        match &kind {
            Json::String(name) => self.known(name),
            Json::Array(names) if names.len() == 2 => {
                let names = names.iter().map(|name| self.known(name.as_str().unwrap_or_default()));
                Ok(json!({ "oneOf": names.collect::<Result<Vec<_>>>()? }))
            }
            Json::Object(complex) => self.complex(complex, 0),
            _ => Err(self.wrong("the type of a field is neither text nor a list of two")),
        }
    }

    fn complex(&self, complex: &Map, depth: usize) -> Result<Json> {
        let mut field = self.known(complex.get("field_type").and_then(Json::as_str).unwrap_or_default())?;
        let items = match complex.get("items").filter(|items| truthy(items)) {
            None => return Ok(field),
            Some(Json::String(name)) => self.known(name)?,
            Some(Json::Object(inner)) if depth < 32 => self.complex(inner, depth + 1)?,
            Some(_) => return Err(self.wrong("`items` of a type is neither text nor a type")),
        };
        if let Some(fields) = field.as_object_mut() {
            fields.insert("items".to_owned(), items);
        }
        Ok(field)
    }

    fn known(&self, name: &str) -> Result<Json> {
        Ok(match name {
            "string" | "boolean" | "integer" | "number" | "array" | "object" => {
                json!({ "type": ["null", name] })
            }
            "date" => json!({ "type": ["null", "string"], "format": "date" }),
            "timestamp_with_timezone" => json!({ "type": ["null", "string"], "format": "date-time" }),
            "timestamp_without_timezone" => {
                json!({ "type": ["null", "string"], "format": "date-time", "airbyte_type": name })
            }
            "time_with_timezone" | "time_without_timezone" => {
                json!({ "type": ["null", "string"], "format": "time", "airbyte_type": name })
            }
            _ => return Err(self.wrong("a field has a type that is not known; add it to `types_mapping`")),
        })
    }

    fn wrong(&self, what: &str) -> syncline_protocol::Error {
        let kind = syncline_protocol::ErrorKind::CorruptInput;
        syncline_protocol::Error::new(
            kind,
            format!("The API's description of this table cannot be used: {what}."),
        )
        .with("in the manifest", &self.place)
    }
}

/// Keeps the first record.
struct First(Mutex<Option<Json>>);

#[async_trait]
impl PageSink for First {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *first = first.take().or_else(|| records.into_iter().next());
        Ok(first.is_none())
    }
}

fn mapped(node: &Node<'_>) -> Result<Mapped> {
    let from = node.require("current_type")?.json().clone();
    let to = node.require("target_type")?.json().clone();
    Ok(Mapped { from, to, condition: Condition::of(node, "condition")? })
}

fn pointer(node: &Node<'_>, name: &str) -> Result<Vec<Text>> {
    let steps = node.list(name);
    steps.iter().map(|step| Text::new(step.json().as_str().unwrap_or_default(), node.parameters())).collect()
}

/// What stands at a path; digits index lists.
fn get<'j>(value: &'j Json, path: &[Text], scope: &Scope<'_>) -> Result<Option<&'j Json>> {
    let mut at = value;
    for step in path {
        let step = step.eval_text(scope)?;
        let found = match at {
            Json::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
            at => at.get(&step),
        };
        match found {
            Some(found) => at = found,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}
