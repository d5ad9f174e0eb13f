//! Parquet: each row group is a part, read straight into Arrow.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, StringBuilder};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, FieldRef, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::ParquetError;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use syncline_protocol::{BatchKind, Column, Error, ErrorKind, LogicalType, RejectedRow, Result, TableRead};

use super::listing::{FoundFile, unreadable};
use super::rows::{Origin, Outcome, Rows};
use crate::rows::RowBuffer;

const BATCH_ROWS: usize = 8192;

/// What the footer of a file says.
pub(super) struct Footer {
    pub(super) columns: Vec<Column>,
    pub(super) rows: u64,
    /// Rows of each row group.
    pub(super) groups: Vec<u64>,
}

/// Reads the footer.
///
/// # Errors
/// `CorruptInput` when it is damaged or cut.
pub(super) fn footer(file: &FoundFile) -> Result<Footer> {
    let builder = builder(file)?;
    let metadata = builder.metadata();
    let count = |rows: i64| u64::try_from(rows).unwrap_or(0);
    Ok(Footer {
        columns: builder.schema().fields().iter().map(column).collect(),
        rows: count(metadata.file_metadata().num_rows()),
        groups: metadata.row_groups().iter().map(|group| count(group.num_rows())).collect(),
    })
}

fn builder(file: &FoundFile) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    let open = File::open(&file.path).map_err(|error| unreadable(&file.path, error))?;
    // The plain types of Parquet; what a writer of Arrow notes beside them says nothing about the values.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    ParquetRecordBatchReaderBuilder::try_new_with_options(open, options).map_err(|error| corrupt(file, error))
}

fn corrupt(file: &FoundFile, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorKind::CorruptInput,
        format!("{} is not a Parquet file, or it is damaged or cut.", file.path.display()),
    )
    .caused_by(error)
}

fn column(field: &FieldRef) -> Column {
    // What has no counterpart (maps, for example) becomes JSON.
    let logical = LogicalType::of_arrow(field.data_type()).unwrap_or(LogicalType::Json);
    // Another file may not have the column, so it can always be null.
    Column::new(field.name(), logical).native(field.data_type().to_string())
}

/// Reads one row group.
///
/// # Errors
/// `CorruptInput` when it is damaged.
pub(super) fn read(rows: &mut Rows<'_>, group: usize) -> Result<Outcome> {
    let file = rows.file;
    let builder = builder(file)?;
    let groups = builder.metadata().row_groups();
    if group >= groups.len() {
        return Ok(Outcome::Ended);
    }
    let before: i64 = groups.iter().take(group).map(|group| group.num_rows()).sum();
    let schema = Arc::clone(builder.schema());
    let Some(origins) = rows.bind(schema.fields().iter().map(|field| field.name().as_str())) else {
        return Ok(Outcome::Drift);
    };
    if !fit(rows, &schema, &origins) {
        return Ok(Outcome::Drift);
    }
    let wanted = origins.iter().filter_map(|origin| match origin {
        Origin::Field(at) => Some(*at),
        _ => None,
    });
    let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
    let reader = builder
        .with_row_groups(vec![group])
        .with_projection(mask)
        .with_batch_size(BATCH_ROWS)
        .build()
        .map_err(|error: ParquetError| corrupt(file, error))?;
    let mut line = u64::try_from(before).unwrap_or(0);
    for batch in reader {
        let mut batch = batch.map_err(|error| corrupt(file, error))?;
        if let Some(left) = rows.left {
            batch = batch.slice(0, left.min(batch.num_rows()));
        }
        let count = batch.num_rows();
        hand_on(rows, &batch, line)?;
        line += count as u64;
        if let Some(left) = &mut rows.left {
            *left -= count;
            if *left == 0 {
                return Ok(Outcome::Enough);
            }
        }
    }
    Ok(Outcome::Ended)
}

/// Whether the types of the file fit those of the read, as far as somebody wants to know.
fn fit(rows: &Rows<'_>, schema: &Schema, origins: &[Origin]) -> bool {
    rows.read.columns.iter().zip(origins).all(|(wanted, origin)| {
        let Origin::Field(at) = origin else { return true };
        let found = column(&schema.fields()[*at]).logical;
        found.fits(&wanted.logical)
            || !rows
                .told
                .is_some_and(|told| told.is_news(&rows.read.table, &wanted.name, &wanted.logical.to_string()))
    })
}

/// Turns a batch of the file into one of the read; rows with a value that does not fit are rejected.
fn hand_on(rows: &mut Rows<'_>, batch: &RecordBatch, before: u64) -> Result<()> {
    let mut arrays = Vec::with_capacity(rows.read.columns.len());
    let mut wrong: Vec<Option<usize>> = vec![None; batch.num_rows()];
    for (at, wanted) in rows.read.columns.iter().enumerate() {
        let Some(array) = batch.column_by_name(&wanted.name) else {
            arrays.push(origin_array(rows, wanted, batch.num_rows(), before)?);
            continue;
        };
        let converted = convert(array, wanted)?;
        let same = same_after(array, &converted, wanted)?;
        let holds_all = converted.logical_null_count() == array.logical_null_count()
            && (wanted.nullable || converted.logical_null_count() == 0);
        if same.is_some() || !holds_all {
            for (row, wrong) in wrong.iter_mut().enumerate() {
                let lost = array.is_valid(row)
                    && (converted.is_null(row) || same.as_ref().is_some_and(|same| !same.value(row)));
                if lost || (converted.is_null(row) && !wanted.nullable) {
                    wrong.get_or_insert(at);
                }
            }
        }
        arrays.push(converted);
    }
    if wrong.iter().any(Option::is_some) {
        for (row, column) in wrong.iter().enumerate() {
            let Some(column) = column else { continue };
            rows.outlet.reject(rejected(rows.read, *column, batch, row, before)?)?;
        }
        let keep = BooleanArray::from_iter(wrong.iter().map(|column| Some(column.is_none())));
        arrays = arrays.iter().map(|array| arrow::compute::filter(array, &keep)).collect::<Result<_, _>>()?;
    }
    let kept = RecordBatch::try_new(rows.read.arrow_schema(), arrays)?;
    rows.outlet.rows(BatchKind::Rows, Some(kept).filter(|kept| kept.num_rows() > 0))
}

