//! A loader: a thread with a connection of its own, so that reading, converting and writing overlap.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use syncline_protocol::{
    BatchKind, ChangeBatch, Column, Commit, Durable, Error, ErrorKind, Finish, LoadInto, Loader,
    LoaderOptions, LogicalType, Result, TargetName, WriteMode, system,
};
use tokio::sync::{mpsc, oneshot};

use crate::budget::Share;
use crate::destination::columns_of;
use crate::merge::{self, Merge};
use crate::raw::Connection;
use crate::session::Writer;
use crate::sql;
use crate::vector::{Appender, Fill};

/// Rows that wait in the appender before they go into the transaction. Bounds its memory.
const FLUSH_BYTES: usize = 2 << 20;

pub(crate) enum Command {
    Write(ChangeBatch),
    Commit(Box<Commit>, oneshot::Sender<Result<Durable>>),
    /// The session is closed.
    End,
}

/// The loader's side of its thread.
pub(crate) struct DuckDbLoader {
    commands: mpsc::Sender<Command>,
    /// Why the thread has ended, when it did so by itself.
    failure: Arc<Mutex<Option<Error>>>,
}

impl DuckDbLoader {
    /// Starts the thread. It ends when the loader is dropped, at [`Command::End`], and after a failure.
    pub(crate) fn start(
        writer: Writer,
        connection: Connection,
        options: LoaderOptions,
    ) -> Result<(Self, JoinHandle<()>)> {
        // One batch waits while one is written; more would only be memory.
        let (commands, mut received) = mpsc::channel(1);
        let failure = Arc::new(Mutex::new(None));
        let failed = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name("duckdb-loader".to_owned())
            .spawn(move || {
                let work = Work { writer: &writer, connection: &connection, options: &options };
                // The channel closes after the failure is stored, so that who finds it closed finds the failure too.
                if let Err(error) = work.run(&mut received) {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            })
            .map_err(|error| Error::internal("No thread could be started.").caused_by(error))?;
        Ok((DuckDbLoader { commands, failure }, thread))
    }

    /// A way to the thread that does not keep it alive.
    pub(crate) fn commands(&self) -> mpsc::WeakSender<Command> {
        self.commands.downgrade()
    }

    /// Why the thread does not take commands any more.
    fn ended(&self) -> Error {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        failure.unwrap_or_else(|| {
            Error::internal("The loader has ended: its session is closed or it failed before.")
        })
    }
}

#[async_trait]
impl Loader for DuckDbLoader {
    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        self.commands.send(Command::Write(batch)).await.map_err(|_| self.ended())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Commit(Box::new(commit.clone()), answer);
        self.commands.send(command).await.map_err(|_| self.ended())?;
        // The channel closes before the thread has stored its failure only if the thread panicked.
        answered.await.unwrap_or_else(|_| Err(self.ended()))
    }
}

/// What the thread works with.
struct Work<'a> {
    writer: &'a Writer,
    connection: &'a Connection,
    options: &'a LoaderOptions,
}

/// A segment that is being written.
#[derive(Default)]
struct Segment<'a> {
    /// Into the table (in the open transaction) or into the stage.
    rows: Option<Appender<'a>>,
    /// Into the list of keys.
    keys: Option<Appender<'a>>,
    /// Into the list of parents, whose key has these columns.
    parents: Option<Appender<'a>>,
    parent_columns: Vec<Column>,
    /// Rows and deletes that came.
    received: u64,
    /// Rows that went straight into the table.
    appended: u64,
    /// The number of the next row in the stage.
    arrival: i64,
    /// Bytes that were appended since the last flush.
    unflushed: usize,
    /// Whether a transaction is open.
    begun: bool,
    /// The columns of the table, once they are needed.
    columns: Vec<Column>,
}

