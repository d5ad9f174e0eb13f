//! Where the master key lies.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use syncline_protocol::{Error, ErrorKind, Result};
use zeroize::Zeroizing;

use super::MasterKey;
use crate::atomic_file::io_error;

/// The environment variable that holds the master key as base64.
pub const MASTER_KEY_VARIABLE: &str = "SYNCLINE_MASTER_KEY";
/// The environment variable that names the file with the master key.
pub const MASTER_KEY_FILE_VARIABLE: &str = "SYNCLINE_MASTER_KEY_FILE";
/// The service under which entries appear in the keychain.
const SERVICE: &str = "Syncline";

/// A place for the master key.
pub trait KeyProvider: Send + Sync {
    /// The place in words, for messages: "the keychain of this computer".
    fn place(&self) -> String;

    /// The key, or none when the place works but holds none yet.
    ///
    /// # Errors
    /// `Config` when the place cannot be used, with what to do instead.
    fn load(&self) -> Result<Option<MasterKey>>;

    /// Keeps a new key.
    ///
    /// # Errors
    /// `Config` when this place cannot take one.
    fn store(&self, key: &MasterKey) -> Result<()>;
}

/// The provider that the environment chooses; the keychain when it says nothing.
///
/// # Errors
/// `Config` when both variables are set: one of them would be ignored in silence.
pub fn choose(env: &dyn Fn(&str) -> Option<String>, vault_id: &str) -> Result<Box<dyn KeyProvider>> {
    let variable = |name: &str| env(name).filter(|value| !value.is_empty());
    match (variable(MASTER_KEY_VARIABLE), variable(MASTER_KEY_FILE_VARIABLE)) {
        (Some(_), Some(_)) => Err(Error::new(
            ErrorKind::Config,
            format!("Both {MASTER_KEY_VARIABLE} and {MASTER_KEY_FILE_VARIABLE} are set."),
        )
        .fix("Unset one of the two.")),
        (Some(key), None) => Ok(Box::new(EnvKey::new(SecretString::from(key)))),
        (None, Some(path)) => Ok(Box::new(KeyFile::new(PathBuf::from(path)))),
        (None, None) => Ok(Box::new(Keychain::new(vault_id))),
    }
}

/// The key as the value of an environment variable.
#[derive(Debug)]
pub struct EnvKey(SecretString);

impl EnvKey {
    /// A key from the value of the variable.
    pub fn new(value: SecretString) -> Self {
        EnvKey(value)
    }
}

impl KeyProvider for EnvKey {
    fn place(&self) -> String {
        format!("the environment variable {MASTER_KEY_VARIABLE}")
    }

    fn load(&self) -> Result<Option<MasterKey>> {
        MasterKey::from_base64(self.0.expose_secret(), &self.place()).map(Some)
    }

    fn store(&self, _: &MasterKey) -> Result<()> {
        Err(Error::internal("A key from the environment cannot be changed."))
    }
}

/// The key in a file that only its owner can read.
#[derive(Debug)]
pub struct KeyFile(PathBuf);

impl KeyFile {
    /// A key in this file, which is made with the first secret when it does not exist.
    pub fn new(path: PathBuf) -> Self {
        KeyFile(path)
    }
}

impl KeyProvider for KeyFile {
    fn place(&self) -> String {
        format!("the file `{}`", self.0.display())
    }

    fn load(&self) -> Result<Option<MasterKey>> {
        match fs::metadata(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &self.0, error)),
            Ok(metadata) => check_private(&self.0, &metadata)?,
        }
        let text = fs::read_to_string(&self.0).map_err(|error| io_error("read", &self.0, error))?;
        MasterKey::from_base64(&Zeroizing::new(text), &self.place()).map(Some)
    }

    fn store(&self, key: &MasterKey) -> Result<()> {
        let mut options = OpenOptions::new();
        // Never over a file that is there: it could be somebody's only key.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.0).map_err(|error| io_error("create", &self.0, error))?;
        let text = key.to_base64();
        file.write_all(text.expose_secret().as_bytes())
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.sync_all())
            .map_err(|error| io_error("write", &self.0, error))
    }
}

#[cfg(unix)]
fn check_private(path: &Path, metadata: &fs::Metadata) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Config,
        format!("Other users of this computer can read the key file `{}`.", path.display()),
    )
    .meaning("The vault stays closed; nothing was read or written.")
    .fix(format!("Run `chmod 600 {}`.", path.display()))
    .with("mode", format!("{mode:o}")))
}

/// Windows: a new file inherits the access list of its folder; there is no mode to look at.
#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // the shape of the Unix twin
fn check_private(_: &Path, _: &fs::Metadata) -> Result<()> {
    Ok(())
}

/// The key in the keychain of the operating system: Keychain (macOS), Credential Manager (Windows), Secret Service
/// (Linux). One entry for each vault.
#[derive(Debug)]
pub struct Keychain {
    account: String,
}

impl Keychain {
    /// The entry of the vault with this id.
    pub fn new(vault_id: &str) -> Self {
        Keychain { account: format!("vault {vault_id}") }
    }

    fn entry(&self) -> Result<keyring::Entry> {
        if let Err(error) = keyring::Entry::store_status() {
            return Err(unusable(error.to_string()));
        }
        keyring::Entry::new(SERVICE, &self.account).map_err(|error| unusable(error.to_string()))
    }
}

impl KeyProvider for Keychain {
    fn place(&self) -> String {
        "the keychain of this computer".to_owned()
    }

    fn load(&self) -> Result<Option<MasterKey>> {
        match self.entry()?.get_password() {
            Ok(text) => MasterKey::from_base64(&Zeroizing::new(text), &self.place()).map(Some),
            Err(keyring::Error::NoEntry) => Ok(None),
            Err(error) => Err(unusable(describe(&error))),
        }
    }

    fn store(&self, key: &MasterKey) -> Result<()> {
        let entry = self.entry()?;
        entry.set_password(key.to_base64().expose_secret()).map_err(|error| unusable(describe(&error)))
    }
}

/// Some variants carry the stored bytes; those must not get into a message.
fn describe(error: &keyring::Error) -> String {
    match error {
        keyring::Error::BadEncoding(_) | keyring::Error::BadDataFormat(..) => {
            "the entry is damaged".to_owned()
        }
        other => other.to_string(),
    }
}

fn unusable(cause: String) -> Error {
    Error::new(ErrorKind::Config, "The keychain of this computer cannot be used, so secrets cannot be sealed.")
        .meaning("Nothing was stored. Secrets are never kept without a key.")
        .fix("Unlock the keychain (on Linux: start the Secret Service, for example gnome-keyring).")
        .fix(format!(
            "On a server: name a key file with {MASTER_KEY_FILE_VARIABLE}=/path/to/file; it is made with the first secret."
        ))
        .fix(format!("In a container: give the key in {MASTER_KEY_VARIABLE}; make one with `openssl rand -base64 32`."))
        .caused_by(cause)
}
