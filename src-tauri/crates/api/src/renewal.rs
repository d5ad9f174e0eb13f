//! Secrets that a system replaces while it is used: those in the vault, and those that were typed and not saved yet.

use std::sync::{Arc, Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use syncline_protocol::{ConnectorContext, Result, SettingsKeeper};
use syncline_store::VaultKeeper;
use syncline_store::config::SystemConfig;

use crate::api::Open;

/// Nobody types more secrets than this before saving.
const REPLACED_MAX: usize = 100;

/// What became of secrets that were typed: a system that is tried out may replace its refresh token, and then the typed
/// one is worth nothing when the system is saved. Lives as long as the program.
#[derive(Default)]
pub(crate) struct Replaced(Mutex<Vec<(SecretString, SecretString)>>);

impl Replaced {
    /// What a typed secret has become.
    pub(crate) fn newest(&self, typed: &SecretString) -> SecretString {
        let replaced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut newest = typed;
        // Each entry can lead to a later one only.
        for (old, new) in replaced.iter() {
            if old.expose_secret() == newest.expose_secret() {
                newest = new;
            }
        }
        newest.clone()
    }

    fn replace(&self, typed: &SecretString, new: &SecretString) {
        let old = self.newest(typed);
        let mut replaced = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if replaced.len() >= REPLACED_MAX {
            replaced.remove(0);
        }
        replaced.push((old, new.clone()));
    }
}

/// Keeps what was typed in memory, everything else in the vault.
struct Keeper {
    typed: Vec<(String, SecretString)>,
    replaced: Arc<Replaced>,
    vault: VaultKeeper,
}

impl Keeper {
    fn typed(&self, path: &[String]) -> Option<&SecretString> {
        let path = path.join(".");
        self.typed.iter().find(|(known, _)| *known == path).map(|(_, secret)| secret)
    }
}

impl SettingsKeeper for Keeper {
    fn keep(&self, path: &[String], value: &SecretString) -> Result<bool> {
        let Some(typed) = self.typed(path) else { return self.vault.keep(path, value) };
        (self.vault.learn)(std::slice::from_ref(value));
        self.replaced.replace(typed, value);
        Ok(true)
    }

    fn current(&self, path: &[String]) -> Result<Option<SecretString>> {
        match self.typed(path) {
            Some(typed) => Ok(Some(self.replaced.newest(typed))),
            None => self.vault.current(path),
        }
    }
}

impl Open {
    /// The surroundings of a system. `typed` are its secrets by path that are not in the vault (yet).
    pub(crate) fn context_of(
        &self,
        system: &SystemConfig,
        typed: &[(String, SecretString)],
    ) -> ConnectorContext {
        let (environment, learn) = (Arc::clone(&self.host), Arc::clone(&self.host));
        let vault = VaultKeeper {
            state: Arc::clone(&self.state),
            environment: Box::new(move |name| environment.environment(name)),
            config: system.config.clone(),
            learn: Box::new(move |secrets| learn.learn_secrets(secrets)),
            clock: self.host.clock(),
        };
        let keeper = Keeper { typed: typed.to_vec(), replaced: Arc::clone(&self.replaced), vault };
        ConnectorContext { keeper: Some(Arc::new(keeper)), ..self.context() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_secrets_are_followed_through_all_that_replaced_them() {
        let replaced = Replaced::default();
        let newest = |typed: &str| replaced.newest(&typed.into()).expose_secret().to_owned();
        replaced.replace(&"a".into(), &"b".into());
        replaced.replace(&"x".into(), &"y".into());
        replaced.replace(&"a".into(), &"c".into());
        assert_eq!(
            (newest("a"), newest("b"), newest("x"), newest("z")),
            ("c".into(), "c".into(), "y".into(), "z".into())
        );
        (0..500).for_each(|at| replaced.replace(&"a".into(), &format!("t{at}").into()));
        assert!(replaced.0.lock().unwrap().len() <= REPLACED_MAX);
    }
}
