use jiff::Timestamp;
use serde_json::{Value, json};
use syncline_engine::{Comparison, Outcome, Plan, Receipt, RunOptions, Stop};
use syncline_protocol::{Error, ErrorKind, Result, TableName};
use syncline_store::{JournalEntry, Outcome as Stored, RunLock, RunTotals};

use crate::api::{Api, require_tables};
use crate::left;
use crate::requests::CacheTag;
use crate::types::{
    CompareRequest, ConnectionRequest, PlanRequest, RunRequest, RunSummary, RunsRequest, StartRequest,
    Started,
};

/// More than this nobody looks at, and more would make a window slow.
const LIST_MAX: usize = 10_000;

/// A run for a list. `working`: it is under way, so that it has no end yet for a good reason.
pub(super) fn summary_of(totals: &RunTotals, working: bool, now: Timestamp) -> RunSummary {
    let run = &totals.run;
    let until = run.ended_at.unwrap_or(if working { now } else { run.started_at });
    RunSummary {
        run: run.id.clone(),
        connection: run.connection.clone(),
        started_at: run.started_at.to_string(),
        ended_at: run.ended_at.map(|at| at.to_string()),
        duration_ms: u64::try_from(until.duration_since(run.started_at).as_millis()).unwrap_or(0),
        outcome: run.outcome.map(outcome_of),
        rows_written: totals.rows_written,
        rows_rejected: totals.rows_rejected,
        interrupted: run.ended_at.is_none() && !working,
        failure: run.error.as_ref().map(|error| error.message.clone()),
        connectors: run.connectors.clone(),
        version: run.attempts.last().and_then(|attempt| attempt.version.clone()),
        config_hash: run.config_hash.clone(),
    }
}

pub(super) fn outcome_of(stored: Stored) -> Outcome {
    match stored {
        Stored::Succeeded => Outcome::Succeeded,
        Stored::SucceededWithRejected => Outcome::SucceededWithRejected,
        Stored::NeedsDecision => Outcome::NeedsDecision,
        Stored::Failed => Outcome::Failed,
        Stored::Stopped => Outcome::Stopped,
    }
}

