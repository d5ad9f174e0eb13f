//! From the text of a manifest to components.

mod node;

pub use node::Node;

use std::sync::Arc;

use syncline_protocol::Result;

use crate::Json;

/// A manifest after references, types and parameters are resolved; knows the lines of its text.
pub struct Document {
    root: Json,
}

impl Document {
    /// Reads, resolves, propagates and validates.
    ///
    /// # Errors
    /// `Config`, with line, path and what to do.
    pub fn parse(_text: &str) -> Result<Arc<Document>> {
        todo!("owner: document")
    }

    /// The resolved tree.
    pub fn root(&self) -> &Json {
        &self.root
    }

    /// The line of the text (from 1) where the component at this path is written, also when a reference leads there.
    pub fn line(&self, _path: &str) -> Option<usize> {
        todo!("owner: document")
    }
}
