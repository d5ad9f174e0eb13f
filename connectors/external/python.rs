//! Packages from PyPI, each in an environment of its own, so that none can disturb another or the computer.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;
use syncline_protocol::{ConnectorContext, Error, ErrorKind, Result};
use xxhash_rust::xxh3::xxh3_64;

use super::process::Program;

/// Downloading and building can take long without a word.
const SILENCE: Duration = Duration::from_secs(900);
/// Written last: an environment with it is complete.
const READY: &str = "syncline-ready";
const PACKAGE_BYTES_MAX: usize = 200;

/// Where environments are made, and by which Python.
pub(super) struct Place<'a> {
    pub(super) context: &'a ConnectorContext,
    pub(super) python: Option<&'a str>,
}

/// Refuses what is no package with a version: options of the installer, addresses, paths.
///
/// # Errors
/// `Config`, with the form.
pub(super) fn validate(package: &str) -> Result<()> {
    let name_of = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let first = package.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    let known = |byte: u8| name_of(byte) || b"[],=<>!~*+".contains(&byte);
    if first && package.bytes().all(known) && package.len() <= PACKAGE_BYTES_MAX {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, "The package is not named as PyPI names packages.")
        .meaning("Nothing was installed.")
        .fix("Give its name and best its version, for example tap-jsonl==0.3.1."))
}

/// The name of a package without its version and extras.
fn bare(package: &str) -> &str {
    let end = package.find(|letter: char| !(letter.is_ascii_alphanumeric() || "-_.".contains(letter)));
    &package[..end.unwrap_or(package.len())]
}

/// The program of a package: it has the package's name, for Airbyte's without the word in front.
fn program_of(package: &str) -> String {
    let name = bare(package).to_lowercase().replace('_', "-");
    name.strip_prefix("airbyte-").unwrap_or(&name).to_owned()
}

/// Makes the environment of a package, unless it is there already; gives the path of its program.
///
/// # Errors
/// `NotFound` when there is no Python, no such package or no such program in it; `Permission`.
pub(super) async fn install(place: &Place<'_>, package: &str, executable: Option<&str>) -> Result<String> {
    validate(package)?;
    let root = place.context.project.join(".syncline").join("python");
    let code = xxh3_64(format!("{package}\n{}", place.python.unwrap_or_default()).as_bytes());
    let folder = root.join(format!("{}-{code:016x}", bare(package).to_lowercase()));
    let failed = |path: &Path, error: std::io::Error| {
        Error::new(ErrorKind::Permission, "The environment of a Python package could not be made.")
            .with("path", path.display())
            .caused_by(error)
    };
    super::private::private_folder(&root).map_err(|error| failed(&root, error))?;
    if !folder.join(READY).is_file() {
        // Two runs may want the same one: the second waits for the first.
        let path = folder.with_extension("lock");
        let lock = File::create(&path).map_err(|error| failed(&path, error))?;
        let lock = crate::stream::blocking(move || {
            lock.lock().map_err(|error| Error::internal("A lock could not be had.").caused_by(error))?;
            Ok(lock)
        });
        let _lock = lock.await?;
        if !folder.join(READY).is_file() {
            // What an interrupted one left is not continued.
            let _ = fs::remove_dir_all(&folder);
            make(place, &folder, package).await?;
            fs::write(folder.join(READY), package).map_err(|error| failed(&folder, error))?;
        }
    }
    let name = executable.map_or_else(|| program_of(package), str::to_owned);
    let program = program_in(&folder, &name);
    if !program.is_file() {
        return Err(Error::new(
            ErrorKind::NotFound,
            format!("The package `{package}` has no program `{name}`."),
        )
        .meaning("Nothing was read.")
        .fix("Name its program as `executable`."));
    }
    Ok(program.to_string_lossy().into_owned())
}

fn program_in(folder: &Path, name: &str) -> PathBuf {
    if cfg!(windows) {
        folder.join("Scripts").join(format!("{name}.exe"))
    } else {
        folder.join("bin").join(name)
    }
}

async fn make(place: &Place<'_>, folder: &Path, package: &str) -> Result<()> {
    let python = place.python.unwrap_or(if cfg!(windows) { "python" } else { "python3" });
    let folder_text = folder.to_string_lossy().into_owned();
    run(place, vec![python.to_owned(), "-m".to_owned(), "venv".to_owned(), folder_text])
        .await
        .map_err(|error| error.fix("Install Python 3.10 or newer with its module `venv`."))?;
    let installed = program_in(folder, "python").to_string_lossy().into_owned();
    let arguments =
        ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--", package];
    let command = std::iter::once(installed).chain(arguments.map(str::to_owned)).collect();
    run(place, command).await.map_err(|error| {
        error
            .meaning("Nothing was read.")
            .fix(format!("Check that PyPI has `{package}` for this Python, and that it can be reached."))
    })
}

async fn run(place: &Place<'_>, command: Vec<String>) -> Result<()> {
    let program =
        Program { command, settings: Value::Null, silence: SILENCE, context: place.context.clone() };
    let mut process = program.start(Vec::new(), None)?;
    while let Some(line) = process.line().await? {
        tracing::debug!("{}", String::from_utf8_lossy(&line));
    }
    process.end().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_have_names_and_programs_after_them() {
        for wrong in ["", "--index-url=x", "git+https://x/y", "../x", "a b", "a;b", "/etc", "@a"] {
            assert_eq!(validate(wrong).unwrap_err().kind(), ErrorKind::Config, "{wrong}");
        }
        for right in ["tap-jsonl", "tap-jsonl==0.3.1", "airbyte_source_faker~=7.2", "a[b,c]>=1,<2"] {
            validate(right).unwrap();
        }
        assert_eq!(program_of("tap-jsonl==0.3.1"), "tap-jsonl");
        assert_eq!(program_of("airbyte-source-faker>=7"), "source-faker");
    }
}
