//! Rows as plain JSON values and back: how tests write down what goes in and compare what comes out.
//!
//! | Logical | JSON |
//! | --- | --- |
//! | boolean | `true` |
//! | int16, int32, int64 | number |
//! | float32, float64 | number, or `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | decimal, numeric, text, json | text |
//! | bytes, uuid | text of hexadecimal digits |
//! | date | days since 1970-01-01 |
//! | time, timestamp, timestamptz | microseconds |
//! | interval | `[months, days, nanoseconds]` |
//! | list | array |
//! | struct | object |

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanBuilder, FixedSizeBinaryBuilder,
    IntervalMonthDayNanoBuilder, ListArray, PrimitiveBuilder, StringBuilder, StructArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Fields, Float32Type, Float64Type, Int16Type,
    Int32Type, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, Time64MicrosecondType,
    TimestampMicrosecondType,
};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use serde_json::{Map, Value, json};
use syncline_protocol::{Column, LogicalType, schema::arrow_schema};

/// A batch of these columns from rows that are JSON arrays.
///
/// # Panics
/// When a value does not fit its column.
pub fn batch(columns: &[Column], rows: &[Value]) -> RecordBatch {
    let arrays = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let values: Vec<&Value> = rows.iter().map(|row| &row[index]).collect();
            array(&column.logical, &values)
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(arrow_schema(columns), arrays, &options).expect("rows that fit")
}

/// The rows of a batch as JSON arrays.
///
/// # Panics
/// For an Arrow type outside the contract.
pub fn values(batch: &RecordBatch) -> Vec<Value> {
    (0..batch.num_rows())
        .map(|row| Value::Array(batch.columns().iter().map(|column| value(column.as_ref(), row)).collect()))
        .collect()
}

/// An array of a logical type.
///
/// # Panics
/// When a value does not fit.
#[allow(clippy::too_many_lines)] // one arm a type
pub fn array(logical: &LogicalType, values: &[&Value]) -> ArrayRef {
    fn numbers<T: ArrowPrimitiveType>(values: &[&Value], get: impl Fn(&Value) -> T::Native) -> ArrayRef {
        let mut builder = PrimitiveBuilder::<T>::with_capacity(values.len());
        values.iter().for_each(|value| builder.append_option((!value.is_null()).then(|| get(value))));
        Arc::new(builder.finish())
    }
    let integer = |value: &Value| value.as_i64().unwrap_or_else(|| panic!("{value} is no {logical}"));
    match logical {
        LogicalType::Boolean => {
            let mut builder = BooleanBuilder::new();
            values.iter().for_each(|value| {
                builder.append_option((!value.is_null()).then(|| value.as_bool().expect("a boolean")));
            });
            Arc::new(builder.finish())
        }
        LogicalType::Int16 => numbers::<Int16Type>(values, |v| integer(v).try_into().expect("an int16")),
        LogicalType::Int32 => numbers::<Int32Type>(values, |v| integer(v).try_into().expect("an int32")),
        LogicalType::Int64 => numbers::<Int64Type>(values, integer),
        LogicalType::Float32 => numbers::<Float32Type>(values, |v| float(v) as f32),
        LogicalType::Float64 => numbers::<Float64Type>(values, float),
        LogicalType::Decimal { precision, scale } => {
            let array = numbers::<Decimal128Type>(values, |v| decimal(v.as_str().expect("a text"), *scale));
            let typed = array.as_primitive::<Decimal128Type>().clone();
            Arc::new(typed.with_precision_and_scale(*precision, *scale as i8).expect("a decimal"))
        }
        LogicalType::Numeric | LogicalType::Text | LogicalType::Json => {
            let mut builder = StringBuilder::new();
            values.iter().for_each(|value| match value {
                Value::Null => builder.append_null(),
                other => builder.append_value(other.as_str().unwrap_or_else(|| panic!("{other} is no text"))),
            });
            Arc::new(builder.finish())
        }
        LogicalType::Bytes => {
            let mut builder = BinaryBuilder::new();
            values.iter().for_each(|value| builder.append_option(unhex(value)));
            Arc::new(builder.finish())
        }
        LogicalType::Uuid => {
            let mut builder = FixedSizeBinaryBuilder::new(16);
            values.iter().for_each(|value| match unhex(value) {
                Some(bytes) => builder.append_value(bytes).expect("16 bytes"),
                None => builder.append_null(),
            });
            Arc::new(builder.finish())
        }
        LogicalType::Date => numbers::<Date32Type>(values, |v| integer(v).try_into().expect("a date")),
        LogicalType::Time => numbers::<Time64MicrosecondType>(values, integer),
        LogicalType::Timestamp => numbers::<TimestampMicrosecondType>(values, integer),
        LogicalType::TimestampTz => {
            let array = numbers::<TimestampMicrosecondType>(values, integer);
            Arc::new(array.as_primitive::<TimestampMicrosecondType>().clone().with_timezone("UTC"))
        }
        LogicalType::Interval => {
            let mut builder = IntervalMonthDayNanoBuilder::new();
            values.iter().for_each(|value| {
                let part = |index: usize| integer(&value[index]);
                builder.append_option(
                    (!value.is_null())
                        .then(|| IntervalMonthDayNano::new(part(0) as i32, part(1) as i32, part(2))),
                );
            });
            Arc::new(builder.finish())
        }
        LogicalType::List(item) => {
            let lists = || values.iter().map(|value| value.as_array().map_or(&[][..], Vec::as_slice));
            let items: Vec<&Value> = lists().flatten().collect();
            let DataType::List(field) = logical.to_arrow() else { unreachable!("a list is a list") };
            let offsets = OffsetBuffer::from_lengths(lists().map(<[Value]>::len));
            Arc::new(ListArray::new(field, offsets, array(item, &items), Some(nulls(values))))
        }
        LogicalType::Struct(members) => {
            let fields: Fields =
                members.iter().map(|member| member.logical.to_field(&member.name, true)).collect();
            if members.is_empty() {
                return Arc::new(StructArray::new_empty_fields(values.len(), Some(nulls(values))));
            }
            let arrays = members
                .iter()
                .map(|member| {
                    let values: Vec<&Value> =
                        values.iter().map(|value| value.get(&member.name).unwrap_or(&Value::Null)).collect();
                    array(&member.logical, &values)
                })
                .collect();
            Arc::new(StructArray::new(fields, arrays, Some(nulls(values))))
        }
    }
}

