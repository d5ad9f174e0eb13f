//! What this computer knows of a Singer target, which cannot be asked: positions, tables, rejected rows.
//!
//! One file a target and project. It stands in for what other destinations keep beside their rows, and cannot do as
//! much: rows and position are not one step, so after a crash between the two rows come again.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use syncline_protocol::{
    Column, Commit, Error, ErrorKind, QuarantinedRow, Result, StoredCheckpoint, TableName,
};

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    path: PathBuf,
}

/// What is known of one connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Account {
    pub(super) fence: u64,
    pub(super) checkpoints: Vec<StoredCheckpoint>,
    /// The tables that were made, by their names in the target.
    pub(super) tables: BTreeMap<String, Vec<Column>>,
    pub(super) quarantine: Vec<QuarantinedRow>,
}

type Accounts = BTreeMap<String, Account>;

impl Ledger {
    pub(super) fn new(path: PathBuf) -> Ledger {
        Ledger { path }
    }

    pub(super) fn read(&self, connection: &str) -> Result<Account> {
        Ok(self.all()?.remove(connection).unwrap_or_default())
    }

    fn all(&self) -> Result<Accounts> {
        let text = match fs::read(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Accounts::new()),
            read => read.map_err(|error| failed(&self.path, error))?,
        };
        serde_json::from_slice(&text).map_err(|error| {
            Error::new(
                ErrorKind::CorruptInput,
                "What is known of the target on this computer cannot be read.",
            )
            .meaning("Nothing was sent. Without it nobody knows how far the target is.")
            .fix("Move the file away; all tables are then sent to the target once more.")
            .with("file", self.path.display())
            .caused_by(error)
        })
    }

    /// The tables that any connection has made.
    pub(super) fn tables(&self) -> Result<BTreeMap<String, Vec<Column>>> {
        Ok(self.all()?.into_values().flat_map(|account| account.tables).collect())
    }

    /// Changes what is known of a connection, as one step that survives a power cut.
    pub(super) fn change<T>(
        &self,
        connection: &str,
        change: impl FnOnce(&mut Account) -> Result<T>,
    ) -> Result<T> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        super::private::private_folder(folder).map_err(|error| failed(folder, error))?;
        let turn = self.path.with_extension("lock");
        let _turn = File::create(&turn)
            .and_then(|file| file.lock().map(|()| file))
            .map_err(|error| failed(&turn, error))?;
        let mut all = self.all()?;
        let account = all.entry(connection.to_owned()).or_default();
        let answer = change(account)?;
        let text = serde_json::to_vec(&all)
            .map_err(|error| Error::internal("A position could not be written as JSON.").caused_by(error))?;
        let beside = self.path.with_extension("new");
        let written = File::create(&beside).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.and_then(|()| fs::rename(&beside, &self.path)).map_err(|error| failed(&self.path, error))?;
        Ok(answer)
    }

    /// The position after a segment that the target has taken.
    pub(super) fn commit(&self, connection: &str, fence: u64, commit: &Commit) -> Result<()> {
        self.change(connection, |account| {
            account.guard(fence)?;
            let before = account.checkpoint(&commit.table);
            let (rows, bytes, ordinal) =
                before.map_or((0, 0, 0), |before| (before.rows, before.bytes, before.ordinal));
            if commit.ordinal != ordinal + 1 {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!("`{}` was committed by somebody else.", commit.table),
                ));
            }
            let at = jiff::Timestamp::from_microsecond(commit.at_micros).unwrap_or_default().to_string();
            account.checkpoints.retain(|stored| stored.table != commit.table);
            account.checkpoints.push(StoredCheckpoint {
                table: commit.table.clone(),
                fence,
                ordinal: commit.ordinal,
                position: commit.position.clone(),
                committed_at: at.clone(),
                rows: rows + commit.rows,
                bytes: bytes + commit.bytes,
                checksum: commit.checksum,
            });
            account.quarantine.retain(|row| !commit.replayed.contains(&row.id));
            for (number, rejected) in commit.rejected.iter().enumerate() {
                account.quarantine.push(QuarantinedRow {
                    id: format!("{}-{}-{number}", commit.run, commit.ordinal),
                    table: commit.table.clone(),
                    run: commit.run.clone(),
                    at: at.clone(),
                    rejected: rejected.clone(),
                });
            }
            Ok(())
        })
    }
}

impl Account {
    fn checkpoint(&self, table: &TableName) -> Option<&StoredCheckpoint> {
        self.checkpoints.iter().find(|stored| stored.table == *table)
    }

    /// # Errors
    /// `Fenced`, when a newer session has begun.
    pub(super) fn guard(&self, fence: u64) -> Result<()> {
        if self.fence == fence {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Fenced, "Another run of this connection has begun."))
    }
}

fn failed(path: &Path, error: std::io::Error) -> Error {
    let kind = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorKind::DiskFull,
        _ => ErrorKind::Permission,
    };
    Error::new(kind, "What is known of the target could not be kept on this computer.")
        .with("file", path.display())
        .caused_by(error)
}
