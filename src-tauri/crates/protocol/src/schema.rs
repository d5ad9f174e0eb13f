//! What a source offers: tables, their columns, keys and sizes.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::name::TableName;
use crate::types::LogicalType;

/// A column, of a source or of a destination.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name in the system it belongs to.
    pub name: String,
    /// What its values mean.
    #[serde(rename = "type")]
    pub logical: LogicalType,
    /// Whether null is possible.
    #[serde(default = "yes")]
    pub nullable: bool,
    /// The type in the words of the system (`numeric(10,2)`, `mood`), for people and for exact round trips.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native_type: Option<String>,
}

fn yes() -> bool {
    true
}

impl Column {
    /// A column that can be null.
    pub fn new(name: impl Into<String>, logical: LogicalType) -> Self {
        Column { name: name.into(), logical, nullable: true, native_type: None }
    }

    /// The same column without nulls.
    #[must_use]
    pub fn required(mut self) -> Self {
        self.nullable = false;
        self
    }

    /// The same column, with its type in the words of the system.
    #[must_use]
    pub fn native(mut self, native_type: impl Into<String>) -> Self {
        self.native_type = Some(native_type.into());
        self
    }
}

/// The Arrow schema of a list of columns, in their order, with logical types as metadata.
pub fn arrow_schema(columns: &[Column]) -> SchemaRef {
    Arc::new(Schema::new(
        columns
            .iter()
            .map(|column| column.logical.to_field(&column.name, column.nullable))
            .collect::<Vec<_>>(),
    ))
}

/// The shape of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableSchema {
    /// Its name.
    pub table: TableName,
    /// Its columns, in the order of the source.
    pub columns: Vec<Column>,
    /// The names of the columns that identify a row (a primary key, or a unique key without nulls). May be empty.
    #[serde(default)]
    pub key: Vec<String>,
}

impl TableSchema {
    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

/// What kind of thing a table is.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableKind {
    /// Stored rows.
    Table,
    /// A query with a name.
    View,
    /// A stored query result.
    MaterializedView,
    /// A table whose rows lie in other tables.
    Partitioned,
    /// Rows that another server keeps.
    Foreign,
    /// One or more files of the same shape.
    Files,
    /// Answers of an API. They can hold fields that no description of it names.
    Api,
}

/// A column that tells which rows are new or changed, with the reason why it is proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorCandidate {
    /// Name of the column.
    pub column: String,
    /// Why ("timestamp, no nulls, named like an update time"). The best candidate comes first.
    pub reason: String,
}

/// Where the rows of a table come from that holds what another one keeps in a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElementsOf {
    /// The table whose rows have the field.
    pub table: TableName,
    /// The field, as a person writes it.
    pub field: String,
}

/// A table as discovery found it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableInfo {
    /// Name, columns and key.
    #[serde(flatten)]
    pub schema: TableSchema,
    /// What it is.
    pub kind: TableKind,
    /// About how many rows it has; none when the system does not know.
    pub rows_estimate: Option<u64>,
    /// About how many bytes it takes in the source.
    pub bytes_estimate: Option<u64>,
    /// Columns that could serve as the updated-at column, best first.
    #[serde(default)]
    pub cursors: Vec<CursorCandidate>,
    /// Why it cannot be read, when it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// The description that the source keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Set when the rows are the elements of a field of another table. Its key begins with that of the other table, and
    /// reading it tells the rows of a parent anew with each parent ([`BatchKind::Parents`](crate::BatchKind::Parents)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elements_of: Option<ElementsOf>,
}

/// Everything discovery found, sorted by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    /// The tables.
    pub tables: Vec<TableInfo>,
}

impl Catalog {
    /// The table called `name`.
    pub fn table(&self, name: &TableName) -> Option<&TableInfo> {
        self.tables.iter().find(|info| info.schema.table == *name)
    }
}
