//! A lane reads parts of one table and loads them: one task decodes, one writes, a bounded channel between them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::BoxFuture;
use syncline_protocol::{
    BatchKind, Change, ChangeBatch, ChangeSink, DigestHasher, Error, ErrorKind, Loader, Part, PartKind,
    RejectedRow, Result, Side, Stopped, TableSchema,
};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use crate::channel::{Receiver, Sender, channel};
use crate::drift;
use crate::event::{Counters, Event};
use crate::normalise::Normaliser;
use crate::table::{CommitRequest, Segment, TableContext, check_rejected};

/// A segment is committed after this long even when it is small, so that rows become visible.
const SEGMENT_AGE_MAX: Duration = Duration::from_secs(30);

pub(crate) struct Lane {
    table: Arc<TableContext>,
    commits: mpsc::Sender<CommitRequest>,
    normaliser: Normaliser,
    digest: DigestHasher,
    data_columns: usize,
    segment_bytes: u64,
    loader: Option<Box<dyn Loader>>,
    segment: Segment,
    segment_began: Instant,
}

impl Lane {
    pub(crate) fn new(table: Arc<TableContext>, commits: mpsc::Sender<CommitRequest>) -> Self {
        let connection = &table.run.connection;
        let capabilities = connection.destination.capabilities();
        Lane {
            normaliser: Normaliser::new(&table.mapping, &capabilities, &connection.salt, table.run.synced_at),
            digest: DigestHasher::default(),
            data_columns: table.mapping.columns.len(),
            segment_bytes: capabilities.segment_bytes,
            loader: None,
            segment: Segment::default(),
            segment_began: Instant::now(),
            table,
            commits,
        }
    }

    /// Reads and loads parts until there are none left, or the run stops.
    pub(crate) async fn run(mut self) -> Result<()> {
        // Held while the lane works: tables share the lanes of the run.
        let lanes = Arc::clone(&self.table.run.lanes);
        let _permit = lanes.acquire().await.map_err(|_| Error::from(Stopped))?;
        while let Some(part) = self.table.next_part() {
            self.load(part).await?;
            if self.segment_is_due(self.segment_bytes / 2) {
                self.commit().await?;
            }
        }
        if !self.segment.finished.is_empty() {
            self.commit().await?;
        }
        Ok(())
    }

    fn segment_is_due(&self, bytes: u64) -> bool {
        self.segment.bytes >= bytes || self.segment_began.elapsed() >= SEGMENT_AGE_MAX
    }

    /// Reads one part to its end.
    async fn load(&mut self, part: Part) -> Result<()> {
        let index = part.index;
        self.segment.sweep = part.kind == PartKind::Keys;
        let (sender, mut receiver) = channel(self.table.run.options.in_flight_bytes);
        let reader = AbortOnDropHandle::new(tokio::spawn(read(Arc::clone(&self.table), part, sender)));
        self.take(index, &mut receiver).await?;
        reader.await.map_err(|panic| {
            Error::internal("A part of the program failed while rows were read.").caused_by(panic)
        })??;
        self.segment.at.remove(&index);
        self.segment.finished.push(index);
        Ok(())
    }

    /// Takes what the reader sends until it ends. The reader's own result comes after.
    async fn take(&mut self, part: u32, changes: &mut Receiver<Change>) -> Result<()> {
        loop {
            let received = {
                let _waits = self.table.counters.source.begin();
                changes.receive().await
            };
            let Some((change, _space)) = received else { return Ok(()) };
            match change {
                Change::Batch(batch) => self.write(batch).await?,
                Change::Rejected(row) => self.reject(vec![row])?,
                Change::Schema(schema) => return Err(self.follow(&schema)),
                Change::End(end) => {
                    self.segment.ends.insert(part, end);
                }
                Change::Checkpoint(at) => {
                    self.segment.at.insert(part, at);
                    let stopping = self.table.run.stop.requested();
                    if stopping || self.segment_is_due(self.segment_bytes) {
                        self.commit().await?;
                    }
                    if stopping {
                        return Err(Stopped.into());
                    }
                }
            }
        }
    }