fn nulls(values: &[&Value]) -> NullBuffer {
    values.iter().map(|value| !value.is_null()).collect()
}

fn float(value: &Value) -> f64 {
    match value {
        Value::String(text) if text == "NaN" => f64::NAN,
        Value::String(text) if text == "Infinity" => f64::INFINITY,
        Value::String(text) if text == "-Infinity" => f64::NEG_INFINITY,
        other => other.as_f64().unwrap_or_else(|| panic!("{other} is no float")),
    }
}

fn decimal(text: &str, scale: u8) -> i128 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    assert!(fraction.len() <= usize::from(scale), "{text} has more than {scale} digits after the point");
    format!("{whole}{fraction:0<width$}", width = usize::from(scale)).parse().expect("a decimal")
}

fn unhex(value: &Value) -> Option<Vec<u8>> {
    let text = (!value.is_null()).then(|| value.as_str().expect("hexadecimal digits"))?;
    Some(
        text.as_bytes()
            .chunks(2)
            .map(|pair| {
                let pair = std::str::from_utf8(pair).expect("hexadecimal digits");
                u8::from_str_radix(pair, 16).expect("hexadecimal digits")
            })
            .collect(),
    )
}

fn hex(bytes: &[u8]) -> Value {
    Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// One value of an array, see the table of the module.
///
/// # Panics
/// For an Arrow type outside the contract.
pub fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float32 => from_float(array.as_primitive::<Float32Type>().value(row).into()),
        DataType::Float64 => from_float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row).into(),
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).into(),
        DataType::Time64(_) => array.as_primitive::<Time64MicrosecondType>().value(row).into(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().value(row).into(),
        DataType::Interval(_) => {
            let interval = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            json!([interval.months, interval.days, interval.nanoseconds])
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Value::Array((0..items.len()).map(|item| value(items.as_ref(), item)).collect())
        }
        DataType::Struct(fields) => {
            let members = array.as_struct();
            let object: Map<String, Value> = fields
                .iter()
                .zip(members.columns())
                .map(|(field, column)| (field.name().clone(), value(column.as_ref(), row)))
                .collect();
            Value::Object(object)
        }
        other => panic!("{other} is outside the contract"),
    }
}

fn from_float(value: f64) -> Value {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        value.into()
    }
}

/// A value of one type as a value of a wider one. `None` when it does not fit.
pub fn widen(value: &Value, from: &LogicalType, to: &LogicalType) -> Option<Value> {
    use LogicalType::{Date, Decimal, Float32, Float64, Int16, Int32, Int64, Json, Numeric, Text, Timestamp};
    if from == to || value.is_null() {
        return Some(value.clone());
    }
    Some(match (from, to) {
        (Int16 | Int32 | Int64, Int16 | Int32 | Int64) => {
            let number = value.as_i64()?;
            let fits = match to {
                Int16 => i16::try_from(number).is_ok(),
                Int32 => i32::try_from(number).is_ok(),
                _ => true,
            };
            fits.then(|| value.clone())?
        }
        (Int16 | Int32 | Float32, Float32 | Float64) => from_float(float(value)),
        (Int16 | Int32 | Int64, Numeric | Text) => value.to_string().into(),
        (Int16 | Int32 | Int64, Decimal { scale, .. }) => widen_decimal(&value.to_string(), *scale),
        (Decimal { .. }, Decimal { scale, .. }) => widen_decimal(value.as_str()?, *scale),
        (Decimal { .. } | Numeric | Json, Numeric | Text) => value.clone(),
        (Date, Timestamp) => (value.as_i64()? * 86_400_000_000).into(),
        (from, Json) if from.is_nested() => value.to_string().into(),
        (_, Text) => match value {
            Value::String(text) => text.as_str().into(),
            other => other.to_string().into(),
        },
        _ => return None,
    })
}

fn widen_decimal(text: &str, scale: u8) -> Value {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if scale == 0 {
        return whole.into();
    }
    format!("{whole}.{fraction:0<width$}", width = usize::from(scale)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::values::every_type;

    #[test]
    fn every_type_survives_the_way_there_and_back() {
        for (logical, expected) in every_type() {
            let columns = [Column::new("a", logical.clone())];
            let rows: Vec<Value> = expected.iter().map(|value| json!([value])).collect();
            assert_eq!(values(&batch(&columns, &rows)), rows, "{logical}");
        }
    }
}
