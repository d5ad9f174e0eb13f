use serde::{Deserialize, Serialize};
use syncline_protocol::TableName;
use ts_rs::TS;

use super::Side;

/// The open project and the program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// The version of the program.
    pub version: String,
    /// Where the key of the vault lies, in words: "the keychain of this computer".
    pub secret_store: String,
    /// Whether there is nothing yet, so that the sample is offered.
    pub first_launch: bool,
}

/// Names a project to be opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OpenProjectRequest {
    /// Its folder, or its `project.yaml`.
    pub folder: String,
}

/// What a person can set for the project on this computer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Data older than this many minutes counts as late; null: nothing is ever late.
    pub fresh_within_minutes: Option<u32>,
    /// Whether time in which Syncline was not open on this computer counts, too.
    pub count_while_off: bool,
}

/// Looks for something by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SearchRequest {
    /// What was typed.
    pub text: String,
    /// At most this many answers.
    pub limit: usize,
}

/// Something with a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SearchHit {
    /// What it is, and where.
    pub what: SearchTarget,
    /// Its name.
    pub title: String,
    /// Where it belongs, in a few words.
    pub detail: String,
}

/// Where a hit leads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SearchTarget {
    /// A connection.
    Connection {
        /// Its name.
        connection: String,
    },
    /// A table of a connection.
    Table {
        /// The connection.
        connection: String,
        /// The table.
        table: TableName,
    },
    /// A column of a table of a connection.
    Column {
        /// The connection.
        connection: String,
        /// The table.
        table: TableName,
        /// The column, by its name in the source.
        column: String,
    },
    /// A source or destination.
    System {
        /// Which of the two.
        side: Side,
        /// Its name.
        name: String,
    },
    /// A run.
    Run {
        /// Its connection.
        connection: String,
        /// Its id.
        run: String,
    },
}
