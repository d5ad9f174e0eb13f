use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use connector_duckdb::{Figures, Scratch, Spread, Values};
use futures::FutureExt;
use syncline_protocol::LogicalType;

fn texts<const N: usize>(values: [Option<&str>; N]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

async fn figures(texts: Vec<ArrayRef>, measures: Option<(LogicalType, Vec<ArrayRef>)>) -> Figures {
    Scratch::open().unwrap().figures(Values { texts, measures, bins: 4, top: 2 }).await.unwrap()
}

#[tokio::test]
async fn texts_are_counted_over_all_batches() {
    let batches = vec![
        texts([Some("b"), None, Some(""), Some("a")]),
        texts([Some("a"), Some(""), Some("a"), Some("Z")]),
    ];
    let figures = figures(batches, None).await;
    assert_eq!((figures.distinct, figures.min.as_deref(), figures.max.as_deref()), (4, Some(""), Some("b")));
    assert_eq!(figures.top, [("a".to_owned(), 3), (String::new(), 2)]);
    assert_eq!(figures.spread, None);
}

#[tokio::test]
async fn numbers_are_ordered_as_numbers_to_the_last_digit() {
    let values = [i64::MAX - 1, i64::MAX, 9, 10];
    let shown = values.map(|value| Some(value.to_string()));
    let numbers: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    let figures =
        figures(vec![Arc::new(StringArray::from(shown.to_vec()))], Some((LogicalType::Int64, vec![numbers])))
            .await;
    assert_eq!(figures.min.as_deref(), Some("9"));
    assert_eq!(figures.max.as_deref(), Some("9223372036854775807"));
    assert_eq!(figures.distinct, 4);
    assert!(figures.top.is_empty());
}

#[tokio::test]
async fn values_are_spread_over_ranges_of_equal_width() {
    let numbers: ArrayRef = Arc::new(Float64Array::from(vec![0.0, 1.0, 2.0, 8.0, f64::NAN, f64::INFINITY]));
    let shown = texts([Some("0"), Some("1"), Some("2"), Some("8"), Some("NaN"), Some("Infinity")]);
    let spread = figures(vec![shown], Some((LogicalType::Float64, vec![numbers]))).await.spread;
    assert_eq!(spread, Some(Spread { low: 0.0, high: 8.0, counts: vec![2, 1, 0, 1] }));

    let days: ArrayRef = Arc::new(Date32Array::from(vec![Some(-40_000), Some(0), None]));
    let shown = texts([Some("1860-06-26"), Some("1970-01-01"), None]);
    let old = figures(vec![shown], Some((LogicalType::Date, vec![days]))).await;
    assert_eq!(old.spread.unwrap().counts, [1, 0, 0, 1]);
    assert_eq!(old.min.as_deref(), Some("1860-06-26"));

    let instants: ArrayRef =
        Arc::new(TimestampMicrosecondArray::from(vec![0, 4_000_000]).with_timezone("UTC"));
    let shown = texts([Some("1970-01-01T00:00:00Z"), Some("1970-01-01T00:00:04Z")]);
    let spread = figures(vec![shown], Some((LogicalType::TimestampTz, vec![instants]))).await.spread.unwrap();
    assert_eq!((spread.low, spread.high), (0.0, 4_000_000.0));

    let prices: ArrayRef =
        Arc::new(Decimal128Array::from(vec![5, 5, 5]).with_precision_and_scale(10, 2).unwrap());
    let logical = LogicalType::Decimal { precision: 10, scale: 2 };
    let same = figures(vec![texts([Some("0.05"); 3])], Some((logical, vec![prices]))).await;
    assert_eq!((same.distinct, same.spread), (1, None));
    assert_eq!(same.top, [("0.05".to_owned(), 3)]);
}

#[tokio::test]
async fn nothing_but_nulls_has_no_figures() {
    let nothing: ArrayRef = Arc::new(Int64Array::from(vec![None, None]));
    let figures = figures(vec![texts([None, None])], Some((LogicalType::Int64, vec![nothing]))).await;
    assert_eq!(figures, Figures::default());
}

#[tokio::test]
async fn a_scratch_can_be_used_again_after_somebody_gave_up() {
    let scratch = Scratch::open().unwrap();
    let values = || Values { texts: vec![texts([Some("a")])], measures: None, bins: 4, top: 2 };
    assert!(scratch.figures(values()).now_or_never().is_none());
    assert_eq!(scratch.figures(values()).await.unwrap().distinct, 1);
}
