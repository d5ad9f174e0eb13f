//! The crash test for as long as wanted: `cargo xtask soak`.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a command line program

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;
use e2e::Target;
use e2e::crash::crash;

#[derive(Parser)]
struct Arguments {
    /// How many kills per destination.
    #[arg(long)]
    kills: u32,
    /// Chooses the instants.
    #[arg(long)]
    seed: u64,
    /// The binary `syncline`.
    #[arg(long)]
    program: PathBuf,
    /// Only this destination.
    #[arg(long)]
    destination: Option<String>,
    /// Print one JSON object per destination and nothing else.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut clean = true;
    for target in Target::ALL {
        if arguments.destination.as_ref().is_some_and(|wanted| *wanted != target.to_string()) {
            continue;
        }
        let tell = |line: String| eprintln!("{line}");
        let account = crash(&arguments.program, target, arguments.kills, arguments.seed, &tell).await?;
        clean &= account.is_clean();
        if arguments.json {
            println!("{}", serde_json::to_string(&account)?);
        } else {
            println!(
                "{:<9} {} kills in {:.0} s, {} comparisons: {} lost, {} doubled, {} different",
                account.destination,
                account.kills,
                account.seconds,
                account.comparisons,
                account.lost,
                account.doubled,
                account.different
            );
        }
    }
    ensure!(clean, "rows were lost, doubled or changed");
    Ok(())
}
