//! The way through an SSH server: one session, one channel a database connection.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client::{self, AuthResult, Handle};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use secrecy::ExposeSecret;
use syncline_protocol::{Error, ErrorKind, Result};
use tokio::net::TcpStream;

use super::config::SshConfig;

/// A signed-in SSH session. Ends when dropped.
pub(super) struct Tunnel {
    session: Handle<HostKey>,
}

impl Tunnel {
    /// Checks the server's key over `socket` and signs in.
    ///
    /// # Errors
    /// `HostKey` when the key is not the trusted one, with its fingerprint; `Authentication`; `Config` when the
    /// private key cannot be read.
    pub(super) async fn open(config: &SshConfig, socket: TcpStream) -> Result<Tunnel> {
        let settings = client::Config {
            // A NAT forgets silent connections; a server that sorts for minutes is silent.
            keepalive_interval: Some(Duration::from_secs(30)),
            nodelay: true,
            ..client::Config::default()
        };
        let seen = Arc::new(Mutex::new(None));
        let host_key = HostKey { trusted: config.host_key.clone(), seen: Arc::clone(&seen) };
        let mut session = client::connect_stream(Arc::new(settings), socket, host_key).await.map_err(
            |error| match error {
                russh::Error::UnknownKey => untrusted(config, &seen),
                other => broken(config, other),
            },
        )?;
        if sign_in(config, &mut session).await? {
            return Ok(Tunnel { session });
        }
        let message = format!("The SSH server {} did not accept user `{}`.", config.host, config.user);
        Err(Error::new(ErrorKind::Authentication, message).fix(
            "Check the SSH user, and the password or private key; the public key must be on the SSH server.",
        ))
    }

    /// A channel to `host:port`, as the SSH server sees them.
    ///
    /// # Errors
    /// `Unreachable` when the SSH server cannot or must not connect there.
    pub(super) async fn channel(&self, host: &str, port: u16) -> Result<russh::ChannelStream<client::Msg>> {
        let channel =
            self.session.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await.map_err(
                |error| {
                    let message = format!("The SSH server cannot reach {host} on port {port}.");
                    Error::new(ErrorKind::Unreachable, message)
                        .fix("Give the address of the database as the SSH server sees it, often `localhost`.")
                        .caused_by(error)
                },
            )?;
        Ok(channel.into_stream())
    }
}

async fn sign_in(config: &SshConfig, session: &mut Handle<HostKey>) -> Result<bool> {
    if let Some(key) = &config.private_key {
        let passphrase = config.passphrase.as_ref().map(ExposeSecret::expose_secret);
        let key = decode_secret_key(key.expose_secret(), passphrase).map_err(|error| {
            Error::new(ErrorKind::Config, "The SSH private key cannot be read.")
                .fix("Check the passphrase, and that the whole key was copied, with its first and last line.")
                .caused_by(error)
        })?;
        let hash = session.best_supported_rsa_hash().await.map_err(|error| broken(config, error))?.flatten();
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
        let answer = session.authenticate_publickey(&config.user, key).await;
        if matches!(answer.map_err(|error| broken(config, error))?, AuthResult::Success) {
            return Ok(true);
        }
    }
    if let Some(password) = &config.password {
        let answer = session.authenticate_password(&config.user, password.expose_secret()).await;
        return Ok(matches!(answer.map_err(|error| broken(config, error))?, AuthResult::Success));
    }
    Ok(false)
}

fn broken(config: &SshConfig, error: russh::Error) -> Error {
    let message = format!("The connection to the SSH server {} broke.", config.host);
    Error::new(ErrorKind::ConnectionLost, message).caused_by(error)
}

fn untrusted(config: &SshConfig, seen: &Mutex<Option<String>>) -> Error {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default();
    let host = &config.host;
    let message = match &config.host_key {
        None => format!("This is the first time that SSH server {host} is seen; its key is {seen}."),
        Some(_) => format!("The SSH server {host} has another key than the trusted one: {seen}."),
    };
    Error::new(ErrorKind::HostKey, message).with("fingerprint", &seen).fix(format!(
        "Compare the fingerprint with the owner of the server; if it is the same, set `ssh.host_key` to `{seen}`."
    ))
}

struct HostKey {
    trusted: Option<String>,
    seen: Arc<Mutex<Option<String>>>,
}

impl client::Handler for HostKey {
    type Error = russh::Error;

    async fn check_server_key(&mut self, offered: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let fingerprint = match offered {
            PublicKeyOrCertificate::PublicKey { key, .. } => key.fingerprint(HashAlg::Sha256),
            PublicKeyOrCertificate::Certificate(certificate) => {
                certificate.public_key().fingerprint(HashAlg::Sha256)
            }
        }
        .to_string();
        let trusted = self.trusted.as_deref().is_some_and(|trusted| trusted.trim() == fingerprint);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(fingerprint);
        Ok(trusted)
    }
}
