//! The Parquet destination: a folder of plain Parquet files that any reader can open, with a commit protocol.
//!
//! ```text
//! <folder>/
//!   public/orders/segment-….parquet            the table: what `public/orders/*.parquet` matches is committed
//!   public/orders/_syncline_table.json         its columns, and which connection writes it
//!   _syncline_commits/<connection>/fence-…     the highest number is the session that may commit
//!   _syncline_commits/<connection>/<table>/<ordinal>-<revision>.json
//!   _syncline_staged/<connection>/….part       files that are not part of a table, or not yet
//!   _syncline_quarantine/<connection>/….jsonl  rows that did not fit
//! ```
//!
//! # The commit
//!
//! A *commit file* is the whole truth about a table: the checkpoint, the files the table consists of, the files of the
//! copy that is built beside it, the quarantine. The one with the highest ordinal (then revision) counts. A commit:
//!
//! 1. Data files are written under `_syncline_staged` and synced to disk.
//! 2. Under the lock of the connection the fence and the ordinal are checked, and the new commit file (complete and
//!    synced under another name) appears by a hard link: one step that fails if the name exists. This is the commit.
//! 3. New data files are renamed into the table's folder, then files that no longer belong to it are removed. Whoever
//!    opens a session finishes this for the commit it finds, so a crash only delays it.
//!
//! *Crash before 2:* nothing happened; the next session removes the staged files. *Crash after 2:* committed; readers
//! that go through the commit file (`count`, `scan`) look for a file in both places. Readers of the plain folder
//! see a table a moment late, never half a file, and for that moment, when a merge replaces files, rows of both the old
//! and the new file.
//!
//! # Why a zombie cannot write
//!
//! `open` writes the next fence file and reads the commits while it holds the lock; step 2 holds the same lock from the
//! check of the fence until the commit file is there. So a session either commits before the newer one reads, and is
//! then part of what that one continues, or it sees the newer fence and fails. Should a network file system not keep
//! locks, the names still do: both sessions put the same ordinal, one of them fails with `Conflict`, and the winner's
//! commit follows from the state that both had read.
//!
//! # Merge and history
//!
//! Files are copied on write: a commit that replaces or deletes rows finds, by reading only key columns, the files that hold
//! one of its keys, and writes them anew without those rows, in the same commit. The folder therefore shows one row per
//! key after every commit. Keys are compared by a 128-bit hash of their values. The first load of an empty table
//! appends files and looks at nothing. Small files are put together when there are many.
//!
//! A column that is added later is missing in older files until they are rewritten: read such a folder by name
//! (`union_by_name` in DuckDB).

mod destination;
mod disk;
mod keys;
mod layout;
mod loader;
mod reader;
mod rewrite;
mod session;
mod state;
mod widen;
mod writer;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use syncline_protocol::connector::config_schema;
use syncline_protocol::{
    Category, Config, Connector, ConnectorContext, Destination, Error, ErrorKind, Listing, Maturity, Result,
    Spec,
};

/// What a project file says about a Parquet destination.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParquetConfig {
    /// The folder, relative to the project folder. It is created when it is missing.
    pub path: String,
}

/// The connector `parquet`.
pub struct Parquet;

impl Connector for Parquet {
    fn listing(&self) -> Listing {
        Listing { category: Category::Files, ..self.spec().into() }
    }

    fn spec(&self) -> Spec {
        Spec {
            name: "parquet".into(),
            title: "Parquet folder".into(),
            description: "Writes Parquet files into a folder, readable by any Parquet reader.".into(),
            aliases: &["lake", "files", "folder"],
            url_schemes: &[],
            version: env!("CARGO_PKG_VERSION").into(),
            maturity: Maturity::New,
            source_schema: None,
            destination_schema: Some(config_schema::<ParquetConfig>()),
        }
    }

    fn destination(&self, config: &Config, context: &ConnectorContext) -> Result<Box<dyn Destination>> {
        let config: ParquetConfig = config.parse("Parquet")?;
        if config.path.trim().is_empty() {
            return Err(Error::new(ErrorKind::Config, "Parquet: `path` names no folder."));
        }
        Ok(Box::new(destination::ParquetDestination::new(context.resolve(&config.path))))
    }
}
