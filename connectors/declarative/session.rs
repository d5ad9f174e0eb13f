//! One run over an API: plans, parts, checkpoints.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use serde_json::Value;
use syncline_manifest::connector::Table;
use syncline_manifest::records::RawRecords;
use syncline_manifest::stream::Stream;
use syncline_manifest::{Output, Run};
use syncline_protocol::{
    Catalog, Change, ChangeSink, Column, CursorCandidate, DiscoverFilter, Error, ErrorKind, Part, ReadMode,
    ReadPlan, Result, SourceSession, TableInfo, TableKind, TableName, TablePosition, TableRead, TableSchema,
};
use tokio::sync::OnceCell;

use crate::json_rows::{Told, Writer};
use crate::json_schema as columns;
use crate::state_plan::{StatePlan, is_due};

/// The tables of a connector.
pub(super) struct Tables {
    tables: Vec<(Table, OnceCell<Vec<Column>>)>,
}

impl Tables {
    pub(super) fn new(tables: Vec<Table>) -> Tables {
        Tables { tables: tables.into_iter().map(|table| (table, OnceCell::new())).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.tables.len()
    }

    /// The tables that cannot be read, and why.
    pub(super) fn unavailable(&self) -> Vec<(&str, String)> {
        let why = |(table, _): &'_ (Table, OnceCell<Vec<Column>>)| match &table.stream {
            Ok(_) => None,
            Err(error) => Some(error.message().to_owned()),
        };
        self.tables.iter().filter_map(|table| Some((table.0.name.as_str(), why(table)?))).collect()
    }

    fn find(&self, name: &str) -> Result<&(Table, OnceCell<Vec<Column>>)> {
        self.tables.iter().find(|(table, _)| table.name == name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The connector has no table `{name}` any more."))
        })
    }

    /// The stream of a table.
    pub(super) fn stream(&self, name: &str) -> Result<&Arc<Stream>> {
        let (table, _) = self.find(name)?;
        table.stream.as_ref().map_err(|error| Error::new(error.kind(), error.message()))
    }

    /// The columns that the manifest declares for a table, its key and cursor among them.
    async fn columns(&self, run: &Arc<Run>, name: &str) -> Result<&Vec<Column>> {
        let (_, cell) = self.find(name)?;
        let stream = self.stream(name)?;
        cell.get_or_try_init(|| async {
            let mut columns = columns::columns(&stream.schema.load(run).await?);
            for name in key(stream).iter().chain(&stream.cursor_field) {
                if !columns.iter().any(|column| column.name == *name) {
                    columns.push(Column::new(name, syncline_protocol::LogicalType::Text));
                }
            }
            Ok(columns)
        })
        .await
    }

    /// All tables, sorted by name.
    pub(super) async fn catalog(&self, run: &Arc<Run>, filter: &DiscoverFilter) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        for (table, _) in &self.tables {
            let name = TableName::bare(&table.name);
            if !filter.tables.is_empty() && !filter.tables.contains(&name) {
                continue;
            }
            let columns = match &table.stream {
                Ok(_) => self.columns(run, &table.name).await.cloned(),
                Err(error) => Err(Error::new(error.kind(), error.message())),
            };
            let stream = table.stream.as_ref().ok();
            let unreadable = columns.as_ref().err().map(|error| error.message().to_owned());
            let reason = "the connector asks the API for what changed after it".to_owned();
            catalog.tables.push(TableInfo {
                schema: TableSchema {
                    table: name,
                    columns: columns.unwrap_or_default(),
                    key: stream.map(|stream| key(stream)).unwrap_or_default(),
                },
                kind: TableKind::Api,
                rows_estimate: None,
                bytes_estimate: None,
                cursors: stream
                    .and_then(|stream| stream.cursor_field.clone())
                    .map(|column| CursorCandidate { column, reason })
                    .into_iter()
                    .collect(),
                unreadable,
                comment: None,
            });
        }
        catalog.tables.sort_by(|left, right| left.schema.table.cmp(&right.schema.table));
        Ok(catalog)
    }
}

/// The key columns. A key inside a nested field is no column, so such a table has none.
fn key(stream: &Stream) -> Vec<String> {
    let steps: Option<Vec<String>> = stream
        .primary_key
        .iter()
        .map(|path| match path.as_slice() {
            [name] => Some(name.clone()),
            _ => None,
        })
        .collect();
    steps.unwrap_or_default()
}

