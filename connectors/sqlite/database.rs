//! Opening a database file without changing it, and what SQLite's errors mean.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use syncline_protocol::{Error, ErrorKind, Result};

/// How long to wait for a program that is writing.
const BUSY_WAIT: Duration = Duration::from_secs(5);
/// The connection test looks for damage in files up to this size; it reads every page.
const QUICK_CHECK_BYTES: u64 = 256 << 20;

/// The smallest page of a database (sqlite.org/fileformat2.html).
const PAGE_BYTES_MIN: u64 = 512;
/// How often to look for a moment in which nobody writes.
const BEGIN_TRIES: usize = 20;
/// A reader looks this often, in steps of SQLite's machine, whether somebody still wants its rows.
const STEPS_BETWEEN_LOOKS: i32 = 100_000;

/// An open database inside one read transaction: everything read through it is of one state.
pub(super) struct Database {
    pub(super) connection: Connection,
    path: PathBuf,
    /// The state of the file that is read, as far as files tell.
    state: String,
    /// Opened without locks.
    immutable: bool,
}

impl Database {
    /// Opens a file read-only and begins to read.
    ///
    /// # Errors
    /// `NotFound`, `Permission`, `Locked`, or `CorruptInput` when it is no database or a damaged one.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let found = std::fs::metadata(path).map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
                _ => ErrorKind::NotFound,
            };
            Error::new(kind, format!("The file {} cannot be opened.", path.display())).caused_by(error)
        })?;
        if !found.is_file() {
            return Err(Error::new(ErrorKind::Config, format!("{} is not a file.", path.display())));
        }
        // SQLite takes what is shorter than a page for an empty database.
        if (1..PAGE_BYTES_MIN).contains(&found.len()) {
            return Err(not_a_database(path));
        }
        match Database::connect(path, false) {
            // A database in WAL mode needs its `-shm` file even to be read. In a folder that cannot be written it can
            // only be read as it is, which is safe as long as no other program has changes in a `-wal` file.
            Err(error) if needs_sidecar(&error) => {
                if wal_bytes(path) > 0 {
                    return Err(Error::new(
                        ErrorKind::Permission,
                        format!(
                            "{} has changes in its -wal file, and its folder cannot be written.",
                            path.display()
                        ),
                    )
                    .caused_by(error)
                    .fix("Allow writing to the folder, or close the program that uses the database."));
                }
                Database::connect(path, true).map_err(|error| explain(path, error))
            }
            other => other.map_err(|error| explain(path, error)),
        }
    }

    fn connect(path: &Path, immutable: bool) -> rusqlite::Result<Self> {
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(uri(path, immutable), flags)?;
        connection.busy_timeout(BUSY_WAIT)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF")?;
        let state = begin(&connection, path)?;
        Ok(Database { connection, path: path.to_owned(), state, immutable })
    }

    pub(super) fn is_immutable(&self) -> bool {
        self.immutable
    }

    /// The state of the database that is read, as far as files tell. What was written since it was opened is not in
    /// it, nor in what is read.
    pub(super) fn fingerprint(&self) -> &str {
        &self.state
    }

    /// What was read through a connection without locks is only good when nobody wrote meanwhile.
    ///
    /// # Errors
    /// `Conflict`.
    pub(super) fn still_the_same(&self) -> Result<()> {
        if self.immutable && self.state != fingerprint(&self.path) {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("{} was changed while it was read.", self.path.display()),
            ));
        }
        Ok(())
    }

    /// Ends whatever the database is computing once `closed` says that nobody wants it any more.
    ///
    /// # Errors
    /// `Internal` when SQLite refuses.
    pub(super) fn watch(&mut self, closed: impl FnMut() -> bool + Send + 'static) -> Result<()> {
        let watched = self.connection.progress_handler(STEPS_BETWEEN_LOOKS, Some(closed));
        watched.map_err(|error| explain(&self.path, error))
    }

    /// Ends [`Database::watch`].
    pub(super) fn unwatch(&mut self) {
        // Without a handler there is nothing that could be refused; a stale one only ends reads that nobody wants.
        let _ = self.connection.progress_handler(0, None::<fn() -> bool>);
    }

    /// Looks for damage, in files that are not too large for it.
    ///
    /// # Errors
    /// `CorruptInput` with what SQLite found.
    pub(super) fn quick_check(&self) -> Result<()> {
        if std::fs::metadata(&self.path).is_ok_and(|found| found.len() > QUICK_CHECK_BYTES) {
            return Ok(());
        }
        match self.damage() {
            None => Ok(()),
            Some(found) => Err(corrupt(&self.path).with("found", found)),
        }
    }

    fn damage(&self) -> Option<String> {
        match self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
            Ok(found) if found == "ok" => None,
            Ok(found) => Some(found),
            Err(error) => Some(error.to_string()),
        }
    }

    /// What an error of SQLite means for the person.
    pub(super) fn explain(&self, error: rusqlite::Error) -> Error {
        let corrupt = error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt);
        let explained = explain(&self.path, error);
        match corrupt.then(|| self.damage()).flatten() {
            Some(found) => explained.with("found", found),
            None => explained,
        }
    }
}

