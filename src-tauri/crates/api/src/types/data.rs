use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncline_protocol::TableName;
use ts_rs::TS;

/// Shows a sample of a table as it will land.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PreviewRequest {
    /// The connection.
    pub connection: String,
    /// The table of the source.
    pub table: TableName,
    /// How many rows to sample.
    pub rows: usize,
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
