//! `cargo xtask bench postgres`: how long `lineitem` takes, and how long it must take.
//!
//! The server is private, runs on this machine and writes through to the disk as in production (`fsync = on`), with
//! 1 GB of shared buffers and 8 GB of log between checkpoints. The table is vacuumed and read once before anything is
//! measured, so that it lies in memory.
//! The floor is `COPY … TO STDOUT (FORMAT BINARY)` of the two halves of the table (by physical position) by two `psql`
//! at once, into nothing; the best of three.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a command line program

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use e2e::{Project, Target, program};
use futures::SinkExt as _;
use serde::Serialize;
use syncline_testkit::postgres::{Options, binary};
use syncline_testkit::{Database, PostgresServer};
use tpchgen::csv::LineItemCsv;
use tpchgen::generators::LineItemGenerator;

const BUFFER_BYTES: usize = 1 << 20;
const FLOOR_ROUNDS: usize = 3;
/// How often the memory of the program is looked at. The kernel keeps the peak, so that only the end can be missed.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const CONNECTION: &str = "bench";

#[derive(Parser)]
struct Arguments {
    /// TPC-H scale factor.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,
    /// The binary `syncline`, as released.
    #[arg(long)]
    program: PathBuf,
    /// How often each destination is measured; the median of the times and the highest peak count.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    repeat: u32,
    /// Only this destination.
    #[arg(long)]
    destination: Option<String>,
    /// Print one JSON object and nothing else.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Measured {
    floor_s: f64,
    rows: u64,
    runs: Vec<Run>,
}

#[derive(Debug, Serialize)]
struct Run {
    destination: String,
    wall_s: f64,
    ratio: f64,
    rows_per_s: f64,
    /// Peak resident memory; zero where the system does not tell.
    peak_mb: f64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let targets: Vec<Target> = match &arguments.destination {
        Some(wanted) => Target::ALL.into_iter().filter(|target| target.to_string() == *wanted).collect(),
        None => Target::ALL.to_vec(),
    };
    ensure!(!targets.is_empty(), "there is no such destination; there are duckdb, parquet and postgres");
    ensure!(arguments.program.is_file(), "there is no program at {}", arguments.program.display());
    let server = Options::default()
        .durable()
        .setting("shared_buffers", "1GB")
        .setting("max_wal_size", "8GB")
        .setting("checkpoint_timeout", "1h")
        .start()
        .await?;
    let source = server.create_database().await?;
    eprintln!("loading lineitem at scale {}", arguments.scale);
    let rows = load(&source, arguments.scale).await?;
    let floor = floor(&source).await?;
    eprintln!("{rows} rows; the floor is {:.2} s", floor.as_secs_f64());
    let mut measured = Measured { floor_s: floor.as_secs_f64(), rows, runs: Vec::new() };
    for target in targets {
        let mut walls = Vec::new();
        let mut peak = 0;
        for _ in 0..arguments.repeat {
            let (wall, used) = sync(&arguments.program, &server, &source, target, rows).await?;
            eprintln!("{target}: {:.2} s, {:.0} MB", wall.as_secs_f64(), megabytes(used));
            walls.push(wall);
            peak = peak.max(used);
        }
        let wall = median(&mut walls).context("no round")?;
        let wall_s = wall.as_secs_f64();
        measured.runs.push(Run {
            destination: target.to_string(),
            wall_s,
            ratio: wall_s / measured.floor_s,
            rows_per_s: rows as f64 / wall_s,
            peak_mb: megabytes(peak),
        });
    }
    print(&measured, arguments.json)
}

/// The middle one; of an even number the later of the two in the middle, so that nothing looks faster than it was.
fn median(walls: &mut [Duration]) -> Option<Duration> {
    walls.sort_unstable();
    walls.get(walls.len() / 2).copied()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn print(measured: &Measured, json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(measured)?);
        return Ok(());
    }
    println!("lineitem, {} rows; floor {:.2} s", measured.rows, measured.floor_s);
    println!("{:<10} {:>8} {:>8} {:>12} {:>9}", "to", "seconds", "x floor", "rows/s", "peak MB");
    for run in &measured.runs {
        println!(
            "{:<10} {:>8.2} {:>8.2} {:>12.0} {:>9.0}",
            run.destination, run.wall_s, run.ratio, run.rows_per_s, run.peak_mb
        );
    }
    Ok(())
}

