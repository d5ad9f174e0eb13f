//! The connection test: a list of steps that appear as they run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It works.
    Ok,
    /// It works, with a limit that `CheckStep::consequence` names.
    Limited,
    /// It does not work.
    Failed,
}

/// One step of a connection test, for example "Reach port 5432".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckStep {
    /// What was tried.
    pub title: String,
    /// How it ended.
    pub status: StepStatus,
    /// How long it took.
    pub duration: Duration,
    /// What was found ("TLS 1.3, certificate valid to 2027-03-01").
    pub detail: Option<String>,
    /// What it costs the person ("deleted rows will not be noticed").
    pub consequence: Option<String>,
    /// What to do about it, most likely first.
    pub fixes: Vec<Fix>,
}

/// Something a person can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fix {
    /// In words.
    pub text: String,
    /// A statement or command to copy, when there is one.
    pub command: Option<String>,
}

impl CheckStep {
    /// A step that worked.
    pub fn ok(title: impl Into<String>, duration: Duration) -> Self {
        CheckStep {
            title: title.into(),
            status: StepStatus::Ok,
            duration,
            detail: None,
            consequence: None,
            fixes: Vec::new(),
        }
    }

    /// A step that did not work, from the error it ended with.
    pub fn failed(title: impl Into<String>, duration: Duration, error: &crate::Error) -> Self {
        CheckStep {
            status: StepStatus::Failed,
            detail: Some(error.message().to_owned()),
            consequence: Some(error.meaning_text().to_owned()),
            fixes: error
                .fixes()
                .into_iter()
                .map(|text| Fix { text: text.to_owned(), command: None })
                .collect(),
            ..CheckStep::ok(title, duration)
        }
    }

    /// Makes it a step that works with a limit.
    #[must_use]
    pub fn limited(mut self, consequence: impl Into<String>) -> Self {
        self.status = StepStatus::Limited;
        self.consequence = Some(consequence.into());
        self
    }

    /// Adds what was found.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds a fix, with a statement to copy when there is one.
    #[must_use]
    pub fn fix(mut self, text: impl Into<String>, command: Option<String>) -> Self {
        self.fixes.push(Fix { text: text.into(), command });
        self
    }
}

/// How a connection test ended, from its worst step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// Everything works.
    Ready,
    /// It works, with limits.
    ReadyWithLimits,
    /// It does not work.
    NotReady,
}

impl CheckOutcome {
    /// The outcome of a list of steps. An empty list is ready: there was nothing to test.
    pub fn of(steps: &[CheckStep]) -> Self {
        steps
            .iter()
            .map(|step| match step.status {
                StepStatus::Ok => CheckOutcome::Ready,
                StepStatus::Limited => CheckOutcome::ReadyWithLimits,
                StepStatus::Failed => CheckOutcome::NotReady,
            })
            .max()
            .unwrap_or(CheckOutcome::Ready)
    }
}

/// Receives the steps of a connection test as they end.
pub trait StepSink: Send + Sync {
    /// A step ended.
    fn step(&self, step: CheckStep);
}
