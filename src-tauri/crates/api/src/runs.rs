//! The one owner of running syncs: starts them, stops them, and keeps what happened.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use syncline_engine::{Connection, Observer, Outcome, Receipt, RunLog, RunOptions, Stop};
use syncline_protocol::{Error, ErrorKind, Result};
use syncline_store::{RunLock, RunRecord, SystemKind, run_id};
use tokio_util::task::TaskTracker;

use crate::api::{Open, blocking};
use crate::events::RunObserver;
use crate::inbox;
use crate::requests::CacheTag;
use crate::types::Activity;

/// What may have changed when a run ended.
const AFTER_RUN: &[CacheTag] =
    &[CacheTag::Runs, CacheTag::Connections, CacheTag::Inbox, CacheTag::Quarantine, CacheTag::Data];

/// The runs of this process.
pub(crate) struct Runs {
    open: Arc<Open>,
    working: Arc<Mutex<HashMap<String, Working>>>,
    tasks: TaskTracker,
}

/// A run that is working.
#[derive(Clone)]
struct Working {
    run: String,
    stop: Stop,
}

impl Runs {
    pub(crate) fn new(open: Arc<Open>) -> Self {
        Runs { open, working: Arc::default(), tasks: TaskTracker::new() }
    }

    fn working(&self) -> MutexGuard<'_, HashMap<String, Working>> {
        self.working.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn any(&self) -> bool {
        !self.working().is_empty()
    }

    /// The run of a connection that is working in this process.
    pub(crate) fn of(&self, connection: &str) -> Option<String> {
        self.working().get(connection).map(|working| working.run.clone())
    }

    /// What the connection does now.
    pub(crate) fn activity(&self, connection: &str) -> (Activity, Option<String>) {
        let Some(working) = self.working().get(connection).cloned() else { return (Activity::Idle, None) };
        if working.stop.requested() {
            return (Activity::Stopping, None);
        }
        self.open.events.activity(&working.run)
    }

    /// Stops the run of a connection, if there is one, at its next durable point.
    pub(crate) fn stop_connection(&self, connection: &str) {
        if let Some(working) = self.working().get(connection) {
            working.stop.soon();
        }
    }

    /// Stops a run: at its next durable point, or now.
    pub(crate) fn stop(&self, run: &str, now: bool) -> Result<()> {
        let working = self.working().values().find(|working| working.run == run).cloned();
        let working = working.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "This run is not working any more.")
                .meaning("There was nothing to stop.")
                .fix("Look at how it ended.")
        })?;
        if now {
            working.stop.now();
        } else {
            working.stop.soon();
        }
        Ok(())
    }

    /// Stops everything now.
    pub(crate) fn stop_all_now(&self) {
        self.working().values().for_each(|working| working.stop.now());
    }

    /// Lets no run begin any more, stops those that work at their next durable point, and waits for them.
    pub(crate) async fn drain(&self) {
        self.tasks.close();
        self.working().values().for_each(|working| working.stop.soon());
        self.tasks.wait().await;
    }

    /// Starts a run of a connection. There is never more than one of a connection at a time.
    pub(crate) async fn start(&self, connection: Connection, mut options: RunOptions) -> Result<String> {
        let name = connection.name.clone();
        let stop = Stop::new();
        let run = run_id(self.open.now())?;
        options.run.clone_from(&run);
        {
            let mut working = self.working();
            if self.tasks.is_closed() {
                return Err(syncline_protocol::Stopped.into());
            }
            if working.contains_key(&name) {
                return Err(Error::new(ErrorKind::Locked, format!("`{name}` is already syncing."))
                    .meaning("No second run was started; the first one goes on.")
                    .fix("Wait until it has finished, or stop it."));
            }
            working.insert(name.clone(), Working { run: run.clone(), stop: stop.clone() });
        }
        let seat = Seat { working: Arc::clone(&self.working), connection: name };
        let open = Arc::clone(&self.open);
        let (begun, run_of_begun) = (connection.clone(), run.clone());
        let (lock, log) = blocking(move || begin(&open, &begun, run_of_begun)).await?;
        let open = Arc::clone(&self.open);
        self.tasks.spawn(async move {
            let run = options.run.clone();
            let ended = tokio::spawn(work(Arc::clone(&open), connection, options, stop, log, lock)).await;
            // First the seat, then the news: whoever hears it can start the next run.
            drop(seat);
            match ended {
                Ok(Some(receipt)) => open.events.run_ended(receipt),
                Ok(None) | Err(_) => open.events.run_lost(&run),
            }
            open.events.changed(AFTER_RUN);
        });
        Ok(run)
    }
}

