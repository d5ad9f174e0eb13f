//! Faults as values: a source and a destination that fail exactly where a test says.
//!
//! A [`Faults`] holds a queue per operation. Each call of the operation takes the first entry of its queue; an empty
//! queue means that nothing is wrong.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use futures::future::BoxFuture;
use serde_json::Value;
use syncline_protocol::{
    Catalog, Change, ChangeBatch, ChangeSink, Column, Commit, Destination, DestinationCapabilities,
    DestinationSession, DiscoverFilter, Durable, Error, ErrorKind, Landing, LoadInto, Loader, LoaderOptions,
    LogicalType, Opened, Opening, Part, QuarantinedRow, ReadPlan, Result, Sampling, SchemaChange, Source,
    SourceCapabilities, SourceSession, StepSink, Stopped, StoredCheckpoint, TableName, TablePosition,
    TableRead, TargetName, TargetTable,
};
use tokio::sync::watch;

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // named like the operations of the contract
pub enum Operation {
    Discover,
    Sample,
    OpenSource,
    Plan,
    Read,
    Acknowledge,
    Inspect,
    Checkpoints,
    OpenDestination,
    Count,
    Scan,
    Quarantined,
    Apply,
    Begin,
    Loader,
    Write,
    Commit,
}

/// How it fails.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Not at all: this call goes through.
    Pass,
    /// Refused before anything was done.
    Reject(ErrorKind),
    /// Everything was done, and the answer was lost: the caller gets this kind of error.
    FailAfterWork(ErrorKind),
    /// No space left: refused, `DiskFull`.
    DiskFull,
    /// Nothing happens until the gate opens; then the call goes through.
    Hang(Gate),
    /// Goes through after giving way to other tasks this often.
    Slow(usize),
    /// For [`Operation::Read`]: the connection breaks after this many changes. Elsewhere as `ConnectionLost` at once.
    CutAfter(usize),
}

/// A gate that is closed until somebody opens it, and that knows whether somebody waits.
#[derive(Debug, Clone)]
pub struct Gate {
    open: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

impl Default for Gate {
    fn default() -> Self {
        Gate::new()
    }
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        Gate { open: Arc::new(watch::Sender::new(false)), waiting: Arc::new(watch::Sender::new(0)) }
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.open.send_replace(true);
    }

    /// Resolves when somebody waits at the gate or has waited there.
    pub async fn reached(&self) {
        // The sender lives as long as `self`.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await;
    }

    /// Waits until the gate is open.
    pub async fn pass(&self) {
        self.waiting.send_modify(|waiting| *waiting += 1);
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

#[derive(Debug, Default)]
struct Queues {
    faults: HashMap<Operation, VecDeque<Fault>>,
    calls: HashMap<Operation, usize>,
}

/// The faults that are to come. Clones are handles on the same queues.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    queues: Arc<Mutex<Queues>>,
}

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Faults::default()
    }

    /// The next call of `operation` that has no fault yet gets this one.
    pub fn next(&self, operation: Operation, fault: Fault) -> &Self {
        self.queues().faults.entry(operation).or_default().push_back(fault);
        self
    }

    /// As [`next`](Self::next), after `calls` calls that go through.
    pub fn after(&self, operation: Operation, calls: usize, fault: Fault) -> &Self {
        for _ in 0..calls {
            self.next(operation, Fault::Pass);
        }
        self.next(operation, fault)
    }

    /// How often `operation` was called.
    pub fn calls(&self, operation: Operation) -> usize {
        self.queues().calls.get(&operation).copied().unwrap_or(0)
    }

    /// How many faults have not happened yet.
    pub fn pending(&self) -> usize {
        self.queues().faults.values().flatten().filter(|fault| !matches!(fault, Fault::Pass)).count()
    }

    fn queues(&self) -> MutexGuard<'_, Queues> {
        self.queues.lock().expect("no caller panicked")
    }

    fn take(&self, operation: Operation) -> Fault {
        let mut queues = self.queues();
        *queues.calls.entry(operation).or_default() += 1;
        queues.faults.get_mut(&operation).and_then(VecDeque::pop_front).unwrap_or(Fault::Pass)
    }

    /// Does `work` as the next fault of `operation` says.
    async fn run<T>(&self, operation: Operation, work: impl Future<Output = Result<T>>) -> Result<T> {
        let fault = self.take(operation);
        with_fault(operation, fault, work).await
    }
}

