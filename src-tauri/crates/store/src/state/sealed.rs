//! The part of the state that belongs to the vault. Nothing here ever sees a plain secret.

use jiff::Timestamp;
use rusqlite::params;
use syncline_protocol::Result;

use super::{State, time_text};
use crate::project::random_hex;

/// A secret as it is stored.
#[derive(Clone)]
pub(crate) struct SealedSecret {
    /// 24 random bytes.
    pub(crate) nonce: Vec<u8>,
    /// Ciphertext and tag.
    pub(crate) sealed: Vec<u8>,
}

impl State {
    /// The id of the vault in this state, made when it is first asked for. Names the entry in the keychain.
    pub(crate) fn vault_id(&self) -> Result<String> {
        let fresh = random_hex::<8>()?;
        self.write("open the vault", |transaction| {
            transaction.execute("INSERT OR IGNORE INTO vault (one, id) VALUES (1, ?1)", [fresh])?;
            transaction.query_row("SELECT id FROM vault", [], |row| row.get(0))
        })
    }

    /// The sealed known text that tells a wrong master key.
    pub(crate) fn key_check(&self) -> Result<Option<SealedSecret>> {
        self.first(
            "open the vault",
            "SELECT check_nonce, check_sealed FROM vault WHERE check_nonce IS NOT NULL",
            [],
            |row| Ok(SealedSecret { nonce: row.get(0)?, sealed: row.get(1)? }),
        )
    }

    /// Stores the known text unless there is one already; returns the one that is stored afterwards.
    pub(crate) fn init_key_check(&self, check: &SealedSecret) -> Result<SealedSecret> {
        self.vault_id()?;
        self.write("open the vault", |transaction| {
            transaction.execute(
                "UPDATE vault SET check_nonce = ?1, check_sealed = ?2 WHERE check_nonce IS NULL",
                params![check.nonce, check.sealed],
            )?;
            transaction.query_row("SELECT check_nonce, check_sealed FROM vault", [], |row| {
                Ok(SealedSecret { nonce: row.get(0)?, sealed: row.get(1)? })
            })
        })
    }

    pub(crate) fn save_secret(&self, name: &str, secret: &SealedSecret, now: Timestamp) -> Result<()> {
        self.write("store the secret", |transaction| {
            transaction.execute(
                "INSERT INTO secrets (name, nonce, sealed, changed_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (name) DO UPDATE SET nonce = excluded.nonce, sealed = excluded.sealed,
                     changed_at = excluded.changed_at",
                params![name, secret.nonce, secret.sealed, time_text(now)],
            )?;
            Ok(())
        })
    }

    pub(crate) fn secret(&self, name: &str) -> Result<Option<SealedSecret>> {
        self.first("read the secret", "SELECT nonce, sealed FROM secrets WHERE name = ?1", [name], |row| {
            Ok(SealedSecret { nonce: row.get(0)?, sealed: row.get(1)? })
        })
    }

    pub(crate) fn secret_names(&self) -> Result<Vec<String>> {
        self.all("read the secrets", "SELECT name FROM secrets ORDER BY name", [], |row| row.get(0))
    }

    pub(crate) fn remove_secret(&self, name: &str) -> Result<bool> {
        self.write("remove the secret", |transaction| {
            Ok(transaction.execute("DELETE FROM secrets WHERE name = ?1", [name])? > 0)
        })
    }

    /// Removes all secrets and forgets their master key, so that the vault can begin anew with another one.
    pub(crate) fn clear_secrets(&self) -> Result<usize> {
        self.write("remove the secrets", |transaction| {
            transaction.execute("UPDATE vault SET check_nonce = NULL, check_sealed = NULL", [])?;
            transaction.execute("DELETE FROM secrets", [])
        })
    }
}
