//! `syncline plan`

use syncline_engine::{Plan, TableEffect, Verb};
use syncline_protocol::Result;

use crate::app::Context;
use crate::cli;
use crate::exit::Exit;
use crate::screen::{Tone, paint};
use crate::text::{about, bytes, counted};

pub(crate) fn run(context: &Context<'_>, arguments: &cli::Plan) -> Result<Exit> {
    let connection = context.connection(&arguments.connection)?;
    super::run::require_tables(&connection, &arguments.tables)?;
    let plan = context.runtime.block_on(connection.plan(&arguments.tables))?;
    if arguments.json {
        context.screen.print_json_pretty(&plan);
    } else {
        context.screen.print(plan_text(&plan));
    }
    Ok(if plan.is_blocked() { Exit::NeedsDecision } else { Exit::Ok })
}

/// Counts first, then tables, then what changes in them. Tables whose shape stays are one line.
pub(crate) fn plan_text(plan: &Plan) -> String {
    let of = |verb: Verb| plan.tables.iter().filter(move |table| table.verb == verb);
    let made = plan
        .made_at
        .parse::<jiff::Timestamp>()
        .map_or_else(|_| plan.made_at.clone(), |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string());
    let mut text = format!(
        "{}   {}\n",
        paint(Tone::Strong, &format!("Plan for {}", plan.connection)),
        paint(Tone::Subtle, &format!("made {made}, valid while nothing changes"))
    );
    let mut counts = Vec::new();
    for (verb, word) in [
        (Verb::Add, "new"),
        (Verb::Change, "changed"),
        (Verb::Rebuild, "rebuilt"),
        (Verb::Blocked, "waiting for you"),
        (Verb::Unchanged, "unchanged"),
    ] {
        let count = of(verb).count() as u64;
        if count > 0 {
            counts.push(format!("{} {} {word}", sign(verb), counted(count, "table")));
        }
    }
    text.push_str(&counts.join("   "));
    text.push_str(&estimate(plan));
    for verb in [Verb::Blocked, Verb::Rebuild, Verb::Change, Verb::Add] {
        of(verb).for_each(|table| text.push_str(&effect_text(table)));
    }
    let unchanged: Vec<&TableEffect> = of(Verb::Unchanged).collect();
    if unchanged.len() == plan.tables.len() {
        text.push_str(&format!(
            "\n\nNo differences. {} as they should be.",
            if unchanged.len() == 1 {
                "The table is".to_owned()
            } else {
                format!("{} tables are", unchanged.len())
            }
        ));
    }
    for table in &plan.left {
        let line = format!("\n· {}   {}", table.table, paint(Tone::Subtle, &table.sentence()));
        text.push_str(&line);
    }
    for table in unchanged {
        let effects = table.effects.join("; ");
        text.push_str(&format!(
            "\n{} {}   {}",
            sign(Verb::Unchanged),
            table.table,
            paint(Tone::Subtle, &effects)
        ));
    }
    text
}

/// How much is read, where every table knows.
fn estimate(plan: &Plan) -> String {
    let full = || plan.tables.iter().filter(|table| table.full);
    let rows: Option<u64> = full().map(|table| table.rows_estimate).sum();
    let size: Option<u64> = full().map(|table| table.bytes_estimate).sum();
    match (rows.filter(|rows| *rows > 0), size.filter(|size| *size > 0)) {
        (Some(rows), Some(size)) => format!("      reads about {} rows, {}", about(rows), bytes(size)),
        (Some(rows), None) => format!("      reads about {} rows", about(rows)),
        _ => String::new(),
    }
}

pub(crate) fn effect_text(table: &TableEffect) -> String {
    let rows = table.rows_estimate.map(|rows| format!("   about {} rows", about(rows))).unwrap_or_default();
    let mut text =
        format!("\n\n{} {} → {}{}", sign(table.verb), table.table, table.target, paint(Tone::Subtle, &rows));
    let mut line = |line: &str| text.push_str(&format!("\n    {}", line.replace('\n', "\n    ")));
    table.drift.iter().for_each(|drift| line(&format!("source: {}", drift.what)));
    table.effects.iter().for_each(|effect| line(effect));
    table.ddl.iter().for_each(|statement| line(&paint(Tone::Subtle, statement)));
    if let Some(failure) = &table.blocked {
        line(&failure.message);
        line(&failure.meaning);
        for (number, fix) in failure.fixes.iter().enumerate() {
            line(&format!("{}. {fix}", number + 1));
        }
    }
    text
}

fn sign(verb: Verb) -> String {
    let tone = match verb {
        Verb::Add => Tone::Good,
        Verb::Change | Verb::Rebuild => Tone::Warning,
        Verb::Blocked => Tone::Bad,
        Verb::Unchanged => Tone::Subtle,
    };
    paint(tone, &verb.sign().to_string())
}
