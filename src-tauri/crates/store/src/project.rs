//! A project: a folder of YAML files, plus `.syncline/` for what is not configuration.
//!
//! ```text
//! project.yaml
//! sources/NAME.yaml   destinations/NAME.yaml   connections/NAME.yaml
//! .syncline/          state.sqlite, locks/, logs/, schemas/: never committed, its own .gitignore says so
//! ```

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use syncline_protocol::{Error, ErrorKind, Result, Side, split_reference};

use crate::atomic_file::{self, io_error};
use crate::config::{ConnectionConfig, Mode, ProjectConfig, SystemConfig};
use crate::{schemas, yaml};

const PROJECT_FILE: &str = "project.yaml";
const CONNECTIONS: &str = "connections";
const LOCAL: &str = ".syncline";
/// A project file larger than this is not one; keeps a wrong path from filling memory.
const FILE_BYTES_MAX: u64 = 16 << 20;
const NAME_BYTES_MAX: usize = 63;

/// An opened project folder. Files are read when asked for, so that edits made outside are seen.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
    config: ProjectConfig,
}

/// The two kinds of configured systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SystemKind {
    /// Files in `sources/`.
    Source,
    /// Files in `destinations/`.
    Destination,
}

impl From<Side> for SystemKind {
    fn from(side: Side) -> Self {
        match side {
            Side::Source => SystemKind::Source,
            Side::Destination => SystemKind::Destination,
        }
    }
}

impl SystemKind {
    /// The word for people: "source" or "destination".
    pub fn word(self) -> &'static str {
        match self {
            SystemKind::Source => "source",
            SystemKind::Destination => "destination",
        }
    }

    fn folder(self) -> &'static str {
        match self {
            SystemKind::Source => "sources",
            SystemKind::Destination => "destinations",
        }
    }
}

