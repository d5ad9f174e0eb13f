use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use syncline_protocol::builder::{Guess, InputProblem};
use ts_rs::TS;

use super::{FormField, SecretText};

/// Asks what a manifest says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LookRequest {
    /// Its text.
    pub yaml: String,
}

/// What it says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LookAnswer {
    /// Its tables.
    pub tables: Vec<LookedTable>,
    /// The form of its settings.
    pub fields: Vec<FormField>,
    /// Why it cannot be loaded.
    pub problem: Option<InputProblem>,
}

/// A table of a manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LookedTable {
    /// Its name.
    pub name: String,
    /// Why it cannot be read.
    pub problem: Option<String>,
}

/// Asks what an answer shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ExamineRequest {
    /// The answer, JSON.
    pub answer: String,
    /// Where its rows are; null: at the likeliest place.
    pub rows: Option<Vec<String>>,
}

/// Asks a table of a draft for its first rows.
#[derive(Debug, Clone, Deserialize, TS)]
pub struct TrialRequest {
    /// The manifest.
    pub yaml: String,
    /// The table.
    pub table: String,
    /// The settings, without secrets.
    #[ts(type = "Record<string, unknown>")]
    pub config: Value,
    /// The secrets, by path.
    pub secrets: BTreeMap<String, SecretText>,
    /// Recorded answers are given again, and nothing is sent.
    pub replay: bool,
    /// Asks a second time, for what is newer.
    pub twice: bool,
}

/// Keeps a manifest as a connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SaveConnectorRequest {
    /// The name.
    pub name: String,
    /// The manifest.
    pub yaml: String,
    /// Whether there may be one of this name: what is used then stays, and this one follows it as the next version; what
    /// nobody uses is replaced.
    pub replace: bool,
}

/// A connector that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SavedConnector {
    /// Its version.
    pub version: String,
    /// Whether it stands beside versions that are used. They stay in use until somebody upgrades.
    pub beside: bool,
}

/// Asks for the manifest of a connector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OpenConnectorRequest {
    /// Its name.
    pub name: String,
}

/// A manifest of the project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct OpenedConnector {
    /// The manifest.
    pub yaml: String,
    /// The sources that use it.
    pub used_by: Vec<String>,
}

/// A draft that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct KeptDraft {
    /// Its name.
    pub name: String,
    /// The manifest.
    pub yaml: String,
    /// What nobody confirmed yet.
    pub guesses: Vec<Guess>,
    /// The answer it was made from, when it is not large.
    pub sample: Option<String>,
    /// The name of the connector that it changes; null: it is a new one.
    pub changes: Option<String>,
}

/// Forgets a draft.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ForgetDraftRequest {
    /// Its name.
    pub name: String,
}

/// An API to learn with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PracticeApi {
    /// Which one it is; windows know what to say of it.
    pub id: String,
    /// Its OpenAPI description; null: it has none.
    pub openapi: Option<String>,
    /// An address that gives an answer.
    pub sample: Option<String>,
    /// What lets one in; it protects nothing.
    pub key: Option<String>,
}
