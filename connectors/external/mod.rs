//! Connectors that are programs of their own: Singer taps and targets, and Airbyte sources, run as child processes.
//!
//! A child gets its settings in a private file and answers in JSON lines; these become the same change stream as
//! everything else: records become rows, states become checkpoints. Each table is read by a child of its own, so that
//! its state is its own, too.
//!
//! | Module | What it holds |
//! | --- | --- |
//! | [`process`] | a child with its whole tree: started, listened to, ended |
//! | [`private`] | the files that a child is given, and that nobody else can read |
//! | [`python`] | packages from PyPI, each in an environment of its own |
//! | [`dialect`] | what differs between protocols; [`singer`] and [`airbyte`] are the two |
//! | [`session`] | the contract: plans, parts, checkpoints |
//! | [`target`], [`ledger`] | Singer targets as destinations, and what this computer knows of them |

mod airbyte;
mod dialect;
mod ledger;
mod private;
mod process;
mod python;
mod session;
mod singer;
mod target;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use syncline_protocol::connector::config_schema;
use syncline_protocol::{
    Catalog, Category, ChangeSink, CheckStep, Config, Connector, ConnectorContext, Destination,
    DiscoverFilter, Error, ErrorKind, Listing, Maturity, Result, SamplePicks, Sampling, Source,
    SourceCapabilities, SourceSession, Spec, StepSink, TableRead,
};
use tokio::sync::OnceCell;

use crate::json_rows::Told;
use dialect::{Dialect, Table};
use process::Program;
use session::ExternalSession;

/// Singer taps and targets.
pub struct Singer;

/// Airbyte sources.
pub struct Airbyte;

/// Settings of a connector that is a program.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalConfig {
    /// A package from PyPI, for example `tap-jsonl==0.3.1`. It is installed into an environment of its own, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// The program of the package, when it is called otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<String>,
    /// Instead of a package: the program with its arguments. Settings are added as files, never as arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// The settings of the program itself: an object, or the same as JSON text. Passwords and keys only as
    /// `${secret:NAME}`.
    #[serde(default, deserialize_with = "object_or_text")]
    #[schemars(schema_with = "object_or_text_schema")]
    pub settings: Map<String, Value>,
    /// The Python that makes the environment. Default: `python3` of this computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub python: Option<String>,
    /// A program that says nothing for so long is ended. Default: 10 minutes.
    #[serde(default = "silence_seconds")]
    pub silence_seconds: u64,
}

/// Forms have a text for what they do not know the fields of. The message never holds a value.
fn object_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Map<String, Value>, D::Error> {
    let wrong = |_| D::Error::custom("`settings` is no JSON object");
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Map::new()),
        Value::Object(fields) => Ok(fields),
        Value::String(text) if text.trim().is_empty() => Ok(Map::new()),
        Value::String(text) => serde_json::from_str(&text).map_err(wrong),
        _ => Err(D::Error::custom("`settings` is no JSON object")),
    }
}

fn object_or_text_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "string"],
        "x-multiline": true,
        "examples": ["{\"path\": \"data/*.jsonl\", \"password\": \"${secret:people}\"}"],
    })
}

fn silence_seconds() -> u64 {
    600
}

impl ExternalConfig {
    fn validate(&self) -> Result<()> {
        let wrong = |what: &str, fix: &str| Err(Error::new(ErrorKind::Config, what).fix(fix));
        match (&self.package, self.command.first()) {
            (None, None) => wrong(
                "It is not said which program to run.",
                "Name a `package` from PyPI, or the program as `command`.",
            ),
            (Some(_), Some(_)) => {
                wrong("Both a package and a command are given.", "Leave one of the two out.")
            }
            (Some(package), None) => python::validate(package),
            (None, Some(program)) if program.trim().is_empty() => {
                wrong("The command is empty.", "Give the program as the first item of `command`.")
            }
            (None, Some(_)) => Ok(()),
        }
    }
}

fn spec(
    name: &'static str,
    title: &'static str,
    description: &'static str,
    aliases: &'static [&'static str],
) -> Spec {
    Spec {
        name: name.into(),
        title: title.into(),
        description: description.into(),
        aliases,
        url_schemes: &[],
        version: env!("CARGO_PKG_VERSION").into(),
        maturity: Maturity::New,
        source_schema: Some(config_schema::<ExternalConfig>()),
        destination_schema: None,
    }
}

fn source(
    dialect: impl Dialect + 'static,
    config: &Config,
    context: &ConnectorContext,
) -> Result<Box<dyn Source>> {
    let config: ExternalConfig = config.parse(dialect.title())?;
    config.validate()?;
    Ok(Box::new(ExternalSource {
        dialect: Arc::new(dialect),
        config,
        context: context.clone(),
        told: Told::default(),
        program: OnceCell::new(),
        listed: Mutex::default(),
    }))
}

/// Most of such programs read services. What one notices is known only once it runs.
fn listing(spec: Spec) -> Listing {
    Listing { category: Category::Apps, ..spec.into() }
}

impl Connector for Singer {
    fn listing(&self) -> Listing {
        listing(self.spec())
    }

