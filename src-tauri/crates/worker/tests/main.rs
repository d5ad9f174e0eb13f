//! The real binary, in folders of its own.

#![allow(clippy::unwrap_used)] // helpers of tests are not inside a `#[test]`, but a failure there is one too

mod add;
mod help;
mod project;
mod run;
mod secrets;
mod serve;
mod support;
