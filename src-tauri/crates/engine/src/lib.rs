//! Plans and runs syncs over the contract of `syncline-protocol`.
//!
//! The way in is [`Connection`]: [`Connection::plan`] says what a run would do, [`Connection::run`] does it and answers
//! with a [`Receipt`], [`Connection::preview`] shows rows as they will land, [`Connection::verify`] proves that both sides
//! hold the same rows, [`Connection::compare`] says which do not, [`Connection::replay`] loads repaired rows from
//! quarantine.
//!
//! ```text
//! run ─ attempt ─ table ┬ lane: source ─ channel ─ normalise ─ loader
//!                       ├ lane: …
//!                       └ commits, one after the other
//! ```
//!
//! Invariants, each with a test in `tests/`:
//! - the position of a table advances only by a commit that the destination answered with `Durable`;
//! - one task owns the position of a table; lanes hand it their loaders to commit;
//! - nothing in here names a system: decisions come from capabilities.

pub mod airbyte_state;
mod browse;
mod channel;
mod compare;
mod connection;
mod convert;
mod drift;
mod event;
mod history;
mod lane;
mod left;
mod mapping;
mod names;
mod normalise;
mod plan;
mod prepare;
mod preview;
mod profile;
mod quarantine;
mod receipt;
mod run;
mod run_log;
mod sides;
mod stop;
mod table;
mod transfer;
mod verify;
pub mod versions;
mod watch;

pub use browse::Rows;
pub use compare::{Comparison, DifferingRow, ExpectedGap, GapReason, RowState};
pub use connection::{Connection, RunOptions, SchemaMemory, left_setting};
pub use drift::{Drift, DriftKind};
pub use event::{Event, Observer, TableProgress, Unobserved};
pub use left::LeftTable;
pub use mapping::{ColumnMapping, TableMapping};
pub use plan::{DefinitionLine, DefinitionSign, Plan, TableEffect, Verb};
pub use preview::{ColumnPreview, Finding, Preview, RejectedSample, Sample, SampleTrial};
pub use profile::{Bin, ColumnFigures, ColumnProfile, ColumnValues, Profiler, Skipped, Spread};
pub use quarantine::{Repair, Replayed};
pub use receipt::{
    Attempt, ChecksumProof, CountProof, Failure, Outcome, Proof, Receipt, TableReceipt, TableState,
};
pub use run_log::{LogFilter, LogHit, LogLevel, LogLine, LogQuery, LogReader, LogSearch, LogStage, RunLog};
pub use stop::Stop;
pub use transfer::Moved;
pub use versions::{FellBack, Origin, SourceVersion, Trial};
pub use watch::SampleWatch;
