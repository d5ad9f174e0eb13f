//! One folder a system, and the registry that lists them.

pub mod postgres;
