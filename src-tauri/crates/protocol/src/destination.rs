//! What a destination does: the commit protocol, seen from the side that keeps it.
//!
//! 1. [`Destination::open`] raises the *fence* of the connection and returns what is stored. From then on every
//!    write of a session with an older fence fails with `Fenced`.
//! 2. A [`Loader`] takes the batches of one *segment* of one table. Nothing of it is visible to readers, or survives
//!    a crash, before [`Loader::commit`].
//! 3. `commit` makes the rows, the quarantined rows and the new checkpoint durable **in one atomic step** and checks
//!    the fence in that same step. It answers [`Durable`] only when they are.
//! 4. The ordinal of a commit must be the stored ordinal of the table plus one, else `Conflict`: a repeated commit
//!    can never count twice.
//!
//! Kill the process at any instant: a table is always exactly at its stored checkpoint.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::change::{ChangeBatch, ChangeSink, RejectedRow};
use crate::check::StepSink;
use crate::error::Result;
use crate::name::TableName;
use crate::position::TablePosition;
use crate::schema::Column;
use crate::system;
use crate::types::LogicalType;

/// How rows are kept.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum WriteMode {
    /// One row per key, the latest version.
    Merge {
        /// What happens to rows that the source deleted.
        #[serde(default)]
        deletes: Deletes,
    },
    /// Every change is a row. Deletes add nothing.
    Append,
    /// A full copy, built beside the old one and swapped in one step; readers never see an empty table.
    Replace,
    /// One row per version of a key, with the time during which it held.
    History,
}

/// What a merge does with rows that the source deleted.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Deletes {
    /// Keep them, with `_syncline_deleted` true.
    #[default]
    Soft,
    /// Remove them.
    Hard,
}

/// How a destination keeps the commit protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Durability {
    /// Rows and checkpoint in one transaction.
    Transactional,
    /// Segment files with deterministic names, made visible by one put-if-absent of a commit file.
    ManifestCommit,
    /// The rows first, then the checkpoint, elsewhere: after a crash between the two the rows of a segment come again.
    /// For systems that cannot be asked what they have.
    AtLeastOnce,
}

/// What a destination can do and hold. Facts for the planner: the engine has no `if` about systems.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DestinationCapabilities {
    /// How the commit protocol is kept.
    pub durability: Durability,
    /// Whether tables lie in schemas.
    pub schemas: bool,
    /// The schema that is used when the connection names none.
    pub default_schema: Option<String>,
    /// The longest name of a table or column, in bytes.
    pub identifier_bytes_max: usize,
    /// Whether `a` and `A` are different columns.
    pub case_sensitive: bool,
    /// How many loaders may write at once, over all tables.
    pub parallel_loaders: usize,
    /// How many bytes (Arrow, in memory) a segment should have at most before it is committed.
    pub segment_bytes: u64,
    /// The first and last day a date can hold, in days since 1970-01-01.
    pub date_range: (i32, i32),
    /// The first and last instant a timestamp can hold, in µs since 1970-01-01.
    pub timestamp_range: (i64, i64),
    /// Whether dates and timestamps can be ±infinity.
    pub infinite_times: bool,
    /// Whether text can hold the character U+0000.
    pub text_nul: bool,
    /// Whether a large table is counted about as fast as a small one, so that it can be done after every run.
    pub counts_fast: bool,
    /// Whether all rows of a parent can be replaced
    /// ([`BatchKind::Parents`](crate::BatchKind::Parents)) in merge and history mode.
    pub replaces_children: bool,
}

/// As which type values land, when a destination has no exact counterpart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// The type of the column in the destination. The engine converts before it hands batches over.
    pub logical: LogicalType,
    /// The rule in one sentence, when values change their form ("lands as ISO 8601 text").
    pub note: Option<String>,
}

impl Landing {
    /// The same type on both sides.
    pub fn same(logical: &LogicalType) -> Self {
        Landing { logical: logical.clone(), note: None }
    }

    /// Another type, with the rule.
    pub fn converted(logical: LogicalType, note: impl Into<String>) -> Self {
        Landing { logical, note: Some(note.into()) }
    }
}

/// The name of a table in a destination.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TargetName {
    /// Its schema, where the destination has schemas.
    pub schema: Option<String>,
    /// The table itself.
    pub name: String,
}

impl std::fmt::Display for TargetName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A table as it should be in the destination.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetTable {
    /// Its name.
    pub name: TargetName,
    /// The columns that batches carry, with the types as they land: data, then `_syncline_synced_at`, then
    /// `_syncline_key` where the source has no key. The table in the destination can have them in another order
    /// and can have more.
    pub columns: Vec<Column>,
    /// The columns that identify a row; all are among `columns`. Empty only in append and replace mode.
    pub key: Vec<String>,
    /// How rows are kept.
    pub mode: WriteMode,
}

