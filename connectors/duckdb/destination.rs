//! [`Destination`]: what can be asked and tried without a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;
use async_trait::async_trait;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{
    BatchKind, Change, ChangeBatch, ChangeSink, CheckStep, Column, ConnectorContext, Destination,
    DestinationCapabilities, Durability, Error, ErrorKind, Landing, LogicalType, Opened, Opening,
    QuarantinedRow, RejectedRow, Result, SchemaChange, StepSink, StoredCheckpoint, TableName, TargetName,
    TargetTable, system,
};
use tokio::sync::mpsc;

use crate::config::DuckDbConfig;
use crate::database::{Database, Settings};
use crate::raw::{Connection, Param};
use crate::session::DuckDbSession;
use crate::sql;

/// Rows of a batch that a scan hands out.
const SCAN_ROWS: usize = 32 * 2048;
/// What the check writes to see whether there is room.
const PROBE_BYTES: usize = 16 << 20;

/// Where the tables are: what every part of the destination needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The file.
    pub(crate) path: PathBuf,
    /// The schema for tables that name none, and for the system tables.
    pub(crate) schema: String,
    pub(crate) settings: Settings,
}

impl Place {
    pub(crate) fn open(&self) -> Result<Arc<Database>> {
        Database::open(&self.path, &self.settings)
    }

    /// The database, unless the file is not there yet.
    fn existing(&self) -> Result<Option<Arc<Database>>> {
        Database::existing(&self.path, &self.settings)
    }

    /// A system table, quoted.
    pub(crate) fn system(&self, table: &str) -> String {
        format!("{}.{}", sql::quoted(&self.schema), sql::quoted(table))
    }

    fn file_name(&self) -> String {
        self.path.file_name().unwrap_or(self.path.as_os_str()).to_string_lossy().into_owned()
    }
}

/// A DuckDB file as a destination.
pub(crate) struct DuckDbDestination {
    place: Place,
}

impl DuckDbDestination {
    pub(crate) fn new(config: &DuckDbConfig, context: &ConnectorContext) -> Result<Self> {
        config.validate()?;
        let place = Place {
            path: context.resolve(&config.path),
            schema: config.schema.clone(),
            settings: config.settings()?,
        };
        Ok(DuckDbDestination { place })
    }

    /// Runs blocking work on a thread for such.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Place) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let place = self.place.clone();
        blocking(move || work(&place)).await
    }
}

/// Runs blocking work on a thread for such.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("Work on the DuckDB file ended unexpectedly.").caused_by(error))?
}

/// The columns of a table with their types in DuckDB's words; empty when it is not there.
pub(crate) fn columns_of(connection: &Connection, schema: &str, table: &str) -> Result<Vec<Column>> {
    let rows = connection.texts("looking at a table", sql::COLUMNS, &[schema.into(), table.into()])?;
    Ok(rows
        .into_iter()
        .filter_map(|row| <[Option<String>; 2]>::try_from(row).ok())
        .map(|[name, data_type]| sql::column(name.unwrap_or_default(), data_type.unwrap_or_default()))
        .collect())
}

/// The stored checkpoints of a connection; the fence row has the table name `''` and comes out as the first member.
pub(crate) fn stored(
    connection: &Connection,
    place: &Place,
    name: &str,
) -> Result<(Option<u64>, Vec<StoredCheckpoint>)> {
    let doing = "reading checkpoints";
    if columns_of(connection, &place.schema, system::CHECKPOINTS)?.is_empty() {
        return Ok((None, Vec::new()));
    }
    // A commit inserts its checkpoint and removes the one before in a step of its own (see `session`); the latest counts.
    let query = format!(
        "SELECT \"table\", fence::VARCHAR, ordinal::VARCHAR, position, {}, rows::VARCHAR, bytes::VARCHAR, \
         checksum::VARCHAR FROM {} WHERE connection = ? \
         QUALIFY row_number() OVER (PARTITION BY \"table\" ORDER BY ordinal DESC, fence DESC) = 1 ORDER BY 1",
        sql::rfc3339("committed_at"),
        place.system(system::CHECKPOINTS)
    );
    let (mut fence, mut checkpoints) = (None, Vec::new());
    for row in connection.texts(doing, &query, &[name.into()])? {
        let checkpoint = stored_row(row).ok_or_else(|| {
            Error::new(
                ErrorKind::CorruptInput,
                format!("A checkpoint of `{name}` in the DuckDB file is damaged."),
            )
        })?;
        match checkpoint {
            StoredRow::Fence(value) => fence = Some(value),
            StoredRow::Checkpoint(checkpoint) => checkpoints.push(*checkpoint),
        }
    }
    Ok((fence, checkpoints))
}

enum StoredRow {
    Fence(u64),
    Checkpoint(Box<StoredCheckpoint>),
}