impl Project {
    /// Makes a project in `folder`, which is created when it does not exist and may hold other files.
    ///
    /// # Errors
    /// `Config` when there is a project already; `Permission` or `DiskFull` when files cannot be written.
    pub fn init(folder: &Path, name: &str) -> Result<Project> {
        if folder.join(PROJECT_FILE).exists() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("There is already a project in `{}`.", folder.display()),
            )
            .meaning("It was left as it is.")
            .fix("Work with it, or choose another folder."));
        }
        let config =
            ProjectConfig { name: name.to_owned(), id: project_id(name)?, salt: random_hex::<16>()? };
        fs::create_dir_all(folder).map_err(|error| io_error("create the folder", folder, error))?;
        let project = Project { root: absolute(folder)?, config };
        project.prepare_local()?;
        project.save_file(Path::new(PROJECT_FILE), schemas::PROJECT, &project.config)?;
        Ok(project)
    }

    /// Opens the project that `start` lies in: the nearest folder upwards that holds `project.yaml`.
    ///
    /// # Errors
    /// `Config` when there is none, or when its `project.yaml` is wrong.
    pub fn find(start: &Path) -> Result<Project> {
        let start = absolute(start)?;
        match start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()) {
            Some(root) => Project::open(root),
            None => Err(Error::new(
                ErrorKind::Config,
                format!("There is no Syncline project in `{}` or in a folder above it.", start.display()),
            )
            .meaning("Nothing was read or written.")
            .fix("Make one here with `syncline init`.")
            .fix("Go into the project folder, or name it with `--project FOLDER`.")),
        }
    }

    /// Opens the project in `folder`.
    ///
    /// # Errors
    /// `Config` when `project.yaml` is not there, and with line and column when it is wrong.
    pub fn open(folder: &Path) -> Result<Project> {
        let root = absolute(folder)?;
        if !root.join(PROJECT_FILE).is_file() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("`{}` is not a Syncline project: it holds no project.yaml.", folder.display()),
            )
            .meaning("Nothing was read or written.")
            .fix("Make one there with `syncline init FOLDER`."));
        }
        let config = load_file(&root, Path::new(PROJECT_FILE))?;
        let project = Project { root, config };
        project.prepare_local()?;
        Ok(project)
    }

    /// The folder, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What `project.yaml` says.
    pub fn config(&self) -> &ProjectConfig {
        &self.config
    }

    /// `.syncline/`: what is not configuration.
    pub fn local(&self) -> PathBuf {
        self.root.join(LOCAL)
    }

    /// The SQLite file of the local state.
    pub fn state_path(&self) -> PathBuf {
        self.local().join("state.sqlite")
    }

    /// The folder for log files.
    pub fn logs(&self) -> PathBuf {
        self.local().join("logs")
    }

    /// The log of a run: one JSON object a line. There is none for runs of other computers, and for old ones.
    pub fn run_log_path(&self, run: &str) -> PathBuf {
        // An id from outside must not lead out of the folder.
        let safe = |character: char| character.is_ascii_alphanumeric() || character == '-';
        let name: String = run.chars().filter(|character| safe(*character)).take(64).collect();
        self.logs().join("runs").join(format!("{name}.jsonl"))
    }

    /// The names of all sources or destinations, sorted.
    ///
    /// # Errors
    /// `Config` when a file has a name that is not allowed; `Permission` when the folder cannot be read.
    pub fn systems(&self, kind: SystemKind) -> Result<Vec<String>> {
        self.names(kind.folder())
    }

    /// A source or destination.
    ///
    /// # Errors
    /// `Config`: with the nearest name when there is none of this name, with line and column when it is wrong.
    pub fn system(&self, kind: SystemKind, name: &str) -> Result<SystemConfig> {
        self.load(kind.folder(), kind.word(), name)
    }

    /// Writes a source or destination, replacing the file that is there.
    ///
    /// # Errors
    /// `Config` when the name is not allowed; `Permission`, `DiskFull`.
    pub fn save_system(&self, kind: SystemKind, name: &str, config: &SystemConfig) -> Result<()> {
        let schema = match kind {
            SystemKind::Source => schemas::SOURCE,
            SystemKind::Destination => schemas::DESTINATION,
        };
        self.save(kind.folder(), schema, name, config)
    }

    /// Removes a source or destination.
    ///
    /// # Errors
    /// `Config` when a connection still uses it, or there is none of this name.
    pub fn remove_system(&self, kind: SystemKind, name: &str) -> Result<()> {
        let users: Vec<String> = self
            .connections()?
            .into_iter()
            .filter(|connection| {
                // A connection that cannot be read is no reason to keep everything: only a clear use counts.
                self.load::<ConnectionConfig>(CONNECTIONS, "connection", connection)
                    .is_ok_and(|config| config.system(kind) == name)
            })
            .collect();
        if !users.is_empty() {
            return Err(Error::new(
                ErrorKind::Config,
                format!("The {} `{name}` is still used by: {}.", kind.word(), users.join(", ")),
            )
            .meaning("It was not removed.")
            .fix("Remove these connections first."));
        }
        self.remove(kind.folder(), kind.word(), name)
    }

    /// The names of all connections, sorted.
    ///
    /// # Errors
    /// As [`Project::systems`].
    pub fn connections(&self) -> Result<Vec<String>> {
        self.names(CONNECTIONS)
    }

    /// A connection whose parts exist and fit together.
    ///
    /// # Errors
    /// `Config`: with the nearest name when there is none of this name, with line and column when it is wrong, or naming
    /// the reference that leads nowhere.
    pub fn connection(&self, name: &str) -> Result<ConnectionConfig> {
        let config: ConnectionConfig = self.load(CONNECTIONS, "connection", name)?;
        self.validate_connection(name, &config)?;
        Ok(config)
    }

    /// A fingerprint of the files that a run of this connection depends on: its own, its source's, its destination's
    /// and `project.yaml`. Comments count; secrets do not, they are not in the files.
    ///
    /// # Errors
    /// As [`Project::connection`].
    pub fn config_hash(&self, name: &str) -> Result<String> {
        let own = std::iter::once(PathBuf::from(PROJECT_FILE));
        let mut bytes = Vec::new();
        for file in own.chain(self.files_of(name)?) {
            let path = self.root.join(file);
            let text = fs::read(&path).map_err(|error| io_error("read", &path, error))?;
            bytes.extend_from_slice(&(text.len() as u64).to_le_bytes());
            bytes.extend(text);
        }
        Ok(format!("{:016x}", fnv1a(bytes)))
    }

    /// The files of a connection, its source and its destination as they are, by their names within the project with `/`
    /// between their parts. No secrets are in them.
    ///
    /// # Errors
    /// As [`Project::connection`]; `CorruptInput` for a file that is no text.
    pub fn texts_of(&self, name: &str) -> Result<Vec<(String, String)>> {
        let read = |file: PathBuf| {
            let path = self.root.join(&file);
            let text = fs::read_to_string(&path).map_err(|error| io_error("read", &path, error))?;
            let parts: Vec<_> = file.iter().map(|part| part.to_string_lossy()).collect();
            Ok((parts.join("/"), text))
        };
        self.files_of(name)?.into_iter().map(read).collect()
    }

    fn files_of(&self, name: &str) -> Result<[PathBuf; 3]> {
        let connection = self.connection(name)?;
        Ok([
            file_of(SystemKind::Source.folder(), &connection.source),
            file_of(SystemKind::Destination.folder(), &connection.destination),
            file_of(CONNECTIONS, name),
        ])
    }

    /// Writes a connection, replacing the file that is there.
    ///
    /// # Errors
    /// `Config` when its source or destination does not exist or its tables contradict each other.
    pub fn save_connection(&self, name: &str, config: &ConnectionConfig) -> Result<()> {
        self.validate_connection(name, config)?;
        self.save(CONNECTIONS, schemas::CONNECTION, name, config)
    }

    /// Removes a connection. What it loaded stays in the destination.
    ///
    /// # Errors
    /// `Config` when there is none of this name.
    pub fn remove_connection(&self, name: &str) -> Result<()> {
        self.remove(CONNECTIONS, "connection", name)
    }

    fn validate_connection(&self, name: &str, config: &ConnectionConfig) -> Result<()> {
        let file = format!("{CONNECTIONS}/{name}.yaml");
        for kind in [SystemKind::Source, SystemKind::Destination] {
            let wanted = config.system(kind);
            let known = self.systems(kind)?;
            if !known.iter().any(|system| system == wanted) {
                let error = Error::new(
                    ErrorKind::Config,
                    format!("{file}: there is no {} called `{wanted}`.", kind.word()),
                );
                return Err(suggest(error, wanted, &known, kind.word()));
            }
        }
        let wrong = |what: String, fix: &str| {
            Err(Error::new(ErrorKind::Config, format!("{file}: {what}.")).fix(fix.to_owned()))
        };
        for (at, table) in config.tables.iter().enumerate() {
            if config.tables[..at].iter().any(|earlier| earlier.name == table.name) {
                return wrong(format!("table `{}` is listed twice", table.name), "Remove one of the two.");
            }
            if table.look_back_seconds > 0 && matches!(table.mode, Some(Mode::Append | Mode::Replace)) {
                return wrong(
                    format!(
                        "table `{}` has a look-back, which only merge and history understand",
                        table.name
                    ),
                    "Remove `look_back_seconds`, or use `mode: merge`.",
                );
            }
            if table.look_back_seconds > 0 && table.cursor.is_none() {
                return wrong(
                    format!("table `{}` has a look-back but no cursor column", table.name),
                    "Add `cursor: …`, or remove `look_back_seconds`.",
                );
            }
        }
        Ok(())
    }

    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let path = self.root.join(folder);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io_error("read the folder", &path, error)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let file = entry.map_err(|error| io_error("read the folder", &path, error))?.path();
            let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if file.extension().is_none_or(|extension| extension != "yaml") || stem.starts_with('.') {
                continue;
            }
            validate_name(stem).map_err(|error| error.with("file", file.display()))?;
            names.push(stem.to_owned());
        }
        names.sort();
        Ok(names)
    }

    fn load<T: DeserializeOwned>(&self, folder: &str, word: &str, name: &str) -> Result<T> {
        validate_name(name)?;
        let file = file_of(folder, name);
        if !self.root.join(&file).is_file() {
            let error = Error::new(ErrorKind::Config, format!("There is no {word} called `{name}`."))
                .meaning("Nothing was read or written.");
            return Err(suggest(error, name, &self.names(folder)?, word));
        }
        load_file(&self.root, &file)
    }

    fn save<T: Serialize>(&self, folder: &str, schema: &str, name: &str, value: &T) -> Result<()> {
        validate_name(name)?;
        self.save_file(&file_of(folder, name), schema, value)
    }

    fn save_file<T: Serialize>(&self, file: &Path, schema: &str, value: &T) -> Result<()> {
        let up = "../".repeat(file.components().count().saturating_sub(1));
        let text = yaml::render(&format!("{up}{LOCAL}/schemas/{schema}"), value)?;
        atomic_file::write(&self.root.join(file), &text)
    }

    fn remove(&self, folder: &str, word: &str, name: &str) -> Result<()> {
        validate_name(name)?;
        let path = self.root.join(file_of(folder, name));
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let error = Error::new(ErrorKind::Config, format!("There is no {word} called `{name}`."));
                Err(suggest(error, name, &self.names(folder)?, word))
            }
            Err(error) => Err(io_error("remove", &path, error)),
            Ok(()) => Ok(()),
        }
    }

    /// Makes `.syncline/` and brings its schemas up to date with this program.
    fn prepare_local(&self) -> Result<()> {
        let local = self.local();
        create_private_folder(&local)?;
        write_if_different(&local.join(".gitignore"), "*\n")?;
        for (name, schema) in schemas::schemas() {
            write_if_different(&local.join("schemas").join(name), &schemas::render(&schema))?;
        }
        Ok(())
    }
}

