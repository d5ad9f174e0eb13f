//! Settings that a system changes by itself, kept in the vault.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use syncline_protocol::{Result, SettingsKeeper};

use crate::secrets::single_secret;
use crate::state::State;
use crate::vault::Vault;

/// Looks up an environment variable.
pub type Environment = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Hears of secrets that must not be shown from now on.
pub type Learn = dyn Fn(&[SecretString]) + Send + Sync;

/// Keeps renewed settings of one system: where its file says `${secret:NAME}`, that secret gets the new value. The file
/// itself is never changed.
pub struct VaultKeeper {
    /// The state with the vault.
    pub state: Arc<State>,
    /// Says where the vault's key lies.
    pub environment: Box<Environment>,
    /// The settings as they stand in the file, with references.
    pub config: Value,
    /// Told each new value before it is used.
    pub learn: Box<Learn>,
    /// The clock.
    pub clock: fn() -> Timestamp,
}

impl VaultKeeper {
    /// The secret that stands at this path.
    fn name(&self, path: &[String]) -> Option<&str> {
        let value = path.iter().try_fold(&self.config, |value, step| value.get(step))?;
        single_secret(value.as_str()?)
    }
}

impl SettingsKeeper for VaultKeeper {
    fn keep(&self, path: &[String], value: &SecretString) -> Result<bool> {
        (self.learn)(std::slice::from_ref(value));
        let Some(name) = self.name(path) else { return Ok(false) };
        Vault::from_env(&self.state, &self.environment)?.set(name, value, (self.clock)())?;
        Ok(true)
    }

    fn current(&self, path: &[String]) -> Result<Option<SecretString>> {
        let Some(name) = self.name(path) else { return Ok(None) };
        let current = Vault::from_env(&self.state, &self.environment)?.get(name)?;
        (self.learn)(current.as_slice());
        Ok(current)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use secrecy::ExposeSecret;
    use serde_json::json;

    use super::*;
    use crate::vault::MASTER_KEY_VARIABLE;

    #[test]
    fn what_the_vault_holds_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let state = Arc::new(State::open(&folder.path().join("state.sqlite")).unwrap());
        let key = crate::vault::MasterKey::random().unwrap().to_base64();
        let environment =
            move |name: &str| (name == MASTER_KEY_VARIABLE).then(|| key.expose_secret().to_owned());
        let vault = Vault::from_env(&state, &environment).unwrap();
        vault.set("token", &SecretString::from("first"), Timestamp::UNIX_EPOCH).unwrap();
        let learnt: Arc<Mutex<Vec<String>>> = Arc::default();
        let hears = Arc::clone(&learnt);
        let keeper = VaultKeeper {
            state: Arc::clone(&state),
            environment: Box::new(environment.clone()),
            config: json!({"auth": {"token": "${secret:token}", "env": "${env:X}", "part": "a${secret:token}"}}),
            learn: Box::new(move |secrets| {
                hears.lock().unwrap().extend(secrets.iter().map(|secret| secret.expose_secret().to_owned()));
            }),
            clock: || Timestamp::UNIX_EPOCH,
        };
        let path = |name: &str| ["auth".to_owned(), name.to_owned()];
        for name in ["env", "part", "missing"] {
            assert!(!keeper.keep(&path(name), &SecretString::from("lost")).unwrap(), "{name}");
            assert!(keeper.current(&path(name)).unwrap().is_none(), "{name}");
        }
        assert!(keeper.keep(&path("token"), &SecretString::from("second")).unwrap());
        let kept = Vault::from_env(&state, &environment).unwrap().get("token").unwrap().unwrap();
        assert_eq!(kept.expose_secret(), "second");
        assert_eq!(keeper.current(&path("token")).unwrap().unwrap().expose_secret(), "second");
        assert!(learnt.lock().unwrap().contains(&"second".to_owned()));
    }
}
