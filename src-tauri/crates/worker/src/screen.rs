//! Everything that is printed goes through here: results to standard output, everything else to standard error.

use std::io::{self, IsTerminal, Write};
use std::process;

use console::{Alignment, Style, Term, measure_text_width, pad_str, truncate_str};
use serde::Serialize;
use syncline_engine::Failure;
use syncline_protocol::Error;
use syncline_worker::Redaction;

use crate::cli::Global;
use crate::exit::Exit;

/// Where the program speaks to a person or to another program.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Taken out of everything that is printed.
    pub(crate) redaction: Redaction,
    /// Whether details of errors are shown.
    pub(crate) verbose: bool,
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

/// A column of a printed table, with its title.
pub(crate) enum Column<'a> {
    /// Texts, beginning at the same place.
    Left(&'a str),
    /// Numbers, ending at the same place.
    Right(&'a str),
}

/// What stands between two columns.
const GAP: &str = "  ";
/// Columns are never cut to less than this.
const COLUMN_WIDTH_MIN: usize = 12;

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
    pub(crate) fn print_table(&self, columns: &[Column<'_>], rows: impl IntoIterator<Item = Vec<String>>) {
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

/// A table as text: as wide as it needs to be, and on a terminal no wider than that, as far as cutting helps.
pub(crate) fn table(columns: &[Column<'_>], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let width_max =
        io::stdout().is_terminal().then(|| usize::from(Term::stdout().size().1)).filter(|width| *width > 0);
    table_within(columns, rows, width_max)
}

fn table_within(
    columns: &[Column<'_>],
    rows: impl IntoIterator<Item = Vec<String>>,
    width_max: Option<usize>,
) -> String {
    let header =
        columns.iter().map(|(Column::Left(title) | Column::Right(title))| paint(Tone::Subtle, title));
    let lines: Vec<Vec<String>> = std::iter::once(header.collect()).chain(rows).collect();
    let mut widths: Vec<usize> = (0..columns.len())
        .map(|at| lines.iter().filter_map(|line| line.get(at)).map(|text| measure_text_width(text)).max())
        .map(Option::unwrap_or_default)
        .collect();
    shrink(&mut widths, width_max);
    let mut text = String::new();
    for line in &lines {
        let mut row = String::new();
        for ((column, cell), width) in columns.iter().zip(line).zip(&widths) {
            let alignment = match column {
                Column::Left(_) => Alignment::Left,
                Column::Right(_) => Alignment::Right,
            };
            row.push_str(&pad_str(&truncate_str(cell, *width, "…"), *width, alignment, None));
            row.push_str(GAP);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// Takes from the widest column until everything fits, or nothing more can be taken.
fn shrink(widths: &mut [usize], width_max: Option<usize>) {
    let Some(width_max) = width_max else { return };
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width_max {
        match widths.iter_mut().max() {
            Some(widest) if *widest > COLUMN_WIDTH_MIN => *widest -= 1,
            _ => return,
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Vec<String>> {
        let red = Style::new().red().force_styling(true);
        vec![
            vec![
                red.apply_to("✓ orders").to_string(),
                "1,240,000".to_owned(),
                "a long reason that goes on".to_owned(),
            ],
            vec!["größe".to_owned(), "7".to_owned(), String::new()],
        ]
    }

    fn text(width_max: Option<usize>) -> String {
        let columns = [Column::Left("TABLE"), Column::Right("ROWS"), Column::Left("WHY")];
        console::strip_ansi_codes(&table_within(&columns, rows(), width_max)).into_owned()
    }

    #[test]
    fn columns_line_up_whatever_their_colour() {
        insta::assert_snapshot!(text(None), @r"
    TABLE          ROWS  WHY
    ✓ orders  1,240,000  a long reason that goes on
    größe             7
    ");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_widest_column() {
        insta::assert_snapshot!(text(Some(38)), @r"
    TABLE          ROWS  WHY
    ✓ orders  1,240,000  a long reason th…
    größe             7
    ");
        assert_eq!(text(Some(3)), text(Some(1)), "there is an end to cutting");
    }
}
