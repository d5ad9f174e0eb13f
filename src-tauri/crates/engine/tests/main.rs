//! The engine against a source and a destination in memory, with faults at every seam.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used)] // a test binary has no users, and its helpers may fail

mod commit;
mod compare;
mod drift;
mod elements;
mod memory;
mod plan;
mod rows;
mod versions;
