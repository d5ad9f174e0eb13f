//! Where the readers of all formats put their rows, and how differences in shape are noticed.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_protocol::{BatchKind, Column, Error, LogicalType, RejectedRow, Result, TableName, TableRead};

use super::listing::FoundFile;
use crate::rows::{ColumnBuilder, RowBuffer};
use crate::stream::Outlet;

/// Column: the name of the file.
pub(super) const FILE: &str = "_file";
/// Column: the number of the line, row or record in the file, from 1.
pub(super) const LINE: &str = "_line";
/// Column: when the file was last changed.
pub(super) const MODIFIED: &str = "_modified";

/// The columns that tell where a row comes from.
pub(super) fn file_columns() -> [Column; 3] {
    [
        Column::new(FILE, LogicalType::Text).required(),
        Column::new(LINE, LogicalType::Int64).required(),
        Column::new(MODIFIED, LogicalType::TimestampTz).required(),
    ]
}

/// Names of columns as a file gives them, made unique; one that is not given is called after its place.
pub(super) fn column_names<'t>(given: impl Iterator<Item = Cow<'t, str>>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut taken = HashSet::new();
    for (at, given) in given.enumerate() {
        let given = given.trim();
        let name = if given.is_empty() { format!("column_{}", at + 1) } else { given.to_owned() };
        let mut unique = name.clone();
        let mut count = 2;
        while !taken.insert(unique.clone()) {
            unique = format!("{name}_{count}");
            count += 1;
        }
        names.push(unique);
    }
    names
}

/// A place in a file: everything before it has been read. Valid as long as the file has this size and time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Bytes of the decoded text before it.
    pub(super) offset: u64,
    /// Lines (or records) before it.
    pub(super) line: u64,
    /// Line feeds before it. Fewer than lines where a carriage return ends them.
    #[serde(default)]
    pub(super) feeds: u64,
    pub(super) size: u64,
    pub(super) modified: i64,
}

/// How reading a file ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All rows are out.
    Ended,
    /// As many rows as were wanted are out.
    Enough,
    /// The file does not have the shape of the read; it should be looked at as a whole.
    Drift,
}

/// A difference in shape: values of a column that do not fit a type, or, with an empty type, a column nobody knew.
type Difference = (TableName, String, String);

/// What has been said about the shape of tables. What an earlier session said is no news: the answer was to go on
/// without it. Within one session it stays news, since parts are read side by side and none may go on past it.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    all: Arc<Mutex<HashSet<Difference>>>,
    settled: Arc<HashSet<Difference>>,
}

impl Told {
    /// For a new session: everything that was said so far is settled.
    pub(super) fn settle(&self) -> Self {
        let settled = self.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Told { all: Arc::clone(&self.all), settled: Arc::new(settled) }
    }

    /// Whether it is news that the values of `column` do not fit `logical` (or, with an empty text, that it exists).
    /// It is taken to be said now.
    pub(super) fn is_news(&self, table: &TableName, column: &str, logical: &str) -> bool {
        let difference = (table.clone(), column.to_owned(), logical.to_owned());
        if self.settled.contains(&difference) {
            return false;
        }
        self.all.lock().unwrap_or_else(PoisonError::into_inner).insert(difference);
        true
    }
}

/// Where the value of a column comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A field of the row, by its number.
    Field(usize),
    File,
    Line,
    Modified,
    /// The file does not have the column.
    Missing,
}

/// The rows of one file on their way.
pub(super) struct Rows<'a> {
    pub(super) read: &'a TableRead,
    pub(super) file: &'a FoundFile,
    /// The columns that discovery knows; what is read may be fewer.
    pub(super) known: &'a HashSet<String>,
    /// Whether differences in shape are told; without it, what does not fit is rejected.
    pub(super) told: Option<&'a Told>,
    pub(super) outlet: &'a Outlet,
    /// How many rows are still wanted.
    pub(super) left: Option<usize>,
    pub(super) buffer: RowBuffer,
    /// Where reading began.
    pub(super) place: Place,
    /// What lies behind the present row; none in formats that have no places to go on from.
    pub(super) behind: Option<Place>,
}

