//! Files that are there whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use syncline_protocol::{Error, ErrorKind, Result};

/// Whether there is no more space, of the disk or of what this user may have.
pub(super) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// The error for something that failed with a file.
pub(super) fn failed(doing: &str, path: &Path, error: io::Error) -> Error {
    let kind = match error.kind() {
        _ if is_full(&error) => ErrorKind::DiskFull,
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::Permission,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        _ => ErrorKind::Internal,
    };
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let what = match kind {
        ErrorKind::DiskFull => format!("There is no space left on the disk while {doing}."),
        _ => format!("`{name}` failed while {doing}."),
    };
    Error::new(kind, what).with("path", path.display()).caused_by(error)
}

pub(super) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| failed("making a folder", path, error))
}

/// Makes names in a folder durable. Windows does this by itself, and cannot open folders.
pub(super) fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|error| failed("writing a folder to disk", path, error))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

/// Writes a file under a temporary name in the same folder, synced, and hands that name to `publish`.
fn write_beside<T>(path: &Path, content: &[u8], publish: impl FnOnce(&Path) -> io::Result<T>) -> Result<T> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let fresh = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
    let written = File::create(&fresh)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| publish(&fresh));
    let _ = fs::remove_file(&fresh); // gone already when it was renamed
    written.map_err(|error| failed("writing it", path, error))
}

/// Writes a file so that it appears at once and whole, in place of what was there.
pub(super) fn replace(path: &Path, content: &[u8]) -> Result<()> {
    write_beside(path, content, |fresh| fs::rename(fresh, path))?;
    sync_folder(parent(path))
}

/// Writes a file so that it appears at once and whole. Answers false, and changes nothing, when the name is taken.
/// The caller holds the lock of the folder, which guards the way for file systems without hard links.
pub(super) fn put_if_absent(path: &Path, content: &[u8]) -> Result<bool> {
    let put = write_beside(path, content, |fresh| match fs::hard_link(fresh, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(_) if path.exists() => Ok(false),
        Err(_) => fs::rename(fresh, path).map(|()| true),
    })?;
    sync_folder(parent(path))?;
    Ok(put)
}

/// A lock between processes (and within one), released when it is dropped.
pub(super) struct Lock(File);

impl Lock {
    /// Waits for the lock file of a folder. It is held for moments only.
    pub(super) fn of(folder: &Path) -> Result<Lock> {
        let path = folder.join("lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| failed("locking the folder", &path, error))?;
        match file.lock() {
            Ok(()) => {}
            // See the module documentation: the names of commits guard by themselves.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                tracing::debug!(path = %path.display(), "this file system has no locks");
            }
            Err(error) => return Err(failed("locking the folder", &path, error)),
        }
        Ok(Lock(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// The names in a folder; none when it is not there.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed("reading a folder", folder, error)),
    };
    entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<_>>()
        .map_err(|error| failed("reading a folder", folder, error))
}

/// Reads a JSON file; `None` when it is not there.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("reading it", path, error)),
    };
    serde_json::from_slice(&text).map(Some).map_err(|error| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Error::new(ErrorKind::CorruptInput, format!("`{name}` is damaged."))
            .with("path", path.display())
            .caused_by(error)
    })
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value)
        .map_err(|error| Error::internal("A file could not be put into JSON.").caused_by(error))
}

/// Removes a file that may be gone already. What cannot be removed now (a reader of Windows has it open) is removed
/// by a later session.
pub(super) fn remove(path: &Path) {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::debug!(%error, path = %path.display(), "a file stays for now");
        }
        _ => {}
    }
}
