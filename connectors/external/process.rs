//! A child with all that it starts: a process group on Unix, a job on Windows, so that none of it outlives its use.

use std::collections::VecDeque;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use serde_json::{Value, json};
use syncline_protocol::{ConnectorContext, Error, ErrorKind, Result};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader, BufWriter,
};
use tokio::process::{ChildStdin, ChildStdout};
use tokio_util::task::AbortOnDropHandle;

use super::private::PrivateFiles;

/// A line with a record in it; longer ones are no lines.
const LINE_BYTES_MAX: u64 = 64 << 20;
/// What a program answers to a question, a catalog for example.
const OUTPUT_BYTES_MAX: u64 = 256 << 20;
/// Lines for a program are handed over in pieces of this size.
const INPUT_BYTES: usize = 256 << 10;
const WORDS_BYTES_MAX: u64 = 64 << 10;
/// So many of a program's last words go into an error.
const WORDS_KEPT: usize = 8;
/// A program that has closed its output has so long to end.
const GRACE: Duration = Duration::from_secs(30);

/// A program and how it is used.
pub(super) struct Program {
    pub(super) command: Vec<String>,
    pub(super) settings: Value,
    /// So long it may say nothing.
    pub(super) silence: Duration,
    pub(super) context: ConnectorContext,
}

