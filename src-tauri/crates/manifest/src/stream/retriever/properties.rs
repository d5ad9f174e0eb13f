//! Properties that an API must be asked for by name, in several requests when there are many (`QueryProperties`).

use std::collections::HashMap;

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::Value;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::sync::{Mutex, OnceCell};

use super::{PageSink, Retriever, SliceRead};
use crate::context::Slice;
use crate::document::Node;
use crate::expression::{Scope, Text, python_str};
use crate::http::Options;
use crate::{Json, Map};

/// Under this name templates find the properties of a request.
pub(super) const NAME: &str = "query_properties";

/// More properties than this come from no API.
const PROPERTIES_MAX: usize = 100_000;

/// Which properties are asked for, and how they are divided.
pub(super) struct Properties {
    list: List,
    always: Vec<String>,
    chunking: Option<Chunking>,
    /// The query parameter that they are sent as, when the manifest names one.
    pub(super) parameter: Option<String>,
}

enum List {
    Fixed(Vec<String>),
    Endpoint { retriever: Box<Retriever>, path: Vec<Text>, found: OnceCell<Vec<String>> },
}

struct Chunking {
    limit: Option<usize>,
    by_characters: bool,
    /// The fields that tell which parts belong to one record.
    keys: Vec<String>,
}

fn texts(node: &Node<'_>, field: &str) -> Vec<String> {
    node.list(field).iter().map(|item| python_str(item.json())).collect()
}

impl Properties {
    /// Of a retriever: in a query parameter, or in a field of its requester.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub(super) fn of(retriever: &Node<'_>) -> Result<Option<Properties>> {
        let requester = retriever.require("requester")?;
        if let Some(parameters) = requester.field("request_parameters") {
            let fields = parameters.json().as_object().into_iter().flatten();
            let mut found = fields.filter(|(_, value)| is_query_properties(value)).map(|(name, _)| name);
            if let Some(name) = found.next() {
                if found.next().is_some() {
                    return Err(parameters.error("only one of them can be `QueryProperties`"));
                }
                let node = parameters.require(name)?;
                return Properties::new(&node, Some(name.clone())).map(Some);
            }
        }
        if let Some(endpoint) = requester.field("fetch_properties_from_endpoint") {
            let list = List::of_endpoint(&endpoint)?;
            return Ok(Some(Properties { list, always: Vec::new(), chunking: None, parameter: None }));
        }
        requester.field(NAME).map(|node| Properties::new(&node, None)).transpose()
    }

    fn new(node: &Node<'_>, parameter: Option<String>) -> Result<Properties> {
        let list = node.require("property_list")?;
        let chunking = match node.field("property_chunking") {
            Some(chunking) => Some(Chunking::new(&chunking)?),
            None => None,
        };
        Ok(Properties {
            list: match list.json() {
                Json::Array(_) => List::Fixed(texts(node, "property_list")),
                _ => List::of_endpoint(&list)?,
            },
            always: texts(node, "always_include_properties"),
            chunking,
            parameter,
        })
    }

    /// The properties of each request.
    ///
    /// # Errors
    /// Of asking the API for them.
    pub(super) async fn chunks(&self, read: &SliceRead<'_>) -> Result<Vec<Vec<String>>> {
        let all = match &self.list {
            List::Fixed(list) => list,
            List::Endpoint { retriever, path, found } => {
                found.get_or_try_init(|| asked(read, retriever, path)).await?
            }
        };
        Ok(match &self.chunking {
            None => vec![self.always.iter().chain(all).cloned().collect()],
            Some(Chunking { limit: None, .. }) => vec![all.iter().chain(&self.always).cloned().collect()],
            Some(Chunking { limit: Some(limit), by_characters, .. }) => {
                // A comma takes three letters when it is quoted.
                let size = |name: &String| if *by_characters { name.chars().count() + 3 } else { 1 };
                let (mut chunks, mut chunk, mut used) = (Vec::new(), self.always.clone(), 0);
                for name in all {
                    // The reference asks once for nothing when the first name alone is too long.
                    if used > 0 && used + size(name) > *limit {
                        chunks.push(std::mem::replace(&mut chunk, self.always.clone()));
                        used = 0;
                    }
                    used += size(name);
                    chunk.push(name.clone());
                }
                chunks.push(chunk);
                chunks
            }
        })
    }

    /// The slice of a request for some properties, and what is added to the request.
    pub(super) fn request(&self, slice: &Slice, options: &Options, chunk: &[String]) -> (Slice, Options) {
        let (mut slice, mut options) = (slice.clone(), options.clone());
        let names: Json = chunk.iter().map(String::as_str).collect();
        slice.extra_fields.insert(NAME.to_owned(), names);
        if let Some(parameter) = &self.parameter {
            options.parameters.insert(parameter.clone(), Json::String(chunk.join(",")));
        }
        (slice, options)
    }

    /// Parts of records on their way to become whole.
    pub(super) fn merging(&self) -> Merging<'_> {
        Merging {
            keys: self.chunking.as_ref().map(|chunking| chunking.keys.as_slice()),
            ..Merging::default()
        }
    }
}

/// Whether a value is this component.
pub(crate) fn is_query_properties(value: &Json) -> bool {
    value.get("type").and_then(Json::as_str) == Some("QueryProperties")
}

