//! The way back from a version that fails.

use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, Side, TableName};

use super::trial::Trial;
use crate::receipt::{Failure, TableReceipt, TableState};

/// That a run went back to the last version of its source's connector that worked.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FellBack {
    /// The connector.
    pub connector: String,
    /// The version that failed.
    pub from: String,
    /// The version that the run went on with.
    pub to: String,
    /// What the version did, in one sentence.
    pub because: String,
    /// The tables that were read again.
    pub tables: Vec<TableName>,
    /// Whether the earlier version did better. Then the other one is not used for this connection any more, until
    /// somebody asks for it again; else the version is not what is wrong.
    pub bad: bool,
}

impl FellBack {
    /// What happened, for the history.
    pub fn text(&self) -> String {
        let FellBack { connector, from, to, because, bad, .. } = self;
        let then = match bad {
            true => format!(
                "The run went on with version {to}, which brought everything in. Version {from} is not used for this connection any more, until it is asked for again."
            ),
            false => format!(
                "Version {to} did no better, so the version is not what is wrong. The next run tries version {from} again."
            ),
        };
        format!("Version {from} of `{connector}` did not work: {because} {then}")
    }
}

/// A fall-back that is under way.
pub(crate) struct Fallback {
    what: FellBack,
    trial: Trial,
    /// What was given had less in it than before, rather than that nothing could be had.
    shape: bool,
}

/// Whether a failure of a table can be the doing of the connector's version.
fn blames(kind: ErrorKind) -> bool {
    !matches!(
        kind,
        ErrorKind::Stopped
            | ErrorKind::Fenced
            | ErrorKind::Locked
            | ErrorKind::DiskFull
            | ErrorKind::Conflict
            | ErrorKind::HostKey
    )
}

/// Whether a failure of the run as a whole can be.
fn blames_whole(error: &Error) -> bool {
    // What waits for a person as a whole is a plan that was not approved.
    error.side() != Some(Side::Destination)
        && error.kind() != ErrorKind::NeedsDecision
        && blames(error.kind())
}

impl Fallback {
    /// Looks whether an attempt on a watched version failed in a way that could be its doing. Gives the tables to read
    /// again by their numbers, and what to say. `open`: tables that the attempt did not bring to an end.
    pub(crate) fn of(
        trial: Trial,
        failure: Option<&Error>,
        tables: &[&TableReceipt],
        open: &dyn Fn(usize) -> bool,
    ) -> Option<(Fallback, Vec<usize>, Failure)> {
        let whole = failure.filter(|error| blames_whole(error)).map(Failure::from);
        let own = |table: &TableReceipt| table.failure.clone().filter(|failure| blames(failure.kind));
        let at_fault: Vec<usize> = (0..tables.len())
            .filter(|at| own(tables[*at]).is_some() || (whole.is_some() && open(*at)))
            .collect();
        let first = at_fault.iter().find_map(|at| own(tables[*at])).or(whole)?;
        if at_fault.is_empty() {
            return None;
        }
        let what = FellBack {
            connector: trial.connector.clone(),
            from: trial.version.clone(),
            to: trial.worked.clone(),
            because: first.message.clone(),
            tables: at_fault.iter().map(|at| tables[*at].table.clone()).collect(),
            bad: false,
        };
        let shape = first.kind == ErrorKind::Mismatch;
        Some((Fallback { what, trial, shape }, at_fault, first))
    }

    pub(crate) fn what(&self) -> &FellBack {
        &self.what
    }

    /// Whose fault it was, now that the run has ended.
    pub(crate) fn judged(mut self, tables: &[TableReceipt]) -> FellBack {
        let better = |table: &&TableReceipt| {
            let done = matches!(table.state, TableState::Done | TableState::DoneWithRejected);
            let same = || {
                let (key, values) = (&table.key, &table.values);
                self.trial.missing(&table.table, key, values, Some(values.rows)).is_some()
            };
            done && !(self.shape && same())
        };
        let mut read_again = tables.iter().filter(|table| self.what.tables.contains(&table.table));
        self.what.bad = read_again.any(|table| better(&table));
        self.what
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_or_a_refusing_destination_is_not_the_versions_doing() {
        let error = |kind| Error::new(kind, "No.");
        assert!(blames_whole(&error(ErrorKind::NotFound)) && blames_whole(&error(ErrorKind::ConnectionLost)));
        assert!(!blames_whole(&error(ErrorKind::NotFound).at(Side::Destination)));
        for kind in [ErrorKind::DiskFull, ErrorKind::Stopped, ErrorKind::Fenced, ErrorKind::NeedsDecision] {
            assert!(!blames_whole(&error(kind)), "{kind:?}");
        }
        assert!(blames(ErrorKind::NeedsDecision), "a key that vanished asks; going back needs nobody");
    }
}
