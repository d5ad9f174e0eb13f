//! What the programs share that have a window or a command line: `syncline` here, and the desktop shell.
//!
//! | Module | What it holds |
//! | --- | --- |
//! | [`host`] | what a program gives to the requests of windows: connectors, queries over DuckDB files |
//! | [`logging`] | the log files |
//! | [`opened`] | the project that is open, and how another one takes its place |
//! | `practice` | small APIs on this computer, to learn the builder with |
//! | [`redaction`] | the secrets a process has seen, kept out of screens and logs |

pub mod host;
pub mod logging;
pub mod opened;
mod practice;
pub mod redaction;

pub use host::ProgramHost;
pub use opened::Opened;
pub use redaction::Redaction;
