//! From the text of a manifest to components.

mod node;
mod propagate;
mod reference;
mod scalar;
mod yaml;

pub use node::Node;

use std::sync::Arc;

use syncline_protocol::Result;

use crate::{Json, Map};
use propagate::{Nearest, Place};
use yaml::Raw;

/// A manifest after references, types and parameters are resolved; knows the lines of its text.
pub struct Document {
    root: Json,
    raw: Arc<Raw>,
}

impl Document {
    /// Reads, resolves, propagates and validates.
    ///
    /// # Errors
    /// `Config`, with line, path and what to do.
    pub fn parse(text: &str) -> Result<Arc<Document>> {
        let raw = yaml::read(text)?;
        let Json::Object(mut root) = reference::resolve(&raw)? else {
            return Err(yaml::problem("it must be an object with `streams`", raw.line));
        };
        root.entry("type").or_insert_with(|| Json::from("DeclarativeSource"));
        let root = propagate::propagate(Place { parent: "", field: "" }, root, &Map::new(), Nearest::Own)?;
        Ok(Arc::new(Document { root: Json::Object(root), raw }))
    }

    /// The resolved tree.
    pub fn root(&self) -> &Json {
        &self.root
    }

    /// The line of the text (from 1) where the component at this path is written, also when a reference leads there.
    pub fn line(&self, path: &str) -> Option<usize> {
        reference::line(&self.raw, path)
    }
}
