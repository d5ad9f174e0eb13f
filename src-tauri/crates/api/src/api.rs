//! An open project, ready to answer.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::Value;
use syncline_engine::versions::open_source;
use syncline_engine::{Connection, LogReader, Origin};
use syncline_protocol::{
    Config, Connector, ConnectorContext, Destination, Error, ErrorKind, Result, Side, Source, Spec,
    TableName, Traffic,
};
use syncline_store::config::SystemConfig;
use syncline_store::secrets::{VaultAndEnv, resolve};
use syncline_store::{JournalEntry, Project, Recorder, State, SystemKind, Vault};
use tokio_util::task::AbortOnDropHandle;

use crate::events::{Events, Listener};
use crate::host::Host;
use crate::renewal::Replaced;
use crate::runs::Runs;
use crate::samples::Samples;
use crate::sign_in::SignIns;

/// How often it is noted that the studio is open.
const WATCH_EVERY: Duration = Duration::from_secs(60);
/// When it was not noted for longer than this, the computer slept or the studio was closed.
const WATCH_GAP: SignedDuration = SignedDuration::from_secs(150);

/// Answers the requests of all windows of one project, and owns its runs. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    pub(crate) open: Arc<Open>,
    pub(crate) runs: Arc<Runs>,
    pub(crate) sign_ins: Arc<SignIns>,
    /// Notes that the studio is open, as long as it is.
    _watch: Arc<AbortOnDropHandle<()>>,
}

/// An open project. Everything here blocks: it is used by way of [`Api::blocking`].
pub(crate) struct Open {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) project: Project,
    pub(crate) state: Arc<State>,
    pub(crate) events: Events,
    pub(crate) replaced: Arc<Replaced>,
    /// The log that was looked at last, so that paging through it and searching it begin where the last answer ended.
    pub(crate) log: Mutex<Option<LogReader>>,
    pub(crate) samples: Samples,
    /// Whether the recordings of the builder were brought back. Held while they are kept.
    pub(crate) recordings: Mutex<bool>,
}

impl Api {
    /// For this project. Must be called within a runtime.
    pub fn new(host: Arc<dyn Host>, project: Project, state: Arc<State>) -> Api {
        let open = Arc::new(Open {
            host,
            project,
            state,
            events: Events::default(),
            replaced: Arc::default(),
            log: Mutex::default(),
            samples: Samples::default(),
            recordings: Mutex::default(),
        });
        let watch = Arc::new(AbortOnDropHandle::new(tokio::spawn(watch(Arc::clone(&open)))));
        Api { runs: Arc::new(Runs::new(Arc::clone(&open))), sign_ins: Arc::default(), open, _watch: watch }
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

/// Time in which nobody watched is not held against a connection of this computer: it is noted when somebody does.
async fn watch(open: Arc<Open>) {
    let mut ticks = tokio::time::interval(WATCH_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let open = Arc::clone(&open);
        let noted = blocking(move || open.state.watched(open.now(), WATCH_GAP)).await;
        if let Err(error) = noted {
            tracing::warn!(message = error.message(), "it could not be noted that the studio is open");
        }
    }
}

impl Open {
    pub(crate) fn now(&self) -> Timestamp {
        (self.host.clock())()
    }

    /// A connector by its name, or `name@version`. One that another program has added meanwhile is found, too.
    pub(crate) fn connector(&self, reference: &str) -> Result<Arc<dyn Connector>> {
        self.host.connectors().get(reference).or_else(|_| {
            self.host.refresh_connectors()?;
            self.host.connectors().get(reference)
        })
    }

    /// What a project file writes for a connector.
    pub(crate) fn pinned(&self, reference: &str) -> Result<String> {
        self.connector(reference)?;
        self.host.connectors().pinned(reference)
    }

    /// The vault. Its key is asked for when the first secret is needed.
    pub(crate) fn vault(&self) -> Result<Vault<'_>> {
        Vault::from_env(&self.state, &|name| self.host.environment(name))
    }

    pub(crate) fn context(&self) -> ConnectorContext {
        ConnectorContext::of(self.project.root())
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
                let secret = self.replaced.newest(secret);
                self.host.learn_secrets(std::slice::from_ref(&secret));
                crate::form::put(config, path, Value::from(secret.expose_secret()));
            }
        }
        Ok((connector, Config::new(config)))
    }

    /// A configured source, not connected yet.
    pub(crate) fn source(&self, name: &str) -> Result<Arc<dyn Source>> {
        let system = self.project.system(SystemKind::Source, name)?;
        self.source_on(&system.connector, &system, None).map_err(|error| error.with("source", name))
    }

    /// The same, by way of another version of its connector, `name@version`; on a tape when one is given.
    pub(crate) fn source_on(
        &self,
        reference: &str,
        system: &SystemConfig,
        tape: Option<Traffic>,
    ) -> Result<Arc<dyn Source>> {
        let system = SystemConfig { connector: reference.to_owned(), config: system.config.clone() };
        let (connector, config) = self.resolve(SystemKind::Source, &system, &[])?;
        Ok(Arc::from(match tape {
            Some(tape) => connector.source_on_tape(&config, &self.context(), tape)?,
            None => connector.source(&config, &self.context_of(&system, &[]))?,
        }))
    }

    /// A configured destination, not connected yet.
    pub(crate) fn destination(&self, name: &str) -> Result<Arc<dyn Destination>> {
        let system = self.project.system(SystemKind::Destination, name)?;
        let (connector, config) = self
            .resolve(SystemKind::Destination, &system, &[])
            .map_err(|error| error.with("destination", name))?;
        Ok(Arc::from(connector.destination(&config, &self.context_of(&system, &[]))?))
    }

    pub(crate) fn connection(&self, name: &str) -> Result<Connection> {
        let config = self.project.connection(name)?;
        let system = self.project.system(SystemKind::Source, &config.source)?;
        let make = |reference: &str, tape: Option<Traffic>| self.source_on(reference, &system, tape);
        // Brings in what was added to the folder meanwhile.
        let reference = config.source_reference(&system);
        self.connector(&reference)?;
        let recorder = Recorder::new(&self.project, &self.vault()?, name).map(Arc::new);
        let (source, version) =
            open_source(&self.state, name, self.host.connectors(), &reference, recorder.as_ref(), &make)
                .map_err(|error| error.with("source", &config.source).at(Side::Source))?;
        Ok(Connection {
            name: name.to_owned(),
            id: format!("{}/{name}", self.project.config().id),
            source,
            origin: Origin::of(&self.project, self.host.connectors(), name, &config, version, recorder)?,
            destination: self
                .destination(&config.destination)
                .map_err(|error| error.at(Side::Destination))?,
            config: Arc::new(config),
            salt: self.project.config().salt.clone(),
            memory: Arc::<State>::clone(&self.state),
            clock: self.host.clock(),
        })
    }

    /// Adds to the journal of a connection. Returns the number of the entry.
    pub(crate) fn note(
        &self,
        connection: &str,
        kind: &str,
        run: Option<String>,
        detail: Value,
    ) -> Result<i64> {
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
