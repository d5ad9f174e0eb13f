//! Values in another type of the widening lattice: exact, column by column.

use std::fmt::Write as _;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, FixedSizeBinaryArray, IntervalMonthDayNanoArray, ListArray,
    StringArray, StringBuilder, StructArray, new_null_array,
};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
    Time64MicrosecondType, TimestampMicrosecondType,
};
use syncline_protocol::{Error, ErrorKind, LogicalType, Result};

/// `array`, whose values are `from`, as values of `to`. Free when both lie in Arrow the same way.
///
/// # Errors
/// `Internal` when `from` does not fit `to`: the planner never asks for that.
pub(crate) fn convert(array: &ArrayRef, from: &LogicalType, to: &LogicalType) -> Result<ArrayRef> {
    if from == to || (from.to_arrow() == to.to_arrow() && *to != LogicalType::Json) {
        return Ok(Arc::clone(array));
    }
    match to {
        LogicalType::Text => Ok(Arc::new(texts(array, from))),
        LogicalType::Numeric if matches!(from, LogicalType::Decimal { .. }) => {
            Ok(Arc::new(texts(array, from)))
        }
        LogicalType::Numeric => Ok(Arc::new(texts(array, from))),
        LogicalType::Json => Ok(Arc::new(json_texts(array, from))),
        LogicalType::Timestamp if *from == LogicalType::Date => Ok(date_to_timestamp(array)),
        LogicalType::List(_) | LogicalType::Struct(_) => convert_nested(array, from, to),
        _ => {
            let strict = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(array, &to.to_arrow(), &strict).map_err(|error| {
                Error::internal(format!("Values of type {from} cannot become {to}.")).caused_by(error)
            })
        }
    }
}

/// Items of lists and members of structs one by one; members that `from` does not have are null.
fn convert_nested(array: &ArrayRef, from: &LogicalType, to: &LogicalType) -> Result<ArrayRef> {
    match (from, to, to.to_arrow()) {
        (LogicalType::List(from), LogicalType::List(to), DataType::List(field)) => {
            let list = array.as_list::<i32>();
            let items = convert(list.values(), from, to)?;
            Ok(Arc::new(ListArray::try_new(field, list.offsets().clone(), items, list.nulls().cloned())?))
        }
        (LogicalType::Struct(from), LogicalType::Struct(to), DataType::Struct(fields)) => {
            let members = array.as_struct();
            let columns =
                to.iter().map(|member| match from.iter().position(|known| known.name == member.name) {
                    Some(at) => convert(members.column(at), &from[at].logical, &member.logical),
                    None => Ok(new_null_array(&member.logical.to_arrow(), array.len())),
                });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok(Arc::new(StructArray::try_new(fields, columns, members.nulls().cloned())?))
        }
        _ => Err(Error::internal(format!("Values of type {from} cannot become {to}."))),
    }
}

/// Texts parsed as values of `to`: for rows that come back from quarantine.
///
/// # Errors
/// `CorruptInput` naming the first value that does not fit. Values come from the person's own data and may be shown.
pub(crate) fn parse_texts(texts: &StringArray, to: &LogicalType) -> Result<ArrayRef> {
    match to {
        LogicalType::Text | LogicalType::Numeric | LogicalType::Json => return Ok(Arc::new(texts.clone())),
        LogicalType::Uuid => return parse_uuids(texts),
        LogicalType::Bytes | LogicalType::Interval | LogicalType::List(_) | LogicalType::Struct(_) => {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "A value of type {to} cannot be repaired from text. Give its column the type text first."
                ),
            ));
        }
        _ => {}
    }
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let source: ArrayRef = Arc::new(texts.clone());
    // Without a table of named zones Arrow parses into fixed offsets only; UTC is one.
    let parsed_type = match to.to_arrow() {
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(unit, Some("+00:00".into())),
        other => other,
    };
    let parsed = cast_with_options(&source, &parsed_type, &strict).map_err(|error| {
        Error::new(ErrorKind::CorruptInput, format!("A value still does not fit the type {to}."))
            .caused_by(error)
    })?;
    if *to == LogicalType::TimestampTz {
        let times = parsed.as_primitive::<TimestampMicrosecondType>().clone();
        return Ok(Arc::new(times.with_timezone("UTC")));
    }
    Ok(parsed)
}

