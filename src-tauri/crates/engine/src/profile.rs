//! What can be said about a column from a sample of its values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use syncline_protocol::LogicalType;

use crate::convert::texts;
use crate::preview::{Bin, ColumnPreview};

/// Ranges of a histogram.
const BINS: usize = 24;

/// Fills in the figures of a column from its values.
pub(crate) fn profile(mut column: ColumnPreview, arrays: &[ArrayRef]) -> ColumnPreview {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let numbers = is_number(&column.landed_type);
    for array in arrays {
        column.nulls += array.null_count();
        for text in texts(array, &column.landed_type).iter().flatten() {
            *counts.entry(text.to_owned()).or_default() += 1;
        }
    }
    column.distinct = counts.len();
    let order = |left: &&String, right: &&String| match (numbers, left.parse::<f64>(), right.parse::<f64>()) {
        (true, Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    };
    column.min = counts.keys().min_by(order).cloned();
    column.max = counts.keys().max_by(order).cloned();
    let mut top: Vec<(String, usize)> = counts.into_iter().filter(|(_, count)| *count > 1).collect();
    top.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    top.truncate(5);
    column.top = top;
    column.histogram = histogram(arrays, &column.landed_type);
    column
}

fn is_number(logical: &LogicalType) -> bool {
    matches!(
        logical,
        LogicalType::Int16
            | LogicalType::Int32
            | LogicalType::Int64
            | LogicalType::Float32
            | LogicalType::Float64
            | LogicalType::Decimal { .. }
    )
}

/// A number as which values are spread; none for types without such.
fn measure(array: &ArrayRef, logical: &LogicalType) -> Option<Vec<f64>> {
    let values = match logical {
        LogicalType::Date => cast(&cast(array, &DataType::Int32).ok()?, &DataType::Int64).ok()?,
        LogicalType::Timestamp | LogicalType::TimestampTz => cast(array, &DataType::Int64).ok()?,
        logical if is_number(logical) => cast(array, &DataType::Float64).ok()?,
        _ => return None,
    };
    Some(match values.data_type() {
        DataType::Int64 => {
            values.as_primitive::<Int64Type>().iter().flatten().map(|value| value as f64).collect()
        }
        _ => {
            values.as_primitive::<Float64Type>().iter().flatten().filter(|value| value.is_finite()).collect()
        }
    })
}

/// The end of a range as text of the column's type.
fn edge(value: f64, logical: &LogicalType, like: &DataType) -> Option<String> {
    let array: ArrayRef = match logical {
        LogicalType::Date => {
            let days: ArrayRef = Arc::new(Int64Array::from(vec![value.round() as i64]));
            cast(&cast(&days, &DataType::Int32).ok()?, like).ok()?
        }
        LogicalType::Timestamp | LogicalType::TimestampTz => {
            cast(&(Arc::new(Int64Array::from(vec![value.round() as i64])) as ArrayRef), like).ok()?
        }
        // Ends of ranges are not values: whole numbers would be rounded into wrong ranges.
        _ => {
            let text = format!("{value:.4}");
            return Some(text.trim_end_matches('0').trim_end_matches('.').to_owned());
        }
    };
    let text = texts(&array, logical);
    text.is_valid(0).then(|| text.value(0).to_owned())
}

fn histogram(arrays: &[ArrayRef], logical: &LogicalType) -> Vec<Bin> {
    let Some(like) = arrays.first().map(|array| array.data_type().clone()) else { return Vec::new() };
    let Some(values) = arrays.iter().map(|array| measure(array, logical)).collect::<Option<Vec<_>>>() else {
        return Vec::new();
    };
    let values = values.concat();
    let (low, high) = values
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(*value), high.max(*value)));
    let width = (high - low) / BINS as f64;
    if !(width.is_finite() && width > 0.0) {
        return Vec::new();
    }
    let mut counts = [0; BINS];
    for value in values {
        let at = ((value - low) / width) as usize;
        counts[at.min(BINS - 1)] += 1;
    }
    let bins = counts.into_iter().enumerate().map(|(at, count)| {
        let (from, to) = (low + width * at as f64, low + width * (at + 1) as f64);
        Some(Bin { from: edge(from, logical, &like)?, to: edge(to, logical, &like)?, count })
    });
    bins.collect::<Option<Vec<_>>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Float64Array;

    #[test]
    fn values_are_counted_in_ranges_of_equal_width() {
        let numbers: ArrayRef = Arc::new(Float64Array::from((0..=48).map(f64::from).collect::<Vec<_>>()));
        let bins = histogram(&[numbers], &LogicalType::Float64);
        assert_eq!(bins.len(), BINS);
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<usize>(), 49);
        let ends = (bins.first().map(|bin| bin.from.as_str()), bins.last().map(|bin| bin.to.as_str()));
        assert_eq!(ends, (Some("0"), Some("48")));
        assert_eq!((bins[0].count, bins[BINS - 1].count), (2, 3));
    }

    #[test]
    fn days_have_ranges_of_days_and_texts_have_none() {
        let days: ArrayRef = Arc::new(arrow::array::Date32Array::from(vec![0, 24, 240]));
        let bins = histogram(&[days], &LogicalType::Date);
        assert_eq!((bins[0].from.as_str(), bins[0].to.as_str()), ("1970-01-01", "1970-01-11"));
        let texts: ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["a", "b"]));
        assert!(histogram(&[texts], &LogicalType::Text).is_empty());
        let same: ArrayRef = Arc::new(Float64Array::from(vec![7.0, 7.0, f64::NAN]));
        assert!(histogram(&[same], &LogicalType::Float64).is_empty());
    }
}
