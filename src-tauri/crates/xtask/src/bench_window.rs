//! Measures the window of the studio as it is released: what scrolls, in the web view of the system, on a display of its
//! own and drawn by the processor. The figures come from `ui/e2e/bench`, one file a subject.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::shell::{self, Workspace};
use crate::{setup, ui};

/// One figure, as the measuring script writes it.
#[derive(Debug, Serialize, Deserialize)]
struct Figure {
    /// What was measured.
    name: String,
    /// How much.
    value: f64,
    /// Of what.
    unit: String,
    /// What it should be at most, where something is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    goal: Option<f64>,
    /// What else there is to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// Builds what is measured, measures, and prints a line for each figure, or JSON. A figure that misses its goal is
/// shown, not an error: how fast a window is depends on the machine.
pub(crate) fn run(workspace: &Workspace, only: Option<&str>, debug: bool, json: bool) -> Result<()> {
    setup::run(workspace)?;
    ui::build(workspace)?;
    let profile: &[&str] = if debug { &[] } else { &["--release"] };
    let packages = ["--package", "syncline-desktop", "--package", "syncline-testkit"];
    let mut build = workspace.cargo(["build", "--locked"]);
    build.args(profile).args(packages);
    shell::run(build)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("figures.jsonl");
    ui::bench(workspace, if debug { "debug" } else { "release" }, only, &file, json)?;
    let lines = fs::read_to_string(&file).context("nothing was measured")?;
    let figures: Vec<Figure> =
        lines.lines().map(serde_json::from_str).collect::<Result<_, _>>().context("a figure is malformed")?;
    ensure!(!figures.is_empty(), "nothing was measured");
    if json {
        println!("{}", serde_json::json!({"figures": figures}));
        return Ok(());
    }
    for figure in figures {
        let goal = match figure.goal {
            Some(goal) if figure.value > goal => format!("   MORE than {goal} {}", figure.unit),
            Some(goal) => format!("   goal: at most {goal} {}", figure.unit),
            None => String::new(),
        };
        println!("{:>10.1} {}   {}{goal}", figure.value, figure.unit, figure.name);
        if let Some(note) = figure.note {
            println!("{:>15}{note}", "");
        }
    }
    Ok(())
}
