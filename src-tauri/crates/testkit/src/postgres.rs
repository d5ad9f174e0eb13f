//! Private PostgreSQL servers for tests.
//!
//! A server lives in its own folder, on its own port, and dies with the process that started it, however that
//! process ends: on Unix a shell holds it and stops it when the pipe to the test process closes.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio_postgres::{Client, NoTls};

use crate::wait::wait_for;

/// The superuser of every private server.
pub const USER: &str = "postgres";
/// Its password. Only asked for by servers with [`Options::password`].
pub const PASSWORD: &str = "syncline test's \"password\"";

const HOST: &str = "127.0.0.1";
const READY_WITHIN: Duration = Duration::from_secs(60);
const START_ATTEMPTS: u32 = 3;

/// How a server is set up.
#[derive(Debug, Clone, Default)]
pub struct Options {
    password: bool,
    durable: bool,
    settings: Vec<(String, String)>,
    hba: Option<String>,
}

impl Options {
    /// Asks for [`PASSWORD`] (SCRAM) instead of trusting everybody.
    #[must_use]
    pub fn password(mut self) -> Self {
        self.password = true;
        self
    }

    /// Writes through to the disk as a server in production does. Otherwise what is committed survives the end of the
    /// server, but not that of the computer.
    #[must_use]
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Sets a server parameter, for example `("max_connections", "20")`.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Replaces `pg_hba.conf`: who may connect, from where and how.
    #[must_use]
    pub fn access_rules(mut self, pg_hba: &str) -> Self {
        self.hba = Some(pg_hba.to_owned());
        self
    }

    /// Starts a server.
    ///
    /// # Errors
    /// When no PostgreSQL is installed, or it does not start; with the end of its log.
    pub async fn start(self) -> Result<PostgresServer> {
        let mut server = tokio::task::spawn_blocking(move || PostgresServer::prepare(self)).await??;
        server.launch().await?;
        Ok(server)
    }
}

/// A running private server. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct PostgresServer {
    folder: PathBuf,
    port: u16,
    options: Options,
    account: Option<Account>,
    process: Option<Child>,
    databases: AtomicU32,
}

impl PostgresServer {
    /// A server with trust authentication and durability off.
    ///
    /// # Errors
    /// As for [`Options::start`].
    pub async fn start() -> Result<Self> {
        Options::default().start().await
    }

