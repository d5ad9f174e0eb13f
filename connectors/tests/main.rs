//! Connectors against real systems.

#![allow(clippy::unwrap_used, clippy::too_many_lines)] // helpers of tests are not inside a `#[test]`; scenarios read best in one piece

mod apps;
mod files_source;
mod parquet;
mod postgres_commits;
mod postgres_conformance;
mod postgres_connect;
mod postgres_decode;
mod postgres_destination;
mod postgres_landing;
mod postgres_sample;
mod postgres_source;
mod postgres_values;
mod sample;
mod sqlite;
mod support;
