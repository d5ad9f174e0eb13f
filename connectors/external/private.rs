//! Files for a child that nobody else can read, gone when the child is.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use syncline_protocol::{ConnectorContext, Error, ErrorKind, Result};

/// A folder with the files of one child. Held by a lock, so that what a killed program left behind is known as such.
pub(super) struct PrivateFiles {
    folder: PathBuf,
    lock: Option<File>,
}

impl PrivateFiles {
    /// An empty folder beside those of other children; what nobody holds any more is removed.
    pub(super) fn new(context: &ConnectorContext) -> Result<PrivateFiles> {
        let root = match context.project.as_os_str().is_empty() {
            true => std::env::temp_dir().join("syncline-external"),
            false => context.project.join(".syncline").join("external"),
        };
        private_folder(&root).map_err(|error| failed(&root, error))?;
        // One after the other: what has no lock yet must not be taken for what nobody holds any more.
        let turn = root.with_extension("lock");
        let _turn = File::create(&turn)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| failed(&turn, error))?;
        sweep(&root);
        let made = tempfile::Builder::new().prefix("run-").tempdir_in(&root);
        let folder = made.map_err(|error| failed(&root, error))?.keep();
        private_folder(&folder).map_err(|error| failed(&folder, error))?;
        let path = folder.join("lock");
        let lock = File::create(&path).and_then(|file| file.lock().map(|()| file));
        Ok(PrivateFiles { lock: Some(lock.map_err(|error| failed(&path, error))?), folder })
    }

    /// Writes a value; gives the path for the child.
    pub(super) fn json(&mut self, name: &str, value: &Value) -> Result<String> {
        let path = self.folder.join(format!("{name}.json"));
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = serde_json::to_vec(value)
            .map_err(|error| Error::internal("A value could not be written as JSON.").caused_by(error))?;
        let written = options.open(&path).and_then(|mut file| file.write_all(&text));
        written.map_err(|error| failed(&path, error))?;
        path.into_os_string()
            .into_string()
            .map_err(|_| Error::new(ErrorKind::Config, "The project lies in a folder whose name is no text."))
    }
}

impl Drop for PrivateFiles {
    fn drop(&mut self) {
        // Closed first: an open file keeps its folder on Windows.
        drop(self.lock.take());
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Removes the folders of programs that are gone.
fn sweep(root: &Path) {
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let folder = entry.path();
        let Ok(lock) = File::open(folder.join("lock")) else { continue };
        if lock.try_lock().is_ok() {
            drop(lock);
            let _ = fs::remove_dir_all(&folder);
        }
    }
}

/// Makes a folder that only its owner can look into.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    #[cfg(unix)]
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    Ok(())
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::Permission,
    };
    Error::new(kind, "The files for the connector's program could not be written.")
        .with("path", path.display())
        .caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn files_are_private_and_go_with_their_child_or_with_the_next_one() {
        let project = tempfile::tempdir().unwrap();
        let context = ConnectorContext::of(project.path());
        let mut files = PrivateFiles::new(&context).unwrap();
        let path = files.json("config", &json!({"password": "hunter2"})).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(Path::new(&path)), mode(&files.folder)), (0o600, 0o700));
        }
        let other = PrivateFiles::new(&context).unwrap();
        assert!(Path::new(&path).exists(), "it is in use");
        let folder = files.folder.clone();
        drop(files);
        assert!(!folder.exists());
        // As after a kill: the folder is there, and nobody holds its lock.
        let left = other.folder.with_file_name("run-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("lock"), "").unwrap();
        fs::write(left.join("config.json"), "secret").unwrap();
        drop(PrivateFiles::new(&context).unwrap());
        assert!(!left.exists() && other.folder.exists());
    }
}