fn stored_row(row: Vec<Option<String>>) -> Option<StoredRow> {
    let mut values = row.into_iter();
    let mut next = || values.next().flatten();
    let (table, fence) = (next()?, next()?.parse().ok()?);
    if table.is_empty() {
        return Some(StoredRow::Fence(fence));
    }
    Some(StoredRow::Checkpoint(Box::new(StoredCheckpoint {
        table: table.parse().ok()?,
        fence,
        ordinal: next()?.parse().ok()?,
        position: serde_json::from_str(&next()?).ok()?,
        committed_at: next()?,
        rows: next()?.parse().ok()?,
        bytes: next()?.parse().ok()?,
        checksum: next()?.parse().ok()?,
    })))
}

#[async_trait]
impl Destination for DuckDbDestination {
    fn capabilities(&self) -> DestinationCapabilities {
        DestinationCapabilities {
            durability: Durability::Transactional,
            schemas: true,
            default_schema: Some(self.place.schema.clone()),
            // DuckDB has no limit; this one keeps names readable and is far above that of any source.
            identifier_bytes_max: 255,
            case_sensitive: false,
            parallel_loaders: 2,
            // Row groups of 122,880 rows that are full go straight to the file, so large segments are cheap. Small ones
            // are dear: each ends in a row group that is not full, and where three in a row are not full enough, the
            // next checkpoint writes them and their neighbours anew (half of a bulk load's time and 400 MB more).
            segment_bytes: 512 << 20,
            date_range: (-2_147_483_646, 2_147_483_646),
            timestamp_range: (-9_223_372_022_400_000_000, i64::MAX - 1),
            infinite_times: true,
            text_nul: true,
            counts_fast: true,
            replaces_children: true,
        }
    }

    fn landing(&self, logical: &LogicalType) -> Landing {
        sql::landing(logical)
    }

    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        sql::ddl(change, &self.place.schema)
    }

    fn column_text(&self, column: &Column) -> String {
        format!("{} {}", sql::quoted(&column.name), sql::type_name(&column.logical))
    }

    async fn check(&self, steps: &dyn StepSink) {
        let file = self.place.file_name();
        type Step = (String, fn(&Place) -> Result<Option<String>>);
        let list: [Step; 3] = [
            (format!("Find the folder of `{file}`"), find_folder),
            ("Write beside it".to_owned(), write_beside),
            (format!("Open `{file}`"), open_file),
        ];
        for (title, work) in list {
            let started = Instant::now();
            match self.blocking(work).await {
                Ok(detail) => {
                    let mut step = CheckStep::ok(title, started.elapsed());
                    step.detail = detail;
                    steps.step(step);
                }
                Err(error) => return steps.step(CheckStep::failed(title, started.elapsed(), &error)),
            }
        }
    }

    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        let tables = tables.to_vec();
        self.blocking(move |place| {
            let Some(database) = place.existing()? else { return Ok(vec![None; tables.len()]) };
            let connection = database.connect()?;
            tables
                .iter()
                .map(|table| columns_of(&connection, sql::schema_of(table, &place.schema), &table.name))
                .map(|columns| columns.map(|columns| (!columns.is_empty()).then_some(columns)))
                .collect()
        })
        .await
    }

    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>> {
        let name = connection.to_owned();
        self.blocking(move |place| match place.existing()? {
            Some(database) => Ok(stored(&database.connect()?, place, &name)?.1),
            None => Ok(Vec::new()),
        })
        .await
    }

    async fn open(&self, opening: &Opening) -> Result<Opened> {
        let opening = opening.clone();
        self.blocking(move |place| DuckDbSession::open(place, &opening)).await
    }

    async fn count(&self, target: &TargetTable) -> Result<u64> {
        let target = target.clone();
        self.blocking(move |place| {
            let Some(database) = place.existing()? else { return Err(missing(&target.name)) };
            let query = format!(
                "SELECT count(*)::VARCHAR FROM {} WHERE {}",
                sql::table(&target.name, &place.schema),
                sql::visible(target.mode)
            );
            let rows = database
                .connect()?
                .texts("counting rows", &query, &[])
                .map_err(|error| error.with("table", &target.name))?;
            let count = rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok());
            count.ok_or_else(|| Error::internal("DuckDB did not count."))
        })
        .await
    }

    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()> {
        let (target, columns, place) = (target.clone(), columns.to_vec(), self.place.clone());
        let (batches, mut received) = mpsc::channel::<RecordBatch>(2);
        // The receiver is dropped when the sink stops, which ends the reading thread at its next batch.
        let reading = tokio::task::spawn_blocking(move || read_table(&place, &target, &columns, &batches));
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
        let (name, table) = (connection.to_owned(), table.map(ToString::to_string));
        self.blocking(move |place| {
            let Some(database) = place.existing()? else { return Ok(Vec::new()) };
            let connection = database.connect()?;
            if columns_of(&connection, &place.schema, system::QUARANTINE)?.is_empty() {
                return Ok(Vec::new());
            }
            let query = format!(
                "SELECT id, \"table\", run, {}, \"column\", reason, \"row\" FROM {} \
                 WHERE connection = ? AND (?::VARCHAR IS NULL OR \"table\" = ?) ORDER BY \"at\", rowid LIMIT {limit}",
                sql::rfc3339("\"at\""),
                place.system(system::QUARANTINE)
            );
            let table = Param::Text(table.as_deref());
            connection
                .texts("reading the quarantine", &query, &[(&name).into(), table, table])?
                .into_iter()
                .map(|row| {
                    quarantined_row(row).ok_or_else(|| {
                        Error::new(ErrorKind::CorruptInput, "A row of the quarantine in the DuckDB file is damaged.")
                    })
                })
                .collect()
        })
        .await
    }
}

