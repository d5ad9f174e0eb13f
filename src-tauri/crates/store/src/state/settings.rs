//! What people have set or put off on this computer. Not configuration: another computer does not need it.

use rusqlite::params;
use serde::Serialize;
use serde::de::DeserializeOwned;
use syncline_protocol::Result;

use super::{State, json, json_column};

impl State {
    /// The setting of this name; none when it was never set, or was removed.
    ///
    /// # Errors
    /// Those of SQLite, see [`State::open`]; also when it has another type.
    pub fn setting<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.first("read a setting", "SELECT value FROM settings WHERE name = ?1", [name], |row| {
            json_column(row, "value")
        })
    }

    /// Sets it, replacing what was there.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn set_setting<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let value = json(value)?;
        self.write("keep a setting", |transaction| {
            transaction.execute(
                "INSERT INTO settings (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            )?;
            Ok(())
        })
    }

    /// Removes it. Says whether it was there.
    ///
    /// # Errors
    /// Those of SQLite.
    pub fn remove_setting(&self, name: &str) -> Result<bool> {
        self.write("remove a setting", |transaction| {
            Ok(transaction.execute("DELETE FROM settings WHERE name = ?1", [name])? > 0)
        })
    }

    /// All settings whose name begins with `prefix`, by the rest of their names, sorted.
    ///
    /// # Errors
    /// Those of SQLite; also when one has another type.
    pub fn settings<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<(String, T)>> {
        self.all(
            "read settings",
            "SELECT substr(name, length(?1) + 1) AS rest, value FROM settings
             WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name",
            [prefix],
            |row| Ok((row.get("rest")?, json_column(row, "value")?)),
        )
    }
}
