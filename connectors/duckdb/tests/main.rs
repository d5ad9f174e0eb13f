//! The DuckDB destination against the real DuckDB.
#![allow(missing_docs)]

mod conformance;
mod loading;
mod locking;
mod support;
mod values;