    fn spec(&self) -> Spec {
        let about = "Runs a Singer tap as a source or a Singer target as a destination, from PyPI or any other program.";
        let spec = spec("singer", "Singer", about, &["tap", "target", "meltano", "external", "pypi"]);
        Spec { destination_schema: Some(config_schema::<ExternalConfig>()), ..spec }
    }

    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        source(singer::SingerTap, config, context)
    }

    fn destination(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Destination>> {
        let config: ExternalConfig = config.parse("Singer target")?;
        config.validate()?;
        target::require_project(&context.project)?;
        Ok(Box::new(target::SingerTarget::new(config, context)))
    }
}

impl Connector for Airbyte {
    fn listing(&self) -> Listing {
        listing(self.spec())
    }

    fn spec(&self) -> Spec {
        let about = "Runs an Airbyte source, from PyPI or any other program, as a source.";
        spec("airbyte", "Airbyte source", about, &["airbyte protocol", "external", "pypi"])
    }

    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        source(airbyte::AirbyteSource, config, context)
    }
}

/// The program of these settings, installed when it is a package that is not there yet.
async fn find_program(config: &ExternalConfig, context: &ConnectorContext) -> Result<Arc<Program>> {
    let command = match &config.package {
        Some(package) => {
            let place = python::Place { context, python: config.python.as_deref() };
            vec![python::install(&place, package, config.executable.as_deref()).await?]
        }
        None => config.command.clone(),
    };
    Ok(Arc::new(Program {
        command,
        settings: Value::Object(config.settings.clone()),
        silence: Duration::from_secs(config.silence_seconds.max(1)),
        context: context.clone(),
    }))
}

struct ExternalSource {
    dialect: Arc<dyn Dialect>,
    config: ExternalConfig,
    context: ConnectorContext,
    told: Told,
    /// Found, or installed, when it is first needed.
    program: OnceCell<Arc<Program>>,
    /// What it listed last: asking again costs another life of the program.
    listed: Mutex<Option<Arc<Vec<Table>>>>,
}

impl ExternalSource {
    async fn program(&self) -> Result<Arc<Program>> {
        let program = self.program.get_or_try_init(|| find_program(&self.config, &self.context));
        program.await.map(Arc::clone)
    }

    async fn tables(&self) -> Result<Arc<Vec<Table>>> {
        let tables = Arc::new(self.dialect.tables(&*self.program().await?).await?);
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&tables));
        Ok(tables)
    }
}

#[async_trait]
impl Source for ExternalSource {
    fn capabilities(&self) -> SourceCapabilities {
        SourceCapabilities {
            // Each part is a program of its own, which may be large.
            parallel_parts: 2,
            incremental: true,
            key_lists: false,
            consistent: false,
            inferred_types: true,
            samples: SamplePicks::default(),
        }
    }

    async fn check(&self, steps: &dyn StepSink) {
        let began = Instant::now();
        let program = match self.program().await {
            Ok(program) => program,
            Err(error) => return steps.step(CheckStep::failed("Find the program", began.elapsed(), &error)),
        };
        steps.step(CheckStep::ok("Find the program", began.elapsed()).detail(program.name()));
        let began = Instant::now();
        match self.dialect.check(&program).await {
            Ok(true) => steps.step(CheckStep::ok("Let it test its settings", began.elapsed())),
            Ok(false) => {}
            Err(error) => {
                return steps.step(CheckStep::failed("Let it test its settings", began.elapsed(), &error));
            }
        }
        let began = Instant::now();
        match self.tables().await {
            Ok(tables) => steps.step(
                CheckStep::ok("List the tables", began.elapsed()).detail(format!("{} tables", tables.len())),
            ),
            Err(error) => steps.step(CheckStep::failed("List the tables", began.elapsed(), &error)),
        }
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        let mut tables: Vec<_> = self.tables().await?.iter().map(Table::info).collect();
        tables.retain(|info| filter.tables.is_empty() || filter.tables.contains(&info.schema.table));
        tables.sort_by(|left, right| left.schema.table.cmp(&right.schema.table));
        Ok(Catalog { tables })
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        let session = self.session(Told::default()).await?;
        session.sample(read, sampling.rows, sink).await
    }

    async fn open(&self, _tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        Ok(Box::new(self.session(self.told.settle()).await?))
    }
}

impl ExternalSource {
    async fn session(&self, told: Told) -> Result<ExternalSession> {
        let program = self.program().await?;
        let listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let tables = match listed {
            Some(tables) => tables,
            None => self.tables().await?,
        };
        Ok(ExternalSession::new(Arc::clone(&self.dialect), program, tables, told))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn settings_are_an_object_or_its_text_and_what_is_wrong_is_not_repeated() {
        let parse = |settings: Value| {
            Config::new(json!({"command": ["tap"], "settings": settings})).parse::<ExternalConfig>("tap")
        };
        let object = parse(json!({"a": 1})).unwrap();
        assert_eq!(object.settings, parse(json!("{\"a\": 1}")).unwrap().settings);
        assert!(parse(json!(" ")).unwrap().settings.is_empty());
        let error = parse(json!("{hunter2")).unwrap_err();
        assert!(error.message().contains("no JSON object") && !format!("{error:?}").contains("hunter2"));
        let both = json!({"command": ["tap"], "package": "tap"});
        assert!(Config::new(both).parse::<ExternalConfig>("tap").unwrap().validate().is_err());
    }
}
