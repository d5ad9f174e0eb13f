//! Manifests from elsewhere: a file, a folder, an address, a Python package (a wheel: a zip with a manifest in it).

use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Read};
use std::path::Path;

use bytes::Bytes;
use syncline_protocol::{Error, ErrorKind, Result};

use super::library::{BYTES_MAX, MANIFEST, fetch, read, unreadable};

/// A wheel has a manifest, schemas and a few small files; what is larger is something else.
const WHEEL_FILES_MAX: usize = 10_000;

/// A manifest that could be added.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offered {
    /// Its text.
    pub text: String,
    /// The schema files beside it, by name without `.json`.
    pub schemas: BTreeMap<String, String>,
    /// What its maker calls it, when that is known.
    pub name: Option<String>,
    /// How its maker numbers it, when that is known.
    pub version: Option<String>,
}

/// Looks at what is offered: a manifest's file, a folder with `manifest.yaml`, a wheel, or an address of either file.
///
/// # Errors
/// `NotFound`, `Config`, `LimitExceeded`; as for any request.
pub async fn take(from: &str) -> Result<Offered> {
    if from.starts_with("https://") || from.starts_with("http://") {
        let bytes = fetch(from, BYTES_MAX).await?;
        return if is_wheel(&bytes) {
            wheel(&bytes)
        } else {
            Ok(Offered { text: text(bytes)?, ..Offered::default() })
        };
    }
    let path = Path::new(from);
    if path.is_dir() {
        return folder(&path.join(MANIFEST), path);
    }
    let mut start = [0; 4];
    let opened = fs::File::open(path).and_then(|mut file| file.read_exact(&mut start));
    if opened.is_ok() && is_wheel(&start) {
        let size = fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
        if size > BYTES_MAX {
            return Err(too_large());
        }
        return wheel(&fs::read(path).map_err(|error| unreadable(path, error))?);
    }
    folder(path, path.parent().unwrap_or(Path::new(".")))
}

fn is_wheel(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

fn too_large() -> Error {
    Error::new(ErrorKind::LimitExceeded, "A manifest has at most 16 MB.").meaning("Nothing was added.")
}

fn text(bytes: Bytes) -> Result<String> {
    String::from_utf8(bytes.to_vec()).map_err(|_| {
        Error::new(ErrorKind::CorruptInput, "The manifest is no text.").meaning("Nothing was added.")
    })
}

/// A manifest with what lies beside it.
fn folder(manifest: &Path, folder: &Path) -> Result<Offered> {
    let schemas = schemas_in(folder)?;
    let mut offered = Offered { text: read(manifest)?, schemas, ..Offered::default() };
    if let Ok(metadata) = fs::read_to_string(folder.join("metadata.yaml")) {
        offered.version = released(&metadata);
    }
    Ok(offered)
}

/// The schema files beside a manifest.
pub(super) fn schemas_in(folder: &Path) -> Result<BTreeMap<String, String>> {
    let folder = folder.join("schemas");
    let mut schemas = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(schemas);
    }
    for entry in fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))?.flatten() {
        let path = entry.path();
        let name = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned);
        if let Some(name) = name.filter(|_| path.extension().is_some_and(|extension| extension == "json")) {
            schemas.insert(name, read(&path)?);
        }
    }
    Ok(schemas)
}

