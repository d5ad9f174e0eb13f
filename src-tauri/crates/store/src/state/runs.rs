//! Runs, their receipts and the journal.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{Error, ErrorKind, Result, TableName};

use super::{State, count, count_column, json, json_column, optional_time_column, time_column, time_text};
use crate::project::random_hex;

/// How a run, or a table in it, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything landed and adds up.
    Succeeded,
    /// Everything that could be converted landed; some rows are in quarantine.
    SucceededWithRejected,
    /// A table waits for a decision by a person; all others landed.
    NeedsDecision,
    /// Something did not land. What is durable stays durable.
    Failed,
    /// Somebody stopped it; the next run goes on.
    Stopped,
}

impl Outcome {
    /// The word under which it is stored: `succeeded`, `succeeded_with_rejected`, `needs_decision`, `failed`, `stopped`.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Succeeded => "succeeded",
            Outcome::SucceededWithRejected => "succeeded_with_rejected",
            Outcome::NeedsDecision => "needs_decision",
            Outcome::Failed => "failed",
            Outcome::Stopped => "stopped",
        }
    }
}

/// Why a run or an attempt failed: what of an error is worth keeping. Remove secrets before you make one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunError {
    /// The kind.
    pub kind: ErrorKind,
    /// The sentence for the person.
    pub message: String,
}

impl From<&Error> for RunError {
    fn from(error: &Error) -> Self {
        RunError { kind: error.kind(), message: error.message().to_owned() }
    }
}

/// One try of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Why it failed; none when it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<RunError>,
    /// The version of the source's connector it ran on; none in old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// A run, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// From [`run_id`].
    pub id: String,
    /// The connection.
    pub connection: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; none while it is running, and for ever when its process was killed.
    pub ended_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Why it failed.
    pub error: Option<RunError>,
    /// Its tries, in order.
    pub attempts: Vec<AttemptRecord>,
    /// The versions of the connectors it began with.
    pub connectors: BTreeMap<String, String>,
    /// A hash of the configuration it ran with, so that a change of configuration can be told from other causes.
    pub config_hash: String,
}

impl RunRecord {
    /// A run that begins now.
    pub fn begin(
        id: String,
        connection: impl Into<String>,
        started_at: Timestamp,
        connectors: BTreeMap<String, String>,
        config_hash: impl Into<String>,
    ) -> Self {
        RunRecord {
            id,
            connection: connection.into(),
            started_at,
            ended_at: None,
            outcome: None,
            error: None,
            attempts: Vec::new(),
            connectors,
            config_hash: config_hash.into(),
        }
    }
}

/// Everything that is known at the end of a run. Stored in one transaction.
#[derive(Debug, Clone, PartialEq)]
pub struct RunEnd {
    /// When it ended.
    pub ended_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub error: Option<RunError>,
    /// Its tries, in order.
    pub attempts: Vec<AttemptRecord>,
    /// Its tables.
    pub tables: Vec<RunTable>,
    /// Its receipt.
    pub receipt: Value,
}

/// What a run did to one table; the figures of its receipt in a form that can be queried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTable {
    /// The table in the source.
    pub name: TableName,
    /// How it ended.
    pub outcome: Outcome,
    /// Rows that came from the source.
    pub rows_read: u64,
    /// Rows inserted or replaced in the destination.
    pub rows_written: u64,
    /// Rows deleted in the destination, softly or really.
    pub rows_deleted: u64,
    /// Rows in quarantine.
    pub rows_rejected: u64,
    /// Bytes of Arrow data.
    pub bytes: u64,
}

/// A run with what its tables add up to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTotals {
    /// The run.
    pub run: RunRecord,
    /// Rows inserted or replaced.
    pub rows_written: u64,
    /// Rows put into quarantine.
    pub rows_rejected: u64,
}

/// Something that happened, in the order it happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalEntry {
    /// The run it belongs to, if any.
    pub run: Option<String>,
    /// The connection.
    pub connection: String,
    /// When.
    pub at: Timestamp,
    /// What kind of thing: `attempt`, `plan_applied`, `drift`, `decision`, …; the engine decides.
    pub kind: String,
    /// The facts.
    pub detail: Value,
}

