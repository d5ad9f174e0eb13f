use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use syncline_engine::Outcome as Ended;
use syncline_protocol::{Result, TableName};
use syncline_store::{Outcome, RunTotals, Span};

use super::runs::outcome_of;
use crate::api::{Api, Open};
use crate::spans::Spans;
use crate::types::{
    Freshness, Reliability, ReliabilityColumn, ReliabilityGrid, ReliabilityRequest, ReliabilityTable,
    Settings,
};

/// Runs that are looked at: one a minute for a week, one in five minutes for a month.
const RUNS_MAX: usize = 10_000;
const DAYS_MAX: u32 = 366;
/// One part of the time of so many may be late: 99.9 % should be fresh.
const ALLOWED_ONE_IN: u64 = 1000;
/// Columns of the grid: as many as can be told apart in a window.
const COLUMNS: u32 = 120;

impl Api {
    pub(crate) async fn reliability(&self, request: ReliabilityRequest) -> Result<Reliability> {
        self.blocking(move |open| {
            let name = &request.connection;
            let days = request.days.clamp(1, DAYS_MAX);
            let runs = open.state.runs_with_totals(Some(name), RUNS_MAX)?;
            let clock = Clock {
                settings: Open::settings(open)?,
                paused: open.paused_spans(name)?,
                off: open.off_spans()?,
                now: open.now(),
                days,
            };
            let columns = columns(days, clock.now);
            let began = columns.first().map_or(clock.now, |(begin, _)| *begin);
            let ended = open.state.table_outcomes(name, began)?;
            let ended: Vec<_> =
                ended.into_iter().map(|(table, at, how)| (table, at, outcome_of(how))).collect();
            let config = open.project.connection(name).map(|config| config.tables).unwrap_or_default();
            let known: Vec<_> = config.into_iter().map(|table| table.name).collect();
            Ok(of(&runs, &clock, &columns, tables(&columns, &known, &ended)))
        })
        .await
    }
}

impl Open {
    /// When a connection was paused.
    fn paused_spans(&self, connection: &str) -> Result<Spans> {
        let mut spans: Vec<Span> = Vec::new();
        let mut since = None;
        let entries = self.state.journal(connection, RUNS_MAX)?;
        for entry in entries.iter().filter(|entry| entry.kind == "pause") {
            let pauses = entry.detail.get("paused") == Some(&Value::Bool(true));
            match (since.take(), pauses) {
                (before, true) => since = before.or(Some(entry.at)),
                (Some(begin), false) => spans.push((begin, entry.at)),
                (None, false) => {}
            }
        }
        spans.extend(since.map(|begin| (begin, Timestamp::MAX)));
        Ok(Spans::of(spans))
    }

    /// When no studio was open, since one was for the first time. Before that nobody noted it: that time counts.
    fn off_spans(&self) -> Result<Spans> {
        let Some(first) = self.state.watched_first()? else { return Ok(Spans::default()) };
        let watched = self.state.watched_since(first)?;
        let last = watched.iter().map(|(_, until)| *until).max().unwrap_or(first);
        // Whoever asks watches now.
        Ok(Spans::of([(first, last)]).without(&Spans::of(watched)))
    }
}

/// What time counts.
struct Clock {
    settings: Settings,
    paused: Spans,
    off: Spans,
    now: Timestamp,
    days: u32,
}

impl Clock {
    fn from(&self) -> Timestamp {
        earlier(self.now, i64::from(self.days) * 24)
    }

    /// The time since `first` that counts.
    fn counted(&self, first: Timestamp) -> Spans {
        let all = Spans::of([(first, self.now)]).without(&self.paused);
        if self.settings.count_while_off { all } else { all.without(&self.off) }
    }
}

fn earlier(at: Timestamp, hours: i64) -> Timestamp {
    at.checked_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
}

fn complete(run: &RunTotals) -> bool {
    matches!(run.run.outcome, Some(Outcome::Succeeded | Outcome::SucceededWithRejected))
}

fn of(runs: &[RunTotals], clock: &Clock, columns: &[Span], tables: Vec<ReliabilityTable>) -> Reliability {
    let from = clock.from();
    let recent = || runs.iter().filter(move |run| run.run.ended_at.is_some_and(|at| at >= from));
    // What a person stopped says nothing about reliability.
    let counted: Vec<&RunTotals> = recent().filter(|run| run.run.outcome != Some(Outcome::Stopped)).collect();
    let attempts = || counted.iter().flat_map(|run| &run.run.attempts);
    let ends = || runs.iter().filter(|run| complete(run)).filter_map(|run| run.run.ended_at);
    let fresh = clock.settings.fresh_within_minutes.map(|target| fresh(runs, target));
    let first = ends().min();
    Reliability {
        days: clock.days,
        runs: counted.len(),
        succeeded: counted.iter().filter(|run| complete(run)).count(),
        attempts: attempts().count(),
        attempts_succeeded: attempts().filter(|attempt| attempt.error.is_none()).count(),
        last_success_at: ends().max().map(|at| at.to_string()),
        freshness: match (clock.settings.fresh_within_minutes, &fresh, first) {
            (Some(target), Some(fresh), Some(first)) => {
                Some(freshness(clock, target, fresh, first.max(from)))
            }
            _ => None,
        },
        grid: ReliabilityGrid {
            hours: hours(clock.days),
            columns: grid(clock, columns, fresh.as_ref(), first),
            tables,
        },
    }
}

