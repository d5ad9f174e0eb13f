//! Runs the crash test of package `e2e` for as long as wanted.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;

use crate::setup;
use crate::shell::{self, Workspace};

pub(crate) fn run(workspace: &Workspace, kills: u32, seed: Option<u64>, json: bool) -> Result<()> {
    setup::run(workspace)?;
    shell::run(workspace.cargo(["build", "--locked", "--package", "syncline-worker"]))?;
    let seed = match seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    };
    let mut soak =
        workspace.cargo(["run", "--locked", "--quiet", "--package", "e2e", "--example", "soak", "--"]);
    soak.args(["--kills", &kills.to_string(), "--seed", &seed.to_string()]);
    soak.arg("--program").arg(workspace.built("debug", "syncline"));
    if json {
        soak.arg("--json");
    }
    shell::run(soak)
}