/// A name for a run that begins at `at`: `20261123T091205-4f2a91c3` (UTC). Names sort as the runs began.
///
/// # Errors
/// `Internal` when the system gives no random numbers.
pub fn run_id(at: Timestamp) -> Result<String> {
    Ok(format!("{}-{}", at.strftime("%Y%m%dT%H%M%S"), random_hex::<4>()?))
}

const RUN_COLUMNS: &str = "SELECT id, connection, started_at, ended_at, outcome, error, attempts, connectors, config_hash FROM runs";

impl State {
    /// Records that a run begins.
    ///
    /// # Errors
    /// Those of SQLite, see [`State::open`].
    pub fn begin_run(&self, run: &RunRecord) -> Result<()> {
        let (attempts, connectors) = (json(&run.attempts)?, json(&run.connectors)?);
        self.write("record the run", |transaction| {
            transaction.execute(
                "INSERT INTO runs (id, connection, started_at, attempts, connectors, config_hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    run.id,
                    run.connection,
                    time_text(run.started_at),
                    attempts,
                    connectors,
                    run.config_hash
                ],
            )?;
            Ok(())
        })
    }

    /// Records how a run ended, with its tables and its receipt, all or nothing.
    ///
    /// # Errors
    /// `Internal` when the run was never begun; those of SQLite.
    pub fn end_run(&self, id: &str, end: &RunEnd) -> Result<()> {
        let (attempts, receipt) = (json(&end.attempts)?, json(&end.receipt)?);
        let error = end.error.as_ref().map(json).transpose()?;
        let known = self.write("record the end of the run", |transaction| {
            let changed = transaction.execute(
                "UPDATE runs SET ended_at = ?2, outcome = ?3, error = ?4, attempts = ?5 WHERE id = ?1",
                params![id, time_text(end.ended_at), end.outcome.word(), error, attempts],
            )?;
            if changed == 0 {
                return Ok(false);
            }
            transaction.execute(
                "INSERT INTO receipts (run, receipt) VALUES (?1, ?2)
                 ON CONFLICT (run) DO UPDATE SET receipt = excluded.receipt",
                params![id, receipt],
            )?;
            transaction.execute("DELETE FROM run_tables WHERE run = ?1", [id])?;
            let mut insert =
                transaction.prepare("INSERT INTO run_tables VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
            for table in &end.tables {
                insert.execute(params![
                    id,
                    table.name.to_string(),
                    table.outcome.word(),
                    count(table.rows_read),
                    count(table.rows_written),
                    count(table.rows_deleted),
                    count(table.rows_rejected),
                    count(table.bytes),
                ])?;
            }
            Ok(true)
        })?;
        if known { Ok(()) } else { Err(Error::internal(format!("The run `{id}` was never recorded."))) }
    }

    /// A run.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn run(&self, id: &str) -> Result<Option<RunRecord>> {
        self.first("read the runs", &format!("{RUN_COLUMNS} WHERE id = ?1"), [id], read_run)
    }

    /// The latest runs, newest first; of one connection when it is given.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn runs(&self, connection: Option<&str>, limit: usize) -> Result<Vec<RunRecord>> {
        self.all(
            "read the runs",
            &format!(
                "{RUN_COLUMNS} WHERE ?1 IS NULL OR connection = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2"
            ),
            params![connection, i64::try_from(limit).unwrap_or(i64::MAX)],
            read_run,
        )
    }

    /// The latest runs with what they did, newest first; of one connection when it is given.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn runs_with_totals(&self, connection: Option<&str>, limit: usize) -> Result<Vec<RunTotals>> {
        self.all(
            "read the runs",
            "SELECT runs.*,
                    (SELECT coalesce(sum(rows_written), 0) FROM run_tables WHERE run = runs.id) AS rows_written,
                    (SELECT coalesce(sum(rows_rejected), 0) FROM run_tables WHERE run = runs.id) AS rows_rejected
             FROM runs WHERE ?1 IS NULL OR connection = ?1 ORDER BY started_at DESC, id DESC LIMIT ?2",
            params![connection, i64::try_from(limit).unwrap_or(i64::MAX)],
            |row| {
                Ok(RunTotals {
                    run: read_run(row)?,
                    rows_written: count_column(row, "rows_written")?,
                    rows_rejected: count_column(row, "rows_rejected")?,
                })
            },
        )
    }

    /// What a run did to its tables, in the order of their names. Empty while it is running.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn run_tables(&self, run: &str) -> Result<Vec<RunTable>> {
        self.all(
            "read the tables of the run",
            "SELECT * FROM run_tables WHERE run = ?1 ORDER BY name",
            [run],
            |row| {
                let name: String = row.get("name")?;
                Ok(RunTable {
                    name: name.parse().unwrap_or_else(|_| TableName::bare(name)),
                    outcome: word_column(row, "outcome")?,
                    rows_read: count_column(row, "rows_read")?,
                    rows_written: count_column(row, "rows_written")?,
                    rows_deleted: count_column(row, "rows_deleted")?,
                    rows_rejected: count_column(row, "rows_rejected")?,
                    bytes: count_column(row, "bytes")?,
                })
            },
        )
    }

    /// The receipt of a run; none while it is running.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn receipt(&self, run: &str) -> Result<Option<Value>> {
        self.first("read the receipt", "SELECT receipt FROM receipts WHERE run = ?1", [run], |row| {
            json_column(row, "receipt")
        })
    }

    /// Adds to the journal. Returns the number of the entry.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn add_to_journal(&self, entry: &JournalEntry) -> Result<i64> {
        let detail = json(&entry.detail)?;
        self.write("write the journal", |transaction| {
            transaction.execute(
                "INSERT INTO journal (run, connection, at, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![entry.run, entry.connection, time_text(entry.at), entry.kind, detail],
            )?;
            Ok(transaction.last_insert_rowid())
        })
    }

    /// An entry of the journal by its number.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn journal_entry(&self, id: i64) -> Result<Option<JournalEntry>> {
        self.first(
            "read the journal",
            "SELECT run, connection, at, kind, detail FROM journal WHERE id = ?1",
            [id],
            read_entry,
        )
    }

    /// The latest `limit` entries of a connection with their numbers, newest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn journal_numbered(&self, connection: &str, limit: usize) -> Result<Vec<(i64, JournalEntry)>> {
        self.all(
            "read the journal",
            "SELECT id, run, connection, at, kind, detail FROM journal WHERE connection = ?1 ORDER BY id DESC LIMIT ?2",
            params![connection, i64::try_from(limit).unwrap_or(i64::MAX)],
            |row| Ok((row.get("id")?, read_entry(row)?)),
        )
    }

    /// The latest `limit` entries of a connection, oldest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn journal(&self, connection: &str, limit: usize) -> Result<Vec<JournalEntry>> {
        let mut entries = self.all(
            "read the journal",
            "SELECT run, connection, at, kind, detail FROM journal WHERE connection = ?1 ORDER BY id DESC LIMIT ?2",
            params![connection, i64::try_from(limit).unwrap_or(i64::MAX)],
            read_entry,
        )?;
        entries.reverse();
        Ok(entries)
    }

    /// The entries of a run, oldest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn journal_of_run(&self, run: &str) -> Result<Vec<JournalEntry>> {
        self.all(
            "read the journal",
            "SELECT run, connection, at, kind, detail FROM journal WHERE run = ?1 ORDER BY id",
            [run],
            read_entry,
        )
    }
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: row.get("id")?,
        connection: row.get("connection")?,
        started_at: time_column(row, "started_at")?,
        ended_at: optional_time_column(row, "ended_at")?,
        outcome: match row.get_ref("outcome")?.as_str_or_null()? {
            Some(_) => Some(word_column(row, "outcome")?),
            None => None,
        },
        error: match row.get_ref("error")?.as_str_or_null()? {
            Some(_) => Some(json_column(row, "error")?),
            None => None,
        },
        attempts: json_column(row, "attempts")?,
        connectors: json_column(row, "connectors")?,
        config_hash: row.get("config_hash")?,
    })
}

fn read_entry(row: &Row<'_>) -> rusqlite::Result<JournalEntry> {
    Ok(JournalEntry {
        run: row.get("run")?,
        connection: row.get("connection")?,
        at: time_column(row, "at")?,
        kind: row.get("kind")?,
        detail: json_column(row, "detail")?,
    })
}

pub(super) fn word_column(row: &Row<'_>, column: &str) -> rusqlite::Result<Outcome> {
    let word: String = row.get(column)?;
    super::parsed(column, serde_json::from_value(Value::String(word)))
}
