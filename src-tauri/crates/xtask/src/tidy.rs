//! The rules of the repository that no compiler checks.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use crate::shell::Workspace;

/// What each package of the workspace may depend on among ours; `dev:` marks what only its tests may.
const EDGES: &[(&str, &[&str])] = &[
    ("syncline-protocol", &[]),
    ("syncline-store", &["syncline-protocol"]),
    ("syncline-manifest", &["syncline-protocol", "dev:syncline-testkit"]),
    ("syncline-engine", &["syncline-protocol", "syncline-store", "dev:syncline-testkit"]),
    ("syncline-api", &["syncline-protocol", "syncline-store", "syncline-engine", "dev:syncline-testkit"]),
    ("connectors", &["syncline-protocol", "syncline-manifest", "connector-duckdb", "dev:syncline-testkit"]),
    ("connector-duckdb", &["syncline-protocol", "dev:syncline-testkit"]),
    (
        "syncline-worker",
        &[
            "syncline-protocol",
            "syncline-store",
            "syncline-engine",
            "syncline-api",
            "connectors",
            "dev:syncline-testkit",
        ],
    ),
    (
        "syncline-desktop",
        &["syncline-protocol", "syncline-store", "syncline-api", "syncline-worker", "dev:syncline-testkit"],
    ),
    ("syncline-testkit", &["syncline-protocol"]),
    ("xtask", &[]),
    // Tests of the whole: it may know everything, and nothing knows it.
    ("e2e", &["*"]),
];

/// Packages from elsewhere that a package must not depend on, and why.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    (
        "syncline-protocol",
        &["tokio", "reqwest", "rusqlite", "duckdb", "tokio-postgres", "hyper", "axum", "tauri"],
        "the contract does no I/O and needs no runtime",
    ),
    (
        "syncline-engine",
        &["duckdb", "rusqlite", "tokio-postgres", "parquet", "csv", "axum", "tauri", "reqwest"],
        "the engine knows no system, only the contract",
    ),
    (
        "syncline-api",
        &["duckdb", "rusqlite", "tokio-postgres", "parquet", "axum", "hyper", "tauri", "reqwest"],
        "requests are the same in every window, whatever serves them",
    ),
    (
        "syncline-store",
        &["duckdb", "tokio-postgres", "axum", "tauri", "reqwest"],
        "the store keeps files and state",
    ),
    ("connectors", &["duckdb", "axum", "tauri"], "only connector-duckdb links DuckDB"),
    (
        "syncline-worker",
        &["duckdb", "rusqlite", "tokio-postgres", "parquet", "tauri"],
        "no SQL outside connectors",
    ),
    (
        "syncline-desktop",
        &["duckdb", "rusqlite", "tokio-postgres", "arrow", "parquet", "axum", "reqwest"],
        "the shell has no logic: what a window can do is a request of the api",
    ),
    ("syncline-testkit", &["duckdb", "rusqlite"], "every package tests with it, also those without DuckDB"),
    ("xtask", &["arrow", "duckdb", "tokio"], "it must compile in seconds"),
];

/// What may lie at the top of the repository.
const TOP: &[&str] = &[
    ".cargo",
    ".ci",
    ".clippy.toml",
    ".config",
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".rustfmt.toml",
    ".schemas",
    ".tools",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "connectors",
    "icons",
    "src-tauri",
    "target",
    "tests",
    "ui",
];

/// The files in which time may pass without anything happening: testkit waits for conditions, and slows a connection down.
const MAY_SLEEP: &[&str] = &["src-tauri/crates/testkit/src/wait.rs", "src-tauri/crates/testkit/src/proxy.rs"];

/// A source file with more lines deserves a hard look. A warning, as some are rightly long.
const LINES_MAX: usize = 800;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    for (name, lines) in long_files(&workspace.root)? {
        println!("warning: {name} has {lines} lines; more than {LINES_MAX} deserve a hard look");
    }
    let mut metadata = MetadataCommand::new();
    metadata.current_dir(&workspace.root).no_deps().other_options(vec!["--locked".to_owned()]);
    let metadata = metadata.exec()?;
    let mut broken = edges(&metadata);
    broken.extend(lints(&metadata)?);
    broken.extend(sources(&workspace.root)?);
    broken.extend(top(&workspace.root)?);
    ensure!(broken.is_empty(), "rules of the repository are broken:\n  {}", broken.join("\n  "));
    Ok(())
}

/// Dependencies that point the wrong way.
fn edges(metadata: &Metadata) -> Vec<String> {
    let ours: Vec<&Package> = metadata.workspace_packages();
    let names: Vec<&str> = ours.iter().map(|package| package.name.as_str()).collect();
    let rules: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut broken = Vec::new();
    for package in ours {
        let name = package.name.as_str();
        let Some(allowed) = rules.get(name) else {
            broken.push(format!("package {name} has no rule in tidy.rs: say what it may depend on"));
            continue;
        };
        for dependency in &package.dependencies {
            let on = dependency.name.as_str();
            let in_tests = dependency.kind == DependencyKind::Development;
            let is_allowed = allowed.iter().any(|rule| match rule.strip_prefix("dev:") {
                Some(rule) => in_tests && rule == on,
                None => *rule == "*" || *rule == on,
            });
            if names.contains(&on) && !is_allowed {
                broken.push(format!("{name} must not depend on {on}"));
            }
            let forbidden = FORBIDDEN.iter().find(|(of, what, _)| *of == name && what.contains(&on));
            if let Some((_, _, why)) = forbidden.filter(|_| !in_tests) {
                broken.push(format!("{name} must not depend on {on}: {why}"));
            }
        }
    }
    broken
}

