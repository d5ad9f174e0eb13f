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
}

pub(crate) fn run(workspace: &Workspace, source: Source, scale: f64, json: bool) -> Result<()> {
    setup::run(workspace)?;
    shell::run(workspace.cargo(["build", "--locked", "--release", "--package", "syncline-worker"]))?;
    // Only the program is measured; the bench itself may be a development build, except that it makes the data.
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
    let Source::Postgres = source;
    bench.args(["--scale", &scale.to_string()]);
    bench.arg("--program").arg(workspace.built("release", "syncline"));
    if json {
        bench.arg("--json");
    }
    shell::run(bench)
}
