//! JSON records to Arrow, and what to do with those that do not fit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use syncline_manifest::records::{RawRecords, parse_record};
use syncline_protocol::{
    BatchKind, Change, ChangeBatch, Column, LogicalType, RejectedRow, Result, TableName, TableRead,
    TableSchema,
};

use crate::json_schema as columns;
use crate::json_straight::{Place, Straight, string, unsigned};
use crate::rows::{ColumnBuilder, RowBuffer};

/// What has been said about the shape of tables: the table, the column, and the type that its values did not fit
/// (empty for a column nobody knew). What an earlier session said is no news: the answer was to go on without it.
#[derive(Clone, Default)]
pub(crate) struct Told {
    all: Arc<Mutex<HashSet<(TableName, String, String)>>>,
    settled: Arc<HashSet<(TableName, String, String)>>,
}

impl Told {
    /// For a new session: everything that was said so far is settled.
    pub(crate) fn settle(&self) -> Told {
        let settled = self.all.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Told { all: Arc::clone(&self.all), settled: Arc::new(settled) }
    }

    fn is_news(&self, table: &TableName, column: &str, logical: &str) -> bool {
        let difference = (table.clone(), column.to_owned(), logical.to_owned());
        if self.settled.contains(&difference) {
            return false;
        }
        self.all.lock().unwrap_or_else(PoisonError::into_inner).insert(difference);
        true
    }
}

/// Turns the records of one table into batches.
pub(crate) struct Writer<'a> {
    read: &'a TableRead,
    /// Fields that discovery knows, wanted or not.
    known: HashSet<String>,
    /// None: what does not fit is rejected and new fields are left out (previews).
    told: Option<Told>,
    buffer: RowBuffer,
    straight: Straight,
    rows: usize,
    /// The fields of the last record in their order, and the column of each: records mostly look alike.
    layout: Vec<(String, Option<usize>)>,
    /// Columns that are news, with the type that holds what was seen.
    news: BTreeMap<String, LogicalType>,
    text: String,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(read: &'a TableRead, known: HashSet<String>, told: Option<Told>) -> Result<Writer<'a>> {
        let mut places: HashMap<String, Place> =
            known.iter().map(|name| (name.clone(), Place::Nowhere)).collect();
        let settled = told.iter().flat_map(|told| told.settled.iter());
        let ignored = settled.filter(|(table, _, logical)| *table == read.table && logical.is_empty());
        places.extend(ignored.map(|(_, name, _)| (name.clone(), Place::Nowhere)));
        let columns = read.columns.iter().enumerate();
        places.extend(columns.map(|(at, column)| (column.name.clone(), Place::Column(at))));
        let others = if told.is_some() { Place::News } else { Place::Nowhere };
        Ok(Writer {
            buffer: RowBuffer::new(&read.columns)?,
            straight: Straight::new(places, others, read.columns.len()),
            read,
            known,
            told,
            rows: 0,
            layout: Vec::new(),
            news: BTreeMap::new(),
            text: String::new(),
        })
    }

    /// Rows that wait to be handed on.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Takes records; gives what can be handed on.
    ///
    /// # Errors
    /// `Internal`, when a batch cannot be built.
    pub(crate) fn take(&mut self, records: &[Value]) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for record in records {
            if let Some(rejected) = self.record(record) {
                changes.push(Change::Rejected(rejected));
            }
            if self.buffer.is_full() {
                changes.extend(self.finish()?);
            }
        }
        Ok(changes)
    }

    /// Takes records as text; gives what can be handed on.
    ///
    /// # Errors
    /// `CorruptInput`, when one is no JSON; `Internal`, when a batch cannot be built.
    pub(super) fn take_raw(&mut self, records: &RawRecords) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for record in records.texts() {
            if self.straight.put(record, &mut self.buffer) {
                self.rows += 1;
            } else if let Some(rejected) = self.record(&parse_record(record)?) {
                changes.push(Change::Rejected(rejected));
            }
            if self.buffer.is_full() {
                changes.extend(self.finish()?);
            }
        }
        Ok(changes)
    }

    /// The rows so far as a batch.
    ///
    /// # Errors
    /// `Internal`, when the batch cannot be built.
    pub(crate) fn finish(&mut self) -> Result<Option<Change>> {
        self.rows = 0;
        let rows = self.buffer.finish()?;
        Ok(rows.map(|rows| Change::Batch(ChangeBatch { kind: BatchKind::Rows, rows })))
    }

    /// The shape that holds all that was seen, when that is news.
    pub(crate) fn news(&self) -> Option<TableSchema> {
        if self.news.is_empty() {
            return None;
        }
        let mut columns = self.read.columns.clone();
        for (name, logical) in &self.news {
            match columns.iter_mut().find(|column| column.name == *name) {
                Some(column) => column.logical = column.logical.widen(logical),
                None => columns.push(Column::new(name, logical.clone())),
            }
        }
        Some(TableSchema { table: self.read.table.clone(), columns, key: self.read.key.clone() })
    }

    /// Adds one record; gives it back when it does not fit.
    fn record(&mut self, record: &Value) -> Option<RejectedRow> {
        let Some(fields) = record.as_object() else {
            return Some(rejected(record, None, "The API gave a value that is no object."));
        };
        let same = fields.len() == self.layout.len()
            && fields.keys().zip(&self.layout).all(|(name, (known, _))| name == known);
        if !same {
            let place = |name: &String| self.read.columns.iter().position(|column| column.name == *name);
            self.layout = fields.keys().map(|name| (name.clone(), place(name))).collect();
        }
        let mut values: Vec<Option<&Value>> = vec![None; self.read.columns.len()];
        for ((name, place), value) in self.layout.iter().zip(fields.values()) {
            match place {
                Some(at) => values[*at] = Some(value),
                None if self.known.contains(name) => {}
                None => {
                    if let (Some(told), Some(logical)) = (&self.told, columns::of_value(value))
                        && (self.news.contains_key(name) || told.is_news(&self.read.table, name, ""))
                    {
                        widen(&mut self.news, name, logical);
                    }
                }
            }
        }
        for (at, value) in values.into_iter().enumerate() {
            let value = value.filter(|value| !value.is_null());
            let fits = match value {
                Some(value) => put(self.buffer.column(at), value, &mut self.text),
                None => {
                    let nullable = self.buffer.nullable(at);
                    if nullable {
                        self.buffer.column(at).null();
                    }
                    nullable
                }
            };
            if !fits {
                self.buffer.discard();
                return self.misfit(at, value, record);
            }
        }
        self.buffer.keep();
        self.rows += 1;
        None
    }

    fn misfit(&mut self, at: usize, value: Option<&Value>, record: &Value) -> Option<RejectedRow> {
        let column = &self.read.columns[at];
        let logical = column.logical.to_string();
        if let (Some(told), Some(found)) = (&self.told, value.and_then(columns::of_value))
            && column.logical != LogicalType::Text
            && (self.news.contains_key(&column.name)
                || told.is_news(&self.read.table, &column.name, &logical))
        {
            widen(&mut self.news, &column.name, column.logical.widen(&found));
            return None;
        }
        let reason = match value {
            None => format!("`{}` has no value, and it must have one.", column.name),
            Some(value) => {
                let shown: String = value.to_string().chars().take(80).collect();
                format!("`{shown}` in `{}` is not of type {logical}.", column.name)
            }
        };
        Some(rejected(record, Some(&column.name), &reason))
    }
}

