use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_engine::{Drift, TableReceipt};
use syncline_protocol::{TableName, TargetName, WriteMode};
use syncline_store::config::DriftChoice;
use ts_rs::TS;

use super::RunSummary;

/// Names a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConnectionRequest {
    /// The connection.
    pub connection: String,
}

/// The one word on how a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Waits for a person: a decision, a sign-in.
    NeedsYou,
    /// The last run failed after its retries.
    Failing,
    /// No failure, but the data is older than it should be.
    Late,
    /// Never run.
    New,
    /// The last run succeeded.
    Healthy,
    /// Paused by a person.
    Paused,
    /// Not finished being set up.
    Draft,
}

/// The one word on what a connection does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// Nothing.
    Idle,
    /// It syncs.
    Running,
    /// It waits for something outside; the text says for what.
    Waiting,
    /// It finishes what is being written.
    Stopping,
}

/// A system at one end of a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SystemRef {
    /// Its name.
    pub name: String,
    /// Its connector.
    pub connector: String,
    /// What people call the connector.
    pub title: String,
}

/// A line of the list of connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConnectionSummary {
    /// Its name.
    pub name: String,
    /// Where rows come from.
    pub source: SystemRef,
    /// Where they go.
    pub destination: SystemRef,
    /// How it is.
    pub health: Health,
    /// Why, in one sentence, when it is not well.
    pub reason: Option<String>,
    /// What it does now.
    pub activity: Activity,
    /// For what it waits, or where it stands, in a few words.
    pub activity_text: Option<String>,
    /// The run that is working, when this program runs it.
    pub running: Option<String>,
    /// The last runs, at most 30, oldest first.
    pub recent: Vec<RunSummary>,
    /// Its tables.
    pub tables: Vec<TableName>,
    /// Changes of the source that wait for a decision.
    pub inbox: usize,
    /// Rows that the last run of each table put into quarantine.
    pub quarantined: u64,
    /// Since when it is paused.
    pub paused_since: Option<String>,
}

/// A connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConnectionDetail {
    /// As in the list.
    pub summary: ConnectionSummary,
    /// Its tables with what is known of them.
    pub tables: Vec<TableStatus>,
    /// The source in a few words.
    pub source_summary: String,
    /// The destination in a few words.
    pub destination_summary: String,
    /// The file or folder of the destination, when it is one on this computer.
    pub path: Option<String>,
    /// Its file as data, to be changed and saved again.
    #[ts(type = "Record<string, unknown>")]
    pub config: Value,
}

/// A table of a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TableStatus {
    /// The table of the source.
    pub table: TableName,
    /// The table of the destination.
    pub target: TargetName,
    /// How rows are kept; none before the first run when the file does not say.
    pub mode: Option<WriteMode>,
    /// The updated-at column.
    pub cursor: Option<String>,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// Rows in the destination after the last run.
    pub rows: Option<u64>,
    /// Its part in the last run.
    pub last: Option<TableReceipt>,
    /// Up to when it is complete.
    pub fresh_at: Option<String>,
}

/// Writes a connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SaveConnectionRequest {
    /// Its name.
    pub connection: String,
    /// The content of its file.
    #[ts(type = "unknown")]
    pub config: Value,
}

/// Pauses a connection, or lets it go on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PauseRequest {
    /// The connection.
    pub connection: String,
    /// Whether it is paused from now on.
    pub paused: bool,
}

/// A connection that is being set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConnectionDraft {
    /// Its name, or what it is called until it has one.
    pub name: String,
    /// When it was changed last.
    pub changed_at: String,
    /// Whatever the window needs to go on with it. Must not hold secrets.
    #[ts(type = "unknown")]
    pub content: Value,
}

/// Keeps a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SaveDraftRequest {
    /// Its name.
    pub name: String,
    /// Whatever the window needs to go on with it. Must not hold secrets.
    #[ts(type = "unknown")]
    pub content: Value,
}

/// Names a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DraftRequest {
    /// Its name.
    pub name: String,
}

/// The connection that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Prepared {
    /// Its name.
    pub connection: String,
}

/// A change of a source that a person should know of or decide about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct InboxEntry {
    /// Names it until it is decided.
    pub id: String,
    /// The connection.
    pub connection: String,
    /// What changed.
    pub drift: Drift,
    /// When it was found first.
    pub since: String,
    /// How often the connection has synced since, with or without this table.
    pub runs_since: usize,
    /// When the shape before it was accepted; none for new tables.
    pub accepted_at: Option<String>,
    /// What it means, in one sentence.
    pub effect: String,
    /// Whether nothing breaks whatever is chosen.
    pub harmless: bool,
    /// What can be chosen; `ask` means later.
    pub choices: Vec<DriftChoice>,
}

/// Decides about changes. Of several, only harmless ones are followed at once: each of the others is a decision of its
/// own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DecideRequest {
    /// Which ones.
    pub ids: Vec<String>,
    /// What to do; `ask` puts them off until tomorrow.
    pub choice: DriftChoice,
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Decided {
    /// The entries of the history, which can be undone until something follows from them.
    pub entries: Vec<i64>,
}

/// Takes decisions back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct UndoRequest {
    /// The entries of the history.
    pub entries: Vec<i64>,
}
