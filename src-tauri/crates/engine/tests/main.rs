//! The engine against a source and a destination in memory, with faults at every seam.
#![allow(missing_docs, unreachable_pub)] // a test binary has no users

mod commit;
mod drift;
mod memory;
mod plan;
mod rows;
