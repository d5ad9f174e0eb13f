//! Help from a language model: what it is told, what it answers, and what requests prove of that.
//!
//! A model is told nothing that the person has not seen first: the messages are made, shown, and only then sent, as they
//! were shown. What comes back is a text from elsewhere, and is treated as one: it may ask only hosts that the person
//! has named, and it counts when requests prove it.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{InputProblem, TrialResult};

/// A language model that answers as OpenAI's does.
#[derive(Debug, Clone)]
pub struct Helper {
    /// Its address, without `/chat/completions`.
    pub url: String,
    /// The name of the model.
    pub model: String,
    /// What lets one in; none: nothing is needed.
    pub key: Option<SecretString>,
}

/// What somebody wants help with, and what may be told of it.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HelpWanted {
    /// The manifest as it is.
    pub yaml: String,
    /// What it should do, in words.
    pub wish: String,
    /// A description of the API; null: it is not told.
    pub description: Option<String>,
    /// An answer of the API; null: it is not told.
    pub sample: Option<String>,
    /// Whether values of that answer, and what the API said of failures, are told, too. Without it only names and kinds
    /// are.
    pub values: bool,
    /// Drafts that it gave before, and why they do not pass.
    pub earlier: Vec<FailedDraft>,
}

/// A draft that did not pass.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FailedDraft {
    /// What the model said.
    pub answer: String,
    /// Why it does not pass.
    pub failed: Vec<String>,
}

/// A message to a model, as it is sent.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HelpMessage {
    /// `system`, `user` or `assistant`.
    pub role: String,
    /// What is said.
    pub content: String,
}

/// What requests may be sent.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Only to these hosts, with the port where it is not the usual one.
    pub hosts: Vec<String>,
    /// Not only GET and HEAD, but POST as well.
    pub post: bool,
}

/// Asks a model, and proves what it answers.
#[derive(Debug, Clone)]
pub struct HelpRequest {
    /// Who is asked.
    pub helper: Helper,
    /// What it is told.
    pub messages: Vec<HelpMessage>,
    /// How long it may take to answer.
    pub patience: Duration,
    /// The settings for the proof, with secrets.
    pub config: Value,
    /// The secrets among them.
    pub secrets: Vec<SecretString>,
    /// Recorded answers are the proof, and nothing is sent to the API.
    pub replay: bool,
    /// What the draft may ask.
    pub bounds: Bounds,
    /// Whether what is told of failures may hold what the API answered.
    pub values: bool,
}

/// A draft of a model, and what came of it.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct HelpedDraft {
    /// The manifest; null: there was none in the answer.
    pub yaml: Option<String>,
    /// What the model said, as far as it is kept.
    pub answer: String,
    /// Why the manifest cannot be loaded.
    pub problem: Option<InputProblem>,
    /// What its tables gave.
    pub tables: Vec<HelpedTable>,
    /// Tables beyond those that are tried at once.
    pub untried: Vec<String>,
    /// Every table gave rows, and no request contradicts it.
    pub proved: bool,
    /// Why it does not pass, in words for the model.
    pub failed: Vec<String>,
}

/// A table of such a draft.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HelpedTable {
    /// Its name.
    pub table: String,
    /// What its requests show.
    pub result: TrialResult,
}
