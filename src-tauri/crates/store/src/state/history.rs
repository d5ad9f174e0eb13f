//! What the history of a connection is made of besides its runs: when somebody watched, and how its files were.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension, params};
use syncline_protocol::{Result, TableName};

use super::runs::{Outcome, word_column};
use super::{State, time_column, time_text};

/// A span of time.
pub type Span = (Timestamp, Timestamp);

/// A project file as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersion {
    /// Names it.
    pub id: i64,
    /// The file within the project, `connections/shop.yaml`.
    pub file: String,
    /// Since when it was so, as far as is known.
    pub at: Timestamp,
    /// What it said.
    pub content: String,
}

/// A version that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptVersion {
    /// The version before it; none when the file was not known.
    pub before: Option<i64>,
    /// The new version.
    pub after: i64,
}

impl State {
    /// Somebody watches at `now`, and has watched since the last time this was said unless that is longer ago than
    /// `gap`: then the computer slept, or the program was closed.
    ///
    /// # Errors
    /// Those of SQLite, see [`State::open`].
    pub fn watched(&self, now: Timestamp, gap: SignedDuration) -> Result<()> {
        let earliest = now.checked_sub(gap).unwrap_or(Timestamp::MIN);
        self.write("note that the studio is open", |transaction| {
            let changed = transaction.execute(
                "UPDATE presence SET until = ?1
                 WHERE id = (SELECT max(id) FROM presence) AND until BETWEEN ?2 AND ?1",
                params![time_text(now), time_text(earliest)],
            )?;
            if changed == 0 {
                // Also when the clock was set back: what was noted stays.
                transaction
                    .execute("INSERT INTO presence (began, until) VALUES (?1, ?1)", [time_text(now)])?;
            }
            Ok(())
        })
    }

    /// The spans in which somebody watched, as far as they end after `from`, oldest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn watched_since(&self, from: Timestamp) -> Result<Vec<Span>> {
        self.all(
            "read when the studio was open",
            "SELECT began, until FROM presence WHERE until >= ?1 ORDER BY id",
            [time_text(from)],
            |row| Ok((time_column(row, "began")?, time_column(row, "until")?)),
        )
    }

    /// When somebody watched for the first time; none before that.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn watched_first(&self) -> Result<Option<Timestamp>> {
        self.first(
            "read when the studio was open",
            "SELECT began FROM presence ORDER BY id LIMIT 1",
            [],
            |row| time_column(row, "began"),
        )
    }

    /// Keeps how a project file is now. None when it is known to be so already.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn keep_file(&self, file: &str, content: &str, at: Timestamp) -> Result<Option<KeptVersion>> {
        self.write("keep the configuration", |transaction| {
            let known: Option<(i64, String)> = transaction
                .query_row(
                    "SELECT id, content FROM file_versions WHERE file = ?1 ORDER BY id DESC LIMIT 1",
                    [file],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            if known.as_ref().is_some_and(|(_, known)| known == content) {
                return Ok(None);
            }
            transaction.execute(
                "INSERT INTO file_versions (file, at, content) VALUES (?1, ?2, ?3)",
                params![file, time_text(at), content],
            )?;
            Ok(Some(KeptVersion { before: known.map(|(id, _)| id), after: transaction.last_insert_rowid() }))
        })
    }

    /// A project file as it was.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn file_version(&self, id: i64) -> Result<Option<FileVersion>> {
        self.first(
            "read the configuration",
            "SELECT id, file, at, content FROM file_versions WHERE id = ?1",
            [id],
            |row| {
                Ok(FileVersion {
                    id: row.get("id")?,
                    file: row.get("file")?,
                    at: time_column(row, "at")?,
                    content: row.get("content")?,
                })
            },
        )
    }

    /// How the tables of a connection ended in runs that began at `from` or later: each outcome once for each hour.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn table_outcomes(
        &self,
        connection: &str,
        from: Timestamp,
    ) -> Result<Vec<(TableName, Timestamp, Outcome)>> {
        self.all(
            "read the tables of the runs",
            "SELECT name, substr(started_at, 1, 13) || ':00:00Z' AS hour, run_tables.outcome AS outcome
             FROM run_tables JOIN runs ON runs.id = run_tables.run
             WHERE connection = ?1 AND started_at >= ?2 GROUP BY 1, 2, 3 ORDER BY 1, 2",
            params![connection, time_text(from)],
            |row| {
                let name: String = row.get("name")?;
                let table = name.parse().unwrap_or_else(|_| TableName::bare(name));
                Ok((table, time_column(row, "hour")?, word_column(row, "outcome")?))
            },
        )
    }
}