/// Makes the table and fills it straight from the generator.
async fn load(database: &Database, scale: f64) -> Result<u64> {
    let client = database.connect().await?;
    client
        .batch_execute(
            "create table lineitem (
               l_orderkey bigint not null, l_partkey bigint not null, l_suppkey bigint not null,
               l_linenumber integer not null, l_quantity numeric(15,2) not null,
               l_extendedprice numeric(15,2) not null, l_discount numeric(15,2) not null,
               l_tax numeric(15,2) not null, l_returnflag char(1) not null, l_linestatus char(1) not null,
               l_shipdate date not null, l_commitdate date not null, l_receiptdate date not null,
               l_shipinstruct char(25) not null, l_shipmode char(10) not null, l_comment varchar(44) not null)",
        )
        .await?;
    let sink = client.copy_in("copy lineitem from stdin with (format csv)").await?;
    futures::pin_mut!(sink);
    let mut lines = LineItemGenerator::new(scale, 1, 1).iter();
    loop {
        // Making rows is work of its own; other tasks go on meanwhile.
        let (text, rest) = tokio::task::spawn_blocking(move || {
            let mut text = String::with_capacity(BUFFER_BYTES + 1024);
            for line in lines.by_ref() {
                use std::fmt::Write as _;
                let _ = writeln!(text, "{}", LineItemCsv::new(line));
                if text.len() >= BUFFER_BYTES {
                    break;
                }
            }
            (text, lines)
        })
        .await?;
        lines = rest;
        if text.is_empty() {
            break;
        }
        sink.send(std::io::Cursor::new(text.into_bytes())).await?;
    }
    let rows = sink.finish().await?;
    client.batch_execute("alter table lineitem add primary key (l_orderkey, l_linenumber)").await?;
    client.batch_execute("vacuum (freeze, analyze) lineitem").await?;
    client.batch_execute("checkpoint").await?;
    Ok(rows)
}

/// The least time in which the server can hand out the table over two connections.
async fn floor(database: &Database) -> Result<Duration> {
    let client = database.connect().await?;
    let pages: i64 = client.query_one("select pg_relation_size('lineitem') / 8192", &[]).await?.get(0);
    let half = pages / 2;
    let conditions = [format!("ctid < '({half},0)'"), format!("ctid >= '({half},0)'")];
    let mut best = Duration::MAX;
    for _ in 0..=FLOOR_ROUNDS {
        let begun = Instant::now();
        let mut readers = Vec::new();
        for condition in &conditions {
            let query = format!("copy (select * from lineitem where {condition}) to stdout (format binary)");
            let mut psql = tokio::process::Command::new(binary("psql")?);
            psql.args(["--no-psqlrc", "--quiet", "--command", &query, &database.url()]);
            readers.push(psql.stdout(Stdio::null()).kill_on_drop(true).spawn()?);
        }
        for mut reader in readers {
            ensure!(reader.wait().await?.success(), "psql failed");
        }
        best = best.min(begun.elapsed());
    }
    Ok(best)
}

/// Syncs the table into a new destination. How long the program ran, and its peak memory in bytes.
async fn sync(
    program: &Path,
    server: &PostgresServer,
    source: &Database,
    target: Target,
    rows: u64,
) -> Result<(Duration, u64)> {
    let destination = server.create_database().await?;
    let project = Project::new(program, source)?;
    project.write(&format!("destinations/{}.yaml", e2e::target::NAME), &target.yaml(&destination))?;
    let connection =
        format!("source: source\ndestination: {}\ntables:\n  - name: public.lineitem\n", e2e::target::NAME);
    project.write(&format!("connections/{CONNECTION}.yaml"), &connection)?;
    server.connect().await?.batch_execute("checkpoint").await?;
    let begun = Instant::now();
    let mut child = project.command(&["run", CONNECTION, "--yes"]).spawn()?;
    let id = child.id();
    let mut peak = 0;
    let status = loop {
        match tokio::time::timeout(LOOK_EVERY, child.wait()).await {
            Ok(status) => break status?,
            Err(_) => peak = peak.max(id.and_then(program::peak_memory).unwrap_or(0)),
        }
    };
    let wall = begun.elapsed();
    if !status.success() {
        anyhow::bail!("the run failed:\n{}", program::said(&child.wait_with_output().await?));
    }
    let count = "select cast(count(*) as varchar) from {table}";
    let landed = target.rows(&project, &destination, ("public", "lineitem"), count).await?;
    ensure!(landed == [rows.to_string()], "{landed:?} rows landed in {target} instead of {rows}");
    target.clear(&project, &destination).await?;
    Ok((wall, peak))
}
