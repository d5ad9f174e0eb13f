//! What all parts of a read share.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use syncline_protocol::{Error, Result, SettingsKeeper};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use crate::http::client::Client;
use crate::records::RawRecords;
use crate::{Json, Map};

/// Tells the time; tests set it.
pub type Clock = fn() -> jiff::Timestamp;

/// Whether this interpreter keeps faith with the reference where the reference loses data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compatibility {
    /// What would lose rows in silence is an error, or goes to the quarantine.
    #[default]
    Safe,
    /// As the reference does it, also where it does harm.
    Exact,
}

/// The configuration of a source, shared by all its uses: a token that one of them renews is renewed for all.
pub struct Configuration {
    value: RwLock<Arc<Json>>,
    keeper: Option<Arc<dyn SettingsKeeper>>,
}

/// A setting that was renewed: its path, and its new value.
pub(crate) type Renewed = (Vec<String>, SecretString);

impl Configuration {
    /// A configuration whose secrets are filled in. `keeper` keeps what is renewed for later uses.
    pub fn new(value: Json, keeper: Option<Arc<dyn SettingsKeeper>>) -> Configuration {
        Configuration { value: RwLock::new(Arc::new(value)), keeper }
    }

    /// As it is now.
    pub fn get(&self) -> Arc<Json> {
        Arc::clone(&self.value.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn put(&self, renewed: &[Renewed]) {
        let mut value = self.value.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = Json::clone(&value);
        for (path, setting) in renewed {
            put(&mut changed, path, Json::from(setting.expose_secret()));
        }
        *value = Arc::new(changed);
    }

    /// Takes over what other uses of the same source have renewed since.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn catch_up(&self, paths: Vec<Vec<String>>) -> Result<()> {
        let Some(keeper) = self.keeper.clone() else { return Ok(()) };
        let current = blocking(move || {
            let current = |path: Vec<String>| Ok(keeper.current(&path)?.map(|value| (path, value)));
            paths.into_iter().filter_map(|path| current(path).transpose()).collect::<Result<Vec<_>>>()
        });
        self.put(&current.await?);
        Ok(())
    }

    /// Replaces settings, here and where they are kept. The paths of those that could not be kept.
    ///
    /// # Errors
    /// When keeping failed. The settings are replaced here all the same.
    pub(crate) async fn renew(&self, renewed: Vec<Renewed>) -> Result<Vec<Vec<String>>> {
        self.put(&renewed);
        let Some(keeper) = self.keeper.clone() else {
            return Ok(renewed.into_iter().map(|(path, _)| path).collect());
        };
        blocking(move || {
            let mut forgotten = Vec::new();
            for (path, value) in renewed {
                if !keeper.keep(&path, &value)? {
                    forgotten.push(path);
                }
            }
            Ok(forgotten)
        })
        .await
    }
}

/// A vault is a file.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::internal("A part of the program failed.").caused_by(error))?
}

/// Sets a field at a path; objects on the way are made.
fn put(config: &mut Json, path: &[String], value: Json) {
    let Some((last, outer)) = path.split_last() else { return };
    let mut node = config;
    for step in outer {
        if !node.get(step).is_some_and(Json::is_object) {
            let Some(fields) = node.as_object_mut() else { return };
            fields.insert(step.clone(), Json::Object(Map::new()));
        }
        let Some(inner) = node.get_mut(step) else { return };
        node = inner;
    }
    if let Some(fields) = node.as_object_mut() {
        fields.insert(last.clone(), value);
    }
}

/// One use of a connector with one configuration: a check, a discovery, a read. Shared by all its streams.
pub struct Run {
    /// Sends requests; holds cookies, caches, budgets and what the server said about waiting.
    pub client: Client,
    /// How to treat what the reference does wrong.
    pub compatibility: Compatibility,
    /// The time.
    pub clock: Clock,
    /// How many slices of a table may be read side by side.
    pub concurrency: usize,
    /// Waiting times are divided by this; tests do not wait.
    pub haste: u32,
    pub(crate) configuration: Arc<Configuration>,
    jobs: OnceCell<Semaphore>,
}

