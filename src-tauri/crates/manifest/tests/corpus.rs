//! Real manifests, where there are some: a folder beside the repository, or the one that `SYNCLINE_CORPUS` names.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use syncline_manifest::document::Document;
use syncline_manifest::expression::python_str;

/// The folder, if there is one.
pub(crate) fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/corpus");
    let folder = std::env::var_os("SYNCLINE_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    if folder.join("manifests").is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: there are no real manifests at {}; name them with SYNCLINE_CORPUS", folder.display());
    None
}

/// The names of the manifests, and their texts.
pub(crate) fn manifests(corpus: &std::path::Path) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = std::fs::read_dir(corpus.join("manifests"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

fn ordered(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let fields: BTreeMap<&String, Json> =
                fields.iter().map(|(key, value)| (key, ordered(value))).collect();
            Json::Object(fields.into_iter().map(|(key, value)| (key.clone(), value)).collect())
        }
        Json::Array(items) => items.iter().map(ordered).collect(),
        Json::Number(number) if number.is_f64() => Json::from(python_str(value)),
        other => other.clone(),
    }
}

#[test]
fn manifests_resolve_to_what_the_reference_resolves_them_to() {
    let Some(corpus) = corpus() else { return };
    let hashes: BTreeMap<String, String> = serde_json::from_str(include_str!("resolved.json")).unwrap();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (name, text) in manifests(&corpus) {
        let Some(expected) = hashes.get(&name) else { continue };
        compared += 1;
        match Document::parse(&text) {
            Err(error) => wrong.push(format!("{name}: {error:?}")),
            Ok(document) => {
                let text = ordered(document.root()).to_string();
                let hash = Sha256::digest(text.as_bytes());
                let hash: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
                if hash != *expected {
                    if let Some(folder) = std::env::var_os("SYNCLINE_RESOLVED") {
                        std::fs::write(PathBuf::from(folder).join(format!("{name}.ours")), text).unwrap();
                    }
                    wrong.push(format!("{name}: another tree"));
                }
            }
        }
    }
    assert!(compared >= 285, "{compared} manifests");
    assert!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
}
