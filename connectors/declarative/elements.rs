//! What a field of a table holds, as rows of a table of its own: `orders.line_items` becomes `orders__line_items`.
//!
//! Such a table reads its parent's records by itself, as far as the parent is read: whole, or by what changed. The key
//! of a row is that of its parent and its place in the field, so that it stays the same from run to run; a parent that
//! comes again tells all its elements anew, and those that it no longer has go.

use std::collections::HashSet;

use serde_json::{Map, Value};
use syncline_manifest::records::{RawRecords, parse_record};
use syncline_manifest::stream::Stream;
use syncline_protocol::{
    BatchKind, Change, ChangeBatch, Column, Error, ErrorKind, LogicalType, RejectedRow, Result, TableRead,
    TableSchema,
};

use crate::json_rows::{Told, Writer};
use crate::json_schema;

/// The last column of the key: the place of the element in its field, from 0.
const POSITION: &str = "_position";
/// Where elements go that are no objects.
const VALUE: &str = "_value";
/// What the columns of the parent begin with.
const PARENT: &str = "_parent_";

/// A field whose elements are a table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Elements {
    /// The table that has the field.
    pub(super) parent: String,
    /// The steps to the field.
    path: Vec<String>,
    /// Fields of the parent that come along: its key, then its cursor.
    fields: Vec<String>,
    /// How many of them are the key.
    width: usize,
}

impl Elements {
    /// What a person names as `table.field`, or `table.object.field`.
    ///
    /// # Errors
    /// `Config`, when there is no such table.
    pub(super) fn named<'t>(entry: &str, tables: impl Iterator<Item = &'t str> + Clone) -> Result<Elements> {
        let field = |table: &str| entry.strip_prefix(table)?.strip_prefix('.');
        // A table may have a dot in its name: the longest one that fits is meant.
        let parent = tables.clone().filter(|table| field(table).is_some()).max_by_key(|table| table.len());
        let path: Vec<String> =
            parent.and_then(field).unwrap_or_default().split('.').map(str::to_owned).collect();
        match parent {
            Some(parent) if path.iter().all(|step| !step.is_empty()) => {
                Ok(Elements { parent: parent.to_owned(), path, fields: Vec::new(), width: 0 })
            }
            _ => {
                let known: Vec<&str> = tables.collect();
                let message =
                    format!("`unnest` names `{entry}`, which is no field of a table of this source.");
                Err(Error::new(ErrorKind::Config, message)
                    .fix("Write it as `table.field`, for example `orders.line_items`.")
                    .fix(format!("Use one of these tables: {}.", known.join(", "))))
            }
        }
    }

    /// The same, once the stream of the parent is known.
    #[must_use]
    pub(super) fn of(mut self, stream: &Stream) -> Elements {
        let key = super::session::key(stream);
        self.width = key.len();
        let cursor = stream.cursor_field.iter().filter(|cursor| !key.contains(cursor));
        self.fields = key.iter().chain(cursor).cloned().collect();
        self
    }

    /// The name of the table.
    pub(super) fn table(&self) -> String {
        format!("{}__{}", self.parent, self.path.join("__"))
    }

    /// The field, as a person writes it.
    pub(super) fn field(&self) -> String {
        self.path.join(".")
    }

    /// The key: that of the parent, and the place.
    pub(super) fn key(&self) -> Vec<String> {
        if self.width == 0 {
            return Vec::new();
        }
        self.parent_key().chain([POSITION.to_owned()]).collect()
    }

    fn parent_key(&self) -> impl Iterator<Item = String> {
        self.fields.iter().take(self.width).map(|field| parent_column(field))
    }

    /// The columns, given the schema of the parent's records and the columns made of it.
    ///
    /// # Errors
    /// `Unsupported`, when this cannot be a table.
    pub(super) fn columns(&self, schema: &Value, parent: &[Column]) -> Result<Vec<Column>> {
        let no = |why: String| Error::new(ErrorKind::Unsupported, why);
        if self.width == 0 {
            return Err(no(format!(
                "`{}` has no key (`primary_key` of the manifest), so that its elements cannot be told apart",
                self.parent
            )));
        }
        let mut columns = Vec::new();
        for (at, field) in self.fields.iter().enumerate() {
            let known = parent.iter().find(|column| column.name == *field);
            let logical = known.map_or(LogicalType::Text, |column| column.logical.clone());
            let column = Column::new(parent_column(field), logical);
            columns.push(if at < self.width { column.required() } else { column });
        }
        columns.push(Column::new(POSITION, LogicalType::Int64).required());
        for column in json_schema::elements(schema, &self.path, VALUE).map_err(no)? {
            if columns.iter().any(|own| own.name == column.name) {
                return Err(no(format!("its elements have a field `{}` themselves", column.name)));
            }
            columns.push(column);
        }
        Ok(columns)
    }

    /// What a record of the parent says of itself: its key, and all that comes along where that is more.
    fn parent_of(&self, fields: &Map<String, Value>, count: usize) -> Map<String, Value> {
        let value = |field: &String| fields.get(field).cloned().unwrap_or_default();
        self.fields.iter().take(count).map(|field| (parent_column(field), value(field))).collect()
    }

    /// The elements of a record of the parent. Nothing, and null, are none; a value that is no list is one, as APIs say
    /// it that were XML once.
    ///
    /// # Errors
    /// Why the field cannot be reached.
    fn found<'r>(&self, record: &'r Map<String, Value>) -> Result<&'r [Value], String> {
        let mut fields = record;
        let (last, steps) = self.path.split_last().ok_or("there is no field")?;
        for step in steps {
            match fields.get(step) {
                None | Some(Value::Null) => return Ok(&[]),
                Some(Value::Object(inner)) => fields = inner,
                Some(_) => {
                    return Err(format!("`{}`: its `{step}` is no object with fields.", self.field()));
                }
            }
        }
        Ok(match fields.get(last) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(elements)) => elements,
            Some(one) => std::slice::from_ref(one),
        })
    }

    /// An element as a record.
    fn record(parent: &Map<String, Value>, position: usize, element: &Value) -> Result<Value, RejectedRow> {
        let mut record = parent.clone();
        record.insert(POSITION.to_owned(), position.into());
        match element {
            Value::Null => {}
            Value::Object(fields) => {
                if let Some(name) = fields.keys().find(|name| record.contains_key(*name)) {
                    let reason = format!("The element has a field `{name}` itself.");
                    return Err(whole(element, Some(name), reason));
                }
                record.extend(fields.clone());
            }
            other => drop(record.insert(VALUE.to_owned(), other.clone())),
        }
        Ok(Value::Object(record))
    }

    /// All elements of a record of the parent, as records.
    ///
    /// # Errors
    /// The record, when it cannot be taken apart.
    fn records(&self, record: &Value) -> Result<Vec<Result<Value, RejectedRow>>, RejectedRow> {
        let fields = record
            .as_object()
            .ok_or_else(|| whole(record, None, "The API gave a value that is no object.".to_owned()))?;
        let parent = self.parent_of(fields, self.fields.len());
        let elements = self.found(fields).map_err(|why| whole(record, None, why))?.iter().enumerate();
        Ok(elements.map(|(at, element)| Elements::record(&parent, at, element)).collect())
    }

    /// The first elements of some records of the parent.
    pub(super) fn first(&self, records: &[Value], count: usize) -> Vec<Result<Value, RejectedRow>> {
        let all = |record| self.records(record).unwrap_or_else(|rejected| vec![Err(rejected)]);
        records.iter().flat_map(all).take(count).collect()
    }

    /// What is to be said of the parents themselves when this is read. None where rows are not told apart by the key of
    /// the parent: then nothing of it is replaced.
    pub(super) fn parents(&self, read: &TableRead) -> Option<TableRead> {
        let key: Vec<String> = self.parent_key().collect();
        if key.is_empty() || !read.key.starts_with(&key) {
            return None;
        }
        let columns = read.key_columns().into_iter().take(self.width).collect();
        Some(TableRead { columns, key, ..read.clone() })
    }
}