impl Run {
    /// A run with this configuration, whose secrets are filled in.
    pub fn new(config: Json, client: Client, compatibility: Compatibility, clock: Clock) -> Run {
        Run::sharing(Arc::new(Configuration::new(config, None)), client, compatibility, clock)
    }

    /// A run with a configuration that other runs of the same source have, too.
    pub fn sharing(
        configuration: Arc<Configuration>,
        client: Client,
        compatibility: Compatibility,
        clock: Clock,
    ) -> Run {
        Run { client, compatibility, clock, concurrency: 2, haste: 1, configuration, jobs: OnceCell::new() }
    }

    /// The configuration as it is now: an authenticator may have renewed a token in it.
    pub fn config(&self) -> Arc<Json> {
        self.configuration.get()
    }

    /// How long to wait really.
    pub fn wait(&self, wanted: Duration) -> Duration {
        wanted / self.haste.max(1)
    }

    /// Waits until fewer than so many jobs are worked off by the API for all tables of the run. The first number that is
    /// asked for holds.
    pub(crate) async fn job_turn(&self, at_once: usize) -> Result<SemaphorePermit<'_>> {
        let jobs = self.jobs.get_or_init(|| async { Semaphore::new(at_once) }).await;
        jobs.acquire().await.map_err(|error| Error::internal("Jobs are counted no more.").caused_by(error))
    }
}

/// A piece of a stream: one partition, or one window of time of one partition.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Slice {
    /// Which partition, for example `{"project_id": 7, "parent_slice": {}}`. Empty for a stream that has none.
    pub partition: Map,
    /// Which window, for example `{"start_time": "2024-01-01", "end_time": "2024-01-31"}`. Empty without a cursor.
    pub window: Map,
    /// More about the parent, for templates (`stream_slice.extra_fields`).
    pub extra_fields: Map,
}

impl Slice {
    /// What templates see as `stream_slice`, `stream_partition` and `stream_interval`: partition and window together.
    pub fn for_templates(&self) -> Json {
        let mut value = self.value();
        if !self.extra_fields.is_empty() {
            value.insert("extra_fields".to_owned(), Json::Object(self.extra_fields.clone()));
        }
        Json::Object(value)
    }

    /// Partition and window together.
    pub fn value(&self) -> Map {
        let mut value = self.partition.clone();
        value.extend(self.window.iter().map(|(key, field)| (key.clone(), field.clone())));
        value
    }
}

/// Where the records of a stream go.
#[async_trait]
pub trait Output: Send + Sync {
    /// Takes records that are filtered and transformed: objects. Waits while the receiver is behind.
    ///
    /// # Errors
    /// When the read is being stopped.
    async fn records(&self, records: Vec<Json>) -> Result<()>;

    /// Takes records that the API sent and nothing had to be done to, as text. Fields of them that are null count as
    /// missing, and a record may be something else than an object.
    ///
    /// # Errors
    /// As [`records`](Self::records), and `CorruptInput` for one that cannot be read after all.
    async fn raw(&self, records: RawRecords) -> Result<()> {
        self.records(records.values()?).await
    }

    /// Everything handed over so far is covered by this state, in the reference's format.
    ///
    /// # Errors
    /// When the read is being stopped.
    async fn state(&self, state: &Json) -> Result<()>;

    /// Says in words what the read waits for, or that it goes on.
    fn waiting(&self, _reason: Option<&str>) {}
}

/// For reads that only ask: takes nothing, and hears nothing.
pub struct Silent;

#[async_trait]
impl Output for Silent {
    async fn records(&self, _records: Vec<Json>) -> Result<()> {
        Ok(())
    }

    async fn state(&self, _state: &Json) -> Result<()> {
        Ok(())
    }
}
