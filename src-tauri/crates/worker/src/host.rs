//! What this program gives to the requests of windows: its connectors, and queries over DuckDB files.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, Weak};

use async_trait::async_trait;
use connectors::declarative::builder::Builder;
use connectors::duckdb::{Answer, Queries, Scratch, Values, Window};
use futures::future::BoxFuture;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use syncline_api::types::{GridColumn, GridData, PracticeApi, SqlResult, SqlTable, TableComparison};
use syncline_api::{Analytics, Host, Queried, Sample};
use syncline_engine::{ColumnFigures, ColumnValues, Profiler, Spread};
use syncline_protocol::{ConnectorBuilder, ConnectorRegistry, Result, TargetName};
use syncline_store::Project;
use syncline_store::config::SystemConfig;

use crate::opened::{self, Opened};
use crate::practice::Practice;
use crate::redaction::Redaction;

const DUCKDB: &str = "duckdb";

/// The program as a host.
pub struct ProgramHost {
    connectors: ConnectorRegistry,
    project: PathBuf,
    redaction: Redaction,
    opened: Weak<Opened>,
    builder: Builder,
    practice: Practice,
}

impl ProgramHost {
    /// With all connectors of this program and of the project. What must not be shown is learnt by `redaction`.
    ///
    /// # Errors
    /// `Config`, when the folder of the project cannot be read.
    pub fn new(redaction: Redaction, project: &Project) -> Result<ProgramHost> {
        let project = project.root().to_owned();
        Ok(ProgramHost {
            connectors: connectors::registry_of(&project)?,
            project,
            redaction,
            opened: Weak::new(),
            builder: Builder::default(),
            practice: Practice::default(),
        })
    }
}

impl ProgramHost {
    /// The same, for a project whose place another one can take.
    pub(crate) fn of(self, opened: Weak<Opened>) -> ProgramHost {
        ProgramHost { opened, ..self }
    }
}

impl Host for ProgramHost {
    fn version(&self) -> &str {
        env!("CARGO_PKG_VERSION")
    }

    fn connectors(&self) -> &ConnectorRegistry {
        &self.connectors
    }

    fn refresh_connectors(&self) -> Result<()> {
        connectors::declarative::library::load(&self.project, &self.connectors)
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

    fn open_project(&self, folder: &Path) -> Result<()> {
        self.opened.upgrade().ok_or_else(opened::is_closing)?.replace(folder)
    }

    fn builder(&self) -> Option<&dyn ConnectorBuilder> {
        Some(&self.builder)
    }

    fn practice(&self) -> BoxFuture<'_, Result<Vec<PracticeApi>>> {
        Box::pin(self.practice.apis())
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

/// Queries over DuckDB files.
pub fn analytics() -> &'static dyn Analytics {
    &DuckDb
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

    fn scratch(&self, folder: &Path) -> SystemConfig {
        let path = folder.join("rehearsal.duckdb").to_string_lossy().into_owned();
        SystemConfig { connector: DUCKDB.to_owned(), config: json!({"path": path}) }
    }

    async fn compare(
        &self,
        on: Queried<'_>,
        before: &TargetName,
        after: &TargetName,
        key: &[String],
    ) -> Result<TableComparison> {
        let found = Queries::new(on.config, on.context)?.compare(before, after, key).await?;
        Ok(TableComparison {
            rows_before: found.rows_before,
            rows_after: found.rows_after,
            only_before: found.only_before,
            only_after: found.only_after,
            columns_before: grid_columns(found.columns_before),
            columns_after: grid_columns(found.columns_after),
            example_columns: grid_columns(found.examples.columns),
            examples: found.examples.rows,
        })
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