impl<'a> Work<'a> {
    fn run(&self, commands: &mut mpsc::Receiver<Command>) -> Result<()> {
        let columns = self.options.target.all_columns().len();
        let _share = Share::to_append(self.connection.database(), columns);
        let mut segment = Segment::default();
        while let Some(command) = commands.blocking_recv() {
            match command {
                Command::Write(batch) => self.write(&mut segment, &batch)?,
                Command::Commit(commit, answer) => {
                    let result = self.commit(std::mem::take(&mut segment), &commit);
                    let failed = result.is_err();
                    // Nobody waits any more when the run was cancelled; what is durable is durable.
                    let _ = answer.send(result);
                    if failed {
                        return Ok(());
                    }
                }
                Command::End => return Ok(()),
            }
        }
        Ok(()) // the connection is dropped by the caller, which rolls back
    }

    /// Whether rows go straight into the table: nothing there has to be looked at.
    fn direct(&self) -> bool {
        let target = &self.options.target;
        match target.mode {
            WriteMode::Append => true,
            WriteMode::Replace => target.key.is_empty() || self.options.distinct,
            WriteMode::Merge { .. } => self.options.distinct,
            // New versions carry the time of the commit, which is known only then.
            WriteMode::History => false,
        }
    }

    fn name(&self) -> TargetName {
        match self.options.into {
            LoadInto::Table => self.options.target.name.clone(),
            LoadInto::Beside => sql::beside(&self.options.target.name),
        }
    }

    fn write(&self, segment: &mut Segment<'a>, batch: &ChangeBatch) -> Result<()> {
        let rows = batch.rows.num_rows() as u64;
        match batch.kind {
            BatchKind::Keys => return self.write_keys(segment, batch),
            BatchKind::Parents if self.direct() => return Ok(()), // nothing there to replace
            BatchKind::Parents => return self.write_parents(segment, batch),
            BatchKind::Deletes if self.direct() => segment.received += rows, // nothing there to delete
            _ if self.direct() => {
                self.write_direct(segment, batch)?;
                segment.received += rows;
                segment.appended += rows;
            }
            kind => {
                self.write_staged(segment, batch, i16::from(kind == BatchKind::Deletes))?;
                segment.received += rows;
            }
        }
        if segment.unflushed >= FLUSH_BYTES {
            segment.flush()?;
        }
        Ok(())
    }

    fn write_direct(&self, segment: &mut Segment<'a>, batch: &ChangeBatch) -> Result<()> {
        if segment.rows.is_none() {
            let name = self.name();
            let schema = sql::schema_of(&name, &self.writer.place.schema).to_owned();
            self.begin(segment)?;
            segment.columns = columns_of(self.connection, &schema, &name.name)?;
            if segment.columns.is_empty() {
                return Err(Error::new(ErrorKind::NotFound, format!("There is no table `{name}`.")));
            }
            // Where the table has a wider type than the batch, the appender casts.
            let types: Vec<_> = segment
                .columns
                .iter()
                .map(|column| {
                    let arriving = find(&self.options.target.columns, &column.name);
                    arriving.unwrap_or(column).logical.clone()
                })
                .collect();
            segment.rows = Some(Appender::new(self.connection, (None, &schema, &name.name), &types)?);
        }
        let schema = batch.rows.schema();
        let fills: Vec<_> = segment
            .columns
            .iter()
            .map(|column| match position(&schema, &column.name) {
                Some(index) => Fill::Column(index),
                None if column.name == system::DELETED => Fill::False,
                None => Fill::Null,
            })
            .collect();
        self.expect_all_columns(batch, &segment.columns)?;
        self.append(segment, batch, &fills)
    }

    /// Every column of a batch must have its place; one that silently went nowhere would be lost data.
    fn expect_all_columns(&self, batch: &ChangeBatch, columns: &[Column]) -> Result<()> {
        let schema = batch.rows.schema();
        match schema.fields().iter().find(|field| find(columns, field.name()).is_none()) {
            None => Ok(()),
            Some(field) => Err(Error::new(
                ErrorKind::SchemaChanged,
                format!("The table `{}` has no column `{}`.", self.options.target.name, field.name()),
            )),
        }
    }

    fn open_stage(&self, segment: &mut Segment<'a>) -> Result<()> {
        if segment.rows.is_some() {
            return Ok(());
        }
        let create = merge::create_stage(&self.options.target);
        self.connection.execute("preparing to write rows", &create, &[])?;
        let columns = self.options.target.columns.iter().map(|column| column.logical.clone());
        let types: Vec<_> = columns.chain([LogicalType::Int16, LogicalType::Int64]).collect();
        let place = (Some("temp"), "main", "_syncline_stage");
        segment.rows = Some(Appender::new(self.connection, place, &types)?);
        Ok(())
    }

