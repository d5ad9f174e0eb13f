//! Everything that is printed goes through here: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::process;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use console::{Style, Term};
use serde::Serialize;
use syncline_engine::Failure;
use syncline_protocol::Error;

use crate::cli::Global;
use crate::exit::Exit;
use crate::redaction::Redaction;

/// Where the program speaks to a person or to another program.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Taken out of everything that is printed.
    pub(crate) redaction: Redaction,
    verbose: bool,
}

/// The meaning of a piece of text, which decides its colour. Colour never carries a meaning alone.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tone {
    /// The thing itself.
    Strong,
    /// Beside the point.
    Subtle,
    /// It worked.
    Good,
    /// It needs a look.
    Warning,
    /// It failed.
    Bad,
}

/// A column of a printed table.
pub(crate) enum Column {
    /// Texts, beginning at the same place.
    Left(&'static str),
    /// Numbers, ending at the same place.
    Right(&'static str),
}

impl Screen {
    /// Decides about colours: none with `--no-color`, with `NO_COLOR`, or where nobody sees them.
    pub(crate) fn new(global: &Global) -> Self {
        let wanted = !global.no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        console::set_colors_enabled(wanted && Term::stdout().features().colors_supported());
        console::set_colors_enabled_stderr(wanted && Term::stderr().features().colors_supported());
        Screen { redaction: Redaction::default(), verbose: global.verbose > 0 }
    }

    /// Whether questions can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Whether a person watches the messages.
    pub(crate) fn is_watched(&self) -> bool {
        io::stderr().is_terminal()
    }

    /// A part of the result.
    pub(crate) fn print(&self, text: impl AsRef<str>) {
        let text = self.redaction.clean(text.as_ref());
        let mut out = io::stdout().lock();
        if writeln!(out, "{text}").and_then(|()| out.flush()).is_err() {
            // Whoever read the output is gone (`syncline … | head`): there is nobody left to tell.
            process::exit(i32::from(Exit::Ok.code()));
        }
    }

    /// A part of the result for programs: one line.
    pub(crate) fn print_json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.print(text),
            Err(error) => {
                self.error(&Error::internal("A value could not be written as JSON.").caused_by(error));
            }
        }
    }

    /// A result for programs that people may read too.
    pub(crate) fn print_json_pretty(&self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.print(text),
            Err(error) => {
                self.error(&Error::internal("A value could not be written as JSON.").caused_by(error));
            }
        }
    }

    /// A message beside the result.
    pub(crate) fn say(&self, text: impl AsRef<str>) {
        // Standard error that cannot be written to is no reason to stop.
        let _ = writeln!(io::stderr().lock(), "{}", self.redaction.clean(text.as_ref()));
    }

    /// An error, in the shape of every error.
    pub(crate) fn error(&self, error: &Error) {
        self.failure(&Failure::from(error));
    }

    /// The same for an error that was kept as data.
    pub(crate) fn failure(&self, failure: &Failure) {
        self.say(failure_text(failure, self.verbose));
    }

    /// A table of texts.
    pub(crate) fn print_table(&self, columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) {
        self.print(table(columns, rows));
    }
}

/// What happened, what it means, numbered fixes, details.
pub(crate) fn failure_text(failure: &Failure, verbose: bool) -> String {
    let mut text = format!(
        "{} {}\n  {}",
        paint_err(Tone::Bad, "✗"),
        paint_err(Tone::Strong, &failure.message),
        failure.meaning
    );
    for (number, fix) in failure.fixes.iter().enumerate() {
        text.push_str(&format!("\n  {}. {fix}", number + 1));
    }
    if !failure.details.is_empty() {
        if verbose {
            text.push_str(&paint_err(Tone::Subtle, &format!("\n  Details ({:?}):", failure.kind)));
            for detail in &failure.details {
                let detail = detail.replace('\n', "\n      ");
                text.push_str(&paint_err(Tone::Subtle, &format!("\n    {detail}")));
            }
        } else {
            text.push_str(&paint_err(Tone::Subtle, "\n  Details: run it again with -v."));
        }
    }
    text
}

/// A table as text, as wide as the terminal or, where there is none, as it needs to be.
pub(crate) fn table(columns: &[Column], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_content_arrangement(if io::stdout().is_terminal() {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    });
    let header = columns.iter().map(|column| match column {
        Column::Left(title) | Column::Right(title) => paint(Tone::Subtle, title),
    });
    table.set_header(header);
    for row in rows {
        table.add_row(row.into_iter().map(Cell::new));
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(formatted) = table.column_mut(at) {
            let padding = if at == 0 { (0, 1) } else { (1, 1) };
            formatted.set_padding(padding);
            if matches!(column, Column::Right(_)) {
                formatted.set_cell_alignment(CellAlignment::Right);
            }
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

fn style(tone: Tone) -> Style {
    let style = Style::new();
    match tone {
        Tone::Strong => style.bold(),
        Tone::Subtle => style.dim(),
        Tone::Good => style.green(),
        Tone::Warning => style.yellow(),
        Tone::Bad => style.red(),
    }
}

/// Text for standard output.
pub(crate) fn paint(tone: Tone, text: &str) -> String {
    style(tone).apply_to(text).to_string()
}

/// Text for standard error.
pub(crate) fn paint_err(tone: Tone, text: &str) -> String {
    style(tone).for_stderr().apply_to(text).to_string()
}
