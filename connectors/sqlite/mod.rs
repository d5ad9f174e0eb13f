//! SQLite as a source: a file, opened read-only, one read transaction a run.
//!
//! SQLite stores any kind of value in any column. Discovery therefore looks at what is really stored in the first and
//! last rows of each table ([`catalog`]); a value that turns out not to fit its column later goes to quarantine, or
//! makes the column text, by choice ([`MixedTypes`]).

mod catalog;
mod database;
mod plan;
mod read;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::connector::config_schema;
use syncline_protocol::{
    Badge, Catalog, ChangeSink, CheckStep, Config, Connector, ConnectorContext, DiscoverFilter, Error,
    Listing, Maturity, Part, ReadPlan, Result, SamplePicks, Sampling, Source, SourceCapabilities,
    SourceSession, Spec, StepSink, TablePosition, TableRead,
};

use crate::stream::{blocking, pump};
use database::Database;

/// The connector.
pub struct Sqlite;

/// Settings of an SQLite source.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SqliteConfig {
    /// The database file. Relative paths start in the project folder.
    pub path: String,
    /// What happens to a value that does not fit the type of its column.
    #[serde(default)]
    pub mixed_types: MixedTypes,
}

/// What happens to a value that does not fit the type of its column, which SQLite allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MixedTypes {
    /// Its row goes to quarantine.
    #[default]
    Quarantine,
    /// The column becomes text.
    Text,
}

impl Connector for Sqlite {
    fn listing(&self) -> Listing {
        Listing { badges: &[Badge::Incremental, Badge::Deletes, Badge::SchemaChanges], ..self.spec().into() }
    }

    fn spec(&self) -> Spec {
        Spec {
            name: "sqlite".into(),
            title: "SQLite".into(),
            description: "Reads tables and views of an SQLite file, also while other programs write to it."
                .into(),
            aliases: &["sqlite3", "db3"],
            url_schemes: &["sqlite"],
            version: env!("CARGO_PKG_VERSION").into(),
            maturity: Maturity::New,
            source_schema: Some(config_schema::<SqliteConfig>()),
            destination_schema: None,
        }
    }

    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        let config: SqliteConfig = config.parse("SQLite")?;
        Ok(Box::new(SqliteSource { path: context.resolve(&config.path), mixed_types: config.mixed_types }))
    }
}

struct SqliteSource {
    path: PathBuf,
    mixed_types: MixedTypes,
}

/// One connection with one read transaction. Reads take turns.
struct SqliteSession {
    database: Arc<Mutex<Database>>,
    mixed_types: MixedTypes,
}

#[async_trait]
impl Source for SqliteSource {
    fn capabilities(&self) -> SourceCapabilities {
        // One transaction belongs to one connection, and a connection reads one thing at a time.
        SourceCapabilities {
            parallel_parts: 1,
            incremental: true,
            key_lists: true,
            consistent: true,
            inferred_types: true,
            samples: SamplePicks { random: true, condition: true },
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        let path = self.path.clone();
        let began = Instant::now();
        let opened = blocking(move || Database::open(&path)).await;
        let database = match opened {
            Ok(database) => database,
            Err(error) => return steps.step(CheckStep::failed("Open the file", began.elapsed(), &error)),
        };
        let detail = if database.is_immutable() {
            "opened as a file that nobody changes: its folder cannot be written"
        } else {
            "opened read-only"
        };
        steps.step(CheckStep::ok("Open the file", began.elapsed()).detail(detail));
        let began = Instant::now();
        let mixed_types = self.mixed_types;
        let tables = blocking(move || {
            let catalog = catalog::discover(&database, &DiscoverFilter::default(), mixed_types)?;
            database.quick_check()?;
            Ok(catalog.tables.len())
        });
        match tables.await {
            Ok(tables) => {
                let detail = if tables == 1 { "1 table".to_owned() } else { format!("{tables} tables") };
                steps.step(CheckStep::ok("Read the list of tables", began.elapsed()).detail(detail));
            }
            Err(error) => {
                steps.step(CheckStep::failed("Read the list of tables", began.elapsed(), &error));
            }
        }
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let (path, filter, mixed_types) = (self.path.clone(), filter.clone(), self.mixed_types);
        blocking(move || catalog::discover(&Database::open(&path)?, &filter, mixed_types)).await
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        let (path, read, sampling) = (self.path.clone(), read.clone(), sampling.clone());
        let mixed_types = self.mixed_types;
        pump(sink, move |outlet| read::sample(&Database::open(&path)?, &read, &sampling, mixed_types, outlet))
            .await
    }

    async fn open(&self, _tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        let path = self.path.clone();
        let database = blocking(move || Database::open(&path)).await?;
        Ok(Box::new(SqliteSession {
            database: Arc::new(Mutex::new(database)),
            mixed_types: self.mixed_types,
        }))
    }
}

/// The database is only read, so a thread that failed left nothing half done behind.
fn lock(database: &Mutex<Database>) -> MutexGuard<'_, Database> {
    database.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl SourceSession for SqliteSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        let (database, read, position) = (Arc::clone(&self.database), read.clone(), position.cloned());
        blocking(move || plan::plan(&lock(&database), &read, position.as_ref())).await
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let (database, read, plan) = (Arc::clone(&self.database), read.clone(), plan.plan.clone());
        let (part, from, mixed_types) = (part.clone(), from.cloned(), self.mixed_types);
        pump(sink, move |outlet| {
            let plan: plan::Plan = serde_json::from_value(plan)
                .map_err(|error| Error::internal("A plan could not be read.").caused_by(error))?;
            let mut database = lock(&database);
            database.watch(outlet.is_closed_later())?;
            let result = read::part(&database, &read, &plan, &part, from.as_ref(), mixed_types, outlet);
            database.unwatch();
            result.and_then(|()| database.still_the_same())
        })
        .await
    }

    async fn close(&self) {}
}
