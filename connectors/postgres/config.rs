//! The settings of a Postgres source or destination, as they stand in the project files.

use std::time::Duration;

use schemars::JsonSchema;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};
use syncline_protocol::{Error, ErrorKind, Result};

/// How to reach a PostgreSQL database and sign in.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PostgresConfig {
    /// Name or address of the server. On Unix also the folder of its socket, beginning with `/`.
    pub host: String,
    /// The port it listens on.
    #[serde(default = "default_port")]
    pub port: u16,
    /// The database.
    pub database: String,
    /// The user to sign in as.
    pub user: String,
    /// The password of that user; none when the server needs none.
    #[serde(default, deserialize_with = "secret")]
    #[schemars(with = "Option<String>", extend("x-secret" = true))]
    pub password: Option<SecretString>,
    /// How the connection is encrypted.
    #[serde(default)]
    pub ssl: SslConfig,
    /// An SSH server to go through, when the database cannot be reached directly.
    #[serde(default)]
    pub ssh: Option<SshConfig>,
    /// A statement that runs longer than this is cancelled, in seconds. Default: no limit by Syncline; what the
    /// server sets for the user is lifted, because reading a large table takes as long as it takes.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub statement_timeout_seconds: Option<u32>,
    /// How long to wait for the server when connecting, in seconds.
    #[serde(default = "default_connect_timeout")]
    #[schemars(range(min = 1, max = 600))]
    pub connect_timeout_seconds: u32,
    /// How many connections a run may use at once.
    #[serde(default = "default_parallel")]
    #[schemars(range(min = 1, max = 32))]
    pub parallel: u8,
}

/// How the connection is encrypted; the modes are those of PostgreSQL's own clients.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SslConfig {
    /// What is asked of the connection.
    #[serde(default)]
    pub mode: SslMode,
    /// File with the certificates (PEM) of the authorities to trust, instead of those of this computer. When given,
    /// `require` verifies the certificate too.
    #[serde(default)]
    pub ca: Option<String>,
    /// File with the client certificate (PEM), when the server asks for one.
    #[serde(default)]
    pub certificate: Option<String>,
    /// File with the private key (PEM) of the client certificate.
    #[serde(default)]
    pub key: Option<String>,
}

/// What is asked of the connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SslMode {
    /// Not encrypted.
    Disable,
    /// Encrypted when the server can; the certificate is not looked at.
    #[default]
    Prefer,
    /// Encrypted; the certificate is not looked at.
    Require,
    /// Encrypted, and the certificate comes from a trusted authority.
    VerifyCa,
    /// Encrypted, and the certificate comes from a trusted authority and is for this host.
    VerifyFull,
}

/// An SSH server to go through. Give a password or a private key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshConfig {
    /// Name or address of the SSH server.
    pub host: String,
    /// The port it listens on.
    #[serde(default = "default_ssh_port")]
    pub port: u16,
    /// The user to sign in as.
    pub user: String,
    /// The password of that user.
    #[serde(default, deserialize_with = "secret")]
    #[schemars(with = "Option<String>", extend("x-secret" = true))]
    pub password: Option<SecretString>,
    /// The private key itself (OpenSSH or PEM text), not the name of a file.
    #[serde(default, deserialize_with = "secret")]
    #[schemars(with = "Option<String>", extend("x-secret" = true, "x-multiline" = true))]
    pub private_key: Option<SecretString>,
    /// The passphrase of the private key, when it has one.
    #[serde(default, deserialize_with = "secret")]
    #[schemars(with = "Option<String>", extend("x-secret" = true))]
    pub passphrase: Option<SecretString>,
    /// The fingerprint of the server's key to trust (`SHA256:…`). Without it the connection test tells the
    /// fingerprint and stops, so that it can be compared first.
    #[serde(default)]
    pub host_key: Option<String>,
}

fn default_port() -> u16 {
    5432
}
fn default_ssh_port() -> u16 {
    22
}
fn default_connect_timeout() -> u32 {
    10
}
fn default_parallel() -> u8 {
    2
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(SecretString::from))
}

impl PostgresConfig {
    /// How long to wait for each step of connecting.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_secs(u64::from(self.connect_timeout_seconds.max(1)))
    }

    /// Whether `host` is the folder of a Unix socket.
    pub fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Refuses what the types cannot: empty names and settings that contradict each other.
    ///
    /// # Errors
    /// `Config`, naming the setting.
    pub fn validate(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::new(ErrorKind::Config, message));
        if self.host.trim().is_empty() {
            return refuse("The setting `host` of this PostgreSQL connection is empty.");
        }
        if self.database.is_empty() {
            return refuse("The setting `database` of this PostgreSQL connection is empty.");
        }
        if self.user.is_empty() {
            return refuse("The setting `user` of this PostgreSQL connection is empty.");
        }
        if !(1..=32).contains(&self.parallel) {
            return refuse("The setting `parallel` of this PostgreSQL connection must be between 1 and 32.");
        }
        if self.ssl.certificate.is_some() != self.ssl.key.is_some() {
            return refuse(
                "The settings `ssl.certificate` and `ssl.key` belong together; only one is given.",
            );
        }
        if let Some(ssh) = &self.ssh {
            if ssh.password.is_none() && ssh.private_key.is_none() {
                return refuse("The SSH server needs `ssh.password` or `ssh.private_key`.");
            }
            if self.is_socket() {
                return refuse("A Unix socket cannot be reached through an SSH server; give a host name.");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use syncline_protocol::Config;

    fn parse(value: serde_json::Value) -> Result<PostgresConfig> {
        Config::new(value).parse("PostgreSQL")
    }

    #[test]
    fn defaults_are_those_of_postgres() {
        let config = parse(serde_json::json!({"host": "db", "database": "shop", "user": "me"})).unwrap();
        assert_eq!((config.port, config.ssl.mode, config.parallel), (5432, SslMode::Prefer, 2));
        config.validate().unwrap();
    }

    #[test]
    fn secrets_are_marked_and_never_printed() {
        let schema = syncline_protocol::connector::config_schema::<PostgresConfig>();
        assert_eq!(schema["properties"]["password"]["x-secret"], true, "{schema:#}");
        assert_eq!(schema["$defs"]["SshConfig"]["properties"]["private_key"]["x-secret"], true, "{schema:#}");
        let config = parse(serde_json::json!({
            "host": "db", "database": "shop", "user": "me", "password": "hunter2",
            "ssh": {"host": "s", "user": "u", "password": "hunter3", "private_key": "hunter4"},
        }))
        .unwrap();
        assert!(!format!("{config:?}").contains("hunter"), "{config:?}");
    }

    #[test]
    fn contradictions_are_refused() {
        let mut config = parse(serde_json::json!({"host": "/run", "database": "d", "user": "u",
            "ssh": {"host": "h", "user": "u", "password": "p"}}))
        .unwrap();
        assert_eq!(config.validate().unwrap_err().kind(), ErrorKind::Config);
        config.ssh = None;
        config.validate().unwrap();
        config.ssl.key = Some("key.pem".into());
        assert!(config.validate().unwrap_err().message().contains("ssl.certificate"));
        assert!(
            parse(serde_json::json!({"host": "h", "database": "d", "user": "u", "pasword": "x"})).is_err()
        );
    }
}
