use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncline_engine::Preview;
use syncline_protocol::{SamplePick, SamplePicks, TableName};
use ts_rs::TS;

use super::tables::PersonalData;

/// Shows a sample of a table as it will land.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PreviewRequest {
    /// The connection.
    pub connection: String,
    /// The table of the source.
    pub table: TableName,
    /// How many rows to sample.
    pub rows: usize,
    /// Which ones.
    pub pick: SamplePick,
    /// What `preview.progress` and `preview.enough` call this reading by; chosen by who asks.
    pub ticket: String,
}

/// Names a sample that is being read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SampleTicket {
    /// As in the request that reads it.
    pub ticket: String,
}

/// How far a sample is that is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SampleProgress {
    /// Rows that have arrived.
    pub rows: u64,
    /// For how long it is read.
    pub millis: u64,
}

/// A sample of a table, what is behind it, and what a sync will cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SampledPreview {
    /// The sample.
    #[serde(flatten)]
    pub preview: Preview,
    /// Names the sample for `preview.profile`, until newer ones take its place.
    pub sample: String,
    /// Which other samples can be asked for.
    pub picks: SamplePicks,
    /// For each column whether its name and type speak for personal data.
    pub personal: Vec<Option<PersonalData>>,
    /// What syncs of the table cost.
    pub estimate: Estimate,
}

/// What syncs of a table cost. Nothing here was counted to the end: every figure has its basis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Estimate {
    /// A sync that reads all rows; none when nobody knows how many there are.
    pub full: Option<SyncEstimate>,
    /// Whether the next sync is such a one.
    pub next_is_full: bool,
    /// Whether later ones are, too.
    pub later_are_full: bool,
    /// Syncs that read new and changed rows; none before there were some.
    pub later: Option<SyncEstimate>,
}

/// What one sync costs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SyncEstimate {
    /// Rows that are read.
    pub rows: Span,
    /// From where that is known.
    pub rows_basis: EstimateBasis,
    /// Bytes they take in the source, as its statistics say.
    pub bytes_read: Option<u64>,
    /// How long it takes.
    pub seconds: Option<Span>,
    /// From where that is known.
    pub seconds_basis: Option<EstimateBasis>,
    /// Bytes they take in the destination before it compresses them, after the size of the sampled rows.
    pub bytes_written: Option<u64>,
}

/// From the least to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Span {
    /// The least.
    pub least: u64,
    /// The most.
    pub most: u64,
}

/// From where a figure is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum EstimateBasis {
    /// The statistics of the source.
    Statistics,
    /// The sample, which has all rows there are.
    WholeSample,
    /// Reading the sample.
    Trial {
        /// Rows of it.
        rows: u64,
        /// Rows in a second.
        per_second: u64,
    },
    /// The latest runs.
    Runs {
        /// How many.
        runs: u64,
    },
}

/// Counts what columns of a sample hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ProfileRequest {
    /// The sample.
    pub sample: String,
    /// Which columns, the most wanted first.
    pub columns: Vec<usize>,
}

/// Reads a window of a table in the destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DataRequest {
    /// The connection.
    pub connection: String,
    /// The table of the source.
    pub table: TableName,
    /// How many rows to leave out at the beginning.
    pub offset: u64,
    /// At most this many rows.
    pub limit: usize,
}

/// A column of a grid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct GridColumn {
    /// Its name.
    pub name: String,
    /// Its type, in the words of the system.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// Rows to be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct GridData {
    /// The columns.
    pub columns: Vec<GridColumn>,
    /// Values as text, ready to be shown; null is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows there are in all; none when that is not known.
    pub total: Option<u64>,
}

/// Lists rows in quarantine, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct QuarantineRequest {
    /// The connection.
    pub connection: String,
    /// At most this many.
    pub limit: usize,
}

/// A row in quarantine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct QuarantineRow {
    /// Names it.
    pub id: String,
    /// The table of the source.
    pub table: TableName,
    /// The run that rejected it.
    pub run: String,
    /// When.
    pub at: String,
    /// The column that did not fit, when it is one.
    pub column: Option<String>,
    /// The value of that column.
    pub value: Option<String>,
    /// Why it did not fit.
    pub reason: String,
    /// The whole row as compact JSON.
    pub row: String,
}

/// Loads rows from quarantine, repaired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReplayRequest {
    /// The connection.
    pub connection: String,
    /// The table of the source.
    pub table: TableName,
    /// Which rows; empty means all of the table.
    pub ids: Vec<String>,
    /// New values by source column; null means null.
    pub values: BTreeMap<String, Option<String>>,
}

/// Lets rows in quarantine go: they are not loaded, and no longer counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AcceptRequest {
    /// The connection.
    pub connection: String,
    /// The table of the source.
    pub table: TableName,
    /// Which rows.
    pub ids: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Accepted {
    /// Rows that left the quarantine.
    pub removed: u64,
}

/// Asks a destination in SQL. Only reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SqlRequest {
    /// The destination.
    pub destination: String,
    /// One query.
    pub sql: String,
    /// At most this many rows.
    pub limit: usize,
    /// How many rows to leave out at the beginning.
    #[serde(default)]
    #[ts(optional)]
    pub offset: Option<u64>,
}

/// What a query answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SqlResult {
    /// The columns.
    pub columns: Vec<GridColumn>,
    /// Values as text, ready to be shown; null is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there are more rows than were asked for.
    pub truncated: bool,
    /// How long it took.
    pub duration_ms: u64,
}

/// Names a destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DestinationRequest {
    /// Its name.
    pub destination: String,
}

/// A table that can be queried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SqlTable {
    /// Its name as it can be written in a query.
    pub table: String,
    /// Its columns.
    pub columns: Vec<GridColumn>,
}
