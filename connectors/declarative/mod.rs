//! Declarative connectors as sources: a manifest that a project brings with it, run by `syncline-manifest`.
//!
//! The interpreter gives JSON records and states; here they become Arrow batches and checkpoints, so that such a source
//! is checked, previewed, planned, loaded and proved like any other.

pub mod apps;
pub mod builder;
mod elements;
mod form;
pub mod index;
pub mod intake;
pub mod library;
mod output;
mod session;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value};
use syncline_manifest::connector::Connector as Manifest;
use syncline_manifest::context::{Compatibility, Configuration};
use syncline_manifest::http::client::{Client, Limits};
use syncline_manifest::{Clock, Run, Silent};
use syncline_protocol::sign_in::{SignIn, SignInSpec};
use syncline_protocol::{
    Badge, Catalog, Category, ChangeSink, CheckStep, Config, Connector, ConnectorContext, DiscoverFilter,
    Error, ErrorKind, Listing, Maturity, Origin, Result, SamplePicks, Sampling, Source, SourceCapabilities,
    SourceSession, Spec, StepSink, TablePosition, TableRead, Traffic,
};

use crate::json_rows::Told;
use crate::state_plan::StatePlan;
use apps::App;
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
    /// Fields (`table.field`) whose elements are tables of their own.
    unnest: Vec<String>,
}

/// Finds the schema file of a name.
type SchemaFile = dyn Fn(&str) -> Option<Value> + Send + Sync;

/// A connector that a manifest describes.
pub struct Declarative {
    name: String,
    /// Set for one that a project keeps beside others.
    version: Option<String>,
    text: Cow<'static, str>,
    /// The service it reads, when the manifest is one of ours.
    app: Option<&'static App>,
    clock: Clock,
    schema_file: Box<SchemaFile>,
    loaded: OnceLock<Result<Loaded, String>>,
}

struct Loaded {
    manifest: Arc<Manifest>,
    schema: Value,
}

impl Declarative {
    /// From the text of a manifest, which is parsed when it is first needed: a project may hold hundreds, of which a
    /// command uses one. One that cannot be loaded is still listed; whoever uses it reads why.
    pub fn new(
        name: &str,
        text: impl Into<Cow<'static, str>>,
        schema_file: impl Fn(&str) -> Option<Value> + Send + Sync + 'static,
    ) -> Declarative {
        Declarative {
            name: name.to_owned(),
            version: None,
            text: text.into(),
            app: None,
            clock: jiff::Timestamp::now,
            schema_file: Box::new(schema_file),
            loaded: OnceLock::new(),
        }
    }

    /// A service of the catalogue.
    pub fn app(app: &'static App) -> Declarative {
        Declarative { app: Some(app), ..Declarative::new(app.name, app.manifest, |_| None) }
    }

    /// The same at another time: recorded answers belong to the moment they were recorded at.
    #[must_use]
    pub fn at(mut self, clock: Clock) -> Declarative {
        self.clock = clock;
        self
    }

    /// The same, parsed now.
    ///
    /// # Errors
    /// `Config`, with line, path and fix.
    pub fn load(
        name: &str,
        text: impl Into<Cow<'static, str>>,
        schema_file: impl Fn(&str) -> Option<Value> + Send + Sync + 'static,
    ) -> Result<Declarative> {
        let connector = Declarative::new(name, text, schema_file);
        let loaded = connector.parsed()?;
        connector.loaded.get_or_init(|| Ok(loaded));
        Ok(connector)
    }

    /// The same as one of the versions that a project keeps side by side.
    #[must_use]
    pub fn at_version(mut self, version: &str) -> Declarative {
        self.version = Some(version.to_owned());
        self
    }

    fn parsed(&self) -> Result<Loaded> {
        let manifest = Manifest::parse(&self.text, &*self.schema_file)?;
        let specification = manifest.specification();
        let schema = form::settings(specification.get("connectionSpecification").unwrap_or(specification));
        Ok(Loaded { manifest: Arc::new(manifest), schema })
    }

    fn loaded(&self) -> Result<&Loaded, &str> {
        let loaded = self.loaded.get_or_init(|| self.parsed().map_err(|error| library::in_one_line(&error)));
        loaded.as_ref().map_err(String::as_str)
    }

