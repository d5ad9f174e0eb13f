//! The log of one run: what happened, as JSON lines that people can read and programs can search.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use syncline_protocol::{Error, ErrorKind, Result, TableName};

use crate::event::{Event, Observer};
use crate::receipt::{Failure, Outcome, TableState};
use crate::versions::FellBack;

/// Takes secrets out of a text.
type Clean = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Writes the events of a run into a file and hands them on. Progress is not written: it is of no use afterwards.
///
/// A log that cannot be written does not stop the run: rows are worth more than words about them.
pub struct RunLog {
    file: Mutex<BufWriter<File>>,
    clean: Clean,
    next: Arc<dyn Observer>,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    level: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    table: Option<&'a TableName>,
    text: String,
}

impl RunLog {
    /// A log in the file at `path`, whose folder is made when it is missing. `clean` takes secrets out of what is
    /// written; `next` hears all events.
    ///
    /// # Errors
    /// `Permission` when the file cannot be made.
    pub fn create(path: &Path, next: Arc<dyn Observer>, clean: Clean) -> Result<Arc<RunLog>> {
        let failed = |error| {
            Error::new(ErrorKind::Permission, format!("Could not write the log `{}`.", path.display()))
                .caused_by(error)
        };
        fs::create_dir_all(path.parent().unwrap_or(path)).map_err(failed)?;
        let file = File::create(path).map_err(failed)?;
        Ok(Arc::new(RunLog { file: Mutex::new(BufWriter::new(file)), clean, next }))
    }

    fn write(&self, level: &'static str, table: Option<&TableName>, text: &str) {
        let line = Line { time: Timestamp::now().to_string(), level, table, text: (self.clean)(text) };
        let Ok(mut line) = serde_json::to_vec(&line) else { return };
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Events are few (commits take longer than a write), and each should survive the end of the process.
        let _ = file.write_all(&line).and_then(|()| file.flush());
    }

    fn failure(&self, level: &'static str, table: Option<&TableName>, lead: &str, failure: &Failure) {
        self.write(level, table, &format!("{lead}{} {}", failure.message, failure.meaning));
        for detail in &failure.details {
            self.write("debug", table, detail);
        }
    }

    fn log(&self, event: &Event) {
        match event {
            Event::RunStarted { run, connection, tables } => self.write(
                "info",
                None,
                &format!("Run {run} of {connection} began with {} tables.", tables.len()),
            ),
            Event::TableStarted { table, rows_estimate, full, resumed } => {
                let what = match (full, resumed) {
                    (_, true) => "Goes on where it stopped",
                    (true, false) => "Reads all rows",
                    (false, false) => "Reads new and changed rows",
                };
                let about = rows_estimate.map(|rows| format!(", about {rows}")).unwrap_or_default();
                self.write("info", Some(table), &format!("{what}{about}."));
            }
            Event::Progress { .. } => {}
            Event::Waiting { table, reason: Some(reason) } => {
                self.write("info", Some(table), &format!("Waits: {reason}."));
            }
            Event::Waiting { table, reason: None } => self.write("info", Some(table), "Goes on."),
            Event::Committed { table, ordinal, rows } => {
                self.write("info", Some(table), &format!("Segment {ordinal} is durable: {rows} rows."));
            }
            Event::TableEnded { table, state, rows, failure } => match (state, failure) {
                (TableState::Failed | TableState::NeedsDecision, Some(failure)) => {
                    let level = if *state == TableState::Failed { "error" } else { "warn" };
                    self.failure(level, Some(table), "", failure);
                }
                (TableState::DoneWithRejected, _) => {
                    self.write("warn", Some(table), &format!("Done: {rows} rows; some were rejected."));
                }
                (TableState::Stopped, _) => {
                    self.write("info", Some(table), &format!("Stopped: {rows} rows are durable."));
                }
                _ => self.write("info", Some(table), &format!("Done: {rows} rows.")),
            },
            Event::Retrying { attempt, in_ms, failure } => {
                let lead = format!("Attempt {attempt} follows in {:.1} s. ", *in_ms as f64 / 1000.0);
                self.failure("warn", None, &lead, failure);
            }
            Event::FellBack { what } => {
                let FellBack { connector, from, to, because, .. } = what;
                let text = format!(
                    "Version {from} of `{connector}` did not work: {because} The next attempt runs on version {to}, the last one that worked."
                );
                self.write("warn", None, &text);
            }
            Event::RunEnded { receipt } => {
                if let Some(fell_back) = &receipt.fell_back {
                    self.write("warn", None, &fell_back.text());
                }
                if let Some(failure) = &receipt.failure {
                    self.failure("error", None, "", failure);
                }
                let level = if receipt.outcome == Outcome::Failed { "error" } else { "info" };
                let how = match receipt.outcome {
                    Outcome::Succeeded => "succeeded: every row is accounted for",
                    Outcome::SucceededWithRejected => "succeeded; some rows are in quarantine",
                    Outcome::NeedsDecision => "waits for a decision",
                    Outcome::Stopped => "was stopped at a durable point",
                    Outcome::Failed => "failed",
                };
                let rows: u64 = receipt.tables.iter().map(|table| table.rows_written).sum();
                let seconds = receipt.duration_ms as f64 / 1000.0;
                self.write(level, None, &format!("The run {how}: {rows} rows written in {seconds:.1} s."));
            }
        }
    }
}

impl Observer for RunLog {
    fn event(&self, event: &Event) {
        self.log(event);
        self.next.event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;

    #[test]
    fn lines_are_json_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs").join("r.jsonl");
        let clean = Box::new(|text: &str| text.replace("hunter2", "[secret]"));
        let log = RunLog::create(&path, Arc::new(Unobserved), clean).unwrap();
        let table = TableName::bare("orders");
        log.event(&Event::Waiting { table: table.clone(), reason: Some("hunter2\nsays so".to_owned()) });
        log.event(&Event::Progress { tables: Vec::new(), elapsed_ms: 1 });
        log.event(&Event::Committed { table, ordinal: 3, rows: 7 });
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "progress is not written");
        assert_eq!(lines[0]["text"], "Waits: [secret]\nsays so.");
        assert_eq!((&lines[1]["table"], &lines[1]["level"]), (&"orders".into(), &"info".into()));
    }
}
