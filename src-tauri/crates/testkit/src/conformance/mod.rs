//! One suite for all sources and one for all destinations: each rule of the contract is a case with a name.

mod case;
pub mod destination;
pub mod source;
pub mod values;

pub use case::Report;
