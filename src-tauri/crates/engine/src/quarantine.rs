//! Rows that could not be converted come back, repaired.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{
    BatchKind, ChangeBatch, Commit, DestinationSession, Error, ErrorKind, Finish, LoadInto, LoaderOptions,
    Opening, QuarantinedRow, Result, StoredCheckpoint, TableName, TableRead,
};

use crate::connection::Connection;
use crate::convert::parse_texts;
use crate::normalise::Normaliser;
use crate::prepare::{Prepared, prepare};

/// How rows are repaired before they are loaded again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repair {
    /// Only these rows; empty means all of the table.
    pub ids: Vec<String>,
    /// New values by source column; none means null.
    pub values: BTreeMap<String, Option<String>>,
}

/// What came of it.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Replayed {
    /// Rows that are loaded and have left the quarantine.
    pub loaded: u64,
    /// Rows that still do not fit, with the reason. They stay.
    pub kept: Vec<(String, String)>,
}

/// More rows than this are replayed in several calls: they are held in memory.
const REPLAY_ROWS_MAX: usize = 10_000;

impl Connection {
    /// Rows in quarantine, oldest first.
    ///
    /// # Errors
    /// When the destination cannot be asked.
    pub async fn quarantined(&self, table: Option<&TableName>, limit: usize) -> Result<Vec<QuarantinedRow>> {
        self.destination.quarantined(&self.id, table, limit).await
    }

    /// Loads repaired rows and removes them from quarantine, in one commit.
    ///
    /// # Errors
    /// When the table was never loaded, or one of the systems fails. Nothing is then changed.
    pub async fn replay(&self, table: &TableName, repair: &Repair, run: &str) -> Result<Replayed> {
        let mut rows = self.quarantined(Some(table), REPLAY_ROWS_MAX).await?;
        rows.retain(|row| repair.ids.is_empty() || repair.ids.contains(&row.id));
        self.take_out(table, &rows, Some(repair), run).await
    }

    /// Lets rows in quarantine go without loading them, in one commit. Answers how many there were.
    ///
    /// # Errors
    /// When the table was never loaded, or one of the systems fails. Nothing is then changed.
    pub async fn dismiss(&self, table: &TableName, ids: &[String], run: &str) -> Result<u64> {
        let mut rows = self.quarantined(Some(table), REPLAY_ROWS_MAX).await?;
        rows.retain(|row| ids.contains(&row.id));
        self.take_out(table, &rows, None, run).await?;
        Ok(rows.len() as u64)
    }

    /// Takes rows out of quarantine: loaded with a repair, otherwise for good.
    async fn take_out(
        &self,
        table: &TableName,
        rows: &[QuarantinedRow],
        repair: Option<&Repair>,
        run: &str,
    ) -> Result<Replayed> {
        if rows.is_empty() {
            return Ok(Replayed::default());
        }
        let tables = self.tables(std::slice::from_ref(table));
        let catalog = self.discover(&tables).await?;
        let opened =
            self.destination.open(&Opening { connection: self.id.clone(), run: run.to_owned() }).await?;
        let checkpoints =
            opened.checkpoints.into_iter().map(|stored| (stored.table.clone(), stored)).collect();
        let result = match prepare(self, &tables, &catalog, checkpoints).await.map(|mut all| all.pop()) {
            Ok(Some(Ok(prepared))) => {
                self.take_out_opened(opened.session.as_ref(), &prepared, rows, repair, run).await
            }
            Ok(Some(Err(error))) | Err(error) => Err(error),
            Ok(None) => Err(Error::new(
                ErrorKind::Config,
                format!("Connection `{}` has no table `{table}`.", self.name),
            )),
        };
        opened.session.close().await;
        result
    }

