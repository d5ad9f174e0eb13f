//! Developer commands. `cargo xtask start` sets everything up and shows the program at work; `cargo xtask test` sets
//! everything up and runs all tests.

#![allow(clippy::print_stdout)] // a command line program

mod bench;
mod bench_api;
mod bench_window;
mod crash;
mod external;
mod package;
mod reference;
mod setup;
mod shell;
mod test;
mod tidy;
mod ui;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::shell::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Developer commands of Syncline", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch the prebuilt DuckDB library and put it where builds find it.
    Setup,
    /// Set up, build, and open the studio. Without a display the sample runs in the terminal first.
    Start {
        /// Passed on to the studio.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Set up and run all checks and tests.
    Test {
        /// Only tests whose name contains this; formatting and lints are left out then.
        filter: Option<String>,
    },
    /// Measure the program against the fastest way to read the same data.
    Bench {
        /// What to read from.
        #[arg(value_enum)]
        source: bench::Source,
        /// TPC-H scale factor; 1 is 6,001,215 rows of lineitem.
        #[arg(long, default_value_t = 1.0)]
        scale: f64,
        /// How often each destination is measured; the run with the median time counts.
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        repeat: u32,
        /// Only this destination: duckdb, parquet or postgres.
        #[arg(long)]
        destination: Option<String>,
        /// With `window`: only the figures whose file has this in its name, for example `grid`.
        #[arg(long)]
        only: Option<String>,
        /// With `window`: measure a development build, to try the measuring out.
        #[arg(long)]
        debug: bool,
        /// Print one JSON object and nothing else.
        #[arg(long)]
        json: bool,
    },
    /// Compare the interpreter of declarative connectors with its reference, on APIs made up for real manifests.
    Differential {
        /// The manifests; default: SYNCLINE_CORPUS, else ../shared/corpus.
        #[arg(long)]
        manifests: Option<PathBuf>,
        /// Only the manifest of this connector.
        #[arg(long)]
        only: Option<String>,
        /// Print one JSON object and nothing else.
        #[arg(long)]
        json: bool,
        /// Do not run the reference again: compare with what it said last time.
        #[arg(long)]
        keep: bool,
    },
    /// Kill the program at random instants while it syncs, restart it, and compare what it made row for row.
    Soak {
        /// How many kills per destination.
        #[arg(long, default_value_t = 1000)]
        kills: u32,
        /// Chooses the instants; printed, so that a run can be repeated.
        #[arg(long)]
        seed: Option<u64>,
        /// Print one JSON object per destination and nothing else.
        #[arg(long)]
        json: bool,
    },
    /// Walk through the studio in a browser and write a picture of each screen in both themes.
    Screenshots {
        /// Where to.
        #[arg(default_value = "ui/pictures")]
        folder: PathBuf,
    },
    /// Build the desktop program as it is released, and its packages for this system.
    Package {
        /// Which kinds: deb, rpm, appimage, dmg, msi, nsis. Default: what this system installs.
        kinds: Vec<String>,
        /// Pack a development build, to try packages out.
        #[arg(long)]
        debug: bool,
    },
    /// Write the JSON Schemas of the project files anew.
    Schemas,
    /// Write what the window knows of the program: `ui/src/api/generated.ts`.
    Codegen,
    /// Check the rules of the repository: who may depend on whom, and what may lie where.
    Tidy,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    let workspace = Workspace::find()?;
    match cli.command {
        Command::Setup => setup::run(&workspace).map(drop),
        Command::Start { arguments } => test::start(&workspace, &arguments),
        Command::Test { filter } => test::run(&workspace, filter.as_deref()),
        Command::Bench { source, scale, repeat, destination, only, debug, json } => match source {
            bench::Source::Postgres => {
                bench::run(&workspace, &bench::Options { scale, repeat, destination, json })
            }
            bench::Source::Api => bench_api::run(&workspace, json),
            bench::Source::Window => bench_window::run(&workspace, only.as_deref(), debug, json),
        },
        Command::Differential { manifests, only, json, keep } => {
            reference::differential(&workspace, &reference::Options { manifests, only, json, keep })
        }
        Command::Soak { kills, seed, json } => crash::run(&workspace, kills, seed, json),
        Command::Screenshots { folder } => ui::screenshots(&workspace, folder),
        Command::Package { kinds, debug } => package::run(&workspace, &kinds, debug),
        Command::Schemas => test::schemas(&workspace),
        Command::Codegen => test::codegen(&workspace),
        Command::Tidy => tidy::run(&workspace),
    }
}
