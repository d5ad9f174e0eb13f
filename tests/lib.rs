//! The whole program, seen from outside: the real binary `syncline` on real systems.

pub mod crash;
pub mod program;
pub mod shop;
pub mod target;

pub use program::Project;
pub use target::Target;
