//! What syncs of a table will cost: ranges, each with its basis. No price is known, so none is told.

use syncline_engine::{Receipt, SampleTrial, TableEffect, TableState};
use syncline_protocol::{Result, TableName};

use crate::api::Open;
use crate::types::{Estimate, EstimateBasis, Span, SyncEstimate};

/// Runs that are looked at.
const RUNS: usize = 10;
/// A whole sync reads on several lanes and connects once; a trial is mostly connecting. This much faster it may be.
const TRIAL_SLACK: u64 = 8;

/// A sync of a table that ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PastSync {
    /// Rows it read.
    rows: u64,
    /// How long its run took, with all its tables.
    millis: u64,
}

/// The latest syncs of a table that read new and changed rows: all but its first one.
pub(crate) fn past_syncs(open: &Open, connection: &str, table: &TableName) -> Result<Vec<PastSync>> {
    let mut found = Vec::new();
    // One more, so that there is a first one to leave out.
    for run in open.state.runs(Some(connection), RUNS + 1)? {
        let Some(receipt) = open.state.receipt(&run.id)? else { continue };
        // A receipt of another version that cannot be read any more says nothing.
        let Ok(receipt) = serde_json::from_value::<Receipt>(receipt) else { continue };
        let done = receipt.tables.iter().find(|known| {
            known.table == *table && matches!(known.state, TableState::Done | TableState::DoneWithRejected)
        });
        found.extend(done.map(|done| PastSync { rows: done.rows_read, millis: receipt.duration_ms }));
    }
    found.pop();
    Ok(found)
}

/// From what the plan knows, the sample showed and earlier syncs did.
pub(crate) fn estimate(effect: Option<&TableEffect>, trial: &SampleTrial, past: &[PastSync]) -> Estimate {
    let rows = effect.and_then(|effect| effect.rows_estimate);
    let (rows, rows_basis) = match (trial.all, rows) {
        (true, _) => (Some(trial.rows), EstimateBasis::WholeSample),
        (false, rows) => (rows, EstimateBasis::Statistics),
    };
    let full = rows.map(|rows| {
        let time = by_trial(rows, trial);
        SyncEstimate {
            rows: Span { least: rows, most: rows },
            rows_basis,
            bytes_read: effect.and_then(|effect| effect.bytes_estimate),
            seconds: time.map(|(seconds, _)| seconds),
            seconds_basis: time.map(|(_, basis)| basis),
            bytes_written: (trial.rows > 0).then(|| scaled(trial.bytes, rows, trial.rows)),
        }
    });
    Estimate {
        full,
        next_is_full: effect.is_none_or(|effect| effect.full),
        later_are_full: effect.is_some_and(|effect| effect.always_full),
        later: by_runs(past, trial),
    }
}

/// How long it takes to read this many rows, when the trial is the slowest it can be.
fn by_trial(rows: u64, trial: &SampleTrial) -> Option<(Span, EstimateBasis)> {
    if trial.rows == 0 || trial.searched {
        return None;
    }
    let most = scaled(trial.millis.max(1), rows, trial.rows).div_ceil(1000).max(1);
    let per_second = scaled(1000, trial.rows, trial.millis.max(1)).max(1);
    let span = Span { least: (most / TRIAL_SLACK).max(1), most };
    Some((span, EstimateBasis::Trial { rows: trial.rows, per_second }))
}

fn by_runs(past: &[PastSync], trial: &SampleTrial) -> Option<SyncEstimate> {
    let span = |value: fn(&PastSync) -> u64| {
        let values = past.iter().map(value);
        Some(Span { least: values.clone().min()?, most: values.max()? })
    };
    let rows = span(|sync| sync.rows)?;
    let basis = EstimateBasis::Runs { runs: past.len() as u64 };
    Some(SyncEstimate {
        rows,
        rows_basis: basis,
        bytes_read: None,
        seconds: span(|sync| sync.millis.div_ceil(1000)),
        seconds_basis: Some(basis),
        bytes_written: (trial.rows > 0).then(|| scaled(trial.bytes, rows.most, trial.rows)),
    })
}