    /// The source found that its data does not fit the shape of this read. What the policy allows is remembered, and
    /// the table is read again with it; anything else waits for a person.
    fn follow(&self, schema: &TableSchema) -> Error {
        let connection = &self.table.run.connection;
        let seen = drift::widest(&self.table.accepted, schema);
        let drifts = drift::compare(&self.table.accepted, &seen, &connection.config.drift);
        if let Some(question) = drift::question(&schema.table, &drifts) {
            return question;
        }
        match connection
            .memory
            .accept_schema(&connection.name, &drift::accept(&self.table.accepted, &seen, &drifts))
        {
            Err(error) => error,
            Ok(()) => Error::new(
                ErrorKind::SchemaChanged,
                format!("`{}` has other columns than before.", schema.table),
            ),
        }
    }

    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        let table = Arc::clone(&self.table);
        let counters = &table.counters;
        let batch = {
            let _takes = counters.prepare.begin();
            self.prepare(batch)?
        };
        let _takes = counters.destination.begin();
        self.loader().await?.write(batch).await.map_err(|error| error.at(Side::Destination))
    }

    /// Brings rows into shape, and takes them into the account of the segment.
    fn prepare(&mut self, batch: ChangeBatch) -> Result<ChangeBatch> {
        let normalised = self.normaliser.normalise(batch)?;
        let rejected = normalised.rejected.len() as u64;
        Counters::add(&self.table.counters.rows_rejected, rejected);
        self.reject(normalised.rejected)?;
        let batch = normalised.batch;
        let rows = batch.rows.num_rows() as u64;
        if batch.kind.is_counted() {
            self.segment.rows += rows;
            Counters::add(&self.table.counters.rows_prepared, rows);
        }
        if batch.kind == BatchKind::Parents {
            self.segment.parents += rows;
        }
        if batch.kind == BatchKind::Rows {
            let digest = self.digest.digest(&batch.rows, self.data_columns)?;
            self.segment.checksum = self.segment.checksum.wrapping_add(digest.checksum);
            self.segment.count_values(&batch.rows, self.data_columns);
        }
        self.segment.bytes += batch.rows.get_array_memory_size() as u64;
        Ok(batch)
    }

    /// Keeps rejected rows for the commit. They are held in memory, so the limit is checked here, too.
    fn reject(&mut self, rows: Vec<RejectedRow>) -> Result<()> {
        self.segment.rejected.extend(rows);
        let rejected = &self.segment.rejected;
        check_rejected(
            &self.table.run.connection,
            self.table.mapping.table(),
            rejected.len() as u64,
            rejected,
        )
    }

    async fn loader(&mut self) -> Result<&mut Box<dyn Loader>> {
        let loader = match self.loader.take() {
            Some(loader) => loader,
            None => {
                self.segment_began = Instant::now();
                let loader = self.table.run.destination.loader(&self.table.loader).await;
                loader.map_err(|error| error.at(Side::Destination))?
            }
        };
        Ok(self.loader.insert(loader))
    }

    /// Hands the segment to the table and waits until it is durable.
    async fn commit(&mut self) -> Result<()> {
        let table = Arc::clone(&self.table);
        let _takes = table.counters.destination.begin();
        let (reply, answer) = oneshot::channel();
        let request =
            CommitRequest { loader: self.loader.take(), segment: std::mem::take(&mut self.segment), reply };
        self.commits.send(request).await.map_err(|_| Error::from(Stopped))?;
        self.loader = answer.await.map_err(|_| Error::from(Stopped))?;
        self.segment_began = Instant::now();
        Ok(())
    }
}

/// Reads one part into the channel.
async fn read(table: Arc<TableContext>, part: Part, sender: Sender<Change>) -> Result<()> {
    let from = table.at.get(&part.index);
    let sink = LaneSink { table: &table, sender };
    let read = table.run.source.read(&table.mapping.read, &table.plan, &part, from, &sink).await;
    read.map_err(|error| error.at(Side::Source))
}

/// Where the reader of a lane puts its changes.
struct LaneSink<'a> {
    table: &'a TableContext,
    sender: Sender<Change>,
}

#[async_trait]
impl ChangeSink for LaneSink<'_> {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if self.table.run.stop.immediate() {
            return Err(Stopped);
        }
        let bytes = match &change {
            Change::Batch(batch) => {
                let bytes = batch.rows.get_array_memory_size();
                if batch.kind.is_counted() {
                    Counters::add(&self.table.counters.rows_read, batch.rows.num_rows() as u64);
                }
                Counters::add(&self.table.counters.bytes, bytes as u64);
                bytes
            }
            Change::Rejected(_) => {
                self.table.counters.rows_read.fetch_add(1, Ordering::Relaxed);
                self.table.counters.rows_rejected.fetch_add(1, Ordering::Relaxed);
                1024
            }
            Change::Schema(_) | Change::Checkpoint(_) | Change::End(_) => 1024,
        };
        self.sender.send(change, bytes).await.map_err(|_| Stopped)
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        self.table.run.stop.wait_now().boxed()
    }

    fn waiting(&self, reason: Option<&str>) {
        self.table.run.observer.event(&Event::Waiting {
            table: self.table.mapping.table().clone(),
            reason: reason.map(str::to_owned),
        });
    }
}
