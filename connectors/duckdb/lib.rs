//! The DuckDB destination: Arrow batches into one file, rows and checkpoint in one transaction.
//!
//! | Module | What it does |
//! | --- | --- |
//! | [`config`](DuckDbConfig) | what a project file says |
//! | `raw`, `vector` | the only `unsafe` code: DuckDB's C interface, Arrow into and out of its vectors |
//! | `budget` | how much memory and how many threads DuckDB gets at a time |
//! | `database` | one open database per file and process; the ledger that decides who may commit |
//! | `sql` | names, types and statements as text |
//! | `destination`, `session`, `loader` | the contract |
//! | [`query`](Queries) | questions of people, read only and cancellable |
//! | [`figures`](Scratch) | what the columns of a sample hold, counted in memory |
//! | `merge` | how a staged segment becomes part of its table |
//!
//! DuckDB itself locks its file for one process. Within a process everything that touches the same file shares one
//! database, so a preview can read while a run writes, and the file is released when the last of them lets go.

mod budget;
mod config;
mod create;
mod database;
mod destination;
mod failure;
mod figures;
mod loader;
mod merge;
mod query;
mod raw;
mod session;
mod sql;
mod vector;

use syncline_protocol::connector::config_schema;
use syncline_protocol::{Config, Connector, ConnectorContext, Destination, Maturity, Result, Spec};

pub use config::DuckDbConfig;
pub use figures::{Figures, Scratch, Spread, Values};
pub use query::{Answer, Comparison, Queries, Window};

/// The connector `duckdb`.
pub fn connector() -> impl Connector {
    DuckDb
}

struct DuckDb;

impl Connector for DuckDb {
    fn spec(&self) -> Spec {
        Spec {
            name: "duckdb".into(),
            title: "DuckDB".into(),
            description: "Writes into a DuckDB file on this computer.".into(),
            aliases: &["duck", "local file", "analytics database"],
            url_schemes: &["duckdb"],
            version: env!("CARGO_PKG_VERSION").into(),
            maturity: Maturity::New,
            source_schema: None,
            destination_schema: Some(config_schema::<DuckDbConfig>()),
        }
    }

    fn destination(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Destination>> {
        let config: DuckDbConfig = config.parse("DuckDB")?;
        Ok(Box::new(destination::DuckDbDestination::new(&config, context)?))
    }
}
