//! The DuckDB destination against the real DuckDB.
#![allow(missing_docs)]

mod loading;
mod locking;
mod support;
mod values;
