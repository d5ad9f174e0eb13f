//! `syncline receipt`

use std::time::Duration;

use syncline_engine::{Outcome, Receipt, TableReceipt, TableState};
use syncline_protocol::{Error, ErrorKind, Result};

use crate::app::Context;
use crate::cli;
use crate::exit::Exit;
use crate::screen::{Column, Tone, failure_text, paint, table};
use crate::text::{about, bytes, count, counted, duration};

/// How many runs are searched for the beginning of a name.
const RUNS_SEARCHED: usize = 10_000;

pub(crate) fn run(context: &Context<'_>, arguments: &cli::Receipt) -> Result<Exit> {
    let run = find(context, &arguments.run)?;
    let receipt = context.state.receipt(&run)?.ok_or_else(|| {
        Error::new(
            ErrorKind::NotFound,
            format!("The run {run} has no receipt: it is running, or was interrupted."),
        )
        .meaning("What it loaded is durable; the next run goes on from there.")
        .fix("Look at `syncline status`.")
    })?;
    if arguments.json {
        context.screen.print_json_pretty(&receipt);
        return Ok(Exit::Ok);
    }
    let receipt: Receipt = serde_json::from_value(receipt).map_err(|error| {
        Error::new(ErrorKind::Unsupported, format!("The receipt of {run} was written by another version."))
            .meaning("It is there, but cannot be shown as text.")
            .fix("Show it with --json.")
            .caused_by(error)
    })?;
    context.screen.print(receipt_text(&receipt, context.screen.verbose));
    Ok(Exit::Ok)
}

/// `last`, a name, or the beginning of one.
fn find(context: &Context<'_>, wanted: &str) -> Result<String> {
    let runs = context.state.runs(None, RUNS_SEARCHED)?;
    let mut found = runs.iter().filter(|run| wanted == "last" || run.id.starts_with(wanted));
    match (found.next(), found.next()) {
        (Some(run), other) if wanted == "last" || run.id == wanted || other.is_none() => Ok(run.id.clone()),
        (Some(_), _) => Err(Error::new(ErrorKind::Config, format!("Several runs begin with `{wanted}`."))
            .fix("Write more of the name; `syncline status CONNECTION` lists runs.")),
        (None, _) => Err(Error::new(ErrorKind::Config, "There is no such run.")
            .meaning("Nothing was read or written.")
            .fix("`syncline status CONNECTION` lists runs; `last` is the latest one.")),
    }
}

/// The headline, the tables, and what needs a person.
pub(crate) fn receipt_text(receipt: &Receipt, verbose: bool) -> String {
    let mut text = headline(receipt);
    if !receipt.tables.is_empty() {
        text.push_str("\n\n");
        text.push_str(&table(
            &[
                Column::Left("TABLE"),
                Column::Left("INTO"),
                Column::Right("READ"),
                Column::Right("WRITTEN"),
                Column::Right("DELETED"),
                Column::Right("REJECTED"),
                Column::Right("ROWS NOW"),
                Column::Left("PROOF"),
            ],
            receipt.tables.iter().map(row),
        ));
    }
    for table in receipt.tables.iter().filter(|table| !table.drift.is_empty()) {
        for drift in &table.drift {
            text.push_str(&format!("\n{} {}: {}", paint(Tone::Warning, "~"), table.table, drift.what));
        }
    }
    if let Some(fell_back) = &receipt.fell_back {
        text.push_str(&format!("\n\n{} {}", paint(Tone::Warning, "!"), fell_back.text()));
    }
    // What struck the run as a whole stands at every table; it is told once.
    let mut told: Vec<&str> = Vec::new();
    let failures = receipt.tables.iter().filter_map(|table| table.failure.as_ref()).chain(&receipt.failure);
    for failure in failures {
        if !told.contains(&failure.message.as_str()) {
            told.push(&failure.message);
            text.push_str(&format!("\n\n{}", failure_text(failure, verbose)));
        }
    }
    if receipt.tables.iter().any(|table| table.rows_rejected > 0) {
        text.push_str(&format!(
            "\n\nLook at rejected rows with `syncline quarantine list {}`.",
            receipt.connection
        ));
    }
    if verbose && !receipt.connectors.is_empty() {
        let versions = receipt.connectors.iter().map(|(name, version)| format!("{name} {version}"));
        let versions = versions.collect::<Vec<_>>().join(", ");
        text.push_str(&paint(
            Tone::Subtle,
            &format!("\n\nConnectors: {versions}. Configuration: {}.", receipt.config_hash),
        ));
    }
    text.push_str(&paint(Tone::Subtle, &format!("\n\nReceipt: syncline receipt {}", receipt.run)));
    text
}

