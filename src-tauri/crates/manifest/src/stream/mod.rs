//! One table of a connector.

mod delegating;
pub(crate) mod dividing;
mod read;
pub(crate) mod reading;
pub mod retriever;
pub mod schema;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use syncline_protocol::{Error, ErrorKind, Result};

use crate::context::{Output, Run, Silent};
use crate::document::Node;
use crate::expression::{Scope, python_str};
use crate::{Json, Map};

use reading::{Making, Reading};

/// In a state: the stream was read to its end, and has no cursor.
pub(crate) const NO_CURSOR: &str = "__ab_no_cursor_state_message";

/// A stream (`DeclarativeStream`, `StateDelegatingStream`): a retriever, what divides it, how far it has been read.
pub struct Stream {
    /// Its name.
    pub name: String,
    /// The paths of the fields that make its key; a path has one step except for nested keys.
    pub primary_key: Vec<Vec<String>>,
    /// The field that tells which records are new, when it has a cursor. A template that needs the configuration is
    /// filled in by [`settle`](Self::settle).
    pub cursor_field: Option<String>,
    /// Its schema.
    pub schema: schema::SchemaLoader,
    reading: Reading,
}

impl Stream {
    /// From its component, with its parents.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(node: &Node<'_>) -> Result<Stream> {
        let reading = Reading::new(node, Making::new(&reading::retriever))?;
        // The two ways to read a delegating stream have the same key.
        let described = node.field("incremental_stream").unwrap_or_else(|| node.clone());
        let scope = Scope::new(&Json::Null, jiff::Timestamp::now);
        Ok(Stream {
            name: node.text("name")?.unwrap_or_default().to_owned(),
            primary_key: primary_key(&described)?,
            cursor_field: reading.cursor().and_then(|cursor| cursor.field(&scope).ok()),
            schema: schema::SchemaLoader::new(&described)?,
            reading,
        })
    }

    /// Fills in what depends on the configuration: the name of the cursor field.
    ///
    /// # Errors
    /// `Config`, when its template fails.
    pub fn settle(&mut self, run: &Run) -> Result<()> {
        let cursor = self.reading.cursor();
        self.cursor_field =
            cursor.map(|cursor| cursor.field(&Scope::new(&run.config(), run.clock))).transpose()?;
        Ok(())
    }

    /// Its answers are kept for other streams of the run, which it is a parent of: see [`parents`].
    pub fn keep_answers(&mut self) {
        self.reading.keep_answers();
    }

    /// Reads everything that is newer than `state` (the reference's format) into `output`, slice after slice, with a
    /// state after each closed slice and at the end. Slices may be read side by side.
    ///
    /// # Errors
    /// The first failure that the manifest's error handlers do not forgive. States handed out before stay true.
    pub async fn read(&self, run: &Arc<Run>, state: Option<&Json>, output: &dyn Output) -> Result<()> {
        let state = state_fields(state)?;
        read::all(&self.reading, run, state, output).await
    }

    /// Whether a state, in the reference's format, is one that this stream can go on from.
    ///
    /// # Errors
    /// `PositionLost`, when it is not.
    pub fn accepts(&self, run: &Arc<Run>, state: &Json) -> Result<()> {
        let fields = state_fields(Some(state))?.filter(|fields| !fields.contains_key(NO_CURSOR));
        let Some(fields) = fields else {
            return Err(Error::new(
                ErrorKind::PositionLost,
                "The state says nothing of how far the table was read.",
            ));
        };
        self.reading.session(run, Some(fields), &Silent).map(|_| ())
    }

    /// Hands over up to `count` records of the first slices that have some, page by page, without state: for previews.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn first(&self, run: &Arc<Run>, count: usize, output: &dyn Output) -> Result<()> {
        read::first(&self.reading, run, count, output).await
    }

    /// Reads the first record of the first slice, to see whether the stream can be read. Whether there is one.
    ///
    /// # Errors
    /// As [`read`](Self::read), and `NotFound` when there is no slice: a parent without records.
    pub async fn check(&self, run: &Arc<Run>, output: &dyn Output) -> Result<bool> {
        read::check(&self.reading, run, output).await
    }
}

/// All that a retriever gives, each record with the slice that it came from: lists that something is made from.
pub(crate) async fn listed(retriever: &Node<'_>, run: &Arc<Run>, most: usize) -> Result<Vec<(Json, Json)>> {
    read::listed(&Reading::list(retriever)?, run, most).await
}

/// The names of the streams that are parents of a stream, and of its parents.
pub fn parents(stream: &Json) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut left = vec![stream];
    while let Some(value) = left.pop() {
        match value {
            Json::Array(items) => left.extend(items),
            Json::Object(fields) => {
                for parent in
                    fields.get("parent_stream_configs").and_then(Json::as_array).into_iter().flatten()
                {
                    names.extend(parent["stream"]["name"].as_str().map(str::to_owned));
                }
                let inner = [
                    "retriever",
                    "partition_router",
                    "partition_routers",
                    "underlying_partition_router",
                    "parent_stream_configs",
                    "stream",
                    "full_refresh_stream",
                    "incremental_stream",
                ];
                left.extend(inner.iter().filter_map(|name| fields.get(*name)));
            }
            _ => {}
        }
    }
    names
}

/// A state is an object; an empty one is none.
fn state_fields(state: Option<&Json>) -> Result<Option<&Map>> {
    match state {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Object(fields)) => Ok(Some(fields).filter(|fields| !fields.is_empty())),
        Some(_) => Err(Error::new(
            ErrorKind::PositionLost,
            "The saved state of this table cannot be read: it is no object.",
        )),
    }
}

/// One field, several, or paths of fields.
fn primary_key(node: &Node<'_>) -> Result<Vec<Vec<String>>> {
    let Some(key) = node.field("primary_key").filter(|key| crate::expression::truthy(key.json())) else {
        return Ok(Vec::new());
    };
    let step = |step: &Json| match step {
        Json::String(_) | Json::Number(_) => Ok(python_str(step)),
        _ => Err(key.error("`primary_key` must be a field, a list of fields, or a list of paths")),
    };
    key.items()
        .iter()
        .map(|field| match field.json() {
            Json::Array(path) => path.iter().map(step).collect(),
            field => Ok(vec![step(field)?]),
        })
        .collect()
}

/// Whether a value is a text or a number: what a cursor's value can be.
fn is_scalar(value: &Json) -> bool {
    value.is_string() || value.is_number()
}
