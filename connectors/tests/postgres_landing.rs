//! Values as the Postgres destination lands them.

use serde_json::{Value, json};
use syncline_protocol::{BatchKind, ChangeBatch, Column, LogicalType, WriteMode};
use syncline_testkit::rows::batch;
use syncline_testkit::{Collector, sorted_rows};

use crate::support::desk::*;

/// Values and what `::text` of them is in the table.
#[allow(clippy::too_many_lines)] // a table
fn values_and_texts() -> Vec<(LogicalType, Vec<(Value, &'static str)>)> {
    use LogicalType::*;
    let decimal = |precision, scale| Decimal { precision, scale };
    let list = |item| List(Box::new(item));
    vec![
        (Boolean, vec![(json!(true), "true"), (json!(false), "false")]),
        (Int16, vec![(json!(i16::MIN), "-32768"), (json!(i16::MAX), "32767")]),
        (Int32, vec![(json!(i32::MIN), "-2147483648"), (json!(i32::MAX), "2147483647")]),
        (Int64, vec![(json!(i64::MIN), "-9223372036854775808"), (json!(i64::MAX), "9223372036854775807")]),
        (
            Float32,
            vec![
                (json!("NaN"), "NaN"),
                (json!("-Infinity"), "-Infinity"),
                (json!(0.1), "0.1"),
                (json!(-0.0), "-0"),
            ],
        ),
        (Float64, vec![(json!("Infinity"), "Infinity"), (json!(5e-324), "5e-324"), (json!(1e300), "1e+300")]),
        (
            decimal(38, 0),
            vec![
                (json!("99999999999999999999999999999999999999"), "99999999999999999999999999999999999999"),
                (json!("-99999999999999999999999999999999999999"), "-99999999999999999999999999999999999999"),
                (json!("18446744073709551615"), "18446744073709551615"),
                (json!("18446744073709551616"), "18446744073709551616"),
                (json!("0"), "0"),
            ],
        ),
        (
            decimal(38, 38),
            vec![
                (
                    json!("0.99999999999999999999999999999999999999"),
                    "0.99999999999999999999999999999999999999",
                ),
                (
                    json!("0.00000000000000000000000000000000000001"),
                    "0.00000000000000000000000000000000000001",
                ),
                (json!("0.0"), "0.00000000000000000000000000000000000000"),
            ],
        ),
        (
            decimal(38, 37),
            vec![(
                json!("-9.9999999999999999999999999999999999999"),
                "-9.9999999999999999999999999999999999999",
            )],
        ),
        (
            decimal(15, 2),
            vec![(json!("-0.01"), "-0.01"), (json!("10000.00"), "10000.00"), (json!("0.10"), "0.10")],
        ),
        (decimal(9, 3), vec![(json!("-123456.789"), "-123456.789"), (json!("0.001"), "0.001")]),
        (decimal(9, 1), vec![(json!("99999999.9"), "99999999.9"), (json!("0.1"), "0.1")]),
        (decimal(8, 4), vec![(json!("1.0001"), "1.0001"), (json!("9999.9999"), "9999.9999")]),
        (
            Numeric,
            vec![
                (json!("NaN"), "NaN"),
                (json!("Infinity"), "Infinity"),
                (json!("-Infinity"), "-Infinity"),
                (json!("0"), "0"),
                (json!("0.000"), "0.000"),
                (json!("-1.50"), "-1.50"),
                (json!("10000"), "10000"),
                (json!("100000000.00001"), "100000000.00001"),
                (json!("0.00001"), "0.00001"),
                (
                    json!("-12345678901234567890123456789012345678901234567890.123456789"),
                    "-12345678901234567890123456789012345678901234567890.123456789",
                ),
            ],
        ),
        (Text, vec![(json!(""), ""), (json!("naïve 😀 \\N \t\n'\""), "naïve 😀 \\N \t\n'\"")]),
        (Bytes, vec![(json!(""), "\\x"), (json!("00ff5c27"), "\\x00ff5c27")]),
        (
            Date,
            vec![
                (json!(0), "1970-01-01"),
                (json!(10_957), "2000-01-01"),
                (json!(-2_440_588), "4714-11-24 BC"),
                (json!(2_145_042_905), "5874897-12-31"),
                (json!(i32::MAX), "infinity"),
                (json!(i32::MIN), "-infinity"),
            ],
        ),
        (
            Time,
            vec![
                (json!(0), "00:00:00"),
                (json!(86_400_000_000_i64), "24:00:00"),
                (json!(1), "00:00:00.000001"),
            ],
        ),
        (
            Timestamp,
            vec![
                (json!(-1), "1969-12-31 23:59:59.999999"),
                (json!(-210_866_803_200_000_000_i64), "4714-11-24 00:00:00 BC"),
                (json!(i64::MAX - 1), "294247-01-10 04:00:54.775806"),
                (json!(i64::MAX), "infinity"),
                (json!(i64::MIN), "-infinity"),
            ],
        ),
        (
            TimestampTz,
            vec![
                (json!(AT), "2024-02-29 12:34:56+00"),
                (json!(i64::MAX), "infinity"),
                (json!(i64::MIN), "-infinity"),
            ],
        ),
        (
            Interval,
            vec![
                (json!([14, -3, 1_000_000]), "1 year 2 mons -3 days +00:00:00.001"),
                (json!([-1, 40, -5_000]), "-1 mons +40 days -00:00:00.000005"),
                (json!([0, 0, 0]), "00:00:00"),
            ],
        ),
        (Uuid, vec![(json!("f47ac10b58cc4372a5670e02b2c3d479"), "f47ac10b-58cc-4372-a567-0e02b2c3d479")]),
        (
            Json,
            vec![(json!("{\"b\":1,  \"a\":[null]}"), "{\"b\":1,  \"a\":[null]}"), (json!("null"), "null")],
        ),
        (list(Int32), vec![(json!([]), "{}"), (json!([1, null, -3]), "{1,NULL,-3}")]),
        (list(Text), vec![(json!(["", "a,b", null, "NULL"]), "{\"\",\"a,b\",NULL,\"NULL\"}")]),
        (list(decimal(9, 2)), vec![(json!(["1.50", null]), "{1.50,NULL}")]),
        (list(Numeric), vec![(json!(["NaN", "1.5"]), "{NaN,1.5}")]),
        (list(Json), vec![(json!(["{}", null]), "{\"{}\",NULL}")]),
        (
            list(Uuid),
            vec![(json!(["f47ac10b58cc4372a5670e02b2c3d479"]), "{f47ac10b-58cc-4372-a567-0e02b2c3d479}")],
        ),
        (list(Timestamp), vec![(json!([i64::MAX, 0]), "{infinity,\"1970-01-01 00:00:00\"}")]),
        (list(Boolean), vec![(json!([true, false]), "{t,f}")]),
        (list(Bytes), vec![(json!(["00ff"]), "{\"\\\\x00ff\"}")]),
        (list(Interval), vec![(json!([[0, 1, 0]]), "{\"1 day\"}")]),
    ]
}

#[tokio::test]
async fn every_value_lands_exactly_whichever_way_it_goes() {
    let mut desk = Desk::new().await;
    // Straight into the table, and through the stage.
    for (number, mode) in [WriteMode::Append, HARD, WriteMode::History].into_iter().enumerate() {
        for (at, (logical, values)) in values_and_texts().into_iter().enumerate() {
            let columns = vec![Column::new("id", LogicalType::Int32), Column::new("value", logical.clone())];
            let target = target_of(&format!("t{number}_{at}"), mode, columns.clone(), &["id"]);
            desk.create(&target).await;
            let mut values: Vec<_> =
                values.into_iter().map(|(value, text)| (value, text.to_owned())).collect();
            values.push((Value::Null, "∅".to_owned()));
            let all: Vec<_> = values.iter().enumerate().map(|(id, (value, _))| json!([id, value])).collect();
            let segment = ChangeBatch { kind: BatchKind::Rows, rows: batch(&columns, &all) };
            desk.load(&target, &[segment]).await.unwrap_or_else(|error| panic!("{logical}: {error:?}"));
            let found = desk.query(&format!("SELECT value::text FROM shop.t{number}_{at} ORDER BY id")).await;
            let expected: Vec<_> = values.iter().map(|(_, text)| text.as_str()).collect();
            assert_eq!(found, expected, "{logical} in {mode:?}");
            // And the table says that it has this type.
            let seen = desk.destination.inspect(std::slice::from_ref(&target.name)).await.unwrap();
            let seen = seen[0].as_ref().unwrap().iter().find(|column| column.name == "value").unwrap();
            let wanted = match &logical {
                // The catalog keeps no precision for the items of an array of this table apart from the array's own.
                LogicalType::List(_) => seen.logical.clone(),
                other => other.clone(),
            };
            assert_eq!(seen.logical, wanted);
            // Reading back gives the same values.
            let sink = Collector::new();
            desk.destination.scan(&target, &columns, &sink).await.unwrap();
            if logical != LogicalType::Json {
                let back = sorted_rows(&sink.batches(BatchKind::Rows));
                let mut wanted: Vec<_> = syncline_testkit::rows_as_text(&[batch(&columns, &all)]);
                wanted.sort_unstable();
                assert_eq!(back, wanted, "{logical}");
            }
            assert_eq!(desk.destination.count(&target).await.unwrap(), all.len() as u64);
        }
    }
}

#[tokio::test]
async fn json_keeps_its_text_unless_it_is_jsonb_in_the_source() {
    let mut desk = Desk::new().await;
    let list = LogicalType::List(Box::new(LogicalType::Json));
    let text = "{\"b\":1,  \"b\":2}";
    for (native, expected) in [
        (None, "json|{\"b\":1,  \"b\":2}|json[]|1"),
        (Some("json"), "json|{\"b\":1,  \"b\":2}|json[]|1"),
        (Some("jsonb"), "jsonb|{\"b\": 2}|jsonb[]|1"),
    ] {
        for (name, mode) in [("a", WriteMode::Append), ("m", SOFT), ("h", WriteMode::History)] {
            let mut columns = vec![
                Column::new("id", LogicalType::Int32),
                Column::new("j", LogicalType::Json),
                Column::new("l", list.clone()),
            ];
            columns[1].native_type = native.map(str::to_owned);
            columns[2].native_type = native.map(|native| format!("{native}[]"));
            let name = format!("{name}_{}", native.unwrap_or("none"));
            let target = target_of(&name, mode, columns.clone(), &["id"]);
            desk.create(&target).await;
            let rows = batch(&columns, &[json!([1, text, [text]])]);
            let segment = [ChangeBatch { kind: BatchKind::Rows, rows }];
            for _ in 0..2 {
                desk.load(&target, &segment).await.unwrap();
            }
            let found = format!(
                "SELECT DISTINCT pg_typeof(j), j::text, pg_typeof(l), cardinality(l) FROM shop.{name}"
            );
            assert_eq!(desk.query(&found).await, [expected]);
            let count = if mode == WriteMode::Append { 2 } else { 1 };
            assert_eq!(desk.destination.count(&target).await.unwrap(), count, "{name}");
            // The engine need not know what the table has.
            let mut unknowing = target.clone();
            unknowing.columns.iter_mut().for_each(|column| column.native_type = None);
            desk.load(&unknowing, &segment).await.unwrap();
            let count = if mode == WriteMode::Append { 3 } else { 1 };
            assert_eq!(desk.destination.count(&target).await.unwrap(), count, "{name}");
        }
    }
}
