//! What all parts of a read share.

use std::sync::Arc;
use std::sync::RwLock;
use std::time::Duration;

use async_trait::async_trait;
use syncline_protocol::{Error, Result};
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
    config: RwLock<Arc<Json>>,
    jobs: OnceCell<Semaphore>,
}

impl Run {
    /// A run with this configuration, whose secrets are filled in.
    pub fn new(config: Json, client: Client, compatibility: Compatibility, clock: Clock) -> Run {
        Run {
            client,
            compatibility,
            clock,
            concurrency: 2,
            haste: 1,
            config: RwLock::new(Arc::new(config)),
            jobs: OnceCell::new(),
        }
    }

    /// The configuration as it is now: an authenticator may have renewed a token in it.
    pub fn config(&self) -> Arc<Json> {
        let config = self.config.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        Arc::clone(&config)
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

    /// Replaces the configuration, after a token in it was renewed.
    pub fn set_config(&self, config: Json) {
        *self.config.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(config);
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