    fn write_staged(&self, segment: &mut Segment<'a>, batch: &ChangeBatch, operation: i16) -> Result<()> {
        let columns = &self.options.target.columns;
        self.open_stage(segment)?;
        self.expect_all_columns(batch, columns)?;
        let schema = batch.rows.schema();
        let fills: Vec<_> = columns
            .iter()
            .map(|column| position(&schema, &column.name).map_or(Fill::Null, Fill::Column))
            .chain([Fill::Number(operation), Fill::Sequence])
            .collect();
        self.append(segment, batch, &fills)?;
        segment.arrival += batch.rows.num_rows() as i64;
        Ok(())
    }

    fn append(&self, segment: &mut Segment<'a>, batch: &ChangeBatch, fills: &[Fill]) -> Result<()> {
        let first = segment.arrival;
        segment.unflushed += batch.rows.get_array_memory_size();
        match &mut segment.rows {
            Some(appender) => appender.append(&batch.rows, fills, first),
            None => Err(Error::internal("There is no appender.")),
        }
        .map_err(|error| error.with("table", &self.options.target.name))
    }

    fn write_keys(&self, segment: &mut Segment<'a>, batch: &ChangeBatch) -> Result<()> {
        let columns = self.options.target.key_columns();
        if columns.is_empty() {
            return Ok(());
        }
        if segment.keys.is_none() {
            self.create_keys()?;
            let types: Vec<_> = columns.iter().map(|column| column.logical.clone()).collect();
            segment.keys =
                Some(Appender::new(self.connection, (Some("temp"), "main", "_syncline_keys"), &types)?);
        }
        let schema = batch.rows.schema();
        let fills = columns
            .iter()
            .map(|column| position(&schema, &column.name).map(Fill::Column))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| Error::internal("A list of keys has not all key columns."))?;
        match &mut segment.keys {
            Some(keys) => keys.append(&batch.rows, &fills, 0),
            None => Ok(()),
        }
    }

    /// Parents have numbers among the rows, so that those that come later than a row are known.
    fn write_parents(&self, segment: &mut Segment<'a>, batch: &ChangeBatch) -> Result<()> {
        let width = batch.rows.num_columns();
        let columns: Vec<Column> = self.options.target.key_columns().into_iter().take(width).collect();
        let schema = batch.rows.schema();
        let fills: Option<Vec<_>> =
            columns.iter().map(|column| position(&schema, &column.name).map(Fill::Column)).collect();
        let fills = fills.filter(|fills| !fills.is_empty() && fills.len() == width);
        let mut fills = fills.ok_or_else(|| Error::internal("A parent has not the first key columns."))?;
        fills.push(Fill::Sequence);
        self.open_stage(segment)?; // there are deletes in it once it is merged
        if segment.parents.is_none() {
            let create = merge::create_parents(&columns);
            self.connection.execute("preparing to write parents", &create, &[])?;
            let types: Vec<_> =
                columns.iter().map(|column| column.logical.clone()).chain([LogicalType::Int64]).collect();
            let place = (Some("temp"), "main", "_syncline_parents");
            segment.parents = Some(Appender::new(self.connection, place, &types)?);
            segment.parent_columns = columns;
        }
        let first = segment.arrival;
        segment.arrival += batch.rows.num_rows() as i64;
        match &mut segment.parents {
            Some(parents) => parents.append(&batch.rows, &fills, first),
            None => Ok(()),
        }
    }

    fn create_keys(&self) -> Result<()> {
        let create = merge::create_keys(&self.options.target);
        self.connection.execute("preparing to write keys", &create, &[]).map(drop)
    }

    fn begin(&self, segment: &mut Segment<'a>) -> Result<()> {
        if !segment.begun {
            self.connection.execute("beginning a transaction", "BEGIN", &[])?;
            segment.begun = true;
        }
        Ok(())
    }

    fn commit(&self, mut segment: Segment<'a>, commit: &Commit) -> Result<Durable> {
        self.writer.check(self.connection.database(), commit)?;
        if segment.received != commit.rows {
            return Err(Error::new(
                ErrorKind::Mismatch,
                format!("{} rows arrived of {} that should be committed.", segment.received, commit.rows),
            )
            .with("table", &commit.table));
        }
        segment.flush()?;
        let (staged, keys) = (!self.direct() && segment.rows.is_some(), segment.keys.is_some());
        // An appender keeps its table open, which must not be when the table is renamed.
        (segment.rows, segment.keys, segment.parents) = (None, None, None);
        if staged {
            self.expect_staged(&segment)?;
        }
        if commit.finish == Finish::Sweep && !keys && !self.options.target.key.is_empty() {
            self.create_keys()?; // the source is empty
        }
        self.begin(&mut segment)?;
        let into = sql::table(&self.name(), &self.writer.place.schema);
        let merges = staged || commit.finish == Finish::Sweep;
        let _share = merges.then(|| Share::to_merge(self.connection.database()));
        let merge = Merge::new(self.connection, &self.options.target, &into, commit.at_micros);
        let mut durable = Durable { written: segment.appended, deleted: 0 };
        if staged {
            durable = merge.stage(self.options.distinct, &segment.parent_columns)?;
        }
        match commit.finish {
            Finish::Sweep => durable.deleted += merge.sweep()?,
            Finish::Swap => self.swap()?,
            Finish::None | Finish::Complete => {}
        }
        self.writer.commit(self.connection, commit)?;
        let keys = keys || commit.finish == Finish::Sweep;
        self.drop_temporary(&[
            (staged, merge::STAGE),
            (keys, merge::KEYS),
            (!segment.parent_columns.is_empty(), merge::PARENTS),
        ]);
        Ok(durable)
    }

    /// What DuckDB has staged must be what we sent it.
    fn expect_staged(&self, segment: &Segment<'_>) -> Result<()> {
        let query = format!("SELECT count(*)::VARCHAR FROM {}", merge::STAGE);
        let rows = self.connection.texts("counting staged rows", &query, &[])?;
        let staged: Option<u64> = rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok());
        if staged == Some(segment.received) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Mismatch, "DuckDB has staged another number of rows than it was given.")
            .with("given", segment.received)
            .with("staged", staged.unwrap_or(0)))
    }

    /// The copy beside takes the place of the table.
    fn swap(&self) -> Result<()> {
        let (target, default) = (&self.options.target.name, &self.writer.place.schema);
        let doing = "swapping the new copy of the table in";
        self.connection.execute(
            doing,
            &format!("DROP TABLE IF EXISTS {}", sql::table(target, default)),
            &[],
        )?;
        let rename = format!(
            "ALTER TABLE {} RENAME TO {}",
            sql::table(&sql::beside(target), default),
            sql::quoted(&target.name)
        );
        self.connection.execute(doing, &rename, &[]).map(drop)
    }

    /// Frees what the segment needed. The next one makes its tables anew, so a failure here only costs memory.
    fn drop_temporary(&self, tables: &[(bool, &str)]) {
        for (made, table) in tables {
            if *made {
                let _ = self.connection.execute("cleaning up", &format!("DROP TABLE IF EXISTS {table}"), &[]);
            }
        }
    }
}

impl Segment<'_> {
    fn flush(&mut self) -> Result<()> {
        self.unflushed = 0;
        self.rows.as_mut().map_or(Ok(()), Appender::flush)?;
        self.keys.as_mut().map_or(Ok(()), Appender::flush)?;
        self.parents.as_mut().map_or(Ok(()), Appender::flush)
    }
}

/// The column of a name. DuckDB's names have no case.
fn find<'c>(columns: &'c [Column], name: &str) -> Option<&'c Column> {
    columns.iter().find(|column| same_name(&column.name, name))
}

fn position(schema: &arrow::datatypes::Schema, name: &str) -> Option<usize> {
    schema.fields().iter().position(|field| same_name(field.name(), name))
}

fn same_name(left: &str, right: &str) -> bool {
    left == right || left.to_lowercase() == right.to_lowercase()
}
