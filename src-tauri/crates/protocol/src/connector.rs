//! What a connector offers to the registry: a description, a form, and how to make a source or destination.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::destination::Destination;
use crate::error::{Error, ErrorKind, Result};
use crate::sign_in::{SignIn, SignInSpec};
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

/// Where a connector comes from.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is part of the program.
    Program,
    /// Somebody made it in the builder.
    Built,
    /// Somebody added its manifest to the project.
    Imported,
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

/// Keeps the settings of a system that change while it is used: refresh tokens that are replaced at each use. Blocks.
pub trait SettingsKeeper: Send + Sync {
    /// Keeps the new value of the setting at `path`, so that whoever opens the system next gets it. Durable when this
    /// returns true; false when the setting lies where it cannot be changed, such as a variable of the environment.
    ///
    /// # Errors
    /// When it could be kept, but writing failed.
    fn keep(&self, path: &[String], value: &SecretString) -> Result<bool>;

    /// The setting at `path` as it is kept now; another use of the same system may have changed it. None when it lies
    /// where it cannot be changed.
    ///
    /// # Errors
    /// When it cannot be read.
    fn current(&self, path: &[String]) -> Result<Option<SecretString>>;
}

/// What a connector may know of its surroundings.
#[derive(Clone, Default)]
pub struct ConnectorContext {
    /// The project folder: relative paths in configurations start here.
    pub project: PathBuf,
    /// Keeps settings that change while the system is used; without one they are forgotten with the source.
    pub keeper: Option<Arc<dyn SettingsKeeper>>,
}

impl fmt::Debug for ConnectorContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorContext").field("project", &self.project).finish_non_exhaustive()
    }
}

impl ConnectorContext {
    /// For a project, without a keeper.
    pub fn of(project: impl Into<PathBuf>) -> Self {
        ConnectorContext { project: project.into(), keeper: None }
    }

    /// `path` as given when absolute, else inside the project folder.
    pub fn resolve(&self, path: &str) -> PathBuf {
        self.project.join(path)
    }
}

/// Keeps what a source was answered, so that another version of its connector can be tried against it.
pub trait Tape: Send + Sync {
    /// Keeps one answer; what it holds is the business of the source alone.
    fn keep(&self, answer: Vec<u8>);

    /// How many bytes one answer may have at most.
    fn room(&self) -> usize;

    /// An answer was too large to be kept: what is on the tape is not the whole.
    fn overflow(&self);
}

/// What becomes of a source's answers.
#[derive(Clone)]
pub enum Traffic {
    /// They are kept.
    Record(Arc<dyn Tape>),
    /// They are given from a tape, in the order in which they were kept; the system is not asked.
    Replay(Arc<Vec<Vec<u8>>>),
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

    /// How somebody can sign in with a browser; none when there is no such way.
    fn sign_in_spec(&self) -> Option<SignInSpec> {
        None
    }

    /// Signing in with these settings. Asks nobody yet.
    ///
    /// # Errors
    /// `Config` when settings are missing that it needs; `Unsupported` when there is no such way.
    fn sign_in(&self, config: &Config) -> Result<Box<dyn SignIn>> {
        let _ = config;
        let message = format!("{} has no way to sign in with a browser.", self.spec().title);
        Err(Error::new(ErrorKind::Unsupported, message))
    }

    /// Where it comes from.
    fn origin(&self) -> Origin {
        Origin::Program
    }