async fn with_fault<T>(
    operation: Operation,
    fault: Fault,
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    match fault {
        Fault::Pass => work.await,
        Fault::Reject(kind) => Err(scripted(kind, operation)),
        Fault::DiskFull => Err(scripted(ErrorKind::DiskFull, operation)),
        Fault::CutAfter(_) => Err(scripted(ErrorKind::ConnectionLost, operation)),
        Fault::FailAfterWork(kind) => {
            work.await?;
            Err(scripted(kind, operation))
        }
        Fault::Hang(gate) => {
            gate.pass().await;
            work.await
        }
        Fault::Slow(turns) => {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            work.await
        }
    }
}

fn scripted(kind: ErrorKind, operation: Operation) -> Error {
    Error::new(kind, format!("A scripted fault of {operation:?}."))
}

/// A destination with faults.
pub struct FaultyDestination {
    inner: Box<dyn Destination>,
    faults: Faults,
}

impl FaultyDestination {
    /// `inner`, failing as `faults` says.
    pub fn new(inner: impl Destination + 'static, faults: &Faults) -> Self {
        FaultyDestination { inner: Box::new(inner), faults: faults.clone() }
    }
}

#[async_trait]
impl Destination for FaultyDestination {
    fn capabilities(&self) -> DestinationCapabilities {
        self.inner.capabilities()
    }

    fn landing(&self, logical: &LogicalType) -> Landing {
        self.inner.landing(logical)
    }

    fn ddl(&self, change: &SchemaChange) -> Vec<String> {
        self.inner.ddl(change)
    }

    async fn check(&self, steps: &dyn StepSink) {
        self.inner.check(steps).await;
    }

    async fn inspect(&self, tables: &[TargetName]) -> Result<Vec<Option<Vec<Column>>>> {
        self.faults.run(Operation::Inspect, self.inner.inspect(tables)).await
    }

    async fn checkpoints(&self, connection: &str) -> Result<Vec<StoredCheckpoint>> {
        self.faults.run(Operation::Checkpoints, self.inner.checkpoints(connection)).await
    }

    async fn open(&self, opening: &Opening) -> Result<Opened> {
        let opened = self.faults.run(Operation::OpenDestination, self.inner.open(opening)).await?;
        let session = FaultyDestinationSession { inner: opened.session, faults: self.faults.clone() };
        Ok(Opened { session: Box::new(session), ..opened })
    }

    async fn count(&self, target: &TargetTable) -> Result<u64> {
        self.faults.run(Operation::Count, self.inner.count(target)).await
    }

    async fn scan(&self, target: &TargetTable, columns: &[Column], sink: &dyn ChangeSink) -> Result<()> {
        self.faults.run(Operation::Scan, self.inner.scan(target, columns, sink)).await
    }

    async fn quarantined(
        &self,
        connection: &str,
        table: Option<&TableName>,
        limit: usize,
    ) -> Result<Vec<QuarantinedRow>> {
        self.faults.run(Operation::Quarantined, self.inner.quarantined(connection, table, limit)).await
    }
}

struct FaultyDestinationSession {
    inner: Box<dyn DestinationSession>,
    faults: Faults,
}

#[async_trait]
impl DestinationSession for FaultyDestinationSession {
    async fn apply(&self, change: &SchemaChange) -> Result<()> {
        self.faults.run(Operation::Apply, self.inner.apply(change)).await
    }

    async fn begin(&self, target: &TargetTable, into: LoadInto, commit: &Commit) -> Result<Durable> {
        self.faults.run(Operation::Begin, self.inner.begin(target, into, commit)).await
    }

