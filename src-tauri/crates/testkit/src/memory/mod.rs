//! A source and a destination that keep the whole contract in memory. What a handle wrote, the next handle sees:
//! dropping everything and opening again is a crash.

mod destination;
mod source;
mod table;

pub use destination::MemoryDestination;
pub use source::{MemorySource, MemoryTable};