impl TargetTable {
    /// The columns that the destination itself keeps in this mode, beyond those of the batches.
    pub fn kept_columns(&self) -> Vec<Column> {
        match self.mode {
            WriteMode::Merge { deletes: Deletes::Soft } => {
                vec![Column::new(system::DELETED, LogicalType::Boolean)]
            }
            WriteMode::History => vec![
                Column::new(system::VALID_FROM, LogicalType::TimestampTz),
                Column::new(system::VALID_TO, LogicalType::TimestampTz),
                Column::new(system::CURRENT, LogicalType::Boolean),
            ],
            _ => Vec::new(),
        }
    }

    /// All columns of the table in the destination: those of the batches, then the kept ones.
    pub fn all_columns(&self) -> Vec<Column> {
        self.columns.iter().cloned().chain(self.kept_columns()).collect()
    }

    /// The columns that say something about the source: without those whose name begins with `_syncline_`.
    pub fn data_columns(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| !column.name.starts_with(system::PREFIX))
    }

    /// The key columns, in the order of `key`.
    pub fn key_columns(&self) -> Vec<Column> {
        self.key
            .iter()
            .filter_map(|name| self.columns.iter().find(|column| column.name == *name))
            .cloned()
            .collect()
    }
}

/// One change of a destination's schema. The planner shows [`Destination::ddl`] of it; the run applies it.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum SchemaChange {
    /// Create the table, and its schema when that is missing. Does nothing when the table is there.
    CreateTable {
        /// The table.
        table: TargetTable,
    },
    /// Add a column, null in the rows that are there. Does nothing when it is there.
    AddColumn {
        /// The table.
        table: TargetName,
        /// The column.
        column: Column,
    },
    /// Give a column a wider type and convert what is there. Does nothing when it has that type.
    WidenColumn {
        /// The table.
        table: TargetName,
        /// The column with its new type.
        column: Column,
        /// The type it has now.
        from: LogicalType,
    },
    /// Remove the table with all its rows. Does nothing when it is not there. Checkpoints and quarantined rows stay.
    DropTable {
        /// The table.
        table: TargetName,
    },
}

impl SchemaChange {
    /// The table it changes.
    pub fn table(&self) -> &TargetName {
        match self {
            SchemaChange::CreateTable { table } => &table.name,
            SchemaChange::AddColumn { table, .. }
            | SchemaChange::WidenColumn { table, .. }
            | SchemaChange::DropTable { table } => table,
        }
    }
}

/// Who opens a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The connection, unique within everything that writes to this destination.
    pub connection: String,
    /// The run, for the journal and for messages to a fenced one.
    pub run: String,
}

/// An opened session and what the destination knows.
pub struct Opened {
    /// The session.
    pub session: Box<dyn DestinationSession>,
    /// Its fence; larger than all before.
    pub fence: u64,
    /// The stored checkpoints of the connection, one per table, without the fence row.
    pub checkpoints: Vec<StoredCheckpoint>,
}

/// A checkpoint as it stands in the destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredCheckpoint {
    /// The table of the source.
    pub table: TableName,
    /// The fence under which it was written.
    pub fence: u64,
    /// How many commits the table has had.
    pub ordinal: u64,
    /// How far the table is.
    pub position: TablePosition,
    /// When, as RFC 3339 text in UTC.
    pub committed_at: String,
    /// Rows written so far, over all commits.
    pub rows: u64,
    /// Bytes (Arrow, in memory) written so far, over all commits.
    pub bytes: u64,
    /// Checksum of the last segment, as [`Digest::checksum`](crate::Digest::checksum).
    pub checksum: u64,
}

/// What one segment commits.
#[derive(Debug, Clone, PartialEq)]
pub struct Commit {
    /// The table of the source.
    pub table: TableName,
    /// The run.
    pub run: String,
    /// The stored ordinal plus one.
    pub ordinal: u64,
    /// The position after this segment.
    pub position: TablePosition,
    /// Rows handed to the loader: `Rows` and `Deletes`, without `Keys` and `Parents`. Destinations check it against what
    /// they staged.
    pub rows: u64,
    /// Bytes handed to the loader.
    pub bytes: u64,
    /// Checksum of the rows, zero when it is not computed.
    pub checksum: u64,
    /// The time that counts as the commit time in `_syncline_checkpoints` and in history (µs since 1970-01-01, UTC).
    pub at_micros: i64,
    /// Rows to put into quarantine.
    pub rejected: Vec<RejectedRow>,
    /// Ids of quarantined rows that this segment repairs; they leave the quarantine.
    pub replayed: Vec<String>,
    /// What else becomes visible with this commit.
    pub finish: Finish,
}

/// What a commit does besides adding its rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// Nothing.
    #[default]
    None,
    /// All parts of the plan are in, and the table was loaded in place: a good moment for indexes and compaction.
    Complete,
    /// The table that was built beside takes the place of the one readers see (which may not exist yet).
    Swap,
    /// The `Keys` batches of this segment are complete: rows whose key is not among them are deleted.
    Sweep,
}

