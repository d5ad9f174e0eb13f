//! A line of a log: as it is written, and as it is read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use syncline_protocol::{ErrorKind, Side, TableName};

use crate::receipt::Failure;

/// How grave a line is; the gravest first.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Something failed.
    Error,
    /// Something needs attention.
    Warn,
    /// What happened.
    Info,
    /// Details.
    Debug,
}

/// The stage of a sync that a line is about.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogStage {
    /// The run as a whole, and how tables end.
    #[default]
    Run,
    /// The source.
    Read,
    /// Rows on their way: their shape, and whether they fit.
    Prepare,
    /// The destination.
    Write,
}

impl LogStage {
    /// Where a failure happened.
    pub(super) fn of(failure: &Failure) -> LogStage {
        match (failure.side, failure.kind) {
            (Some(Side::Source), _) | (None, ErrorKind::RateLimited | ErrorKind::PositionLost) => {
                LogStage::Read
            }
            (Some(Side::Destination), _)
            | (None, ErrorKind::DiskFull | ErrorKind::Locked | ErrorKind::Fenced | ErrorKind::Conflict) => {
                LogStage::Write
            }
            (None, ErrorKind::TooManyRejected | ErrorKind::NeedsDecision | ErrorKind::SchemaChanged) => {
                LogStage::Prepare
            }
            (None, _) => LogStage::Run,
        }
    }
}

/// A line as it is written.
#[derive(Serialize)]
pub(super) struct Written<'a> {
    pub(super) time: String,
    pub(super) level: LogLevel,
    pub(super) stage: LogStage,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) table: Option<&'a TableName>,
    pub(super) text: String,
}

/// A line in the bytes of a file.
#[derive(Deserialize)]
pub(super) struct Read<'a> {
    #[serde(borrow)]
    pub(super) time: Cow<'a, str>,
    pub(super) level: LogLevel,
    /// Lines of older versions do not say.
    #[serde(default)]
    pub(super) stage: LogStage,
    #[serde(default, borrow)]
    pub(super) table: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) text: Cow<'a, str>,
}

/// A text that is borrowed also inside of an option.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Read<'a> {
    /// None for what is not a line of a log.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(super) fn table(&self) -> Option<&str> {
        self.table.as_ref().map(|Text(name)| name.as_ref())
    }

    /// `n`: its number in the whole log.
    pub(super) fn into_line(self, n: u64) -> LogLine {
        LogLine {
            n,
            level: self.level,
            stage: self.stage,
            table: self.table().map(str::to_owned),
            time: self.time.into_owned(),
            text: self.text.into_owned(),
        }
    }
}

/// A line of a log.
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    /// Its number in the whole log, from 1.
    pub n: u64,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// How grave.
    pub level: LogLevel,
    /// What it is about.
    pub stage: LogStage,
    /// The table it is about.
    pub table: Option<String>,
    /// What it says.
    pub text: String,
}
