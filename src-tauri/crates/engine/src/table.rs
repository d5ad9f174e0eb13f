//! Loads one table: plans with the source, hands parts to lanes, and is the only one that commits.
//!
//! Lanes read and load in parallel; every commit of the table passes through [`TableRun`], one after the other, so
//! that the position and the ordinal have one owner and no lock.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::record_batch::RecordBatch;
use syncline_protocol::{
    Commit, DestinationSession, Error, ErrorKind, Finish, LoadInto, Loader, LoaderOptions, Part, PartKind,
    ReadPlan, RejectedRow, Result, Side, SourceSession, TableName, TablePosition, TableSchema, WriteMode,
};
use syncline_store::TableValues;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::connection::{Connection, RunOptions};
use crate::event::{Counters, Event, Observer};
use crate::lane::Lane;
use crate::mapping::TableMapping;
use crate::prepare::{Prepared, base_shape, is_building};
use crate::receipt::{CountProof, TableReceipt, TableState};
use crate::stop::Stop;

/// What all tables and lanes of an attempt share.
pub(crate) struct RunContext {
    pub(crate) connection: Connection,
    pub(crate) options: RunOptions,
    pub(crate) source: Arc<dyn SourceSession>,
    pub(crate) destination: Arc<dyn DestinationSession>,
    /// One permit per lane that may work at the same time.
    pub(crate) lanes: Arc<Semaphore>,
    pub(crate) lanes_max: usize,
    pub(crate) stop: Stop,
    pub(crate) observer: Arc<dyn Observer>,
    /// When the run began, µs since 1970-01-01: `_syncline_synced_at`.
    pub(crate) synced_at: i64,
}

/// What the lanes of one table share.
pub(crate) struct TableContext {
    pub(crate) run: Arc<RunContext>,
    pub(crate) mapping: TableMapping,
    pub(crate) accepted: TableSchema,
    pub(crate) plan: ReadPlan,
    /// Checkpoints inside parts that an earlier attempt began.
    pub(crate) at: BTreeMap<u32, serde_json::Value>,
    pub(crate) loader: LoaderOptions,
    pub(crate) counters: Arc<Counters>,
    parts: Mutex<VecDeque<Part>>,
}

