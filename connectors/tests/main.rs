//! Connectors against real systems.

mod postgres_source;
mod sample;
mod support;
