//! Every type at its extremes: as DuckDB prints it, and as a scan reads it back.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::OffsetBuffer;
use arrow::compute::concat_batches;
use arrow::datatypes::IntervalMonthDayNano;
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::*;

use crate::support::*;

fn table(columns: Vec<Column>) -> TargetTable {
    TargetTable {
        name: TargetName { schema: None, name: "values".to_owned() },
        columns,
        key: vec![],
        mode: WriteMode::Append,
    }
}

/// Loads a batch into a new file and reads it back; `Place::ask` can then look at it.
async fn round_trip(place: &Place, columns: &[Column], batches: &[RecordBatch]) -> RecordBatch {
    let destination = place.destination();
    let target = table(columns.to_vec());
    let opened = opened(&*destination, &target).await;
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    for rows in batches {
        loader.write(ChangeBatch { kind: BatchKind::Rows, rows: rows.clone() }).await.unwrap();
    }
    let count = batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
    loader.commit(&commit(1, count)).await.unwrap();
    opened.session.close().await;
    let collected = Collected::default();
    destination.scan(&target, columns, &collected).await.unwrap();
    concat_batches(&arrow_schema(columns), &collected.0.into_inner().unwrap()).unwrap()
}

fn decimal(precision: u8, scale: u8, values: Vec<Option<i128>>) -> (LogicalType, ArrayRef) {
    let array = Decimal128Array::from(values).with_precision_and_scale(precision, scale as i8).unwrap();
    (LogicalType::Decimal { precision, scale }, Arc::new(array))
}

fn struct_type() -> LogicalType {
    LogicalType::Struct(vec![
        StructField { name: "a".to_owned(), logical: LogicalType::Int32 },
        StructField { name: "b c".to_owned(), logical: LogicalType::List(Box::new(LogicalType::Text)) },
    ])
}