impl Drop for Runs {
    fn drop(&mut self) {
        // Nobody is left to hear how they end; what is durable stays durable.
        self.stop_all_now();
    }
}

/// A connection's place among those that work; given up when dropped.
struct Seat {
    working: Arc<Mutex<HashMap<String, Working>>>,
    connection: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.connection);
    }
}

/// Takes the lock and records that the run begins.
fn begin(open: &Arc<Open>, connection: &Connection, run: String) -> Result<(RunLock, Arc<RunLog>)> {
    let lock = RunLock::acquire(&open.project, &connection.name)?;
    let hash = open.project.config_hash(&connection.name)?;
    let observer = RunObserver { events: open.events.clone(), run: run.clone() };
    let cleaner = Arc::clone(&open.host);
    let log = RunLog::create(
        &open.project.run_log_path(&run),
        Arc::new(observer),
        Box::new(move |text| cleaner.without_secrets(text)),
    )?;
    let versions = versions(open, connection)?;
    open.state.begin_run(&RunRecord::begin(run, &connection.name, open.now(), versions, hash))?;
    Ok((lock, log))
}

fn versions(open: &Open, connection: &Connection) -> Result<BTreeMap<String, String>> {
    let systems = [
        (SystemKind::Source, &connection.config.source),
        (SystemKind::Destination, &connection.config.destination),
    ];
    systems
        .into_iter()
        .map(|(kind, name)| {
            let connector = open.project.system(kind, name)?.connector;
            let version = open.connector(&connector)?.listing().version.into_owned();
            Ok((connector, version))
        })
        .collect()
}

/// Runs the connection and keeps what happened. None when that could not be kept.
async fn work(
    open: Arc<Open>,
    connection: Connection,
    options: RunOptions,
    stop: Stop,
    log: Arc<RunLog>,
    lock: RunLock,
) -> Option<Receipt> {
    let receipt = Box::pin(connection.run(options, stop, log as Arc<dyn Observer>)).await;
    // What waits for a decision is not in the receipt in detail: the source is asked once more.
    let waiting = match receipt.outcome {
        Outcome::NeedsDecision => connection.drifts().await.unwrap_or_default(),
        _ => Vec::new(),
    };
    let rejected: u64 = receipt.tables.iter().map(|table| table.rows_rejected).sum();
    let counted = match rejected > 0 {
        true => connection.quarantined(None, crate::handlers::QUARANTINE_COUNTED_MAX).await.ok(),
        false => None,
    };
    let kept = blocking(move || {
        open.state.end_run(&receipt.run, &receipt.ending()?)?;
        receipt.drift_entries(open.now()).try_for_each(|entry| open.state.add_to_journal(&entry))?;
        inbox::after_run(&open, &receipt, &waiting)?;
        if let Some(rows) = counted {
            open.keep_quarantined(&receipt.connection, rows.len() as u64)?;
        }
        tracing::info!(run = receipt.run, connection = receipt.connection, outcome = ?receipt.outcome, duration_ms = receipt.duration_ms, "run ended");
        drop(lock);
        Ok(receipt)
    });
    kept.await
        .inspect_err(|error| tracing::error!(message = error.message(), "the end of a run could not be kept"))
        .ok()
}