impl Program {
    /// Its name without its folder.
    pub(super) fn name(&self) -> String {
        let program = self.command.first().map(String::as_str).unwrap_or_default();
        let name = std::path::Path::new(program).file_name();
        name.map_or_else(|| program.to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// What it says of its settings, without the secrets in them.
    pub(super) fn clean(&self, text: &str) -> String {
        Hidden::of(&self.settings).clean(text)
    }

    pub(super) fn files(&self) -> Result<PrivateFiles> {
        PrivateFiles::new(&self.context)
    }

    /// Starts it with more arguments.
    ///
    /// # Errors
    /// `NotFound`, `Permission`.
    pub(super) fn start(&self, arguments: Vec<String>, files: Option<PrivateFiles>) -> Result<Process> {
        self.start_with(arguments, files, Stdio::null())
    }

    /// Starts it as one that takes lines.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub(super) fn sink(&self, arguments: Vec<String>, files: PrivateFiles) -> Result<Sink> {
        let mut process = self.start_with(arguments, Some(files), Stdio::piped())?;
        let input = process.child.stdin().take();
        let input = input.ok_or_else(|| Error::internal("A program was started without a pipe."))?;
        Ok(Sink { input: BufWriter::with_capacity(INPUT_BYTES, input), process })
    }

    fn start_with(
        &self,
        arguments: Vec<String>,
        files: Option<PrivateFiles>,
        input: Stdio,
    ) -> Result<Process> {
        let program = self.command.first().cloned().unwrap_or_default();
        let mut command = CommandWrap::with_new(&program, |command| {
            command
                .args(self.command.iter().skip(1))
                .args(arguments)
                // What it prints is JSON, whatever the language of this computer.
                .env("PYTHONUTF8", "1")
                .env("PYTHONUNBUFFERED", "1")
                .stdin(input)
                .stdout(Stdio::piped())
                .stderr(Stdio::piped());
            if !self.context.project.as_os_str().is_empty() {
                command.current_dir(&self.context.project);
            }
        });
        #[cfg(unix)]
        command.wrap(process_wrap::tokio::ProcessGroup::leader());
        #[cfg(windows)]
        command.wrap(process_wrap::tokio::JobObject);
        command.wrap(KillOnDrop);
        let mut child = command.spawn().map_err(|error| {
            let kind = match error.kind() {
                std::io::ErrorKind::PermissionDenied => ErrorKind::Permission,
                _ => ErrorKind::NotFound,
            };
            Error::new(kind, format!("The program `{}` could not be started.", self.name()))
                .meaning("Nothing was read.")
                .fix("Check that it is installed and where it lies, or name a package instead.")
                .caused_by(error)
        })?;
        let no_pipe = || Error::internal("A program was started without a pipe.");
        let lines = BufReader::new(child.stdout().take().ok_or_else(no_pipe)?);
        let words = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = child.stderr().take().ok_or_else(no_pipe)?;
        let hidden = Hidden::of(&self.settings);
        let log = tokio::spawn(listen(stderr, self.name(), hidden.clone(), Arc::clone(&words)));
        Ok(Process {
            child,
            lines,
            words,
            hidden,
            log: AbortOnDropHandle::new(log),
            silence: self.silence,
            name: self.name(),
            ended: false,
            _files: files,
        })
    }

    /// Runs it to its end; gives what it printed. What it prints before it fails is given, too, when it is an answer.
    ///
    /// # Errors
    /// As for [`start`](Self::start); `Timeout`, `LimitExceeded`; `ConnectionLost` when it fails and says nothing.
    pub(super) async fn output(&self, arguments: Vec<String>, files: PrivateFiles) -> Result<Vec<u8>> {
        let mut process = self.start(arguments, Some(files))?;
        let mut said = Vec::new();
        while let Some(line) = process.line().await? {
            said.extend(line);
            said.push(b'\n');
            if said.len() as u64 > OUTPUT_BYTES_MAX {
                return Err(too_long(&process.name));
            }
        }
        match process.end().await {
            Err(error) if said.is_empty() => Err(error),
            _ => Ok(said),
        }
    }
}

/// A child that takes lines, and says now and then how far it has kept them.
pub(super) struct Sink {
    input: BufWriter<ChildStdin>,
    process: Process,
}

impl Sink {
    /// Gives it a line; waits while it is behind.
    ///
    /// # Errors
    /// `Timeout`; `ConnectionLost`, with its last words, when it does not listen any more.
    pub(super) async fn send(&mut self, line: &str) -> Result<()> {
        let silence = self.process.silence;
        let sent = async {
            self.input.write_all(line.as_bytes()).await?;
            self.input.write_all(b"\n").await
        };
        match tokio::time::timeout(silence, sent).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.process.last_words("does not listen any more").await.caused_by(error)),
            Err(_) => Err(Error::new(
                ErrorKind::Timeout,
                format!(
                    "`{}` took nothing for {} seconds, so it was ended.",
                    self.process.name,
                    silence.as_secs()
                ),
            )),
        }
    }

    /// Gives it the last state, closes its input, and waits until it has said the state back and ended well.
    ///
    /// # Errors
    /// `ConnectionLost`, when it did not: what it was given may or may not be kept.
    pub(super) async fn end(mut self, state: &Value) -> Result<()> {
        self.send(&json!({"type": "STATE", "value": state}).to_string()).await?;
        if let Err(error) = self.input.shutdown().await {
            return Err(self.process.last_words("does not listen any more").await.caused_by(error));
        }
        let mut process = self.process;
        drop(self.input);
        let mut last = None;
        while let Some(line) = process.line().await? {
            last = serde_json::from_slice::<Value>(&line).ok().or(last);
        }
        let name = process.name.clone();
        process.end().await?;
        if last.as_ref() == Some(state) {
            return Ok(());
        }
        Err(lost(&name, "ended without saying that it has kept the rows"))
    }
}

/// A child that runs. Dropping it ends it and all that it has started.
pub(super) struct Process {
    child: Box<dyn ChildWrapper>,
    lines: BufReader<ChildStdout>,
    words: Arc<Mutex<VecDeque<String>>>,
    hidden: Hidden,
    log: AbortOnDropHandle<()>,
    silence: Duration,
    name: String,
    ended: bool,
    /// The files it reads, as long as it runs.
    _files: Option<PrivateFiles>,
}