/// Packages that do not take the lints of the workspace.
fn lints(metadata: &Metadata) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for package in metadata.workspace_packages() {
        let text = fs::read_to_string(&package.manifest_path)?;
        if !text.replace(' ', "").contains("[lints]\nworkspace=true") {
            broken.push(format!("{} does not take the lints of the workspace", package.name));
        }
    }
    Ok(broken)
}

/// All source files, with their names from the top of the repository.
fn all_sources(root: &Path) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for folder in ["src-tauri", "connectors", "tests"] {
        rust_files(&root.join(folder), &mut files)?;
    }
    let read = |file: PathBuf| {
        let name = file.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
        Ok((name, fs::read_to_string(&file)?))
    };
    files.into_iter().map(read).collect()
}

/// The files with more than [`LINES_MAX`] lines, longest first.
fn long_files(root: &Path) -> Result<Vec<(String, usize)>> {
    let files = all_sources(root)?.into_iter().map(|(name, text)| (name, text.lines().count()));
    let mut long: Vec<(String, usize)> = files.filter(|(_, lines)| *lines > LINES_MAX).collect();
    long.sort_by_key(|(_, lines)| std::cmp::Reverse(*lines));
    Ok(long)
}

/// Sleeping tests, and connectors that know each other.
fn sources(root: &Path) -> Result<Vec<String>> {
    let connectors: Vec<String> = fs::read_dir(root.join("connectors"))?
        .flatten()
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "tests")
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    let mut broken = Vec::new();
    for (name, text) in all_sources(root)? {
        broken.extend(check_source(&name, &text, &connectors));
    }
    Ok(broken)
}

/// What is wrong with one source file.
fn check_source(name: &str, text: &str, connectors: &[String]) -> Vec<String> {
    let mut broken = Vec::new();
    let is_test_file = name.split('/').any(|part| part == "tests" || part == "testkit");
    // Unit tests stand at the end of their file.
    let tests = if is_test_file { 0 } else { text.find("#[cfg(test)]").unwrap_or(text.len()) };
    let pattern = concat!("sleep", "(");
    if !MAY_SLEEP.contains(&name) && text[tests..].contains(pattern) {
        broken.push(format!("{name}: a test sleeps; await the condition instead (testkit::wait_for)"));
    }
    let folder =
        name.strip_prefix("connectors/").and_then(|rest| rest.split_once('/')).map(|(folder, _)| folder);
    if let Some(folder) = folder.filter(|folder| *folder != "tests") {
        for other in connectors.iter().filter(|other| *other != folder) {
            if text.contains(&format!("crate::{other}::")) || text.contains(&format!("super::super::{other}"))
            {
                broken.push(format!("{name}: connector {folder} must not know connector {other}"));
            }
        }
    }
    broken
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target" && name != "node_modules") {
                rust_files(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn top(root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        // What `syncline demo` makes and .gitignore names may be there.
        let ignored = name.ends_with(".duckdb")
            || name.ends_with(".duckdb.wal")
            || name == ".syncline"
            || name == "syncline-demo"
            || name == ".DS_Store";
        if !ignored && !TOP.contains(&name.as_str()) {
            broken.push(format!("`{name}` does not belong at the top of the repository"));
        }
    }
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_tidy() {
        run(&Workspace::find().unwrap()).unwrap();
    }

    #[test]
    fn long_files_are_named() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["src-tauri", "connectors", "tests"] {
            fs::create_dir(root.path().join(folder)).unwrap();
        }
        let write = |name: &str, lines| fs::write(root.path().join(name), "// line\n".repeat(lines)).unwrap();
        write("tests/short.rs", LINES_MAX);
        write("tests/long.rs", LINES_MAX + 1);
        write("connectors/longer.rs", LINES_MAX + 2);
        let expected =
            [("connectors/longer.rs".to_owned(), LINES_MAX + 2), ("tests/long.rs".to_owned(), LINES_MAX + 1)];
        assert_eq!(long_files(root.path()).unwrap(), expected);
    }

    #[test]
    fn what_is_untidy_is_found() {
        let connectors = ["postgres".to_owned(), "files".to_owned()];
        let sleep = concat!("tokio::time::sle", "ep(second).await");
        let found = |name: &str, text: &str| check_source(name, text, &connectors).len();
        assert_eq!(found("connectors/tests/main.rs", sleep), 1);
        assert_eq!(found("src-tauri/crates/engine/src/run.rs", sleep), 0);
        assert_eq!(found("src-tauri/crates/engine/src/run.rs", &format!("#[cfg(test)]\n{sleep}")), 1);
        assert_eq!(found("connectors/files/mod.rs", "use crate::postgres::Thing;"), 1);
        assert_eq!(found("connectors/files/mod.rs", "use crate::files::Thing; use crate::rows::Rows;"), 0);
    }
}
