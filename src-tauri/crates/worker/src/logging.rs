//! The log: JSON lines in `.syncline/logs/`, one file a day, secrets taken out when they are written. On the screen only
//! with `-v`.

use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use syncline_protocol::{Error, ErrorKind, Result};
use tracing_appender::non_blocking::{NonBlocking, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::redaction::Redaction;

const FILES_MAX: usize = 30;

/// Keeps the log open; what is still to be written is written when it is dropped.
pub struct Log {
    file: LogFile,
    guard: Mutex<WorkerGuard>,
}

impl Log {
    /// Goes on in another folder.
    ///
    /// # Errors
    /// When the log file cannot be made; the log goes on where it was.
    pub fn move_to(&self, folder: &Path) -> Result<()> {
        let (writer, guard) = log_file(folder)?;
        *self.file.0.lock().unwrap_or_else(PoisonError::into_inner) = writer;
        // Writes what is still to be written in the old place.
        *self.guard.lock().unwrap_or_else(PoisonError::into_inner) = guard;
        Ok(())
    }
}

/// The file that is written now.
#[derive(Clone)]
struct LogFile(Arc<Mutex<NonBlocking>>);

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = NonBlocking;

    fn make_writer(&'a self) -> NonBlocking {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn log_file(folder: &Path) -> Result<(NonBlocking, WorkerGuard)> {
    let failed =
        || Error::new(ErrorKind::Permission, format!("Could not write a log into `{}`.", folder.display()));
    // The appender looks for old files before it makes the folder.
    std::fs::create_dir_all(folder).map_err(|error| failed().caused_by(error))?;
    let file = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("syncline")
        .filename_suffix("jsonl")
        .max_log_files(FILES_MAX)
        .build(folder)
        .map_err(|error| failed().caused_by(error))?;
    Ok(tracing_appender::non_blocking(file))
}

/// Begins to log into `folder`. Only the first call in a process counts.
///
/// # Errors
/// When the log file cannot be made.
pub fn begin(folder: &Path, verbose: u8, redaction: &Redaction) -> Result<Log> {
    let (writer, guard) = log_file(folder)?;
    let file = LogFile(Arc::new(Mutex::new(writer)));
    let filter = |level: &str| {
        EnvFilter::try_from_env("SYNCLINE_LOG")
            .unwrap_or_else(|_| EnvFilter::new(format!("warn,syncline={level},syncline_engine={level},syncline_store={level},connectors={level},connector_duckdb={level}")))
    };
    let to_file = tracing_subscriber::fmt::layer()
        .json()
        .with_writer(Cleaned { redaction: redaction.clone(), writer: file.clone() })
        .with_filter(filter("info"));
    let to_screen = (verbose > 0).then(|| {
        tracing_subscriber::fmt::layer()
            .with_writer(Cleaned { redaction: redaction.clone(), writer: io::stderr })
            .with_ansi(console::colors_enabled_stderr())
            .with_target(false)
            .with_filter(filter(if verbose > 1 { "debug" } else { "info" }))
    });
    // A second call (the demo opens a project too) keeps the first log.
    let _ = tracing_subscriber::registry().with(to_file).with(to_screen).try_init();
    Ok(Log { file, guard: Mutex::new(guard) })
}

/// Takes secrets out of what passes. Tracing hands over one event with one call.
struct Cleaned<W> {
    redaction: Redaction,
    writer: W,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Cleaned<W> {
    type Writer = CleanedWriter<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        CleanedWriter { redaction: self.redaction.clone(), writer: self.writer.make_writer() }
    }
}

struct CleanedWriter<W> {
    redaction: Redaction,
    writer: W,
}

impl<W: Write> Write for CleanedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.writer.write_all(self.redaction.clean(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_secret_never_reaches_the_log() {
        let (kept, redaction) = (Kept::default(), Redaction::default());
        let sink = kept.clone();
        let writer = Cleaned { redaction: redaction.clone(), writer: move || sink.clone() };
        let subscriber =
            tracing_subscriber::registry().with(tracing_subscriber::fmt::layer().json().with_writer(writer));
        tracing::subscriber::with_default(subscriber, || {
            redaction.learn(&[SecretString::from("can\"ary")]);
            tracing::info!(password = "can\"ary", "signed in with can\"ary");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("[secret]") && !text.contains("ary"), "{text}");
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
    }
}