    /// The server of this test process, started when it is first asked for. Take a [`Database`] of your own on it.
    ///
    /// # Panics
    /// When it cannot be started.
    pub async fn shared() -> &'static PostgresServer {
        static SHARED: OnceCell<PostgresServer> = OnceCell::const_new();
        SHARED
            .get_or_init(|| async { PostgresServer::start().await.expect("a private PostgreSQL server") })
            .await
    }

    fn prepare(options: Options) -> Result<Self> {
        let account = Account::needed()?;
        let template = template(account)?;
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("syncline-pg-{}-{number}", std::process::id()));
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        own(&folder, account)?;
        copy(&template, &folder.join("data"), account)?;
        let server = PostgresServer {
            folder,
            port: free_port()?,
            options,
            account,
            process: None,
            databases: AtomicU32::new(0),
        };
        let hba = server.options.hba.clone().unwrap_or_else(|| {
            let method = if server.options.password { "scram-sha-256" } else { "trust" };
            format!(
                "local all all {method}\nhost all all 127.0.0.1/32 {method}\nhost all all ::1/128 {method}\nhost replication all 127.0.0.1/32 {method}\n"
            )
        });
        fs::write(server.data_folder().join("pg_hba.conf"), hba)?;
        fs::write(server.data_folder().join("postgresql.auto.conf"), server.settings())?;
        Ok(server)
    }

    /// The text of the configuration file.
    fn settings(&self) -> String {
        let mut text = format!(
            "listen_addresses = '{HOST}'\nshared_buffers = '64MB'\nmax_connections = 60\nautovacuum = off\n\
             timezone = 'UTC'\nlc_messages = 'C'\nlogging_collector = off\n"
        );
        if cfg!(unix) {
            text.push_str(&format!("unix_socket_directories = '{}'\n", self.folder.display()));
        }
        if !self.options.durable {
            // What is committed still reaches the operating system, so that it survives `kill`.
            text.push_str("fsync = off\nfull_page_writes = off\n");
        }
        for (name, value) in &self.options.settings {
            text.push_str(&format!("{name} = '{}'\n", value.replace('\'', "''")));
        }
        text
    }

    /// Starts the process and waits until it answers. Takes another port when somebody was faster.
    async fn launch(&mut self) -> Result<()> {
        for attempt in 1..=START_ATTEMPTS {
            self.spawn()?;
            let mut ready = false;
            wait_for(
                async || {
                    ready = self.answers().await;
                    ready || self.ended()
                },
                READY_WITHIN,
            )
            .await;
            if ready {
                return Ok(());
            }
            self.kill();
            let log = self.log();
            ensure!(
                attempt < START_ATTEMPTS,
                "PostgreSQL does not start; its log ends with:\n{}",
                tail(&log, 2000)
            );
            if log.contains("could not bind") {
                self.port = free_port()?;
            }
        }
        Ok(())
    }

    /// Whether it takes connections; refusing us as its rules say is an answer, too.
    async fn answers(&self) -> bool {
        let mut config = tokio_postgres::Config::new();
        config.host(HOST).port(self.port).dbname("postgres").user(USER).password(PASSWORD);
        match config.connect(NoTls).await {
            Ok(_) => true,
            Err(error) => error.code().is_some_and(|code| code.code().starts_with("28")),
        }
    }

    fn ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| !matches!(process.try_wait(), Ok(None)))
    }

    fn spawn(&mut self) -> Result<()> {
        let log = fs::File::create(self.log_file())?;
        let program = binary("postgres")?;
        let port = self.port.to_string();
        let data = self.data_folder();
        let mut command = guarded(&program, &self.folder);
        command.arg("-D").arg(&data).args(["-p", &port]);
        as_account(&mut command, self.account);
        command.stdin(Stdio::piped()).stdout(log.try_clone()?).stderr(log).current_dir(&self.folder);
        self.process = Some(command.spawn().with_context(|| format!("{} does not run", program.display()))?);
        Ok(())
    }

    /// Stops the server at once, as a crash does: open transactions are lost, the log is replayed at the next start.
    pub fn kill(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        if cfg!(unix) {
            // Any line tells the shell to stop the server and to keep its folder.
            if let Some(mut pipe) = process.stdin.take() {
                let _ = pipe.write_all(b"stop\n");
            }
        } else {
            let _ = binary("pg_ctl").map(|pg_ctl| {
                Command::new(pg_ctl)
                    .args(["stop", "-m", "immediate", "-D"])
                    .arg(self.data_folder())
                    .stdout(Stdio::null())
                    .stderr(Stdio::null())
                    .status()
            });
            let _ = process.kill();
        }
        let _ = process.wait();
    }

    /// Starts the server again on the same port, after [`kill`](Self::kill) or instead of it.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> Result<()> {
        self.kill();
        self.launch().await
    }

    /// Where its data lies; certificates can be put here before [`restart`](Self::restart).
    pub fn data_folder(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// What the server wrote to its log since it was last started.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Adds a file to the data folder that only the server may read (it insists on that for keys).
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn add_file(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let path = self.data_folder().join(name);
        fs::write(&path, content)?;
        private(&path)?;
        own(&path, self.account)?;
        Ok(path)
    }

    /// The port it listens on, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket.
    pub fn socket_folder(&self) -> &Path {
        &self.folder
    }

    /// A database that is there, for example `postgres`.
    pub fn database(&self, name: &str) -> Database {
        Database {
            host: HOST.to_owned(),
            port: self.port,
            name: name.to_owned(),
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
        }
    }

    /// A new, empty database.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database(&self) -> Result<Database> {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.connect().await?.batch_execute(&format!("CREATE DATABASE {name}")).await?;
        Ok(self.database(&name))
    }

    /// A connection to the database `postgres`.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect(&self) -> Result<Client> {
        self.database("postgres").connect().await
    }

    /// The address of the database `postgres`.
    pub fn url(&self) -> String {
        self.database("postgres").url()
    }

    /// The configuration of the postgres connector for the database `postgres`.
    pub fn config_json(&self) -> Value {
        self.database("postgres").config_json()
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where and as whom to connect.
#[derive(Debug, Clone)]
pub struct Database {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The database.
    pub name: String,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: String,
}

impl Database {
    /// A new, empty database on the [shared](PostgresServer::shared) server.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn fresh() -> Database {
        PostgresServer::shared().await.create_database().await.expect("a new database")
    }

    /// The same database at another port, for example that of a [`TcpProxy`](crate::TcpProxy).
    #[must_use]
    pub fn at_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// A connection. It ends when the client is dropped.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect(&self) -> Result<Client> {
        let mut config = tokio_postgres::Config::new();
        config.host(&self.host).port(self.port).dbname(&self.name).user(&self.user).password(&self.password);
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(async move {
            // What breaks the connection shows at the client.
            let _ = connection.await;
        });
        Ok(client)
    }

    /// Runs statements.
    ///
    /// # Panics
    /// When one fails.
    pub async fn execute(&self, statements: &str) {
        let client = self.connect().await.expect("a connection");
        if let Err(error) = client.batch_execute(statements).await {
            panic!("{error:?} in:\n{statements}");
        }
    }

    /// The address, for example `postgres://postgres:…@127.0.0.1:5433/test_1`.
    pub fn url(&self) -> String {
        let encode = |text: &str| -> String {
            text.bytes()
                .map(|byte| match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                        char::from(byte).to_string()
                    }
                    other => format!("%{other:02X}"),
                })
                .collect()
        };
        let (user, password) = (encode(&self.user), encode(&self.password));
        format!("postgres://{user}:{password}@{}:{}/{}", self.host, self.port, encode(&self.name))
    }

    /// The configuration of the postgres connector.
    pub fn config_json(&self) -> Value {
        json!({
            "host": self.host,
            "port": self.port,
            "database": self.name,
            "user": self.user,
            "password": self.password,
        })
    }
}

