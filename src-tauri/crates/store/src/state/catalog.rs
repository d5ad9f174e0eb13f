//! What the sources held when they were last looked at, and which shapes were accepted.

use jiff::Timestamp;
use rusqlite::params;
use serde::{Deserialize, Serialize};
use syncline_protocol::{Catalog, Result, TableName, TableSchema};

use super::{State, json, json_column, time_column, time_text};

/// A catalog with the time it was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CachedCatalog {
    /// When the source was asked.
    pub discovered_at: Timestamp,
    /// What it answered.
    pub catalog: Catalog,
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

    /// Keeps the shape of a source table that a connection has accepted, replacing an earlier one. What the source
    /// has next is compared with it: the difference is drift.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn accept_schema(&self, connection: &str, schema: &TableSchema, at: Timestamp) -> Result<()> {
        let text = json(schema)?;
        self.write("keep the accepted shape", |transaction| {
            transaction.execute(
                "INSERT INTO accepted_schemas (connection, table_name, accepted_at, table_schema)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET accepted_at = excluded.accepted_at, table_schema = excluded.table_schema",
                params![connection, schema.table.to_string(), time_text(at), text],
            )?;
            Ok(())
        })
    }

    /// The shape of a source table that was accepted last.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn accepted_schema(&self, connection: &str, table: &TableName) -> Result<Option<TableSchema>> {
        self.first(
            "read the accepted shape",
            "SELECT table_schema FROM accepted_schemas WHERE connection = ?1 AND table_name = ?2",
            params![connection, table.to_string()],
            |row| json_column(row, "table_schema"),
        )
    }

    /// When the shape of a source table was accepted last.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn accepted_at(&self, connection: &str, table: &TableName) -> Result<Option<Timestamp>> {
        self.first(
            "read the accepted shape",
            "SELECT accepted_at FROM accepted_schemas WHERE connection = ?1 AND table_name = ?2",
            params![connection, table.to_string()],
            |row| time_column(row, "accepted_at"),
        )
    }
}
