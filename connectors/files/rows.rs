//! Where the readers of all formats put their rows, and how differences in shape are noticed.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_protocol::{BatchKind, Column, LogicalType, RejectedRow, Result, TableName, TableRead};

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

/// What has already been said about the shape of tables. Said again, it would not be news: somebody decided against.
#[derive(Debug, Clone, Default)]
pub(super) struct Told(Arc<Mutex<HashSet<(TableName, String, String)>>>);

impl Told {
    /// Whether it is news that the values of `column` do not fit `logical` (or, with an empty text, that it exists).
    pub(super) fn is_news(&self, table: &TableName, column: &str, logical: &str) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((table.clone(), column.to_owned(), logical.to_owned()))
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
    pub(super) place: Place,
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

    /// The row is complete. `place` is what lies behind it.
    pub(super) fn keep(&mut self, place: Option<(u64, u64)>) -> Result<Outcome> {
        self.buffer.keep();
        self.count(place)
    }

    /// The row is complete, in a file that has no places to go on from.
    pub(super) fn keep_whole(&mut self) -> Result<Outcome> {
        self.buffer.keep();
        if self.buffer.is_full() {
            self.flush()?;
        }
        self.count(None)
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
        let Some(column) = self.read.columns.get(at) else { return Ok(Outcome::Ended) };
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
        self.count(None)
    }

    /// A line could not be read as a row at all.
    pub(super) fn reject_line(&mut self, line: u64, reason: &str, text: &str) -> Result<Outcome> {
        let row = Map::from_iter([("_line".to_owned(), Value::from(text))]);
        self.outlet.reject(RejectedRow {
            column: None,
            reason: format!("Line {line} of {}: {reason}.", self.file.name),
            row: Value::Object(row),
        })?;
        self.count(None)
    }

    fn count(&mut self, place: Option<(u64, u64)>) -> Result<Outcome> {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(1);
            if *left == 0 {
                return Ok(Outcome::Enough);
            }
        }
        if let Some((offset, line)) = place
            && self.buffer.is_full()
        {
            self.flush()?;
            if self.told.is_some() {
                (self.place.offset, self.place.line) = (offset, line);
                let place = serde_json::to_value(self.place).unwrap_or_default();
                self.outlet.checkpoint(place)?;
            }
        }
        Ok(Outcome::Ended)
    }

    /// Hands on what is in the buffer.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.outlet.rows(BatchKind::Rows, self.buffer.finish()?)
    }
}