/// The operating system account that the server runs as, when we may not be that ourselves: PostgreSQL refuses root.
#[derive(Debug, Clone, Copy)]
struct Account {
    #[cfg_attr(not(unix), allow(dead_code))]
    user: u32,
    #[cfg_attr(not(unix), allow(dead_code))]
    group: u32,
}

impl Account {
    #[cfg(unix)]
    fn needed() -> Result<Option<Account>> {
        let id = |arguments: &[&str]| -> Result<u32> {
            let output = Command::new("id").args(arguments).output()?;
            ensure!(output.status.success(), "there is no account `postgres` to run the server as");
            Ok(String::from_utf8(output.stdout)?.trim().parse()?)
        };
        if id(&["-u"])? != 0 {
            return Ok(None);
        }
        Ok(Some(Account { user: id(&["-u", "postgres"])?, group: id(&["-g", "postgres"])? }))
    }

    #[cfg(not(unix))]
    fn needed() -> Result<Option<Account>> {
        Ok(None)
    }
}

#[cfg(unix)]
fn as_account(command: &mut Command, account: Option<Account>) {
    use std::os::unix::process::CommandExt as _;
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
}

#[cfg(not(unix))]
fn as_account(_: &mut Command, _: Option<Account>) {}

#[cfg(unix)]
fn own(path: &Path, account: Option<Account>) -> Result<()> {
    if let Some(account) = account {
        std::os::unix::fs::chown(path, Some(account.user), Some(account.group))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn own(_: &Path, _: Option<Account>) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

#[cfg(not(unix))]
fn private(_: &Path) -> Result<()> {
    Ok(())
}

/// `program`, held by a shell that stops it when our end of the pipe closes. A line means: keep the folder.
/// In a process group of its own, so that what kills a test does not kill the shell first.
#[cfg(unix)]
fn guarded(program: &Path, folder: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    const GUARD: &str = r#"
        folder=$1; shift
        exec 3<&0
        "$@" 3<&- </dev/null &
        server=$!
        ( read -r _ <&3 || : >"$folder/abandoned"; kill -QUIT "$server" 2>/dev/null ) >/dev/null 2>&1 &
        wait "$server"
        if [ -e "$folder/abandoned" ]; then rm -rf "$folder"; fi
    "#;
    let mut command = Command::new("sh");
    command.args(["-c", GUARD, "guard"]).arg(folder).arg(program).process_group(0);
    command
}

#[cfg(not(unix))]
fn guarded(program: &Path, _: &Path) -> Command {
    Command::new(program)
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((HOST, 0))?.local_addr()?.port())
}

fn tail(text: &str, bytes: usize) -> &str {
    let start = (text.len().saturating_sub(bytes)..=text.len()).find(|at| text.is_char_boundary(*at));
    &text[start.unwrap_or(0)..]
}

/// A program of the newest PostgreSQL that is installed: Debian, `PATH`, Homebrew, Windows.
///
/// # Errors
/// When there is none, with what to install.
pub fn binary(name: &str) -> Result<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let mut folders = Vec::new();
    for parent in ["/usr/lib/postgresql", "C:\\Program Files\\PostgreSQL", "/usr/pgsql"] {
        folders.extend(versions(Path::new(parent), ""));
    }
    for parent in ["/opt/homebrew/opt", "/usr/local/opt"] {
        folders.extend(versions(Path::new(parent), "postgresql@"));
    }
    folders.extend(env::split_paths(&env::var_os("PATH").unwrap_or_default()));
    match folders.into_iter().map(|folder| folder.join(&file)).find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!("`{file}` of PostgreSQL is not installed; on Debian: apt-get install postgresql"),
    }
}

