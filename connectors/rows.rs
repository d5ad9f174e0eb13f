//! Rows to columns: typed builders without allocation per value, for sources that read row by row.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BinaryBuilder, BooleanArray, BooleanBuilder, Date32Builder, Decimal128Builder,
    FixedSizeBinaryBuilder, Float32Builder, Float64Builder, Int16Builder, Int32Builder, Int64Builder,
    RecordBatch, RecordBatchOptions, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;
use serde::de::IgnoredAny;
use syncline_protocol::{Column, Error, ErrorKind, LogicalType, Result};

use crate::parse;

/// A batch is handed on when it has this many bytes.
const BATCH_BYTES: usize = 2 << 20;
/// A batch is handed on when it has this many rows, however small they are.
const BATCH_ROWS: usize = 1 << 16;

/// Rows that become a batch. Values go in column by column; a row that turns out not to fit is taken back whole.
pub(crate) struct RowBuffer {
    schema: SchemaRef,
    columns: Vec<ColumnBuilder>,
    required: Vec<bool>,
    fixed_bytes: usize,
    rows: usize,
    /// Rows that were taken back. Builders cannot shrink, so these are left out when the batch is finished.
    discarded: Vec<usize>,
}

impl RowBuffer {
    /// An empty buffer for rows of `columns`.
    ///
    /// # Errors
    /// `Unsupported` when a column has a type that these sources cannot make.
    pub(crate) fn new(columns: &[Column]) -> Result<Self> {
        let schema = syncline_protocol::schema::arrow_schema(columns);
        Ok(RowBuffer {
            columns: columns.iter().map(ColumnBuilder::new).collect::<Result<_>>()?,
            required: columns.iter().map(|column| !column.nullable).collect(),
            fixed_bytes: columns.len() * 9,
            schema,
            rows: 0,
            discarded: Vec::new(),
        })
    }

    /// The builder of column `at`; one value has to be put into each for every row. A number beyond the columns of
    /// the read is a defect of the caller.
    pub(crate) fn column(&mut self, at: usize) -> &mut ColumnBuilder {
        &mut self.columns[at]
    }

    /// Whether column `at` can hold null.
    pub(crate) fn nullable(&self, at: usize) -> bool {
        !self.required[at]
    }

    /// The row has a value in each column.
    pub(crate) fn keep(&mut self) {
        self.rows += 1;
    }

    /// Takes back the row that has been begun, however many of its values are in.
    pub(crate) fn discard(&mut self) {
        self.discarded.push(self.rows);
        self.rows += 1;
        for column in &mut self.columns {
            if column.len() < self.rows {
                column.null();
            }
        }
    }

    /// Whether it is time to hand the rows on.
    pub(crate) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS
            || (self.rows.is_multiple_of(64)
                && self.rows * self.fixed_bytes + self.text_bytes() >= BATCH_BYTES)
            || self.text_bytes() >= 4 * BATCH_BYTES
    }

    fn text_bytes(&self) -> usize {
        self.columns.iter().map(ColumnBuilder::text_bytes).sum()
    }

    /// The rows so far; none when there are none. The buffer is empty afterwards.
    ///
    /// # Errors
    /// `Internal` when the columns do not have the same length.
    pub(crate) fn finish(&mut self) -> Result<Option<RecordBatch>> {
        let rows = std::mem::take(&mut self.rows);
        let discarded = std::mem::take(&mut self.discarded);
        if rows == discarded.len() {
            self.columns.iter_mut().for_each(|column| drop(column.finish()));
            return Ok(None);
        }
        let mut arrays: Vec<ArrayRef> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        if !discarded.is_empty() {
            let mut keep = vec![true; rows];
            discarded.iter().for_each(|row| keep[*row] = false);
            let keep = BooleanArray::from(keep);
            arrays =
                arrays.iter().map(|array| arrow::compute::filter(array, &keep)).collect::<Result<_, _>>()?;
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows - discarded.len()));
        Ok(Some(RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)?))
    }
}

