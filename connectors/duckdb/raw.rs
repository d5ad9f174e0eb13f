//! DuckDB's C interface: open, connect, run statements. Together with `vector` the only `unsafe` code.
//!
//! The crate `duckdb` wraps the same functions but keeps its connection handle to itself, and the fast path needs an
//! appender on our own chunks inside the transaction of a connection.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{Array, AsArray};
use duckdb::ffi;
use syncline_protocol::{Error, LogicalType, Result};

use crate::database::Database;
use crate::failure::failure;
use crate::vector::Chunks;

/// An open database.
pub(crate) struct Handle(ffi::duckdb_database);

// SAFETY: a database object of DuckDB is made to be shared by threads; each connects for itself.
unsafe impl Send for Handle {}
// SAFETY: as above; `duckdb_connect` only reads the handle.
unsafe impl Sync for Handle {}

impl Handle {
    /// Opens or creates the file with these settings. The error is DuckDB's own text.
    pub(crate) fn open(path: &Path, settings: &[(&'static str, String)]) -> Result<Handle, String> {
        let path = path.to_str().ok_or("the path of the file is not Unicode text")?;
        let path = CString::new(path).map_err(|error| error.to_string())?;
        let mut config: ffi::duckdb_config = ptr::null_mut();
        // SAFETY: `config` is an out parameter; it is destroyed below on every way.
        if unsafe { ffi::duckdb_create_config(&mut config) } != ffi::DuckDBSuccess {
            return Err("no configuration could be made".to_owned());
        }
        let opened = configure(config, settings).and_then(|()| {
            let mut database: ffi::duckdb_database = ptr::null_mut();
            let mut said: *mut c_char = ptr::null_mut();
            // SAFETY: the path is a C string that lives through the call; the others are out parameters.
            let state = unsafe { ffi::duckdb_open_ext(path.as_ptr(), &mut database, config, &mut said) };
            if state == ffi::DuckDBSuccess {
                return Ok(Handle(database));
            }
            // SAFETY: DuckDB hands over a C string (or null) that the caller frees with `duckdb_free`.
            let text = unsafe { text_at(said) };
            unsafe { ffi::duckdb_free(said.cast()) };
            Err(text)
        });
        // SAFETY: made above, used by nobody any more.
        unsafe { ffi::duckdb_destroy_config(&mut config) };
        opened
    }
}

fn configure(config: ffi::duckdb_config, settings: &[(&'static str, String)]) -> Result<(), String> {
    for (name, value) in settings {
        let wrong = |error: std::ffi::NulError| error.to_string();
        let (key, text) = (CString::new(*name).map_err(wrong)?, CString::new(value.as_str()).map_err(wrong)?);
        // SAFETY: `config` is live, the strings outlive the call.
        if unsafe { ffi::duckdb_set_config(config, key.as_ptr(), text.as_ptr()) } != ffi::DuckDBSuccess {
            return Err(format!("Invalid Input Error: `{value}` is not a value for `{name}`"));
        }
    }
    Ok(())
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: opened by us and closed once. Connections hold the `Database` this belongs to, so none is left.
        unsafe { ffi::duckdb_close(&mut self.0) };
    }
}

/// The text at a C string; a fixed text for null.
///
/// # Safety
/// `text` is null or a valid C string.
pub(crate) unsafe fn text_at(text: *const c_char) -> String {
    if text.is_null() {
        return "no reason given".to_owned();
    }
    // SAFETY: not null, and valid by contract.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// A value for a `?` in a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Param<'a> {
    /// Text, or null.
    Text(Option<&'a str>),
    /// A whole number.
    Integer(i64),
    /// A number that counts something or names a bit pattern.
    Unsigned(u64),
}

impl<'a> From<&'a str> for Param<'a> {
    fn from(text: &'a str) -> Self {
        Param::Text(Some(text))
    }
}

impl<'a> From<&'a String> for Param<'a> {
    fn from(text: &'a String) -> Self {
        Param::Text(Some(text))
    }
}

impl From<u64> for Param<'_> {
    fn from(number: u64) -> Self {
        Param::Unsigned(number)
    }
}

impl From<i64> for Param<'_> {
    fn from(number: i64) -> Self {
        Param::Integer(number)
    }
}

