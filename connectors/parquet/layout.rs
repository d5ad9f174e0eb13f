//! Where things lie in the folder.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use syncline_protocol::{TableName, TargetName};
use xxhash_rust::xxh3::xxh3_64;

/// The schema of tables whose connection names none.
pub(super) const DEFAULT_SCHEMA: &str = "main";
/// Longest name of a folder that is written as it is; a longer one is cut and made unique by a hash.
const NAME_BYTES_MAX: usize = 180;

/// The folder, and the paths in it.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) root: PathBuf,
}

impl Layout {
    /// The folder whose `*.parquet` are the table.
    pub(super) fn table(&self, target: &TargetName) -> PathBuf {
        let schema = target.schema.as_deref().unwrap_or(DEFAULT_SCHEMA);
        self.root.join(file_name(schema)).join(file_name(&target.name))
    }

    /// The description of a table.
    pub(super) fn description(&self, target: &TargetName) -> PathBuf {
        self.table(target).join("_syncline_table.json")
    }

    /// The folder with the fences of a connection, and a folder with the commits of each of its tables.
    pub(super) fn connection(&self, connection: &str) -> PathBuf {
        self.root.join("_syncline_commits").join(file_name(connection))
    }

    /// The folder with the commits of one table.
    pub(super) fn commits(&self, connection: &str, table: &TableName) -> PathBuf {
        self.connection(connection).join(file_name(&table.to_string()))
    }

    /// The folder with files of a connection that are not part of a table, or not yet.
    pub(super) fn staged(&self, connection: &str) -> PathBuf {
        self.root.join("_syncline_staged").join(file_name(connection))
    }

    /// A data file that is not in its table's folder.
    pub(super) fn staged_file(&self, connection: &str, name: &str) -> PathBuf {
        // Without the ending of a Parquet file, so that no reader takes it for one.
        self.staged(connection).join(format!("{name}.part"))
    }

    /// The folder with quarantined rows.
    pub(super) fn quarantine(&self, connection: &str) -> PathBuf {
        self.root.join("_syncline_quarantine").join(file_name(connection))
    }

    /// Where a data file of a table is: in its folder, or still (or again) staged. Publishing moves it from there to
    /// here, so who looks in this order, twice, finds it.
    pub(super) fn find(&self, connection: &str, target: &TargetName, name: &str) -> PathBuf {
        let (published, staged) = (self.table(target).join(name), self.staged_file(connection, name));
        if !published.exists() && staged.exists() { staged } else { published }
    }
}

/// What the files of a connection's tables are called first: `segment-<hash of the connection>-`.
pub(super) fn segment_prefix(connection: &str) -> String {
    format!("segment-{:08x}-", short_hash(connection))
}

/// A hash that tells a few names apart in the name of a file.
pub(super) fn short_hash(name: &str) -> u32 {
    xxh3_64(name.as_bytes()) as u32
}

/// Any name as a name that every file system takes and no two names share, whatever the case: what is not a lower-case
/// letter, digit, `-` or (inside) `_`, `.` or space is written as `%` and two hex digits.
///
/// Upper-case letters are kept as they are when the name has no other: the engine makes sure that names differ in more
/// than their case, because this destination says it does not tell them apart.
pub(super) fn file_name(name: &str) -> String {
    let mut safe = String::with_capacity(name.len());
    for (at, byte) in name.bytes().enumerate() {
        let inside = at > 0 && at + 1 < name.len();
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => safe.push(byte as char),
            b'_' if at > 0 => safe.push('_'),
            b'.' | b' ' if inside => safe.push(byte as char),
            // Writing to a String cannot fail.
            _ => drop(write!(safe, "%{byte:02X}")),
        }
    }
    if safe.is_empty() {
        return "%".to_owned();
    }
    if is_device(&safe) {
        safe.insert(0, '%'); // no escape begins with `%` and a letter beyond F
    }
    if safe.len() > NAME_BYTES_MAX {
        safe.truncate(NAME_BYTES_MAX - 18); // the hash and its marks take 18
        let _ = write!(safe, "%-{:016x}", xxh3_64(name.as_bytes()));
    }
    safe
}

/// Whether Windows takes a name for a device.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).to_ascii_uppercase();
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|last: char| last.is_ascii_digit()))
}

/// Whether a path is one that a table of ours could have; used before anything is removed.
pub(super) fn is_segment(name: &str, connection: &str) -> bool {
    name.starts_with(&segment_prefix(connection))
        && Path::new(name).extension().is_some_and(|end| end == "parquet")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_safe() {
        for (name, expected) in [
            ("orders", "orders"),
            ("Order Lines", "Order Lines"),
            ("_syncline_commits", "%5Fsyncline_commits"),
            ("..", "%2E%2E"),
            ("a/b\\c:d", "a%2Fb%5Cc%3Ad"),
            ("", "%"),
            ("con", "%con"),
            ("Lpt1.x", "%Lpt1.x"),
            ("ü", "%C3%BC"),
        ] {
            assert_eq!(file_name(name), expected);
        }
    }

    proptest! {
        #[test]
        fn different_names_stay_different(left in "[a-c%/._ 0-9é]{0,6}", right in "[a-c%/._ 0-9é]{0,6}") {
            prop_assert_eq!(left == right, file_name(&left) == file_name(&right));
        }

        #[test]
        fn any_name_is_one_short_path_element(name in ".{0,300}") {
            let safe = file_name(&name);
            prop_assert!(safe.len() <= NAME_BYTES_MAX && !safe.is_empty());
            prop_assert!(!safe.contains(['/', '\\', ':', '\0']) && safe != "." && safe != "..");
        }
    }
}
