//! PostgreSQL as a source and as a destination.

mod client;
pub mod config;
mod error;
mod ssh;
mod tls;
