//! What commands work with: the project, its state, and its systems with their secrets filled in.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use syncline_engine::versions::open_source;
use syncline_engine::{Connection, Origin};
use syncline_protocol::{
    Config, Connector, ConnectorContext, ConnectorRegistry, Destination, Error, ErrorKind, Result, Source,
    Traffic,
};
use syncline_store::config::SystemConfig;
use syncline_store::secrets::{VaultAndEnv, resolve};
use syncline_store::{Project, Recorder, State, SystemKind, Vault, VaultKeeper};
use syncline_worker::logging::{self, Log};
use tokio::runtime::Runtime;

use crate::cli::Global;
use crate::screen::Screen;

/// What every command has.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) screen: &'a Screen,
    pub(crate) runtime: &'a Runtime,
    pub(crate) global: &'a Global,
}

/// An opened project.
pub(crate) struct Context<'a> {
    pub(crate) screen: &'a Screen,
    pub(crate) runtime: &'a Runtime,
    pub(crate) project: Project,
    pub(crate) state: Arc<State>,
    pub(crate) registry: ConnectorRegistry,
    _log: Log,
}

impl<'a> Context<'a> {
    /// The project that `--project` names, or that the current folder lies in.
    pub(crate) fn open(surroundings: &Surroundings<'a>) -> Result<Self> {
        let project = match &surroundings.global.project {
            Some(folder) => Project::open(folder)?,
            None => Project::find(Path::new("."))?,
        };
        Context::of(surroundings, project)
    }

    /// An opened project with everything that belongs to it.
    pub(crate) fn of(surroundings: &Surroundings<'a>, project: Project) -> Result<Self> {
        let Surroundings { screen, runtime, global } = *surroundings;
        let log = logging::begin(&project.logs(), global.verbose, &screen.redaction)?;
        let state = Arc::new(State::open(&project.state_path())?);
        let registry = connectors::registry_of(project.root())?;
        Ok(Context { screen, runtime, project, state, registry, _log: log })
    }

    /// The vault. Its key is asked for when the first secret is needed.
    pub(crate) fn vault(&self) -> Result<Vault<'_>> {
        Vault::from_env(&self.state, &environment)
    }

    /// A configured source, not connected yet.
    pub(crate) fn source(&self, name: &str) -> Result<Arc<dyn Source>> {
        let config = self.project.system(SystemKind::Source, name)?;
        self.make_source(&config).map_err(|error| error.with("source", name))
    }

    /// A configured destination, not connected yet.
    pub(crate) fn destination(&self, name: &str) -> Result<Arc<dyn Destination>> {
        let config = self.project.system(SystemKind::Destination, name)?;
        self.make_destination(&config).map_err(|error| error.with("destination", name))
    }

    /// A source of this configuration.
    pub(crate) fn make_source(&self, system: &SystemConfig) -> Result<Arc<dyn Source>> {
        let (connector, config) = self.resolve(SystemKind::Source, system)?;
        Ok(Arc::from(connector.source(&config, &self.connector_context(system))?))
    }

    /// A source by way of a version of its connector, `name@version`; on a tape when one is given.
    pub(crate) fn source_on(
        &self,
        reference: &str,
        system: &SystemConfig,
        tape: Option<Traffic>,
    ) -> Result<Arc<dyn Source>> {
        let system = SystemConfig { connector: reference.to_owned(), config: system.config.clone() };
        let (connector, config) = self.resolve(SystemKind::Source, &system)?;
        let context = self.connector_context(&system);
        Ok(Arc::from(match tape {
            Some(tape) => connector.source_on_tape(&config, &context, tape)?,
            None => connector.source(&config, &context)?,
        }))
    }

    /// A destination of this configuration.
    pub(crate) fn make_destination(&self, system: &SystemConfig) -> Result<Arc<dyn Destination>> {
        let (connector, config) = self.resolve(SystemKind::Destination, system)?;
        Ok(Arc::from(connector.destination(&config, &self.connector_context(system))?))
    }

    /// A connection, ready to be planned and run.
    pub(crate) fn connection(&self, name: &str) -> Result<Connection> {
        let config = self.project.connection(name)?;
        let system = self.project.system(SystemKind::Source, &config.source)?;
        let make = |reference: &str, tape: Option<Traffic>| self.source_on(reference, &system, tape);
        let reference = config.source_reference(&system);
        let recorder = Recorder::new(&self.project, &self.vault()?, name).map(Arc::new);
        let (source, version) =
            open_source(&self.state, name, &self.registry, &reference, recorder.as_ref(), &make)
                .map_err(|error| error.with("source", &config.source))?;
        Ok(Connection {
            name: name.to_owned(),
            id: format!("{}/{name}", self.project.config().id),
            source,
            origin: Origin::of(&self.project, &self.registry, name, &config, version, recorder)?,
            destination: self.destination(&config.destination)?,
            config: Arc::new(config),
            salt: self.project.config().salt.clone(),
            memory: Arc::<State>::clone(&self.state),
            clock: Timestamp::now,
        })
    }

    fn connector_context(&self, system: &SystemConfig) -> ConnectorContext {
        let redaction = self.screen.redaction.clone();
        let keeper = VaultKeeper {
            state: Arc::clone(&self.state),
            environment: Box::new(environment),
            config: system.config.clone(),
            learn: Box::new(move |secrets| redaction.learn(secrets)),
            clock: Timestamp::now,
        };
        ConnectorContext { project: self.project.root().to_owned(), keeper: Some(Arc::new(keeper)) }
    }

    fn resolve(&self, kind: SystemKind, system: &SystemConfig) -> Result<(Arc<dyn Connector>, Config)> {
        let connector = self.registry.get(&system.connector)?;
        let spec = connector.spec();
        let schema = match kind {
            SystemKind::Source => spec.source_schema,
            SystemKind::Destination => spec.destination_schema,
        };
        let schema = schema.ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("{} cannot be used as a {}.", spec.title, kind.word()))
        })?;
        let vault = self.vault()?;
        let lookup = VaultAndEnv { vault: Some(&vault), env: &environment };
        let resolved = resolve(&system.config, &schema, &lookup)?;
        self.screen.redaction.learn(resolved.secrets());
        let config = match resolved.into_config() {
            // A system without settings: `config` was left out.
            serde_json::Value::Null => serde_json::json!({}),
            config => config,
        };
        Ok((connector, Config::new(config)))
    }
}

/// A variable of this process.
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
