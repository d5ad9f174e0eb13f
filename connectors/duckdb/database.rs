//! One open database per file and process, and the ledger that decides who may commit.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use syncline_protocol::{Error, ErrorKind, Result, StoredCheckpoint};

use crate::budget::{Budget, Limits};
use crate::create::create_missing;
use crate::failure::open_failure;
use crate::raw::{Connection, Handle};

/// All databases this process has open. An entry goes only when its file is released.
static OPEN: Mutex<Vec<(PathBuf, Weak<Database>)>> = Mutex::new(Vec::new());
/// Tells that an entry of `OPEN` has gone.
static RELEASED: Condvar = Condvar::new();

fn registry() -> MutexGuard<'static, Vec<(PathBuf, Weak<Database>)>> {
    OPEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a database is opened with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Settings by their names in DuckDB.
    pub(crate) values: Vec<(&'static str, String)>,
    /// The most memory and threads, which are also among the values.
    pub(crate) limits: Limits,
}

/// An open file. Everything in this process that touches the file shares it; the last one to let go closes it.
pub(crate) struct Database {
    /// None only while it is being closed.
    handle: Option<Handle>,
    path: PathBuf,
    budget: Budget,
    ledger: Mutex<Ledger>,
}

impl Database {
    /// The database of `path`: the one that is open already (its settings stay), or a newly opened one.
    /// The file is created when it is missing.
    pub(crate) fn open(path: &Path, settings: &Settings) -> Result<Arc<Database>> {
        let path = canonical(path)?;
        // Held while opening: two databases on one file in one process would not notice each other, because file
        // locks of POSIX belong to the process. For the same reason one that is just closing is waited for.
        let mut open = registry();
        while let Some((_, known)) = open.iter().find(|(known, _)| *known == path) {
            if let Some(database) = known.upgrade() {
                return Ok(database);
            }
            open = RELEASED.wait(open).unwrap_or_else(PoisonError::into_inner);
        }
        create_missing(&path, &settings.values)?;
        let handle = Handle::open(&path, &settings.values).map_err(|said| open_failure(&path, &said))?;
        let database = Arc::new(Database {
            handle: Some(handle),
            path: path.clone(),
            budget: Budget::new(settings.limits),
            ledger: Mutex::default(),
        });
        open.push((path, Arc::downgrade(&database)));
        Ok(database)
    }

    /// A database of its own without a file, forgotten when the last one lets go.
    pub(crate) fn in_memory(settings: &Settings) -> Result<Arc<Database>> {
        let path = PathBuf::from(":memory:");
        let handle = Handle::open(&path, &settings.values).map_err(|said| open_failure(&path, &said))?;
        let (budget, ledger) = (Budget::new(settings.limits), Mutex::default());
        Ok(Arc::new(Database { handle: Some(handle), path, budget, ledger }))
    }

    /// As [`open`](Self::open), but `None` when there is no such file.
    pub(crate) fn existing(path: &Path, settings: &Settings) -> Result<Option<Arc<Self>>> {
        if path.exists() { Self::open(path, settings).map(Some) } else { Ok(None) }
    }

    /// A new connection: one transaction at a time.
    pub(crate) fn connect(self: &Arc<Self>) -> Result<Connection> {
        Connection::new(Arc::clone(self))
    }

    pub(crate) fn handle(&self) -> Result<&Handle> {
        self.handle.as_ref().ok_or_else(|| Error::internal("The DuckDB file is already closed."))
    }

    /// Who gets how much memory.
    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The ledger. Who holds it may commit; nobody else can commit or raise a fence meanwhile.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.handle = None;
        registry().retain(|(path, _)| *path != self.path);
        RELEASED.notify_all();
        tracing::debug!(path = %self.path.display(), "closed");
    }
}

/// An absolute path that is the same for all spellings of a file that may not exist yet.
fn canonical(path: &Path) -> Result<PathBuf> {
    let missing = |error: std::io::Error| {
        Error::new(
            ErrorKind::NotFound,
            format!("The folder of `{}` does not exist or cannot be read.", path.display()),
        )
        .caused_by(error)
    };
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new(".")).canonicalize().map_err(missing)?;
    let name = path.file_name().ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("`{}` is not the name of a file.", path.display()))
    })?;
    Ok(folder.join(name))
}

/// The fences and checkpoints of the sessions of this process.
///
/// DuckDB's transactions read a snapshot that is as old as their first statement, and a bulk load begins its transaction
/// long before it commits: a fence read inside it could be one that has been raised since. But the file belongs to this
/// process alone for as long as any session of it lives, so what is stored can only be changed by this process, and
/// this ledger, held from the check until `COMMIT` has answered, is always what is stored.
#[derive(Default)]
pub(crate) struct Ledger {
    fences: HashMap<String, u64>,
    checkpoints: HashMap<(String, String), Totals>,
}

/// What the next checkpoint of a table builds on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Commits so far.
    pub(crate) ordinal: u64,
    /// Rows so far.
    pub(crate) rows: u64,
    /// Bytes so far.
    pub(crate) bytes: u64,
}

impl Ledger {
    /// The highest fence of a connection that this process knows.
    pub(crate) fn fence(&self, connection: &str) -> u64 {
        self.fences.get(connection).copied().unwrap_or(0)
    }

    /// Takes over what a session found when it raised the fence.
    pub(crate) fn raise(&mut self, connection: &str, fence: u64, stored: &[StoredCheckpoint]) {
        self.fences.insert(connection.to_owned(), fence);
        self.checkpoints.retain(|(known, _), _| known != connection);
        for checkpoint in stored {
            let totals =
                Totals { ordinal: checkpoint.ordinal, rows: checkpoint.rows, bytes: checkpoint.bytes };
            self.checkpoints.insert((connection.to_owned(), checkpoint.table.to_string()), totals);
        }
    }

    /// Fails with `Fenced` when a newer session has opened.
    pub(crate) fn check_fence(&self, connection: &str, fence: u64) -> Result<()> {
        if self.fence(connection) == fence {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Fenced, format!("A newer run of `{connection}` took over."))
            .with("fence", fence)
            .with("newer fence", self.fence(connection)))
    }

    /// What is stored for a table, when a commit with this fence and ordinal may follow it.
    pub(crate) fn check(&self, connection: &str, table: &str, fence: u64, ordinal: u64) -> Result<Totals> {
        self.check_fence(connection, fence)?;
        let key = (connection.to_owned(), table.to_owned());
        let stored = self.checkpoints.get(&key).copied().unwrap_or_default();
        if stored.ordinal.checked_add(1) == Some(ordinal) {
            return Ok(stored);
        }
        Err(Error::new(ErrorKind::Conflict, format!("A commit of `{table}` came out of order."))
            .with("table", table)
            .with("stored ordinal", stored.ordinal)
            .with("ordinal", ordinal))
    }

    /// Records a commit that is durable.
    pub(crate) fn committed(&mut self, connection: &str, table: &str, totals: Totals) {
        self.checkpoints.insert((connection.to_owned(), table.to_owned()), totals);
    }
}