impl TableContext {
    /// The next part to read; none when there is none, or when the run should stop.
    pub(crate) fn next_part(&self) -> Option<Part> {
        if self.run.stop.requested() {
            return None;
        }
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// What a lane has loaded since its last commit.
#[derive(Debug, Default)]
pub(crate) struct Segment {
    /// Rows handed to the loader: rows and deletes.
    pub(crate) rows: u64,
    /// Parents whose rows it tells anew. One without rows changes the destination, too.
    pub(crate) parents: u64,
    pub(crate) bytes: u64,
    pub(crate) checksum: u64,
    pub(crate) rejected: Vec<RejectedRow>,
    /// Parts whose end is in the segment.
    pub(crate) finished: Vec<u32>,
    /// The last checkpoint inside parts that go on.
    pub(crate) at: BTreeMap<u32, serde_json::Value>,
    /// What parts said of their end.
    pub(crate) ends: BTreeMap<u32, serde_json::Value>,
    /// The segment is the complete list of keys.
    pub(crate) sweep: bool,
    /// How many of its rows, deletes not counted, and how many of them have a value, column by column.
    pub(crate) values: (u64, Vec<u64>),
}

impl Segment {
    /// Counts which columns of these rows have values.
    pub(crate) fn count_values(&mut self, rows: &RecordBatch, data_columns: usize) {
        let (count, present) = &mut self.values;
        *count += rows.num_rows() as u64;
        present.resize(data_columns, 0);
        for (sum, column) in present.iter_mut().zip(rows.columns()) {
            *sum += (column.len() - column.null_count()) as u64;
        }
    }

    fn is_empty(&self) -> bool {
        self.rows == 0 && self.parents == 0 && self.rejected.is_empty() && !self.sweep
    }
}

/// A lane asks for a commit; the loader comes back for the next segment.
pub(crate) struct CommitRequest {
    pub(crate) loader: Option<Box<dyn Loader>>,
    pub(crate) segment: Segment,
    pub(crate) reply: oneshot::Sender<Option<Box<dyn Loader>>>,
}

/// One table in one attempt.
pub(crate) struct TableRun {
    run: Arc<RunContext>,
    prepared: Prepared,
    counters: Arc<Counters>,
    receipt: TableReceipt,
    position: TablePosition,
    ordinal: u64,
    /// The stored position is the one in `position`, or an earlier state of the same plan.
    stored: bool,
    at_micros: i64,
    in_doubt: Option<InDoubt>,
}

/// A commit that failed in a way that does not tell whether it happened. The next attempt finds out from the stored
/// ordinal, so that the account is right also then.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InDoubt {
    ordinal: u64,
    rows: u64,
    rejected: u64,
    bytes: u64,
}

/// How a table ended in one attempt.
pub(crate) struct TableEnd {
    pub(crate) receipt: TableReceipt,
    pub(crate) in_doubt: Option<InDoubt>,
    pub(crate) result: Result<()>,
}

impl TableRun {
    /// `receipt` is the account of earlier attempts; it goes on from there. `rewound`: from where the table is read
    /// instead of from its checkpoint.
    pub(crate) fn new(
        run: Arc<RunContext>,
        prepared: Prepared,
        counters: Arc<Counters>,
        mut receipt: TableReceipt,
        in_doubt: Option<InDoubt>,
        rewound: Option<Option<TablePosition>>,
    ) -> Self {
        let checkpoint = prepared.checkpoint.as_ref();
        receipt.mode = Some(prepared.mapping.target.mode);
        receipt.target = prepared.mapping.target.name.clone();
        receipt.key.clone_from(&prepared.mapping.read.key);
        receipt.target_key.clone_from(&prepared.mapping.target.key);
        receipt.drift.extend(prepared.drifts.iter().cloned());
        if let (Some(doubt), Some(stored)) = (in_doubt, checkpoint)
            && stored.ordinal >= doubt.ordinal
        {
            receipt.segments += 1;
            receipt.rows_read += doubt.rows + doubt.rejected;
            receipt.rows_written += doubt.rows;
            receipt.rows_rejected += doubt.rejected;
            receipt.bytes += doubt.bytes;
        }
        let committed_at = checkpoint.and_then(|stored| stored.committed_at.parse::<jiff::Timestamp>().ok());
        let stands = checkpoint.map(|stored| stored.position.clone());
        let generation = stands.as_ref().map_or(0, |position| position.generation);
        let from = rewound.unwrap_or(stands);
        TableRun {
            stored: from.is_some(),
            // The next plan is another one than any that was begun.
            position: TablePosition { generation, ..from.unwrap_or_default() },
            ordinal: checkpoint.map_or(0, |stored| stored.ordinal),
            at_micros: committed_at.map_or(0, jiff::Timestamp::as_microsecond),
            in_doubt: None,
            run,
            prepared,
            counters,
            receipt,
        }
    }

    /// Loads everything there is to load. The account counts what became durable also when it ends with an error.
    pub(crate) async fn run(mut self) -> TableEnd {
        let result = self.load().await;
        match &result {
            Ok(()) if self.receipt.rows_rejected > 0 => self.receipt.state = TableState::DoneWithRejected,
            Ok(()) => self.receipt.state = TableState::Done,
            Err(error) => self.receipt.fail(error),
        }
        TableEnd { receipt: self.receipt, in_doubt: self.in_doubt, result }
    }