/// Values of one column. The functions that take a value return whether it fits the type exactly; when not, nothing
/// has been added.
pub(crate) enum ColumnBuilder {
    Boolean(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder, u8, u8),
    Numeric(StringBuilder),
    Text(StringBuilder),
    Json(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    TimestampTz(TimestampMicrosecondBuilder),
    Uuid(FixedSizeBinaryBuilder),
}

/// The same expression for whichever builder it is.
macro_rules! each {
    ($self:expr, $builder:ident => $body:expr) => {
        match $self {
            ColumnBuilder::Boolean($builder) => $body,
            ColumnBuilder::Int16($builder) => $body,
            ColumnBuilder::Int32($builder) => $body,
            ColumnBuilder::Int64($builder) => $body,
            ColumnBuilder::Float32($builder) => $body,
            ColumnBuilder::Float64($builder) => $body,
            ColumnBuilder::Decimal($builder, ..) => $body,
            ColumnBuilder::Numeric($builder)
            | ColumnBuilder::Text($builder)
            | ColumnBuilder::Json($builder) => $body,
            ColumnBuilder::Bytes($builder) => $body,
            ColumnBuilder::Date($builder) => $body,
            ColumnBuilder::Time($builder) => $body,
            ColumnBuilder::Timestamp($builder) | ColumnBuilder::TimestampTz($builder) => $body,
            ColumnBuilder::Uuid($builder) => $body,
        }
    };
}

/// An empty builder for the values of `column`.
///
/// # Errors
/// `Unsupported` when these sources cannot make values of its type.
pub(crate) fn builder(column: &Column) -> Result<ColumnBuilder> {
    ColumnBuilder::new(column)
}

impl ColumnBuilder {
    fn new(column: &Column) -> Result<Self> {
        Ok(match &column.logical {
            LogicalType::Boolean => ColumnBuilder::Boolean(BooleanBuilder::new()),
            LogicalType::Int16 => ColumnBuilder::Int16(Int16Builder::new()),
            LogicalType::Int32 => ColumnBuilder::Int32(Int32Builder::new()),
            LogicalType::Int64 => ColumnBuilder::Int64(Int64Builder::new()),
            LogicalType::Float32 => ColumnBuilder::Float32(Float32Builder::new()),
            LogicalType::Float64 => ColumnBuilder::Float64(Float64Builder::new()),
            LogicalType::Decimal { precision, scale } => {
                let builder = Decimal128Builder::new().with_data_type(column.logical.to_arrow());
                ColumnBuilder::Decimal(builder, *precision, *scale)
            }
            LogicalType::Numeric => ColumnBuilder::Numeric(StringBuilder::new()),
            LogicalType::Text => ColumnBuilder::Text(StringBuilder::new()),
            LogicalType::Json => ColumnBuilder::Json(StringBuilder::new()),
            LogicalType::Bytes => ColumnBuilder::Bytes(BinaryBuilder::new()),
            LogicalType::Date => ColumnBuilder::Date(Date32Builder::new()),
            LogicalType::Time => ColumnBuilder::Time(Time64MicrosecondBuilder::new()),
            LogicalType::Timestamp => ColumnBuilder::Timestamp(TimestampMicrosecondBuilder::new()),
            LogicalType::TimestampTz => {
                ColumnBuilder::TimestampTz(TimestampMicrosecondBuilder::new().with_timezone("UTC"))
            }
            LogicalType::Uuid => ColumnBuilder::Uuid(FixedSizeBinaryBuilder::new(16)),
            LogicalType::Interval | LogicalType::List(_) | LogicalType::Struct(_) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("Column `{}` cannot be read as {}.", column.name, column.logical),
                )
                .fix("Read it as text or json."));
            }
        })
    }

    fn len(&self) -> usize {
        each!(self, builder => builder.len())
    }

    fn finish(&mut self) -> ArrayRef {
        each!(self, builder => Arc::new(builder.finish()))
    }

    fn text_bytes(&self) -> usize {
        match self {
            ColumnBuilder::Numeric(builder) | ColumnBuilder::Text(builder) | ColumnBuilder::Json(builder) => {
                builder.values_slice().len()
            }
            ColumnBuilder::Bytes(builder) => builder.values_slice().len(),
            ColumnBuilder::Uuid(builder) => builder.len() * 16,
            ColumnBuilder::Decimal(builder, ..) => builder.len() * 16,
            _ => 0,
        }
    }

    /// Drops what was added, for builders that only tell whether values fit.
    pub(crate) fn clear(&mut self) {
        drop(self.finish());
    }

    /// Adds a null.
    pub(crate) fn null(&mut self) {
        each!(self, builder => builder.append_null());
    }

    /// Adds a value that the source has as text.
    pub(crate) fn text(&mut self, text: &str) -> bool {
        match self {
            ColumnBuilder::Text(builder) => {
                builder.append_value(text);
                true
            }
            ColumnBuilder::Boolean(builder) => put(parse::boolean(text), |value| builder.append_value(value)),
            ColumnBuilder::Int16(builder) => {
                put(parse::int(text).and_then(|value| value.try_into().ok()), |value| {
                    builder.append_value(value);
                })
            }
            ColumnBuilder::Int32(builder) => {
                put(parse::int(text).and_then(|value| value.try_into().ok()), |value| {
                    builder.append_value(value);
                })
            }
            ColumnBuilder::Int64(builder) => put(parse::int(text), |value| builder.append_value(value)),
            ColumnBuilder::Float32(builder) => {
                put(parse::float(text), |value| builder.append_value(value as f32))
            }
            ColumnBuilder::Float64(builder) => put(parse::float(text), |value| builder.append_value(value)),
            ColumnBuilder::Decimal(builder, precision, scale) => {
                let value = parse::plain(text).and_then(|plain| plain.at_scale(*precision, *scale));
                put(value, |value| builder.append_value(value))
            }
            ColumnBuilder::Numeric(builder) => {
                let exact = parse::plain(text).is_some_and(|plain| !plain.leading_zero)
                    || matches!(text, "NaN" | "Infinity" | "-Infinity");
                put(exact.then_some(text), |value| builder.append_value(value))
            }
            ColumnBuilder::Json(builder) => {
                let json = serde_json::from_str::<IgnoredAny>(text).ok();
                put(json, |_| builder.append_value(text))
            }
            ColumnBuilder::Bytes(builder) => {
                builder.append_value(text.as_bytes());
                true
            }
            ColumnBuilder::Date(builder) => put(parse::date(text), |value| builder.append_value(value)),
            ColumnBuilder::Time(builder) => put(parse::time(text), |value| builder.append_value(value)),
            ColumnBuilder::Timestamp(builder) => {
                put(parse::timestamp(text), |value| builder.append_value(value))
            }
            ColumnBuilder::TimestampTz(builder) => {
                put(parse::timestamp_tz(text), |value| builder.append_value(value))
            }
            // The builder is made for 16 bytes.
            ColumnBuilder::Uuid(builder) => {
                parse::uuid(text).is_some_and(|value| builder.append_value(value).is_ok())
            }
        }
    }

    /// Adds a value that the source has as a whole number.
    pub(crate) fn int(&mut self, value: i64) -> bool {
        match self {
            ColumnBuilder::Int64(builder) => put(Some(value), |value| builder.append_value(value)),
            ColumnBuilder::Int32(builder) => put(value.try_into().ok(), |value| builder.append_value(value)),
            ColumnBuilder::Int16(builder) => put(value.try_into().ok(), |value| builder.append_value(value)),
            ColumnBuilder::Boolean(builder) => {
                put(matches!(value, 0 | 1).then_some(value == 1), |value| builder.append_value(value))
            }
            ColumnBuilder::Float64(builder) => {
                let exact = value.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS;
                put(exact.then_some(value as f64), |value| builder.append_value(value))
            }
            ColumnBuilder::Float32(builder) => {
                let exact = value.unsigned_abs() <= 1 << f32::MANTISSA_DIGITS;
                put(exact.then_some(value as f32), |value| builder.append_value(value))
            }
            ColumnBuilder::Decimal(builder, precision, scale) => {
                let plain = parse::Plain { unscaled: value.into(), before: 0, scale: 0, leading_zero: false };
                put(plain.at_scale(*precision, *scale), |value| builder.append_value(value))
            }
            ColumnBuilder::Text(builder) | ColumnBuilder::Numeric(builder) | ColumnBuilder::Json(builder) => {
                write_text(builder, format_args!("{value}"))
            }
            _ => false,
        }
    }

    /// Adds a value that the source has as a floating-point number.
    pub(crate) fn float(&mut self, value: f64) -> bool {
        match self {
            ColumnBuilder::Float64(builder) => put(Some(value), |value| builder.append_value(value)),
            ColumnBuilder::Float32(builder) => {
                let exact = value.is_nan() || f64::from(value as f32) == value;
                put(exact.then_some(value as f32), |value| builder.append_value(value))
            }
            ColumnBuilder::Text(builder) => write_text(builder, format_args!("{value:?}")),
            ColumnBuilder::Json(builder) if value.is_finite() => {
                write_text(builder, format_args!("{value:?}"))
            }
            // Display writes the shortest plain digits that mean this number.
            ColumnBuilder::Numeric(builder) if value.is_finite() => {
                write_text(builder, format_args!("{value}"))
            }
            ColumnBuilder::Decimal(..) if value.is_finite() => {
                // What fits a decimal has at most 38 digits, a sign and a point.
                value.abs() < 1e38 && self.text(&value.to_string())
            }
            ColumnBuilder::Int16(_) | ColumnBuilder::Int32(_) | ColumnBuilder::Int64(_) => {
                let exact = value.fract() == 0.0 && value.abs() <= (1u64 << f64::MANTISSA_DIGITS) as f64;
                exact && self.int(value as i64)
            }
            _ => false,
        }
    }

    /// Adds a value that the source has as a truth value.
    pub(crate) fn boolean(&mut self, value: bool) -> bool {
        match self {
            ColumnBuilder::Boolean(builder) => put(Some(value), |value| builder.append_value(value)),
            ColumnBuilder::Text(builder) | ColumnBuilder::Json(builder) => {
                write_text(builder, format_args!("{value}"))
            }
            _ => false,
        }
    }

    /// Adds a value that the source has as bytes.
    pub(crate) fn bytes(&mut self, value: &[u8]) -> bool {
        match self {
            ColumnBuilder::Bytes(builder) => put(Some(value), |value| builder.append_value(value)),
            ColumnBuilder::Uuid(builder) => value.len() == 16 && builder.append_value(value).is_ok(),
            _ => false,
        }
    }
}