fn widen(news: &mut BTreeMap<String, LogicalType>, name: &str, logical: LogicalType) {
    match news.get_mut(name) {
        Some(known) => *known = known.widen(&logical),
        None => drop(news.insert(name.to_owned(), logical)),
    }
}

fn rejected(record: &Value, column: Option<&str>, reason: &str) -> RejectedRow {
    let text = |value: &Value| match value {
        Value::Null | Value::String(_) => value.clone(),
        other => other.to_string().into(),
    };
    let row = match record {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        other => serde_json::Map::from_iter([("_line".to_owned(), other.to_string().into())]),
    };
    RejectedRow { column: column.map(str::to_owned), reason: reason.to_owned(), row: Value::Object(row) }
}

/// Adds a value that is not null; returns whether it fits.
fn put(builder: &mut ColumnBuilder, value: &Value, text: &mut String) -> bool {
    if matches!(builder, ColumnBuilder::Json(_)) {
        return builder.valid_json(written(value, text));
    }
    match value {
        Value::String(text) => string(builder, text),
        Value::Bool(value) => builder.boolean(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => builder.int(value),
            (None, Some(value)) => unsigned(builder, value),
            _ => number.as_f64().is_some_and(|value| builder.float(value)),
        },
        Value::Array(_) | Value::Object(_) => {
            matches!(builder, ColumnBuilder::Text(_)) && builder.text(written(value, text))
        }
        Value::Null => false,
    }
}

