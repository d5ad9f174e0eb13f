//! What a program gives so that requests can be answered. The desktop shell and `syncline serve` each have one.

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use syncline_engine::Profiler;
use syncline_protocol::{Config, ConnectorContext, ConnectorRegistry, Result, TargetName};
use syncline_store::config::SystemConfig;

use crate::types::{GridData, SqlResult, SqlTable};

/// The surroundings of an open project.
pub trait Host: Send + Sync + 'static {
    /// The version of the program.
    fn version(&self) -> &str;

    /// The connectors it has.
    fn connectors(&self) -> &ConnectorRegistry;

    /// The clock.
    fn clock(&self) -> fn() -> Timestamp;

    /// An environment variable.
    fn environment(&self, name: &str) -> Option<String>;

    /// From now on these values are taken out of logs.
    fn learn_secrets(&self, secrets: &[SecretString]);

    /// `text` without the secrets that are known.
    fn without_secrets(&self, text: &str) -> String;

    /// Queries over destinations; none when this program cannot make any.
    fn analytics(&self) -> Option<&dyn Analytics>;

    /// Counts the values of samples; none when this program cannot.
    fn profiler(&self) -> Option<&dyn Profiler>;

    /// The sample that is offered at first; none when there is none.
    fn sample(&self) -> Option<Sample>;
}

/// The systems of the sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name of the source, with its settings.
    pub source: (String, SystemConfig),
    /// The name of the destination, with its settings.
    pub destination: (String, SystemConfig),
    /// The name of the connection.
    pub connection: String,
}

/// A destination that can be asked, with its secrets filled in.
pub struct Queried<'a> {
    /// The connector.
    pub connector: &'a str,
    /// Its settings.
    pub config: &'a Config,
    /// The project.
    pub context: &'a ConnectorContext,
}

/// Asks destinations in SQL, and reads windows of their tables quickly. Only reads. Dropping a future cancels its query
/// also in the database.
#[async_trait]
pub trait Analytics: Send + Sync {
    /// Whether destinations of this connector can be asked.
    fn answers(&self, connector: &str) -> bool;

    /// Runs one query.
    ///
    /// # Errors
    /// `Config`, in the words of the database, when the query is wrong; `Unsupported` when it would change something.
    async fn query(&self, on: Queried<'_>, sql: &str, offset: u64, limit: usize) -> Result<SqlResult>;

    /// A window of a table, in a fixed order.
    ///
    /// # Errors
    /// `NotFound` when there is no such table.
    async fn rows(&self, on: Queried<'_>, table: &TargetName, offset: u64, limit: usize) -> Result<GridData>;

    /// The tables that can be queried.
    ///
    /// # Errors
    /// When the destination cannot be asked.
    async fn tables(&self, on: Queried<'_>) -> Result<Vec<SqlTable>>;
}
