//! A whole manifest: its tables, the specification of its configuration, its check.

use std::sync::Arc;

use syncline_protocol::{Error, Result};

use crate::Json;
use crate::context::Run;
use crate::stream::Stream;

/// A connector made from a manifest.
pub struct Connector {}

/// A table of a connector: its stream, or why it cannot be read.
pub struct Table {
    /// Its name.
    pub name: String,
    /// The stream, or the reason why it is not available (a custom class in Python, mostly).
    pub stream: Result<Arc<Stream>, Error>,
}

impl Connector {
    /// Loads a manifest. Schema files that it refers to are given by name (`./schemas/users.json` is asked for as
    /// `users`).
    ///
    /// # Errors
    /// `Config`, with line, path and fix.
    pub fn parse(_text: &str, _schema_file: &dyn Fn(&str) -> Option<Json>) -> Result<Connector> {
        todo!("owner: document")
    }

    /// The specification of the configuration: a JSON Schema with the reference's extensions (`airbyte_secret` …).
    pub fn specification(&self) -> &Json {
        todo!("owner: document")
    }

    /// The configuration as streams see it: defaults filled in, migrated, transformed, validated.
    ///
    /// # Errors
    /// `Config`, naming the field; never its value.
    pub fn configure(&self, _config: Json) -> Result<Json> {
        todo!("owner: document")
    }

    /// All tables, in the manifest's order; those of dynamic streams too, for which the API may be asked.
    ///
    /// # Errors
    /// When the API must be asked and does not answer.
    pub async fn tables(&self, _run: &Arc<Run>) -> Result<Vec<Table>> {
        todo!("owner: document")
    }

    /// The names of the streams that the check reads (`CheckStream`, `CheckDynamicStream`).
    pub fn check_streams(&self) -> Vec<String> {
        todo!("owner: document")
    }

    /// How many requests the manifest wants to run side by side (`concurrency_level`), by this configuration.
    pub fn concurrency(&self, _config: &Json) -> usize {
        todo!("owner: document")
    }
}
