use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Error, ErrorKind, Result};

use crate::budget::Limits;
use crate::database::Settings;

/// What a project file says about a DuckDB destination.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DuckDbConfig {
    /// The file, relative to the project folder. It is created when it is missing.
    pub path: String,
    /// The schema for tables whose connection names none.
    #[serde(default = "default_schema")]
    pub schema: String,
    /// How much memory DuckDB may use for its buffers while it merges, for example `512MB` or `4GB`. Larger merges spill
    /// to disk beside the file. Loading new rows takes less.
    #[serde(default = "default_memory_limit")]
    pub memory_limit: String,
    /// How many threads DuckDB may use for one merge.
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
    ///
    /// # Errors
    /// `Config` when `memory_limit` is not a size.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let limits = Limits { memory: bytes(&self.memory_limit)?, threads: self.threads };
        let values = vec![
            ("memory_limit", format!("{}B", limits.memory)),
            ("threads", limits.threads.to_string()),
            // Rows of a table have no order; keeping one costs memory in every large statement.
            ("preserve_insertion_order", "false".to_owned()),
            // Bulk loads go straight to the file and leave only references in the log. A checkpoint after each of
            // them would rewrite metadata for nothing; there is one at close.
            ("checkpoint_threshold", "256MB".to_owned()),
            // What is needed is built in; a sync must never download code.
            ("autoinstall_known_extensions", "false".to_owned()),
        ];
        Ok(Settings { values, limits })
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

/// The bytes of a size like `512MB`, in the units of DuckDB: `MB` is a million, `MiB` is 2^20.
fn bytes(size: &str) -> Result<u64> {
    let size = size.trim();
    let digits = size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len());
    let (number, unit) = size.split_at(digits);
    let unit: Option<u64> = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => Some(1),
        "kb" => Some(1000),
        "mb" => Some(1000_u64.pow(2)),
        "gb" => Some(1000_u64.pow(3)),
        "tb" => Some(1000_u64.pow(4)),
        "kib" => Some(1 << 10),
        "mib" => Some(1 << 20),
        "gib" => Some(1 << 30),
        "tib" => Some(1 << 40),
        _ => None,
    };
    let bytes = number.parse::<u64>().ok().zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
    bytes.filter(|bytes| *bytes > 0).ok_or_else(|| {
        let message =
            format!("DuckDB: `memory_limit` is `{size}`, which is not a size such as `512MB` or `4GB`.");
        Error::new(ErrorKind::Config, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_duckdb_reads_them() {
        for (size, expected) in
            [("512MB", 512_000_000), (" 4 GiB ", 4 << 30), ("10b", 10), ("1tb", 1_000_000_000_000)]
        {
            assert_eq!(bytes(size).unwrap(), expected, "{size}");
        }
        for wrong in ["", "MB", "512", "0MB", "-1GB", "1.5GB", "80%", "99999999999TB"] {
            assert_eq!(bytes(wrong).unwrap_err().kind(), ErrorKind::Config, "{wrong}");
        }
    }
}
