//! Connectors that are programs: real ones from PyPI, for the tests that run them.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::shell::{self, Workspace};

/// The packages, each in an environment of its own, by the name of its program.
const PACKAGES: &[(&str, &str)] = &[
    ("tap-jsonl", "tap-jsonl==0.3.1"),
    ("tap-jsonfile", "tap-jsonfile==0.1.2"),
    ("tap-rest-api-msdk", "tap-rest-api-msdk==1.4.2"),
    ("source-faker", "airbyte-source-faker==7.2.1"),
    ("target-jsonl", "target-jsonl==0.1.4"),
];
/// Written last: an environment with it is complete, with what it holds.
const READY: &str = "ready";

/// Makes the environments that are missing or of another version, in `external/` beside what Cargo builds.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    for (program, package) in PACKAGES {
        let folder = workspace.target.join("external").join(program);
        if fs::read_to_string(folder.join(READY)).is_ok_and(|known| known == *package) {
            continue;
        }
        println!("installing {package} for the tests");
        let _ = fs::remove_dir_all(&folder);
        install(&folder, package).with_context(|| format!("{package} cannot be installed"))?;
        fs::write(folder.join(READY), package)?;
    }
    Ok(())
}

fn install(folder: &Path, package: &str) -> Result<()> {
    let python = if cfg!(windows) { "python" } else { "python3" };
    let mut make = Command::new(env::var_os("PYTHON").unwrap_or_else(|| python.into()));
    make.args(["-m", "venv"]).arg(folder).stdout(Stdio::null());
    shell::run(make)?;
    let place = if cfg!(windows) { "Scripts" } else { "bin" };
    let mut install = Command::new(folder.join(place).join("python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]);
    shell::run(install)
}
