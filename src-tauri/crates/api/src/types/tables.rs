use serde::{Deserialize, Serialize};
use syncline_protocol::{TableKind, TableName};
use ts_rs::TS;

/// Lists the tables of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DiscoverRequest {
    /// The source.
    pub source: String,
    /// Whether to ask the source again; otherwise what is known is answered, where something is.
    pub refresh: bool,
}

/// A table of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FoundTable {
    /// Its name.
    pub table: TableName,
    /// What it is.
    pub kind: TableKind,
    /// About how many rows it has.
    pub rows_estimate: Option<u64>,
    /// About how many bytes it takes.
    pub bytes_estimate: Option<u64>,
    /// Its columns.
    pub columns: Vec<FoundColumn>,
    /// The columns that identify a row.
    pub key: Vec<String>,
    /// Columns that could serve as the updated-at column, best first.
    pub cursors: Vec<FoundCursor>,
    /// How it is synced when nobody says otherwise.
    pub suggested: SuggestedSync,
    /// Why it cannot be read, when it cannot.
    pub unreadable: Option<String>,
    /// The description that the source keeps.
    pub comment: Option<String>,
}

/// A column of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FoundColumn {
    /// Its name.
    pub name: String,
    /// Its type, in the words of the source.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Whether null is possible.
    pub nullable: bool,
    /// Why it may hold personal data. A suggestion: nothing is done by itself.
    pub personal: Option<PersonalData>,
}

/// A guess that a column holds personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PersonalData {
    /// Of which kind, in a word: "e-mail".
    pub kind: String,
    /// Whether the guess is a strong one ("likely") or not ("possible").
    pub likely: bool,
    /// Why, in a few words.
    pub evidence: String,
    /// What is usually done about it.
    pub suggestion: PersonalDataSuggestion,
}

/// What is usually done about personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum PersonalDataSuggestion {
    /// Replace values by codes.
    Hash,
    /// Leave the column out.
    Exclude,
}

/// A column that tells which rows are new or changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FoundCursor {
    /// The column.
    pub column: String,
    /// Why it is proposed.
    pub reason: String,
}

/// How rows are kept, as project files call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// One row per key, the latest version.
    Merge,
    /// Every change is a row.
    Append,
    /// A full copy, swapped in.
    Replace,
    /// One row per version.
    History,
}

/// How a table is synced when nobody says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct SuggestedSync {
    /// How rows are kept.
    pub mode: SyncMode,
    /// The updated-at column; none when no column plainly says when a row was changed, since a wrong one would miss
    /// changes in silence.
    pub cursor: Option<String>,
}

/// Looks for tables and columns in what is known of a source. For sources with very many tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TableSearchRequest {
    /// The source.
    pub source: String,
    /// Words that must all occur in the name of the table or of one of its columns. `type:json`, `key:none` and
    /// `personal` select by what columns are. Empty: all tables.
    pub query: String,
    /// How many tables to leave out at the beginning.
    pub offset: usize,
    /// At most this many tables.
    pub limit: usize,
}

/// A window of the tables that were found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct TableSearchResult {
    /// The tables of the window.
    pub tables: Vec<MatchingTable>,
    /// How many tables match.
    pub matching_tables: usize,
    /// How many columns match, in all tables.
    pub matching_columns: usize,
    /// How many tables the source has.
    pub total: usize,
    /// When the source was asked.
    pub discovered_at: String,
}

/// A table that matches a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MatchingTable {
    /// The table.
    pub table: FoundTable,
    /// The names of its columns that match.
    pub columns: Vec<String>,
}
