//! What is stored as JSON: the commit files and the description of a table.

use serde::{Deserialize, Serialize};
use syncline_protocol::{
    Column, Error, ErrorKind, Result, StoredCheckpoint, TableName, TablePosition, TargetName,
};

use super::disk;
use super::layout::Layout;

/// The format of commit files; a program that finds a higher one must not write.
const FORMAT: u32 = 1;

/// A Parquet file of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DataFile {
    pub(super) name: String,
    /// Rows in the file.
    pub(super) rows: u64,
    /// Rows that readers count: not softly deleted, current.
    pub(super) visible: u64,
    /// Size on disk.
    pub(super) bytes: u64,
}

/// One commit file: the whole truth about a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TableState {
    pub(super) format: u32,
    /// The table of the source.
    pub(super) table: TableName,
    /// The table it is written to.
    pub(super) target: TargetName,
    pub(super) fence: u64,
    pub(super) ordinal: u64,
    /// Counts changes of the files between two ordinals (a widened column).
    pub(super) revision: u32,
    pub(super) position: TablePosition,
    pub(super) committed_at: String,
    /// Rows so far.
    pub(super) rows: u64,
    /// Bytes (Arrow) so far.
    pub(super) bytes: u64,
    pub(super) checksum: u64,
    /// The files of the table.
    pub(super) files: Vec<DataFile>,
    /// The files of the copy that is built beside it, while one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) beside: Option<Vec<DataFile>>,
    /// The file with the quarantined rows, while there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) quarantine: Option<String>,
}

impl TableState {
    /// The state of a table before its first commit.
    pub(super) fn before(table: &TableName, target: &TargetName) -> Self {
        TableState {
            format: FORMAT,
            table: table.clone(),
            target: target.clone(),
            fence: 0,
            ordinal: 0,
            revision: 0,
            position: TablePosition::default(),
            committed_at: String::new(),
            rows: 0,
            bytes: 0,
            checksum: 0,
            files: Vec::new(),
            beside: None,
            quarantine: None,
        }
    }

    /// The checkpoint in it.
    pub(super) fn checkpoint(&self) -> StoredCheckpoint {
        StoredCheckpoint {
            table: self.table.clone(),
            fence: self.fence,
            ordinal: self.ordinal,
            position: self.position.clone(),
            committed_at: self.committed_at.clone(),
            rows: self.rows,
            bytes: self.bytes,
            checksum: self.checksum,
        }
    }

    /// Where it stands in the order of commits.
    pub(super) fn number(&self) -> (u64, u32) {
        (self.ordinal, self.revision)
    }

    pub(super) fn file_name(&self) -> String {
        format!("{:020}-{:06}.json", self.ordinal, self.revision)
    }

    /// All files it names.
    pub(super) fn all_files(&self) -> impl Iterator<Item = &DataFile> {
        self.files.iter().chain(self.beside.iter().flatten())
    }
}

/// The commit that a file name stands for.
pub(super) fn commit_number(name: &str) -> Option<(u64, u32)> {
    let (ordinal, revision) = name.strip_suffix(".json")?.split_once('-')?;
    Some((ordinal.parse().ok()?, revision.parse().ok()?))
}

/// The numbers of all commits in a folder, in ascending order, with their file names.
pub(super) fn commits(folder: &std::path::Path) -> Result<Vec<((u64, u32), String)>> {
    let mut found: Vec<_> = disk::names(folder)?
        .into_iter()
        .filter_map(|name| commit_number(&name).map(|number| (number, name)))
        .collect();
    found.sort();
    Ok(found)
}

/// The latest commit in a folder of commits.
pub(super) fn latest(folder: &std::path::Path) -> Result<Option<TableState>> {
    loop {
        let Some((number, name)) = commits(folder)?.pop() else { return Ok(None) };
        if let Some(state) = disk::read_json::<TableState>(&folder.join(&name))? {
            if state.format > FORMAT {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("`{}` was written by a newer version of Syncline.", state.target),
                ));
            }
            if state.number() == number {
                return Ok(Some(state));
            }
            let message = format!("The commit `{name}` says that it is another one.");
            return Err(Error::new(ErrorKind::CorruptInput, message).with("path", folder.display()));
        }
        // It was the latest, and is gone: a newer one has come.
    }
}

/// The latest commits of all tables of a connection.
pub(super) fn all_latest(layout: &Layout, connection: &str) -> Result<Vec<TableState>> {
    let folder = layout.connection(connection);
    let mut states = Vec::new();
    for name in disk::names(&folder)? {
        let commits = folder.join(name);
        if commits.is_dir() {
            states.extend(latest(&commits)?);
        }
    }
    states.sort_by(|left, right| left.table.cmp(&right.table));
    Ok(states)
}

/// The description of a table: `_syncline_table.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Description {
    /// All columns, with the types that its files have.
    pub(super) columns: Vec<Column>,
    /// The connection and the table of the source it is written by, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<(String, TableName)>,
}

impl Description {
    pub(super) fn read(layout: &Layout, target: &TargetName) -> Result<Option<Self>> {
        disk::read_json(&layout.description(target))
    }

    pub(super) fn write(&self, layout: &Layout, target: &TargetName) -> Result<()> {
        disk::replace(&layout.description(target), &disk::json(self)?)
    }

    /// The latest commit of the table, with the connection that wrote it.
    pub(super) fn state(&self, layout: &Layout) -> Result<Option<(String, TableState)>> {
        let Some((connection, table)) = &self.owner else { return Ok(None) };
        Ok(latest(&layout.commits(connection, table))?.map(|state| (connection.clone(), state)))
    }
}
