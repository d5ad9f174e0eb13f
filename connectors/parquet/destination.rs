//! [`Destination`]: what can be asked and tried without a run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::filter_record_batch;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{
    BatchKind, Change, ChangeBatch, ChangeSink, CheckStep, Column, Destination, DestinationCapabilities,
    Durability, Error, ErrorKind, Landing, LogicalType, Opened, Opening, QuarantinedRow, Result,
    SchemaChange, StepSink, StoredCheckpoint, StructField, TableName, TargetName, TargetTable,
};
use tokio::sync::mpsc;

use super::disk::{self, Lock};
use super::layout::{DEFAULT_SCHEMA, Layout};
use super::reader::FileReader;
use super::session::{ParquetSession, read_quarantine};
use super::state::{self, Description};
use super::writer::visible_by;

/// What the check writes to see whether there is room.
const PROBE_BYTES: usize = 16 << 20;

/// Runs blocking work on a thread for such.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("Work on the Parquet folder ended unexpectedly.").caused_by(error))?
}

/// A folder of Parquet files as a destination.
pub(super) struct ParquetDestination {
    layout: Layout,
}

impl ParquetDestination {
    pub(super) fn new(root: PathBuf) -> Self {
        ParquetDestination { layout: Layout { root } }
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Layout) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let layout = self.layout.clone();
        blocking(move || work(&layout)).await
    }
}

fn landing(logical: &LogicalType) -> Landing {
    match logical {
        LogicalType::Numeric => Landing::converted(
            LogicalType::Text,
            "lands as exact decimal text: Parquet's decimals end at 38 digits",
        ),
        LogicalType::Interval => Landing::converted(
            LogicalType::Text,
            "lands as ISO 8601 text: few readers know Parquet's intervals",
        ),
        LogicalType::Uuid => Landing::converted(LogicalType::Text, "lands as text of 36 characters"),
        LogicalType::List(item) => {
            let item = landing(item);
            Landing { logical: LogicalType::List(Box::new(item.logical)), note: item.note }
        }
        LogicalType::Struct(fields) if fields.is_empty() => {
            Landing::converted(LogicalType::Json, "lands as JSON: Parquet has no struct without members")
        }
        LogicalType::Struct(fields) => {
            let mut note = None;
            let fields = fields
                .iter()
                .map(|field| {
                    let member = landing(&field.logical);
                    note = note.take().or(member.note);
                    StructField { name: field.name.clone(), logical: member.logical }
                })
                .collect();
            Landing { logical: LogicalType::Struct(fields), note }
        }
        other => Landing::same(other),
    }
}

#[async_trait]
impl Destination for ParquetDestination {
    fn capabilities(&self) -> DestinationCapabilities {
        DestinationCapabilities {
            durability: Durability::ManifestCommit,
            schemas: true,
            default_schema: Some(DEFAULT_SCHEMA.to_owned()),
            identifier_bytes_max: 120,
            // Folders of different case are one on macOS and Windows.
            case_sensitive: false,
            parallel_loaders: 2,
            // A segment becomes one file. Rows leave memory as row groups, so its size costs none.
            segment_bytes: 256 << 20,
            date_range: (i32::MIN + 1, i32::MAX - 1),
            timestamp_range: (i64::MIN + 1, i64::MAX - 1),
            infinite_times: false,
            text_nul: true,
            counts_fast: true,
            replaces_children: true,
        }
    }

    fn landing(&self, logical: &LogicalType) -> Landing {
        landing(logical)
    }

    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        let folder = self.layout.table(change.table());
        let folder = folder.strip_prefix(&self.layout.root).unwrap_or(&folder).display().to_string();
        match change {
            SchemaChange::CreateTable { table } => {
                let columns: Vec<_> = table
                    .all_columns()
                    .iter()
                    .map(|column| format!("{} {}", column.name, column.logical))
                    .collect();
                vec![format!("create folder {folder} for files with the columns {}", columns.join(", "))]
            }
            SchemaChange::AddColumn { column, .. } => {
                vec![format!(
                    "write new files of {folder} with the column {} {}",
                    column.name, column.logical
                )]
            }
            SchemaChange::WidenColumn { column, from, .. } => vec![format!(
                "rewrite the files of {folder} with {} as {} instead of {from}",
                column.name, column.logical
            )],
            SchemaChange::DropTable { .. } => vec![format!("remove all files of {folder}")],
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        let folder = self.layout.root.display();
        type Step = (String, fn(&Path) -> Result<()>);
        let list: [Step; 3] = [
            (format!("Find or make the folder `{folder}`"), make_and_leave),
            ("Write into it".to_owned(), write_probe),
            ("Commit in one step".to_owned(), commit_probe),
        ];
        for (title, work) in list {
            let started = Instant::now();
            match self.blocking(move |layout| in_folder(&layout.root, work)).await {
                Ok(()) => steps.step(CheckStep::ok(title, started.elapsed())),
                Err(error) => return steps.step(CheckStep::failed(title, started.elapsed(), &error)),
            }
        }
    }

    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        let tables = tables.to_vec();
        self.blocking(move |layout| {
            tables
                .iter()
                .map(|table| Ok(Description::read(layout, table)?.map(|description| description.columns)))
                .collect()
        })
        .await
    }

    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>> {
        let connection = connection.to_owned();
        self.blocking(move |layout| {
            let states = state::all_latest(layout, &connection)?;
            Ok(states.iter().filter(|state| state.ordinal > 0).map(state::TableState::checkpoint).collect())
        })
        .await
    }

    async fn open(&self, opening: &Opening) -> Result<Opened> {
        let opening = opening.clone();
        self.blocking(move |layout| ParquetSession::open(layout, &opening)).await
    }

    async fn count(&self, target: &TargetTable) -> Result<u64> {
        let target = target.clone();
        self.blocking(move |layout| {
            let state = described(layout, &target.name)?.state(layout)?;
            let files = state
                .iter()
                .filter(|(_, state)| state.target == target.name)
                .flat_map(|(_, state)| &state.files);
            Ok(files.map(|file| file.visible).sum())
        })
        .await
    }

    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()> {
        let (target, columns, layout) = (target.clone(), columns.to_vec(), self.layout.clone());
        let (batches, mut received) = mpsc::channel::<RecordBatch>(2);
        // The receiver is dropped when the sink stops, which ends the reading thread at its next batch.
        let reading = tokio::task::spawn_blocking(move || read_table(&layout, &target, &columns, &batches));
        while let Some(rows) = received.recv().await {
            sink.send(Change::Batch(ChangeBatch { kind: BatchKind::Rows, rows })).await?;
        }
        reading
            .await
            .map_err(|error| Error::internal("Reading a table ended unexpectedly.").caused_by(error))?
    }

    async fn quarantined(
        &self,
        connection: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        let (connection, table) = (connection.to_owned(), table.cloned());
        self.blocking(move |layout| {
            let mut rows = Vec::new();
            for state in state::all_latest(layout, &connection)? {
                if table.as_ref().is_none_or(|table| *table == state.table) {
                    rows.extend(read_quarantine(layout, &connection, &state)?);
                }
            }
            rows.sort_by(|left, right| left.at.cmp(&right.at));
            rows.truncate(limit);
            Ok(rows)
        })
        .await
    }
}

