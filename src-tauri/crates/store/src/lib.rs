//! Project files, local state and the secret vault.

pub mod config;
