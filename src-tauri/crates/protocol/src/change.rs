//! The one normalised stream that every source turns into.

use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind};
use crate::schema::TableSchema;

/// One element of the stream that a source produces while it reads a part of a table.
#[derive(Debug, Clone)]
pub enum Change {
    /// The table now has this shape; what follows would not fit the schema the read was asked for. The engine
    /// discards what is not yet durable, decides about the drift, and asks again.
    Schema(TableSchema),
    /// Rows.
    Batch(ChangeBatch),
    /// A row that could not be converted. Counts as read; goes to the quarantine of the destination.
    Rejected(RejectedRow),
    /// Everything sent for this part so far is covered by this value: reading can resume *after* it.
    /// Opaque to the engine. The end of a part is an implicit checkpoint.
    Checkpoint(Value),
    /// Where the next plan follows on from, when only reading itself could tell (the newest time stamp seen).
    /// Sent at the end of a part, after its last row; kept in [`TablePosition::ends`](crate::TablePosition::ends)
    /// with the part's last rows. Opaque to the engine.
    End(Value),
}

/// Rows of one kind.
///
/// Columns are those of the read (`TableRead::columns`, same names, same order, the Arrow types of
/// `LogicalType::to_arrow`). For `Deletes` and `Keys` they are the key columns only, for `Parents` the first of them.
#[derive(Debug, Clone)]
pub struct ChangeBatch {
    /// What the rows mean.
    pub kind: BatchKind,
    /// The rows. Keep a batch between about 1 and 16 MB; the engine counts `get_array_memory_size`.
    pub rows: RecordBatch,
}

/// What the rows of a batch mean. Within a part, a later row replaces an earlier one with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchKind {
    /// The row exists with these values: insert it, or replace what has its key.
    Rows,
    /// The row with this key is gone.
    Deletes,
    /// Part of the complete list of keys that exist in the source. When the list is complete, rows of the
    /// destination whose key is not in it are gone.
    Keys,
    /// All rows whose key begins with these values are gone, also those that came before in the part: what the parent
    /// with this key has is told anew by the rows that follow. The columns are the first ones of the key, as many as
    /// the key of the parent has. A parent and the rows that follow it never have a checkpoint between them.
    Parents,
}

impl BatchKind {
    /// Whether its rows are rows handed over, as [`Commit::rows`](crate::Commit::rows) counts them. The others only say
    /// which rows remain.
    pub fn is_counted(self) -> bool {
        matches!(self, BatchKind::Rows | BatchKind::Deletes)
    }
}

/// A row that could not be converted, kept whole so that it can be repaired and loaded later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectedRow {
    /// The column that did not fit, when it is one.
    pub column: Option<String>,
    /// One sentence: what did not fit.
    pub reason: String,
    /// The row as the source has it: a JSON object of texts, or `{"_line": "…"}` when it could not be split.
    pub row: Value,
}

/// The run is being stopped; the reader should return as soon as it can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl From<Stopped> for Error {
    fn from(_: Stopped) -> Self {
        Error::new(ErrorKind::Stopped, "The sync was stopped.")
    }
}

/// Where a source puts its changes. Bounded in bytes: `send` waits while the destination is behind.
#[async_trait]
pub trait ChangeSink: Send + Sync {
    /// Hands over one change.
    ///
    /// # Errors
    /// [`Stopped`] when the run is being stopped; nothing more is taken.
    async fn send(&self, change: Change) -> Result<(), Stopped>;

    /// Resolves when the run is being stopped. A source that waits for its server selects on this, so that it can
    /// cancel there what it has asked for.
    fn stopped(&self) -> BoxFuture<'_, ()>;

    /// Says in words what the source waits for ("rate limited until 14:05"), or that it goes on.
    fn waiting(&self, _reason: Option<&str>) {}
}