fn written<'t>(value: &Value, text: &'t mut String) -> &'t str {
    let mut bytes = std::mem::take(text).into_bytes();
    bytes.clear();
    // Writing JSON into memory cannot fail, and gives text.
    let _ = serde_json::to_writer(&mut bytes, value);
    *text = String::from_utf8(bytes).unwrap_or_default();
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use syncline_protocol::ReadMode;

    fn read() -> TableRead {
        let columns = [
            ("id", LogicalType::Int64),
            ("name", LogicalType::Text),
            ("on", LogicalType::Boolean),
            ("price", LogicalType::Float64),
            ("big", LogicalType::Numeric),
            ("day", LogicalType::Date),
            ("at", LogicalType::TimestampTz),
            ("tags", LogicalType::Json),
        ];
        TableRead {
            table: TableName::bare("people"),
            columns: columns.into_iter().map(|(name, logical)| Column::new(name, logical)).collect(),
            key: vec!["id".to_owned()],
            mode: ReadMode::Full,
            key_list: false,
        }
    }

    /// What comes of records: rows, rejected rows, news.
    fn taken(text: &str, told: Option<Told>, raw: bool) -> String {
        let read = read();
        let known = HashSet::from(["unwanted".to_owned()]);
        let mut writer = Writer::new(&read, known, told).unwrap();
        let mut changes = if raw {
            let records = RawRecords::list(&text.as_bytes().to_vec().into()).unwrap();
            writer.take_raw(&records).unwrap()
        } else {
            let mut records: Vec<Value> = serde_json::from_str(text).unwrap();
            records.retain(|record| record != &json!({}));
            writer.take(&records).unwrap()
        };
        changes.extend(writer.finish().unwrap());
        format!("{changes:?} {:?} {}", writer.news(), writer.rows())
    }

    /// Records that fit, and records of every kind that does not.
    const RECORDS: &[&str] = &[
        r#"{"id": 1, "name": "Ä\u00e9\n\"", "on": true, "price": 1.5, "big": 18446744073709551615, "day": "2024-02-29",
            "at": "2024-02-29T23:59:59.25+02:00", "tags": [1, 2.50, 1e3, "x", null, {"a": {}, "b": []}], "unwanted": 5}"#,
        r#"{"name": 5, "id": 2.0, "on": 1, "price": 3, "big": "12.30", "tags": "text"}"#,
        r#"{"id": null, "name": null, "tags": null, "news": null}"#,
        r#"{"id": 3, "name": {"deep": [ 1, {"x" : "y"} ]}, "tags": {"k": "v", "k2": -0.0}}"#,
        r#"{"id": 4, "name": ["a", "b"], "price": 12345678901234567890}"#,
        r#"{"id": 5, "id": 6, "name": "twice"}"#,
        r#"{"id": "7"}"#,
        r#"{"id": 8, "day": "2024-02-30"}"#,
        r#"{"id": 9, "on": "true"}"#,
        r#"{"id": 10, "price": [1]}"#,
        r#"{"id": 11, "news": {"a": 1}}"#,
        r#"{"id": 12, "news": 1.5, "tags": [[[]]]}"#,
        r#"{"id": 13, "name": true, "big": 1.25, "at": "yesterday"}"#,
        r#"{"unwanted": {"a": [1]}, "id": 14}"#,
    ];

    #[test]
    fn text_and_values_come_to_the_same() {
        let all = format!("[{}]", RECORDS.join(","));
        let alone = RECORDS.iter().map(|record| format!("[{record}]"));
        for text in alone.chain([all]) {
            for told in [None, Some(Told::default())] {
                let fresh = || told.as_ref().map(|_| Told::default());
                assert_eq!(taken(&text, fresh(), true), taken(&text, fresh(), false), "{text}");
            }
        }
    }

    #[test]
    fn what_fits_goes_straight_into_columns() {
        let read = read();
        let places = read.columns.iter().enumerate();
        let places = places.map(|(at, column)| (column.name.clone(), Place::Column(at))).collect();
        let mut straight = Straight::new(places, Place::News, read.columns.len());
        let mut buffer = RowBuffer::new(&read.columns).unwrap();
        let fits: Vec<bool> =
            RECORDS[..4].iter().map(|record| straight.put(record.as_bytes(), &mut buffer)).collect();
        assert_eq!(fits, [false, true, true, true], "the first has a field that nobody knows here");
        assert_eq!(buffer.finish().unwrap().unwrap().num_rows(), 3);
    }

    #[test]
    fn what_was_settled_is_passed_over() {
        let told = Told::default();
        let text = r#"[{"id": 1, "news": 5}]"#;
        assert!(taken(text, Some(told.clone()), true).contains("news"));
        let after = taken(text, Some(told.settle()), true);
        assert!(after.ends_with("None 0") && after.contains("row_count: 1"), "{after}");
    }
}
