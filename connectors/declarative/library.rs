//! The manifests that a project brings with it, in versions side by side:
//!
//! ```text
//! connectors/NAME/VERSION/manifest.yaml   schemas/
//! connectors/NAME/manifest.yaml           schemas/     version 0: one that was put there by hand
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use syncline_manifest::http::client::{Client, Limits, Prepared};
use syncline_protocol::{ConnectorRegistry, Error, ErrorKind, Result, compare_versions, split_reference};

use super::Declarative;
use super::intake::Offered;

const FOLDER: &str = "connectors";
pub(super) const MANIFEST: &str = "manifest.yaml";
/// The largest manifest there is has 700 KB.
pub(super) const BYTES_MAX: u64 = 16 << 20;
/// The version of a manifest that lies in no folder of its own.
const PLAIN: &str = "0";
const VERSION_BYTES_MAX: usize = 64;

/// The folder of a connector of this project.
pub fn folder(project: &Path, name: &str) -> PathBuf {
    project.join(FOLDER).join(name)
}

/// The folder of one version.
pub fn version_folder(project: &Path, name: &str, version: &str) -> PathBuf {
    let folder = folder(project, name);
    if version == PLAIN { folder } else { folder.join(version) }
}

/// Puts all manifests of a project, each in all its versions, beside the connectors of the program. One that cannot be
/// loaded is listed, too: whoever uses it reads why. Can be repeated: what is gone from the folder is gone then.
///
/// # Errors
/// `Config`, when the folder cannot be read.
pub fn load(project: &Path, registry: &ConnectorRegistry) -> Result<()> {
    let mut all = Vec::new();
    for name in names(project)? {
        for version in versions(project, &name)? {
            all.push(open_version(project, &name, &version)?);
        }
    }
    registry.list().iter().filter(|known| known.versioned()).for_each(|known| registry.remove(&known.name()));
    all.into_iter().for_each(|connector| registry.add(Arc::new(connector)));
    Ok(())
}

/// The names of the manifests of a project, sorted.
///
/// # Errors
/// `Config`, when the folder cannot be read.
pub fn names(project: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for name in folders(&project.join(FOLDER))? {
        if !versions(project, &name)?.is_empty() {
            names.push(name);
        }
    }
    Ok(names)
}

/// The versions of a manifest, oldest first; empty when there is none of this name.
///
/// # Errors
/// `Config`, when the folder cannot be read.
pub fn versions(project: &Path, name: &str) -> Result<Vec<String>> {
    let folder = folder(project, name);
    let mut versions = folders(&folder)?;
    versions
        .retain(|version| validate_version(version).is_ok() && folder.join(version).join(MANIFEST).is_file());
    // The folder called 0 would be hidden by one without a version: it is none.
    versions.retain(|version| version != PLAIN);
    if folder.join(MANIFEST).is_file() {
        versions.push(PLAIN.to_owned());
    }
    versions.sort_by(|left, right| compare_versions(left, right));
    Ok(versions)
}

/// The folders in a folder, sorted; none when it is not there.
fn folders(folder: &Path) -> Result<Vec<String>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, error))? {
        let entry = entry.map_err(|error| unreadable(folder, error))?;
        if entry.path().is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Checks the name of a version, which is a folder: letters, digits, `.`, `_`, `+` and `-`, beginning and ending with a
/// letter or digit.
///
/// # Errors
/// `Config`, with the rule.
pub fn validate_version(version: &str) -> Result<()> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric();
    let bytes = version.as_bytes();
    let shape = bytes.first().is_some_and(plain)
        && bytes.last().is_some_and(plain)
        && bytes.iter().all(|byte| plain(byte) || b"._+-".contains(byte))
        && bytes.len() <= VERSION_BYTES_MAX
        && version != "schemas";
    if shape {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("`{}` cannot be used as a version.", version.escape_debug()))
        .fix("Use letters, digits and dots, for example 2 or 1.4.0."))
}

/// The connector of this name, or `name@version`; without a version the newest.
///
/// # Errors
/// `NotFound`, `Config`, when its file cannot be read. A manifest that is not valid gives a connector that says so.
pub fn open(project: &Path, reference: &str) -> Result<Declarative> {
    let (name, version) = split_reference(reference);
    let newest = versions(project, name)?.pop();
    let version = version.map(str::to_owned).or(newest).ok_or_else(|| {
        Error::new(ErrorKind::NotFound, format!("There is no manifest called `{name}`."))
            .fix("List them with `syncline connector list`.")
    })?;
    open_version(project, name, &version)
}