    async fn load(&mut self) -> Result<()> {
        for change in &self.prepared.changes {
            self.run.destination.apply(change).await.map_err(there)?;
        }
        let connection = &self.run.connection;
        connection.memory.accept_schema(&connection.name, &self.prepared.accepted)?;
        let building = self.prepared.checkpoint.as_ref().is_some_and(is_building);
        let mut anew =
            self.prepared.rebuild || (building && self.position.shape != copy_shape(&self.prepared.mapping));
        let mut beside = anew || building;
        // Once, however many attempts it takes: from its first commit on, the new reading is the one that goes on.
        anew |= self.prepared.reread && self.receipt.segments == 0;
        loop {
            let from = (self.stored && !anew).then_some(&self.position);
            let plan = self
                .run
                .source
                .plan(&self.prepared.mapping.read, from)
                .await
                .map_err(|error| error.at(Side::Source))?;
            self.receipt.resumed |= plan.continues && !self.position.complete;
            if plan.continues {
                // A source may extend a plan that it continues, for example by a later upper bound.
                self.position.plan = plan.plan.clone();
            } else {
                self.start_plan(&plan, beside).await?;
            }
            self.run.observer.event(&Event::TableStarted {
                table: self.prepared.mapping.table().clone(),
                rows_estimate: plan.rows_estimate,
                full: plan.full,
                resumed: plan.continues,
            });
            self.load_plan(&plan).await?;
            if plan.full {
                self.prove_count(plan.disjoint).await?;
            } else if self.run.connection.destination.capabilities().counts_fast {
                self.count().await?;
            }
            self.acknowledge().await;
            (anew, beside) = (false, false);
            if !plan.follow_up {
                return Ok(());
            }
        }
    }

    /// Replaces the position by the beginning of a new plan. A plan that reads everything is stored at once: its parts
    /// must keep their numbers over a crash, and its copy must be empty.
    async fn start_plan(&mut self, plan: &ReadPlan, beside: bool) -> Result<()> {
        let mapping = &self.prepared.mapping;
        let beside = plan.full && (beside || mapping.target.mode == WriteMode::Replace);
        let fresh = beside || (plan.full && self.ordinal == 0 && self.target_is_empty().await?);
        self.position = TablePosition {
            beside,
            fresh,
            shape: if beside { copy_shape(mapping) } else { mapping.shape() },
            ..TablePosition::start(self.position.generation + 1, plan.plan.clone())
        };
        self.stored = false;
        if plan.full {
            let into = if beside { LoadInto::Beside } else { LoadInto::Table };
            let commit = self.next_commit(Segment::default(), self.position.clone(), Finish::None);
            self.run.destination.begin(&mapping.target, into, &commit).await.map_err(there)?;
            self.committed(&commit);
        }
        Ok(())
    }

    async fn target_is_empty(&self) -> Result<bool> {
        if self.prepared.existing.is_none() {
            return Ok(true);
        }
        match self.run.connection.destination.count(&self.prepared.mapping.target).await.map_err(there) {
            // Where it cannot be asked, there may be rows.
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(false),
            counted => Ok(counted? == 0),
        }
    }

    /// Reads and loads all parts of a plan that are not done, the list of keys last.
    async fn load_plan(&mut self, plan: &ReadPlan) -> Result<()> {
        let open = |kind| {
            let done = &self.position.done;
            plan.parts
                .iter()
                .filter(|part| part.kind == kind && !done.contains(part.index))
                .cloned()
                .collect()
        };
        let (changes, keys): (VecDeque<Part>, VecDeque<Part>) =
            (open(PartKind::Changes), open(PartKind::Keys));
        if !changes.is_empty() {
            self.load_parts(plan, changes).await?;
        }
        if !keys.is_empty() {
            self.load_parts(plan, keys).await?;
        }
        if !self.position.complete {
            // Nothing was left to read, or no part at all: say so, and make the copy visible.
            self.commit(None, Segment::default(), plan).await?;
        }
        Ok(())
    }

    async fn load_parts(&mut self, plan: &ReadPlan, parts: VecDeque<Part>) -> Result<()> {
        // Where a key can occur twice, the order of the parts decides which version stays.
        let ordered = !plan.disjoint && !self.prepared.mapping.target.key.is_empty();
        let lanes_count = if ordered { 1 } else { parts.len().min(self.run.lanes_max) };
        let context = Arc::new(TableContext {
            run: Arc::clone(&self.run),
            mapping: self.prepared.mapping.clone(),
            accepted: self.prepared.accepted.clone(),
            plan: plan.clone(),
            at: self.position.at.clone(),
            loader: self.loader_options(plan),
            counters: Arc::clone(&self.counters),
            parts: Mutex::new(parts),
        });
        let (requests, mut receiver) = mpsc::channel::<CommitRequest>(1);
        let mut lanes = JoinSet::new();
        for _ in 0..lanes_count {
            lanes.spawn(Lane::new(Arc::clone(&context), requests.clone()).run());
        }
        drop(requests);
        loop {
            tokio::select! {
                Some(request) = receiver.recv() => {
                    // After a commit that failed nobody knows what is stored: another lane's commit would only be
                    // refused, and hide which rows are in doubt. Leaving ends all lanes.
                    let loader = self.commit(request.loader, request.segment, plan).await?;
                    // A lane that is gone needs no answer.
                    let _ = request.reply.send(loader);
                }
                Some(ended) = lanes.join_next() => {
                    ended.unwrap_or_else(|panic| {
                        Err(Error::internal("A part of the program failed while rows were loaded.").caused_by(panic))
                    })?;
                }
                else => break,
            }
        }
        if context.parts.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
            Ok(())
        } else {
            Err(syncline_protocol::Stopped.into())
        }
    }