/// The column that a field of the parent comes along in.
pub(super) fn parent_column(field: &str) -> String {
    format!("{PARENT}{field}")
}

/// A record that cannot become rows: it can be repaired in the source only.
fn whole(record: &Value, column: Option<&str>, reason: String) -> RejectedRow {
    let row = Map::from_iter([("_line".to_owned(), record.to_string().into())]);
    RejectedRow { column: column.map(str::to_owned), reason, row: Value::Object(row) }
}

/// Turns the records of a parent into batches of its elements, each after the parents that it tells anew.
pub(super) struct ElementWriter<'a> {
    elements: &'a Elements,
    read: &'a TableRead,
    rows: Writer<'a>,
    /// The keys of the parents.
    parents: Option<Writer<'a>>,
    /// Parents whose elements wait in the buffers. One that comes again replaces what came of it, so it waits no longer.
    waiting: HashSet<String>,
}

impl<'a> ElementWriter<'a> {
    /// `parents` is what [`Elements::parents`] says of `read`; the others are as for [`Writer::new`].
    pub(super) fn new(
        elements: &'a Elements,
        read: &'a TableRead,
        parents: Option<&'a TableRead>,
        known: HashSet<String>,
        told: Told,
    ) -> Result<ElementWriter<'a>> {
        let parents = parents.map(|parents| Writer::new(parents, HashSet::new(), Some(told.clone())));
        let rows = Writer::new(read, known, Some(told))?;
        Ok(ElementWriter { elements, read, rows, parents: parents.transpose()?, waiting: HashSet::new() })
    }

    /// Rows and parents that wait to be handed on.
    pub(super) fn rows(&self) -> usize {
        self.rows.rows() + self.parents.as_ref().map_or(0, Writer::rows)
    }

    /// Takes records of the parent; gives what can be handed on.
    ///
    /// # Errors
    /// `Internal`, when a batch cannot be built.
    pub(super) fn take(&mut self, records: &[Value]) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for record in records {
            self.record(record, &mut changes)?;
        }
        Ok(changes)
    }

    /// Takes records of the parent as text; gives what can be handed on.
    ///
    /// # Errors
    /// `CorruptInput`, when one is no JSON; `Internal`, when a batch cannot be built.
    pub(super) fn take_raw(&mut self, records: &RawRecords) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for record in records.texts() {
            self.record(&parse_record(record)?, &mut changes)?;
        }
        Ok(changes)
    }

    /// What waits: the parents, then their elements.
    ///
    /// # Errors
    /// `Internal`, when a batch cannot be built.
    pub(super) fn finish(&mut self) -> Result<Vec<Change>> {
        self.waiting.clear();
        let parents = self.parents.as_mut().map(Writer::finish).transpose()?.flatten().map(as_parents);
        Ok(parents.into_iter().chain(self.rows.finish()?).collect())
    }

    /// The shape that holds all that was seen, when that is news.
    pub(super) fn news(&self) -> Option<TableSchema> {
        let parents = self.parents.as_ref().and_then(Writer::news);
        let rows = self.rows.news();
        if rows.is_none() && parents.is_none() {
            return None;
        }
        let mut columns = rows.map_or_else(|| self.read.columns.clone(), |schema| schema.columns);
        for wider in parents.into_iter().flat_map(|schema| schema.columns) {
            if let Some(column) = columns.iter_mut().find(|column| column.name == wider.name) {
                column.logical = column.logical.widen(&wider.logical);
            }
        }
        Some(TableSchema { table: self.read.table.clone(), columns, key: self.read.key.clone() })
    }

    fn record(&mut self, record: &Value, changes: &mut Vec<Change>) -> Result<()> {
        let elements = match self.elements.records(record) {
            Ok(elements) => elements,
            Err(rejected) => {
                changes.push(Change::Rejected(rejected));
                return Ok(());
            }
        };
        let Some(mut full) = self.parent(record, changes)? else { return Ok(()) };
        let mut taken = Vec::new();
        for element in elements {
            match element {
                Ok(element) => taken.extend(self.rows.take(std::slice::from_ref(&element))?),
                Err(rejected) => taken.push(Change::Rejected(rejected)),
            }
        }
        full |= taken.iter().any(|change| matches!(change, Change::Batch(_)));
        if full {
            // The parents go first, and nothing of this one waits: it may come again.
            let parents = self.parents.as_mut().map(Writer::finish).transpose()?.flatten();
            changes.extend(parents.map(as_parents));
            changes.extend(taken);
            changes.extend(self.finish()?);
        } else {
            changes.extend(taken);
        }
        Ok(())
    }

    /// Says that the elements of this parent are told anew, and whether something was handed on for that. None: its key
    /// does not fit, so that its elements cannot be told apart.
    fn parent(&mut self, record: &Value, changes: &mut Vec<Change>) -> Result<Option<bool>> {
        let (Some(_), Some(fields)) = (&self.parents, record.as_object()) else { return Ok(Some(false)) };
        let key = self.elements.parent_of(fields, self.elements.width);
        let text = as_text(&key);
        if self.waiting.contains(&text) {
            changes.extend(self.finish()?);
        }
        let Some(parents) = &mut self.parents else { return Ok(Some(false)) };
        let mut full = false;
        for change in parents.take(&[Value::Object(key)])? {
            match change {
                Change::Rejected(rejected) => {
                    let column = rejected.column.as_deref();
                    changes.push(Change::Rejected(whole(record, column, rejected.reason)));
                    return Ok(None);
                }
                batch => {
                    full = true;
                    changes.push(as_parents(batch));
                }
            }
        }
        self.waiting.insert(text);
        Ok(Some(full))
    }
}

/// The same text for keys that land as the same values.
fn as_text(key: &Map<String, Value>) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        // A whole number may come with a point.
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or_default().to_string(),
        other => other.to_string(),
    };
    key.values().map(text).collect::<Vec<_>>().join("\u{1f}")
}

fn as_parents(change: Change) -> Change {
    match change {
        Change::Batch(batch) => Change::Batch(ChangeBatch { kind: BatchKind::Parents, ..batch }),
        other => other,
    }
}

#[cfg(test)]
mod tests;
