//! Connectors against real systems.

mod postgres_source;
mod support;