/// The `bin` folders of all versions below `parent`, newest first.
fn versions(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// A data folder fresh from `initdb`, made once per computer and copied for each server.
fn template(account: Option<Account>) -> Result<PathBuf> {
    let initdb = binary("initdb")?;
    let version = Command::new(&initdb).arg("--version").output()?.stdout;
    let version: String = String::from_utf8_lossy(&version)
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '.')
        .collect();
    let who =
        account.map_or_else(|| env::var("USER").unwrap_or_default(), |account| account.user.to_string());
    let template = env::temp_dir().join(format!("syncline-pg-template-1-{version}-{who}"));
    if template.join("PG_VERSION").exists() {
        return Ok(template);
    }
    let scratch = tempfile::Builder::new().prefix("syncline-pg-initdb-").tempdir()?;
    own(scratch.path(), account)?;
    let password = scratch.path().join("password");
    fs::write(&password, PASSWORD)?;
    own(&password, account)?;
    let made = scratch.path().join("data");
    let mut command = Command::new(&initdb);
    command.arg("-D").arg(&made).arg("--pwfile").arg(&password).args([
        "--username",
        USER,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
    ]);
    as_account(&mut command, account);
    let output = command.current_dir(scratch.path()).output()?;
    ensure!(output.status.success(), "initdb failed: {}", String::from_utf8_lossy(&output.stderr));
    // Another test may have been faster; its folder is as good.
    if fs::rename(&made, &template).is_err() && !template.join("PG_VERSION").exists() {
        bail!("the template of PostgreSQL could not be put into {}", template.display());
    }
    Ok(template)
}

/// Copies a folder with everything in it and gives the copy to `account`.
fn copy(from: &Path, to: &Path, account: Option<Account>) -> Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    own(to, account)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, account)?;
        } else {
            fs::copy(entry.path(), &target)?;
            own(&target, account)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_server_survives_a_crash_and_leaves_nothing_behind() {
        let mut server = Options::default().password().start().await.unwrap();
        let database = server.create_database().await.unwrap();
        database.execute("CREATE TABLE t(a int); INSERT INTO t VALUES (1)").await;
        server.restart().await.unwrap();
        let row = database.connect().await.unwrap().query_one("SELECT a FROM t", &[]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), 1);
        let wrong = Database { password: "wrong".to_owned(), ..database.clone() };
        assert!(wrong.connect().await.is_err());
        let folder = server.folder.clone();
        drop(server);
        assert!(!folder.exists());
        assert!(database.connect().await.is_err());
    }

    #[tokio::test]
    async fn databases_on_the_shared_server_are_separate() {
        let (one, two) = (Database::fresh().await, Database::fresh().await);
        one.execute("CREATE TABLE t(a int)").await;
        two.execute("CREATE TABLE t(a int)").await;
        let client = tokio_postgres::connect(&one.url(), NoTls).await;
        assert!(client.is_ok());
    }
}
