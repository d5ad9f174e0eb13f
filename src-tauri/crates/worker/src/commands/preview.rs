//! `syncline preview`

use serde::Serialize;
use syncline_engine::{ColumnPreview, ColumnProfile, Preview, SampleWatch};
use syncline_protocol::{Error, LogicalType, Result, SamplePick, Sampling};
use syncline_worker::host::Counting;

use crate::app::Context;
use crate::cli;
use crate::commands::plan::effect_text;
use crate::exit::Exit;
use crate::screen::{Column, Screen, Tone, paint};
use crate::text::{counted, shorten};

/// Wider values are cut; JSON output has them whole.
const VALUE_WIDTH: usize = 32;
/// With more columns a table of rows is unreadable, and rows are shown one value per line.
const COLUMNS_ACROSS_MAX: usize = 12;

pub(crate) fn run(context: &Context<'_>, arguments: &cli::Preview) -> Result<Exit> {
    let connection = context.connection(&arguments.connection)?;
    super::run::require_tables(&connection, std::slice::from_ref(&arguments.table))?;
    let pick = match &arguments.condition {
        Some(condition) => SamplePick::Where(condition.clone()),
        None if arguments.random => SamplePick::Random,
        None => SamplePick::First,
    };
    let sampling = Sampling { rows: arguments.rows, pick };
    let (preview, profiles) = context.runtime.block_on(async {
        let watch = SampleWatch::new();
        let (preview, sample) = connection.preview(&arguments.table, &sampling, &watch).await?;
        let mut profiles = Vec::new();
        for column in 0..sample.columns() {
            profiles.push(sample.profile(column, &Counting).await?);
        }
        Ok::<_, Error>((preview, profiles))
    })?;
    if arguments.json {
        context.screen.print_json_pretty(&Shown { preview: &preview, profiles: &profiles });
    } else {
        show(context.screen, &sampling.pick, &preview, &profiles, arguments.show);
    }
    Ok(Exit::Ok)
}

/// What is printed as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    preview: &'a Preview,
    /// What the columns hold, in their order.
    profiles: &'a [ColumnProfile],
}

fn show(screen: &Screen, pick: &SamplePick, preview: &Preview, profiles: &[ColumnProfile], rows_max: usize) {
    let sampled = counted(preview.rows_sampled as u64, "row");
    let sample = match pick {
        SamplePick::First => format!("the first {sampled} the source gives"),
        SamplePick::Random => format!("{sampled} from all over the table"),
        SamplePick::Where(condition) => format!("{sampled} where {condition}"),
    };
    screen.print(format!(
        "{}   {}",
        paint(Tone::Strong, &format!("{} → {}", preview.table, preview.target)),
        paint(Tone::Subtle, &format!("sample: {sample}"))
    ));
    screen.print("");
    if preview.findings.is_empty() {
        screen.print(format!("{} Nothing to note in the sample.", paint(Tone::Good, "✓")));
    }
    for finding in &preview.findings {
        let sign = match finding.weight {
            3.. => paint(Tone::Bad, "✗"),
            2 => paint(Tone::Warning, "!"),
            _ => paint(Tone::Subtle, "·"),
        };
        screen.print(format!("{sign} {}", finding.text));
    }
    screen.print("");
    show_rows(screen, preview, rows_max);
    screen.print("");
    show_profile(screen, preview, profiles);
    if let Some(effect) = &preview.effect {
        screen.print(effect_text(effect).trim_start_matches('\n'));
    }
}

fn show_rows(screen: &Screen, preview: &Preview, rows_max: usize) {
    let value = |value: &Option<String>| match value {
        Some(text) if text.is_empty() => paint(Tone::Subtle, "''"),
        Some(text) => shorten(text, VALUE_WIDTH),
        None => paint(Tone::Subtle, "null"),
    };
    let rows = preview.rows.iter().take(rows_max);
    if preview.columns.len() <= COLUMNS_ACROSS_MAX {
        let columns: Vec<Column<'_>> = preview.columns.iter().map(data_column).collect();
        screen.print_table(&columns, rows.map(|row| row.iter().map(value).collect()));
        return;
    }
    for (number, row) in rows.enumerate() {
        screen.print(paint(Tone::Subtle, &format!("row {}", number + 1)));
        let lines =
            preview.columns.iter().zip(row).map(|(column, text)| vec![column.target.clone(), value(text)]);
        screen.print_table(&[Column::Left("COLUMN"), Column::Left("VALUE")], lines);
    }
}

/// Numbers end at the same place.
fn data_column(column: &ColumnPreview) -> Column<'_> {
    match column.landed_type {
        LogicalType::Int16
        | LogicalType::Int32
        | LogicalType::Int64
        | LogicalType::Float32
        | LogicalType::Float64
        | LogicalType::Decimal { .. }
        | LogicalType::Numeric => Column::Right(&column.target),
        _ => Column::Left(&column.target),
    }
}

fn show_profile(screen: &Screen, preview: &Preview, profiles: &[ColumnProfile]) {
    let rows = preview.rows_sampled;
    screen.print_table(
        &[
            Column::Left("COLUMN"),
            Column::Left("FROM"),
            Column::Left("LANDS AS"),
            Column::Right("NULL"),
            Column::Right("DIFFERENT"),
            Column::Left("SMALLEST"),
            Column::Left("LARGEST"),
            Column::Left("MOST FREQUENT"),
        ],
        preview.columns.iter().zip(profiles).map(|(column, profile)| profile_row(column, profile, rows)),
    );
}

fn profile_row(column: &ColumnPreview, profile: &ColumnProfile, rows: usize) -> Vec<String> {
    let short = |value: &Option<String>| value.as_deref().map(|text| shorten(text, 20)).unwrap_or_default();
    let nulls = match (column.nulls, rows) {
        (0, _) | (_, 0) => "–".to_owned(),
        (nulls, rows) => format!("{:.0} %", (nulls as f64 / rows as f64 * 100.0).max(1.0)),
    };
    let from = match column.source == column.target {
        true => column.source_type.clone(),
        false => format!("{} ({})", column.source, column.source_type),
    };
    let lands = if column.hash { "code (hash)".to_owned() } else { column.landed_type.to_string() };
    let top = profile.top.iter().take(3).map(|(value, count)| format!("{} ×{count}", shorten(value, 12)));
    vec![
        shorten(&column.target, 32),
        shorten(&from, 32),
        shorten(&lands, 24),
        nulls,
        match profile.skipped {
            None => profile.distinct.to_string(),
            Some(_) => "not counted".to_owned(),
        },
        short(&profile.min),
        short(&profile.max),
        top.collect::<Vec<_>>().join(", "),
    ]
}