fn parse_uuids(texts: &StringArray) -> Result<ArrayRef> {
    let mut values = arrow::array::FixedSizeBinaryBuilder::with_capacity(texts.len(), 16);
    for text in texts {
        let Some(text) = text else {
            values.append_null();
            continue;
        };
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32);
        let Some(number) = number else {
            return Err(Error::new(ErrorKind::CorruptInput, format!("`{text}` is not a uuid.")));
        };
        values.append_value(number.to_be_bytes())?;
    }
    Ok(Arc::new(values.finish()))
}

/// Dates are whole days, so the infinities are the only values that need care.
fn date_to_timestamp(array: &ArrayRef) -> ArrayRef {
    let dates = array.as_primitive::<Date32Type>();
    let timestamps: arrow::array::TimestampMicrosecondArray = dates.unary(|day| match day {
        i32::MAX => i64::MAX,
        i32::MIN => i64::MIN,
        day => i64::from(day).saturating_mul(86_400_000_000),
    });
    Arc::new(timestamps)
}

/// Values as canonical text, nulls kept.
pub(crate) fn texts(array: &ArrayRef, logical: &LogicalType) -> StringArray {
    build_texts(array, |text, row| write_text(text, array, logical, row))
}

/// Values as JSON text, nulls kept as SQL nulls.
fn json_texts(array: &ArrayRef, logical: &LogicalType) -> StringArray {
    build_texts(array, |text, row| write_json(text, array, logical, row))
}

fn build_texts(array: &ArrayRef, mut write: impl FnMut(&mut String, usize)) -> StringArray {
    let mut builder = StringBuilder::with_capacity(array.len(), array.len() * 12);
    let mut text = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            builder.append_null();
        } else {
            text.clear();
            write(&mut text, row);
            builder.append_value(&text);
        }
    }
    builder.finish()
}

/// Appends the canonical text of one value that is not null. The same text on every platform and in every version.
pub(crate) fn write_text(text: &mut String, array: &ArrayRef, logical: &LogicalType, row: usize) {
    // Writing to a String cannot fail.
    let _ = match logical {
        LogicalType::Boolean => write!(text, "{}", array.as_boolean().value(row)),
        LogicalType::Int16 => write!(text, "{}", array.as_primitive::<Int16Type>().value(row)),
        LogicalType::Int32 => write!(text, "{}", array.as_primitive::<Int32Type>().value(row)),
        LogicalType::Int64 => write!(text, "{}", array.as_primitive::<Int64Type>().value(row)),
        LogicalType::Float32 => write_float(text, &array.as_primitive::<Float32Type>().value(row)),
        LogicalType::Float64 => write_float(text, &array.as_primitive::<Float64Type>().value(row)),
        LogicalType::Decimal { .. } => {
            let decimals: &Decimal128Array = array.as_primitive();
            write!(text, "{}", decimals.value_as_string(row))
        }
        LogicalType::Numeric | LogicalType::Text | LogicalType::Json => {
            write!(text, "{}", array.as_string::<i32>().value(row))
        }
        LogicalType::Bytes => {
            text.push_str("\\x");
            array.as_binary::<i32>().value(row).iter().try_for_each(|byte| write!(text, "{byte:02x}"))
        }
        LogicalType::Date => write_date(text, array.as_primitive::<Date32Type>().value(row)),
        LogicalType::Time => write_time(text, array.as_primitive::<Time64MicrosecondType>().value(row)),
        LogicalType::Timestamp => {
            write_timestamp(text, array.as_primitive::<TimestampMicrosecondType>().value(row), "")
        }
        LogicalType::TimestampTz => {
            write_timestamp(text, array.as_primitive::<TimestampMicrosecondType>().value(row), "+00")
        }
        LogicalType::Interval => {
            let intervals: &IntervalMonthDayNanoArray = array.as_primitive();
            write_interval(text, intervals.value(row))
        }
        LogicalType::Uuid => write_uuid(text, array.as_fixed_size_binary(), row),
        LogicalType::List(_) | LogicalType::Struct(_) => {
            write_json(text, array, logical, row);
            Ok(())
        }
    };
}

