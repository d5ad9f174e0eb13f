//! The vault: secrets sealed under one master key.
//!
//! Each value is sealed with XChaCha20-Poly1305 under a random 24-byte nonce; the name of the secret is the
//! associated data, so that two sealed values cannot be exchanged unnoticed. The sealed values lie in the local
//! SQLite state. The master key (32 bytes) lies somewhere else, chosen explicitly:
//!
//! | Chosen by | The key lies in |
//! | --- | --- |
//! | `SYNCLINE_MASTER_KEY` is set | that variable, as base64 |
//! | `SYNCLINE_MASTER_KEY_FILE` is set | that file, as base64, readable by its owner only |
//! | neither | the keychain of the operating system, one entry per vault |
//!
//! There is no fourth way: without a key nothing is stored, least of all in plain text.

use std::fmt;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use syncline_protocol::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use crate::project::no_randomness;
use crate::secrets::validate_secret_name;
use crate::state::{SealedSecret, State};

mod provider;

pub use provider::{
    EnvKey, KeyFile, KeyProvider, Keychain, MASTER_KEY_FILE_VARIABLE, MASTER_KEY_VARIABLE, choose,
};

const KEY_BYTES: usize = 32;
pub(crate) const NONCE_BYTES: usize = 24;
/// A sealed known text tells a wrong key from a damaged secret. No secret can have this name.
const CHECK_NAME: &str = "/key-check";
const CHECK_TEXT: &[u8] = b"syncline vault 1";
const SECRET_BYTES_MAX: usize = 1 << 20;

/// The key that seals all secrets of a vault. Wiped from memory when dropped.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    /// `Internal` when the system gives no random numbers.
    pub fn random() -> Result<Self> {
        let mut key = MasterKey(Zeroizing::new([0; KEY_BYTES]));
        getrandom::fill(key.0.as_mut_slice()).map_err(no_randomness)?;
        Ok(key)
    }

    /// The key as base64, the form in which it is kept.
    pub fn to_base64(&self) -> SecretString {
        SecretString::from(STANDARD.encode(self.0.as_slice()))
    }

    /// Reads the form that [`MasterKey::to_base64`] writes. `place` says where it came from, for the message.
    ///
    /// # Errors
    /// `Config` when it is not base64 of 32 bytes.
    pub fn from_base64(text: &str, place: &str) -> Result<Self> {
        let wrong = || {
            Error::new(ErrorKind::Config, format!("The master key in {place} is not a key."))
                .meaning("The vault stays closed; nothing was read or written.")
                .fix("It must be 32 random bytes as base64. Make one with `openssl rand -base64 32`.")
        };
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).map_err(|_| wrong())?);
        if bytes.len() != KEY_BYTES {
            return Err(wrong());
        }
        let mut key = MasterKey(Zeroizing::new([0; KEY_BYTES]));
        key.0.copy_from_slice(&bytes);
        Ok(key)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// The secrets of a project. The master key is fetched when the first secret is read or written, not before: a
/// project without secrets never asks for a keychain.
pub struct Vault<'a> {
    state: &'a State,
    provider: Box<dyn KeyProvider>,
    key: OnceLock<MasterKey>,
}

impl<'a> Vault<'a> {
    /// The vault in `state`, with its key from `provider`.
    pub fn new(state: &'a State, provider: Box<dyn KeyProvider>) -> Self {
        Vault { state, provider, key: OnceLock::new() }
    }

    /// The vault in `state`, with the key from where the environment says (see the module documentation).
    ///
    /// # Errors
    /// `Config` when both variables are set; errors of the state.
    pub fn from_env(state: &'a State, env: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        Ok(Vault::new(state, choose(env, &state.vault_id()?)?))
    }

    /// Where the master key lies, in words: "the keychain of this computer".
    pub fn place(&self) -> String {
        self.provider.place()
    }

    /// The names of all secrets, sorted. Needs no key.
    ///
    /// # Errors
    /// Those of the state.
    pub fn names(&self) -> Result<Vec<String>> {
        self.state.secret_names()
    }

    /// Seals `value` under `name`, replacing what was there.
    ///
    /// # Errors
    /// `Config` when the name is not allowed or no key can be had; `LimitExceeded` over 1 MiB.
    pub fn set(&self, name: &str, value: &SecretString, now: Timestamp) -> Result<()> {
        validate_secret_name(name)?;
        if value.expose_secret().len() > SECRET_BYTES_MAX {
            return Err(Error::new(ErrorKind::LimitExceeded, format!("The secret `{name}` is over 1 MiB.")));
        }
        let sealed = seal(self.key()?, name, value.expose_secret().as_bytes())?;
        self.state.save_secret(name, &sealed, now)
    }

