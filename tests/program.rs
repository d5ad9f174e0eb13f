//! A project in a temporary folder, and the binary that runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::{Output, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use syncline_testkit::Database;
use tempfile::TempDir;
use tokio::process::Command;

/// The environment variable through which the project gets the password of the servers.
pub const PASSWORD_VARIABLE: &str = "SYNCLINE_TEST_PASSWORD";

/// The binary beside the running test program, as `cargo build` made it.
///
/// # Errors
/// When it was not built.
pub fn built_program() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let name = format!("syncline{}", std::env::consts::EXE_SUFFIX);
    // target/<profile>/deps/test or target/<profile>/examples/example
    let profile = test.ancestors().nth(2).context("a test program lies in a folder")?;
    let program = profile.join(name);
    if !program.is_file() {
        bail!("{} is not there; build it first: cargo build --package syncline-worker", program.display());
    }
    Ok(program)
}

/// A project with one source `source`.
#[derive(Debug)]
pub struct Project {
    folder: TempDir,
    program: PathBuf,
    password: String,
}

impl Project {
    /// Writes the project, with a source in PostgreSQL.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(program: &Path, source: &Database) -> Result<Self> {
        Project::with_source(program, &postgres_yaml(source), &source.password)
    }

    /// Writes the project, with this project file of a source. `password` is for its servers.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn with_source(program: &Path, source: &str, password: &str) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("syncline-project-").tempdir()?;
        for name in ["sources", "destinations", "connections"] {
            fs::create_dir(folder.path().join(name))?;
        }
        let text = "name: Crash test\nid: crash-test\nsalt: 0123456789abcdef0123456789abcdef\n";
        fs::write(folder.path().join("project.yaml"), text)?;
        fs::write(folder.path().join("sources/source.yaml"), source)?;
        Ok(Project { folder, program: program.to_owned(), password: password.to_owned() })
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes one of its files, for example `connections/main.yaml`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.folder.path().join(name), text)?)
    }

    /// The program with these arguments, in this project. It dies with the value that is spawned from it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--project")
            .arg(self.folder.path())
            .args(arguments)
            .env(PASSWORD_VARIABLE, &self.password)
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a connection to its end.
    ///
    /// # Errors
    /// When the program ends with an error; with what it said.
    pub async fn run(&self, connection: &str) -> Result<Output> {
        let output = self.command(&["run", connection, "--yes"]).output().await?;
        if output.status.success() {
            return Ok(output);
        }
        bail!("the run ended with {}:\n{}", output.status, said(&output));
    }
}

/// Everything a program wrote.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// How often the memory of a program is looked at. The kernel keeps the peak, so that only the end can be missed.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Runs a program to its end; what it wrote, and the most memory it had, in bytes (0 where the system does not tell).
///
/// # Errors
/// When it cannot be started.
pub async fn measured(mut command: Command) -> Result<(Output, u64)> {
    let child = command.spawn()?;
    let id = child.id();
    let mut peak = 0;
    let mut ended = pin!(child.wait_with_output());
    loop {
        match tokio::time::timeout(LOOK_EVERY, &mut ended).await {
            Ok(output) => return Ok((output?, peak)),
            Err(_) => peak = peak.max(id.and_then(peak_memory).unwrap_or(0)),
        }
    }
}

/// The most memory a process has had resident so far, in bytes. Linux only.
pub fn peak_memory(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// A PostgreSQL system as a project file.
pub fn postgres_yaml(database: &Database) -> String {
    format!(
        "connector: postgres\nconfig:\n  host: {}\n  port: {}\n  database: {}\n  user: {}\n  password: \"${{env:{PASSWORD_VARIABLE}}}\"\n",
        database.host, database.port, database.name, database.user
    )
}