/// Three rows: the largest, the smallest, null; with what DuckDB prints.
#[allow(clippy::too_many_lines)] // a table
fn extremes() -> Vec<(LogicalType, ArrayRef, [&'static str; 2])> {
    let text = |values: [Option<&str>; 3]| -> ArrayRef { Arc::new(StringArray::from(values.to_vec())) };
    let (nine, eighteen) = (10i128.pow(9) - 1, 10i128.pow(18) - 1);
    let most = 10i128.pow(38) - 1;
    let lists: ArrayRef = {
        let items: ArrayRef = Arc::new(Int64Array::from(vec![Some(i64::MAX), None, Some(3)]));
        let field = Arc::new(LogicalType::Int64.to_field("item", true));
        let nulls = vec![true, true, false].into();
        Arc::new(ListArray::new(field, OffsetBuffer::new(vec![0, 3, 3, 3].into()), items, Some(nulls)))
    };
    let structs: ArrayRef = {
        let LogicalType::Struct(fields) = struct_type() else { unreachable!() };
        let items: ArrayRef = Arc::new(StringArray::from(vec![Some("longer than twelve bytes"), None]));
        let field = Arc::new(LogicalType::Text.to_field("item", true));
        let list = ListArray::new(field, OffsetBuffer::new(vec![0, 1, 2, 2].into()), items, None);
        let arrow::datatypes::DataType::Struct(arrow_fields) = LogicalType::Struct(fields).to_arrow() else {
            unreachable!()
        };
        let members: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![Some(1), None, None])), Arc::new(list)];
        Arc::new(StructArray::new(arrow_fields, members, Some(vec![true, true, false].into())))
    };
    let mut all: Vec<(LogicalType, ArrayRef, [&'static str; 2])> = vec![
        (
            LogicalType::Boolean,
            Arc::new(BooleanArray::from(vec![Some(true), Some(false), None])),
            ["true", "false"],
        ),
        (
            LogicalType::Int16,
            Arc::new(Int16Array::from(vec![Some(i16::MAX), Some(i16::MIN), None])),
            ["32767", "-32768"],
        ),
        (
            LogicalType::Int32,
            Arc::new(Int32Array::from(vec![Some(i32::MAX), Some(i32::MIN), None])),
            ["2147483647", "-2147483648"],
        ),
        (
            LogicalType::Int64,
            Arc::new(Int64Array::from(vec![Some(i64::MAX), Some(i64::MIN), None])),
            ["9223372036854775807", "-9223372036854775808"],
        ),
        (
            LogicalType::Float32,
            Arc::new(Float32Array::from(vec![Some(f32::INFINITY), Some(f32::MIN), None])),
            ["inf", "-3.4028235e+38"],
        ),
        (
            LogicalType::Float64,
            Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(5e-324), None])),
            ["nan", "5e-324"],
        ),
        (
            LogicalType::Text,
            text([Some("nul \0 and 𝄞 in a long text"), Some(""), None]),
            ["nul \0 and 𝄞 in a long text", ""],
        ),
        (
            LogicalType::Text,
            text([Some("twelve bytes"), Some("thirteen byte"), None]),
            ["twelve bytes", "thirteen byte"],
        ),
        (LogicalType::Json, text([Some("{\"a\": [1,2]}"), Some("null"), None]), ["{\"a\": [1,2]}", "null"]),
        (
            LogicalType::Bytes,
            Arc::new(BinaryArray::from(vec![Some(&[0u8, 255, 65][..]), Some(&[][..]), None])),
            ["\\x00\\xFFA", ""],
        ),
        (
            LogicalType::Date,
            Arc::new(Date32Array::from(vec![Some(i32::MAX), Some(i32::MIN), None])),
            ["infinity", "-infinity"],
        ),
        (
            LogicalType::Date,
            Arc::new(Date32Array::from(vec![Some(2_147_483_646), Some(-2_147_483_646), None])),
            ["5881580-07-10", "5877642-06-25 (BC)"],
        ),
        (
            LogicalType::Time,
            Arc::new(Time64MicrosecondArray::from(vec![Some(86_400_000_000), Some(0), None])),
            ["24:00:00", "00:00:00"],
        ),
        (
            LogicalType::Timestamp,
            Arc::new(TimestampMicrosecondArray::from(vec![Some(i64::MAX), Some(i64::MIN), None])),
            ["infinity", "-infinity"],
        ),
        (
            LogicalType::Timestamp,
            Arc::new(TimestampMicrosecondArray::from(vec![
                Some(i64::MAX - 1),
                Some(-9_223_372_022_400_000_000),
                None,
            ])),
            ["294247-01-10 04:00:54.775806", "290309-12-22 (BC) 00:00:00"],
        ),
        (
            LogicalType::TimestampTz,
            Arc::new(
                TimestampMicrosecondArray::from(vec![Some(i64::MAX), Some(1), None]).with_timezone("UTC"),
            ),
            ["infinity", "1970-01-01 00:00:00.000001+00"],
        ),
        (
            LogicalType::Interval,
            Arc::new(IntervalMonthDayNanoArray::from(vec![
                Some(IntervalMonthDayNano::new(-14, 40, 1_000_000)),
                Some(IntervalMonthDayNano::new(0, 0, -1000)),
                None,
            ])),
            ["-1 year -2 months 40 days 00:00:00.001", "-00:00:00.000001"],
        ),
        (
            LogicalType::Uuid,
            Arc::new(
                FixedSizeBinaryArray::try_from_sparse_iter_with_size(
                    vec![Some([255u8; 16]), Some([0; 16]), None].into_iter(),
                    16,
                )
                .unwrap(),
            ),
            ["ffffffff-ffff-ffff-ffff-ffffffffffff", "00000000-0000-0000-0000-000000000000"],
        ),
        (LogicalType::List(Box::new(LogicalType::Int64)), lists, ["[9223372036854775807, NULL, 3]", "[]"]),
        (
            struct_type(),
            structs,
            ["{'a': 1, 'b c': [longer than twelve bytes]}", "{'a': NULL, 'b c': [NULL]}"],
        ),
    ];
    for (precision, scale, value, printed) in [
        (4, 2, 9999, ["99.99", "-99.99"]),
        (9, 0, nine, ["999999999", "-999999999"]),
        (18, 18, eighteen, [".999999999999999999", "-.999999999999999999"]),
        (
            38,
            10,
            most,
            ["9999999999999999999999999999.9999999999", "-9999999999999999999999999999.9999999999"],
        ),
    ] {
        let (logical, array) = decimal(precision, scale, vec![Some(value), Some(-value), None]);
        all.push((logical, array, printed));
    }
    all
}