impl Rows<'_> {
    /// Where each column of the read comes from in a file with these fields. `None` when the file has new columns.
    pub(super) fn bind<'f>(&self, fields: impl Iterator<Item = &'f str> + Clone) -> Option<Vec<Origin>> {
        for field in fields.clone() {
            if self.is_new(field) {
                return None;
            }
        }
        let origin = |column: &Column| match fields.clone().position(|field| field == column.name) {
            Some(at) => Origin::Field(at),
            None => Rows::origin(&column.name),
        };
        Some(self.read.columns.iter().map(origin).collect())
    }

    /// Where the value of a column comes from that is no field of the file.
    pub(super) fn origin(column: &str) -> Origin {
        match column {
            FILE => Origin::File,
            LINE => Origin::Line,
            MODIFIED => Origin::Modified,
            _ => Origin::Missing,
        }
    }

    /// Whether a field is a column that nobody knows yet.
    pub(super) fn is_new(&self, field: &str) -> bool {
        !self.known.contains(field)
            && !self.read.columns.iter().any(|column| column.name == field)
            && self.told.is_some_and(|told| told.is_news(&self.read.table, field, ""))
    }

    /// Adds the value of a column that is no field; returns whether it fits.
    pub(super) fn put_origin(&mut self, at: usize, origin: Origin, line: u64) -> bool {
        let builder = self.buffer.column(at);
        match origin {
            Origin::File => builder.text(&self.file.name),
            Origin::Line => builder.int(i64::try_from(line).unwrap_or(i64::MAX)),
            Origin::Modified => builder.micros(self.file.modified),
            Origin::Missing | Origin::Field(_) if self.buffer.nullable(at) => {
                self.buffer.column(at).null();
                true
            }
            Origin::Missing | Origin::Field(_) => false,
        }
    }

    pub(super) fn column(&mut self, at: usize) -> &mut ColumnBuilder {
        self.buffer.column(at)
    }

    /// The row is complete.
    pub(super) fn keep(&mut self) -> Result<Outcome> {
        self.buffer.keep();
        self.count()
    }

    /// The value of column `at` does not fit: the row is taken back. Drift when that is news about the column.
    pub(super) fn misfit(
        &mut self,
        at: usize,
        line: u64,
        value: &str,
        row: impl FnOnce() -> Value,
    ) -> Result<Outcome> {
        self.buffer.discard();
        let Some(column) = self.read.columns.get(at) else {
            return Err(Error::internal("A value was put into a column that is not read."));
        };
        let logical = column.logical.to_string();
        let can_widen = column.logical != LogicalType::Text;
        if can_widen && self.told.is_some_and(|told| told.is_news(&self.read.table, &column.name, &logical)) {
            return Ok(Outcome::Drift);
        }
        let shown: String = value.chars().take(80).collect();
        self.outlet.reject(RejectedRow {
            column: Some(column.name.clone()),
            reason: format!("Line {line} of {}: `{shown}` is not of type {logical}.", self.file.name),
            row: row(),
        })?;
        self.count()
    }

    /// A line could not be read as a row at all.
    pub(super) fn reject_line(&mut self, line: u64, reason: &str, text: &str) -> Result<Outcome> {
        let row = Map::from_iter([("_line".to_owned(), Value::from(text))]);
        self.outlet.reject(RejectedRow {
            column: None,
            reason: format!("Line {line} of {}: {reason}.", self.file.name),
            row: Value::Object(row),
        })?;
        self.count()
    }

    fn count(&mut self) -> Result<Outcome> {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Ok(Outcome::Enough);
            }
        }
        if self.buffer.is_full() {
            self.flush()?;
            if let (Some(place), Some(_)) = (self.behind, self.told) {
                self.outlet.checkpoint(serde_json::to_value(place).unwrap_or_default())?;
            }
        }
        Ok(Outcome::Ended)
    }

    /// Hands on what is in the buffer.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.outlet.rows(BatchKind::Rows, self.buffer.finish()?)
    }
}