    /// The version of [`Connector::spec`] alone. Worth writing where the description costs.
    fn version(&self) -> Cow<'static, str> {
        self.spec().version
    }

    /// Whether the project keeps versions of it side by side, so that a source says which one it uses.
    fn versioned(&self) -> bool {
        false
    }

    /// A source with this configuration. Does not connect yet.
    ///
    /// # Errors
    /// `Config` when the configuration is not valid; `Unsupported` when the system is no source.
    fn source(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Source>> {
        let _ = (config, context);
        Err(Error::new(ErrorKind::Unsupported, format!("{} cannot be used as a source.", self.spec().title)))
    }

    /// The same source with its answers kept, or played. Only for connectors that are [`versioned`](Self::versioned).
    ///
    /// # Errors
    /// As for [`source`](Self::source); `Unsupported` when its answers cannot be kept.
    fn source_on_tape(
        &self,
        config: &Config,
        context: &ConnectorContext,
        traffic: Traffic,
    ) -> Result<Box<dyn Source>> {
        let _ = (config, context, traffic);
        Err(Error::new(
            ErrorKind::Unsupported,
            format!("What {} is answered cannot be kept.", self.spec().title),
        ))
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

/// `shop@2` → the name and the version that a project file wants. Without a version: whatever is newest.
pub fn split_reference(reference: &str) -> (&str, Option<&str>) {
    match reference.split_once('@') {
        Some((name, version)) => (name, Some(version)),
        None => (reference, None),
    }
}

/// Orders versions as people number them: `1.9` before `1.10`, `2.0.0-rc1` before `2.0.0`.
pub fn compare_versions(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (steps(left), steps(right));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            // What follows a number after a text is a release to be; after a number it is a later one.
            (None, Some(Step::Text(_))) | (Some(Step::Number(_)), Some(Step::Text(_))) => Ordering::Greater,
            (Some(Step::Text(_)), None | Some(Step::Number(_))) => Ordering::Less,
            (None, Some(Step::Number(number))) => 0.cmp(&number),
            (Some(Step::Number(number)), None) => number.cmp(&0),
            (Some(Step::Number(left)), Some(Step::Number(right))) => left.cmp(&right),
            (Some(Step::Text(left)), Some(Step::Text(right))) => left.cmp(right),
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

enum Step<'a> {
    Number(u128),
    Text(&'a str),
}

fn steps(version: &str) -> impl Iterator<Item = Step<'_>> {
    let mut rest = version;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let first = rest.chars().next()?;
        let digits = first.is_ascii_digit();
        let same = |letter: char| {
            if digits {
                letter.is_ascii_digit()
            } else {
                letter.is_alphanumeric() && !letter.is_ascii_digit()
            }
        };
        let end = rest.find(|letter| !same(letter)).unwrap_or(rest.len());
        let (step, after) = rest.split_at(end);
        rest = after;
        Some(if digits { Step::Number(step.parse().unwrap_or(u128::MAX)) } else { Step::Text(step) })
    })
}

impl ConnectorRegistry {
    /// A registry of these connectors, in the order they should be listed.
    pub fn new(connectors: Vec<Arc<dyn Connector>>) -> Self {
        ConnectorRegistry { connectors: RwLock::new(connectors) }
    }

    /// Adds a connector; one of the same name and version is replaced, for what is opened from now on. Versions of a
    /// name stand side by side, oldest first.
    pub fn add(&self, connector: Arc<dyn Connector>) {
        let name = connector.name();
        let mut connectors = self.connectors.write().unwrap_or_else(PoisonError::into_inner);
        let Some(first) = connectors.iter().position(|known| known.name() == name) else {
            connectors.push(connector);
            return;
        };
        let version = connector.version();
        let mut at = first;
        while let Some(known) = connectors.get(at).filter(|known| known.name() == name) {
            match compare_versions(&known.version(), &version) {
                Ordering::Less => at += 1,
                Ordering::Equal if known.version() == version => {
                    connectors[at] = connector;
                    return;
                }
                Ordering::Equal | Ordering::Greater => break,
            }
        }
        connectors.insert(at, connector);
    }

    /// Forgets all versions of a name, for what is opened from now on.
    pub fn remove(&self, name: &str) {
        let mut connectors = self.connectors.write().unwrap_or_else(PoisonError::into_inner);
        connectors.retain(|known| known.name() != name);
    }

