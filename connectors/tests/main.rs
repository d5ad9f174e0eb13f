//! Connectors against real systems.

mod postgres_destination;
mod postgres_source;
mod support;
