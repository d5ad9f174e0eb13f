//! Real manifests: each resolves to what the reference makes of it.

use std::path::PathBuf;

use sha2::{Digest, Sha256};
use syncline_manifest::document::Document;

/// Name and fingerprint of each manifest's resolved tree, made by `testkit/reference/resolve.py`.
const RESOLVED: &str = include_str!("resolved.csv");

/// Where the real manifests are; none where they are not at hand.
pub fn corpus() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/corpus");
    let folder = std::env::var_os("SYNCLINE_CORPUS").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let found = [folder, PathBuf::from(beside).join("../../../shared/corpus")].into_iter().find(|at| at.is_dir());
    if found.is_none() {
        eprintln!("skipped: no manifests at SYNCLINE_CORPUS");
    }
    found
}

#[test]
fn every_manifest_resolves_as_the_reference_does_it() {
    let Some(corpus) = corpus() else { return };
    let mut different = Vec::new();
    let mut count = 0;
    for line in RESOLVED.lines() {
        let (name, expected) = line.split_once(',').expect("name and fingerprint");
        let text = std::fs::read_to_string(corpus.join(format!("manifests/{name}.yaml"))).expect("a manifest");
        count += 1;
        match Document::parse(&text) {
            Err(error) => different.push(format!("{name}: {error}")),
            Ok(document) => {
                let mut root = document.root().clone();
                root.sort_all_objects();
                let tree = root.to_string();
                let hash = format!("{:x}", Sha256::digest(tree.as_bytes()));
                if !hash.starts_with(expected) {
                    different.push(format!("{name}: another tree"));
                    if let Some(folder) = std::env::var_os("SYNCLINE_RESOLVED") {
                        let at = PathBuf::from(folder).join(format!("{name}.json"));
                        std::fs::write(at, tree).expect("a place for the difference");
                    }
                }
            }
        }
    }
    println!("{} of {count} manifests resolve as for the reference", count - different.len());
    assert!(different.is_empty(), "{}", different.join("\n"));
}
