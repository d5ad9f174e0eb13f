//! A run: attempts until every table is done, or a person is needed.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use jiff::Timestamp;
use syncline_protocol::{
    Error, ErrorKind, Opening, Result, Retry, SchemaChange, Side, StoredCheckpoint, TableName, TablePosition,
    TableRead, TargetName, WriteMode,
};
use syncline_store::TableValues;
use syncline_store::config::TableConfig;
use tokio::sync::Semaphore;
use tokio_util::task::AbortOnDropHandle;

use crate::connection::{Connection, RunOptions};
use crate::event::{Counters, Event, Observer, TableProgress};
use crate::left::LeftTable;
use crate::plan::fingerprint;
use crate::prepare::{Prepared, prepare, reread};
use crate::receipt::{Attempt, ChecksumProof, Failure, Outcome, Receipt, TableReceipt, TableState};
use crate::stop::Stop;
use crate::table::{InDoubt, RunContext, TableRun};
use crate::versions::{Fallback, recorded};

/// How often the window and the terminal hear where tables stand.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// The pause between attempts grows up to this many times the first one.
const BACKOFF_FACTOR_MAX: u32 = 64;

impl Connection {
    /// Runs the connection until every table is done, failed for good, or the run is stopped. Never loses or doubles a
    /// row, whatever happens to the process: what the receipt counts is durable.
    ///
    /// The caller holds the connection's run lock, so that two runs on one computer do not fight; between computers
    /// the fence in the destination decides.
    pub async fn run(&self, options: RunOptions, stop: Stop, observer: Arc<dyn Observer>) -> Receipt {
        let began = Instant::now();
        let tables = self.tables(&options.tables);
        let mut run = Run {
            connection: self.clone(),
            states: tables.iter().map(TableStatus::new).collect(),
            tables,
            started_at: (self.clock)(),
            options,
            stop,
            observer: Arc::clone(&observer),
            removed: Vec::new(),
            fallback: None,
            before: None,
            recording: false,
        };
        observer.event(&Event::RunStarted {
            run: run.options.run.clone(),
            connection: self.name.clone(),
            tables: run.tables.iter().map(|table| table.name.clone()).collect(),
        });
        let (attempts, failure) = {
            let _progress = run.tell_progress(began);
            run.attempts().await
        };
        if failure.is_none() {
            run.verify().await;
        }
        let receipt = run.receipt(began, attempts, failure);
        if let Some(recorder) = &self.origin.recorder {
            let succeeded = matches!(receipt.outcome, Outcome::Succeeded | Outcome::SucceededWithRejected);
            recorder.finish(succeeded && receipt.fell_back.is_none());
        }
        observer.event(&Event::RunEnded { receipt: Box::new(receipt.clone()) });
        receipt
    }
}

struct Run {
    connection: Connection,
    tables: Vec<TableConfig>,
    states: Vec<TableStatus>,
    started_at: Timestamp,
    options: RunOptions,
    stop: Stop,
    observer: Arc<dyn Observer>,
    /// Tables that were removed from the destination.
    removed: Vec<(TableName, TargetName)>,
    /// Set once the run has gone back to an earlier version of the source's connector.
    fallback: Option<Fallback>,
    /// Where the tables were when the run began.
    before: Option<HashMap<TableName, TablePosition>>,
    /// What the source is answered is being kept.
    recording: bool,
}

/// Where a table stands between attempts.
struct TableStatus {
    receipt: TableReceipt,
    counters: Arc<Counters>,
    in_doubt: Option<InDoubt>,
    /// After going back to an earlier version: how many commits the table had then, and where it is read from.
    rewound: Option<(u64, Option<TablePosition>)>,
    /// Whether the next attempt takes it up.
    pending: bool,
    /// Whether it was compared with its source.
    verified: bool,
}

impl TableStatus {
    fn new(table: &TableConfig) -> Self {
        let target = TargetName {
            schema: None,
            name: table.target.clone().unwrap_or_else(|| table.name.name.clone()),
        };
        TableStatus {
            receipt: TableReceipt::queued(table.name.clone(), target),
            counters: Arc::default(),
            in_doubt: None,
            rewound: None,
            pending: true,
            verified: false,
        }
    }

    /// Where the table is read from instead of where it stands, as long as nothing was loaded from there.
    fn rewound_to(&self) -> Option<Option<TablePosition>> {
        let (segments, before) = self.rewound.as_ref()?;
        (*segments == self.receipt.segments).then(|| before.clone())
    }
}

