//! Which properties are asked for, in how many requests (`QueryProperties`).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use syncline_protocol::Result;

use crate::Json;
use crate::context::{Output, Run, Slice};
use crate::document::Node;
use crate::expression::{Scope, Text, python_str, truthy};
use crate::http::Options;
use crate::stream::retriever::{PageSink, Retriever, SliceRead};

/// The properties of a request (`QueryProperties`), in chunks.
///
/// Who sends such requests asks for [`chunks`](Self::chunks) and sends one request per chunk, each with a slice whose
/// extra field [`FIELD`](Self::FIELD) holds the names of the chunk. The records of the chunks belong together when
/// their [`merge_key`](Self::merge_key) is the same.
pub struct QueryProperties {
    names: Vec<String>,
    endpoint: Option<Box<Endpoint>>,
    always: Vec<String>,
    chunking: Option<Chunking>,
}

struct Endpoint {
    retriever: Retriever,
    path: Vec<Text>,
}

struct Chunking {
    limit: Option<usize>,
    by_characters: bool,
    key: Vec<String>,
}

impl QueryProperties {
    /// The extra field of a slice that holds the names of a chunk, as a list.
    pub const FIELD: &'static str = "query_properties";

    pub(crate) fn new(node: &Node<'_>) -> Result<QueryProperties> {
        let list = node.require("property_list")?;
        let (names, endpoint) = match list.json() {
            Json::Array(names) => (names.iter().map(python_str).collect(), None),
            _ => (Vec::new(), Some(Box::new(Endpoint::new(&list)?))),
        };
        let always =
            node.list("always_include_properties").iter().map(|name| python_str(name.json())).collect();
        let chunking = node.field("property_chunking").map(|node| Chunking::new(&node)).transpose()?;
        Ok(QueryProperties { names, endpoint, always, chunking })
    }

    /// Properties that an endpoint names (`fetch_properties_from_endpoint`), in one chunk.
    pub(crate) fn from_endpoint(node: &Node<'_>) -> Result<QueryProperties> {
        let endpoint = Some(Box::new(Endpoint::new(node)?));
        Ok(QueryProperties { names: Vec::new(), endpoint, always: Vec::new(), chunking: None })
    }

    /// The names to ask for, one list per request.
    ///
    /// # Errors
    /// When the endpoint that knows the properties cannot be read.
    pub async fn chunks(
        &self,
        run: &Arc<Run>,
        stream: &str,
        output: &dyn Output,
    ) -> Result<Vec<Vec<String>>> {
        let asked = match &self.endpoint {
            Some(endpoint) => Some(endpoint.names(run, stream, output).await?),
            None => None,
        };
        let names = asked.as_ref().unwrap_or(&self.names);
        Ok(match &self.chunking {
            Some(chunking) => chunking.chunks(names, &self.always),
            None => vec![self.always.iter().chain(names).cloned().collect()],
        })
    }

    /// What records of different chunks have in common when they are one record. None: the record stands alone.
    pub fn merge_key(&self, record: &Json) -> Option<String> {
        let id = ["id".to_owned()];
        let keys = self.chunking.as_ref().map_or(&id[..], |chunking| &chunking.key);
        let values = keys.iter().map(|key| record.get(key).filter(|value| truthy(value)).map(python_str));
        values.collect::<Option<Vec<String>>>().map(|values| values.join(","))
    }
}

impl Chunking {
    fn new(node: &Node<'_>) -> Result<Chunking> {
        let by_characters = match node.text("property_limit_type")? {
            Some("characters") => true,
            Some("property_count") | None => false,
            Some(other) => return Err(node.error(format!("`{other}` is no way to limit properties"))),
        };
        let limit = node.integer("property_limit")?.filter(|limit| *limit != 0);
        let key = match node.field("record_merge_strategy") {
            Some(strategy) if strategy.class_name().is_some() => {
                return Err(strategy.unsupported("a way to merge records in Python"));
            }
            Some(strategy) => strategy.list("key").iter().map(|key| python_str(key.json())).collect(),
            None => vec!["id".to_owned()],
        };
        Ok(Chunking { limit: limit.map(|limit| usize::try_from(limit).unwrap_or(0)), by_characters, key })
    }

    fn chunks(&self, names: &[String], always: &[String]) -> Vec<Vec<String>> {
        let Some(limit) = self.limit else { return vec![names.iter().chain(always).cloned().collect()] };
        let mut chunks = Vec::new();
        let (mut chunk, mut size) = (always.to_vec(), 0);
        for name in names {
            // Three more characters for the separator, encoded.
            let more = if self.by_characters { name.chars().count() + 3 } else { 1 };
            if size + more > limit {
                chunks.push(std::mem::replace(&mut chunk, always.to_vec()));
                size = 0;
            }
            chunk.push(name.clone());
            size += more;
        }
        chunks.push(chunk);
        chunks
    }
}

impl Endpoint {
    fn new(node: &Node<'_>) -> Result<Endpoint> {
        let segment = |item: &Node<'_>| Text::new(&python_str(item.json()), node.parameters());
        let path = node.list("property_field_path").iter().map(segment).collect::<Result<_>>()?;
        let mut retriever = Retriever::new(&node.require("retriever")?, None)?;
        // The names are asked for before every request, and sent for once.
        retriever.keep_answers();
        Ok(Endpoint { retriever, path })
    }

    async fn names(&self, run: &Arc<Run>, stream: &str, output: &dyn Output) -> Result<Vec<String>> {
        let config = run.config();
        let scope = Scope::new(&config, run.clock);
        let path = self.path.iter().map(|segment| segment.eval_text(&scope)).collect::<Result<Vec<_>>>()?;
        let found = Found { path, names: Mutex::default() };
        let (slice, options) = (Slice::default(), Options::default());
        let read =
            SliceRead { run, slice: &slice, options: &options, stream, output, filter: None, feed: None };
        Box::pin(self.retriever.read(read, &found)).await?;
        Ok(found.names.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

struct Found {
    path: Vec<String>,
    names: Mutex<Vec<String>>,
}

#[async_trait]
impl PageSink for Found {
    async fn page(&self, records: Vec<Json>) -> Result<bool> {
        let mut names = self.names.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        names.extend(records.iter().map(|record| {
            let found = self.path.iter().try_fold(record, |value, name| match value {
                Json::Array(items) => items.get(name.parse::<usize>().ok()?),
                value => value.get(name),
            });
            found.map_or_else(|| "[]".to_owned(), python_str)
        }));
        Ok(true)
    }
}
