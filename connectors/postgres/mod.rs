//! PostgreSQL as a source and as a destination.
//!
//! Reading order: [`config`] → `client` (the way to the server) → `catalog` and `types` (what is there) → `planner`
//! (what is left to read) → `session` and `reader` (reading it) → `lane` and [`decode`] (the hot path).

mod builder;
mod catalog;
mod check;
mod client;
pub mod codec;
pub mod config;
mod cursor;
mod ddl;
pub mod decode;
pub mod destination;
mod encode;
mod error;
mod lane;
mod numeric;
mod plan;
mod planner;
mod reader;
mod render;
mod sample;
mod select;
mod session;
mod source;
mod sql;
mod ssh;
mod tls;
mod types;

use syncline_protocol::{
    Badge, Config, Connector, ConnectorContext, Destination, Listing, Maturity, Result, Source, Spec,
    connector::config_schema,
};

use self::config::PostgresConfig;

/// PostgreSQL 11 and later, and what speaks its protocol and has its catalog.
#[derive(Debug, Clone, Copy, Default)]
pub struct Postgres;

fn parse(config: &Config) -> Result<PostgresConfig> {
    let config: PostgresConfig = config.parse("PostgreSQL")?;
    config.validate()?;
    Ok(config)
}

impl Connector for Postgres {
    fn listing(&self) -> Listing {
        Listing { badges: &[Badge::Incremental, Badge::Deletes, Badge::SchemaChanges], ..self.spec().into() }
    }

    fn spec(&self) -> Spec {
        Spec {
            name: "postgres".into(),
            title: "PostgreSQL".into(),
            description: "Tables and views of a PostgreSQL database".into(),
            aliases: &["pg", "postgresql", "rds", "aurora", "cloud sql", "supabase", "neon", "timescale"],
            url_schemes: &["postgres", "postgresql"],
            version: env!("CARGO_PKG_VERSION").into(),
            maturity: Maturity::New,
            source_schema: Some(config_schema::<PostgresConfig>()),
            destination_schema: Some(config_schema::<destination::PostgresDestinationConfig>()),
        }
    }

    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        Ok(Box::new(source::PostgresSource::new(parse(config)?, context)))
    }

    fn destination(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Destination>> {
        Ok(Box::new(destination::PostgresDestination::new(config, context)?))
    }
}
