//! `syncline check`

use std::sync::{Mutex, PoisonError};

use serde_json::json;
use syncline_protocol::{CheckOutcome, CheckStep, Error, ErrorKind, Result, StepSink, StepStatus};
use syncline_store::SystemKind;

use crate::app::Context;
use crate::cli::Check;
use crate::exit::Exit;
use crate::screen::{Screen, Tone, paint};
use crate::text::duration;

pub(crate) fn run(context: &Context<'_>, arguments: &Check) -> Result<Exit> {
    let systems = systems(context, arguments.name.as_deref())?;
    let mut worst = CheckOutcome::Ready;
    for (kind, name) in systems {
        let steps = Steps {
            screen: context.screen,
            json: arguments.json,
            kind,
            name: &name,
            ended: Mutex::default(),
        };
        if !arguments.json {
            context.screen.print(paint(Tone::Strong, &format!("{} {name}", kind.word())));
        }
        let checked = match kind {
            SystemKind::Source => {
                context.source(&name).map(|source| context.runtime.block_on(source.check(&steps)))
            }
            SystemKind::Destination => context
                .destination(&name)
                .map(|destination| context.runtime.block_on(destination.check(&steps))),
        };
        if let Err(error) = checked {
            // Settings that cannot even be read are the first step that fails.
            steps.step(CheckStep::failed("Read the settings", std::time::Duration::ZERO, &error));
        }
        let outcome = steps.outcome();
        if arguments.json {
            context.screen.print_json(&json!({"kind": kind.word(), "name": name, "outcome": outcome}));
        } else {
            context.screen.print(format!("{}\n", outcome_text(outcome)));
        }
        worst = worst.max(outcome);
    }
    Ok(if worst == CheckOutcome::NotReady { Exit::Failed } else { Exit::Ok })
}

/// What `name` means: both ends of a connection, or the source or destination (or both) of that name.
fn systems(context: &Context<'_>, name: Option<&str>) -> Result<Vec<(SystemKind, String)>> {
    let project = &context.project;
    let mut found = Vec::new();
    for kind in [SystemKind::Source, SystemKind::Destination] {
        let systems = project.systems(kind)?.into_iter();
        found
            .extend(systems.filter(|known| name.is_none_or(|name| name == known)).map(|known| (kind, known)));
    }
    let Some(name) = name else {
        return match found.is_empty() {
            true => Err(Error::new(
                ErrorKind::Config,
                "There is nothing to check: the project has no sources and no destinations.",
            )
            .fix("Add one with `syncline add source NAME`.")),
            false => Ok(found),
        };
    };
    if found.is_empty() {
        if !project.connections()?.iter().any(|known| known == name) {
            return Err(Error::new(
                ErrorKind::Config,
                format!("There is no source, destination or connection called `{name}`."),
            )
            .fix("List what there is with `syncline status`."));
        }
        let connection = project.connection(name)?;
        found.push((SystemKind::Source, connection.source));
        found.push((SystemKind::Destination, connection.destination));
    }
    Ok(found)
}

/// Prints steps as they end.
struct Steps<'a> {
    screen: &'a Screen,
    json: bool,
    kind: SystemKind,
    name: &'a str,
    ended: Mutex<Vec<CheckStep>>,
}

impl Steps<'_> {
    fn outcome(&self) -> CheckOutcome {
        CheckOutcome::of(&self.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl StepSink for Steps<'_> {
    fn step(&self, step: CheckStep) {
        if self.json {
            self.screen.print_json(&json!({"kind": self.kind.word(), "name": self.name, "step": step}));
        } else {
            self.screen.print(step_text(&step));
        }
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(step);
    }
}

fn step_text(step: &CheckStep) -> String {
    let (sign, tone) = match step.status {
        StepStatus::Ok => ("✓", Tone::Good),
        StepStatus::Limited => ("!", Tone::Warning),
        StepStatus::Failed => ("✗", Tone::Bad),
    };
    let took = format!("{:>8}", duration(step.duration));
    let width = 46_usize.saturating_sub(step.title.chars().count());
    let mut text =
        format!("{} {}{:width$} {}", paint(tone, sign), step.title, "", paint(Tone::Subtle, &took));
    if let Some(detail) = &step.detail {
        text.push_str(&format!("   {detail}"));
    }
    if let Some(consequence) = &step.consequence {
        text.push_str(&format!("\n    {consequence}"));
    }
    for (number, fix) in step.fixes.iter().enumerate() {
        text.push_str(&format!("\n    {}. {}", number + 1, fix.text));
        if let Some(command) = &fix.command {
            text.push_str(&format!("\n       {}", command.replace('\n', "\n       ")));
        }
    }
    text
}

fn outcome_text(outcome: CheckOutcome) -> String {
    match outcome {
        CheckOutcome::Ready => paint(Tone::Good, "Ready"),
        CheckOutcome::ReadyWithLimits => paint(Tone::Warning, "Ready with limits"),
        CheckOutcome::NotReady => paint(Tone::Bad, "Not ready"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_step_says_what_it_costs_and_what_to_do() {
        let step = CheckStep::ok("Change log (for deletes)", Duration::from_millis(9))
            .detail("wal_level is \"replica\"")
            .limited("Deleted rows will not be noticed.")
            .fix("The owner turns it on.", Some("ALTER SYSTEM SET wal_level = logical;".to_owned()));
        insta::assert_snapshot!(step_text(&step), @r#"
    ! Change log (for deletes)                           9 ms   wal_level is "replica"
        Deleted rows will not be noticed.
        1. The owner turns it on.
           ALTER SYSTEM SET wal_level = logical;
    "#);
    }
}
