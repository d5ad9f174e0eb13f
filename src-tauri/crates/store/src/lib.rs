//! What Syncline keeps on this computer: project files, local state and the secret vault.
//!
//! | Where | What | Module |
//! | --- | --- | --- |
//! | `project.yaml`, `sources/`, `destinations/`, `connections/` | the configuration, made to be read and diffed | [`config`], [`project`] |
//! | `.syncline/state.sqlite` | runs, receipts, journal, catalogs, decisions, sealed secrets | [`state`], [`vault`] |
//! | `.syncline/locks/` | one lock file a connection, held while a run is working | [`lock`] |
//! | `.syncline/recordings/` | what the last run of a connection was answered, sealed | `recording` |
//! | `.syncline/schemas/` | JSON Schemas, so that editors complete the files | [`schemas`] |
//!
//! No position of a table is stored here: a checkpoint lives in the destination, beside the rows that it covers.
//!
//! Everything in this crate blocks; call it off the async runtime.

mod atomic_file;
pub mod config;
pub mod lock;
pub mod project;
mod recording;
pub mod redact;
pub mod renewal;
pub mod schemas;
pub mod secrets;
pub mod state;
pub mod vault;
mod yaml;

pub use lock::RunLock;
pub use project::{Project, SystemKind};
pub use recording::{Recorder, Recording};
pub use redact::Redactor;
pub use renewal::VaultKeeper;
pub use secrets::{Resolved, SecretLookup};
pub use state::{
    AttemptRecord, BadVersion, CachedCatalog, FileVersion, JournalEntry, KeptVersion, Outcome, RunEnd,
    RunError, RunRecord, RunTable, RunTotals, Span, State, TableValues, VersionMark, run_id,
};
pub use vault::{KeyProvider, MasterKey, Vault};