impl Api {
    pub(crate) async fn plan(&self, request: PlanRequest) -> Result<Plan> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, &request.tables)?;
        let remove = request.remove.unwrap_or_default();
        let mut plan = match request.reread {
            true => connection.plan_reread(&request.tables).await?,
            false => connection.plan_removing(&request.tables, &remove).await?,
        };
        if !plan.left.is_empty() {
            let name = request.connection;
            let shared = self.blocking(move |open| left::targets_of_others(open, &name)).await?;
            plan.left.retain(|table| !shared.contains(&table.target));
        }
        Ok(plan)
    }

    /// Kept in the history only once it is complete: who goes away meanwhile cancels it.
    pub(crate) async fn compare(&self, request: CompareRequest) -> Result<Comparison> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, std::slice::from_ref(&request.table))?;
        let comparison = Box::pin(connection.compare(&request.table, &Stop::new())).await?;
        let kept = comparison.clone();
        self.blocking(move |open| {
            let detail = json!({
                "table": kept.table, "missing": kept.missing, "different": kept.different, "extra": kept.extra,
                "matching": kept.matching,
            });
            open.note(&connection.name, "compare", None, detail)?;
            open.state.set_setting(&compared(&connection.name, &kept.table), &kept)
        })
        .await?;
        self.events().changed(&[CacheTag::Runs]);
        Ok(comparison)
    }

    /// The last comparison of each table.
    pub(crate) async fn comparisons(&self, request: ConnectionRequest) -> Result<Vec<Comparison>> {
        self.blocking(move |open| {
            let kept = open.state.settings::<Value>(&format!("compared/{}/", request.connection))?;
            // One of another version that cannot be read any more says nothing.
            Ok(kept.into_iter().filter_map(|(_, kept)| serde_json::from_value(kept).ok()).collect())
        })
        .await
    }

    pub(crate) async fn start_run(&self, request: StartRequest) -> Result<Started> {
        let connection = self.engine(&request.connection).await?;
        require_tables(&connection, &request.tables)?;
        let mut options = RunOptions::new(String::new());
        options.tables = request.tables;
        options.approved.clone_from(&request.fingerprint);
        options.reread = request.reread;
        options.remove = request.remove.unwrap_or_default();
        if !options.remove.is_empty() {
            let (name, remove) = (request.connection.clone(), options.remove.clone());
            let plan = connection.plan_removing(&options.tables, &remove).await?;
            self.blocking(move |open| left::refuse_shared(open, &name, &plan)).await?;
        }
        // What was agreed to comes before what follows from it, also in the history.
        let agreed_at = self.open.now();
        let run = self.runs.start(connection, options).await?;
        let started = Started { run: run.clone() };
        self.blocking(move |open| {
            if let Some(fingerprint) = request.fingerprint {
                open.state.add_to_journal(&JournalEntry {
                    run: Some(run),
                    connection: request.connection.clone(),
                    at: agreed_at,
                    kind: "plan".to_owned(),
                    detail: json!({"fingerprint": fingerprint}),
                })?;
            }
            // Whoever starts a connection does not want it to be paused.
            open.set_paused(&request.connection, false)
        })
        .await?;
        Ok(started)
    }

    #[expect(clippy::unused_async, reason = "the table of requests awaits every handler")]
    pub(crate) async fn pause_run(&self, request: RunRequest) -> Result<()> {
        self.runs.stop(&request.run, false)
    }

    #[expect(clippy::unused_async, reason = "the table of requests awaits every handler")]
    pub(crate) async fn stop_run(&self, request: RunRequest) -> Result<()> {
        self.runs.stop(&request.run, true)
    }

    #[expect(clippy::unused_async, reason = "the table of requests awaits every handler")]
    pub(crate) async fn hurry_run(&self, request: RunRequest) -> Result<()> {
        self.runs.hurry(&request.run)
    }

    pub(crate) async fn receipt(&self, request: RunRequest) -> Result<Receipt> {
        self.blocking(move |open| {
            let missing = |message: &str| Err(Error::new(ErrorKind::NotFound, message));
            let Some(run) = open.state.run(&request.run)? else {
                return missing("There is no such run on this computer.");
            };
            match open.state.receipt(&request.run)? {
                Some(receipt) => serde_json::from_value(receipt).map_err(|error| {
                    Error::new(ErrorKind::Unsupported, "This receipt was written by another version.")
                        .caused_by(error)
                }),
                None if RunLock::is_held(&open.project, &run.connection)? => {
                    missing("This run is still working; it has no receipt yet.")
                }
                None => {
                    Err(Error::new(ErrorKind::NotFound, "This run has no receipt: its process ended first.")
                        .meaning("Nothing is lost. The next run goes on from the last checkpoint.")
                        .fix("Run the connection again."))
                }
            }
        })
        .await
    }

    pub(crate) async fn runs(&self, request: RunsRequest) -> Result<Vec<RunSummary>> {
        let runs = std::sync::Arc::clone(&self.runs);
        self.blocking(move |open| {
            let found =
                open.state.runs_with_totals(request.connection.as_deref(), request.limit.min(LIST_MAX))?;
            let now = open.now();
            let mut newest_seen: Vec<String> = Vec::new();
            let mut summaries = Vec::with_capacity(found.len());
            for totals in &found {
                let connection = &totals.run.connection;
                // Only the newest run of a connection can be working.
                let newest = !newest_seen.contains(connection);
                if newest {
                    newest_seen.push(connection.clone());
                }
                let working = totals.run.ended_at.is_none()
                    && newest
                    && (runs.of(connection).is_some() || RunLock::is_held(&open.project, connection)?);
                summaries.push(summary_of(totals, working, now));
            }
            Ok(summaries)
        })
        .await
    }
}

fn compared(connection: &str, table: &TableName) -> String {
    format!("compared/{connection}/{table}")
}
