//! The window: its packages, its build, its checks and its journeys.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::shell::{self, Workspace};

/// Installs the packages that the lock file names, where they are not there already.
pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    let lock = fs::read(workspace.root.join("ui/package-lock.json"))?;
    // A copy of the lock file that was installed; npm's own notes in the folder do not say that the installation ended.
    let installed = workspace.root.join("ui/node_modules/.installed-lock.json");
    if fs::read(&installed).is_ok_and(|known| known == lock) {
        return Ok(());
    }
    shell::run(npm(workspace, &["ci", "--no-audit", "--no-fund", "--loglevel=error"])?)?;
    fs::write(installed, lock)?;
    Ok(())
}

/// Builds the files of the window into `ui/dist`, where programs embed them.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    install(workspace)?;
    shell::run(npm(workspace, &["run", "--silent", "build"])?)
}

/// Types, lints and unit tests.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    shell::run(npm(workspace, &["run", "--silent", "check"])?)?;
    shell::run(npm(workspace, &["run", "--silent", "test"])?)
}

/// The journeys through the programs that were built; `only` names some of them.
pub(crate) fn journeys(workspace: &Workspace, only: &[&str], pictures: Option<PathBuf>) -> Result<()> {
    let mut command = npm(workspace, &["run", "--silent", "journeys", "--"])?;
    command.args(only);
    command.env("SYNCLINE_BUILT", workspace.target.join("debug"));
    command.env("CHROMIUM", chromium().context("the journeys need Chromium or Google Chrome")?);
    if let Some(folder) = pictures {
        command.env("SYNCLINE_SCREENSHOTS", folder);
    }
    shell::run(command)
}

/// Figures of the window that was built in this profile, written into `figures`; `only` names some of them.
pub(crate) fn bench(
    workspace: &Workspace,
    profile: &str,
    only: Option<&str>,
    figures: &Path,
    quiet: bool,
) -> Result<()> {
    let mut command = npm(workspace, &["run", "--silent", "bench", "--"])?;
    command.args(only);
    command.env("SYNCLINE_BUILT", workspace.target.join(profile));
    command.env("SYNCLINE_FIGURES", figures);
    if quiet {
        command.stdout(Stdio::null());
    }
    shell::run(command)
}

/// Builds everything and writes one picture for each screen and theme.
pub(crate) fn screenshots(workspace: &Workspace, into: PathBuf) -> Result<()> {
    build(workspace)?;
    shell::run(workspace.cargo(["build", "--locked", "--package", "syncline-worker"]))?;
    let into = workspace.root.join(into);
    journeys(workspace, &["screens"], Some(into.clone()))?;
    println!("The pictures are in {}.", into.display());
    Ok(())
}

/// The browser of this computer.
pub(crate) fn chromium() -> Option<PathBuf> {
    const NAMES: &[&str] =
        &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
    const PLACES: &[&str] = &[
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
        "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    ];
    let given = std::env::var_os("CHROMIUM").map(PathBuf::from);
    given
        .or_else(|| NAMES.iter().find_map(|name| shell::find(name)))
        .or_else(|| PLACES.iter().map(PathBuf::from).find(|place| place.is_file()))
}

fn npm(workspace: &Workspace, arguments: &[&str]) -> Result<Command> {
    let folder = workspace.root.join("ui");
    ensure!(folder.join("package.json").is_file(), "{} is not there", folder.display());
    let mut command = shell::npm()?;
    command.args(arguments).current_dir(folder);
    // Colours belong to terminals; npm would decide for its children.
    command.env("NO_UPDATE_NOTIFIER", "1");
    Ok(command)
}
