//! Tests of the whole program.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not inside a `#[test]`; seeds are printed

mod api;
mod api_harm;
mod catalogue;
mod crashes;
mod disk;
mod elements;
mod everything;
mod external;
mod files;
#[cfg(unix)]
mod kills;
mod network;
mod tokens;
mod verify;
mod versions;
