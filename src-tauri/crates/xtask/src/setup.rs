//! Fetches the prebuilt DuckDB library. Compiling DuckDB takes 40 minutes; npm carries the library of each release.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512};

use crate::shell::{self, Workspace};

/// The release of the package; its first three numbers are those of DuckDB, and of the crate `duckdb` in Cargo.toml.
const VERSION: &str = "1.5.6-r.1";

/// The library of one kind of computer.
struct Platform {
    os: &'static str,
    arch: &'static str,
    package: &'static str,
    library: &'static str,
    /// The hash npm publishes for the package. Where it is not pinned here, what the registry says is checked instead.
    integrity: Option<&'static str>,
}

const PLATFORMS: &[Platform] = &[
    Platform {
        os: "linux",
        arch: "x86_64",
        package: "@duckdb/node-bindings-linux-x64",
        library: "libduckdb.so",
        integrity: Some(
            "sha512-IXcrZJE6kEqM0Z4wwdVnGBHX/frOS33VPNAwDXQ/Q+Fs84b058Qe94chrCCIcNJlG8Y3UHIUU4eBeCQxW5mN1Q==",
        ),
    },
    Platform {
        os: "linux",
        arch: "aarch64",
        package: "@duckdb/node-bindings-linux-arm64",
        library: "libduckdb.so",
        integrity: None,
    },
    Platform {
        os: "macos",
        arch: "aarch64",
        package: "@duckdb/node-bindings-darwin-arm64",
        library: "libduckdb.dylib",
        integrity: None,
    },
    Platform {
        os: "macos",
        arch: "x86_64",
        package: "@duckdb/node-bindings-darwin-x64",
        library: "libduckdb.dylib",
        integrity: None,
    },
    Platform {
        os: "windows",
        arch: "x86_64",
        package: "@duckdb/node-bindings-win32-x64",
        library: "duckdb.dll",
        integrity: None,
    },
];

/// Beside the library: where it came from and what it was then.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Origin {
    package: String,
    integrity: String,
    /// Hash of the library file.
    library: String,
}

/// Makes sure that the library is there, and beside the programs that Cargo builds.
pub(crate) fn run(workspace: &Workspace) -> Result<PathBuf> {
    let platform =
        PLATFORMS.iter().find(|platform| platform.os == OS && platform.arch == ARCH).with_context(|| {
            format!("there is no prebuilt DuckDB for {OS} on {ARCH}; set DUCKDB_LIB_DIR to one")
        })?;
    let library = workspace.duckdb.join(platform.library);
    let given = !workspace.duckdb.starts_with(&workspace.root) && !workspace.ci;
    if given {
        ensure!(
            library.is_file(),
            "DUCKDB_LIB_DIR is {} and holds no {}",
            workspace.duckdb.display(),
            platform.library
        );
    } else if !is_right(platform, &workspace.duckdb)? {
        fetch(platform, &workspace.duckdb)?;
    }
    for profile in ["debug", "release"] {
        beside_programs(&library, &workspace.target.join(profile))?;
    }
    Ok(library)
}

/// Whether the library is there and is the one that was unpacked from the right package.
fn is_right(platform: &Platform, folder: &Path) -> Result<bool> {
    let Ok(text) = fs::read_to_string(folder.join("origin.json")) else { return Ok(false) };
    let library = folder.join(platform.library);
    let Ok(origin) = serde_json::from_str::<Origin>(&text) else { return Ok(false) };
    let pinned = platform.integrity.is_none_or(|integrity| integrity == origin.integrity);
    Ok(origin.package == package(platform)
        && pinned
        && library.is_file()
        && origin.library == hash(&library)?)
}

fn package(platform: &Platform) -> String {
    format!("{}@{VERSION}", platform.package)
}

fn fetch(platform: &Platform, folder: &Path) -> Result<()> {
    let package = package(platform);
    println!("fetching {package}");
    fs::create_dir_all(folder)?;
    // In the same folder, so that the library can be renamed into its place.
    let scratch = tempfile::Builder::new().prefix("fetch-").tempdir_in(folder)?;
    let mut pack = shell::npm()?;
    pack.args(["pack", "--silent", "--pack-destination"]).arg(scratch.path()).arg(&package);
    shell::output(pack)?;
    let archive = fs::read_dir(scratch.path())?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .context("npm pack made no archive")?;
    let integrity = hash(&archive)?;
    let expected = match platform.integrity {
        Some(pinned) => pinned.to_owned(),
        None => published(&package)?,
    };
    if integrity != expected {
        bail!("{package} is not what it should be: its hash is {integrity} instead of {expected}");
    }
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(&archive).arg("-C").arg(scratch.path());
    shell::run(unpack)?;
    let library = scratch.path().join("package").join(platform.library);
    let origin = Origin { package, integrity, library: hash(&library)? };
    fs::rename(&library, folder.join(platform.library))?;
    fs::write(folder.join("origin.json"), serde_json::to_string_pretty(&origin)?)?;
    Ok(())
}

/// The hash that the registry publishes for a package.
fn published(package: &str) -> Result<String> {
    println!("the hash of {package} is not pinned; trusting the one that the registry publishes");
    let mut view = shell::npm()?;
    view.args(["view", "--silent", package, "dist.integrity"]);
    Ok(shell::output(view)?.trim().to_owned())
}

/// The SHA-512 of a file, as npm writes it.
fn hash(path: &Path) -> Result<String> {
    let mut file = fs::File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut hasher = Sha512::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("sha512-{}", STANDARD.encode(hasher.finalize()))),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// Programs look for the library in their own folder, as packages have it, and test programs one folder up.
fn beside_programs(library: &Path, folder: &Path) -> Result<()> {
    let name = library.file_name().context("a library without a name")?;
    let place = folder.join(name);
    if let (Ok(there), Ok(ours)) = (fs::metadata(&place), fs::metadata(library))
        && there.len() == ours.len()
        && there.modified()? >= ours.modified()?
    {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    let _ = fs::remove_file(&place);
    if fs::hard_link(library, &place).is_err() {
        fs::copy(library, &place)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_changed_is_fetched_again() {
        let folder = tempfile::tempdir().unwrap();
        let platform = &PLATFORMS[0];
        assert!(!is_right(platform, folder.path()).unwrap());
        let library = folder.path().join(platform.library);
        fs::write(&library, "library").unwrap();
        let origin = Origin {
            package: package(platform),
            integrity: platform.integrity.unwrap().to_owned(),
            library: hash(&library).unwrap(),
        };
        fs::write(folder.path().join("origin.json"), serde_json::to_string(&origin).unwrap()).unwrap();
        assert!(is_right(platform, folder.path()).unwrap());
        fs::write(&library, "lib").unwrap();
        assert!(!is_right(platform, folder.path()).unwrap());
    }

    #[test]
    fn the_library_is_the_release_of_the_crate() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../Cargo.toml");
        let text = fs::read_to_string(manifest).unwrap();
        // Crate 1.10506 carries DuckDB 1.5.6.
        let digits: Vec<u32> =
            VERSION.split('-').next().unwrap().split('.').map(|part| part.parse().unwrap()).collect();
        let release =
            format!("duckdb = {{ version = \"={}.{}.0\"", digits[0], 10_000 + digits[1] * 100 + digits[2]);
        assert!(text.contains(&release), "{release} is not in Cargo.toml");
    }
}
