//! Runs the reference implementation of declarative connectors beside ours: what it makes of made-up APIs, and how fast.

#![allow(clippy::print_stderr)] // progress

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::shell::{self, Workspace};

/// The version that all comparisons are pinned to.
const PACKAGE: &str = "airbyte-cdk==7.39.1";

/// What is compared, and how it is shown.
#[derive(Debug)]
pub(crate) struct Options {
    /// A folder with manifests; beside it or in it, `reference/NAME.config.json` and `schemas/NAME/`.
    pub(crate) manifests: Option<PathBuf>,
    /// Only this connector.
    pub(crate) only: Option<String>,
    /// One JSON object instead of a table.
    pub(crate) json: bool,
    /// Do not run the reference again: compare with what it said last time.
    pub(crate) keep: bool,
}

/// Compares all manifests of a folder.
pub(crate) fn differential(workspace: &Workspace, options: &Options) -> Result<()> {
    let corpus = corpus(workspace, options.manifests.as_deref())?;
    let cases = workspace.target.join("differential");
    let wanted = corpus.manifests(options.only.as_deref())?;
    ensure!(!wanted.is_empty(), "there is no manifest to compare in {}", corpus.folder.display());
    if !options.keep {
        let _ = fs::remove_dir_all(&cases);
        record(workspace, &wanted, &cases, corpus.beside("schemas"))?;
    }
    shell::run(workspace.cargo([
        "build",
        "--locked",
        "--package",
        "syncline-testkit",
        "--bin",
        "testkit-differential",
    ]))?;
    shell::run(workspace.cargo([
        "build",
        "--locked",
        "--package",
        "syncline-manifest",
        "--example",
        "airbyte",
    ]))?;
    let mut compare = Command::new(workspace.built("debug", "testkit-differential"));
    compare.arg("--cases").arg(&cases).arg("--program").arg(program(workspace, "debug"));
    if let Some(schemas) = corpus.beside("schemas") {
        compare.arg("--schemas").arg(schemas);
    }
    compare.stderr(Stdio::inherit());
    let summary = shell::output(compare)?;
    if options.json {
        println!("{}", summary.trim());
        return Ok(());
    }
    print(&serde_json::from_str(&summary)?);
    Ok(())
}

/// The interpreter with the command line of the protocol.
pub(crate) fn program(workspace: &Workspace, profile: &str) -> PathBuf {
    workspace.target.join(profile).join("examples").join(format!("airbyte{}", env::consts::EXE_SUFFIX))
}

fn print(summary: &Value) {
    println!(
        "{} manifests: {} load, {} have records, {} are equal",
        summary["manifests"], summary["loaded"], summary["records"], summary["equal"]
    );
    let mut by_connector: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for difference in summary["different"].as_array().into_iter().flatten() {
        by_connector
            .entry(difference["connector"].as_str().unwrap_or_default())
            .or_default()
            .push(difference);
    }
    for (connector, differences) in by_connector {
        println!("{connector}: {} differences", differences.len());
        for difference in differences.iter().take(3) {
            let what = difference["what"].as_str().unwrap_or_default();
            println!("    {}: {what}", difference["table"].as_str().unwrap_or_default());
        }
    }
}

/// Manifests, with what belongs to them.
struct Corpus {
    folder: PathBuf,
}

impl Corpus {
    /// Manifests that need no Python, each with its configuration.
    fn manifests(&self, only: Option<&str>) -> Result<Vec<(PathBuf, Option<PathBuf>)>> {
        let inner = self.folder.join("manifests");
        let folder = if inner.is_dir() { inner } else { self.folder.clone() };
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).with_context(|| format!("{} cannot be read", folder.display()))? {
            let path = entry?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let is_manifest =
                path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml");
            if !is_manifest || only.is_some_and(|only| only != name) {
                continue;
            }
            let text = fs::read_to_string(&path)?;
            if text.contains("class_name:") || text.contains("type: Custom") {
                continue;
            }
            let config = self.beside("reference").map(|folder| folder.join(format!("{name}.config.json")));
            found.push((path, config.filter(|path| path.is_file())));
        }
        found.sort();
        Ok(found)
    }

    fn beside(&self, name: &str) -> Option<PathBuf> {
        let inside = self.folder.join(name);
        let folder = if inside.is_dir() { inside } else { self.folder.parent()?.join(name) };
        folder.is_dir().then_some(folder)
    }
}

fn corpus(workspace: &Workspace, folder: Option<&Path>) -> Result<Corpus> {
    let folder = match (folder, env::var_os("SYNCLINE_CORPUS")) {
        (Some(folder), _) => folder.to_owned(),
        (None, Some(folder)) => folder.into(),
        (None, None) => workspace.root.join("..").join("shared").join("corpus"),
    };
    ensure!(
        folder.is_dir(),
        "{} is no folder; name one with --manifests or SYNCLINE_CORPUS",
        folder.display()
    );
    Ok(Corpus { folder })
}

/// Runs the reference; one file a manifest.
fn record(
    workspace: &Workspace,
    manifests: &[(PathBuf, Option<PathBuf>)],
    cases: &Path,
    schemas: Option<PathBuf>,
) -> Result<()> {
    let mut run = Command::new(python(workspace)?);
    run.arg(scripts(workspace).join("run.py")).arg("--out").arg(cases);
    if let Some(schemas) = schemas {
        run.arg("--schemas").arg(schemas);
    }
    for (manifest, config) in manifests {
        let mut argument = manifest.clone().into_os_string();
        if let Some(config) = config {
            argument.push("=");
            argument.push(config);
        }
        run.arg(argument);
    }
    // Its progress is no result.
    run.stdout(Stdio::null());
    shell::run(run)
}

/// The scripts that drive the reference.
pub(crate) fn scripts(workspace: &Workspace) -> PathBuf {
    workspace.root.join("src-tauri/crates/testkit/reference")
}

/// The Python that has the reference: `SYNCLINE_REFERENCE`, or an environment made on first use.
pub(crate) fn python(workspace: &Workspace) -> Result<PathBuf> {
    let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    if let Some(folder) = env::var_os("SYNCLINE_REFERENCE") {
        let python = PathBuf::from(&folder).join(inside);
        ensure!(python.is_file(), "SYNCLINE_REFERENCE is {} and holds no Python", folder.to_string_lossy());
        return Ok(python);
    }
    let folder = workspace.target.join("reference");
    let python = folder.join(inside);
    let ready = folder.join(PACKAGE);
    if !ready.is_file() {
        eprintln!("installing {PACKAGE} into {}", folder.display());
        let mut make = Command::new(if cfg!(windows) { "python" } else { "python3" });
        shell::run({
            make.args(["-m", "venv"]).arg(&folder).stdout(Stdio::null());
            make
        })?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", PACKAGE]).stdout(Stdio::null());
        shell::run(install)?;
        fs::write(ready, "")?;
    }
    Ok(python)
}
