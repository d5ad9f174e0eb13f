//! Making a connector from what an API shows of itself: a description, a sample, a request. What crosses between the
//! window, where somebody looks and clicks, and the program, which guesses, asks and proves.
//!
//! A draft is the text of a manifest, always. Guesses only point into it.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use secrecy::SecretString;

use crate::connector::{Connector, Tape};
use crate::error::Result;

mod help;

pub use help::{Bounds, FailedDraft, HelpMessage, HelpRequest, HelpWanted, HelpedDraft, HelpedTable, Helper};

/// What a connector is made from.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DraftFrom {
    /// An OpenAPI description: 3.x or 2.0, as JSON or YAML. Either its text or its address.
    OpenApi {
        /// The text; none: it is fetched.
        text: Option<String>,
        /// Where it lies; relative addresses in it begin there.
        url: Option<String>,
        /// The operations that become tables, by id; none: those that look like lists.
        chosen: Option<Vec<String>>,
    },
    /// An answer of the API.
    Sample {
        /// JSON; none: the address is asked.
        text: Option<String>,
        /// The address that gave it.
        url: Option<String>,
    },
    /// A request as it was copied from a browser or a documentation page.
    Curl {
        /// The command.
        text: String,
    },
    /// Nothing.
    Empty,
}

/// A connector that is being made.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// A name that fits.
    pub name: String,
    /// What the API calls itself.
    pub title: String,
    /// The manifest.
    pub yaml: String,
    /// What in it was guessed.
    pub guesses: Vec<Guess>,
    /// What a description offers, lists first.
    pub operations: Vec<Operation>,
    /// What of the input could not be used.
    pub problems: Vec<InputProblem>,
    /// The answer it was made from.
    pub sample: Option<String>,
    /// Where in the command the secrets stand; they are not repeated.
    pub secrets: Vec<SecretPlace>,
}

/// A value that nobody confirmed yet.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Guess {
    /// Where it stands in the manifest.
    pub path: Vec<String>,
    /// Why it was guessed.
    pub because: Evidence,
}

/// Why something was guessed.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// The names of parameters of the request.
    Parameters {
        /// The names.
        names: Vec<String>,
    },
    /// The description says so.
    Described {
        /// Where.
        place: String,
    },
    /// The answer has one array only.
    OnlyArray {
        /// How many rows it has.
        rows: u64,
    },
    /// The answer has several arrays.
    LargestArray {
        /// How many rows it has.
        rows: u64,
        /// How many arrays there are.
        arrays: u64,
    },
    /// There is no array: the answer itself is a row.
    NoArray,
    /// No two rows have the same.
    Unique {
        /// Of so many rows.
        rows: u64,
    },
    /// All values are times.
    Times {
        /// Of so many rows.
        rows: u64,
        /// Their format.
        format: String,
    },
    /// The answer has such a field.
    Answer {
        /// Where.
        place: String,
    },
    /// The request that was given.
    Request,
    /// The path has the key of another table.
    InPath {
        /// The parameter.
        parameter: String,
        /// The path of the other table.
        parent: String,
    },
    /// What most APIs do.
    Usual,
}

/// An operation of a description.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// `GET /v2/tickets`.
    pub id: String,
    /// What it is for.
    pub summary: Option<String>,
    /// The name its table would have.
    pub table: String,
    /// Whether its answer is a list.
    pub lists: bool,
    /// Whether it is a table of the draft.
    pub chosen: bool,
    /// Parameters of the path that no other table gives.
    pub needs: Vec<String>,
    /// The operation whose rows it is asked for.
    pub parent: Option<String>,
}

/// Something of the input that cannot be used.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputProblem {
    /// The line, from 1.
    pub line: Option<u32>,
    /// What is wrong.
    pub message: String,
}

/// Where a secret stands in a text.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretPlace {
    /// The field of the settings it belongs to.
    pub field: String,
    /// Its first letter, in UTF-16 units.
    pub from: u32,
    /// After its last letter.
    pub to: u32,
}

/// What an answer shows.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// Arrays that could be the rows, the best first.
    pub arrays: Vec<FoundArray>,
    /// Fields of the rows that could be the key, the best first.
    pub keys: Vec<FoundField>,
    /// Fields that could tell which rows are new, the best first.
    pub times: Vec<FoundField>,
    /// Fields that could lead to the next page.
    pub next: Vec<FoundNext>,
}

/// An array of an answer.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundArray {
    /// Where.
    pub path: Vec<String>,
    /// How many items it has.
    pub rows: u64,
}

/// A field of the rows.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundField {
    /// Its name.
    pub field: String,
    /// Why.
    pub because: Evidence,
}

