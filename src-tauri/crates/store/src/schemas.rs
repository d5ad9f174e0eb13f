//! The JSON Schema of each project file, generated from the types in [`crate::config`].
//!
//! They are committed under `schemas/` of this crate (a test keeps them fresh), and written into `.syncline/schemas/`
//! of every project, where the first line of each file points an editor to.

use schemars::JsonSchema;
use serde_json::Value;

use crate::config::{ConnectionConfig, ProjectConfig, SystemConfig};

/// File name of the schema of `project.yaml`.
pub const PROJECT: &str = "project.schema.json";
/// File name of the schema of `sources/*.yaml`.
pub const SOURCE: &str = "source.schema.json";
/// File name of the schema of `destinations/*.yaml`.
pub const DESTINATION: &str = "destination.schema.json";
/// File name of the schema of `connections/*.yaml`.
pub const CONNECTION: &str = "connection.schema.json";

/// All schemas with their file names, in a fixed order.
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        (PROJECT, schema::<ProjectConfig>("Syncline project")),
        (SOURCE, schema::<SystemConfig>("Syncline source")),
        (DESTINATION, schema::<SystemConfig>("Syncline destination")),
        (CONNECTION, schema::<ConnectionConfig>("Syncline connection")),
    ]
}

/// A schema as text, the way it is stored in a file.
pub fn render(schema: &Value) -> String {
    format!("{schema:#}\n")
}

fn schema<T: JsonSchema>(title: &str) -> Value {
    let mut schema = schemars::schema_for!(T);
    schema.insert("title".to_owned(), title.into());
    schema.to_value()
}