impl ConnectionConfig {
    /// What the source's connector is called for this connection: as its source says, or in a version of its own.
    pub fn source_reference(&self, source: &SystemConfig) -> String {
        match &self.source_version {
            Some(version) => format!("{}@{version}", split_reference(&source.connector).0),
            None => source.connector.clone(),
        }
    }

    /// The name of the connection's source or destination.
    pub fn system(&self, kind: SystemKind) -> &str {
        match kind {
            SystemKind::Source => &self.source,
            SystemKind::Destination => &self.destination,
        }
    }
}

/// `Corner shop` → `corner-shop-4f2a91c3`: readable where it is stored, and never that of another project.
fn project_id(name: &str) -> Result<String> {
    let words =
        name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let mut id = words.collect::<Vec<_>>().join("-").to_ascii_lowercase();
    id.truncate(32);
    let id = id.trim_end_matches('-');
    let random = random_hex::<4>()?;
    Ok(if id.is_empty() { random } else { format!("{id}-{random}") })
}

/// Checks the name of a source, destination or connection: lower-case letters, digits, `_` and `-`, beginning with a
/// letter or digit, at most 63 bytes. Lower case, because file names that differ only in case are one file on macOS
/// and Windows.
///
/// # Errors
/// `Config`, with the rule.
pub fn validate_name(name: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let shape = name.bytes().next().is_some_and(allowed)
        && name.bytes().all(|byte| allowed(byte) || matches!(byte, b'_' | b'-'))
        && name.len() <= NAME_BYTES_MAX;
    if shape && !is_windows_device(name) {
        return Ok(());
    }
    let why = if shape { "is reserved on Windows" } else { "cannot be used as a name" };
    Err(Error::new(ErrorKind::Config, format!("`{}` {why}.", name.escape_debug())).fix(
        "Use lower-case letters, digits, `_` and `-`, beginning with a letter or digit, at most 63 of them.",
    ))
}

