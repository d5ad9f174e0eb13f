//! An open project, ready to answer.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use syncline_engine::Connection;
use syncline_protocol::{
    Config, Connector, ConnectorContext, Destination, Error, ErrorKind, Result, Side, Source, Spec, TableName,
};
use syncline_store::config::SystemConfig;
use syncline_store::secrets::{VaultAndEnv, resolve};
use syncline_store::{JournalEntry, Project, State, SystemKind, Vault};

use crate::events::{Events, Listener};
use crate::host::Host;
use crate::runs::Runs;
use crate::samples::Samples;

/// Answers the requests of all windows of one project, and owns its runs. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) open: Arc<Open>,
    pub(crate) runs: Arc<Runs>,
}

/// An open project. Everything here blocks: it is used by way of [`Api::blocking`].
pub(crate) struct Open {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) project: Project,
    pub(crate) state: Arc<State>,
    pub(crate) events: Events,
    pub(crate) samples: Samples,
}

impl Api {
    /// For this project. Must be called within a runtime.
    pub fn new(host: Arc<dyn Host>, project: Project, state: Arc<State>) -> Api {
        let open =
            Arc::new(Open { host, project, state, events: Events::default(), samples: Samples::default() });
        Api { runs: Arc::new(Runs::new(Arc::clone(&open))), open }
    }

    /// Begins to hear events; where running syncs stand comes first.
    pub fn listen(&self) -> Listener {
        self.open.events.listen()
    }

    pub(crate) fn events(&self) -> &Events {
        &self.open.events
    }

    /// Whether a sync is running.
    pub fn is_running(&self) -> bool {
        self.runs.any()
    }

    /// Stops all runs at their next durable point and waits for them. No run can be started afterwards.
    pub async fn drain(&self) {
        self.runs.drain().await;
    }

    /// Stops all runs now: what is not durable is dropped, and the next runs go on from the last checkpoints.
    pub fn stop_now(&self) {
        self.runs.stop_all_now();
    }

    /// Runs work that blocks on a thread for such.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Open) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let open = Arc::clone(&self.open);
        blocking(move || work(&open)).await
    }

    /// A connection, ready to be planned and run.
    pub(crate) async fn engine(&self, name: &str) -> Result<Connection> {
        let name = name.to_owned();
        self.blocking(move |open| open.connection(&name)).await
    }
}

/// Runs work that blocks on a thread for such.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("A part of the program failed.").caused_by(error))?
}

impl Open {
    pub(crate) fn now(&self) -> Timestamp {
        (self.host.clock())()
    }

    pub(crate) fn connector(&self, name: &str) -> Result<Arc<dyn Connector>> {
        self.host.connectors().get(name)
    }

    /// The vault. Its key is asked for when the first secret is needed.
    pub(crate) fn vault(&self) -> Result<Vault<'_>> {
        Vault::from_env(&self.state, &|name| self.host.environment(name))
    }

    pub(crate) fn context(&self) -> ConnectorContext {
        ConnectorContext { project: self.project.root().to_owned() }
    }

    /// The connector of a system, and its settings with secrets filled in. `typed` are secrets by path that are not in
    /// the vault (yet).
    pub(crate) fn resolve(
        &self,
        kind: SystemKind,
        system: &SystemConfig,
        typed: &[(String, SecretString)],
    ) -> Result<(Arc<dyn Connector>, Config)> {
        let connector = self.connector(&system.connector)?;
        let schema = schema_of(&connector.spec(), kind)?;
        let vault = self.vault()?;
        let environment = |name: &str| self.host.environment(name);
        let lookup = VaultAndEnv { vault: Some(&vault), env: &environment };
        let resolved = resolve(&system.config, &schema, &lookup)?;
        self.host.learn_secrets(resolved.secrets());
        let mut config = match resolved.into_config() {
            // A system without settings: `config` was left out.
            Value::Null => serde_json::json!({}),
            config => config,
        };
        if let Value::Object(config) = &mut config {
            for (path, secret) in typed {
                use secrecy::ExposeSecret;
                self.host.learn_secrets(std::slice::from_ref(secret));
                crate::form::put(config, path, Value::from(secret.expose_secret()));
            }
        }
        Ok((connector, Config::new(config)))
    }

    /// A configured source, not connected yet.
    pub(crate) fn source(&self, name: &str) -> Result<Arc<dyn Source>> {
        let system = self.project.system(SystemKind::Source, name)?;
        let (connector, config) =
            self.resolve(SystemKind::Source, &system, &[]).map_err(|error| error.with("source", name))?;
        Ok(Arc::from(connector.source(&config, &self.context())?))
    }

    /// A configured destination, not connected yet.
    pub(crate) fn destination(&self, name: &str) -> Result<Arc<dyn Destination>> {
        let system = self.project.system(SystemKind::Destination, name)?;
        let (connector, config) = self
            .resolve(SystemKind::Destination, &system, &[])
            .map_err(|error| error.with("destination", name))?;
        Ok(Arc::from(connector.destination(&config, &self.context())?))
    }

    pub(crate) fn connection(&self, name: &str) -> Result<Connection> {
        let config = self.project.connection(name)?;
        Ok(Connection {
            name: name.to_owned(),
            id: format!("{}/{name}", self.project.config().id),
            source: self.source(&config.source).map_err(|error| error.at(Side::Source))?,
            destination: self
                .destination(&config.destination)
                .map_err(|error| error.at(Side::Destination))?,
            config: Arc::new(config),
            salt: self.project.config().salt.clone(),
            memory: Arc::<State>::clone(&self.state),
            clock: self.host.clock(),
        })
    }

    /// Adds to the journal of a connection.
    pub(crate) fn note(
        &self,
        connection: &str,
        kind: &str,
        run: Option<String>,
        detail: Value,
    ) -> Result<()> {
        self.state.add_to_journal(&JournalEntry {
            run,
            connection: connection.to_owned(),
            at: self.now(),
            kind: kind.to_owned(),
            detail,
        })
    }
}

/// The JSON Schema of the settings of a connector on one side.
pub(crate) fn schema_of(spec: &Spec, kind: SystemKind) -> Result<Value> {
    let schema = match kind {
        SystemKind::Source => &spec.source_schema,
        SystemKind::Destination => &spec.destination_schema,
    };
    schema.clone().ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("{} cannot be used as a {}.", spec.title, kind.word()))
    })
}

/// Refuses tables that the connection does not have: doing nothing would look like success.
pub(crate) fn require_tables(connection: &Connection, tables: &[TableName]) -> Result<()> {
    let known = |table: &TableName| connection.config.tables.iter().any(|known| known.name == *table);
    match tables.iter().find(|table| !known(table)) {
        None => Ok(()),
        Some(table) => Err(Error::new(
            ErrorKind::Config,
            format!("Connection `{}` has no table `{table}`.", connection.name),
        )
        .meaning("Nothing was done.")
        .fix("Add the table to the connection first.")),
    }
}