/// The proof that a commit is durable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durable {
    /// Rows inserted or replaced.
    pub written: u64,
    /// Rows deleted, softly or for good, or versions closed without a successor.
    pub deleted: u64,
}

/// Where a loader's rows go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadInto {
    /// Into the table that readers see.
    Table,
    /// Into the copy that is built beside it, made by [`DestinationSession::begin`]. Rows are kept as they come when
    /// the target has no key, and one per key when it has one.
    Beside,
}

/// How a loader should work.
#[derive(Debug, Clone, PartialEq)]
pub struct LoaderOptions {
    /// The table, as it is after all schema changes.
    pub target: TargetTable,
    /// The table of the source, for the checkpoint.
    pub table: TableName,
    /// Where rows go.
    pub into: LoadInto,
    /// No key of what comes is in the destination yet or comes twice: rows can be inserted without looking.
    pub distinct: bool,
}

/// A row in quarantine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuarantinedRow {
    /// Unique within the destination.
    pub id: String,
    /// The table of the source.
    pub table: TableName,
    /// The run that rejected it.
    pub run: String,
    /// When, as RFC 3339 text in UTC.
    pub at: String,
    /// The row and the reason.
    pub rejected: RejectedRow,
}

/// A configured destination.
#[async_trait]
pub trait Destination: Send + Sync {
    /// What it can do and hold.
    fn capabilities(&self) -> DestinationCapabilities;

    /// As which type a logical type lands.
    fn landing(&self, logical: &LogicalType) -> Landing;

    /// The statements (or file operations, in words) that a schema change means. Pure; touches nothing.
    fn ddl(&self, change: &SchemaChange) -> Vec<String>;

    /// A column with its type as the destination writes it, for people who compare shapes. Pure; touches nothing.
    fn column_text(&self, column: &Column) -> String {
        format!("{} {}", column.name, column.logical)
    }

    /// Tries everything a run needs, step by step, and tells each step as it ends. A failed step ends the test.
    /// Leaves nothing behind.
    async fn check(&self, steps: &dyn StepSink);

    /// The columns (types as [`landing`](Destination::landing) names them) of tables as they really are, kept and
    /// foreign columns included; `None` for a table that is not there.
    ///
    /// # Errors
    /// When the destination cannot be asked.
    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>>;

    /// The stored checkpoints of a connection, without opening a session. Empty when there are none yet.
    ///
    /// # Errors
    /// When the destination cannot be asked.
    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>>;

    /// Raises the fence and begins a session. Creates the system tables when they are missing.
    ///
    /// # Errors
    /// `Locked` naming the holder; `Permission`; whatever keeps it from being reached.
    async fn open(&self, opening: &Opening) -> Result<Opened>;

    /// How many rows a table has, as a reader counts them: without softly deleted ones; in history only current ones.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    async fn count(&self, target: &TargetTable) -> Result<u64>;

    /// Reads the rows that [`count`](Destination::count) counts back, as `Rows` batches with exactly `columns`.
    ///
    /// # Errors
    /// `NotFound` when it is not there.
    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()>;

    /// Up to `limit` quarantined rows of a connection (of one table, or of all), oldest first.
    ///
    /// # Errors
    /// When the destination cannot be asked. No quarantine table means no rows.
    async fn quarantined(
        &self,
        connection: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>>;
}

/// A run's right to write, until a newer session raises the fence.
#[async_trait]
pub trait DestinationSession: Send + Sync {
    /// Applies one schema change. Repeating it is harmless.
    ///
    /// # Errors
    /// `Fenced`; `Permission`; `Conflict` when existing values do not fit.
    async fn apply(&self, change: &SchemaChange) -> Result<()>;

    /// Begins a new plan: stores its position and, for [`LoadInto::Beside`], makes an empty copy to build in (dropping
    /// an unfinished one), in one atomic step.
    ///
    /// # Errors
    /// As for [`Loader::commit`].
    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable>;

    /// A loader for one table. Several may be open at once, also for the same table, up to
    /// [`DestinationCapabilities::parallel_loaders`]; the engine never commits two of one table at the same time.
    ///
    /// # Errors
    /// When it cannot be made.
    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>>;

    /// Ends the session and releases files and connections. Uncommitted segments are dropped.
    async fn close(&self);
}

/// Loads the segments of one table, one after the other.
#[async_trait]
pub trait Loader: Send {
    /// Takes one batch of the segment.
    ///
    /// # Errors
    /// Any; the segment is then lost and the loader must be discarded.
    async fn write(&mut self, batch: ChangeBatch) -> Result<()>;

    /// Makes everything written since the last commit durable, with its checkpoint. The loader then takes the next
    /// segment.
    ///
    /// # Errors
    /// `Fenced`, `Conflict` (wrong ordinal), `Mismatch` (counts), `DiskFull`, `ConnectionLost` (it may or may not have
    /// happened: reopen and look), … The loader must be discarded.
    async fn commit(&mut self, commit: &Commit) -> Result<Durable>;
}