fn write_float<F: std::fmt::Display>(text: &mut String, value: &F) -> std::fmt::Result {
    let start = text.len();
    write!(text, "{value}")?;
    // Rust writes inf and NaN; databases read Infinity and NaN.
    if text[start..].ends_with("inf") {
        text.truncate(text.len() - 3);
        text.push_str("Infinity");
    }
    Ok(())
}

/// `2026-11-23`, `0044-03-15 BC`, `infinity`, as Postgres writes dates.
fn write_date(text: &mut String, day: i32) -> std::fmt::Result {
    match day {
        i32::MAX => write!(text, "infinity"),
        i32::MIN => write!(text, "-infinity"),
        day => {
            let before = write_day(text, i64::from(day))?;
            write!(text, "{before}")
        }
    }
}

/// Writes year, month and day; returns the era suffix that belongs at the very end.
fn write_day(text: &mut String, day: i64) -> Result<&'static str, std::fmt::Error> {
    let (year, month, day) = civil(day);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    write!(text, "{year:04}-{month:02}-{day:02}")?;
    Ok(era)
}

/// Year, month and day of a day number, proleptic Gregorian, for all of `i64` that a timestamp can reach.
/// Algorithm: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day_of_month)
}

fn write_time(text: &mut String, micros: i64) -> std::fmt::Result {
    let seconds = micros / 1_000_000;
    write!(text, "{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)?;
    match micros % 1_000_000 {
        0 => Ok(()),
        fraction => {
            write!(text, ".{fraction:06}")?;
            let end = text.trim_end_matches('0').len();
            text.truncate(end);
            Ok(())
        }
    }
}

fn write_timestamp(text: &mut String, micros: i64, zone: &str) -> std::fmt::Result {
    match micros {
        i64::MAX => write!(text, "infinity"),
        i64::MIN => write!(text, "-infinity"),
        micros => {
            let era = write_day(text, micros.div_euclid(86_400_000_000))?;
            text.push(' ');
            write_time(text, micros.rem_euclid(86_400_000_000))?;
            write!(text, "{zone}{era}")
        }
    }
}

/// ISO 8601 with signed parts: `P1M-3DT4.5S`; nothing at all is `PT0S`.
fn write_interval(text: &mut String, value: IntervalMonthDayNano) -> std::fmt::Result {
    text.push('P');
    if value.months != 0 {
        write!(text, "{}M", value.months)?;
    }
    if value.days != 0 {
        write!(text, "{}D", value.days)?;
    }
    if value.nanoseconds != 0 {
        let sign = if value.nanoseconds < 0 { "-" } else { "" };
        let nanos = value.nanoseconds.unsigned_abs();
        let fraction = format!("{:09}", nanos % 1_000_000_000);
        let fraction = fraction.trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        write!(text, "T{sign}{}{point}{fraction}S", nanos / 1_000_000_000)?;
    }
    if text.ends_with('P') {
        text.push_str("T0S");
    }
    Ok(())
}

fn write_uuid(text: &mut String, uuids: &FixedSizeBinaryArray, row: usize) -> std::fmt::Result {
    for (at, byte) in uuids.value(row).iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        write!(text, "{byte:02x}")?;
    }
    Ok(())
}

/// Appends one value as JSON; null becomes `null`. Numbers keep every digit; what JSON cannot hold becomes a string.
fn write_json(json: &mut String, array: &ArrayRef, logical: &LogicalType, row: usize) {
    if array.is_null(row) {
        json.push_str("null");
        return;
    }
    match logical {
        LogicalType::Boolean
        | LogicalType::Int16
        | LogicalType::Int32
        | LogicalType::Int64
        | LogicalType::Decimal { .. }
        | LogicalType::Json => write_text(json, array, logical, row),
        LogicalType::Float32 | LogicalType::Float64 | LogicalType::Numeric => {
            let start = json.len();
            write_text(json, array, logical, row);
            if json[start..].contains(['N', 'I']) {
                json.insert(start, '"');
                json.push('"');
            }
        }
        LogicalType::List(item) => {
            let items = array.as_list::<i32>().value(row);
            json.push('[');
            for index in 0..items.len() {
                if index > 0 {
                    json.push(',');
                }
                write_json(json, &items, item, index);
            }
            json.push(']');
        }
        LogicalType::Struct(fields) => {
            json.push('{');
            for (index, (field, member)) in fields.iter().zip(array.as_struct().columns()).enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write_json_string(json, &field.name);
                json.push(':');
                write_json(json, member, &field.logical, row);
            }
            json.push('}');
        }
        _ => {
            let mut text = String::new();
            write_text(&mut text, array, logical, row);
            write_json_string(json, &text);
        }
    }
}

