//! A DuckDB file that is new is whole from the first moment on.
//!
//! DuckDB makes a file and then writes its three headers. A program that is killed in between leaves a file that nothing
//! opens any more: empty, it "is not a valid DuckDB database file"; shorter than its headers, it cannot be read. Therefore
//! a new file is made in a folder beside its place and gets its name when it is whole.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind as IoKind};
use std::path::{Path, PathBuf};

use syncline_protocol::{Error, ErrorKind, Result};
use tempfile::{Builder, TempPath};

use crate::failure::open_failure;
use crate::raw::Handle;

/// Three headers of 4 KiB; rows come after them (`Storage::FILE_HEADER_SIZE` in DuckDB's `storage_info.hpp`).
const HEADERS_BYTES: u64 = 3 * 4096;

/// Makes the file when there is none. One that another program makes meanwhile stays.
///
/// # Errors
/// As opening it.
pub(crate) fn create_missing(path: &Path, settings: &[(&'static str, String)]) -> Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    if path.exists() {
        return Ok(());
    }
    let failed = |error: io::Error| failed(path, error);
    // A log whose file is gone belongs to nothing; DuckDB too removes it when it makes a file. Not later: by then it could
    // be that of a file that another program has made.
    unless(IoKind::NotFound, fs::remove_file(log_of(path))).map_err(failed)?;
    let prefix = format!(".{}.new-", name.to_string_lossy());
    remove_left_over(folder, &prefix).map_err(failed)?;
    let beside = Builder::new().prefix(&prefix).tempdir_in(folder).map_err(failed)?;
    let new = beside.path().join(name);
    drop(Handle::open(&new, settings).map_err(|said| open_failure(path, &said))?);
    publish(&new, path).map_err(failed)
}

/// Gives the file its name.
fn publish(new: &Path, path: &Path) -> io::Result<()> {
    // Windows flushes only what may be written.
    OpenOptions::new().write(true).open(new)?.sync_all()?;
    let published = TempPath::try_from_path(new)?.persist_noclobber(path).map_err(|error| error.error);
    unless(IoKind::AlreadyExists, published)
}

/// Removes what programs have left that were killed while they made the file. It holds no rows: files get those when they
/// have their name.
fn remove_left_over(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) && entry.file_type()?.is_dir() {
            unless(IoKind::NotFound, fs::remove_dir_all(entry.path()))?;
        }
    }
    Ok(())
}

/// Whether a file is what a program leaves that was ended while DuckDB made the file.
pub(crate) fn is_cut(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() < HEADERS_BYTES)
        && fs::read(path).is_ok_and(|bytes| bytes.is_empty() || bytes.get(8..12) == Some(b"DUCK"))
}

fn log_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".wal");
    path.with_file_name(name)
}

fn unless(kind: IoKind, result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == kind { Ok(()) } else { Err(error) })
}

fn failed(path: &Path, error: io::Error) -> Error {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let kind = match error.kind() {
        IoKind::PermissionDenied | IoKind::ReadOnlyFilesystem => ErrorKind::Permission,
        IoKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::NotFound,
    };
    Error::new(kind, format!("`{file}` could not be made.")).with("file", path.display()).caused_by(error)
}
