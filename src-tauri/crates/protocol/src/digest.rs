//! An order-independent checksum of rows, equal on both sides of a sync.
//!
//! Each row is hashed over its values in a canonical form, and the hashes are added up: two sets of rows have the same
//! digest when they hold the same rows equally often, whatever their order, batches or exact types. Integers of any
//! width, decimals of any scale and floats of any width count by value, so that a widened column keeps its digest.

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray,
    IntervalMonthDayNanoArray, StringArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::error::{Error, Result};
use crate::types::LogicalType;

/// The digest of a set of rows.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// How many rows.
    pub rows: u64,
    /// Sum of the row hashes, modulo 2^64. Sixteen hex digits in JSON, where numbers of this size are rounded.
    #[serde(with = "hex")]
    #[cfg_attr(feature = "typescript", ts(type = "string"))]
    pub checksum: u64,
}

/// A 64-bit pattern as hex digits.
mod hex {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    #[allow(clippy::trivially_copy_pass_by_ref)] // the shape serde asks for
    pub(super) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{value:016x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

impl Digest {
    /// The digest of both sets together.
    #[must_use]
    pub fn plus(self, other: Digest) -> Digest {
        Digest { rows: self.rows + other.rows, checksum: self.checksum.wrapping_add(other.checksum) }
    }
}

const NULL: u64 = 0x9e37_79b9_7f4a_7c15;

/// Computes digests. Keeps its buffer between batches.
#[derive(Debug, Default)]
pub struct DigestHasher {
    seed: u64,
    rows: Vec<u64>,
}

impl DigestHasher {
    /// A hasher whose row hashes are independent of those of other seeds. Digests are compared with seed 0 (the default).
    pub fn with_seed(seed: u64) -> Self {
        DigestHasher { seed, rows: Vec::new() }
    }

    /// The digest of the first `columns` columns of a batch.
    ///
    /// # Errors
    /// For an Arrow type outside the contract.
    pub fn digest(&mut self, batch: &RecordBatch, columns: usize) -> Result<Digest> {
        let hashes = self.row_hashes(batch, columns)?;
        let checksum = hashes.iter().fold(0u64, |sum, hash| sum.wrapping_add(*hash));
        Ok(Digest { rows: batch.num_rows() as u64, checksum })
    }

    /// The hash of each row over the first `columns` columns.
    ///
    /// # Errors
    /// For an Arrow type outside the contract.
    pub fn row_hashes(&mut self, batch: &RecordBatch, columns: usize) -> Result<&[u64]> {
        self.rows.clear();
        self.rows.resize(batch.num_rows(), self.seed);
        let schema = batch.schema_ref();
        for (index, column) in batch.columns().iter().take(columns).enumerate() {
            let numeric = LogicalType::of_field(schema.field(index)) == Some(LogicalType::Numeric);
            fold_column(column, numeric, &mut self.rows)?;
        }
        // A row of no columns, and the sum itself, should not be zero for many equal rows of zeros.
        self.rows.iter_mut().for_each(|hash| *hash = mix(*hash, NULL));
        Ok(&self.rows)
    }
}

#[inline]
fn mix(state: u64, value: u64) -> u64 {
    let product =
        u128::from(state ^ 0x2d35_8dcc_aa6c_78a5).wrapping_mul(u128::from(value ^ 0x8bb8_4b93_962e_acc9));
    // Rotating keeps the order of the columns in the hash.
    ((product as u64) ^ ((product >> 64) as u64)).rotate_left(23) ^ value
}

#[inline]
fn bytes(value: &[u8]) -> u64 {
    xxh3_64_with_seed(value, value.len() as u64)
}

/// Folds each value of a column into the row hashes.
fn fold_column(column: &ArrayRef, numeric: bool, rows: &mut [u64]) -> Result<()> {
    macro_rules! fold {
        ($array:expr, $value:expr) => {{
            let array = $array;
            let value = $value;
            if array.null_count() == 0 {
                for (row, index) in rows.iter_mut().zip(0..array.len()) {
                    *row = mix(*row, value(array.value(index)));
                }
            } else {
                for (row, index) in rows.iter_mut().zip(0..array.len()) {
                    let hash = if array.is_null(index) { NULL } else { value(array.value(index)) };
                    *row = mix(*row, hash);
                }
            }
        }};
    }
    match column.data_type() {
        DataType::Boolean => fold!(column.as_boolean() as &BooleanArray, |v: bool| u64::from(v)),
        DataType::Int16 => fold!(column.as_primitive::<Int16Type>(), |v: i16| integer(i64::from(v))),
        DataType::Int32 => fold!(column.as_primitive::<Int32Type>(), |v: i32| integer(i64::from(v))),
        DataType::Int64 => fold!(column.as_primitive::<Int64Type>(), integer),
        DataType::Float32 => fold!(column.as_primitive::<Float32Type>(), |v: f32| float(f64::from(v))),
        DataType::Float64 => fold!(column.as_primitive::<Float64Type>(), float),
        DataType::Decimal128(_, scale) => {
            let scale = *scale;
            fold!(column.as_primitive() as &Decimal128Array, |v: i128| decimal(v, scale));
        }
        DataType::Utf8 if numeric => fold!(column.as_string() as &StringArray, numeric_text),
        DataType::Utf8 => fold!(column.as_string() as &StringArray, |v: &str| bytes(v.as_bytes())),
        DataType::Binary => fold!(column.as_binary() as &BinaryArray, bytes),
        DataType::FixedSizeBinary(_) => fold!(column.as_fixed_size_binary() as &FixedSizeBinaryArray, bytes),
        DataType::Date32 => fold!(column.as_primitive::<Date32Type>(), |v: i32| v as u64),
        DataType::Time64(_) => fold!(column.as_primitive::<Time64MicrosecondType>(), |v: i64| v as u64),
        DataType::Timestamp(..) => {
            fold!(column.as_primitive::<TimestampMicrosecondType>(), |v: i64| v as u64);
        }
        DataType::Interval(_) => fold!(
            column.as_primitive() as &IntervalMonthDayNanoArray,
            |v: arrow::datatypes::IntervalMonthDayNano| {
                mix(mix(v.months as u64, v.days as u64), v.nanoseconds as u64)
            }
        ),
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let mut items = vec![0u64; list.values().len()];
            let item_numeric = matches!(column.data_type(), DataType::List(item)
                if LogicalType::of_field(item) == Some(LogicalType::Numeric));
            fold_column(list.values(), item_numeric, &mut items)?;
            for (index, row) in rows.iter_mut().enumerate() {
                let hash = if list.is_null(index) {
                    NULL
                } else {
                    let offsets = list.value_offsets();
                    let range = offsets[index] as usize..offsets[index + 1] as usize;
                    let length = range.len() as u64;
                    items[range].iter().fold(length, |state, item| mix(state, *item))
                };
                *row = mix(*row, hash);
            }
        }
        DataType::Struct(fields) => {
            let members = column.as_struct();
            let mut inner = vec![1u64; column.len()];
            for (field, member) in fields.iter().zip(members.columns()) {
                fold_column(member, LogicalType::of_field(field) == Some(LogicalType::Numeric), &mut inner)?;
            }
            for (index, row) in rows.iter_mut().enumerate() {
                *row = mix(*row, if members.is_null(index) { NULL } else { inner[index] });
            }
        }
        other => return Err(Error::internal(format!("No digest for Arrow type {other}."))),
    }
    Ok(())
}

/// Numbers hash by value: an integer like the decimal of the same value.
#[inline]
fn integer(value: i64) -> u64 {
    decimal(i128::from(value), 0)
}

#[inline]
fn decimal(mut value: i128, mut scale: i8) -> u64 {
    while scale > 0 {
        // Nearly all values fit 64 bits, where division is many times cheaper.
        match i64::try_from(value) {
            Ok(small) if small % 10 == 0 => value = i128::from(small / 10),
            Err(_) if value % 10 == 0 => value /= 10,
            _ => break,
        }
        scale -= 1;
        if value == 0 {
            scale = 0;
        }
    }
    mix(mix(scale as u64, value as u64), (value >> 64) as u64)
}

#[inline]
fn float(value: f64) -> u64 {
    // -0.0 equals 0.0, and one NaN is as good as another.
    let value = if value == 0.0 { 0.0 } else { value };
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// Canonical numeric text hashes like the decimal of the same value when it fits one, else as text.
fn numeric_text(text: &str) -> u64 {
    let (digits, scale) = match text.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            (format!("{whole}{fraction}"), fraction.len())
        }
        None => (text.to_owned(), 0),
    };
    match (digits.parse::<i128>(), i8::try_from(scale)) {
        (Ok(value), Ok(scale)) => decimal(value, scale),
        _ if text.contains('.') => bytes(text.trim_end_matches('0').trim_end_matches('.').as_bytes()),
        _ => bytes(text.as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Column, arrow_schema};
    use std::sync::Arc;

    fn digest(logical: LogicalType, array: ArrayRef) -> u64 {
        let batch = RecordBatch::try_new(arrow_schema(&[Column::new("a", logical)]), vec![array]).unwrap();
        DigestHasher::default().digest(&batch, 1).unwrap().checksum
    }

    #[test]
    fn numbers_count_by_value() {
        let small = digest(
            LogicalType::Int16,
            Arc::new(arrow::array::Int16Array::from(vec![Some(7), None, Some(-120)])),
        );
        let wide = digest(
            LogicalType::Int64,
            Arc::new(arrow::array::Int64Array::from(vec![Some(-120), Some(7), None])),
        );
        let decimals = Decimal128Array::from(vec![Some(-12000), None, Some(700)])
            .with_precision_and_scale(10, 2)
            .unwrap();
        let decimals = digest(LogicalType::Decimal { precision: 10, scale: 2 }, Arc::new(decimals));
        let text =
            digest(LogicalType::Numeric, Arc::new(StringArray::from(vec![Some("-120"), Some("7.00"), None])));
        assert_eq!((small, small, small), (wide, decimals, text));
    }

    #[test]
    fn a_changed_lost_or_doubled_row_shows() {
        let of =
            |values: Vec<i64>| digest(LogicalType::Int64, Arc::new(arrow::array::Int64Array::from(values)));
        let whole = of(vec![1, 2, 3]);
        for other in [vec![1, 2], vec![1, 2, 4], vec![1, 2, 3, 3], vec![2, 2, 2], vec![0, 3, 3]] {
            assert_ne!(whole, of(other));
        }
    }

    #[test]
    fn swapped_columns_show() {
        let schema =
            arrow_schema(&[Column::new("a", LogicalType::Int64), Column::new("b", LogicalType::Int64)]);
        let one: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![1]));
        let two: ArrayRef = Arc::new(arrow::array::Int64Array::from(vec![2]));
        let of = |columns| {
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
            DigestHasher::default().digest(&batch, 2).unwrap().checksum
        };
        assert_ne!(of(vec![Arc::clone(&one), Arc::clone(&two)]), of(vec![two, one]));
    }
}