/// A field that leads to the next page.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundNext {
    /// Where.
    pub path: Vec<String>,
    /// Whether it is an address; else a text to be sent along.
    pub link: bool,
}

/// What a manifest says, and what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Look {
    /// Its tables, and why one cannot be read.
    pub tables: Vec<(String, Option<String>)>,
    /// The JSON Schema of its settings.
    pub settings: Value,
    /// Why it cannot be loaded.
    pub problem: Option<InputProblem>,
}

/// Asks a table for its first rows.
pub struct Trial {
    /// The manifest.
    pub yaml: String,
    /// The table.
    pub table: String,
    /// The settings, with secrets.
    pub config: Value,
    /// Answers that were recorded are given again, and nothing is sent.
    pub replay: bool,
    /// Asks a second time, for what is newer than a row in the middle of the first answer.
    pub twice: bool,
    /// Secrets that are shown nowhere, besides those that the manifest calls so.
    pub secrets: Vec<SecretString>,
    /// What may be sent; none: whatever the manifest says.
    pub bounds: Option<Bounds>,
}

/// What came of it.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// What was sent and answered, in order.
    pub exchanges: Vec<Exchange>,
    /// The columns of the rows.
    pub columns: Vec<TrialColumn>,
    /// The first rows, as text that is ready to be shown.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many rows came.
    pub row_count: u64,
    /// It stopped because there was enough.
    pub limited: bool,
    /// What it shows, worst first.
    pub findings: Vec<TrialFinding>,
    /// What the first answer shows.
    pub examined: Examined,
    /// A JSON Schema of the rows.
    #[cfg_attr(feature = "typescript", ts(type = "unknown"))]
    pub schema: Value,
    /// Milliseconds in all.
    pub duration_ms: u64,
    /// All answers were recorded ones.
    pub replayed: bool,
    /// The recording ends with this program, because no key can be had to seal it. Whoever keeps recordings says so.
    pub recording_ends: bool,
    /// What the requests tell of a table that is asked once for each row of another one.
    pub divided: Option<Divided>,
}

/// How the requests of a table that is divided among the rows of another one went.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divided {
    /// Requests for rows of the other table.
    pub parent_pages: u64,
    /// Rows that they gave.
    pub parents: u64,
    /// The requests stopped before there were no more of them.
    pub more: bool,
    /// So many of the rows were asked about to the end.
    pub asked: u64,
    /// Requests for that.
    pub pages: u64,
    /// Milliseconds of a request, on average; of recorded ones nothing.
    pub request_ms: Option<u64>,
}

/// A request and its answer.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// `GET` …
    pub method: String,
    /// The address, secrets masked.
    pub url: String,
    /// The headers that were sent, secrets masked.
    pub headers: Vec<(String, String)>,
    /// The body that was sent, secrets masked.
    pub body: Option<String>,
    /// The status; 0: there was no answer.
    pub status: u16,
    /// Milliseconds.
    pub duration_ms: u64,
    /// Headers of the answer that tell about limits.
    pub limits: Vec<(String, String)>,
    /// What kind of text the answer says it is.
    pub content_type: String,
    /// The answer, secrets masked, as far as it is shown.
    pub answer: String,
    /// The answer is longer.
    pub cut: bool,
    /// Rows at the place where rows should be.
    pub rows: Option<u64>,
    /// It belongs to the second run.
    pub second: bool,
}

/// A column of a trial.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialColumn {
    /// Its name.
    pub name: String,
    /// The kinds of values that were seen, with how many.
    pub seen: Vec<(String, u64)>,
    /// The type it lands as; empty until somebody who knows types fills it in.
    pub lands_as: String,
}

/// The part of the form that something belongs to.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuilderField {
    /// The manifest as a whole.
    Manifest,
    /// The address of the API.
    Address,
    /// How one signs in.
    SignIn,
    /// The path of a table.
    Path,
    /// Where the rows are.
    Rows,
    /// How one comes from page to page.
    Pages,
    /// The key.
    Key,
    /// How new rows are told.
    Incremental,
    /// The columns.
    Schema,
    /// What is done about failures.
    Errors,
}

/// How good or bad a finding is.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It does not work.
    Problem,
    /// It works, but something is not proved.
    Unproved,
    /// It was proved by requests.
    Proved,
}

/// What a trial shows about a part of the form.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialFinding {
    /// How good or bad.
    pub severity: Severity,
    /// Where.
    pub field: BuilderField,
    /// What.
    pub what: Found,
}

