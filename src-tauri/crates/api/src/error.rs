//! What a window is told when a request fails.

use serde::{Deserialize, Serialize};
use syncline_engine::Failure;
use syncline_protocol::{Error, ErrorKind, Retry, Side};
use ts_rs::TS;

/// A failure in the shape in which every one is shown: what happened, what it means for the data, what to do; everything
/// else is a detail. Holds no secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ApiError {
    /// The kind.
    pub code: ErrorKind,
    /// What happened, in one sentence.
    pub message: String,
    /// What it means for the data.
    pub meaning: String,
    /// What to do, most likely first. Never empty.
    pub fix: Vec<ErrorFix>,
    /// When another attempt makes sense.
    pub retry: RetryWhen,
    /// At which end of a connection it happened, when that is known.
    pub side: Option<Side>,
    /// Facts and causes, for the details view.
    pub detail: Vec<String>,
}

/// Something that can be done about a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ErrorFix {
    /// In words.
    pub label: String,
    /// What the window can do for the person, when it can.
    pub action: Option<FixAction>,
}

/// Where a window can lead somebody who has to fix something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FixAction {
    /// The settings of the system or connection.
    EditSettings,
    /// The same request once more.
    TryAgain,
    /// The inbox of changes.
    OpenInbox,
    /// The rejected rows.
    OpenRejected,
    /// A new plan.
    MakePlan,
    /// The details, ready to be sent.
    CopyDetails,
}

/// When another attempt makes sense.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "when", rename_all = "snake_case")]
pub enum RetryWhen {
    /// At once.
    Now,
    /// After a pause.
    Later,
    /// At a moment that the other side named.
    At {
        /// The moment; none when it named none.
        at: Option<String>,
    },
    /// Not until a person changes something.
    Never,
}

/// All kinds; a test compares the list with the type.
pub(crate) const KINDS: &[ErrorKind] = &[
    ErrorKind::Config,
    ErrorKind::Authentication,
    ErrorKind::Permission,
    ErrorKind::NotFound,
    ErrorKind::Unreachable,
    ErrorKind::ConnectionLost,
    ErrorKind::Timeout,
    ErrorKind::RateLimited,
    ErrorKind::Tls,
    ErrorKind::HostKey,
    ErrorKind::SchemaChanged,
    ErrorKind::NeedsDecision,
    ErrorKind::PositionLost,
    ErrorKind::CorruptInput,
    ErrorKind::TooManyRejected,
    ErrorKind::Locked,
    ErrorKind::DiskFull,
    ErrorKind::Fenced,
    ErrorKind::Conflict,
    ErrorKind::LimitExceeded,
    ErrorKind::Unsupported,
    ErrorKind::Mismatch,
    ErrorKind::Stopped,
    ErrorKind::Internal,
];

/// What a window can do about a kind of failure, for its most likely fix: one row for each kind.
pub(crate) fn action(kind: ErrorKind) -> Option<FixAction> {
    use ErrorKind::{
        Authentication, Config, Conflict, ConnectionLost, CorruptInput, DiskFull, Fenced, HostKey, Internal,
        LimitExceeded, Locked, Mismatch, NeedsDecision, NotFound, Permission, PositionLost, RateLimited,
        SchemaChanged, Stopped, Timeout, Tls, TooManyRejected, Unreachable, Unsupported,
    };
    match kind {
        Config | Authentication | Tls | HostKey | Unsupported | LimitExceeded => {
            Some(FixAction::EditSettings)
        }
        Unreachable | ConnectionLost | Timeout | RateLimited | Locked | DiskFull | Conflict | Fenced
        | Stopped => Some(FixAction::TryAgain),
        NeedsDecision => Some(FixAction::OpenInbox),
        SchemaChanged | PositionLost | Mismatch => Some(FixAction::MakePlan),
        TooManyRejected => Some(FixAction::OpenRejected),
        Internal => Some(FixAction::CopyDetails),
        // Somebody else has to do something first; there is no button for that.
        Permission | NotFound | CorruptInput => None,
        // `ErrorKind` may grow; a test goes through all kinds there are.
        _ => None,
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        ApiError::from(&error)
    }
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        let retry = match error.retry() {
            Retry::Now => RetryWhen::Now,
            Retry::Backoff => RetryWhen::Later,
            Retry::WaitUntil(at) => RetryWhen::At {
                at: at.and_then(|at| jiff::Timestamp::try_from(at).ok()).map(|at| at.to_string()),
            },
            Retry::Never => RetryWhen::Never,
        };
        let Failure { kind, message, meaning, fixes, details, side } = Failure::from(error);
        let action = action(kind);
        let fix = fixes
            .into_iter()
            .enumerate()
            .map(|(at, label)| ErrorFix { label, action: action.filter(|_| at == 0) })
            .collect();
        ApiError { code: kind, message, meaning, fix, retry, side, detail: details }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_says_what_it_means_and_what_to_do() {
        // The TypeScript form lists every kind there is, so that none can be missing here.
        let known = <ErrorKind as TS>::decl(&ts_rs::Config::default());
        assert_eq!(known.matches('"').count() / 2, KINDS.len(), "{known}");
        for kind in KINDS {
            let error = ApiError::from(Error::new(*kind, "Something happened."));
            assert!(!error.meaning.is_empty() && !error.fix.is_empty(), "{kind:?}");
            assert!(error.fix.iter().all(|fix| !fix.label.is_empty()), "{kind:?}");
            let buttonless =
                matches!(kind, ErrorKind::Permission | ErrorKind::NotFound | ErrorKind::CorruptInput);
            assert_eq!(error.fix[0].action.is_none(), buttonless, "{kind:?}");
            let waits = matches!(error.retry, RetryWhen::At { .. });
            assert_eq!(waits, *kind == ErrorKind::RateLimited, "{kind:?}");
        }
    }

    #[test]
    fn facts_and_causes_are_details() {
        let error = Error::new(ErrorKind::Unreachable, "Nothing answers.")
            .with("host", "db.example.com")
            .caused_by("connection refused")
            .at(Side::Destination);
        // Whoever passes it on knows less.
        let error = ApiError::from(error.at(Side::Source));
        assert_eq!(error.side, Some(Side::Destination));
        assert_eq!(error.detail, ["host: db.example.com", "connection refused"]);
        assert_eq!((error.retry, error.fix[0].action), (RetryWhen::Later, Some(FixAction::TryAgain)));
    }

    #[test]
    fn what_keeps_a_sync_waiting_is_told_apart_and_can_be_acted_on() {
        let kinds = [
            ErrorKind::RateLimited,
            ErrorKind::Unreachable,
            ErrorKind::Timeout,
            ErrorKind::DiskFull,
            ErrorKind::Locked,
        ];
        let mut advice = std::collections::HashSet::new();
        for kind in kinds {
            let error = ApiError::from(Error::new(kind, "It does not go on."));
            assert_eq!(error.fix[0].action, Some(FixAction::TryAgain), "{kind:?}");
            assert!(advice.insert(error.fix[0].label.clone()), "{kind:?} says what another one says");
            // A full disk does not get empty by waiting.
            assert_eq!(error.retry == RetryWhen::Never, kind == ErrorKind::DiskFull, "{kind:?}");
        }
    }
}