    async fn loader(&self, options: &LoaderOptions) -> Result<Box<dyn Loader>> {
        let inner = self.faults.run(Operation::Loader, self.inner.loader(options)).await?;
        Ok(Box::new(FaultyLoader { inner, faults: self.faults.clone() }))
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

struct FaultyLoader {
    inner: Box<dyn Loader>,
    faults: Faults,
}

#[async_trait]
impl Loader for FaultyLoader {
    async fn write(&mut self, batch: ChangeBatch) -> Result<()> {
        let faults = self.faults.clone();
        faults.run(Operation::Write, self.inner.write(batch)).await
    }

    async fn commit(&mut self, commit: &Commit) -> Result<Durable> {
        let faults = self.faults.clone();
        faults.run(Operation::Commit, self.inner.commit(commit)).await
    }
}

/// A source with faults.
pub struct FaultySource {
    inner: Box<dyn Source>,
    faults: Faults,
}

impl FaultySource {
    /// `inner`, failing as `faults` says.
    pub fn new(inner: impl Source + 'static, faults: &Faults) -> Self {
        FaultySource { inner: Box::new(inner), faults: faults.clone() }
    }
}

#[async_trait]
impl Source for FaultySource {
    fn capabilities(&self) -> SourceCapabilities {
        self.inner.capabilities()
    }

    async fn check(&self, steps: &dyn StepSink) {
        self.inner.check(steps).await;
    }

    async fn discover(&self, filter: &DiscoverFilter) -> Result<Catalog> {
        self.faults.run(Operation::Discover, self.inner.discover(filter)).await
    }

    async fn sample(&self, read: &TableRead, sampling: &Sampling, sink: &dyn ChangeSink) -> Result<()> {
        self.faults.run(Operation::Sample, self.inner.sample(read, sampling, sink)).await
    }

    async fn open(&self, tables: &[TableRead]) -> Result<Box<dyn SourceSession>> {
        let inner = self.faults.run(Operation::OpenSource, self.inner.open(tables)).await?;
        Ok(Box::new(FaultySourceSession { inner, faults: self.faults.clone() }))
    }
}

struct FaultySourceSession {
    inner: Box<dyn SourceSession>,
    faults: Faults,
}

#[async_trait]
impl SourceSession for FaultySourceSession {
    async fn plan(&self, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
        self.faults.run(Operation::Plan, self.inner.plan(read, position)).await
    }

    async fn read(
        &self,
        read: &TableRead,
        plan: &ReadPlan,
        part: &Part,
        from: Option<&Value>,
        sink: &dyn ChangeSink,
    ) -> Result<()> {
        match self.faults.take(Operation::Read) {
            Fault::CutAfter(changes) => {
                let cut = CutSink { inner: sink, left: Mutex::new(changes) };
                let result = self.inner.read(read, plan, part, from, &cut).await;
                // A part that is shorter ends before the connection breaks.
                match cut.left.into_inner().expect("no sender panicked") {
                    0 => Err(scripted(ErrorKind::ConnectionLost, Operation::Read)),
                    _ => result,
                }
            }
            fault => with_fault(Operation::Read, fault, self.inner.read(read, plan, part, from, sink)).await,
        }
    }

    async fn acknowledge(&self, table: &TableName, position: &TablePosition) -> Result<()> {
        self.faults.run(Operation::Acknowledge, self.inner.acknowledge(table, position)).await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}

/// Takes a number of changes, then ends the reader.
struct CutSink<'a> {
    inner: &'a dyn ChangeSink,
    left: Mutex<usize>,
}

#[async_trait]
impl ChangeSink for CutSink<'_> {
    async fn send(&self, change: Change) -> Result<(), Stopped> {
        {
            let mut left = self.left.lock().expect("no sender panicked");
            *left = left.checked_sub(1).ok_or(Stopped)?;
        }
        self.inner.send(change).await
    }

    fn stopped(&self) -> BoxFuture<'_, ()> {
        self.inner.stopped()
    }

    fn waiting(&self, reason: Option<&str>) {
        self.inner.waiting(reason);
    }
}
