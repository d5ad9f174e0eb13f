//! Connectors against real systems.

mod postgres_source;
mod sample;
mod sqlite;
mod support;
