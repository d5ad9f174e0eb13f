//! Which files a read covers. Parts are files, or the row groups of a Parquet file.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use syncline_protocol::{Part, PartKind, ReadMode, ReadPlan, Result, TablePosition, TableRead};
use xxhash_rust::xxh3::xxh3_64;

use super::content::Format;
use super::listing::FoundFile;
use super::parquet;
use super::rows::{FILE, LINE};
use super::tables::Table;

/// The plan as it lies in the position.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Whether later plans read only what is new.
    incremental: bool,
    /// Whether it covers all files.
    full: bool,
    /// The files that earlier plans have read and that are still there: 16 hexadecimal digits each, one after the
    /// other. A position is written with every commit, so it has to stay small with thousands of files.
    seen: String,
    /// The files to read.
    pub(super) files: Vec<PlannedFile>,
}

/// A file to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlannedFile {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) modified: i64,
    /// Rows of each row group, in a Parquet file: each is a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    groups: Option<Vec<u64>>,
}

/// What the payload of a part says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Piece {
    /// The number of the file in the plan.
    pub(super) file: usize,
    /// The row group, in a Parquet file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<usize>,
}

impl PlannedFile {
    /// Whether the file is the one that was planned.
    pub(super) fn is(&self, found: &FoundFile) -> bool {
        (self.name.as_str(), self.size, self.modified) == (found.name.as_str(), found.size, found.modified)
    }

    fn code(&self) -> String {
        code(&self.name, self.size, self.modified)
    }
}

/// What tells a file, as it is now, from all others.
fn code(name: &str, size: u64, modified: i64) -> String {
    format!("{:016x}", xxh3_64(format!("{size} {modified} {name}").as_bytes()))
}

/// See [`syncline_protocol::SourceSession::plan`].
pub(super) fn plan(table: &Table, read: &TableRead, position: Option<&TablePosition>) -> Result<ReadPlan> {
    let incremental = matches!(read.mode, ReadMode::Incremental { .. });
    let stored: Option<Plan> = position
        .and_then(|position| serde_json::from_value(position.plan.clone()).ok())
        .filter(|plan: &Plan| plan.incremental == incremental);
    let complete = position.is_some_and(|position| position.complete);
    match stored {
        Some(plan) if !complete && plan.goes_on(table) => {
            // Files that changed meanwhile are no longer those that this plan reads: the next one reads them again.
            let changed = incremental && !plan.files.iter().all(|planned| planned.found_in(table).is_some());
            Ok(plan.parts(read, true, changed))
        }
        Some(plan) if complete && incremental => {
            let read_before: HashSet<String> =
                plan.seen_codes().chain(plan.files.iter().map(PlannedFile::code)).collect();
            let is_seen =
                |file: &FoundFile| read_before.contains(&code(&file.name, file.size, file.modified));
            let (seen, new): (Vec<_>, Vec<_>) = table.files.iter().partition(|part| is_seen(&part.file));
            let seen =
                seen.iter().map(|part| code(&part.file.name, part.file.size, part.file.modified)).collect();
            let files = new.into_iter().map(planned).collect::<Result<_>>()?;
            Ok(Plan { incremental, full: false, seen, files }.parts(read, false, false))
        }
        _ => {
            let files = table.files.iter().map(planned).collect::<Result<_>>()?;
            Ok(Plan { incremental, full: true, seen: String::new(), files }.parts(read, false, false))
        }
    }
}

fn planned(part: &super::tables::TableFile) -> Result<PlannedFile> {
    let groups = match part.format {
        Format::Parquet => Some(parquet::footer(&part.file)?.groups),
        _ => None,
    };
    let file = &part.file;
    Ok(PlannedFile { name: file.name.clone(), size: file.size, modified: file.modified, groups })
}

impl PlannedFile {
    fn found_in<'t>(&self, table: &'t Table) -> Option<&'t FoundFile> {
        table.files.iter().map(|part| &part.file).find(|file| self.is(file))
    }
}

impl Plan {
    fn seen_codes(&self) -> impl Iterator<Item = String> {
        self.seen.as_bytes().chunks_exact(16).map(|code| String::from_utf8_lossy(code).into_owned())
    }

    /// Whether parts that are done are still worth something. A full copy has to be of one state of the files.
    fn goes_on(&self, table: &Table) -> bool {
        self.incremental
            || (self.files.len() == table.files.len()
                && self.files.iter().zip(&table.files).all(|(planned, part)| planned.is(&part.file)))
    }

    fn parts(&self, read: &TableRead, continues: bool, follow_up: bool) -> ReadPlan {
        let mut parts = Vec::new();
        let mut add = |piece: Piece, rows_estimate| {
            parts.push(Part {
                index: parts.len() as u32,
                kind: PartKind::Changes,
                payload: serde_json::to_value(piece).unwrap_or_default(),
                rows_estimate,
            });
        };
        for (at, file) in self.files.iter().enumerate() {
            match &file.groups {
                Some(groups) => groups
                    .iter()
                    .enumerate()
                    .for_each(|(group, rows)| add(Piece { file: at, group: Some(group) }, Some(*rows))),
                None => add(Piece { file: at, group: None }, None),
            }
        }
        let whole: Option<u64> = parts.iter().map(|part| part.rows_estimate).sum();
        let by_line = read.key.len() == 2 && read.key.iter().all(|name| name == FILE || name == LINE);
        ReadPlan {
            plan: serde_json::to_value(self).unwrap_or_default(),
            continues,
            full: self.full,
            disjoint: read.key.is_empty() || (by_line && self.full && !self.incremental),
            follow_up,
            rows_estimate: whole.filter(|_| !parts.is_empty()),
            parts,
        }
    }
}
