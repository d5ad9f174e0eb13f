//! What the program's exit code says. The one list; `--help` prints it.

use std::process::ExitCode;

use syncline_engine::Outcome;
use syncline_protocol::{Error, ErrorKind};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// Everything was done.
    Ok,
    /// Everything was done; some rows are in quarantine.
    RowsRejected,
    /// Stopped by a person; what was loaded is durable.
    Stopped,
    /// A person must decide before it can go on.
    NeedsDecision,
    /// The command line or a project file is wrong; nothing was done.
    Usage,
    /// It failed.
    Failed,
}

/// The list as it stands in `--help`.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  everything was done
  1  it failed; what was loaded before stays, and the next run goes on from there
  2  the command line or a project file is wrong; nothing was done
  3  a decision is needed (a change in the source, a plan that is out of date)
  4  everything was done, but some rows are in quarantine
  5  stopped by Ctrl-C; what was loaded is durable";

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::NeedsDecision => 3,
            Exit::RowsRejected => 4,
            Exit::Stopped => 5,
        }
    }

    /// How the program ends after an error.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind() {
            ErrorKind::Config => Exit::Usage,
            ErrorKind::NeedsDecision => Exit::NeedsDecision,
            ErrorKind::Stopped => Exit::Stopped,
            _ => Exit::Failed,
        }
    }
}

impl From<Outcome> for Exit {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Succeeded => Exit::Ok,
            Outcome::SucceededWithRejected => Exit::RowsRejected,
            Outcome::NeedsDecision => Exit::NeedsDecision,
            Outcome::Stopped => Exit::Stopped,
            Outcome::Failed => Exit::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_lists_every_code() {
        for exit in
            [Exit::Ok, Exit::RowsRejected, Exit::Stopped, Exit::NeedsDecision, Exit::Usage, Exit::Failed]
        {
            assert!(EXIT_CODES.contains(&format!("\n  {}  ", exit.code())), "{exit:?}");
        }
    }
}
