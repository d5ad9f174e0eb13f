use serde::{Deserialize, Serialize};
use syncline_engine::versions::Place;
use ts_rs::TS;

use super::GridColumn;

/// A connector that the project keeps in versions side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConnectorVersions {
    /// What project files call it.
    pub connector: String,
    /// What people call it.
    pub title: String,
    /// Its versions, newest first.
    pub versions: Vec<String>,
    /// The sources that use it.
    pub sources: Vec<SourceVersion>,
}

/// Which version a source is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct SourceVersion {
    /// The source.
    pub source: String,
    /// Its version.
    pub version: String,
    /// Whether it names the version; else it follows the newest.
    pub pinned: bool,
    /// The version that a roll-back puts it on. None where there is none, and where connections of it went ahead: those
    /// go back first.
    pub back: Option<String>,
    /// Its connections.
    pub connections: Vec<ConnectionVersion>,
}

/// Which version a connection is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConnectionVersion {
    /// The connection.
    pub connection: String,
    /// The version it should run on: its own, or that of its source.
    pub version: String,
    /// Whether it names a version of its own: it goes ahead of its source, or stays behind.
    pub own: bool,
    /// The version it runs on: another one when that one is bad for it.
    pub runs_on: String,
    /// The version that a run goes on with by itself when the one it runs on fails; none when that one is proved.
    pub falls_back: Option<String>,
    /// The version that a roll-back puts it on.
    pub back: Option<String>,
    /// How each version did for it that a run has tried.
    pub marks: Vec<VersionMark>,
}

/// How a version did for a connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VersionMark {
    /// The version.
    pub version: String,
    /// When a run last succeeded on it.
    pub worked_at: Option<String>,
    /// Since when it is bad for the connection: it is not used there until somebody asks for it again.
    pub bad_since: Option<String>,
    /// What it did, in one sentence.
    pub bad_because: Option<String>,
}

/// Asks for an upgrade, or for what it would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct UpgradeRequest {
    /// The connector.
    pub connector: String,
    /// The version; null: the newest.
    pub to: Option<String>,
    /// Only these connections; empty means all sources that use it, with all their connections.
    pub only: Vec<String>,
}

/// Asks to go back to the version that last worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RollbackRequest {
    /// The connector.
    pub connector: String,
    /// Only this source, with its connections.
    #[serde(default)]
    pub source: Option<String>,
    /// Only these connections; empty means everything that uses it.
    pub only: Vec<String>,
}

/// What an upgrade or a roll-back changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VersionsMoved {
    /// What is on another version now.
    pub changed: Vec<VersionChanged>,
    /// How everything stood that was touched, so that it can be put back.
    pub before: Vec<Place>,
}

/// Takes an upgrade or a roll-back back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PutBackRequest {
    /// The connector.
    pub connector: String,
    /// How everything stood, as it was answered then.
    pub places: Vec<Place>,
}

/// A source or connection that is on another version now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VersionChanged {
    /// The source or connection.
    pub name: String,
    /// Its version now.
    pub version: String,
}

/// Asks how the last recorded run of a connection would come out on another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RehearsalRequest {
    /// The connection.
    pub connection: String,
    /// The version; null: the newest.
    pub to: Option<String>,
}

/// How the last recorded run came out on two versions. Nothing was asked of the source, nothing written to the
/// destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Rehearsal {
    /// The connection.
    pub connection: String,
    /// The connector.
    pub connector: String,
    /// The run that was recorded.
    pub run: String,
    /// The version it is on.
    pub from: String,
    /// The version that was tried.
    pub to: String,
    /// The tables of the connection, in its order.
    pub tables: Vec<RehearsedTable>,
}

/// How a table came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RehearsedTable {
    /// The table.
    pub table: String,
    /// Why it could not be read on the version of now.
    pub failed_before: Option<String>,
    /// Why it could not be read on the other one.
    pub failed_after: Option<String>,
    /// How its rows differ; none when one of the two could not be read.
    pub difference: Option<TableComparison>,
}

/// How the rows of a table differ on two versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TableComparison {
    /// Rows on the version of now.
    pub rows_before: u64,
    /// Rows on the other one.
    pub rows_after: u64,
    /// Rows that only the version of now gives, as they are.
    pub only_before: u64,
    /// Rows that only the other one gives, as they are.
    pub only_after: u64,
    /// Columns that only the version of now gives, or as another type.
    pub columns_before: Vec<GridColumn>,
    /// Columns that only the other one gives, or as another type.
    pub columns_after: Vec<GridColumn>,
    /// The columns of the examples; the first one says on which side a row is.
    pub example_columns: Vec<GridColumn>,
    /// Some rows that differ.
    pub examples: Vec<Vec<Option<String>>>,
}

impl TableComparison {
    /// Whether both versions give the same.
    pub fn is_same(&self) -> bool {
        self.only_before == 0
            && self.only_after == 0
            && self.columns_before.is_empty()
            && self.columns_after.is_empty()
    }
}