    fn loader_options(&self, plan: &ReadPlan) -> LoaderOptions {
        LoaderOptions {
            target: self.prepared.mapping.target.clone(),
            table: self.prepared.mapping.table().clone(),
            into: if self.position.beside { LoadInto::Beside } else { LoadInto::Table },
            distinct: self.position.fresh && plan.disjoint && !self.prepared.mapping.hashed_key,
        }
    }

    /// Commits one segment, or only notes it when there is nothing in it that has to be durable.
    async fn commit(
        &mut self,
        loader: Option<Box<dyn Loader>>,
        segment: Segment,
        plan: &ReadPlan,
    ) -> Result<Option<Box<dyn Loader>>> {
        let mut position = self.position.clone();
        segment.finished.iter().for_each(|part| position.finish_part(*part));
        position.at.extend(segment.at.iter().map(|(part, at)| (*part, at.clone())));
        position.ends.extend(segment.ends.iter().map(|(part, end)| (*part, end.clone())));
        position.rows += segment.rows;
        let done = |kind| {
            plan.parts.iter().filter(|part| part.kind == kind).all(|part| position.done.contains(part.index))
        };
        let (changes_done, keys_done) = (done(PartKind::Changes), done(PartKind::Keys));
        position.complete = changes_done && keys_done;
        if !self.stored && !plan.full && segment.is_empty() {
            self.position = position;
            return Ok(loader);
        }
        let first_time = plan.full && changes_done && !segment.sweep;
        let finish = match (segment.sweep, first_time, position.beside) {
            (true, _, _) => Finish::Sweep,
            (false, true, true) => Finish::Swap,
            (false, true, false) => Finish::Complete,
            (false, false, _) => Finish::None,
        };
        if finish == Finish::Swap {
            position.beside = false;
            position.shape = base_shape(&position.shape).to_owned();
        }
        self.check_rejected(&segment)?;
        let values = self.values(&segment);
        if let Some(trial) = self.run.connection.trial() {
            let whole_table = first_time.then_some(position.rows);
            let read = &self.prepared.mapping.read;
            trial.check(&read.table, &read.key, &values, whole_table)?;
        }
        let mut loader = match loader {
            Some(loader) => loader,
            None => self.run.destination.loader(&self.loader_options(plan)).await.map_err(there)?,
        };
        let commit = self.next_commit(segment, position, finish);
        self.in_doubt = Some(InDoubt {
            ordinal: commit.ordinal,
            rows: commit.rows,
            rejected: commit.rejected.len() as u64,
            bytes: commit.bytes,
        });
        let durable = loader.commit(&commit).await.map_err(there)?;
        self.in_doubt = None;
        self.receipt.rows_written += durable.written;
        self.receipt.rows_deleted += durable.deleted;
        self.receipt.values.add(&values);
        self.committed(&commit);
        // What the loader writes to is no longer the copy: the next segment needs another one.
        Ok((finish != Finish::Swap).then_some(loader))
    }

    /// Which columns of the source the rows of a segment had values for.
    fn values(&self, segment: &Segment) -> TableValues {
        let (rows, present) = &segment.values;
        let columns = self.prepared.mapping.columns.iter().map(|column| column.source.clone());
        TableValues { rows: *rows, present: columns.zip(present.iter().copied()).collect() }
    }

    fn check_rejected(&self, segment: &Segment) -> Result<()> {
        let rejected = self.receipt.rows_rejected + segment.rejected.len() as u64;
        check_rejected(&self.run.connection, self.prepared.mapping.table(), rejected, &segment.rejected)
    }