#[tokio::test]
async fn every_type_at_its_extremes() {
    let place = Place::new();
    let all = extremes();
    let columns: Vec<_> = all
        .iter()
        .enumerate()
        .map(|(index, (logical, ..))| Column::new(format!("c{index} \"q\" ü"), logical.clone()))
        .collect();
    let arrays = all.iter().map(|(_, array, _)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(arrow_schema(&columns), arrays).unwrap();
    let read = round_trip(&place, &columns, std::slice::from_ref(&batch)).await;
    for (index, column) in columns.iter().enumerate() {
        assert_eq!(read.column(index), batch.column(index), "{}", column.logical);
    }
    // The independent look: how DuckDB prints each value.
    let selected: Vec<_> =
        columns.iter().map(|column| format!("\"{}\"::VARCHAR", column.name.replace('"', "\"\""))).collect();
    let printed = place
        .ask(&format!("SET TimeZone = 'UTC'; SELECT {} FROM \"values\" ORDER BY rowid", selected.join(", ")));
    for (index, (logical, _, expected)) in all.iter().enumerate() {
        let found: Vec<_> = printed.iter().map(|row| row[index].as_str()).collect();
        assert_eq!(found, [expected[0], expected[1], "∅"], "{logical}");
    }
    let destination = place.destination();
    let inspected = destination.inspect(&[table(vec![]).name]).await.unwrap().remove(0).unwrap();
    for (found, column) in inspected.iter().zip(&columns) {
        assert_eq!((&found.name, &found.logical), (&column.name, &column.logical));
    }
}

#[tokio::test]
async fn a_decimal_over_its_precision_is_refused() {
    let place = Place::new();
    let destination = place.destination();
    let (logical, _) = decimal(4, 2, vec![]);
    let target = table(vec![Column::new("a", logical)]);
    let opened = opened(&*destination, &target).await;
    let array: ArrayRef =
        Arc::new(Decimal128Array::from(vec![10_000]).with_precision_and_scale(4, 2).unwrap());
    let rows = RecordBatch::try_new(arrow_schema(&target.columns), vec![array]).unwrap();
    let mut loader = opened.session.loader(&options(&target, true)).await.unwrap();
    loader.write(ChangeBatch { kind: BatchKind::Rows, rows }).await.unwrap();
    let error = loader.commit(&commit(1, 1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Mismatch);
    opened.session.close().await;
    assert_eq!(destination.count(&target).await.unwrap(), 0);
}

/// One row of the types with moving parts: bitmaps, inlined and pointed-to text, nested offsets.
type Row = (Option<bool>, Option<String>, Option<Vec<Option<Vec<Option<String>>>>>, i64);

fn row() -> impl Strategy<Value = Row> {
    let text = || proptest::option::weighted(0.8, "[a-zé\0]{0,30}");
    let list = proptest::collection::vec(
        proptest::option::weighted(0.8, proptest::collection::vec(text(), 0..4)),
        0..4,
    );
    (proptest::option::of(any::<bool>()), text(), proptest::option::weighted(0.8, list), any::<i64>())
}

fn batch(columns: &[Column], rows: &[Row]) -> RecordBatch {
    let mut lists = ListBuilder::new(
        ListBuilder::new(StringBuilder::new()).with_field(LogicalType::Text.to_field("item", true)),
    )
    .with_field(LogicalType::List(Box::new(LogicalType::Text)).to_field("item", true));
    for (_, _, list, _) in rows {
        for inner in list.iter().flatten() {
            for text in inner.iter().flatten() {
                lists.values().values().append_option(text.as_deref());
            }
            lists.values().append(inner.is_some());
        }
        lists.append(list.is_some());
    }
    let arrays: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| row.0).collect::<BooleanArray>()),
        Arc::new(rows.iter().map(|row| row.1.clone()).collect::<StringArray>()),
        Arc::new(lists.finish()),
        Arc::new(rows.iter().map(|row| row.3).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(arrow_schema(columns), arrays).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Batches of all sizes around the vector size, sliced so that offsets are not zero.
    #[test]
    fn what_goes_in_comes_out(pattern in proptest::collection::vec(row(), 1..60), repeat in 1usize..120, cut in 0usize..70) {
        let columns = [
            Column::new("flag", LogicalType::Boolean),
            Column::new("text", LogicalType::Text),
            Column::new("lists", LogicalType::List(Box::new(LogicalType::List(Box::new(LogicalType::Text))))),
            Column::new("number", LogicalType::Int64),
        ];
        let rows: Vec<Row> = std::iter::repeat_n(pattern, repeat).flatten().collect();
        let whole = batch(&columns, &rows);
        let cut = cut.min(whole.num_rows());
        let parts = [whole.slice(0, cut), whole.slice(cut, whole.num_rows() - cut)];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = runtime.block_on(round_trip(&Place::new(), &columns, &parts));
        let digest = |batch: &RecordBatch| DigestHasher::default().digest(batch, columns.len()).unwrap();
        prop_assert_eq!(digest(&read), digest(&whole));
    }
}
