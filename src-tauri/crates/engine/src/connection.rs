//! A configured connection, ready to be planned, previewed and run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use syncline_protocol::{
    Catalog, Destination, DiscoverFilter, Result, Side, Source, TableName, TableSchema, TargetName,
};
use syncline_store::State;
use syncline_store::config::{ConnectionConfig, TableConfig};

/// What the engine remembers on this computer between runs. Losing it loses no data: what is durable is known by the
/// destination.
pub trait SchemaMemory: Send + Sync {
    /// The shape of a source table that was accepted last.
    ///
    /// # Errors
    /// When it cannot be read.
    fn accepted_schema(&self, connection: &str, table: &TableName) -> Result<Option<TableSchema>>;

    /// Remembers a shape.
    ///
    /// # Errors
    /// When it cannot be written.
    fn accept_schema(&self, connection: &str, schema: &TableSchema) -> Result<()>;

    /// Where the rows of a table lie that the connection synced and no longer does; none when that is not known, and
    /// its usual name counts.
    ///
    /// # Errors
    /// When it cannot be read.
    fn left_target(&self, connection: &str, table: &TableName) -> Result<Option<TargetName>> {
        let _ = (connection, table);
        Ok(None)
    }
}

/// The name of the setting in which the targets of the tables lie that a connection no longer syncs.
pub fn left_setting(connection: &str) -> String {
    format!("left/{connection}")
}

impl SchemaMemory for State {
    fn accepted_schema(&self, connection: &str, table: &TableName) -> Result<Option<TableSchema>> {
        State::accepted_schema(self, connection, table)
    }

    fn accept_schema(&self, connection: &str, schema: &TableSchema) -> Result<()> {
        State::accept_schema(self, connection, schema, Timestamp::now())
    }

    fn left_target(&self, connection: &str, table: &TableName) -> Result<Option<TargetName>> {
        let left: Option<HashMap<TableName, TargetName>> = self.setting(&left_setting(connection))?;
        Ok(left.and_then(|mut left| left.remove(table)))
    }
}

/// One connection with its two systems. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    /// The name of the connection.
    pub name: String,
    /// Identifies the connection within everything that writes to the destination: `project/connection`.
    pub id: String,
    /// Its configuration.
    pub config: Arc<ConnectionConfig>,
    /// Where rows come from.
    pub source: Arc<dyn Source>,
    /// Where they go.
    pub destination: Arc<dyn Destination>,
    /// The project's salt for hashed columns.
    pub salt: String,
    /// Accepted shapes.
    pub memory: Arc<dyn SchemaMemory>,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

/// How a run is made.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// The id of the run.
    pub run: String,
    /// Only these tables; empty means all of the connection.
    pub tables: Vec<TableName>,
    /// Read both sides again at the end and compare every row.
    pub verify: bool,
    /// Attempts in a row without any progress before a failure is final.
    pub attempts_max: u32,
    /// The pause before the second attempt; doubles up to 64 times this.
    pub backoff: Duration,
    /// Bytes that may lie between the reader and the writer of one lane.
    pub in_flight_bytes: usize,
    /// Tables the connection no longer syncs, whose rows are removed from the destination first.
    pub remove: Vec<TableName>,
    /// The fingerprint of the plan that a person approved; a run whose plan differs does nothing.
    pub approved: Option<String>,
}

impl RunOptions {
    /// The usual options.
    pub fn new(run: impl Into<String>) -> Self {
        RunOptions {
            run: run.into(),
            tables: Vec::new(),
            verify: false,
            attempts_max: 5,
            backoff: Duration::from_secs(1),
            in_flight_bytes: 2 << 20,
            remove: Vec::new(),
            approved: None,
        }
    }
}

impl Connection {
    /// The tables of the configuration that `only` names; all when it is empty.
    pub(crate) fn tables(&self, only: &[TableName]) -> Vec<TableConfig> {
        let wanted = |table: &&TableConfig| only.is_empty() || only.contains(&table.name);
        self.config.tables.iter().filter(wanted).cloned().collect()
    }

    pub(crate) async fn discover(&self, tables: &[TableConfig]) -> Result<Catalog> {
        let filter =
            DiscoverFilter { tables: tables.iter().map(|table| table.name.clone()).collect(), system: true };
        self.source.discover(&filter).await.map_err(|error| error.at(Side::Source))
    }

    /// The stored checkpoints by table.
    pub(crate) async fn checkpoints(
        &self,
    ) -> Result<HashMap<TableName, syncline_protocol::StoredCheckpoint>> {
        let stored = self.destination.checkpoints(&self.id).await;
        let stored = stored.map_err(|error| error.at(Side::Destination))?;
        Ok(stored.into_iter().map(|checkpoint| (checkpoint.table.clone(), checkpoint)).collect())
    }
}
