//! How a run shows itself while it runs: bars for a person, lines where nobody watches, JSON for programs.

use std::collections::HashMap;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use syncline_engine::{Event, Observer, Stop, TableProgress, TableState};
use syncline_protocol::TableName;
use tokio::runtime::Runtime;
use tokio_util::task::AbortOnDropHandle;

use crate::screen::{Screen, Tone, failure_text, paint_err};
use crate::text::{about, bytes, counted, duration};
use syncline_worker::Redaction;

/// Events that may wait for the screen. A terminal that does not take them any more delays the run only when this is
/// full.
const EVENTS_MAX: usize = 4096;
/// Where nobody watches, a line this often is enough.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Shows events on a thread of its own, because observers must not block.
pub(super) struct Progress {
    sender: SyncSender<Event>,
    thread: JoinHandle<()>,
}

impl Progress {
    /// Begins to show.
    pub(super) fn begin(screen: &Screen, json: bool) -> Self {
        let (sender, events) = sync_channel(EVENTS_MAX);
        let redaction = screen.redaction.clone();
        let watched = screen.is_watched();
        let thread = std::thread::spawn(move || {
            if json {
                show_json(&events, &redaction);
            } else if watched {
                Bars::default().show(&events, &redaction);
            } else {
                show_lines(&events, &redaction);
            }
        });
        Progress { sender, thread }
    }

    /// An observer that hands events over.
    pub(super) fn observer(&self) -> Arc<dyn Observer> {
        Arc::new(Sender(self.sender.clone()))
    }

    /// Waits until everything is shown.
    pub(super) fn end(self) {
        drop(self.sender);
        let _ = self.thread.join();
    }
}

struct Sender(SyncSender<Event>);

impl Observer for Sender {
    fn event(&self, event: &Event) {
        // The next progress says the same again; everything else is told once.
        let _ = match event {
            Event::Progress { .. } => self.0.try_send(event.clone()).map_err(|_| ()),
            _ => self.0.send(event.clone()).map_err(|_| ()),
        };
    }
}

/// Ctrl-C once: stop at the next durable point. Twice: now.
pub(crate) fn stop_on_interrupt(runtime: &Runtime, stop: &Stop, quiet: bool) -> AbortOnDropHandle<()> {
    let stop = stop.clone();
    AbortOnDropHandle::new(runtime.spawn(async move {
        let say = |text: &str| {
            if !quiet {
                let _ = writeln!(io::stderr(), "\n{text}");
            }
        };
        // Without them the system's own reaction stays: the program ends at once, which is safe too.
        let Ok(mut interrupts) = Interrupts::listen() else { return };
        interrupts.next().await;
        stop.soon();
        say("Stopping at the next durable point. Press Ctrl-C again to stop now.");
        interrupts.next().await;
        stop.now();
        say("Stopping now. What is not durable is dropped; the next run reads it again.");
    }))
}

/// Ctrl-C, and the signal with which service managers and Kubernetes end a program.
#[cfg(unix)]
pub(crate) struct Interrupts {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Interrupts {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C, and the closing of the console window.
#[cfg(windows)]
pub(crate) struct Interrupts {
    interrupt: tokio::signal::windows::CtrlC,
    close: tokio::signal::windows::CtrlClose,
}

#[cfg(windows)]
impl Interrupts {
    pub(crate) fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close};
        Ok(Interrupts { interrupt: ctrl_c()?, close: ctrl_close()? })
    }

    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.close.recv() => {}
        }
    }
}

fn show_json(events: &Receiver<Event>, redaction: &Redaction) {
    let mut out = io::stdout().lock();
    for event in events {
        if let Ok(text) = serde_json::to_string(&event) {
            // A reader that is gone does not stop a run: its rows matter more than its report.
            let _ = writeln!(out, "{}", redaction.clean(&text)).and_then(|()| out.flush());
        }
    }
}

fn show_lines(events: &Receiver<Event>, redaction: &Redaction) {
    let say = |text: &str| {
        let _ = writeln!(io::stderr(), "{}", redaction.clean(text));
    };
    let mut last_line = Instant::now();
    for event in events {
        match event {
            Event::Progress { tables, elapsed_ms } if last_line.elapsed() >= LINE_EVERY => {
                last_line = Instant::now();
                say(&summary(&tables, Duration::from_millis(elapsed_ms)));
            }
            Event::RunStarted { run, connection, tables } => {
                say(&format!("run {run} of {connection}: {}", counted(tables.len() as u64, "table")));
            }
            Event::TableStarted { table, rows_estimate, full, resumed } => {
                say(&format!("{table}: {}", started_text(rows_estimate, full, resumed)));
            }
            other => {
                if let Some(text) = event_text(&other) {
                    say(&text);
                }
            }
        }
    }
}

/// Events that are told as a line, also between bars.
fn event_text(event: &Event) -> Option<String> {
    match event {
        Event::TableEnded { table, state, rows, failure } => {
            let (sign, tone, words) = state_words(*state);
            let mut text = format!("{} {table}: {words}, {}", paint_err(tone, sign), counted(*rows, "row"));
            if let Some(failure) = failure {
                text.push_str(&format!("\n  {}", failure.message));
            }
            Some(text)
        }
        Event::FellBack { what } => Some(format!(
            "{} Version {} of {} did not work: {}\n  Going on with version {}, the last one that worked.",
            paint_err(Tone::Warning, "!"),
            what.from,
            what.connector,
            what.because,
            what.to
        )),
        Event::Waiting { table, reason: Some(reason) } => Some(format!("{table}: waiting: {reason}")),
        Event::Retrying { attempt, in_ms, failure } => Some(format!(
            "{}\n  Trying again in {} (attempt {attempt}).",
            failure_text(failure, false),
            duration(Duration::from_millis(*in_ms))
        )),
        _ => None,
    }
}

