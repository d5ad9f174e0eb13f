//! What DuckDB says, as an [`Error`] of the contract.

use std::path::Path;

use syncline_protocol::{Error, ErrorKind};

use crate::create::is_cut;

/// DuckDB's own words, kept as the cause.
#[derive(Debug)]
struct Said(String);

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Said {}

/// The error for something that failed while `doing` ("writing rows").
pub(crate) fn failure(doing: &str, said: &str) -> Error {
    let has = |part: &str| said.contains(part);
    const FULL: [&str; 4] = ["No space left", "disk full", "not enough space", "File too large"];
    let (kind, message) = if FULL.into_iter().any(has) {
        (ErrorKind::DiskFull, format!("There is no space left on the disk while {doing}."))
    } else if said.starts_with("Out of Memory") || has("could not allocate block") {
        (ErrorKind::LimitExceeded, format!("DuckDB needs more memory than its `memory_limit` while {doing}."))
    } else if said.starts_with("TransactionContext") || has("write-write conflict") || has("Conflict on ") {
        (ErrorKind::Conflict, format!("Another writer changed the same rows while {doing}."))
    } else if has("Permission denied") || has("read-only mode") {
        (ErrorKind::Permission, format!("DuckDB may not write to its file while {doing}."))
    } else if said.starts_with("Catalog Error") && has("does not exist") {
        (ErrorKind::NotFound, format!("A table is missing in the DuckDB file while {doing}."))
    } else if said.starts_with("Conversion Error") || said.starts_with("Constraint Error") {
        (ErrorKind::Conflict, format!("Values do not fit while {doing}."))
    } else if said.starts_with("INTERRUPT") {
        (ErrorKind::Stopped, "The sync was stopped.".to_owned())
    } else {
        (ErrorKind::Internal, format!("DuckDB failed while {doing}."))
    };
    Error::new(kind, message).caused_by(Said(said.to_owned()))
}

/// The error for a file that could not be opened.
pub(crate) fn open_failure(path: &Path, said: &str) -> Error {
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let held = said.contains("Could not set lock")
        || said.contains("being used by another process")
        || said.contains("already open in");
    let error = if held {
        let message = match holder(said) {
            Some((program, process)) => format!("`{file}` is open in {program} (process {process})."),
            None => format!("`{file}` is open in another program."),
        };
        Error::new(ErrorKind::Locked, message)
    } else if said.contains("Permission denied") {
        Error::new(ErrorKind::Permission, format!("`{file}` may not be opened by this user."))
    } else if is_cut(path) {
        Error::new(ErrorKind::CorruptInput, format!("`{file}` is only the beginning of a DuckDB file."))
            .meaning("The program that made it was ended before it was whole. It holds no rows.")
            .fix("Remove the file: the next run makes it anew.")
    } else if said.contains("not a valid DuckDB database")
        || said.contains("Serialization Error")
        || said.contains("Could not read enough bytes")
    {
        Error::new(ErrorKind::CorruptInput, format!("`{file}` is not a DuckDB file, or a damaged one."))
    } else if said.contains("newer version") || said.contains("older version") {
        Error::new(ErrorKind::Unsupported, format!("`{file}` was written by another version of DuckDB."))
    } else if said.contains("No such file") || said.contains("cannot find the path") {
        Error::new(ErrorKind::NotFound, format!("The folder of `{file}` does not exist."))
    } else if said.starts_with("Invalid Input Error") || said.starts_with("Parser Error") {
        Error::new(ErrorKind::Config, "DuckDB did not accept its settings.")
    } else {
        failure(&format!("opening `{file}`"), said)
    };
    error.with("file", path.display()).caused_by(Said(said.to_owned()))
}

/// Program and process id from "Conflicting lock is held in /usr/bin/dbeaver (PID 4121) by user …".
fn holder(said: &str) -> Option<(String, u32)> {
    let (before, after) = said.split_once("(PID ")?;
    let process = after.split(')').next()?.trim().parse().ok()?;
    let program = ["held in ", "open in "]
        .iter()
        .find_map(|marker| before.rsplit_once(marker))
        .map_or("another program", |(_, program)| program.trim());
    // The path is of the system that wrote the message, so both separators count.
    let program = program.rsplit(['/', '\\']).next().unwrap_or(program).trim_end_matches(".exe");
    Some((if program.is_empty() { "another program" } else { program }.to_owned(), process))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_is_named() {
        let unix = "IO Error: Could not set lock on file \"/data/studio.duckdb\": Conflicting lock is held in \
                    /usr/share/dbeaver/DBeaver (PID 4121) by user ana. See also https://duckdb.org/docs";
        let error = open_failure(Path::new("/data/studio.duckdb"), unix);
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert_eq!(error.message(), "`studio.duckdb` is open in DBeaver (process 4121).");
        let windows = "IO Error: Cannot open file \"c:\\data\\studio.duckdb\": The process cannot access the file \
                       because it is being used by another process.\n\nFile is already open in \n\
                       C:\\Program Files\\DBeaver\\dbeaver.exe (PID 77)";
        let error = open_failure(Path::new("studio.duckdb"), windows);
        assert_eq!(error.message(), "`studio.duckdb` is open in dbeaver (process 77).");
        let unknown = "IO Error: Could not set lock on file \"x\": Resource temporarily unavailable";
        assert_eq!(open_failure(Path::new("x"), unknown).message(), "`x` is open in another program.");
    }
}
