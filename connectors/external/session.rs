//! One run over a program: plans, parts, checkpoints.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use serde_json::Value;
use syncline_protocol::{
    Change, ChangeSink, Error, ErrorKind, Part, ReadPlan, Result, SourceSession, Stopped, TableName,
    TablePosition, TableRead,
};

use super::dialect::{Dialect, Message, Reading, Table, nonsense};
use super::process::{Process, Program};
use crate::json_rows::{Told, Writer};
use crate::state_plan::{StatePlan, is_due};

/// So many rows of a sample go on at once.
const SAMPLE_BATCH: usize = 100;

pub(super) struct ExternalSession {
    dialect: Arc<dyn Dialect>,
    program: Arc<Program>,
    tables: Arc<Vec<Table>>,
    told: Told,
}

impl ExternalSession {
    pub(super) fn new(
        dialect: Arc<dyn Dialect>,
        program: Arc<Program>,
        tables: Arc<Vec<Table>>,
        told: Told,
    ) -> ExternalSession {
        ExternalSession { dialect, program, tables, told }
    }

    fn table(&self, name: &TableName) -> Result<&Table> {
        self.tables.iter().find(|table| table.name == *name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The connector has no table `{name}` any more."))
        })
    }

    fn start(&self, table: &Table, incremental: bool, state: Option<&Value>) -> Result<Process> {
        let mut files = self.program.files()?;
        let reading = Reading { settings: &self.program.settings, table, incremental, state };
        let arguments = self.dialect.read(&reading, &mut files)?;
        self.program.start(arguments, Some(files))
    }

    /// The next message about the table; none at the end.
    async fn message(&self, process: &mut Process, table: &Table) -> Result<Option<Message>> {
        while let Some(line) = process.line().await? {
            if line.is_empty() {
                continue;
            }
            let Ok(line) = serde_json::from_slice::<Value>(&line) else {
                // Programs print what is no message, too, mostly while they start; what is cut off is one of those.
                if line.first() == Some(&b'{') {
                    return Err(nonsense("gave a message that is no JSON"));
                }
                tracing::info!(
                    program = self.program.name(),
                    "{}",
                    process.clean(&String::from_utf8_lossy(&line))
                );
                continue;
            };
            match self.dialect.message(&line, table) {
                Ok(Message::Other) => {}
                Ok(message) => return Ok(Some(message)),
                Err(error) => {
                    let clean = process.clean(error.message());
                    return Err(Error::new(error.kind(), clean));
                }
            }
        }
        Ok(None)
    }

    /// The first rows of a table; the program is ended as soon as there are enough.
    pub(super) async fn sample(&self, read: &TableRead, rows: usize, sink: &dyn ChangeSink) -> Result<()> {
        let table = self.table(&read.table)?;
        let mut process = self.start(table, false, None)?;
        let mut writer = Writer::new(read, HashSet::new(), None)?;
        let mut left = rows;
        while left > 0 {
            let message = tokio::select! {
                message = self.message(&mut process, table) => message?,
                () = sink.stopped() => return Err(Stopped.into()),
            };
            match message {
                Some(Message::Record(record)) => {
                    send(sink, writer.take(&[record])?).await?;
                    left -= 1;
                    // A few at a time, so that a slow program can be watched.
                    if (rows - left).is_multiple_of(SAMPLE_BATCH) {
                        send(sink, writer.finish()?).await?;
                    }
                }
                Some(_) => {}
                None => {
                    process.end().await?;
                    break;
                }
            }
        }
        send(sink, writer.finish()?).await
    }
}

async fn send(sink: &dyn ChangeSink, changes: impl IntoIterator<Item = Change>) -> Result<()> {
    for change in changes {
        sink.send(change).await?;
    }
    Ok(())
}

#[async_trait]
impl SourceSession for ExternalSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let table = self.table(&read.table)?;
        StatePlan::after(position, read, table.cursor.as_deref())
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        _part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let table = self.table(&read.table)?;
        let plan = StatePlan::of(&plan.plan)?;
        let known = table.info().schema.columns.into_iter().map(|column| column.name).collect();
        let mut writer = Writer::new(read, known, Some(self.told.clone()))?;
        // Rows after a checkpoint can come once more: with a key that changes nothing.
        let checkpoints = plan.incremental && !read.key.is_empty();
        let mut process = self.start(table, plan.incremental, from.or(plan.state.as_ref()))?;
        let (mut state, mut told) = (None, Instant::now());
        loop {
            let message = tokio::select! {
                message = self.message(&mut process, table) => message?,
                () = sink.stopped() => return Err(Stopped.into()),
            };
            match message {
                Some(Message::Record(record)) => {
                    let changes = writer.take(&[record])?;
                    if let Some(schema) = writer.news() {
                        sink.send(Change::Schema(schema)).await?;
                        return Err(Error::new(
                            ErrorKind::SchemaChanged,
                            format!(
                                "The connector gives other columns than `{}` is known to have.",
                                read.table
                            ),
                        ));
                    }
                    send(sink, changes).await?;
                }
                Some(Message::State(at)) => {
                    if checkpoints && is_due(writer.rows(), told) {
                        told = Instant::now();
                        send(sink, writer.finish()?.into_iter().chain([Change::Checkpoint(at.clone())]))
                            .await?;
                    }
                    state = Some(at);
                }
                Some(Message::Other) => {}
                None => break,
            }
        }
        // Only a program that ends well has given everything.
        process.end().await?;
        let end = state.or(plan.state).filter(|_| plan.incremental).map(Change::End);
        send(sink, writer.finish()?.into_iter().chain(end)).await
    }

    async fn close(&self) {}
}
