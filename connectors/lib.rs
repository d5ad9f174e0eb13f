//! One folder a system, and the registry that lists them.

mod parse;
mod rows;
mod stream;

pub mod files;
pub mod parquet;
pub mod postgres;
pub mod sample;
pub mod sqlite;

/// The DuckDB destination, and questions to its files.
#[cfg(feature = "duckdb")]
pub use connector_duckdb as duckdb;

use syncline_protocol::{Connector, ConnectorRegistry};

/// The connectors of this program, one line a system, in the order they should be listed.
pub fn registry() -> ConnectorRegistry {
    let connectors: Vec<Box<dyn Connector>> = vec![
        #[cfg(feature = "duckdb")]
        Box::new(connector_duckdb::connector()),
        Box::new(parquet::Parquet),
        Box::new(postgres::Postgres),
        Box::new(sqlite::Sqlite),
        Box::new(files::Files),
        Box::new(sample::Sample),
    ];
    ConnectorRegistry::new(connectors)
}
