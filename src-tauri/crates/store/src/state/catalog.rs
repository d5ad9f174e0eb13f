//! What the sources held when they were last looked at, and what people decided about changes.

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Catalog, Result, TableName};

use super::{State, json, json_column, time_column, time_text};
use crate::config::DriftChoice;

/// A catalog with the time it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CachedCatalog {
    /// When the source was asked.
    pub discovered_at: Timestamp,
    /// What it answered.
    pub catalog: Catalog,
}

/// What a person decided about one change of a source table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DriftDecision {
    /// The connection.
    pub connection: String,
    /// The table in the source.
    pub table: TableName,
    /// Identifies the change: the engine's hash over what changed from what to what.
    pub fingerprint: String,
    /// The decision.
    pub choice: DriftChoice,
    /// When it was made.
    pub decided_at: Timestamp,
}

impl State {
    /// Keeps what a source holds, replacing what was known before.
    ///
    /// # Errors
    /// Those of SQLite, see [`State::open`].
    pub fn save_catalog(&self, source: &str, at: Timestamp, catalog: &Catalog) -> Result<()> {
        let catalog = json(catalog)?;
        self.write("keep the catalog", |transaction| {
            transaction.execute(
                "INSERT INTO catalogs (source, discovered_at, catalog) VALUES (?1, ?2, ?3)
                 ON CONFLICT (source) DO UPDATE SET discovered_at = excluded.discovered_at, catalog = excluded.catalog",
                params![source, time_text(at), catalog],
            )?;
            Ok(())
        })
    }

    /// What a source held when it was last looked at.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn catalog(&self, source: &str) -> Result<Option<CachedCatalog>> {
        self.first(
            "read the catalog",
            "SELECT discovered_at, catalog FROM catalogs WHERE source = ?1",
            [source],
            |row| {
                Ok(CachedCatalog {
                    discovered_at: time_column(row, "discovered_at")?,
                    catalog: json_column(row, "catalog")?,
                })
            },
        )
    }

    /// Keeps a decision; a later one about the same change replaces it.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn save_decision(&self, decision: &DriftDecision) -> Result<()> {
        let choice = json(&decision.choice)?;
        self.write("keep the decision", |transaction| {
            transaction.execute(
                "INSERT INTO drift_decisions (connection, table_name, fingerprint, choice, decided_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET choice = excluded.choice, decided_at = excluded.decided_at",
                params![
                    decision.connection,
                    decision.table.to_string(),
                    decision.fingerprint,
                    choice,
                    time_text(decision.decided_at)
                ],
            )?;
            Ok(())
        })
    }

    /// The decisions of a connection, oldest first.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn decisions(&self, connection: &str) -> Result<Vec<DriftDecision>> {
        self.all(
            "read the decisions",
            "SELECT * FROM drift_decisions WHERE connection = ?1 ORDER BY decided_at, table_name, fingerprint",
            [connection],
            |row| {
                let table: String = row.get("table_name")?;
                Ok(DriftDecision {
                    connection: row.get("connection")?,
                    table: table.parse().unwrap_or_else(|_| TableName::bare(table)),
                    fingerprint: row.get("fingerprint")?,
                    choice: json_column(row, "choice")?,
                    decided_at: time_column(row, "decided_at")?,
                })
            },
        )
    }
}
