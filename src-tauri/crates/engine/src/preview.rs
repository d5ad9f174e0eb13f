//! Shows rows as they will land, before anything is written.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use syncline_protocol::{
    BatchKind, Change, ChangeSink, Error, ErrorKind, LogicalType, RejectedRow, Result, SamplePick, Sampling,
    Side, Stopped, TableName, TargetName,
};

use crate::connection::Connection;
use crate::convert::texts;
use crate::mapping::TableMapping;
use crate::normalise::Normaliser;
use crate::plan::TableEffect;
use crate::watch::SampleWatch;

/// A sample of a table as it will land.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The table of the source.
    pub table: TableName,
    /// The table of the destination.
    pub target: TargetName,
    /// The columns of the destination that identify a row.
    pub key: Vec<String>,
    /// How many rows the sample has.
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
    /// What would change in the destination.
    pub effect: Option<TableEffect>,
    /// How reading the sample went, for an estimate of the whole.
    pub trial: SampleTrial,
}

/// How reading a sample went.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleTrial {
    /// Rows the source sent.
    pub rows: u64,
    /// How long it took, connecting included.
    pub millis: u64,
    /// What they take as they land, in memory, without compression.
    pub bytes: u64,
    /// Whether these are all rows there are.
    pub all: bool,
    /// Whether somebody had enough before as many had arrived as were asked for.
    pub cut: bool,
    /// Whether the source had to look for the rows: then how long it took says nothing about a sync.
    pub searched: bool,
}

/// The rows of a sample as they will land, for questions about its columns.
pub struct Sample {
    /// The types of the columns.
    pub(crate) types: Vec<LogicalType>,
    /// The rows.
    pub(crate) batches: Vec<RecordBatch>,
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
}

impl Connection {
    /// Samples a table and shows it as it will land; with it comes the sample itself. Writes nothing.
    ///
    /// # Errors
    /// When the source cannot be read or does not give such samples, or the table cannot be planned.
    pub async fn preview(
        &self,
        table: &TableName,
        sampling: &Sampling,
        watch: &SampleWatch,
    ) -> Result<(Preview, Sample)> {
        self.source.capabilities().samples.require(&sampling.pick)?;
        let effect = self.plan(std::slice::from_ref(table)).await?.tables.pop();
        let mapping = self.mapping(table).await?;
        let sample = SampleSink { state: Mutex::default(), watch };
        let began = Instant::now();
        let cut = match self.source.sample(&mapping.read, sampling, &sample).await {
            Ok(()) => false,
            Err(error) if error.kind() == ErrorKind::Stopped && watch.is_enough() => true,
            Err(error) => return Err(error.at(Side::Source)),
        };
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
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
            .map(|(at, (column, read))| ColumnPreview {
                source: column.source.clone(),
                source_type: read.native_type.clone().unwrap_or_else(|| read.logical.to_string()),
                target: column.target.clone(),
                landed_type: column.landed_type.clone(),
                hash: column.hash,
                note: column.note.clone(),
                nulls: batches.iter().map(|batch| batch.column(at).null_count()).sum(),
            })
            .collect();
        let rows_sampled = batches.iter().map(RecordBatch::num_rows).sum();
        let types: Vec<LogicalType> = columns.iter().map(|column| column.landed_type.clone()).collect();
        let landed = rows_as_text(&types.iter().collect::<Vec<_>>(), &batches);
        let trial = SampleTrial {
            rows: (rows_sampled + rejected.len()) as u64,
            millis,
            bytes: batches.iter().map(bytes_of).sum(),
            all: sampling.pick == SamplePick::First && !cut && rows_sampled + rejected.len() < sampling.rows,
            cut,
            searched: sampling.pick != SamplePick::First,
        };
        let doubles = if mapping.hashed_key { 0 } else { doubles(&mapping.target.key, &columns, &landed) };
        let preview = Preview {
            table: table.clone(),
            target: mapping.target.name.clone(),
            key: mapping.target.key.clone(),
            rows_sampled,
            findings: findings(&mapping.target.key, doubles, &columns, rows_sampled, &rejected),
            rows: landed,
            source_rows,
            rejected: rejected.into_iter().map(RejectedSample::from).collect(),
            columns,
            effect,
            trial,
        };
        Ok((preview, Sample { types, batches }))
    }

    /// How a table lands, as the source and the destination are now.
    async fn mapping(&self, table: &TableName) -> Result<TableMapping> {
        let tables = self.tables(std::slice::from_ref(table));
        let catalog = self.discover(&tables).await?;
        let checkpoints = self.checkpoints().await.unwrap_or_default();
        let prepared = crate::prepare::prepare(self, &tables, &catalog, checkpoints).await?.pop();
        let missing =
            || Error::new(ErrorKind::Config, format!("Connection `{}` has no table `{table}`.", self.name));
        Ok(prepared.ok_or_else(missing)??.mapping)
    }
}

/// What the rows of a batch take in memory, without what their buffers have in reserve.
fn bytes_of(batch: &RecordBatch) -> u64 {
    let columns = batch.columns().iter();
    columns.map(|column| column.to_data().get_slice_memory_size().unwrap_or_default() as u64).sum()
}

/// How many rows have a key that another row of the sample has, too. A key with a null is no key and does not count.
fn doubles(key: &[String], columns: &[ColumnPreview], rows: &[Vec<Option<String>>]) -> usize {
    let at: Option<Vec<usize>> =
        key.iter().map(|name| columns.iter().position(|column| column.target == *name)).collect();
    let Some(at) = at.filter(|at| !at.is_empty()) else { return 0 };
    let mut seen = HashSet::new();
    let keys = rows
        .iter()
        .filter_map(|row| at.iter().map(|at| row.get(*at)?.as_deref()).collect::<Option<Vec<_>>>());
    keys.filter(|key| !seen.insert(key.clone())).count()
}

#[derive(Default)]
struct SampleState {
    batches: Vec<RecordBatch>,
    rejected: Vec<RejectedRow>,
}

struct SampleSink<'a> {
    state: Mutex<SampleState>,
    watch: &'a SampleWatch,
}

#[async_trait]
impl ChangeSink for SampleSink<'_> {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if self.watch.stop.requested() {
            return Err(Stopped);
        }
        self.watch.note(&change);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match change {
            Change::Batch(batch) if batch.kind == BatchKind::Rows => state.batches.push(batch.rows),
            Change::Rejected(row) => state.rejected.push(row),
            Change::Batch(_) | Change::Schema(_) | Change::Checkpoint(_) | Change::End(_) => {}
        }
        Ok(())
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        self.watch.stop.wait().boxed()
    }
}

fn findings(
    key: &[String],
    doubles: usize,
    columns: &[ColumnPreview],
    rows: usize,
    rejected: &[RejectedRow],
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
    if doubles > 0 {
        let names: Vec<String> = key.iter().map(|name| format!("`{name}`")).collect();
        let verb = if key.len() == 1 { "is" } else { "are" };
        let rows = if doubles == 1 { "1 row has".to_owned() } else { format!("{doubles} rows have") };
        let text = format!(
            "{} {verb} the key but not unique in the sample: {rows} a key that another row has, too",
            names.join(", ")
        );
        find(2, text);
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
