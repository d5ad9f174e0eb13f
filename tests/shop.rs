//! A source that changes while it is read: tables for every write mode, and somebody who writes into them.

use std::time::Duration;

use anyhow::Result;
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use syncline_testkit::Database;
use syncline_testkit::oracle::{Difference, postgres_rows};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::program::Project;
use crate::target::{Dialect, Target};

/// The schema of the tables, on both sides.
pub const SCHEMA: &str = "shop";

const WRITES_EVERY: Duration = Duration::from_millis(5);
const WRITES_AT_ONCE: usize = 4;

/// The tables, and how many rows each begins with.
const SIZES: &[(&str, u32)] = &[
    ("orders", 4000),
    ("customers", 1500),
    ("prices", 1500),
    ("products", 1500),
    ("events", 3000),
    // With long texts: large enough to be read in several parts.
    ("documents", 3000),
];

/// The tables as the connection of the project has them.
pub const TABLES_YAML: &str = "\
tables:
  - name: shop.orders
    mode: merge
    deletes: hard
    cursor: updated_at
    detect_deletes: true
  - name: shop.customers
    mode: merge
    deletes: soft
    cursor: updated_at
    detect_deletes: true
  - name: shop.prices
    mode: history
    cursor: updated_at
    detect_deletes: true
  - name: shop.products
    mode: replace
  - name: shop.events
    mode: append
    cursor: id
  - name: shop.documents
    mode: merge
    cursor: updated_at
    detect_deletes: true
";

/// Makes the tables and fills them.
///
/// # Errors
/// When the server refuses.
pub async fn create(database: &Database) -> Result<()> {
    let client = database.connect().await?;
    client.batch_execute("create schema shop").await?;
    for (table, rows) in SIZES {
        let name = match *table {
            "documents" => "repeat(md5(id::text), 200)".to_owned(),
            _ => format!("'{table} ' || id"),
        };
        client
            .batch_execute(&format!(
                "create table shop.{table} (
                   id bigint primary key, name text not null, amount numeric(12,2), paid boolean,
                   updated_at timestamptz not null);
                 alter table shop.{table} alter column name set storage plain;
                 insert into shop.{table}
                   select id, {name}, id * 0.25, nullif(id % 3, 2) = 1, clock_timestamp()
                   from generate_series(1, {rows}) id;
                 analyze shop.{table};"
            ))
            .await?;
    }
    Ok(())
}

/// Inserts, updates and deletes rows until it is stopped. One writer, so that cursor values become visible in their order.
#[derive(Debug)]
pub struct Writer {
    stop: CancellationToken,
    task: JoinHandle<Result<u64>>,
}

impl Writer {
    /// Begins to write.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn start(database: &Database, seed: u64) -> Result<Self> {
        let client = database.connect().await?;
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut pace = tokio::time::interval(WRITES_EVERY);
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            let mut written = 0;
            while !stopped.is_cancelled() {
                pace.tick().await;
                let statements: Vec<String> = (0..WRITES_AT_ONCE).map(|_| statement(&mut random)).collect();
                client.batch_execute(&statements.join(";")).await?;
                written += statements.len() as u64;
            }
            Ok(written)
        });
        Ok(Writer { stop, task })
    }

    /// Stops, and says how many statements were executed.
    ///
    /// # Errors
    /// When one of them failed.
    pub async fn stop(self) -> Result<u64> {
        self.stop.cancel();
        self.task.await?
    }
}

fn statement(random: &mut ChaCha8Rng) -> String {
    let (table, rows) = SIZES[random.random_range(0..SIZES.len())];
    let id = random.random_range(1..=rows);
    let insert = format!(
        "insert into shop.{table} select coalesce(max(id), 0) + 1, 'new ' || {id}, {id} * 0.5, null, clock_timestamp() from shop.{table}"
    );
    let update = format!(
        "update shop.{table} set amount = coalesce(amount, 0) + 1, name = 'changed ' || {id}, updated_at = clock_timestamp() where id = {id}"
    );
    let delete = format!(
        "delete from shop.{table} where id = (select id from shop.{table} where id >= {id} order by id limit 1)"
    );
    match (table, random.random_range(0..10)) {
        ("events", _) | (_, 0..3) => insert,
        (_, 3..8) => update,
        _ => delete,
    }
}

/// A row as one line, its key first.
fn line(dialect: Dialect) -> String {
    format!(
        "cast(id as varchar) || '|' || md5(name) || '|' || coalesce(cast(amount as varchar), 'null') || '|' \
         || coalesce(cast(paid as varchar), 'null') || '|' || cast({} as varchar)",
        dialect.micros("updated_at")
    )
}

/// How source and destination differ, over all tables. The source must be at rest.
///
/// # Errors
/// When one of them cannot be asked.
pub async fn compare(
    target: Target,
    project: &Project,
    source: &Database,
    destination: &Database,
) -> Result<Vec<(String, Difference)>> {
    let client = source.connect().await?;
    let mut found = Vec::new();
    for (table, _) in SIZES {
        let query = format!("select {} from {SCHEMA}.{table}", line(Dialect::Postgres));
        let expected = postgres_rows(&client, &query).await?;
        let visible = match *table {
            "customers" | "documents" => " where not _syncline_deleted",
            "prices" => " where _syncline_current",
            _ => "",
        };
        let query = format!("select {} from {{table}}{visible}", line(target.dialect()));
        let rows = target.rows(project, destination, (SCHEMA, table), &query).await?;
        let mut difference = Difference::between(&expected, &rows);
        if *table == "prices" {
            // A version must be there once, and end after it began.
            let wrong = "select cast(id as varchar) from {table} group by id, _syncline_valid_from having count(*) > 1 \
                         union all select cast(id as varchar) from {table} where _syncline_valid_to <= _syncline_valid_from";
            difference.doubled.extend(target.rows(project, destination, (SCHEMA, table), wrong).await?);
        }
        if visible.contains("_deleted") {
            let wrong = "select cast(id as varchar) from {table} group by id having count(*) > 1";
            difference.doubled.extend(target.rows(project, destination, (SCHEMA, table), wrong).await?);
        }
        if !difference.is_none() {
            found.push(((*table).to_owned(), difference));
        }
    }
    Ok(found)
}
