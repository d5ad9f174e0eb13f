//! Connectors against real systems.

mod parquet;
mod postgres_source;
mod support;
