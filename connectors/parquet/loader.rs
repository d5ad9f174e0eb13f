//! A loader: a thread that encodes, so that reading, converting and writing overlap.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arrow::array::{ArrayRef, BooleanArray, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use async_trait::async_trait;
use syncline_protocol::schema::arrow_schema;
use syncline_protocol::{
    BatchKind, ChangeBatch, Column, Commit, Durable, Error, ErrorKind, Finish, LoadInto, Loader,
    LoaderOptions, Result, WriteMode, system,
};
use tokio::sync::{mpsc, oneshot};

use super::disk;
use super::keys::{KeyChanges, RowHasher};
use super::rewrite::{Merge, Output};
use super::session::{Writer, stored};
use super::state::{DataFile, Description, TableState};
use super::writer::{FileWriter, Written};

/// A file below this size is small, ...
const SMALL_BYTES: u64 = 8 << 20;
/// ... and so many small ones are put together.
const SMALL_FILES_MAX: usize = 32;

pub(super) enum Command {
    Write(ChangeBatch),
    Commit(Box<Commit>, oneshot::Sender<Result<Durable>>),
    /// The session is closed.
    End,
}

/// The loader's side of its thread.
pub(super) struct ParquetLoader {
    commands: mpsc::Sender<Command>,
    /// Why the thread has ended, when it did so by itself.
    failure: Arc<Mutex<Option<Error>>>,
}

impl ParquetLoader {
    /// Starts the thread. It ends when the loader is dropped, at [`Command::End`], and after a failure.
    pub(super) fn start(writer: Arc<Writer>, options: LoaderOptions) -> Result<(Self, JoinHandle<()>)> {
        // One batch waits while one is encoded; more would only be memory.
        let (commands, mut received) = mpsc::channel(1);
        let failure = Arc::new(Mutex::new(None));
        let failed = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name("parquet-loader".to_owned())
            .spawn(move || {
                // The channel closes after the failure is stored, so that who finds it closed finds the failure too.
                if let Err(error) = (Work { writer: &writer, options: &options }).run(&mut received) {
                    *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            })
            .map_err(|error| Error::internal("No thread could be started.").caused_by(error))?;
        Ok((ParquetLoader { commands, failure }, thread))
    }

    /// A way to the thread that does not keep it alive.
    pub(super) fn commands(&self) -> mpsc::WeakSender<Command> {
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
impl Loader for ParquetLoader {
    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        self.commands.send(Command::Write(batch)).await.map_err(|_| self.ended())
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Commit(Box::new(commit.clone()), answer);
        self.commands.send(command).await.map_err(|_| self.ended())?;
        answered.await.unwrap_or_else(|_| Err(self.ended()))
    }
}

/// What the thread works with.
struct Work<'a> {
    writer: &'a Writer,
    options: &'a LoaderOptions,
}

/// A segment that is being written.
#[derive(Default)]
struct Segment {
    /// Its rows: a file of the table already, or the stage of a merge.
    file: Option<FileWriter>,
    changes: KeyChanges,
    hashers: Option<(RowHasher, RowHasher)>,
    /// Over the key of a parent, once one was told.
    parents: Option<RowHasher>,
    /// Rows and deletes that came.
    received: u64,
}

impl Work<'_> {
    fn run(&self, commands: &mut mpsc::Receiver<Command>) -> Result<()> {
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
        Ok(())
    }

    /// Whether rows become a file of the table as they come: nothing there has to be looked at.
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

