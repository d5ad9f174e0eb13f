//! Runs the benchmark of package `e2e` as released programs run.

use anyhow::Result;
use clap::ValueEnum;

use crate::setup;
use crate::shell::{self, Workspace};

/// What is read from.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Source {
    /// Table `lineitem` of TPC-H in PostgreSQL.
    Postgres,
    /// An API on this computer, through a declarative connector; the reference runs beside it.
    Api,
    /// The studio itself: how fast its window is.
    Window,
}

/// What is measured, and how it is shown.
#[derive(Debug)]
pub(crate) struct Options {
    /// TPC-H scale factor.
    pub(crate) scale: f64,
    /// How often each destination is measured.
    pub(crate) repeat: u32,
    /// The only destination; all when missing.
    pub(crate) destination: Option<String>,
    /// One JSON object instead of a table.
    pub(crate) json: bool,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    setup::run(workspace)?;
    shell::run(workspace.cargo(["build", "--locked", "--release", "--package", "syncline-worker"]))?;
    // Only the program is measured, but the bench makes the data: that too takes long in a development build.
    let mut bench = workspace.cargo([
        "run",
        "--locked",
        "--quiet",
        "--release",
        "--package",
        "e2e",
        "--example",
        "bench",
        "--",
    ]);
    bench.args(["--scale", &options.scale.to_string(), "--repeat", &options.repeat.to_string()]);
    if let Some(destination) = &options.destination {
        bench.args(["--destination", destination]);
    }
    bench.arg("--program").arg(workspace.built("release", "syncline"));
    if options.json {
        bench.arg("--json");
    }
    shell::run(bench)
}
