//! One table of a connector.

pub mod retriever;
pub mod schema;

use std::sync::Arc;

use syncline_protocol::Result;

use crate::Json;
use crate::context::{Output, Run};
use crate::document::Node;

/// A stream (`DeclarativeStream`, `StateDelegatingStream`): a retriever, what divides it, how far it has been read.
pub struct Stream {
    /// Its name.
    pub name: String,
    /// The paths of the fields that make its key; a path has one step except for nested keys.
    pub primary_key: Vec<Vec<String>>,
    /// The field that tells which records are new, when it has a cursor.
    pub cursor_field: Option<String>,
    /// Its schema.
    pub schema: schema::SchemaLoader,
}

impl Stream {
    /// From its component, with its parents.
    ///
    /// # Errors
    /// `Config` or `Unsupported`.
    pub fn new(_node: &Node<'_>) -> Result<Stream> {
        todo!("owner: stream")
    }

    /// Reads everything that is newer than `state` (the reference's format) into `output`, slice after slice, with a
    /// state after each closed slice and at the end. Slices may be read side by side.
    ///
    /// # Errors
    /// The first failure that the manifest's error handlers do not forgive. States handed out before stay true.
    pub async fn read(&self, _run: &Arc<Run>, _state: Option<&Json>, _output: &dyn Output) -> Result<()> {
        todo!("owner: stream")
    }

    /// Reads up to `count` records of the first slices that have some, without state: for checks and previews.
    /// Fails when there is no slice at all and `need_slice`.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn first(&self, _run: &Arc<Run>, _count: usize, _output: &dyn Output) -> Result<Vec<Json>> {
        todo!("owner: stream")
    }
}