fn write_json_string(json: &mut String, text: &str) {
    json.push_str(&serde_json::Value::from(text).to_string());
}

/// The Arrow type of `logical`, for tests of equality with what a batch really holds.
pub(crate) fn same_layout(logical: &LogicalType, data_type: &DataType) -> bool {
    logical.to_arrow().equals_datatype(data_type)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Date32Array, Int64Array, TimestampMicrosecondArray};

    fn one(array: impl Array + 'static, logical: &LogicalType) -> String {
        texts(&(Arc::new(array) as ArrayRef), logical).value(0).to_owned()
    }

    #[test]
    fn times_are_written_as_postgres_writes_them() {
        let date = |day| one(Date32Array::from(vec![day]), &LogicalType::Date);
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-719_162), "0001-01-01");
        assert_eq!(date(-719_163), "0001-12-31 BC");
        assert_eq!(date(i32::MAX), "infinity");
        let timestamp = |micros| one(TimestampMicrosecondArray::from(vec![micros]), &LogicalType::Timestamp);
        assert_eq!(timestamp(-1), "1969-12-31 23:59:59.999999");
        assert_eq!(timestamp(1_500_000), "1970-01-01 00:00:01.5");
        assert_eq!(timestamp(i64::MIN), "-infinity");
        // The last microsecond below infinity.
        assert_eq!(timestamp(i64::MAX - 1), "294247-01-10 04:00:54.775806");
    }

    #[test]
    fn repaired_texts_parse_and_others_say_so() {
        let parse =
            |text: &str, to: &LogicalType| parse_texts(&StringArray::from(vec![Some(text), None]), to);
        let instant = parse("2026-11-23T10:00:00+02:00", &LogicalType::TimestampTz).unwrap();
        assert_eq!(
            one(instant.as_primitive::<TimestampMicrosecondType>().clone(), &LogicalType::TimestampTz),
            "2026-11-23 08:00:00+00"
        );
        assert_eq!(
            parse("12.50", &LogicalType::Decimal { precision: 10, scale: 2 }).unwrap().null_count(),
            1
        );
        assert_eq!(parse("N/A", &LogicalType::Int64).unwrap_err().kind(), ErrorKind::CorruptInput);
        assert!(parse("12", &LogicalType::Uuid).is_err());
    }

    #[test]
    fn items_of_lists_are_converted() {
        let list = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(7), None]), None]);
        let to = LogicalType::List(Box::new(LogicalType::Text));
        let from = LogicalType::List(Box::new(LogicalType::Int64));
        let texts = convert(&(Arc::new(list) as ArrayRef), &from, &to).unwrap();
        assert_eq!(texts.data_type(), &to.to_arrow());
        assert_eq!(texts.as_list::<i32>().value(0).as_string::<i32>().value(0), "7");
        assert!(texts.is_null(1));
    }

    #[test]
    fn intervals_are_iso_8601() {
        let interval = |months, days, nanoseconds| {
            let value = IntervalMonthDayNano { months, days, nanoseconds };
            one(IntervalMonthDayNanoArray::from(vec![value]), &LogicalType::Interval)
        };
        assert_eq!(interval(14, -3, 4_500_000_000), "P14M-3DT4.5S");
        assert_eq!(interval(0, 0, -1), "PT-0.000000001S");
        assert_eq!(interval(0, 0, 0), "PT0S");
    }

    #[test]
    fn lists_become_json_and_numbers_keep_their_digits() {
        let list: ListArray =
            ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(i64::MAX), None])]);
        let logical = LogicalType::List(Box::new(LogicalType::Int64));
        let json = convert(&(Arc::new(list) as ArrayRef), &logical, &LogicalType::Json).unwrap();
        assert_eq!(json.as_string::<i32>().value(0), "[9223372036854775807,null]");
        let wide = LogicalType::Decimal { precision: 21, scale: 2 };
        let array: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX]));
        assert_eq!(
            texts(&convert(&array, &LogicalType::Int64, &wide).unwrap(), &wide).value(0),
            "9223372036854775807.00"
        );
    }
}
