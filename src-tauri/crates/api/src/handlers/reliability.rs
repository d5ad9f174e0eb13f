use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use syncline_protocol::Result;
use syncline_store::{Outcome, RunTotals};

use crate::api::{Api, Open};
use crate::types::{Freshness, Reliability, ReliabilityDay, ReliabilityRequest};

/// Runs that are looked at: one a minute for a week, one in five minutes for a month.
const RUNS_MAX: usize = 10_000;
const DAYS_MAX: u32 = 366;
/// The part of the minutes that may be late: 99.9 % should be fresh.
const ALLOWANCE: f64 = 0.001;

impl Api {
    pub(crate) async fn reliability(&self, request: ReliabilityRequest) -> Result<Reliability> {
        self.blocking(move |open| {
            let runs = open.state.runs_with_totals(Some(&request.connection), RUNS_MAX)?;
            let target = Open::settings(open)?.fresh_within_minutes;
            Ok(of(&runs, request.days.clamp(1, DAYS_MAX), target, open.now()))
        })
        .await
    }
}

fn complete(run: &RunTotals) -> bool {
    matches!(run.run.outcome, Some(Outcome::Succeeded | Outcome::SucceededWithRejected))
}

fn of(runs: &[RunTotals], days: u32, target: Option<u32>, now: Timestamp) -> Reliability {
    let from = now.checked_sub(SignedDuration::from_hours(24 * i64::from(days))).unwrap_or(Timestamp::MIN);
    let recent = || runs.iter().filter(move |run| run.run.ended_at.is_some_and(|at| at >= from));
    // What a person stopped says nothing about reliability.
    let counted: Vec<&RunTotals> = recent().filter(|run| run.run.outcome != Some(Outcome::Stopped)).collect();
    let attempts = || counted.iter().flat_map(|run| &run.run.attempts);
    let last_success = runs.iter().filter(|run| complete(run)).filter_map(|run| run.run.ended_at).max();
    Reliability {
        days,
        runs: counted.len(),
        succeeded: counted.iter().filter(|run| complete(run)).count(),
        attempts: attempts().count(),
        attempts_succeeded: attempts().filter(|attempt| attempt.error.is_none()).count(),
        last_success_at: last_success.map(|at| at.to_string()),
        freshness: target.and_then(|minutes| freshness(runs, minutes, from, now)),
        by_day: by_day(recent()),
    }
}

/// Data is fresh at a moment when a run that brought everything in *began* at most `target` minutes before it, and had
/// ended by then: what it read is as old as its beginning.
fn freshness(runs: &[RunTotals], target: u32, from: Timestamp, now: Timestamp) -> Option<Freshness> {
    let mut fresh: Vec<(Timestamp, Timestamp)> = runs
        .iter()
        .filter(|run| complete(run))
        .filter_map(|run| {
            let until = run.run.started_at.checked_add(SignedDuration::from_mins(i64::from(target))).ok()?;
            Some((run.run.ended_at?, until))
        })
        .collect();
    fresh.sort_unstable();
    let first = fresh.first()?.0.max(from);
    let (mut covered, mut reached) = (SignedDuration::ZERO, first);
    for (begin, end) in fresh {
        let (begin, end) = (begin.max(reached), end.min(now));
        if end > begin {
            covered += end.duration_since(begin);
            reached = end;
        }
    }
    let minutes = |span: SignedDuration| u64::try_from(span.as_secs() / 60).unwrap_or(0);
    let counted_minutes = minutes(now.duration_since(first));
    Some(Freshness {
        target_minutes: target,
        fresh_minutes: minutes(covered),
        counted_minutes,
        allowance_minutes: counted_minutes as f64 * ALLOWANCE,
    })
}

fn by_day<'a>(runs: impl Iterator<Item = &'a RunTotals>) -> Vec<ReliabilityDay> {
    let mut days: BTreeMap<String, ReliabilityDay> = BTreeMap::new();
    for run in runs {
        let day = run.run.started_at.strftime("%Y-%m-%d").to_string();
        let entry = days.entry(day.clone()).or_insert(ReliabilityDay {
            day,
            succeeded: 0,
            failed: 0,
            attention: 0,
            rows_written: 0,
        });
        entry.rows_written += run.rows_written;
        match run.run.outcome {
            Some(Outcome::Succeeded) => entry.succeeded += 1,
            Some(Outcome::Failed) => entry.failed += 1,
            Some(Outcome::NeedsDecision | Outcome::SucceededWithRejected) => entry.attention += 1,
            Some(Outcome::Stopped) | None => {}
        }
    }
    days.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_protocol::{Error, ErrorKind};
    use syncline_store::{AttemptRecord, RunError, RunRecord};

    fn at(minute: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute)
    }

    fn run(begin: i64, end: i64, outcome: Outcome, errors: usize) -> RunTotals {
        let error = RunError::from(&Error::new(ErrorKind::Timeout, "No answer."));
        let attempt =
            |error| AttemptRecord { started_at: at(begin), ended_at: at(end), error, version: None };
        let mut attempts = vec![attempt(Some(error)); errors];
        attempts.push(attempt(None));
        let mut run = RunRecord::begin(format!("r{begin}"), "c", at(begin), BTreeMap::new(), "h");
        run.ended_at = Some(at(end));
        run.outcome = Some(outcome);
        run.attempts = attempts;
        RunTotals { run, rows_written: 10, rows_rejected: 0 }
    }

    #[test]
    fn every_error_counts_and_what_was_stopped_does_not() {
        let runs = [
            run(20, 21, Outcome::Stopped, 0),
            run(10, 12, Outcome::Failed, 1),
            run(0, 5, Outcome::Succeeded, 2),
        ];
        let reliability = of(&runs, 30, None, at(100));
        assert_eq!((reliability.runs, reliability.succeeded), (2, 1));
        assert_eq!((reliability.attempts, reliability.attempts_succeeded), (5, 2));
        assert_eq!(reliability.freshness, None);
        let day = &reliability.by_day[0];
        assert_eq!((day.day.as_str(), day.succeeded, day.failed, day.rows_written), ("1970-01-01", 1, 1, 30));
    }

    #[test]
    fn minutes_are_fresh_from_the_end_of_a_run_until_its_beginning_is_too_old() {
        // Fresh from 5 to 60, and from 90 to 145 (now is 120): 55 + 30 minutes of 115.
        let runs = [run(85, 90, Outcome::Succeeded, 0), run(0, 5, Outcome::SucceededWithRejected, 0)];
        let freshness = of(&runs, 30, Some(60), at(120)).freshness.unwrap();
        assert_eq!((freshness.fresh_minutes, freshness.counted_minutes), (85, 115));
        // Runs that overlap count once.
        let runs = [run(10, 15, Outcome::Succeeded, 0), run(0, 5, Outcome::Succeeded, 0)];
        let freshness = of(&runs, 30, Some(60), at(50)).freshness.unwrap();
        assert_eq!((freshness.fresh_minutes, freshness.counted_minutes), (45, 45));
    }
}
