//! What a comparison says.

use serde::{Deserialize, Serialize};
use syncline_protocol::{TableName, TargetName};

/// What a comparison of both sides of a table found.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The table of the source.
    pub table: TableName,
    /// The table of the destination.
    pub target: TargetName,
    /// When the comparison began, RFC 3339 in UTC.
    pub at: String,
    /// Rows of the source that fit the destination.
    pub source_rows: u64,
    /// Rows of the destination, as a reader counts them.
    pub destination_rows: u64,
    /// Rows that are the same on both sides.
    pub matching: u64,
    /// Rows that should be in the destination and are not.
    pub missing: u64,
    /// Rows that are in both with other values.
    pub different: u64,
    /// Rows that are only in the destination, though the connection notices deletes.
    pub extra: u64,
    /// Differences that are as they should be.
    pub expected: Vec<ExpectedGap>,
    /// Some of the rows that are missing, different or extra.
    pub examples: Vec<DifferingRow>,
    /// Rows that lie among differing ones and were not looked at one by one, because there are too many.
    pub unchecked: u64,
    /// The updated-at column that tells what is not synced yet; none when the table has none.
    pub cursor: Option<String>,
    /// Whether rows that are missing or different can be read again.
    pub rereadable: bool,
}

/// Rows, or columns, that rightly differ.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExpectedGap {
    /// Why.
    pub reason: GapReason,
    /// How many rows; of columns that are left out, how many columns.
    pub count: u64,
}

/// Why something rightly differs.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GapReason {
    /// Rows that came into the source since the last sync.
    NotSynced,
    /// Rows that changed in the source since the last sync.
    Outdated,
    /// Rows that are gone in the source; the connection does not notice deletes.
    DeletesNotTracked,
    /// Rows that do not fit the destination and are kept aside.
    Rejected,
    /// Rows of the source whose key occurred already; one row per key is kept.
    SameKeyAgain,
    /// Earlier versions of rows, which this mode keeps.
    OlderVersions,
    /// Columns of the source that the connection leaves out.
    ColumnsLeftOut,
}

/// A row that differs.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DifferingRow {
    /// How.
    pub state: RowState,
    /// Its key in words: `id = 7`.
    pub key: String,
}

/// How a row differs.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowState {
    /// Not in the destination.
    Missing,
    /// In both with other values.
    Different,
}

impl Comparison {
    /// Rows that differ and should not.
    pub fn problems(&self) -> u64 {
        self.missing + self.different + self.extra
    }
}
