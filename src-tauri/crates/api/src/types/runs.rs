use serde::{Deserialize, Serialize};
use syncline_engine::Outcome;
use syncline_protocol::TableName;
use ts_rs::TS;

/// Asks what a run would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PlanRequest {
    /// The connection.
    pub connection: String,
    /// Only these tables; empty means all.
    pub tables: Vec<TableName>,
    /// Tables that are no longer synced, whose rows are to be removed from the destination. Null: none.
    #[serde(default)]
    #[ts(optional)]
    pub remove: Option<Vec<TableName>>,
}

/// Starts a run. Also continues one: every run goes on where the last one stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct StartRequest {
    /// The connection.
    pub connection: String,
    /// Only these tables; empty means all.
    pub tables: Vec<TableName>,
    /// The fingerprint of the plan that the person saw: the run does exactly that plan or refuses. Null: whatever it
    /// turns out to be.
    pub fingerprint: Option<String>,
    /// Tables that are no longer synced, whose rows are removed from the destination first; only those of the plan that
    /// the person saw. Null: none.
    #[serde(default)]
    #[ts(optional)]
    pub remove: Option<Vec<TableName>>,
}

/// The run that was started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Started {
    /// Its id.
    pub run: String,
}

/// Names a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RunRequest {
    /// Its id.
    pub run: String,
}

/// Lists runs, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RunsRequest {
    /// Only of this connection.
    pub connection: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RunSummary {
    /// Its id.
    pub run: String,
    /// Its connection.
    pub connection: String,
    /// When it began.
    pub started_at: String,
    /// When it ended.
    pub ended_at: Option<String>,
    /// How long it took; until now while it is running.
    pub duration_ms: u64,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Rows inserted or replaced.
    pub rows_written: u64,
    /// Rows put into quarantine.
    pub rows_rejected: u64,
    /// Whether its process ended before it did. Nothing is lost: the next run goes on.
    pub interrupted: bool,
    /// Why it failed, in one sentence.
    pub failure: Option<String>,
}

/// Reads the log of a run. The search goes through all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogRequest {
    /// The run.
    pub run: String,
    /// How many matching lines to leave out at the beginning.
    pub from: usize,
    /// At most this many lines.
    pub limit: usize,
    /// Only lines that hold this text, whatever its case.
    pub search: Option<String>,
    /// Only warnings and errors.
    pub errors: bool,
    /// Only lines about this table.
    #[serde(default)]
    #[ts(optional)]
    pub table: Option<TableName>,
}

/// How grave a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warn,
    /// What happened.
    Info,
    /// Details.
    Debug,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogLine {
    /// Its number in the whole log, from 1.
    pub n: usize,
    /// When.
    pub time: String,
    /// How grave.
    pub level: LogLevel,
    /// The table it is about.
    pub table: Option<String>,
    /// What it says.
    pub text: String,
}

/// A window of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogPage {
    /// The lines of the window.
    pub lines: Vec<LogLine>,
    /// How many lines match in the whole log.
    pub total: usize,
    /// The number of the first error in the whole log.
    pub first_error: Option<usize>,
}

/// Asks how reliable a connection was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReliabilityRequest {
    /// The connection.
    pub connection: String,
    /// Over how many days until now.
    pub days: u32,
}

/// How reliable a connection was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Reliability {
    /// Over how many days.
    pub days: u32,
    /// Runs that ended.
    pub runs: usize,
    /// Of these, how many brought everything in (also with rejected rows). Runs that a person stopped do not count.
    pub succeeded: usize,
    /// Attempts of these runs: every error counts, also one that a retry made good.
    pub attempts: usize,
    /// Attempts without an error.
    pub attempts_succeeded: usize,
    /// When a run last brought everything in.
    pub last_success_at: Option<String>,
    /// Minutes in which the data was fresh; none when nobody said how fresh it should be.
    pub freshness: Option<Freshness>,
    /// One entry for each day, oldest first.
    pub by_day: Vec<ReliabilityDay>,
}

/// Freshness minutes against 99.9 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Freshness {
    /// Data older than this counts as late.
    pub target_minutes: u32,
    /// Minutes since the first success in which data was fresh.
    pub fresh_minutes: u64,
    /// Minutes since the first success.
    pub counted_minutes: u64,
    /// How many late minutes 99.9 % allow.
    pub allowance_minutes: f64,
}

/// A day of a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReliabilityDay {
    /// The day in UTC, `2026-11-23`.
    pub day: String,
    /// Runs that brought everything in.
    pub succeeded: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Runs after which a person had to decide, or with rejected rows.
    pub attention: usize,
    /// Rows written.
    pub rows_written: u64,
}

/// Asks what happened to a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TimelineRequest {
    /// The connection.
    pub connection: String,
    /// At most this many entries, the newest ones.
    pub limit: usize,
}

/// Something that happened to a connection, besides its runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TimelineEntry {
    /// When.
    pub at: String,
    /// What kind of thing: `drift`, `decision`, `replay`, `change`, `pause`.
    pub kind: String,
    /// The run it belongs to.
    pub run: Option<String>,
    /// In words.
    pub text: String,
}