/// `value × times / parts`, without overflow.
fn scaled(value: u64, times: u64, parts: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(times) / u128::from(parts)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effect(rows: Option<u64>) -> TableEffect {
        TableEffect {
            table: TableName::bare("orders"),
            target: syncline_protocol::TargetName { schema: None, name: "orders".into() },
            verb: syncline_engine::Verb::Add,
            mode: None,
            full: true,
            always_full: false,
            changes: Vec::new(),
            ddl: Vec::new(),
            definition: Vec::new(),
            effects: Vec::new(),
            rows_estimate: rows,
            bytes_estimate: Some(1 << 20),
            drift: Vec::new(),
            blocked: None,
        }
    }

    #[test]
    fn a_first_sync_is_estimated_from_statistics_and_the_trial() {
        let trial =
            SampleTrial { rows: 1000, millis: 100, bytes: 50_000, all: false, ..SampleTrial::default() };
        let estimate = estimate(Some(&effect(Some(4_000_000))), &trial, &[]);
        let full = estimate.full.unwrap();
        assert_eq!(
            (full.rows, full.rows_basis),
            (Span { least: 4_000_000, most: 4_000_000 }, EstimateBasis::Statistics)
        );
        assert_eq!(full.seconds, Some(Span { least: 50, most: 400 }));
        assert_eq!(full.seconds_basis, Some(EstimateBasis::Trial { rows: 1000, per_second: 10_000 }));
        assert_eq!((full.bytes_read, full.bytes_written), (Some(1 << 20), Some(200_000_000)));
        assert_eq!((estimate.next_is_full, estimate.later), (true, None));
    }

    #[test]
    fn a_sample_with_all_rows_knows_better_than_statistics() {
        let trial = SampleTrial { rows: 7, millis: 0, bytes: 70, all: true, ..SampleTrial::default() };
        let full = estimate(Some(&effect(Some(1_000))), &trial, &[]).full.unwrap();
        assert_eq!((full.rows.most, full.rows_basis), (7, EstimateBasis::WholeSample));
        assert_eq!(full.seconds, Some(Span { least: 1, most: 1 }));
    }

    #[test]
    fn without_rows_nothing_is_made_up() {
        let trial = SampleTrial { rows: 10, millis: 5, bytes: 70, all: false, ..SampleTrial::default() };
        assert_eq!(estimate(Some(&effect(None)), &trial, &[]).full, None);
        let nothing = SampleTrial { rows: 0, millis: 5, bytes: 0, all: true, ..SampleTrial::default() };
        let full = estimate(Some(&effect(None)), &nothing, &[]).full.unwrap();
        assert_eq!((full.rows.most, full.seconds, full.bytes_written), (0, None, None));
    }

    #[test]
    fn a_search_says_nothing_about_a_sync() {
        let trial =
            SampleTrial { rows: 10, millis: 9_000, bytes: 70, searched: true, ..SampleTrial::default() };
        assert_eq!(estimate(Some(&effect(Some(1_000))), &trial, &[]).full.unwrap().seconds, None);
    }

    #[test]
    fn later_syncs_are_as_those_before() {
        let past = [PastSync { rows: 34, millis: 900 }, PastSync { rows: 1_204, millis: 3_100 }];
        let trial = SampleTrial { rows: 100, millis: 10, bytes: 1_000, all: false, ..SampleTrial::default() };
        let later = estimate(Some(&effect(None)), &trial, &past).later.unwrap();
        assert_eq!(later.rows, Span { least: 34, most: 1_204 });
        assert_eq!(later.seconds, Some(Span { least: 1, most: 4 }));
        assert_eq!(later.rows_basis, EstimateBasis::Runs { runs: 2 });
        assert_eq!(later.bytes_written, Some(12_040));
    }
}
