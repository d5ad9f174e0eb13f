//! The program is killed at random instants, again and again, and every row arrives exactly once.

use std::time::{SystemTime, UNIX_EPOCH};

use e2e::Target;
use e2e::crash::crash;
use e2e::program::built_program;

const KILLS: u32 = 200;

/// `SYNCLINE_SEED` repeats a run; otherwise each one is different.
fn seed() -> u64 {
    let given = std::env::var("SYNCLINE_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

async fn survives(target: Target) {
    let program = built_program().unwrap();
    let seed = seed();
    println!("SYNCLINE_SEED={seed}");
    let account = crash(&program, target, KILLS, seed, &|line| println!("{line}")).await.unwrap();
    assert!(account.is_clean() && account.kills >= KILLS, "{account:?}");
}

#[tokio::test]
async fn duckdb_survives_kills() {
    survives(Target::DuckDb).await;
}

#[tokio::test]
async fn parquet_survives_kills() {
    survives(Target::Parquet).await;
}

#[tokio::test]
async fn postgres_survives_kills() {
    survives(Target::Postgres).await;
}
