//! A session: the fence, schema changes, and how a new state of a table becomes the truth.

use std::collections::HashSet;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use syncline_protocol::{
    Column, Commit, DestinationSession, Durable, Error, ErrorKind, LoadInto, Loader, LoaderOptions, Opened,
    Opening, QuarantinedRow, Result, SchemaChange, TableName, TargetName, TargetTable, WriteMode,
};
use tokio::sync::mpsc;

use super::destination::blocking;
use super::disk::{self, Lock, failed};
use super::layout::{Layout, is_segment, segment_prefix, short_hash};
use super::loader::{Command, ParquetLoader};
use super::reader::FileReader;
use super::rewrite::Output;
use super::state::{self, DataFile, Description, TableState};
use super::widen::can_widen;
use super::writer::{Written, visible_by};

/// How many commit files of a table are kept, for people who want to see what happened.
const COMMITS_KEPT: usize = 16;

/// Who writes.
pub(super) struct Writer {
    pub(super) layout: Layout,
    pub(super) connection: String,
    pub(super) fence: u64,
    /// Makes the names of staged files unique within the session.
    files: AtomicU64,
}

/// The fence a file name stands for.
fn fence_number(name: &str) -> Option<u64> {
    name.strip_prefix("fence-")?.parse().ok()
}

fn highest_fence(layout: &Layout, connection: &str) -> Result<u64> {
    let names = disk::names(&layout.connection(connection))?;
    Ok(names.iter().filter_map(|name| fence_number(name)).max().unwrap_or(0))
}

/// `at_micros` as RFC 3339 text.
pub(super) fn rfc3339(at_micros: i64) -> Result<String> {
    let at = jiff::Timestamp::from_microsecond(at_micros)
        .map_err(|error| Error::internal("The time of a commit is out of range.").caused_by(error))?;
    Ok(format!("{at:.6}"))
}

impl Writer {
    /// Raises the fence and finishes what the commits that are there began. Blocks.
    fn open(layout: &Layout, opening: &Opening) -> Result<(Writer, Vec<TableState>)> {
        let folder = layout.connection(&opening.connection);
        disk::create_folder(&folder)?;
        disk::create_folder(&layout.staged(&opening.connection))?;
        let _lock = Lock::of(&folder)?;
        let fence = highest_fence(layout, &opening.connection)?.saturating_add(1);
        let path = folder.join(format!("fence-{fence:020}"));
        if !disk::put_if_absent(&path, opening.run.as_bytes())? {
            return Err(Error::new(ErrorKind::Conflict, "Another run began at the same moment."));
        }
        for name in disk::names(&folder)? {
            // Fences that are no longer the highest, and what a crash left half-written under this lock.
            if fence_number(&name).is_some_and(|older| older < fence) || name.ends_with(".tmp") {
                disk::remove(&folder.join(name));
            }
        }
        let states = state::all_latest(layout, &opening.connection)?;
        let writer = Writer {
            layout: layout.clone(),
            connection: opening.connection.clone(),
            fence,
            files: AtomicU64::new(0),
        };
        for state in &states {
            writer.publish(state);
        }
        writer.remove_strays(&states)?;
        Ok((writer, states))
    }

