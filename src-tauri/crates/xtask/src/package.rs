//! Packages of the desktop program for this system, with libduckdb inside.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::shell::{self, Workspace, stage};
use crate::{setup, test, ui};

/// Makes the packages; it is fetched when it is needed, and goes with the crate `tauri`.
const BUNDLER: &str = "@tauri-apps/cli@2.12.5";

/// The kinds of packages that a system gets when nobody says which. AppImages need tools from elsewhere.
const KINDS: &[&str] = match () {
    () if cfg!(target_os = "macos") => &["dmg"],
    () if cfg!(windows) => &["msi", "nsis"],
    () => &["deb", "rpm"],
};

/// Builds the page and the program as they are released, and packs them.
///
/// With `debug` it is a development build, which is made faster and shows that the packages are right.
pub(crate) fn run(workspace: &Workspace, kinds: &[String], debug: bool) -> Result<()> {
    let library = stage("set-up", || setup::run(workspace))?;
    stage("tools", || test::desktop_tools(workspace))?;
    stage("window", || ui::build(workspace))?;
    let (profile, of_cargo, of_bundler) =
        if debug { ("debug", None, Some("--debug")) } else { ("release", Some("--release"), None) };
    let mut build = workspace.cargo(["build", "--locked", "--package", "syncline-desktop"]);
    build.args(of_cargo);
    stage("build", || shell::run(build))?;
    let kinds = match kinds {
        [] => KINDS.join(","),
        kinds => kinds.join(","),
    };
    let config = with_library(&library)?.to_string();
    let mut bundle = shell::npm()?;
    bundle
        .args(["exec", "--yes", "--package", BUNDLER, "--", "tauri", "bundle", "--ci"])
        .args(["--bundles", &kinds, "--config", &config])
        .args(of_bundler)
        .current_dir(workspace.root.join("src-tauri"))
        .env("CARGO_TARGET_DIR", &workspace.target)
        .env("DUCKDB_LIB_DIR", &workspace.duckdb);
    stage("packages", || shell::run(bundle))?;
    println!("The packages are in {}.", workspace.target.join(profile).join("bundle").display());
    Ok(())
}

/// Where each kind of package puts the library, so that the program finds it: see `src-tauri/build.rs`.
fn with_library(library: &Path) -> Result<Value> {
    let file = library.to_str().context("the path of the library is not text")?;
    let name = library.file_name().and_then(|name| name.to_str()).context("a library without a name")?;
    let installed = format!("/usr/lib/syncline/{name}");
    Ok(json!({ "bundle": match () {
        () if cfg!(target_os = "macos") => json!({ "macOS": { "frameworks": [file] } }),
        // Beside the program.
        () if cfg!(windows) => json!({ "resources": { file: name } }),
        () => json!({ "linux": {
            "deb": { "files": { installed.as_str(): file } },
            "rpm": { "files": { installed.as_str(): file } },
            "appimage": { "files": { installed.as_str(): file } },
        } }),
    } }))
}