fn put<T>(value: Option<T>, append: impl FnOnce(T)) -> bool {
    value.map(append).is_some()
}

fn write_text(builder: &mut StringBuilder, text: std::fmt::Arguments<'_>) -> bool {
    // Writing to a builder cannot fail; the empty value ends what was written.
    let _ = builder.write_fmt(text);
    builder.append_value("");
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;

    #[test]
    fn a_row_that_does_not_fit_leaves_no_trace() {
        let columns = [Column::new("a", LogicalType::Int64), Column::new("b", LogicalType::Date)];
        let mut rows = RowBuffer::new(&columns).unwrap();
        for (a, b) in [("1", "2024-01-01"), ("2", "2024-02-30"), ("x", ""), ("4", "2024-01-04")] {
            if rows.column(0).text(a) && rows.column(1).text(b) {
                rows.keep();
            } else {
                rows.discard();
            }
        }
        let batch = rows.finish().unwrap().unwrap();
        assert_eq!(batch.column(0).as_primitive::<Int64Type>().values(), &[1, 4]);
        assert_eq!(batch.num_rows(), 2);
        assert!(rows.finish().unwrap().is_none());
    }

    #[test]
    fn numbers_are_never_rounded() {
        let fits = |logical: LogicalType, add: &dyn Fn(&mut ColumnBuilder) -> bool| {
            add(&mut ColumnBuilder::new(&Column::new("x", logical)).unwrap())
        };
        let decimal = LogicalType::Decimal { precision: 5, scale: 2 };
        assert!(fits(decimal.clone(), &|column| column.float(1.25)));
        assert!(!fits(decimal.clone(), &|column| column.float(1.255)));
        assert!(!fits(decimal, &|column| column.int(1000)));
        assert!(!fits(LogicalType::Float64, &|column| column.int(i64::MAX)));
        assert!(fits(LogicalType::Int32, &|column| column.float(7.0)));
        assert!(!fits(LogicalType::Int32, &|column| column.float(7.5)));
        assert!(!fits(LogicalType::Boolean, &|column| column.int(2)));
    }
}
