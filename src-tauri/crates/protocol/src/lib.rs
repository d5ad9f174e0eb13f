//! The contract between sources, the engine and destinations.
//!
//! A *source* turns whatever it reads into one stream of [`Change`]s; a *destination* loads that stream and
//! stores, in the same transaction as the rows, how far it has got. Everything between the two lives in the
//! engine, which knows only this crate.
//!
//! What is deliberately absent: I/O, a runtime, HTTP, SQL. Rows are Arrow; everything else is plain data.
//!
//! Reading order for a newcomer who writes a connector: [`types`] → [`schema`] → [`change`] → [`position`] →
//! [`source`] or [`destination`] → [`connector`].

pub mod builder;
pub mod change;
pub mod check;
pub mod connector;
pub mod destination;
pub mod digest;
pub mod error;
pub mod name;
pub mod position;
pub mod sampling;
pub mod schema;
pub mod sign_in;
pub mod source;
pub mod types;

pub use builder::ConnectorBuilder;
pub use change::{BatchKind, Change, ChangeBatch, ChangeSink, RejectedRow, Stopped};
pub use check::{CheckOutcome, CheckStep, Fix, StepSink, StepStatus};
pub use connector::{
    Badge, Category, Config, Connector, ConnectorContext, ConnectorRegistry, Listing, Maturity, Origin,
    SettingsKeeper, Spec, Tape, Traffic, compare_versions, split_reference,
};
pub use destination::{
    Commit, Deletes, Destination, DestinationCapabilities, DestinationSession, Durability, Durable, Finish,
    Landing, LoadInto, Loader, LoaderOptions, Opened, Opening, QuarantinedRow, SchemaChange,
    StoredCheckpoint, TargetName, TargetTable, WriteMode,
};
pub use digest::{Digest, DigestHasher};
pub use error::{Error, ErrorKind, Result, Retry, Side};
pub use name::TableName;
pub use position::{PartSet, TablePosition};
pub use sampling::{SamplePick, SamplePicks, Sampling};
pub use schema::{Catalog, Column, CursorCandidate, ElementsOf, TableInfo, TableKind, TableSchema};
pub use source::{
    DiscoverFilter, Part, PartKind, ReadMode, ReadPlan, Source, SourceCapabilities, SourceSession, TableRead,
};
pub use types::{LogicalType, StructField};

/// Names of the columns and tables that Syncline itself writes to a destination. All start with `_syncline_`.
pub mod system {
    /// Column: when the run that wrote the row began (timestamptz). In every table.
    pub const SYNCED_AT: &str = "_syncline_synced_at";
    /// Column: true when the source deleted the row (boolean). In merge tables with soft deletes.
    pub const DELETED: &str = "_syncline_deleted";
    /// Column: hash of the row, the key of a merge table whose source has none (text, 32 hex digits).
    pub const KEY: &str = "_syncline_key";
    /// Column: when this version of the row began to hold (timestamptz). In history tables.
    pub const VALID_FROM: &str = "_syncline_valid_from";
    /// Column: when this version stopped to hold, null while it holds (timestamptz). In history tables.
    pub const VALID_TO: &str = "_syncline_valid_to";
    /// Column: whether this version is the latest one and not deleted (boolean). In history tables.
    pub const CURRENT: &str = "_syncline_current";
    /// Table: one row per connection and table, plus the fence row of the connection (table name `''`).
    pub const CHECKPOINTS: &str = "_syncline_checkpoints";
    /// Table: rows that could not be converted, with the reason.
    pub const QUARANTINE: &str = "_syncline_quarantine";
    /// Prefix of the table that a full copy is built in, beside the one that readers see.
    pub const BESIDE_PREFIX: &str = "_syncline_new_";
    /// Prefix of everything that Syncline owns in a destination.
    pub const PREFIX: &str = "_syncline_";
}
