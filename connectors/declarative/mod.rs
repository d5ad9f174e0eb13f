//! Declarative connectors as sources: a manifest that a project brings with it, run by `syncline-manifest`.
//!
//! The interpreter gives JSON records and states; here they become Arrow batches and checkpoints, so that such a source
//! is checked, previewed, planned, loaded and proved like any other.

mod columns;
mod form;
pub mod library;
mod records;
mod session;

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use syncline_manifest::connector::Connector as Manifest;
use syncline_manifest::context::Compatibility;
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::{Output, Run};
use syncline_protocol::{
    Catalog, ChangeSink, CheckStep, Config, Connector, ConnectorContext, DiscoverFilter, Error, ErrorKind,
    Maturity, Result, Source, SourceCapabilities, SourceSession, Spec, StepSink, TableRead,
};

use records::Told;
use session::{ApiSession, Tables};

/// The settings that are Syncline's own, beside those of the manifest.
const OWN: &str = "syncline";

/// How Syncline runs the manifest.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct OwnSettings {
    /// Follow the reference also where it loses data in silence.
    exact: bool,
    /// Let the API send us on to addresses of the local network.
    allow_private_addresses: bool,
}

/// A connector that a manifest describes.
pub struct Declarative {
    name: String,
    manifest: Result<Arc<Manifest>, String>,
    schema: Value,
}

impl Declarative {
    /// From the text of a manifest. One that cannot be loaded is still listed; whoever uses it reads why.
    pub fn new(name: &str, text: &str, schema_file: &dyn Fn(&str) -> Option<Value>) -> Declarative {
        match Declarative::load(name, text, schema_file) {
            Ok(connector) => connector,
            Err(error) => Declarative {
                name: name.to_owned(),
                manifest: Err(library::in_one_line(&error)),
                schema: serde_json::json!({"type": "object"}),
            },
        }
    }

    /// From the text of a manifest.
    ///
    /// # Errors
    /// `Config`, with line, path and fix.
    pub fn load(name: &str, text: &str, schema_file: &dyn Fn(&str) -> Option<Value>) -> Result<Declarative> {
        let manifest = Manifest::parse(text, schema_file)?;
        let schema = form::settings(manifest.specification());
        Ok(Declarative { name: name.to_owned(), manifest: Ok(Arc::new(manifest)), schema })
    }

    /// Why it cannot be loaded, if so.
    pub fn broken(&self) -> Option<&str> {
        self.manifest.as_ref().err().map(String::as_str)
    }

    /// The tables that the manifest names, each with the reason if it cannot be read. Tables that the API itself lists
    /// are not among them.
    pub fn tables(&self) -> Vec<(String, Option<String>)> {
        let Ok(manifest) = &self.manifest else { return Vec::new() };
        let reason = |table: &syncline_manifest::connector::Table| {
            (table.name.clone(), table.stream.as_ref().err().map(|error| error.message().to_owned()))
        };
        manifest.declared_tables().iter().map(reason).collect()
    }
}

impl Connector for Declarative {
    fn spec(&self) -> Spec {
        Spec {
            name: self.name.clone().into(),
            title: form::label(&self.name).into(),
            description: match &self.manifest {
                Ok(_) => "Reads an API as a manifest of this project describes it.".into(),
                Err(_) => "Its manifest cannot be loaded.".into(),
            },
            aliases: &["api", "manifest", "airbyte"],
            url_schemes: &[],
            version: env!("CARGO_PKG_VERSION").into(),
            maturity: Maturity::New,
            source_schema: Some(self.schema.clone()),
            destination_schema: None,
        }
    }

