//! Runs named cases, one after the other, and tells how each ended.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;

/// A case that takes longer has hung.
const CASE_WITHIN: Duration = Duration::from_secs(60);

/// How the cases of a suite ended.
#[derive(Debug, Default)]
pub struct Report {
    /// Names of the cases that hold, with what there is to say about them.
    pub passed: Vec<String>,
    /// Names of the cases that do not hold, with what went wrong.
    pub failed: Vec<(String, String)>,
}

impl Report {
    /// Ends the test when a case failed.
    ///
    /// # Panics
    /// Naming each case that failed.
    pub fn unwrap(self) {
        assert!(self.failed.is_empty(), "{self}");
    }

    /// Runs one case into the report. `CONFORMANCE_CASE` in the environment picks the cases whose name contains it.
    pub(super) async fn case(&mut self, name: String, case: BoxFuture<'_, anyhow::Result<()>>) {
        if std::env::var("CONFORMANCE_CASE").is_ok_and(|wanted| !name.contains(&wanted)) {
            return;
        }
        let begun = Instant::now();
        let ended = tokio::time::timeout(CASE_WITHIN, AssertUnwindSafe(case).catch_unwind()).await;
        let failure = match ended {
            Ok(Ok(Ok(()))) => None,
            Ok(Ok(Err(error))) => Some(format!("{error:#}")),
            Ok(Err(panic)) => Some(
                panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_else(|| "it panicked".to_owned()),
            ),
            Err(_) => Some(format!("it did not end within {CASE_WITHIN:?}")),
        };
        let outcome = if failure.is_some() { "FAILED" } else { "ok" };
        say(format_args!("conformance {name} ... {outcome} ({} ms)", begun.elapsed().as_millis()));
        match failure {
            Some(failure) => self.failed.push((name, failure)),
            None => self.passed.push(name),
        }
    }
}

#[allow(clippy::print_stdout)] // the output of a test
fn say(line: fmt::Arguments<'_>) {
    println!("{line}");
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} cases hold", self.passed.len(), self.passed.len() + self.failed.len())?;
        for (name, failure) in &self.failed {
            writeln!(f, "  {name}: {failure}")?;
        }
        Ok(())
    }
}
