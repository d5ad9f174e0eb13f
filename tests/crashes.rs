//! The program is killed at random instants, again and again, and every row arrives exactly once.

#![allow(clippy::print_stdout)] // what is printed is how to repeat a failure

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use e2e::Target;
use e2e::crash::crash;
use e2e::program::built_program;

const KILLS: u32 = 200;

/// `SYNCLINE_SEED` repeats a run; otherwise each one is different.
fn seed() -> Result<u64> {
    match std::env::var("SYNCLINE_SEED") {
        Ok(seed) => Ok(seed.parse()?),
        Err(_) => Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs()),
    }
}

async fn survives(target: Target) -> Result<()> {
    let program = built_program()?;
    let seed = seed()?;
    println!("SYNCLINE_SEED={seed}");
    let account = crash(&program, target, KILLS, seed, &|line| println!("{line}")).await?;
    ensure!(account.is_clean() && account.kills >= KILLS, "{account:?}");
    Ok(())
}

#[tokio::test]
async fn duckdb_survives_kills() -> Result<()> {
    survives(Target::DuckDb).await
}

#[tokio::test]
async fn parquet_survives_kills() -> Result<()> {
    survives(Target::Parquet).await
}

#[tokio::test]
async fn postgres_survives_kills() -> Result<()> {
    survives(Target::Postgres).await
}