    async fn take_out_opened(
        &self,
        session: &dyn DestinationSession,
        prepared: &Prepared,
        rows: &[QuarantinedRow],
        repair: Option<&Repair>,
        run: &str,
    ) -> Result<Replayed> {
        let mapping = &prepared.mapping;
        let Some(checkpoint) = prepared.checkpoint.as_ref().filter(|_| prepared.existing.is_some()) else {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("`{}` was not loaded yet.", mapping.table()),
            )
            .fix("Run the connection first."));
        };
        for change in &prepared.changes {
            session.apply(change).await?;
        }
        let now = (self.clock)().as_microsecond();
        let mut loader = session
            .loader(&LoaderOptions {
                target: mapping.target.clone(),
                table: mapping.table().clone(),
                into: LoadInto::Table,
                distinct: false,
            })
            .await?;
        let mut replayed = Replayed::default();
        let done: Vec<String> = match repair {
            Some(repair) => {
                let mut normaliser =
                    Normaliser::new(mapping, &self.destination.capabilities(), &self.salt, now);
                let mut done = Vec::new();
                for row in rows {
                    let normalised = repaired(&mapping.read, row, repair)
                        .and_then(|rows| normaliser.normalise(ChangeBatch { kind: BatchKind::Rows, rows }));
                    match normalised {
                        Ok(normalised) if normalised.rejected.is_empty() => {
                            loader.write(normalised.batch).await?;
                            done.push(row.id.clone());
                        }
                        Ok(normalised) => {
                            let reasons = normalised.rejected.into_iter().map(|row| row.reason);
                            replayed.kept.extend(reasons.map(|reason| (row.id.clone(), reason)));
                        }
                        Err(error) => replayed.kept.push((row.id.clone(), error.message().to_owned())),
                    }
                }
                replayed.loaded = done.len() as u64;
                done
            }
            None => rows.iter().map(|row| row.id.clone()).collect(),
        };
        if !done.is_empty() {
            loader.commit(&replay_commit(checkpoint, run, now, replayed.loaded, done)).await?;
        }
        Ok(replayed)
    }

    /// Accepts the present shape of a source table: the next run follows it, whatever the policy asks.
    ///
    /// # Errors
    /// `NotFound` when the source does not have the table.
    pub async fn accept(&self, table: &TableName) -> Result<()> {
        let tables = self.tables(std::slice::from_ref(table));
        let catalog = self.discover(&tables).await?;
        let info = catalog.table(table).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The source has no table `{table}`."))
                .with("table", table)
        })?;
        self.memory.accept_schema(&self.name, &info.schema)
    }
}

/// A replay changes rows, not how far the table has been read.
fn replay_commit(checkpoint: &StoredCheckpoint, run: &str, now: i64, rows: u64, done: Vec<String>) -> Commit {
    Commit {
        table: checkpoint.table.clone(),
        run: run.to_owned(),
        ordinal: checkpoint.ordinal + 1,
        position: checkpoint.position.clone(),
        rows,
        bytes: 0,
        checksum: 0,
        at_micros: now,
        rejected: Vec::new(),
        replayed: done,
        finish: Finish::None,
    }
}

/// One quarantined row as a batch of the source.
fn repaired(read: &TableRead, row: &QuarantinedRow, repair: &Repair) -> Result<RecordBatch> {
    let Some(values) = row.rejected.row.as_object().filter(|row| !row.contains_key("_line")) else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "The line could not be split into columns; repair it in the source.",
        ));
    };
    let columns = read.columns.iter().map(|column| -> Result<ArrayRef> {
        let text = match repair.values.get(&column.name) {
            Some(value) => value.clone(),
            None => match values.get(&column.name) {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) => Some(text.clone()),
                Some(other) => Some(other.to_string()),
            },
        };
        parse_texts(&StringArray::from(vec![text]), &column.logical).map_err(|error| {
            Error::new(error.kind(), format!("`{}`: {}", column.name, error.message())).caused_by(error)
        })
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    // A repaired null in a column that the source declares as required is the person's decision.
    let schema: Vec<_> =
        read.columns.iter().map(|column| column.logical.to_field(&column.name, true)).collect();
    Ok(RecordBatch::try_new(Arc::new(arrow::datatypes::Schema::new(schema)), columns)?)
}