impl Run {
    fn tell_progress(&self, began: Instant) -> AbortOnDropHandle<()> {
        let observer = Arc::clone(&self.observer);
        let counters: Vec<(TableName, Arc<Counters>)> = self
            .states
            .iter()
            .map(|state| (state.receipt.table.clone(), Arc::clone(&state.counters)))
            .collect();
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(PROGRESS_EVERY);
            loop {
                ticks.tick().await;
                let tables = counters.iter().map(|(table, counters)| counters.progress(table));
                let tables = tables.filter(TableProgress::has_begun).collect();
                let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                observer.event(&Event::Progress { tables, elapsed_ms });
            }
        }))
    }

    /// Tries until nothing is pending. Returns the attempts, and what ended the run as a whole.
    async fn attempts(&mut self) -> (Vec<Attempt>, Option<Error>) {
        let mut attempts = Vec::new();
        let mut fruitless = 0;
        loop {
            let number = attempts.len() as u32 + 1;
            let started_at = (self.connection.clock)().to_string();
            let before = self.segments();
            let stop = self.stop.clone();
            let result = tokio::select! {
                result = self.attempt() => result,
                () = stop.wait_now() => Err(syncline_protocol::Stopped.into()),
            };
            let failure = result.unwrap_or_else(Some);
            fruitless = if self.segments() > before { 1 } else { fruitless + 1 };
            let pause = failure.as_ref().and_then(|failure| self.pause(failure, fruitless));
            let version = self.connection.origin.source.as_ref().map(|source| source.version.clone());
            let attempt = |failure| Attempt { number, started_at, failure, version };
            if pause.is_none()
                && let Some(because) = self.go_back(failure.as_ref())
            {
                attempts.push(attempt(Some(because)));
                fruitless = 0;
                continue;
            }
            attempts.push(attempt(failure.as_ref().map(Failure::from)));
            let Some(failure) = failure else { return (attempts, None) };
            let Some(pause) = pause else { return (attempts, self.give_up(failure)) };
            self.observer.event(&Event::Retrying {
                attempt: number + 1,
                in_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
                failure: Failure::from(&failure),
            });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.hurried() => {}
                () = self.stop.wait() => return (attempts, Some(syncline_protocol::Stopped.into())),
            }
        }
    }

    /// After an attempt that nothing more can be made of: when it ran on a version of the source's connector that is
    /// watched, the tables that failed are read on the last version that worked. Gives what the version did.
    fn go_back(&mut self, failure: Option<&Error>) -> Option<Failure> {
        if self.stop.requested() {
            return None;
        }
        let trial = self.connection.trial()?.clone();
        let receipts: Vec<_> = self.states.iter().map(|state| &state.receipt).collect();
        let is_open = |at: usize| self.states[at].pending;
        let (fallback, again, because) = Fallback::of(trial.clone(), failure, &receipts, &is_open)?;
        for at in again {
            let state = &mut self.states[at];
            (state.pending, state.verified) = (true, false);
            state.receipt.state = TableState::Queued;
            state.receipt.failure = None;
            state.receipt.values = TableValues::default();
            // What the version has planned is not gone on with. Where rows it has loaded would come twice, they stay.
            let idempotent = matches!(state.receipt.mode, Some(WriteMode::Merge { .. } | WriteMode::Replace));
            if idempotent || state.receipt.rows_read == 0 {
                let before =
                    self.before.as_ref().and_then(|before| before.get(&state.receipt.table).cloned());
                state.rewound = Some((state.receipt.segments, before));
            }
        }
        self.connection.go_back(&trial);
        // The plan was approved for the other version; this one changes nothing that was not there before.
        self.options.approved = None;
        self.observer.event(&Event::FellBack { what: fallback.what().clone() });
        self.fallback = Some(fallback);
        Some(because)
    }

    fn segments(&self) -> u64 {
        self.states.iter().map(|state| state.receipt.segments).sum()
    }

    /// How long to wait before the next attempt; none when there should be none.
    fn pause(&self, failure: &Error, fruitless: u32) -> Option<Duration> {
        if fruitless >= self.options.attempts_max || self.stop.requested() {
            return None;
        }
        let backoff = self.options.backoff * 2u32.pow((fruitless - 1).min(16)).min(BACKOFF_FACTOR_MAX);
        match failure.retry() {
            Retry::Never => None,
            Retry::Now => Some(Duration::ZERO),
            Retry::Backoff | Retry::WaitUntil(None) => Some(backoff),
            Retry::WaitUntil(Some(at)) => {
                Some(at.duration_since(std::time::SystemTime::now()).unwrap_or(Duration::ZERO))
            }
        }
    }

    /// No further attempt: tables that were to be tried again have failed.
    fn give_up(&mut self, failure: Error) -> Option<Error> {
        let mut of_a_table = false;
        for state in self.states.iter_mut().filter(|state| state.pending) {
            match state.receipt.failure {
                Some(_) => of_a_table = true,
                None => state.receipt.fail(&failure),
            }
        }
        (!of_a_table || failure.kind() == ErrorKind::Fenced).then_some(failure)
    }

    /// One attempt at all pending tables. `Ok(Some(error))` when some of them should be tried again.
    async fn attempt(&mut self) -> Result<Option<Error>> {
        let pending: Vec<usize> = (0..self.states.len()).filter(|at| self.states[*at].pending).collect();
        let tables: Vec<TableConfig> = pending.iter().map(|at| self.tables[*at].clone()).collect();
        let connection = self.connection.clone();
        let catalog = connection.discover(&tables).await?;
        let opened = connection
            .destination
            .open(&Opening { connection: connection.id.clone(), run: self.options.run.clone() })
            .await
            .map_err(|error| error.at(Side::Destination))?;
        let session: Arc<dyn syncline_protocol::DestinationSession> = Arc::from(opened.session);
        let result =
            self.attempt_opened(&pending, &tables, &catalog, Arc::clone(&session), opened.checkpoints).await;
        session.close().await;
        result
    }

    async fn attempt_opened(
        &mut self,
        pending: &[usize],
        tables: &[TableConfig],
        catalog: &syncline_protocol::Catalog,
        session: Arc<dyn syncline_protocol::DestinationSession>,
        checkpoints: Vec<StoredCheckpoint>,
    ) -> Result<Option<Error>> {
        let connection = self.connection.clone();
        if let (false, Some(recorder)) = (self.recording, &connection.origin.recorder) {
            // Later attempts go on from what this one has loaded: the whole is one recording.
            self.recording = true;
            recorder.begin(&recorded(&self.options.run, &connection, &checkpoints));
        }
        self.before.get_or_insert_with(|| {
            checkpoints.iter().map(|stored| (stored.table.clone(), stored.position.clone())).collect()
        });
        let checkpoints: HashMap<TableName, StoredCheckpoint> =
            checkpoints.into_iter().map(|stored| (stored.table.clone(), stored)).collect();
        // What an earlier attempt removed is not there to be found again.
        let gone = |table: &&TableName| self.removed.iter().any(|(known, _)| known == *table);
        let remove: Vec<TableName> =
            self.options.remove.iter().filter(|table| !gone(table)).cloned().collect();
        let left = match remove.is_empty() {
            true => Vec::new(),
            false => connection.left(&checkpoints, &remove).await?,
        };
        let mut prepared = prepare(&connection, tables, catalog, checkpoints).await?;
        if self.options.reread {
            reread(&mut prepared);
        }
        self.check_approval(&prepared, &left)?;
        for table in left.into_iter().filter(|table| table.remove) {
            session.apply(&SchemaChange::DropTable { table: table.target.clone() }).await?;
            self.removed.push((table.table, table.target));
        }
        let mut ready = Vec::new();
        for (at, prepared) in pending.iter().zip(prepared) {
            match prepared {
                Ok(prepared) => ready.push((*at, prepared)),
                Err(error) => {
                    let state = &mut self.states[*at];
                    state.pending = false;
                    state.receipt.fail(&error);
                    self.table_ended(*at);
                }
            }
        }
        let reads: Vec<TableRead> = ready.iter().map(|(_, prepared)| prepared.mapping.read.clone()).collect();
        if reads.is_empty() {
            return Ok(None);
        }
        let source: Arc<dyn syncline_protocol::SourceSession> =
            Arc::from(connection.source.open(&reads).await.map_err(|error| error.at(Side::Source))?);
        let lanes_max = connection
            .source
            .capabilities()
            .parallel_parts
            .min(connection.destination.capabilities().parallel_loaders)
            .max(1);
        let context = Arc::new(RunContext {
            connection: connection.clone(),
            options: self.options.clone(),
            source: Arc::clone(&source),
            destination: session,
            lanes: Arc::new(Semaphore::new(lanes_max)),
            lanes_max,
            stop: self.stop.clone(),
            observer: Arc::clone(&self.observer),
            synced_at: self.started_at.as_microsecond(),
        });
        let result = self.run_tables(context, ready, lanes_max).await;
        // While the source is still held: once it is let go it may move on.
        if matches!(result, Ok(None)) {
            self.verify().await;
        }
        source.close().await;
        result
    }

    fn check_approval(&self, prepared: &[Result<Prepared>], left: &[LeftTable]) -> Result<()> {
        let Some(approved) = &self.options.approved else { return Ok(()) };
        // Later attempts find what the first one already applied.
        if self.segments() > 0 || !self.removed.is_empty() || *approved == fingerprint(prepared, left) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::NeedsDecision,
            "The source or the destination changed since the plan was made.",
        )
        .meaning("Nothing was written.")
        .fix("Make a new plan and look at it."))
    }

    /// Runs tables, a few at a time and in order. The first error that is worth another attempt is returned.
    async fn run_tables(
        &mut self,
        context: Arc<RunContext>,
        ready: Vec<(usize, Prepared)>,
        lanes_max: usize,
    ) -> Result<Option<Error>> {
        let jobs: Vec<_> = ready
            .into_iter()
            .map(|(at, prepared)| {
                let state = &self.states[at];
                let mut receipt = state.receipt.clone();
                receipt.failure = None;
                let table = TableRun::new(
                    Arc::clone(&context),
                    prepared,
                    Arc::clone(&state.counters),
                    receipt,
                    state.in_doubt,
                    state.rewound_to(),
                );
                async move {
                    let task = AbortOnDropHandle::new(tokio::spawn(table.run()));
                    (at, task.await)
                }
            })
            .collect();
        let mut running = futures::stream::iter(jobs).buffer_unordered(lanes_max);
        let mut again = None;
        while let Some((at, ended)) = running.next().await {
            let end = ended.map_err(|panic| {
                Error::internal("A part of the program failed while a table was loaded.").caused_by(panic)
            })?;
            let state = &mut self.states[at];
            (state.receipt, state.in_doubt) = (end.receipt, end.in_doubt);
            match end.result {
                Err(error) if error.kind() == ErrorKind::Fenced => return Err(error),
                Err(error) if error.retry() != Retry::Never => again = again.or(Some(error)),
                _ => {
                    self.states[at].pending = false;
                    self.table_ended(at);
                }
            }
        }
        Ok(again)
    }

    /// Compares every table that is done with its source, once, if that is wanted. A difference makes the table failed.
    async fn verify(&mut self) {
        if !self.options.verify {
            return;
        }
        for state in &mut self.states {
            let done = matches!(state.receipt.state, TableState::Done | TableState::DoneWithRejected);
            if !done || state.verified || self.stop.requested() {
                continue;
            }
            state.verified = true;
            match self.connection.verify(&state.receipt.table, &self.stop).await {
                Ok(proof) => {
                    state.receipt.proof.checksum = Some(proof);
                    if !proof.matches() {
                        state.receipt.fail(&mismatch(&state.receipt.table, &proof));
                    }
                }
                // Where rows cannot be compared, the counts are the proof.
                Err(error) if error.kind() == ErrorKind::Unsupported => {}
                Err(error) => state.receipt.fail(&error),
            }
        }
    }

    fn table_ended(&self, at: usize) {
        let receipt = &self.states[at].receipt;
        self.observer.event(&Event::TableEnded {
            table: receipt.table.clone(),
            state: receipt.state,
            rows: receipt.rows_read - receipt.rows_rejected,
            failure: receipt.failure.clone(),
        });
    }

    fn receipt(self, began: Instant, attempts: Vec<Attempt>, failure: Option<Error>) -> Receipt {
        let mut tables: Vec<TableReceipt> = self.states.into_iter().map(|state| state.receipt).collect();
        if self.stop.requested() {
            tables
                .iter_mut()
                .filter(|table| table.state == TableState::Queued)
                .for_each(|table| table.state = TableState::Stopped);
        }
        let outcome = match &failure {
            Some(error) if error.kind() == ErrorKind::NeedsDecision => Outcome::NeedsDecision,
            Some(error) if error.kind() != ErrorKind::Stopped => Outcome::Failed,
            _ => Outcome::of(&tables),
        };
        let fell_back = self.fallback.map(|fallback| fallback.judged(&tables));
        Receipt {
            run: self.options.run,
            connection: self.connection.name.clone(),
            started_at: self.started_at.to_string(),
            ended_at: (self.connection.clock)().to_string(),
            duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            outcome,
            attempts,
            tables,
            removed: self.removed.into_iter().map(|(_, target)| target).collect(),
            failure: failure.as_ref().filter(|error| error.kind() != ErrorKind::Stopped).map(Failure::from),
            connectors: self.connection.origin.connectors,
            config_hash: self.connection.origin.config_hash,
            fell_back,
            worked: self.connection.origin.source.map(|source| (source.connector, source.version)),
        }
    }
}

fn mismatch(table: &TableName, proof: &ChecksumProof) -> Error {
    Error::new(ErrorKind::Mismatch, format!("`{table}` differs between source and destination."))
        .with("rows in the source", proof.source.rows)
        .with("rows in the destination", proof.destination.rows)
        .fix("If the source was written to meanwhile, run it again while it is quiet.")
        .fix("Read the table again from the start.")
}