/// A connection: one transaction at a time. Dropping it rolls back what is not committed.
pub(crate) struct Connection {
    connection: ffi::duckdb_connection,
    /// Keeps the database open.
    database: Arc<Database>,
}

// SAFETY: a connection of DuckDB is not bound to a thread; it only must not be used by two at once, which `!Sync`
// (from the raw pointer) forbids.
unsafe impl Send for Connection {}

impl Connection {
    pub(crate) fn new(database: Arc<Database>) -> Result<Self> {
        let mut connection: ffi::duckdb_connection = ptr::null_mut();
        // SAFETY: the handle is live as long as `database` is; `connection` is an out parameter.
        let state = unsafe { ffi::duckdb_connect(database.handle()?.0, &mut connection) };
        if state != ffi::DuckDBSuccess {
            return Err(Error::internal("DuckDB did not make a connection."));
        }
        Ok(Connection { connection, database })
    }

    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    pub(crate) fn raw(&self) -> ffi::duckdb_connection {
        self.connection
    }

    /// Runs a statement; answers how many rows it changed. `doing` completes "failed while …".
    pub(crate) fn execute(&self, doing: &str, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let mut result = Statement::prepare(self, doing, sql)?.bind(doing, params)?.run(doing, false)?;
        // SAFETY: the result is live.
        Ok(unsafe { ffi::duckdb_rows_changed(&mut result.0) })
    }

    /// Runs a query whose columns are all text and returns its rows.
    pub(crate) fn texts(
        &self,
        doing: &str,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<Vec<Vec<Option<String>>>> {
        let result = Statement::prepare(self, doing, sql)?.bind(doing, params)?.run(doing, false)?;
        let mut chunks = Chunks::new(self, result);
        let types = vec![LogicalType::Text; chunks.columns()];
        let mut rows = Vec::new();
        while let Some(columns) = chunks.next(doing, &types)? {
            let length = columns.first().map_or(0, |column| column.len());
            rows.extend((0..length).map(|row| {
                columns
                    .iter()
                    .map(|column| column.as_string::<i32>())
                    .map(|column| column.is_valid(row).then(|| column.value(row).to_owned()))
                    .collect::<Vec<_>>()
            }));
        }
        Ok(rows)
    }

    /// Whether a text is one statement that only reads. Runs nothing.
    pub(crate) fn reads(&self, doing: &str, sql: &str) -> Result<Reads> {
        let statement = Statement::prepare(self, doing, sql)?;
        // SAFETY: the statement is live.
        Ok(match unsafe { ffi::duckdb_prepared_statement_type(statement.0) } {
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_SELECT => Reads::Rows,
            ffi::duckdb_statement_type_DUCKDB_STATEMENT_TYPE_EXPLAIN => Reads::Explanation,
            _ => Reads::No,
        })
    }

    /// Runs a query and hands its rows out as they are computed.
    pub(crate) fn stream(&self, doing: &str, sql: &str) -> Result<Chunks<'_>> {
        Ok(Chunks::new(self, Statement::prepare(self, doing, sql)?.run(doing, true)?))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: made by us, disconnected once. An open transaction is rolled back.
        unsafe { ffi::duckdb_disconnect(&mut self.connection) };
    }
}

/// What kind of answer a statement gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// Rows.
    Rows,
    /// How rows would be found.
    Explanation,
    /// It would change something.
    No,
}

/// Lets another thread interrupt what a connection is doing.
pub(crate) struct Interrupt(Mutex<Target>);

struct Target {
    /// None once the connection is about to go.
    connection: Option<ffi::duckdb_connection>,
    interrupted: bool,
}

// SAFETY: the pointer is only handed to `duckdb_interrupt`, which any thread may call while the connection lives; whoever
// drops the connection takes the pointer away first (`disarm`), under the lock.
unsafe impl Send for Interrupt {}
// SAFETY: as above; the lock makes the accesses exclusive.
unsafe impl Sync for Interrupt {}

