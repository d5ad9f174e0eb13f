//! Compares both sides row for row: the source is read again in full, the destination is read back.

use std::sync::Mutex;
use std::sync::PoisonError;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use syncline_protocol::{
    BatchKind, Change, ChangeSink, Column, Digest, DigestHasher, Error, ErrorKind, PartKind, ReadMode,
    Result, Stopped, TableName, TableRead, WriteMode,
};

use crate::connection::Connection;
use crate::normalise::Normaliser;
use crate::prepare::{Prepared, prepare};
use crate::receipt::ChecksumProof;
use crate::stop::Stop;

impl Connection {
    /// The digests of both sides of a table: of the source as its rows would land, and of the destination as a reader
    /// sees it. They differ when rows changed in the source since the last run, so compare while it is quiet.
    ///
    /// # Errors
    /// `Unsupported` where equality is not what the mode promises (append, and merge without key); whatever keeps one
    /// of the sides from being read.
    pub async fn verify(&self, table: &TableName, stop: &Stop) -> Result<ChecksumProof> {
        let tables = self.tables(std::slice::from_ref(table));
        let catalog = self.discover(&tables).await?;
        let checkpoints = self.checkpoints().await?;
        let prepared = prepare(self, &tables, &catalog, checkpoints).await?.pop();
        let prepared = prepared.ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("Connection `{}` has no table `{table}`.", self.name))
        })??;
        let mapping = &prepared.mapping;
        if mapping.hashed_key || mapping.target.mode == WriteMode::Append {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "`{table}` cannot be compared row for row: in its mode the destination may rightly hold other rows than the source."
                ),
            ));
        }
        let (source, rejected) = self.source_digest(&prepared, stop).await?;
        let sink = DigestSink::new(None, mapping.columns.len(), stop);
        // Rows from before a column was added hold null in it, also where the source has none.
        let nullable = |column: &Column| Column { nullable: true, ..column.clone() };
        let columns: Vec<_> =
            mapping.target.columns.iter().take(mapping.columns.len()).map(nullable).collect();
        let scanned = self.destination.scan(&mapping.target, &columns, &sink).await;
        let (destination, _) = sink.result(scanned)?;
        Ok(ChecksumProof { source, destination, rejected })
    }

    async fn source_digest(&self, prepared: &Prepared, stop: &Stop) -> Result<(Digest, u64)> {
        let mapping = &prepared.mapping;
        let read = TableRead { mode: ReadMode::Full, key_list: false, ..mapping.read.clone() };
        let normaliser = Normaliser::new(mapping, &self.destination.capabilities(), &self.salt, 0);
        let sink = DigestSink::new(Some(normaliser), mapping.columns.len(), stop);
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
        sink.result(result)
    }
}

/// Adds up the digests of what it is sent.
struct DigestSink<'a> {
    state: Mutex<DigestState>,
    columns: usize,
    stop: &'a Stop,
}

struct DigestState {
    normaliser: Option<Normaliser>,
    hasher: DigestHasher,
    digest: Digest,
    rejected: u64,
    error: Option<Error>,
}

impl<'a> DigestSink<'a> {
    fn new(normaliser: Option<Normaliser>, columns: usize, stop: &'a Stop) -> Self {
        let state = DigestState {
            normaliser,
            hasher: DigestHasher::default(),
            digest: Digest::default(),
            rejected: 0,
            error: None,
        };
        DigestSink { state: Mutex::new(state), columns, stop }
    }

    /// What was added up while `read` was going on. An error of the sink comes first: reading only stopped because of it.
    fn result(self, read: Result<()>) -> Result<(Digest, u64)> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = state.error {
            return Err(error);
        }
        read.map(|()| (state.digest, state.rejected))
    }
}

impl DigestState {
    fn add(&mut self, change: Change, columns: usize) -> Result<()> {
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
                self.digest = self.digest.plus(self.hasher.digest(&batch.rows, columns)?);
            }
            Change::Rejected(_) => self.rejected += 1,
            Change::Schema(schema) => {
                return Err(Error::new(
                    ErrorKind::SchemaChanged,
                    format!("`{}` has other columns than at the last run; run it first.", schema.table),
                ));
            }
            Change::Batch(_) | Change::Checkpoint(_) | Change::End(_) => {}
        }
        Ok(())
    }
}

#[async_trait]
impl ChangeSink for DigestSink<'_> {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if self.stop.requested() {
            return Err(Stopped);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let added = state.add(change, self.columns);
        added.map_err(|error| {
            state.error = Some(error);
            Stopped
        })
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        self.stop.wait().boxed()
    }
}
