//! The log of one run: what happened, as JSON lines that people can read and programs can search.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use syncline_protocol::{Error, ErrorKind, Result, TableName};

use crate::event::{Event, Observer};
use crate::receipt::{Failure, Outcome, TableState};
use crate::versions::FellBack;

mod index;
mod line;
mod read;
#[cfg(test)]
mod tests;

use index::Block;
use line::Written;
pub use line::{LogLevel, LogLine, LogStage};
pub use read::{LogFilter, LogHit, LogQuery, LogReader, LogSearch};

/// Takes secrets out of a text.
type Clean = Box<dyn Fn(&str) -> String + Send + Sync>;

/// Writes the events of a run into a file and hands them on. Progress is not written: it is of no use afterwards.
///
/// A log that cannot be written does not stop the run: rows are worth more than words about them.
pub struct RunLog {
    out: Mutex<Out>,
    clean: Clean,
    next: Arc<dyn Observer>,
}

/// The file, and the index that grows beside it.
struct Out {
    file: BufWriter<File>,
    /// None when it could not be made: readers make up what is missing.
    index: Option<File>,
    block: Block,
}

impl Out {
    /// Events are few (commits take longer than a write), and each should survive the end of the process.
    fn write(&mut self, line: &Written<'_>) -> std::io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file.write_all(&bytes)?;
        self.file.flush()?;
        let table = line.table.map(ToString::to_string);
        self.block.add(line.level, line.stage, table.as_deref(), bytes.len() as u64);
        if !self.block.is_full() {
            return Ok(());
        }
        let next = self.block.following();
        let full = std::mem::replace(&mut self.block, next);
        if let Some(index) = &mut self.index {
            let mut bytes = serde_json::to_vec(&full)?;
            bytes.push(b'\n');
            index.write_all(&bytes)?;
        }
        Ok(())
    }
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
        let index = File::create(index::path_of(path)).ok();
        let out = Out { file: BufWriter::new(file), index, block: Block::default() };
        Ok(Arc::new(RunLog { out: Mutex::new(out), clean, next }))
    }

    fn write(&self, level: LogLevel, stage: LogStage, table: Option<&TableName>, text: &str) {
        let line =
            Written { time: Timestamp::now().to_string(), level, stage, table, text: (self.clean)(text) };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write(&line);
    }

    fn failure(&self, level: LogLevel, table: Option<&TableName>, lead: &str, failure: &Failure) {
        let stage = LogStage::of(failure);
        self.write(level, stage, table, &format!("{lead}{} {}", failure.message, failure.meaning));
        for detail in &failure.details {
            self.write(LogLevel::Debug, stage, table, detail);
        }
    }

    fn log(&self, event: &Event) {
        use LogLevel::{Error, Info, Warn};
        use LogStage::{Prepare, Read, Run, Write};
        match event {
            Event::RunStarted { run, connection, tables } => self.write(
                Info,
                Run,
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
                self.write(Info, Read, Some(table), &format!("{what}{about}."));
            }
            Event::Progress { .. } => {}
            Event::Waiting { table, reason: Some(reason) } => {
                self.write(Info, Read, Some(table), &format!("Waits: {reason}."));
            }
            Event::Waiting { table, reason: None } => self.write(Info, Read, Some(table), "Goes on."),
            Event::Committed { table, ordinal, rows } => {
                self.write(Info, Write, Some(table), &format!("Segment {ordinal} is durable: {rows} rows."));
            }
            Event::TableEnded { table, state, rows, failure } => match (state, failure) {
                (TableState::Failed | TableState::NeedsDecision, Some(failure)) => {
                    let level = if *state == TableState::Failed { Error } else { Warn };
                    self.failure(level, Some(table), "", failure);
                }
                (TableState::DoneWithRejected, _) => {
                    self.write(
                        Warn,
                        Prepare,
                        Some(table),
                        &format!("Done: {rows} rows; some were rejected."),
                    );
                }
                (TableState::Stopped, _) => {
                    self.write(Info, Run, Some(table), &format!("Stopped: {rows} rows are durable."));
                }
                _ => self.write(Info, Run, Some(table), &format!("Done: {rows} rows.")),
            },
            Event::Retrying { attempt, in_ms, failure } => {
                let lead = format!("Attempt {attempt} follows in {:.1} s. ", *in_ms as f64 / 1000.0);
                self.failure(Warn, None, &lead, failure);
            }
            Event::FellBack { what } => {
                let FellBack { connector, from, to, because, .. } = what;
                let text = format!(
                    "Version {from} of `{connector}` did not work: {because} The next attempt runs on version {to}, the last one that worked."
                );
                self.write(Warn, Run, None, &text);
            }
            Event::RunEnded { receipt } => {
                if let Some(fell_back) = &receipt.fell_back {
                    self.write(Warn, Run, None, &fell_back.text());
                }
                if let Some(failure) = &receipt.failure {
                    self.failure(Error, None, "", failure);
                }
                let level = if receipt.outcome == Outcome::Failed { Error } else { Info };
                let how = match receipt.outcome {
                    Outcome::Succeeded => "succeeded: every row is accounted for",
                    Outcome::SucceededWithRejected => "succeeded; some rows are in quarantine",
                    Outcome::NeedsDecision => "waits for a decision",
                    Outcome::Stopped => "was stopped at a durable point",
                    Outcome::Failed => "failed",
                };
                let rows: u64 = receipt.tables.iter().map(|table| table.rows_written).sum();
                let seconds = receipt.duration_ms as f64 / 1000.0;
                self.write(
                    level,
                    Run,
                    None,
                    &format!("The run {how}: {rows} rows written in {seconds:.1} s."),
                );
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
