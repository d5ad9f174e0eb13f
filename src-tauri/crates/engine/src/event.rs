//! What a run tells while it runs.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use syncline_protocol::TableName;

use crate::receipt::{Failure, Receipt, TableState};
use crate::versions::FellBack;

/// One thing that happened.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[cfg_attr(feature = "typescript", ts(rename = "RunEvent"))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The run began.
    RunStarted {
        /// The run.
        run: String,
        /// The connection.
        connection: String,
        /// Its tables, in order.
        tables: Vec<TableName>,
    },
    /// A table is being read.
    TableStarted {
        /// The table.
        table: TableName,
        /// About how many rows there are to read.
        rows_estimate: Option<u64>,
        /// Whether every row is read, and not only new and changed ones.
        full: bool,
        /// Whether it goes on from where an earlier attempt stopped.
        resumed: bool,
    },
    /// Where all tables stand; at most four times a second.
    Progress {
        /// Tables that have begun.
        tables: Vec<TableProgress>,
        /// Since the run began.
        elapsed_ms: u64,
    },
    /// A table waits.
    Waiting {
        /// The table.
        table: TableName,
        /// For what; none when it goes on.
        reason: Option<String>,
    },
    /// A segment is durable.
    Committed {
        /// The table.
        table: TableName,
        /// Its ordinal.
        ordinal: u64,
        /// Rows of the segment.
        rows: u64,
    },
    /// A table ended.
    TableEnded {
        /// The table.
        table: TableName,
        /// How.
        state: TableState,
        /// Rows committed in this run.
        rows: u64,
        /// Why, when it failed.
        failure: Option<Failure>,
    },
    /// The run tries again after a pause.
    Retrying {
        /// The number of the next attempt.
        attempt: u32,
        /// How long until then.
        in_ms: u64,
        /// Why.
        failure: Failure,
    },
    /// The version of the source's connector failed; the next attempt runs on the last one that worked.
    FellBack {
        /// Which versions, and why. Whose fault it was turns out at the end.
        what: FellBack,
    },
    /// The run ended.
    RunEnded {
        /// Its account.
        receipt: Box<Receipt>,
    },
}

/// Where a table stands.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableProgress {
    /// The table.
    pub table: TableName,
    /// Rows read so far.
    pub rows_read: u64,
    /// Rows that are durable.
    pub rows_committed: u64,
    /// Rows rejected so far.
    pub rows_rejected: u64,
    /// Bytes (Arrow, in memory) read so far.
    pub bytes: u64,
}

/// Receives events. Called from many tasks; must not block.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: &Event);
}

/// Nobody watches.
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&self, _: &Event) {}
}

/// The live figures of a table, written by its lanes.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) rows_read: AtomicU64,
    pub(crate) rows_committed: AtomicU64,
    pub(crate) rows_rejected: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl Counters {
    pub(crate) fn progress(&self, table: &TableName) -> TableProgress {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        TableProgress {
            table: table.clone(),
            rows_read: read(&self.rows_read),
            rows_committed: read(&self.rows_committed),
            rows_rejected: read(&self.rows_rejected),
            bytes: read(&self.bytes),
        }
    }

    pub(crate) fn add(counter: &AtomicU64, value: u64) {
        counter.fetch_add(value, Ordering::Relaxed);
    }
}
