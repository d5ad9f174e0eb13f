//! What a source does.
//!
//! A run opens one [`SourceSession`]. For each table the engine asks it to [`plan`](SourceSession::plan): given the
//! last durable position, into which parts does what remains divide? Parts are then read in parallel, each into its
//! own sink. All parts of a session see the same state of the source where the system can do that.
//!
//! Rules a source must keep (the conformance suite checks them):
//! - `plan` with an unfinished position whose data is still valid returns the *same* parts with the same numbers, so
//!   that finished ones are skipped. If it cannot, it starts a new plan; the engine then drops the old progress.
//! - Reading a part from a checkpoint gives exactly the changes after that checkpoint.
//! - Reading the same part twice in one session gives the same changes.
//! - A part that ends without error is complete. A source never ends a part early in silence.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::change::ChangeSink;
use crate::check::StepSink;
use crate::error::{Error, ErrorKind, Result};
use crate::name::TableName;
use crate::position::TablePosition;
use crate::sampling::{SamplePicks, Sampling};
use crate::schema::{Catalog, Column, arrow_schema};

/// What a source can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceCapabilities {
    /// How many parts may be read at once, over all tables.
    pub parallel_parts: usize,
    /// Whether rows after a cursor value can be read alone.
    pub incremental: bool,
    /// Whether the complete list of keys can be read cheaply, to notice deleted rows.
    pub key_lists: bool,
    /// Whether all parts of a session see one state of the source.
    pub consistent: bool,
    /// Whether types are inferred from the data seen so far, so that they only ever become wider. The engine then
    /// remembers the widest shape that [`Change::Schema`](crate::Change::Schema) told it.
    pub inferred_types: bool,
    /// Which samples it can give.
    pub samples: SamplePicks,
}

/// Which tables discovery should look at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscoverFilter {
    /// Only these tables; empty means all.
    pub tables: Vec<TableName>,
    /// Also tables that belong to the system itself.
    pub system: bool,
}

/// How a table is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub enum ReadMode {
    /// All rows, each run.
    Full,
    /// All rows once, then those whose cursor is newer.
    Incremental {
        /// The column that rises when a row is inserted or updated.
        cursor: String,
        /// How far before the last cursor value the next read begins, for transactions that commit late.
        /// For time columns; zero otherwise.
        #[serde(default)]
        look_back: Duration,
    },
}

/// One table to read.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRead {
    /// Which table.
    pub table: TableName,
    /// The columns to read, as last discovered; batches have exactly these, in this order.
    /// Never empty. A column whose type a person has changed carries the wanted type here.
    pub columns: Vec<Column>,
    /// The names of the key columns; all are among `columns`. May be empty.
    pub key: Vec<String>,
    /// How.
    pub mode: ReadMode,
    /// Whether to end an incremental read with the list of all keys.
    pub key_list: bool,
}

impl TableRead {
    /// The Arrow schema of the batches of this read.
    pub fn arrow_schema(&self) -> arrow::datatypes::SchemaRef {
        arrow_schema(&self.columns)
    }

    /// The key columns, in the order of `key`: the schema of `Deletes` and `Keys` batches.
    pub fn key_columns(&self) -> Vec<Column> {
        self.key
            .iter()
            .filter_map(|name| self.columns.iter().find(|column| column.name == *name))
            .cloned()
            .collect()
    }
}

/// What is left to read of a table, from a position on.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadPlan {
    /// Goes into [`TablePosition::plan`]; together with `done` and `at` it is all that is needed to go on.
    pub plan: Value,
    /// Whether this continues the plan of the given position, so that its `done` and `at` still hold. Its `plan` may
    /// have been extended (a later upper bound); it is stored with the next commit.
    pub continues: bool,
    /// Whether the plan covers every row of the table (and not only what is new).
    pub full: bool,
    /// Whether no key can occur twice in what the plan reads, in this session *and* in what earlier sessions read of
    /// it. Lets the engine skip looking for duplicates.
    pub disjoint: bool,
    /// All parts of the plan, also finished ones. `parts[i].index == i`. May be empty.
    pub parts: Vec<Part>,
    /// Whether to plan once more, in this run, after all parts are done (for example to catch up after a snapshot
    /// that took several sessions).
    pub follow_up: bool,
    /// About how many rows the whole plan has.
    pub rows_estimate: Option<u64>,
}

/// A piece of a plan that one task reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its number within the plan.
    pub index: u32,
    /// What it holds.
    pub kind: PartKind,
    /// Whatever the source needs to read it; opaque.
    pub payload: Value,
    /// About how many rows it has.
    pub rows_estimate: Option<u64>,
}

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// Rows and deletes.
    Changes,
    /// The complete list of keys, as [`BatchKind::Keys`](crate::BatchKind::Keys) batches. At most one such part per
    /// plan, and it is the last one. It is read after all others and has no checkpoints inside.
    Keys,
}

/// A configured source.
#[async_trait]
pub trait Source: Send + Sync {
    /// What it can do.
    fn capabilities(&self) -> SourceCapabilities;

    /// Tries everything a run needs, step by step, and tells each step as it ends. A failed step ends the test.
    async fn check(&self, steps: &dyn StepSink);

    /// Lists tables with columns, keys, sizes. Reads no rows where the system has a catalog.
    ///
    /// # Errors
    /// When the list cannot be had at all. A table that cannot be read is listed with the reason.
    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog>;

    /// Some rows of a table, for a preview. Rejected rows count. It is only asked for what
    /// [`SourceCapabilities::samples`] allows.
    ///
    /// # Errors
    /// As for [`SourceSession::read`], and `CorruptInput` when a condition is not understood.
    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()>;

    /// The position of a table that another program has read so far, from the state that it kept: what a run goes on
    /// from as if this source had read up to there. `state` has the form that Airbyte keeps of a stream.
    ///
    /// # Errors
    /// `Unsupported` when the system knows no such states, or when the table is not read by what changed;
    /// `PositionLost` when the state is not one of this table.
    async fn position_of(&self, read: &TableRead, state: &Value) -> Result<TablePosition> {
        let _ = (read, state);
        Err(Error::new(ErrorKind::Unsupported, "This source cannot go on from the state of another program."))
    }

    /// The state, in the same form, from which another program can go on. None when the position knows of none.
    fn state_of(&self, position: &TablePosition) -> Option<Value> {
        let _ = position;
        None
    }

    /// Begins a run over these tables.
    ///
    /// # Errors
    /// When the source cannot be reached or refuses.
    async fn open(&self, tables: &[TableRead]) -> Result<Box<dyn SourceSession>>;
}

/// One run's view of a source.
#[async_trait]
pub trait SourceSession: Send + Sync {
    /// Divides what remains to be read of a table into parts.
    ///
    /// # Errors
    /// `SchemaChanged` when the table no longer has the columns of `read`; `NotFound` when it is gone;
    /// `PositionLost` when the source cannot go on from `position`.
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan>;

    /// Reads one part to its end into `sink`, from the checkpoint `from` on when there is one.
    /// Dropping the future stops the read, also in the server.
    ///
    /// # Errors
    /// Of any kind; what was sent after the last checkpoint is then discarded.
    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()>;

    /// The position of `table` is durable in the destination: the source may forget what lies before it.
    ///
    /// # Errors
    /// When the source cannot be told; the run reports it and goes on, since telling it again is harmless.
    async fn acknowledge(&self, table: &TableName, position: &TablePosition) -> Result<()> {
        let _ = (table, position);
        Ok(())
    }

    /// Ends the session and releases what it holds in the source.
    async fn close(&self);
}
