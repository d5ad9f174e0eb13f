//! Shows rows as they will land, before anything is written.

use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef};
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use syncline_protocol::{
    BatchKind, Change, ChangeSink, Error, ErrorKind, LogicalType, RejectedRow, Result, Side, Stopped,
    TableName, TargetName,
};

use crate::connection::Connection;
use crate::convert::texts;
use crate::normalise::Normaliser;
use crate::plan::TableEffect;
use crate::profile::profile;
use crate::stop::Stop;

/// A sample of a table as it will land.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The table of the source.
    pub table: TableName,
    /// The table of the destination.
    pub target: TargetName,
    /// How many rows the sample has. It is the first rows the source gives, not all of them.
    pub rows_sampled: usize,
    /// What needs attention, worst first.
    pub findings: Vec<Finding>,
    /// The columns with their profile over the sample.
    pub columns: Vec<ColumnPreview>,
    /// The rows as they will land, as text, one value per column; null is none.
    pub rows: Vec<Vec<Option<String>>>,
    /// The same rows as they are in the source, also those that will be rejected.
    pub source_rows: Vec<Vec<Option<String>>>,
    /// Rows that will be rejected, each with its reason.
    pub rejected: Vec<RejectedSample>,
    /// What would change in the destination, with the estimate.
    pub effect: Option<TableEffect>,
}

/// A row of the sample that will be rejected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct RejectedSample {
    /// The column that did not fit, when it is one.
    pub column: Option<String>,
    /// Why.
    pub reason: String,
    /// The row as compact JSON.
    pub row: String,
}

/// Something about the data that a person should know.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Larger is worse: 3 rows are rejected, 2 the result may surprise, 1 good to know.
    pub weight: u8,
    /// In one sentence.
    pub text: String,
}

/// A column of the sample.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnPreview {
    /// Name in the source.
    pub source: String,
    /// Type in the source.
    pub source_type: String,
    /// Name in the destination.
    pub target: String,
    /// Type in the destination.
    pub landed_type: LogicalType,
    /// Whether values become codes.
    pub hash: bool,
    /// The rule when values change their form.
    pub note: Option<String>,
    /// Nulls in the sample.
    pub nulls: usize,
    /// Different values in the sample (exact).
    pub distinct: usize,
    /// The smallest value, as text.
    pub min: Option<String>,
    /// The largest value, as text.
    pub max: Option<String>,
    /// The most frequent values with their counts, at most five; empty when all differ.
    pub top: Vec<(String, usize)>,
    /// How values are spread, for numbers, days and instants; empty for others and when all are the same.
    pub histogram: Vec<Bin>,
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
    pub count: usize,
}

impl Connection {
    /// Samples a table and shows it as it will land. Writes nothing.
    ///
    /// # Errors
    /// When the source cannot be read, or the table cannot be planned.
    pub async fn preview(&self, table: &TableName, rows: usize, stop: &Stop) -> Result<Preview> {
        let effect = self.plan(std::slice::from_ref(table)).await?.tables.pop();
        let tables = self.tables(std::slice::from_ref(table));
        let catalog = self.discover(&tables).await?;
        let checkpoints = self.checkpoints().await.unwrap_or_default();
        let prepared = crate::prepare::prepare(self, &tables, &catalog, checkpoints).await?.pop();
        let mapping = prepared
            .ok_or_else(|| {
                Error::new(ErrorKind::Config, format!("Connection `{}` has no table `{table}`.", self.name))
            })??
            .mapping;
        let sample = Sample { state: Mutex::default(), stop };
        let sampled = self.source.sample(&mapping.read, rows, &sample).await;
        sampled.map_err(|error| error.at(Side::Source))?;
        let sample = sample.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let now = (self.clock)().as_microsecond();
        let mut normaliser = Normaliser::new(&mapping, &self.destination.capabilities(), &self.salt, now);
        let mut rejected = sample.rejected;
        let (mut batches, mut source_rows) = (Vec::new(), Vec::new());
        let source_types: Vec<&LogicalType> =
            mapping.read.columns.iter().map(|column| &column.logical).collect();
        for rows in sample.batches {
            source_rows.extend(rows_as_text(&source_types, std::slice::from_ref(&rows)));
            let normalised =
                normaliser.normalise(syncline_protocol::ChangeBatch { kind: BatchKind::Rows, rows })?;
            rejected.extend(normalised.rejected);
            batches.push(normalised.batch.rows);
        }
        let columns: Vec<ColumnPreview> = mapping
            .columns
            .iter()
            .zip(&mapping.read.columns)
            .enumerate()
            .map(|(at, (column, read))| {
                let values: Vec<ArrayRef> =
                    batches.iter().map(|batch| Arc::clone(batch.column(at))).collect();
                profile(
                    ColumnPreview {
                        source: column.source.clone(),
                        source_type: read.native_type.clone().unwrap_or_else(|| read.logical.to_string()),
                        target: column.target.clone(),
                        landed_type: column.landed_type.clone(),
                        hash: column.hash,
                        note: column.note.clone(),
                        nulls: 0,
                        distinct: 0,
                        min: None,
                        max: None,
                        top: Vec::new(),
                        histogram: Vec::new(),
                    },
                    &values,
                )
            })
            .collect();
        let rows_sampled = batches.iter().map(RecordBatch::num_rows).sum();
        Ok(Preview {
            table: table.clone(),
            target: mapping.target.name.clone(),
            rows_sampled,
            findings: findings(&mapping.target.key, &columns, rows_sampled, &rejected, mapping.hashed_key),
            rows: rows_as_text(
                &columns.iter().map(|column| &column.landed_type).collect::<Vec<_>>(),
                &batches,
            ),
            source_rows,
            rejected: rejected.into_iter().map(RejectedSample::from).collect(),
            columns,
            effect,
        })
    }
}