fn headline(receipt: &Receipt) -> String {
    let sum = |value: fn(&TableReceipt) -> u64| receipt.tables.iter().map(value).sum::<u64>();
    let took = Duration::from_millis(receipt.duration_ms);
    let (rows, size) = (sum(|table| table.rows_read), sum(|table| table.bytes));
    let tables = counted(receipt.tables.len() as u64, "table");
    let failed = receipt.tables.iter().filter(|table| table.state == TableState::Failed).count();
    let waiting = receipt.tables.iter().filter(|table| table.state == TableState::NeedsDecision).count();
    let rejected = counted(sum(|table| table.rows_rejected), "row");
    let (tone, sign, words) = match receipt.outcome {
        Outcome::Succeeded if rows == 0 => {
            (Tone::Good, "✓", format!("Up to date. 0 new rows. Checked {tables} in {}.", duration(took)))
        }
        Outcome::Succeeded => (
            Tone::Good,
            "✓",
            format!("{} in {tables}, {}. Every row accounted for.", counted(rows, "row"), duration(took)),
        ),
        Outcome::SucceededWithRejected => (
            Tone::Warning,
            "!",
            format!(
                "{} in {tables}, {}. {rejected} in quarantine, all others landed.",
                counted(rows, "row"),
                duration(took)
            ),
        ),
        Outcome::NeedsDecision => (
            Tone::Warning,
            "!",
            format!(
                "{waiting} of {tables} {} a decision; the others landed.",
                if waiting == 1 { "needs" } else { "need" }
            ),
        ),
        Outcome::Stopped => (
            Tone::Warning,
            "·",
            format!(
                "Stopped after {}. {} are durable; the next run goes on from there.",
                duration(took),
                counted(rows, "row")
            ),
        ),
        Outcome::Failed if failed > 0 => (
            Tone::Bad,
            "✗",
            format!(
                "{failed} of {tables} failed. {} are durable; the next run goes on from there.",
                counted(rows, "row")
            ),
        ),
        Outcome::Failed => (
            Tone::Bad,
            "✗",
            format!("The run failed. {} are durable; the next run goes on from there.", counted(rows, "row")),
        ),
    };
    let mut text = format!("{} {}", paint(tone, sign), paint(Tone::Strong, &words));
    if rows > 0 && receipt.duration_ms > 0 {
        let per_second = |value: u64| (value as f64 * 1000.0 / receipt.duration_ms as f64) as u64;
        let speed = format!("   {} rows/s, {}/s", about(per_second(rows)), bytes(per_second(size)));
        text.push_str(&paint(Tone::Subtle, &speed));
    }
    text
}

fn row(table: &TableReceipt) -> Vec<String> {
    let (sign, tone) = match table.state {
        TableState::Done => ("✓", Tone::Good),
        TableState::DoneWithRejected | TableState::NeedsDecision => ("!", Tone::Warning),
        TableState::Failed => ("✗", Tone::Bad),
        TableState::Queued | TableState::Stopped => ("·", Tone::Subtle),
    };
    let figure = |value: u64| if value == 0 { "–".to_owned() } else { count(value) };
    vec![
        format!("{} {}", paint(tone, sign), table.table),
        table.target.to_string(),
        count(table.rows_read),
        count(table.rows_written),
        figure(table.rows_deleted),
        figure(table.rows_rejected),
        table.rows_in_destination.map(count).unwrap_or_default(),
        proof(table),
    ]
}

/// What was compared, strongest first.
fn proof(table: &TableReceipt) -> String {
    match (&table.proof.checksum, &table.proof.count) {
        (Some(checksum), _) if checksum.matches() => "every row compared".to_owned(),
        (Some(_), _) => "rows differ".to_owned(),
        (None, Some(count)) if count.committed == count.counted => "rows counted".to_owned(),
        (None, Some(_)) => "counts differ".to_owned(),
        (None, None) => String::new(),
    }
}
