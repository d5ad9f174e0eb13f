//! What a connector offers to the registry: a description, a form, and how to make a source or destination.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::destination::Destination;
use crate::error::{Error, ErrorKind, Result};
use crate::source::Source;

/// How long a connector has proved itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Maturity {
    /// Proved in use.
    Stable,
    /// Complete and tested, not yet proved in use.
    New,
}

/// The description of a connector.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Spec {
    /// What project files call it, for example `postgres`.
    pub name: Cow<'static, str>,
    /// What people call it, for example "PostgreSQL".
    pub title: Cow<'static, str>,
    /// One line on what it reads and writes.
    pub description: Cow<'static, str>,
    /// Other words people search for ("pg", "rds").
    pub aliases: &'static [&'static str],
    /// Schemes of connection addresses that belong to it ("postgres", "postgresql").
    pub url_schemes: &'static [&'static str],
    /// The version of the connector; recorded with each run.
    pub version: Cow<'static, str>,
    /// How long it has proved itself.
    pub maturity: Maturity,
    /// JSON Schema of the source's configuration; none when it is no source. Secrets carry `"x-secret": true`.
    pub source_schema: Option<Value>,
    /// JSON Schema of the destination's configuration; none when it is no destination.
    pub destination_schema: Option<Value>,
}

/// Under which heading of the catalogue a system stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Databases and warehouses.
    Databases,
    /// Files and object stores.
    Files,
    /// Services with an API.
    Apps,
}

/// What a source can notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Badge {
    /// Only what is new is read.
    Incremental,
    /// Deleted rows.
    Deletes,
    /// New columns and other types.
    SchemaChanges,
}

/// A line of the catalogue: what people choose a connector by. No form has to be made for it.
#[derive(Debug, Clone)]
pub struct Listing {
    /// What project files call it.
    pub name: Cow<'static, str>,
    /// What people call it.
    pub title: Cow<'static, str>,
    /// One line on what it reads and writes.
    pub description: Cow<'static, str>,
    /// Other words people search for.
    pub aliases: &'static [&'static str],
    /// Schemes of connection addresses that belong to it.
    pub url_schemes: &'static [&'static str],
    /// The version of the connector.
    pub version: Cow<'static, str>,
    /// How long it has proved itself.
    pub maturity: Maturity,
    /// Its heading.
    pub category: Category,
    /// What it notices as a source.
    pub badges: &'static [Badge],
    /// A small drawing (SVG).
    pub icon: Option<Cow<'static, str>>,
    /// Whether it can be read.
    pub source: bool,
    /// Whether it can be written.
    pub destination: bool,
}

impl From<Spec> for Listing {
    /// A database without a drawing, of which nothing more is known.
    fn from(spec: Spec) -> Self {
        Listing {
            name: spec.name,
            title: spec.title,
            description: spec.description,
            aliases: spec.aliases,
            url_schemes: spec.url_schemes,
            version: spec.version,
            maturity: spec.maturity,
            category: Category::Databases,
            badges: &[],
            icon: None,
            source: spec.source_schema.is_some(),
            destination: spec.destination_schema.is_some(),
        }
    }
}

/// The JSON Schema of a configuration type.
pub fn config_schema<T: JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

/// A configuration with its secrets filled in. Does not print its values.
#[derive(Clone)]
pub struct Config(Value);

impl Config {
    /// Wraps a configuration whose references to secrets are already resolved.
    pub fn new(value: Value) -> Self {
        Config(value)
    }

    /// The configuration as the connector's own type.
    ///
    /// # Errors
    /// `Config`, naming the field. The text of the error never holds a value: it could be a secret.
    pub fn parse<T: DeserializeOwned>(&self, connector: &str) -> Result<T> {
        serde_json::from_value(self.0.clone()).map_err(|error| {
            Error::new(
                ErrorKind::Config,
                format!(
                    "The settings of this {connector} connection are not valid: {}.",
                    without_values(&error.to_string())
                ),
            )
        })
    }

    /// A field that is text, for descriptions ("host", "path"). Not for secrets.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.0.get(field)?.as_str()
    }
}

/// Serde quotes offending values in its messages (`invalid type: string "hunter2", expected u16`); cut them out.
fn without_values(message: &str) -> String {
    match (message.find("string \""), message.rfind("\", expected")) {
        (Some(start), Some(end)) if start + 7 <= end => {
            format!("{}text{}", &message[..start], &message[end + 1..])
        }
        _ => message.to_owned(),
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config(…)")
    }
}

/// What a connector may know of its surroundings.
#[derive(Debug, Clone, Default)]
pub struct ConnectorContext {
    /// The project folder: relative paths in configurations start here.
    pub project: PathBuf,
}

impl ConnectorContext {
    /// `path` as given when absolute, else inside the project folder.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.project.join(path)
    }
}

/// One system: its description and how to connect to it.
pub trait Connector: Send + Sync {
    /// The description.
    fn spec(&self) -> Spec;

    /// The name of [`Connector::spec`] alone, by which connectors are found. Worth writing where the description costs.
    fn name(&self) -> Cow<'static, str> {
        self.spec().name
    }

    /// The line of the catalogue. Worth writing where forms cost, and where there is more to say than a [`Spec`] does.
    fn listing(&self) -> Listing {
        self.spec().into()
    }

    /// A source with this configuration. Does not connect yet.
    ///
    /// # Errors
    /// `Config` when the configuration is not valid; `Unsupported` when the system is no source.
    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        let _ = (config, context);
        Err(Error::new(ErrorKind::Unsupported, format!("{} cannot be used as a source.", self.spec().title)))
    }

    /// A destination with this configuration. Does not connect yet.
    ///
    /// # Errors
    /// `Config` when the configuration is not valid; `Unsupported` when the system is no destination.
    fn destination(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Destination>> {
        let _ = (config, context);
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("{} cannot be used as a destination.", self.spec().title),
        ))
    }
}

/// The connectors of this program, and those that a project brings with it.
pub struct ConnectorRegistry {
    connectors: RwLock<Vec<Arc<dyn Connector>>>,
}

impl ConnectorRegistry {
    /// A registry of these connectors, in the order they should be listed.
    pub fn new(connectors: Vec<Arc<dyn Connector>>) -> Self {
        ConnectorRegistry { connectors: RwLock::new(connectors) }
    }

    /// Adds a connector; one of the same name is replaced, for what is opened from now on.
    pub fn add(&self, connector: Arc<dyn Connector>) {
        let name = connector.name();
        let mut connectors = self.connectors.write().unwrap_or_else(PoisonError::into_inner);
        match connectors.iter_mut().find(|known| known.name() == name) {
            Some(known) => *known = connector,
            None => connectors.push(connector),
        }
    }

    /// The connector that project files call `name`.
    ///
    /// # Errors
    /// `Config`, listing the known names.
    pub fn get(&self, name: &str) -> Result<Arc<dyn Connector>> {
        let all = self.list();
        all.iter().find(|connector| connector.name() == name).cloned().ok_or_else(|| {
            let known: Vec<_> = all.iter().map(|connector| connector.name()).collect();
            Error::new(ErrorKind::Config, format!("There is no connector called `{name}`."))
                .fix(format!("Use one of: {}.", known.join(", ")))
        })
    }

    /// All connectors.
    pub fn list(&self) -> Vec<Arc<dyn Connector>> {
        self.connectors.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
