//! One error for the whole contract, and the table that says what each kind means.

use std::fmt;
use std::time::SystemTime;

/// The result of everything that can fail in the contract.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Box<dyn std::error::Error + Send + Sync + 'static>;

/// What went wrong, in a form that a program can act on and a person can read.
///
/// `message` is one sentence without codes for the person ("The database did not accept the password for user
/// `reporting`."). `context` holds facts (table, host, column). The chain of causes is kept for the details view
/// and never repeated inside `message`. No field may hold a secret.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: String,
    meaning: Option<String>,
    fixes: Vec<String>,
    context: Vec<(&'static str, String)>,
    wait_until: Option<SystemTime>,
    side: Option<Side>,
    source: Option<Cause>,
}

/// One end of a connection.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Where rows come from.
    Source,
    /// Where they go.
    Destination,
}

/// The kinds of failure. A kind exists only because somebody acts on it differently.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration is wrong or incomplete.
    Config,
    /// The system did not accept who we say we are.
    Authentication,
    /// Signed in, but not allowed to do this.
    Permission,
    /// A table, file, database or host that should exist does not.
    NotFound,
    /// Nothing answers at the address, or the name does not resolve.
    Unreachable,
    /// A connection that worked broke, or an answer was lost.
    ConnectionLost,
    /// An answer took longer than its limit.
    Timeout,
    /// The other side asks to wait.
    RateLimited,
    /// The certificate cannot be trusted, or TLS could not be agreed.
    Tls,
    /// The SSH server's key is unknown or changed.
    HostKey,
    /// The table no longer has the shape the plan was made for.
    SchemaChanged,
    /// A decision by a person is needed before this table can go on.
    NeedsDecision,
    /// The source no longer has the position to resume from.
    PositionLost,
    /// The input is malformed or truncated as a whole (a single bad row is quarantined instead).
    CorruptInput,
    /// Too many rows were rejected.
    TooManyRejected,
    /// Another program holds the destination.
    Locked,
    /// No space left where data must be written.
    DiskFull,
    /// Another run of this connection took over; this one must not write.
    Fenced,
    /// The destination refused because a concurrent writer was there first; nothing was written.
    Conflict,
    /// A bound was exceeded (size, count, depth).
    LimitExceeded,
    /// The system or the combination of settings cannot do this.
    Unsupported,
    /// Counts or checksums do not add up.
    Mismatch,
    /// Stopped because somebody asked for it.
    Stopped,
    /// A defect in Syncline.
    Internal,
}

/// When another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// At once: the failure told us how to go on.
    Now,
    /// After a growing pause.
    Backoff,
    /// At the moment the other side named, or after a pause when it named none.
    WaitUntil(Option<SystemTime>),
    /// Not until a person changes something.
    Never,
}

impl Error {
    /// An error of `kind` whose headline is `message` (one sentence, no codes, no secrets).
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                meaning: None,
                fixes: Vec::new(),
                context: Vec::new(),
                wait_until: None,
                side: None,
                source: None,
            }),
        }
    }

    /// A defect in Syncline itself.
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Internal, message)
    }

    /// Adds a fact, for example `("table", "public.orders")`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((name, value.to_string()));
        self
    }

    /// Keeps the cause for the details view.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Cause>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Says what this failure means for the data, when the general sentence of the kind is not precise enough.
    #[must_use]
    pub fn meaning(mut self, meaning: impl Into<String>) -> Self {
        self.inner.meaning = Some(meaning.into());
        self
    }

    /// Adds something the person can do. The most likely fix comes first.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.inner.fixes.push(fix.into());
        self
    }

    /// The moment the other side asked us to wait for.
    #[must_use]
    pub fn wait_until(mut self, at: SystemTime) -> Self {
        self.inner.wait_until = Some(at);
        self
    }

    /// Says at which end of the connection it happened. What is known already stays.
    #[must_use]
    pub fn at(mut self, side: Side) -> Self {
        self.inner.side.get_or_insert(side);
        self
    }

    /// At which end of the connection it happened, when that is known.
    pub fn side(&self) -> Option<Side> {
        self.inner.side
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What it means for the data.
    pub fn meaning_text(&self) -> &str {
        self.inner.meaning.as_deref().unwrap_or_else(|| self.inner.kind.meaning())
    }

    /// What to do, most likely fix first. Never empty.
    pub fn fixes(&self) -> Vec<&str> {
        if self.inner.fixes.is_empty() {
            vec![self.inner.kind.fix()]
        } else {
            self.inner.fixes.iter().map(String::as_str).collect()
        }
    }

    /// The facts, in the order they were added.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.inner.context
    }

    /// When another attempt makes sense.
    pub fn retry(&self) -> Retry {
        match self.inner.kind.retry() {
            Retry::WaitUntil(_) => Retry::WaitUntil(self.inner.wait_until),
            other => other,
        }
    }

    /// The chain of causes below `message`, outermost first, for the details view.
    pub fn causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let text = cause.to_string();
            // Drivers often repeat the text of the inner error in the outer one.
            if causes.last() != Some(&text) {
                causes.push(text);
            }
            next = cause.source();
        }
        causes
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_ref().map(|cause| cause.as_ref() as &(dyn std::error::Error + 'static))
    }
}