    fn source(&self, config: &Config, _context: &ConnectorContext) -> Result<Box<dyn Source>> {
        let manifest = self.manifest.as_ref().map_err(|why| {
            Error::new(ErrorKind::Config, format!("The manifest of `{}` cannot be loaded. {why}", self.name))
        })?;
        let mut settings: serde_json::Map<String, Value> = config.parse(&self.name)?;
        let own: OwnSettings = match settings.remove(OWN) {
            Some(own) => Config::new(own).parse(&self.name)?,
            None => OwnSettings::default(),
        };
        let config = manifest.configure(Value::Object(settings))?;
        Ok(Box::new(ApiSource {
            manifest: Arc::clone(manifest),
            config,
            own,
            told: Told::default(),
            tables: OnceLock::new(),
        }))
    }
}

struct ApiSource {
    manifest: Arc<Manifest>,
    config: Value,
    own: OwnSettings,
    told: Told,
    /// What the API offers; asked for once.
    tables: OnceLock<Arc<Tables>>,
}

impl ApiSource {
    /// One use of the connector. Its clients and kept answers are not shared with other uses.
    fn run(&self) -> Result<Arc<Run>> {
        let limits = Limits { allow_private: self.own.allow_private_addresses, ..Limits::default() };
        let compatibility = if self.own.exact { Compatibility::Exact } else { Compatibility::Safe };
        let client = Client::new(limits)?;
        Ok(Arc::new(Run::new(self.config.clone(), client, compatibility, jiff::Timestamp::now)))
    }

    async fn tables(&self, run: &Arc<Run>) -> Result<Arc<Tables>> {
        if let Some(tables) = self.tables.get() {
            return Ok(Arc::clone(tables));
        }
        let tables = Arc::new(Tables::new(self.manifest.tables(run).await?));
        Ok(Arc::clone(self.tables.get_or_init(|| tables)))
    }
}

/// Takes no records; for checks.
struct Nowhere;

#[async_trait]
impl Output for Nowhere {
    async fn records(&self, _records: Vec<Value>) -> Result<()> {
        Ok(())
    }

    async fn state(&self, _state: &Value) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl Source for ApiSource {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: self.manifest.concurrency(&self.config).max(2),
            incremental: true,
            key_lists: false,
            consistent: false,
            inferred_types: true,
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        let began = Instant::now();
        let listed = async {
            let run = self.run()?;
            let tables = self.tables(&run).await?;
            Ok((run, tables))
        };
        let (run, tables) = match listed.await {
            Ok(listed) => listed,
            Err(error) => return steps.step(CheckStep::failed("List the tables", began.elapsed(), &error)),
        };
        let unavailable = tables.unavailable();
        let step = CheckStep::ok("List the tables", began.elapsed())
            .detail(format!("{} tables", tables.len() - unavailable.len()));
        steps.step(match unavailable.first() {
            None => step,
            Some((name, why)) => {
                let more = if unavailable.len() > 1 {
                    format!(" and {} more", unavailable.len() - 1)
                } else {
                    String::new()
                };
                step.limited(format!("`{name}`{more} cannot be read: {why}"))
            }
        });
        for name in self.manifest.check_streams() {
            let began = Instant::now();
            let title = format!("Ask for the first row of `{name}`");
            let first = async { tables.stream(&name)?.first(&run, 1, &Nowhere).await };
            match first.await {
                Ok(rows) => {
                    let detail = if rows.is_empty() { "it answers, without rows" } else { "it answers" };
                    steps.step(CheckStep::ok(title, began.elapsed()).detail(detail));
                }
                Err(error) => return steps.step(CheckStep::failed(title, began.elapsed(), &error)),
            }
        }
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let run = self.run()?;
        let tables = self.tables(&run).await?;
        tables.catalog(&run, filter).await
    }

    async fn sample(&self, read: &TableRead, rows: usize, sink: &dyn ChangeSink) -> Result<()> {
        let run = self.run()?;
        let tables = self.tables(&run).await?;
        session::sample(&run, &tables, read, rows, sink).await
    }

    async fn open(&self, _tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        let run = self.run()?;
        let tables = self.tables(&run).await?;
        Ok(Box::new(ApiSession::new(run, tables, self.told.settle())))
    }
}