/// Data is fresh at a moment when a run that brought everything in *began* at most `target` minutes before it, and had
/// ended by then: what it read is as old as its beginning.
fn fresh(runs: &[RunTotals], target: u32) -> Spans {
    Spans::of(runs.iter().filter(|run| complete(run)).filter_map(|run| {
        let until = run.run.started_at.checked_add(SignedDuration::from_mins(i64::from(target))).ok()?;
        Some((run.run.ended_at?, until))
    }))
}

fn freshness(clock: &Clock, target: u32, fresh: &Spans, first: Timestamp) -> Freshness {
    let since = Spans::of([(first, clock.now)]);
    let counted = clock.counted(first);
    let paused = since.and(&clock.paused);
    Freshness {
        target_minutes: target,
        counted_seconds: counted.seconds(),
        late_seconds: counted.without(fresh).seconds(),
        allowance_seconds: counted.seconds() / ALLOWED_ONE_IN,
        full_allowance_seconds: u64::from(clock.days) * 86_400 / ALLOWED_ONE_IN,
        paused_seconds: paused.seconds(),
        off_seconds: since.and(&clock.off).without(&clock.paused).seconds(),
        off_counts: clock.settings.count_while_off,
    }
}

/// Hours of a column of the grid.
fn hours(days: u32) -> u32 {
    (days * 24).div_ceil(COLUMNS).max(1)
}

/// The columns until `now`, which lies in the last one. They begin at round hours.
fn columns(days: u32, now: Timestamp) -> Vec<Span> {
    let hours = i64::from(hours(days));
    let step = hours * 3600;
    let last = Timestamp::from_second(now.as_second().div_euclid(step) * step).unwrap_or(now);
    let count = i64::from(days) * 24 / hours;
    (0..count).rev().map(|back| (earlier(last, back * hours), earlier(last, (back - 1) * hours))).collect()
}

fn grid(
    clock: &Clock,
    columns: &[Span],
    fresh: Option<&Spans>,
    first: Option<Timestamp>,
) -> Vec<ReliabilityColumn> {
    let first = first.unwrap_or(clock.now);
    let counted = clock.counted(first);
    let late = fresh.map(|fresh| counted.without(fresh)).unwrap_or_default();
    let since = Spans::of([(first, clock.now)]);
    let paused = since.and(&clock.paused);
    let off = if clock.settings.count_while_off { Spans::default() } else { since.and(&clock.off) };
    let off = off.without(&clock.paused);
    let of_column = |(begin, end): &Span| {
        let within = Spans::of([(*begin, *end)]);
        let seconds = |spans: &Spans| spans.and(&within).seconds();
        let late_seconds = seconds(&late);
        ReliabilityColumn {
            from: begin.to_string(),
            fresh_seconds: seconds(&counted) - late_seconds,
            late_seconds,
            paused_seconds: seconds(&paused),
            off_seconds: seconds(&off),
        }
    };
    columns.iter().map(of_column).collect()
}

/// `known`: the tables of the connection, which come first.
fn tables(
    columns: &[Span],
    known: &[TableName],
    ended: &[(TableName, Timestamp, Ended)],
) -> Vec<ReliabilityTable> {
    let empty =
        |table: &TableName| ReliabilityTable { table: table.clone(), worst: vec![None; columns.len()] };
    let mut tables: Vec<ReliabilityTable> = known.iter().map(empty).collect();
    for (table, at, how) in ended {
        let Some(column) = columns.iter().position(|(begin, end)| begin <= at && at < end) else { continue };
        let row = tables.iter().position(|row| row.table == *table).unwrap_or_else(|| {
            tables.push(empty(table));
            tables.len() - 1
        });
        let cell = &mut tables[row].worst[column];
        if cell.is_none_or(|worst| rank(worst) < rank(*how)) {
            *cell = Some(*how);
        }
    }
    tables
}