/// Begins to read, and says which state of the file it is.
fn begin(connection: &Connection, path: &Path) -> rusqlite::Result<String> {
    for _ in 0..BEGIN_TRIES {
        let before = fingerprint(path);
        // A transaction begins with the first read, not with BEGIN.
        connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
        if before == fingerprint(path) {
            return Ok(before);
        }
        connection.execute_batch("ROLLBACK")?;
    }
    // Somebody writes all the time: the state is one that never comes again.
    connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema")?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Ok(format!("busy@{}", now.as_nanos()))
}

fn needs_sidecar(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

fn not_a_database(path: &Path) -> Error {
    let message = format!("{} is not an SQLite database, or it is encrypted.", path.display());
    Error::new(ErrorKind::CorruptInput, message)
}

fn corrupt(path: &Path) -> Error {
    Error::new(ErrorKind::CorruptInput, format!("The database {} is damaged.", path.display()))
        .fix("Restore a backup, or save what can be read: sqlite3 FILE .recover")
}

fn explain(path: &Path, error: rusqlite::Error) -> Error {
    let file = path.display();
    let (kind, message) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Locked, format!("Another program is writing to {file}."))
        }
        Some(ErrorCode::NotADatabase) => return not_a_database(path).caused_by(error),
        Some(ErrorCode::DatabaseCorrupt) => return corrupt(path).caused_by(error),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            (ErrorKind::Permission, format!("{file} may not be read."))
        }
        Some(ErrorCode::OperationInterrupted) => return syncline_protocol::Stopped.into(),
        Some(ErrorCode::SystemIoFailure) => {
            (ErrorKind::CorruptInput, format!("{file} could not be read to its end."))
        }
        _ => (ErrorKind::CorruptInput, format!("{file} could not be read.")),
    };
    Error::new(kind, message).caused_by(error)
}

/// The path as a URI, in which every byte that could mean something is escaped.
fn uri(path: &Path, immutable: bool) -> String {
    let mut uri = String::from(if cfg!(windows) { "file:///" } else { "file:" });
    for byte in path.as_os_str().as_encoded_bytes().iter().copied() {
        match byte {
            b'\\' if cfg!(windows) => uri.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => {
                uri.push(char::from(byte));
            }
            byte => {
                let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
                uri.extend(['%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
    uri.push_str(if immutable { "?mode=ro&immutable=1" } else { "?mode=ro" });
    uri
}

fn wal_path(path: &Path) -> PathBuf {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    wal.into()
}

fn wal_bytes(path: &Path) -> u64 {
    std::fs::metadata(wal_path(path)).map_or(0, |found| found.len())
}

/// Size and time of the database and of its write-ahead log. An empty log is the same as none: SQLite makes one when
/// a database is opened.
fn fingerprint(path: &Path) -> String {
    let describe = |path: &Path| {
        let found = std::fs::metadata(path).ok().filter(|found| found.len() > 0)?;
        let changed = found.modified().ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(format!("{}@{}", found.len(), changed.as_nanos()))
    };
    [path.to_owned(), wal_path(path)].map(|path| describe(&path).unwrap_or_default()).join("+")
}