fn quarantined_row(row: Vec<Option<String>>) -> Option<QuarantinedRow> {
    let [id, table, run, at, column, reason, row] = <[Option<String>; 7]>::try_from(row).ok()?;
    Some(QuarantinedRow {
        id: id?,
        table: table?.parse().ok()?,
        run: run?,
        at: at?,
        rejected: RejectedRow { column, reason: reason?, row: serde_json::from_str(&row?).ok()? },
    })
}

fn missing(table: &TargetName) -> Error {
    Error::new(ErrorKind::NotFound, format!("There is no table `{table}` in the DuckDB file."))
        .with("table", table)
}

/// Reads the visible rows of a table and sends them as batches until they end or nobody receives them.
fn read_table(
    place: &Place,
    target: &TargetTable,
    columns: &[Column],
    batches: &mpsc::Sender<RecordBatch>,
) -> Result<()> {
    let Some(database) = place.existing()? else { return Err(missing(&target.name)) };
    let connection = database.connect()?;
    let doing = "reading a table";
    // A column can have a wider type in the table; the cast is free where it has the same.
    let selected: Vec<_> = columns
        .iter()
        .map(|column| format!("CAST({} AS {})", sql::quoted(&column.name), sql::type_name(&column.logical)))
        .collect();
    let query = format!(
        "SELECT {} FROM {} WHERE {}",
        selected.join(", "),
        sql::table(&target.name, &place.schema),
        sql::visible(target.mode)
    );
    let types: Vec<_> = columns.iter().map(|column| column.logical.clone()).collect();
    let schema = arrow_schema(columns);
    let mut chunks = connection.stream(doing, &query).map_err(|error| error.with("table", &target.name))?;
    let (mut pending, mut rows) = (Vec::new(), 0);
    loop {
        let chunk = chunks.next(doing, &types)?;
        let ended = chunk.is_none();
        if let Some(arrays) = chunk {
            let batch = RecordBatch::try_new(Arc::clone(&schema), arrays)?;
            rows += batch.num_rows();
            pending.push(batch);
        }
        if rows >= SCAN_ROWS || (ended && rows > 0) {
            let batch = concat_batches(&schema, &pending)?;
            if batches.blocking_send(batch).is_err() {
                return Ok(());
            }
            pending.clear();
            rows = 0;
        }
        if ended {
            return Ok(());
        }
    }
}

fn find_folder(place: &Place) -> Result<Option<String>> {
    let folder = folder_of(&place.path);
    match std::fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(Some(folder.display().to_string())),
        Ok(_) => Err(Error::new(ErrorKind::Config, format!("`{}` is not a folder.", folder.display()))),
        Err(error) => Err(Error::new(
            ErrorKind::NotFound,
            format!("The folder `{}` does not exist or cannot be read.", folder.display()),
        )
        .fix("Create the folder, or choose another file.")
        .caused_by(error)),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Writes and removes a file in the folder: may it be written, and is there room?
fn write_beside(place: &Place) -> Result<Option<String>> {
    let probe = folder_of(&place.path).join(format!(".{}.check-{}", place.file_name(), std::process::id()));
    let written = std::fs::write(&probe, vec![1u8; PROBE_BYTES]);
    // Also half a file must go.
    let _ = std::fs::remove_file(&probe);
    written.map(|()| Some("There is room.".to_owned())).map_err(|error| {
        let (kind, what) = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                (ErrorKind::DiskFull, "There is no space left in")
            }
            _ => (ErrorKind::Permission, "Nothing can be written to"),
        };
        Error::new(kind, format!("{what} `{}`.", folder_of(&place.path).display())).caused_by(error)
    })
}

/// Opens the file, or one beside it when there is none yet, and lets go of it.
fn open_file(place: &Place) -> Result<Option<String>> {
    let version = |database: &Arc<Database>| -> Result<Option<String>> {
        let rows = database.connect()?.texts("asking for the version", "SELECT version()", &[])?;
        Ok(rows.into_iter().flatten().next().flatten())
    };
    if let Some(database) = place.existing()? {
        return Ok(version(&database)?.map(|version| format!("DuckDB {version}; nobody else holds it.")));
    }
    let name = format!(".{}.check-{}", place.file_name(), std::process::id());
    let probe = folder_of(&place.path).join(name);
    let version = Database::open(&probe, &place.settings).and_then(|database| version(&database));
    let _ = std::fs::remove_file(&probe);
    Ok(version?.map(|version| format!("DuckDB {version}; the first sync creates the file.")))
}