impl Process {
    /// The next line; none at the end of its output. While nobody asks, the child waits as soon as the pipe is full.
    ///
    /// # Errors
    /// `Timeout` when it says nothing for too long; `LimitExceeded`; `ConnectionLost`.
    pub(super) async fn line(&mut self) -> Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.lines).take(LINE_BYTES_MAX + 1);
        let read = tokio::time::timeout(self.silence, bounded.read_until(b'\n', &mut line)).await;
        let read = read.map_err(|_| {
            Error::new(
                ErrorKind::Timeout,
                format!(
                    "`{}` said nothing for {} seconds, so it was ended.",
                    self.name,
                    self.silence.as_secs()
                ),
            )
            .fix("Raise `silence_seconds` of the source if it is right that it takes so long.")
        })?;
        read.map_err(|error| lost(&self.name, "could not be listened to").caused_by(error))?;
        if line.len() as u64 > LINE_BYTES_MAX {
            return Err(too_long(&self.name));
        }
        if line.is_empty() {
            return Ok(None);
        }
        while matches!(line.last(), Some(b'\n' | b'\r')) {
            line.pop();
        }
        Ok(Some(line))
    }

    /// Waits for its end, after its output has ended. A program that ends otherwise than well has not given everything.
    ///
    /// # Errors
    /// `ConnectionLost`, with its last words.
    pub(super) async fn end(mut self) -> Result<()> {
        let ended = tokio::time::timeout(GRACE, self.child.wait()).await;
        let status = match ended {
            Err(_) => return Err(lost(&self.name, "closed its output and did not end")),
            Ok(status) => status.map_err(|error| lost(&self.name, "was lost").caused_by(error))?,
        };
        self.ended = true;
        // What it said last is on its way; once it is gone there is no more of it.
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut self.log).await;
        if status.success() {
            return Ok(());
        }
        Err(self.failure(status))
    }

    /// Why it stopped taking part, in its own words.
    async fn last_words(&mut self, what: &str) -> Error {
        // It is most likely on its way out.
        let _ = tokio::time::timeout(Duration::from_secs(5), &mut self.log).await;
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        words.iter().fold(lost(&self.name, what), |error, line| error.with("it said", line))
    }

    fn failure(&self, status: ExitStatus) -> Error {
        let words = self.words.lock().unwrap_or_else(PoisonError::into_inner);
        let error = lost(&self.name, &format!("ended with {status} before it was done"));
        words.iter().fold(error, |error, line| error.with("it said", line))
    }

    /// What it said with the secrets of its settings taken out.
    pub(super) fn clean(&self, text: &str) -> String {
        self.hidden.clean(text)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.ended {
            // The whole tree, at once: what it has not told us is read again by the next one.
            let _ = self.child.start_kill();
        }
    }
}

fn lost(name: &str, what: &str) -> Error {
    Error::new(ErrorKind::ConnectionLost, format!("The program `{name}` {what}."))
        .fix("Look at what it said in the details, and in the log.")
        .fix("Run it again; if it happens often, look at its settings.")
}

fn too_long(name: &str) -> Error {
    Error::new(ErrorKind::LimitExceeded, format!("`{name}` printed more at once than a record can have."))
}

/// Writes what a child says into the log, and keeps its last words.
async fn listen(
    stderr: impl AsyncRead + Unpin,
    program: String,
    hidden: Hidden,
    words: Arc<Mutex<VecDeque<String>>>,
) {
    let mut lines = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match (&mut lines).take(WORDS_BYTES_MAX).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = hidden.clean(String::from_utf8_lossy(&line).trim_end());
        if text.is_empty() {
            continue;
        }
        tracing::info!(program, "{text}");
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        words.push_back(text.chars().take(500).collect());
        if words.len() > WORDS_KEPT {
            words.pop_front();
        }
    }
}

/// The values of settings that look like secrets by their names. The program's own log knows those of the vault; what
/// comes from elsewhere is known here.
#[derive(Clone, Default)]
pub(super) struct Hidden {
    values: Arc<Vec<String>>,
}