fn described(layout: &Layout, target: &TargetName) -> Result<Description> {
    Description::read(layout, target)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("There is no table `{target}` in the Parquet folder."))
            .with("table", target)
    })
}

/// Reads the visible rows of a table and sends them as batches until they end or nobody receives them.
fn read_table(
    layout: &Layout,
    target: &TargetTable,
    columns: &[Column],
    batches: &mpsc::Sender<RecordBatch>,
) -> Result<()> {
    let Some((connection, state)) = described(layout, &target.name)?.state(layout)? else { return Ok(()) };
    if state.target != target.name {
        return Ok(());
    }
    let flag = visible_by(target.mode);
    let mut read = columns.to_vec();
    if let Some((name, _)) = flag
        && !columns.iter().any(|column| column.name == name)
    {
        read.push(Column::new(name, LogicalType::Boolean));
    }
    let schema = arrow_schema(columns);
    for file in &state.files {
        let path = layout.find(&connection, &target.name, &file.name);
        let mut reader = FileReader::open(&path, &read)?;
        while let Some(batch) = reader.next()? {
            let batch = match flag
                .and_then(|(name, value)| Some((batch.column_by_name(name)?.as_boolean_opt()?, value)))
            {
                Some((flags, value)) => filter_record_batch(&batch, &visible(flags, value))?,
                None => batch,
            };
            let arrays = batch.columns().iter().take(columns.len()).cloned().collect();
            let batch = RecordBatch::try_new(std::sync::Arc::clone(&schema), arrays)?;
            if batch.num_rows() > 0 && batches.blocking_send(batch).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Where a flag is true (`value` true), or not true (`value` false).
fn visible(flags: &BooleanArray, value: bool) -> BooleanArray {
    let is_true = |row: usize| flags.is_valid(row) && flags.value(row);
    BooleanArray::new((0..flags.len()).map(|row| is_true(row) == value).collect(), None)
}

/// Runs a step of the check in the folder, which is made when it is missing and then removed again.
fn in_folder(root: &Path, work: fn(&Path) -> Result<()>) -> Result<()> {
    let missing: Vec<_> =
        root.ancestors().take_while(|folder| !folder.exists()).map(Path::to_owned).collect();
    let done = disk::create_folder(root).and_then(|()| work(root));
    for folder in missing {
        let _ = fs::remove_dir(folder); // only what is empty goes
    }
    done
}

fn make_and_leave(root: &Path) -> Result<()> {
    disk::names(root).map(drop)
}

fn write_probe(root: &Path) -> Result<()> {
    let path = root.join(format!("_syncline_check-{}", std::process::id()));
    let written = fs::write(&path, vec![1u8; PROBE_BYTES]);
    disk::remove(&path); // also half a file must go
    written.map_err(|error| disk::failed("trying to write 16 MB", &path, error))
}

/// Tries what a commit needs: a lock, and a name that can be taken only once.
fn commit_probe(root: &Path) -> Result<()> {
    let folder = root.join(format!("_syncline_check-{}", std::process::id()));
    disk::create_folder(&folder)?;
    let path = folder.join("commit.json");
    let tried = Lock::of(&folder).and_then(|_lock| {
        Ok((disk::put_if_absent(&path, b"first")?, disk::put_if_absent(&path, b"second")?))
    });
    let _ = fs::remove_dir_all(&folder);
    match tried? {
        (true, false) => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            "This folder lies on a file system where two writers could overwrite each other.",
        )
        .fix("Choose a folder on a local disk.")),
    }
}