/// The worse the higher.
fn rank(outcome: Ended) -> u8 {
    match outcome {
        Ended::Succeeded => 0,
        Ended::Stopped => 1,
        Ended::SucceededWithRejected => 2,
        Ended::NeedsDecision => 3,
        Ended::Failed => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
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

    fn spans(minutes: &[(i64, i64)]) -> Spans {
        Spans::of(minutes.iter().map(|(begin, end)| (at(*begin), at(*end))))
    }

    fn clock(target: Option<u32>, now: i64) -> Clock {
        let settings = Settings { fresh_within_minutes: target, count_while_off: false };
        Clock { settings, paused: Spans::default(), off: Spans::default(), now: at(now), days: 30 }
    }

    fn reliability(runs: &[RunTotals], clock: &Clock) -> Reliability {
        of(runs, clock, &columns(clock.days, clock.now), Vec::new())
    }

    #[test]
    fn every_error_counts_and_what_was_stopped_does_not() {
        let runs = [
            run(20, 21, Outcome::Stopped, 0),
            run(10, 12, Outcome::Failed, 1),
            run(0, 5, Outcome::Succeeded, 2),
        ];
        let reliability = reliability(&runs, &clock(None, 100));
        assert_eq!((reliability.runs, reliability.succeeded), (2, 1));
        assert_eq!((reliability.attempts, reliability.attempts_succeeded), (5, 2));
        assert_eq!(reliability.freshness, None);
    }

    #[test]
    fn minutes_are_fresh_from_the_end_of_a_run_until_its_beginning_is_too_old() {
        let minutes = |runs: &[RunTotals], now| {
            let fresh = reliability(runs, &clock(Some(60), now)).freshness.unwrap();
            (fresh.late_seconds / 60, fresh.counted_seconds / 60)
        };
        // Fresh from 5 to 60, and from 90 to 145 (now is 120): 55 + 30 minutes of 115.
        let runs = [run(85, 90, Outcome::Succeeded, 0), run(0, 5, Outcome::SucceededWithRejected, 0)];
        assert_eq!(minutes(&runs, 120), (30, 115));
        // Runs that overlap count once.
        let runs = [run(10, 15, Outcome::Succeeded, 0), run(0, 5, Outcome::Succeeded, 0)];
        assert_eq!(minutes(&runs, 50), (0, 45));
    }

    #[test]
    fn thirty_days_allow_43_minutes_and_12_seconds() {
        let fresh = freshness(&clock(Some(60), 50 * 1440), 60, &Spans::default(), at(20 * 1440));
        assert_eq!((fresh.allowance_seconds, fresh.full_allowance_seconds), (43 * 60 + 12, 43 * 60 + 12));
    }

    #[test]
    fn time_asleep_or_paused_is_not_late() {
        // Fresh from 5 to 60; then late, but for a pause from 80 to 90 and sleep from 85 to 110.
        let runs = [run(0, 5, Outcome::Succeeded, 0)];
        let mut clock = clock(Some(60), 120);
        (clock.paused, clock.off) = (spans(&[(80, 90)]), spans(&[(85, 110)]));
        let minutes = |clock: &Clock| {
            let fresh = reliability(&runs, clock).freshness.unwrap();
            [fresh.late_seconds, fresh.counted_seconds, fresh.paused_seconds, fresh.off_seconds]
                .map(|s| s / 60)
        };
        assert_eq!(minutes(&clock), [30, 85, 10, 20]);
        let column = reliability(&runs, &clock).grid.columns.pop().unwrap();
        let cell = [column.fresh_seconds, column.late_seconds, column.paused_seconds, column.off_seconds];
        assert_eq!(cell.map(|seconds| seconds / 60), [55, 30, 10, 20]);
        clock.settings.count_while_off = true;
        assert_eq!(minutes(&clock), [50, 105, 10, 20]);
    }

    #[test]
    fn the_worst_of_a_column_wins() {
        let columns = columns(30, at(30 * 1440 + 30));
        assert_eq!(columns.len(), 120);
        assert_eq!(columns[119], (at(30 * 1440), at(30 * 1440 + 360)));
        let [orders, other] = ["orders", "other"].map(TableName::bare);
        let late = at(30 * 1440 + 10);
        let ended = [
            (orders.clone(), late, Ended::NeedsDecision),
            (orders.clone(), late, Ended::Succeeded),
            (other.clone(), at(30 * 1440 - 1), Ended::Failed),
            (orders.clone(), at(30 * 1440 - 1), Ended::Stopped),
        ];
        let tables = tables(&columns, std::slice::from_ref(&orders), &ended);
        assert_eq!(tables.iter().map(|row| &row.table).collect::<Vec<_>>(), [&orders, &other]);
        let cells = &tables[0].worst[117..];
        assert_eq!(cells, [None, Some(Ended::Stopped), Some(Ended::NeedsDecision)]);
    }
}
