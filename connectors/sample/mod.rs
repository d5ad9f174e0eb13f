//! "Corner shop": data to try things with, made on the spot. No network, no files but the number of the round.
//!
//! Each complete sync takes the shop one round further, so that a second one finds changed rows, a new column and a
//! wider type, and a third one a row that does not fit. A sync that stops half-way stays in its round.

mod session;
mod shop;
mod state;
mod words;

use std::time::Instant;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_protocol::connector::config_schema;
use syncline_protocol::{
    Badge, Catalog, ChangeSink, CheckStep, Config, Connector, ConnectorContext, CursorCandidate,
    DiscoverFilter, Listing, Maturity, Result, SamplePicks, Sampling, Source, SourceCapabilities,
    SourceSession, Spec, StepSink, TableInfo, TableKind, TableName, TableRead, TableSchema,
};

use crate::stream::{blocking, pump};
use session::SampleSession;
use shop::{Shop, Table};
use state::RoundFile;

/// How many parts may be read at once.
const PARALLEL_PARTS: usize = 4;

/// The connector.
pub struct Sample;

/// Settings of the sample source.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleConfig {
    /// Another seed gives another shop. The same seed always gives the same rows.
    #[serde(default = "default_seed")]
    pub seed: u64,
}

fn default_seed() -> u64 {
    2026
}

impl Connector for Sample {
    fn listing(&self) -> Listing {
        Listing { badges: &[Badge::Incremental, Badge::Deletes], ..self.spec().into() }
    }

    fn spec(&self) -> Spec {
        Spec {
            name: "sample".into(),
            title: "Sample data".into(),
            description:
                "A corner shop with five tables, made on this computer. Changes a little with each sync."
                    .into(),
            aliases: &["demo", "example", "test", "corner shop"],
            url_schemes: &[],
            version: env!("CARGO_PKG_VERSION").into(),
            maturity: Maturity::New,
            source_schema: Some(config_schema::<SampleConfig>()),
            destination_schema: None,
        }
    }

    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        let config: SampleConfig = config.parse("sample")?;
        let shop = Shop { seed: config.seed };
        Ok(Box::new(SampleSource { shop, file: RoundFile::of(&context.project) }))
    }
}

struct SampleSource {
    shop: Shop,
    file: RoundFile,
}

impl SampleSource {
    async fn round(&self) -> Result<u32> {
        let file = self.file.clone();
        blocking(move || file.load()).await
    }
}

#[async_trait]
impl Source for SampleSource {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: PARALLEL_PARTS,
            incremental: true,
            key_lists: true,
            consistent: true,
            inferred_types: false,
            samples: SamplePicks::default(),
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        let began = Instant::now();
        match self.round().await {
            Ok(round) => {
                let rows: u64 = Table::ALL.into_iter().map(|table| Shop::rows(table, round)).sum();
                let detail = format!("{} tables, {rows} rows, round {round}", Table::ALL.len());
                steps.step(CheckStep::ok("Open the shop", began.elapsed()).detail(detail));
            }
            Err(error) => steps.step(CheckStep::failed("Open the shop", began.elapsed(), &error)),
        }
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let round = self.round().await?;
        let wanted = |table: &Table| {
            let name = TableName::bare(table.name());
            filter.tables.is_empty() || filter.tables.contains(&name)
        };
        Ok(Catalog {
            tables: Table::ALL.into_iter().filter(wanted).map(|table| describe(table, round)).collect(),
        })
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        let (shop, read, round) = (self.shop, read.clone(), self.round().await?);
        let rows = sampling.rows;
        pump(sink, move |outlet| session::first_rows(shop, &read, round, rows, outlet)).await
    }

    async fn open(&self, tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        let tables = tables.iter().map(|read| read.table.clone());
        Ok(Box::new(SampleSession::new(self.shop, self.file.clone(), self.round().await?, tables)))
    }
}

fn describe(table: Table, round: u32) -> TableInfo {
    let cursor = |(column, reason): (&str, &str)| CursorCandidate {
        column: column.to_owned(),
        reason: reason.to_owned(),
    };
    TableInfo {
        schema: TableSchema {
            table: TableName::bare(table.name()),
            columns: table.columns(round),
            key: table.key().iter().map(|name| (*name).to_owned()).collect(),
        },
        kind: TableKind::Table,
        rows_estimate: Some(Shop::rows(table, round)),
        bytes_estimate: None,
        cursors: table.cursor().map(cursor).into_iter().collect(),
        unreadable: None,
        comment: Some(table.comment().to_owned()),
        elements_of: None,
    }
}
