//! One run over an API: plans, parts, checkpoints.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use syncline_manifest::Run;
use syncline_manifest::connector::Table;
use syncline_manifest::stream::Stream;
use syncline_protocol::{
    Catalog, ChangeSink, Column, CursorCandidate, DiscoverFilter, ElementsOf, Error, ErrorKind, Part,
    ReadMode, ReadPlan, Result, SourceSession, TableInfo, TableKind, TableName, TablePosition, TableRead,
    TableSchema,
};
use tokio::sync::OnceCell;

use super::elements::{self, ElementWriter, Elements};
use super::output::{SampleOutput, TableOutput, TableWriter};
use crate::json_rows::{Told, Writer};
use crate::json_schema as columns;
use crate::state_plan::StatePlan;

/// A table that the source offers.
struct Offered {
    name: String,
    /// The stream whose records it is made of, or why there is none.
    stream: Result<Arc<Stream>>,
    /// Set when the elements of a field are its rows.
    elements: Option<Elements>,
    columns: OnceCell<Vec<Column>>,
}

impl Offered {
    fn stream(&self) -> Result<&Arc<Stream>> {
        self.stream.as_ref().map_err(|error| Error::new(error.kind(), error.message()))
    }

    fn key(&self) -> Vec<String> {
        match (&self.elements, &self.stream) {
            (Some(elements), _) => elements.key(),
            (None, Ok(stream)) => key(stream),
            (None, Err(_)) => Vec::new(),
        }
    }

    /// The column that says what changed, when the connector asks for that.
    fn cursor(&self) -> Option<String> {
        let cursor = self.stream.as_ref().ok()?.cursor_field.as_deref()?;
        Some(self.elements.as_ref().map_or_else(|| cursor.to_owned(), |_| elements::parent_column(cursor)))
    }

    /// The columns that the manifest declares, key and cursor among them.
    async fn columns(&self, run: &Arc<Run>) -> Result<&Vec<Column>> {
        let stream = self.stream()?;
        self.columns
            .get_or_try_init(|| async {
                let schema = stream.schema.load(run).await?;
                let mut columns = columns::columns(&schema);
                for name in key(stream).iter().chain(&stream.cursor_field) {
                    if !columns.iter().any(|column| column.name == *name) {
                        columns.push(Column::new(name, syncline_protocol::LogicalType::Text));
                    }
                }
                match &self.elements {
                    None => Ok(columns),
                    Some(elements) => elements.columns(&schema, &columns),
                }
            })
            .await
    }

    async fn info(&self, run: &Arc<Run>) -> TableInfo {
        let columns = self.columns(run).await.cloned();
        let unreadable = columns.as_ref().err().map(|error| error.message().to_owned());
        let reason = "the connector asks the API for what changed after it".to_owned();
        let of = |elements: &Elements| ElementsOf {
            table: TableName::bare(&elements.parent),
            field: elements.field(),
        };
        let comment = |elements: &Elements| {
            format!("The elements of `{}`. Reads `{}` once more for them.", elements.field(), elements.parent)
        };
        TableInfo {
            schema: TableSchema {
                table: TableName::bare(&self.name),
                columns: columns.unwrap_or_default(),
                key: self.key(),
            },
            kind: TableKind::Api,
            rows_estimate: None,
            bytes_estimate: None,
            cursors: self.cursor().map(|column| CursorCandidate { column, reason }).into_iter().collect(),
            unreadable,
            comment: self.elements.as_ref().map(comment),
            elements_of: self.elements.as_ref().map(of),
        }
    }
}

/// The tables of a connector.
pub(super) struct Tables {
    tables: Vec<Offered>,
}