#[derive(Default)]
struct SampleState {
    batches: Vec<RecordBatch>,
    rejected: Vec<RejectedRow>,
}

struct Sample<'a> {
    state: Mutex<SampleState>,
    stop: &'a Stop,
}

#[async_trait]
impl ChangeSink for Sample<'_> {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if self.stop.requested() {
            return Err(Stopped);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Batch(batch) if batch.kind == BatchKind::Rows => state.batches.push(batch.rows),
            Change::Rejected(row) => state.rejected.push(row),
            Change::Batch(_) | Change::Schema(_) | Change::Checkpoint(_) | Change::End(_) => {}
        }
        Ok(())
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        self.stop.wait().boxed()
    }
}

fn findings(
    key: &[String],
    columns: &[ColumnPreview],
    rows: usize,
    rejected: &[RejectedRow],
    hashed_key: bool,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |weight, text| findings.push(Finding { weight, text });
    let mut reasons: Vec<(&str, usize)> = Vec::new();
    for row in rejected {
        match reasons.iter_mut().find(|(reason, _)| *reason == row.reason) {
            Some((_, count)) => *count += 1,
            None => reasons.push((&row.reason, 1)),
        }
    }
    for (reason, count) in reasons {
        find(3, format!("{count} of {} rows will be rejected: {reason}", rows + rejected.len()));
    }
    if let [name] = key
        && !hashed_key
        && let Some(column) = columns.iter().find(|column| column.target == *name)
        && column.distinct + column.nulls < rows
    {
        find(
            2,
            format!(
                "`{name}` is the key but not unique in the sample ({} duplicates)",
                rows - column.distinct - column.nulls
            ),
        );
    }
    for column in columns {
        if rows > 0 && column.nulls == rows {
            find(1, format!("`{}` is always null in the sample", column.target));
        }
        if column.landed_type == LogicalType::Timestamp {
            find(1, format!("`{}` has no time zone; it lands as it is", column.target));
        }
        if let Some(note) = &column.note {
            find(1, format!("`{}`: {note}", column.target));
        }
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    findings
}

impl From<RejectedRow> for RejectedSample {
    fn from(row: RejectedRow) -> Self {
        RejectedSample { column: row.column, reason: row.reason, row: row.row.to_string() }
    }
}

fn rows_as_text(types: &[&LogicalType], batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let texts: Vec<_> =
            types.iter().zip(batch.columns()).map(|(logical, array)| texts(array, logical)).collect();
        for row in 0..batch.num_rows() {
            let value =
                |array: &arrow::array::StringArray| array.is_valid(row).then(|| array.value(row).to_owned());
            rows.push(texts.iter().map(value).collect());
        }
    }
    rows
}