impl From<arrow::error::ArrowError> for Error {
    fn from(error: arrow::error::ArrowError) -> Self {
        Error::internal("Rows could not be put into columns.").caused_by(error)
    }
}

/// One row of the policy table: retry directive, meaning for the data, first fix.
type Policy = (Retry, &'static str, &'static str);

const UNTOUCHED: &str = "What was already loaded is safe; nothing new was written after the last checkpoint.";
const RESUMES: &str = "Nothing is lost. The next attempt goes on from the last checkpoint.";

impl ErrorKind {
    /// The one place where a kind gets its retry directive and its sentences.
    #[allow(clippy::too_many_lines)] // a table: one row per kind
    fn policy(self) -> Policy {
        use ErrorKind::{
            Authentication, Config, Conflict, ConnectionLost, CorruptInput, DiskFull, Fenced, HostKey,
            Internal, LimitExceeded, Locked, Mismatch, NeedsDecision, NotFound, Permission, PositionLost,
            RateLimited, SchemaChanged, Stopped, Timeout, Tls, TooManyRejected, Unreachable, Unsupported,
        };
        match self {
            Config => {
                (Retry::Never, "Nothing was read or written.", "Correct the setting that is named above.")
            }
            Authentication => (
                Retry::Never,
                "No rows were read. Earlier data is untouched.",
                "Enter the user name and password again, or ask the owner whether the account is locked.",
            ),
            Permission => (
                Retry::Never,
                "What may be read is read; the rest is left out.",
                "Ask the owner for the permission that is named above.",
            ),
            NotFound => (Retry::Never, UNTOUCHED, "Check the name, or remove it from the connection."),
            Unreachable => (Retry::Backoff, RESUMES, "Check the address, the network, VPN and firewall."),
            ConnectionLost => (
                Retry::Backoff,
                RESUMES,
                "Run it again; if it happens often, look at the network or at limits of the server.",
            ),
            Timeout => (
                Retry::Backoff,
                RESUMES,
                "Run it again, or raise the time limit of this source or destination.",
            ),
            RateLimited => (Retry::WaitUntil(None), RESUMES, "Wait; the sync goes on by itself."),
            Tls => (
                Retry::Never,
                "Nothing was sent over the connection.",
                "Choose the authority that signed the certificate, or another TLS mode.",
            ),
            HostKey => (
                Retry::Never,
                "Nothing was sent over the connection.",
                "Compare the fingerprint with the server's owner, then trust it.",
            ),
            SchemaChanged => {
                (Retry::Now, RESUMES, "Look at the change and decide how the destination should follow.")
            }
            NeedsDecision => (
                Retry::Never,
                "This table is paused; other tables go on. Nothing is lost.",
                "Decide about the change that is named above.",
            ),
            PositionLost => (
                Retry::Never,
                "What was loaded is kept, but changes in between are no longer available.",
                "Read the table again from the start.",
            ),
            CorruptInput => (Retry::Never, UNTOUCHED, "Repair or replace the input that is named above."),
            TooManyRejected => (
                Retry::Never,
                "The rows that fit were loaded; the rejected ones are in quarantine.",
                "Look at the rejected rows; often one column needs another type.",
            ),
            Locked => (
                Retry::Backoff,
                "Nothing was written. Earlier data is untouched.",
                "Close the other program, or write to a new file.",
            ),
            DiskFull => {
                (Retry::Never, UNTOUCHED, "Free some space, then run it again; it goes on where it stopped.")
            }
            Fenced => (
                Retry::Never,
                "This run wrote nothing after the other one began.",
                "Let the other run finish.",
            ),
            Conflict => (Retry::Backoff, RESUMES, "Run it again."),
            LimitExceeded => {
                (Retry::Never, UNTOUCHED, "Raise the limit that is named above if the size is expected.")
            }
            Unsupported => {
                (Retry::Never, "Nothing was read or written.", "Choose a setting that both systems can do.")
            }
            Mismatch => (
                Retry::Never,
                "The rows are kept, but they could not be proved to be complete.",
                "Read the table again; if it stays, send us the receipt.",
            ),
            Stopped => (Retry::Never, RESUMES, "Run it again when you like."),
            Internal => (
                Retry::Never,
                UNTOUCHED,
                "This is a defect in Syncline. Please report it with the details below.",
            ),
        }
    }

    /// When another attempt makes sense.
    pub fn retry(self) -> Retry {
        self.policy().0
    }

    /// What a failure of this kind generally means for the data.
    pub fn meaning(self) -> &'static str {
        self.policy().1
    }

    /// The most likely fix.
    pub fn fix(self) -> &'static str {
        self.policy().2
    }
}
