//! The manifests that a project brings with it: `connectors/NAME/manifest.yaml`, with schema files in `schemas/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use syncline_manifest::http::client::{Client, Limits, Prepared};
use syncline_protocol::{ConnectorRegistry, Error, ErrorKind, Result};

use super::Declarative;

const FOLDER: &str = "connectors";
const MANIFEST: &str = "manifest.yaml";
/// The largest manifest there is has 700 KB.
const BYTES_MAX: u64 = 16 << 20;

/// The folder of a connector of this project.
pub fn folder(project: &Path, name: &str) -> PathBuf {
    project.join(FOLDER).join(name)
}

/// Adds all manifests of a project to the connectors of the program. One that cannot be loaded is listed, too: whoever
/// uses it reads why.
///
/// # Errors
/// `Config`, when the folder cannot be read.
pub fn load(project: &Path, registry: &ConnectorRegistry) -> Result<()> {
    for name in names(project)? {
        registry.add(Arc::new(open(project, &name)?));
    }
    Ok(())
}

/// The names of the manifests of a project, sorted.
///
/// # Errors
/// `Config`, when the folder cannot be read.
pub fn names(project: &Path) -> Result<Vec<String>> {
    let folder = project.join(FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
        let entry = entry.map_err(|error| unreadable(&folder, error))?;
        if entry.path().join(MANIFEST).is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The connector of this name.
///
/// # Errors
/// `Config`, when its file cannot be read. A manifest that is not valid gives a connector that says so.
pub fn open(project: &Path, name: &str) -> Result<Declarative> {
    let folder = folder(project, name);
    let text = read(&folder.join(MANIFEST))?;
    Ok(Declarative::new(name, text, schemas(&folder)))
}

/// Reads a manifest's file.
///
/// # Errors
/// `NotFound`, `Config` or `LimitExceeded`.
pub fn read(path: &Path) -> Result<String> {
    let size = fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
    if size > BYTES_MAX {
        return Err(Error::new(ErrorKind::LimitExceeded, "A manifest has at most 16 MB.")
            .with("file", path.display()));
    }
    fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

/// Loads a manifest from an address of the web.
///
/// # Errors
/// As for any request; `NotFound` when the address answers with something else than a file.
pub async fn fetch(url: &str) -> Result<String> {
    let wrong = |why: &str| {
        Error::new(ErrorKind::NotFound, format!("The address of the manifest {why}."))
            .fix("Download the file and add it by its path.")
    };
    let url = url::Url::parse(url).map_err(|_| wrong("is not valid"))?;
    let limits = Limits { body_bytes: BYTES_MAX, ..Limits::default() };
    let request = Prepared::get(url);
    let answer = Client::new(limits)?.send(&request).await?;
    let status = answer.status;
    let body = answer.body.whole().await?;
    if status != 200 {
        return Err(wrong(&format!("answers with {status}")));
    }
    String::from_utf8(body.to_vec()).map_err(|_| wrong("gives something that is no text"))
}

/// Finds schema files in the folder of a manifest.
pub fn schemas(folder: &Path) -> impl Fn(&str) -> Option<Value> + use<> {
    let folder = folder.join("schemas");
    move |name: &str| {
        // A name, not a path that leads out of the folder.
        let plain = !name.is_empty() && !name.contains(['/', '\\']) && name != "..";
        let text = plain.then(|| fs::read_to_string(folder.join(format!("{name}.json"))).ok())??;
        serde_json::from_str(&text).ok()
    }
}

/// Keeps a manifest in a project, with the schema files beside it. What is there under this name is replaced.
///
/// # Errors
/// `Config`, when it is not valid: then nothing is changed.
pub fn save(project: &Path, name: &str, text: &str, schema_files: Option<&Path>) -> Result<Declarative> {
    let beside = schema_files.map(Path::to_owned).unwrap_or_default();
    let connector = Declarative::load(name, text.to_owned(), schemas(&beside))?;
    let folder = folder(project, name);
    fs::create_dir_all(&folder).map_err(|error| unreadable(&folder, error))?;
    let from = beside.join("schemas");
    if schema_files.is_some() && from.is_dir() {
        let to = folder.join("schemas");
        fs::create_dir_all(&to).map_err(|error| unreadable(&to, error))?;
        for entry in fs::read_dir(&from).map_err(|error| unreadable(&from, error))?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "json") {
                fs::copy(entry.path(), to.join(entry.file_name()))
                    .map_err(|error| unreadable(&from, error))?;
            }
        }
    }
    // Written beside and moved, so that a file is never half there.
    let (path, beside) = (folder.join(MANIFEST), folder.join(format!("{MANIFEST}.new")));
    fs::write(&beside, text)
        .and_then(|()| fs::rename(&beside, &path))
        .map_err(|error| unreadable(&path, error))?;
    Ok(connector)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorKind::NotFound,
        std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::Config,
    };
    Error::new(kind, "A manifest could not be read or written.").with("file", path.display()).caused_by(error)
}

/// An error with its facts in one line.
pub(super) fn in_one_line(error: &Error) -> String {
    let facts: Vec<String> = error.context().iter().map(|(name, value)| format!("{name} {value}")).collect();
    if facts.is_empty() {
        error.message().to_owned()
    } else {
        format!("{} ({})", error.message(), facts.join(", "))
    }
}
