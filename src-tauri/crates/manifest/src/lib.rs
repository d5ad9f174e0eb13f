//! Declarative connectors: Airbyte's low-code YAML, run natively as sources of the contract.
//!
//! The way of a manifest, one module a step:
//!
//! 1. [`document`]: YAML → references resolved → types and parameters propagated → validated. Every component is then
//!    reached as a [`Node`], which knows where it stands in the file.
//! 2. [`expression`]: templates in Jinja with Python's values, compiled once.
//! 3. [`http`]: requests, authenticators, error handlers, decoders: one answer of the API.
//! 4. [`paging`]: from one answer to the next. [`records`]: from an answer to records.
//! 5. [`slices`]: over what a stream is divided (parents, lists, windows of time). [`cursor`]: how far it has been read.
//! 6. [`stream`]: one table: reads its slices into an [`Output`]; its schema. [`connector`]: all tables, the
//!    specification of the configuration, the check.
//! 7. [`builder`]: the other way: from what an API shows to a manifest, and its proof by requests.
//!
//! `classes` are ports of Python classes that manifests name.
//!
//! A component is made from its node by `X::new(&node)`, which fails for what this interpreter cannot do; the stream
//! it belongs to is then listed as unreadable with that reason, and the others run.
//! Components are immutable and shared; what changes while reading lives in [`Run`] or in the future that reads.

pub mod builder;
mod classes;
pub mod connector;
pub mod context;
pub mod cursor;
pub mod document;
pub mod expression;
pub mod http;
pub mod paging;
pub mod records;
pub mod slices;
pub mod stream;

pub use context::{Clock, Output, Run, Silent, Slice};
pub use document::Node;

/// A value as JSON has it. Objects keep their order.
pub type Json = serde_json::Value;
/// A JSON object.
pub type Map = serde_json::Map<String, Json>;
