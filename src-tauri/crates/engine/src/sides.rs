//! Reads both sides of a table in full: the source as its rows would land, and the destination as a reader sees it.

use std::sync::{Mutex, PoisonError};

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use syncline_protocol::{
    BatchKind, Change, ChangeSink, Column, Error, ErrorKind, PartKind, ReadMode, Result, Side, Stopped,
    TableName, TableRead,
};

use crate::connection::Connection;
use crate::normalise::Normaliser;
use crate::prepare::{Prepared, prepare};
use crate::stop::Stop;

/// Takes the rows of one side, batch by batch. Columns that the destination adds itself may follow the data columns.
pub(crate) type Take<'a> = dyn FnMut(&RecordBatch) -> Result<()> + Send + 'a;

impl Connection {
    /// A table, ready to be read on both sides.
    ///
    /// # Errors
    /// `Config` when the connection does not have it; whatever keeps it from being synced.
    pub(crate) async fn both_sides(&self, table: &TableName) -> Result<Prepared> {
        let tables = self.tables(std::slice::from_ref(table));
        let catalog = self.discover(&tables).await?;
        let checkpoints = self.checkpoints().await?;
        prepare(self, &tables, &catalog, checkpoints).await?.pop().ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("Connection `{}` has no table `{table}`.", self.name))
        })?
    }

    /// Reads the source. Returns how many rows do not fit the destination.
    pub(crate) async fn read_source(
        &self,
        prepared: &Prepared,
        stop: &Stop,
        take: &mut Take<'_>,
    ) -> Result<u64> {
        let mapping = &prepared.mapping;
        let read = TableRead { mode: ReadMode::Full, key_list: false, ..mapping.read.clone() };
        let normaliser = Normaliser::new(mapping, &self.destination.capabilities(), &self.salt, 0);
        let sink = SideSink::new(Some(normaliser), stop, take);
        let result = async {
            let session = self.source.open(std::slice::from_ref(&read)).await?;
            let result = async {
                let plan = session.plan(&read, None).await?;
                for part in plan.parts.iter().filter(|part| part.kind == PartKind::Changes) {
                    session.read(&read, &plan, part, None, &sink).await?;
                }
                Ok(())
            }
            .await;
            session.close().await;
            result
        }
        .await;
        sink.result(result).map_err(|error| error.at(Side::Source))
    }

    /// Reads the destination.
    pub(crate) async fn read_destination(
        &self,
        prepared: &Prepared,
        stop: &Stop,
        take: &mut Take<'_>,
    ) -> Result<()> {
        let mapping = &prepared.mapping;
        // Rows from before a column was added hold null in it, also where the source has none.
        let nullable = |column: &Column| Column { nullable: true, ..column.clone() };
        let columns: Vec<_> =
            mapping.target.columns.iter().take(mapping.columns.len()).map(nullable).collect();
        let sink = SideSink::new(None, stop, take);
        let scanned = self.destination.scan(&mapping.target, &columns, &sink).await;
        sink.result(scanned).map(drop).map_err(|error| error.at(Side::Destination))
    }
}

struct SideSink<'a, 'b> {
    state: Mutex<SideState<'a, 'b>>,
    stop: &'a Stop,
}

struct SideState<'a, 'b> {
    normaliser: Option<Normaliser>,
    take: &'a mut Take<'b>,
    rejected: u64,
    error: Option<Error>,
}

impl<'a, 'b> SideSink<'a, 'b> {
    fn new(normaliser: Option<Normaliser>, stop: &'a Stop, take: &'a mut Take<'b>) -> Self {
        SideSink { state: Mutex::new(SideState { normaliser, take, rejected: 0, error: None }), stop }
    }

    /// How many rows were rejected. An error of the sink comes first: reading only stopped because of it.
    fn result(self, read: Result<()>) -> Result<u64> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        match state.error {
            Some(error) => Err(error),
            None => read.map(|()| state.rejected),
        }
    }
}

impl SideState<'_, '_> {
    fn add(&mut self, change: Change) -> Result<()> {
        match change {
            Change::Batch(batch) if batch.kind == BatchKind::Rows => {
                let batch = match &mut self.normaliser {
                    Some(normaliser) => {
                        let normalised = normaliser.normalise(batch)?;
                        self.rejected += normalised.rejected.len() as u64;
                        normalised.batch
                    }
                    None => batch,
                };
                (self.take)(&batch.rows)
            }
            Change::Rejected(_) => {
                self.rejected += 1;
                Ok(())
            }
            Change::Schema(schema) => Err(Error::new(
                ErrorKind::SchemaChanged,
                format!("`{}` has other columns than at the last run; run it first.", schema.table),
            )),
            Change::Batch(_) | Change::Checkpoint(_) | Change::End(_) => Ok(()),
        }
    }
}

#[async_trait]
impl ChangeSink for SideSink<'_, '_> {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if self.stop.requested() {
            return Err(Stopped);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.add(change).map_err(|error| {
            state.error = Some(error);
            Stopped
        })
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        self.stop.wait().boxed()
    }
}
