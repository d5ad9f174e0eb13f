//! The real binary, in folders of its own.

#![allow(clippy::unwrap_used)] // helpers of tests are not inside a `#[test]`, but a failure there is one too

mod help;
mod project;
mod secrets;
mod support;
