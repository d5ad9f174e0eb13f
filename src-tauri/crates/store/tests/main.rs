//! The store through its public face, on real folders and real SQLite files.

#![allow(clippy::unwrap_used)] // helpers of tests are not inside a `#[test]`, but a failure there is one too

mod lock;
mod project;
mod schemas;
mod state;
mod vault;
