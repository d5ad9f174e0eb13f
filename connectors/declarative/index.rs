//! An index of connectors that others publish, in the form of Airbyte's registry: which manifests there are and where.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::{Error, ErrorKind, Result};

use super::library::{fetch, unreadable};

/// The registry has a specification of each connector in it: some 20 MB.
const BYTES_MAX: u64 = 128 << 20;
/// Where the manifests of an index lie whose own address is not known.
const PUBLISHED: &str = "https://connectors.airbyte.com/files";

/// Manifests that can be added by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Where it came from.
    pub from: String,
    /// The manifests, sorted by name.
    pub entries: Vec<Entry>,
    /// How many other connectors it lists, which are programs and no manifests.
    pub programs: usize,
}

/// A manifest that can be added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// By which it can be added, for example `pokeapi`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// Its newest version.
    pub version: String,
    /// Where its manifest lies.
    pub url: String,
}

impl Index {
    /// Reads an index from an address or a file.
    ///
    /// # Errors
    /// `NotFound`; `CorruptInput` when it is no such index; `LimitExceeded`; as for any request.
    pub async fn load(from: &str) -> Result<Index> {
        if from.starts_with("https://") || from.starts_with("http://") {
            return Index::parse(&fetch(from, BYTES_MAX).await?, from);
        }
        let path = Path::new(from);
        let size = std::fs::metadata(path).map_err(|error| unreadable(path, error))?.len();
        if size > BYTES_MAX {
            return Err(Error::new(ErrorKind::LimitExceeded, "An index of connectors has at most 128 MB."));
        }
        Index::parse(&std::fs::read(path).map_err(|error| unreadable(path, error))?, from)
    }

    fn parse(bytes: &[u8], from: &str) -> Result<Index> {
        let wrong = || {
            Error::new(ErrorKind::CorruptInput, "This is no index of connectors.")
                .meaning("Nothing was kept.")
                .fix("Give the address or file of a registry: a JSON object with `sources`.")
        };
        let root: Value = serde_json::from_slice(bytes).map_err(|error| wrong().caused_by(error))?;
        let sources = root.get("sources").and_then(Value::as_array).ok_or_else(wrong)?;
        // …/files/registries/v0/oss_registry.json → …/files
        let base = from.split("/registries/").next().filter(|base| base.starts_with("http") && *base != from);
        let mut index = Index { from: from.to_owned(), ..Index::default() };
        for source in sources {
            match entry(source, base.unwrap_or(PUBLISHED)) {
                Some(entry) => index.entries.push(entry),
                None => index.programs += 1,
            }
        }
        index.entries.sort();
        Ok(index)
    }

    /// The manifest of this name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }
}

fn entry(source: &Value, base: &str) -> Option<Entry> {
    let text = |field: &str| source.get(field).and_then(Value::as_str);
    let tags = source.get("tags").and_then(Value::as_array);
    let is_manifest = text("language") == Some("manifest-only")
        || tags.is_some_and(|tags| tags.iter().any(|tag| tag == "language:manifest-only"));
    let (repository, version) = (text("dockerRepository")?, text("dockerImageTag")?);
    let name = repository.rsplit('/').next()?.trim_start_matches("source-");
    // What would lead to another place than a file of this connector is none of it.
    let plain =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.+".contains(&byte));
    if !is_manifest || !plain(repository) || !plain(version) || repository.contains("..") {
        return None;
    }
    Some(Entry {
        name: name.to_owned(),
        title: text("name").unwrap_or(name).to_owned(),
        version: version.to_owned(),
        url: format!("{base}/metadata/{repository}/{version}/manifest.yaml"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn manifests_of_a_registry_are_listed_with_their_addresses() {
        let registry = json!({"sources": [
            {"name": "PokeAPI", "dockerRepository": "airbyte/source-pokeapi", "dockerImageTag": "0.3.1",
             "tags": ["language:manifest-only"]},
            {"name": "Aha", "dockerRepository": "airbyte/source-aha", "dockerImageTag": "1.0.0", "language": "manifest-only"},
            {"name": "Postgres", "dockerRepository": "airbyte/source-postgres", "dockerImageTag": "3.0.0", "language": "java"},
            {"name": "Odd", "dockerRepository": "../../etc", "dockerImageTag": "1", "language": "manifest-only"},
            {"nothing": true}
        ], "destinations": []});
        let from = "http://127.0.0.1:1/files/registries/v0/oss_registry.json";
        let index = Index::parse(registry.to_string().as_bytes(), from).unwrap();
        let names: Vec<&str> = index.entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!((names, index.programs), (vec!["aha", "pokeapi"], 3));
        let entry = index.entry("pokeapi").unwrap();
        assert_eq!(entry.url, "http://127.0.0.1:1/files/metadata/airbyte/source-pokeapi/0.3.1/manifest.yaml");
        let index = Index::parse(registry.to_string().as_bytes(), "registry.json").unwrap();
        assert!(index.entries[0].url.starts_with("https://connectors.airbyte.com/files/metadata/"));
        for text in ["[]", "{", "{\"sources\": 3}"] {
            assert_eq!(Index::parse(text.as_bytes(), "f").unwrap_err().kind(), ErrorKind::CorruptInput);
        }
    }
}
