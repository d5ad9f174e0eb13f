//! One folder a system, and the registry that lists them.

mod condition;
mod json_rows;
mod json_schema;
mod json_straight;
mod parse;
mod rows;
mod state_plan;
mod stream;

pub mod declarative;
pub mod external;
pub mod files;
pub mod parquet;
pub mod postgres;
pub mod sample;
pub mod sqlite;

/// The DuckDB destination, and questions to its files.
#[cfg(feature = "duckdb")]
pub use connector_duckdb as duckdb;

use std::path::Path;
use std::sync::Arc;

use syncline_protocol::{Connector, ConnectorRegistry, Result};

/// The connectors of this program, one line a system, in the order they should be listed.
pub fn registry() -> ConnectorRegistry {
    let mut connectors: Vec<Arc<dyn Connector>> = vec![
        #[cfg(feature = "duckdb")]
        Arc::new(connector_duckdb::connector()),
        Arc::new(parquet::Parquet),
        Arc::new(postgres::Postgres),
        Arc::new(sqlite::Sqlite),
        Arc::new(files::Files),
        Arc::new(external::Singer),
        Arc::new(external::Airbyte),
        Arc::new(sample::Sample),
    ];
    connectors.extend(declarative::apps::connectors().map(|app| Arc::new(app) as Arc<dyn Connector>));
    ConnectorRegistry::new(connectors)
}

/// The connectors of this program, and those that the project in this folder brings with it.
///
/// # Errors
/// `Config`, when the folder of the project cannot be read.
pub fn registry_of(project: &Path) -> Result<ConnectorRegistry> {
    let registry = registry();
    declarative::library::load(project, &registry)?;
    Ok(registry)
}
