//! Looks at what is in the destination, and at how the source differs from what was accepted.

use std::sync::Mutex;
use std::sync::PoisonError;

use arrow::array::Array;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use syncline_protocol::{
    Change, ChangeSink, Column, Deletes, Error, ErrorKind, Result, Side, Stopped, TableName, TargetName,
    TargetTable, WriteMode, system,
};

use crate::connection::Connection;
use crate::convert::texts;
use crate::drift::{self, Drift};
use crate::mapping::Surroundings;

/// A window of a table in the destination.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The columns, with the types of the destination.
    pub columns: Vec<Column>,
    /// Values as text, one for each column; none is null.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows a reader sees in all.
    pub total: u64,
}

impl Connection {
    /// Where a table of the connection lands; none when the connection does not have it.
    pub fn target_of(&self, table: &TableName) -> Option<TargetName> {
        let surroundings = Surroundings { config: &self.config, destination: self.destination.as_ref() };
        let config = self.config.tables.iter().find(|config| config.name == *table)?;
        Some(surroundings.target_name(config))
    }

    /// How the tables of the connection differ in the source from the shapes that were accepted, whatever the policy says
    /// about it.
    ///
    /// # Errors
    /// When the source cannot be asked.
    pub async fn drifts(&self) -> Result<Vec<Drift>> {
        let catalog = self.discover(&self.config.tables).await?;
        let mut drifts = Vec::new();
        for table in &self.config.tables {
            let accepted = self.memory.accepted_schema(&self.name, &table.name)?;
            if let (Some(before), Some(now)) = (accepted, catalog.table(&table.name)) {
                drifts.extend(drift::compare(&before, &now.schema, &self.config.drift));
            }
        }
        Ok(drifts)
    }

    /// Rows of a table as a reader of the destination sees them: `limit` of them after the first `offset`, in the order
    /// in which the destination gives them. Takes the longer the larger `offset` is.
    ///
    /// # Errors
    /// `NotFound` when the table is not in the destination yet.
    pub async fn rows(&self, table: &TableName, offset: u64, limit: usize) -> Result<Rows> {
        self.window(table, offset, limit).await.map_err(|error| error.at(Side::Destination))
    }

    async fn window(&self, table: &TableName, offset: u64, limit: usize) -> Result<Rows> {
        let missing = || {
            Error::new(ErrorKind::NotFound, format!("`{table}` is not in the destination yet."))
                .meaning("Nothing has been synced into it.")
                .fix("Run the connection first.")
        };
        let name = self.target_of(table).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("Connection `{}` has no table `{table}`.", self.name))
        })?;
        let columns = self.destination.inspect(std::slice::from_ref(&name)).await?.pop().flatten();
        let columns = columns.ok_or_else(missing)?;
        let target = TargetTable { mode: mode_of(&columns), name, columns: columns.clone(), key: Vec::new() };
        let total = self.destination.count(&target).await?;
        let window = Window {
            columns: &columns,
            limit,
            state: Mutex::new(WindowState { skip: offset, rows: Vec::new() }),
        };
        match self.destination.scan(&target, &columns, &window).await {
            // The window is full: that is how it says so.
            Err(error) if error.kind() == ErrorKind::Stopped => {}
            ended => ended?,
        }
        let rows = window.state.into_inner().unwrap_or_else(PoisonError::into_inner).rows;
        Ok(Rows { columns, rows, total })
    }
}

/// How rows of a table that is there are kept, from the columns that Syncline added: it decides which rows are visible.
fn mode_of(columns: &[Column]) -> WriteMode {
    let has = |name: &str| columns.iter().any(|column| column.name == name);
    if has(system::CURRENT) {
        WriteMode::History
    } else if has(system::DELETED) {
        WriteMode::Merge { deletes: Deletes::Soft }
    } else {
        WriteMode::Append
    }
}

struct Window<'a> {
    columns: &'a [Column],
    limit: usize,
    state: Mutex<WindowState>,
}

struct WindowState {
    skip: u64,
    rows: Vec<Vec<Option<String>>>,
}

impl Window<'_> {
    /// Takes what is in the window. Says whether it is full.
    fn take(&self, batch: &RecordBatch) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = batch.num_rows() as u64;
        let skipped = state.skip.min(rows);
        state.skip -= skipped;
        let left = self.limit - state.rows.len();
        // Both fit: they are at most the rows of one batch.
        let (from, count) = (skipped as usize, ((rows - skipped) as usize).min(left));
        let batch = batch.slice(from, count);
        let texts: Vec<_> = self
            .columns
            .iter()
            .zip(batch.columns())
            .map(|(column, values)| texts(values, &column.logical))
            .collect();
        for row in 0..count {
            let values = texts.iter().map(|texts| texts.is_valid(row).then(|| texts.value(row).to_owned()));
            state.rows.push(values.collect());
        }
        state.rows.len() >= self.limit
    }
}

#[async_trait]
impl ChangeSink for Window<'_> {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        match change {
            Change::Batch(batch) if self.take(&batch.rows) => Err(Stopped),
            _ => Ok(()),
        }
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        std::future::pending().boxed()
    }
}
