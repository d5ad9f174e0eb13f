//! Arrow values as texts that an expression of Postgres yields too, so that Postgres can be the oracle.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, Time64MicrosecondType, TimestampMicrosecondType,
};
use arrow::record_batch::RecordBatch;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One value; none for null.
pub(crate) fn cell(array: &ArrayRef, row: usize) -> Option<String> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => hex(&array.as_primitive::<Float32Type>().value(row).to_be_bytes()),
        DataType::Float64 => hex(&array.as_primitive::<Float64Type>().value(row).to_be_bytes()),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)),
        DataType::Date32 => array.as_primitive::<Date32Type>().value(row).to_string(),
        DataType::Time64(_) => array.as_primitive::<Time64MicrosecondType>().value(row).to_string(),
        DataType::Timestamp(..) => array.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        DataType::Interval(_) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            format!("{} {} {}", value.months, value.days, value.nanoseconds / 1000)
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            let items: Vec<_> =
                (0..items.len()).map(|at| cell(&items, at).unwrap_or("∅".to_owned())).collect();
            format!("[{}]", items.join("|"))
        }
        DataType::Struct(_) => {
            let members = array.as_struct();
            let members: Vec<_> =
                members.columns().iter().map(|c| cell(c, row).unwrap_or("∅".to_owned())).collect();
            format!("({})", members.join("|"))
        }
        other => panic!("no text for {other}"),
    })
}

/// All values of a column, over batches.
pub(crate) fn column(batches: &[RecordBatch], name: &str) -> Vec<Option<String>> {
    let values = |batch: &RecordBatch| {
        let array = Arc::clone(batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}")));
        (0..batch.num_rows()).map(move |row| cell(&array, row)).collect::<Vec<_>>()
    };
    batches.iter().flat_map(values).collect()
}

/// An expression that yields the same text for a column of this Postgres type.
pub(crate) fn oracle(native_type: &str, column: &str) -> String {
    let micros = |from: &str| format!("(extract(epoch FROM {from}) * 1000000)::numeric(30, 0)::text");
    let base = native_type.split('(').next().unwrap_or_default();
    match base {
        "real" => format!("encode(float4send({column}), 'hex')"),
        "double precision" => format!("encode(float8send({column}), 'hex')"),
        // The cast to text would cut the blanks off.
        "character" => format!("CASE WHEN {column} IS NOT NULL THEN format('%s', {column}) END"),
        "bytea" => format!("encode({column}, 'hex')"),
        "uuid" => format!("replace({column}::text, '-', '')"),
        "date" => format!(
            "CASE {column} WHEN 'infinity' THEN '2147483647' WHEN '-infinity' THEN '-2147483648'
             ELSE ({column} - date '1970-01-01')::text END"
        ),
        "time" | "time without time zone" => micros(column),
        _ if base.starts_with("timestamp") => format!(
            "CASE {column} WHEN 'infinity' THEN '9223372036854775807' WHEN '-infinity' THEN '-9223372036854775808'
             ELSE {} END",
            micros(column)
        ),
        "interval" => format!(
            "(extract(year FROM {column}) * 12 + extract(month FROM {column}))::int8::text || ' ' ||
             extract(day FROM {column})::int8::text || ' ' || (extract(hour FROM {column})::numeric * 3600000000
             + extract(minute FROM {column})::numeric * 60000000 + extract(microseconds FROM {column})::numeric)::int8::text"
        ),
        _ => format!("{column}::text"),
    }
}
