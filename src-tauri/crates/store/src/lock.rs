//! One run of a connection at a time, on this computer. Across computers the fence of the destination decides.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use syncline_protocol::{Error, ErrorKind, Result};

use crate::atomic_file::{self, io_error};
use crate::project::{Project, validate_name};

/// The right to run one connection, held until it is dropped. The operating system releases it also when the process
/// is killed, so that no stale lock can block a connection.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    holder: PathBuf,
}

impl RunLock {
    /// Whether a run of `connection` is working on this computer now.
    ///
    /// # Errors
    /// `Permission` when the lock file cannot be opened.
    pub fn is_held(project: &Project, connection: &str) -> Result<bool> {
        validate_name(connection)?;
        let path = project.local().join("locks").join(format!("{connection}.lock"));
        let file = match OpenOptions::new().write(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(io_error("open", &path, error)),
        };
        // A shared lock: two programs that look at the same moment do not take each other for a run.
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(io_error("lock", &path, error)),
        }
    }

    /// Takes the lock of `connection`.
    ///
    /// # Errors
    /// `Locked` with the process id of the holder when another run holds it; `Permission`, `DiskFull`.
    pub fn acquire(project: &Project, connection: &str) -> Result<RunLock> {
        validate_name(connection)?;
        let folder = project.local().join("locks");
        fs::create_dir_all(&folder).map_err(|error| io_error("create the folder", &folder, error))?;
        let path = folder.join(format!("{connection}.lock"));
        // Beside the lock and not in it: Windows lets nobody read a locked file.
        let holder = folder.join(format!("{connection}.holder"));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| io_error("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(busy(connection, &holder)),
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &path, error)),
        }
        atomic_file::write(&holder, &std::process::id().to_string())?;
        Ok(RunLock { file, holder })
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // In this order: the next holder must not lose the file it has just written. The lock file itself stays,
        // because removing it would let two processes lock two files of the same name.
        let _ = fs::remove_file(&self.holder);
        let _ = self.file.unlock();
    }
}

fn busy(connection: &str, holder: &Path) -> Error {
    let error = Error::new(ErrorKind::Locked, format!("Another run of `{connection}` is working."))
        .meaning("This run did nothing. The other one goes on.")
        .fix("Wait until it has finished.");
    // The holder may be between taking the lock and writing its number; then the number is simply unknown.
    match fs::read_to_string(holder).ok().and_then(|text| text.trim().parse::<u32>().ok()) {
        Some(process) => error.fix(format!("If it hangs, end process {process}.")).with("process", process),
        None => error,
    }
}
