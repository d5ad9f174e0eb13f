//! How versions of connectors did for each connection, and what tables had so far.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Result, TableName};

use super::{State, count, count_column, json, json_column, optional_time_column, time_text};

/// How a version of a connector did for one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionMark {
    /// The version.
    pub version: String,
    /// When a run last succeeded on it.
    pub worked_at: Option<Timestamp>,
    /// How many runs succeeded on it and brought rows.
    pub proved: u64,
    /// That it is bad for this connection, if so.
    pub bad: Option<BadVersion>,
}

/// Why a version is not used for a connection any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadVersion {
    /// Since when.
    pub since: Timestamp,
    /// What it did, in words.
    pub because: String,
}

/// How many rows a table brought, and in how many of them each column had a value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableValues {
    /// Rows.
    pub rows: u64,
    /// Rows with a value, by the column's name in the source.
    pub present: BTreeMap<String, u64>,
}

impl TableValues {
    /// Adds what other rows had. A column that was not there before had no value in the earlier rows, and the other way
    /// round.
    pub fn add(&mut self, other: &TableValues) {
        self.rows += other.rows;
        for (column, present) in &other.present {
            *self.present.entry(column.clone()).or_default() += present;
        }
    }

    /// The columns that had a value in every row; none when there were no rows.
    pub fn always_present(&self) -> impl Iterator<Item = &str> {
        let rows = self.rows;
        let full = self.present.iter().filter(move |(_, present)| rows > 0 && **present == rows);
        full.map(|(column, _)| column.as_str())
    }
}

impl State {
    /// How the versions of a connector did for a connection.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn version_marks(&self, connection: &str, connector: &str) -> Result<Vec<VersionMark>> {
        self.all(
            "read what is known of the connector's versions",
            "SELECT version, worked_at, proved, bad_since, bad_because FROM connector_versions
             WHERE connection = ?1 AND connector = ?2 ORDER BY version",
            params![connection, connector],
            |row| {
                let because: Option<String> = row.get("bad_because")?;
                Ok(VersionMark {
                    version: row.get("version")?,
                    worked_at: optional_time_column(row, "worked_at")?,
                    proved: count_column(row, "proved")?,
                    bad: optional_time_column(row, "bad_since")?
                        .map(|since| BadVersion { since, because: because.unwrap_or_default() }),
                })
            },
        )
    }

    /// A run of the connection succeeded on this version; `with_rows`: it brought some.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn version_worked(
        &self,
        connection: &str,
        connector: &str,
        version: &str,
        at: Timestamp,
        with_rows: bool,
    ) -> Result<()> {
        self.write("record that the connector worked", |transaction| {
            transaction.execute(
                "INSERT INTO connector_versions (connection, connector, version, worked_at, proved)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET worked_at = excluded.worked_at, proved = proved + excluded.proved",
                params![connection, connector, version, time_text(at), i64::from(with_rows)],
            )?;
            Ok(())
        })
    }

    /// This version is bad for the connection: it is not used there until somebody asks for it again.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn mark_version_bad(
        &self,
        connection: &str,
        connector: &str,
        version: &str,
        at: Timestamp,
        because: &str,
    ) -> Result<()> {
        self.write("mark the connector's version", |transaction| {
            transaction.execute(
                "INSERT INTO connector_versions (connection, connector, version, bad_since, bad_because)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET bad_since = excluded.bad_since, bad_because = excluded.bad_because",
                params![connection, connector, version, time_text(at), because],
            )?;
            Ok(())
        })
    }

    /// Somebody wants this version to be tried again: it is neither bad nor proved any more. Says whether it was bad.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn try_version_again(&self, connection: &str, connector: &str, version: &str) -> Result<bool> {
        self.write("mark the connector's version", |transaction| {
            let changed = transaction.execute(
                "UPDATE connector_versions SET bad_since = NULL, bad_because = NULL, proved = 0
                 WHERE connection = ?1 AND connector = ?2 AND version = ?3 AND bad_since IS NOT NULL",
                params![connection, connector, version],
            )?;
            Ok(changed > 0)
        })
    }

    /// What the tables of a connection had in the runs that succeeded.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn table_values(&self, connection: &str) -> Result<BTreeMap<TableName, TableValues>> {
        let rows = self.all(
            "read what tables had",
            "SELECT table_name, row_count, present FROM table_values WHERE connection = ?1",
            [connection],
            |row| {
                let name: String = row.get("table_name")?;
                let rows = count_column(row, "row_count")?;
                Ok((name, TableValues { rows, present: json_column(row, "present")? }))
            },
        )?;
        Ok(rows
            .into_iter()
            .map(|(name, values)| (name.parse().unwrap_or_else(|_| TableName::bare(name)), values))
            .collect())
    }

    /// Adds what a run brought to what is known.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn add_table_values(&self, connection: &str, more: &[(TableName, TableValues)]) -> Result<()> {
        if more.is_empty() {
            return Ok(());
        }
        let known = self.table_values(connection)?;
        let mut rows = Vec::with_capacity(more.len());
        for (table, values) in more {
            let mut sum = known.get(table).cloned().unwrap_or_default();
            sum.add(values);
            rows.push((table.to_string(), count(sum.rows), json(&sum.present)?));
        }
        self.write("keep what tables had", |transaction| {
            let mut put = transaction.prepare(
                "INSERT INTO table_values VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET row_count = excluded.row_count, present = excluded.present",
            )?;
            for (table, rows, present) in &rows {
                put.execute(params![connection, table, rows, present])?;
            }
            Ok(())
        })
    }

    /// Forgets what is known of a connection's versions and tables.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn forget_versions(&self, connection: &str) -> Result<()> {
        self.write("forget the versions of a connection", |transaction| {
            transaction.execute("DELETE FROM connector_versions WHERE connection = ?1", [connection])?;
            transaction.execute("DELETE FROM table_values WHERE connection = ?1", [connection])?;
            Ok(())
        })
    }
}
