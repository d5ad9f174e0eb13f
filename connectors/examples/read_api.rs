//! Reads one table of a declarative connector into batches and counts their rows, for `cargo xtask bench api`:
//!
//! ```text
//! read_api MANIFEST CONFIG TABLE
//! ```
//!
//! Prints `{"rows": N, "seconds": S, "peak_mb": M}`: seconds of the read alone, and the most memory the program had (0
//! where the system does not tell).

#![allow(clippy::print_stdout)] // a command line program

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use async_trait::async_trait;
use connectors::declarative::Declarative;
use futures::future::BoxFuture;
use serde_json::json;
use syncline_protocol::{
    Change, ChangeSink, Config, Connector as _, ConnectorContext, DiscoverFilter, ReadMode, Stopped,
    TableRead,
};

// As the program that runs syncs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Counts what comes, and drops it.
#[derive(Default)]
struct Counter {
    rows: AtomicUsize,
    rejected: AtomicUsize,
}

#[async_trait]
impl ChangeSink for Counter {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        match change {
            Change::Batch(batch) => drop(self.rows.fetch_add(batch.rows.num_rows(), Ordering::Relaxed)),
            Change::Rejected(_) => drop(self.rejected.fetch_add(1, Ordering::Relaxed)),
            _ => {}
        }
        Ok(())
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [manifest, config, table] = arguments.as_slice() else { bail!("read_api MANIFEST CONFIG TABLE") };
    let text = std::fs::read_to_string(manifest)?;
    let connector = Declarative::load("api", text, |_| None)?;
    let config = Config::new(serde_json::from_str(&std::fs::read_to_string(config)?)?);
    let source = connector.source(&config, &ConnectorContext::of("."))?;
    let found = source.discover(&DiscoverFilter::default()).await?;
    let info = found.tables.into_iter().find(|info| info.schema.table.name == *table);
    let schema = info.context("there is no such table")?.schema;
    let read = TableRead {
        table: schema.table,
        columns: schema.columns,
        key: schema.key,
        mode: ReadMode::Full,
        key_list: false,
    };
    let began = Instant::now();
    let session = source.open(std::slice::from_ref(&read)).await?;
    let plan = session.plan(&read, None).await?;
    let counter = Arc::new(Counter::default());
    for part in &plan.parts {
        session.read(&read, &plan, part, None, &*counter).await?;
    }
    session.close().await;
    let seconds = began.elapsed().as_secs_f64();
    ensure!(counter.rejected.load(Ordering::Relaxed) == 0, "rows were rejected");
    let rows = counter.rows.load(Ordering::Relaxed);
    println!("{}", json!({"rows": rows, "seconds": seconds, "peak_mb": peak_mb()}));
    Ok(())
}

fn peak_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or_default() / 1024.0
}
