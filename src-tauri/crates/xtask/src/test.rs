//! `start`, `test` and `schemas`.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell::{self, Workspace, stage};
use crate::{external, setup, tidy, ui};

/// What tests use besides Rust and Node: a program that must be there, and the Debian package that has it.
const TOOLS: &[(&str, &str)] =
    &[("openssl", "openssl"), ("pg_ctl", "postgresql"), ("sshd", "openssh-server"), (CHROMIUM, "chromium")];
/// What the desktop program is built with on Linux: what pkg-config calls it, and the Debian package. Other systems
/// bring their web view along.
const DESKTOP_LIBRARIES: &[(&str, &str)] = &[
    ("webkit2gtk-4.1", "libwebkit2gtk-4.1-dev"),
    ("gtk+-3.0", "libgtk-3-dev"),
    ("librsvg-2.0", "librsvg2-dev"),
    ("ayatana-appindicator3-0.1", "libayatana-appindicator3-dev"),
];
/// What its journey runs in: a display that nobody sees, and the driver of its web view.
const DESKTOP_TOOLS: &[(&str, &str)] = &[("Xvfb", "xvfb"), ("WebKitWebDriver", "webkit2gtk-driver")];
/// Has many names and places.
const CHROMIUM: &str = "chromium";

/// Where `start` keeps the project of somebody who has no display.
const SAMPLE: &str = "syncline-demo";

/// Sets up, builds the studio and opens it. Without a display the sample runs in the terminal, and the same studio waits
/// for a browser.
pub(crate) fn start(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    setup::run(workspace)?;
    let with_window = has_display();
    if with_window {
        desktop_tools(workspace)?;
    }
    ui::build(workspace)?;
    let (package, name) =
        if with_window { ("syncline-desktop", "syncline-studio") } else { ("syncline-worker", "syncline") };
    let mut build = workspace.cargo(["build", "--locked", "--package", package]);
    build.env("CARGO_TERM_PROGRESS_WHEN", "auto");
    shell::run(build)?;
    let program = |first: &[&str]| {
        let mut program = Command::new(workspace.built("debug", name));
        program.args(first).current_dir(&workspace.root);
        program
    };
    let mut studio = program(&[]);
    if !with_window {
        println!(
            "\nThere is no display here. The sample runs in the terminal, then the studio waits for a browser.\n"
        );
        shell::run(program(&["demo", SAMPLE]))?;
        println!();
        studio.args(["--project", SAMPLE, "serve"]);
    }
    studio.args(arguments);
    shell::run(studio)
}

fn has_display() -> bool {
    cfg!(any(windows, target_os = "macos"))
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Sets up and runs everything that must hold.
pub(crate) fn run(workspace: &Workspace, filter: Option<&str>) -> Result<()> {
    stage("set-up", || setup::run(workspace))?;
    stage("tools", || tools(workspace))?;
    stage("external connectors", || external::run(workspace))?;
    stage("window", || ui::build(workspace))?;
    if filter.is_none() {
        stage("formatting", || shell::run(workspace.cargo(["fmt", "--all", "--check"])))?;
        stage("tidy", || tidy::run(workspace))?;
        let clippy = ["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"];
        stage("lints", || shell::run(workspace.cargo(clippy)))?;
        stage("window: checks", || ui::check(workspace))?;
    }
    // The tests of package `e2e` start the program.
    stage("build", || shell::run(workspace.cargo(["build", "--locked", "--workspace", "--all-targets"])))?;
    stage("tests", || shell::run(tests(workspace, filter)))?;
    match filter {
        None => stage("journeys", || ui::journeys(workspace, &[], None)),
        Some(_) => Ok(()),
    }
}

/// nextest where it is installed, else Cargo's own test runner: the tests are the same.
fn tests(workspace: &Workspace, filter: Option<&str>) -> Command {
    let mut command = if shell::find("cargo-nextest").is_some() {
        let mut command = workspace.cargo(["nextest", "run", "--locked", "--workspace", "--no-fail-fast"]);
        if workspace.ci {
            command.args(["--profile", "ci"]);
        }
        command
    } else {
        workspace.cargo(["test", "--locked", "--workspace", "--all-targets", "--no-fail-fast"])
    };
    command.args(filter);
    command
}

/// Installs what tests need where we may, and otherwise says how.
fn tools(workspace: &Workspace) -> Result<()> {
    let mut missing = missing_for_desktop();
    let programs = TOOLS.iter().chain(if cfg!(target_os = "linux") { DESKTOP_TOOLS } else { &[] });
    missing.extend(programs.filter(|(program, _)| !is_there(program)).map(|(_, package)| *package));
    install(workspace, &missing)
}

/// Installs what the desktop program is built with where we may, and otherwise says how.
pub(crate) fn desktop_tools(workspace: &Workspace) -> Result<()> {
    install(workspace, &missing_for_desktop())
}

fn missing_for_desktop() -> Vec<&'static str> {
    if !cfg!(target_os = "linux") {
        return Vec::new();
    }
    let finder = "pkg-config";
    let is_known = |library: &str| {
        let mut ask = Command::new(finder);
        ask.args(["--exists", library]);
        shell::output(ask).is_ok()
    };
    let mut missing: Vec<&str> = DESKTOP_LIBRARIES
        .iter()
        .filter(|(library, _)| !is_known(library))
        .map(|(_, package)| *package)
        .collect();
    missing.extend(shell::find(finder).is_none().then_some(finder));
    missing
}

fn install(workspace: &Workspace, missing: &[&str]) -> Result<()> {
    if missing.is_empty() {
        return Ok(());
    }
    let packages = missing.join(" ");
    let apt = shell::find("apt-get");
    if apt.is_some() && is_root() {
        let mut update = Command::new("apt-get");
        update.args(["update", "--quiet"]);
        shell::run(update)?;
        let mut install = Command::new("apt-get");
        install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(missing);
        install.env("DEBIAN_FRONTEND", "noninteractive").current_dir(&workspace.root);
        return shell::run(install);
    }
    match apt {
        Some(_) => bail!("more programs are needed; run: sudo apt-get install {packages}"),
        None if cfg!(target_os = "macos") => bail!("more programs are needed; run: brew install {packages}"),
        None => bail!("these programs are needed: {packages}"),
    }
}

fn is_there(program: &str) -> bool {
    if program == CHROMIUM {
        return ui::chromium().is_some();
    }
    // Debian keeps the server programs out of PATH, and Homebrew and Windows may do so, too.
    let folders =
        ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt", "C:\\Program Files\\PostgreSQL"];
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    shell::find(program).is_some()
        || folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).any(|versions| {
            versions.flatten().any(|version| version.path().join("bin").join(&file).is_file())
        })
}

fn is_root() -> bool {
    let mut id = Command::new("id");
    id.arg("-u");
    shell::output(id).is_ok_and(|id| id.trim() == "0")
}

/// Lets the test that compares the committed JSON Schemas write them instead.
pub(crate) fn schemas(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo(["test", "--locked", "--package", "syncline-store", "schemas"]);
    command.env("UPDATE_SCHEMAS", "1");
    shell::run(command)
}

/// Lets the test that compares the generated TypeScript write it instead.
pub(crate) fn codegen(workspace: &Workspace) -> Result<()> {
    let mut command =
        workspace.cargo(["test", "--locked", "--package", "syncline-api", "--test", "api", "generated"]);
    command.env("UPDATE_GENERATED", "1");
    shell::run(command)
}
