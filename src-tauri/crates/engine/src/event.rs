//! What a run tells while it runs.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

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
    /// Rows brought into their shape in the destination so far.
    pub rows_prepared: u64,
    /// How long rows were waited for. The largest of the three times names what the sync waits for.
    pub source_ms: u64,
    /// How long rows were brought into shape.
    pub prepare_ms: u64,
    /// How long the destination took.
    pub destination_ms: u64,
}

impl TableProgress {
    /// Whether there is something to tell yet.
    pub(crate) fn has_begun(&self) -> bool {
        self.rows_read > 0 || self.rows_committed > 0 || self.source_ms > 0
    }
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
    pub(crate) rows_prepared: AtomicU64,
    pub(crate) source: Meter,
    pub(crate) prepare: Meter,
    pub(crate) destination: Meter,
}

/// How long something took, all lanes together, what is still going on included.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// The ends of what is over less all beginnings, in µs. With the present for each that is going on it is a duration.
    sum: AtomicI64,
    going_on: AtomicI64,
}

/// Something that is being measured; it ends when this is dropped.
pub(crate) struct Measured<'a>(&'a Meter);

impl Meter {
    pub(crate) fn begin(&self) -> Measured<'_> {
        self.going_on.fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_sub(now_us(), Ordering::Relaxed);
        Measured(self)
    }

    fn ms(&self) -> u64 {
        let us = self.sum.load(Ordering::Relaxed) + self.going_on.load(Ordering::Relaxed) * now_us();
        // Read between two steps of a beginning or an end, it can be anything.
        u64::try_from(us / 1000).unwrap_or(0).min(now_us().unsigned_abs())
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        self.0.sum.fetch_add(now_us(), Ordering::Relaxed);
        self.0.going_on.fetch_sub(1, Ordering::Relaxed);
    }
}

/// µs since the program first asked.
fn now_us() -> i64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    i64::try_from(BEGAN.elapsed().as_micros()).unwrap_or(i64::MAX)
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
            rows_prepared: read(&self.rows_prepared),
            source_ms: self.source.ms(),
            prepare_ms: self.prepare.ms(),
            destination_ms: self.destination.ms(),
        }
    }

    pub(crate) fn add(counter: &AtomicU64, value: u64) {
        counter.fetch_add(value, Ordering::Relaxed);
    }
}
