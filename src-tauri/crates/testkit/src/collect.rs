//! A sink that keeps everything, and rows as text.

use std::sync::Mutex;

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::future::BoxFuture;
use syncline_protocol::{BatchKind, Change, ChangeSink, Digest, DigestHasher, RejectedRow, Stopped};
use tokio::sync::watch;

use crate::rows::values;

/// Keeps every change that is sent to it. Can stop the reader on command, or after a number of changes.
#[derive(Debug)]
pub struct Collector {
    changes: Mutex<Vec<Change>>,
    stop: watch::Sender<bool>,
    changes_max: usize,
    waits: Mutex<Vec<Option<String>>>,
}

impl Default for Collector {
    fn default() -> Self {
        Collector::new()
    }
}

impl Collector {
    /// Takes everything.
    pub fn new() -> Self {
        Collector::stop_after(usize::MAX)
    }

    /// Takes this many changes, then stops the reader.
    pub fn stop_after(changes_max: usize) -> Self {
        Collector {
            changes: Mutex::default(),
            stop: watch::Sender::new(changes_max == 0),
            changes_max,
            waits: Mutex::default(),
        }
    }

    /// Stops the reader now.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Everything that came, in its order.
    ///
    /// # Panics
    /// When a sender panicked.
    pub fn changes(&self) -> Vec<Change> {
        self.changes.lock().expect("no sender panicked").clone()
    }

    /// How many changes came.
    ///
    /// # Panics
    /// When a sender panicked.
    pub fn len(&self) -> usize {
        self.changes.lock().expect("no sender panicked").len()
    }

    /// Whether nothing came.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the source said it waits for.
    ///
    /// # Panics
    /// When a sender panicked.
    pub fn waits(&self) -> Vec<Option<String>> {
        self.waits.lock().expect("no sender panicked").clone()
    }

    /// The batches of one kind.
    pub fn batches(&self, kind: BatchKind) -> Vec<RecordBatch> {
        batches(&self.changes(), kind)
    }

    /// The rejected rows.
    pub fn rejected(&self) -> Vec<RejectedRow> {
        let rejected = |change| match change {
            Change::Rejected(row) => Some(row),
            _ => None,
        };
        self.changes().into_iter().filter_map(rejected).collect()
    }

    /// The digest of all `Rows` batches over their first `columns` columns.
    ///
    /// # Panics
    /// For an Arrow type outside the contract.
    pub fn digest(&self, columns: usize) -> Digest {
        let mut hasher = DigestHasher::default();
        self.batches(BatchKind::Rows)
            .iter()
            .map(|batch| hasher.digest(batch, columns).expect("types of the contract"))
            .fold(Digest::default(), Digest::plus)
    }
}

#[async_trait]
impl ChangeSink for Collector {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        if *self.stop.borrow() {
            return Err(Stopped);
        }
        let mut changes = self.changes.lock().expect("no sender panicked");
        changes.push(change);
        if changes.len() >= self.changes_max {
            self.stop.send_replace(true);
        }
        Ok(())
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        let mut stop = self.stop.subscribe();
        Box::pin(async move {
            // The sender lives as long as `self`.
            let _ = stop.wait_for(|stop| *stop).await;
        })
    }

    fn waiting(&self, reason: Option<&str>) {
        self.waits.lock().expect("no sender panicked").push(reason.map(str::to_owned));
    }
}

/// The batches of one kind among changes.
pub fn batches(changes: &[Change], kind: BatchKind) -> Vec<RecordBatch> {
    let of_kind = |change: &Change| match change {
        Change::Batch(batch) if batch.kind == kind => Some(batch.rows.clone()),
        _ => None,
    };
    changes.iter().filter_map(of_kind).collect()
}

/// Each row as one line: its values as compact JSON, see [`rows`](crate::rows).
pub fn rows_as_text(batches: &[RecordBatch]) -> Vec<String> {
    batches.iter().flat_map(values).map(|row| row.to_string()).collect()
}

/// As [`rows_as_text`], sorted: equal for equal sets of rows.
pub fn sorted_rows(batches: &[RecordBatch]) -> Vec<String> {
    let mut rows = rows_as_text(batches);
    rows.sort_unstable();
    rows
}
