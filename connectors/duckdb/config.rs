use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, Result};

/// What a project file says about a DuckDB destination.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuckDbConfig {
    /// The file, relative to the project folder. It is created when it is missing.
    pub path: String,
    /// The schema for tables whose connection names none.
    #[serde(default = "default_schema")]
    pub schema: String,
    /// How much memory DuckDB may use for its buffers, for example `512MB`. Larger merges spill to disk beside the
    /// file.
    #[serde(default = "default_memory_limit")]
    pub memory_limit: String,
    /// How many threads DuckDB may use for one statement.
    #[serde(default = "default_threads")]
    pub threads: u16,
}

fn default_schema() -> String {
    "main".to_owned()
}

fn default_memory_limit() -> String {
    "512MB".to_owned()
}

fn default_threads() -> u16 {
    2
}

impl DuckDbConfig {
    /// The settings the database is opened with.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("memory_limit", self.memory_limit.clone()),
            ("threads", self.threads.to_string()),
            // Rows of a table have no order; keeping one costs memory in every large statement.
            ("preserve_insertion_order", "false".to_owned()),
            // Bulk loads go straight to the file and leave only references in the log. A checkpoint after each of
            // them would rewrite metadata for nothing; there is one at close.
            ("checkpoint_threshold", "256MB".to_owned()),
            // What is needed is built in; a sync must never download code.
            ("autoinstall_known_extensions", "false".to_owned()),
        ]
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let wrong = |what: &str| Err(Error::new(ErrorKind::Config, format!("DuckDB: {what}.")));
        if self.path.trim().is_empty() {
            return wrong("`path` names no file");
        }
        if self.path.contains('\0') || self.schema.contains('\0') {
            return wrong("a name holds the character U+0000");
        }
        if self.schema.trim().is_empty() {
            return wrong("`schema` is empty");
        }
        if self.threads == 0 {
            return wrong("`threads` must be at least 1");
        }
        Ok(())
    }
}