    /// The connector that project files call `reference`: a name, for its newest version, or `name@version`.
    ///
    /// # Errors
    /// `Config`, listing the known names or versions.
    pub fn get(&self, reference: &str) -> Result<Arc<dyn Connector>> {
        let (name, version) = split_reference(reference);
        let mut versions = self.versions(name);
        let Some(newest) = versions.pop() else {
            let known: Vec<_> = self.list().iter().map(|connector| connector.name()).collect();
            return Err(Error::new(ErrorKind::Config, format!("There is no connector called `{name}`."))
                .fix(format!("Use one of: {}.", known.join(", "))));
        };
        let Some(version) = version else { return Ok(newest) };
        versions.push(newest);
        versions.iter().find(|known| known.version() == version).cloned().ok_or_else(|| {
            let known: Vec<_> = versions.iter().map(|known| known.version()).collect();
            Error::new(
                ErrorKind::Config,
                format!("There is no version `{version}` of the connector `{name}`."),
            )
            .meaning("Nothing was read or written.")
            .fix(format!("Use one of: {}.", known.join(", ")))
            .fix("Add the version that is missing.")
        })
    }

    /// All versions of a name, oldest first; empty when there is none.
    pub fn versions(&self, name: &str) -> Vec<Arc<dyn Connector>> {
        let connectors = self.connectors.read().unwrap_or_else(PoisonError::into_inner);
        connectors.iter().filter(|known| known.name() == name).cloned().collect()
    }

    /// What a project file writes for a connector, so that it stays with the version of today: `name@version` where
    /// versions are kept side by side, else as given.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    pub fn pinned(&self, reference: &str) -> Result<String> {
        let connector = self.get(reference)?;
        Ok(match split_reference(reference) {
            (name, None) if connector.versioned() => format!("{name}@{}", connector.version()),
            _ => reference.to_owned(),
        })
    }

    /// All connectors, each in its newest version.
    pub fn list(&self) -> Vec<Arc<dyn Connector>> {
        let connectors = self.connectors.read().unwrap_or_else(PoisonError::into_inner);
        let newest = connectors.chunk_by(|left, right| left.name() == right.name());
        newest.filter_map(|versions| versions.last().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known(&'static str, &'static str);

    impl Connector for Known {
        fn spec(&self) -> Spec {
            Spec {
                name: self.0.into(),
                title: self.0.into(),
                description: "".into(),
                aliases: &[],
                url_schemes: &[],
                version: self.1.into(),
                maturity: Maturity::New,
                source_schema: None,
                destination_schema: None,
            }
        }

        fn versioned(&self) -> bool {
            self.0 == "shop"
        }
    }

    #[test]
    fn versions_are_ordered_as_people_number_them() {
        let mut versions = ["1.10.0", "2", "1.9.1", "2.0.0-rc1", "0", "1.9", "2.0.1", "2.0.0-rc.10", "10"];
        versions.sort_by(|left, right| compare_versions(left, right));
        assert_eq!(versions, ["0", "1.9", "1.9.1", "1.10.0", "2.0.0-rc1", "2.0.0-rc.10", "2", "2.0.1", "10"]);
    }

    #[test]
    fn versions_stand_side_by_side_and_a_reference_names_one() {
        let registry = ConnectorRegistry::new(vec![Arc::new(Known("files", "0.1.0"))]);
        for version in ["10", "9", "11", "9"] {
            registry.add(Arc::new(Known("shop", version)));
        }
        let of = |reference: &str| registry.get(reference).unwrap().version().into_owned();
        assert_eq!((of("shop"), of("shop@9"), of("files")), ("11".into(), "9".into(), "0.1.0".into()));
        let versions: Vec<_> = registry.versions("shop").iter().map(|known| known.version()).collect();
        assert_eq!(versions, ["9", "10", "11"]);
        assert_eq!(registry.list().len(), 2, "one line a name");
        let error = registry.get("shop@8").err().unwrap();
        assert!(error.message().contains("version `8`") && error.fixes()[0].contains("9, 10, 11"));
        assert_eq!(registry.pinned("shop").unwrap(), "shop@11");
        assert_eq!(registry.pinned("shop@9").unwrap(), "shop@9");
        assert_eq!(registry.pinned("files").unwrap(), "files", "the program has one version of it");
        registry.remove("shop");
        assert!(registry.get("shop").is_err());
    }
}