    /// The columns that files get: those of the table, in its order, or of the copy as it will be.
    fn columns(&self) -> Result<Vec<Column>> {
        let target = &self.options.target;
        let wanted: Vec<_> = target.all_columns().iter().map(stored).collect();
        if self.options.into == LoadInto::Beside {
            return Ok(wanted);
        }
        let described = Description::read(&self.writer.layout, &target.name)?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, format!("There is no table `{}`.", target.name))
        })?;
        for column in &wanted {
            if !described.columns.iter().any(|known| known.name == column.name) {
                let message = format!("The table `{}` has no column `{}`.", target.name, column.name);
                return Err(Error::new(ErrorKind::SchemaChanged, message));
            }
        }
        Ok(described.columns)
    }

    fn write(&self, segment: &mut Segment, batch: &ChangeBatch) -> Result<()> {
        let rows = batch.rows.num_rows() as u64;
        if batch.kind.is_counted() {
            segment.received += rows;
        }
        let staged = !self.direct();
        if batch.kind != BatchKind::Rows && self.options.target.key.is_empty() {
            return Ok(()); // without a key nothing can be deleted
        }
        match batch.kind {
            BatchKind::Keys => {
                let keys = self.hashers(segment).0.hashes(&batch.rows)?;
                segment.changes.keys(&keys);
            }
            BatchKind::Deletes if staged => {
                let keys = self.hashers(segment).0.hashes(&batch.rows)?;
                segment.changes.deletes(&keys);
            }
            BatchKind::Deletes => {} // nothing there to delete
            BatchKind::Parents if staged => {
                let width = batch.rows.num_columns();
                let parents = self.parent_hasher(segment, width)?.hashes(&batch.rows)?;
                segment.changes.parents(width, &parents);
            }
            BatchKind::Parents => {} // nothing there to replace
            BatchKind::Rows => {
                if staged {
                    let history = self.options.target.mode == WriteMode::History;
                    let (keys, data) = self.hashers(segment);
                    let keys = keys.hashes(&batch.rows)?;
                    let data = if history { Some(data.hashes(&batch.rows)?) } else { None };
                    let parents = segment.parents.as_mut();
                    let parents = parents.map(|parents| parents.hashes(&batch.rows)).transpose()?;
                    segment.changes.rows(&keys, data.as_deref(), parents.as_deref());
                }
                self.write_rows(segment, &batch.rows)?;
            }
        }
        Ok(())
    }

    fn hashers<'s>(&self, segment: &'s mut Segment) -> &'s mut (RowHasher, RowHasher) {
        let target = &self.options.target;
        segment.hashers.get_or_insert_with(|| {
            (RowHasher::new(target.key_columns()), RowHasher::new(target.data_columns().cloned().collect()))
        })
    }

    /// For the first columns of the key, as many as the key of a parent has.
    fn parent_hasher<'s>(&self, segment: &'s mut Segment, width: usize) -> Result<&'s mut RowHasher> {
        let known = segment.changes.parent_width();
        let key = self.options.target.key_columns();
        if width == 0 || width > key.len() || (known > 0 && known != width) {
            return Err(Error::internal("A parent has not the first key columns."));
        }
        Ok(segment.parents.get_or_insert_with(|| RowHasher::new(key.into_iter().take(width).collect())))
    }

    fn write_rows(&self, segment: &mut Segment, rows: &RecordBatch) -> Result<()> {
        let mut file = match segment.file.take() {
            Some(file) => file,
            None => FileWriter::create(&self.writer.next_path(), &self.columns()?, self.options.target.mode)?,
        };
        file.write(&self.conform(rows, file.columns())?)?;
        segment.file = Some(file);
        Ok(())
    }

    /// A batch with exactly these columns: its own by name, what the destination keeps, and nulls.
    fn conform(&self, batch: &RecordBatch, columns: &[Column]) -> Result<RecordBatch> {
        let schema = batch.schema();
        if let Some(field) =
            schema.fields().iter().find(|field| !columns.iter().any(|column| column.name == *field.name()))
        {
            let message =
                format!("The table `{}` has no column `{}`.", self.options.target.name, field.name());
            return Err(Error::new(ErrorKind::SchemaChanged, message));
        }
        let rows = batch.num_rows();
        let arrays = columns
            .iter()
            .map(|column| -> Result<ArrayRef> {
                match batch.column_by_name(&column.name) {
                    Some(array) if array.data_type().equals_datatype(&column.logical.to_arrow()) => {
                        Ok(Arc::clone(array))
                    }
                    Some(_) => Err(Error::internal(format!(
                        "The column `{}` of a batch has another type than that of the table.",
                        column.name
                    ))),
                    None if column.name == system::DELETED => {
                        Ok(Arc::new(BooleanArray::new(BooleanBuffer::new_unset(rows), None)))
                    }
                    None => Ok(new_null_array(&column.logical.to_arrow(), rows)),
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(arrow_schema(columns), arrays, &options)?)
    }

    fn commit(&self, mut segment: Segment, commit: &Commit) -> Result<Durable> {
        let target = &self.options.target;
        let before = self.writer.before(&target.name, commit)?;
        let beside = self.options.into == LoadInto::Beside;
        if segment.received != commit.rows {
            let message =
                format!("{} rows arrived of {} that should be committed.", segment.received, commit.rows);
            return Err(Error::new(ErrorKind::Mismatch, message).with("table", &commit.table));
        }
        let columns = self.columns()?;
        let mut after = self.writer.after(&before, commit)?;
        let files = if beside { before.beside.clone() } else { Some(before.files.clone()) };
        let mut files = files.ok_or_else(|| Error::internal("There is no copy beside the table."))?;
        let staged = segment.file.take().map(FileWriter::finish).transpose()?.map(Staged);
        let (durable, written) = self.merge(&segment, commit, &columns, &before, &mut files, staged)?;
        files.extend(self.writer.name_files(written, &after)?);
        if beside && commit.finish != Finish::Swap {
            after.beside = Some(files);
        } else {
            after.files = files;
            after.beside = after.beside.filter(|_| !beside);
        }
        let described = (beside && commit.finish == Finish::Swap).then_some(columns.as_slice());
        if !beside || described.is_some() {
            self.writer.own(&target.name, &commit.table, described)?;
        }
        self.writer.put(&before, &after)?;
        Ok(durable)
    }

    /// What the segment does to the files of the table. Files that stay are left in `files`; answered are the new ones.
    fn merge(
        &self,
        segment: &Segment,
        commit: &Commit,
        columns: &[Column],
        before: &TableState,
        files: &mut Vec<DataFile>,
        staged: Option<Staged>,
    ) -> Result<(Durable, Vec<Written>)> {
        let target = &self.options.target;
        let sweep = commit.finish == Finish::Sweep && target.mode != WriteMode::Append;
        if sweep && target.key.is_empty() {
            let message = "Deleted rows can only be found in a table with a key.";
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let merge = Merge { target, columns, changes: &segment.changes, sweep, at_micros: commit.at_micros };
        let mut output = Output::new(columns, target.mode, || self.writer.next_path());
        let mut durable = Durable::default();
        let mut unchanged = Vec::new();
        let path =
            |file: &DataFile| self.writer.layout.find(&self.writer.connection, &before.target, &file.name);
        if sweep || !segment.changes.is_empty() {
            let mut kept = Vec::with_capacity(files.len());
            for file in files.drain(..) {
                let effect = merge.look(&path(&file), &mut unchanged)?;
                durable.deleted += effect.deleted;
                if effect.changed { merge.rewrite(&path(&file), &mut output)? } else { kept.push(file) }
            }
            *files = kept;
        }
        let mut whole = None;
        if let Some(staged) = staged {
            let as_it_is =
                (self.direct() || segment.changes.all_latest()) && target.mode != WriteMode::History;
            if as_it_is && !sweep {
                durable.written = staged.0.rows;
                whole = Some(staged);
            } else if self.direct() {
                // A sweep over rows that were taken without looking at their keys.
                let effect = merge.look(&staged.0.path, &mut unchanged)?;
                durable.written = staged.0.rows;
                durable.deleted += effect.deleted;
                merge.rewrite(&staged.0.path, &mut output)?;
            } else {
                let (written, deleted) = merge.take_segment(&staged.0.path, &unchanged, &mut output)?;
                durable.written = written;
                durable.deleted += deleted;
            }
        }
        self.join_small(files, columns, &path, &mut output)?;
        let mut written = output.finish()?;
        written.extend(whole.map(Staged::keep));
        Ok((durable, written))
    }

    /// Puts small files together when there are many.
    fn join_small(
        &self,
        files: &mut Vec<DataFile>,
        columns: &[Column],
        path: &dyn Fn(&DataFile) -> std::path::PathBuf,
        output: &mut Output<'_>,
    ) -> Result<()> {
        let small = |file: &DataFile| file.bytes < SMALL_BYTES;
        if files.iter().filter(|file| small(file)).count() < SMALL_FILES_MAX {
            return Ok(());
        }
        let mut kept = Vec::with_capacity(files.len());
        for file in files.drain(..) {
            if !small(&file) {
                kept.push(file);
                continue;
            }
            let mut reader = super::reader::FileReader::open(&path(&file), columns)?;
            while let Some(batch) = reader.next()? {
                output.write(&batch)?;
            }
        }
        *files = kept;
        Ok(())
    }
}

/// A complete file that is removed unless it becomes part of the table.
struct Staged(Written);

impl Staged {
    fn keep(mut self) -> Written {
        let empty = Written { path: std::path::PathBuf::new(), rows: 0, visible: 0, bytes: 0 };
        std::mem::replace(&mut self.0, empty)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if !self.0.path.as_os_str().is_empty() {
            disk::remove(&self.0.path);
        }
    }
}