impl List {
    fn of_endpoint(node: &Node<'_>) -> Result<List> {
        let step = |step: &Node<'_>| {
            Text::new(&python_str(step.json()), node.parameters()).map_err(|error| step.at(error))
        };
        Ok(List::Endpoint {
            retriever: Box::new(Retriever::new(&node.require("retriever")?, None)?),
            path: node.list("property_field_path").iter().map(step).collect::<Result<_>>()?,
            found: OnceCell::new(),
        })
    }
}

impl Chunking {
    fn new(node: &Node<'_>) -> Result<Chunking> {
        let by_characters = match node.text("property_limit_type")? {
            None | Some("property_count") => false,
            Some("characters") => true,
            Some(other) => return Err(node.error(format!("`property_limit_type` cannot be `{other}`"))),
        };
        let limit = node.integer("property_limit")?.and_then(|limit| usize::try_from(limit).ok());
        let keys = match node.field("record_merge_strategy") {
            None => vec!["id".to_owned()],
            Some(strategy) if strategy.kind() == "GroupByKey" => texts(&strategy, "key"),
            Some(strategy) => {
                return Err(strategy.unsupported(crate::http::named(&strategy, "way to merge records")));
            }
        };
        Ok(Chunking { limit: limit.filter(|limit| *limit > 0), by_characters, keys })
    }
}

/// Asks the API for the names of all properties.
fn asked<'a>(
    read: &'a SliceRead<'_>,
    retriever: &'a Retriever,
    path: &'a [Text],
) -> BoxFuture<'a, Result<Vec<String>>> {
    Box::pin(async move {
        let (slice, options) = (Slice::default(), Options::default());
        let asked = SliceRead::all(read.run, &slice, &options, read.stream, read.output);
        let path = {
            let config = read.run.config();
            let scope = Scope::new(&config, read.run.clock);
            path.iter().map(|step| step.eval_text(&scope)).collect::<Result<Vec<_>>>()?
        };
        let names = Names { path, found: Mutex::default() };
        retriever.read(asked, &names).await?;
        Ok(names.found.into_inner())
    })
}

struct Names {
    path: Vec<String>,
    found: Mutex<Vec<String>>,
}

#[async_trait]
impl PageSink for Names {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        let mut found = self.found.lock().await;
        let at = |record: &Json| -> Option<String> {
            let value = self.path.iter().try_fold(record, |value, step| value.get(step))?;
            Some(python_str(value))
        };
        found.extend(records.iter().filter_map(at));
        if found.len() > PROPERTIES_MAX {
            return Err(Error::new(
                ErrorKind::LimitExceeded,
                "The API names more properties than a table can have.",
            ));
        }
        Ok(true)
    }
}

/// Parts of records on their way to become whole.
#[derive(Default)]
pub(super) struct Merging<'p> {
    keys: Option<&'p [String]>,
    records: Vec<Json>,
    places: HashMap<String, usize>,
}

impl Merging<'_> {
    /// Takes the records of one request. Those without a key are whole by themselves.
    pub(super) fn take(&mut self, records: Vec<Json>) {
        for record in records {
            let Some(key) = self.keys.and_then(|keys| key(&record, keys)) else {
                self.records.push(record);
                continue;
            };
            match self.places.get(&key) {
                Some(place) => merge(&mut self.records[*place], record, 0),
                None => {
                    self.places.insert(key, self.records.len());
                    self.records.push(record);
                }
            }
        }
    }

    /// The whole records.
    pub(super) fn finish(self) -> Vec<Json> {
        self.records
    }
}

fn key(record: &Json, keys: &[String]) -> Option<String> {
    let part = |name: &String| {
        record.get(name).filter(|value| crate::expression::truthy(value)).map(Value::to_string)
    };
    Some(keys.iter().map(part).collect::<Option<Vec<_>>>()?.join(","))
}

fn merge(into: &mut Json, from: Json, depth: usize) {
    match (into, from) {
        (Json::Object(into), Json::Object(from)) if depth < 128 => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(known) if known.is_object() && value.is_object() => merge(known, value, depth + 1),
                    _ => drop(into.insert(name, value)),
                }
            }
        }
        (into, from) => *into = from,
    }
}

/// Where a requester's own parameters are, without the one that stands for properties.
pub(crate) fn without_properties(requester: &Json) -> Option<Json> {
    let parameters = requester.get("request_parameters")?.as_object()?;
    if !parameters.values().any(is_query_properties) {
        return None;
    }
    let kept: Map = parameters
        .iter()
        .filter(|(_, value)| !is_query_properties(value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut requester = requester.clone();
    requester["request_parameters"] = Json::Object(kept);
    Some(requester)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parts_of_a_record_become_one() {
        let keys = ["id".to_owned(), "day".to_owned()];
        let mut merging = Merging { keys: Some(&keys), ..Merging::default() };
        merging.take(vec![
            json!({"id": 1, "day": "a", "x": {"p": 1}}),
            json!({"id": 0, "day": "a"}),
            json!({"id": 1, "day": "b"}),
        ]);
        merging.take(vec![json!({"id": 1, "day": "a", "x": {"q": 2}, "y": 3}), json!({"id": 0, "day": "a"})]);
        assert_eq!(
            merging.finish(),
            [
                json!({"id": 1, "day": "a", "x": {"p": 1, "q": 2}, "y": 3}),
                json!({"id": 0, "day": "a"}),
                json!({"id": 1, "day": "b"}),
                json!({"id": 0, "day": "a"}),
            ]
        );
    }
}
