use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use syncline_engine::{LogLevel, LogLine, LogStage, Outcome};
use syncline_protocol::TableName;
use ts_rs::TS;

/// Asks what a run would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PlanRequest {
    /// The connection.
    pub connection: String,
    /// Only these tables; empty means all.
    pub tables: Vec<TableName>,
    /// All rows are read again, also those that were read before.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub reread: bool,
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
    /// All rows are read again, also those that were read before.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub reread: bool,
    /// Tables that are no longer synced, whose rows are removed from the destination first; only those of the plan that
    /// the person saw. Null: none.
    #[serde(default)]
    #[ts(optional)]
    pub remove: Option<Vec<TableName>>,
}

/// Compares both sides of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct CompareRequest {
    /// The connection.
    pub connection: String,
    /// The table.
    pub table: TableName,
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
    /// The versions of the connectors it began with, by name.
    pub connectors: BTreeMap<String, String>,
    /// The version of the source's connector it ended on: another one when the first one failed.
    pub version: Option<String>,
    /// A hash of the configuration it ran with.
    pub config_hash: String,
}

/// Which lines of the log of a run are wanted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogLines {
    /// The run.
    pub run: String,
    /// Only lines at least as grave as this.
    pub level: Option<LogLevel>,
    /// Only lines about this stage.
    pub stage: Option<LogStage>,
    /// Only lines about this table.
    #[serde(default)]
    #[ts(optional)]
    pub table: Option<TableName>,
}

/// What is searched for in a log, whatever the case of letters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogText {
    /// The text.
    pub text: String,
    /// Whether it is a regular expression.
    pub expression: bool,
}

/// Reads the log of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogRequest {
    /// The lines.
    pub lines: LogLines,
    /// How many of them to leave out at the beginning.
    pub from: u64,
    /// At most this many lines.
    pub limit: usize,
    /// Only lines that hold this.
    pub only: Option<LogText>,
}

/// A window of a log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogPage {
    /// The lines of the window.
    pub lines: Vec<LogLine>,
    /// How many lines match in the whole log.
    pub total: u64,
    /// The first error in the whole log.
    pub first_error: Option<LogLine>,
    /// The size of the file.
    pub bytes: u64,
    /// Where the file is; none when there is none.
    pub file: Option<String>,
}

/// Goes to the next or the last match in the log of a run. The search goes through the whole file and, at its end, on at
/// the other end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogFindRequest {
    /// The lines that are searched.
    pub lines: LogLines,
    /// What they must hold; null: the next of these lines.
    pub search: Option<LogText>,
    /// Only errors.
    pub errors: bool,
    /// The number of the line from which on is searched, this one included.
    pub near: u64,
    /// The last match before that line instead.
    pub backwards: bool,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogFound {
    /// How many lines match in the whole log.
    pub total: u64,
    /// The match; none when there is none.
    pub hit: Option<LogMatch>,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LogMatch {
    /// The how manieth match it is, from 1.
    pub ordinal: u64,
    /// The number of the line.
    pub n: u64,
    /// How many of the wanted lines come before it.
    pub position: u64,
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
    /// Minutes in which the data was fresh; none when nobody said how fresh it should be, or before the first success.
    pub freshness: Option<Freshness>,
    /// What happened when, in columns of some hours.
    pub grid: ReliabilityGrid,
}

/// Freshness minutes against 99.9 %.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Freshness {
    /// Data older than this counts as late.
    pub target_minutes: u32,
    /// Time since the first success that counts: neither paused nor, unless that is wanted, while nobody watched.
    pub counted_seconds: u64,
    /// Of these, how long the data was older than it should be.
    pub late_seconds: u64,
    /// How long it may be late: 0.1 % of the time that counts.
    pub allowance_seconds: u64,
    /// The same for all days when all of their time counts: 43 min 12 s of 30 days.
    pub full_allowance_seconds: u64,
    /// Time that does not count because the connection was paused.
    pub paused_seconds: u64,
    /// Time in which Syncline was not open on this computer.
    pub off_seconds: u64,
    /// Whether such time counts all the same.
    pub off_counts: bool,
}

/// What happened in the last days, in columns of some hours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReliabilityGrid {
    /// Hours of a column.
    pub hours: u32,
    /// The columns, oldest first.
    pub columns: Vec<ReliabilityColumn>,
    /// The tables, in the order of the connection, then those it has no more.
    pub tables: Vec<ReliabilityTable>,
}

/// Some hours of a connection. Its time is the sum of the seconds; what is missing lies in the future, or before the
/// first success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReliabilityColumn {
    /// When it begins.
    pub from: String,
    /// Data was as fresh as it should be; also when nobody said how fresh that is.
    pub fresh_seconds: u64,
    /// Data was older.
    pub late_seconds: u64,
    /// The connection was paused.
    pub paused_seconds: u64,
    /// Syncline was not open on this computer.
    pub off_seconds: u64,
}

/// How a table ended in the runs of each column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReliabilityTable {
    /// The table.
    pub table: TableName,
    /// One for each column: the worst outcome of its runs; none when there was no run.
    pub worst: Vec<Option<Outcome>>,
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
    /// The number of the entry; none for what follows from other things that are kept.
    pub id: Option<i64>,
    /// When.
    pub at: String,
    /// What kind of thing: `drift`, `decision`, `undone`, `plan`, `compare`, `replay`, `dismiss`, `change`, `connector`,
    /// `pause`, `version`, `fell_back`.
    pub kind: String,
    /// The run it belongs to.
    pub run: Option<String>,
    /// In words.
    pub text: String,
    /// What changed in a file of the configuration.
    pub diff: Option<TimelineDiff>,
    /// Whether it can be undone.
    pub undo: bool,
}

/// Two versions of a file of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct TimelineDiff {
    /// The earlier one.
    pub before: i64,
    /// The later one.
    pub after: i64,
}

/// Asks what changed in a file of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DiffRequest {
    /// The earlier version.
    pub before: i64,
    /// The later version.
    pub after: i64,
}

/// What changed in a file of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct ConfigDiff {
    /// The file within the project.
    pub file: String,
    /// Since when it was as before.
    pub before_at: String,
    /// When it was changed, or the change was noticed.
    pub after_at: String,
    /// Changed lines with what is around them.
    pub lines: Vec<DiffLine>,
}

/// A line of a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct DiffLine {
    /// What happened to it.
    pub sign: DiffSign,
    /// The line.
    pub text: String,
}

/// What happened to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum DiffSign {
    /// Nothing.
    Same,
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// Lines that did not change are left out here.
    Gap,
}
