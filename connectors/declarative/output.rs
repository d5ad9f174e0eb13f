//! From the records of a stream to the changes of a table.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use serde_json::Value;
use syncline_manifest::Output;
use syncline_manifest::records::RawRecords;
use syncline_protocol::{Change, ChangeSink, Error, ErrorKind, Result, TableSchema};

use super::elements::{ElementWriter, Elements};
use crate::json_rows::Writer;
use crate::state_plan;

/// What becomes of the records of a stream.
#[allow(clippy::large_enum_variant)] // one for each table that is read
pub(super) enum TableWriter<'a> {
    /// Each is a row.
    Records(Writer<'a>),
    /// The elements of a field of each are rows.
    Elements(ElementWriter<'a>),
}

impl TableWriter<'_> {
    fn rows(&self) -> usize {
        match self {
            TableWriter::Records(writer) => writer.rows(),
            TableWriter::Elements(writer) => writer.rows(),
        }
    }

    fn take(&mut self, records: &[Value]) -> Result<Vec<Change>> {
        match self {
            TableWriter::Records(writer) => writer.take(records),
            TableWriter::Elements(writer) => writer.take(records),
        }
    }

    fn take_raw(&mut self, records: &RawRecords) -> Result<Vec<Change>> {
        match self {
            TableWriter::Records(writer) => writer.take_raw(records),
            TableWriter::Elements(writer) => writer.take_raw(records),
        }
    }

    fn finish(&mut self) -> Result<Vec<Change>> {
        match self {
            TableWriter::Records(writer) => Ok(writer.finish()?.into_iter().collect()),
            TableWriter::Elements(writer) => writer.finish(),
        }
    }

    fn news(&self) -> Option<TableSchema> {
        match self {
            TableWriter::Records(writer) => writer.news(),
            TableWriter::Elements(writer) => writer.news(),
        }
    }
}

struct Progress {
    /// What is covered by everything handed over so far.
    state: Option<Value>,
    told: Instant,
}

/// Where the interpreter puts the records of a table.
pub(super) struct TableOutput<'a> {
    sink: &'a dyn ChangeSink,
    /// Held until what it gave is handed on: slices are read side by side, and what one of them tells of a parent must
    /// not come between what another one does, nor a checkpoint.
    writer: tokio::sync::Mutex<TableWriter<'a>>,
    progress: Mutex<Progress>,
    checkpoints: bool,
}

impl<'a> TableOutput<'a> {
    /// `checkpoints`: whether states that the interpreter gives in between can be gone on from.
    pub(super) fn new(
        sink: &'a dyn ChangeSink,
        writer: TableWriter<'a>,
        checkpoints: bool,
    ) -> TableOutput<'a> {
        TableOutput {
            sink,
            writer: tokio::sync::Mutex::new(writer),
            progress: Mutex::new(Progress { state: None, told: Instant::now() }),
            checkpoints,
        }
    }

    async fn send(&self, changes: Vec<Change>) -> Result<()> {
        for change in changes {
            self.sink.send(change).await?;
        }
        Ok(())
    }

    /// Hands on what records give, or says that they have another shape than is known.
    async fn taken(
        &self,
        take: impl FnOnce(&mut TableWriter<'a>) -> Result<Vec<Change>> + Send,
    ) -> Result<()> {
        let mut writer = self.writer.lock().await;
        let changes = take(&mut writer)?;
        if let Some(schema) = writer.news() {
            let table = schema.table.clone();
            self.sink.send(Change::Schema(schema)).await?;
            return Err(Error::new(
                ErrorKind::SchemaChanged,
                format!("The API gives other columns than `{table}` is known to have."),
            ));
        }
        self.send(changes).await
    }

    /// Everything is read: the last rows, and where the next run goes on.
    pub(super) async fn end(&self, incremental: bool) -> Result<()> {
        let mut last = self.writer.lock().await.finish()?;
        let state = self.progress.lock().unwrap_or_else(PoisonError::into_inner).state.take();
        last.extend(state.filter(|_| incremental).map(Change::End));
        self.send(last).await
    }

    /// Keeps a state; whether it is time for a checkpoint.
    fn is_due(&self, state: &Value, rows: usize) -> bool {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.state = Some(state.clone());
        let due = self.checkpoints && state_plan::is_due(rows, progress.told);
        if due {
            progress.told = Instant::now();
        }
        due
    }
}

#[async_trait]
impl Output for TableOutput<'_> {
    async fn records(&self, records: Vec<Value>) -> Result<()> {
        self.taken(|writer| writer.take(&records)).await
    }

    async fn raw(&self, records: RawRecords) -> Result<()> {
        self.taken(|writer| writer.take_raw(&records)).await
    }

    async fn state(&self, state: &Value) -> Result<()> {
        let mut writer = self.writer.lock().await;
        if !self.is_due(state, writer.rows()) {
            return Ok(());
        }
        let mut changes = writer.finish()?;
        changes.push(Change::Checkpoint(state.clone()));
        self.send(changes).await
    }

    fn waiting(&self, reason: Option<&str>) {
        self.sink.waiting(reason);
    }
}

/// The rows of a sample: those of a page go on as soon as it is here, so that a slow API can be watched.
pub(super) struct SampleOutput<'a> {
    sink: &'a dyn ChangeSink,
    elements: Option<&'a Elements>,
    state: Mutex<Sample<'a>>,
}

struct Sample<'a> {
    writer: Writer<'a>,
    /// How many rows are still wanted.
    left: usize,
}

impl<'a> SampleOutput<'a> {
    /// Up to `rows` rows: a record is one, or the elements of a field of it are.
    pub(super) fn new(
        sink: &'a dyn ChangeSink,
        writer: Writer<'a>,
        elements: Option<&'a Elements>,
        rows: usize,
    ) -> Self {
        SampleOutput { sink, elements, state: Mutex::new(Sample { writer, left: rows }) }
    }
}

impl SampleOutput<'_> {
    fn changes(&self, records: &[Value]) -> Result<Vec<Change>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changes = Vec::new();
        match self.elements {
            None => {
                let taken = records.len().min(state.left);
                state.left -= taken;
                changes.extend(state.writer.take(&records[..taken])?);
            }
            Some(elements) => {
                for element in elements.first(records, state.left) {
                    state.left -= 1;
                    match element {
                        Ok(element) => changes.extend(state.writer.take(&[element])?),
                        Err(rejected) => changes.push(Change::Rejected(rejected)),
                    }
                }
            }
        }
        changes.extend(state.writer.finish()?);
        Ok(changes)
    }
}

#[async_trait]
impl Output for SampleOutput<'_> {
    async fn records(&self, records: Vec<Value>) -> Result<()> {
        for change in self.changes(&records)? {
            self.sink.send(change).await?;
        }
        Ok(())
    }

    async fn state(&self, _: &Value) -> Result<()> {
        Ok(())
    }

    fn waiting(&self, reason: Option<&str>) {
        self.sink.waiting(reason);
    }
}
