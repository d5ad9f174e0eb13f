//! PostgreSQL as a destination.
//!
//! A segment is one transaction on one connection: rows stream in by binary COPY, straight into the table when no key
//! can occur twice, else into a temporary table from where they are merged; then the fence is checked, the checkpoint
//! is written, and all of it is committed. A segment that ends in any other way never happened.
//!
//! Reading order: `session` (what is opened) → `loader` (one segment) → `merge` (its SQL) → `finish` (swap, sweep,
//! indexes) → `system` (fence, checkpoints, quarantine) → `scan` (reading back).

mod check;
mod finish;
mod loader;
mod merge;
mod scan;
mod session;
mod system;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use syncline_protocol::{
    ChangeSink, Column, Config, ConnectorContext, Destination, DestinationCapabilities, Durability, Error,
    ErrorKind, Landing, LogicalType, Opened, Opening, QuarantinedRow, Result, SchemaChange, StepSink,
    StoredCheckpoint, TableName, TargetName, TargetTable,
};

use self::session::{PostgresSession, Shared};
use self::system::SystemTables;
use super::client::{Connection, Server};
use super::config::PostgresConfig;
use super::ddl;
use super::encode::{DATE_MAX, DATE_MIN, TIMESTAMP_MIN};
use super::error::while_doing;

/// How many bytes a segment has at most: enough that commits cost nothing, little enough to lose without regret.
const SEGMENT_BYTES: u64 = 64 << 20;
/// How long a new session waits for an older one that is just committing.
const FENCE_WAIT_SECONDS: u32 = 30;

/// The settings of a Postgres destination: those of the connection, and where tables go.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct PostgresDestinationConfig {
    /// How to reach the database.
    #[serde(flatten)]
    pub server: PostgresConfig,
    /// The schema for tables that name none, and for Syncline's own tables.
    #[serde(default = "default_schema")]
    pub schema: String,
    /// What is left over: settings that do not exist. (`deny_unknown_fields` and `flatten` do not go together.)
    #[serde(flatten)]
    #[schemars(skip)]
    unknown: BTreeMap<String, Value>,
}

fn default_schema() -> String {
    "public".to_owned()
}

/// A configured Postgres destination.
pub struct PostgresDestination {
    config: PostgresDestinationConfig,
    context: ConnectorContext,
    tables: SystemTables,
}

impl PostgresDestination {
    /// A destination with these settings. Does not connect yet.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub fn new(config: &Config, context: &ConnectorContext) -> Result<Self> {
        let config: PostgresDestinationConfig = config.parse("PostgreSQL")?;
        config.server.validate()?;
        if let Some(name) = config.unknown.keys().next() {
            let message = format!("There is no setting `{name}` for a PostgreSQL destination.");
            return Err(Error::new(ErrorKind::Config, message));
        }
        if config.schema.is_empty() || config.schema.len() > ddl::NAME_BYTES_MAX {
            let message = "The setting `schema` must be a name of 1 to 63 bytes.";
            return Err(Error::new(ErrorKind::Config, message));
        }
        let tables = SystemTables::new(&config.schema);
        Ok(PostgresDestination { config, context: context.clone(), tables })
    }

    async fn server(&self) -> Result<Arc<Server>> {
        // Boxed: setting up an SSH session takes a large future.
        Box::pin(Server::reach(&self.config.server, &self.context)).await
    }

    async fn connect(&self) -> Result<Connection> {
        self.server().await?.connect().await
    }
}

#[async_trait]
impl Destination for PostgresDestination {
    fn capabilities(&self) -> DestinationCapabilities {
        DestinationCapabilities {
            durability: Durability::Transactional,
            schemas: true,
            default_schema: Some(self.config.schema.clone()),
            identifier_bytes_max: ddl::NAME_BYTES_MAX,
            case_sensitive: true,
            parallel_loaders: usize::from(self.config.server.parallel),
            segment_bytes: SEGMENT_BYTES,
            date_range: (DATE_MIN, DATE_MAX),
            // The greatest value itself is infinity.
            timestamp_range: (TIMESTAMP_MIN, i64::MAX - 1),
            infinite_times: true,
            text_nul: false,
            counts_fast: false,
            replaces_children: true,
        }
    }

    fn landing(&self, logical: &LogicalType) -> Landing {
        ddl::landing(logical)
    }

    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        ddl::statements(change, self.tables.schema())
    }

    fn column_text(&self, column: &Column) -> String {
        ddl::column_text(column)
    }

    async fn check(&self, steps: &dyn StepSink) {
        check::check(self, steps).await;
    }

    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        let connection = self.connect().await?;
        let found = scan::found_columns(&connection, tables, self.tables.schema()).await?;
        connection.close().await;
        Ok(found
            .into_iter()
            .map(|table| table.map(|columns| columns.into_iter().map(|found| found.column).collect()))
            .collect())
    }

    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>> {
        let way = self.connect().await?;
        let found = self.tables.read(&way, connection).await?;
        way.close().await;
        Ok(found)
    }

    async fn open(&self, opening: &Opening) -> Result<Opened> {
        let server = self.server().await?;
        let connection = session::connect(&server).await?;
        self.tables.ensure(&connection).await?;
        let fence = self.tables.raise_fence(&connection, opening, FENCE_WAIT_SECONDS).await?;
        let checkpoints = self.tables.read(&connection, &opening.connection).await?;
        let shared = Shared::new(server, self.tables.clone(), opening, fence);
        shared.give_back(connection);
        Ok(Opened { session: Box::new(PostgresSession::new(shared)), fence, checkpoints })
    }

    async fn count(&self, target: &TargetTable) -> Result<u64> {
        let connection = self.connect().await?;
        let rows = scan::count(&connection, target, self.tables.schema()).await?;
        connection.close().await;
        Ok(rows)
    }

    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()> {
        let connection = self.connect().await?;
        scan::scan(&connection, target, self.tables.schema(), columns, sink).await?;
        connection.close().await;
        Ok(())
    }

    async fn quarantined(
        &self,
        connection: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        let way = self.connect().await?;
        let found = self.tables.quarantined(&way, connection, table, limit).await?;
        way.close().await;
        Ok(found)
    }
}

/// Runs statements without results.
async fn run(connection: &Connection, statements: &str, doing: &str) -> Result<()> {
    connection.batch_execute(statements).await.map_err(while_doing(doing))
}