    fn check_fence(&self) -> Result<()> {
        let highest = highest_fence(&self.layout, &self.connection)?;
        if highest == self.fence {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Fenced, format!("A newer run of `{}` took over.", self.connection))
            .with("fence", self.fence)
            .with("newer fence", highest))
    }

    /// The state that a commit of a table follows. Fails early with `Fenced` or `Conflict`, before work is done that
    /// could not be committed; the last word is in [`put`](Self::put).
    pub(super) fn before(&self, target: &TargetName, commit: &Commit) -> Result<TableState> {
        self.check_fence()?;
        let state = self.latest(&commit.table, target)?;
        if state.ordinal.checked_add(1) == Some(commit.ordinal) {
            return Ok(state);
        }
        Err(Error::new(ErrorKind::Conflict, format!("A commit of `{}` came out of order.", commit.table))
            .with("table", &commit.table)
            .with("stored ordinal", state.ordinal)
            .with("ordinal", commit.ordinal))
    }

    fn latest(&self, table: &TableName, target: &TargetName) -> Result<TableState> {
        let state = state::latest(&self.layout.commits(&self.connection, table))?;
        let mut state = state.unwrap_or_else(|| TableState::before(table, target));
        if state.target != *target {
            // The table now goes elsewhere; what it left there is not ours any more.
            (state.files, state.beside) = (Vec::new(), None);
            state.target = target.clone();
        }
        Ok(state)
    }

    /// The state after a commit: `before` with the new checkpoint.
    pub(super) fn after(&self, before: &TableState, commit: &Commit) -> Result<TableState> {
        Ok(TableState {
            fence: self.fence,
            ordinal: commit.ordinal,
            revision: 0,
            position: commit.position.clone(),
            committed_at: rfc3339(commit.at_micros)?,
            rows: before.rows.saturating_add(commit.rows),
            bytes: before.bytes.saturating_add(commit.bytes),
            checksum: commit.checksum,
            quarantine: self.quarantine(before, commit)?,
            ..before.clone()
        })
    }

    /// Makes `after` the truth, in place of `before`. This is the commit.
    pub(super) fn put(&self, before: &TableState, after: &TableState) -> Result<()> {
        let folder = self.layout.commits(&self.connection, &after.table);
        disk::create_folder(&folder)?;
        disk::sync_folder(&self.layout.staged(&self.connection))?;
        let content = disk::json(after)?;
        let conflict = || {
            Error::new(ErrorKind::Conflict, format!("Another run committed to `{}` first.", after.table))
                .with("ordinal", after.ordinal)
        };
        {
            let _lock = Lock::of(&self.layout.connection(&self.connection))?;
            self.check_fence()?;
            let present = state::commits(&folder)?.pop().map_or((0, 0), |(number, _)| number);
            if present != before.number() || !disk::put_if_absent(&folder.join(after.file_name()), &content)?
            {
                return Err(conflict());
            }
        }
        self.publish(after);
        let kept: HashSet<_> = after.all_files().map(|file| &file.name).collect();
        for file in before.all_files().filter(|file| !kept.contains(&file.name)) {
            disk::remove(&self.layout.table(&before.target).join(&file.name));
            disk::remove(&self.layout.staged_file(&self.connection, &file.name));
        }
        if before.quarantine != after.quarantine
            && let Some(name) = &before.quarantine
        {
            disk::remove(&self.layout.quarantine(&self.connection).join(name));
        }
        self.forget_old_commits(&folder);
        Ok(())
    }

    /// Moves the files of a table into its folder. What fails here is only late: the next session tries again, and
    /// `count` and `scan` find the files in both places.
    fn publish(&self, state: &TableState) {
        let folder = self.layout.table(&state.target);
        let mut moved = false;
        for file in &state.files {
            let staged = self.layout.staged_file(&self.connection, &file.name);
            if !staged.exists() {
                continue;
            }
            match fs::create_dir_all(&folder).and_then(|()| fs::rename(&staged, folder.join(&file.name))) {
                Ok(()) => moved = true,
                Err(error) => {
                    tracing::warn!(%error, file = file.name, "a committed file is not in its folder yet");
                }
            }
        }
        if moved && let Err(error) = disk::sync_folder(&folder) {
            tracing::warn!(%error, "a folder was not written to disk yet");
        }
    }

    /// Removes files that no table names: of crashed or fenced sessions. Only while the lock is held.
    fn remove_strays(&self, states: &[TableState]) -> Result<()> {
        let named: HashSet<_> =
            states.iter().flat_map(TableState::all_files).map(|file| &file.name).collect();
        let staged = self.layout.staged(&self.connection);
        for name in disk::names(&staged)? {
            if name.strip_suffix(".part").is_none_or(|name| !named.contains(&name.to_owned())) {
                disk::remove(&staged.join(name));
            }
        }
        for state in states {
            let folder = self.layout.table(&state.target);
            for name in disk::names(&folder)? {
                if is_segment(&name, &self.connection) && !named.contains(&name) {
                    disk::remove(&folder.join(name));
                }
            }
        }
        let quarantine = self.layout.quarantine(&self.connection);
        let named: HashSet<_> = states.iter().filter_map(|state| state.quarantine.as_ref()).collect();
        for name in disk::names(&quarantine)? {
            if !named.contains(&name) {
                disk::remove(&quarantine.join(name));
            }
        }
        Ok(())
    }

    fn forget_old_commits(&self, folder: &std::path::Path) {
        let Ok(mut commits) = state::commits(folder) else { return };
        commits.truncate(commits.len().saturating_sub(COMMITS_KEPT));
        commits.iter().for_each(|(_, name)| disk::remove(&folder.join(name)));
    }

    /// Writes the quarantine as it is after a commit; answers its file.
    fn quarantine(&self, before: &TableState, commit: &Commit) -> Result<Option<String>> {
        if commit.rejected.is_empty() && commit.replayed.is_empty() {
            return Ok(before.quarantine.clone());
        }
        let mut rows = read_quarantine(&self.layout, &self.connection, before)?;
        rows.retain(|row| !commit.replayed.contains(&row.id));
        let stem = format!(
            "{:08x}-{:08x}-{}-{}",
            short_hash(&self.connection),
            short_hash(&commit.table.to_string()),
            commit.ordinal,
            self.fence
        );
        let at = rfc3339(commit.at_micros)?;
        rows.extend(commit.rejected.iter().enumerate().map(|(index, rejected)| QuarantinedRow {
            id: format!("{stem}-{index}"),
            table: commit.table.clone(),
            run: commit.run.clone(),
            at: at.clone(),
            rejected: rejected.clone(),
        }));
        if rows.is_empty() {
            return Ok(None);
        }
        let mut content = Vec::new();
        for row in &rows {
            serde_json::to_writer(&mut content, row)
                .map_err(|error| Error::internal("A rejected row could not be written.").caused_by(error))?;
            content.push(b'\n');
        }
        let name = format!("{stem}.jsonl");
        let folder = self.layout.quarantine(&self.connection);
        disk::create_folder(&folder)?;
        disk::replace(&folder.join(&name), &content)?;
        Ok(Some(name))
    }

    /// The path of a file that is begun before it is known with which commit it will appear.
    pub(super) fn next_path(&self) -> std::path::PathBuf {
        let number = self.files.fetch_add(1, Ordering::Relaxed);
        self.layout.staged_file(&self.connection, &format!("open-{:020}-{number}", self.fence))
    }

    /// Gives complete files the names they have in a commit: connection, table, plan, commit, fence, number.
    pub(super) fn name_files(&self, written: Vec<Written>, state: &TableState) -> Result<Vec<DataFile>> {
        // Two tables have commits of the same number, and their files are staged in one folder.
        let stem = format!(
            "{}{:08x}-{:06}-{:010}-{:06}-{:06}",
            segment_prefix(&self.connection),
            short_hash(&state.table.to_string()),
            state.position.generation,
            state.ordinal,
            state.revision,
            self.fence
        );
        written
            .into_iter()
            .enumerate()
            .map(|(index, file)| {
                let name = format!("{stem}-{index:04}.parquet");
                fs::rename(&file.path, self.layout.staged_file(&self.connection, &name))
                    .map_err(|error| failed("naming it", &file.path, error))?;
                Ok(DataFile { name, rows: file.rows, visible: file.visible, bytes: file.bytes })
            })
            .collect()
    }

    /// The description of a table, which must be ours to write.
    pub(super) fn describe(&self, target: &TargetName, table: &TableName) -> Result<Option<Description>> {
        let Some(description) = Description::read(&self.layout, target)? else { return Ok(None) };
        if let Some((connection, other)) = &description.owner
            && (connection, other) != (&self.connection, table)
            && description.state(&self.layout)?.is_some_and(|(_, state)| state.target == *target)
        {
            return Err(Error::new(
                ErrorKind::Config,
                format!("`{target}` is already written by `{other}` of the connection `{connection}`."),
            )
            .fix("Give the table another name in the destination."));
        }
        Ok(Some(description))
    }

    /// Records the columns of a table and that it is ours. Does nothing when that is known.
    pub(super) fn own(
        &self,
        target: &TargetName,
        table: &TableName,
        columns: Option<&[Column]>,
    ) -> Result<()> {
        let known = self.describe(target, table)?;
        let mut description = match (&known, columns) {
            (Some(known), None) => known.clone(),
            (_, Some(columns)) => Description { columns: columns.to_vec(), owner: None },
            (None, None) => {
                return Err(Error::new(ErrorKind::NotFound, format!("There is no table `{target}`.")));
            }
        };
        description.owner = Some((self.connection.clone(), table.clone()));
        if known.as_ref() != Some(&description) {
            disk::create_folder(&self.layout.table(target))?;
            description.write(&self.layout, target)?;
        }
        Ok(())
    }

    fn apply(&self, change: &SchemaChange) -> Result<()> {
        self.check_fence()?;
        let layout = &self.layout;
        let name = change.table();
        let known = Description::read(layout, name)?;
        let missing = || Error::new(ErrorKind::NotFound, format!("There is no table `{name}`."));
        let same = |column: &Column, other: &Column| column.name.eq_ignore_ascii_case(&other.name);
        match change {
            SchemaChange::CreateTable { table } if known.is_none() => {
                disk::create_folder(&layout.table(name))?;
                let columns = table.all_columns().iter().map(stored).collect();
                Description { columns, owner: None }.write(layout, name)
            }
            SchemaChange::CreateTable { .. } => Ok(()),
            SchemaChange::AddColumn { column, .. } => {
                let mut known = known.ok_or_else(missing)?;
                if known.columns.iter().any(|present| same(present, column)) {
                    return Ok(());
                }
                known.columns.push(stored(column));
                known.write(layout, name)
            }
            SchemaChange::WidenColumn { column, from, .. } => {
                let mut known = known.ok_or_else(missing)?;
                if !can_widen(from, &column.logical) {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        format!(
                            "Parquet files cannot be widened from {from} to {} in place.",
                            column.logical
                        ),
                    )
                    .fix("Load the table again from the start.")
                    .with("table", name));
                }
                if let Some(present) = known.columns.iter_mut().find(|present| same(present, column)) {
                    present.logical = column.logical.clone();
                }
                // Files first: a crash in between leaves them wider than described, which the repetition finds.
                if let Some((_, state)) = known.state(layout)?.filter(|(owner, _)| *owner == self.connection)
                {
                    self.widen_files(&state, &known.columns, column)?;
                }
                known.write(layout, name)
            }
            SchemaChange::DropTable { .. } => match known {
                Some(known) => self.drop_table(name, &known),
                None => Ok(()),
            },
        }
    }

    /// A commit with the same checkpoint and no files; then the description, without which there is no table.
    fn drop_table(&self, name: &TargetName, known: &Description) -> Result<()> {
        if let Some((owner, before)) = known.state(&self.layout)?.filter(|(_, state)| state.target == *name) {
            if owner != self.connection {
                return Err(Error::new(ErrorKind::Conflict, format!("`{name}` belongs to `{owner}`."))
                    .meaning("Nothing was removed.")
                    .with("table", name));
            }
            let (fence, revision) = (self.fence, before.revision + 1);
            let after = TableState { fence, revision, files: Vec::new(), beside: None, ..before.clone() };
            self.put(&before, &after)?;
        }
        disk::remove(&self.layout.description(name));
        // Stays when somebody else put something into it.
        let _ = fs::remove_dir(self.layout.table(name));
        Ok(())
    }

    /// Rewrites the files in which a column has a narrower type, as a commit of its own with the same checkpoint.
    fn widen_files(&self, before: &TableState, columns: &[Column], column: &Column) -> Result<()> {
        let mut after = TableState { fence: self.fence, revision: before.revision + 1, ..before.clone() };
        let mode = if columns.iter().any(|column| Some(column.name.as_str()) == flag(WriteMode::History)) {
            WriteMode::History
        } else {
            WriteMode::Merge { deletes: syncline_protocol::Deletes::Soft }
        };
        // Whichever flag the files have decides which rows count; without one all do.
        let mode = if columns.iter().any(|column| Some(column.name.as_str()) == flag(mode)) {
            mode
        } else {
            WriteMode::Append
        };
        let mut output = Output::new(columns, mode, || self.next_path());
        after.files.clear();
        let mut narrow = false;
        for file in &before.files {
            let path = self.layout.find(&self.connection, &before.target, &file.name);
            if !FileReader::widens(&path, column)? {
                after.files.push(file.clone());
                continue;
            }
            narrow = true;
            let mut reader = FileReader::open(&path, columns)?;
            while let Some(batch) = reader.next()? {
                output.write(&batch)?;
            }
        }
        if !narrow {
            return Ok(());
        }
        let named = self.name_files(output.finish()?, &after)?;
        after.files.extend(named);
        self.put(before, &after)
    }

    fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<()> {
        let before = self.before(&target.name, commit)?;
        let mut after = self.after(&before, commit)?;
        match into {
            LoadInto::Beside => after.beside = Some(Vec::new()),
            LoadInto::Table => self.own(&target.name, &commit.table, None)?,
        }
        self.put(&before, &after)
    }
}

