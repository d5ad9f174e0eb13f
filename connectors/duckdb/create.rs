//! A DuckDB file that is new is whole from the first moment on.
//!
//! DuckDB makes a file and then writes its three headers. A program that is killed in between leaves a file that nothing
//! opens any more: empty, it "is not a valid DuckDB database file"; shorter than its headers, it cannot be read. Therefore
//! a new file is made beside its place and gets its name when it is whole.

use std::fs::{self, OpenOptions};
use std::io::ErrorKind as IoKind;
use std::path::{Path, PathBuf};

use syncline_protocol::{Error, ErrorKind, Result};

use crate::failure::open_failure;
use crate::raw::Handle;

/// Three headers of 4 KiB; rows come after them (`Storage::FILE_HEADER_SIZE` in DuckDB's `storage_info.hpp`).
const HEADERS_BYTES: u64 = 3 * 4096;

/// Makes the file when there is none.
///
/// # Errors
/// As opening it: `Locked` when another program makes it right now.
pub(crate) fn create_missing(path: &Path, settings: &[(&'static str, String)]) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    let new = beside(path, ".syncline-new");
    // What a killed program has left holds no rows: files get those when they have their name.
    if is_short(&new) {
        fs::remove_file(&new).map_err(|error| failed(path, error))?;
    }
    drop(Handle::open(&new, settings).map_err(|said| open_failure(path, &said))?);
    // Windows flushes only what may be written.
    let named = OpenOptions::new()
        .write(true)
        .open(&new)
        .and_then(|file| file.sync_all())
        // A log whose file is gone belongs to nothing; DuckDB too removes it when it makes a file.
        .and_then(|()| fs::remove_file(beside(path, ".wal")).or_else(unless_missing))
        .and_then(|()| name(&new, path));
    named.map_err(|error| failed(path, error))
}

/// Whether a file is what a program leaves that was ended while DuckDB made the file.
pub(crate) fn is_cut(path: &Path) -> bool {
    is_short(path) && fs::read(path).is_ok_and(|bytes| bytes.is_empty() || bytes.get(8..12) == Some(b"DUCK"))
}

/// Whether a file is shorter than the headers that each DuckDB file has.
fn is_short(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() < HEADERS_BYTES)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

fn unless_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == IoKind::NotFound { Ok(()) } else { Err(error) }
}

/// Gives the file its name. One that somebody else has made meanwhile stays.
fn name(new: &Path, path: &Path) -> std::io::Result<()> {
    match fs::hard_link(new, path) {
        // Not every file system has links.
        Err(error) if error.kind() != IoKind::AlreadyExists && !path.exists() => fs::rename(new, path),
        _ => fs::remove_file(new),
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let kind = match error.kind() {
        IoKind::PermissionDenied | IoKind::ReadOnlyFilesystem => ErrorKind::Permission,
        IoKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::NotFound,
    };
    Error::new(kind, format!("`{file}` could not be made.")).with("file", path.display()).caused_by(error)
}