impl Tables {
    /// Those of the manifest, and one for each field (`table.field`) in `unnest`.
    ///
    /// # Errors
    /// `Config`, when `unnest` names what is not there.
    pub(super) fn new(tables: Vec<Table>, unnest: &[String]) -> Result<Tables> {
        let mut tables: Vec<Offered> = tables
            .into_iter()
            .map(|table| Offered {
                name: table.name,
                stream: table.stream,
                elements: None,
                columns: OnceCell::new(),
            })
            .collect();
        let own = tables.len();
        for entry in unnest {
            let mut elements = Elements::named(entry, tables[..own].iter().map(|table| table.name.as_str()))?;
            let name = elements.table();
            if tables.iter().any(|table| table.name == name) {
                let message =
                    format!("`unnest` makes a table `{name}` of `{entry}`, and there is one already.");
                return Err(Error::new(ErrorKind::Config, message).fix("Take it out of `unnest`."));
            }
            let parent = tables[..own].iter().find(|table| table.name == elements.parent);
            let stream = match parent.map(Offered::stream) {
                Some(stream) => stream.cloned(),
                None => Err(Error::internal("A table that was found is gone.")),
            };
            if let Ok(stream) = &stream {
                elements = elements.of(stream);
            }
            tables.push(Offered { name, stream, elements: Some(elements), columns: OnceCell::new() });
        }
        Ok(Tables { tables })
    }

    pub(super) fn len(&self) -> usize {
        self.tables.len()
    }

    /// The tables that cannot be read, and why.
    pub(super) fn unavailable(&self) -> Vec<(&str, String)> {
        let why = |table: &Offered| table.stream.as_ref().err().map(|error| error.message().to_owned());
        self.tables.iter().filter_map(|table| Some((table.name.as_str(), why(table)?))).collect()
    }

    fn find(&self, name: &str) -> Result<&Offered> {
        self.tables.iter().find(|table| table.name == name).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("The connector has no table `{name}` any more."))
        })
    }

    /// The stream of a table.
    pub(super) fn stream(&self, name: &str) -> Result<&Arc<Stream>> {
        self.find(name)?.stream()
    }

    /// All tables, sorted by name.
    pub(super) async fn catalog(&self, run: &Arc<Run>, filter: &DiscoverFilter) -> Result<Catalog> {
        let mut catalog = Catalog::default();
        for table in &self.tables {
            if filter.tables.is_empty() || filter.tables.contains(&TableName::bare(&table.name)) {
                catalog.tables.push(table.info(run).await);
            }
        }
        catalog.tables.sort_by(|left, right| left.schema.table.cmp(&right.schema.table));
        Ok(catalog)
    }
}

/// The key columns. A key inside a nested field is no column, so such a table has none.
pub(super) fn key(stream: &Stream) -> Vec<String> {
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
    let table = tables.find(&read.table.name)?;
    if read.mode == ReadMode::Full {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("`{}` is read whole each time, so that a state says nothing of it.", read.table),
        )
        .meaning("The next run reads all of it.")
        .fix(match table.cursor() {
            Some(field) => {
                format!("Read it by what changed: write `cursor: {field}` for it in the connection.")
            }
            None => "There is nothing to do: its API cannot be asked for what changed.".to_owned(),
        }));
    }
    table.stream()?.accepts(run, state)?;
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
        let table = self.tables.find(&read.table.name)?;
        StatePlan::after(position, read, table.cursor().as_deref())
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        _part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let table = self.tables.find(&read.table.name)?;
        let known: HashSet<String> =
            table.columns(&self.run).await?.iter().map(|column| column.name.clone()).collect();
        let plan = StatePlan::of(&plan.plan)?;
        let told = self.told.clone();
        let parents = table.elements.as_ref().and_then(|elements| elements.parents(read));
        let writer = match &table.elements {
            None => TableWriter::Records(Writer::new(read, known, Some(told))?),
            Some(elements) => {
                TableWriter::Elements(ElementWriter::new(elements, read, parents.as_ref(), known, told)?)
            }
        };
        // Rows after a checkpoint can come once more: with a key that changes nothing.
        let output = TableOutput::new(sink, writer, plan.incremental && !read.key.is_empty());
        table.stream()?.read(&self.run, from.or(plan.state.as_ref()), &output).await?;
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
    let table = tables.find(&read.table.name)?;
    let writer = Writer::new(read, HashSet::new(), None)?;
    let output = SampleOutput::new(sink, writer, table.elements.as_ref(), rows);
    table.stream()?.first(run, rows, &output).await
}
