//! Files that are either the old one or the new one, never half of each.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use syncline_protocol::{Error, ErrorKind, Result};

/// Writes `text` to `path` through a temporary file beside it. A crash leaves the old file or the new one.
pub(crate) fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| io_error("create the folder", folder, error))?;
    // The process id keeps two programs that save at the same moment out of each other's temporary file.
    let file_name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{file_name}.{}.tmp", std::process::id()));
    let written = write_synced(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(io_error("write", path, error));
    }
    sync_folder(folder).map_err(|error| io_error("write", path, error))
}

fn write_synced(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A rename is durable on Unix only once its folder is.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // the shape of the Unix twin
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// An error for a file operation, with the kind that leads to the right advice.
pub(crate) fn io_error(action: &str, path: &Path, error: io::Error) -> Error {
    let (kind, because) = match error.kind() {
        io::ErrorKind::NotFound => (ErrorKind::NotFound, "it does not exist"),
        io::ErrorKind::PermissionDenied => (ErrorKind::Permission, "access was denied"),
        io::ErrorKind::ReadOnlyFilesystem => (ErrorKind::Permission, "the disk is read-only"),
        io::ErrorKind::StorageFull => (ErrorKind::DiskFull, "the disk is full"),
        io::ErrorKind::InvalidData => (ErrorKind::CorruptInput, "it is not text in UTF-8"),
        _ => (ErrorKind::Config, "the system refused"),
    };
    Error::new(kind, format!("Could not {action} `{}`: {because}.", path.display())).caused_by(error)
}
