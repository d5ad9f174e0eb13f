//! Postgres as a source.

use std::sync::Arc;

use async_trait::async_trait;
use syncline_protocol::{
    Catalog, ChangeSink, ConnectorContext, DiscoverFilter, Result, SamplePicks, Sampling, Source,
    SourceCapabilities, SourceSession, StepSink, TableRead,
};

use super::catalog;
use super::check;
use super::client::Server;
use super::config::PostgresConfig;
use super::sample::sample;
use super::session::{PostgresSession, server_version};

/// A Postgres database to read from.
pub(super) struct PostgresSource {
    config: PostgresConfig,
    context: ConnectorContext,
}

impl PostgresSource {
    /// A source with this configuration. Does not connect.
    pub(super) fn new(config: PostgresConfig, context: &ConnectorContext) -> PostgresSource {
        PostgresSource { config, context: context.clone() }
    }

    async fn server(&self) -> Result<Arc<Server>> {
        Server::reach(&self.config, &self.context).await
    }
}

#[async_trait]
impl Source for PostgresSource {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: usize::from(self.config.parallel),
            incremental: true,
            key_lists: true,
            consistent: true,
            inferred_types: false,
            samples: SamplePicks { random: true, condition: true },
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        check::source(&self.config, &self.context, steps).await;
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let connection = self.server().await?.connect().await?;
        let version = server_version(&connection).await?;
        let tables = catalog::tables(&connection, version, filter).await?;
        connection.close().await;
        let mut tables: Vec<_> = tables.into_iter().map(catalog::Table::into_info).collect();
        tables.sort_by(|a, b| a.schema.table.cmp(&b.schema.table));
        Ok(Catalog { tables })
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        sample(&self.server().await?, read, sampling, sink).await
    }

    async fn open(&self, _: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        Ok(Box::new(PostgresSession::open(self.server().await?).await?))
    }
}