fn flag(mode: WriteMode) -> Option<&'static str> {
    visible_by(mode).map(|(name, _)| name)
}

/// A column as it stands in files: any of them can lack a column that was added later.
pub(super) fn stored(column: &Column) -> Column {
    Column::new(column.name.clone(), column.logical.clone())
}

/// The quarantined rows of a table.
pub(super) fn read_quarantine(
    layout: &Layout,
    connection: &str,
    state: &TableState,
) -> Result<Vec<QuarantinedRow>> {
    let Some(name) = &state.quarantine else { return Ok(Vec::new()) };
    let path = layout.quarantine(connection).join(name);
    let text = fs::read_to_string(&path).map_err(|error| failed("reading it", &path, error))?;
    text.lines()
        .map(|line| {
            serde_json::from_str(line).map_err(|error| {
                Error::new(ErrorKind::CorruptInput, "A row of the quarantine is damaged.")
                    .with("path", path.display())
                    .caused_by(error)
            })
        })
        .collect()
}

/// A loader's thread, as the session knows it.
type Running = (mpsc::WeakSender<Command>, JoinHandle<()>);

/// A run's right to write.
pub(super) struct ParquetSession {
    writer: Arc<Writer>,
    loaders: Mutex<Vec<Running>>,
}

impl ParquetSession {
    /// Raises the fence. Blocks.
    pub(super) fn open(layout: &Layout, opening: &Opening) -> Result<Opened> {
        let (writer, states) = Writer::open(layout, opening)?;
        let fence = writer.fence;
        tracing::debug!(connection = opening.connection, run = opening.run, fence, "opened");
        let session = ParquetSession { writer: Arc::new(writer), loaders: Mutex::default() };
        let checkpoints =
            states.iter().filter(|state| state.ordinal > 0).map(TableState::checkpoint).collect();
        Ok(Opened { session: Box::new(session), fence, checkpoints })
    }
}