/// What was found.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[allow(missing_docs)] // the names say it; the sentences stand in the catalogue of messages
pub enum Found {
    NotLoaded {
        message: String,
        line: Option<u32>,
    },
    NotSignedIn {
        status: u16,
        sent: String,
    },
    Forbidden {
        url: String,
    },
    NoSuchPath {
        url: String,
    },
    WebPage {
        url: String,
    },
    NotJson {
        url: String,
    },
    ServerFailed {
        status: u16,
    },
    AskedTooOften {
        wait: Option<u64>,
    },
    Refused {
        status: u16,
        message: String,
    },
    Unreachable {
        message: String,
    },
    NotRecorded,
    /// A request went beyond what was allowed, and was not sent.
    OutOfBounds {
        method: String,
        host: String,
    },
    Failed {
        message: String,
        fix: String,
    },
    /// No rows where they should be; there is an array elsewhere.
    NoRows {
        at: String,
        other: Option<FoundArray>,
    },
    /// The whole answer was taken as one row; there is an array in it.
    OneObject {
        other: FoundArray,
    },
    RowsFound {
        rows: u64,
    },
    PageRepeats,
    OnePage {
        rows: u64,
        size: Option<u64>,
    },
    PagesProved {
        pages: u64,
        rows: u64,
    },
    NextSeen {
        path: Vec<String>,
        link: bool,
    },
    KeyUnique {
        key: Vec<String>,
        rows: u64,
    },
    KeyDoubled {
        key: Vec<String>,
        doubled: u64,
        rows: u64,
    },
    KeyMissing {
        key: Vec<String>,
        missing: u64,
    },
    KeyUnset {
        candidate: Option<String>,
    },
    TimeMissing {
        field: String,
    },
    TimeFormat {
        field: String,
        example: String,
        format: Option<String>,
    },
    NewerProved {
        since: String,
        rows: u64,
        of: u64,
    },
    FilterIgnored {
        parameter: Option<String>,
        since: String,
        older: u64,
        rows: u64,
    },
    NewerUnproved {
        since: String,
    },
    Mixed {
        column: String,
        seen: Vec<(String, u64)>,
    },
}

/// Makes connectors.
#[async_trait]
pub trait ConnectorBuilder: Send + Sync {
    /// A draft from what an API shows.
    ///
    /// # Errors
    /// `CorruptInput`, with the line, when the input cannot be read; as for any request when it is fetched.
    async fn draft(&self, from: DraftFrom) -> Result<Draft>;

    /// What the text of a manifest says.
    fn look(&self, yaml: &str) -> Look;

    /// What an answer shows, with the rows at this path.
    ///
    /// # Errors
    /// `CorruptInput`, with the line, when it is no JSON.
    fn examine(&self, answer: &str, rows: Option<&[String]>) -> Result<Examined>;

    /// Asks a table for its first rows. What goes wrong is a finding.
    async fn trial(&self, trial: Trial) -> TrialResult;

    /// Whether a model can be asked at all: by its address, and without giving its key away.
    ///
    /// # Errors
    /// `Config`, when it cannot.
    fn may_help(&self, helper: &Helper) -> Result<()>;

    /// What a model is told, word for word.
    fn help_messages(&self, wanted: &HelpWanted) -> Vec<HelpMessage>;

    /// The hosts that a manifest and its settings name, and whether it sends more than questions.
    fn bounds(&self, yaml: &str, config: &Value) -> Bounds;

    /// Asks a model for a draft, and proves it. What the draft does wrong is part of the answer.
    ///
    /// # Errors
    /// `Authentication`, `RateLimited`, `Timeout`, `CorruptInput` and as for any request, when the model does not answer.
    async fn help(&self, request: HelpRequest) -> Result<HelpedDraft>;

    /// Whether answers were recorded since they were last kept.
    fn has_new_recordings(&self) -> bool;

    /// Puts all recorded answers on a tape.
    fn keep_recordings(&self, tape: &dyn Tape);

    /// Takes recorded answers from a tape, beside those that are here.
    fn take_recordings(&self, answers: Vec<Vec<u8>>);

    /// Keeps the manifest in the project; the connector it makes. `beside`: as the next version, beside those that are
    /// there; else the newest one is replaced.
    ///
    /// # Errors
    /// `Config`, when it is not valid or the name is taken by a connector of the program: then nothing is changed.
    fn save(
        &self,
        project: &std::path::Path,
        name: &str,
        yaml: &str,
        beside: bool,
    ) -> Result<Arc<dyn Connector>>;

    /// The manifest of a connector of the project.
    ///
    /// # Errors
    /// `Config`, when there is none.
    fn open(&self, project: &std::path::Path, name: &str) -> Result<String>;
}