impl Interrupt {
    /// For this connection. `disarm` must be called before the connection is dropped.
    pub(crate) fn of(connection: &Connection) -> Arc<Interrupt> {
        let target = Target { connection: Some(connection.connection), interrupted: false };
        Arc::new(Interrupt(Mutex::new(target)))
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes the running statement fail, if there is one.
    pub(crate) fn interrupt(&self) {
        let mut target = self.target();
        target.interrupted = true;
        if let Some(connection) = target.connection {
            // SAFETY: still armed, so the connection lives; it cannot go before the lock is released.
            unsafe { ffi::duckdb_interrupt(connection) };
        }
    }

    /// Whether somebody has interrupted; perhaps before there was a statement to fail.
    pub(crate) fn interrupted(&self) -> bool {
        self.target().interrupted
    }

    /// Nobody can interrupt any more.
    pub(crate) fn disarm(&self) {
        self.target().connection = None;
    }
}

/// A result that is destroyed when it is dropped.
pub(crate) struct RawResult(pub(crate) ffi::duckdb_result);

impl Drop for RawResult {
    fn drop(&mut self) {
        // SAFETY: made by DuckDB, destroyed once.
        unsafe { ffi::duckdb_destroy_result(&mut self.0) };
    }
}

struct Statement(ffi::duckdb_prepared_statement);

impl Statement {
    fn prepare(connection: &Connection, doing: &str, sql: &str) -> Result<Self> {
        let text = CString::new(sql)
            .map_err(|_| Error::internal(format!("A statement holds the character U+0000 while {doing}.")))?;
        let mut statement: ffi::duckdb_prepared_statement = ptr::null_mut();
        // SAFETY: the connection is live, the text outlives the call, the statement is an out parameter.
        let state = unsafe { ffi::duckdb_prepare(connection.connection, text.as_ptr(), &mut statement) };
        // Also a failed statement must be destroyed, after its error was read.
        let statement = Statement(statement);
        if state != ffi::DuckDBSuccess {
            // SAFETY: the error belongs to the statement, which lives until the end of this function.
            let said = unsafe { text_at(ffi::duckdb_prepare_error(statement.0)) };
            return Err(failure(doing, &said).with("statement", shortened(sql)));
        }
        Ok(statement)
    }

    fn bind(self, doing: &str, params: &[Param<'_>]) -> Result<Self> {
        for (index, param) in (1u64..).zip(params) {
            // SAFETY: the statement is live; DuckDB copies text during the call.
            let state = unsafe {
                match param {
                    Param::Text(None) => ffi::duckdb_bind_null(self.0, index),
                    Param::Text(Some(text)) => ffi::duckdb_bind_varchar_length(
                        self.0,
                        index,
                        text.as_ptr().cast(),
                        text.len() as u64,
                    ),
                    Param::Integer(number) => ffi::duckdb_bind_int64(self.0, index, *number),
                    Param::Unsigned(number) => ffi::duckdb_bind_uint64(self.0, index, *number),
                }
            };
            if state != ffi::DuckDBSuccess {
                return Err(Error::internal(format!("DuckDB did not take a parameter while {doing}.")));
            }
        }
        Ok(self)
    }

    fn run(self, doing: &str, streaming: bool) -> Result<RawResult> {
        // SAFETY: all-zero is what DuckDB expects of a result it has not filled yet.
        let mut result = RawResult(unsafe { std::mem::zeroed() });
        // SAFETY: the statement is live, the result an out parameter. It holds all it needs of the statement.
        let state = unsafe {
            if streaming {
                ffi::duckdb_execute_prepared_streaming(self.0, &mut result.0)
            } else {
                ffi::duckdb_execute_prepared(self.0, &mut result.0)
            }
        };
        if state != ffi::DuckDBSuccess {
            return Err(failure(doing, &result.error()));
        }
        Ok(result)
    }
}

impl RawResult {
    /// What DuckDB says about a failed result.
    pub(crate) fn error(&mut self) -> String {
        // SAFETY: the result is live and owns the text.
        unsafe { text_at(ffi::duckdb_result_error(&mut self.0)) }
    }

    /// Whether the result carries an error: how a streamed query fails half-way.
    pub(crate) fn failed(&mut self) -> bool {
        // SAFETY: the result is live.
        !unsafe { ffi::duckdb_result_error(&mut self.0) }.is_null()
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: made by DuckDB, destroyed once.
        unsafe { ffi::duckdb_destroy_prepare(&mut self.0) };
    }
}

fn shortened(sql: &str) -> String {
    if sql.chars().count() <= 400 {
        sql.to_owned()
    } else {
        sql.chars().take(400).chain("…".chars()).collect()
    }
}