impl Hidden {
    fn of(settings: &Value) -> Hidden {
        let mut values = Vec::new();
        collect(settings, false, &mut values);
        // Longer ones first: a secret can be part of another.
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Hidden { values: Arc::new(values) }
    }

    fn clean(&self, text: &str) -> String {
        self.values.iter().fold(text.to_owned(), |text, value| text.replace(value.as_str(), "[secret]"))
    }
}

/// Words in the names of settings whose values are secrets.
const SECRET_NAMES: [&str; 7] = ["pass", "secret", "token", "credential", "auth", "private", "certificate"];

fn names_a_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    // The key of a table is no secret.
    let of_table = ["primary", "replication", "unique", "foreign"].iter().any(|word| name.contains(word));
    SECRET_NAMES.iter().any(|word| name.contains(word)) || (name.ends_with("key") && !of_table)
}

/// Settings without those whose names say that they are secrets.
pub(super) fn without_secrets(settings: &Value) -> Value {
    match settings {
        Value::Array(items) => items.iter().map(without_secrets).collect(),
        Value::Object(fields) => {
            let open = fields.iter().filter(|(name, _)| !names_a_secret(name));
            Value::Object(open.map(|(name, value)| (name.clone(), without_secrets(value))).collect())
        }
        other => other.clone(),
    }
}

fn collect(value: &Value, secret: bool, into: &mut Vec<String>) {
    match value {
        Value::String(text) if secret && text.len() >= 4 => into.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, secret, into)),
        Value::Object(fields) => fields.iter().for_each(|(name, value)| {
            collect(value, secret || names_a_secret(name), into);
        }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn shell(script: &str, settings: Value) -> Program {
        Program {
            command: ["sh", "-c", script].map(str::to_owned).to_vec(),
            settings,
            silence: Duration::from_secs(20),
            context: ConnectorContext::default(),
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_child_that_fails_says_why_without_its_secrets() {
        let program =
            shell("echo one; echo 'no: hunter22' >&2; exit 3", json!({"db": {"password": "hunter22"}}));
        let mut process = program.start(Vec::new(), None).unwrap();
        assert_eq!(process.line().await.unwrap().unwrap(), b"one");
        assert_eq!(process.line().await.unwrap(), None);
        let error = process.end().await.unwrap_err();
        let said: Vec<_> = error.context().iter().map(|(_, said)| said.as_str()).collect();
        assert_eq!((error.kind(), said), (ErrorKind::ConnectionLost, vec!["no: [secret]"]));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_child_that_is_dropped_takes_its_children_along() {
        // The grandchild tells who it is, and would live on.
        let program = shell("sleep 1000 & echo $!; wait", Value::Null);
        let mut process = program.start(Vec::new(), None).unwrap();
        let line = process.line().await.unwrap().unwrap();
        let grandchild: u32 = std::str::from_utf8(&line).unwrap().parse().unwrap();
        let alive = move || {
            // A zombie that nobody has collected yet does nothing any more.
            let status = std::fs::read_to_string(format!("/proc/{grandchild}/stat")).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z ")
        };
        if cfg!(target_os = "linux") {
            assert!(alive());
        }
        drop(process);
        while alive() {
            tokio::task::yield_now().await;
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_child_that_says_nothing_is_ended() {
        let mut program = shell("sleep 1000", Value::Null);
        program.silence = Duration::from_millis(50);
        let mut process = program.start(Vec::new(), None).unwrap();
        assert_eq!(process.line().await.unwrap_err().kind(), ErrorKind::Timeout);
    }

    #[test]
    fn what_looks_like_a_secret_by_its_name_is_hidden() {
        let hidden =
            Hidden::of(&json!({"user": "me-myself", "auth": {"api_key": "abcdef", "n": 3}, "token": "abc",
            "primary_key": "user_id", "key_properties": ["order_id"]}));
        assert_eq!(
            hidden.clean("me-myself abcdef abc user_id order_id"),
            "me-myself [secret] abc user_id order_id"
        );
    }
}
