//! The window's built files are embedded from `ui/dist`. A checkout without them still builds: `syncline serve` then says
//! how to make them.

use std::path::Path;

fn main() {
    let dist = Path::new("../../../ui/dist");
    println!("cargo:rerun-if-changed={}", dist.display());
    println!("cargo:rerun-if-changed=build.rs");
    if let Err(error) = std::fs::create_dir_all(dist) {
        println!("cargo:warning={} cannot be made: {error}", dist.display());
    }
}