    fn next_commit(&self, segment: Segment, position: TablePosition, finish: Finish) -> Commit {
        // Never backwards, also when the clock of the computer jumps.
        let now = (self.run.connection.clock)().as_microsecond();
        Commit {
            table: self.prepared.mapping.table().clone(),
            run: self.run.options.run.clone(),
            ordinal: self.ordinal + 1,
            position,
            rows: segment.rows,
            bytes: segment.bytes,
            checksum: segment.checksum,
            at_micros: now.max(self.at_micros + 1),
            rejected: segment.rejected,
            replayed: Vec::new(),
            finish,
        }
    }

    /// Takes over what is durable now.
    fn committed(&mut self, commit: &Commit) {
        self.ordinal = commit.ordinal;
        self.at_micros = commit.at_micros;
        self.position = commit.position.clone();
        self.stored = true;
        let rejected = commit.rejected.len() as u64;
        self.receipt.ordinal = commit.ordinal;
        self.receipt.segments += 1;
        self.receipt.rows_read += commit.rows + rejected;
        self.receipt.rows_rejected += rejected;
        self.receipt.bytes += commit.bytes;
        Counters::add(&self.counters.rows_committed, commit.rows);
        self.run.observer.event(&Event::Committed {
            table: commit.table.clone(),
            ordinal: commit.ordinal,
            rows: commit.rows,
        });
    }

    /// After a full load that no row can have passed twice, what was committed must be what is there.
    async fn prove_count(&mut self, disjoint: bool) -> Result<()> {
        let countable = disjoint && self.position.fresh && !self.prepared.mapping.hashed_key;
        let (Some(counted), true) = (self.count().await?, countable) else { return Ok(()) };
        let committed = self.position.rows;
        self.receipt.proof.count = Some(CountProof { committed, counted });
        if committed == counted {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Mismatch,
            format!(
                "{committed} rows of `{}` were committed, but `{}` holds {counted}.",
                self.prepared.mapping.table(),
                self.prepared.mapping.target.name
            ),
        )
        .with("table", self.prepared.mapping.table()))
    }

    /// Counts what readers see now; none where the destination cannot be asked.
    async fn count(&mut self) -> Result<Option<u64>> {
        match self.run.connection.destination.count(&self.prepared.mapping.target).await.map_err(there) {
            Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
            counted => {
                self.receipt.rows_in_destination = Some(counted?);
                Ok(self.receipt.rows_in_destination)
            }
        }
    }

    /// Tells the source. A failure costs nothing: the next run tells it again.
    async fn acknowledge(&self) {
        let table = self.prepared.mapping.table();
        if let Err(error) = self.run.source.acknowledge(table, &self.position).await {
            tracing::warn!(%table, %error, "the source could not be told what is durable");
        }
    }
}

fn there(error: Error) -> Error {
    error.at(Side::Destination)
}

/// The shape of a copy: a copy cannot get columns while it is built.
fn copy_shape(mapping: &TableMapping) -> String {
    let columns: Vec<_> = mapping
        .target
        .all_columns()
        .iter()
        .map(|column| format!("{} {}", column.name, column.logical))
        .collect();
    let hash = blake3::hash(columns.join(",").as_bytes()).to_hex();
    format!("{}#{}", mapping.shape(), &hash[..16])
}

/// # Errors
/// `TooManyRejected` when `count` is over the limit of the connection; `rows` give the example.
pub(crate) fn check_rejected(
    connection: &Connection,
    table: &TableName,
    count: u64,
    rows: &[RejectedRow],
) -> Result<()> {
    let limit = connection.config.rejected_rows_max;
    if count <= limit {
        return Ok(());
    }
    let message = format!("More than {limit} rows of `{table}` could not be converted.");
    let mut error = Error::new(ErrorKind::TooManyRejected, message).with("table", table);
    if let Some(row) = rows.first() {
        error = error.with("for example", &row.reason);
    }
    Err(error
        .fix("Give the column that does not fit another type in `column_rules`.")
        .fix("Raise `rejected_rows_max` of the connection if so many are expected."))
}
