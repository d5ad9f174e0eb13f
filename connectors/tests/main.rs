//! Connectors against real systems.

mod parquet;
mod postgres_destination;
mod postgres_source;
mod sample;
mod support;
