//! Which files there are: one, those of a folder, or those that a pattern matches.

use std::path::{Component, Path, PathBuf};
use std::time::SystemTime;

use globset::{GlobBuilder, GlobMatcher};
use syncline_protocol::{Error, ErrorKind, Result};
use walkdir::WalkDir;

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundFile {
    pub(super) path: PathBuf,
    /// Its path below the place where the search began, with `/` between the parts.
    pub(super) name: String,
    pub(super) size: u64,
    /// When it was last changed, µs since 1970-01-01.
    pub(super) modified: i64,
}

/// Where to look.
#[derive(Debug, Clone)]
pub(super) enum Location {
    /// One file.
    File(PathBuf),
    /// The files directly inside a folder.
    Folder(PathBuf),
    /// The files below `base` whose path matches.
    Pattern { base: PathBuf, matcher: Box<GlobMatcher> },
}

impl Location {
    /// What `path` means: an existing file or folder, else a pattern.
    ///
    /// # Errors
    /// `NotFound` when it is neither; `Config` when it is not a valid pattern.
    pub(super) fn of(path: &Path) -> Result<Self> {
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Ok(Location::Folder(path.to_owned())),
            Ok(_) => return Ok(Location::File(path.to_owned())),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                return Err(unreadable(path, error));
            }
            Err(_) => {}
        }
        let is_pattern =
            |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
        if !path.components().any(|part| is_pattern(&part)) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("There is no file or folder {}.", path.display()),
            ));
        }
        let base: PathBuf = path.components().take_while(|part| !is_pattern(part)).collect();
        let pattern: PathBuf = path.components().skip_while(|part| !is_pattern(part)).collect();
        let glob = GlobBuilder::new(&pattern.to_string_lossy().replace('\\', "/"))
            .literal_separator(true)
            .build()
            .map_err(|error| {
                Error::new(ErrorKind::Config, format!("{} is not a valid pattern.", path.display()))
                    .caused_by(error)
            })?;
        Ok(Location::Pattern { base, matcher: Box::new(glob.compile_matcher()) })
    }

    /// All files, the oldest first; those of the same time by name. The order is that in which they are read.
    ///
    /// # Errors
    /// `Permission` or `NotFound` when a folder cannot be read.
    pub(super) fn list(&self) -> Result<Vec<FoundFile>> {
        let (root, depth) = match self {
            Location::File(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
                return Ok(vec![found(path, name)?]);
            }
            Location::Folder(path) => (path, 1),
            Location::Pattern { base, .. } => (base, 64),
        };
        let mut files = Vec::new();
        for entry in WalkDir::new(root).follow_links(true).min_depth(1).max_depth(depth) {
            let entry = match entry {
                Ok(entry) => entry,
                // Gone meanwhile, or a link that leads nowhere or in a circle.
                Err(error) if error.depth() > 0 && leads_nowhere(&error) => {
                    tracing::debug!(%error, "not a file any more");
                    continue;
                }
                Err(error) => return Err(closed(root, error)),
            };
            let file_name = entry.file_name().to_string_lossy();
            // Hidden files, and the marks that Office leaves beside open files.
            if !entry.file_type().is_file() || file_name.starts_with('.') || file_name.starts_with("~$") {
                continue;
            }
            let below = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let parts: Vec<_> = below.components().map(|part| part.as_os_str().to_string_lossy()).collect();
            let name = parts.join("/");
            if let Location::Pattern { matcher, .. } = self
                && !matcher.is_match(&name)
            {
                continue;
            }
            match found(entry.path(), name) {
                Ok(file) => files.push(file),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        files.sort_by(|left, right| (left.modified, &left.name).cmp(&(right.modified, &right.name)));
        Ok(files)
    }

    /// What to call a table of all files: the folder they lie in.
    pub(super) fn name(&self) -> String {
        let path = match self {
            Location::File(path) | Location::Folder(path) | Location::Pattern { base: path, .. } => path,
        };
        let name = match self {
            Location::File(_) => path.file_name().map(|name| stem(&name.to_string_lossy()).to_owned()),
            _ => path.file_name().map(|name| name.to_string_lossy().into_owned()),
        };
        name.filter(|name| !name.is_empty() && name != ".").unwrap_or_else(|| "files".to_owned())
    }
}

fn leads_nowhere(error: &walkdir::Error) -> bool {
    error.loop_ancestor().is_some()
        || error.io_error().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

fn closed(root: &Path, error: walkdir::Error) -> Error {
    let place = error.path().unwrap_or(root).display().to_string();
    if leads_nowhere(&error) {
        return Error::new(ErrorKind::NotFound, format!("There is no folder {place}.")).caused_by(error);
    }
    Error::new(ErrorKind::Permission, format!("The folder {place} cannot be read.")).caused_by(error)
}

/// The file as it is now.
///
/// # Errors
/// `NotFound` or `Permission`.
pub(super) fn found(path: &Path, name: String) -> Result<FoundFile> {
    let found = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
    let modified = found.modified().ok().and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
    Ok(FoundFile {
        path: path.to_owned(),
        name,
        size: found.len(),
        modified: modified.and_then(|at| i64::try_from(at.as_micros()).ok()).unwrap_or(0),
    })
}

/// What it means when a file cannot be opened or read.
pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let (kind, what) = match error.kind() {
        std::io::ErrorKind::NotFound => (ErrorKind::NotFound, "does not exist"),
        std::io::ErrorKind::PermissionDenied => (ErrorKind::Permission, "may not be read"),
        _ => (ErrorKind::CorruptInput, "could not be read to its end"),
    };
    // A limit of ours travels through readers as an I/O error.
    match error.downcast::<Error>() {
        Ok(own) => own.with("file", path.display()),
        Err(error) => Error::new(kind, format!("The file {} {what}.", path.display())).caused_by(error),
    }
}

/// `orders` of `2024/orders.csv.gz`.
pub(super) fn stem(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let file = [".gz", ".zst", ".zstd"].iter().find_map(|ending| strip_ending(file, ending)).unwrap_or(file);
    match file.rfind('.') {
        Some(at) if at > 0 => &file[..at],
        _ => file,
    }
}

/// `name` without `ending`, in any case.
pub(super) fn strip_ending<'a>(name: &'a str, ending: &str) -> Option<&'a str> {
    let at = name.len().checked_sub(ending.len())?;
    name.is_char_boundary(at)
        .then(|| name.split_at(at))
        .filter(|(_, end)| end.eq_ignore_ascii_case(ending))
        .map(|(start, _)| start)
}
