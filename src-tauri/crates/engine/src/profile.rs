//! What can be said about a column from a sample of its values. The counting is done by an embedded database that the
//! program gives ([`Profiler`]); here stand the values it gets and the words it is told in.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use syncline_protocol::{LogicalType, Result};

use crate::convert::texts;
use crate::preview::Sample;

/// Ranges of a histogram.
const BINS: usize = 24;
/// How many of the most frequent values are named.
const TOP: usize = 5;

/// Counts values. Dropping the future cancels the counting, also in the database.
#[async_trait]
pub trait Profiler: Send + Sync {
    /// The figures of one column.
    ///
    /// # Errors
    /// When the database cannot count.
    async fn profile(&self, values: ColumnValues) -> Result<ColumnFigures>;
}

/// The values of a column, ready to be counted.
pub struct ColumnValues {
    /// As they are shown: Arrow arrays of texts.
    pub texts: Vec<ArrayRef>,
    /// The same as values of this type, where they can be ordered and spread over ranges.
    pub measures: Option<(LogicalType, Vec<ArrayRef>)>,
    /// Ranges of the histogram.
    pub bins: usize,
    /// How many of the most frequent values are wanted.
    pub top: usize,
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnFigures {
    /// Different values, exactly.
    pub distinct: u64,
    /// The smallest value, as it is shown.
    pub min: Option<String>,
    /// The largest value, as it is shown.
    pub max: Option<String>,
    /// The most frequent values that occur more than once, with their counts.
    pub top: Vec<(String, u64)>,
    /// How values are spread; none when they cannot be, or are all the same.
    pub spread: Option<Spread>,
}

/// How values are spread over ranges of equal width.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    /// The smallest value: a number, days or microseconds since 1970-01-01.
    pub low: f64,
    /// The largest.
    pub high: f64,
    /// Values in each range.
    pub counts: Vec<u64>,
}

/// What a column of a sample holds.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// Which column of the sample.
    pub column: usize,
    /// Why there are no figures; none when there are.
    pub skipped: Option<Skipped>,
    /// Different values in the sample (exact).
    pub distinct: u64,
    /// The smallest value, as text.
    pub min: Option<String>,
    /// The largest value, as text.
    pub max: Option<String>,
    /// The most frequent values with their counts, at most five; empty when all differ.
    pub top: Vec<(String, u64)>,
    /// How values are spread, for numbers, days and instants; empty for others and when all are the same.
    pub histogram: Vec<Bin>,
}

/// Why a column is not counted.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// Its values have parts of their own.
    Nested,
    /// Its values are bytes.
    Bytes,
}

/// Values in one range of a histogram; all ranges have the same width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Bin {
    /// Where the range begins, as text of the column's type.
    pub from: String,
    /// Where it ends. The last range includes its end, the others do not.
    pub to: String,
    /// How many values of the sample lie in it.
    pub count: u64,
}

impl Sample {
    /// How many columns it has.
    pub fn columns(&self) -> usize {
        self.types.len()
    }

    /// Counts one column. Dropping the future cancels it.
    ///
    /// # Errors
    /// When `profiler` cannot count.
    pub async fn profile(&self, column: usize, profiler: &dyn Profiler) -> Result<ColumnProfile> {
        let Some(logical) = self.types.get(column) else {
            return Ok(ColumnProfile { column, ..ColumnProfile::default() });
        };
        if let Some(skipped) = skipped(logical) {
            return Ok(ColumnProfile { column, skipped: Some(skipped), ..ColumnProfile::default() });
        }
        let arrays: Vec<ArrayRef> =
            self.batches.iter().map(|batch| Arc::clone(batch.column(column))).collect();
        let texts = arrays.iter().map(|array| Arc::new(texts(array, logical)) as ArrayRef).collect();
        let measures = can_be_measured(logical).then(|| (logical.clone(), arrays));
        let figures = profiler.profile(ColumnValues { texts, measures, bins: BINS, top: TOP }).await?;
        Ok(ColumnProfile {
            column,
            skipped: None,
            distinct: figures.distinct,
            min: figures.min,
            max: figures.max,
            top: figures.top,
            histogram: figures.spread.map(|spread| histogram(&spread, logical)).unwrap_or_default(),
        })
    }
}

fn skipped(logical: &LogicalType) -> Option<Skipped> {
    match logical {
        LogicalType::Bytes => Some(Skipped::Bytes),
        LogicalType::Json | LogicalType::List(_) | LogicalType::Struct(_) => Some(Skipped::Nested),
        _ => None,
    }
}

fn can_be_measured(logical: &LogicalType) -> bool {
    matches!(
        logical,
        LogicalType::Int16
            | LogicalType::Int32
            | LogicalType::Int64
            | LogicalType::Float32
            | LogicalType::Float64
            | LogicalType::Decimal { .. }
            | LogicalType::Date
            | LogicalType::Timestamp
            | LogicalType::TimestampTz
    )
}

fn histogram(spread: &Spread, logical: &LogicalType) -> Vec<Bin> {
    let width = (spread.high - spread.low) / spread.counts.len() as f64;
    if !(width.is_finite() && width > 0.0) {
        return Vec::new();
    }
    let bins = spread.counts.iter().enumerate().map(|(at, count)| {
        let (from, to) = (spread.low + width * at as f64, spread.low + width * (at + 1) as f64);
        Some(Bin { from: edge(from, logical)?, to: edge(to, logical)?, count: *count })
    });
    bins.collect::<Option<Vec<_>>>().unwrap_or_default()
}

/// The end of a range as text of the column's type.
fn edge(value: f64, logical: &LogicalType) -> Option<String> {
    let whole: ArrayRef = Arc::new(Int64Array::from(vec![value.round() as i64]));
    let array = match logical {
        LogicalType::Date => cast(&cast(&whole, &DataType::Int32).ok()?, &logical.to_arrow()).ok()?,
        LogicalType::Timestamp | LogicalType::TimestampTz => cast(&whole, &logical.to_arrow()).ok()?,
        // Ends of ranges are not values: whole numbers would be rounded into wrong ranges.
        _ => {
            let text = format!("{value:.4}");
            return Some(text.trim_end_matches('0').trim_end_matches('.').to_owned());
        }
    };
    let text = texts(&array, logical);
    text.is_valid(0).then(|| text.value(0).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_have_ends_in_the_words_of_the_column() {
        let spread = |low, high| Spread { low, high, counts: vec![1; BINS] };
        let ends = |bins: &[Bin]| (bins[0].from.clone(), bins[0].to.clone(), bins[BINS - 1].to.clone());
        let numbers = histogram(&spread(0.0, 48.0), &LogicalType::Float64);
        assert_eq!(ends(&numbers), ("0".into(), "2".into(), "48".into()));
        let days = histogram(&spread(0.0, 240.0), &LogicalType::Date);
        assert_eq!(ends(&days), ("1970-01-01".into(), "1970-01-11".into(), "1970-08-29".into()));
        assert!(histogram(&spread(7.0, 7.0), &LogicalType::Float64).is_empty());
    }
}
