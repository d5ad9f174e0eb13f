//! Values of every logical type, extremes first.

use serde_json::{Value, json};
use syncline_protocol::{DestinationCapabilities, LogicalType, StructField};

/// Every logical type with values that have broken other programs. In the form of [`rows`](crate::rows); a null is
/// always among them.
#[allow(clippy::too_many_lines)] // a table: one entry per type
pub fn every_type() -> Vec<(LogicalType, Vec<Value>)> {
    let mut types = vec![
        (LogicalType::Boolean, vec![json!(true), json!(false)]),
        (LogicalType::Int16, vec![json!(i16::MIN), json!(i16::MAX), json!(0)]),
        (LogicalType::Int32, vec![json!(i32::MIN), json!(i32::MAX), json!(-1)]),
        (LogicalType::Int64, vec![json!(i64::MIN), json!(i64::MAX), json!(9_007_199_254_740_993_i64)]),
        (
            LogicalType::Float32,
            vec![
                json!("NaN"),
                json!("Infinity"),
                json!("-Infinity"),
                json!(f32::MAX),
                json!(1e-45_f32),
                json!(0.1_f32),
            ],
        ),
        (
            LogicalType::Float64,
            vec![
                json!("NaN"),
                json!("Infinity"),
                json!("-Infinity"),
                json!(f64::MIN),
                json!(5e-324),
                json!(0.1),
                json!(-1.5),
            ],
        ),
        (
            LogicalType::Numeric,
            texts(&["0", "-1.50", "123456789012345678901234567890123456789012345678901234567890.5", "NaN"]),
        ),
        (
            LogicalType::Text,
            texts(&[
                "",
                " ",
                "NULL",
                "\\N",
                "a\tb\r\nc\\",
                "'\"`;--",
                "naïve 😀 𝄞",
                "\u{feff}bom",
                "\u{1}",
                "%s{}",
            ]),
        ),
        (LogicalType::Bytes, texts(&["", "00", "00ff27225c0a0d", "deadbeef"])),
        (LogicalType::Uuid, texts(&["00000000000000000000000000000000", "f47ac10b58cc4372a5670e02b2c3d479"])),
        (LogicalType::Json, texts(&["{\"b\":1,  \"a\":[null,true]}", "\"x\"", "null", "1.10"])),
        (LogicalType::Time, vec![json!(0), json!(86_399_999_999_i64), json!(43_200_000_001_i64)]),
        (
            LogicalType::Interval,
            vec![json!([0, 0, 0]), json!([14, -3, 1_000_000_000]), json!([-1, 40, -5_000])],
        ),
        (LogicalType::Date, vec![json!(0), json!(-1), json!(19_782), json!(-25_567)]),
        (LogicalType::Timestamp, vec![json!(0), json!(-1), json!(1_709_210_096_123_456_i64)]),
        (LogicalType::TimestampTz, vec![json!(0), json!(-1), json!(1_709_210_096_123_456_i64)]),
        (list(LogicalType::Int32), vec![json!([]), json!([1, null, -3]), json!([i32::MAX])]),
        (list(LogicalType::Text), vec![json!(["", "a,b", "{}", null, "\"q\"", "NULL"]), json!([null])]),
        (list(list(LogicalType::Int64)), vec![json!([[1, 2], [], null]), json!([])]),
        (
            structure(&[("a", LogicalType::Int32), ("B c", LogicalType::Text)]),
            vec![json!({"a": 1, "B c": "x"}), json!({"a": null, "B c": null})],
        ),
        (
            list(structure(&[("a", LogicalType::Float64), ("l", list(LogicalType::Text))])),
            vec![json!([{"a": 0.5, "l": ["x", null]}, null]), json!([])],
        ),
    ];
    for (precision, scale, values) in [
        (1, 0, ["9", "-9", "0"]),
        (9, 2, ["9999999.99", "-9999999.99", "0.01"]),
        (18, 18, ["0.999999999999999999", "-0.000000000000000001", "0.500000000000000000"]),
        (38, 0, ["99999999999999999999999999999999999999", "-99999999999999999999999999999999999999", "7"]),
        (38, 10, ["9999999999999999999999999999.9999999999", "-0.0000000001", "12.3400000000"]),
    ] {
        types.push((LogicalType::Decimal { precision, scale }, texts(&values)));
    }
    types.iter_mut().for_each(|(_, values)| values.push(Value::Null));
    types
}

/// [`every_type`], with what only this destination can hold: the ends of its ranges, infinities, U+0000, 24:00.
pub fn every_type_for(capabilities: &DestinationCapabilities) -> Vec<(LogicalType, Vec<Value>)> {
    let mut types = every_type();
    for (logical, values) in &mut types {
        match logical {
            LogicalType::Date => {
                values.extend([json!(capabilities.date_range.0), json!(capabilities.date_range.1)]);
                if capabilities.infinite_times {
                    values.extend([json!(i32::MAX), json!(i32::MIN)]);
                }
            }
            LogicalType::Timestamp | LogicalType::TimestampTz => {
                values.extend([json!(capabilities.timestamp_range.0), json!(capabilities.timestamp_range.1)]);
                if capabilities.infinite_times {
                    values.extend([json!(i64::MAX), json!(i64::MIN)]);
                }
            }
            LogicalType::Text if capabilities.text_nul => values.push(json!("a\u{0}b")),
            LogicalType::Time => values.push(json!(86_400_000_000_i64)),
            _ => {}
        }
    }
    types
}

fn texts(values: &[&str]) -> Vec<Value> {
    values.iter().map(|value| json!(value)).collect()
}

fn list(item: LogicalType) -> LogicalType {
    LogicalType::List(Box::new(item))
}

fn structure(members: &[(&str, LogicalType)]) -> LogicalType {
    let member = |(name, logical): &(&str, LogicalType)| StructField {
        name: (*name).to_owned(),
        logical: logical.clone(),
    };
    LogicalType::Struct(members.iter().map(member).collect())
}