/// A column that the file does not have.
fn origin_array(rows: &Rows<'_>, wanted: &Column, count: usize, before: u64) -> Result<ArrayRef> {
    let mut buffer = RowBuffer::new(std::slice::from_ref(wanted))?;
    for row in 0..count as u64 {
        let builder = buffer.column(0);
        let fits = match Rows::origin(&wanted.name) {
            Origin::File => builder.text(&rows.file.name),
            Origin::Line => builder.int(i64::try_from(before + row + 1).unwrap_or(i64::MAX)),
            Origin::Modified => builder.micros(rows.file.modified),
            Origin::Missing | Origin::Field(_) => false,
        };
        if !fits {
            builder.null();
        }
    }
    Ok(buffer.column(0).finish())
}

/// Values as the wanted type; null where one does not fit.
fn convert(array: &ArrayRef, wanted: &Column) -> Result<ArrayRef> {
    let target = wanted.logical.to_arrow();
    if *array.data_type() == target && wanted.logical != LogicalType::Json {
        return Ok(Arc::clone(array));
    }
    match (&wanted.logical, array.data_type()) {
        (LogicalType::Json, data_type) if !data_type.is_string() => json(array),
        (LogicalType::Json, _) => Ok(Arc::new(valid_json(&as_strings(array)?))),
        (LogicalType::Text, data_type) if data_type.is_nested() => json(array),
        (LogicalType::Uuid, DataType::FixedSizeBinary(16)) => Ok(Arc::clone(array)),
        _ => {
            let safe = CastOptions { safe: true, ..CastOptions::default() };
            cast_with_options(array, &target, &safe).map_err(|error| {
                Error::new(
                    ErrorKind::Unsupported,
                    format!("Column `{}` cannot be read as {}.", wanted.name, wanted.logical),
                )
                .caused_by(error)
            })
        }
    }
}

fn as_strings(array: &ArrayRef) -> Result<StringArray> {
    let texts = cast_with_options(array, &DataType::Utf8, &CastOptions::default())?;
    Ok(texts.as_string::<i32>().clone())
}

fn valid_json(texts: &StringArray) -> StringArray {
    texts.iter().map(|text| text.filter(|text| serde_json::from_str::<&RawValue>(text).is_ok())).collect()
}

/// Values as JSON, through one object per row.
fn json(array: &ArrayRef) -> Result<ArrayRef> {
    let schema = Schema::new(vec![arrow::datatypes::Field::new("v", array.data_type().clone(), true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::clone(array)])?;
    let mut lines = Vec::new();
    let mut writer = arrow_json::WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, arrow_json::writer::LineDelimited>(&mut lines);
    writer.write(&batch)?;
    writer.finish()?;
    drop(writer);
    let mut texts = StringBuilder::with_capacity(array.len(), lines.len());
    for (row, line) in lines.split(|byte| *byte == b'\n').take(array.len()).enumerate() {
        let value = line.strip_prefix(b"{\"v\":").and_then(|line| line.strip_suffix(b"}"));
        match value.and_then(|value| std::str::from_utf8(value).ok()) {
            Some(value) if array.is_valid(row) => texts.append_value(value),
            _ => texts.append_null(),
        }
    }
    Ok(Arc::new(texts.finish()))
}

/// Which values are still the same after a cast that may round: turned back, they are equal. `None` for a cast that
/// keeps every value.
fn same_after(array: &ArrayRef, converted: &ArrayRef, wanted: &Column) -> Result<Option<BooleanArray>> {
    let nanos = matches!(
        array.data_type(),
        DataType::Timestamp(TimeUnit::Nanosecond, _) | DataType::Time64(TimeUnit::Nanosecond)
    );
    // Times finer than a microsecond are more than the contract knows.
    let exact = LogicalType::of_arrow(array.data_type()).is_none_or(|found| found.fits(&wanted.logical));
    if array.data_type().is_nested() || (exact && !(nanos && converted.data_type().is_temporal())) {
        return Ok(None);
    }
    let Ok(back) = cast_with_options(converted, array.data_type(), &CastOptions::default()) else {
        return Ok(None);
    };
    Ok(Some(arrow::compute::kernels::cmp::not_distinct(array, &back)?))
}

fn rejected(
    read: &TableRead,
    column: usize,
    batch: &RecordBatch,
    row: usize,
    before: u64,
) -> Result<RejectedRow> {
    let mut source = Map::new();
    for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
        let formatter = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default())?;
        let text = if array.is_null(row) { Value::Null } else { formatter.value(row).to_string().into() };
        source.insert(field.name().clone(), text);
    }
    let column = &read.columns[column];
    Ok(RejectedRow {
        column: Some(column.name.clone()),
        reason: format!("Row {}: the value is not of type {}.", before + row as u64 + 1, column.logical),
        row: Value::Object(source),
    })
}
