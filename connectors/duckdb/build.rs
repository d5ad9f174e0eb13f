//! Puts the prebuilt DuckDB library beside the executables of this profile, where their rpath (`$ORIGIN`, set in
//! `.cargo/config.toml`) finds it. On Windows the loader looks there by itself.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() {
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    if let Err(message) = provide_library() {
        println!("cargo:error={message}");
        std::process::exit(1);
    }
}

fn provide_library() -> Result<(), String> {
    let name = match env::var("CARGO_CFG_TARGET_OS").as_deref() {
        Ok("windows") => "duckdb.dll",
        Ok("macos") => "libduckdb.dylib",
        _ => "libduckdb.so",
    };
    let folder = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from).unwrap_or_default();
    let library = folder.join(name);
    println!("cargo:rerun-if-changed={}", library.display());
    if !library.is_file() {
        return Err(format!(
            "the DuckDB library is not at {}; run `cargo xtask setup`, which fetches it, or set DUCKDB_LIB_DIR",
            library.display()
        ));
    }
    // OUT_DIR is target/<profile>/build/<package>/out
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let profile = out.ancestors().nth(3).ok_or("OUT_DIR has an unknown shape")?;
    place(&library, &profile.join(name))
        .map_err(|error| format!("the DuckDB library could not be copied to {}: {error}", profile.display()))
}

/// Links or copies, unless the same file is already there. A new file replaces the old one in one step, so that a test
/// that is just starting never loads half of it.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    let (wanted, present) = (fs::metadata(from)?, fs::metadata(to).ok());
    let same = present.is_some_and(|present| {
        present.len() == wanted.len() && present.modified().ok() >= wanted.modified().ok()
    });
    if same {
        return Ok(());
    }
    let fresh = to.with_extension(format!("{}.new", std::process::id()));
    if fs::hard_link(from, &fresh).is_err() {
        fs::copy(from, &fresh)?;
    }
    fs::rename(&fresh, to)
}
