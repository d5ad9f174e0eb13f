//! The schema of a stream's records (`InlineSchemaLoader`, `JsonFileSchemaLoader`, `DynamicSchemaLoader` …).

use std::sync::Arc;

use syncline_protocol::Result;

use crate::Json;
use crate::context::Run;
use crate::document::Node;

/// Finds the JSON Schema of a stream.
pub struct SchemaLoader {}

impl SchemaLoader {
    /// From the stream's component.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(_stream: &Node<'_>) -> Result<SchemaLoader> {
        todo!("owner: document")
    }

    /// The schema: an object, `{}` when the manifest has none.
    ///
    /// # Errors
    /// When the API must be asked and does not answer.
    pub async fn load(&self, _run: &Arc<Run>) -> Result<Json> {
        todo!("owner: document")
    }
}
