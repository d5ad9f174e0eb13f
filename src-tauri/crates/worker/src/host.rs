//! What this program gives to the requests of windows: its connectors, and queries over DuckDB files.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use connectors::duckdb::{Answer, Queries, Scratch, Values, Window};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use syncline_api::types::{GridColumn, GridData, SqlResult, SqlTable};
use syncline_api::{Analytics, Host, Queried, Sample};
use syncline_engine::{ColumnFigures, ColumnValues, Profiler, Spread};
use syncline_protocol::{ConnectorRegistry, Result, TargetName};
use syncline_store::Project;
use syncline_store::config::SystemConfig;

use crate::redaction::Redaction;

const DUCKDB: &str = "duckdb";

/// The program as a host.
pub struct ProgramHost {
    connectors: ConnectorRegistry,
    redaction: Redaction,
}

impl ProgramHost {
    /// With all connectors of this program and of the project. What must not be shown is learnt by `redaction`.
    ///
    /// # Errors
    /// `Config`, when the folder of the project cannot be read.
    pub fn new(redaction: Redaction, project: &Project) -> Result<ProgramHost> {
        Ok(ProgramHost { connectors: connectors::registry_of(project.root())?, redaction })
    }
}

impl Host for ProgramHost {
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn connectors(&self) -> &ConnectorRegistry {
        &self.connectors
    }

    fn clock(&self) -> fn() -> Timestamp {
        Timestamp::now
    }

    fn environment(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn learn_secrets(&self, secrets: &[SecretString]) {
        self.redaction.learn(secrets);
    }

    fn without_secrets(&self, text: &str) -> String {
        self.redaction.clean(text).into_owned()
    }

    fn analytics(&self) -> Option<&dyn Analytics> {
        Some(&DuckDb)
    }

    fn profiler(&self) -> Option<&dyn Profiler> {
        Some(&Counting)
    }

    fn sample(&self) -> Option<Sample> {
        let system = |connector: &str, config| SystemConfig { connector: connector.to_owned(), config };
        Some(Sample {
            source: ("corner-shop".to_owned(), system("sample", json!({}))),
            destination: ("studio".to_owned(), system(DUCKDB, json!({"path": "studio.duckdb"}))),
            connection: "sample".to_owned(),
        })
    }
}

/// DuckDB files, asked by way of the connector that also writes them: within a process they share one open database.
struct DuckDb;

#[async_trait]
impl Analytics for DuckDb {
    fn answers(&self, connector: &str) -> bool {
        connector == DUCKDB
    }

    async fn query(&self, on: Queried<'_>, sql: &str, offset: u64, limit: usize) -> Result<SqlResult> {
        let answer = Queries::new(on.config, on.context)?.query(sql, Window { offset, limit }).await?;
        let Answer { columns, rows, truncated } = answer;
        Ok(SqlResult { columns: grid_columns(columns), rows, truncated, duration_ms: 0 })
    }

    async fn rows(&self, on: Queried<'_>, table: &TargetName, offset: u64, limit: usize) -> Result<GridData> {
        let (answer, total) =
            Queries::new(on.config, on.context)?.rows(table, Window { offset, limit }).await?;
        Ok(GridData { columns: grid_columns(answer.columns), rows: answer.rows, total: Some(total) })
    }

    async fn tables(&self, on: Queried<'_>) -> Result<Vec<SqlTable>> {
        let tables = Queries::new(on.config, on.context)?.tables().await?;
        let table = |(table, columns)| SqlTable { table, columns: grid_columns(columns) };
        Ok(tables.into_iter().map(table).collect())
    }
}

/// The database in memory in which samples are counted; opened when the first one is.
fn scratch() -> Result<Scratch> {
    static OPEN: Mutex<Option<Scratch>> = Mutex::new(None);
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(scratch) = &*open {
        return Ok(scratch.clone());
    }
    Ok(open.insert(Scratch::open()?).clone())
}

/// Counts the values of samples in that database.
pub struct Counting;

#[async_trait]
impl Profiler for Counting {
    async fn profile(&self, values: ColumnValues) -> Result<ColumnFigures> {
        let ColumnValues { texts, measures, bins, top } = values;
        let figures = scratch()?.figures(Values { texts, measures, bins, top }).await?;
        Ok(ColumnFigures {
            distinct: figures.distinct,
            min: figures.min,
            max: figures.max,
            top: figures.top,
            spread: figures.spread.map(|spread| Spread {
                low: spread.low,
                high: spread.high,
                counts: spread.counts,
            }),
        })
    }
}

fn grid_columns(columns: Vec<(String, String)>) -> Vec<GridColumn> {
    columns.into_iter().map(|(name, type_name)| GridColumn { name, type_name }).collect()
}
