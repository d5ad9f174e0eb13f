use serde::{Deserialize, Serialize};
use ts_rs::TS;

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
    /// Since when the version is bad for it.
    pub bad_since: Option<String>,
    /// What the version did, in one sentence.
    pub bad_because: Option<String>,
    /// The other version that last worked for it.
    pub worked: Option<String>,
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
    /// Only these connections; empty means all sources that use it.
    pub only: Vec<String>,
}

/// A source or connection that is on another version now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct VersionChanged {
    /// The source or connection.
    pub name: String,
    /// Its version now.
    pub version: String,
}
