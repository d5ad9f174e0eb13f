//! Reads `tauri.conf.json` and the capabilities, and checks that what they name exists.

use tauri_build::{AppManifest, Attributes};

/// The commands of the shell. Each is a permission of its own; `capabilities/` names those that the page has.
const COMMANDS: &[&str] = &["rpc", "cancel", "events", "ready", "present", "save", "pick", "front"];

fn main() {
    // The page is embedded. A checkout without it still compiles.
    let dist = std::path::Path::new("../ui/dist");
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo:warning={} cannot be made: {error}", dist.display());
    }
    // Where packages put libduckdb; beside the program is looked first, see `.cargo/config.toml`.
    match std::env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("linux") => println!("cargo:rustc-link-arg-bins=-Wl,-rpath,$ORIGIN/../lib/syncline"),
        Ok("macos") => println!("cargo:rustc-link-arg-bins=-Wl,-rpath,@executable_path/../Frameworks"),
        _ => {}
    }
    let attributes = Attributes::new().app_manifest(AppManifest::new().commands(COMMANDS));
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:error={error:#}");
    }
}