    /// The settings of the manifest, and those that are Syncline's own.
    fn settings(&self, config: &Config) -> Result<(Map<String, Value>, OwnSettings)> {
        let mut settings: Map<String, Value> = config.parse(&self.name)?;
        let own = match settings.remove(OWN) {
            Some(own) => Config::new(own).parse(&self.name)?,
            None => OwnSettings::default(),
        };
        Ok((settings, own))
    }

    /// Why it cannot be loaded, if so.
    pub fn broken(&self) -> Option<&str> {
        self.loaded().err()
    }

    /// Whether the builder of a studio made it: its metadata say so. Read from the text, since a catalogue asks this of
    /// manifests that nobody may ever use.
    pub fn built(&self) -> bool {
        let lines = self.text.lines().skip_while(|line| !line.starts_with("metadata:"));
        let mut own = lines
            .enumerate()
            .take_while(|(at, line)| *at == 0 || line.starts_with([' ', '#']))
            .skip_while(|(_, line)| !line.contains("syncline:"));
        own.any(|(_, line)| line.contains("built: true"))
    }

    /// The tables that the manifest names, each with the reason if it cannot be read. Tables that the API itself lists
    /// are not among them.
    pub fn tables(&self) -> Vec<(String, Option<String>)> {
        let Ok(Loaded { manifest, .. }) = self.loaded() else { return Vec::new() };
        let reason = |table: &syncline_manifest::connector::Table| {
            (table.name.clone(), table.stream.as_ref().err().map(|error| error.message().to_owned()))
        };
        manifest.declared_tables().iter().map(reason).collect()
    }
}

impl Connector for Declarative {
    fn name(&self) -> Cow<'static, str> {
        self.name.clone().into()
    }

    fn origin(&self) -> Origin {
        match self.app {
            Some(_) => Origin::Program,
            None if self.built() => Origin::Built,
            None => Origin::Imported,
        }
    }

    fn version(&self) -> Cow<'static, str> {
        match (&self.version, self.app) {
            (Some(version), _) => version.clone().into(),
            (None, Some(app)) => app.version.into(),
            (None, None) => env!("CARGO_PKG_VERSION").into(),
        }
    }

    fn versioned(&self) -> bool {
        self.version.is_some()
    }

    fn listing(&self) -> Listing {
        let (title, description, aliases) = match self.app {
            Some(app) => (app.title.into(), app.about.into(), app.aliases),
            None => (
                form::label(&self.name).into(),
                "Reads an API as a manifest of this project describes it.".into(),
                ["api", "manifest", "airbyte"].as_slice(),
            ),
        };
        Listing {
            name: self.name(),
            title,
            description,
            aliases,
            url_schemes: &[],
            version: self.version(),
            maturity: Maturity::New,
            category: Category::Apps,
            // What the text says without being parsed.
            badges: if self.text.contains("incremental_sync") {
                &[Badge::Incremental, Badge::SchemaChanges]
            } else {
                &[Badge::SchemaChanges]
            },
            icon: self.app.map(|app| app.icon.into()),
            source: true,
            destination: false,
        }
    }

    fn spec(&self) -> Spec {
        let Listing { name, title, description, aliases, url_schemes, version, maturity, .. } =
            self.listing();
        let (description, schema) = match self.loaded() {
            Ok(loaded) => {
                let own = loaded.manifest.description().filter(|_| self.app.is_none());
                (own.map_or(description, |own| own.to_owned().into()), loaded.schema.clone())
            }
            Err(_) => ("Its manifest cannot be loaded.".into(), serde_json::json!({"type": "object"})),
        };
        Spec {
            name,
            title,
            description,
            aliases,
            url_schemes,
            version,
            maturity,
            source_schema: Some(schema),
            destination_schema: None,
        }
    }

    fn sign_in_spec(&self) -> Option<SignInSpec> {
        Some(self.loaded().ok()?.manifest.sign_in()?.spec())
    }

    fn sign_in(&self, config: &Config) -> Result<Box<dyn SignIn>> {
        let unsupported = || {
            let message =
                format!("The manifest of `{}` does not say how to sign in with a browser.", self.name);
            Error::new(ErrorKind::Unsupported, message).fix("Enter the tokens by hand.")
        };
        let described =
            self.loaded().ok().and_then(|loaded| loaded.manifest.sign_in()).ok_or_else(unsupported)?;
        let (settings, own) = self.settings(config)?;
        Ok(Box::new(described.with(&Value::Object(settings), own.allow_private_addresses)?))
    }

    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        self.made(config, context, None)
    }

    fn source_on_tape(
        &self,
        config: &Config,
        context: &ConnectorContext,
        traffic: Traffic,
    ) -> Result<Box<dyn Source>> {
        self.made(config, context, Some(traffic))
    }
}

