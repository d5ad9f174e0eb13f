//! The project files, as types. Each file is one of these as YAML; the JSON Schemas in `schemas/` come from them.
//!
//! Keys are written in the order of the fields and maps in the order they were read, so that files diff well.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{Deletes, LogicalType, TableName};

/// `project.yaml`: what belongs to the whole project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProjectConfig {
    /// The name people see.
    pub name: String,
    /// Names the project in destinations, where the position of each of its connections is stored under
    /// `id/connection`. Made by `syncline init`; changing it makes every connection begin anew.
    pub id: String,
    /// Mixed into hashed columns, so that codes of two projects cannot be compared. Made by `syncline init`;
    /// changing it changes every hashed value.
    pub salt: String,
}

/// `sources/NAME.yaml` and `destinations/NAME.yaml`: one configured system.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemConfig {
    /// The connector, for example `postgres`. Of a connector that the project keeps in several versions, one of them:
    /// `shop@2`. Without a version: the newest.
    pub connector: String,
    /// Its settings; `syncline schema CONNECTOR` prints what is possible. Secrets only as `${secret:NAME}` or
    /// `${env:NAME}`.
    #[serde(default)]
    pub config: Value,
}

/// `connections/NAME.yaml`: one source into one destination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectionConfig {
    /// The name of a file in `sources/`.
    pub source: String,
    /// The version of the source's connector for this connection alone, when it should differ from the one that the
    /// source names: an upgrade can go to some connections first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_version: Option<String>,
    /// The name of a file in `destinations/`.
    pub destination: String,
    /// The schema in the destination for all tables. Without it: the namespace of the source table, or the default
    /// schema of the destination when the source has no namespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// How names of tables and columns are written in the destination.
    #[serde(default, skip_serializing_if = "is_default")]
    pub names: NameStyle,
    /// What happens when the source changes its shape.
    #[serde(default, skip_serializing_if = "is_default")]
    pub drift: DriftPolicy,
    /// A table fails when more of its rows than this are rejected in one run. Default 1,000.
    #[serde(default = "rejected_rows_max", skip_serializing_if = "is_rejected_rows_max")]
    pub rejected_rows_max: u64,
    /// The tables, in the order they should be synced.
    pub tables: Vec<TableConfig>,
}

/// One table of a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TableConfig {
    /// Its name in the source.
    pub name: TableName,
    /// Its name in the destination, when it should differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// How rows are kept. Default `merge` when the table has a key or is read incrementally, else `replace`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// What a merge does with rows that the source deleted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub deletes: Deletes,
    /// The updated-at column: after the first sync only rows with a newer value are read. Without it every sync reads
    /// everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// How many seconds before the last cursor value the next read begins, for transactions that commit late. Default 0.
    /// Only for merge and history: it reads rows again, which those modes notice.
    #[serde(default, skip_serializing_if = "is_default")]
    pub look_back_seconds: u64,
    /// Whether each sync also compares the complete list of keys, to notice deleted rows.
    #[serde(default, skip_serializing_if = "is_default")]
    pub detect_deletes: bool,
    /// The columns that identify a row, when the source has no key or another one is wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub key: Vec<String>,
    /// Only these columns (and the key). Empty means all, also those that appear later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// What is special about single columns, by source name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub column_rules: BTreeMap<String, ColumnRule>,
}

/// What is special about a column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// Leave it out.
    #[serde(default, skip_serializing_if = "is_default")]
    pub exclude: bool,
    /// Replace values by a code: equal values get equal codes within the project, nobody can read them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub hash: bool,
    /// Its name in the destination.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its type in the destination, when another one is wanted. Values that do not fit go to quarantine.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub logical: Option<LogicalType>,
}

/// How rows are kept, see the write modes in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One row per key, the latest version.
    Merge,
    /// Every change is a row.
    Append,
    /// A full copy, swapped in.
    Replace,
    /// One row per version.
    History,
}

/// How names are written in the destination.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameStyle {
    /// `OrderID` becomes `order_id`.
    #[default]
    SnakeCase,
    /// As in the source.
    Preserve,
}

/// What happens when the source changes its shape. A narrowed type, a changed key or a lost cursor always asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DriftPolicy {
    /// A new column. Default `apply`: it is added, and filled from now on.
    #[serde(default = "DriftChoice::apply", skip_serializing_if = "DriftChoice::is_apply")]
    pub new_column: DriftChoice,
    /// A column whose type became wider. Default `apply`.
    #[serde(default = "DriftChoice::apply", skip_serializing_if = "DriftChoice::is_apply")]
    pub widened_type: DriftChoice,
    /// A column that is gone. Default `apply`: it stays in the destination and is null from now on.
    #[serde(default = "DriftChoice::apply", skip_serializing_if = "DriftChoice::is_apply")]
    pub dropped_column: DriftChoice,
    /// A table that is new in the source. Default `ask`: it is announced, never copied in silence.
    #[serde(default, skip_serializing_if = "is_default")]
    pub new_table: DriftChoice,
}

impl Default for DriftPolicy {
    fn default() -> Self {
        DriftPolicy {
            new_column: DriftChoice::Apply,
            widened_type: DriftChoice::Apply,
            dropped_column: DriftChoice::Apply,
            new_table: DriftChoice::Ask,
        }
    }
}

/// What to do about one kind of drift.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DriftChoice {
    /// Follow it.
    Apply,
    /// Stop this table (or, for a new table, only announce it) until a person decides.
    #[default]
    Ask,
    /// Go on as before.
    Ignore,
}

impl DriftChoice {
    fn apply() -> Self {
        DriftChoice::Apply
    }
    #[allow(clippy::trivially_copy_pass_by_ref)] // the shape serde asks for
    fn is_apply(&self) -> bool {
        *self == DriftChoice::Apply
    }
}

const REJECTED_ROWS_MAX: u64 = 1000;

fn rejected_rows_max() -> u64 {
    REJECTED_ROWS_MAX
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the shape serde asks for
fn is_rejected_rows_max(value: &u64) -> bool {
    *value == REJECTED_ROWS_MAX
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