/// The position of a table that another program has read as far as a state says.
///
/// # Errors
/// `Unsupported`, when the table is read whole each time; `PositionLost`, when the state is not one of this table.
pub(super) fn position_of(
    run: &Arc<Run>,
    tables: &Tables,
    read: &TableRead,
    state: &Value,
) -> Result<TablePosition> {
    let stream = tables.stream(&read.table.name)?;
    if read.mode == ReadMode::Full {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("`{}` is read whole each time, so that a state says nothing of it.", read.table),
        )
        .meaning("The next run reads all of it.")
        .fix(match &stream.cursor_field {
            Some(field) => {
                format!("Read it by what changed: write `cursor: {field}` for it in the connection.")
            }
            None => "There is nothing to do: its API cannot be asked for what changed.".to_owned(),
        }));
    }
    stream.accepts(run, state)?;
    Ok(StatePlan::complete(state))
}

pub(super) struct ApiSession {
    run: Arc<Run>,
    tables: Arc<Tables>,
    told: Told,
}

impl ApiSession {
    pub(super) fn new(run: Arc<Run>, tables: Arc<Tables>, told: Told) -> ApiSession {
        ApiSession { run, tables, told }
    }
}

#[async_trait]
impl SourceSession for ApiSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let stream = self.tables.stream(&read.table.name)?;
        StatePlan::after(position, read, stream.cursor_field.as_deref())
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        _part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let name = &read.table.name;
        let stream = self.tables.stream(name)?;
        let known =
            self.tables.columns(&self.run, name).await?.iter().map(|column| column.name.clone()).collect();
        let plan = StatePlan::of(&plan.plan)?;
        let output = TableOutput {
            sink,
            writer: Mutex::new(Writer::new(read, known, Some(self.told.clone()))?),
            progress: Mutex::new(Progress { state: None, told: Instant::now() }),
            // Rows after a checkpoint can come once more: with a key that changes nothing.
            checkpoints: plan.incremental && !read.key.is_empty(),
        };
        stream.read(&self.run, from.or(plan.state.as_ref()), &output).await?;
        output.end(plan.incremental).await
    }

    async fn close(&self) {}
}

/// The first rows of a table.
///
/// # Errors
/// As for reading it.
pub(super) async fn sample(
    run: &Arc<Run>,
    tables: &Tables,
    read: &TableRead,
    rows: usize,
    sink: &dyn ChangeSink,
) -> Result<()> {
    let stream = tables.stream(&read.table.name)?;
    let mut writer = Writer::new(read, HashSet::new(), None)?;
    let output = TableOutput::waiting_only(sink, read)?;
    let records = stream.first(run, rows, &output).await?;
    let mut changes = writer.take(&records[..records.len().min(rows)])?;
    changes.extend(writer.finish()?);
    for change in changes {
        sink.send(change).await?;
    }
    Ok(())
}

struct Progress {
    /// What is covered by everything handed over so far.
    state: Option<Value>,
    told: Instant,
}

/// Where the interpreter puts the records of a table.
struct TableOutput<'a> {
    sink: &'a dyn ChangeSink,
    writer: Mutex<Writer<'a>>,
    progress: Mutex<Progress>,
    checkpoints: bool,
}

impl<'a> TableOutput<'a> {
    fn waiting_only(sink: &'a dyn ChangeSink, read: &'a TableRead) -> Result<TableOutput<'a>> {
        Ok(TableOutput {
            sink,
            writer: Mutex::new(Writer::new(read, HashSet::new(), None)?),
            progress: Mutex::new(Progress { state: None, told: Instant::now() }),
            checkpoints: false,
        })
    }

    async fn send(&self, changes: Vec<Change>) -> Result<()> {
        for change in changes {
            self.sink.send(change).await?;
        }
        Ok(())
    }

    /// Hands on what records give, or says that they have another shape than is known.
    async fn taken(&self, take: impl FnOnce(&mut Writer<'a>) -> Result<Vec<Change>> + Send) -> Result<()> {
        let (changes, news) = {
            let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            (take(&mut writer)?, writer.news())
        };
        if let Some(schema) = news {
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
    async fn end(&self, incremental: bool) -> Result<()> {
        let last = self.writer.lock().unwrap_or_else(PoisonError::into_inner).finish()?;
        let state = self.progress.lock().unwrap_or_else(PoisonError::into_inner).state.take();
        let end = state.filter(|_| incremental).map(Change::End);
        self.send(last.into_iter().chain(end).collect()).await
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
        let due = {
            let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
            progress.state = Some(state.clone());
            let rows = self.writer.lock().unwrap_or_else(PoisonError::into_inner).rows();
            let due = self.checkpoints && is_due(rows, progress.told);
            if due {
                progress.told = Instant::now();
            }
            due
        };
        if !due {
            return Ok(());
        }
        let rows = self.writer.lock().unwrap_or_else(PoisonError::into_inner).finish()?;
        self.send(rows.into_iter().chain([Change::Checkpoint(state.clone())]).collect()).await
    }

    fn waiting(&self, reason: Option<&str>) {
        self.sink.waiting(reason);
    }
}
