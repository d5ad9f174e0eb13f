//! Batches of the source become batches of the destination: names, types, codes, system columns; what does not fit
//! is taken out and kept for the quarantine.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringBuilder, TimestampMicrosecondArray};
use arrow::compute::{filter_record_batch, max, min};
use arrow::datatypes::{Date32Type, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use serde_json::{Map, Value};
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{
    BatchKind, ChangeBatch, Column, DestinationCapabilities, DigestHasher, Error, LogicalType, RejectedRow,
    Result,
};

use crate::convert::{convert, same_layout, texts, write_text};
use crate::mapping::{ColumnMapping, TableMapping};

/// Turns the batches of one table. Each lane has its own.
pub(crate) struct Normaliser {
    rows: BatchShape,
    keys: BatchShape,
    hashed_key: bool,
    synced_at: i64,
    salt: [u8; 32],
    limits: Limits,
    hashers: [DigestHasher; 2],
}

/// How batches of one kind look on both sides.
struct BatchShape {
    columns: Vec<ColumnMapping>,
    target: SchemaRef,
}

/// What the destination can hold.
struct Limits {
    dates: (i32, i32),
    timestamps: (i64, i64),
    infinite_times: bool,
    text_nul: bool,
}

/// A batch, ready for the loader, and what did not fit.
pub(crate) struct Normalised {
    pub(crate) batch: ChangeBatch,
    pub(crate) rejected: Vec<RejectedRow>,
}

impl Normaliser {
    /// `synced_at` in µs since 1970-01-01; `salt` is the project's.
    pub(crate) fn new(
        mapping: &TableMapping,
        capabilities: &DestinationCapabilities,
        salt: &str,
        synced_at: i64,
    ) -> Self {
        let key_columns: Vec<ColumnMapping> = mapping
            .read
            .key
            .iter()
            .filter_map(|name| mapping.columns.iter().find(|column| column.source == *name))
            .cloned()
            .collect();
        let key_target: Vec<Column> = key_columns
            .iter()
            .map(|column| Column::new(&column.target, column.landed_type.clone()))
            .collect();
        Normaliser {
            rows: BatchShape {
                columns: mapping.columns.clone(),
                target: arrow_schema(&nullable(&mapping.target.columns)),
            },
            keys: BatchShape { columns: key_columns, target: arrow_schema(&key_target) },
            hashed_key: mapping.hashed_key,
            synced_at,
            salt: *blake3::hash(salt.as_bytes()).as_bytes(),
            limits: Limits {
                dates: capabilities.date_range,
                timestamps: capabilities.timestamp_range,
                infinite_times: capabilities.infinite_times,
                text_nul: capabilities.text_nul,
            },
            hashers: [DigestHasher::with_seed(1), DigestHasher::with_seed(2)],
        }
    }

    /// # Errors
    /// `Internal` when the source broke the contract about the columns of its batches.
    pub(crate) fn normalise(&mut self, change: ChangeBatch) -> Result<Normalised> {
        let parents;
        let shape = match change.kind {
            BatchKind::Rows => &self.rows,
            BatchKind::Deletes | BatchKind::Keys => &self.keys,
            BatchKind::Parents => {
                parents = self.keys.first(change.rows.num_columns());
                &parents
            }
        };
        check_layout(shape, &change.rows)?;
        let (rows, mut rejected) = self.limits.split(shape, change.rows)?;
        if change.kind == BatchKind::Parents {
            // A parent whose key the destination cannot hold has no rows there that could be gone, and is no row itself.
            rejected.clear();
        }
        let mut columns = convert_columns(shape, &rows, &self.salt)?;
        if change.kind == BatchKind::Rows {
            let synced_at = TimestampMicrosecondArray::from_value(self.synced_at, rows.num_rows());
            columns.push(Arc::new(synced_at.with_timezone("UTC")));
            if self.hashed_key {
                columns.push(row_keys(&mut self.hashers, &rows)?);
            }
        }
        let rows = RecordBatch::try_new(Arc::clone(&shape.target), columns)?;
        Ok(Normalised { batch: ChangeBatch { kind: change.kind, rows }, rejected })
    }
}

impl BatchShape {
    /// The same with its first columns only; at least one.
    fn first(&self, count: usize) -> BatchShape {
        let count = count.clamp(1, self.columns.len().max(1));
        let fields = self.target.fields().iter().take(count).cloned().collect::<Vec<_>>();
        BatchShape {
            columns: self.columns.iter().take(count).cloned().collect(),
            target: Arc::new(Schema::new(fields)),
        }
    }
}

fn nullable(columns: &[Column]) -> Vec<Column> {
    columns.iter().map(|column| Column { nullable: true, ..column.clone() }).collect()
}

fn check_layout(shape: &BatchShape, rows: &RecordBatch) -> Result<()> {
    let schema = rows.schema_ref();
    let fits = schema.fields().len() == shape.columns.len()
        && shape
            .columns
            .iter()
            .zip(schema.fields())
            .all(|(column, field)| same_layout(&column.read_type, field.data_type()));
    if fits {
        return Ok(());
    }
    Err(Error::internal("The source sent columns that nobody asked for.")
        .with(
            "expected",
            shape
                .columns
                .iter()
                .map(|c| format!("{} {}", c.source, c.read_type))
                .collect::<Vec<_>>()
                .join(", "),
        )
        .with(
            "got",
            schema
                .fields()
                .iter()
                .map(|f| format!("{} {}", f.name(), f.data_type()))
                .collect::<Vec<_>>()
                .join(", "),
        ))
}

fn convert_columns(shape: &BatchShape, rows: &RecordBatch, salt: &[u8; 32]) -> Result<Vec<ArrayRef>> {
    let mut columns = Vec::with_capacity(shape.target.fields().len());
    for (column, array) in shape.columns.iter().zip(rows.columns()) {
        columns.push(if column.hash {
            hash_column(array, &column.read_type, salt)
        } else {
            convert(array, &column.read_type, &column.landed_type)?
        });
    }
    Ok(columns)
}

/// Values as 32 hexadecimal digits of a keyed BLAKE3 hash of their canonical text: equal values of any type get equal
/// codes within a project, and without the salt nobody can try values out.
fn hash_column(array: &ArrayRef, logical: &LogicalType, salt: &[u8; 32]) -> ArrayRef {
    let texts = texts(array, logical);
    let mut codes = StringBuilder::with_capacity(texts.len(), texts.len() * 32);
    for text in &texts {
        match text {
            Some(text) => codes.append_value(&blake3::keyed_hash(salt, text.as_bytes()).to_hex()[..32]),
            None => codes.append_null(),
        }
    }
    Arc::new(codes.finish())
}

/// The key of rows that have none: 128 bits over all values, as 32 hexadecimal digits.
fn row_keys(hashers: &mut [DigestHasher; 2], rows: &RecordBatch) -> Result<ArrayRef> {
    use std::fmt::Write as _;
    let [first, second] = hashers;
    let first = first.row_hashes(rows, rows.num_columns())?;
    let second = second.row_hashes(rows, rows.num_columns())?;
    let mut keys = StringBuilder::with_capacity(rows.num_rows(), rows.num_rows() * 32);
    for (high, low) in first.iter().zip(second) {
        let _ = write!(keys, "{high:016x}{low:016x}");
        keys.append_value("");
    }
    Ok(Arc::new(keys.finish()))
}

impl Limits {
    /// Takes out the rows that the destination cannot hold. Costs one pass over times, and over text only where the
    /// destination cannot hold U+0000.
    fn split(&self, shape: &BatchShape, rows: RecordBatch) -> Result<(RecordBatch, Vec<RejectedRow>)> {
        let mut keep: Option<Vec<bool>> = None;
        let mut rejected = Vec::new();
        for (column, array) in shape.columns.iter().zip(rows.columns()) {
            if column.hash {
                continue;
            }
            for (row, reason) in self.misfits(column, array) {
                let keep = keep.get_or_insert_with(|| vec![true; rows.num_rows()]);
                if std::mem::replace(&mut keep[row], false) {
                    rejected.push(RejectedRow {
                        column: Some(column.source.clone()),
                        reason,
                        row: row_as_json(&shape.columns, &rows, row),
                    });
                }
            }
        }
        match keep {
            None => Ok((rows, rejected)),
            Some(keep) => Ok((filter_record_batch(&rows, &BooleanArray::from(keep))?, rejected)),
        }
    }

    /// The rows whose value does not fit, with the reason. Nearly always empty, and then cheap.
    fn misfits(&self, column: &ColumnMapping, array: &ArrayRef) -> Vec<(usize, String)> {
        let outside = |row: usize| {
            let mut value = String::new();
            write_text(&mut value, array, &column.read_type, row);
            (row, format!("`{}` is outside of what the destination can hold: {value}", column.source))
        };
        let landed = &column.landed_type;
        let present = |row: &usize| array.is_valid(*row);
        match &column.read_type {
            LogicalType::Date if matches!(landed, LogicalType::Date | LogicalType::Timestamp) => {
                let dates = array.as_primitive::<Date32Type>();
                let (first, last) = self.dates;
                let infinite = |day: i32| day == i32::MIN || day == i32::MAX;
                let fits = |day: i32| {
                    if infinite(day) { self.infinite_times } else { (first..=last).contains(&day) }
                };
                // An infinity at an end hides what is next to it.
                let plain = |day: i32| !infinite(day) && fits(day);
                if min(dates).is_none_or(plain) && max(dates).is_none_or(plain) {
                    return Vec::new();
                }
                (0..dates.len()).filter(present).filter(|row| !fits(dates.value(*row))).map(outside).collect()
            }
            LogicalType::Timestamp | LogicalType::TimestampTz
                if matches!(landed, LogicalType::Timestamp | LogicalType::TimestampTz) =>
            {
                let times = array.as_primitive::<TimestampMicrosecondType>();
                let (first, last) = self.timestamps;
                let infinite = |time: i64| time == i64::MIN || time == i64::MAX;
                let fits = |time: i64| {
                    if infinite(time) { self.infinite_times } else { (first..=last).contains(&time) }
                };
                let plain = |time: i64| !infinite(time) && fits(time);
                if min(times).is_none_or(plain) && max(times).is_none_or(plain) {
                    return Vec::new();
                }
                (0..times.len()).filter(present).filter(|row| !fits(times.value(*row))).map(outside).collect()
            }
            LogicalType::Text | LogicalType::Json if !self.text_nul => {
                let texts = array.as_string::<i32>();
                if !texts.value_data().contains(&0) {
                    return Vec::new();
                }
                let reason = format!(
                    "`{}` holds the character U+0000, which the destination cannot store",
                    column.source
                );
                (0..texts.len())
                    .filter(present)
                    .filter(|row| texts.value(*row).contains('\0'))
                    .map(|row| (row, reason.clone()))
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

/// A row as an object of texts, by source names; nulls as null.
pub(crate) fn row_as_json(columns: &[ColumnMapping], rows: &RecordBatch, row: usize) -> Value {
    let mut object = Map::with_capacity(columns.len());
    for (column, array) in columns.iter().zip(rows.columns()) {
        let value = if array.is_valid(row) {
            let mut text = String::new();
            write_text(&mut text, array, &column.read_type, row);
            Value::String(text)
        } else {
            Value::Null
        };
        object.insert(column.source.clone(), value);
    }
    Value::Object(object)
}