    /// The secret `name`, if there is one.
    ///
    /// # Errors
    /// `Config` when no key can be had or it is the wrong one; `CorruptInput` when the stored value was changed.
    pub fn get(&self, name: &str) -> Result<Option<SecretString>> {
        let Some(sealed) = self.state.secret(name)? else { return Ok(None) };
        let plain = open(self.key()?, name, &sealed).ok_or_else(|| {
            Error::new(
                ErrorKind::CorruptInput,
                format!("The stored secret `{name}` was changed or damaged; it cannot be opened."),
            )
            .meaning("Nothing was read or written. Other secrets are not affected.")
            .fix(format!("Enter it again with `syncline secret set {name}`."))
        })?;
        let text = std::str::from_utf8(&plain)
            .map_err(|_| Error::internal(format!("The secret `{name}` is not text.")))?;
        Ok(Some(SecretString::from(text)))
    }

    /// Removes a secret. Says whether there was one.
    ///
    /// # Errors
    /// Those of the state.
    pub fn remove(&self, name: &str) -> Result<bool> {
        self.state.remove_secret(name)
    }

    /// Removes all secrets, also when the master key is lost. Says how many there were. The vault begins anew with the
    /// next secret.
    ///
    /// # Errors
    /// Those of the state.
    pub fn clear(&self) -> Result<usize> {
        self.state.clear_secrets()
    }

    /// All secrets, for a redactor. Opens the vault only when there are any.
    ///
    /// # Errors
    /// As [`Vault::get`].
    pub fn all(&self) -> Result<Vec<SecretString>> {
        let names = self.names()?;
        names.iter().filter_map(|name| self.get(name).transpose()).collect()
    }

    /// The key, when the vault has one already. Never makes one.
    pub(crate) fn key_if_any(&self) -> Result<Option<MasterKey>> {
        match self.state.key_check()? {
            Some(_) => self.key().cloned().map(Some),
            None => Ok(None),
        }
    }

    /// The key; a new one when the vault has none yet.
    pub(crate) fn any_key(&self) -> Result<MasterKey> {
        self.key().cloned()
    }

    fn key(&self) -> Result<&MasterKey> {
        if let Some(key) = self.key.get() {
            return Ok(key);
        }
        let key = self.fetch_key()?;
        Ok(self.key.get_or_init(|| key))
    }

    fn fetch_key(&self) -> Result<MasterKey> {
        let found = self.provider.load()?;
        match (self.state.key_check()?, found) {
            (Some(check), Some(key)) => {
                if open(&key, CHECK_NAME, &check).is_none_or(|text| text.as_slice() != CHECK_TEXT) {
                    return Err(self.wrong_key());
                }
                Ok(key)
            }
            (Some(_), None) => Err(self.lost_key()),
            (None, found) => {
                let key = match found {
                    Some(key) => key,
                    None => {
                        let key = MasterKey::random()?;
                        self.provider.store(&key)?;
                        key
                    }
                };
                // Two programs may get here at once: the first check that is stored decides whose key it is.
                let stored = self.state.init_key_check(&seal(&key, CHECK_NAME, CHECK_TEXT)?)?;
                let mine = open(&key, CHECK_NAME, &stored).is_some();
                if mine { Ok(key) } else { Err(self.wrong_key()) }
            }
        }
    }

    fn wrong_key(&self) -> Error {
        Error::new(
            ErrorKind::Config,
            format!("The master key in {} does not open the vault of this project.", self.provider.place()),
        )
        .meaning("The secrets stay sealed; nothing was read or written.")
        .fix("Use the key that the secrets were stored with.")
        .fix("If that key is lost, remove the secrets with `syncline secret remove --all` and enter them again.")
    }

    fn lost_key(&self) -> Error {
        Error::new(
            ErrorKind::Config,
            format!("The vault holds secrets, but there is no master key in {}.", self.provider.place()),
        )
        .meaning("The secrets stay sealed; nothing was read or written.")
        .fix("Provide the key that the secrets were stored with.")
        .fix("If that key is lost, remove the secrets with `syncline secret remove --all` and enter them again.")
    }
}

impl fmt::Debug for Vault<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({})", self.provider.place())
    }
}

pub(crate) fn seal(key: &MasterKey, name: &str, plain: &[u8]) -> Result<SealedSecret> {
    let mut nonce = [0_u8; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(no_randomness)?;
    let payload = Payload { msg: plain, aad: name.as_bytes() };
    let sealed = key
        .cipher()
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| Error::internal(format!("The secret `{name}` could not be sealed.")))?;
    Ok(SealedSecret { nonce: nonce.to_vec(), sealed })
}

/// None when the key, the name, the nonce or the value is not the one it was sealed with.
pub(crate) fn open(key: &MasterKey, name: &str, secret: &SealedSecret) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; NONCE_BYTES] = secret.nonce.as_slice().try_into().ok()?;
    let payload = Payload { msg: &secret.sealed, aad: name.as_bytes() };
    key.cipher().decrypt(&XNonce::from(nonce), payload).ok().map(Zeroizing::new)
}