fn is_windows_device(name: &str) -> bool {
    let numbered = |prefix: &str| {
        name.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(name, "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

fn file_of(folder: &str, name: &str) -> PathBuf {
    Path::new(folder).join(format!("{name}.yaml"))
}

/// FNV-1a, 64 bits: notices a change; nobody has a reason to forge one.
pub(crate) fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes
        .into_iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn load_file<T: DeserializeOwned>(root: &Path, file: &Path) -> Result<T> {
    let path = root.join(file);
    let size = fs::metadata(&path).map_err(|error| io_error("read", &path, error))?.len();
    if size > FILE_BYTES_MAX {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!("`{}` is too large to be a project file.", path.display()),
        )
        .with("bytes", size)
        .with("bytes_max", FILE_BYTES_MAX));
    }
    let text = fs::read_to_string(&path).map_err(|error| io_error("read", &path, error))?;
    // Slashes on every system: the message is the same everywhere, and is what people type.
    let name = file.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/");
    yaml::parse(&name, &text)
}

fn suggest(error: Error, wanted: &str, known: &[String], word: &str) -> Error {
    match yaml::closest(wanted, known.iter().map(String::as_str)) {
        Some(near) => error.fix(format!("Did you mean `{near}`?")),
        None if known.is_empty() => error.fix(format!("Add one with `syncline add {word}`.")),
        None => error.fix(format!("Use one of: {}.", known.join(", "))),
    }
}

fn write_if_different(path: &Path, text: &str) -> Result<()> {
    if fs::read(path).is_ok_and(|now| now == text.as_bytes()) {
        return Ok(());
    }
    atomic_file::write(path, text)
}

/// `.syncline` holds sealed secrets and logs: nobody else on the computer needs to look into it.
pub(crate) fn create_private_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| io_error("create the folder", path, error))
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| io_error("find the folder", path, error))
}

/// `BYTES` random bytes of the operating system as hex digits, for ids and tokens.
///
/// # Errors
/// `Internal` when the system gives no random numbers.
pub fn random_hex<const BYTES: usize>() -> Result<String> {
    use std::fmt::Write;
    let mut bytes = [0_u8; BYTES];
    getrandom::fill(&mut bytes).map_err(no_randomness)?;
    Ok(bytes.iter().fold(String::with_capacity(BYTES * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

pub(crate) fn no_randomness(error: getrandom::Error) -> Error {
    Error::internal("The operating system gave no random numbers.").caused_by(error.to_string())
}
