//! The shape of the state file, as steps that only ever add.
//!
//! A step that has been released is never changed: its checksum is stored when it is applied and compared at each
//! opening. `PRAGMA user_version` is the number of applied steps.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior, params};
use syncline_protocol::{Error, ErrorKind, Result};

use super::sqlite_error;
use crate::project::fnv1a;

/// All steps, oldest first. Append; never edit.
const STEPS: &[&str] = &[
    include_str!("migrations/0001_begin.sql"),
    include_str!("migrations/0002_settings.sql"),
    include_str!("migrations/0003_history.sql"),
    include_str!("migrations/0004_versions.sql"),
];

/// Brings the file to the newest shape, in one transaction that other programs wait for.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<()> {
    migrate_to(connection, path, STEPS)
}

fn migrate_to(connection: &mut Connection, path: &Path, steps: &[&str]) -> Result<()> {
    let failed = |error| sqlite_error("open the local state", error).with("file", path.display());
    let applied = version(connection).map_err(failed)?;
    if applied > steps.len() {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "The local state of this project was written by a newer version of Syncline.",
        )
        .meaning("It was not changed.")
        .fix("Use the newer version, or update this one.")
        .with("file", path.display())
        .with("version", applied)
        .with("known_version", steps.len()));
    }
    verify(connection, applied, steps, path)?;
    if applied == steps.len() {
        return Ok(());
    }
    if applied > 0 {
        let backup = backup_path(path, applied);
        connection.backup("main", &backup, None::<fn(_)>).map_err(failed)?;
        tracing::info!(from = applied, to = steps.len(), backup = %backup.display(), "migrating the local state");
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    // Another program may have migrated while this one waited for the write lock.
    let applied = version(&transaction).map_err(failed)?;
    apply(&transaction, applied, steps).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn apply(connection: &Connection, applied: usize, steps: &[&str]) -> rusqlite::Result<()> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migrations (step INTEGER PRIMARY KEY, checksum INTEGER NOT NULL) STRICT",
    )?;
    for (index, step) in steps.iter().enumerate().skip(applied) {
        connection.execute_batch(step)?;
        connection.execute(
            "INSERT INTO migrations (step, checksum) VALUES (?1, ?2)",
            params![index as i64 + 1, checksum(step)],
        )?;
    }
    if applied < steps.len() {
        connection.pragma_update(None, "user_version", steps.len() as i64)?;
    }
    Ok(())
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(0))
}

fn verify(connection: &Connection, applied: usize, steps: &[&str], path: &Path) -> Result<()> {
    for (index, step) in steps.iter().enumerate().take(applied) {
        let stored: i64 = connection
            .query_row("SELECT checksum FROM migrations WHERE step = ?1", [index as i64 + 1], |row| {
                row.get(0)
            })
            .map_err(|error| sqlite_error("open the local state", error).with("file", path.display()))?;
        if stored != checksum(step) {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "The local state of this project was made by a build of Syncline that was never released.",
            )
            .meaning("It was not changed.")
            .fix("Open it with that build, or move `.syncline/state.sqlite` away.")
            .with("file", path.display())
            .with("step", index + 1));
        }
    }
    Ok(())
}

fn backup_path(path: &Path, version: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-v{}", version + 1));
    PathBuf::from(name)
}

/// Line ends do not count, because Git may change them on Windows.
fn checksum(step: &str) -> i64 {
    fnv1a(step.bytes().filter(|byte| *byte != b'\r')).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement =
            connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn an_old_file_is_kept_and_brought_forward() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.sqlite");
        let old = ["CREATE TABLE a (x INTEGER) STRICT;"];
        let new = [old[0], "CREATE TABLE b (x INTEGER) STRICT; INSERT INTO a VALUES (2);"];
        {
            let mut connection = Connection::open(&path).unwrap();
            migrate_to(&mut connection, &path, &old).unwrap();
            connection.execute("INSERT INTO a VALUES (1)", []).unwrap();
        }
        let mut connection = Connection::open(&path).unwrap();
        migrate_to(&mut connection, &path, &new).unwrap();
        migrate_to(&mut connection, &path, &new).unwrap();
        assert_eq!(tables(&connection), ["a", "b", "migrations"]);
        let sum: i64 = connection.query_row("SELECT sum(x) FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!(sum, 3, "the step ran once and the old row is there");

        let backup = Connection::open(backup_path(&path, 1)).unwrap();
        assert_eq!(tables(&backup), ["a", "migrations"]);

        let error = migrate_to(&mut connection, &path, &old).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }

    #[test]
    fn a_failing_step_changes_nothing() {
        let path = Path::new("unused");
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_to(&mut connection, path, &["CREATE TABLE a (x INTEGER)", "CREATE TABLE nonsense"])
            .unwrap_err();
        assert!(tables(&connection).is_empty());
        assert_eq!(version(&connection).unwrap(), 0);
    }

    #[test]
    fn an_edited_step_is_noticed() {
        let path = Path::new("unused");
        let mut connection = Connection::open_in_memory().unwrap();
        migrate_to(&mut connection, path, &["CREATE TABLE a (x INTEGER)"]).unwrap();
        migrate_to(&mut connection, path, &["CREATE TABLE a (x INTEGER)"]).unwrap();
        let error = migrate_to(&mut connection, path, &["CREATE TABLE a (x TEXT)"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