#[async_trait]
impl DestinationSession for ParquetSession {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        let (writer, change) = (Arc::clone(&self.writer), change.clone());
        blocking(move || writer.apply(&change)).await
    }

    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        if commit.rows != 0 {
            return Err(Error::new(ErrorKind::Mismatch, "The beginning of a plan cannot have rows."));
        }
        let (writer, target, commit) = (Arc::clone(&self.writer), target.clone(), commit.clone());
        blocking(move || writer.begin(&target, into, &commit)).await?;
        Ok(Durable::default())
    }

    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        let (loader, thread) = ParquetLoader::start(Arc::clone(&self.writer), options.clone())?;
        let mut loaders = self.loaders.lock().unwrap_or_else(PoisonError::into_inner);
        loaders.retain(|(_, thread)| !thread.is_finished());
        loaders.push((loader.commands(), thread));
        Ok(Box::new(loader))
    }

    async fn close(&self) {
        let loaders = std::mem::take(&mut *self.loaders.lock().unwrap_or_else(PoisonError::into_inner));
        let mut threads = Vec::with_capacity(loaders.len());
        for (commands, thread) in loaders {
            if let Some(commands) = commands.upgrade() {
                // Fails only when the thread has ended by itself.
                let _ = commands.send(Command::End).await;
            }
            threads.push(thread);
        }
        // Threads remove what they have not committed.
        let ended = blocking(move || {
            threads.into_iter().for_each(|thread| drop(thread.join()));
            Ok(())
        });
        if let Err(error) = ended.await {
            tracing::warn!(%error, "the Parquet folder was not closed in order");
        }
    }
}