fn open_version(project: &Path, name: &str, version: &str) -> Result<Declarative> {
    let folder = version_folder(project, name, version);
    let text = read(&folder.join(MANIFEST))?;
    Ok(Declarative::new(name, text, schemas(&folder)).at_version(version))
}

/// The version that follows those that are there, when whoever made it did not number it.
pub fn next_version(versions: &[String]) -> String {
    let leading = |version: &String| {
        let digits = version.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(version.len());
        version[..digits].parse::<u64>().ok()
    };
    (versions.iter().filter_map(leading).max().unwrap_or(0) + 1).to_string()
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

/// Loads a file from an address of the web.
///
/// # Errors
/// As for any request; `NotFound` when the address answers with something else than a file; `LimitExceeded`.
pub(super) async fn fetch(url: &str, bytes_max: u64) -> Result<Bytes> {
    let wrong = |why: &str| {
        Error::new(ErrorKind::NotFound, format!("The address of the file {why}."))
            .meaning("Nothing was changed.")
            .fix("Download the file and add it by its path.")
    };
    let url = url::Url::parse(url).map_err(|_| wrong("is not valid"))?;
    let limits = Limits { body_bytes: bytes_max, ..Limits::default() };
    let request = Prepared::get(url);
    let answer = Client::new(limits)?.send(&request).await?;
    let status = answer.status;
    let body = answer.body.whole().await?;
    if status != 200 {
        return Err(wrong(&format!("answers with {status}")));
    }
    Ok(body)
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

/// Keeps a manifest that is written in this project, with the schema files beside it: its newest version is replaced;
/// one that is new lies in its folder without a version.
///
/// # Errors
/// `Config`, when it is not valid: then nothing is changed.
pub fn save(project: &Path, name: &str, text: &str, schema_files: Option<&Path>) -> Result<Declarative> {
    let version = versions(project, name)?.pop().unwrap_or_else(|| PLAIN.to_owned());
    let schemas = schema_files.map(super::intake::schemas_in).transpose()?.unwrap_or_default();
    let offered = Offered { text: text.to_owned(), schemas, ..Offered::default() };
    save_version(project, name, &version, &offered)
}

/// Keeps a changed manifest as the version that follows those that are there, with the schema files of the newest.
///
/// # Errors
/// `Config`, when it is not valid: then nothing is changed.
pub fn save_next(project: &Path, name: &str, text: &str) -> Result<Declarative> {
    let versions = versions(project, name)?;
    let newest = versions.last().map(|newest| version_folder(project, name, newest));
    let schemas = newest.as_deref().map(super::intake::schemas_in).transpose()?.unwrap_or_default();
    let offered = Offered { text: text.to_owned(), schemas, ..Offered::default() };
    save_version(project, name, &next_version(&versions), &offered)
}

/// The text of a manifest of a project, by its name or `name@version`.
///
/// # Errors
/// `NotFound`, `Config`.
pub fn text(project: &Path, reference: &str) -> Result<String> {
    let (name, version) = split_reference(reference);
    let newest = versions(project, name)?.pop();
    let version = version.map(str::to_owned).or(newest).unwrap_or_else(|| PLAIN.to_owned());
    read(&version_folder(project, name, &version).join(MANIFEST))
}

/// Keeps a manifest in a project as one of its versions. What is there under this version is replaced.
///
/// # Errors
/// `Config`, when it is not valid: then nothing is changed.
pub fn save_version(project: &Path, name: &str, version: &str, offered: &Offered) -> Result<Declarative> {
    validate_version(version)?;
    let known = offered.schemas.clone();
    let schema = move |name: &str| serde_json::from_str(known.get(name)?).ok();
    let connector = Declarative::load(name, offered.text.clone(), schema)?.at_version(version);
    let folder = version_folder(project, name, version);
    let schemas = folder.join("schemas");
    fs::create_dir_all(&folder).map_err(|error| unreadable(&folder, error))?;
    if !offered.schemas.is_empty() {
        fs::create_dir_all(&schemas).map_err(|error| unreadable(&schemas, error))?;
    }
    for (name, text) in &offered.schemas {
        let file = schemas.join(format!("{name}.json"));
        fs::write(&file, text).map_err(|error| unreadable(&file, error))?;
    }
    // Written beside and moved, so that a file is never half there; last, so that a version is whole or not there.
    let (path, beside) = (folder.join(MANIFEST), folder.join(format!("{MANIFEST}.new")));
    fs::write(&beside, &offered.text)
        .and_then(|()| fs::rename(&beside, &path))
        .map_err(|error| unreadable(&path, error))?;
    Ok(connector)
}

/// Removes one version of a manifest.
///
/// # Errors
/// `Config`, when its files cannot be removed.
pub fn remove(project: &Path, name: &str, version: &str) -> Result<()> {
    let (own, whole) = (version_folder(project, name, version), folder(project, name));
    if own != whole {
        fs::remove_dir_all(&own).map_err(|error| unreadable(&own, error))?;
    } else {
        let (manifest, schemas) = (whole.join(MANIFEST), whole.join("schemas"));
        fs::remove_file(&manifest).map_err(|error| unreadable(&manifest, error))?;
        if schemas.is_dir() {
            fs::remove_dir_all(&schemas).map_err(|error| unreadable(&schemas, error))?;
        }
    }
    // The folder of the name goes with its last version; anything else in it stays.
    if versions(project, name)?.is_empty() {
        let _ = fs::remove_dir(&whole);
    }
    Ok(())
}

pub(super) fn unreadable(path: &Path, error: std::io::Error) -> Error {
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

#[cfg(test)]
mod tests {
    use syncline_protocol::Connector as _;

    use super::*;

    const MANIFEST_TEXT: &str = "version: 6.0.0\ntype: DeclarativeSource\ncheck: {type: CheckStream, stream_names: []}\nstreams: []\n";

    #[test]
    fn versions_lie_side_by_side_and_one_can_be_without() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path();
        let offered = Offered { text: MANIFEST_TEXT.to_owned(), ..Offered::default() };
        assert!(names(project).unwrap().is_empty());
        save(project, "shop", MANIFEST_TEXT, None).unwrap();
        assert!(project.join("connectors/shop/manifest.yaml").is_file());
        for version in ["1.10.0", "1.9.0"] {
            save_version(project, "shop", version, &offered).unwrap();
        }
        // What is no version is none.
        fs::create_dir_all(project.join("connectors/shop/schemas")).unwrap();
        fs::create_dir_all(project.join("connectors/empty/1")).unwrap();
        assert_eq!(names(project).unwrap(), ["shop"]);
        assert_eq!(versions(project, "shop").unwrap(), ["0", "1.9.0", "1.10.0"]);
        assert_eq!(next_version(&versions(project, "shop").unwrap()), "2");
        assert_eq!(open(project, "shop").unwrap().version(), "1.10.0");
        assert_eq!(open(project, "shop@0").unwrap().version(), "0");
        assert!(open(project, "shop@7").is_err());

        // What is written in the project replaces the newest.
        let changed = format!("{MANIFEST_TEXT}# changed\n");
        save(project, "shop", &changed, None).unwrap();
        assert_eq!(text(project, "shop").unwrap(), changed);
        assert_eq!(text(project, "shop@1.9.0").unwrap(), MANIFEST_TEXT);

        // What is used stays as it is: the changed one follows it, with its schema files.
        fs::create_dir_all(project.join("connectors/shop/1.10.0/schemas")).unwrap();
        fs::write(project.join("connectors/shop/1.10.0/schemas/users.json"), "{}").unwrap();
        assert_eq!(save_next(project, "shop", MANIFEST_TEXT).unwrap().version(), "2");
        assert_eq!(text(project, "shop@1.10.0").unwrap(), changed);
        assert!(project.join("connectors/shop/2/schemas/users.json").is_file());
        for version in ["", "..", "a/b", ".1", "1.", "schemas"] {
            assert!(save_version(project, "shop", version, &offered).is_err(), "{version}");
        }
        for version in ["0", "1.10.0", "1.9.0", "2"] {
            remove(project, "shop", version).unwrap();
        }
        assert!(names(project).unwrap().is_empty());
    }
}
