//! Connectors against real systems.

#![allow(clippy::unwrap_used)] // helpers of tests are not inside a `#[test]`, but a failure there is one too

mod parquet;
mod postgres_destination;
mod postgres_source;
mod sample;
mod support;
