//! What this computer keeps of a run.

use jiff::Timestamp;
use serde_json::json;
use syncline_protocol::{Error, Result};
use syncline_store::{
    AttemptRecord, JournalEntry, Outcome as StoredOutcome, RunEnd, RunError, RunTable, State,
};

use crate::receipt::{Failure, Outcome, Receipt, TableReceipt, TableState};
use crate::versions::FellBack;

impl Receipt {
    /// What the local state keeps of the run.
    ///
    /// # Errors
    /// `Internal` when the receipt cannot be written as JSON.
    fn ending(&self) -> Result<RunEnd> {
        let time = |text: &str| text.parse::<Timestamp>().unwrap_or_else(|_| Timestamp::now());
        let run_error = |failure: &Failure| RunError { kind: failure.kind, message: failure.message.clone() };
        let ended_at = time(&self.ended_at);
        // An attempt ends where the next one begins.
        let next_began = self.attempts.iter().skip(1).map(|attempt| time(&attempt.started_at));
        let attempts =
            self.attempts.iter().zip(next_began.chain([ended_at])).map(|(attempt, ended_at)| AttemptRecord {
                started_at: time(&attempt.started_at),
                ended_at,
                error: attempt.failure.as_ref().map(run_error),
                version: attempt.version.clone(),
            });
        let tables = self.tables.iter().map(|table| RunTable {
            name: table.table.clone(),
            outcome: table_outcome(table.state),
            rows_read: table.rows_read,
            rows_written: table.rows_written,
            rows_deleted: table.rows_deleted,
            rows_rejected: table.rows_rejected,
            bytes: table.bytes,
        });
        Ok(RunEnd {
            ended_at,
            outcome: match self.outcome {
                Outcome::Succeeded => StoredOutcome::Succeeded,
                Outcome::SucceededWithRejected => StoredOutcome::SucceededWithRejected,
                Outcome::NeedsDecision => StoredOutcome::NeedsDecision,
                Outcome::Stopped => StoredOutcome::Stopped,
                Outcome::Failed => StoredOutcome::Failed,
            },
            error: self.first_failure().map(run_error),
            attempts: attempts.collect(),
            tables: tables.collect(),
            receipt: serde_json::to_value(self).map_err(|error| {
                Error::internal("The receipt could not be written as JSON.").caused_by(error)
            })?,
        })
    }

    /// What ended the run, or else what went wrong with its first table.
    pub fn first_failure(&self) -> Option<&Failure> {
        self.failure.as_ref().or_else(|| self.tables.iter().find_map(|table| table.failure.as_ref()))
    }

    /// Keeps the end of the run: its account, what it met, and how the version of the source's connector did.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn keep(&self, state: &State, at: Timestamp) -> Result<()> {
        state.end_run(&self.run, &self.ending()?)?;
        self.drift_entries(at).try_for_each(|entry| state.add_to_journal(&entry).map(drop))?;
        self.keep_version(state, at)?;
        let done = |table: &&TableReceipt| {
            matches!(table.state, TableState::Done | TableState::DoneWithRejected) && table.values.rows > 0
        };
        let values = self.tables.iter().filter(done).map(|table| (table.table.clone(), table.values.clone()));
        state.add_table_values(&self.connection, &values.collect::<Vec<_>>())
    }

    /// What the run says about versions of the source's connector.
    fn keep_version(&self, state: &State, at: Timestamp) -> Result<()> {
        if let Some(fell_back) = &self.fell_back {
            if fell_back.bad {
                let FellBack { connector, from, because, .. } = fell_back;
                state.mark_version_bad(&self.connection, connector, from, at, because)?;
            }
            state.add_to_journal(&JournalEntry {
                run: Some(self.run.clone()),
                connection: self.connection.clone(),
                at,
                kind: "fell_back".to_owned(),
                detail: json!({
                    "connector": fell_back.connector, "from": fell_back.from, "to": fell_back.to,
                    "because": fell_back.because, "bad": fell_back.bad, "text": fell_back.text(),
                }),
            })?;
        }
        let succeeded = matches!(self.outcome, Outcome::Succeeded | Outcome::SucceededWithRejected);
        let (true, Some((connector, version))) = (succeeded, &self.worked) else { return Ok(()) };
        let with_rows = self.tables.iter().any(|table| table.values.rows > 0);
        state.version_worked(&self.connection, connector, version, at, with_rows)
    }

    /// The changes of sources that the run met, for the journal.
    fn drift_entries(&self, at: Timestamp) -> impl Iterator<Item = JournalEntry> {
        self.tables.iter().filter(|table| !table.drift.is_empty()).map(move |table| JournalEntry {
            run: Some(self.run.clone()),
            connection: self.connection.clone(),
            at,
            kind: "drift".to_owned(),
            detail: json!({"table": table.table, "drift": table.drift}),
        })
    }
}

fn table_outcome(state: TableState) -> StoredOutcome {
    match state {
        TableState::Done => StoredOutcome::Succeeded,
        TableState::DoneWithRejected => StoredOutcome::SucceededWithRejected,
        TableState::NeedsDecision => StoredOutcome::NeedsDecision,
        TableState::Queued | TableState::Stopped => StoredOutcome::Stopped,
        TableState::Failed => StoredOutcome::Failed,
    }
}
