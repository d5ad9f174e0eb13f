//! A rehearsal: the last recorded run once more, from its answers alone, into a place that is thrown away.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use syncline_protocol::{
    Catalog, ChangeSink, DiscoverFilter, Error, ErrorKind, Part, ReadPlan, Result, Sampling, Source,
    SourceCapabilities, SourceSession, StepSink, StoredCheckpoint, TableName, TablePosition, TableRead,
    TableSchema, TargetName,
};

use super::open::Origin;
use crate::connection::{Connection, RunOptions, SchemaMemory};
use crate::event::Unobserved;
use crate::receipt::{Failure, TableState};
use crate::stop::Stop;

/// What a recording begins with.
pub(crate) fn recorded(run: &str, connection: &Connection, checkpoints: &[StoredCheckpoint]) -> Value {
    let positions: BTreeMap<String, &TablePosition> =
        checkpoints.iter().map(|stored| (stored.table.to_string(), &stored.position)).collect();
    let version = connection.origin.source.as_ref().map(|source| &source.version);
    json!({"run": run, "version": version, "positions": positions})
}

/// One performance of the recorded run.
pub struct Take {
    /// The source, on the tape of the recorded run.
    pub source: Arc<dyn Source>,
    /// Where it lands.
    pub destination: Arc<dyn syncline_protocol::Destination>,
    /// The schema there.
    pub schema: String,
}

/// What came of a performance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rehearsed {
    /// The tables that landed, with where and with the columns that identify their rows there.
    pub tables: BTreeMap<String, (TargetName, Vec<String>)>,
    /// Why others did not.
    pub failures: BTreeMap<String, Failure>,
    /// Why nothing did.
    pub failure: Option<Failure>,
}

impl Rehearsed {
    /// Nothing came of it.
    pub fn failed(error: &Error) -> Rehearsed {
        Rehearsed { tables: BTreeMap::new(), failures: BTreeMap::new(), failure: Some(Failure::from(error)) }
    }

    /// Why a table did not land; none when it did.
    pub fn failure_of(&self, table: &str) -> Option<String> {
        if self.tables.contains_key(table) {
            return None;
        }
        let failure = self.failures.get(table).or(self.failure.as_ref());
        Some(failure.map_or_else(|| "It was not read.".to_owned(), |failure| failure.message.clone()))
    }
}

/// Does the recorded run of a connection once more. `head` is what its recording begins with.
///
/// # Errors
/// `CorruptInput` when the recording does not say where it began.
pub async fn rehearse(connection: &Connection, head: &Value, take: Take) -> Result<Rehearsed> {
    let positions = positions(head).ok_or_else(|| {
        Error::new(ErrorKind::CorruptInput, "The recording of the last run does not say where it began.")
    })?;
    let mut config = (*connection.config).clone();
    config.schema = Some(take.schema.clone());
    let performed = Connection {
        name: connection.name.clone(),
        id: format!("rehearsal/{}", take.schema),
        config: Arc::new(config),
        source: Arc::new(Rewound { inner: take.source, positions: Arc::new(positions) }),
        destination: take.destination,
        salt: connection.salt.clone(),
        memory: Arc::new(Forgetful::default()),
        clock: connection.clock,
        origin: Origin::default(),
    };
    let mut options = RunOptions::new("rehearsal");
    // A table that brings a column that nobody declared is read again with it, here as in any run.
    options.attempts_max = 3;
    let receipt = performed.run(options, Stop::new(), Arc::new(Unobserved)).await;
    let mut rehearsed =
        Rehearsed { tables: BTreeMap::new(), failures: BTreeMap::new(), failure: receipt.failure };
    for table in receipt.tables {
        let name = table.table.to_string();
        match (table.state, table.failure) {
            (TableState::Done | TableState::DoneWithRejected, _) => {
                rehearsed.tables.insert(name, (table.target, table.target_key));
            }
            (_, Some(failure)) => drop(rehearsed.failures.insert(name, failure)),
            _ => {}
        }
    }
    Ok(rehearsed)
}

fn positions(head: &Value) -> Option<HashMap<TableName, TablePosition>> {
    let positions = head.get("positions")?.as_object()?;
    let read = |(name, position): (&String, &Value)| {
        Some((name.parse().ok()?, TablePosition::deserialize(position).ok()?))
    };
    positions.iter().map(read).collect()
}

/// A source that begins where the recorded run began.
struct Rewound {
    inner: Arc<dyn Source>,
    positions: Arc<HashMap<TableName, TablePosition>>,
}

#[async_trait]
impl Source for Rewound {
    fn capabilities(&self) -> SourceCapabilities {
        self.inner.capabilities()
    }

    async fn check(&self, steps: &dyn StepSink) {
        self.inner.check(steps).await;
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        self.inner.discover(filter).await
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        self.inner.sample(read, sampling, sink).await
    }

    async fn open(&self, tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        let inner = self.inner.open(tables).await?;
        Ok(Box::new(RewoundSession { inner, positions: Arc::clone(&self.positions) }))
    }
}

struct RewoundSession {
    inner: Box<dyn SourceSession>,
    positions: Arc<HashMap<TableName, TablePosition>>,
}

#[async_trait]
impl SourceSession for RewoundSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        // What was loaded before the recorded run is not here, so a position that goes on counts as a new plan.
        let position = position.or_else(|| self.positions.get(&read.table));
        let plan = self.inner.plan(read, position).await?;
        Ok(ReadPlan { continues: false, ..plan })
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        let recorded = self.positions.get(&read.table).filter(|position| !position.complete);
        let from = from.or_else(|| recorded?.at.get(&part.index));
        self.inner.read(read, plan, part, from, sink).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Remembers the shapes of one performance.
#[derive(Default)]
struct Forgetful(Mutex<HashMap<TableName, TableSchema>>);

impl SchemaMemory for Forgetful {
    fn accepted_schema(&self, _: &str, table: &TableName) -> Result<Option<TableSchema>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned())
    }

    fn accept_schema(&self, _: &str, schema: &TableSchema) -> Result<()> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(schema.table.clone(), schema.clone());
        Ok(())
    }
}
