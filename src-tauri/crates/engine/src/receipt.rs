//! A run's account: what was read, what landed, and the counts that prove it.

use serde::{Deserialize, Serialize};
use syncline_protocol::{Digest, Error, ErrorKind, TableName, TargetName, WriteMode};

use crate::drift::Drift;

/// The account of one run. Stored, printed and compared; never changed afterwards.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// The run.
    pub run: String,
    /// The connection.
    pub connection: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// When it ended, RFC 3339 in UTC.
    pub ended_at: String,
    /// How long it took by a clock that does not jump.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// Its attempts.
    pub attempts: Vec<Attempt>,
    /// Its tables, in the order of the connection.
    pub tables: Vec<TableReceipt>,
    /// Tables of the destination that were removed with their rows, because the plan said so.
    #[serde(default)]
    pub removed: Vec<TargetName>,
    /// What ended it as a whole, when something did.
    pub failure: Option<Failure>,
}

/// How a run ended.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every row accounted for.
    Succeeded,
    /// Every row accounted for, some of them in quarantine.
    SucceededWithRejected,
    /// A table waits for a decision; all others succeeded.
    NeedsDecision,
    /// Stopped by a person, at a durable point.
    Stopped,
    /// A table, or the whole run, failed after its retries.
    Failed,
}

/// One try of a run.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// What it failed with, when it did: the first failure of a table that is tried again.
    pub failure: Option<Failure>,
}

/// An error as data, in the shape of every error that people see.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind, for programs.
    pub kind: ErrorKind,
    /// What happened.
    pub message: String,
    /// What it means for the data.
    pub meaning: String,
    /// What to do, most likely fix first.
    pub fixes: Vec<String>,
    /// Facts and causes, for the details view.
    pub details: Vec<String>,
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let facts = error.context().iter().map(|(name, value)| format!("{name}: {value}"));
        Failure {
            kind: error.kind(),
            message: error.message().to_owned(),
            meaning: error.meaning_text().to_owned(),
            fixes: error.fixes().into_iter().map(str::to_owned).collect(),
            details: facts.chain(error.causes()).collect(),
        }
    }
}

/// The account of one table.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TableReceipt {
    /// The table of the source.
    pub table: TableName,
    /// The table of the destination.
    pub target: TargetName,
    /// How rows are kept.
    pub mode: Option<WriteMode>,
    /// How it ended.
    pub state: TableState,
    /// Rows that the source sent and whose segment is durable, rejected ones included.
    pub rows_read: u64,
    /// Rows inserted or replaced in the destination.
    pub rows_written: u64,
    /// Rows deleted in the destination, or marked as deleted.
    pub rows_deleted: u64,
    /// Rows in quarantine.
    pub rows_rejected: u64,
    /// Bytes (Arrow, in memory) loaded.
    pub bytes: u64,
    /// Commits.
    pub segments: u64,
    /// The ordinal of the last commit.
    pub ordinal: u64,
    /// Whether it went on from where an earlier run or attempt stopped.
    pub resumed: bool,
    /// Rows in the destination after the run, as a reader counts them.
    pub rows_in_destination: Option<u64>,
    /// What was compared, and with which result.
    pub proof: Proof,
    /// Changes of the source's shape that were found.
    pub drift: Vec<Drift>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

/// How a table ended.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TableState {
    /// Not begun.
    Queued,
    /// Everything is in.
    Done,
    /// Everything is in, some rows in quarantine.
    DoneWithRejected,
    /// Waits for a decision.
    NeedsDecision,
    /// Stopped at a durable point.
    Stopped,
    /// Failed after its retries.
    Failed,
}

/// What proves that a table is complete.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// After a full load: rows committed in it, and rows counted in the destination. Equal, or the table failed.
    pub count: Option<CountProof>,
    /// With `--verify`: both sides read again, row for row. Equal, or the table failed.
    pub checksum: Option<ChecksumProof>,
}

/// A count on both sides.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountProof {
    /// Rows that were committed.
    pub committed: u64,
    /// Rows that are there.
    pub counted: u64,
}

/// A digest of both sides.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksumProof {
    /// Of the source, converted as it lands.
    pub source: Digest,
    /// Of the destination, read back.
    pub destination: Digest,
    /// Rows of the source that are in quarantine instead.
    pub rejected: u64,
}

impl ChecksumProof {
    /// Whether both sides hold the same rows.
    pub fn matches(&self) -> bool {
        self.source == self.destination
    }
}

impl TableReceipt {
    /// An account with nothing in it yet.
    pub(crate) fn queued(table: TableName, target: TargetName) -> Self {
        TableReceipt {
            table,
            target,
            mode: None,
            state: TableState::Queued,
            rows_read: 0,
            rows_written: 0,
            rows_deleted: 0,
            rows_rejected: 0,
            bytes: 0,
            segments: 0,
            ordinal: 0,
            resumed: false,
            rows_in_destination: None,
            proof: Proof::default(),
            drift: Vec::new(),
            failure: None,
        }
    }

    /// Ends the table with an error.
    pub(crate) fn fail(&mut self, error: &Error) {
        self.state = match error.kind() {
            ErrorKind::NeedsDecision => TableState::NeedsDecision,
            ErrorKind::Stopped => TableState::Stopped,
            _ => TableState::Failed,
        };
        self.failure = (error.kind() != ErrorKind::Stopped).then(|| Failure::from(error));
    }
}

impl Outcome {
    /// The outcome of a run from its tables: the worst one counts.
    pub(crate) fn of(tables: &[TableReceipt]) -> Self {
        let any = |state| tables.iter().any(|table| table.state == state);
        if any(TableState::Failed) {
            Outcome::Failed
        } else if any(TableState::Stopped) || any(TableState::Queued) {
            Outcome::Stopped
        } else if any(TableState::NeedsDecision) {
            Outcome::NeedsDecision
        } else if any(TableState::DoneWithRejected) {
            Outcome::SucceededWithRejected
        } else {
            Outcome::Succeeded
        }
    }
}