fn started_text(rows_estimate: Option<u64>, full: bool, resumed: bool) -> String {
    let what = match (full, resumed) {
        (_, true) => "going on where it stopped",
        (true, false) => "reading all rows",
        (false, false) => "reading new and changed rows",
    };
    match rows_estimate {
        Some(rows) => format!("{what}, about {}", about(rows)),
        None => what.to_owned(),
    }
}

fn state_words(state: TableState) -> (&'static str, Tone, &'static str) {
    match state {
        TableState::Queued => ("·", Tone::Subtle, "queued"),
        TableState::Done => ("✓", Tone::Good, "done"),
        TableState::DoneWithRejected => ("!", Tone::Warning, "done, with rejected rows"),
        TableState::NeedsDecision => ("!", Tone::Warning, "needs a decision"),
        TableState::Stopped => ("·", Tone::Warning, "stopped"),
        TableState::Failed => ("✗", Tone::Bad, "failed"),
    }
}

fn summary(tables: &[TableProgress], elapsed: Duration) -> String {
    let sum = |value: fn(&TableProgress) -> u64| tables.iter().map(value).sum::<u64>();
    let (read, committed, size) = (sum(|t| t.rows_read), sum(|t| t.rows_committed), sum(|t| t.bytes));
    let seconds = elapsed.as_secs_f64().max(0.001);
    format!(
        "{} rows read, {} durable, {} rows/s, {}/s, {}",
        about(read),
        about(committed),
        about((read as f64 / seconds) as u64),
        bytes((size as f64 / seconds) as u64),
        duration(elapsed)
    )
}

/// One bar a table, and a line of totals below.
#[derive(Default)]
struct Bars {
    all: MultiProgress,
    tables: HashMap<TableName, ProgressBar>,
    total: Option<ProgressBar>,
}

impl Bars {
    fn show(mut self, events: &Receiver<Event>, redaction: &Redaction) {
        let total = self.all.add(ProgressBar::new_spinner());
        total.set_style(style("{spinner} {msg}"));
        total.enable_steady_tick(Duration::from_millis(250));
        self.total = Some(total.clone());
        for event in events {
            match &event {
                Event::TableStarted { table, rows_estimate, full, resumed } => {
                    self.start(table, *rows_estimate, *full, *resumed);
                }
                Event::Progress { tables, elapsed_ms } => {
                    total.set_message(summary(tables, Duration::from_millis(*elapsed_ms)));
                    for progress in tables {
                        self.advance(progress);
                    }
                }
                Event::TableEnded { table, .. } => {
                    if let Some(bar) = self.tables.remove(table) {
                        bar.finish_and_clear();
                    }
                }
                Event::Waiting { table, reason } => {
                    if let Some(bar) = self.tables.get(table) {
                        bar.set_message(reason.clone().unwrap_or_default());
                    }
                }
                _ => {}
            }
            let told_by_bar = matches!(event, Event::Waiting { .. });
            if let Some(text) = event_text(&event).filter(|_| !told_by_bar) {
                let _ = self.all.println(redaction.clean(&text));
            }
        }
        total.finish_and_clear();
        let _ = self.all.clear();
    }

    /// A bar where the total is known; a growing count where it is not.
    fn start(&mut self, table: &TableName, rows_estimate: Option<u64>, full: bool, resumed: bool) {
        let bar = match rows_estimate.filter(|rows| *rows > 0 && full && !resumed) {
            Some(rows) => {
                let bar = ProgressBar::new(rows);
                bar.set_style(style("  {prefix:28!} {bar:24} {human_pos:>12} of about {human_len} {msg}"));
                bar
            }
            None => {
                let bar = ProgressBar::no_length();
                bar.set_style(style("  {prefix:28!} {human_pos:>37} rows {msg}"));
                bar
            }
        };
        bar.set_prefix(table.to_string());
        // Above the totals.
        let bar = match &self.total {
            Some(total) => self.all.insert_before(total, bar),
            None => self.all.add(bar),
        };
        // A second attempt begins the table again.
        if let Some(old) = self.tables.insert(table.clone(), bar) {
            old.finish_and_clear();
        }
    }

    fn advance(&self, progress: &TableProgress) {
        if let Some(bar) = self.tables.get(&progress.table) {
            // An estimate that was too small must not stop the bar at "done".
            if bar.length().is_some_and(|length| progress.rows_read > length) {
                bar.set_length(progress.rows_read);
            }
            bar.set_position(progress.rows_read);
        }
    }
}

/// A broken template is a mistake in this file; the plain style still shows everything.
fn style(template: &str) -> ProgressStyle {
    let spinner = if io::stderr().is_terminal() { "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ " } else { "  " };
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━━╌")
        .tick_chars(spinner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_valid() {
        for template in [
            "{spinner} {msg}",
            "  {prefix:28!} {bar:24} {human_pos:>12} of about {human_len} {msg}",
            "  {prefix:28!} {human_pos:>37} rows {msg}",
        ] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn totals_are_words() {
        let table = TableProgress {
            table: TableName::bare("t"),
            rows_read: 1_240_000,
            rows_committed: 1_000_000,
            rows_rejected: 0,
            bytes: 84_000_000,
            rows_prepared: 1_240_000,
            source_ms: 0,
            prepare_ms: 0,
            destination_ms: 0,
        };
        assert_eq!(
            summary(&[table], Duration::from_secs(2)),
            "1.24 M rows read, 1.00 M durable, 620 k rows/s, 42.0 MB/s, 2.0 s"
        );
    }
}
