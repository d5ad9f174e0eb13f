//! All of TPC-H and a schema that is as awkward as schemas get, from Postgres into every destination, proved by the
//! counts and checksums of the receipt.

use anyhow::{Context as _, Result, ensure};
use e2e::program::{Project, built_program, postgres_yaml, said};
use e2e::target::{NAME, Target};
use futures::SinkExt as _;
use serde_json::Value;
use syncline_testkit::{Database, PostgresServer};
use tpchgen::csv::{
    CustomerCsv, LineItemCsv, NationCsv, OrderCsv, PartCsv, PartSuppCsv, RegionCsv, SupplierCsv,
};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};

/// 60,175 rows of `lineitem`.
const SCALE: f64 = 0.01;
const TPCH: &str = include_str!("everything/tpch.sql");
const AWKWARD: &str = include_str!("everything/awkward.sql");

macro_rules! rows {
    ($generator:ident, $csv:ident) => {{
        use std::fmt::Write as _;
        let mut text = String::new();
        for row in $generator::new(SCALE, 1, 1).iter() {
            writeln!(text, "{}", $csv::new(row))?;
        }
        text
    }};
}

async fn load_tpch(database: &Database) -> Result<()> {
    database.execute(TPCH).await;
    let tables = [
        ("region", rows!(RegionGenerator, RegionCsv)),
        ("nation", rows!(NationGenerator, NationCsv)),
        ("part", rows!(PartGenerator, PartCsv)),
        ("supplier", rows!(SupplierGenerator, SupplierCsv)),
        ("partsupp", rows!(PartSuppGenerator, PartSuppCsv)),
        ("customer", rows!(CustomerGenerator, CustomerCsv)),
        ("orders", rows!(OrderGenerator, OrderCsv)),
        ("lineitem", rows!(LineItemGenerator, LineItemCsv)),
    ];
    let client = database.connect().await?;
    for (table, text) in tables {
        let sink = client.copy_in(&format!("copy {table} from stdin with (format csv)")).await?;
        futures::pin_mut!(sink);
        sink.send(std::io::Cursor::new(text.into_bytes())).await?;
        sink.finish().await?;
    }
    client.batch_execute("analyze").await?;
    Ok(())
}

/// The receipt of a run that read both sides again and compared them.
async fn verified(project: &Project) -> Result<Value> {
    let output = project.command(&["run", "main", "--yes", "--verify", "--json"]).output().await?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().next_back().context("no event")?;
    let event: Value = serde_json::from_str(last).with_context(|| said(&output))?;
    Ok(event["receipt"].clone())
}

/// Each table is there whole: as many rows as were committed, and the same rows on both sides.
fn expect_proof(receipt: &Value, tables: usize, target: Target) -> Result<()> {
    let accounts = receipt["tables"].as_array().with_context(|| format!("{target}: {receipt:#}"))?;
    ensure!(accounts.len() == tables, "{target}: {} tables instead of {tables}", accounts.len());
    for account in accounts {
        let (count, checksum) = (&account["proof"]["count"], &account["proof"]["checksum"]);
        ensure!(
            count["committed"].is_u64() && count["committed"] == count["counted"],
            "{target}: {account:#}"
        );
        ensure!(
            checksum["source"].is_object() && checksum["source"] == checksum["destination"],
            "{target}: {account:#}"
        );
    }
    Ok(())
}

async fn lands_in(target: Target, source: &Database, tables: usize, rejected: u64) -> Result<()> {
    let destination = PostgresServer::shared().await.create_database().await?;
    let project = Project::new(&built_program()?, source)?;
    let yaml = match target {
        Target::Postgres => postgres_yaml(&destination),
        other => other.yaml(&destination),
    };
    project.write(&format!("destinations/{NAME}.yaml"), &yaml)?;
    let add = ["add", "connection", "main", "--source", "source", "--destination", NAME, "--all"];
    let output = project.command(&add).output().await?;
    ensure!(output.status.success(), "{}", said(&output));
    let receipt = verified(&project).await?;
    expect_proof(&receipt, tables, target)?;
    let all: u64 = receipt["tables"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|table| table["rows_rejected"].as_u64())
        .sum();
    let listed = project.command(&["quarantine", "list", "main"]).output().await?;
    ensure!(all == rejected, "{target}: {all} rows were rejected\n{}", said(&listed));
    Ok(())
}

#[tokio::test]
async fn tpch_lands_whole_everywhere() -> Result<()> {
    let source = PostgresServer::shared().await.create_database().await?;
    load_tpch(&source).await?;
    for target in Target::ALL {
        lands_in(target, &source, 8, 0).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_awkward_schema_lands_whole_everywhere() -> Result<()> {
    let source = PostgresServer::shared().await.create_database().await?;
    source.execute(AWKWARD).await;
    for target in Target::ALL {
        // Parquet has no infinite dates: the two rows that hold one are in quarantine, with this reason.
        let rejected = if target == Target::Parquet { 2 } else { 0 };
        lands_in(target, &source, 12, rejected).await?;
    }
    Ok(())
}
