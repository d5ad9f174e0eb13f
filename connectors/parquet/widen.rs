//! Values of a narrower type as values of a wider one.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, TimestampMicrosecondArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{Date32Type, Float32Type, Float64Type};
use syncline_protocol::{Error, ErrorKind, LogicalType, Result};

/// `array`, whose values are `from`, as values of `to`, exactly.
///
/// # Errors
/// `Unsupported` for a widening that this destination cannot do in place.
pub(super) fn widen(array: &ArrayRef, from: &LogicalType, to: &LogicalType) -> Result<ArrayRef> {
    if from == to || (from.to_arrow() == to.to_arrow() && *to != LogicalType::Json) {
        return Ok(Arc::clone(array));
    }
    let text = matches!(to, LogicalType::Text | LogicalType::Numeric);
    match from {
        LogicalType::Date if *to == LogicalType::Timestamp => {
            let instants: TimestampMicrosecondArray =
                array.as_primitive::<Date32Type>().unary(|day| match day {
                    i32::MAX => i64::MAX,
                    i32::MIN => i64::MIN,
                    day => i64::from(day) * 86_400_000_000,
                });
            Ok(Arc::new(instants))
        }
        LogicalType::Float32 if text => Ok(Arc::new(
            array.as_primitive::<Float32Type>().iter().map(|v| v.map(float)).collect::<StringArray>(),
        )),
        LogicalType::Float64 if text => Ok(Arc::new(
            array.as_primitive::<Float64Type>().iter().map(|v| v.map(float)).collect::<StringArray>(),
        )),
        LogicalType::Boolean
        | LogicalType::Int16
        | LogicalType::Int32
        | LogicalType::Int64
        | LogicalType::Float32
        | LogicalType::Float64
        | LogicalType::Decimal { .. }
            if can_widen(from, to) =>
        {
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(array, &to.to_arrow(), &strict)
                .map_err(|error| refused(from, to).caused_by(error))
        }
        _ => Err(refused(from, to)),
    }
}

/// Whether [`widen`] can do it.
pub(super) fn can_widen(from: &LogicalType, to: &LogicalType) -> bool {
    use LogicalType::{
        Boolean, Date, Decimal, Float32, Float64, Int16, Int32, Int64, Json, Numeric, Text, Timestamp,
    };
    let number =
        |logical: &LogicalType| matches!(logical, Int16 | Int32 | Int64 | Float32 | Float64 | Decimal { .. });
    from == to
        || (from.to_arrow() == to.to_arrow() && *to != Json)
        || matches!((from, to), (Date, Timestamp))
        || ((number(from) || *from == Boolean) && matches!(to, Text))
        || (number(from) && matches!(to, Numeric))
        || (number(from) && number(to) && from.fits(to))
}

/// The text Postgres has for infinities.
fn float(value: impl std::fmt::Display) -> String {
    value.to_string().replace("inf", "Infinity")
}

fn refused(from: &LogicalType, to: &LogicalType) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("Parquet files cannot be widened from {from} to {to} in place."),
    )
    .fix("Load the table again from the start.")
}
