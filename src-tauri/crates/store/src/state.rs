//! The local state: what happened on this computer. One SQLite file, `.syncline/state.sqlite`.
//!
//! Losing it loses history and secrets, never data: how far a table is read stands in its destination.
//!
//! WAL with `synchronous = FULL`: what a method returned `Ok` for survives a power cut. Several programs may have it
//! open at once; a writer that meets another one waits up to ten seconds.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior};
use serde::Serialize;
use serde::de::DeserializeOwned;
use syncline_protocol::{Error, ErrorKind, Result};

use crate::atomic_file::io_error;

mod catalog;
mod history;
mod migrations;
mod runs;
mod sealed;
mod settings;
mod versions;

pub use catalog::CachedCatalog;
pub use history::{FileVersion, KeptVersion, Span};
pub use runs::{
    AttemptRecord, JournalEntry, Outcome, RunEnd, RunError, RunRecord, RunTable, RunTotals, run_id,
};
pub(crate) use sealed::SealedSecret;
pub use versions::{BadVersion, TableValues, VersionMark};

const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The local state of a project.
#[derive(Debug)]
pub struct State {
    connection: Mutex<Connection>,
}

impl State {
    /// Opens the state, makes it when it does not exist, and brings it to the shape of this program. Before a
    /// migration the old file is copied to `state.sqlite.before-vN`.
    ///
    /// # Errors
    /// `Unsupported` when a newer Syncline has written it; `CorruptInput` when it is not a SQLite file or damaged;
    /// `Locked` when another program holds it for longer than ten seconds; `Permission`, `DiskFull`.
    pub fn open(path: &Path) -> Result<State> {
        let failed = |error| sqlite_error("open the local state", error).with("file", path.display());
        // Opening is taken in turns: changing to WAL does not wait for others as everything later does.
        let turn = path.with_extension("lock");
        let _turn = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&turn)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| io_error("lock", &turn, error))?;
        let mut connection = Connection::open(path).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
        migrations::migrate(&mut connection, path)?;
        Ok(State { connection: Mutex::new(connection) })
    }

    /// No method leaves a transaction open, so a panic in another thread leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` in one transaction that takes the write lock at once.
    fn write<T>(
        &self,
        action: &str,
        work: impl FnOnce(&rusqlite::Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        let mut connection = self.lock();
        connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .and_then(|transaction| {
                let value = work(&transaction)?;
                transaction.commit()?;
                Ok(value)
            })
            .map_err(|error| sqlite_error(action, error))
    }

    /// The first row of a query, if there is one.
    fn first<T>(
        &self,
        action: &str,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let connection = self.lock();
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row(parameters, read).optional())
            .map_err(|error| sqlite_error(action, error))
    }

    /// All rows of a query.
    fn all<T>(
        &self,
        action: &str,
        sql: &str,
        parameters: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let connection = self.lock();
        connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_map(parameters, read)?.collect())
            .map_err(|error| sqlite_error(action, error))
    }
}

/// An error of SQLite, with the kind that leads to the right advice.
fn sqlite_error(action: &str, error: rusqlite::Error) -> Error {
    let (kind, because) = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (ErrorKind::Locked, "another program holds it")
        }
        Some(ErrorCode::DiskFull) => (ErrorKind::DiskFull, "the disk is full"),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            (ErrorKind::CorruptInput, "the file is damaged or is not a SQLite file")
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            (ErrorKind::Permission, "the file or its folder cannot be opened for writing")
        }
        _ => (ErrorKind::Internal, "SQLite reported an error"),
    };
    let wrong = Error::new(kind, format!("Could not {action}: {because}.")).caused_by(error);
    match kind {
        ErrorKind::CorruptInput => wrong
            .meaning("Tables in destinations are not affected: their positions are stored beside them.")
            .fix("Move `.syncline/state.sqlite` away; history and secrets begin anew, syncs go on where they were."),
        _ => wrong,
    }
}

/// µs precision for every value, so that texts sort as instants do.
fn time_text(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// Columns as Rust values. A value that cannot be read means that the file was changed by hand.
fn time_column(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    parsed(column, row.get_ref(column)?.as_str()?.parse())
}

fn optional_time_column(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<Option<Timestamp>> {
    match row.get_ref(column)?.as_str_or_null()? {
        Some(text) => parsed(column, text.parse()).map(Some),
        None => Ok(None),
    }
}

fn json_column<T: DeserializeOwned>(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<T> {
    parsed(column, serde_json::from_str(row.get_ref(column)?.as_str()?))
}

fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
    column: &str,
    value: std::result::Result<T, E>,
) -> rusqlite::Result<T> {
    value.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Text,
            format!("column {column}: {error}").into(),
        )
    })
}

/// A value as JSON text for a column.
fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::internal("A value could not be written as JSON.").caused_by(error))
}

/// A counter for a column; SQLite integers have 63 bits and a sign.
fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn count_column(row: &rusqlite::Row<'_>, column: &str) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(|value| u64::try_from(value).unwrap_or(0))
}
