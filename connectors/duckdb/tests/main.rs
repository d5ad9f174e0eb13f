//! The DuckDB destination against the real DuckDB.
#![allow(missing_docs, clippy::unwrap_used)] // helpers of tests are not inside a `#[test]`, but a failure there is one too

mod conformance;
mod creating;
mod figures;
mod loading;
mod locking;
mod queries;
mod support;
mod values;
