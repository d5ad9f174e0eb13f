//! What differs between the protocols of connectors that are programs.

use async_trait::async_trait;
use serde_json::Value;
use syncline_protocol::{
    Column, CursorCandidate, Error, ErrorKind, LogicalType, Result, TableInfo, TableKind, TableName,
    TableSchema,
};

use super::private::PrivateFiles;
use super::process::Program;
use crate::json_schema;

/// A table that a program offers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Table {
    pub(super) name: TableName,
    /// The JSON Schema of its records.
    pub(super) schema: Value,
    pub(super) key: Vec<String>,
    /// The column by which the program itself knows what is new.
    pub(super) cursor: Option<String>,
    /// Its entry in the catalog, as the program wrote it.
    pub(super) entry: Value,
}

impl Table {
    pub(super) fn info(&self) -> TableInfo {
        let mut columns = json_schema::columns(&self.schema);
        for name in self.key.iter().chain(&self.cursor) {
            if !columns.iter().any(|column| column.name == *name) {
                columns.push(Column::new(name, LogicalType::Text));
            }
        }
        let reason = "the connector asks for what changed after it".to_owned();
        let unreadable = columns.is_empty().then(|| "its schema names no columns".to_owned());
        TableInfo {
            schema: TableSchema { table: self.name.clone(), columns, key: self.key.clone() },
            kind: TableKind::Api,
            rows_estimate: None,
            bytes_estimate: None,
            cursors: self
                .cursor
                .clone()
                .map(|column| CursorCandidate { column, reason })
                .into_iter()
                .collect(),
            unreadable,
            comment: None,
            elements_of: None,
        }
    }
}

/// What a line of a program means while a table is read.
#[derive(Debug, PartialEq)]
pub(super) enum Message {
    /// A record of the table.
    Record(Value),
    /// Everything so far is covered by this state.
    State(Value),
    /// It has nothing to do with rows.
    Other,
}

/// How to read a table.
pub(super) struct Reading<'a> {
    /// The settings of the program.
    pub(super) settings: &'a Value,
    pub(super) table: &'a Table,
    pub(super) incremental: bool,
    pub(super) state: Option<&'a Value>,
}

/// A protocol.
#[async_trait]
pub(super) trait Dialect: Send + Sync {
    /// What people call such a program.
    fn title(&self) -> &'static str;

    /// Lets the program test its settings; false when the protocol has no such thing.
    async fn check(&self, program: &Program) -> Result<bool>;

    /// Asks the program for its tables.
    async fn tables(&self, program: &Program) -> Result<Vec<Table>>;

    /// The arguments that read one table; what they point to is put among `files`.
    fn read(&self, reading: &Reading<'_>, files: &mut PrivateFiles) -> Result<Vec<String>>;

    /// What a line means.
    ///
    /// # Errors
    /// What the program says that went wrong.
    fn message(&self, line: &Value, table: &Table) -> Result<Message>;
}

/// A list of texts.
pub(super) fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array);
    items.into_iter().flatten().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// What a program said that makes no sense.
pub(super) fn nonsense(what: &str) -> Error {
    Error::new(ErrorKind::CorruptInput, format!("The connector's program {what}."))
        .fix("Check that it is a program of this protocol, and its version.")
}
