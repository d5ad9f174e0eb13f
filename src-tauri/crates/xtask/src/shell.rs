//! Where things are, and how other programs are run.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

/// The checkout and the folders beside it.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    /// The top of the checkout.
    pub(crate) root: PathBuf,
    /// Where Cargo builds.
    pub(crate) target: PathBuf,
    /// Where libduckdb lies for the linker.
    pub(crate) duckdb: PathBuf,
    /// Whether a robot runs this: nothing is kept in the checkout then.
    pub(crate) ci: bool,
}

impl Workspace {
    /// The workspace that Cargo was called in.
    pub(crate) fn find() -> Result<Self> {
        // Checkouts may share a target folder, and then also this program: the one it was built from can be another one.
        // Cargo says at run time which one is meant.
        let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&package).ancestors().nth(3).context("no workspace")?.to_owned();
        let ci = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
        let cache = home()?.join(".cache").join("syncline");
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(folder) if !folder.is_empty() => root.join(folder),
            _ if ci => cache.join("target"),
            _ => root.join("target"),
        };
        // Cargo itself sets the variable, from its configuration, to the folder in the checkout.
        let inside = root.join(".tools").join("duckdb");
        let duckdb = match env::var_os("DUCKDB_LIB_DIR").map(|folder| root.join(folder)) {
            Some(folder) if folder != inside => folder,
            _ if ci => cache.join("duckdb"),
            _ => inside,
        };
        Ok(Workspace { root, target, duckdb, ci })
    }

    /// Cargo, building into the right folder with the right library.
    pub(crate) fn cargo<I, S>(&self, arguments: I) -> Command
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command
            .args(arguments)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("DUCKDB_LIB_DIR", &self.duckdb);
        command
    }

    /// A program that was built, for example `syncline`.
    pub(crate) fn built(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }
}

/// The home folder of the person.
fn home() -> Result<PathBuf> {
    let home = env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"));
    Ok(home.context("no home folder: neither HOME nor USERPROFILE is set")?.into())
}

/// Runs a program to its end; its output goes where ours goes.
pub(crate) fn run(mut command: Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("`{name}` cannot be run"))?;
    ensure!(status.success(), "`{name}` ended with {status}");
    Ok(())
}

/// Runs a program to its end and takes its output.
pub(crate) fn output(mut command: Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("`{name}` cannot be run"))?;
    ensure!(
        output.status.success(),
        "`{name}` ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// npm, which comes with Node.
pub(crate) fn npm() -> Result<Command> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let found =
        env::split_paths(&env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(npm).is_file());
    ensure!(found, "npm is not installed; it comes with Node.js (on Debian: apt-get install npm)");
    Ok(Command::new(npm))
}

/// Runs one stage of something longer and says how long it took.
pub(crate) fn stage<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("── {title}");
    let begun = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "done" } else { "FAILED" };
    println!("── {title}: {outcome} after {:.1} s", begun.elapsed().as_secs_f64());
    result
}

/// The file of a program in `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(&file)).find(|path| path.is_file())
}