impl Declarative {
    fn made(
        &self,
        config: &Config,
        context: &ConnectorContext,
        traffic: Option<Traffic>,
    ) -> Result<Box<dyn Source>> {
        let Loaded { manifest, .. } = self.loaded().map_err(|why| {
            Error::new(ErrorKind::Config, format!("The manifest of `{}` cannot be loaded. {why}", self.name))
        })?;
        let (settings, own) = self.settings(config)?;
        let config = manifest.configure(Value::Object(settings))?;
        Ok(Box::new(ApiSource {
            manifest: Arc::clone(manifest),
            config: Arc::new(Configuration::new(config, context.keeper.clone())),
            own,
            traffic,
            clock: self.clock,
            told: Told::default(),
            tables: OnceLock::new(),
        }))
    }
}

struct ApiSource {
    manifest: Arc<Manifest>,
    config: Arc<Configuration>,
    own: OwnSettings,
    traffic: Option<Traffic>,
    clock: Clock,
    told: Told,
    /// What the API offers; asked for once.
    tables: OnceLock<Arc<Tables>>,
}

impl ApiSource {
    /// One use of the connector. Its clients and kept answers are not shared with other uses.
    fn run(&self) -> Result<Arc<Run>> {
        let limits = Limits { allow_private: self.own.allow_private_addresses, ..Limits::default() };
        let compatibility = if self.own.exact { Compatibility::Exact } else { Compatibility::Safe };
        let mut client = Client::new(limits)?;
        if let Some(traffic) = &self.traffic {
            client = client.on_tape(traffic.clone());
        }
        let config = Arc::clone(&self.config);
        let mut run = Run::sharing(config, client, compatibility, self.clock);
        self.manifest.limit(&mut run)?;
        if let Some(Traffic::Replay(_)) = &self.traffic {
            // Nobody has to be waited for.
            run.haste = u32::MAX;
        }
        Ok(Arc::new(run))
    }

    async fn tables(&self, run: &Arc<Run>) -> Result<Arc<Tables>> {
        if let Some(tables) = self.tables.get() {
            return Ok(Arc::clone(tables));
        }
        let tables = Arc::new(Tables::new(self.manifest.tables(run).await?, &self.own.unnest)?);
        Ok(Arc::clone(self.tables.get_or_init(|| tables)))
    }
}

#[async_trait]
impl Source for ApiSource {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            parallel_parts: self.manifest.concurrency(&self.config.get()).clamp(2, 8),
            incremental: true,
            key_lists: false,
            consistent: false,
            inferred_types: true,
            samples: SamplePicks::default(),
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
            let first = async { tables.stream(&name)?.check(&run, &Silent).await };
            match first.await {
                Ok(has_rows) => {
                    let detail = if has_rows { "it answers" } else { "it answers, without rows" };
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

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        let run = self.run()?;
        let tables = self.tables(&run).await?;
        session::sample(&run, &tables, read, sampling.rows, sink).await
    }

    async fn position_of(&self, read: &TableRead, state: &Value) -> Result<TablePosition> {
        let run = self.run()?;
        let tables = self.tables(&run).await?;
        session::position_of(&run, &tables, read, state)
    }

    fn state_of(&self, position: &TablePosition) -> Option<Value> {
        StatePlan::reached(position)
    }

    async fn open(&self, _tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        let run = self.run()?;
        let tables = self.tables(&run).await?;
        Ok(Box::new(ApiSession::new(run, tables, self.told.settle())))
    }
}