/// `dockerImageTag: 1.2.3`: how the reference numbers a connector in the file beside its manifest.
fn released(metadata: &str) -> Option<String> {
    let value = metadata.lines().find_map(|line| line.trim().strip_prefix("dockerImageTag:"))?;
    let value = value.split('#').next().unwrap_or(value).trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

/// The manifest in a Python package, its schemas, its name and its version.
fn wheel(bytes: &[u8]) -> Result<Offered> {
    let wrong = |why: String| {
        Error::new(ErrorKind::CorruptInput, format!("The package {why}.")).meaning("Nothing was added.")
    };
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
        wrong("cannot be opened: it is no zip file, or damaged".to_owned()).caused_by(error)
    })?;
    if archive.len() > WHEEL_FILES_MAX {
        return Err(wrong(format!("holds more than {WHEEL_FILES_MAX} files")));
    }
    // Names that are no text belong to no file that is looked for.
    let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let mut left = BYTES_MAX;
    let mut content = |name: &str| -> Result<String> {
        let file = archive
            .by_name(name)
            .map_err(|error| wrong(format!("cannot be read at `{name}`")).caused_by(error))?;
        let mut text = String::new();
        // What it says of its sizes is not to be trusted: so much is read and no more.
        let read = file.take(left + 1).read_to_string(&mut text);
        read.map_err(|error| wrong(format!("cannot be read at `{name}`")).caused_by(error))?;
        left = left.checked_sub(text.len() as u64).ok_or_else(too_large)?;
        Ok(text)
    };
    let depth = |name: &&String| name.matches('/').count();
    let manifest = names.iter().filter(|name| name.rsplit('/').next() == Some(MANIFEST)).min_by_key(depth);
    let manifest = manifest.ok_or_else(|| {
        wrong("holds no manifest.yaml".to_owned()).fix(
            "Only connectors that are a manifest can be added; others can be run as an external connector.",
        )
    })?;
    let beside = manifest.strip_suffix(MANIFEST).unwrap_or_default();
    let mut offered = Offered { text: content(manifest)?, ..Offered::default() };
    for name in &names {
        let schema = name.strip_prefix(beside).and_then(|name| name.strip_prefix("schemas/"));
        if let Some(schema) =
            schema.and_then(|name| name.strip_suffix(".json")).filter(|name| !name.contains('/'))
        {
            offered.schemas.insert(schema.to_owned(), content(name)?);
        }
    }
    if let Some(metadata) = names.iter().find(|name| name.ends_with(".dist-info/METADATA")) {
        let metadata = content(metadata)?;
        let field = |field: &str| {
            metadata.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned())
        };
        let name = field("Name:").map(|name| name.to_lowercase().replace(['_', '.'], "-"));
        offered.name =
            name.map(|name| name.trim_start_matches("airbyte-").trim_start_matches("source-").to_owned());
        offered.version = field("Version:");
    }
    Ok(offered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn zipped(files: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in files {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn a_wheel_gives_its_manifest_schemas_name_and_version() {
        let bytes = zipped(&[
            ("source_shop/other/manifest.yaml", "deeper"),
            ("source_shop/manifest.yaml", "version: 6.0.0"),
            ("source_shop/schemas/users.json", "{}"),
            ("source_shop/schemas/deep/no.json", "{}"),
            (
                "airbyte_source_shop-1.4.0.dist-info/METADATA",
                "Metadata-Version: 2.1\nName: airbyte-source-shop\nVersion: 1.4.0\n\nNo\n",
            ),
        ]);
        let offered = wheel(&bytes).unwrap();
        assert_eq!((offered.text.as_str(), offered.name.as_deref()), ("version: 6.0.0", Some("shop")));
        assert_eq!(offered.version.as_deref(), Some("1.4.0"));
        assert_eq!(offered.schemas.keys().collect::<Vec<_>>(), ["users"]);
        let error = wheel(&zipped(&[("a/b.py", "")])).unwrap_err();
        assert!(error.message().contains("no manifest.yaml"), "{error}");
        assert_eq!(wheel(&bytes[..40]).unwrap_err().kind(), ErrorKind::CorruptInput);
    }

    #[test]
    fn a_file_that_unpacks_to_too_much_is_refused() {
        let huge = " ".repeat(BYTES_MAX as usize + 10);
        let error = wheel(&zipped(&[("a/manifest.yaml", &huge)])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LimitExceeded);
    }

    #[test]
    fn the_number_beside_a_manifest_is_its_version() {
        let of = |text: &str| released(text);
        assert_eq!(of("data:\n  dockerImageTag: 0.3.1 # the newest\n").as_deref(), Some("0.3.1"));
        assert_eq!(of("data:\n  dockerImageTag: \"2.0.0\"\n").as_deref(), Some("2.0.0"));
        assert_eq!(of("data: {}\n"), None);
    }
}
